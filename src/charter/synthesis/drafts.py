"""Rows while they are written, and the ledger of what is refused: each with its filter and the reason."""

from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass, field

from charter.project.records import Chunk, InstructExample, PreferencePair, RefusedKind, Rejected, content_id


@dataclass(frozen=True)
class Draft:
    """A row about a chunk, with what the steps of synthesis have added to it so far.

    ``style`` is the kind of question; ``rule`` the sentence that it is about, and ``opposite`` that rule
    turned round; ``answer`` what is answered to the question, of a pair the faithful response; ``rejected``
    the unfaithful one. ``word`` is the Yes or No that the faithful one says, ``margin`` the least that a
    verdict says for it, in nats of log-odds. ``kept_id`` is the id of a row that has people's words in it.
    """

    chunk: Chunk
    style: str = ""
    rule: str = ""
    question: str = ""
    answer: str = ""
    opposite: str = ""
    rejected: str = ""
    word: str | None = None
    margin: float = 0.0
    kept_id: str = ""

    @property
    def id(self) -> str:
        """The id of the row that it becomes: a hash of its words, or of those before people changed them."""
        texts = (self.question, self.answer, self.rejected) if self.rejected else (self.question, self.answer)
        return self.kept_id or content_id(self.chunk.id, *texts)

    @property
    def key(self) -> str:
        """A hash of what it is about, to choose by: if a passage is amended, the others' choice stays."""
        return content_id(self.rule) if self.rule else self.chunk.id

    @property
    def written(self) -> str:
        """What is written of it so far, a text a line."""
        texts = (self.question or self.rule, self.answer, self.opposite, self.rejected)
        return "\n".join(filter(None, texts))

    @property
    def sides(self) -> tuple[str, str]:
        """What is for the rule and what is against it: the responses or, before there are, the rules."""
        return (self.answer, self.rejected) if self.rejected else (self.rule, self.opposite)

    def to_example(self, support: str = "") -> InstructExample:
        """Return the instruct row, whose answer rests on the sentence ``support``."""
        return InstructExample(
            id=self.id,
            chunk_id=self.chunk.id,
            style=self.style,
            rule=self.rule,
            question=self.question,
            answer=self.answer,
            support=support,
        )

    def to_pair(self) -> PreferencePair:
        """Return the preference row."""
        return PreferencePair(
            id=self.id,
            chunk_id=self.chunk.id,
            rule=self.rule,
            prompt=self.question,
            chosen=self.answer,
            rejected=self.rejected,
        )


Splits = dict[str, list[Draft]]
"""Drafts of one kind, by `charter.project.records.SPLITS`."""


@dataclass
class Ledger:
    """What was asked for of one kind of row, and what was refused on the way."""

    kind: RefusedKind
    requested: int = 0
    rejected: list[Rejected] = field(default_factory=list)
    scores: dict[str, dict[str, float | None]] = field(default_factory=dict)
    """By question, what the filters that ask the teacher gave it, by their names."""

    def keep(self, drafts: Iterable[Draft], name: str, problems: Iterable[str | None]) -> list[Draft]:
        """Return the drafts without a problem, and enter the others as refused by the filter ``name``.

        ``problems`` has one or None for each.
        """
        kept = []
        for draft, problem in zip(drafts, problems, strict=True):
            if problem is None:
                kept.append(draft)
            else:
                self.refuse(draft, name, problem)
        return kept

    def refuse(self, draft: Draft, name: str, reason: str) -> None:
        """Enter a draft with the name of the filter and its reason."""
        self.rejected.append(
            Rejected(
                id=content_id(draft.chunk.id, name, draft.written),
                chunk_id=draft.chunk.id,
                kind=self.kind,
                filter=name,
                reason=reason,
                raw=draft.written,
            )
        )

    def count_by_filter(self) -> dict[str, int]:
        """Return how many each filter refused, by its name in alphabetical order."""
        return dict(sorted(Counter(row.filter for row in self.rejected).items()))
