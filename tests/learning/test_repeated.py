"""Agreement between readers where blocks overlap and some features are often empty."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import Any

import numpy as np
import pandas as pd

from radnb.features.assemble import Cohort
from radnb.learning.plan import Plan
from radnb.learning.training import train

Maker = Callable[..., Any]
ROBUST = ({"robust": {}}, {"anova": {"k": 2}})


def read_again(cohort: Cohort, columns: tuple[str, ...]) -> pd.DataFrame:
    """Return a second reader who agrees."""
    table = cohort.table[["patient_id", *columns]].assign(reader="R2")
    table[list(columns)] += 0.01 * np.random.default_rng(1).normal(size=(len(table), len(columns)))
    return table


def plan(make_plan: Maker, **sets: tuple[str, ...]) -> Plan:
    made: Plan = make_plan(sets=sets, primary="all", comparator=None, selector=ROBUST, prespecified=(), bootstraps=0,
                           permutations=0, design={"repeated_kfold": {"folds": 3, "repeats": 1}})
    return replace(made, controls=replace(made.controls, on=False))


def test_a_phase_beside_all_phases_shares_their_repeated_measurements(make_cohort: Maker, make_plan: Maker) -> None:
    cohort = make_cohort()
    columns = cohort.blocks["radiomics"]
    cohort = replace(cohort, blocks={**cohort.blocks, "radiomics:a": columns[:4]})
    found = train(cohort, plan(make_plan, all=("radiomics",), a=("radiomics:a",)),
                  repeat_measurements=read_again(cohort, columns), workers=0)
    assert set(found.predictions["model"]) == {"all", "a"}
    assert set(found.selections.loc[found.selections["model"] == "a", "feature"]) <= set(columns[:4])


def test_a_feature_that_is_often_empty_costs_no_patient(make_cohort: Maker, make_plan: Maker) -> None:
    cohort = make_cohort()
    columns = cohort.blocks["radiomics"]
    table = cohort.table.assign(f11=np.nan, f10=cohort.table["f10"].mask(cohort.table.index < 30))
    cohort = replace(cohort, table=table)
    found = train(cohort, plan(make_plan, all=("radiomics",)), repeat_measurements=read_again(cohort, columns),
                  workers=0)
    assert not {"f10", "f11"} & set(found.selections["feature"]) and len(found.selections)
