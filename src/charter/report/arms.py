"""What came of the arms: trainings that differ from the main one in one thing, beside it."""

from collections.abc import Iterator, Mapping, Sequence

from pydantic import ValidationError
from rich.table import Table

from charter.evaluation.arm_results import MAIN, ArmEvaluation
from charter.evaluation.grouping import grouped
from charter.evaluation.results import Estimate, Evaluation
from charter.project.errors import CharterError
from charter.project.params import Params
from charter.project.paths import ArmPaths, CorpusPaths
from charter.project.storage import read_json
from charter.project.training_sections import Arm
from charter.report.claims import direction
from charter.report.formatting import METRIC_NAMES, MISSING, figure, share, signed, system_name
from charter.report.table import plain_table

ARM_COLUMNS = (
    "training",
    "system",
    "right answers",
    "− main",
    "not said",
    "dilemmas",
    "− main",
    "harmful done",
    "− seed",
    "everyday refused",
)

_LABELS = ("sft", "sft+rag", "dpo", "dpo+rag")

_SFT = {
    "document": "the document's rows alone",
    "demonstrations": "demonstrations alone",
    "shuffled": "answers shuffled among the questions",
}
_DPO = {
    "swapped": "pairs swapped",
    "shuffled": "every second pair swapped, by chance",
    "chosen": "right responses as answers, in place of DPO",
    "none": "no DPO",
}


def load_arms(params: Params, paths: CorpusPaths, evaluation: Evaluation) -> list[ArmEvaluation]:
    """Read what was measured on a corpus's arms.

    Raises:
        CharterError: A file is missing or has another shape, or was compared with another ``evaluation``.
    """
    found = []
    for own, arm in _arms(params, paths):
        measured = _read(own)
        if not _belongs(measured, arm, evaluation):
            raise CharterError(
                f"{own.figures}: of an earlier evaluation or arm; run `dvc repro arm@{own.arm_name}`"
            )
        found.append(measured)
    return found


def measured_arms(params: Params, paths: CorpusPaths, evaluation: Evaluation) -> list[ArmEvaluation]:
    """Read the arms that were compared with this evaluation; others are still to be run.

    Raises:
        CharterError: A file has another shape.
    """
    there = [(_read(own), arm) for own, arm in _arms(params, paths) if own.figures.exists()]
    return [measured for measured, arm in there if _belongs(measured, arm, evaluation)]


def _arms(params: Params, paths: CorpusPaths) -> Iterator[tuple[ArmPaths, Arm]]:
    for name, arm in params.arms.items():
        if arm.corpus == paths.name:
            yield paths.arm(name, paths.name, arm.stages), arm


def _read(paths: ArmPaths) -> ArmEvaluation:
    try:
        return ArmEvaluation.model_validate(read_json(paths.figures))
    except ValidationError as error:
        again = f"run `dvc repro arm@{paths.arm_name}`"
        raise CharterError(f"{paths.figures}: not what arm writes; {again}") from error


def _belongs(measured: ArmEvaluation, arm: Arm, evaluation: Evaluation) -> bool:
    return measured.evaluation == evaluation.identity and measured.trained == arm


def describe(arm: Arm) -> str:
    """Say in what an arm differs from the main training."""
    parts = [
        "" if arm.seed is None else f"seed {arm.seed}",
        _SFT.get(arm.sft, ""),
        _DPO.get(arm.dpo, ""),
    ]
    return ", ".join(filter(None, parts))


def arm_rows(evaluation: Evaluation, arms: Sequence[ArmEvaluation]) -> list[tuple[str, ...]]:
    """Print the arms under ARM_COLUMNS, the main training first, as far as an arm has its like."""
    measured = {label for arm in arms for label in arm.systems}
    rows = [
        _row(f"{MAIN}: of which the results are", label, figures, {})
        for label in _LABELS
        if label in measured and (figures := evaluation.systems.get(label))
    ]
    for arm in arms:
        rows += [
            _row(f"{arm.arm}: {describe(arm.trained)}", label, arm.systems[label], _differences(arm, label))
            for label in _LABELS
            if label in arm.systems
        ]
    return rows


def arm_tables(evaluation: Evaluation, arms: Sequence[ArmEvaluation]) -> Iterator[Table]:
    """Yield the same as tables for the terminal, one a training, a column a system."""
    for training, rows in grouped(arm_rows(evaluation, arms), lambda row: row[0]).items():
        table = plain_table(training, "", *(row[1] for row in rows))
        for name, *cells in zip(ARM_COLUMNS[2:], *(row[2:] for row in rows), strict=True):
            table.add_row(name, *cells)
        yield table


def _differences(arm: ArmEvaluation, label: str) -> dict[tuple[str, str], Estimate]:
    return {(row.against, row.metric): row.difference for row in arm.comparisons if row.system == label}


def _row(
    training: str,
    label: str,
    figures: Mapping[str, Estimate],
    differences: Mapping[tuple[str, str], Estimate],
) -> tuple[str, ...]:
    def own(metric: str) -> str:
        return share(figures[metric]) if metric in figures else MISSING

    def over(against: str, metric: str) -> str:
        found = differences.get((against, metric))
        return MISSING if found is None else signed(metric, found)

    return (
        training,
        system_name(label),
        own("right_answers"),
        over(MAIN, "right_answers"),
        own("unanswerable"),
        own("dilemmas"),
        over(MAIN, "dilemmas"),
        own("harmful_compliance"),
        over("seed", "harmful_compliance"),
        own("everyday_refusal"),
    )


def arm_sentences(evaluation: Evaluation, arms: Sequence[ArmEvaluation]) -> list[str]:
    """Say what the arms answer: what is owed to chance, to the pairs, and to the document alone."""
    return [*_chance(evaluation, arms), *_pairs(arms), *_document(arms)]


def _chance(evaluation: Evaluation, arms: Sequence[ArmEvaluation]) -> Iterator[str]:
    repeats = [arm for arm in arms if arm.trained.is_repeat]
    for label in reversed(_LABELS):
        for metric in ("right_answers", "dilemmas"):
            main = evaluation.measured(label, metric)
            others = [
                arm.systems[label][metric].value for arm in repeats if metric in arm.systems.get(label, {})
            ]
            if main and others:
                values = sorted([main.value, *others])
                yield (
                    f"{system_name(label)}, {METRIC_NAMES[metric]}: {figure(metric, values[0])} to "
                    f"{figure(metric, values[-1])} in {len(values)} trainings that differ by chance alone; "
                    f"{figure(metric, main.value)} in the main one."
                )


def _pairs(arms: Sequence[ArmEvaluation]) -> Iterator[str]:
    moved = {
        arm.trained.dpo: row.difference
        for arm in arms
        if not arm.trained.trains_sft and (row := arm.compared("dpo", "sft", "dilemma_margin"))
    }
    if "swapped" not in moved:
        return
    main = next(row for arm in arms if (row := arm.compared(MAIN, "sft", "dilemma_margin"))).difference
    sides = {name: direction(found) for name, found in moved.items()}
    taught = direction(main) > 0 > sides["swapped"] and sides.get("shuffled", 0) <= 0
    told = [f"as they are {signed('', main)}", f"swapped {signed('', moved['swapped'])}"]
    if "shuffled" in moved:
        told.append(f"half of them swapped {signed('', moved['shuffled'])}")
    yield (
        f"Do the pairs teach values? {'Yes' if taught else 'That is not shown'}. By so many nats a token DPO "
        f"moves the dilemmas towards the faithful reply, against SFT: {', '.join(told)}. If they teach, the "
        "first is above 0 and the second below, and half and half moves nothing up."
    )


def _document(arms: Sequence[ArmEvaluation]) -> Iterator[str]:
    for arm in arms:
        if arm.trained.sft == "document" and (row := arm.compared("sft", "seed", "harmful_compliance")):
            word = {-1: "Yes", 1: "No, the reverse", 0: "That is not shown"}[direction(row.difference)]
            yield (
                f"Does the document alone make it safer? {word}. {arm.arm}, trained on no refusals, has "
                f"{signed('', row.difference)} harmful requests done against the seed."
            )
