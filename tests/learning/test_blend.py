"""The default recipe and its parts."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from sklearn.linear_model import LogisticRegression

from radnb.learning.learners.blend import BINS, blend, column_weights, guided_ridge
from radnb.learning.prepare import prepare


def rows(patients: int, features: int, classes: int = 2, seed: int = 0) -> tuple[Any, Any]:
    """Make features of which the first tells the class."""
    rng = np.random.default_rng(seed)
    x = rng.normal(size=(patients, features)) + 0.5 * rng.normal(size=(patients, 1))
    noisy = x[:, 0] + 0.5 * rng.normal(size=patients)
    return x, np.digitize(noisy, np.quantile(noisy, np.arange(1, classes) / classes)).astype(float)


def test_columns_count_by_their_correlation_with_the_outcome() -> None:
    x, y = rows(50, 8)
    x[:, 3] = 1.0  # constant: tells nothing
    expected = np.array([abs(np.corrcoef(column, y)[0, 1]) if np.ptp(column) else 0.0 for column in x.T])
    found = column_weights(x - x.mean(0), y.astype(int), 1.0)
    assert found == pytest.approx(expected / np.sqrt((expected**2).sum()), abs=1e-12)


@pytest.mark.parametrize("features", [8, 300])
def test_a_guided_ridge_is_a_ridge_on_weighed_columns(features: int) -> None:
    """Oracle: scikit-learn's logistic regression on the columns times their weights."""
    x, y = rows(60, features)
    weight = column_weights(x - x.mean(0), y.astype(int), 1.0)
    other = LogisticRegression(C=1 / 0.1, tol=1e-10, max_iter=10_000).fit((x - x.mean(0)) * weight, y)
    made = guided_ridge().fit(x, y)
    assert made.converged_
    assert made.fit_.coef[0] == pytest.approx(other.coef_[0] * weight, abs=1e-6)
    assert made.scores(x)[:, 0] == pytest.approx(other.predict_proba((x - x.mean(0)) * weight)[:, 1], abs=1e-6)


def test_without_guidance_it_is_a_plain_ridge() -> None:
    x, y = rows(60, 20)
    plain = LogisticRegression(C=1 / (0.1 * 20), tol=1e-10, max_iter=10_000).fit(x, y)
    assert guided_ridge(guide=0.0).fit(x, y).fit_.coef[0] == pytest.approx(plain.coef_[0], abs=1e-6)


def test_a_blend_is_the_mean_of_its_parts() -> None:
    x, y = rows(60, 30)
    made = blend(trees=10, rounds=20, seed=1).fit(x, y)
    each = [make().fit(x, y).scores(x) for make in made.makes]
    assert len(each) == 3
    assert made.scores(x) == pytest.approx(np.mean(each, axis=0), abs=1e-12)
    assert made.weights().argmax() == 0  # type: ignore[union-attr]
    assert made.weights().sum() == pytest.approx(1.0)  # type: ignore[union-attr]


@pytest.mark.parametrize("make", [guided_ridge, lambda: blend(trees=10, rounds=20, seed=1)])
def test_probabilities_of_several_classes_sum_to_one(make: Any) -> None:
    x, y = rows(60, 90, classes=3)
    scores = make().fit(x, y, classes=3).scores(x)
    assert scores.shape == (60, 3)
    assert scores.sum(1) == pytest.approx(np.ones(60))
    assert (scores.argmax(1) == y).mean() > 0.6


def test_it_bears_constant_columns_and_few_patients() -> None:
    x, y = rows(12, 40)
    x[:, :39] = 0.0
    assert np.isfinite(blend(trees=5, rounds=5, seed=1).fit(x, y).scores(x)).all()
    assert guided_ridge().fit(x[:, :3], y).scores(x[:, :3]) == pytest.approx(np.full((12, 1), y.mean()))
    assert BINS < 256


def test_bounded_values_end_at_three_robust_standard_deviations() -> None:
    rng = np.random.default_rng(2)
    x = rng.normal(10, 2, size=(200, 2))
    like = prepare(correlation=None, scale="robust").fit(x)
    made = prepare(correlation=None, scale="bounded").fit(x)
    far = np.array([[1e9, -1e9], [10.0, 11.0]])
    assert made.transform(far)[0].tolist() == [3.0, -3.0]
    assert made.transform(far)[1] == pytest.approx(like.transform(far)[1])
    x[0, 0] = 1e12  # one outlier among the training rows changes nothing for the others
    again = prepare(correlation=None, scale="bounded").fit(x)
    assert again.transform(x[1:]) == pytest.approx(made.transform(x[1:]), abs=0.05)
