"""The shape of data/metrics/CORPUS/arms/ARM.json, which the report and `charter arms` read."""

from charter.evaluation.results import Comparison, Estimate, Result
from charter.project.training_sections import Arm

MAIN = "main"
"""What comparisons call the main training's model of the same label."""


class ArmEvaluation(Result):
    """What was measured on an arm's models, by their labels (`system_label`).

    ``systems`` has EXAM_METRICS and shares of SAFETY_METRICS and RETENTION_METRICS. ``comparisons`` are of a
    label with the same one of MAIN in right answers, dilemmas and ``dilemma_margin`` (nats a token by which
    the scenario speaks for the faithful reply), with main's ``sft`` in dilemmas and ``dilemma_margin``, and
    with ``seed`` in shares of prompts. Of an arm with a DPO model, MAIN's is compared with main's ``sft``
    too. No p is corrected. ``evaluation`` is the identity of the main results.
    """

    arm: str
    trained: Arm
    systems: dict[str, dict[str, Estimate]]
    comparisons: list[Comparison]
    evaluation: str

    def compared(self, system: str, against: str, metric: str) -> Comparison | None:
        """Return a comparison, None where it wasn't made."""
        contrast = (system, against, metric)
        return next((row for row in self.comparisons if row.contrast == contrast), None)
