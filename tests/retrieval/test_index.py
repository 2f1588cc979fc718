from pathlib import Path

import pytest
import torch

from charter.project.errors import CharterError
from charter.project.paths import ProjectPaths
from charter.project.records import Chunk
from charter.project.storage import directory_sha256, read_json, write_json
from charter.retrieval.encoder import Encoder
from charter.retrieval.index import build_index, load_index
from rows import chunk_of

pytestmark = pytest.mark.models

TEXTS = {
    "slavery": "No one shall be held in slavery or servitude.",
    "education": "Everyone has the right to education.",
    "rest": "Everyone has the right to rest and leisure, and to periodic holidays with pay.",
}


def chunk(name: str, text: str, headings: tuple[str, ...] = ()) -> Chunk:
    return chunk_of(text, chunk_id=name, headings=headings)


CHUNKS = [chunk(name, text) for name, text in TEXTS.items()]


@pytest.fixture(scope="module")
def encoder(base_models: ProjectPaths) -> Encoder:
    return Encoder(base_models.encoder, torch.device("cpu"))


def test_finds_what_answers_best_first(encoder: Encoder) -> None:
    found = build_index(CHUNKS, encoder).search(["May I own a slave?", "How about school?"], 2)
    assert [passages[0].chunk_id for passages in found] == ["slavery", "education"]
    assert all(first.score >= second.score for first, second in found)


def test_every_chunk_finds_itself_with_similarity_one(encoder: Encoder) -> None:
    found = build_index(CHUNKS, encoder).search(list(TEXTS.values()), 1)
    assert [passage.chunk_id for (passage,) in found] == list(TEXTS)
    assert all(passage.score == pytest.approx(1, abs=1e-5) for (passage,) in found)


def test_headings_are_searched(encoder: Encoder) -> None:
    chunks = [
        chunk("a", "The limit is 50.", ("Gifts",)),
        chunk("b", "The limit is 50.", ("Speed on the road",)),
    ]
    index = build_index(chunks, encoder)
    assert [found[0].chunk_id for found in index.search(["gifts", "How fast may I drive?"], 1)] == ["a", "b"]


def test_asks_for_more_than_there_is(encoder: Encoder) -> None:
    index = build_index(CHUNKS, encoder)
    assert [len(found) for found in index.search(["rights"], 10)] == [3]
    assert index.search([], 3) == []


def test_saved_index_finds_the_same_and_has_the_same_bytes(encoder: Encoder, tmp_path: Path) -> None:
    index = build_index(CHUNKS, encoder)
    index.save(tmp_path / "one")
    build_index(CHUNKS, encoder).save(tmp_path / "two")
    assert directory_sha256(tmp_path / "one") == directory_sha256(tmp_path / "two")
    loaded = load_index(tmp_path / "one", encoder)
    loaded.save(tmp_path / "three")
    assert directory_sha256(tmp_path / "one") == directory_sha256(tmp_path / "three")
    assert loaded.search(["school"], 3) == index.search(["school"], 3)


def test_index_of_another_encoder_is_refused(encoder: Encoder, tmp_path: Path) -> None:
    build_index(CHUNKS, encoder).save(tmp_path)
    saved = read_json(tmp_path / "chunks.json")
    write_json(tmp_path / "chunks.json", saved | {"encoder_sha256": "0" * 64})
    with pytest.raises(CharterError, match="another encoder"):
        load_index(tmp_path, encoder)


def test_missing_index_and_missing_chunks_are_named(encoder: Encoder, tmp_path: Path) -> None:
    with pytest.raises(CharterError, match="no such file"):
        load_index(tmp_path, encoder)
    with pytest.raises(CharterError, match="no chunks"):
        build_index([], encoder)
