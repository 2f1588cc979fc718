"""Rounds of asking: what needs a teacher yields what it asks next, so that several can be answered at once.

A round ends when its slowest answer does, and until then the engine is less and less busy. Two that ask in
the same rounds share these ends.
"""

from collections.abc import Generator, Sequence
from typing import TypeVar

from charter.generation.engine import Completion, Request
from charter.generation.journal import Batch, JournaledEngine

First = TypeVar("First")
Second = TypeVar("Second")

Asking = Generator[Sequence[Batch], list[list[Completion]], First]
"""Yields the batches of a round, is sent their completions, and returns what it made of them."""


def completions_of(requests: Sequence[Request], purpose: str) -> Asking[list[Completion]]:
    """Ask one batch: ``yield from`` this for its completions."""
    (completions,) = yield [Batch(requests, purpose)]
    return completions


def answer(asking: Asking[First], teacher: JournaledEngine) -> First:
    """Let the teacher answer, round by round, and return the result."""
    try:
        batches = next(asking)
        while True:
            batches = asking.send(teacher.complete_batches(batches))
    except StopIteration as end:
        result: First = end.value
        return result


def both(first: Asking[First], second: Asking[Second]) -> Asking[tuple[First, Second]]:
    """Ask for two in the same rounds, and return both results; the first's batches come first."""
    askings = (first, second)
    results: dict[int, First | Second] = {}
    replies: list[list[list[Completion]] | None] = [None, None]
    while True:
        asked: list[Sequence[Batch]] = [(), ()]
        for place, asking in enumerate(askings):
            if place not in results:
                try:
                    asked[place] = asking.send(replies[place])  # type: ignore[arg-type]
                except StopIteration as end:
                    results[place] = end.value
        if len(results) == len(askings):
            return results[0], results[1]  # type: ignore[return-value]
        found = yield [*asked[0], *asked[1]]
        replies = [found[: len(asked[0])], found[len(asked[0]) :]]
