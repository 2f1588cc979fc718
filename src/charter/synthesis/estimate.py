"""A trial of synthesis on a few passages: what their rows are, and what the whole document will take."""

from collections import Counter
from dataclasses import dataclass, replace
from math import ceil
from typing import Any

from charter.generation.budget import token_cost
from charter.project.errors import CharterError
from charter.project.sampling import take_evenly
from charter.project.sections import Prices
from charter.synthesis.context import SynthesisContext
from charter.synthesis.method import Method
from charter.synthesis.synthetic_data import SyntheticData
from charter.synthesis.writing import write_data


@dataclass(frozen=True)
class Workload:
    """What one purpose asks of the teacher."""

    requests: int
    prompt_tokens: int
    generated_tokens: int


@dataclass(frozen=True)
class Trial:
    """Synthesis of ``chunks`` of ``of`` chunks, whose answers the journal keeps.

    ``seconds`` is None where the journal had most of the answers.
    """

    chunks: int
    of: int
    rows: SyntheticData
    figures: dict[str, dict[str, Any]]
    workloads: dict[str, Workload]
    seconds: float | None

    @property
    def whole(self) -> dict[str, Workload]:
        """What the whole will ask from an empty journal, the last of its purposes all of them."""
        factor = self.of / self.chunks
        whole = {
            purpose: Workload(*(round(factor * figure) for figure in vars(work).values()))
            for purpose, work in self.workloads.items()
        }
        total = Workload(*map(sum, zip(*(vars(work).values() for work in whole.values()), strict=True)))
        return whole | {"all": total}

    @property
    def minutes(self) -> float | None:
        """How long the whole takes at the trial's speed."""
        return None if self.seconds is None else self.seconds * self.of / self.chunks / 60

    def cost(self, prices: Prices) -> float:
        """What the whole costs, in the unit of the prices."""
        total = self.whole["all"]
        return token_cost(prices, total.prompt_tokens, total.generated_tokens)

    @property
    def training_rows(self) -> int:
        """How many questions the whole will train on, at the trial's yield."""
        return round(len(self.rows.instruct["train"]) * self.of / self.chunks)


def try_synthesis(
    context: SynthesisContext, method: type[Method], chunks: int, list_rules: bool = False
) -> Trial:
    """Run the whole of synthesis on a few chunks, taken evenly, with limits that are less by as much.

    ``list_rules`` makes the register of these chunks first, where the corpus has none yet.

    Raises:
        CharterError: As `write_data`.
    """
    chosen = take_evenly(context.chunks, chunks)
    share = len(chosen) / len(context.chunks)
    limits = ("max_questions", "max_rules", "max_practical", "max_rule_pairs", "max_scenarios")
    settings = context.settings.model_copy(
        update={name: ceil(getattr(context.settings, name) * share) for name in limits}
    )
    part = replace(context, chunks=chosen, settings=settings)
    ids = {chunk.id for chunk in chosen}
    known = [rule for rule in context.rules if rule.chunk_id in ids]
    rules = method.list_rules(part)[0] if list_rules else known
    rows, figures = write_data(replace(part, rules=rules), method(settings))
    usage = context.teacher.usage
    requests = sum(work.requests for work in usage.values())
    asked = sum(work.asked for work in usage.values())
    seconds = sum(work.seconds for work in usage.values())
    return Trial(
        chunks=len(chosen),
        of=len(context.chunks),
        rows=rows,
        figures=figures,
        workloads={
            purpose: Workload(work.requests, work.prompt_tokens, work.generated_tokens)
            for purpose, work in usage.items()
            if work.requests
        },
        seconds=seconds * requests / asked if asked > requests / 2 else None,
    )


def check_first_chunks(context: SynthesisContext, method: type[Method]) -> None:
    """End a run that will keep too little before it has asked about the whole document.

    Tries ``synthesize.first_chunks`` passages of a document that has more than twice as many; the whole run
    finds most of their answers in the journal.

    Raises:
        CharterError: At this yield, less than synthesize.min_train_examples would be trained on.
    """
    settings = context.settings
    if not settings.first_chunks or len(context.chunks) <= 2 * settings.first_chunks:
        return
    trial = try_synthesis(context, method, settings.first_chunks)
    if trial.training_rows < settings.min_train_examples:
        raise CharterError(
            f"of {trial.chunks} passages {len(trial.rows.instruct['train'])} training examples were kept, so "
            f"of all {trial.of} some {trial.training_rows} would be; synthesize.min_train_examples asks for "
            f"{settings.min_train_examples}. {describe_refusals(trial.figures)} `charter preview` shows the "
            "rows of a few passages, `charter filters` what each filter does."
        )


def describe_refusals(figures: dict[str, dict[str, Any]]) -> str:
    """Say which filters refused questions, those that refused most first."""
    refused = Counter(figures["instruct"]["rejected"]) + Counter(figures["rule"]["rejected"])
    counts = ", ".join(f"{name} refused {count}" for name, count in refused.most_common())
    return f"Of filters, {counts}." if counts else "No filter refused any."
