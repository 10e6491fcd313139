"""Rare classes: sizes as asked, new rows inside their class and beside their patient, the rest untouched."""

from __future__ import annotations

import dataclasses
import subprocess
import sys
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
from imblearn.over_sampling import ADASYN, SMOTE, BorderlineSMOTE

from radnb.errors import RadnbError
from radnb.learning.folds import deal
from radnb.learning.imbalance import OVERSAMPLERS, Oversampler
from radnb.learning.training import train
from radnb.work.choices import pick

Maker = Callable[..., Any]
RNG = np.random.default_rng(4)
Y = np.repeat([0, 1, 2], [60, 12, 25])
X = RNG.normal(size=(97, 3)) + 0.8 * Y[:, None]
GROUPS = np.arange(97) // 2
MORE = ("random", "smote", "borderline_smote", "adasyn")


def make(name: str, **options: object) -> Oversampler:
    found = pick(OVERSAMPLERS, {name: options}, seed=3)()
    assert isinstance(found, Oversampler)
    return found


@pytest.mark.parametrize("name", MORE)
def test_old_rows_stay_and_small_classes_grow(name: str) -> None:
    x, y, groups = make(name).resample(X, Y, GROUPS)
    assert np.array_equal(x[:97], X) and np.array_equal(y[:97], Y) and np.array_equal(groups[:97], GROUPS)
    counts = np.bincount(y)
    assert counts[0] == 60 and all(counts[1:] > [12, 25])
    if name in ("random", "smote"):
        assert counts.tolist() == [60, 60, 60]
    for c in (1, 2):  # between neighbours means inside the range of the class
        new, old = x[97:][y[97:] == c], X[np.equal(Y, c)]
        assert (new >= old.min(0) - 1e-12).all() and (new <= old.max(0) + 1e-12).all()


@pytest.mark.parametrize("name", OVERSAMPLERS)
def test_every_row_belongs_to_a_patient_of_its_class(name: str) -> None:
    x, y, groups = make(name).resample(X, Y, GROUPS)
    assert len(x) == len(y) == len(groups)
    for row, c, group in zip(x, y, groups, strict=True):
        own = X[np.equal(GROUPS, group) & np.equal(Y, c)]
        assert len(own)
        assert ((own - row) ** 2).sum(1).min() == ((X[np.equal(Y, c)] - row) ** 2).sum(1).min()


@pytest.mark.parametrize("name", OVERSAMPLERS)
def test_the_same_seed_gives_the_same_bytes(name: str) -> None:
    one, two = (make(name).resample(X, Y, GROUPS) for _ in range(2))
    assert [a.tobytes() for a in one] == [a.tobytes() for a in two]


@pytest.mark.parametrize(("name", "peer"), [
    ("smote", SMOTE(random_state=3)), ("borderline_smote", BorderlineSMOTE(random_state=3)),
    ("adasyn", ADASYN(random_state=3))])
def test_blends_are_those_of_imbalanced_learn(name: str, peer: object) -> None:
    x, y, _ = make(name).resample(X, Y, GROUPS)
    their_x, their_y = peer.fit_resample(X, Y)  # type: ignore[attr-defined]
    assert np.array_equal(x, their_x) and np.array_equal(y, their_y)


def test_undersampling_leaves_out_rows_of_large_classes_only() -> None:
    x, y, groups = make("undersample").resample(X, Y, GROUPS)
    assert np.bincount(y).tolist() == [12, 12, 12]
    rows = [int(np.flatnonzero(np.equal(X, row).all(1))[0]) for row in x]
    assert rows == sorted(set(rows)) and np.array_equal(groups, GROUPS[rows])
    assert np.bincount(make("undersample", ratio=0.5).resample(X, Y, GROUPS)[1]).tolist() == [24, 12, 24]


@pytest.mark.parametrize("name", ["random", "smote"])
def test_a_ratio_below_one_leaves_classes_apart(name: str) -> None:
    assert np.bincount(make(name, ratio=0.3).resample(X, Y, GROUPS)[1]).tolist() == [60, 18, 25]


@pytest.mark.parametrize("name", MORE)
@pytest.mark.parametrize("few", [1, 2, 3])
def test_a_class_of_a_few_rows_asks_fewer_neighbours(name: str, few: int) -> None:
    y = np.repeat([0, 1], [30, few])
    x = np.random.default_rng(0).normal(size=(30 + few, 4))
    found = make(name).resample(x, y, np.arange(30 + few))
    assert np.isfinite(found[0]).all()
    assert few <= (found[1] == 1).sum() <= 32
    assert set(found[2][found[1] == 1]) <= set(range(30, 30 + few))


def test_classes_that_lie_apart_are_blended_by_smote_where_adasyn_is_not_defined() -> None:
    x = X + 100 * Y[:, None]
    one, two = (make(name).resample(x, Y, GROUPS) for name in ("adasyn", "smote"))
    assert np.array_equal(one[0], two[0])


@pytest.mark.parametrize("name", MORE)
def test_equal_classes_and_copies_of_a_patient_are_no_trouble(name: str) -> None:
    y = np.repeat([0, 1], 20)
    assert len(make(name).resample(X[:40], y, GROUPS[:40])[1]) == 40
    rows = np.r_[np.arange(60), np.repeat([60, 61, 62], 3)]  # a bootstrap sample
    x, y, groups = make(name).resample(X[rows], Y[rows], GROUPS[rows])
    assert np.isfinite(x).all() and set(groups[69:]) <= {30, 31}
    fold = deal(groups, y, 2, np.random.default_rng(0))
    assert all(len(set(fold[groups == g])) == 1 for g in set(groups))  # copies stay together in inner folds


def test_only_what_changes_the_classes_asks_for_recalibration() -> None:
    assert [name for name in OVERSAMPLERS if not make(name).changes] == ["none"]


def test_nothing_heavy_is_loaded_until_a_row_is_made() -> None:
    code = "import sys, radnb.learning.imbalance; assert not {'imblearn', 'sklearn'} & set(sys.modules)"
    subprocess.run([sys.executable, "-c", code], check=True)


@pytest.mark.parametrize("name", OVERSAMPLERS)
def test_training_recalibrates_what_was_learned_from_other_shares(name: str, make_cohort: Maker,
                                                                  make_plan: Maker) -> None:
    cohort = make_cohort(patients=90, signal=0.7)
    table = cohort.table
    rare = table["outcome"].to_numpy() * (np.arange(90) % 3 == 0)
    cohort = dataclasses.replace(cohort, table=table.assign(outcome=rare))
    plan = make_plan(imbalance={name: {}}, bootstraps=0, permutations=0, sets={"radiomics": ("radiomics",)},
                     primary="radiomics", comparator=None)
    found = train(cohort, plan, workers=0).predictions
    assert set(found["scale"]) == {"probability"}
    assert found["score"].mean() == pytest.approx(rare.mean(), abs=0.05)  # half, were it not recalibrated


def test_a_survival_outcome_has_no_classes_to_even_out(make_cohort: Maker, make_plan: Maker) -> None:
    with pytest.raises(RadnbError, match="Leave `imbalance` out"):
        train(make_cohort(classes=0), make_plan("survival", imbalance={"smote": {}}), workers=0)
