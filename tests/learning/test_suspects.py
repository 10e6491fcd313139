"""Numbers and dates of patients are named before any fit; repeated columns are told."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable
from typing import Any

import numpy as np
import pandas as pd
import pytest

from radnb.errors import RadnbError
from radnb.learning.checks import cohort_notes, cohort_problems
from radnb.learning.splits import DESIGNS, Split
from radnb.learning.suspects import column_notes, identifier_problems, split_problems
from radnb.learning.training import train

Maker = Callable[..., Any]
RNG = np.random.default_rng(0)
DAYS = pd.Series(pd.date_range("2015-01-31", periods=60, freq="17D")).sample(frac=1, random_state=1)


def problems(name: str, values: Any) -> list[str]:
    return identifier_problems(pd.DataFrame({name: np.asarray(values, float)}), {"clinical": (name,)})


@pytest.mark.parametrize(("name", "values", "fault"), [
    ("MRN", RNG.permutation(60) + 40_000, "MRN numbers the patients, as its name says"),
    ("patient_id_number", RNG.permutation(60), "numbers the patients, as its name says"),
    ("AccessionNumber", RNG.permutation(60), "numbers the patients, as its name says"),
    ("studyID", RNG.permutation(60), "numbers the patients, as its name says"),
    ("visit", [int(f"{d:%Y%m%d}") for d in DAYS], r"visit holds dates \(yyyymmdd\)"),
    ("surgery_date", [(d - pd.Timestamp("1900-01-01")).days for d in DAYS], "holds dates, as its name says"),
    ("x", np.cumsum(RNG.integers(1, 9, 60)), "in the order of the rows"),
    ("x", -np.arange(60), "in the order of the rows"),
])
def test_what_numbers_or_dates_patients_is_refused_with_its_reason(name: str, values: Any, fault: str) -> None:
    found = problems(name, values)
    assert len(found) == 1
    with pytest.raises(RadnbError, match=fault):
        raise RadnbError(found[0])
    assert problems(name, np.r_[np.nan, np.asarray(values, float)[1:]]) == found  # a gap hides nothing


@pytest.mark.parametrize(("name", "values"), [
    ("original_glcm_Id", RNG.random(60)), ("original_glcm_Idn", RNG.random(60)), ("age", RNG.integers(20, 90, 60)),
    ("VoxelNum", RNG.permutation(60) * 37), ("sex", np.arange(60) % 2), ("grade_id", np.arange(60) % 3),
    ("dose", np.sort(RNG.random(60))), ("days_to_surgery", RNG.integers(1, 400, 60)), ("id", [4, 2, 3]),
    ("volume", np.r_[np.arange(30), np.arange(30)]), ("validity", RNG.permutation(60)), ("empty", np.full(60, np.nan)),
    ("tumour_size_mm", np.arange(12)), ("date_known", np.arange(60) % 2),
    ("voxels", 20_150_100 + 97 * RNG.permutation(60)),
])
def test_measurements_are_left_alone(name: str, values: Any) -> None:
    assert problems(name, values) == []


def test_an_identifier_stops_training_before_any_fit(make_cohort: Maker, make_plan: Maker) -> None:
    cohort = make_cohort()
    numbered = dataclasses.replace(cohort, table=cohort.table.assign(size=np.arange(60) + 1000.0))
    with pytest.raises(RadnbError, match=r"block clinical: size numbers the patients.* Leave it out"):
        train(numbered, make_plan(), workers=0)
    assert cohort_problems(cohort, dict(cohort.blocks)) == []


def test_repeated_columns_are_told_once_with_an_example(make_cohort: Maker) -> None:
    cohort = make_cohort()
    four, other = cohort.table["f4"], cohort.table["f1"]
    table = cohort.table.assign(f5=four, f6=3 - 2 * four, f7=four + 0.01 * other, f8=1.0, f9=1.0)
    notes = cohort_notes(dataclasses.replace(cohort, table=table), dict(cohort.blocks))
    assert notes == [
        ("duplicate_columns", "info", {"block": "radiomics", "count": 1, "first": "f4", "second": "f5"}),
        ("collinear_columns", "info", {"block": "radiomics", "count": 1, "first": "f4", "second": "f6"})]
    assert cohort_notes(cohort, dict(cohort.blocks)) == []


def test_years_are_told_and_not_refused() -> None:
    table = pd.DataFrame({"year": 2010.0 + np.arange(60) % 9, "age": 60.0 + np.arange(60) % 7})
    assert identifier_problems(table, {"clinical": ("year", "age")}) == []
    assert column_notes(table, {"clinical": ("year", "age")}) == [
        ("calendar_years", "warning", {"block": "clinical", "columns": "year"})]


def test_an_outcome_that_nobody_is_left_to_learn_from_is_named() -> None:
    table = pd.DataFrame({"patient_id": range(6), "stratum": [0, 0, 0, 1, 1, -1], "label": ["N0"] * 3 + ["N+"] * 3})
    bad = [Split(0, f, "internal", np.array(rows), np.array([5])) for f, rows in enumerate(([0, 1, 5], [0, 1], [0, 3]))]
    assert split_problems(table, bad) == [
        "design: nobody with outcome N+ is left to train on in repeat 1, fold 0 and 1 more. "
        "Use fewer folds, or join outcomes."]
    good = DESIGNS["repeated_kfold"](table, folds=2, repeats=1, seed=1)
    assert split_problems(table, good) == []
