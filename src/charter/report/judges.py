"""What is said of the judges: who they are, what their verdicts are worth, and how far they agree."""

from collections.abc import Iterator

from charter.evaluation.results import Evaluation, JudgeValidity, as_judged_by
from charter.project.metric_names import SYSTEMS, system_label
from charter.report.formatting import MISSING, share, system_name, with_interval

INVALID = "invalid"
"""Stands for a win rate by a judge that failed its controls."""


def judge_names(evaluation: Evaluation) -> tuple[str, ...]:
    """Return the judges by name, the first one first."""
    return evaluation.judge_name, *evaluation.further_judges


def win_rate_cell(evaluation: Evaluation, label: str) -> str:
    """Print a system's win rate by the first judge, if it passed its controls."""
    estimate = evaluation.measured(label, "win_rate")
    if estimate is None:
        return MISSING
    return with_interval("win_rate", estimate) if evaluation.judge.valid else INVALID


def judges_sentence(evaluation: Evaluation) -> str:
    """Say of each judge who it is and how it did where the answer is known, and how far they agree."""
    several = len(judge_names(evaluation)) > 1
    said = [_judge(as_judged_by(evaluation, name), several) for name in judge_names(evaluation)]
    return " ".join([*said, *_agreements(evaluation)])


def win_rate_columns(evaluation: Evaluation) -> tuple[str, ...]:
    """Head the table of win rates by judge; empty of a single judge, whose are in the table of results."""
    names = judge_names(evaluation)
    return ("system", *(f"by {name}" for name in names)) if len(names) > 1 else ()


def win_rate_rows(evaluation: Evaluation) -> list[tuple[str, ...]]:
    """Print the win rates by each judge, a row a system that one of them judged."""
    views = [as_judged_by(evaluation, name) for name in judge_names(evaluation)]
    return [
        (system_name(label), *(win_rate_cell(view, label) for view in views))
        for label in (system_label(*system) for system in SYSTEMS)
        if any(view.measured(label, "win_rate") for view in views)
    ]


def owner(judge: JudgeValidity) -> str:
    """Say whose judge it is, where it is the teacher's own."""
    return " (the teacher's own: it wrote what the systems were trained on)" if judge.is_teacher else ""


def _judge(evaluation: Evaluation, several: bool) -> str:
    judge = evaluation.judge
    name = f" {evaluation.judge_name}" if several else ""
    verdict = "" if judge.valid else " not valid (no win rate of it is shown, no gate uses one)"
    opponents = sorted({system_name(row.opponent) for row in evaluation.win_rates.values()})
    controls = (
        f"It prefers the right reference to another question's in {share(judge.shuffled)} and chosen to "
        f"rejected in {share(judge.preference)} of pairs"
    )
    if evaluation.settings.get("judge_method") == "single":
        # Of a judge that sees one answer at a time, orders agree and neither position wins by its make.
        controls += ". It saw one answer at a time"
    else:
        controls += (
            f"; identical answers: {share(judge.identical)} for the first (.5 expected). Orders agree in "
            f"{judge.consistency:.0%}, the first answer wins {judge.first_position:.0%} of verdicts"
        )
    return (
        f"Judge{name}{verdict}: {judge.judge}{owner(judge)}; win rates are over "
        f"{', '.join(opponents) or 'nobody'}. {controls}; verdict-token mass {judge.mass:.2f}, "
        f"{judge.unparseable} unparseable."
    )


def _agreements(evaluation: Evaluation) -> Iterator[str]:
    for found in evaluation.judge_agreement:
        if found.kappa.n:
            one, other = found.judges
            yield (
                f"{one} and {other} agree on whose answer is better with a kappa of {share(found.kappa)} "
                f"(1: fully, 0: as by chance) over {found.kappa.n} pairs of answers."
            )
