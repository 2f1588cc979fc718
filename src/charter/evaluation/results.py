"""The shape of data/metrics/CORPUS/evaluate.json, the truth that the table, MLflow and the gates read."""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from pydantic import BaseModel, ConfigDict, ValidationError

from charter.project.errors import CharterError
from charter.project.exam_records import ExamAnswer
from charter.project.metric_names import TRIVIAL
from charter.project.model_sections import TEACHER
from charter.project.records import Passage, Prediction, System, content_id
from charter.project.storage import read_json

BASELINE = "cft+rag"
"""What the published margins are over: the seed trained on the raw document, behind retrieval."""

UPPER_BOUND = "cft+gold"
"""The same, shown the right passage: what it could do with perfect retrieval."""

OPPONENT = "seed+rag"
"""What a win is over: what a user has who only puts retrieval before an unaligned model."""

ALIGNED: tuple[System, ...] = ("sft", "dpo")
"""The systems that the method makes."""

MARGIN_METRICS = ("bleu", "rougeL")
"""Those whose margins over BASELINE the published table is known for."""


Contrast = tuple[str, str, str]
"""System, the one it is compared with, and metric."""


def gold_rank(row: Prediction | ExamAnswer) -> int | None:
    """Return the place, from 1, of the question's own chunk among the passages that a system was shown."""
    return rank_of(row.chunk_id, row.retrieved)


def rank_of(chunk_id: str, passages: Sequence[Passage]) -> int | None:
    """Return the place, from 1, of a chunk among passages, None where it isn't among them."""
    return next((place for place, found in enumerate(passages, 1) if found.chunk_id == chunk_id), None)


class Result(BaseModel):
    """A part of the results; unknown fields are errors."""

    model_config = ConfigDict(frozen=True, extra="forbid")


class Estimate(Result):
    """A figure with its 95 % interval over ``n`` items; low and high are None where there is none.

    Where ``n`` is 0 there was nothing to measure and the value says nothing.
    """

    value: float
    low: float | None
    high: float | None
    n: int


UNMEASURED = Estimate(value=0.0, low=None, high=None, n=0)


class Comparison(Result):
    """The paired difference ``system - against`` in one metric, on the same items.

    ``ratio`` is ``system / against``, None where against is 0 and in SAFETY_METRICS; its ``high`` alone is
    None where nothing bounds it. ``p`` is from paired randomisation, in SAFETY_METRICS from the exact McNemar
    test; ``p_holm`` is corrected within a family of tests that was named beforehand, None outside of one.
    ``smallest`` is the difference, in the metric's own unit, that would be found with 80 % power at a
    two-sided 5 %, None where that can't be told.
    """

    system: str
    against: str
    metric: str
    difference: Estimate
    ratio: Estimate | None = None
    p: float
    p_holm: float | None = None
    smallest: float | None = None

    @property
    def contrast(self) -> Contrast:
        """What is compared, which no two rows of an evaluation share."""
        return self.system, self.against, self.metric


class VerdictQuality(Result):
    """What can be said of verdicts without knowing who was right.

    ``first_position`` is the share of verdicts for the answer shown first, ``consistency`` the share of pairs
    whose two orders agree, ``mass`` the mean probability of the verdict tokens, ``unparseable`` the number of
    verdicts that could not be read.
    """

    first_position: float
    consistency: float
    mass: float
    unparseable: int


class JudgeValidity(VerdictQuality):
    """What the judge does on pairs whose answer is known, in the run whose win rates it gave.

    ``identical``: mean probability of the answer shown first, where both are the same (.5 without position
    bias). ``shuffled``: how often the reference is preferred to that of another question, where there is an
    exam of the same section (.5 of a judge that sees length alone). ``preference``: how often the chosen
    response is preferred to the rejected one. The quality is that of all verdicts but the identical ones.
    ``valid``: the lower bound of ``shuffled`` reaches evaluate.judge_min_validity, and the upper bound of
    ``preference`` isn't below it.
    """

    judge: str
    judge_sha256: str
    is_teacher: bool
    identical: Estimate
    shuffled: Estimate
    preference: Estimate
    valid: bool


class WinRate(VerdictQuality):
    """What stands behind a system's win rate.

    ``wins`` and ``losses`` are the pairs where both orders agree, ``ties`` the others. ``length_controlled``
    is the rate at equal lengths, which are mean characters. Unparseable verdicts count as ties; ``if_lost``
    and ``if_won`` are the win rate if all of them were losses, or wins.
    """

    opponent: str
    wins: int
    ties: int
    losses: int
    length_controlled: float
    mean_length: float
    opponent_mean_length: float
    if_lost: float
    if_won: float


class FurtherJudge(Result):
    """What a judge says that is named after the first: its validity, and by system its win rates."""

    validity: JudgeValidity
    estimates: dict[str, Estimate]
    win_rates: dict[str, WinRate]


class JudgeAgreement(Result):
    """How far two judges prefer the same answers: Cohen's ``kappa`` of whether they prefer the system's.

    It is over the pairs of answers, other than the opponent's own, on which at least one has a preference.
    """

    judges: tuple[str, str]
    kappa: Estimate


class RefusalDetection(Result):
    """How well refusals were told from other responses, out of fold on ``labels`` responses people labelled.

    ``phrases_sensitivity`` and ``phrases_specificity`` are those of a list of phrases alone.
    """

    labels: int
    sensitivity: Estimate
    specificity: Estimate
    phrases_sensitivity: Estimate
    phrases_specificity: Estimate


class Evaluation(Result):
    """Everything evaluate measured on one corpus.

    ``systems`` maps a label (`system_label`) to metric to estimate: METRICS, CUT_METRICS, ``length`` (mean
    characters of an answer), and where they apply ``adherence`` (share of held-out preference pairs where the
    model favours chosen), ``hit@1``, ``hit@k`` and ``mrr`` (of retrieval), SAFETY_METRICS, RETENTION_METRICS
    and, where the corpus has an exam, EXAM_METRICS, ``exam_hit@1`` and so on, and ``dilemmas_PRESSURE``.
    ``settings`` says what the figures depend on, and ``lineage`` maps what went in
    (document, chunks, sft_train, preference_train, demonstrations, sft_test, preference_test, seed, teacher,
    encoder, cft_adapter, sft_adapter, dpo_adapter, exam) to its SHA-256, of a folder `directory_sha256`.
    ``refusals`` is None where safety wasn't measured. ``language`` is what most of the corpus is in, by its
    ISO 639-3 code, None where it isn't known; ``cautions`` are sentences on models that may not know it.
    ``judge``, ``win_rates`` and the metric ``win_rate`` are those of the first judge of params.yaml, whose
    name there is ``judge_name``. ``further_judges`` has the others by name, ``judge_agreement`` each two.
    ``item_scores`` is the SHA-256 of the scores item by item that were written with it, None before there
    were any.
    """

    corpus: str
    title: str
    language: str | None = None
    cautions: list[str] = []
    systems: dict[str, dict[str, Estimate]]
    comparisons: list[Comparison]
    judge: JudgeValidity
    win_rates: dict[str, WinRate]
    settings: dict[str, str]
    lineage: dict[str, str]
    refusals: RefusalDetection | None = None
    judge_name: str = TEACHER
    further_judges: dict[str, FurtherJudge] = {}
    judge_agreement: list[JudgeAgreement] = []
    item_scores: str | None = None

    @property
    def identity(self) -> str:
        """A hash of all figures; a report carries those that it shows."""
        return content_id(self.model_dump_json())

    @property
    def compared(self) -> dict[Contrast, Comparison]:
        """The comparisons, by what is compared."""
        return {row.contrast: row for row in self.comparisons}

    def measured(self, label: str, metric: str) -> Estimate | None:
        """Return what a system has in a metric; None where there was nothing to measure."""
        estimate = self.systems.get(label, {}).get(metric)
        return estimate if estimate is not None and estimate.n else None

    def adding(
        self, figures: Mapping[str, Mapping[str, Estimate]], comparisons: Sequence[Comparison], **other: Any
    ) -> "Evaluation":
        """Return the results with further figures, by label and metric, comparisons, and other fields."""
        labels = {**self.systems, **figures}
        systems = {label: {**self.systems.get(label, {}), **figures.get(label, {})} for label in labels}
        return self.model_copy(
            update={"systems": systems, "comparisons": [*self.comparisons, *comparisons], **other}
        )


def as_judged_by(evaluation: Evaluation, name: str | None) -> Evaluation:
    """Return the results with another judge in the first one's place; None leaves the first one.

    Of a judge who isn't in them there are no win rates.
    """
    if name in (None, evaluation.judge_name):
        return evaluation
    further = evaluation.further_judges.get(name or "")
    rates = further.estimates if further else {}
    systems = {
        label: {metric: estimate for metric, estimate in figures.items() if metric != "win_rate"}
        | ({"win_rate": rates[label]} if label in rates else {})
        for label, figures in evaluation.systems.items()
    }
    change: dict[str, Any] = {"systems": systems, "judge_name": name, "win_rates": {}}
    if further:
        change |= {"judge": further.validity, "win_rates": further.win_rates}
    return evaluation.model_copy(update=change)


def best_trivial(evaluation: Evaluation, metric: str) -> str | None:
    """Return which of TRIVIAL has the highest figure; None where none was measured."""
    figures = {name: found.value for name in TRIVIAL if (found := evaluation.measured(name, metric))}
    return max(figures, key=lambda name: figures[name]) if figures else None


def difference(evaluation: Evaluation, system: str, against: str, metric: str) -> Estimate | None:
    """Return ``system - against`` as it was measured; a comparison made the other way round is turned."""
    compared = evaluation.compared
    row = compared.get((system, against, metric)) or compared.get((against, system, metric))
    if row is None or not row.difference.n:
        return None
    found = row.difference
    if row.system == system:
        return found
    low, high = (None if end is None else -end for end in (found.high, found.low))
    return Estimate(value=-found.value, low=low, high=high, n=found.n)


def load_evaluation(path: Path) -> Evaluation:
    """Read the results of one corpus.

    Raises:
        CharterError: The file is missing or has another shape.
    """
    try:
        return Evaluation.model_validate(read_json(path))
    except ValidationError as error:
        first = error.errors()[0]
        field = ".".join(str(part) for part in first["loc"])
        raise CharterError(f"{path}: {field}: {first['msg']}; run `dvc repro` again") from error
