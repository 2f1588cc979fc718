"""From the verdicts of all judges to what each says of the systems, and how far two of them agree."""

from collections.abc import Mapping, Sequence
from itertools import combinations

from charter.evaluation.grouping import grouped
from charter.evaluation.results import (
    OPPONENT,
    UNMEASURED,
    Estimate,
    FurtherJudge,
    JudgeAgreement,
    WinRate,
)
from charter.evaluation.statistics import Resampling, kappa
from charter.evaluation.win_rate import WIN_RATE, Judge, judge_validity, verdict_pairs, win_rate
from charter.project.records import Judgement, Prediction

Preferences = dict[tuple[str, str, str], float]
"""By what was compared, the item and its chunk, the preference for the system: above 0, below, or none."""


def judge_results(
    judgements: Sequence[Judgement],
    answers: Mapping[str, Sequence[Prediction]],
    judges: Mapping[str, Judge],
    resampling: Resampling,
) -> dict[str, FurtherJudge]:
    """Return the validity and the win rates of each judge, in the order of ``judges``.

    ``answers`` are by label, those of every system to the same items in the same order.

    Raises:
        CharterError: A pair of answers was not judged once in each order.
    """
    said, found = grouped(judgements, lambda row: row.judge), {}
    for name, judge in judges.items():
        pairs = verdict_pairs(said.get(name, []))
        estimates: dict[str, Estimate] = {}
        win_rates: dict[str, WinRate] = {}
        for label, rows in answers.items():
            if judged := pairs.get(WIN_RATE + label):
                lengths = {
                    own.item_id: (len(own.answer), len(other.answer))
                    for own, other in zip(rows, answers[OPPONENT], strict=True)
                }
                estimates[label], win_rates[label] = win_rate(judged, lengths, resampling)
        validity = judge_validity(said.get(name, []), judge, resampling)
        found[name] = FurtherJudge(validity=validity, estimates=estimates, win_rates=win_rates)
    return found


def judge_agreement(judgements: Sequence[Judgement], resampling: Resampling) -> list[JudgeAgreement]:
    """Return how far each two judges agree on whose answer is better; nothing of a single judge."""
    by_judge = grouped(judgements, lambda row: row.judge)
    preferences = {name: _preferences(rows) for name, rows in by_judge.items()}
    return [
        JudgeAgreement(judges=(one, other), kappa=_agreement(said, preferences[other], resampling))
        for (one, said), (other, _) in combinations(preferences.items(), 2)
    ]


def _preferences(judgements: Sequence[Judgement]) -> Preferences:
    return {
        (comparison, pair.a_first.item_id, pair.a_first.chunk_id): round(pair.score() - 0.5, 9)
        for comparison, pairs in verdict_pairs(judgements).items()
        if comparison.startswith(WIN_RATE) and comparison != WIN_RATE + OPPONENT
        for pair in pairs
    }


def _agreement(one: Preferences, other: Preferences, resampling: Resampling) -> Estimate:
    # Where neither has a preference the answers are mostly the same, and nothing was decided.
    decided = [key for key in one if key in other and (one[key] or other[key])]
    if not decided:
        return UNMEASURED
    chunks = [chunk_id for _, _, chunk_id in decided]
    return kappa([one[key] > 0 for key in decided], [other[key] > 0 for key in decided], chunks, resampling)
