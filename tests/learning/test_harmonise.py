"""Harmonising: learned from training rows, never the outcome; what happens to batches they do not show."""

from __future__ import annotations

import runpy
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from radnb.errors import RadnbError
from radnb.learning.harmonise import HARMONISERS, Harmoniser, combat, zscore
from radnb.learning.prepare import Preparation
from radnb.statistics import combat as effects
from radnb.work import choices


def shifted(rows: int = 90, features: int = 15, *, batches: int = 3, seed: int = 0) -> tuple[np.ndarray, np.ndarray]:
    rng = np.random.default_rng(seed)
    batch = np.arange(rows) % batches
    return rng.normal(size=(rows, features)) * (1 + batch[:, None]) + 3 * batch[:, None], batch


@pytest.mark.parametrize("name", HARMONISERS)
def test_every_harmoniser_says_on_a_card_what_it_takes(name: str) -> None:
    made = choices.pick(HARMONISERS, {name: {}})()
    x, batch = shifted()
    out = made.fit(x, batch).transform(x, batch)
    gap = abs(out[batch == 2].mean() - out[batch == 0].mean())
    assert out.shape == x.shape and (gap < 0.5 if name != "none" else gap > 5)


def test_a_card_is_refused_by_its_words() -> None:
    told = choices.problems(HARMONISERS, {"combat": {"estimate": "bayes", "unseen": "drop", "outcome": 1}}, "harmonise")
    assert len(told) == 3 and "harmonise.combat.outcome: unknown option" in told[2]


def test_zscores_have_one_mean_and_spread_in_each_batch() -> None:
    x, batch = shifted()
    out = zscore().fit(x, batch).transform(x, batch)
    means, spreads = (np.array([getattr(out[batch == b], f)(0) for b in range(3)]) for f in ("mean", "std"))
    assert np.allclose(means, means[0]) and np.allclose(spreads, spreads[0])
    own = (x[batch == 1] - x[batch == 1].mean(0)) / x[batch == 1].std(0)
    assert np.allclose((out[batch == 1] - means[1]) / spreads[1], own)


def test_combat_is_that_of_the_statistics_with_gaps_in_covariates_filled() -> None:
    x, batch = shifted()
    age = np.random.default_rng(1).normal(60, 9, (90, 1))
    age[4] = np.nan
    filled = np.where(np.isnan(age), np.nanmean(age), age)
    made = combat(covariates=("age",)).fit(x, batch, age)
    known = effects.fit(x, batch, filled)
    assert np.array_equal(made.transform(x, batch, age), effects.apply(known, x, batch, filled))


def test_one_case_and_copies_of_it_and_rows_without_a_batch_are_named_and_stay() -> None:
    x, batch = shifted()
    batch = batch.copy()
    batch[0], batch[1:4], batch[4:9] = 7, 8, -1
    x[1:4] = x[1]
    made = combat().fit(x, batch)
    out = made.transform(x, batch)
    assert made.left_ == {-1: "unnamed", 7: "one_case", 8: "one_case"}
    assert np.array_equal(out[:9], x[:9])
    assert np.array_equal(out[9:], combat().fit(x[9:], batch[9:]).transform(x[9:], batch[9:]))


@pytest.mark.parametrize("made", [combat(), combat(estimate="nonparametric"), combat(mean_only=True), zscore()])
def test_a_batch_without_training_rows_stays_and_the_card_may_refuse_it(made: Harmoniser) -> None:
    x, batch = shifted()
    train = batch != 1
    for unseen in ("unharmonised", "refuse"):
        fitted = replace(made, unseen=unseen).fit(x[train], batch[train])
        assert np.array_equal(fitted.transform(x, batch)[~train], x[~train])
        assert np.array_equal(fitted.refused(batch), ~train & (unseen == "refuse"))


def test_a_calibration_sample_teaches_the_new_batch_and_changes_no_other_row() -> None:
    x, batch = shifted(300)
    train, sample = batch != 2, np.flatnonzero(batch == 2)[:30]
    before = combat(unseen="calibrate").fit(x[train], batch[train])
    old = before.transform(x, batch)
    out = before.calibrate(x[sample], batch[sample]).transform(x, batch)
    assert np.array_equal(out[train], old[train])
    tested = np.setdiff1d(np.flatnonzero(batch == 2), sample)
    assert abs(out[tested].mean() - out[train].mean()) < 0.3
    assert abs(x[tested].mean() - out[train].mean()) > 3


def test_only_the_card_lets_a_sample_teach_and_one_case_teaches_nothing() -> None:
    x, batch = shifted()
    train = batch != 1
    for made, sample in [(combat(), [1, 4, 7]), (combat(unseen="calibrate"), [1])]:
        fitted = made.fit(x[train], batch[train]).calibrate(x[sample], batch[sample])
        assert np.array_equal(fitted.transform(x, batch)[~train], x[~train])


def test_trained_in_one_hospital_the_other_moves_to_it() -> None:
    x, batch = shifted(200, batches=2)
    train, sample = batch == 0, np.flatnonzero(batch == 1)[:40]
    made = combat(unseen="calibrate").fit(x[train], batch[train]).calibrate(x[sample], batch[sample])
    out = made.transform(x, batch)
    assert np.allclose(out[train], x[train]) and abs(out[~train].mean()) < 0.3


def test_the_reference_stays_and_without_it_nothing_moves() -> None:
    x, batch = shifted()
    made = combat(reference="south").named(("east", "north", "south"))
    assert np.allclose(made.fit(x, batch).transform(x, batch)[batch == 2], x[batch == 2])
    train = batch != 2
    lost = made.fit(x[train], batch[train])
    assert set(lost.left_.values()) == {"no_reference"} and np.array_equal(lost.transform(x, batch), x)
    with pytest.raises(RadnbError, match="Did you mean 'south'"):
        combat(reference="souht").named(("east", "north", "south"))


def test_an_empty_training_part_of_named_batches_leaves_all_as_it_is() -> None:
    x, batch = shifted()
    assert np.array_equal(combat().fit(x, np.full(90, -1)).transform(x, batch), x)


def test_inside_the_preparation_tested_rows_shape_nothing() -> None:
    x, batch = shifted(120, 30)
    x[5, 3] = np.nan
    train, test = np.arange(90), np.arange(90, 120)
    made = Preparation(harmoniser=combat()).fit(x[train], batch[train])
    moved = x.copy()
    moved[test] *= 100
    again = Preparation(harmoniser=combat()).fit(moved[train], batch[train])
    assert np.array_equal(made.transform(x, batch)[train], again.transform(moved, batch)[train])
    values = made.transform(x[train], batch[train])
    assert np.allclose(values.mean(0), 0) and np.allclose(values.std(0), 1)
    assert abs(values[batch[train] == 2].mean() - values[batch[train] == 0].mean()) < 0.1


def test_the_preparation_keeps_what_it_learned_of_kept_columns_and_indicators() -> None:
    x, batch = shifted(120, 12)
    x[::9, 4], x[:, 7], x[:, 8] = np.nan, 1.0, x[:, 0] * 2
    made = Preparation("median_indicator", harmoniser=zscore()).fit(x, batch)
    out = made.transform(x, batch)
    assert made.names(tuple(map(str, range(12))))[-1] == "4__missing"
    assert set(np.round(out[:, -1], 6)) == set(np.round((np.isnan(x[:, 4]) - made.centre_[-1]) / made.spread_[-1], 6))
    whole = zscore().fit(made.imputer_.filled(x, np.arange(12)), batch)
    kept = made.columns_[:-1]
    expected = whole.transform(made.imputer_.filled(x, np.arange(12)), batch)[:, kept]
    assert np.allclose(out[:, :-1] * made.spread_[:-1] + made.centre_[:-1], expected)


def test_a_near_constant_column_is_not_saved_by_the_shift_of_its_batch() -> None:
    x, batch = shifted(120, 4)
    x[:, 2] = 0.0
    x[:6, 2] = np.arange(6) + 1.0
    made = Preparation(near_constant=0.9, correlation=None, harmoniser=combat()).fit(x, batch)
    assert made.columns_.tolist() == [0, 1, 3]


def test_a_harmonising_preparation_without_batches_is_refused() -> None:
    x, _ = shifted()
    with pytest.raises(RadnbError, match="Give the codes of centre or scanner"):
        Preparation(harmoniser=combat()).fit(x)
    idle = Preparation(harmoniser=HARMONISERS["none"]())
    assert np.array_equal(idle.fit_transform(x), Preparation().fit_transform(x))


def test_harmonising_inside_the_folds_stays_at_chance_where_keeping_the_outcome_before_the_split_does_not() -> None:
    simulate = runpy.run_path(str(Path(__file__).parents[2] / "benchmarks" / "combat.py"))["compared"]
    found = simulate(60, 300, (0.1, 0.3, 0.5, 0.7, 0.9), 1.0, 12, 1)["auc"]
    assert abs(found["ComBat inside the folds"] - 0.5) < 0.12
    assert found["ComBat before the split, keeping the outcome"] > 0.65
