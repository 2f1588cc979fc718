"""How often a 95 % interval holds the truth, over samples from populations whose truth is known.

Each sample has 36 clusters of 1 to 3 items that resemble each other, as the questions about a chunk do.
`test_safety` does the same for corrected shares and their differences.
"""

import random
from collections.abc import Callable

import numpy as np
import pytest
from scipy.special import expit

from charter.evaluation.results import Estimate
from charter.evaluation.statistics import (
    ClusteredBootstrap,
    Measure,
    Resampling,
    clustered_share,
    mean_measure,
)
from charter.evaluation.text_metrics import bleu_measure, rouge_scores
from charter.evaluation.win_rate import WIN_RATE, verdict_pairs, win_rate
from charter.project.records import Judgement

ROUNDS, CLUSTERS, SAMPLES = 400, 36, 400
POPULATION = 800

Intervals = Callable[[np.random.Generator, int], Estimate]
"""From a generator of samples and the seed of the resamples to the interval of one sample."""


def covered(estimate: Intervals, truth: float) -> float:
    generator = np.random.default_rng(11)
    found = [estimate(generator, repetition) for repetition in range(ROUNDS)]
    return sum(_holds(row, truth) for row in found) / ROUNDS


def _holds(row: Estimate, truth: float) -> bool:
    """An end that is None bounds nothing."""
    return (row.low is None or row.low <= truth) and (row.high is None or truth <= row.high)


def believable(share: float) -> bool:
    """Two standard errors around .93 and .97: what could be either is let pass."""
    return 0.93 - 0.025 <= share <= 0.97 + 0.017


def sizes(generator: np.random.Generator) -> np.ndarray:
    """The cluster of each item of a sample."""
    return np.repeat(np.arange(CLUSTERS), generator.integers(1, 4, size=CLUSTERS))


class Population:
    """Answers of two systems to questions in clusters, of which samples are drawn with replacement."""

    def __init__(self, metric: str):
        generator = random.Random(3)
        words = [f"w{number}" for number in range(60)]
        references, first, second, clusters = [], [], [], []
        for cluster in range(POPULATION):
            hard, gain = generator.betavariate(1, 1.5), generator.betavariate(1, 3)
            for _ in range(generator.randint(1, 3)):
                text = generator.choices(words, k=generator.randint(6, 16))
                references.append(" ".join(text))
                for answers, share in ((first, hard * (1 - gain)), (second, hard)):
                    kept = [w if generator.random() > share else generator.choice(words) for w in text]
                    answers.append(" ".join(kept[: generator.randint(5, 16)]))
                clusters.append(cluster)
        self.measures = [_measure(metric, answers, references) for answers in (first, second)]
        self.items = [np.flatnonzero(np.array(clusters) == cluster) for cluster in range(POPULATION)]
        self.truths = [float(measure.value(measure.rows.sum(axis=0))) for measure in self.measures]

    def sample(self, generator: np.random.Generator) -> tuple[list[str], list[Measure]]:
        drawn = [self.items[number] for number in generator.integers(0, POPULATION, size=CLUSTERS)]
        rows = np.concatenate(drawn)
        names = [str(place) for place, items in enumerate(drawn) for _ in items]
        return names, [Measure(measure.rows[rows], measure.value) for measure in self.measures]


def _measure(metric: str, answers: list[str], references: list[str]) -> Measure:
    if metric == "bleu":
        return bleu_measure(answers, references)
    return mean_measure(rouge_scores(answers, references)[metric])


@pytest.mark.parametrize("metric", ["bleu", "rougeL"])
def test_text_metrics_and_their_differences(metric: str) -> None:
    population = Population(metric)

    def own(generator: np.random.Generator, seed: int) -> Estimate:
        names, (first, _) = population.sample(generator)
        return ClusteredBootstrap(names, Resampling(SAMPLES, seed)).estimate(first)

    def difference(generator: np.random.Generator, seed: int) -> Estimate:
        names, (first, second) = population.sample(generator)
        return ClusteredBootstrap(names, Resampling(SAMPLES, seed)).difference(first, second)

    def ratio(generator: np.random.Generator, seed: int) -> Estimate:
        names, (first, second) = population.sample(generator)
        found = ClusteredBootstrap(names, Resampling(SAMPLES, seed)).ratio(first, second)
        assert found is not None
        return found

    first, second = population.truths
    assert first > second
    assert believable(covered(own, first))
    assert believable(covered(difference, first - second))
    assert believable(covered(ratio, first / second))


@pytest.mark.parametrize("base", [0.1, 0.3])
def test_ratios_of_shares(base: float) -> None:
    """Of right answers, where the other system has few: now and then a resample has none of its at all."""

    def estimate(generator: np.random.Generator, seed: int) -> Estimate:
        clusters = sizes(generator)
        ease = 0.5 + generator.random(CLUSTERS)[clusters]
        own, other = (generator.random(len(clusters)) < ease * share for share in (2 * base, base))
        bootstrap = ClusteredBootstrap([str(name) for name in clusters], Resampling(SAMPLES, seed))
        found = bootstrap.ratio(mean_measure(own), mean_measure(other))
        return found or Estimate(value=0.0, low=None, high=None, n=0)

    assert believable(covered(estimate, 2.0))


def test_the_smallest_difference_is_found_in_four_of_five_samples() -> None:
    """Of scores that differ by as much as `smallest` says of another sample of the same population."""
    generator = np.random.default_rng(5)

    def sample(change: float, seed: int) -> tuple[ClusteredBootstrap, Measure, Measure]:
        clusters = sizes(generator)
        other = generator.random(CLUSTERS)[clusters] + generator.normal(0, 0.1, size=len(clusters))
        gain = generator.normal(change, 0.2, size=CLUSTERS)[clusters]
        own = other + gain + generator.normal(0, 0.2, size=len(clusters))
        bootstrap = ClusteredBootstrap([str(name) for name in clusters], Resampling(SAMPLES, seed))
        return bootstrap, mean_measure(own), mean_measure(other)

    found = 0
    for seed in range(200):
        bootstrap, own, other = sample(0.0, seed)
        smallest = bootstrap.smallest(own, other)
        assert smallest is not None
        bootstrap, own, other = sample(smallest, seed)
        found += bootstrap.randomisation_p(own, other) < 0.05
    assert 0.8 - 0.06 <= found / 200 <= 0.8 + 0.06


@pytest.mark.parametrize("share", [0.1, 0.5, 0.9])
def test_shares(share: float) -> None:
    """Of items of a cluster that correlate by .5: adherence, hit@k, the judge's controls."""
    strength = (1 - 0.5) / 0.5

    def estimate(generator: np.random.Generator, _: int) -> Estimate:
        clusters = sizes(generator)
        own = generator.beta(share * strength, (1 - share) * strength, size=CLUSTERS)[clusters]
        return clustered_share(generator.random(len(clusters)) < own, [str(name) for name in clusters])

    assert believable(covered(estimate, share))


@pytest.mark.parametrize("advantage", [0.0, 2.0])
def test_win_rates(advantage: float) -> None:
    """Of a judge with a lean to the first position, and a preference that hangs on the chunk too."""

    def judged(generator: np.random.Generator, clusters: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        logits = advantage + 1.5 * generator.normal(size=clusters.max() + 1)[clusters]
        logits = logits + 1.5 * generator.normal(size=len(clusters))
        return expit(logits + 0.8), expit(logits - 0.8)

    first, last = judged(np.random.default_rng(0), np.arange(1_000_000))
    truth = float((first + last).mean() / 2)

    def estimate(generator: np.random.Generator, seed: int) -> Estimate:
        clusters = sizes(generator)
        first, last = judged(generator, clusters)
        rows = [
            Judgement.model_construct(
                id="",
                item_id=str(item),
                chunk_id=str(cluster),
                comparison=WIN_RATE + "dpo",
                swapped=swapped,
                probability_first=1 - last[item] if swapped else first[item],
                mass=1.0,
            )
            for item, cluster in enumerate(clusters)
            for swapped in (False, True)
        ]
        lengths = {str(item): (10, 10) for item in range(len(clusters))}
        return win_rate(verdict_pairs(rows)[WIN_RATE + "dpo"], lengths, Resampling(SAMPLES, seed))[0]

    assert believable(covered(estimate, truth))
