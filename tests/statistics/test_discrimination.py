"""AUC and concordance: pairs counted rightly, ties, folds, replicates, and what is refused."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from sklearn.metrics import roc_auc_score

from radnb.errors import RadnbError
from radnb.statistics import discrimination as d

SOME = settings(max_examples=25, deadline=None, derandomize=True)


@st.composite
def scored(draw):
    n = draw(st.integers(4, 30))
    score = draw(st.lists(st.integers(-5, 5), min_size=n, max_size=n))
    truth = draw(st.lists(st.integers(0, 1), min_size=n - 2, max_size=n - 2))
    return np.array(score, dtype=float), np.array([*truth, 0, 1])


def brute_c(score, time, event):
    won = known = 0.0
    for i in range(len(score)):
        for j in range(len(score)):
            if event[i] and (time[i] < time[j] or (time[i] == time[j] and not event[j])):
                known += 1
                won += (score[i] > score[j]) + 0.5 * (score[i] == score[j])
    return won / known if known else np.nan


@SOME
@given(scored())
def test_auc_equals_scikit_learn_whatever_the_ties(data):
    assert d.auc(*data) == pytest.approx(roc_auc_score(data[1], data[0]), abs=1e-12)


@SOME
@given(scored(), st.randoms())
def test_auc_ignores_row_order_and_monotone_transforms_and_mirrors(data, random):
    score, truth = data
    order = list(range(len(score)))
    random.shuffle(order)
    assert d.auc(score[order], truth[order]) == pytest.approx(d.auc(score, truth), abs=1e-12)
    assert d.auc(np.exp(score) * 3 + 1, truth) == pytest.approx(d.auc(score, truth), abs=1e-12)
    assert d.auc(-score, truth) == pytest.approx(1 - d.auc(score, truth), abs=1e-12)
    assert d.auc(score, 1 - truth) == pytest.approx(1 - d.auc(score, truth), abs=1e-12)


def test_auc_of_many_columns_at_once_is_that_of_each():
    rng = np.random.default_rng(1)
    scores, truth = rng.normal(size=(50, 4)).round(1), np.arange(50) % 3 == 0
    assert d.auc(scores, truth) == pytest.approx([d.auc(column, truth) for column in scores.T])


def test_equal_scores_give_one_half_and_no_spread():
    estimate = d.delong_interval(np.ones(10), np.arange(10) % 2)
    assert (estimate.value, estimate.se) == (0.5, 0.0)


def test_pairs_are_compared_inside_folds_only():
    score = [0.9, 0.1, 0.2, 0.05]  # the second fold scores lower throughout, as another scale would
    truth, fold = [1, 0, 1, 0], [0, 0, 1, 1]
    assert d.auc(score, truth) == 1.0
    assert d.auc_within([0.3, 0.2, 0.15, 0.1], [1, 0, 1, 0], fold) == 1.0
    assert d.auc([0.3, 0.2, 0.15, 0.1], [1, 0, 1, 0]) == 0.75


def test_a_constant_model_in_leave_one_out_has_no_pair_to_be_judged_by():
    truth = np.arange(20) % 2
    pooled = (truth.sum() - truth) / 19  # the training prevalence: pooled AUC would be exactly 0
    assert d.auc(pooled, truth) == 0.0
    assert np.isnan(d.auc_within(pooled, truth, np.arange(20)))


def test_replicates_at_once_equal_one_by_one():
    rng = np.random.default_rng(2)
    n, m = 40, 7
    score, truth = rng.normal(size=n * m).round(1), rng.integers(0, 2, n * m)
    fold, time = rng.integers(0, 4, n * m), rng.integers(1, 20, n * m)
    replicate = np.repeat(np.arange(m), n)
    together = d.auc_within(score, truth, fold, replicate=replicate)
    harrell = d.concordance_within(score, time, truth, fold, replicate=replicate)
    for k in range(m):
        mine = replicate == k
        assert together[k] == pytest.approx(d.auc_within(score[mine], truth[mine], fold[mine]))
        assert harrell[k] == pytest.approx(d.concordance_within(score[mine], time[mine], truth[mine], fold[mine]))


@SOME
@given(st.integers(0, 10_000))
def test_concordance_counts_tied_times_and_scores_as_r_does(seed):
    rng = np.random.default_rng(seed)
    score, time, event = rng.integers(0, 4, 15), rng.integers(1, 6, 15), rng.integers(0, 2, 15)
    expected = brute_c(score, time, event)
    assert d.concordance(score, time, event).value == pytest.approx(expected, nan_ok=True)


def test_concordance_in_blocks_equals_concordance_at_once(monkeypatch):
    rng = np.random.default_rng(3)
    data = rng.normal(size=60), rng.exponential(size=60), rng.integers(0, 2, 60)
    whole = d.concordance(*data)
    monkeypatch.setattr(d, "BLOCK", 300)
    assert d.concordance(*data) == pytest.approx(whole)


def test_concordance_without_censoring_or_ties_is_the_auc_of_early_against_late():
    time = np.r_[np.full(5, 1.0), np.full(7, 2.0)]
    event = np.r_[np.ones(5), np.zeros(7)]
    score = np.array([5, 4, 6, 1, 2, 3, 0, 2, 5, 1, 4, 0.5])
    assert d.concordance(score, time, event).value == pytest.approx(d.auc(score, event))


def test_influence_of_one_fold_is_delong_but_for_its_degrees_of_freedom():
    rng = np.random.default_rng(4)
    truth = np.r_[np.ones(30), np.zeros(50)]
    score = rng.normal(size=80) + truth
    one, each = np.zeros(80, dtype=int), np.arange(80)
    influence = d.auc_pairs(score, truth == 1, one).influence(one, 1, each, 80)
    up, down = influence[:30], influence[30:]
    assert np.sum(up**2) * 30 / 29 + np.sum(down**2) * 50 / 49 == pytest.approx(d.delong(score, truth)[1][0, 0])


def test_paired_comparison_changes_sign_with_the_order_of_the_models():
    rng = np.random.default_rng(5)
    truth = np.arange(60) % 2
    a, b = rng.normal(size=60) + truth, rng.normal(size=60)
    one, other = d.delong_test(a, b, truth), d.delong_test(b, a, truth)
    assert one.value == pytest.approx(-other.value)
    assert one.p == pytest.approx(other.p)
    assert one.low < one.value < one.high


@pytest.mark.parametrize(("score", "truth", "mend"), [
    ([1, 2, np.nan], [0, 1, 1], "Leave those patients out"),
    ([1, 2, 3], [1, 1, 1], "with and without the outcome"),
    ([1, 2, 3], [0, 1], "one of each per patient"),
    ([1, 2, 3], [0, 1, 2], "Code the event as 1"),
])
def test_bad_scores_are_refused_with_their_mend(score, truth, mend):
    with pytest.raises(RadnbError, match=mend):
        d.auc(score, truth)


def test_negative_times_and_foreign_event_codes_are_refused_together():
    with pytest.raises(RadnbError, match=r"(?s)same time zero.*Code the event as 1"):
        d.concordance([1, 2], [-1, 2], [1, 2])
