"""Marks of answers: one rule a test, and agreement with a person on labelled answers."""

import re
from collections.abc import Callable
from pathlib import Path
from types import ModuleType

import pytest

from charter.evaluation.answer_language import load_answer_language
from charter.evaluation.exam import read_dev
from charter.evaluation.key_facts import Scorer
from charter.evaluation.statistics import Resampling, kappa
from charter.project.exam_records import ExamQuestion, LabelledExamAnswer, ReadExamAnswer
from charter.project.paths import ProjectPaths
from charter.project.storage import read_rows
from exam_rows import question_of, unanswerable

ROOT = Path(__file__).parent.parent.parent
HARD = ROOT / "data/labelled/exam_answers.jsonl"
EN = load_answer_language("en")

REPORT = question_of(
    "two",
    question="To whom are gifts reported, and when?",
    references=("To the Compliance Office within 30 days.", "Within thirty days, to the Compliance Office."),
    key_facts=(("Compliance Office",), ("30 days", "thirty days")),
    must_not_say=("60 days", "Human Resources"),
)
BAN = question_of(
    "ban",
    question="May I take a voucher?",
    references=("No, vouchers are forbidden at any value.", "No, nobody may take one, whatever its value."),
    key_facts=(("no", "forbidden", "must not"),),
    must_not_say=("yes", "is fine"),
    polarity="no",
    quote="Vouchers are forbidden at any value.",
)
LEAVE = question_of(
    "leave",
    question="Is a meal allowed, and up to what?",
    references=("Yes, up to EUR 90 a head.", "Yes, it may cost ninety euros."),
    key_facts=(("EUR 90",),),
    must_not_say=(),
    polarity="yes",
)
CARE = question_of(
    "care",
    question="I've become blind. Is that a case in which I'm entitled to security?",
    references=("Yes, disability is one of the cases.", "Yes, in the event of disability too."),
    key_facts=(("disability",),),
    must_not_say=(),
    polarity="yes",
    quote="security in the event of sickness, disability or other lack of livelihood",
)
SILENT = unanswerable(
    "silent", section="Article 4", question="How large is the fine?", must_not_say=("EUR 500",)
)


@pytest.mark.parametrize(
    ("question", "answer", "fault"),
    [
        (REPORT, "Tell the compliance office within 30 days.", None),
        (REPORT, "THIRTY days; Compliance Office", None),
        (REPORT, "The Compliance Office has to know no later than 30 days after.", None),
        (REPORT, "Not Human Resources but the Compliance Office, in 30 days.", None),
        (REPORT, "The Compliance Office.", "misses a fact"),
        (REPORT, "The Compliance Office within 300 days.", "misses a fact"),
        (REPORT, "The Compliance Office within 30 weeks.", "misses a fact"),
        (REPORT, "The Compliance Office within 60 days, or 30 days.", "says what it must not"),
        (REPORT, "Human Resources and the Compliance Office within 30 days.", "says what it must not"),
        (REPORT, "The Compliance Office, but not within 30 days.", "denies a fact"),
        (REPORT, "The Compliance Office within 20 or 30 days.", "leaves it open"),
        (REPORT, "The Compliance Office within 15, 20 or 30 days.", "leaves it open"),
        (REPORT, "The Compliance Office from 15 to 30 days.", "leaves it open"),
        (REPORT, "The Compliance Office within 30 or 45 days.", "misses a fact"),
        (REPORT, "The Compliance Office: 15 days, 30 days, 45 days.", "leaves it open"),
        (REPORT, "The Compliance Office or the Ethics Panel within 30 days.", "leaves it open"),
        (REPORT, "The Ethics Panel or the Compliance Office within 30 days.", "leaves it open"),
        (REPORT, "Within 30 days or one month, to the Compliance Office.", "leaves it open"),
        (REPORT, "It depends: the Compliance Office within 30 days.", "leaves it open"),
        (CARE, "Yes. There is security in sickness, disability or other lack of livelihood.", None),
        (CARE, "Yes. There is security in disability or unemployment.", "leaves it open"),
        (REPORT, "The document does not say.", "doesn't answer"),
        (REPORT, "To whom are gifts reported, and when?", "misses a fact"),
        (REPORT, "", "misses a fact"),
        (REPORT, "Well. " * 60 + "To the Compliance Office within 30 days.", "misses a fact"),
        (BAN, "No, vouchers are forbidden.", None),
        (BAN, "You may not. Their value makes no difference.", None),
        (BAN, "Vouchers are forbidden at any value.", None),
        (BAN, "No.", "verdict alone"),
        (BAN, "No, you may not take a voucher.", "verdict alone"),
        (BAN, "No, elections are by secret vote.", "verdict alone"),
        (BAN, "You may take it, since its value is small.", "misses a fact"),
        (BAN, "Yes, it is forbidden.", "says what it must not"),
        (BAN, "No voucher may be taken at any value.", None),
        (BAN, "Vouchers of no great value may be taken.", "misses a fact"),
        (BAN, "No, vouchers are not forbidden at all.", "denies a fact"),
        (BAN, "Certainly, none is forbidden.", "wrong verdict"),
        (BAN, "Vouchers are not forbidden at any value.", "denies a fact"),
        (LEAVE, "It may cost 90 euros a head.", None),
        (LEAVE, "Yes.", "misses a fact"),
        (LEAVE, "No, EUR 90 is too much.", "wrong verdict"),
        # The document's words first, in quotation marks, and behind them one's own.
        (LEAVE, '"A meal may cost EUR 90." Yes, it may.', None),
        (LEAVE, '"A meal may cost EUR 90." No, it may not.', "wrong verdict"),
        (LEAVE, "„A meal may cost EUR 90.“ No, it may not.", "wrong verdict"),
        (LEAVE, "« A meal may cost EUR 90. » No.", "wrong verdict"),
        (LEAVE, '"A meal may cost EUR 90."', None),
        (REPORT, '"Tell the Compliance Office within 30 days." In 30 days to that office.', "misses a fact"),
        (REPORT, '"Report it to someone." The Compliance Office, in 30 days.', None),
        (REPORT, '"Report it to the Compliance Office within 30 days."', None),
        (REPORT, '"Tell the Compliance Office in 30 days." The document doesn\'t say.', "doesn't answer"),
        (SILENT, "The document doesn't say.", None),
        (SILENT, "No amount is given, as Article 7 speaks of the ban only.", None),
        (SILENT, "No one is told how large it is: nothing is said about it.", None),
        (SILENT, "It is EUR 500.", "makes it up"),
        (SILENT, "The document does not say, but it is EUR 200.", "makes it up"),
        (SILENT, "It does not say: EUR 500.", "makes it up"),
        (SILENT, "I'm sorry, but I can't help with that.", "makes it up"),
        (SILENT, "", "makes it up"),
    ],
)
def test_marks(question: ExamQuestion, answer: str, fault: str | None) -> None:
    mark = Scorer(question, EN).mark(answer)
    assert mark.fault == fault
    assert mark.right is (fault is None)


def test_a_denial_that_the_reference_has_too_is_none() -> None:
    question = question_of(
        "child",
        question="What becomes of a child that was hired?",
        references=("It must not be dismissed without schooling.",),
        key_facts=(("dismissed",), ("schooling",)),
        must_not_say=(),
    )
    assert Scorer(question, EN).mark("It may not simply be dismissed, but gets schooling.").right


def test_without_a_file_of_the_language_facts_are_compared_as_they_are_written() -> None:
    question = question_of(
        "de",
        question="Wann sind Geschenke zu melden?",
        references=("Binnen 30 Tagen.",),
        key_facts=(("30 Tage", "30 Tagen"),),
        must_not_say=("60 Tage", "60 Tagen"),
    )
    scorer = Scorer(question, load_answer_language("xx"))
    assert scorer.mark("Spätestens nach 30 TAGEN.").right
    assert scorer.mark("Nach 300 Tagen.").fault == "misses a fact"
    assert scorer.mark("30 Tage, sonst 60 Tage").fault == "says what it must not"


def test_who_writes_without_blanks_has_as_many_words() -> None:
    question = question_of(
        "ja",
        question="贈り物はいつまでに誰に報告しますか。",
        references=("三十日以内に法務部へ報告します。",),
        key_facts=(("三十日",), ("法務部",)),
        must_not_say=(),
    )
    scorer = Scorer(question, load_answer_language("ja"))
    before = (
        "取引先から贈り物を受け取った従業員は、その価値がいくらであっても、受け取った日から数えて遅くとも"
    )
    assert scorer.mark(f"{before}三十日以内に法務部へ報告しなければなりません。").right
    assert scorer.mark(f"{before * 2}三十日以内に法務部へ報告しなければなりません。").fault == "misses a fact"


@pytest.fixture(scope="module")
def dev() -> list[ExamQuestion]:
    paths = ProjectPaths(ROOT)
    return [row for corpus in ("bcg", "udhr") for row in read_dev(paths.corpus(corpus)).questions]


def test_references_are_right_and_what_needs_no_document_is_wrong(dev: list[ExamQuestion]) -> None:
    answered = [row for row in dev if row.kind != "unanswerable"]
    assert len(answered) > 150
    for row in answered:
        scorer = Scorer(row, EN)
        assert all(scorer.mark(reference).right for reference in row.references), row.id
        said = (row.question, *EN.fixed_answers.values())
        assert not any(scorer.mark(answer).right for answer in said), row.id


def test_that_the_document_does_not_say_is_recognised(dev: list[ExamQuestion]) -> None:
    silent = [row for row in dev if row.kind == "unanswerable"]
    marks = [Scorer(row, EN).mark(reference).right for row in silent for reference in row.references]
    assert sum(marks) / len(marks) > 0.9
    assert all(Scorer(row, EN).mark(EN.fixed_answers["never-answered"]).right for row in silent)
    assert not any(Scorer(row, EN).mark(EN.fixed_answers["refuse-all"]).right for row in silent)


def test_references_of_other_sections_are_wrong(dev: list[ExamQuestion]) -> None:
    """Right verdicts for reasons from elsewhere are what is left: fewer than two in a hundred."""
    answered = [row for row in dev if row.kind != "unanswerable"]
    marks = [
        Scorer(row, EN).mark(other.references[0]).right
        for place, row in enumerate(answered)
        for other in answered[place % 7 :: 7]
        if other.section != row.section
    ]
    assert len(marks) > 4000
    assert sum(marks) / len(marks) < 0.02


Spoil = Callable[[ExamQuestion, str], str | None]


def share_wrong(dev: list[ExamQuestion], spoil: Spoil) -> tuple[float, int]:
    """The share of spoilt references that are marked wrong, and how many could be spoilt."""
    spoilt = [
        (row, answer)
        for row in dev
        if row.kind != "unanswerable"
        for reference in row.references
        if (answer := spoil(row, reference)) is not None
    ]
    wrong = sum(not Scorer(row, EN).mark(answer).right for row, answer in spoilt)
    return wrong / len(spoilt), len(spoilt)


def another_number(row: ExamQuestion, reference: str) -> str | None:
    found = re.search(r"\d+", reference)
    if found is None or not any(found[0] in text for fact in row.key_facts for text in fact):
        return None
    return reference.replace(found[0], str(3 * int(found[0]) + 1), 1)


def two_numbers(row: ExamQuestion, reference: str) -> str | None:
    if another_number(row, reference) is None:
        return None
    return re.sub(r"\d+", lambda found: f"{3 * int(found[0]) + 1} or {found[0]}", reference, count=1)


def other_verdict(row: ExamQuestion, reference: str) -> str | None:
    opposite = {"yes": "No", "no": "Yes"}.get(row.polarity or "", "")
    turned = re.sub(r"^(?:Yes|No)\b", opposite, reference)
    return turned if opposite and turned != reference else None


def negated(_: ExamQuestion, reference: str) -> str | None:
    if re.search(r"\b(?:not?|never|nobody|neither|nor|none)\b|n't", reference, re.IGNORECASE):
        return None
    verbs = r"\b(is|are|must|may|can|shall|has|have|does|do|will)\b"
    turned = re.sub(verbs, r"\1 not", reference, count=1)
    return turned if turned != reference else None


@pytest.mark.parametrize(
    ("spoil", "least"), [(another_number, 0.9), (two_numbers, 1.0), (other_verdict, 1.0), (negated, 0.8)]
)
def test_spoilt_references_are_wrong(dev: list[ExamQuestion], spoil: Spoil, least: float) -> None:
    """Not all: a denial may leave the answer right ("not more than 60 days overdue")."""
    share, count = share_wrong(dev, spoil)
    assert count >= 50
    assert share >= least


@pytest.mark.parametrize(("half", "least"), [("tune", 0.75), ("report", 0.65)])
def test_the_scorer_agrees_with_a_person(
    load_script: Callable[[str], ModuleType], half: str, least: float
) -> None:
    part = [row for row in read_rows(HARD, LabelledExamAnswer) if row.half == half]
    marks = load_script("scripts/measure_scorer").mark(ROOT, part)
    assert len(part) >= 60
    resampling = Resampling(samples=200, seed=1)
    found = kappa([row.right for row in part], marks, [row.item for row in part], resampling)
    assert found.value > least


def test_what_the_scorer_passes_of_models_readers_pass_too(
    load_script: Callable[[str], ModuleType],
) -> None:
    rows = read_rows(ROOT / "data/labelled/model_answers.jsonl", ReadExamAnswer)
    assert len({row.id for row in rows}) == len(rows) >= 150
    # Where both readers agree, that is what holds.
    assert all(row.right == row.readers[0] for row in rows if len({*row.readers}) == 1)
    assert all(row.note for row in rows if len({*row.readers}) == 2)
    marks = load_script("scripts/measure_scorer").mark(ROOT, rows)
    # It is strict: hardly anything wrong passes. Much that readers let pass, such as a bare yes, does not.
    passed = [row.right for row, mark in zip(rows, marks, strict=True) if mark]
    assert len(passed) >= 15
    assert passed.count(False) <= 2


def test_by_its_own_rule_the_scorer_agrees_with_readers_of_models_and_so_does_the_yes_or_no(
    load_script: Callable[[str], ModuleType],
) -> None:
    script = load_script("scripts/measure_scorer")
    rows = read_rows(ROOT / "data/labelled/model_answers.jsonl", ReadExamAnswer)
    assert all((row.reasons is None) == (not row.right) for row in rows)
    assert all(row.full == row.reasons[0] for row in rows if row.reasons and len({*row.reasons}) == 1)
    resampling, items = Resampling(samples=200, seed=1), [row.item for row in rows]
    found = kappa([row.full for row in rows], script.mark(ROOT, rows), items, resampling)
    assert found.value > 0.75
    read = zip(rows, script.right_verdicts(ROOT, rows), strict=True)
    said = [row.right == verdict for row, verdict in read if verdict is not None]
    assert len(said) == 63
    assert said.count(False) <= 2


def test_halves_share_no_question_and_have_both_labels() -> None:
    rows = read_rows(HARD, LabelledExamAnswer)
    items = {half: {row.item for row in rows if row.half == half} for half in ("tune", "report")}
    assert not items["tune"] & items["report"]
    assert len(items["tune"] | items["report"]) >= 40
    assert {(row.half, row.right) for row in rows} == {
        (half, right) for half in items for right in (True, False)
    }
    assert len({row.id for row in rows}) == len(rows)
