"""The journal: every request to a model with its completion, so that nothing is asked twice.

It lies outside DVC's outputs, which DVC deletes before a stage runs: a killed run goes on where it was,
and an amended document asks only about what changed.
"""

import hashlib
import sqlite3
import sys
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import suppress
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

from tqdm import tqdm

from charter.generation.budget import Budget
from charter.generation.engine import Completion, Engine, Request
from charter.project.errors import CharterError


@dataclass
class Usage:
    """What was asked for one purpose: ``asked`` of the ``requests`` were answered now, in ``seconds``.

    ``prompt_tokens`` counts what an engine or server says that it read.
    """

    requests: int = 0
    prompt_tokens: int = 0
    generated_tokens: int = 0
    asked: int = 0
    seconds: float = 0.0

    def add(self, answers: Sequence[Completion], asked: int, seconds: float) -> None:
        """Count what was answered at once."""
        self.requests += len(answers)
        self.prompt_tokens += sum(answer.prompt_tokens or 0 for answer in answers)
        self.generated_tokens += sum(answer.tokens for answer in answers)
        self.asked += asked
        self.seconds += seconds


Observer = Callable[[str, Sequence[Request], Sequence[Completion], float], None]
"""Told of a purpose, its requests, their completions, and the seconds that they took."""


def connect(journal: Path) -> sqlite3.Connection:
    """Open a journal, which is made where there is none.

    Raises:
        CharterError: The file is no journal, or can't be written.
    """
    journal.parent.mkdir(parents=True, exist_ok=True)
    # Two stages may run at once: wait for the other's write instead of failing. Without transactions of our
    # own each completion is committed as it comes.
    database = sqlite3.connect(journal, timeout=60, isolation_level=None)
    try:
        # It fails at once where another process is switching to write-ahead logging: that one does it.
        with suppress(sqlite3.OperationalError):
            database.execute("PRAGMA journal_mode = WAL")
        database.execute(
            "CREATE TABLE IF NOT EXISTS completions (key TEXT PRIMARY KEY,"
            " model TEXT NOT NULL, request TEXT NOT NULL, completion TEXT NOT NULL)"
        )
    except sqlite3.DatabaseError as error:
        database.close()
        raise CharterError(f"{journal}: {error}; is it a journal, and may it be written?") from error
    return database


class JournaledEngine:
    """An engine that answers from the journal what was asked before, and journals the rest.

    The model is loaded on the first request that the journal doesn't know. Use it as a context manager.
    ``observer`` is told of what was answered, by the journal too.
    """

    observer: Observer | None = None

    def __init__(
        self,
        journal: Path,
        identity: str,
        load: Callable[[], Engine],
        budget: Budget | None = None,
        decoding: Callable[[Request], str] = lambda _: "",
    ):
        """``identity`` tells models apart (their hash); ``load`` makes the engine when needed.

        What the journal answers costs nothing of the ``budget``. ``decoding`` says what decides the answer
        to a request beside the model and what the request has.

        Raises:
            CharterError: The file is no journal, or can't be written.
        """
        self._database = connect(journal)
        self.identity = identity
        self._load = load
        self._budget = budget
        self._decoding = decoding
        self._given: set[str] = set()
        self.asked = 0
        self.usage: dict[str, Usage] = {}

    def __enter__(self) -> "JournaledEngine":
        return self

    def __exit__(self, *_: object) -> None:
        self._database.close()

    @cached_property
    def _engine(self) -> Engine:
        return self._load()

    def complete(self, requests: Sequence[Request], purpose: str) -> list[Completion]:
        """Return the completions, in the order of the requests.

        ``purpose`` labels the progress bar, and the line that a log has in its place.

        Raises:
            BudgetSpentError: The budget ended before all were answered; those that were are in the journal.
        """
        keys = [self._key(request) for request in requests]
        known = {key: found for key in keys if (found := self._find(key)) is not None}
        start = time.monotonic()
        missing = {key: request for key, request in zip(keys, requests, strict=True) if key not in known}
        if missing:
            asks = list(missing.items())
            with tqdm(
                total=len(requests), initial=len(requests) - len(missing), desc=purpose, disable=None
            ) as progress:
                for index, completion in self._answers(list(missing.values())):
                    key, request = asks[index]
                    known[key] = self._keep(key, request, completion)
                    self.asked += 1
                    progress.update(1)
            unanswered = missing.keys() - known.keys()
            if not sys.stderr.isatty():
                taken, asked = time.monotonic() - start, len(missing) - len(unanswered)
                sys.stderr.write(f"{purpose}: {asked} of {len(requests)} asked in {taken:.0f} s\n")
            if unanswered and self._budget:
                error = self._budget.stop(purpose, sum(key in known for key in keys), len(keys))
                error.answered = len(self._given | known.keys())
                raise error
        first = [answer for key, answer in known.items() if key not in self._given]
        self._given |= known.keys()
        usage = self.usage.setdefault(purpose, Usage())
        usage.add(first, len(missing), time.monotonic() - start)
        completions = [known[key] for key in keys]
        if self.observer:
            self.observer(purpose, requests, completions, time.monotonic() - start)
        return completions

    def release(self) -> None:
        """Let go of the model, and its memory; it is loaded again when it is needed."""
        self.__dict__.pop("_engine", None)

    def unknown(self, requests: Sequence[Request]) -> list[Request]:
        """Return those of the requests that the journal doesn't answer."""
        return [request for request in requests if self._find(self._key(request)) is None]

    def _answers(self, requests: list[Request]) -> Iterator[tuple[int, Completion]]:
        if self._budget is None:
            yield from self._engine.complete(requests)
            return
        if not self._budget.left:
            return
        for index, completion in self._engine.complete(requests, self._budget.admit):
            self._budget.count(completion)
            yield index, completion

    def _key(self, request: Request) -> str:
        """Return what an answer is found by: the model, the messages and the decoding, and nothing else."""
        parts = f"{self.identity}{self._decoding(request)}\n{request.model_dump_json()}"
        return hashlib.sha256(parts.encode()).hexdigest()

    def _keep(self, key: str, request: Request, completion: Completion) -> Completion:
        """Journal a completion and return it; where another process was first, return what that one has.

        A rerun will find the first, so it is the first that both must go on with.
        """
        self._database.execute(
            "INSERT OR IGNORE INTO completions VALUES (?, ?, ?, ?)",
            (key, self.identity, request.model_dump_json(), completion.model_dump_json()),
        )
        return self._find(key) or completion

    def _find(self, key: str) -> Completion | None:
        row = self._database.execute("SELECT completion FROM completions WHERE key = ?", (key,)).fetchone()
        return Completion.model_validate_json(row[0]) if row else None
