"""In noise nothing is seen, and leaky procedures are: a small part of benchmarks/noise.py."""

from __future__ import annotations

import runpy
from pathlib import Path

import numpy as np
import pytest

noise = runpy.run_path(str(Path(__file__).parents[2] / "benchmarks" / "noise.py"))
PATIENTS, FEATURES, SEEDS = 40, 60, 10
TOLERANCE = 4 * 0.095 / np.sqrt(SEEDS)  # 0.095: SD over cohorts of an AUC of 20 against 20 without information
QUICK = [("selector", name) for name in ("anova", "wilcoxon", "mrmr", "robust", "none")] + [
    ("survival selector", name) for name in ("univariable_cox", "mrmr", "robust")] + [
    ("classifier", name) for name in ("logistic", "ridge_logistic", "svm", "guided_ridge")] + [
    ("survival learner", name) for name in ("cox", "ridge_cox")]


@pytest.mark.parametrize(("group", "name"), QUICK)
def test_noise_scores_near_chance(group: str, name: str) -> None:
    found = [noise["honest"](group, name, seed, PATIENTS, FEATURES) for seed in range(SEEDS)]
    assert abs(np.mean(found) - 0.5) <= TOLERANCE
    assert np.std(found) > 0


@pytest.mark.parametrize("name", noise["LEAKS"])
def test_a_leaky_procedure_sees_much_in_noise(name: str) -> None:
    assert np.mean([noise["leaky"](name, seed, 80, 400) for seed in range(2)]) > noise["LEAKY"]


def test_everything_that_a_card_may_name_is_tried() -> None:
    tried = {name for names in noise["plans"]().values() for name in names}
    assert tried == {*noise["SELECTORS"], *noise["CLASSIFIERS"], *noise["SURVIVORS"]}


def test_the_page_says_what_is_not_as_it_must_be() -> None:
    table = noise["measured"]([("selector", "anova"), ("leak", "selection before cross-validation")], 3, workers=0,
                              patients=PATIENTS, features=FEATURES, label=None)
    wrong = table.assign(ok=False, fault="it failed")
    assert "2 of 2 are as they must be" in noise["markdown"](table.assign(ok=True), 3)
    assert "NO it failed" in noise["markdown"](wrong, 3)
