from dataclasses import replace
from html.parser import HTMLParser

import pytest

from charter.params import Params
from charter.records import Prediction
from charter.report.findings import findings
from charter.report.page import CorpusContent, build_report, choose_samples
from charter.results import SYSTEMS, Comparison, Estimate, system_label
from rows import chunk_of
from synthetic_project import make_evaluation

VOID = {"meta", "link", "br", "img", "input", "hr"}


class Page(HTMLParser):
    """Collects what a browser would load, and checks that tags close."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.loads: list[str] = []
        self.tags: list[str] = []
        self.open: list[str] = []
        self.feed(text)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append(tag)
        self.loads += [
            value or "" for name, value in attrs if name in ("src", "href", "srcset", "data", "action")
        ]
        if tag not in VOID:
            self.open.append(tag)

    def handle_startendtag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.handle_starttag(tag, attrs)
        self.handle_endtag(tag)

    def handle_endtag(self, tag: str) -> None:
        assert self.open.pop() == tag


def predictions(answered: int = 12) -> list[Prediction]:
    """Question n is answered with the first n words of its reference by every system."""
    reference = "every person shall report each gift above fifty euros within five days to compliance"
    return [
        Prediction(
            id=f"{item}{system}{rag}",
            item_id=f"item{item}",
            chunk_id="chunk",
            system=system,
            rag=rag,
            question=f"Question {item} about <b>gifts</b>?",
            reference=reference,
            retrieved=(),
            answer=" ".join(reference.split()[:item]),
        )
        for item in range(answered)
        for system, rag in SYSTEMS
    ]


@pytest.fixture(scope="module")
def contents() -> list[CorpusContent]:
    curve = {"step": [1.0, 2.0, 3.0], "loss": [2.0, 1.5, 1.0], "eval_loss": [None, None, 1.2]}
    return [
        CorpusContent(
            evaluation=make_evaluation(corpus, judge_valid=corpus == "udhr"),
            predictions=predictions(),
            chunks=[chunk_of("Gifts are reported.", chunk_id="chunk", headings=("5 <i>Gifts</i>",))],
            stages={
                "synthesize": {"requested": 465, "rejected.duplicate": 101},
                "sft": {"train_loss": 0.51234},
            },
            curves={"sft": curve} if corpus == "udhr" else {},
        )
        for corpus in ("udhr", "handbook")
    ]


@pytest.fixture(scope="module")
def report(contents: list[CorpusContent], params: Params) -> str:
    return build_report(contents, params, "0123abcd")


def test_the_report_loads_nothing_and_is_well_formed(report: str) -> None:
    page = Page(report)
    assert not page.open
    assert "script" not in page.tags
    assert all(target.startswith("#") or target == "data:," for target in page.loads)
    assert "http://" not in report
    assert "https://" not in report
    assert "url(" not in report
    assert "@import" not in report


def test_the_report_has_the_figures(report: str) -> None:
    for text in ("36.9±0.5", "×1.89", "45.1±0.5", "101", "465", "0.5123", "0123abcd", "d" * 64):
        assert text in report
    for published in ("35.7", ".640±.07"):
        assert published in report
    assert report.count('class="published"') == 10  # five rows in BLEU and in ROUGE-L, of udhr alone
    assert "learning_rate" in report  # all parameters


def test_the_report_has_safety_and_its_claim(contents: list[CorpusContent], params: Params) -> None:
    text = build_report(contents[:1], params, "x")
    assert "−.300 [−.400, −.200]" in text
    assert "out of fold on 169 responses" in text
    assert "Does alignment improve general safety? SFT+DPO: yes." in text


def test_a_win_rate_is_shown_only_of_a_valid_judge(contents: list[CorpusContent], params: Params) -> None:
    valid, invalid = (build_report([content], params, "x") for content in contents)
    assert "at equal length" in valid
    assert "at equal length" not in invalid
    assert "Judge not valid" in invalid


def test_texts_are_escaped(report: str) -> None:
    assert "about &lt;b&gt;gifts&lt;/b&gt;?" in report
    assert "<b>gifts" not in report
    assert "5 &lt;i&gt;Gifts&lt;/i&gt;" in report


def test_the_same_results_give_the_same_bytes(contents: list[CorpusContent], params: Params) -> None:
    assert build_report(contents, params, "x") == build_report(contents, params, "x")


def test_samples_are_the_worst_the_middle_and_the_best() -> None:
    samples = choose_samples(predictions(12))
    numbers = [int(sample.question.split()[1]) for sample in samples]
    assert numbers == [0, 1, 2, 5, 6, 9, 10, 11]
    assert [sample.place for sample in samples] == ["worst"] * 3 + ["middle"] * 2 + ["best"] * 3
    assert list(samples[0].answers) == [system_label(*system) for system in SYSTEMS]
    assert [sample.rouge_l for sample in samples] == sorted(sample.rouge_l for sample in samples)


def test_answers_that_dpo_changed_are_shown(contents: list[CorpusContent], params: Params) -> None:
    rows = [
        row.model_copy(update={"answer": "every"})
        if (row.system, row.rag, row.item_id) == ("sft", False, "item9")
        else row
        for row in contents[0].predictions
    ]
    text = build_report([replace(contents[0], predictions=rows)], params, "x")
    assert text.count("DPO +") == 1
    assert "Question 9 about" in text[text.index("DPO +") - 200 : text.index("DPO +")]


def test_few_questions_are_all_shown() -> None:
    assert len(choose_samples(predictions(5))) == 5


def compared(system: str, against: str, low: float, high: float) -> Comparison:
    return Comparison(
        system=system,
        against=against,
        metric="bleu",
        difference=Estimate(value=(low + high) / 2, low=low, high=high, n=50),
        ratio=1.9,
        p=0.01,
        p_holm=0.05,
    )


@pytest.mark.parametrize(
    ("comparison", "verdict", "words"),
    [
        (compared("sft", "cft+rag", 9, 12), "yes", "margin of ×1.55 is reached"),
        (compared("sft", "cft+rag", -1, 12), "no", "is not reached"),
        (compared("dpo", "teacher+rag", 1, 3), "yes", "better than the teacher"),
        (compared("dpo", "teacher+rag", -3, -1), "no", "not as good as the teacher"),
        (compared("dpo", "teacher+rag", -3, 1), "open", "not told apart"),
        (compared("dpo+rag", "dpo", -3, -1), "open", "RAG hurts"),
        (compared("dpo", "sft", -3, 1), "open", "changes nothing that can be shown"),
    ],
)
def test_findings_say_what_the_intervals_say(comparison: Comparison, verdict: str, words: str) -> None:
    evaluation = make_evaluation("udhr").model_copy(update={"comparisons": [comparison]})
    found = findings(evaluation)[0]
    assert found.verdict == verdict
    assert words in found.text


def test_an_invalid_judge_is_a_finding() -> None:
    found = findings(make_evaluation("udhr", judge_valid=False))[-1]
    assert found.verdict == "no"
    assert "failed its controls" in found.text
