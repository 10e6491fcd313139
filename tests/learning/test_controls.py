"""Bootstraps, half-samples and permutations."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pandas as pd
import pytest

from radnb.evaluation.evaluation import evaluate
from radnb.learning.arrays import make_problem
from radnb.learning.controls import Part, Sequential, draw, risk_cells, shuffle
from radnb.learning.fitting import fit, view
from radnb.learning.folds import deal
from radnb.learning.plan import Controls, Trained
from radnb.learning.problem import Sample
from radnb.learning.training import train

Maker = Callable[..., Any]


def first_repeat(predictions: pd.DataFrame) -> pd.DataFrame:
    return predictions[(predictions["model"] == "combined") & (predictions["repeat"] == 0)]


def of_kind(found: Trained, kind: str) -> pd.DataFrame:
    return found.resamples[found.resamples["kind"] == kind]


def test_copies_of_a_patient_stay_in_one_fold(make_cohort: Maker, make_plan: Maker) -> None:
    found = train(make_cohort(), make_plan(bootstraps=4, permutations=0), workers=0).resamples
    assert set(found["kind"]) == {"bootstrap"}
    where = found.groupby(["model", "replicate", "split", "patient_id"])["fold"]
    assert where.nunique().max() == 1
    assert where.size().max() > 1
    assert found.groupby(["model", "replicate", "split"]).size().eq(60).all()


@pytest.mark.parametrize(("selector", "drawn"), [({"none": {}}, 0), ({"anova": {"k": 4}}, 3)])
def test_features_are_drawn_blindly_only_where_some_are_left_out(make_cohort: Maker, make_plan: Maker,
                                                                 selector: dict[str, Any], drawn: int) -> None:
    plan = make_plan(bootstraps=0, permutations=0, selector=(selector,), prepare={"correlation": None},
                     controls=Controls(random_features=3, learning_curve=()))
    found = train(make_cohort(), plan, workers=0)
    assert of_kind(found, "random_features")["replicate"].nunique() == drawn
    told = evaluate(found.predictions, found.resamples, outcome=make_cohort().outcome, primary="combined",
                    comparator="clinical", decision=(0.1, 0.9), trained=found).controls.set_index("control")
    assert (told.loc["random_features", "method"] == "none: no features were selected") == (drawn == 0)


def test_model_sets_share_samples_and_folds(make_cohort: Maker, make_plan: Maker) -> None:
    found = train(make_cohort(), make_plan(permutations=0), workers=0).resamples
    columns = ["patient_id", "replicate", "split", "fold", "truth"]
    first, *others = [rows[columns].reset_index(drop=True) for _, rows in found.groupby("model")]
    assert all(first.equals(other) for other in others)


def test_survival_gets_half_samples_without_copies(make_cohort: Maker, make_plan: Maker) -> None:
    found = train(make_cohort(classes=0), make_plan("survival", permutations=0), workers=0).resamples
    assert set(found["kind"]) == {"half_sample"}
    rows = found.groupby(["model", "replicate", "split"])["patient_id"]
    assert (rows.nunique() == rows.size()).all()
    assert rows.size().between(29, 31).all()


@pytest.mark.parametrize("model", ["ridge_logistic", "svm"])
def test_resamples_take_probabilities_and_thresholds_from_the_other_folds(model: str, make_cohort: Maker,
                                                                          make_plan: Maker) -> None:
    plan = make_plan(permutations=0, model={model: {}}, threshold={"prevalence": {}})
    found = train(make_cohort(), plan, workers=0).resamples
    assert set(found["scale"]) == {"probability"}
    whole = found[found["model"].eq("combined") & found["replicate"].eq(0) & found["split"].eq(0)]
    for fold, mine in whole.groupby("fold"):
        assert mine["threshold"].unique() == pytest.approx([whole.loc[whole["fold"] != fold, "truth"].mean()])


def test_a_draw_keeps_the_classes(make_cohort: Maker, make_plan: Maker) -> None:
    cohort = make_cohort()
    problem = make_problem(cohort, make_plan(), dict(cohort.blocks))
    for number in range(5):
        rows = draw(problem, np.random.default_rng(number), copies=True, by_centre=True)
        assert np.bincount(problem.strata[rows]).tolist() == np.bincount(problem.strata).tolist()
        assert np.bincount(problem.centres[rows]).tolist() == np.bincount(problem.centres).tolist()


def test_permuted_rows_keep_each_fold_in_proportion(make_cohort: Maker, make_plan: Maker) -> None:
    found = train(make_cohort(), make_plan(bootstraps=0), workers=0)
    own = first_repeat(found.predictions).groupby("fold")["truth"].sum()
    permuted = of_kind(found, "permutation")
    assert set(permuted["replicate"]) == {0, 1, 2, 3}
    for _, rows in permuted.groupby("replicate"):
        assert rows.groupby("fold")["truth"].sum().equals(own)
    added = of_kind(found, "permutation_added")
    original = first_repeat(found.predictions).set_index("patient_id")["truth"]
    assert (added["truth"].to_numpy() == original[added["patient_id"]].to_numpy()).all()


def test_lesions_of_a_patient_move_together() -> None:
    groups = np.repeat(np.arange(12), [1, 2, 3] * 4)
    cells = np.repeat(np.arange(12) // 6, [1, 2, 3] * 4)
    moved = shuffle(cells, groups, np.random.default_rng(0))
    assert sorted(moved) == list(range(24))
    assert (cells[moved] == cells).all()
    for patient in range(12):
        assert len(set(groups[moved[groups == patient]])) == 1
    assert (moved != np.arange(24)).any()


def test_every_permutation_within_cells_is_as_likely() -> None:
    seen = [tuple(shuffle(np.zeros(3, int), np.arange(3), np.random.default_rng(i)).tolist()) for i in range(1200)]
    counts = [seen.count(p) for p in set(seen)]
    assert len(counts) == 6
    assert min(counts) > 150  # expected 200, SD 13


def part(value: float) -> Part:
    nothing = np.empty(0, np.intp)
    return Part("permutation", "m", nothing, np.empty((0, 1)), nothing, value=value)


def test_the_stopping_rule_forgets_what_came_too_early() -> None:
    values = [0.6, 0.4, 0.7, 0.5, 0.8, 0.9]
    rule = Sequential(observed=0.6, stop_after=3)
    for batch in (2, 0, 1):  # batches arrive in any order
        rule.add(batch, [part(v) for v in values[2 * batch:2 * batch + 2]])
    assert rule.done
    assert [p.value for p in rule.kept] == [0.6, 0.4, 0.7, 0.5, 0.8]  # the third exceedance is the fifth one


def test_shared_preparation_equals_refitting_everything(make_cohort: Maker, make_plan: Maker) -> None:
    from radnb.features.assemble import Cohort

    cohort, plan = make_cohort(), make_plan(bootstraps=0, permutations=1)
    found = train(cohort, plan, workers=0)
    permuted = of_kind(found, "permutation").set_index("patient_id")
    table = cohort.table.assign(outcome=permuted.loc[cohort.table["patient_id"], "truth"].to_numpy())
    other = Cohort(table, cohort.blocks, cohort.outcome, cohort.clinical, cohort.exclusions)
    problem = make_problem(other, plan, dict(other.blocks))
    rows = np.arange(60)
    fold = permuted.loc[cohort.table["patient_id"], "fold"].to_numpy(int)
    for f in range(4):
        sample = Sample(problem, rows[fold != f])
        scores = fit(view(sample), plan.sets["combined"]).scores(rows[fold == f], {})[:, 0]
        ids = cohort.table["patient_id"].to_numpy()[fold == f]
        assert scores == pytest.approx(permuted.loc[ids, "score"].to_numpy(), abs=1e-12)


def test_rows_change_places_only_between_similar_risks(make_cohort: Maker, make_plan: Maker) -> None:
    cohort = make_cohort()
    problem = make_problem(cohort, make_plan(), dict(cohort.blocks))
    fold = deal(problem.groups, problem.strata, 2, np.random.default_rng(0))
    cells = risk_cells(problem, ("clinical",), fold)
    assert set(np.bincount(cells)[np.bincount(cells) > 0].tolist()) == {6}
    assert all(len(set(fold[cells == c])) == 1 for c in set(cells))
