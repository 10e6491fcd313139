from __future__ import annotations

import numpy as np
import pytest
from scipy.optimize import curve_fit

from radnb.statistics.learning_curve import inverse_power

PATIENTS = np.array([40, 60, 80, 100])


def test_exact_points_give_their_law_back() -> None:
    law = inverse_power(PATIENTS, 0.9 - 2 * PATIENTS**-0.7)
    assert (law.limit, law.drop, law.power) == pytest.approx((0.9, 2, 0.7), abs=1e-9)
    assert law.at([150, 200]) == pytest.approx(0.9 - 2 * np.array([150.0, 200.0]) ** -0.7)


def test_a_noisy_curve_equals_scipys_least_squares() -> None:
    value = np.array([0.61, 0.685, 0.71, 0.735, 0.744])
    patients = np.array([30, 60, 90, 120, 150])
    law = inverse_power(patients, value)
    theirs, _ = curve_fit(lambda n, a, b, c: a - b * n**-c, patients, value, p0=(0.8, 2, 0.6), maxfev=20000)
    assert law.at([225, 300]) == pytest.approx(theirs[0] - theirs[1] * np.array([225.0, 300.0]) ** -theirs[2], abs=1e-3)


def test_no_figure_grows_above_its_largest_and_a_falling_curve_is_flat() -> None:
    assert inverse_power(PATIENTS, [0.7, 0.8, 0.9, 1.0]).at(1e9) <= 1
    falling = inverse_power(PATIENTS, [0.8, 0.7, 0.7, 0.6])
    assert falling.at(PATIENTS) == pytest.approx([0.7] * 4)


def test_two_points_are_no_curve() -> None:
    assert np.isnan(inverse_power([40, 80], [0.6, 0.7]).at(160))
