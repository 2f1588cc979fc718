"""The method `rules`: what verdicts have to show, what both responses are made of, and questions to rules."""

import math
from collections.abc import Sequence

import pytest

from charter.generation.engine import Completion
from charter.project.records import Chunk
from charter.retrieval.encoder import Encoder
from charter.synthesis.context import SynthesisContext
from charter.synthesis.drafts import Draft, Ledger
from charter.synthesis.register import quote_sentences
from charter.synthesis.rules_method import OppositeAsResponse, RulesMethod, TakeNearestRule
from charter.synthesis.set_filters import HeldOut
from charter.synthesis.steps import run_steps
from charter.synthesis.text_filters import HasRule
from rows import chunk_of, rule_of
from synthesis_contexts import GivenReplies, make_context, settings_of, verdict

models = pytest.mark.models

RULE = "Visitors may not feed the animals."
OPPOSITE = "Visitors are free to feed the animals."
PARK = chunk_of(
    f"The park opens at nine. {RULE} Nothing else is said of it.",
    chunk_id="0a",
    document="rules",
    headings=("Animals",),
)
SCENARIOS = """1. Did I enjoy the visit?
2. Can I? No
3. I have some bread left. May I give it to the ducks? Yes, I may.
4. Am I allowed to bring a dog?"""


class Park(GivenReplies):
    """Writes usable scenarios, turns the rule round, and gives log-odds of Yes by what it is shown."""

    def __init__(self, passage: float, rule: float, opposite: float, turned_round: str = OPPOSITE):
        odds = {"The park opens": passage, RULE: rule, turned_round: opposite}

        def reply(asked: str, purpose: str) -> str | Completion:
            if purpose in ("scenarios", "opposite rules"):
                return SCENARIOS if purpose == "scenarios" else turned_round
            yes = next((value for text, value in odds.items() if text in asked), 5.0)
            return verdict(yes if "Somebody asks" in asked else 5.0)

        super().__init__(reply)


def write_pairs(encoder: Encoder, teacher: Park, *others: Chunk) -> tuple[list[Draft], Ledger]:
    context = make_context(PARK, *others, teacher=teacher, encoder=encoder)
    context = context_with_rules(context)
    settings = settings_of(scenarios_per_chunk=1, min_preference_margin=0.5, min_rule_words=6)
    ledger = Ledger("preference")
    start = [Draft(chunk) for chunk in context.chunks]
    return run_steps(RulesMethod(settings).pairs, start, context, ledger), ledger


def context_with_rules(context: SynthesisContext) -> SynthesisContext:
    rules, _ = quote_sentences(context)
    settings = context.settings
    return SynthesisContext(
        "Guidelines", context.chunks, rules, context.teacher, context.encoder, settings, context.seed
    )


@models
@pytest.mark.parametrize(
    ("odds", "chosen", "rejected"),
    [
        ((0.6, 0.6, -0.6), f"Yes. {RULE}", f"No. {OPPOSITE}"),
        ((-0.6, -0.6, 0.6), f"No. {RULE}", f"Yes. {OPPOSITE}"),
    ],
)
def test_the_chosen_response_is_the_right_word_and_the_documents_rule(
    encoder: Encoder, odds: tuple[float, float, float], chosen: str, rejected: str
) -> None:
    (draft,), _ = write_pairs(encoder, Park(*odds))
    pair = draft.to_pair()
    assert (pair.chosen, pair.rejected, pair.rule) == (chosen, rejected, RULE)
    assert pair.prompt == "I have some bread left. May I give it to the ducks?"
    assert pair.chosen.partition(". ")[2] in PARK.text


@models
@pytest.mark.parametrize(
    "odds",
    [
        (3.0, 0.4, -0.4),  # the rule alone is near a tie
        (0.1, 3.0, -3.0),  # the passage is
        (-2.0, 2.0, -2.0),  # they disagree
        (3.0, 3.0, 2.9),  # the opposite of the rule changes nothing: it doesn't decide
        (-3.0, -3.0, -3.0),
    ],
)
def test_a_near_tie_or_verdicts_that_disagree_keep_neither(
    encoder: Encoder, odds: tuple[float, float, float]
) -> None:
    kept, ledger = write_pairs(encoder, Park(*odds))
    assert not kept
    assert [row.filter for row in ledger.rejected].count("verification") == 1


@models
def test_a_rule_that_was_not_turned_round_is_refused(encoder: Encoder) -> None:
    turned_round = RULE.upper().replace("THE", "the")
    kept, ledger = write_pairs(encoder, Park(-3.0, -3.0, 3.0, turned_round))
    assert not kept
    reasons = [row.reason for row in ledger.rejected if row.filter == "contrast"]
    assert reasons == ["both are the same text"]


@models
def test_what_is_no_scenario_is_refused_with_its_reason_and_surplus_is_dropped(encoder: Encoder) -> None:
    _, ledger = write_pairs(encoder, Park(5.0, 5.0, -5.0))
    assert ledger.requested == 1
    assert {row.raw: (row.filter, row.reason) for row in ledger.rejected} == {
        "Did I enjoy the visit?": ("yes-or-no", "doesn't ask what is allowed, required or forbidden"),
        "Can I?": ("form", "has 2 words, not 3 to 90"),
    }


@models
def test_no_scenario_is_refused_before_the_split_because_other_passages_are_nearer(encoder: Encoder) -> None:
    birds = [
        chunk_of(f"Bread may be given to the ducks on {place}.", chunk_id=f"0{number}", document="rules")
        for number, place in enumerate(("ponds", "lakes", "rivers"))
    ]
    kept, ledger = write_pairs(encoder, Park(5.0, 5.0, -5.0), *birds)
    assert "0a" in {draft.chunk.id for draft in kept}
    assert "subject" not in ledger.count_by_filter()


@models
def test_a_passage_without_a_rule_has_no_pair(encoder: Encoder) -> None:
    bare = chunk_of("Contents and index", chunk_id="bare")
    ledger = Ledger("preference")
    context = make_context(bare, PARK, rules=[rule_of(PARK, RULE)], encoder=encoder)
    asked = [Draft(chunk, question="May I feed the ducks?") for chunk in (bare, PARK)]
    kept = run_steps([TakeNearestRule(), HasRule()], asked, context, ledger)
    assert [(draft.chunk.id, draft.rule) for draft in kept] == [("0a", RULE)]
    assert [(row.chunk_id, row.filter) for row in ledger.rejected] == [("bare", "rule")]


GIFTS = "Employees must return gifts worth more than 50 euros."
MEALS = "Meals with suppliers need the consent of the line manager."
PRESS = "Only the spokesperson may talk to journalists."
SITES = "The company has sites in fourteen countries."
OPPOSITES = {
    GIFTS: "Employees may keep gifts worth more than 50 euros.",
    MEALS: "Meals with suppliers need the consent of the line manager.",
    PRESS: "Everybody may talk to journalists.",
}
COMPANY = chunk_of(" ".join((*OPPOSITES, SITES)), chunk_id="0a")


def turning_round(asked: str, purpose: str) -> str | Completion:
    """Turns rules round, and finds everything true but the opposite of the first."""
    if purpose == "opposite rules":
        return OPPOSITES.get(asked, asked)
    assert purpose == "truth of rules"
    return verdict(-1.85 if OPPOSITES[GIFTS] in asked else 5.0, "True", "False")


def write_rule_pairs(**settings: int) -> tuple[list[Draft], Ledger, GivenReplies]:
    teacher, ledger = GivenReplies(turning_round), Ledger("rule-pair")
    questions = [
        Draft(COMPANY, style="rule", rule=rule, question=f"What of {number}?", answer=rule)
        for number, rule in enumerate((*OPPOSITES, SITES))
    ]
    steps = RulesMethod(settings_of(**settings)).rule_pairs
    return run_steps(steps, questions, make_context(COMPANY, teacher=teacher), ledger), ledger, teacher


def test_a_pair_is_a_rule_and_an_opposite_that_is_less_true() -> None:
    (draft,), ledger, _ = write_rule_pairs()
    pair = draft.to_pair()
    assert (pair.chunk_id, pair.prompt, pair.rule) == ("0a", "What of 0?", GIFTS)
    assert (pair.chosen, pair.rejected) == (GIFTS, OPPOSITES[GIFTS])
    assert [(row.kind, row.filter, row.reason) for row in ledger.rejected] == [
        ("rule-pair", "contrast", "both are the same text"),
        ("rule-pair", "contrast", "both are the same text"),
        ("rule-pair", "verification", "the rule is truer by 0.00 only"),
    ]


def test_the_number_of_rule_pairs_is_bounded_and_norms_come_first() -> None:
    for most in (3, 2, 0):
        _, _, teacher = write_rule_pairs(max_rule_pairs=most)
        asked = teacher.asked.get("opposite rules", ())
        assert len(asked) == most
        assert SITES not in asked
    assert SITES in write_rule_pairs(max_rule_pairs=4)[2].asked["opposite rules"]


def test_responses_of_a_rule_pair_are_the_rule_and_its_opposite() -> None:
    draft = Draft(COMPANY, rule=GIFTS, opposite=OPPOSITES[GIFTS])
    (made,) = OppositeAsResponse()([draft], make_context(), Ledger("rule-pair"))
    assert (made.answer, made.rejected) == (GIFTS, OPPOSITES[GIFTS])


CHUNKS = [
    chunk_of(f"{GIFTS} They are entered in the register. {MEALS}", chunk_id="0a", headings=("4 Gifts",)),
    chunk_of(f"{PRESS} {GIFTS}", chunk_id="0b", headings=("5 Press",)),
]


class Asking(GivenReplies):
    """Replies what is given for the rule at the end of the last turn: to each call the next, then nothing."""

    def __init__(self, replies: dict[str, Sequence[str]]):
        left = {rule: list(texts) for rule, texts in replies.items()}

        def reply(asked: str, purpose: str) -> str:
            assert purpose == "questions to rules"
            texts = next((texts for rule, texts in left.items() if asked.endswith(rule)), [])
            return texts.pop(0) if texts else ""

        super().__init__(reply)
        self.calls: list[list[str]] = []

    def complete(self, requests: Sequence, purpose: str) -> list[Completion]:  # type: ignore[type-arg]
        self.calls.append([request.messages[-1].content for request in requests])
        return super().complete(requests, purpose)


def write_rule_questions(
    teacher: GivenReplies,
    encoder: Encoder,
    held_out: Sequence[str] = (),
    held_out_rules: Sequence[str] = (),
    max_practical: int = 0,
    **settings: int,
) -> tuple[list[Draft], Ledger]:
    settings |= {"max_practical": max_practical}
    context = context_with_rules(make_context(*CHUNKS, teacher=teacher, encoder=encoder, **settings))
    method, ledger = RulesMethod(context.settings), Ledger("rule")
    rows = [Draft(CHUNKS[0], question=asked) for asked in held_out]
    rows += [Draft(CHUNKS[1], question="Who?", rule=rule) for rule in held_out_rules]
    steps = method.rule_questions(HeldOut(rows, method.leak))
    return run_steps(steps, [Draft(chunk) for chunk in CHUNKS], context, ledger), ledger


@models
def test_each_rule_is_asked_about_once_and_is_the_answer(encoder: Encoder) -> None:
    teacher = Asking(
        {
            GIFTS: [
                "1. Which gifts must employees return?\n2. What do employees do with gifts above 50 euros?"
            ],
            MEALS: ["The line manager consents to them.\nWho must consent to meals with suppliers?"],
            PRESS: ["Which gifts must an employee return?\nWho may talk to journalists?"],
        }
    )
    kept, ledger = write_rule_questions(teacher, encoder)
    assert teacher.calls[0] == [f"Gifts: {GIFTS}", f"Gifts: {MEALS}", f"Press: {PRESS}"]
    assert not any(teacher.calls[1:])
    assert ledger.requested == 6
    rows = [draft.to_example() for draft in kept]
    assert [(row.chunk_id, row.question, row.answer, row.rule, row.style) for row in rows] == [
        ("0a", "Which gifts must employees return?", GIFTS, GIFTS, "rule"),
        ("0a", "Who must consent to meals with suppliers?", MEALS, MEALS, "rule"),
        ("0b", "Who may talk to journalists?", PRESS, PRESS, "rule"),
    ]
    assert [(row.kind, row.chunk_id, row.filter) for row in ledger.rejected[:2]] == [
        ("rule", "0a", "form"),
        ("rule", "0b", "subject"),
    ]


@models
def test_a_rule_without_a_question_is_asked_about_again(encoder: Encoder) -> None:
    teacher = Asking(
        {
            GIFTS: ["Gifts.", "Which gifts must employees return?"],
            MEALS: ["Who must consent to meals with suppliers?"],
            PRESS: ["Who must consent to suppliers' meals?", "The press.", "Journalists.", "Who may talk?"],
        }
    )
    kept, ledger = write_rule_questions(teacher, encoder)
    assert teacher.calls == [
        [f"Gifts: {GIFTS}", f"Gifts: {MEALS}", f"Press: {PRESS}"],
        [f"Gifts: {GIFTS}", f"Press: {PRESS}"],
        [f"Press: {PRESS}"],
    ]
    assert [request.seed for request in teacher.requests] == [1, 1, 1, 2, 2, 3]
    assert ledger.requested == 12
    assert [draft.answer for draft in kept] == [GIFTS, MEALS], "in the order of the document"


@models
def test_a_question_that_leads_to_another_rule_is_refused(encoder: Encoder) -> None:
    teacher = Asking({GIFTS: ["Which gifts may a spokesperson take from journalists?"]})
    kept, ledger = write_rule_questions(teacher, encoder)
    assert not kept
    (refused,) = ledger.rejected
    assert (refused.filter, refused.reason) == ("subject", "nearer to 1 other texts")


@models
def test_the_number_of_rules_is_bounded_and_may_be_none(encoder: Encoder) -> None:
    for most in (2, 0):
        teacher = Asking({})
        _, ledger = write_rule_questions(teacher, encoder, max_rules=most)
        assert [len(asked) for asked in teacher.calls] == [most] * 3
        assert ledger.requested == 3 * 2 * most


@models
def test_what_gives_away_a_held_out_row_is_not_trained_on(encoder: Encoder) -> None:
    teacher = Asking(
        {
            GIFTS: ["Which gifts must employees return?", "What is done with gifts above 50 euros?"],
            MEALS: ["Who must consent to meals with suppliers?"],
            PRESS: ["Who may talk to journalists?"],
        }
    )
    held_out = ["Which gifts must an employee return?", "Is it far?"]
    kept, ledger = write_rule_questions(teacher, encoder, held_out, [PRESS])
    assert [draft.question for draft in kept] == [
        "What is done with gifts above 50 euros?",
        "Who must consent to meals with suppliers?",
    ]
    assert [(row.filter, row.reason, row.raw) for row in ledger.rejected] == [
        ("held-out", f"says the same as what is held out: {PRESS}", PRESS),
        (
            "held-out",
            "says the same as what is held out: Which gifts must an employee return?",
            "Which gifts must employees return?",
        ),
    ]
    assert not any(PRESS in asked for call in teacher.calls for asked in call)


def test_odds_are_those_that_were_given() -> None:
    (_, yes), (_, no) = verdict(1.5).alternatives
    assert yes - no == pytest.approx(1.5)
    assert math.exp(yes) + math.exp(no) == pytest.approx(1)


KEEP = "May I keep a watch worth 200 euros that a customer gave me as a gift?"
TALK = "Can I talk to a journalist about my work?"


def practical(_: str, purpose: str) -> str:
    """Asks the same two questions of each passage, and none of a rule."""
    return f"1. {KEEP}\n2. {TALK} No.\n3. Fine?" if purpose == "scenarios" else ""


@models
def test_a_practical_question_is_answered_with_the_rule_of_its_passage(encoder: Encoder) -> None:
    teacher = GivenReplies(practical)
    kept, ledger = write_rule_questions(teacher, encoder, max_practical=6, scenarios_per_chunk=3)
    rows = [draft.to_example() for draft in kept]
    assert [(row.chunk_id, row.question, row.answer, row.rule) for row in rows] == [
        ("0a", KEEP, GIFTS, GIFTS),
        ("0b", TALK, PRESS, PRESS),
    ]
    refused = {(row.chunk_id, row.filter, row.raw.splitlines()[0]) for row in ledger.rejected}
    assert {("0a", "subject", TALK), ("0b", "subject", KEEP)} <= refused
    assert ("0a", "form", "Fine?") in refused


@models
def test_practical_questions_like_held_out_ones_are_not_trained_on(encoder: Encoder) -> None:
    teacher = GivenReplies(practical)
    kept, _ = write_rule_questions(teacher, encoder, [KEEP], max_practical=6, scenarios_per_chunk=3)
    assert [draft.question for draft in kept] == [TALK]


@models
@pytest.mark.parametrize(("most", "calls"), [(0, 0), (3, 2), (12, 4), (99, 8)])
def test_the_number_of_practical_questions_is_bounded(encoder: Encoder, most: int, calls: int) -> None:
    """At least one call a passage, at most one a style and passage; 0 asks for none."""
    teacher = GivenReplies(practical)
    _, ledger = write_rule_questions(teacher, encoder, max_practical=most, max_rules=0, scenarios_per_chunk=3)
    assert len(teacher.asked.get("scenarios", ())) == calls
    assert ledger.requested == 3 * calls
