"""The controls that stand beside a model: random features, volume and clinical facts alone, fewer patients, no gaps."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import Any

import numpy as np
import pandas as pd
import pytest

from radnb.errors import RadnbError
from radnb.learning.arrays import make_problem
from radnb.learning.controls import thinned
from radnb.learning.plan import Controls, Plan, Trained
from radnb.learning.scoring import concordance
from radnb.learning.training import SMALL, how_many, train
from radnb.learning.yardsticks import volume_column

Maker = Callable[..., Any]
QUICK = {"bootstraps": 0, "permutations": 0}
NEW = {"random_features", "learning_curve", "complete_cases", "volume_only"}


def beside(**changes: Any) -> dict[str, Any]:
    return {"controls": Controls(**{"random_features": 4, "learning_curve": (0.5, 1.0), **changes}), **QUICK}


def of(found: Trained, kind: str) -> pd.DataFrame:
    return found.resamples[found.resamples["kind"] == kind]


def value(rows: pd.DataFrame) -> float:
    return concordance(rows[["score"]].to_numpy(), rows["truth"].to_numpy(), rows["fold"].to_numpy(int), 2)


@pytest.mark.parametrize("classes", [2, 3, 0])
def test_every_control_scores_the_patients_of_the_first_repeat(classes: int, make_cohort: Maker,
                                                               make_plan: Maker) -> None:
    cohort = make_cohort(classes=classes)
    found = train(cohort, make_plan("classes" if classes else "survival", **beside()), workers=0)
    assert set(found.resamples["kind"]) == NEW
    first = found.predictions[(found.predictions["model"] == "combined") & (found.predictions["repeat"] == 0)]
    own = first.set_index(["patient_id", "target"])[["fold", "truth", "time_months", "event"]].sort_index()
    for kind in ("random_features", "learning_curve", "volume_only"):
        for _, rows in of(found, kind).groupby(["replicate", "split"]):
            theirs = rows.set_index(["patient_id", "target"])[list(own)].sort_index()
            pd.testing.assert_frame_equal(theirs, own)
    assert set(found.costs) == {"certificate", "cv", *NEW}
    assert all(cost["fits"] > 0 and cost["seconds"] >= 0 for cost in found.costs.values())


def test_controls_can_be_switched_off(make_cohort: Maker, make_plan: Maker) -> None:
    assert train(make_cohort(), make_plan(**beside(on=False)), workers=0).resamples.empty


def test_workers_change_no_byte_of_a_control(make_cohort: Maker, make_plan: Maker) -> None:
    cohort, plan = make_cohort(), make_plan(**beside(random_features=30))
    one, two = (train(cohort, plan, workers=workers) for workers in (0, 2))
    pd.testing.assert_frame_equal(one.resamples, two.resamples, check_exact=True)


def test_random_sets_are_as_large_as_the_selection_and_keep_the_clinical_part(make_cohort: Maker,
                                                                              make_plan: Maker) -> None:
    found = train(make_cohort(features=40), make_plan(selector=({"anova": {"k": None, "q": 0.2}},), **beside()),
                  workers=0)
    fits = found.fits[(found.fits["model"] == "combined") & (found.fits["repeat"] == 0)].set_index("fold")
    own, blind = fits[fits["kind"] == "cv"]["selected"], fits[fits["kind"] == "random_features"]
    assert len(blind) == 16
    assert (blind["selected"] == own.reindex(blind.index)).all()
    assert (blind["features"] == blind["selected"] + 2).all()


def test_random_features_of_a_signal_do_worse_than_the_selected(make_cohort: Maker, make_plan: Maker) -> None:
    plan = make_plan(sets={"radiomics": ("radiomics",)}, primary="radiomics", comparator=None,
                     selector=({"anova": {"k": 2}},), **beside(random_features=20))
    found = train(make_cohort(features=60, signal=2.0), plan, workers=0)
    own = value(found.predictions[found.predictions["repeat"] == 0])
    blind = [value(rows) for _, rows in of(found, "random_features").groupby("replicate")]
    assert np.std(blind) > 0
    assert own > np.quantile(blind, 0.9)


def test_a_late_fusion_has_blind_features_in_its_inner_folds_too(make_cohort: Maker, make_plan: Maker) -> None:
    late = {"late": {"scores": ["radiomics"], "beside": ["clinical"]}}
    plan = make_plan(sets={"combined": late, "clinical": ("clinical",)}, **beside(random_features=3))
    found = of(train(make_cohort(), plan, workers=0), "random_features")
    assert found.groupby("replicate").size().tolist() == [60, 60, 60]


@pytest.mark.parametrize(("declared", "columns", "expected"), [
    (None, {"f3": "portal_original_shape_MeshVolume", "f1": "original_shape_VoxelVolume"},
     "portal_original_shape_MeshVolume"),
    (None, {"f3": "original_shape_VoxelVolume"}, "original_shape_VoxelVolume"), (None, {}, "size"),
    ("f5", {"f3": "original_shape_VoxelVolume"}, "f5")])
def test_the_volume_is_declared_measured_or_a_clinical_size(declared: str | None, columns: dict[str, str],
                                                            expected: str, make_cohort: Maker,
                                                            make_plan: Maker) -> None:
    cohort = make_cohort()
    blocks = {b: tuple(columns.get(c, c) for c in names) for b, names in cohort.blocks.items()}
    named = replace(cohort, table=cohort.table.rename(columns=columns), blocks=blocks)
    plan = make_plan(**beside(volume=declared))
    assert volume_column(named, plan) == expected
    found = train(named, plan, workers=0)
    assert set(found.fits.loc[found.fits["kind"] == "volume_only", "tuned"]) == {expected}
    assert set(of(found, "volume_only")["model"]) == {"volume_only"}


def test_a_cohort_without_any_size_has_no_volume_control(make_cohort: Maker, make_plan: Maker) -> None:
    cohort = make_cohort()
    plain = replace(cohort, table=cohort.table.rename(columns={"size": "sex"}),
                    blocks={**cohort.blocks, "clinical": ("age", "sex")})
    assert volume_column(plain, make_plan()) is None
    assert of(train(plain, make_plan(**beside()), workers=0), "volume_only").empty


def test_an_unknown_volume_is_refused_with_the_nearest_name(make_cohort: Maker, make_plan: Maker) -> None:
    with pytest.raises(RadnbError, match="Did you mean 'size'"):
        train(make_cohort(), make_plan(**beside(volume="sise")), workers=0)


def test_clinical_facts_alone_are_fitted_where_no_model_set_is_just_them(make_cohort: Maker, make_plan: Maker) -> None:
    sets = {"combined": ("clinical", "radiomics")}
    cohort = make_cohort()
    found = train(cohort, make_plan(sets=sets, comparator=None, **beside()), workers=0)
    compared = train(cohort, make_plan(**beside()), workers=0)
    rows = compared.predictions[(compared.predictions["model"] == "clinical") & (compared.predictions["repeat"] == 0)]
    assert value(of(found, "clinical_only")) == pytest.approx(value(rows))
    assert of(compared, "clinical_only").empty


def test_fewer_patients_are_drawn_by_outcome_and_larger_shares_hold_smaller_ones(make_cohort: Maker,
                                                                                 make_plan: Maker) -> None:
    cohort = make_cohort(classes=3)
    name = cohort.table["patient_id"].to_numpy().copy()
    name[1::3] = name[::3]
    cohort = replace(cohort, table=cohort.table.assign(patient_id=name))
    problem = make_problem(cohort, make_plan(), dict(cohort.blocks))
    chance, everyone = np.random.default_rng(0).random(60), np.arange(60)
    few, more = (thinned(problem, everyone, share, chance) for share in (0.4, 0.7))
    assert set(few) < set(more)
    assert set(problem.groups[few]) & set(np.setdiff1d(problem.groups, problem.groups[few])) == set()
    assert len(np.unique(problem.groups[few])) == pytest.approx(0.4 * 40, abs=2)
    assert set(problem.strata[few]) == {0, 1, 2}


def test_the_learning_curve_knows_its_patients(make_cohort: Maker, make_plan: Maker) -> None:
    found = train(make_cohort(), make_plan(**beside(learning_curve=(0.4, 0.8))), workers=0)
    fits = found.fits[found.fits["kind"] == "learning_curve"]
    assert fits.groupby("split")["patients"].mean().to_dict() == pytest.approx({40: 18, 80: 36}, abs=1)
    assert fits.groupby("split")["replicate"].nunique().tolist() == [5, 5]


def test_complete_cases_hold_nobody_with_a_gap(make_cohort: Maker, make_plan: Maker) -> None:
    cohort = make_cohort()
    columns = [c for names in cohort.blocks.values() for c in names]
    whole = set(cohort.table.loc[cohort.table[columns].notna().all(axis=1), "patient_id"])
    found = of(train(cohort, make_plan(**beside()), workers=0), "complete_cases")
    assert set(found["patient_id"]) == whole and 0 < len(whole) < 60
    assert set(found["model"]) == {"clinical", "radiomics", "combined"}
    filled = replace(cohort, table=cohort.table.fillna(dict.fromkeys(columns, 0.0)))
    assert of(train(filled, make_plan(**beside()), workers=0), "complete_cases").empty


@pytest.mark.parametrize("design", [{"holdout": {}}, {"column": {"name": "cohort"}}])
def test_a_frozen_design_holds_its_controls_on_the_same_untouched_patients(design: Any, make_cohort: Maker,
                                                                           make_plan: Maker) -> None:
    found = train(make_cohort(), make_plan(design=design, **{**beside(), "permutations": 5}), workers=0)
    assert set(found.resamples["kind"]) == NEW
    assert found.resamples["fold"].isna().all()
    tested = set(found.predictions["patient_id"])
    assert all(set(rows["patient_id"]) == tested for _, rows in of(found, "random_features").groupby("replicate"))


def test_large_tables_get_fewer_refits_by_their_size_alone(make_cohort: Maker, make_plan: Maker) -> None:
    cohort = make_cohort()
    plan: Plan = make_plan()
    problem = make_problem(cohort, plan, dict(cohort.blocks))
    assert how_many(problem, plan) == (50, 5)
    candidates = problem.candidates * (2 * SMALL // (60 * 14))
    assert how_many(replace(problem, candidates=candidates), plan) == (25, 3)
    assert how_many(replace(problem, candidates=candidates * 20), plan) == (20, 1)
