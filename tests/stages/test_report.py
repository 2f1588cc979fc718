from pathlib import Path

import pytest

from charter.project.appended import append_row
from charter.project.errors import CharterError
from charter.project.params import Params
from charter.project.paths import ProjectPaths
from charter.project.records import Chunk, Prediction
from charter.project.storage import read_rows, write_json, write_rows, write_text
from charter.stages import report
from review_rows import found
from synthetic_project import make_evaluation, sit_exam, write_data


@pytest.fixture
def project(params: Params, tmp_path: Path) -> ProjectPaths:
    """A folder with what the report of two corpora reads, the second without curves and exam."""
    paths = ProjectPaths(tmp_path)
    for name in params.corpora:
        corpus = paths.corpus(name)
        answer = Prediction(
            id="p",
            item_id="i",
            chunk_id="gifts",
            system="dpo",
            rag=False,
            question=f"What does {name} forbid?",
            reference="Slavery.",
            retrieved=(),
            answer="Slavery and servitude.",
        )
        evaluation, answers, decisions = make_evaluation(name), [], []
        if name == "udhr":
            evaluation, answers, decisions = sit_exam(evaluation)
        write_json(corpus.metrics("evaluate"), evaluation.model_dump())
        write_json(
            corpus.metrics("synthesize"), {"instruct": {"requested": 465, "rejected": {"duplicate": 101}}}
        )
        write_rows(corpus.predictions, [answer])
        write_rows(corpus.exam_answers, answers)
        write_rows(corpus.exam_decisions, decisions)
        write_data(corpus)
    write_text(paths.corpus("udhr").curve("sft"), "step,epoch,loss,eval_loss\n1,0.5,2.5,\n2,1.0,1.5,1.7\n")
    return paths


def test_the_report_is_written_from_the_files(params: Params, project: ProjectPaths) -> None:
    assert report.run(params, project) == {}
    text = project.report.read_text(encoding="utf-8")
    assert "What does udhr forbid?" in text
    assert "What does bcg forbid?" in text
    assert text.count('<th scope="row">rules.pdf &gt; Gifts</th><td>1</td>') == 2
    assert "instruct.rejected.duplicate" in text
    assert text.count("Training speaks of 1 of the document's 3 rules (33&nbsp;%)") == 2
    assert text.count("held-out questions and pairs test 1.") == 2
    assert text.count('<span class="note">grey: implied: who judges it</span>') == 2
    assert text.count("<summary>1 kept, 1 broken, 1 not tested</summary>") == 1
    assert text.count("<summary>0 kept, 0 broken, 3 not tested</summary>") == 1
    assert text.count("Nobody has written an exam for this document") == 1
    assert text.count("refused: verification 1") == 2
    assert text.count("sft: loss over training steps") == 1
    assert "<code>unknown</code>" in text  # the folder is in no git repository


def test_validators_are_shown_of_corpora_that_have_labelled_items(
    params: Params, project: ProjectPaths
) -> None:
    for name in params.corpora:
        figures = {"support": {"precision": {"value": 0.8125, "low": None}, "mistakes": ["item-3", "item-7"]}}
        write_json(project.corpus(name).metrics("validators"), figures)
    report.run(params.model_copy(update={"labelled": {"bcg": "data/labelled/bcg.jsonl"}}), project)
    text = project.report.read_text(encoding="utf-8")
    assert text.count("support.precision.value") == 1
    assert "0.8125" in text
    assert "item-3, item-7" in text


def test_a_corpus_that_is_not_evaluated_is_named(params: Params, project: ProjectPaths) -> None:
    project.corpus("bcg").metrics("evaluate").unlink()
    with pytest.raises(CharterError, match=r"bcg/evaluate\.json: no such file; .*dvc repro"):
        report.run(params, project)


def test_data_of_another_state_of_the_document_are_refused(params: Params, project: ProjectPaths) -> None:
    corpus = project.corpus("udhr")
    first, *rest = read_rows(corpus.chunks, Chunk)
    write_rows(corpus.chunks, rest)
    with pytest.raises(CharterError, match=f"no chunk {first.id}, .*dvc repro synthesize@udhr"):
        report.run(params, project)


def test_what_people_found_of_answers_is_said_and_else_the_report_is_the_same(
    params: Params, project: ProjectPaths
) -> None:
    corpus = project.corpus("udhr")
    report.run(params, project)
    before = project.report.read_text(encoding="utf-8")
    assert "who read the answers" not in before
    # Judgements are read where there is something to hold against them.
    assert not corpus.judgements.exists()
    write_text(corpus.answer_decisions, "")
    report.run(params, project)
    assert project.report.read_text(encoding="utf-8") == before
    write_rows(corpus.judgements, [])
    append_row(corpus.answer_decisions, found(read_rows(corpus.predictions, Prediction)[0], "right"))
    report.run(params, project)
    section, _, rest = project.report.read_text(encoding="utf-8").partition(
        "<h4>What people found who read the answers</h4>"
    )
    said, _, after = rest.partition("</p>")
    assert "People read 1 answers, not knowing whose they were: 1 right" in said
    assert "SFT+DPO 1.000 of 1" in said
    assert (section.rstrip() + after).split() == before.split()
