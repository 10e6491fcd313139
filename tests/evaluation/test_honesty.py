"""Which interval is given: never one that the design does not bear, and pairs kept together in differences."""

from __future__ import annotations

import dataclasses

import numpy as np
import pandas as pd
import pytest

from radnb.evaluation import honesty
from radnb.evaluation.scored import scored
from radnb.statistics.discrimination import delong
from tests.evaluation.made import Made


def series(predictions, resamples, *, survival=False):
    return {one.model: one for one in scored(predictions, resamples, survival=survival)}


@pytest.fixture(scope="module")
def made():
    study = Made(n=60, events=0.5)
    return study.predictions(), study.resamples(permutations=12)


def test_a_resample_without_all_its_splits_is_left_out(made):
    predictions, resamples = made
    cut = resamples[~((resamples["kind"] == "bootstrap") & (resamples["replicate"] == 3) & (resamples["split"] == 1))]
    one = series(predictions, cut)["combined"]
    assert one.resampled.shape == (24, 2)
    assert 3 not in one.resampled.replicates
    assert honesty.refusal(one) == "too few resamples"


def test_a_resample_with_fewer_distinct_events_than_folds_refuses_the_interval(made):
    predictions, resamples = made
    ill = resamples.copy()
    first = (ill["kind"] == "bootstrap") & (ill["replicate"] == 0) & (ill["truth"] == 1)
    ill.loc[first, "patient_id"] = "P001"
    assert honesty.refusal(series(predictions, resamples)["combined"]) == ""
    assert honesty.refusal(series(predictions, ill)["combined"]) == "too few events"


def test_models_resampled_apart_have_no_paired_difference(made):
    one = series(*made)
    a, b = honesty.draws(one["combined"]), honesty.draws(one["clinical"])
    apart = dataclasses.replace(b, replicates=tuple(k + 1 for k in b.replicates))
    assert a.minus(b).figure(difference=True).judged
    assert a.minus(apart).figure(difference=True).method == "none: the models were not resampled together"


def test_pairing_narrows_the_difference_of_models_that_agree(made):
    drawn = honesty.draws(series(*made)["combined"])
    nothing = drawn.minus(drawn)
    assert nothing.value == 0
    assert nothing.figure(difference=True).method == "none: no spread"


def test_frozen_difference_equals_delong(made):
    external = Made(n=70, seed=9).frozen()
    one = series(external, pd.DataFrame())
    a, b = one["combined"], one["clinical"]
    figure, p = honesty.difference(a, b, honesty.draws(a), honesty.draws(b))
    _, covariance = delong(np.column_stack([a.score, b.score]), a.truth)
    se = np.sqrt(covariance[0, 0] + covariance[1, 1] - 2 * covariance[0, 1])
    assert (figure.high - figure.low) / 2 / 1.959964 == pytest.approx(se, rel=1e-5)
    assert 0 < p < 1


def test_the_floor_is_the_influence_of_patients_not_of_repeats(made):
    predictions, resamples = made
    once = series(predictions[predictions["repeat"] == 0], resamples)["combined"]
    copied = pd.concat([predictions[predictions["repeat"] == 0].assign(repeat=r) for r in range(10)])
    many = series(copied, resamples)["combined"]
    assert honesty.draws(many).floor == pytest.approx(honesty.draws(once).floor)
