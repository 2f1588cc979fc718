"""The budget of a run: what the teacher is asked is counted, and asking ends where a limit is reached."""

import time
from collections.abc import Callable

from charter.generation.engine import Completion
from charter.project import sections
from charter.project.errors import CharterError


class BudgetSpentError(CharterError):
    """A limit of the budget was reached before everything was answered; what was answered is journalled.

    ``answered`` counts the requests of the whole run that have an answer, asked now or before.
    """

    answered = 0


class Budget:
    """Counts what a run asks, and admits requests until a limit is reached.

    The limit on requests is kept exactly. Time and cost are known when a request has ended, so what is under
    way when they are reached, at most ``teacher.concurrency`` requests, goes beyond them.
    """

    def __init__(self, limits: sections.Budget, clock: Callable[[], float] = time.monotonic):
        """The minutes run from now; ``clock`` gives seconds."""
        self._limits, self._clock, self._start = limits, clock, clock()
        self._started = self._answered = self._read = self._written = 0
        self._unpriced = False
        self._unit = limits.prices.unit if limits.prices else ""

    @property
    def left(self) -> bool:
        """Whether no limit is reached yet."""
        return self._reached() is None

    def admit(self) -> bool:
        """Say whether one more request may be started, and count it if so."""
        if not self.left:
            return False
        self._started += 1
        return True

    def count(self, completion: Completion) -> None:
        """Count a request that has ended."""
        self._answered += 1
        self._read += completion.prompt_tokens or 0
        self._written += completion.tokens
        self._unpriced |= completion.prompt_tokens is None

    def stop(self, purpose: str, answered: int, of: int) -> BudgetSpentError:
        """Return the error that ends the run in a phase of ``of`` requests, ``answered`` of them answered."""
        cost = self._cost()
        spent = (
            f"{self._answered} requests with {self._read:,} prompt tokens, and got {self._written:,} tokens, "
            f"in {self._minutes():.1f} minutes" + ("" if cost is None else f", for {cost:.4g} {self._unit}")
        )
        return BudgetSpentError(
            f"{self._reached()}. This run asked {spent}; it ended at {purpose}, {answered} of {of} answered. "
            "All answers are kept: `dvc repro` goes on from there, with the budget anew."
        )

    def _reached(self) -> str | None:
        limits, cost = self._limits, self._cost()
        if limits.requests is not None and self._started >= limits.requests:
            return f"budget.requests: {limits.requests} are spent"
        if limits.minutes is not None and self._minutes() >= limits.minutes:
            return f"budget.minutes: {limits.minutes:g} are spent"
        if limits.cost is None:
            return None
        if cost is None:
            return (
                "budget.cost: the server doesn't say how many tokens it read (usage), so the cost isn't "
                "known; set budget.requests instead"
            )
        return f"budget.cost: {limits.cost:g} {self._unit} are spent" if cost >= limits.cost else None

    def _minutes(self) -> float:
        return (self._clock() - self._start) / 60

    def _cost(self) -> float | None:
        """Return the cost so far; None without prices, and where the server hides what it read."""
        prices = self._limits.prices
        if prices is None or self._unpriced:
            return None
        return token_cost(prices, self._read, self._written)


def token_cost(prices: sections.Prices, read: int, written: int) -> float:
    """Return the cost, in ``prices.unit``, of tokens read and written; shared prefixes at the full price."""
    return (read * prices.input + written * prices.output) / 1e6
