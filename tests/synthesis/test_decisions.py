"""What a verdict decides, at its threshold too."""

import math
from dataclasses import replace
from typing import NamedTuple

import pytest

from charter.generation.engine import Completion
from charter.synthesis.decisions import weigh_verdicts
from charter.synthesis.drafts import Draft, Ledger
from charter.synthesis.verdict_filters import (
    AskEvidence,
    OneKeepsOneBreaks,
    OneWordRight,
    StatesValue,
    Supported,
    TruerRule,
    VerdictFilter,
)
from rows import chunk_of
from synthesis_contexts import UNREADABLE, GivenReplies, make_context
from synthesis_contexts import verdict as verdict_of

PARK = chunk_of("Visitors may not feed the animals.")
PAIR = Draft(PARK, question="May I?", rule="Don't.", opposite="Do.", answer="Don't.", rejected="Do.")


def verdict(probability: float, first: str = "Yes", other: str = " no") -> Completion:
    """A verdict whose two words have nine tenths of the mass."""
    shares = ((first, 0.9 * probability), (other, 0.9 * (1 - probability)), ("Maybe", 0.1))
    return Completion(text=first, tokens=1, alternatives=tuple((word, math.log(p)) for word, p in shares))


class Decision(NamedTuple):
    """Whether a filter kept a draft, and the score that it gave."""

    score: float | None
    kept: bool


def decide(step: VerdictFilter, *verdicts: Completion, draft: Draft = PAIR) -> Decision:
    """What a filter decides when the teacher gives these verdicts, one after the other."""
    left, ledger = iter(verdicts), Ledger("preference")
    kept = step([draft], make_context(PARK, teacher=GivenReplies(lambda *_: next(left))), ledger)
    assert next(left, None) is None
    assert kept in ([], [draft])
    assert len(kept) + len(ledger.rejected) == 1
    return Decision(ledger.scores[draft.question][step.name], bool(kept))


def test_support_is_the_probability_of_true_and_its_threshold_is_kept() -> None:
    exact = decide(Supported(0.75 - 1e-12), verdict(0.75, "True", "false"))
    assert exact.score == pytest.approx(0.75)
    assert exact.kept
    assert not decide(Supported(0.75), verdict(0.74, "True", "false")).kept
    certain = Completion(text="True", tokens=1, alternatives=(("True", -0.5),))
    assert decide(Supported(1.0), certain) == Decision(1.0, kept=True)


@pytest.mark.parametrize(
    ("truth", "yes", "word", "score"),
    [(0.9, 0.8, "Yes", 0.8), (0.9, 0.8, "No", 0.2), (0.3, 0.2, "No", 0.3)],
)
def test_support_of_a_yes_or_no_is_the_weaker_of_two_verdicts(
    truth: float, yes: float, word: str, score: float
) -> None:
    answered = replace(PAIR, answer=f"{word}, so it is.")
    decision = decide(Supported(0.5), verdict(truth, "True", "False"), verdict(yes), draft=answered)
    assert decision.score == pytest.approx(score)
    assert decision.kept == (score >= 0.5)


@pytest.mark.parametrize("share_of_yes", [0.0, 0.3, 1.0])
def test_evidence_is_free_of_the_bias_however_many_answers_are_yes(share_of_yes: float) -> None:
    """A teacher with a bias to Yes of .7 nats by a rule, and by .2 more by a passage."""
    count, prior = 200, 8
    signs = [1 if number < share_of_yes * count else -1 for number in range(count)]
    batch = [
        (verdict_of(0.9 + sign * 1.5), verdict_of(0.7 + sign * 1.5), verdict_of(0.7 - sign * 1.5))
        for sign in signs
    ]
    *weighed, unread = weigh_verdicts([*batch, (UNREADABLE, *batch[0][1:])], prior)
    assert unread is None
    left = prior / (count + prior)
    for sign, evidence in zip(signs, weighed, strict=True):
        assert evidence is not None
        assert evidence == pytest.approx((0.9 * left + sign * 1.5, 0.7 * left + sign * 1.5, sign * 1.5))
    assert weigh_verdicts([], prior) == []


def test_a_scenario_of_which_one_verdict_cannot_be_read_has_no_evidence() -> None:
    verdicts = (verdict(0.8), verdict(0.7), verdict(0.2))
    for place in range(len(verdicts)):
        read = list(verdicts)
        read[place] = UNREADABLE
        assert weigh_verdicts([(read[0], read[1], read[2])], 8) == [None]


@pytest.mark.parametrize(
    ("odds", "word", "score"),
    [
        ((0.5, 3.0, -1.0), "Yes", 0.5),  # the passage is the weakest
        ((2.0, 0.75, -1.0), "Yes", 0.75),  # the rule is
        ((2.0, 2.0, 1.0), "Yes", 0.5),  # the opposite hardly moves it
        ((-0.5, -0.5, 0.5), "No", 0.5),
        ((-1.0, 1.0, -1.0), "Yes", -1.0),  # passage and rule disagree
        ((-1.0, 1.0, -1.0), "No", -1.0),
        ((2.0, 2.0, 2.0), "Yes", 0.0),  # the rule decides nothing, or wasn't turned round
    ],
)
def test_the_weakest_evidence_decides_verification(
    odds: tuple[float, float, float], word: str, score: float
) -> None:
    verdicts = map(verdict_of, odds)
    context = make_context(PARK, teacher=GivenReplies(lambda *_: next(verdicts)))
    (draft,) = AskEvidence(bias_prior=10**12)([replace(PAIR, word=word)], context, Ledger("preference"))
    assert draft == replace(PAIR, word=word, margin=draft.margin)
    assert draft.margin == pytest.approx(score, abs=1e-9)
    for threshold in (score, score + 1e-6):
        decision = decide(OneWordRight(threshold), draft=replace(draft, margin=score))
        assert decision == Decision(score, kept=threshold == score)


@pytest.mark.parametrize(
    ("rule", "opposite", "score"), [(0.9, 0.1, math.log(9)), (0.5, 0.5, 0.0), (0.2, 0.8, -math.log(4))]
)
def test_a_rule_must_be_truer_than_its_opposite(rule: float, opposite: float, score: float) -> None:
    verdicts = (verdict(rule, "True", "False"), verdict(opposite, "True", "False"))
    for margin in (score - 1e-9, score + 1e-9):
        decision = decide(TruerRule(margin), *verdicts)
        assert decision.score == pytest.approx(score)
        assert decision.kept == (margin < score)
    assert not decide(TruerRule(-9.0), verdicts[0], UNREADABLE).kept
    assert not decide(TruerRule(-9.0), UNREADABLE, verdicts[1]).kept


@pytest.mark.parametrize(
    ("faithful", "unfaithful", "score"),
    [(0.9, 0.2, math.log(4)), (0.8, 0.05, math.log(4)), (0.9, 0.9, -math.log(9)), (0.2, 0.1, -math.log(4))],
)
def test_each_of_two_responses_is_judged_by_itself(faithful: float, unfaithful: float, score: float) -> None:
    verdicts = (verdict(faithful), verdict(unfaithful))
    for margin in (score - 1e-9, score + 1e-9):
        decision = decide(OneKeepsOneBreaks(margin), *verdicts)
        assert decision.score == pytest.approx(score)
        assert decision.kept == (margin < score)
    assert decide(OneKeepsOneBreaks(-9.0), verdicts[0], UNREADABLE) == Decision(None, kept=False)
    assert decide(OneKeepsOneBreaks(-9.0), UNREADABLE, verdicts[1]) == Decision(None, kept=False)


def test_a_value_is_what_is_rather_one() -> None:
    assert decide(StatesValue(), verdict(0.51)).kept
    assert not decide(StatesValue(), verdict(0.49)).kept
    assert decide(StatesValue(), UNREADABLE) == Decision(None, kept=False)


def test_an_unreadable_verdict_is_refused_whatever_the_threshold() -> None:
    assert decide(Supported(0.0), UNREADABLE) == Decision(None, kept=False)
    answered = replace(PAIR, answer="No, so it is.")
    readable = verdict(0.9, "True", "False")
    assert decide(Supported(0.0), readable, UNREADABLE, draft=answered) == Decision(None, kept=False)
