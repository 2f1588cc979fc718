"""From a judge's verdicts to win rates, and to what the judge's verdicts are worth.

A pair is judged in both orders and its score is the mean of both, s = 1/2 [P_AB(A) + P_BA(A)], so that a
preference for a position cancels. A verdict that could not be read counts as 1/2.
"""

from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from statistics import fmean

import numpy as np
from scipy.special import expit
from sklearn.linear_model import LogisticRegression

from charter.evaluation.grouping import grouped
from charter.evaluation.results import OPPONENT, UNMEASURED, Estimate, JudgeValidity, VerdictQuality, WinRate
from charter.evaluation.statistics import Array, ClusteredBootstrap, Resampling, clustered_share, mean_measure
from charter.project.errors import CharterError
from charter.project.records import Judgement

WIN_RATE = "win_rate:"
IDENTICAL = "control:identical"
SHUFFLED = "control:shuffled"
PREFERENCE = "control:preference"

_LENGTH_PRIOR = 5.0
"""Standard deviation of a Gaussian prior on phi: no pull worth naming, but the fit exists for any scores."""


@dataclass(frozen=True)
class Judge:
    """Which model judges, whether it is the teacher, who wrote the references, and the validity asked."""

    name: str
    sha256: str
    is_teacher: bool
    min_validity: float


@dataclass(frozen=True)
class VerdictPair:
    """The verdicts on one pair of answers, A shown first and B shown first."""

    a_first: Judgement
    b_first: Judgement

    @property
    def probabilities(self) -> tuple[float | None, float | None]:
        """The judge's probability that A is better, in either order; None where it couldn't be read."""
        swapped = self.b_first.probability_first
        return self.a_first.probability_first, None if swapped is None else 1 - swapped

    def score(self, unread: float = 0.5) -> float:
        """The mean of both probabilities; ``unread`` stands for a verdict that couldn't be read."""
        return sum(unread if p is None else p for p in self.probabilities) / 2

    @property
    def agreed(self) -> int:
        """1 where both orders prefer A, -1 where both prefer B, 0 otherwise."""
        signs = {0.0 if p is None else np.sign(p - 0.5) for p in self.probabilities}
        return int(signs.pop()) if len(signs) == 1 else 0


def verdict_pairs(judgements: Sequence[Judgement]) -> dict[str, list[VerdictPair]]:
    """Return the pairs of each comparison but IDENTICAL by one judge, in the order in which they occur.

    Raises:
        CharterError: A pair was not judged once in each order.
    """
    paired = (row for row in judgements if row.comparison != IDENTICAL)
    pairs: dict[str, list[VerdictPair]] = defaultdict(list)
    for (comparison, item_id), rows in grouped(paired, lambda row: (row.comparison, row.item_id)).items():
        rows.sort(key=lambda row: row.swapped)
        if [row.swapped for row in rows] != [False, True]:
            raise CharterError(f"{comparison}: item {item_id} was not judged once in each order; judge both")
        pairs[comparison].append(VerdictPair(*rows))
    return pairs


def win_rate(
    pairs: Sequence[VerdictPair], lengths: Mapping[str, tuple[int, int]], resampling: Resampling
) -> tuple[Estimate, WinRate]:
    """Return the mean score of a system, A in one or more pairs, over OPPONENT, and what stands behind it.

    ``lengths`` maps an item to the characters of the system's and the opponent's answer.
    """
    bootstrap = ClusteredBootstrap([pair.a_first.chunk_id for pair in pairs], resampling)
    scores = np.array([pair.score() for pair in pairs])
    own, theirs = np.array([lengths[pair.a_first.item_id] for pair in pairs], dtype=np.float64).T
    agreed = [pair.agreed for pair in pairs]
    detail = WinRate(
        **dict(verdict_quality(pairs)),
        opponent=OPPONENT,
        wins=agreed.count(1),
        ties=agreed.count(0),
        losses=agreed.count(-1),
        length_controlled=length_controlled_rate(scores, own - theirs),
        mean_length=float(own.mean()),
        opponent_mean_length=float(theirs.mean()),
        if_lost=float(np.mean([pair.score(unread=0.0) for pair in pairs])),
        if_won=float(np.mean([pair.score(unread=1.0) for pair in pairs])),
    )
    return bootstrap.estimate(mean_measure(scores)), detail


def length_controlled_rate(scores: Array, length_differences: Array) -> float:
    """Return the win rate at equal lengths: sigma(theta) of logit p_i = theta + phi tanh(dlen_i / sd).

    The length term of length-controlled AlpacaEval (Dubois et al., 2024), fitted to the scores by maximum
    likelihood, s_i in 0-1, with a weak prior on phi; dlen_i is the system's length minus the opponent's.
    Where all differences are equal, length explains nothing and the rate is the plain one.
    """
    spread = float(length_differences.std())
    if spread == 0:
        return float(scores.mean())
    term = np.tanh(length_differences / spread)
    # A score s is a win that counts s and a loss that counts 1 - s; the intercept has no prior.
    model = LogisticRegression(C=_LENGTH_PRIOR**2, tol=1e-8, max_iter=1000).fit(
        np.tile(term, 2)[:, None],
        np.repeat([True, False], len(scores)),
        sample_weight=np.concatenate([scores, 1 - scores]),
    )
    return float(expit(model.intercept_[0]))


def judge_validity(judgements: Sequence[Judgement], judge: Judge, resampling: Resampling) -> JudgeValidity:
    """Return what the judge does where the answer is known, and whether that makes it valid.

    There are as many shuffled answers as judged questions, so it must be proven on them. Held-out preference
    pairs may be three, which prove nothing: on them it must not be proven wrong.
    """
    pairs = verdict_pairs(judgements)
    shuffled, preference = _preferred(pairs[SHUFFLED]), _preferred(pairs[PREFERENCE])
    return JudgeValidity(
        **dict(verdict_quality([pair for compared in pairs.values() for pair in compared])),
        judge=judge.name,
        judge_sha256=judge.sha256,
        is_teacher=judge.is_teacher,
        identical=_identical([row for row in judgements if row.comparison == IDENTICAL], resampling),
        shuffled=shuffled,
        preference=preference,
        valid=shuffled.low is not None
        and shuffled.low >= judge.min_validity
        and (preference.high is None or preference.high >= judge.min_validity),
    )


def _identical(verdicts: Sequence[Judgement], resampling: Resampling) -> Estimate:
    """The mean over both orders would be 1/2 for any judge, so here the first position is what counts."""
    if not verdicts:
        return UNMEASURED
    first = [0.5 if row.probability_first is None else row.probability_first for row in verdicts]
    bootstrap = ClusteredBootstrap([row.chunk_id for row in verdicts], resampling)
    return bootstrap.estimate(mean_measure(first))


def _preferred(pairs: Sequence[VerdictPair]) -> Estimate:
    """Return how often A's score is above 1/2, exact ties counting half."""
    # rounded: p + (1 - p) of an undecided judge may miss 1 by a hair
    preferred = [float(np.heaviside(round(pair.score() - 0.5, 9), 0.5)) for pair in pairs]
    return clustered_share(preferred, [pair.a_first.chunk_id for pair in pairs])


def verdict_quality(pairs: Sequence[VerdictPair]) -> VerdictQuality:
    """Measure what needs no right answer; of no pairs it is no bias, no consistency and no mass."""
    verdicts = [verdict for pair in pairs for verdict in (pair.a_first, pair.b_first)]
    read = [row.probability_first for row in verdicts if row.probability_first is not None]
    masses = [row.mass for row in verdicts if row.mass is not None]
    return VerdictQuality(
        first_position=float(np.heaviside(np.array(read) - 0.5, 0.5).mean()) if read else 0.5,
        consistency=fmean(pair.agreed != 0 for pair in pairs) if pairs else 0.0,
        mass=fmean(masses) if masses else 0.0,
        unparseable=len(verdicts) - len(read),
    )
