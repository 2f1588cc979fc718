import itertools

import numpy as np
import pytest
from scipy import stats

from charter.evaluation.results import Estimate
from charter.evaluation.statistics import (
    ClusteredBootstrap,
    Measure,
    Resampling,
    clustered_share,
    holm,
    mean_measure,
)


def clustered_scores(generator: np.random.Generator, count: int) -> tuple[list[str], np.ndarray]:
    """Skewed scores in clusters of 1 to 8 items that resemble each other; their mean is 1/6."""
    clusters = np.repeat(np.arange(count), generator.integers(1, 9, size=count))
    centre = generator.beta(0.6, 3.0, size=count)[clusters]
    return [str(cluster) for cluster in clusters], generator.beta(4 * centre + 1e-3, 4 * (1 - centre) + 1e-3)


def test_an_interval_covers_the_truth_with_few_clusters() -> None:
    generator = np.random.default_rng(5)
    covered = naive = 0
    for repetition in range(400):
        clusters, scores = clustered_scores(generator, 30)
        estimate = ClusteredBootstrap(clusters, Resampling(400, repetition)).estimate(mean_measure(scores))
        covered += estimate.low <= 1 / 6 <= estimate.high
        reach = 1.96 * scores.std(ddof=1) / np.sqrt(len(scores))
        naive += abs(scores.mean() - 1 / 6) <= reach
    assert covered / 400 >= 0.91  # .94 in long simulations
    assert naive / 400 < 0.85  # as if items were independent


def test_an_interval_of_many_independent_items_is_the_normal_one() -> None:
    scores = np.random.default_rng(0).normal(3.0, 2.0, size=4000)
    clusters = [str(number) for number in range(4000)]
    estimate = ClusteredBootstrap(clusters, Resampling(2000, 1)).estimate(mean_measure(scores))
    reach = 1.96 * scores.std(ddof=1) / np.sqrt(4000)
    assert estimate.value == pytest.approx(scores.mean())
    assert estimate.low == pytest.approx(scores.mean() - reach, abs=0.1 * reach)
    assert estimate.high == pytest.approx(scores.mean() + reach, abs=0.1 * reach)
    assert estimate.n == 4000


def test_the_figure_of_a_measure_is_of_the_sums_not_a_mean_of_ratios() -> None:
    rows = np.array([[1.0, 2.0], [3.0, 10.0]])
    measure = Measure(rows, lambda totals: totals[..., 0] / totals[..., 1])
    assert ClusteredBootstrap(["a", "b"], Resampling(10, 0)).estimate(measure).value == pytest.approx(4 / 12)


def test_the_same_seed_gives_the_same_interval() -> None:
    clusters, scores = clustered_scores(np.random.default_rng(0), 12)
    first, again, other = (
        ClusteredBootstrap(clusters, Resampling(500, seed)).estimate(mean_measure(scores))
        for seed in (1, 1, 2)
    )
    assert first == again
    assert first != other


@pytest.mark.parametrize("count", [2, 3, 5])
def test_very_few_clusters_give_a_wide_but_ordered_interval(count: int) -> None:
    clusters, scores = clustered_scores(np.random.default_rng(count), count)
    estimate = ClusteredBootstrap(clusters, Resampling(300, 0)).estimate(mean_measure(scores))
    assert 0 <= estimate.low <= estimate.value <= estimate.high <= 1


def test_one_cluster_has_no_interval() -> None:
    estimate = ClusteredBootstrap(["a", "a"], Resampling(100, 0)).estimate(mean_measure([1.0, 2.0]))
    assert (estimate.value, estimate.low, estimate.high) == (1.5, None, None)


def test_equal_systems_do_not_differ() -> None:
    clusters, scores = clustered_scores(np.random.default_rng(0), 20)
    bootstrap = ClusteredBootstrap(clusters, Resampling(500, 0))
    difference = bootstrap.difference(mean_measure(scores), mean_measure(scores))
    assert (difference.value, difference.low, difference.high) == (0, 0, 0)
    assert bootstrap.randomisation_p(mean_measure(scores), mean_measure(scores)) == 1


def test_a_ratio_is_of_the_same_resamples() -> None:
    clusters, scores = clustered_scores(np.random.default_rng(0), 20)
    bootstrap, measure = ClusteredBootstrap(clusters, Resampling(500, 0)), mean_measure(scores)
    double, same = bootstrap.ratio(mean_measure(2 * scores), measure), bootstrap.ratio(measure, measure)
    assert (double.value, double.low, double.high) == pytest.approx((2, 2, 2))
    assert (same.value, same.low, same.high, same.n) == (1, 1, 1, len(scores))


def test_a_ratio_to_little_or_nothing() -> None:
    """Of 12 clusters the other system has something in 0, 1, 2 or all."""
    clusters, own = [str(number) for number in range(12)], mean_measure([1.0] * 10 + [0.0] * 2)
    bootstrap = ClusteredBootstrap(clusters, Resampling(500, 0))

    def ratio(right: int) -> Estimate | None:
        return bootstrap.ratio(own, mean_measure([1.0] * right + [0.0] * (12 - right)))

    assert ratio(0) is None
    alone = ratio(1)
    assert (alone.value, alone.low, alone.high) == (pytest.approx(10), None, None)
    boundless = ratio(2)  # a seventh of the resamples have none of the two
    assert boundless.value == pytest.approx(5)
    assert 1 < boundless.low < 5
    assert boundless.high is None
    assert ratio(12).high <= 1
    nothing = bootstrap.ratio(mean_measure([0.0] * 12), mean_measure([1.0] * 2 + [0.0] * 10))
    assert (nothing.value, nothing.low, nothing.high) == (0, 0, 0)
    single = ClusteredBootstrap(["a", "a"], Resampling(100, 0))
    halves = mean_measure([1.0, 2.0]), mean_measure([1.0, 5.0])
    assert single.ratio(*halves) == Estimate(value=0.5, low=None, high=None, n=2)
    assert single.smallest(*halves) is None


def test_the_smallest_difference_of_many_independent_items_is_that_of_the_formula() -> None:
    generator = np.random.default_rng(0)
    own, other = generator.normal(size=(2, 4000))
    bootstrap = ClusteredBootstrap([str(number) for number in range(4000)], Resampling(2000, 1))
    error = (own - other).std(ddof=1) / np.sqrt(4000)
    found = bootstrap.smallest(mean_measure(own), mean_measure(other))
    assert found == pytest.approx((1.96 + 0.84) * error, rel=0.05)


def test_a_paired_difference_is_far_tighter_than_the_two_intervals() -> None:
    clusters, scores = clustered_scores(np.random.default_rng(0), 40)
    better = scores + 0.02 + np.random.default_rng(1).normal(0, 0.01, size=len(scores))
    bootstrap = ClusteredBootstrap(clusters, Resampling(1000, 0))
    difference = bootstrap.difference(mean_measure(better), mean_measure(scores))
    own = bootstrap.estimate(mean_measure(scores))
    assert difference.low > 0
    assert difference.high - difference.low < (own.high - own.low) / 5
    assert bootstrap.randomisation_p(mean_measure(better), mean_measure(scores)) < 0.001


def test_randomisation_p_is_that_of_all_swaps_of_clusters() -> None:
    clusters = ["a", "a", "b", "c", "d", "e", "f"]
    first, second = (
        np.array([1.0, 0.8, 0.5, 0.9, 0.4, 0.7, 0.3]),
        np.array([0.2, 0.3, 0.6, 0.5, 0.1, 0.6, 0.4]),
    )
    gains = np.array([1.3, -0.1, 0.4, 0.3, 0.1, -0.1])  # by cluster
    swaps = [abs(gains @ signs) for signs in itertools.product((1, -1), repeat=6)]
    exact = np.mean([swap >= abs(gains.sum()) - 1e-9 for swap in swaps])
    p = ClusteredBootstrap(clusters, Resampling(10, 0)).randomisation_p(
        mean_measure(first), mean_measure(second)
    )
    assert p == pytest.approx(exact, abs=0.015)


def test_p_of_systems_that_do_not_differ_is_uniform() -> None:
    generator = np.random.default_rng(2)
    p_values = []
    for repetition in range(150):
        clusters, scores = clustered_scores(generator, 12)
        other = np.clip(scores + generator.normal(0, 0.2, size=len(scores)), None, None)
        bootstrap = ClusteredBootstrap(clusters, Resampling(2, repetition))
        p_values.append(bootstrap.randomisation_p(mean_measure(scores), mean_measure(other)))
    assert stats.kstest(p_values, "uniform").pvalue > 0.01


def test_a_share_of_all_successes_still_has_an_interval() -> None:
    clusters = [str(number) for number in range(10)]
    estimate = clustered_share([1.0] * 10, clusters)
    assert estimate.value == 1
    assert estimate.high == 1
    assert 0.6 < estimate.low < 0.75


def test_a_share_of_independent_items_has_wilsons_interval() -> None:
    generator = np.random.default_rng(0)
    successes = (generator.random(2000) < 0.8).astype(float)
    estimate = clustered_share(successes, [str(number) for number in range(2000)])
    wilson = stats.binomtest(int(successes.sum()), 2000).proportion_ci(method="wilson")
    assert estimate.low == pytest.approx(wilson.low, abs=5e-4)
    assert estimate.high == pytest.approx(wilson.high, abs=5e-4)


def test_items_that_repeat_each_other_count_once() -> None:
    successes, clusters = [1.0, 0.0, 1.0, 1.0, 0.0, 1.0, 1.0, 1.0], list("abcdefgh")
    once = clustered_share(successes, clusters)
    tenfold = clustered_share(successes * 10, clusters * 10)
    assert tenfold.low == pytest.approx(once.low, abs=0.03)
    assert tenfold.high == pytest.approx(once.high, abs=0.03)


def test_holm_multiplies_by_what_is_left_and_stays_monotone() -> None:
    assert holm([0.01, 0.04, 0.03, 0.005]) == pytest.approx([0.03, 0.06, 0.06, 0.02])
    assert holm([0.9, 0.8]) == [1.0, 1.0]
    assert holm([]) == []


def test_rounding_puts_no_share_outside_its_interval() -> None:
    for n in range(2, 40):
        for successes in ([0.0] * n, [1.0] * n):
            found = clustered_share(successes, [str(place) for place in range(n)])
            assert found.low is not None
            assert found.high is not None
            assert found.low <= found.value <= found.high
