"""Reading answers on the review page: blind, dev questions alone, and what is written down."""

import json
import shutil
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from fastapi.testclient import TestClient

from charter.cli.reviewing import review
from charter.evaluation.exam import read_dev, read_sealed
from charter.evaluation.exam_split import Exam, seal_exam, write_seal
from charter.evaluation.statistics import Resampling
from charter.project.appended import append_row
from charter.project.exam_records import ExamAnswer
from charter.project.paths import CorpusPaths, ProjectPaths
from charter.project.records import content_id
from charter.project.review_records import AnswerDecision
from charter.project.storage import write_rows
from charter.reviewing.answers import AnswerQueue
from charter.reviewing.app import ReviewPage
from charter.serving.running import Address
from charter.synthesis.row_decisions import read_decisions
from exam_rows import answer_of, sample_exam, write_exam
from review_rows import found, listed, prediction_of, show
from rows import chunk_of

ROOT = Path(__file__).parent.parent.parent

GIFTS = chunk_of("Gifts are reported within 30 days.", chunk_id="gifts", headings=("Rules", "Gifts"))
PREDICTIONS = [
    prediction_of("i0", "In a month."),
    prediction_of("i0", "In a month.", "teacher", True),
    prediction_of("i0", "Never.", "seed"),
    prediction_of("i1", "", "cft", "gold"),
    prediction_of("i1", "Yes.", "always-yes"),
    prediction_of("i2", "Of a passage that is gone.", chunk_id="gone"),
]


@pytest.fixture
def paths(tmp_path: Path) -> CorpusPaths:
    """A corpus with predictions, and a sealed exam that a system sat, every item of it."""
    paths = ProjectPaths(tmp_path).corpus("bcg")
    write_rows(paths.chunks, [GIFTS])
    write_rows(paths.predictions, PREDICTIONS)
    write_rows(paths.judgements, [])
    questions, dilemmas = sample_exam()
    write_exam(paths, questions, dilemmas)
    write_seal(paths.exam_seal, seal_exam(Exam(questions, dilemmas), seed=1))
    write_rows(paths.dev_answers, sat(paths))
    return paths


def sat(paths: CorpusPaths) -> list[ExamAnswer]:
    """Answers to all questions of the exam, whichever part they are of."""
    return [
        answer_of(row, chunk_id="" if row.kind == "unanswerable" else "gifts", answer=f"Said of {row.id}.")
        for part in (read_dev(paths), read_sealed(paths))
        for row in part.questions
    ]


@pytest.fixture
def client(paths: CorpusPaths) -> Iterator[TestClient]:
    page = ReviewPage(AnswerQueue(paths, Resampling(100, 1)), "Rules", "Ada", (), Address("127.0.0.1", 8002))
    with TestClient(page.app(), base_url="http://127.0.0.1:8002") as client:
        yield client


def decide(client: TestClient, item: str, decision: str, reviewer: str = "Ada", reason: str = "") -> Any:
    body = {"item": item, "reviewer": reviewer, "decision": decision, "reason": reason}
    return client.post("/api/decisions", json=body)


MONTH = content_id("i0", "In a month.")


def test_answers_of_models_come_once_each_in_an_order_by_chance(
    client: TestClient, paths: CorpusPaths
) -> None:
    items = listed(client)
    held_out = [content_id("i0", "In a month."), content_id("i0", "Never."), content_id("i1", "")]
    dev = [content_id(row.id, f"Said of {row.id}.") for row in read_dev(paths).questions]
    assert [item["id"] for item in items] == sorted(held_out) + sorted(dev)
    assert [item["part"] for item in items] == ["held-out"] * 3 + ["dev"] * len(dev)
    assert client.get("/api/about").json()["what"] == "answers"


def test_nothing_of_the_sealed_part_is_shown(client: TestClient, paths: CorpusPaths) -> None:
    sealed = read_sealed(paths).questions
    assert sealed
    told = json.dumps([show(client, item["id"]) for item in listed(client)])
    assert not any(f"Said of {row.id}." in told for row in sealed)
    assert all(f"Said of {row.id}." in told for row in read_dev(paths).questions)
    for row in sealed:
        item = content_id(row.id, f"Said of {row.id}.")
        assert client.get(f"/api/items/{item}", params={"reviewer": "Ada"}).status_code == 404
        assert decide(client, item, "right").status_code == 404


def test_a_question_of_another_exam_under_a_dev_items_name_is_not_shown(paths: CorpusPaths) -> None:
    before = answer_of(read_dev(paths).questions[0], chunk_id="gifts")
    write_rows(paths.dev_answers, [before.model_copy(update={"question": "Asked in an earlier exam?"})])
    queue = AnswerQueue(paths, Resampling(100, 1))
    assert {item["part"] for item in queue.listing("Ada")} == {"held-out"}


def test_an_answer_is_shown_with_passage_and_reference_and_without_its_system_or_marks(
    client: TestClient, paths: CorpusPaths
) -> None:
    assert show(client, MONTH) == {
        "id": MONTH,
        "kind": "answer",
        "part": "held-out",
        "rule": "",
        "texts": {"question": "Question i0?", "answer": "In a month.", "references": "Within 30 days."},
        "passage": {"document": "d", "section": ["Rules", "Gifts"], "pages": [], "text": GIFTS.text},
        "decisions": [],
        "decided": None,
        "disputed": False,
    }
    unanswerable = next(row for row in read_dev(paths).questions if row.kind == "unanswerable")
    shown = show(client, content_id(unanswerable.id, f"Said of {unanswerable.id}."))
    assert (shown["passage"], shown["texts"]["references"]) == (None, "It doesn't say.")
    told = json.dumps([show(client, item["id"]) for item in listed(client)])
    assert not any(word in told for word in ("dpo", "teacher", "seed", "marked", "fault", "rag"))


def test_decisions_are_lines_with_the_answer_and_no_system(client: TestClient, paths: CorpusPaths) -> None:
    assert decide(client, MONTH, "wrong", reason=" ").status_code == 422
    assert decide(client, MONTH, "accept").json()["detail"] == "decide right or wrong or unsure"
    assert not paths.answer_decisions.exists()
    assert decide(client, MONTH, "right").status_code == 200
    dev = listed(client)[-1]["id"]
    assert decide(client, dev, "wrong", reason="another question").status_code == 200
    text = paths.answer_decisions.read_text()
    assert paths.answer_decisions == paths.root / "data/decisions/bcg.answers.jsonl"
    assert not any(word in text for word in ("dpo", "teacher", "system"))
    first, second = read_decisions(paths.answer_decisions, AnswerDecision)[0]
    assert (first.answer.id, first.answer.answer, first.answer.marked_right) == (MONTH, "In a month.", None)
    assert (second.answer.marked_right, second.reason, second.informed) == (True, "another question", False)


def test_each_sees_the_other_after_deciding(client: TestClient, paths: CorpusPaths) -> None:
    decide(client, MONTH, "wrong", "Bob", reason="no date")
    assert show(client, MONTH)["decisions"] == []
    assert not any(item["decided"] or item["disputed"] for item in listed(client))
    told = decide(client, MONTH, "right").json()
    assert (told["disputed"], [each["reviewer"] for each in told["decisions"]]) == (True, ["Bob", "Ada"])
    assert not decide(client, MONTH, "unsure", "Bob").json()["disputed"]
    assert [each.informed for each in read_decisions(paths.answer_decisions, AnswerDecision)[0]] == [
        False,
        False,
        True,
    ]


def test_the_page_tells_how_people_agree_and_nothing_of_systems_or_marks(client: TestClient) -> None:
    dev = listed(client)[-1]["id"]
    for reviewer in ("Ada", "Bob"):
        decide(client, MONTH, "right", reviewer)
        decide(client, dev, "wrong", reviewer, reason="no")
    sentence = client.get("/api/agreement").json()["sentence"]
    assert "People read 2 answers, not knowing whose they were: 1 right, 1 wrong" in sentence
    assert "kappa: Ada and Bob 1.000" in sentence
    assert "marks" not in sentence
    assert "SFT" not in sentence


def test_without_an_exam_the_held_out_answers_are_there(paths: CorpusPaths) -> None:
    paths.dev_answers.unlink()
    shutil.rmtree(paths.exam_seal.parent)
    assert len(AnswerQueue(paths, Resampling(100, 1)).listing("Ada")) == 3


def test_the_command_prints_what_the_decisions_come_to(
    paths: CorpusPaths, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    shutil.copy(ROOT / "params.yaml", paths.root)
    monkeypatch.chdir(paths.root)
    review("bcg", what="answers", agreement=True)
    assert capsys.readouterr().out == "Nobody has read an answer yet.\n"
    append_row(paths.answer_decisions, found(PREDICTIONS[0], "right"))
    append_row(paths.answer_decisions, found(sat(paths)[0], "wrong", reason="no"))
    with paths.answer_decisions.open("ab") as file:
        file.write(b'{"answer":')
    review("bcg", what="answers", agreement=True)
    printed = capsys.readouterr().out
    assert "SFT+DPO 1.000 of 1; teacher+RAG 1.000 of 1" in printed
    assert "Agreement of people with the exam's marks, kappa: .000 on 1 answers" in printed
    assert "1 lines of" in printed
