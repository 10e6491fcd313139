"""An adversary rewrites the held-out patients; nothing that a fold has learned may change."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import Any

import numpy as np
import pandas as pd
import pytest

from radnb.features.assemble import Cohort
from radnb.learning.arrays import make_problem, patients
from radnb.learning.folds import IntArray
from radnb.learning.models import CLASSIFIERS, SURVIVORS
from radnb.learning.plan import Plan, Trained
from radnb.learning.problem import Sample
from radnb.learning.ready import Ready, make_ready
from radnb.learning.selection import SELECTORS
from radnb.learning.splits import DESIGNS
from radnb.learning.training import train
from radnb.work.choices import pick
from tests.learning import small

Maker = Callable[..., Any]
SETS = ("clinical", "radiomics")
FOR_SURVIVAL = tuple(n for n in SELECTORS if "classes" not in pick(SELECTORS, {n: {}}, seed=1)().kinds)
CHAINS: dict[str, dict[str, Any]] = {
    **{f"selector {name}": {"selector": small.selector(name)} for name in SELECTORS},
    **{f"model {name}": {"model": small.model(name)} for name in (*CLASSIFIERS, *SURVIVORS)},
    "chain": {"selector": ({"robust": {}}, {"wilcoxon": {"k": None, "q": 0.5}}, {"mrmr": {"k": 3}})},
    "recalibrated": {"model": {"ridge_logistic": {"balanced": True}}},
    "penalty from inner folds": {"model": {"ridge_logistic": {"penalty": "inner"}}},
    "cost from inner folds": {"model": {"svm": {"C": "inner"}}},
    "selection within stages": {"selector": ({"none": {}},), "model": {"two_stage": {
        "first_selector": [{"anova": {"k": 2}}], "second_selector": [{"mrmr": {"k": 2}}]}}},
    "votes by rank": {"model": {"voting": {"bases": ["lda", "knn"], "average": "rank"}}},
    "missing shown": {"prepare": {"impute": "median_indicator", "scale": "robust", "correlation": 0.6}},
    "tuned": {"design": {"nested": {"grid": {"k": [2, 5], "penalty": [0.1, 10]}}}},
    "oversampled": {"imbalance": {"smote": {}}},
    "several rows": {"several": True}}
TESTED_TWICE = ("bootstrap", "between_centres")  # whom one split tests, another trains on


def readers(cohort: Cohort) -> pd.DataFrame:
    """Make a second reader of every other patient."""
    columns = list(cohort.blocks["radiomics"])
    second = cohort.table.drop_duplicates("patient_id")[["patient_id", *columns]].assign(reader="R2").iloc[::2].copy()
    second[columns] += 0.3 * np.random.default_rng(1).normal(size=second[columns].shape)
    return second


def rewritten(cohort: Cohort, rows: IntArray, *, outcome: bool = True) -> Cohort:
    """Exchange the outcomes of some rows, replace their features by large numbers and gaps."""
    rng, table = np.random.default_rng(9), cohort.table.copy()
    told = [c for c in ("outcome", "time_months", "event") if c in table]
    if outcome:
        table.loc[rows, told] = table.loc[rng.permutation(rows), told].to_numpy()
    columns = [c for names in cohort.blocks.values() for c in names]
    values = rng.normal(50, 9, size=(len(rows), len(columns)))
    values[rng.random(values.shape) < 0.3] = np.nan
    table.loc[rows, columns] = values
    return replace(cohort, table=table)


def learned(cohort: Cohort, plan: Plan, extra: pd.DataFrame, rows: IntArray) -> tuple[list[Any], Ready]:
    """Return everything that training rows teach: columns, scaling, coefficients, thresholds, recalibration, scores."""
    problem = make_problem(cohort, plan, dict(cohort.blocks), extra)
    ready = make_ready(Sample(problem, rows), SETS)
    fitted, line = ready.fitted, ready.fitted.learner.linear()
    numbers = [ready.thresholds, ready.scores(rows), *(() if line is None else (line.coef, line.intercept)),
               *(() if ready.recalibration is None else (ready.recalibration,)),
               *(v for t in (fitted.always, fitted.chosen) for v in (t.raw, t.preparation.columns_, t.preparation.fill_,
                                                                    t.preparation.centre_, t.preparation.spread_))]
    return [fitted.features, fitted.candidate, *(np.asarray(n).tolist() for n in numbers)], ready


@pytest.mark.usefixtures("quick_fits")
@pytest.mark.parametrize("name", CHAINS)
def test_rewritten_held_out_patients_change_nothing_that_a_fold_learns(name: str, make_cohort: Maker,
                                                                       make_plan: Maker) -> None:
    changes = dict(CHAINS[name])
    word = name.split()[-1]
    survival = word in (*FOR_SURVIVAL, *SURVIVORS)
    cohort = make_cohort(classes=0 if survival else 2)
    if changes.pop("several", False):
        first = cohort.table["patient_id"].to_numpy().copy()
        first[1::3] = first[::3]  # two rows for every third patient
        cohort = replace(cohort, table=cohort.table.assign(patient_id=first))
    plan = make_plan("survival" if survival else "classes", **changes)
    patient = np.unique(cohort.table["patient_id"].to_numpy(str), return_inverse=True)[1]
    test = np.flatnonzero(patient % 4 == 0)
    rows, extra = np.flatnonzero(patient % 4), readers(cohort)
    theirs = extra["patient_id"].isin(cohort.table.loc[test, "patient_id"])
    lies = extra.assign(**{c: extra[c].mask(theirs, 77.0) for c in cohort.blocks["radiomics"]})
    before, _ = learned(cohort, plan, extra, rows)
    after, ready = learned(rewritten(cohort, test), plan, lies, rows)
    assert before == after
    assert np.isfinite(ready.thresholds).all()
    assert learned(rewritten(cohort, rows[:12]), plan, extra, rows)[0] != before  # the test can fail


def fold_record(found: Trained, fold: int | None) -> list[Any]:
    """Return what is on record of one outer fold: features with weights, threshold, scale."""
    mine = found.selections["fold"].isna() if fold is None else found.selections["fold"] == fold
    rows = found.predictions["fold"].isna() if fold is None else found.predictions["fold"] == fold
    return [found.selections[mine].to_numpy().tolist(),
            found.predictions[rows].groupby("model")[["threshold", "scale"]].first().to_numpy().tolist()]


@pytest.mark.parametrize("name", TESTED_TWICE)
def test_no_split_of_a_design_lets_its_tested_patients_in(name: str, make_cohort: Maker, make_plan: Maker) -> None:
    cohort, plan = make_cohort(), make_plan()
    for split in DESIGNS[name](patients(cohort), seed=7, **small.DESIGN[name])[:2]:
        before, _ = learned(cohort, plan, readers(cohort), split.train)
        after, _ = learned(rewritten(cohort, split.test), plan, readers(cohort), split.train)
        assert before == after
        assert learned(rewritten(cohort, split.train[:12]), plan, readers(cohort), split.train)[0] != before


@pytest.mark.usefixtures("quick_fits")
@pytest.mark.parametrize("name", [name for name in DESIGNS if name not in TESTED_TWICE])
def test_no_design_lets_held_out_patients_in(name: str, make_cohort: Maker, make_plan: Maker) -> None:
    cohort = make_cohort()
    plan = make_plan(design=small.design(name), bootstraps=0, permutations=0)
    found = train(cohort, plan, workers=0)
    fold = None if found.predictions["fold"].isna().all() else 0
    place = dict(zip(cohort.table["patient_id"], cohort.table.index, strict=True))
    inside = found.predictions["fold"].isna() if fold is None else found.predictions["fold"] == fold
    held = np.array(sorted({place[who] for who in found.predictions.loc[inside, "patient_id"]}))
    again = train(rewritten(cohort, held, outcome=name in ("column", "by_centre")), plan, workers=0)
    assert fold_record(again, fold) == fold_record(found, fold)
    if fold is None:
        assert again.final == found.final
    else:
        assert fold_record(again, 1) != fold_record(found, 1)
