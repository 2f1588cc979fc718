from pathlib import Path
from typing import get_args

import pytest
import torch

from charter.project.errors import CharterError
from charter.project.paths import ProjectPaths
from charter.project.records import Chunk
from charter.project.sections import Retrieval, RetrievalMethod, RetrievalUnit
from charter.project.storage import directory_sha256, read_json, write_json
from charter.retrieval.bm25 import Bm25Ranker
from charter.retrieval.encoder import Encoder
from charter.retrieval.index import build_index, load_index
from rows import chunk_of

pytestmark = pytest.mark.models

METHODS: tuple[RetrievalMethod, ...] = get_args(RetrievalMethod)


def settings(method: RetrievalMethod = "dense", unit: RetrievalUnit = "chunk") -> Retrieval:
    return Retrieval(method=method, unit=unit, passages=1)


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
    found = build_index(CHUNKS, encoder, settings()).search(["May I own a slave?", "How about school?"], 2)
    assert [passages[0].chunk_id for passages in found] == ["slavery", "education"]
    assert all(first.score >= second.score for first, second in found)


def test_every_chunk_finds_itself_with_similarity_one(encoder: Encoder) -> None:
    found = build_index(CHUNKS, encoder, settings()).search(list(TEXTS.values()), 1)
    assert [passage.chunk_id for (passage,) in found] == list(TEXTS)
    assert all(passage.score == pytest.approx(1, abs=1e-5) for (passage,) in found)


def test_headings_are_searched(encoder: Encoder) -> None:
    chunks = [
        chunk("a", "The limit is 50.", ("Gifts",)),
        chunk("b", "The limit is 50.", ("Speed on the road",)),
    ]
    index = build_index(chunks, encoder, settings())
    assert [found[0].chunk_id for found in index.search(["gifts", "How fast may I drive?"], 1)] == ["a", "b"]


def test_asks_for_more_than_there_is(encoder: Encoder) -> None:
    index = build_index(CHUNKS, encoder, settings())
    assert [len(found) for found in index.search(["rights"], 10)] == [3]
    assert index.search([], 3) == []


@pytest.mark.parametrize("method", METHODS)
def test_saved_index_finds_the_same_and_has_the_same_bytes(
    encoder: Encoder, tmp_path: Path, method: RetrievalMethod
) -> None:
    index = build_index(CHUNKS, encoder, settings(method))
    index.save(tmp_path / "one")
    build_index(CHUNKS, encoder, settings(method)).save(tmp_path / "two")
    assert directory_sha256(tmp_path / "one") == directory_sha256(tmp_path / "two")
    loaded = load_index(tmp_path / "one", encoder, settings(method))
    loaded.save(tmp_path / "three")
    assert directory_sha256(tmp_path / "one") == directory_sha256(tmp_path / "three")
    assert loaded.search(["the right to school"], 3) == index.search(["the right to school"], 3) != [()]


@pytest.mark.parametrize("method", METHODS)
def test_index_of_another_method_is_refused(
    encoder: Encoder, tmp_path: Path, method: RetrievalMethod
) -> None:
    build_index(CHUNKS, encoder, settings(method)).save(tmp_path)
    for other in set(METHODS) - {method}:
        with pytest.raises(CharterError, match=f"method: {other}; run `dvc repro rag-index` again"):
            load_index(tmp_path, encoder, settings(other))


def test_index_of_other_units_is_refused(encoder: Encoder, tmp_path: Path) -> None:
    build_index(CHUNKS, encoder, settings()).save(tmp_path)
    with pytest.raises(CharterError, match="unit: sentence; run `dvc repro rag-index` again"):
        load_index(tmp_path, encoder, settings(unit="sentence"))


def test_sentences_are_found_by_themselves_and_lead_back_to_their_chunk(
    encoder: Encoder, tmp_path: Path
) -> None:
    chunks = [
        chunk("pets", "Dogs stay outside. The cat is fed by the warden at eight."),
        chunk("stay", "Breakfast is at eight. Guests may stay for five nights."),
    ]
    questions = ["Who feeds the kitten?", "How long can I be here?"]
    build_index(chunks, encoder, settings(unit="sentence")).save(tmp_path)
    index = load_index(tmp_path, encoder, settings(unit="sentence"))
    found = [passages[0] for passages in index.search(questions, 2)]
    assert [passage.chunk_id for passage in found] == ["pets", "stay"]
    assert [own.narrowed(passage.span).text for own, passage in zip(chunks, found, strict=True)] == [
        "The cat is fed by the warden at eight.",
        "Guests may stay for five nights.",
    ]


def test_what_a_save_left_half_written_is_no_index(
    encoder: Encoder, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    index = build_index(CHUNKS, encoder, settings("hybrid"))
    index.save(tmp_path)

    def full(*_: object) -> None:
        raise OSError("no space left")

    monkeypatch.setattr(Bm25Ranker, "save", full)
    with pytest.raises(OSError, match="no space"):
        index.save(tmp_path)
    with pytest.raises(CharterError, match="no such file"):
        load_index(tmp_path, encoder, settings("hybrid"))


def test_hybrid_finds_what_either_way_finds(encoder: Encoder) -> None:
    """A code that means nothing to the encoder, and a word that the passage doesn't have."""
    chunks = [
        chunk("code", "Form QX-7781 goes to the registry."),
        chunk("form", "Form AB-1204 goes to the registry."),
        *CHUNKS,
    ]
    hybrid = build_index(chunks, encoder, settings("hybrid"))
    assert [found[0].chunk_id for found in hybrid.search(["QX 7781?", "How about school?"], 1)] == [
        "code",
        "education",
    ]
    by_words = build_index(chunks, encoder, settings("bm25"))
    assert by_words.search(["How about school?"], 3) == [()]
    assert [found[0].chunk_id for found in by_words.search(["QX 7781?"], 1)] == ["code"]


def test_hybrid_scores_are_those_of_both_ranks(encoder: Encoder) -> None:
    question = ["Is there a right to education?"]
    dense = build_index(CHUNKS, encoder, settings()).search(question, 3)[0]
    words = build_index(CHUNKS, encoder, settings("bm25")).search(question, 3)[0]
    both = {
        passage.chunk_id: passage.score
        for passage in build_index(CHUNKS, encoder, settings("hybrid")).search(question, 3)[0]
    }
    for name, score in both.items():
        ranks = [
            [passage.chunk_id for passage in found].index(name) + 1
            for found in (dense, words)
            if name in {passage.chunk_id for passage in found}
        ]
        assert score == pytest.approx(sum(1 / (60 + rank) for rank in ranks))
    assert set(both) == set(TEXTS)


def test_index_of_another_encoder_is_refused(encoder: Encoder, tmp_path: Path) -> None:
    build_index(CHUNKS, encoder, settings()).save(tmp_path)
    saved = read_json(tmp_path / "units.json")
    write_json(tmp_path / "units.json", saved | {"encoder_sha256": "0" * 64})
    with pytest.raises(CharterError, match="another encoder"):
        load_index(tmp_path, encoder, settings())


def test_missing_index_and_missing_chunks_are_named(encoder: Encoder, tmp_path: Path) -> None:
    for method in METHODS:
        with pytest.raises(CharterError, match="no such file"):
            load_index(tmp_path, encoder, settings(method))
    with pytest.raises(CharterError, match="no chunks"):
        build_index([], encoder, settings())
