"""Net benefit: by hand, at its limits, and with censoring that is not there."""

from __future__ import annotations

import numpy as np
import pytest

from radnb.errors import RadnbError
from radnb.statistics import usefulness as u

P, Y = np.array([0.1, 0.3, 0.6, 0.8]), np.array([0, 1, 0, 1])


def test_net_benefit_by_hand():
    curve = u.net_benefit(P, Y, [0.25, 0.5])
    assert curve.model == pytest.approx([(2 - 1 / 3) / 4, (1 - 1) / 4])
    assert curve.treat_all == pytest.approx([(2 - 2 / 3) / 4, 0])
    assert curve.treat_none.tolist() == [0, 0]


def test_a_model_that_flags_everyone_equals_treating_all():
    curve = u.net_benefit(np.full(4, 0.99), Y, [0.1, 0.5, 0.9])
    assert curve.model == pytest.approx(curve.treat_all)


def test_interventions_avoided_count_the_spared():
    assert u.interventions_avoided(P, Y, [0.25]) == pytest.approx([1 / 4])


def test_the_band_holds_the_curve_and_repeats_itself():
    shares = u.contributions(np.tile(P, 30), np.tile(Y, 30) == 1, np.array([0.2, 0.5]))
    band = u.bootstrap_band(shares)
    assert (band.low <= band.value).all() and (band.value <= band.high).all()
    assert np.array_equal(band.low, u.bootstrap_band(shares).low)


def test_without_censoring_the_survival_curve_is_the_plain_one():
    time = np.where(Y == 1, 1.0, 5.0)
    found = u.survival_net_benefit(P, time, Y, [0.25, 0.5], horizon=3)
    assert found.model == pytest.approx(u.net_benefit(P, Y, [0.25, 0.5]).model)


@pytest.mark.parametrize("thresholds", [[0.0, 0.5], [0.5, 1.0], [50]])
def test_thresholds_that_are_no_probabilities_are_refused(thresholds):
    with pytest.raises(RadnbError, match="strictly between 0 and 1"):
        u.net_benefit(P, Y, thresholds)
