"""Intervals and p for cross-validation: the formulas of the simulated recipe, their limits, a small coverage check."""

from __future__ import annotations

import numpy as np
import pytest

from radnb.errors import RadnbError
from radnb.statistics import intervals as i


def test_variance_components_by_hand():
    spread = i.random_effects([[1.0, 3.0], [5.0, 7.0]])  # means 2 and 6: MSB = 2*8 = 16; MSW = 2
    assert (spread.between, spread.split) == (7.0, 2.0)


def test_resamples_that_differ_by_their_splits_only_have_no_spread_between():
    assert i.random_effects([[0.0, 1.0], [1.0, 0.0], [0.0, 1.0]]).between == 0


def test_the_error_adds_split_noise_and_never_falls_below_the_floor():
    v, resampled = np.array([0.7, 0.8]), np.array([[0.7, 0.8], [0.8, 0.7]])
    assert i.cv_error(v, resampled, 0.1) == pytest.approx(np.sqrt(0.01 + 0.005 / 2))
    assert i.cv_error([0.7], np.array([[0.6], [0.8]]), 0.0) == pytest.approx(np.sqrt(0.02))


def test_the_logit_interval_stays_inside_and_the_plain_one_is_clipped():
    low, high = i.around(0.97, 0.05)
    assert 0 < low < 0.97 < high < 1
    assert i.around(0.97, 0.05, scale="plain")[1] == 1.0
    assert i.around(1.0, 0.02)[1] == 1.0


def test_many_measures_at_once_equal_one_by_one():
    rng = np.random.default_rng(1)
    v, resampled, floor = rng.random((5, 3)), rng.random((6, 2, 3)), rng.random(3) / 10
    together = i.cv_interval(v, resampled, floor)
    for k in range(3):
        alone = i.cv_interval(v[:, k], resampled[:, :, k], floor[k])
        assert [float(x[k]) for x in together] == pytest.approx([float(x) for x in alone])


@pytest.mark.parametrize(("permuted", "p", "used"), [
    (np.zeros(99), 1 / 100, 99),  # nobody reached it: (0+1)/(99+1)
    (np.r_[np.zeros(89), np.ones(10)], 10 / 99, 99),  # the tenth came last: h/l
    (np.r_[np.ones(10), np.zeros(500)], 1.0, 10),
    (np.r_[np.ones(9), np.zeros(990)], 10 / 1000, 999),
])
def test_besag_clifford_stops_at_the_tenth(permuted, p, used):
    found = i.besag_clifford(0.5, permuted)
    assert (found.p, found.used) == (pytest.approx(p), used)


def test_ties_with_the_observed_value_count_as_reached():
    assert i.besag_clifford(0.5, np.full(20, 0.5 - 1e-15)).p == 1.0


def test_p_is_uniform_when_nothing_is_there():
    rng = np.random.default_rng(3)
    p = np.array([i.besag_clifford(x[0], x[1:]).p for x in rng.random((2000, 200))])
    assert np.mean(p <= 0.05) == pytest.approx(0.05, abs=0.015)
    assert np.mean(p <= 0.2) == pytest.approx(0.2, abs=0.03)


def test_the_interval_covers_a_made_truth():
    rng, sets, truth = np.random.default_rng(4), 400, 0.75
    centre = truth + 0.05 * rng.normal(size=sets)  # between data sets, as resamples vary; splits add 0.03
    covered = 0
    for c in centre:
        v = c + 0.03 * rng.normal(size=20)
        resampled = c + 0.05 * rng.normal(size=(50, 1)) + 0.03 * rng.normal(size=(50, 2))
        _, low, high, _ = i.cv_interval(v, resampled, 0.0)
        covered += bool(low <= truth <= high)
    assert 0.91 <= covered / sets <= 0.99


def test_one_resample_is_refused():
    with pytest.raises(RadnbError, match="Run more resamples"):
        i.random_effects([[0.5, 0.6]])


def test_without_permutations_there_is_no_p():
    assert np.isnan(i.besag_clifford(0.7, []).p)
