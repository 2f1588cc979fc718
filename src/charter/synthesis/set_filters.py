"""Filters that compare drafts with one another and with the document, by the encoder."""

from collections.abc import Sequence
from dataclasses import dataclass

from charter.synthesis.context import SynthesisContext
from charter.synthesis.drafts import Draft
from charter.synthesis.duplicates import Likeness, find_duplicates, links_between
from charter.synthesis.steps import Check


@dataclass(frozen=True)
class Duplicate(Check):
    """Refuses a question that says what an earlier one says."""

    name = "duplicate"
    likeness: Likeness

    def _problems(self, drafts: Sequence[Draft], context: SynthesisContext) -> Sequence[str | None]:
        texts = [draft.question for draft in drafts]
        originals = find_duplicates(texts, context.encoder, self.likeness)
        return [None if place is None else f"says the same as: {texts[place]}" for place in originals]


@dataclass(frozen=True)
class HeldOut(Check):
    """Refuses training rows whose question, answer or rule nearly repeats that of a held-out row."""

    name = "held-out"
    needed = True
    rows: Sequence[Draft]
    likeness: Likeness

    def _problems(self, drafts: Sequence[Draft], context: SynthesisContext) -> Sequence[str | None]:
        questions = [row.question for row in self.rows]
        answers = [text for row in self.rows for text in dict.fromkeys((row.answer, row.rule)) if text]
        found: list[str | None] = [None] * len(drafts)
        for held_out, texts in (
            (questions, [draft.question for draft in drafts]),
            (answers, [draft.answer for draft in drafts]),
            (answers, [draft.rule for draft in drafts]),
        ):
            for other, place in links_between(held_out, texts, context.encoder, self.likeness):
                if texts[place]:
                    found[place] = f"says the same as what is held out: {held_out[other]}"
        return found


@dataclass(frozen=True)
class OnSubject(Check):
    """Refuses training questions to which several other passages are nearer: only their reader gets them.

    That is round-trip consistency (Dai et al., 2023, arXiv 2209.11755). A test question isn't judged so: one
    that the retrieval encoder let through would make its hits certain.
    """

    name = "subject"
    max_nearer: int

    def _problems(self, drafts: Sequence[Draft], context: SynthesisContext) -> Sequence[str | None]:
        passages = [chunk.text for chunk in context.chunks]
        return _nearer_problems(
            drafts, [draft.chunk.text for draft in drafts], passages, self.max_nearer, context
        )


class NearestToRule(Check):
    """Refuses questions to a rule, which are trained on only, to which another rule is nearer."""

    name = "subject"

    def _problems(self, drafts: Sequence[Draft], context: SynthesisContext) -> Sequence[str | None]:
        rules = list(dict.fromkeys(rule.statement for rule in context.rules))
        return _nearer_problems(drafts, [draft.rule for draft in drafts], rules, 0, context)


def _nearer_problems(
    drafts: Sequence[Draft], own: Sequence[str], texts: Sequence[str], most: int, context: SynthesisContext
) -> list[str | None]:
    """Refuse questions to which more than ``most`` of the texts are nearer than their own."""
    places = {text: place for place, text in reversed(list(enumerate(texts)))}
    questions = [draft.question for draft in drafts]
    counts = context.encoder.count_nearer(questions, [places[text] for text in own], texts)
    return [f"nearer to {count} other texts" if count > most else None for count in counts]
