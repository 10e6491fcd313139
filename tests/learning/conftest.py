"""Tiny cohorts for the learning floor."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pandas as pd
import pytest

from radnb.features.assemble import Cohort, Outcome
from radnb.learning.plan import Controls, Plan
from radnb.statistics import paths
from radnb.statistics.paths import lambda_grid

SETS = {"clinical": ("clinical",), "radiomics": ("radiomics",), "combined": ("clinical", "radiomics")}


def tiny(*, patients: int = 60, features: int = 12, classes: int = 2, signal: float = 1.5, seed: int = 0) -> Cohort:
    """Make a cohort with three informative features; classes=0 gives survival."""
    rng = np.random.default_rng(seed)
    x, c = rng.normal(size=(patients, features)), rng.normal(size=(patients, 2))
    risk = signal * (x[:, 0] - x[:, 1] + 0.5 * c[:, 0])
    x[:, 2] = x[:, 0] + 0.01 * rng.normal(size=patients)
    x[rng.random(x.shape) < 0.02] = np.nan
    columns = {"radiomics": tuple(f"f{i}" for i in range(features)), "clinical": ("age", "size")}
    table = pd.DataFrame(np.hstack([x, c]), columns=columns["radiomics"] + columns["clinical"])
    table.insert(0, "patient_id", [f"P{i:03d}" for i in range(patients)])
    table.insert(1, "centre", [("north", "south", "east")[i % 3] for i in range(patients)])
    if classes:
        noisy = risk + rng.logistic(size=patients)
        table["outcome"] = np.digitize(noisy, np.quantile(noisy, np.arange(1, classes) / classes))
        outcome = Outcome("classes", "grade", tuple(f"G{k + 1}" for k in range(classes)), ordered=classes > 2)
    else:
        time, limit = rng.exponential(20, patients) * np.exp(-risk / 2), rng.uniform(5, 60, patients)
        table["time_months"], table["event"] = np.minimum(time, limit), (time <= limit).astype(int)
        outcome = Outcome("survival", "overall_survival")
    clinical = table[["patient_id"]].assign(cohort=["train", "train", "external"] * (patients // 3),
                                            ward=[*"abc"] * (patients // 3), year=2010 + np.arange(patients) // 6)
    none = pd.DataFrame(columns=["patient_id", "stage", "reason"])
    return Cohort(table, columns, outcome, clinical, none)


def quick(kind: str = "classes", **changes: object) -> Plan:
    """Make a small plan for the outcome."""
    survival = kind == "survival"
    usual: dict[str, object] = {
        "sets": SETS, "model": {"ridge_cox": {}} if survival else {"ridge_logistic": {}}, "primary": "combined",
        "comparator": "clinical", "selector": ({"univariable_cox": {"k": 4}} if survival else {"anova": {"k": 4}},),
        "threshold": {"median": {}} if survival else {"youden": {}},
        "design": {"repeated_kfold": {"folds": 4, "repeats": 2}}, "bootstraps": 2, "permutations": 4,
        "controls": Controls(on=False)}
    return Plan(**{**usual, **changes})  # type: ignore[arg-type]


@pytest.fixture(scope="session")
def make_cohort() -> Callable[..., Cohort]:
    """Give the maker of tiny cohorts."""
    return tiny


@pytest.fixture(scope="session")
def make_plan() -> Callable[..., Plan]:
    """Give the maker of small plans."""
    return quick


@pytest.fixture
def quick_fits(monkeypatch: pytest.MonkeyPatch) -> None:
    """Take two inner folds instead of five and paths of 15 penalties, enough to run through them."""
    monkeypatch.setattr("radnb.learning.problem.INNER_FOLDS", 2)
    monkeypatch.setattr(paths, "lambda_grid", lambda *given, size, ratio: lambda_grid(*given, size=15, ratio=ratio))
