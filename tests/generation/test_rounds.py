"""Rounds: two that ask are answered together, each by what it asked."""

from collections.abc import Iterator, Sequence
from pathlib import Path

import pytest

from charter.generation.engine import Completion, Request, ask
from charter.generation.journal import Batch, JournaledEngine
from charter.generation.rounds import Asking, answer, both, completions_of


class Echo:
    """Says again what it is asked, last request first, and notes what it was asked at once."""

    def __init__(self) -> None:
        self.rounds: list[list[str]] = []

    def complete(self, requests: Sequence[Request], admit: object = None) -> Iterator[tuple[int, Completion]]:
        asked = [request.messages[-1].content for request in requests]
        self.rounds.append(asked)
        for index, text in reversed(list(enumerate(asked))):
            yield index, Completion(text=text.upper(), tokens=1)


def say(*texts: str) -> list[Request]:
    return [ask(system="", user=text, max_new_tokens=1) for text in texts]


def tell(name: str, rounds: int) -> Asking[list[str]]:
    heard: list[str] = []
    for number in range(rounds):
        completions = yield from completions_of(say(*(f"{name}{number}{end}" for end in "xy")), name)
        heard += [completion.text for completion in completions]
    return heard


@pytest.fixture
def echo() -> Echo:
    return Echo()


@pytest.fixture
def teacher(echo: Echo, tmp_path: Path) -> Iterator[JournaledEngine]:
    with JournaledEngine(tmp_path / "journal.sqlite", "echo", lambda: echo) as engine:
        yield engine


@pytest.mark.parametrize(("first", "second"), [(2, 1), (1, 2), (0, 1), (2, 2), (0, 0)])
def test_two_are_answered_in_the_same_rounds(
    teacher: JournaledEngine, echo: Echo, first: int, second: int
) -> None:
    results = answer(both(tell("a", first), tell("b", second)), teacher)
    assert results == (
        [f"A{number}{end}" for number in range(first) for end in "XY"],
        [f"B{number}{end}" for number in range(second) for end in "XY"],
    )
    assert echo.rounds == [
        [
            f"{name}{number}{end}"
            for name, rounds in (("a", first), ("b", second))
            if number < rounds
            for end in "xy"
        ]
        for number in range(max(first, second))
    ]


def test_a_round_of_several_batches(
    teacher: JournaledEngine, echo: Echo, capsys: pytest.CaptureFixture[str]
) -> None:
    def asking() -> Asking[list[list[str]]]:
        found = yield [Batch(say("a"), "one"), Batch([], "none"), Batch(say("b", "a"), "two")]
        return [[completion.text for completion in batch] for batch in found]

    assert answer(asking(), teacher) == [["A"], [], ["B", "A"]]
    assert echo.rounds == [["a", "b"]]
    assert "one, two: 2 of 3 asked" in capsys.readouterr().err


def test_an_error_of_the_teacher_ends_the_asking(teacher: JournaledEngine, echo: Echo) -> None:
    echo.rounds = None  # type: ignore[assignment]
    with pytest.raises(AttributeError):
        answer(both(tell("a", 2), tell("b", 1)), teacher)
