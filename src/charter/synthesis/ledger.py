"""Rows while they are written, and the ledger of what is refused: each with its filter and the reason."""

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field, replace
from typing import Generic, TypeVar

from charter.generation.engine import Request
from charter.project.records import (
    Chunk,
    InstructExample,
    PreferencePair,
    RefusedKind,
    Rejected,
    content_id,
)
from charter.synthesis.duplicates import find_duplicates
from charter.synthesis.filters import check_question, split_questions
from charter.synthesis.synthesis_context import SynthesisContext

MAX_NEARER = 2
"""So many chunks may be nearer to a question than its own. Where more are, it is on another subject, or
understood only with the passage in view ("What does the right include?").
"""

_OF_QUESTIONS = {"question", "scenario", "subject", "duplicate", "rule"}
"""Filters that judge the question: it alone is entered, and not what was answered."""

Row = TypeVar("Row", InstructExample, PreferencePair)


@dataclass(frozen=True)
class Draft:
    """A question about a chunk, and what the steps of synthesis have added to it so far.

    ``style`` is the kind of question. ``answer`` is what the teacher answered, or the rule of the chunk that
    is the answer, and ``opposite`` is that rule turned round.
    """

    chunk: Chunk
    question: str = ""
    style: str = ""
    answer: str = ""
    opposite: str = ""

    def to_example(self) -> InstructExample:
        """Return the instruct row."""
        return InstructExample(
            id=content_id(self.chunk.id, self.question, self.answer),
            chunk_id=self.chunk.id,
            style=self.style,
            question=self.question,
            answer=self.answer,
        )

    def to_pair(self, chosen: str, rejected: str) -> PreferencePair:
        """Return the preference row with these responses."""
        return PreferencePair(
            id=content_id(self.chunk.id, self.question, chosen, rejected),
            chunk_id=self.chunk.id,
            prompt=self.question,
            chosen=chosen,
            rejected=rejected,
        )


@dataclass
class Ledger(Generic[Row]):
    """The rows of one kind: how many were asked for, what was refused and, in the end, what was kept.

    Each ``keep`` method returns the drafts that it doesn't refuse.
    """

    kind: RefusedKind
    context: SynthesisContext
    requested: int = 0
    rejected: list[Rejected] = field(default_factory=list)
    kept: list[Row] = field(default_factory=list)

    def keep(self, drafts: Iterable[Draft], name: str, problems: Iterable[str | None]) -> list[Draft]:
        """Refuse, by the filter ``name``, the drafts that have a problem, one or None each."""
        kept = []
        for draft, problem in zip(drafts, problems, strict=True):
            if problem is None:
                kept.append(draft)
                continue
            texts = (
                [draft.question] if name in _OF_QUESTIONS else [draft.question, draft.answer, draft.opposite]
            )
            raw = "\n".join(filter(None, texts))
            self.rejected.append(
                Rejected(
                    id=content_id(draft.chunk.id, name, raw),
                    chunk_id=draft.chunk.id,
                    kind=self.kind,
                    filter=name,
                    reason=problem,
                    raw=raw,
                )
            )
        return kept

    def ask_questions(
        self,
        purpose: str,
        calls: Sequence[Draft],
        requests: Sequence[Request],
        most: int,
        name: str = "question",
        check: Callable[[str], str | None] = check_question,
    ) -> list[Draft]:
        """Make drafts of the lists of ``most`` questions that the teacher is asked for, a list a call.

        Each call gives the first ``most`` that pass ``check``; those before that don't are refused. Small
        teachers sometimes write a dozen where three were asked for.
        """
        self.requested += most * len(calls)
        kept = []
        completions = self.context.teacher.complete(requests, purpose)
        for call, completion in zip(calls, completions, strict=True):
            accepted: list[Draft] = []
            for line in split_questions(completion.text):
                if len(accepted) < most:
                    accepted += self.keep([replace(call, question=line)], name, [check(line)])
            kept += accepted
        return kept

    def keep_unique(self, drafts: Sequence[Draft]) -> list[Draft]:
        """Refuse the drafts whose question says what an earlier one says."""
        texts = [draft.question for draft in drafts]
        most = self.context.settings.max_question_similarity
        originals = find_duplicates(texts, self.context.encoder, most)
        problems = [None if place is None else f"says the same as: {texts[place]}" for place in originals]
        return self.keep(drafts, "duplicate", problems)

    def keep_on_topic(
        self, drafts: Sequence[Draft], passages: Sequence[str], most_nearer: int = MAX_NEARER
    ) -> list[Draft]:
        """Refuse the drafts to whose question more than ``most_nearer`` passages are nearer than its own.

        That is round-trip consistency (Dai et al., 2023, arXiv 2209.11755), for the best ``most_nearer`` + 1.
        A question's own passage is the rule that it was asked about, without one its chunk.
        """
        places = {text: place for place, text in reversed(list(enumerate(passages)))}
        own = [places[draft.answer or draft.chunk.text] for draft in drafts]
        counts = self.context.encoder.count_nearer([draft.question for draft in drafts], own, passages)
        problems = [f"nearer to {count} other passages" if count > most_nearer else None for count in counts]
        return self.keep(drafts, "subject", problems)
