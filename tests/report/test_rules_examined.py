import pytest

from charter.project.exam_records import ExamAnswer, ExamDecision
from charter.report.coverage_map import coverage_map
from charter.report.rules_examined import ExaminedRules, examine_rules, rests_on
from charter.synthesis.coverage import ChunkCoverage, RuleCoverage
from exam_rows import answer_of, decision_of, dilemma_of, question_of, unanswerable
from rows import chunk_of, rule_of

GIFTS = "Nobody may take gifts above 50 euros. Returned gifts are entered in the register within a week."
FIRST, SECOND = "Nobody may take gifts above 50 euros.", GIFTS.split(". ")[1]


@pytest.mark.parametrize(
    ("quote", "about"),
    [
        (FIRST, True),
        ("nobody may take\ngifts above 50\u00a0euros", True),  # line breaks, signs and case aside
        ("above 50 euros", True),
        (GIFTS, True),
        ("Partners: nobody may take gifts above 50 EUR a year", False),  # 31 letters in common
        (SECOND, False),
        ("", False),
    ],
)
def test_a_quote_rests_on_a_rule_whose_words_it_has(quote: str, about: bool) -> None:
    assert rests_on(quote, rule_of(chunk_of(GIFTS), FIRST)) == about


def test_a_long_run_in_common_will_do() -> None:
    rule = rule_of(chunk_of(GIFTS), SECOND)
    assert rests_on("And: returned gifts are entered in the register within a month.", rule)
    assert not rests_on("And: returned gifts are noted in the register within a week.", rule)


def examine(answers: list[ExamAnswer], decisions: list[ExamDecision]) -> ExaminedRules:
    """Examine two rules on gifts, and one on safety whose words are the first one's."""
    gifts = chunk_of(GIFTS, chunk_id="gifts", headings=("Rules", "Gifts"))
    safety = chunk_of(FIRST, chunk_id="safety", headings=("Rules", "Safety"))
    coverage = [
        ChunkCoverage(
            chunk,
            0,
            0,
            0,
            0,
            True,
            {},
            tuple(RuleCoverage(rule_of(chunk, text), True, False) for text in texts),
        )
        for chunk, texts in ((gifts, (FIRST, SECOND)), (safety, (FIRST,)))
    ]
    return examine_rules(coverage_map(coverage), answers, decisions)


def test_a_rule_is_kept_where_every_item_about_it_is_right() -> None:
    about = {"chunk_id": "gifts", "quote": FIRST}
    other = {"chunk_id": "gifts", "quote": SECOND}
    rules = examine(
        [
            answer_of(question_of("a"), **about),
            answer_of(question_of("b"), **other),
            answer_of(question_of("c"), **other, fault="a key fact is missing"),
            answer_of(unanswerable("d"), fault="it makes something up"),
        ],
        [decision_of(dilemma_of("e"), **about), decision_of(dilemma_of("f"), margin=0.0, **other)],
    )
    found = [
        (section, [(rule.status, rule.right, rule.asked) for rule in of]) for section, of in rules.sections
    ]
    assert found == [("Gifts", [("kept", 2, 2), ("broken", 1, 3)]), ("Safety", [("not tested", 0, 0)])]
    assert [rules.count(status) for status in ("kept", "broken", "not tested")] == [1, 1, 1]
    assert rules.unmatched == 0


def test_items_on_words_in_no_rule_are_counted() -> None:
    rules = examine([answer_of(question_of("a"), chunk_id="gifts", quote="Calderhythe is a company.")], [])
    assert (rules.unmatched, rules.count("not tested")) == (1, 3)
