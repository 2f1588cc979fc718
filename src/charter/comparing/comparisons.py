"""From a question to answers side by side, and to the vote on them."""

import asyncio
import secrets
from collections.abc import AsyncGenerator, Sequence
from contextlib import aclosing, suppress
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from random import SystemRandom
from typing import Any

from charter.comparing.stake import Stake, Stakes
from charter.comparing.systems import Candidate, Systems
from charter.project.appended import append_row
from charter.project.citations import citation_of
from charter.project.records import Chunk
from charter.project.vote_records import Vote, VotedAnswer
from charter.serving.passages import Passages

WAITING = 16
"""Questions that may be under way, the first of them being answered."""

_KEPT = 1000
"""Comparisons that can be voted on; the oldest is forgotten first."""


class BusyError(Exception):
    """As many questions wait as may."""


class NoSuchComparisonError(Exception):
    """There is no such comparison, or it was voted on, or is forgotten, or isn't written to its end."""


@dataclass
class _Comparison:
    """A question as it was put: ``candidates`` in the order in which they are shown."""

    id: str
    question: str
    blind: bool
    candidates: Sequence[Candidate]
    stake: Stake
    passages: Sequence[Chunk]
    texts: list[str] = field(init=False)
    whole: list[bool | None] = field(init=False)

    def __post_init__(self) -> None:
        self.texts = [""] * len(self.candidates)
        self.whole = [None] * len(self.candidates)

    @property
    def written(self) -> int:
        """How many answers have ended."""
        return sum(whole is not None for whole in self.whole)

    def vote(self, voter: str, best: int | None) -> Vote:
        answers = [
            VotedAnswer(system=item.system, rag=item.rag, models=item.models, text=text, whole=bool(whole))
            for item, text, whole in zip(self.candidates, self.texts, self.whole, strict=True)
        ]
        shown = self.passages if any(item.rag for item in self.candidates) else ()
        return Vote(
            id=self.id,
            time=datetime.now(UTC).isoformat(timespec="seconds"),
            voter=voter,
            question=self.question,
            blind=self.blind,
            chunk_id=self.stake.chunk.id,
            rule=self.stake.rule,
            retrieved=tuple(chunk.id for chunk in shown),
            answers=tuple(answers),
            best=best,
        )


class Comparisons:
    """Puts questions to systems, and keeps what they answered until it is voted on.

    What is voted on is what was written here, never what a client says that it was shown.
    """

    def __init__(self, systems: Systems, passages: Passages, stakes: Stakes, votes: Path):
        """``votes`` is the file that votes are added to."""
        self.systems = systems
        self._passages = passages
        self._stakes = stakes
        self._votes = votes
        self._kept: dict[str, _Comparison] = {}
        self._under_way = 0
        self._finding = asyncio.Lock()

    async def ask(
        self, question: str, candidates: Sequence[Candidate], blind: bool
    ) -> AsyncGenerator[dict[str, Any]]:
        """Yield what the page is told: what is at stake, the answers bit by bit, and that they are written.

        Where it is ``blind`` the order is drawn, names are left out, and answers are told together at the
        end: who is the fastest would say who it is.

        Raises:
            BusyError: Too many questions wait.
            TooLongError, PromptError, CharterError: As of `Systems.write`.
        """
        if self._under_way >= WAITING:
            raise BusyError
        self._under_way += 1
        try:
            async with self._finding:
                passages, stake = await asyncio.to_thread(self._find, question)
            shown = list(candidates)
            if blind:
                SystemRandom().shuffle(shown)
            comparison = _Comparison(secrets.token_hex(8), question, blind, shown, stake, passages)
            yield self._begin(comparison)
            async with aclosing(self._write(comparison)) as news:
                async for event in news:
                    yield event
            while len(self._kept) >= _KEPT:
                del self._kept[next(iter(self._kept))]
            self._kept[comparison.id] = comparison
            yield {"written": True}
        finally:
            self._under_way -= 1

    async def vote(self, comparison_id: str, voter: str, best: int | None) -> list[str]:
        """Write a vote for the answer at the place ``best``, or for none, and return the systems' names.

        Raises:
            NoSuchComparisonError: It can't be voted on.
            CharterError: It can't be written; it may be voted on again.
        """
        comparison = self._kept.get(comparison_id)
        if comparison is None or (best is not None and best >= len(comparison.candidates)):
            raise NoSuchComparisonError
        del self._kept[comparison_id]
        try:
            await asyncio.to_thread(append_row, self._votes, comparison.vote(voter, best))
        except BaseException:
            self._kept[comparison_id] = comparison
            raise
        return [item.name for item in comparison.candidates]

    def _find(self, question: str) -> tuple[list[Chunk], Stake]:
        return self._passages.find(question), self._stakes.find(question)

    def _begin(self, comparison: _Comparison) -> dict[str, Any]:
        rag = any(item.rag for item in comparison.candidates)
        return {
            "comparison": comparison.id,
            "answers": len(comparison.candidates),
            "names": None if comparison.blind else [item.name for item in comparison.candidates],
            "stake": {"rule": comparison.stake.rule, **citation_of(comparison.stake.chunk)},
            "passages": [citation_of(chunk) for chunk in comparison.passages] if rag else [],
        }

    async def _write(self, comparison: _Comparison) -> AsyncGenerator[dict[str, Any]]:
        loop, queue = asyncio.get_running_loop(), asyncio.Queue[tuple[int, str, bool | None] | None]()

        def told(place: int, text: str, whole: bool | None) -> None:
            # The loop is closed where the server ended first.
            with suppress(RuntimeError):
                loop.call_soon_threadsafe(queue.put_nowait, (place, text, whole))

        work = asyncio.create_task(
            self.systems.write(comparison.candidates, comparison.question, comparison.passages, told)
        )
        work.add_done_callback(lambda _: queue.put_nowait(None))
        try:
            while (news := await queue.get()) is not None:
                place, text, whole = news
                comparison.texts[place] += text
                comparison.whole[place] = whole
                if not comparison.blind:
                    yield {"answer": place, "text": text, "ended": whole is not None}
                elif whole is not None:
                    yield {"ended": comparison.written}
            await work
        finally:
            work.cancel()
        if comparison.blind:
            for place, text in enumerate(comparison.texts):
                yield {"answer": place, "text": text, "ended": True}
