"""The method `rules`, for a small teacher: what it writes is bound to the sentences of the document.

It writes no response of a pair but the opposite of a rule, and rules answer questions themselves. Why is told
in docs/method.md.
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace

from charter.synthesis.context import SynthesisContext
from charter.synthesis.drafts import Draft, Ledger
from charter.synthesis.languages import language_of
from charter.synthesis.method import Method
from charter.synthesis.register import quote_sentences
from charter.synthesis.set_filters import Duplicate, HeldOut, NearestToRule, OnSubject
from charter.synthesis.steps import Change, Filter, Step, Ways, run_steps
from charter.synthesis.text_filters import (
    AnswerForm,
    AsksDuty,
    Contrast,
    Dangling,
    GivesReason,
    Grounded,
    HasRule,
    Mention,
    NamesTime,
    Numbers,
    QuestionForm,
    YesOrNo,
)
from charter.synthesis.verdict_filters import AskEvidence, OneWordRight, StatesValue, Supported, TruerRule
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
    "content": "ask what it says: who has which right or duty, with which limits.",
    "permission": "ask whether something is allowed, required or forbidden in a practical situation.",
    "term": "ask for one right, duty, limit or term that it names, in the words of a person who looks it up.",
}
"""Question styles, each completing "Write N different questions that"; one call a style and chunk.

None asks why a rule matters, or when and where it holds: rules seldom say, and a small teacher makes it up.
"""

STANCES = {
    "forbidden": "something may be done that this passage forbids or protects people from. Each tells a "
    "practical situation and is answered with no.",
    "allowed": "something may or must be done that this passage allows or requires. Each tells a practical "
    "situation and is answered with yes.",
}
"""What scenarios ask for, each completing "questions that ask whether"; a chunk's id says which is its own.

Asked for both at once, or for questions of a given person, a small teacher leaves the passage's subject.
"""

_EVERYDAY = "Each is asked in everyday words, as to a friend, with none of the terms that the passage uses"

PRACTICAL = STANCES | {
    "everyday-forbidden": "something may be done that this passage forbids or protects people from. "
    f"{_EVERYDAY}, and is answered with no.",
    "everyday-allowed": "something may or must be done that this passage allows or requires. "
    f"{_EVERYDAY}, and is answered with yes.",
}
"""What practical questions ask for. Whether the answer is yes or no isn't needed: the rule is the answer."""

QUESTIONS_A_CALL = 2
"""Questions to a rule: as many as the worked examples of the prompt have."""


class RulesMethod(Method):
    """Binds a small teacher to the sentences of the document."""

    list_rules = staticmethod(quote_sentences)

    @property
    def pairs(self) -> tuple[Step, ...]:
        """Scenarios about passages, each with the rule that decides it and its opposite."""
        settings = self.settings
        count = settings.scenarios_per_chunk
        return (
            StatesValue(by_rules=True),
            Choose(settings.max_scenarios // count),
            InStyles(tuple(STANCES)),
            WriteQuestions("scenarios", STANCES, count, settings.max_question_tokens),
            *self._form,
            YesOrNo(),
            AtMost(count),
            Duplicate(self.duplicate),
            TakeNearestRule(),
            HasRule(),
            AsksDuty(),
            *self._opposites,
            AskEvidence(settings.yes_bias_prior),
            WriteResponses(),
            OneWordRight(settings.min_preference_margin),
        )

    @property
    def questions(self) -> tuple[Step, ...]:
        """Questions about passages, in several styles, and their answers."""
        settings = self.settings
        count = settings.questions_per_style
        return (
            InStyles(tuple(STYLES), settings.max_questions // count),
            WriteQuestions("questions", STYLES, count, settings.max_question_tokens),
            *self._form,
            AtMost(count),
            Duplicate(self.duplicate),
            WriteAnswers("synthetic_answer", settings.max_answer_tokens),
            AnswerForm(settings.max_answer_words),
            Mention(),
            NamesTime(),
            GivesReason(),
            Numbers(),
            Grounded(settings.min_grounded),
            Supported(settings.min_support),
        )

    def trained(self, held_out: HeldOut) -> tuple[Filter, ...]:
        """Refuse what repeats a held-out row, and what is on another subject."""
        most = self.settings.max_nearer_chunks
        return (held_out,) if most is None else (held_out, OnSubject(most))

    def rule_questions(self, held_out: HeldOut) -> tuple[Step, ...]:
        """A question to each rule, and practical ones to passages; a rule answers them word for word."""
        settings = self.settings
        form = (*self._form, NamesTime(), GivesReason())
        kept = (*form, NearestToRule(), held_out, Duplicate(self.duplicate))
        tokens = settings.max_question_tokens
        write = WriteQuestions("rule_questions", {"rule": ""}, QUESTIONS_A_CALL, tokens, "questions to rules")
        to_rules = (
            EachRule(),
            held_out,
            Choose(settings.max_rules),
            AskUntilKept(write, kept, settings.calls_per_rule),
        )
        if not settings.max_practical:
            return to_rules
        count = settings.scenarios_per_chunk
        practical = (
            InStyles(tuple(PRACTICAL), settings.max_practical // count),
            WriteQuestions("scenarios", PRACTICAL, count, tokens),
            *self._form,
            AtMost(count),
            TakeNearestRule(),
            HasRule(),
            NearestToRule(),
            held_out,
            RuleAsAnswer(),
        )
        return (Ways(to_rules, practical), Duplicate(self.duplicate))

    @property
    def rule_pairs(self) -> tuple[Step, ...]:
        """A rule as the response to its question, against its opposite."""
        settings = self.settings
        return (
            Choose(settings.max_rule_pairs, norms_first=True),
            *self._opposites,
            TruerRule(settings.min_opposite_margin),
            OppositeAsResponse(),
        )

    @property
    def _form(self) -> tuple[Step, ...]:
        settings = self.settings
        form = QuestionForm(settings.min_question_words, settings.max_question_words)
        return (FirstQuestion(), form, Mention(), Dangling())

    @property
    def _opposites(self) -> tuple[Step, ...]:
        settings = self.settings
        contrast = Contrast(settings.max_answer_words, settings.max_length_ratio)
        return (WriteOpposites(settings.max_answer_tokens), contrast)


class TakeNearestRule(Step):
    """Takes the sentence of the passage that is nearest to the question as the rule that decides it."""

    def __call__(self, drafts: Sequence[Draft], context: SynthesisContext, ledger: Ledger) -> list[Draft]:
        """Return the drafts with their rules; where the passage has none it stays empty."""
        rules: dict[str, list[str]] = {draft.chunk.id: [] for draft in drafts}
        for rule in context.rules:
            rules.get(rule.chunk_id, []).append(rule.statement)
        texts = sorted({rule for stated in rules.values() for rule in stated})
        vectors = context.encoder.encode([*texts, *(draft.question for draft in drafts)])
        places = {text: place for place, text in enumerate(texts)}
        taken = []
        for draft, vector in zip(drafts, vectors[len(texts) :], strict=True):
            nearness = {rule: float(vectors[places[rule]] @ vector) for rule in rules[draft.chunk.id]}
            taken.append(replace(draft, rule=max(nearness, key=nearness.__getitem__, default="")))
        return taken


class WriteResponses(Change):
    """Writes both responses: the passage's word and the rule, and the other word and the opposite."""

    def _change(self, draft: Draft) -> Draft:
        language = language_of(draft.chunk)
        word, other = ("Yes", "No") if draft.word == "Yes" else ("No", "Yes")
        answer = language.begin_with_word(word, draft.rule)
        return replace(draft, answer=answer, rejected=language.begin_with_word(other, draft.opposite))


class RuleAsAnswer(Change):
    """Takes the rule, word for word, for the answer."""

    def _change(self, draft: Draft) -> Draft:
        return replace(draft, answer=draft.rule)


class OppositeAsResponse(Change):
    """Takes the rule and its opposite for the responses."""

    def _change(self, draft: Draft) -> Draft:
        return replace(draft, answer=draft.rule, rejected=draft.opposite)


@dataclass(frozen=True)
class AskUntilKept(Step):
    """Asks for two questions to each rule, again where none is kept, and takes the first."""

    write: WriteQuestions
    filters: Sequence[Step]
    calls: int
    """About a rule at most, each with a seed of its own."""

    @property
    def inner(self) -> Sequence[Step]:
        """What is repeated for each rule."""
        return (self.write, *self.filters)

    def __call__(self, drafts: Sequence[Draft], context: SynthesisContext, ledger: Ledger) -> list[Draft]:
        """Return a draft for each rule that a question was kept of, in the rules' order."""
        kept: dict[str, Draft] = {}
        for turn in range(self.calls):
            left = [draft for draft in drafts if draft.rule not in kept]
            written = self.write(left, context, ledger, turn)
            # What is kept already comes first, and so it is what later ones are duplicates of.
            for draft in run_steps(self.filters, [*kept.values(), *written], context, ledger):
                kept.setdefault(draft.rule, replace(draft, answer=draft.rule))
        return [kept[draft.rule] for draft in drafts if draft.rule in kept]
