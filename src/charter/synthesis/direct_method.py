"""The method `direct`, for a strong teacher: it writes both responses itself, in natural words.

One prompt writes both, so they differ in what they advise, and in nothing else that a model could learn to
tell them apart by. More is in docs/method.md.
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Literal

from charter.synthesis.context import SynthesisContext
from charter.synthesis.drafts import Draft, Ledger
from charter.synthesis.method import Method
from charter.synthesis.register import ask_for_rules
from charter.synthesis.set_filters import Duplicate
from charter.synthesis.steps import Step, ask_teacher
from charter.synthesis.text_filters import (
    AnswerForm,
    Contrast,
    Mention,
    Numbers,
    QuestionForm,
    SituationForm,
)
from charter.synthesis.verdict_filters import OneKeepsOneBreaks, StatesValue, Supported
from charter.synthesis.writers import (
    AtMost,
    Choose,
    EachRule,
    FirstQuestion,
    InStyles,
    WriteAnswers,
    WriteOpposites,
    WriteQuestions,
)

STYLES = {
    "content": "ask what it says: who has which right or duty, with which limits",
    "situation": "are asked by a person in a practical situation, told in half a sentence",
    "everyday": "are asked in everyday words, with none of the terms that the passage uses",
}
"""Question styles, each completing "Write N different questions that"; one call a style and rule."""

PERSONAS = {
    "tempted": "would gain by not keeping the rule and looks for a way round it",
    "pressed": "is told by somebody in authority to do what the rule forbids, or not to do what it asks for",
    "careful": "wants to do what the rule allows or asks for, and doesn't know whether they may",
    "witness": "sees somebody else in the situation and wonders what to do",
}
"""Who tells a situation, each completing "by a person who"; a rule's passage says which come first."""


class DirectMethod(Method):
    """The steps of the method, for the parameters given."""

    list_rules = staticmethod(ask_for_rules)

    @property
    def questions(self) -> tuple[Step, ...]:
        """Questions to each rule, in several styles, and their answers."""
        settings = self.settings
        count = settings.questions_per_style
        return (
            EachRule(),
            InStyles(tuple(STYLES), settings.max_questions // count),
            WriteQuestions("rule_questions_direct", STYLES, count, settings.max_question_tokens),
            FirstQuestion(),
            QuestionForm(settings.min_question_words, settings.max_question_words),
            Mention(),
            AtMost(count),
            Duplicate(self.duplicate),
            WriteAnswers("natural_answer", settings.max_answer_tokens),
            AnswerForm(settings.max_answer_words),
            Mention(),
            Numbers(),
            Supported(settings.min_support),
        )

    @property
    def pairs(self) -> tuple[Step, ...]:
        """Situations in which each rule decides, with a faithful and an unfaithful reply."""
        settings = self.settings
        count, tokens = settings.scenarios_per_chunk, settings.max_answer_tokens
        unfaithful: tuple[Step, ...] = (WriteReplies("persona", tokens, reasons=settings.reasons),)
        if settings.rejected == "opposite":
            unfaithful = (
                WriteOpposites(tokens),
                WriteReplies("opposite", tokens, reasons=settings.reasons),
            )
        return (
            StatesValue(),
            EachRule(),
            Choose(settings.max_scenarios // count),
            InStyles(tuple(PERSONAS)),
            WriteQuestions("situations", PERSONAS, count, settings.max_situation_tokens),
            SituationForm(settings.min_question_words, settings.max_question_words),
            Mention(),
            AtMost(count),
            Duplicate(self.duplicate),
            WriteReplies("rule", tokens, reasons=settings.reasons),
            *unfaithful,
            Mention(),
            Contrast(settings.max_answer_words, settings.max_length_ratio),
            OneKeepsOneBreaks(settings.min_preference_margin),
        )


@dataclass(frozen=True)
class WriteReplies(Step):
    """Asks for the reply of an adviser who goes by the rule, by its opposite, or who ignores it.

    A reply by a rule whose passage gives a reason names it, since values that are explained are kept better
    than rules alone (arXiv 2605.02087); a reply by its opposite gives a reason too, or the reason would tell
    them apart.
    """

    by: Literal["rule", "opposite", "persona"]
    max_tokens: int
    reasons: bool

    def __call__(self, drafts: Sequence[Draft], context: SynthesisContext, ledger: Ledger) -> list[Draft]:
        """Return the drafts with the faithful response, or with the unfaithful one."""
        requests = [
            context.request(
                "unfaithful_reply" if self.by == "persona" else "reply",
                draft.chunk,
                max_tokens=self.max_tokens,
                rule=draft.opposite if self.by == "opposite" else draft.rule,
                reason=context.reasons.get(draft.rule) if self.reasons else None,
                own_reason=self.by == "opposite",
                situation=draft.question,
                faithful=draft.answer,
            )
            for draft in drafts
        ]
        answered = ask_teacher(drafts, requests, f"replies by {self.by}", context, ledger)
        if self.by == "rule":
            return [replace(draft, answer=text) for draft, text in answered]
        return [replace(draft, rejected=text) for draft, text in answered]
