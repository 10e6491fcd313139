"""Calibration: exact numbers on made outcomes, many fits at once, and calm with few events."""

from __future__ import annotations

import numpy as np
import pytest

from radnb.errors import RadnbError
from radnb.statistics import calibration as c

RNG = np.random.default_rng(11)
P = c.expit(RNG.normal(size=300))
Y = (RNG.random(300) < P).astype(int)


def test_brier_of_certain_and_of_prevalent_guesses():
    assert c.brier([0, 1, 1, 0], [0, 1, 1, 0]).scaled == 1.0
    assert c.brier([0.5] * 4, [0, 1, 1, 0]) == (0.25, 0.25, 0.0)


def test_halving_the_log_odds_doubles_the_slope():
    line, halved = c.calibration_line(P, Y), c.calibration_line(c.expit(c.logit(P) / 2), Y)
    assert halved.slope.value == pytest.approx(2 * line.slope.value, rel=1e-8)
    assert halved.intercept.value == pytest.approx(line.intercept.value, abs=1e-8)


def test_shifting_the_log_odds_shifts_calibration_in_the_large():
    shifted = c.calibration_line(c.expit(c.logit(P) + 1), Y)
    assert shifted.in_the_large.value == pytest.approx(c.calibration_line(P, Y).in_the_large.value - 1, abs=1e-8)


def test_many_fits_at_once_equal_one_by_one():
    unit = np.arange(300) % 6
    together = c.recalibrate(P, Y == 1, unit, 6)
    for k in range(6):
        alone = c.calibration_line(P[unit == k], Y[unit == k])
        assert together.slope[k] == pytest.approx(alone.slope.value)
        assert together.se_slope[k] == pytest.approx(alone.slope.se)


def test_extreme_probabilities_that_are_wrong_still_have_a_slope():
    rng = np.random.default_rng(5)
    p = c.expit(8 * rng.normal(size=(100, 30)))
    truth = rng.random((100, 30)) < c.expit(0.3 * c.logit(p))
    truth[:, :2] = True, False
    fits = c.recalibrate(p.ravel(), truth.ravel(), np.repeat(np.arange(100), 30), 100)
    assert np.isfinite(fits.slope).mean() > 0.97  # a rare one is truly separated
    assert np.nanmedian(fits.slope) == pytest.approx(0.3, abs=0.1)


def test_perfect_separation_has_no_slope():
    line = c.calibration_line([0.1, 0.2, 0.8, 0.9], [0, 0, 1, 1])
    assert np.isnan(line.slope.value)
    assert np.isfinite(line.in_the_large.value)


@pytest.mark.parametrize("probability", [np.full(40, 0.3), np.r_[np.zeros(20), np.ones(20)], np.repeat([0.1, 0.2], 20),
                                         np.linspace(0, 1, 40), np.r_[np.full(39, 0.1), 0.9]])
def test_few_events_and_few_values_never_break_the_curve(probability):
    truth = np.zeros(40)
    truth[[3, 30]] = 1
    curve = c.calibration_curve(probability, truth)
    assert len(curve.predicted) in (0, 50)
    assert np.isfinite(np.concatenate(curve)).all()
    c.calibration_line(probability, truth)


def test_the_curve_runs_along_a_calibrated_model_and_inside_its_band():
    curve = c.calibration_curve(P, Y)
    inside = (curve.low <= curve.observed) & (curve.observed <= curve.high)
    assert inside.all()
    assert np.mean(np.abs(curve.observed - curve.predicted)) < 0.08


def test_the_local_quadratic_returns_a_parabola_unchanged():
    x, grid = np.linspace(0, 1, 60), np.linspace(0.1, 0.9, 7)
    assert c.local_quadratic(x, grid) @ (1 - 2 * x + 3 * x**2) == pytest.approx(1 - 2 * grid + 3 * grid**2)


def test_scores_outside_zero_to_one_are_refused():
    with pytest.raises(RadnbError, match="Recalibrate the scores inside the folds"):
        c.brier([0.2, 1.4], [0, 1])


def test_an_unknown_surface_is_refused():
    with pytest.raises(RadnbError, match="'interpolate'"):
        c.calibration_errors(P, Y, surface="smooth")
