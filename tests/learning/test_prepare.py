"""Imputation, filters and scaling."""

from __future__ import annotations

import numpy as np
import pytest
from scipy.stats import spearmanr

from radnb.learning.harmonise import combat
from radnb.learning.prepare import Preparation, prepare, uncorrelated

NAN = np.nan


def test_missing_values_take_the_training_median() -> None:
    made = prepare(correlation=None, scale="none").fit(np.array([[1.0, 5], [NAN, 6], [3, 7], [8, 9]]))
    assert made.transform(np.array([[NAN, NAN]])).tolist() == [[3.0, 6.5]]


def test_indicators_say_who_was_missing() -> None:
    x = np.array([[1.0, 5], [NAN, 6], [3, 7], [8, 9]])
    made = prepare(impute="median_indicator", correlation=None, scale="none").fit(x)
    assert made.names(("a", "b")) == ("a", "b", "a__missing")
    assert made.transform(x)[:, 2].tolist() == [0, 1, 0, 0]


def test_near_constant_and_empty_columns_go() -> None:
    x = np.random.default_rng(0).normal(size=(40, 4))
    x[:39, 1], x[:, 2] = 7.0, NAN
    assert prepare(correlation=None).fit(x).columns_.tolist() == [0, 3]
    assert prepare(correlation=None, near_constant=1.0).fit(x).columns_.tolist() == [0, 1, 3]


@pytest.mark.parametrize("method", ["spearman", "pearson"])
def test_no_two_kept_features_correlate_above_the_limit(method: str) -> None:
    rng = np.random.default_rng(1)
    x = rng.normal(size=(50, 1)) + 0.4 * rng.normal(size=(50, 20))
    made = prepare(correlation=0.85, method=method)  # type: ignore[arg-type]
    kept = made.fit(x).columns_
    r = np.abs(np.corrcoef(x.T) if method == "pearson" else spearmanr(x).statistic) - np.eye(20)
    assert 1 < len(kept) < 20
    assert r[np.ix_(kept, kept)].max() <= 0.85
    assert all(r[j, kept].max() > 0.85 for j in set(range(20)) - set(kept.tolist()))


def test_of_a_pair_the_less_correlated_one_stays() -> None:
    rng = np.random.default_rng(2)
    a, b = rng.normal(size=(2, 80))
    columns = np.array([a, a + 0.2 * rng.normal(size=80) + 0.3 * b, b])  # the middle one also leans on b
    assert uncorrelated(columns, 0.9).tolist() == [0, 2]


def test_scaling_follows_the_training_rows() -> None:
    x = np.random.default_rng(3).normal(5, 3, size=(30, 2))
    made = prepare(correlation=None).fit_transform(x)
    assert np.allclose(made.mean(0), 0) and np.allclose(made.std(0), 1)
    robust = prepare(correlation=None, scale="robust").fit(x)
    assert np.allclose(np.median(robust.transform(x), axis=0), 0)
    assert np.allclose(robust.spread_, np.ptp(np.quantile(x, [0.25, 0.75], axis=0), axis=0) / 1.3489795)


@pytest.mark.parametrize("impute", ["median_indicator", "mean", "knn", "iterative"])
@pytest.mark.parametrize("harmoniser", [None, combat()], ids=["as it is", "combat"])
def test_a_lean_preparation_makes_the_same_columns_from_what_it_needs(impute: str, harmoniser: object) -> None:
    rng = np.random.default_rng(4)
    x, batch = rng.normal(size=(60, 12)), np.arange(60) % 3
    x[rng.random(x.shape) < 0.1] = NAN
    made = Preparation(impute, harmoniser=harmoniser).fit(x, batch)  # type: ignore[arg-type]
    taken = np.array([5, 1, len(made.columns_) - 1, 8])
    lean, needed, place = made.lean(taken)
    assert np.allclose(lean.transform(x[:, needed], batch)[:, place], made.transform(x, batch)[:, taken], atol=1e-12)
    assert len(needed) == (12 if impute in ("knn", "iterative") else len(set((made.columns_[taken] % 12).tolist())))
