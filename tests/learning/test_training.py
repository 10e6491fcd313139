"""Training: every choice runs, nothing leaks, nothing depends on who computes it."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pandas as pd
import pytest

from radnb.errors import RadnbError
from radnb.features.assemble import Cohort
from radnb.learning.arrays import make_problem
from radnb.learning.models import CLASSIFIERS, MODELS, SURVIVORS
from radnb.learning.plan import Trained
from radnb.learning.problem import Problem, Sample
from radnb.learning.ready import make_ready
from radnb.learning.scoring import concordance
from radnb.learning.selection import SELECTORS
from radnb.learning.splits import DESIGNS
from radnb.learning.tables import PREDICTIONS, RESAMPLES
from radnb.learning.thresholds import SURVIVAL_THRESHOLDS, THRESHOLDS
from radnb.learning.training import train
from radnb.work.choices import pick
from tests.learning import small

CENTRES = ("east", "north", "south")
DIRECTIONS = {f"{a} → {b}" for a in CENTRES for b in CENTRES if a != b}
Maker = Callable[..., Any]


def readers(cohort: Cohort) -> pd.DataFrame:
    """Make a second reader who disagrees about the last feature."""
    columns = list(cohort.blocks["radiomics"])
    second = cohort.table[["patient_id", *columns]].assign(reader="R2").iloc[::2].copy()
    second[columns] += 0.01 * np.random.default_rng(1).normal(size=second[columns].shape)
    second[columns[-1]] = np.random.default_rng(2).normal(size=len(second))
    return second


def certified(found: Trained) -> bool:
    """Say whether corrupted held-out patients changed nothing, and corrupted training patients something."""
    one = found.certificate
    return one["passed"] and one["changed"] == one["overlap"] == 0 and one["states"] >= one["noticed"] >= 2


FROZEN = ("holdout", "column", "temporal", "transfer", "between_centres")


@pytest.mark.parametrize("name", DESIGNS)
def test_every_design_gives_honest_rows(name: str, make_cohort: Maker, make_plan: Maker) -> None:
    cohort = make_cohort()
    plan = make_plan(design=small.design(name))
    found = train(cohort, plan, workers=0)
    assert list(found.predictions) == list(PREDICTIONS)
    assert list(found.resamples) == list(RESAMPLES)
    frozen = name in FROZEN
    assert found.predictions["fold"].isna().all() == frozen
    assert (len(found.resamples) == 0) == (frozen or name == "bootstrap")
    elsewhere = {"column": {"external"}, "between_centres": DIRECTIONS, "transfer": {"external"}}
    assert set(found.predictions["set"]) == {"bootstrap": {"internal", "train"}, **elsewhere}.get(name, {"internal"})
    assert found.predictions["threshold"].notna().all()
    assert found.predictions["score"].between(0, 1).all()
    assert set(found.predictions["model"]) == set(plan.sets) == set(found.final)
    if name == "nested":
        assert set(found.fits["tuned"]) <= {"k=2", "k=5"}


@pytest.mark.usefixtures("quick_fits")
@pytest.mark.parametrize(("kind", "name"), [("classes", n) for n in CLASSIFIERS] + [("survival", n) for n in SURVIVORS])
def test_every_model_gives_scores_on_its_scale(kind: str, name: str, make_cohort: Maker, make_plan: Maker) -> None:
    cohort = make_cohort(classes=2 if kind == "classes" else 0)
    plan = make_plan(kind, model=small.model(name), design=small.design("repeated_kfold"), bootstraps=0, permutations=0,
                     sets={"combined": ("clinical", "radiomics")}, comparator=None)
    found = train(cohort, plan, workers=0)
    assert set(found.predictions["scale"]) == ({"risk"} if kind == "survival" else {"probability"})
    assert np.isfinite(found.predictions["score"]).all()
    assert judged(found.predictions, cohort) > 0.55
    assert certified(found)


@pytest.mark.usefixtures("quick_fits")
@pytest.mark.parametrize("name", SELECTORS)
def test_every_selector_works_in_the_pipeline(name: str, make_cohort: Maker, make_plan: Maker) -> None:
    kind = "survival" if name in FOR_SURVIVAL else "classes"
    cohort = make_cohort(classes=0 if kind == "survival" else 2)
    plan = make_plan(kind, selector=small.selector(name), design=small.design("repeated_kfold"), bootstraps=0,
                     permutations=0, sets={"combined": ("clinical", "radiomics")}, comparator=None)
    found = train(cohort, plan, workers=0, repeat_measurements=readers(cohort) if name == "robust" else None)
    assert certified(found) and {"select", "agreement"} & set(found.certificate["steps"])
    chosen = set(found.selections["feature"])
    assert {"age", "size"} < chosen
    assert {"component_1" if name == "pca" else "f1"} < chosen
    if name == "robust":
        assert "f11" not in chosen and "f10" in chosen


@pytest.mark.parametrize("name", THRESHOLDS)
def test_every_threshold_travels_with_its_fold(name: str, make_cohort: Maker, make_plan: Maker) -> None:
    kind = "survival" if name in SURVIVAL_THRESHOLDS else "classes"
    found = train(make_cohort(classes=0 if kind == "survival" else 2),
                  make_plan(kind, threshold={name: {}}, bootstraps=0, permutations=0), workers=0).predictions
    assert (found.groupby(["model", "repeat", "fold"])["threshold"].nunique() == 1).all()


def test_three_classes_give_three_rows_per_patient(make_cohort: Maker, make_plan: Maker) -> None:
    found = train(make_cohort(classes=3), make_plan(), workers=0)
    rows = found.predictions.groupby(["model", "repeat", "patient_id"])
    assert (rows["target"].nunique() == 3).all()
    assert np.allclose(rows["score"].sum(), 1)
    assert (rows["truth"].sum() == 1).all()


def judged(predictions: pd.DataFrame, cohort: Cohort, model: str = "combined") -> float:
    """Return the fold-wise AUC or C of one model in the first repeat."""
    rows = predictions[(predictions["model"] == model) & (predictions["repeat"] == 0)]
    survival = cohort.outcome.kind == "survival"
    y = rows[["time_months", "event"]].to_numpy() if survival else rows["truth"].to_numpy()
    return concordance(rows[["score"]].to_numpy(), y, rows["fold"].to_numpy(int), 0 if survival else 2)


FOR_SURVIVAL = tuple(n for n in SELECTORS if "classes" not in pick(SELECTORS, {n: {}}, seed=1)().kinds)


def test_noise_scores_near_chance(make_cohort: Maker, make_plan: Maker) -> None:
    plan = make_plan(bootstraps=0, permutations=0, sets={"combined": ("clinical", "radiomics")}, comparator=None,
                     design=small.design("repeated_kfold"))
    values = []
    for seed in range(16):
        cohort = make_cohort(signal=0.0, features=100, patients=60, seed=seed)
        values.append(judged(train(cohort, plan, workers=0).predictions, cohort))
    assert abs(np.mean(values) - 0.5) <= 4 * np.std(values) / 4


@pytest.mark.parametrize("kind", ["classes", "survival"])
def test_workers_change_no_byte(kind: str, make_cohort: Maker, make_plan: Maker) -> None:
    cohort, plan = make_cohort(classes=2 if kind == "classes" else 0), make_plan(kind, permutations=60, stop_after=3)
    one, two = (train(cohort, plan, workers=workers) for workers in (0, 2))
    for name in ("predictions", "resamples", "selections", "fits"):
        pd.testing.assert_frame_equal(getattr(one, name), getattr(two, name), check_exact=True)
    assert one.final == two.final


def test_an_empty_selection_is_the_no_information_model_and_is_counted(make_cohort: Maker, make_plan: Maker) -> None:
    plan = make_plan(selector=({"anova": {"k": None, "q": 1e-9}},), bootstraps=0, permutations=0,
                     sets={"radiomics": ("radiomics",), "combined": ("clinical", "radiomics")}, comparator="radiomics")
    found = train(make_cohort(signal=0.0), plan, workers=0)
    rows = found.predictions[found.predictions["model"] == "radiomics"]
    assert (rows.groupby(["repeat", "fold"])["score"].nunique() == 1).all()
    fits = found.fits.set_index("model")
    assert fits["empty"].all() and fits.loc["radiomics", "no_information"].all()
    assert not fits.loc["combined", "no_information"].any()
    assert found.final["radiomics"]["no_information"]


def test_the_formula_of_the_final_model_gives_its_scores(make_cohort: Maker, make_plan: Maker) -> None:
    cohort, plan = make_cohort(), make_plan(bootstraps=0, permutations=0)
    final = train(cohort, plan, workers=0).final["combined"]
    x = cohort.table[final["features"]].fillna(dict(zip(final["features"], final["fill"], strict=True))).to_numpy()
    by_hand = 1 / (1 + np.exp(-(x @ np.array(final["coefficients"][0]) + final["intercept"][0])))
    problem = make_problem(cohort, plan, dict(cohort.blocks))
    everyone = np.arange(60)
    assert np.allclose(by_hand, make_ready(Sample(problem, everyone), plan.sets["combined"]).scores(everyone)[:, 0])
    assert final["formula"][0].count("×") == len(final["features"])


def test_a_svm_is_recalibrated_without_changing_the_order(make_cohort: Maker, make_plan: Maker) -> None:
    problem: Problem = make_problem(make_cohort(), make_plan(model={"svm": {}}), dict(make_cohort().blocks))
    ready = make_ready(Sample(problem, np.arange(60)), ("clinical", "radiomics"))
    raw, calibrated = ready.fitted.scores(np.arange(60), {})[:, 0], ready.scores(np.arange(60))[:, 0]
    assert ready.scale == "probability" and ready.recalibration is not None
    assert (np.argsort(raw, kind="stable") == np.argsort(calibrated, kind="stable")).all()


def test_robust_without_a_second_reader_is_refused(make_cohort: Maker, make_plan: Maker) -> None:
    with pytest.raises(RadnbError, match="second reader"):
        train(make_cohort(), make_plan(selector=({"robust": {}}, {"anova": {}})), workers=0)


def test_the_dicts_do_not_overlap() -> None:
    assert len(MODELS) == len(CLASSIFIERS) + len(SURVIVORS)
