"""What does each part of the honesty panel cost, on a table of 200 patients by 1000 features?

`python benchmarks/honesty.py` trains one binary study with 200 permutations that all run, 50 sets of random features,
volume and clinical facts alone, complete cases, the learning curve and the leak certificate, and prints the processor
seconds of each and the seconds on the clock, with and without the panel. `--markdown FILE` also writes the table.
"""

from __future__ import annotations

import argparse
import os
import platform
import time
from dataclasses import replace
from pathlib import Path

import numpy as np
import pandas as pd

from radnb.features.assemble import Cohort, Outcome
from radnb.learning.plan import Controls, Plan, Trained
from radnb.learning.training import train

PANEL = ("certificate", "permutation", "permutation_added", "random_features", "volume_only", "clinical_only",
         "learning_curve", "complete_cases")
MODELS = {"ridge_logistic": {}, "logistic": {}, "svm": {}, "random_forest": {"trees": 200}}


def made(patients: int, features: int, seed: int = 1) -> Cohort:
    """Make a cohort whose features come in correlated groups of ten, with some gaps and a weak signal."""
    rng = np.random.default_rng(seed)
    groups = -(-features // 10)
    x = (0.8 * np.repeat(rng.normal(size=(patients, groups)), 10, axis=1)[:, :features]
         + 0.6 * rng.normal(size=(patients, features)))
    clinical = rng.normal(size=(patients, 3))
    y = (x[:, :5].mean(1) + 0.5 * clinical[:, 0] + rng.logistic(size=patients) > 0).astype(int)
    x[rng.random(patients) < 0.1, features // 2:] = np.nan
    names = ("original_shape_MeshVolume", *(f"feature_{i}" for i in range(1, features)))
    beside = ("age", "sex", "ca199")
    table = pd.DataFrame(np.hstack([x, clinical]), columns=[*names, *beside])
    table = pd.concat([pd.DataFrame({"patient_id": [f"P{i:04d}" for i in range(patients)]}), table,
                       pd.DataFrame({"outcome": y})], axis=1)
    none = pd.DataFrame(columns=["patient_id", "stage", "reason"])
    return Cohort(table, {"radiomics": names, "clinical": beside}, Outcome("classes", "finding", ("no", "yes")),
                  table[["patient_id"]], none)


def plan(model: str) -> Plan:
    """Return the study: combined model, five folds once, 200 permutations none of which may be skipped."""
    return Plan(sets={"combined": ("clinical", "radiomics")}, model={model: MODELS[model]}, primary="combined",
                design={"repeated_kfold": {"repeats": 1}}, bootstraps=0, permutations=200, stop_after=201,
                controls=Controls())


def timed(cohort: Cohort, one: Plan, workers: int) -> tuple[float, Trained]:
    """Return the seconds on the clock and what came out."""
    start = time.perf_counter()
    found = train(cohort, one, workers=workers)
    return time.perf_counter() - start, found


def main() -> None:
    """Print a table of costs."""
    given = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    given.add_argument("--patients", type=int, default=200)
    given.add_argument("--features", type=int, default=1000)
    given.add_argument("--workers", type=int, default=2)
    given.add_argument("--models", nargs="*", default=["ridge_logistic"], choices=list(MODELS))
    given.add_argument("--markdown", type=Path)
    asked = given.parse_args()
    cohort, lines = made(asked.patients, asked.features), []
    for model in asked.models:
        timed(made(40, 20), plan(model), asked.workers)  # what is loaded once is not counted
        whole, found = timed(cohort, plan(model), asked.workers)
        bare, _ = timed(cohort, replace(plan(model), permutations=0, controls=Controls(on=False)), asked.workers)
        lines += [f"{model}: {asked.patients} x {asked.features}, {asked.workers} workers of {os.cpu_count()} cores, "
                  f"Python {platform.python_version()}", "", "| control | fits | processor s | ms a fit |",
                  "|---|---|---|---|"]
        costs = [(kind, cost["fits"], cost["seconds"]) for kind, cost in found.costs.items() if kind in PANEL]
        lines += [f"| {kind} | {fits:.0f} | {used:.2f} | {1000 * used / fits:.1f} |" for kind, fits, used in costs]
        lines += ["", f"On the clock: {whole:.1f} s with the panel, {bare:.1f} s with cross-validation and certificate "
                  "alone.", ""]
    print("\n".join(lines))
    if asked.markdown:
        asked.markdown.write_text("\n".join(lines), encoding="utf-8")


if __name__ == "__main__":
    main()
