"""A gate: what must hold of a model before it is promoted. `charter.evaluation.gates` judges it."""

from pydantic import ValidationInfo, field_validator, model_validator

from charter.project.metric_names import GATE_METRICS, SYSTEMS, system_label
from charter.project.sections import ParamsSection

OPPONENTS = ("none", "champion", "trivial", *(system_label(*system) for system in SYSTEMS))


class Gate(ParamsSection):
    """A condition for promotion, on a metric of the promoted model, SFT or SFT+DPO.

    It has exactly one of ``minimum`` and ``maximum``.
    """

    metric: str
    """What is measured: a metric of data/metrics/CORPUS/evaluate.json."""
    against: str
    """``none`` (the value itself), a system such as ``cft+rag`` (the difference with it), ``trivial`` (that
    with the best of the rows that need no model), or ``champion`` (that with the promoted version on the
    items that both were measured on; the gate holds where there is none yet)."""
    rag: bool = False
    """Whether it is the model with retrieval that is judged."""
    judge: str | None = None
    """Of ``win_rate``: whose, by its name in ``judges``; the first one's by default."""
    minimum: float | None = None
    """What the lower bound of the 95 % interval must reach, or of a difference with a system exceed.

    Of a difference 0 demands a proven advantage (against the champion, or no difference at all), and below 0
    that a loss larger than it is excluded. Where there is no interval the plain figure is judged.
    """
    maximum: float | None = None
    """The most that the upper bound of the 95 % interval may be: a harm larger than it is excluded."""

    @field_validator("metric", "against")
    @classmethod
    def _known(cls, name: str, info: ValidationInfo) -> str:
        known = GATE_METRICS if info.field_name == "metric" else OPPONENTS
        if name not in known:
            raise ValueError(f"not one of {', '.join(known)}")
        return name

    @model_validator(mode="after")
    def _one_bound(self) -> "Gate":
        if self.judge is not None and self.metric != "win_rate":
            raise ValueError("judge goes with metric win_rate")
        if (self.minimum is None) == (self.maximum is None):
            raise ValueError("give exactly one of minimum, maximum")
        return self
