from pathlib import Path

import pytest

from charter.project.errors import CharterError
from charter.project.params import Params
from charter.project.paths import CorpusPaths, ProjectPaths
from charter.project.records import Chunk, Document
from charter.project.sections import Corpus
from charter.project.storage import read_rows
from charter.stages import extract

pytestmark = pytest.mark.models

ARTICLES = "# Rules\n\n" + "\n\n".join(
    f"## Article {n}\n\nThe rule numbered {n} holds for all." for n in range(1, 11)
)


ENGLISH = "All human beings are born free and equal in dignity and rights, without any distinction. " * 3
GERMAN = "Alle Menschen sind frei und gleich an Würde und Rechten geboren, ohne jeden Unterschied. " * 3


def with_corpus(params: Params, limit: int = 0, language: str = "auto") -> Params:
    corpus = Corpus(path="data/raw/ours", title="Ours", language=language)
    settings = params.extract.model_copy(update={"limit": limit})
    return params.model_copy(update={"corpora": {"ours": corpus}, "extract": settings})


@pytest.fixture
def paths(base_models: ProjectPaths, tmp_path: Path) -> CorpusPaths:
    (tmp_path / "models").mkdir()
    (tmp_path / "models/base").symlink_to(base_models.encoder.parent)
    (tmp_path / "data/raw/ours").mkdir(parents=True)
    (tmp_path / "data/raw/ours/rules.md").write_text(ARTICLES)
    return ProjectPaths(tmp_path).corpus("ours")


def test_rows_and_metrics(params: Params, paths: CorpusPaths) -> None:
    (paths.root / "data/raw/ours/more.txt").write_text("One more rule of this kind must be kept by all.\n")
    metrics = extract.run(with_corpus(params), paths)
    documents = {document.name: document for document in read_rows(paths.documents, Document)}
    chunks = read_rows(paths.chunks, Chunk)
    assert metrics == {
        "documents": 2,
        "languages": {"eng": 1, "unknown": 1},
        "pages": 0,
        "characters": sum(len(document.text) for document in documents.values()),
        "chunks": 11,
        "coverage": 1.0,
        "removed_running_lines": 0,
        "removed_contents": 0,
        "tokens_mean": pytest.approx(
            sum(len(chunk.text.replace(".", " .").split()) for chunk in chunks) / 11
        ),
        "tokens_max": 12,
    }
    for chunk in chunks:
        document = documents[chunk.document]
        assert chunk.document_sha256 == document.sha256
        assert document.text[chunk.start : chunk.end] == chunk.text


def test_chunks_have_at_most_the_tokens_asked_for(params: Params, paths: CorpusPaths) -> None:
    (paths.root / "data/raw/ours/long.md").write_text(
        "# Long\n\n" + "An endless rule without any full stop and " * 300
    )
    metrics = extract.run(with_corpus(params), paths)
    assert metrics["coverage"] == 1.0
    assert metrics["tokens_max"] <= params.extract.max_tokens


def test_words_that_the_encoder_does_not_know_count_by_their_characters(
    params: Params, paths: CorpusPaths
) -> None:
    # Thai has no blanks between words, so the encoder takes a whole clause for one unknown word.
    (paths.root / "data/raw/ours/rules.md").write_text(
        "บุคคลมีสิทธิในการดำรงชีวิตเสรีธรรมและความมั่นคงแห่งร่างกาย " * 40
    )
    metrics = extract.run(with_corpus(params), paths)
    chunks = read_rows(paths.chunks, Chunk)
    assert max(len(chunk.text) for chunk in chunks) <= 1.1 * params.extract.max_tokens
    assert metrics["languages"] == {"tha": 1}
    assert metrics["coverage"] == 1.0


def test_chunks_have_the_language_that_was_found_and_weak_models_are_named_once(
    params: Params, paths: CorpusPaths, capsys: pytest.CaptureFixture[str]
) -> None:
    (paths.root / "data/raw/ours/rules.md").write_text(ENGLISH)
    extract.run(with_corpus(params), paths)
    assert {chunk.language for chunk in read_rows(paths.chunks, Chunk)} == {"eng"}
    assert "isn't known to know" not in capsys.readouterr().err
    (paths.root / "data/raw/ours/rules.md").write_text(GERMAN)
    extract.run(with_corpus(params), paths)
    assert {chunk.language for chunk in read_rows(paths.chunks, Chunk)} == {"deu"}
    shown = capsys.readouterr().err
    assert shown.count("isn't known to know German") == 3
    assert shown.count("ours: The seed smollm2-135m-instruct") == 1
    assert shown.count("ours: The encoder all-minilm-l6-v2") == 1


def test_the_language_that_params_name_is_not_found_out(params: Params, paths: CorpusPaths) -> None:
    metrics = extract.run(with_corpus(params, language="deu"), paths)
    assert metrics["languages"] == {"deu": 1}
    assert {document.language for document in read_rows(paths.documents, Document)} == {"deu"}
    assert {chunk.language for chunk in read_rows(paths.chunks, Chunk)} == {"deu"}


def test_a_language_that_is_none_is_an_error_before_anything_is_read(
    params: Params, paths: CorpusPaths
) -> None:
    with pytest.raises(CharterError, match=r"corpora\.ours\.language: xyz"):
        extract.run(with_corpus(params, language="xyz"), paths)
    assert not paths.documents.exists()


def test_a_bad_document_leaves_nothing_behind(params: Params, paths: CorpusPaths) -> None:
    (paths.root / "data/raw/ours/z.pdf").write_bytes(b"no PDF")
    with pytest.raises(CharterError, match=r"z\.pdf"):
        extract.run(with_corpus(params), paths)
    left = [path for path in (paths.root / "data").rglob("*") if path.is_file()]
    assert sorted(path.name for path in left) == ["rules.md", "z.pdf"]


def test_limit_takes_chunks_from_the_whole_document(params: Params, paths: CorpusPaths) -> None:
    extract.run(with_corpus(params, limit=3), paths)
    assert [chunk.headings[-1] for chunk in read_rows(paths.chunks, Chunk)] == [
        "Article 2",
        "Article 6",
        "Article 9",
    ]
    extract.run(with_corpus(params, limit=99), paths)
    assert len(read_rows(paths.chunks, Chunk)) == 10


def test_nothing_extracted_is_an_error(params: Params, paths: CorpusPaths) -> None:
    (paths.root / "data/raw/ours/rules.md").write_text("# Only a title\n")
    with pytest.raises(CharterError, match="no chunks"):
        extract.run(with_corpus(params), paths)
    assert not paths.chunks.exists()


def test_unknown_corpus_is_named(params: Params, paths: CorpusPaths) -> None:
    with pytest.raises(CharterError, match=r"corpora\.ours"):
        extract.run(params, paths)
