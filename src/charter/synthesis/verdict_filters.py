"""Filters that ask the teacher: each puts a question that one word answers, and reads its probability."""

from abc import abstractmethod
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from typing import ClassVar

from charter.generation.engine import Completion, Request
from charter.generation.verdict import choice_probability
from charter.project.records import Chunk, Rule
from charter.synthesis.context import SynthesisContext
from charter.synthesis.decisions import TRUE_OR_FALSE, YES_OR_NO, log_odds, weigh_verdicts
from charter.synthesis.drafts import Draft, Ledger
from charter.synthesis.languages import language_of
from charter.synthesis.steps import Filter, Step


@dataclass(frozen=True)
class VerdictFilter(Filter):
    """A filter that keeps drafts which verdicts of the teacher give a score; the ledger gets the scores."""

    reason: ClassVar[str]
    """Why a draft is refused, with a place for its score."""
    min_score: float

    @abstractmethod
    def scores(self, drafts: Sequence[Draft], context: SynthesisContext) -> Sequence[float | None]:
        """Ask the teacher, and return each draft's score, None where a verdict can't be read."""

    def __call__(self, drafts: Sequence[Draft], context: SynthesisContext, ledger: Ledger) -> list[Draft]:
        """Keep the drafts that the verdicts are for; an unreadable one refuses its draft."""
        scores = self.scores(drafts, context)
        for draft, score in zip(drafts, scores, strict=True):
            ledger.scores.setdefault(draft.question or draft.key, {})[self.name] = score
        return ledger.keep(drafts, self.name, map(self._problem, scores))

    def _problem(self, score: float | None) -> str | None:
        if score is None:
            return "no verdict"
        return None if score >= self.min_score else self.reason.format(score)


@dataclass(frozen=True)
class StatesValue(VerdictFilter):
    """Refuses passages that state no right, duty or value: nobody can keep or break them.

    A small teacher sees no value in who gets a refund until when. With ``by_rules`` a passage isn't asked
    about where a rule of it allows, demands or forbids something, by the words of its language.
    """

    name = "value"
    reason = "states a value with probability {:.2f}"
    min_score: float = 0.5
    by_rules: bool = False

    def scores(self, drafts: Sequence[Draft], context: SynthesisContext) -> Sequence[float | None]:
        """The probability of Yes, 1 where a rule says it."""
        known = [self.by_rules and _states_norm(draft.chunk, context.rules) for draft in drafts]
        requests = [
            context.choice("value_check", draft.chunk, YES_OR_NO)
            for draft, norm in zip(drafts, known, strict=True)
            if not norm
        ]
        verdicts = iter(context.teacher.complete(requests, "value check"))
        return [1.0 if norm else choice_probability(next(verdicts), *YES_OR_NO)[0] for norm in known]


class Supported(VerdictFilter):
    """Refuses answers that the teacher, asked again without the question, doesn't find true by the passage.

    A small teacher that sees the question looks whether the answer fits it instead. Small teachers also find
    "Yes, a person can be tortured" true of a passage that forbids it, but asked the question again for one
    word they say No: so an answer's Yes or No is asked for again.
    """

    name = "support"
    reason = "support {:.2f}"

    def scores(self, drafts: Sequence[Draft], context: SynthesisContext) -> Sequence[float | None]:
        """The lesser of the probabilities of True and of the answer's Yes or No."""
        requests = [_ask_truth(context, draft, draft.answer) for draft in drafts]
        truths = context.teacher.complete(requests, "support of answers")
        words = [language_of(draft.chunk).answer_word(draft.answer) for draft in drafts]
        asked = [_ask_verdict(context, draft) for draft, word in zip(drafts, words, strict=True) if word]
        again = iter(context.teacher.complete(asked, "yes or no again"))
        scores = []
        for truth, word in zip(truths, words, strict=True):
            score, _ = choice_probability(truth, *TRUE_OR_FALSE)
            if word:
                other = "No" if word == "Yes" else "Yes"
                said, _ = choice_probability(next(again), word, other)
                score = None if score is None or said is None else min(score, said)
            scores.append(score)
        return scores


@dataclass(frozen=True)
class AskEvidence(Step):
    """Asks for Yes or No to each scenario: by the passage, by its rule alone, and by the opposite rule."""

    bias_prior: int

    def __call__(self, drafts: Sequence[Draft], context: SynthesisContext, ledger: Ledger) -> list[Draft]:
        """Return the drafts with the passage's word, unless they have one, and the least that is said for it.

        One of which an answer can't be read is refused.
        """
        asked = [_ask_verdict(context, draft) for draft in drafts]
        by_passage = context.teacher.complete(asked, "answers by the passage")
        by_rule = _ask_both(
            drafts,
            lambda draft, rule: _ask_verdict(context, draft, passage=rule),
            "answers by the rule",
            context,
        )
        verdicts = [(passage, *both) for passage, both in zip(by_passage, by_rule, strict=True)]
        weighed = weigh_verdicts(verdicts, self.bias_prior)
        ledger.keep(drafts, OneWordRight.name, [None if found else "no verdict" for found in weighed])
        judged = []
        for draft, found in zip(drafts, weighed, strict=True):
            if found:
                word = draft.word or ("Yes" if found[0] > 0 else "No")
                sign = 1 if word == "Yes" else -1
                judged.append(replace(draft, word=word, margin=min(sign * nats for nats in found)))
        return judged


class OneWordRight(VerdictFilter):
    """Refuses pairs whose Yes or No isn't shown to be right: by the passage and rule, not by its opposite."""

    name = "verification"
    reason = "neither Yes nor No is shown to be right: {:.2f}"

    def scores(self, drafts: Sequence[Draft], context: SynthesisContext) -> Sequence[float | None]:
        """What the verdicts say for the draft's word, in nats of log-odds."""
        return [draft.margin for draft in drafts]


class TruerRule(VerdictFilter):
    """Refuses a rule that the teacher doesn't find truer by the passage than its opposite."""

    name = "verification"
    reason = "the rule is truer by {:.2f} only"

    def scores(self, drafts: Sequence[Draft], context: SynthesisContext) -> Sequence[float | None]:
        """Half of what lies between the log-odds of True of both, in nats."""
        verdicts = _ask_both(
            drafts, lambda draft, text: _ask_truth(context, draft, text), "truth of rules", context
        )
        odds = [log_odds(TRUE_OR_FALSE, *both) for both in verdicts]
        return [(found[0] - found[1]) / 2 if found else None for found in odds]


class OneKeepsOneBreaks(VerdictFilter):
    """Refuses pairs in which the teacher doesn't see one response keep the rule and the other break it."""

    name = "verification"
    reason = "one keeps the rule and the other breaks it by {:.2f} only"

    def scores(self, drafts: Sequence[Draft], context: SynthesisContext) -> Sequence[float | None]:
        """The lesser of the log-odds, in nats, that the faithful one does and that the other doesn't."""
        verdicts = _ask_both(
            drafts,
            lambda draft, reply: context.choice(
                "follows", draft.chunk, YES_OR_NO, rule=draft.rule, situation=draft.question, reply=reply
            ),
            "verification of responses",
            context,
        )
        odds = [log_odds(YES_OR_NO, *both) for both in verdicts]
        return [min(found[0], -found[1]) if found else None for found in odds]


def _states_norm(chunk: Chunk, rules: Sequence[Rule]) -> bool:
    """Return whether one of a chunk's rules allows, demands or forbids something; False without patterns."""
    language = language_of(chunk)
    return any(language.states_norm(rule.statement) for rule in rules if rule.chunk_id == chunk.id)


def _ask_verdict(context: SynthesisContext, draft: Draft, **given: str) -> Request:
    """Ask for the right answer to a scenario, Yes or No, with no response in view."""
    return context.choice("verdict", draft.chunk, YES_OR_NO, prompt=draft.question, **given)


def _ask_truth(context: SynthesisContext, draft: Draft, statement: str) -> Request:
    """Ask whether a statement is true by the draft's passage."""
    return context.choice("support", draft.chunk, TRUE_OR_FALSE, statement=statement)


def _ask_both(
    drafts: Sequence[Draft],
    request: Callable[[Draft, str], Request],
    purpose: str,
    context: SynthesisContext,
) -> list[tuple[Completion, Completion]]:
    """Ask about both sides of each draft, and return the two verdicts on it."""
    requests = [request(draft, text) for draft in drafts for text in draft.sides]
    verdicts = context.teacher.complete(requests, purpose)
    return list(zip(verdicts[::2], verdicts[1::2], strict=True))
