"""What is assumed of answers not given yet: how many pass each step of synthesis, and how long they are."""

from dataclasses import dataclass, replace
from typing import Any, Literal

from charter.project.errors import CharterError
from charter.project.paths import CorpusPaths
from charter.project.storage import read_json
from charter.synthesis.rule_questions import QUESTIONS_A_CALL

Step = Literal["value", "scenario", "contrast", "question", "answer", "word", "rule"]


@dataclass(frozen=True)
class Yields:
    """Shares that pass each step; ``source`` says where they are from.

    value: chunks that state a value. scenario: scenarios that pass their filters, are no duplicates and have
    a rule, of those asked for. contrast: drafts whose rule and its opposite pass theirs. question, answer:
    the same as scenario, and the form of answers, of instruct data. word: answers that begin with Yes or
    No, and whose question is therefore asked again. rule: calls about a rule of which a question is kept.
    """

    source: str
    value: float
    scenario: float
    contrast: float
    question: float
    answer: float
    word: float
    rule: float

    def of(self, step: Step) -> float:
        """Return the share of a step."""
        share: float = getattr(self, step)
        return share

    def moved(self, by: float) -> "Yields":
        """Return all shares larger by ``by``, kept within 0 and 1."""
        steps: tuple[Step, ...] = ("value", "scenario", "contrast", "question", "answer", "word", "rule")
        shares: dict[str, Any] = {step: min(max(self.of(step) + by, 0.0), 1.0) for step in steps}
        return replace(self, **shares)


DEFAULT_YIELDS = Yields(
    source="Charter's defaults, measured with the embedded teacher on its two documents",
    value=0.98,
    scenario=0.63,
    contrast=0.93,
    question=0.72,
    answer=0.96,
    word=0.4,
    rule=0.68,
)
"""Of udhr and bcg together: 95 chunks, 146 scenarios and 446 questions asked for, 523 calls about rules."""

LIKELY_ERROR = 0.16
"""How far a share may be off: those of udhr and bcg differ by .29 at most, so each from their mean by .16."""

TOKENS = {
    "scenarios": 23.6,
    "questions": 22.0,
    "opposite rules": 26.2,
    "questions to rules": 21.6,
    "answers": 26.3,
}
"""Tokens generated a request, of the same two runs; of scenarios and questions for each one asked for."""


def read_yields(paths: CorpusPaths) -> Yields:
    """Return the yields of the corpus's last synthesis, by its metrics, or the defaults where it has none.

    The metrics don't say how many answers begin with Yes or No: that share is always the default.

    Raises:
        CharterError: The metrics are broken.
    """
    file = paths.metrics("synthesize")
    if not file.exists():
        return DEFAULT_YIELDS
    metrics = read_json(file)
    try:
        pairs, answers, rules = metrics["preference"], metrics["instruct"], metrics["rule"]
        chunks = read_json(paths.metrics("extract"))["chunks"] if paths.metrics("extract").exists() else 0
        verified = pairs["kept"] + _refused(pairs, "verification")
        contrasted = verified + _refused(pairs, "contrast")
        checked = answers["kept"] + _refused(answers, "support")
        answered = checked + _refused(answers, "answer")
        default = DEFAULT_YIELDS
        return Yields(
            source=f"its last run ({file.relative_to(paths.root)})",
            value=_share(chunks - pairs["chunks_without_value"], chunks, default.value),
            scenario=_share(contrasted, pairs["requested"], default.scenario),
            contrast=_share(verified, contrasted, default.contrast),
            question=_share(answered, answers["requested"], default.question),
            answer=_share(checked, answered, default.answer),
            word=default.word,
            rule=_share(rules["kept"] * QUESTIONS_A_CALL, rules["requested"], default.rule),
        )
    except (KeyError, TypeError) as error:
        raise CharterError(f"{file}: not the metrics of synthesize ({error}); delete it") from error


def _refused(metrics: Any, *filters: str) -> int:
    return sum(int(metrics["rejected"].get(name, 0)) for name in filters)


def _share(passed: int, of: int, default: float) -> float:
    return min(max(passed / of, 0.0), 1.0) if of > 0 else default
