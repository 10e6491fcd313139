"""Survival curves on the 6-MP trial (Freireich, Blood 1963;21:699), whose numbers every textbook prints."""

from __future__ import annotations

import numpy as np
import pytest

from radnb.errors import RadnbError
from radnb.statistics import survival as s

MP = np.array([6, 6, 6, 6, 7, 9, 10, 10, 11, 13, 16, 17, 19, 20, 22, 23, 25, 32, 32, 34, 35], dtype=float)
MP_EVENT = np.array([1, 1, 1, 0, 1, 0, 1, 0, 0, 1, 1, 0, 0, 0, 1, 1, 0, 0, 0, 0, 0])
PLACEBO = np.array([1, 1, 2, 2, 3, 4, 4, 5, 5, 8, 8, 8, 8, 11, 11, 12, 12, 15, 17, 22, 23], dtype=float)
TIME, EVENT = np.r_[MP, PLACEBO], np.r_[MP_EVENT, np.ones(21)]
GROUP = np.repeat(["6-MP", "placebo"], 21)


def test_kaplan_meier_of_the_6mp_arm():
    curve = s.kaplan_meier(MP, MP_EVENT)
    at = curve.at([6, 10, 23])
    assert at.survival == pytest.approx([0.857, 0.753, 0.448], abs=5e-4)
    assert at.se == pytest.approx([0.0764, 0.0963, 0.1346], abs=5e-5)
    assert at.at_risk.tolist() == [21, 15, 6]
    assert (s.median_survival(curve).value, s.median_survival(s.kaplan_meier(PLACEBO, np.ones(21))).value) == (23, 8)


def test_log_rank_of_the_6mp_trial():
    test = s.logrank(TIME, EVENT, GROUP)
    assert (test.statistic, test.df) == (pytest.approx(16.793, abs=1e-3), 1)


def test_signed_log_rank_of_many_replicates_squares_to_the_chi_square():
    high = GROUP == "placebo"
    rng = np.random.default_rng(1)
    orders = [np.arange(42), *(rng.permutation(42) for _ in range(4))]
    z = s.logrank_z(np.tile(TIME, 5), np.tile(EVENT == 1, 5), np.concatenate([high[o] for o in orders]),
                    np.repeat(np.arange(5), 42), 5)
    assert z[0] > 0
    assert z**2 == pytest.approx([s.logrank(TIME, EVENT, high[o]).statistic for o in orders])


def test_three_equal_groups_differ_by_nothing():
    test = s.logrank(np.tile(TIME, 3), np.tile(EVENT, 3), np.repeat(["a", "b", "c"], 42))
    assert (test.statistic, test.df) == (pytest.approx(0, abs=1e-12), 2)


def test_before_the_first_and_after_the_last_time():
    at = s.kaplan_meier([2, 3, 4], [1, 0, 0]).at([0, 1, 10])
    assert at.survival.tolist() == [1, 1, pytest.approx(2 / 3)]
    assert at.at_risk.tolist() == [3, 3, 0]


def test_a_median_that_is_not_reached_is_not_a_number():
    assert np.isnan(s.median_survival(s.kaplan_meier([1, 2, 3, 4], [1, 0, 0, 0])).value)


def test_a_curve_that_rests_at_one_half_gives_the_middle_as_r_does():
    assert s.median_survival(s.kaplan_meier([1, 2, 3, 4], [1, 1, 1, 1])).value == 2.5


def test_all_events_and_no_events_are_curves_too():
    assert s.kaplan_meier([1, 2], [1, 1]).survival.tolist() == [0.5, 0.0]
    nobody = s.kaplan_meier([1, 2], [0, 0])
    assert (nobody.survival.tolist(), nobody.low.tolist()) == ([1, 1], [1, 1])


def test_numbers_at_risk_events_and_censored_add_up():
    at_risk, events, censored = s.number_at_risk(MP, MP_EVENT, [0, 10, 36])
    assert at_risk.tolist() == [21, 15, 0]
    assert (events[-1], censored[-1]) == (9, 12)


def test_follow_up_is_the_median_of_the_censoring():
    assert s.follow_up([1, 2, 3, 4, 5], [1, 0, 0, 0, 0]).value == 3.5


@pytest.mark.parametrize(("event", "group", "mend"), [([0, 0], ["a", "b"], "Wait for events"),
                                                      ([1, 0], ["a", "a"], "at least two")])
def test_nothing_to_compare_is_refused(event, group, mend):
    with pytest.raises(RadnbError, match=mend):
        s.logrank([1, 2], event, group)
