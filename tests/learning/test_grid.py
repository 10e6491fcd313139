"""A grid of selectors, models and numbers of features: shared work, the same results as each way alone."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

from radnb.errors import RadnbError
from radnb.learning.arrays import make_problem
from radnb.learning.fitting import fit, out_of_fold, view
from radnb.learning.grid import candidates, label
from radnb.learning.problem import Sample
from radnb.learning.scoring import concordance
from radnb.learning.training import train

Maker = Callable[..., Any]
GRID = {"selectors": [{"anova": {}}, [{"wilcoxon": {"k": 8}}, {"mrmr": {}}], {"none": {}}],
        "models": [{"ridge_logistic": {}}, {"ridge_logistic": {"penalty": 10}}], "features": [2, 4]}


def small(make_plan: Maker, **changes: Any) -> Any:
    return make_plan(bootstraps=0, permutations=0, grid=GRID, **changes)


def test_every_selector_meets_every_model_and_number(make_plan: Maker) -> None:
    chains, ways = candidates(small(make_plan))
    assert len(ways) == (2 * 2 + 1) * 2  # `none` keeps all features whatever number is asked for
    assert len(chains) == 5
    assert len({chain.family for chain in chains}) == 3
    assert {(way.selector, way.features) for way in ways} == {("anova", 2), ("anova", 4), ("none", None),
                                                               ("wilcoxon (k=8) + mrmr", 2),
                                                               ("wilcoxon (k=8) + mrmr", 4)}
    assert label({"ridge_logistic": {"penalty": 10}}) == "ridge_logistic (penalty=10)"


def test_a_shared_selection_scores_as_each_way_alone(make_cohort: Maker, make_plan: Maker) -> None:
    cohort = make_cohort()
    found = train(cohort, small(make_plan), workers=0).candidates
    for number, (chain, model) in {0: ([{"anova": {"k": 2}}], GRID["models"][0]),
                                   6: ([{"wilcoxon": {"k": 8}}, {"mrmr": {"k": 2}}], GRID["models"][1])}.items():
        alone = make_plan(bootstraps=0, permutations=0, selector=tuple(chain), model=model)
        problem = make_problem(cohort, alone, dict(cohort.blocks))
        mine = found[(found["candidate"] == number) & (found["model"] == "combined") & (found["repeat"] == 1)]
        fold = mine.set_index("patient_id").loc[cohort.table["patient_id"], "fold"].to_numpy(int)
        score = mine.set_index("patient_id").loc[cohort.table["patient_id"], "score"].to_numpy()
        for f in range(4):
            own = fit(view(Sample(problem, np.flatnonzero(fold != f))), ("clinical", "radiomics"))
            assert own.scores(np.flatnonzero(fold == f), {})[:, 0] == pytest.approx(score[fold == f], abs=1e-12)


def test_the_best_way_is_chosen_in_inner_folds(make_cohort: Maker, make_plan: Maker) -> None:
    cohort, plan = make_cohort(), small(make_plan)
    found = train(cohort, plan, workers=0)
    problem = make_problem(cohort, plan, dict(cohort.blocks))
    first = found.predictions[(found.predictions["repeat"] == 0) & (found.predictions["fold"] == 0)]
    held = np.flatnonzero(cohort.table["patient_id"].isin(first["patient_id"]))
    seen = view(Sample(problem, np.setdiff1d(np.arange(60), held)))
    values = []
    for number in range(len(problem.candidates)):
        scores, fold = out_of_fold(seen, ("clinical", "radiomics"), number)
        values.append(round(concordance(scores, seen.truth("check"), fold, 2), 12))
    said = found.fits[(found.fits["model"] == "combined") & (found.fits["repeat"] == 0) & (found.fits["fold"] == 0)]
    assert said["tuned"].tolist() == [problem.candidates[int(np.argmax(values))].note]


def test_a_grid_leaves_rows_for_every_way_and_no_grid_leaves_none(make_cohort: Maker, make_plan: Maker) -> None:
    found = train(make_cohort(), small(make_plan), workers=0).candidates
    assert found.groupby(["model", "candidate", "repeat"]).size().eq(60).all()
    assert found["candidate"].nunique() == 10
    assert train(make_cohort(), make_plan(bootstraps=0, permutations=0), workers=0).candidates.empty


@pytest.mark.parametrize(("grid", "mend"), [
    ({"selectors": [{"anovva": {}}]}, "anova"), ({"models": [{"cox": {}}]}, "does not suit a class outcome"),
    ({"features": [0]}, "whole numbers"), ({"feature": [3]}, "features"), ({"models": []}, "at least one")])
def test_a_faulty_grid_is_refused(grid: dict[str, Any], mend: str, make_cohort: Maker, make_plan: Maker) -> None:
    with pytest.raises(RadnbError, match=mend):
        train(make_cohort(), make_plan(grid=grid), workers=0)


def test_folds_that_choose_unlike_models_still_give_probabilities(make_cohort: Maker, make_plan: Maker) -> None:
    plan = make_plan(bootstraps=3, permutations=8, design={"repeated_kfold": {"folds": 4, "repeats": 1}},
                     sets={"radiomics": ("radiomics",)}, primary="radiomics", comparator=None,
                     grid={"models": [{"lda": {}}, {"naive_bayes": {}}]})
    found = train(make_cohort(signal=0.5), plan, workers=0).resamples
    chosen = found.groupby(["kind", "replicate", "split", "model"], dropna=False)["scale"].first()
    assert set(chosen) == {"probability", "linear"}
    likely = found[found["scale"] == "probability"]
    assert likely["score"].between(0, 1).all()
    assert likely[likely["kind"] == "bootstrap"].groupby(["replicate", "split", "model"])["score"].std().min() > 0.01
