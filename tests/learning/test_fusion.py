"""Late fusion: scores of blocks beside other columns, learned from inner out-of-fold scores."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

from radnb.errors import RadnbError
from radnb.learning.arrays import make_problem
from radnb.learning.fitting import Fused, fit, out_of_fold, view
from radnb.learning.fusion import FUSIONS, blocks_of, late, layout
from radnb.learning.linear import fit_logistic
from radnb.learning.problem import Sample
from radnb.learning.training import train

Maker = Callable[..., Any]
SETS = {"clinical": ("clinical",), "nomogram": {"late": {"scores": ["radiomics"], "beside": ["clinical"]}},
        "mean": {"late": {"scores": ["radiomics", "clinical"], "by": "mean"}}}


@pytest.mark.parametrize(("classes", "kind"), [(2, "classes"), (3, "classes"), (0, "survival")])
def test_every_fusion_scores_every_patient(classes: int, kind: str, make_cohort: Maker, make_plan: Maker) -> None:
    found = train(make_cohort(classes=classes), make_plan(kind, sets=SETS, primary="nomogram"), workers=0)
    assert np.isfinite(found.predictions["score"]).all()
    assert set(found.predictions["model"]) == set(SETS)
    kinds = {"bootstrap" if classes else "half_sample", "permutation", "permutation_added"}
    assert kinds <= set(found.resamples["kind"])


def test_the_regression_learns_from_inner_out_of_fold_scores(make_cohort: Maker, make_plan: Maker) -> None:
    cohort = make_cohort()
    problem = make_problem(cohort, make_plan(sets=SETS, primary="nomogram"), dict(cohort.blocks))
    train_rows, test = np.arange(45), np.arange(45, 60)
    seen = view(Sample(problem, train_rows))
    fused = fit(seen, problem.sets["nomogram"])
    assert isinstance(fused, Fused)
    held, _ = out_of_fold(seen, ("radiomics",), 0)
    link = np.log(np.clip(held, 1e-3, 1 - 1e-3) / (1 - np.clip(held, 1e-3, 1 - 1e-3)))
    beside = seen.sample.table(("clinical",)).values
    mine = fit_logistic(np.hstack([(link - link.mean()) / link.std(), beside[train_rows]]), problem.y[train_rows], 1e-3)
    part = fit(seen, ("radiomics",)).scores(test, {})
    x = (np.log(np.clip(part, 1e-3, 1 - 1e-3) / (1 - np.clip(part, 1e-3, 1 - 1e-3))) - link.mean()) / link.std()
    own = 1 / (1 + np.exp(-mine.scores(np.hstack([x, beside[test]]))))
    assert fused.scores(test, {}) == pytest.approx(own, abs=1e-10)


def test_the_mean_of_scores_is_their_mean(make_cohort: Maker, make_plan: Maker) -> None:
    cohort = make_cohort()
    problem = make_problem(cohort, make_plan(sets=SETS, primary="nomogram"), dict(cohort.blocks))
    seen, rows = view(Sample(problem, np.arange(45))), np.arange(45, 60)
    each = [fit(seen, blocks).scores(rows, {}) for blocks in (("radiomics",), ("clinical",))]
    assert fit(seen, problem.sets["mean"]).scores(rows, {}) == pytest.approx(np.mean(each, axis=0), abs=1e-12)


def test_the_formula_of_a_fusion_is_told_with_its_parts(make_cohort: Maker, make_plan: Maker) -> None:
    sets = {**SETS, "radiomics": ("radiomics",)}
    found = train(make_cohort(), make_plan(sets=sets, primary="nomogram", bootstraps=0, permutations=0), workers=0)
    final = found.final["nomogram"]
    assert final["features"] == ["score:radiomics", "age", "size"]
    assert "score:radiomics" in final["fusion"][0]
    assert "f0" in final["parts"]["score:radiomics"]["formula"][0]
    chosen = found.selections[found.selections["model"] == "nomogram"].groupby(["repeat", "fold"])["feature"].apply(set)
    alone = found.selections[found.selections["model"] == "radiomics"].groupby(["repeat", "fold"])["feature"].apply(set)
    assert all(mine == {"score:radiomics", "age", "size"} | inside for mine, inside in zip(chosen, alone, strict=True))


def test_layouts_are_read_from_the_card() -> None:
    assert blocks_of(layout(SETS["nomogram"])) == ("radiomics", "clinical")
    assert layout(["a", "b"]) == ("a", "b")
    assert set(FUSIONS) == {"late"}
    with pytest.raises(RadnbError, match="by: regression"):
        late(scores=["a"], beside=["b"], by="mean")
    with pytest.raises(RadnbError, match="at least one block"):
        late(scores=[])


def test_an_unknown_block_of_a_fusion_is_refused(make_cohort: Maker, make_plan: Maker) -> None:
    with pytest.raises(RadnbError, match="radiomics"):
        train(make_cohort(), make_plan(sets={"x": {"late": {"scores": ["radiomic"]}}}, primary="x", comparator=None))
