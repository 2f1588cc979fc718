"""What each way of searching finds of the dev questions."""

import pytest

from charter.evaluation.exam_split import Exam, Seal, write_seal
from charter.evaluation.retrieval_exam import RetrievalFigures, measure_retrieval
from charter.project.params import Params
from charter.project.paths import CorpusPaths, ProjectPaths
from charter.project.storage import write_rows
from charter.report.retrieval_table import RETRIEVAL_COLUMNS, retrieval_table
from exam_rows import question_of, unanswerable, write_exam
from rows import chunk_of

TEXTS = {
    "Gifts": "The register is kept by the ombudsman. Gifts are reported within 30 days.",
    "Animals": "Dogs stay outside. The cat is fed by the warden at eight.",
    "Rest": "Holidays are paid.",
}
SHARED = question_of("shared", "Gifts", question="When must gifts be reported?")
NO_WORD_SHARED = question_of(
    "everyday",
    "Animals",
    question="Who feeds our kitten?",
    references=("The warden.",),
    key_facts=(("warden",),),
    must_not_say=(),
    quote=TEXTS["Animals"],
)


@pytest.fixture(scope="module")
def ours(base_models: ProjectPaths, tmp_path_factory: pytest.TempPathFactory) -> CorpusPaths:
    """A corpus of three chunks, with two dev questions that it answers and one that it doesn't."""
    root = tmp_path_factory.mktemp("ours")
    (root / "models").mkdir()
    (root / "models/base").symlink_to(base_models.encoder.parent)
    paths = ProjectPaths(root).corpus("ours")
    write_rows(paths.chunks, [chunk_of(text, headings=(name,)) for name, text in TEXTS.items()])
    sealed = question_of("sealed", "Rest", question="When are holidays paid?")
    write_exam(paths, [SHARED, NO_WORD_SHARED, unanswerable("unsaid"), sealed], [])
    seal = Seal(
        seed=1,
        sha256=Exam([sealed], []).sha256(),
        questions=1,
        dilemmas=0,
        dev=("Gifts", "Animals"),
        sealed=("Rest",),
    )
    write_seal(paths.exam_seal, seal)
    return paths


@pytest.fixture(scope="module")
def everything(ours: CorpusPaths, params: Params) -> list[RetrievalFigures]:
    return measure_retrieval(params, ours)


@pytest.fixture(scope="module")
def measured(everything: list[RetrievalFigures]) -> dict[str, RetrievalFigures]:
    return {figures.method: figures for figures in everything if figures.unit == "chunk"}


@pytest.mark.models
def test_chunks_found_are_counted_by_method_and_number_of_passages(
    measured: dict[str, RetrievalFigures],
) -> None:
    shares = {
        method: [figures.hits[count].value for count in (1, 3, 5)] for method, figures in measured.items()
    }
    assert shares == {"dense": [1, 1, 1], "bm25": [0.5, 0.5, 0.5], "hybrid": [1, 1, 1]}
    assert {method: figures.mrr.value for method, figures in measured.items()} == {
        "dense": 1,
        "bm25": 0.5,
        "hybrid": 1,
    }


@pytest.mark.models
def test_answers_of_the_nearest_sentence_are_marked(measured: dict[str, RetrievalFigures]) -> None:
    assert measured["dense"].right[1].value == 1
    assert measured["bm25"].right[5].value == 0.5


@pytest.mark.models
def test_sentences_are_measured_too(everything: list[RetrievalFigures]) -> None:
    by_sentence = next(f for f in everything if (f.unit, f.method) == ("sentence", "dense"))
    assert by_sentence.hits[1].value == by_sentence.right[1].value == 1


@pytest.mark.models
def test_dev_questions_that_the_document_answers_are_asked_alone(
    measured: dict[str, RetrievalFigures],
) -> None:
    for figures in measured.values():
        assert {
            estimate.n for estimate in (*figures.hits.values(), *figures.right.values(), figures.mrr)
        } == {2}


@pytest.mark.models
def test_the_table_says_how_many_and_marks_what_is_set(
    everything: list[RetrievalFigures], params: Params
) -> None:
    current = params.retrieval.model_copy(update={"unit": "sentence", "method": "bm25", "passages": 3})
    table = retrieval_table("ours", everything, current)
    assert "ours: retrieval, 2 dev questions" in str(table.title)
    assert [column.header for column in table.columns] == list(RETRIEVAL_COLUMNS)
    assert list(zip(*(column.cells for column in table.columns[:3]), strict=True)) == [
        (unit, method, f"{count} *" if (unit, method, count) == ("sentence", "bm25", 3) else str(count))
        for unit in ("chunk", "sentence")
        for method in ("dense", "bm25", "hybrid")
        for count in (1, 3, 5)
    ]
