"""Thresholds from scores."""

from __future__ import annotations

import numpy as np
import pytest
from sklearn.metrics import roc_curve

from radnb.learning.thresholds import THRESHOLDS
from radnb.work.choices import pick

RNG = np.random.default_rng(8)
TRUTH = RNG.random(200) < 0.3
SCORE = np.round(1 / (1 + np.exp(-1.0 * TRUTH - RNG.normal(size=200))), 2)


def rates(threshold: float) -> tuple[float, float]:
    return float((SCORE[TRUTH] >= threshold).mean()), float((SCORE[~TRUTH] < threshold).mean())


@pytest.mark.parametrize("name", THRESHOLDS)
def test_every_threshold_is_a_number(name: str) -> None:
    assert np.isfinite(pick(THRESHOLDS, {name: {}})()(TRUTH, SCORE))


def test_youden_equals_the_best_point_of_the_curve() -> None:
    fpr, tpr, _ = roc_curve(TRUTH, SCORE)
    assert sum(rates(THRESHOLDS["youden"]()(TRUTH, SCORE))) - 1 == pytest.approx((tpr - fpr).max())


def test_sensitivity_and_specificity_are_reached_and_no_more() -> None:
    at = THRESHOLDS["sensitivity"](at=0.9)(TRUTH, SCORE)
    assert rates(at)[0] >= 0.9 > rates(at + 0.02)[0]
    at = THRESHOLDS["specificity"](at=0.9)(TRUTH, SCORE)
    assert rates(at)[1] >= 0.9 > rates(at - 0.02)[1]


def test_the_simple_ones() -> None:
    assert THRESHOLDS["fixed"](value=0.4)(TRUTH, SCORE) == 0.4
    assert THRESHOLDS["prevalence"]()(TRUTH, SCORE) == TRUTH.mean()
    assert THRESHOLDS["median"]()(TRUTH, SCORE) == np.median(SCORE)


def test_one_score_for_everybody_still_gives_a_threshold() -> None:
    assert all(np.isfinite(pick(THRESHOLDS, {n: {}})()(TRUTH, np.full(200, 0.3))) for n in THRESHOLDS)


def test_the_median_of_a_cut_off_model_flags_its_high_side_and_not_everybody() -> None:
    groups = np.array([0.0] * 7 + [1.0] * 3)
    assert THRESHOLDS["median"]()(groups > 0, groups) == 0.5
