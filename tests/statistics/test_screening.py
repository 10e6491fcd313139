"""Feature-wise tests against scipy and lifelines."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
from lifelines.statistics import multivariate_logrank_test
from scipy import stats

from radnb.statistics.screening import average_ranks, cox_score_test, f_test, false_discovery, kruskal_test

RNG = np.random.default_rng(3)
X = np.round(RNG.normal(size=(50, 6)), 1)  # ties
X[:, 5] = 2.0


@pytest.mark.parametrize("classes", [2, 3])
def test_f_and_kruskal_equal_scipy(classes: int) -> None:
    codes = RNG.integers(0, classes, 50)
    parts = [X[codes == c, :5] for c in range(classes)]
    f, p = f_test(X, codes)
    assert np.allclose(f[:5], stats.f_oneway(*parts).statistic) and np.allclose(p[:5], stats.f_oneway(*parts).pvalue)
    h, p = kruskal_test(X, codes)
    assert np.allclose(h[:5], stats.kruskal(*parts).statistic) and np.allclose(p[:5], stats.kruskal(*parts).pvalue)
    assert (f[5], h[5], p[5]) == (0, 0, 1)


def test_two_classes_give_the_rank_sum_test() -> None:
    codes = RNG.integers(0, 2, 50)
    peer = stats.mannwhitneyu(X[codes == 1, :5], X[codes == 0, :5], method="asymptotic", use_continuity=False)
    assert np.allclose(kruskal_test(X, codes)[1][:5], peer.pvalue)


def test_ranks_equal_scipy() -> None:
    ranks, sizes = average_ranks(np.ascontiguousarray(X.T))
    assert np.array_equal(ranks, stats.rankdata(X.T, axis=1))
    assert sizes[5].tolist() == [50] * 50


def test_the_cox_score_test_of_a_group_is_the_log_rank_test() -> None:
    time, event = RNG.permutation(50) + 1.0, (RNG.random(50) < 0.7).astype(float)  # no tied times
    group = (X[:, 0] > 0).astype(float)
    peer = multivariate_logrank_test(time, group, event)
    chi2, p = cox_score_test(np.column_stack([group, X[:, 5]]), time, event)
    assert chi2[0] == pytest.approx(peer.test_statistic) and p[0] == pytest.approx(peer.p_value)
    assert (chi2[1], p[1]) == (0, 1)


def test_false_discovery_equals_scipy() -> None:
    p = pd.Series(RNG.random(30) ** 2).to_numpy()
    assert np.allclose(false_discovery(p), stats.false_discovery_control(p))
