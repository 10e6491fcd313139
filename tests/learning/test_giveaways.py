"""Features that are the outcome in disguise are named; measurements that are merely good are not."""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd
import pytest

from radnb.features.assemble import Cohort, Outcome
from radnb.learning.giveaways import giveaway_problems

RNG = np.random.default_rng(0)
TWO = np.arange(60) % 2
THREE = np.arange(60) % 3
FEW = np.r_[np.ones(5, int), np.zeros(55, int)]


def problems(y: Any, **columns: Any) -> list[str]:
    table = pd.DataFrame({name: np.asarray(values, float) for name, values in columns.items()}).assign(outcome=y)
    none = pd.DataFrame()
    outcome = Outcome("classes", "grade", tuple(f"G{k}" for k in range(max(y) + 1)))
    return giveaway_problems(Cohort(table, {"b": tuple(columns)}, outcome, none, none), {"b": tuple(columns)})


@pytest.mark.parametrize(("y", "values"), [
    (TWO, 1 - TWO), (TWO, np.where(RNG.random(60) < 0.5, np.nan, TWO)), (TWO, np.exp(TWO + 0.3 * RNG.random(60))),
    (TWO, np.where(TWO == 1, 1, 2 * RNG.integers(0, 2, 60))),  # a code: 0 and 2 are one outcome, 1 is the other
    (THREE, 7 - 2 * THREE), (THREE, THREE == 1), (FEW, FEW),
])
def test_a_copy_or_code_of_the_outcome_is_named(y: Any, values: Any) -> None:
    assert [p[:48] for p in problems(y, f=RNG.random(60), z=values)] == [
        "features z: they tell the outcome grade exactly,"]


@pytest.mark.parametrize("y", [THREE, (THREE > 0).astype(int)])
def test_levels_that_tell_the_outcome_together_are_named_once(y: Any) -> None:
    found = problems(y, **{"stage=II": THREE == 1, "stage=III": THREE == 2, "sex=male": RNG.integers(0, 2, 60)})
    assert len(found) == 1
    assert "stage" in found[0].split(":")[0] and "sex" not in found[0]


def test_gaps_that_mark_an_outcome_are_named() -> None:
    assert "features ki67: their gaps tell the outcome grade exactly" in problems(
        TWO, ki67=np.where(TWO == 1, RNG.random(60), np.nan))[0]


@pytest.mark.parametrize(("y", "values"), [
    (TWO, np.where(np.arange(60) == 3, 1 - TWO, TWO)), (TWO, TWO + RNG.normal(0, 1, 60)),
    (TWO, np.where(np.arange(60) < 3, np.nan, RNG.random(60))), (THREE, THREE + RNG.normal(0, 1, 60)),
    (np.r_[1, 1, np.zeros(58, int)], RNG.permutation(60)), (TWO, np.full(60, np.nan)), (TWO, np.zeros(60)),
    (np.r_[2, 2, 0, 1, TWO[4:]], np.r_[1, 1, np.zeros(58)]),  # two patients agree by chance
])
def test_what_is_merely_good_is_left_alone(y: Any, values: Any) -> None:
    assert problems(y, f=values) == []
