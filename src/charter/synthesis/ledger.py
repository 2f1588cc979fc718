"""The ledger of what synthesis refuses: nothing is dropped without its filter and the reason."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Protocol, TypeVar

from charter.project.records import Chunk, RefusedKind, Rejected, content_id
from charter.retrieval.encoder import Encoder
from charter.synthesis.duplicates import find_duplicates
from charter.synthesis.filters import split_questions


class _Draft(Protocol):
    """What is being written about a chunk."""

    @property
    def chunk(self) -> Chunk: ...


Draft = TypeVar("Draft", bound=_Draft)


MAX_NEARER = 2
"""So many chunks may be nearer to a question than its own. Where more are, it is on another subject, or
understood only with the passage in view ("What does the right include?").
"""


@dataclass
class Ledger:
    """The refused rows of one data set."""

    kind: RefusedKind
    rows: list[Rejected] = field(default_factory=list)

    def refuse(self, chunk: Chunk | str, filter_name: str, reason: str, *texts: str) -> None:
        """Enter a row about a chunk, or its id: what was written of it so far are its ``texts``."""
        chunk_id = chunk if isinstance(chunk, str) else chunk.id
        raw = "\n".join(text for text in texts if text)
        self.rows.append(
            Rejected(
                id=content_id(chunk_id, filter_name, raw),
                chunk_id=chunk_id,
                kind=self.kind,
                filter=filter_name,
                reason=reason,
                raw=raw,
            )
        )

    def accept_questions(
        self, chunk: Chunk, text: str, most: int, filter_name: str, check: Callable[[str], str | None]
    ) -> list[str]:
        """Return the first ``most`` questions of a list that pass ``check``; refuse those before that don't.

        Small teachers sometimes write a dozen where three were asked for.
        """
        accepted: list[str] = []
        for line in split_questions(text):
            if len(accepted) == most:
                break
            if problem := check(line):
                self.refuse(chunk, filter_name, problem, line)
            else:
                accepted.append(line)
        return accepted

    def without_duplicates(
        self, drafts: Sequence[Draft], texts: Sequence[str], encoder: Encoder, max_similarity: float
    ) -> list[Draft]:
        """Refuse the drafts whose text, one in ``texts`` each, says what an earlier one says."""
        kept = []
        for draft, text, original in zip(
            drafts, texts, find_duplicates(texts, encoder, max_similarity), strict=True
        ):
            if original is None:
                kept.append(draft)
            else:
                self.refuse(draft.chunk, "duplicate", f"says the same as: {texts[original]}", text)
        return kept

    def on_subject(
        self, drafts: Sequence[Draft], texts: Sequence[str], chunks: Sequence[Chunk], encoder: Encoder
    ) -> list[Draft]:
        """Refuse the drafts whose text, one in ``texts`` each, doesn't lead back to what it was made of.

        That is round-trip consistency (Dai et al., 2023, arXiv 2209.11755), for MAX_NEARER + 1 chunks.
        """
        places = {chunk.id: place for place, chunk in enumerate(chunks)}
        own = [places[draft.chunk.id] for draft in drafts]
        return self.leading_back(drafts, texts, own, [chunk.text for chunk in chunks], encoder, MAX_NEARER)

    def leading_back(
        self,
        drafts: Sequence[Draft],
        texts: Sequence[str],
        own: Sequence[int],
        passages: Sequence[str],
        encoder: Encoder,
        most_nearer: int,
    ) -> list[Draft]:
        """Refuse the drafts whose text more than ``most_nearer`` passages are nearer to than its own.

        ``own`` has the place among the ``passages`` of each draft's own.
        """
        kept = []
        counts = encoder.count_nearer(texts, own, passages)
        for draft, text, nearer in zip(drafts, texts, counts, strict=True):
            if nearer > most_nearer:
                self.refuse(draft.chunk, "subject", f"nearer to {nearer} other passages", text)
            else:
                kept.append(draft)
        return kept
