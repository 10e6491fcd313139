"""Agreement between readers where blocks overlap and some features are often empty."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import Any

import numpy as np
import pandas as pd

from radnb.features.assemble import Cohort
from radnb.learning.arrays import make_problem, used_blocks
from radnb.learning.plan import Plan
from radnb.learning.problem import Sample
from radnb.learning.training import train

Maker = Callable[..., Any]
ROBUST = ({"robust": {}}, {"anova": {"k": 2}})


def read_again(cohort: Cohort, columns: tuple[str, ...]) -> pd.DataFrame:
    """Return a second reader who agrees."""
    table = cohort.table[["patient_id", *columns]].assign(reader="R2")
    table[list(columns)] += 0.01 * np.random.default_rng(1).normal(size=(len(table), len(columns)))
    return table


def plan(make_plan: Maker, **sets: Any) -> Plan:
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


def test_gaps_of_held_out_patients_do_not_decide_which_features_agree(make_cohort: Maker, make_plan: Maker) -> None:
    cohort, test = make_cohort(), np.arange(40, 60)
    columns = cohort.blocks["radiomics"]
    whole = replace(cohort, table=cohort.table.fillna(0.0))
    gone = whole.table.assign(f3=whole.table["f3"].mask(whole.table.index.isin(range(4)) | (whole.table.index >= 50)))
    seen = []
    for table in (gone, gone.fillna({"f3": 0.0}).assign(f3=lambda t: t["f3"].mask(t.index < 4))):
        one = replace(whole, table=table)
        made = plan(make_plan, all=("radiomics",))
        problem = make_problem(one, made, used_blocks(one, made), read_again(one, columns))
        seen.append(Sample(problem, np.setdiff1d(np.arange(60), test)).table(("radiomics",)).names)
    assert seen[0] == seen[1]


def test_clinical_facts_beside_a_score_need_no_second_reader(make_cohort: Maker, make_plan: Maker) -> None:
    cohort = make_cohort()
    fused = {"late": {"scores": [["radiomics"]], "beside": ["clinical", "radiomics"]}}
    made = replace(plan(make_plan, all=fused), prespecified=("clinical",))
    problem = make_problem(cohort, made, used_blocks(cohort, made), read_again(cohort, cohort.blocks["radiomics"]))
    names = Sample(problem, np.arange(40)).table(("clinical", "radiomics")).names
    assert {"age", "size", "f3"} <= set(names)
