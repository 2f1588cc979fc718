"""The budget: what a limit lets through, on a clock and with prices of our own."""

from collections.abc import Iterator, Sequence
from pathlib import Path

import pytest

from charter.generation.budget import Budget, BudgetSpentError
from charter.generation.engine import Admission, Completion, Request, admit_all, ask
from charter.generation.journal import JournaledEngine
from charter.project import sections
from charter.project.errors import CharterError
from charter.project.sections import Prices

REQUESTS = [ask(system="s", user=f"q{number}", max_new_tokens=5) for number in range(12)]
PRICES = Prices(unit="EUR", input=1000.0, output=10_000.0)
"""With 100 tokens read and 10 written, a request costs .2."""


class Clocked:
    """Runs three requests at once, each of which takes a minute, and honours an admission as engines do."""

    def __init__(self, says_usage: bool = True):
        self.seconds = 0.0
        self.served: list[Request] = []
        self.says_usage = says_usage

    def complete(
        self, requests: Sequence[Request], admit: Admission = admit_all
    ) -> Iterator[tuple[int, Completion]]:
        waiting = list(enumerate(requests))
        while waiting:
            running = []
            while waiting and len(running) < 3:
                if not admit():
                    waiting.clear()
                    break
                running.append(waiting.pop(0))
            self.seconds += 60
            for index, request in running:
                self.served.append(request)
                read = 100 if self.says_usage else None
                yield index, Completion(text=request.messages[-1].content, tokens=10, prompt_tokens=read)


def limits(
    requests: int | None = None, minutes: float | None = None, cost: float | None = None
) -> sections.Budget:
    return sections.Budget(requests=requests, minutes=minutes, cost=cost, prices=PRICES)


def run(
    path: Path, engine: Clocked, budget: sections.Budget, requests: Sequence[Request] = REQUESTS
) -> list[str]:
    held = Budget(budget, lambda: engine.seconds)
    with JournaledEngine(path, "model", lambda: engine, held) as teacher:
        return [completion.text for completion in teacher.complete(requests, "answers")]


@pytest.mark.parametrize(
    ("budget", "served", "reason"),
    [
        (limits(requests=4), 4, r"budget\.requests: 4 are spent"),
        # Of the second three, the first is asked before a minute and a half are over.
        (limits(minutes=1.5), 6, r"budget\.minutes: 1\.5 are spent"),
        # .6 after the first three: the next three are asked for, and then .7 are spent.
        (limits(cost=0.7), 6, r"budget\.cost: 0\.7 EUR are spent"),
        (limits(requests=7, minutes=2), 6, r"budget\.minutes"),
    ],
)
def test_the_first_limit_ends_it_and_what_is_under_way_is_kept(
    tmp_path: Path, budget: sections.Budget, served: int, reason: str
) -> None:
    path, engine = tmp_path / "journal.sqlite", Clocked()
    spent = rf"{served} requests with {served * 100} prompt tokens.* for {served * 0.2:.4g} EUR"
    with pytest.raises(BudgetSpentError, match=rf"^{reason}.*{spent}.* answers, {served} of 12 answered"):
        run(path, engine, budget)
    assert len(engine.served) == served
    again = Clocked()
    assert run(path, again, limits()) == [request.messages[-1].content for request in REQUESTS]
    assert [*engine.served, *again.served] == REQUESTS


def test_each_run_has_the_budget_anew_and_what_is_known_costs_nothing(tmp_path: Path) -> None:
    path, runs = tmp_path / "journal.sqlite", 0
    while True:
        runs += 1
        engine = Clocked()
        try:
            found = run(path, engine, limits(requests=4))
        except BudgetSpentError:
            continue
        break
    assert runs == 3
    assert found == [f"q{number}" for number in range(12)]
    assert len(engine.served) == 4


def test_phases_share_the_budget_and_a_spent_one_loads_no_model(tmp_path: Path) -> None:
    engine, loaded = Clocked(), []

    def load() -> Clocked:
        loaded.append(engine)
        return engine

    with JournaledEngine(tmp_path / "journal.sqlite", "model", load, Budget(limits(requests=6))) as teacher:
        teacher.complete(REQUESTS[:6], "questions")
        assert teacher.complete(REQUESTS[:6], "questions again")
        with pytest.raises(BudgetSpentError, match=r"it ended at answers, 2 of 4 answered"):
            teacher.complete(REQUESTS[4:8], "answers")
    assert len(engine.served) == 6
    engine.seconds = 0.0
    spent = Budget(limits(minutes=1), lambda: engine.seconds)
    engine.seconds = 90.0
    loaded.clear()
    with (
        JournaledEngine(tmp_path / "journal.sqlite", "model", load, spent) as teacher,
        pytest.raises(BudgetSpentError, match=r"0 requests"),
    ):
        teacher.complete(REQUESTS, "answers")
    assert not loaded


def test_a_cost_that_the_server_hides_ends_the_run(tmp_path: Path) -> None:
    engine = Clocked(says_usage=False)
    with pytest.raises(
        CharterError, match=r"^budget\.cost: the server doesn't say.*budget\.requests"
    ) as caught:
        run(tmp_path / "journal.sqlite", engine, limits(cost=100.0))
    assert len(engine.served) == 3
    assert "EUR" not in str(caught.value)
    run(tmp_path / "other.sqlite", Clocked(says_usage=False), limits())
