import html
import re
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import replace
from html.parser import HTMLParser
from itertools import pairwise

import pytest

from charter.evaluation.results import Comparison, Estimate
from charter.evaluation.review_figures import ReviewerAgreement, ReviewFigures
from charter.evaluation.scored_answers import ScoredAnswer, score_answers
from charter.project.metric_names import SYSTEMS, system_label
from charter.project.params import Params
from charter.project.records import Prediction
from charter.report.coverage_map import coverage_map
from charter.report.findings import findings
from charter.report.page import CorpusContent, build_report, choose_samples
from charter.synthesis.coverage import ChunkCoverage, RuleCoverage
from rows import chunk_of, rule_of
from synthetic_project import add_judge, estimate, make_evaluation, sit_exam

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
            chunk_id="c1",
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


def scored(answered: int) -> list[ScoredAnswer]:
    return score_answers(predictions(answered), [], [chunk_of("Gifts are reported.", chunk_id="c1")])


def chunk_coverage(
    name: str,
    headings: tuple[str, ...] = (),
    covered: Sequence[bool] = (),
    *,
    document: str = "d",
    pairs: int = 0,
    has_value: bool = True,
    held_out_pairs: int = 0,
    refused: Mapping[str, int] | None = None,
) -> ChunkCoverage:
    """A chunk whose n-th rule is "<NAME> n"."""
    chunk = chunk_of(name, chunk_id=name, document=document, headings=headings)
    return ChunkCoverage(
        chunk=chunk,
        questions=sum(covered),
        pairs=pairs,
        held_out_questions=0,
        held_out_pairs=held_out_pairs,
        has_value=has_value,
        refused_pairs=refused or {},
        rules=tuple(
            RuleCoverage(rule_of(chunk, f"<{name}> {place}"), trained=is_covered, tested=place == 1)
            for place, is_covered in enumerate(covered)
        ),
    )


@pytest.fixture(scope="module")
def contents() -> list[CorpusContent]:
    curve = {"step": [1.0, 2.0, 3.0], "loss": [2.0, 1.5, 1.0], "eval_loss": [None, None, 1.2]}
    return [
        CorpusContent(
            evaluation=make_evaluation(corpus, judge_valid=corpus == "udhr"),
            predictions=predictions(),
            stages={
                "synthesize": {"requested": 465, "rejected.duplicate": 101},
                "sft": {"train_loss": 0.51234},
            },
            curves={"sft": curve} if corpus == "udhr" else {},
            coverage=[
                chunk_coverage("c1", ("Rules", "5 <i>Gifts</i>"), [True, False]),
                chunk_coverage("c2", ("Rules",)),
            ],
            answers=[],
            decisions=[],
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
    assert "Perplexity is of general texts" in text
    assert "Does alignment improve general safety? SFT+DPO: yes." in text


def test_a_win_rate_is_shown_only_of_a_valid_judge(contents: list[CorpusContent], params: Params) -> None:
    valid, invalid = (build_report([content], params, "x") for content in contents)
    assert "at equal length" in valid
    assert "at equal length" not in invalid
    assert "Judge not valid" in invalid
    assert "by larger" not in valid
    both = replace(contents[0], evaluation=add_judge(contents[0].evaluation))
    assert '<th scope="col">by larger</th>' in build_report([both], params, "x")


def test_the_language_is_said_once_where_it_is_not_english(
    contents: list[CorpusContent], params: Params
) -> None:
    caution = "The seed s doesn't know it."
    german = contents[0].evaluation.model_copy(update={"language": "deu", "cautions": [caution]})
    page = build_report([replace(contents[0], evaluation=german), contents[1]], params, "abc")
    assert page.count("The document is in German. Measured by BLEU") == 1
    assert page.count("The seed s doesn&#39;t know it.") == 1


def test_texts_are_escaped(report: str) -> None:
    assert "about &lt;b&gt;gifts&lt;/b&gt;?" in report
    assert "<b>gifts" not in report
    assert "5 &lt;i&gt;Gifts&lt;/i&gt;" in report


def test_the_same_results_give_the_same_bytes(contents: list[CorpusContent], params: Params) -> None:
    assert build_report(contents, params, "x") == build_report(contents, params, "x")


def test_samples_are_the_worst_the_middle_and_the_best() -> None:
    samples = choose_samples(scored(12))
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
    assert len(choose_samples(scored(5))) == 5


def compared(system: str, against: str, low: float, high: float) -> Comparison:
    return Comparison(
        system=system,
        against=against,
        metric="bleu",
        difference=Estimate(value=(low + high) / 2, low=low, high=high, n=50),
        ratio=Estimate(value=1.7, low=1 + low / 15, high=2.2, n=50),
        p=0.01,
        p_holm=0.05,
        smallest=11.2,
    )


@pytest.mark.parametrize(
    ("comparison", "good", "words"),
    [
        (compared("sft", "cft+rag", 9, 12), "yes", "margin of ×1.55 is reached"),
        (compared("sft", "cft+rag", -1, 12), "not shown", "margin of ×1.55 is not shown"),
        (compared("dpo", "teacher+rag", 1, 3), "yes", "better than the teacher"),
        (compared("dpo", "teacher+rag", -3, -1), "no", "not as good as the teacher"),
        (compared("dpo", "teacher+rag", -3, 1), "not shown", "not told apart"),
        (compared("dpo+rag", "dpo", -3, -1), "not shown", "RAG hurts"),
        (compared("dpo", "sft", -3, 1), "not shown", "changes nothing that can be shown"),
    ],
)
def test_findings_say_what_the_intervals_say(comparison: Comparison, good: str, words: str) -> None:
    evaluation = make_evaluation("udhr").model_copy(update={"comparisons": [comparison]})
    found = findings(evaluation)[0]
    assert found.good == good
    assert words in found.text


def test_an_invalid_judge_is_a_finding() -> None:
    found = findings(make_evaluation("udhr", judge_valid=False))[-1]
    assert found.good == "no"
    assert "failed its controls" in found.text


def mapped(params: Params, *coverage: ChunkCoverage) -> str:
    """The report's part on coverage, without the line breaks of its source."""
    content = CorpusContent(
        evaluation=make_evaluation(),
        predictions=[],
        stages={},
        curves={},
        coverage=coverage,
        answers=[],
        decisions=[],
    )
    page = build_report([content], params, "x")
    return re.sub(r"\n\s*", "", page[page.index("Training speaks of") : page.index("What of the document")])


def test_the_map_has_a_row_a_main_heading_and_a_strip_a_chunk(params: Params) -> None:
    shown = mapped(
        params,
        chunk_coverage("a", ("Title", "1 Gifts", "1.1 Limits"), [True, False], pairs=2),
        chunk_coverage("b", ("Title", "1 Gifts", "1.2 Register"), [False]),
        chunk_coverage("c", ("Title", "2 Safety"), [True], held_out_pairs=3),
    )
    assert "Training speaks of 2 of the document's 4 rules (50&nbsp;%)" in shown
    assert "held-out questions and pairs test 1." in shown
    rows = re.findall(r'<tr><th scope="row">(.+?)</th>(.+?)</tr>', shown)
    strips = [row.count("<svg") for _, row in rows]
    counts = [re.findall(r"<td>(.*?)</td>", row)[-3:] for _, row in rows]
    assert [heading for heading, _ in rows] == ["1 Gifts", "2 Safety", "all"]
    assert strips == [2, 1, 0]
    assert counts == [
        ["1 of 3", "1", "2"],
        ["1 of 1", "1", '0 <span class="note">+3</span>'],
        ["2 of 4", "2", '2 <span class="note">+3</span>'],
    ]
    strip = shown[shown.index("<svg") : shown.index("</svg>")]
    assert (strip.count('class="covered"'), strip.count('class="missed"')) == (1, 1)
    described = "1 Gifts › 1.1 Limits: 1 of 2 rules trained on; training 1 question, 2 pairs"
    assert f'aria-label="{described}"' in strip


def test_chunks_are_told_apart_by_document_and_number() -> None:
    two = [chunk_coverage("a", ("Gifts",)), chunk_coverage("b", ("Gifts",))]
    assert [chunk.name for chunk in coverage_map(two)] == ["Gifts (1 of 2)", "Gifts (2 of 2)"]
    other = chunk_coverage("c", ("Gifts",), document="other.pdf")
    *_, last = several = coverage_map([*two, other])
    assert [chunk.section for chunk in several] == ["d", "d", "other.pdf"]
    assert last.name == "other.pdf › Gifts"
    assert [chunk.section for chunk in coverage_map([chunk_coverage("a")])] == ["d"]


def test_what_became_of_the_pairs_of_a_chunk_is_said(params: Params) -> None:
    shown = mapped(
        params,
        chunk_coverage("a", ("A",), held_out_pairs=1, refused={"verification": 2, "contrast": 1}),
        chunk_coverage("b", ("B",)),
        chunk_coverage("c", ("C",), pairs=1),
        chunk_coverage("d", ("D",), has_value=False),
    )
    assert re.findall(r'<li>(.+?) <span class="note">(.+?)</span></li>', shown) == [
        ("A", "held out: 1; refused: contrast 1, verification 2"),
        ("B", "no scenario was written"),
    ]


def test_the_page_lists_the_rules_and_what_became_of_each(report: str) -> None:
    rows = re.findall(r'<th scope="row"><span dir="auto">(&lt;c1&gt; .+?)</span></th>(.+?)</tr>', report)
    said = [(rule, re.findall(r">([^<>]+)</span>", cell)) for rule, cell in rows]
    assert said == 2 * [  # of both corpora, which have no exam
        ("&lt;c1&gt; 0", ["not tested", "trained on"]),
        ("&lt;c1&gt; 1", ["not tested", "not trained on"]),
    ]
    assert report.count("<summary>0 kept, 0 broken, 2 not tested</summary>") == 2
    assert "Training speaks of 1 of the document's 2 rules (50&nbsp;%)" in report


def test_a_grey_rule_is_shown_as_one(contents: list[CorpusContent], params: Params) -> None:
    item = chunk_coverage("a", ("A",), [True])
    rule = item.rules[0].rule.model_copy(update={"grey": "unclear: <who> decides"})
    grey = replace(item, rules=(RuleCoverage(rule, trained=True, tested=True),))
    content = replace(contents[0], predictions=[], coverage=[grey])
    assert '<span class="note">grey: unclear: &lt;who&gt; decides</span>' in build_report(
        [content], params, "x"
    )


@pytest.fixture(scope="module")
def examined(contents: list[CorpusContent], params: Params) -> str:
    """The report on one corpus that has an exam."""
    evaluation, answers, decisions = sit_exam(contents[0].evaluation)
    sat = replace(contents[0], evaluation=evaluation, answers=answers, decisions=decisions)
    return build_report([sat], params, "x")


def test_the_first_screen_is_in_plain_words(examined: str) -> None:
    first = examined[examined.index("<main>") : examined.index("Details for engineers</h3>")]
    assert "Not fit for use" in first
    assert (
        "rightly; a search that reads out the nearest sentence answers 22. The model has to beat that."
        in first
    )
    for word in ("BLEU", "ROUGE", "RAG", "SFT", "DPO", "nearest-sentence", "right_answers", "Holm", "×"):
        assert word not in first
    assert first.count('<ul class="shares"') == 2
    assert re.search(r"Part \d</span>: \d of \d right", first)
    assert first.count("<dt>The question</dt>") == 4


def test_the_exam_stays_sealed(examined: str) -> None:
    """Nothing of its questions, its cases, their replies or their quotes can be read in the report."""
    _, answers, decisions = sit_exam(make_evaluation())
    texts = {text for row in answers for text in (row.question, row.answer, *row.references, row.quote)}
    texts |= {text for row in decisions for text in (row.scenario, row.faithful, row.unfaithful, row.quote)}
    assert [text for text in texts if text in html.unescape(examined)] == []


def test_the_tables_are_folded_behind_the_first_screen(examined: str) -> None:
    Page(examined)
    details = examined[examined.index("Details for engineers</h3>") :]
    assert re.match(r"Details for engineers</h3>\s*<details><summary>", details)
    assert '<ul class="findings">' in details
    assert 'id="udhr-conditions"' in details
    assert "right_answers of dpo+rag over nearest-sentence" in details
    assert "<h4>The exam</h4>" in details


def test_headings_leave_out_no_level(examined: str) -> None:
    levels = [int(level) for level in re.findall(r"<h([1-6])", examined)]
    assert levels[:2] == [1, 2]
    assert all(below <= above + 1 for above, below in pairwise(levels))


def test_a_corpus_without_an_exam_says_so_first(report: str) -> None:
    reasons = re.findall(r'<div class="verdict no">.*?<li>(.*?)</li>', report, re.DOTALL)
    assert [reason.startswith("Nobody has written an exam") for reason in reasons] == [True, True]
    assert "<code>charter exam new udhr</code> begins one" in reasons[0]
    assert '<ul class="shares"' not in report


def test_what_people_found_who_read_the_data_is_told(
    contents: list[CorpusContent], params: Params, report: str
) -> None:
    figures = ReviewFigures(
        rows=90,
        outcomes=Counter(accepted=8, rejected=2),
        accepted=estimate(0.8, 0.1),
        agreements=[ReviewerAgreement(("Ada", "<Bob>"), estimate(0.6, 0.2))],
        gone=[],
    )
    told = build_report([replace(contents[0], review=figures)], params, "0123abcd")
    assert "People read 10 of 90 rows that the filters kept: 8 accepted, 0 edited, 2 rejected" in told
    assert "Ada and &lt;Bob&gt; .600 [.400, .800] on 50 rows" in told
    assert "People read" not in report
