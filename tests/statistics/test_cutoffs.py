"""ROC curve, cut-offs and 2x2 measures, with hand-counted and published numbers."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from sklearn.metrics import roc_curve

from radnb.errors import RadnbError
from radnb.statistics import cutoffs
from radnb.statistics.discrimination import auc

SCORE, TRUTH = np.array([0.1, 0.4, 0.35, 0.8, 0.7, 0.7]), np.array([0, 0, 1, 1, 1, 0])


def test_roc_curve_equals_scikit_learn_and_encloses_the_auc():
    fpr, tpr, threshold = roc_curve(TRUTH, SCORE, drop_intermediate=False)
    curve = cutoffs.roc_curve(SCORE, TRUTH)
    assert np.allclose([curve.fpr, curve.tpr, curve.threshold], [fpr, tpr, threshold])
    assert np.trapezoid(curve.tpr, curve.fpr) == pytest.approx(auc(SCORE, TRUTH))


def test_cut_offs_flag_at_or_above_and_keep_what_they_promise():
    cut = cutoffs.youden(SCORE, TRUTH)
    assert (cut.threshold, cut.sensitivity, cut.specificity) == (0.8, pytest.approx(1 / 3), 1.0)  # of three equal ones
    most = cutoffs.at_sensitivity(SCORE, TRUTH, least=1.0)
    assert (most.threshold, most.sensitivity) == (0.35, 1.0)
    safe = cutoffs.at_specificity(SCORE, TRUTH, least=1.0)
    assert (safe.threshold, safe.specificity) == (0.8, 1.0)
    nobody = cutoffs.at_specificity([0, 1], [1, 0], least=1.0)
    assert (nobody.threshold, nobody.sensitivity) == (np.inf, 0.0)


@settings(max_examples=25, deadline=None, derandomize=True)
@given(st.lists(st.integers(0, 6), min_size=6, max_size=25), st.floats(0, 1))
def test_every_cut_off_counts_what_it_says(values, least):
    score, truth = np.array(values, dtype=float), np.arange(len(values)) % 2
    for cut in (cutoffs.youden(score, truth), cutoffs.at_sensitivity(score, truth, least=least),
                cutoffs.at_specificity(score, truth, least=least)):
        found = cutoffs.rates(cutoffs.confusion(score >= cut.threshold, truth))
        assert (found["sensitivity"], found["specificity"]) == pytest.approx((cut.sensitivity, cut.specificity))


def test_measures_of_a_hand_counted_table():
    found = cutoffs.rates(cutoffs.confusion([1, 1, 1, 0, 0], [1, 1, 0, 0, 1]))
    assert found["sensitivity"] == pytest.approx(2 / 3)
    assert found["f1"] == pytest.approx(4 / 6)
    assert found["mcc"] == pytest.approx((2 * 1 - 1 * 1) / np.sqrt(3 * 3 * 2 * 2))
    assert found["lr_positive"] == pytest.approx((2 / 3) / (1 / 2))


def test_a_measure_without_denominator_is_not_a_number():
    found = cutoffs.rates(cutoffs.confusion([0, 0], [0, 1]))
    assert np.isnan(found["ppv"])
    assert cutoffs.wilson(0, 0) == pytest.approx((np.nan, np.nan), nan_ok=True)


def test_intervals_of_nothing_found_in_ten():
    assert cutoffs.wilson(0, 10) == pytest.approx((0.0, 0.2775328), abs=1e-6)  # Hmisc::binconf(0, 10)
    assert cutoffs.clopper_pearson(0, 10) == pytest.approx((0.0, 0.3084971), abs=1e-6)  # binom.test(0, 10)
    assert cutoffs.clopper_pearson(10, 10)[1] == 1.0


def test_an_impossible_sensitivity_is_refused():
    with pytest.raises(RadnbError, match="Give a fraction"):
        cutoffs.at_sensitivity(SCORE, TRUTH, least=90)
