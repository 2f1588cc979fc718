"""What synthesis will ask of the teacher, counted before it is asked: requests, tokens, time and cost.

The requests are those of a rehearsal (`charter.synthesis.rehearsal`), so they follow the code of synthesis
and not a description of it; what depends on answers that aren't known follows the stated yields.
"""

from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass
from functools import cache

from rich.console import Group, RenderableType
from rich.table import Table

from charter.generation.budget import token_cost
from charter.generation.calibration import Speed, calibrate
from charter.generation.prefixes import SharedPrefixes
from charter.generation.prompt_tokens import Tokenize, open_tokenizer
from charter.generation.teacher import open_teacher
from charter.project.devices import resolve_device
from charter.project.errors import CharterError
from charter.project.params import Params
from charter.project.paths import CorpusPaths, ProjectPaths
from charter.project.records import Chunk
from charter.project.storage import directory_sha256, read_rows
from charter.retrieval.encoder import Encoder
from charter.synthesis.rehearsal import Asked, rehearse
from charter.synthesis.requests import TeacherRequests
from charter.synthesis.yields import LIKELY_ERROR, TOKENS, Yields, read_yields

SPEED_ERROR = 0.2
"""The share by which a run may be slower or faster than the few requests that were timed."""

_ENOUGH = 10
"""Answers of a purpose in the journal from which their mean length is taken."""


@dataclass(frozen=True)
class Workload:
    """Requests that the journal answers, and those still to be made with their tokens.

    ``shared_tokens`` are those of ``prompt_tokens`` with which an earlier prompt of the run begins too: an
    engine with a prefix cache doesn't read them again.
    """

    answered: int = 0
    requests: int = 0
    prompt_tokens: int = 0
    shared_tokens: int = 0
    generated_tokens: int = 0

    @property
    def read_tokens(self) -> int:
        """Prompt tokens that are read."""
        return self.prompt_tokens - self.shared_tokens


@dataclass(frozen=True)
class Range:
    """A figure, and where it lies if yields and speed are off by what is stated."""

    value: float
    low: float
    high: float


@dataclass(frozen=True)
class Estimate:
    """The work of one corpus's synthesis. ``minutes`` and ``cost`` are None without a speed, and prices."""

    corpus: str
    yields: Yields
    exact_tokens: bool
    purposes: Mapping[str, Workload]
    total: Workload
    low: Workload
    high: Workload
    speed: Speed | None
    minutes: Range | None
    cost: Range | None
    unit: str | None


class Estimator:
    """Estimates corpora of one project."""

    def __init__(self, params: Params, paths: ProjectPaths):
        """Load the teacher's tokenizer.

        Raises:
            CharterError: There is no teacher here.
        """
        self._params = params
        self._paths = paths
        self._identity = directory_sha256(paths.teacher)
        self._encoder: Callable[[], Encoder] = cache(
            lambda: Encoder(paths.encoder, resolve_device(params.compute))
        )
        self._tokenize: Tokenize = open_tokenizer(params, paths)

    def calibrate(self, corpora: Sequence[str]) -> Speed | None:
        """Time requests that synthesis of these corpora has to make; None if there are fewer than two."""
        open_requests = [
            asked
            for corpus in corpora
            for asked in self._rehearse(self._paths.corpus(corpus), read_yields(self._paths.corpus(corpus)))
            if asked.real and asked.answer is None
        ]
        # Questions are about the chunks in their order, as the value checks are, so they find them read.
        open_requests.sort(key=lambda asked: asked.purpose != "questions")
        verdicts = [asked.request for asked in open_requests if asked.request.alternatives]
        texts = [asked.request for asked in open_requests if not asked.request.alternatives]
        with open_teacher(self._params, self._paths) as teacher:
            return calibrate(verdicts, texts, teacher, self._tokenize)

    def estimate(self, corpus: str, speed: Speed | None) -> Estimate:
        """Count what synthesis of a corpus has to ask.

        Raises:
            CharterError: The corpus isn't extracted, or its metrics are broken.
        """
        yields = read_yields(self._paths.corpus(corpus))
        purposes = self._count(corpus, yields)
        total = _sum(purposes.values())
        low = _sum(self._count(corpus, yields.moved(-LIKELY_ERROR)).values())
        high = _sum(self._count(corpus, yields.moved(LIKELY_ERROR)).values())
        prices = self._params.budget.prices
        return Estimate(
            corpus=corpus,
            yields=yields,
            exact_tokens=self._params.teacher.engine != "openai",
            purposes=purposes,
            total=total,
            low=low,
            high=high,
            speed=speed,
            minutes=None if speed is None else _minutes(speed, total, low, high),
            cost=None
            if prices is None
            else Range(
                *(
                    token_cost(prices, work.prompt_tokens, work.generated_tokens)
                    for work in (total, low, high)
                )
            ),
            unit=prices.unit if prices else None,
        )

    def _rehearse(self, paths: CorpusPaths, yields: Yields) -> list[Asked]:
        if not paths.chunks.exists():
            raise CharterError(f"{paths.chunks}: no chunks yet; run `dvc repro extract@{paths.name}` first")
        settings = self._params.synthesize
        return rehearse(
            read_rows(paths.chunks, Chunk),
            TeacherRequests(self._params.corpora[paths.name].title, settings.temperature),
            paths.journal,
            self._identity,
            self._encoder,
            settings,
            self._params.seed,
            yields,
        )

    def _count(self, corpus: str, yields: Yields) -> dict[str, Workload]:
        asked = self._rehearse(self._paths.corpus(corpus), yields)
        ratio, prefixes = self._server_ratio(asked), SharedPrefixes()
        caching = self._params.teacher.engine != "transformers"
        purposes: dict[str, Workload] = {}
        for purpose in dict.fromkeys(item.purpose for item in asked):
            own = [item for item in asked if item.purpose == purpose]
            missing = [item for item in own if item.answer is None]
            prompts = [self._tokenize(item.request) for item in missing]
            shared = sum(prefixes.add(prompt) for prompt in prompts) if caching else 0
            purposes[purpose] = Workload(
                answered=len(own) - len(missing),
                requests=len(missing),
                prompt_tokens=round(ratio * sum(map(len, prompts))),
                shared_tokens=round(ratio * shared),
                generated_tokens=round(len(missing) * self._length(purpose, own)),
            )
        return purposes

    def _length(self, purpose: str, asked: Sequence[Asked]) -> float:
        """Return the mean tokens of an answer: of those that are known, if there are enough."""
        if asked[0].request.alternatives:
            return 1.0
        known = [item.answer.tokens for item in asked if item.answer is not None]
        if len(known) >= _ENOUGH:
            return sum(known) / len(known)
        settings = self._params.synthesize
        lines = {"questions": settings.questions_per_style, "scenarios": settings.scenarios_per_chunk}
        # A purpose without a measured length is counted as the longest it may be.
        return TOKENS.get(purpose, asked[0].request.max_new_tokens) * lines.get(purpose, 1)

    def _server_ratio(self, asked: Sequence[Asked]) -> float:
        """Return the prompt tokens that a server counted for one of ours, by the answers that say it."""
        if self._params.teacher.engine != "openai":
            return 1.0
        told = [
            (item.answer.prompt_tokens, len(self._tokenize(item.request)))
            for item in asked
            if item.answer is not None and item.answer.prompt_tokens
        ]
        return sum(theirs for theirs, _ in told) / sum(ours for _, ours in told) if told else 1.0


def _sum(workloads: Collection[Workload]) -> Workload:
    return Workload(
        answered=sum(work.answered for work in workloads),
        requests=sum(work.requests for work in workloads),
        prompt_tokens=sum(work.prompt_tokens for work in workloads),
        shared_tokens=sum(work.shared_tokens for work in workloads),
        generated_tokens=sum(work.generated_tokens for work in workloads),
    )


def _minutes(speed: Speed, total: Workload, low: Workload, high: Workload) -> Range:
    def minutes(work: Workload, factor: float) -> float:
        if not work.requests:
            return 0.0
        return (speed.start + speed.seconds(work.read_tokens, work.generated_tokens) * factor) / 60

    return Range(minutes(total, 1), minutes(low, 1 / (1 + SPEED_ERROR)), minutes(high, 1 / (1 - SPEED_ERROR)))


def left_to_ask(estimate: Estimate) -> str:
    """Say in one sentence what is left of a corpus's synthesis."""
    work = estimate.total
    text = (
        f"Left are some {work.requests:,} requests ({estimate.low.requests:,} to {estimate.high.requests:,}) "
        f"with {work.prompt_tokens:,} prompt tokens, {work.shared_tokens:,} of them shared, and "
        f"{work.generated_tokens:,} generated tokens"
    )
    return f"{text}, for {_range(estimate.cost)} {estimate.unit}." if estimate.cost else f"{text}."


def estimate_table(estimates: Sequence[Estimate]) -> RenderableType:
    """Lay estimates out for the terminal: a table a corpus, and below it what is assumed."""
    return Group(*(part for estimate in estimates for part in (_table(estimate), _notes(estimate), "")))


def _table(estimate: Estimate) -> Table:
    table = Table(title=f"synthesize@{estimate.corpus}", title_justify="left", title_style="bold")
    table.add_column("purpose", no_wrap=True)
    for name in ("known", "to ask", "prompt tokens", "shared", "generated"):
        table.add_column(name, justify="right")
    for purpose, work in estimate.purposes.items():
        table.add_row(purpose, *_cells(work))
    table.add_section()
    table.add_row("all", *_cells(estimate.total))
    if estimate.low != estimate.high:
        table.add_row("  low", *_cells(estimate.low))
        table.add_row("  high", *_cells(estimate.high))
    return table


def _cells(work: Workload) -> list[str]:
    figures = (
        work.answered,
        work.requests,
        work.prompt_tokens,
        work.shared_tokens,
        work.generated_tokens,
    )
    return [f"{figure:,}" for figure in figures]


def _notes(estimate: Estimate) -> str:
    if not estimate.total.requests:
        return "The journal answers everything; nothing is left to ask."
    lines = [
        "Known: the journal answers it. Shared: prompt tokens that an earlier prompt begins with too, "
        "which an engine with a prefix cache doesn't read again."
    ]
    if estimate.minutes and estimate.speed:
        lines.append(
            f"Time: {_range(estimate.minutes)} minutes, by the speed measured just now: "
            f"{estimate.speed.read:.0f} tokens/s read, {estimate.speed.write:.0f} generated, "
            f"{estimate.speed.start:.0f} s to start."
        )
    else:
        lines.append("Time: not known, no requests were timed.")
    if estimate.cost:
        lines.append(f"Cost: {_range(estimate.cost)} {estimate.unit}, shared tokens at the full price.")
    shares = ", ".join(
        f"{name} {share:.2f}" for name, share in vars(estimate.yields).items() if isinstance(share, float)
    )
    lines.append(f"Shares that pass each step, by {estimate.yields.source}: {shares}.")
    off = f"Low and high: these shares {LIKELY_ERROR:.1f} lower and higher"
    lines.append(off + (f", and the speed {SPEED_ERROR:.0%} off." if estimate.minutes else "."))
    if not estimate.exact_tokens:
        lines.append(
            "Prompt tokens are counted with the encoder's tokenizer, and set to the server's count where "
            "its answers gave one."
        )
    return "\n".join(lines)


def _range(figure: Range) -> str:
    return f"{figure.value:.3g} ({figure.low:.3g} to {figure.high:.3g})"
