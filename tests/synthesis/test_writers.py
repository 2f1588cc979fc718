"""Steps that choose and that have the teacher write."""

from dataclasses import replace

import pytest

from charter.generation.engine import Completion
from charter.project.records import Chunk, content_id
from charter.synthesis.drafts import Draft, Ledger
from charter.synthesis.languages import Language, load_language
from charter.synthesis.writers import (
    AtMost,
    Choose,
    EachRule,
    FirstQuestion,
    InStyles,
    WriteAnswers,
    WriteOpposites,
    WriteQuestions,
    split_lines,
)
from rows import chunk_of, rule_of
from synthesis_contexts import GivenReplies, make_context

GIFTS = chunk_of("Gifts above 50 euros must be refused. They are sent back by post.", chunk_id="0a")
PRESS = chunk_of("Only the spokesperson may talk to journalists.", chunk_id="0b")
ENGLISH = load_language("en").attribution


@pytest.mark.parametrize(
    "line",
    [
        "1. May I?",
        "2) May I?",
        "- May I?",
        '"May I?"',
        "**May I?**",
        "Q1: May I?",
        "(3) May I?",
        "* May I?",
        "Question 1:** May I?",
        "**Question 2:** May I?",
        "• May I?",
        "3、 May I?",
        "  4．  May I?  ",
        "५. May I?",
        "4.1. May I?",
        "4.1 May I?",
        "10.2.3) May I?",
    ],
)
def test_list_markers_are_stripped(line: str) -> None:
    assert split_lines(line, ENGLISH) == ["May I?"]


@pytest.mark.parametrize(
    ("line", "question"),
    [
        ("¿Quién tiene derecho al descanso? ¿Con qué límites?", "¿Quién tiene derecho al descanso?"),
        ("¿Quién lo decide?¿Y cuándo?", "¿Quién lo decide?"),
        ("I got a watch. May I keep it? Or must I send it back?", "I got a watch. May I keep it?"),
        ("可以收礼物吗？要登记吗？", "可以收礼物吗？"),
        ('May I ask "Are you pregnant?" in an interview?', 'May I ask "Are you pregnant?" in an interview?'),
        ("May I keep it?", "May I keep it?"),
        ("I wonder whether I may.", "I wonder whether I may."),
    ],
)
def test_of_several_questions_in_a_line_the_first_is_taken(line: str, question: str) -> None:
    (draft,) = FirstQuestion()([Draft(GIFTS, question=line)], make_context(GIFTS), Ledger("instruct"))
    assert draft.question == question


@pytest.mark.parametrize(
    "text",
    [
        "I got a watch. May I keep it?",
        'A young person asks: "I got a watch. May I keep it?',
        "**Question:** I got a watch. May I keep it? **Answer:** No.",
        "I got a watch.  May I keep it? No, it is too dear.",
    ],
)
def test_question_is_taken_out_of_what_surrounds_it(text: str) -> None:
    assert split_lines(text, ENGLISH) == ["I got a watch. May I keep it?"]


def test_each_line_is_a_question_and_empty_ones_none() -> None:
    text = "1. 我可以收吗？ 可以。\n\n 2. هل يجوز لي؟\n---\n3. What now?\n"
    assert split_lines(text, Language().attribution) == ["我可以收吗？", "هل يجوز لي؟", "What now?"]
    assert split_lines("", ENGLISH) == []


def test_a_situation_is_not_cut_at_a_semicolon() -> None:
    told = "I got a watch; my boss doesn't know of it. Please tell me what to do."
    assert split_lines(f"1. {told}", ENGLISH) == [told]


def test_text_without_a_question_stays() -> None:
    assert split_lines("I can't help with that.", ENGLISH) == ["I can't help with that."]


def drafts(*chunks: Chunk) -> list[Draft]:
    return [Draft(chunk) for chunk in chunks]


def test_each_rule_of_the_passages_is_a_draft() -> None:
    other = chunk_of("Helmets are worn.")
    rules = [
        rule_of(GIFTS, "Gifts above 50 euros must be refused."),
        rule_of(GIFTS, "They are sent back by post."),
        rule_of(other, "Helmets are worn."),
    ]
    found = EachRule()(drafts(GIFTS, PRESS), make_context(GIFTS, PRESS, rules=rules), Ledger("rule"))
    assert [(draft.chunk, draft.rule, draft.style) for draft in found] == [
        (GIFTS, rules[0].statement, "rule"),
        (GIFTS, rules[1].statement, "rule"),
    ]


def test_a_long_document_is_asked_about_in_fewer_styles_but_in_one() -> None:
    styles = ("content", "term", "permission")
    chunks = [chunk_of(f"Rule {number}.") for number in range(12)]
    for most, each in ((0, 1), (11, 1), (24, 2), (35, 2), (36, 3), (900, 3)):
        asked = InStyles(styles, most)(drafts(*chunks), make_context(), Ledger("instruct"))
        assert len({(draft.chunk.id, draft.style) for draft in asked}) == len(asked) == 12 * each
    first = InStyles(styles, 12)(drafts(*chunks), make_context(), Ledger("instruct"))
    assert {draft.style for draft in first} == set(styles)
    # An amended passage changes nothing for the others.
    amended = InStyles(styles, 12)(
        drafts(chunk_of("Another."), *chunks[1:]), make_context(), Ledger("instruct")
    )
    assert amended[1:] == first[1:]
    assert InStyles(styles, 12)([], make_context(), Ledger("instruct")) == []


def test_as_many_are_chosen_as_are_allowed_and_an_amendment_moves_no_others() -> None:
    rules = [replace(Draft(GIFTS), rule=f"Rule {number}.") for number in range(20)]
    chosen = Choose(8)(rules, make_context(), Ledger("rule"))
    assert len(chosen) == 8
    assert chosen == [draft for draft in rules if draft in chosen]
    assert Choose(0)(rules, make_context(), Ledger("rule")) == []
    assert Choose(20)(rules, make_context(), Ledger("rule")) == rules
    fewer = Choose(8)([draft for draft in rules if draft != chosen[3]], make_context(), Ledger("rule"))
    assert set(fewer) >= set(chosen) - {chosen[3]}
    # Rows of one rule are chosen together.
    assert len(Choose(1)([*rules, *rules], make_context(), Ledger("rule"))) == 2


def test_questions_are_sampled_and_each_line_is_one() -> None:
    teacher = GivenReplies(lambda *_: "1. May I keep a watch?\n2. Who decides?")
    step = WriteQuestions("questions", {"term": "ask for a term."}, count=2, max_tokens=40)
    ledger = Ledger("instruct")
    asked = [replace(draft, style="term") for draft in drafts(GIFTS, PRESS)]
    written = step(asked, make_context(GIFTS, PRESS, teacher=teacher, temperature=0.9), ledger)
    assert [(draft.chunk, draft.question) for draft in written] == [
        (chunk, question) for chunk in (GIFTS, PRESS) for question in ("May I keep a watch?", "Who decides?")
    ]
    assert ledger.requested == 4
    for request in teacher.requests:
        assert (request.temperature, request.max_new_tokens, request.seed) == (0.9, 80, 1)
        assert "ask for a term." in request.messages[-1].content


@pytest.mark.parametrize(
    ("text", "problem", "kept", "refused"),
    [
        ("1. May I?\n2. Who deci", "cut off", ["May I?"], []),
        ("1. Who deci", "cut off", [], ["cut off"]),
        ("", "cut off", [], ["cut off"]),
        ("1. May I?\n2. Who decides?", "refused", [], ["refused"]),
        ("1. May I?\n2. Who decides?", None, ["May I?", "Who decides?"], []),
    ],
)
def test_a_list_that_was_cut_off_loses_its_last_line(
    text: str, problem: str | None, kept: list[str], refused: list[str]
) -> None:
    teacher = GivenReplies(lambda *_: Completion(text=text, tokens=1, problem=problem))
    step, ledger = WriteQuestions("questions", {"term": "ask."}, count=2, max_tokens=40), Ledger("instruct")
    asked = [replace(draft, style="term") for draft in drafts(GIFTS)]
    written = step(asked, make_context(GIFTS, teacher=teacher), ledger)
    assert [draft.question for draft in written] == kept
    assert [row.reason for row in ledger.rejected if row.filter == "reply"] == refused


def test_who_asks_again_samples_anew_and_says_what_for() -> None:
    teacher = GivenReplies(lambda *_: "May I?")
    step = WriteQuestions("rule_questions", {"rule": ""}, 2, 40, "questions to rules")
    asked = [replace(draft, style="rule", rule="Gifts must be refused.") for draft in drafts(GIFTS)]
    for turn in (0, 2):
        step(asked, make_context(GIFTS, teacher=teacher), Ledger("rule"), turn)
    assert [request.seed for request in teacher.requests] == [1, 3]
    assert teacher.requests[0].messages == teacher.requests[1].messages
    assert teacher.asked.keys() == {"questions to rules"}


def test_a_call_gives_no_more_than_it_asked_for() -> None:
    two = [Draft(GIFTS, style="term", question=f"{number}?") for number in range(5)]
    others = [Draft(GIFTS, style="content", question="a?"), Draft(PRESS, style="term", question="b?")]
    kept = AtMost(2)([*two, *others], make_context(), Ledger("instruct"))
    assert [draft.question for draft in kept] == ["0?", "1?", "a?", "b?"]


def test_an_answer_is_asked_for_greedily_and_states_its_rule() -> None:
    teacher = GivenReplies(lambda *_: " According to the passage, they are sent back. ")
    ledger = Ledger("instruct")
    asked = [replace(draft, question="Where do gifts go?") for draft in drafts(GIFTS)]
    step = WriteAnswers("synthetic_answer", max_tokens=77)
    (draft,) = step(asked, make_context(GIFTS, teacher=teacher), ledger)
    assert draft.answer == "They are sent back."
    (request,) = teacher.requests
    assert (request.temperature, request.max_new_tokens) == (0.0, 77)
    assert ledger.requested == 0


@pytest.mark.parametrize("problem", ["declined", "cut off at 60 tokens"])
def test_a_reply_that_is_none_is_refused_with_its_reason(problem: str) -> None:
    def reply(asked: str, _: str) -> Completion:
        return Completion(text="Oh.", tokens=1, problem=problem if "Gifts" in asked else None)

    context = make_context(GIFTS, PRESS, teacher=GivenReplies(reply))
    ledger = Ledger("instruct")
    asked = [replace(draft, question="What?") for draft in drafts(GIFTS, PRESS)]
    kept = WriteAnswers("synthetic_answer", 77)(asked, context, ledger)
    assert [draft.chunk for draft in kept] == [PRESS]
    assert [(row.chunk_id, row.filter, row.reason) for row in ledger.rejected] == [("0a", "reply", problem)]


def test_an_opposite_is_of_its_rule_alone() -> None:
    teacher = GivenReplies(lambda asked, _: asked.replace("must be refused", "are welcome"))
    ruled = [replace(draft, rule="Gifts must be refused.") for draft in drafts(GIFTS)]
    (draft,) = WriteOpposites(50)(ruled, make_context(GIFTS, teacher=teacher), Ledger("preference"))
    assert draft.opposite == "Gifts are welcome."
    assert draft.rule == "Gifts must be refused."
    assert GIFTS.text not in "".join(message.content for message in teacher.requests[0].messages)


def test_a_draft_is_hashed_by_what_it_is_about() -> None:
    assert Draft(GIFTS).key == "0a"
    assert Draft(GIFTS, rule="Gifts.", question="What?").key == content_id("Gifts.")


@pytest.mark.parametrize(
    ("rule", "norm"),
    [
        ("No one shall be held in slavery.", True),
        ("Gifts above 50 euros are forbidden.", True),
        ("Every purchase needs two quotes.", True),
        ("Six rules protect life at every site.", False),
        ("The canister was emptied at dawn.", False),
        ("A watch shall be sent back.", True),
        ('"Gift" shall mean whatever has a price.', False),
    ],
)
def test_rules_that_allow_demand_or_forbid_come_first(rule: str, norm: bool) -> None:
    # By its hash "He is 186 years old." comes before all of them.
    drafts = [replace(Draft(GIFTS), rule=text) for text in ("He is 186 years old.", rule)]
    (chosen,) = Choose(1, norms_first=True)(drafts, make_context(), Ledger("rule-pair"))
    assert (chosen.rule == rule) == norm
