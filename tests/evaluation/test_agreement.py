"""Cohen's kappa against scikit-learn's, and where agreement is full or by chance."""

import numpy as np
import pytest
from sklearn.metrics import cohen_kappa_score

from charter.evaluation.statistics import Resampling, kappa

RESAMPLING = Resampling(samples=500, seed=1)


def items(count: int) -> list[str]:
    return [str(number) for number in range(count)]


def test_kappa_is_that_of_scikit_learn() -> None:
    generator = np.random.default_rng(3)
    first = generator.random(200) < 0.3
    second = np.where(generator.random(200) < 0.8, first, ~first)
    found = kappa(first.tolist(), second.tolist(), items(200), RESAMPLING)
    assert found.value == pytest.approx(cohen_kappa_score(first, second))
    assert found.low is not None
    assert found.high is not None
    assert 0 < found.low < found.value < found.high < 1


def test_full_agreement_is_one_and_opposition_below_nothing() -> None:
    both = [True, False, True, False]
    assert kappa(both, both, items(4), RESAMPLING).value == 1.0
    assert kappa(both, [not verdict for verdict in both], items(4), RESAMPLING).value == -1.0


def test_one_verdict_throughout_is_full_agreement_or_none() -> None:
    assert kappa([True] * 3, [True] * 3, items(3), RESAMPLING).value == 1.0
    assert kappa([True] * 3, [True, True, False], items(3), RESAMPLING).value == 0.0
