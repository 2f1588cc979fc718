"""The method `direct`: how both replies are asked for, and in which language."""

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray

from charter.generation.engine import Completion
from charter.project.records import Chunk, Rule
from charter.synthesis.direct_method import PERSONAS, STYLES, DirectMethod
from charter.synthesis.drafts import Draft, Ledger
from charter.synthesis.steps import run_steps
from rows import chunk_of, rule_of
from synthesis_contexts import GivenReplies, make_context, settings_of, verdict

CHUNK = chunk_of("Gifts above 50 euros must be refused, since they bind.", chunk_id="0a", headings=("Gifts",))
RULE = rule_of(CHUNK, "Dear gifts must be refused.", reason="they bind")
OPPOSITE = "Dear gifts may be kept."
SITUATION = "A supplier sends me a watch. What should I do?"
FAITHFUL = "Send it back, since a dear gift would bind you."
UNFAITHFUL = "Keep it and enjoy it, since nobody will mind that."


class Alike:
    """Finds no two texts alike."""

    def encode(self, texts: Sequence[str]) -> NDArray[np.float32]:
        return np.eye(max(len(texts), 1), dtype=np.float32)[: len(texts)]


def reply(asked: str, purpose: str) -> str | Completion:
    """A strong teacher."""
    given: dict[str, str | Completion] = {
        "value check": verdict(3.0),
        "situations": f"1. {SITUATION}",
        "rule questions direct": "1. Which gifts must an employee refuse?\n2. What of dear gifts?",
        "answers": "Those above 50 euros.",
        "support of answers": verdict(3.0, "True", "False"),
        "replies by rule": FAITHFUL,
        "opposite rules": OPPOSITE,
        "replies by opposite": UNFAITHFUL,
        "replies by persona": UNFAITHFUL,
        "verification of responses": verdict(3.0 if FAITHFUL in asked else -3.0),
    }
    return given[purpose]


Run = tuple[list[Draft], Ledger, GivenReplies]


def run(
    way: str,
    says: Callable[[str, str], str | Completion] = reply,
    chunk: Chunk = CHUNK,
    rules: Sequence[Rule] = (RULE,),
    **settings: Any,
) -> Run:
    changed = {"scenarios_per_chunk": 1, "questions_per_style": 2} | settings
    teacher, ledger = GivenReplies(says), Ledger("preference")
    context = make_context(chunk, rules=rules, teacher=teacher, encoder=Alike(), **changed)
    steps = getattr(DirectMethod(settings_of(**changed)), way)
    return run_steps(steps, [Draft(chunk)], context, ledger), ledger, teacher


def test_a_pair_is_a_situation_and_two_replies_in_natural_words() -> None:
    kept, ledger, _ = run("pairs")
    assert len(kept) == 1
    pair = kept[0].to_pair()
    assert (pair.prompt, pair.chosen, pair.rejected) == (SITUATION, FAITHFUL, UNFAITHFUL)
    assert (pair.rule, pair.chunk_id) == (RULE.statement, "0a")
    assert not ledger.rejected
    assert ledger.requested == 1
    assert ledger.scores[SITUATION]["verification"] == pytest.approx(3.0)


def test_both_replies_are_asked_for_alike_by_the_rule_and_by_its_opposite() -> None:
    _, _, teacher = run("pairs", reasons=False)
    (faithful,), (unfaithful,) = teacher.asked["replies by rule"], teacher.asked["replies by opposite"]
    assert faithful.replace(RULE.statement, OPPOSITE) == unfaithful != faithful
    assert SITUATION in faithful
    assert "they bind" not in faithful
    assert "reason" not in faithful


def test_a_reply_names_the_reason_of_its_rule_and_the_other_gives_one_too() -> None:
    _, _, teacher = run("pairs", reasons=True)
    (faithful,), (unfaithful,) = teacher.asked["replies by rule"], teacher.asked["replies by opposite"]
    assert "Give the reason in half a sentence: they bind" in faithful
    assert "Give a reason in half a sentence." in unfaithful
    assert "they bind" not in unfaithful
    bare = RULE.model_copy(update={"reason": None})
    _, _, teacher = run("pairs", rules=[bare], reasons=True)
    assert "reason" not in teacher.asked["replies by rule"][0]
    assert "reason" not in teacher.asked["replies by opposite"][0]


def test_an_unfaithful_reply_may_come_from_somebody_who_ignores_the_rule() -> None:
    kept, _, teacher = run("pairs", rejected="persona")
    assert [draft.rejected for draft in kept] == [UNFAITHFUL]
    assert "opposite rules" not in teacher.asked
    (asked,) = teacher.asked["replies by persona"]
    assert FAITHFUL in asked
    assert RULE.statement in asked


@pytest.mark.parametrize(
    ("purpose", "said", "name", "reason"),
    [
        ("value check", verdict(-3.0), "value", "states a value with probability 0.05"),
        ("situations", "Huh.", "form", "has 1 words, not 3 to 90"),
        ("situations", "The passage forbids it, so what now?", "mention", "mentions 'The passage'"),
        ("replies by opposite", FAITHFUL, "contrast", "both are the same text"),
        ("replies by rule", "Article 5 forbids it to you.", "mention", "mentions 'Article 5'"),
        ("replies by opposite", "Keep it.", "contrast", "one is 5.9 times as long as the other"),
        ("replies by opposite", "Keep it and enjoy it, since nobody will mind", "contrast", "doesn't end"),
        ("replies by opposite", Completion(text="", tokens=0, problem="declined"), "reply", "declined"),
        ("verification of responses", verdict(3.0), "verification", "one keeps the rule and the other"),
        ("verification of responses", verdict(-3.0), "verification", "one keeps the rule and the other"),
    ],
)
def test_what_is_refused_of_a_pair_is_in_the_ledger(
    purpose: str, said: str | Completion, name: str, reason: str
) -> None:
    kept, ledger, _ = run("pairs", lambda asked, now: said if now == purpose else reply(asked, now))
    assert not kept
    (row,) = ledger.rejected
    assert row.filter == name
    assert row.reason.startswith(reason)


def test_each_rule_is_asked_about_in_every_style() -> None:
    kept, ledger, teacher = run("questions")
    asked = teacher.asked["rule questions direct"]
    assert len(asked) == len(STYLES) == 3
    assert all(any(style in text for text in asked) for style in STYLES.values())
    assert all(RULE.statement in text for text in asked)
    assert ledger.requested == 6
    # The teacher wrote the same questions in each style.
    assert ledger.count_by_filter() == {}
    assert {(draft.rule, draft.answer) for draft in kept} == {(RULE.statement, "Those above 50 euros.")}
    assert {draft.style for draft in kept} == set(STYLES)


@pytest.mark.parametrize(
    ("purpose", "said", "name"),
    [
        ("rule questions direct", "Gifts are refused.", "form"),
        ("rule questions direct", "What does the passage forbid?", "mention"),
        ("answers", "NOT ANSWERED", "answer"),
        ("answers", "The passage forbids it.", "mention"),
        ("answers", "Those above 70 euros.", "numbers"),
        ("support of answers", verdict(-3.0, "True", "False"), "support"),
    ],
)
def test_what_is_refused_of_a_question_is_in_the_ledger(
    purpose: str, said: str | Completion, name: str
) -> None:
    kept, ledger, _ = run("questions", lambda asked, now: said if now == purpose else reply(asked, now))
    assert not kept
    assert set(ledger.count_by_filter()) == {name}


def test_as_many_rules_have_situations_as_the_parameters_allow() -> None:
    rules = [rule_of(CHUNK, f"Gifts of kind {number} are refused.") for number in range(9)]
    for most, asked in ((4, 4), (900, 9)):
        _, _, teacher = run("pairs", rules=rules, max_scenarios=most)
        assert len(teacher.asked["situations"]) == asked
    _, _, teacher = run("pairs", rules=rules, max_scenarios=9, scenarios_per_chunk=3)
    assert len(teacher.asked["situations"]) == 3


def test_who_tells_a_situation_differs() -> None:
    rules = [rule_of(CHUNK, f"Gifts of kind {number} are refused.") for number in range(30)]
    _, _, teacher = run("pairs", rules=rules, max_scenarios=30)
    told = " ".join(teacher.asked["situations"])
    assert all(persona in told for persona in PERSONAS.values())


def test_every_text_is_asked_for_in_the_language_of_the_passage() -> None:
    text = "Geschenke über 50 Euro werden abgelehnt."
    german = chunk_of(text, chunk_id="de", language="deu")
    unknown = chunk_of(text, chunk_id="xx", language=None)
    for chunk, named in ((german, True), (unknown, False)):
        for way in ("questions", "pairs"):
            _, _, teacher = run(way, chunk=chunk, rules=[rule_of(chunk, text)])
            texts = [request for request in teacher.requests if not request.alternatives]
            assert texts
            for request in texts:
                said = " ".join(message.content for message in request.messages)
                assert ("German" in said) == named, said
                if not said.startswith("You turn a rule"):
                    assert named or "the language of the passage" in said
