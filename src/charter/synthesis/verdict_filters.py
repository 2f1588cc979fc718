"""Filters that ask the teacher: each puts a question that one word answers, and reads its probability."""

from abc import abstractmethod
from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import ClassVar

from charter.generation.engine import Request
from charter.synthesis.context import SynthesisContext
from charter.synthesis.decisions import (
    TRUE_OR_FALSE,
    YES_OR_NO,
    Decision,
    decide_opposite,
    decide_pair,
    decide_support,
    decide_value,
    decide_verification,
    measure_yes_bias,
    read_evidence,
)
from charter.synthesis.drafts import Draft, Ledger
from charter.synthesis.steps import Filter, Step


class VerdictFilter(Filter):
    """A filter that decides by verdicts of the teacher; the ledger gets each draft's score."""

    reason: ClassVar[str]
    """Why a draft is refused, with a place for its score."""

    @abstractmethod
    def decide(self, drafts: Sequence[Draft], context: SynthesisContext) -> list[Decision]:
        """Ask the teacher, and decide on each draft."""

    def __call__(self, drafts: Sequence[Draft], context: SynthesisContext, ledger: Ledger) -> list[Draft]:
        """Keep the drafts that the verdicts are for."""
        decisions = self.decide(drafts, context)
        for draft, decision in zip(drafts, decisions, strict=True):
            ledger.scores.setdefault(draft.question or draft.key, {})[self.name] = decision.score
        return ledger.keep(drafts, self.name, [self._problem(decision) for decision in decisions])

    def _problem(self, decision: Decision) -> str | None:
        if decision.kept:
            return None
        return "no verdict" if decision.score is None else self.reason.format(decision.score)


class StatesValue(VerdictFilter):
    """Refuses passages that state no right, duty or value: nobody can keep or break them."""

    name = "value"
    reason = "states a value with probability {:.2f}"

    def decide(self, drafts: Sequence[Draft], context: SynthesisContext) -> list[Decision]:
        """Decide by the probability of Yes."""
        requests = [context.choice("value_check", draft.chunk, YES_OR_NO) for draft in drafts]
        return [decide_value(verdict) for verdict in context.teacher.complete(requests, "value check")]


@dataclass(frozen=True)
class Supported(VerdictFilter):
    """Refuses answers that the teacher, asked again without the question, doesn't find true by the passage.

    A small teacher that sees the question looks whether the answer fits it instead. Small teachers also find
    "Yes, a person can be tortured" true of a passage that forbids it, but asked the question again for one
    word they say No: so an answer's Yes or No is asked for again.
    """

    name = "support"
    reason = "support {:.2f}"
    min_probability: float

    def decide(self, drafts: Sequence[Draft], context: SynthesisContext) -> list[Decision]:
        """Decide on each answer, by the probability of True and of the answer's Yes or No."""
        requests = [
            context.choice("support", draft.chunk, TRUE_OR_FALSE, statement=draft.answer) for draft in drafts
        ]
        truths = context.teacher.complete(requests, "support of answers")
        words = [context.language_of(draft.chunk).answer_word(draft.answer) for draft in drafts]
        with_word = [place for place, word in enumerate(words) if word]
        asked = [_ask_verdict(context, drafts[place]) for place in with_word]
        again = dict(zip(with_word, context.teacher.complete(asked, "yes or no again"), strict=True))
        return [
            decide_support(truth, again.get(place), word, self.min_probability)
            for place, (truth, word) in enumerate(zip(truths, words, strict=True))
        ]


class AskEvidence(Step):
    """Asks for Yes or No to each scenario: by the passage, by its rule alone, and by the opposite rule."""

    def __call__(self, drafts: Sequence[Draft], context: SynthesisContext, ledger: Ledger) -> list[Draft]:
        """Return the drafts with what the answers say."""
        asked = [_ask_verdict(context, draft) for draft in drafts]
        by_passage = context.teacher.complete(asked, "answers by the passage")
        asked = [
            _ask_verdict(context, draft, passage=rule)
            for draft in drafts
            for rule in (draft.rule, draft.opposite)
        ]
        by_rule = context.teacher.complete(asked, "answers by the rule")
        verdicts = zip(by_passage, by_rule[::2], by_rule[1::2], strict=True)
        return [
            replace(draft, evidence=read_evidence(*said))
            for draft, said in zip(drafts, verdicts, strict=True)
        ]


@dataclass(frozen=True)
class OneWordRight(VerdictFilter):
    """Refuses pairs whose Yes or No isn't shown to be right: by the passage and rule, not by its opposite."""

    name = "verification"
    reason = "neither Yes nor No is shown to be right: {:.2f}"
    min_margin: float
    """In nats of log-odds."""
    bias_prior: int

    def decide(self, drafts: Sequence[Draft], context: SynthesisContext) -> list[Decision]:
        """Decide on the word of each draft, of all together, whose mean shows the bias to Yes."""
        bias = measure_yes_bias([draft.evidence for draft in drafts], self.bias_prior)
        return [
            decide_verification(draft.evidence, bias, draft.word or "", self.min_margin) for draft in drafts
        ]


@dataclass(frozen=True)
class TruerRule(VerdictFilter):
    """Refuses a rule that the teacher doesn't find truer by the passage than its opposite."""

    name = "verification"
    reason = "the rule is truer by {:.2f} only"
    min_margin: float
    """In nats of log-odds."""

    def decide(self, drafts: Sequence[Draft], context: SynthesisContext) -> list[Decision]:
        """Decide on each rule by what lies between it and its opposite."""
        requests = [
            context.choice("support", draft.chunk, TRUE_OR_FALSE, statement=text)
            for draft in drafts
            for text in (draft.rule, draft.opposite)
        ]
        truths = context.teacher.complete(requests, "truth of rules")
        both = zip(truths[::2], truths[1::2], strict=True)
        return [decide_opposite(*verdicts, self.min_margin) for verdicts in both]


@dataclass(frozen=True)
class OneKeepsOneBreaks(VerdictFilter):
    """Refuses pairs in which the teacher doesn't see one response keep the rule and the other break it."""

    name = "verification"
    reason = "one keeps the rule and the other breaks it by {:.2f} only"
    min_margin: float
    """In nats of log-odds, of each."""

    def decide(self, drafts: Sequence[Draft], context: SynthesisContext) -> list[Decision]:
        """Decide on each pair by verdicts on both responses."""
        requests = [
            context.choice(
                "follows", draft.chunk, YES_OR_NO, rule=draft.rule, situation=draft.question, reply=reply
            )
            for draft in drafts
            for reply in (draft.answer, draft.rejected)
        ]
        said = context.teacher.complete(requests, "verification of responses")
        both = zip(said[::2], said[1::2], strict=True)
        return [decide_pair(*verdicts, self.min_margin) for verdicts in both]


def _ask_verdict(context: SynthesisContext, draft: Draft, **given: str) -> Request:
    """Ask for the right answer to a scenario, Yes or No, with no response in view."""
    return context.choice("verdict", draft.chunk, YES_OR_NO, prompt=draft.question, **given)
