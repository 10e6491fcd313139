"""Do the reports tell the truth? Many synthetic cohorts of known truth walk the road at feature level.

`python benchmarks/truth.py --null --cohorts 40` counts false alarms and the coverage of the stated intervals where
nothing is to be found; without `--null` it compares the models with the best attainable score on the same patients.
"""

from __future__ import annotations

import argparse
import os
import tempfile
from pathlib import Path

import pandas as pd

from radnb import workbook
from radnb.cohort.synth import SYNTH, truth
from radnb.work.parallel import Failure, map_cases

ORACLE = {"demo-grading": "grade", "demo-differential-diagnosis": "diagnosis", "demo-lymph-node-metastasis": "nodes",
          "demo-survival": "overall_survival"}
FAST = {"inference.bootstraps": 50, "inference.permutations": 199, "design": {"repeated_kfold": {"repeats": 10}}}
HEADLINE = ["auc", "c_index"]


def walk(task: tuple[str, int, int, bool]) -> dict[str, object]:
    """Return the headline figures of one study on one cohort, with the oracle among the models."""
    study, seed, n, null = task
    os.environ["RADNB_WORKERS"] = "1"
    with tempfile.TemporaryDirectory() as folder:
        os.environ["RADNB_CACHE"] = f"{folder}/cache"
        SYNTH["pancreas"](Path(folder) / "cohort", seed=seed, n=n, null=null, images=False)
        run = workbook.open_run(study, manifest=f"{folder}/cohort/manifest.yaml", overrides=FAST, out_dir=folder)
        measured = workbook.measure(run)
        cohort = workbook.assemble(run, measured)
        trained = workbook.train(run, cohort, measured)
        row = figures(study, seed, workbook.evaluate(run, cohort, trained))
        if null:
            return row
        facts, risks = truth(Path(folder) / "cohort")
        stated = facts["outcomes"][ORACLE[study]]
        return row | {"images_add": stated["images_add"]} | against_oracle(study, run, cohort, trained, risks)


def figures(study: str, seed: int, found: workbook.Evaluation) -> dict[str, object]:
    """Return estimate, interval and p of the primary model, and its difference from the comparator."""
    metrics = found.metrics.set_index(["model", "metric"])
    metric = next(name for name in HEADLINE if ("combined", name) in metrics.index)
    mine, gain = metrics.loc["combined", metric], metrics.loc["combined - clinical", f"{metric}_difference"]
    return {"study": study, "seed": seed, "n": mine["n"], "events": mine["events"], "value": mine["value"],
            "low": mine["low"], "high": mine["high"], "p": metrics.loc[("combined", "permutation_p"), "value"],
            "p_added": metrics.loc[("combined - clinical", "permutation_p"), "value"],
            "gain": gain["value"], "gain_low": gain["low"], "gain_high": gain["high"], "verdict": found.verdict.kind}


def against_oracle(study: str, run: workbook.Run, cohort: workbook.Cohort, trained: workbook.Trained,
                   risks: pd.DataFrame) -> dict[str, object]:
    """Return the paired difference of the primary model from the best attainable score, same patients and folds."""
    best = risks.astype({"patient_id": str}).set_index("patient_id")[ORACLE[study]]

    def with_oracle(table: pd.DataFrame) -> pd.DataFrame:
        mine = table[table["model"] == "combined"]
        if "kind" in mine:
            mine = mine[mine["kind"].isin(["bootstrap", "half_sample"])]
        scored = mine.assign(model="oracle", score=mine["patient_id"].map(best), threshold=float("nan"))
        return pd.concat([mine, scored], ignore_index=True)

    found = workbook.evaluate_tables(with_oracle(trained.predictions), with_oracle(trained.resamples),
                                     outcome=cohort.outcome, primary="combined", comparator="oracle",
                                     decision=(0.1, 0.6)).metrics.set_index(["model", "metric"])
    metric = next(name for name in HEADLINE if ("combined", name) in found.index)
    gap = found.loc["combined - oracle", f"{metric}_difference"]
    return {"oracle": found.loc[("oracle", metric), "value"], "gap": gap["value"], "gap_low": gap["low"],
            "gap_high": gap["high"]}


def main() -> None:
    """Walk all cohorts and print what was found."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--null", action="store_true")
    parser.add_argument("--cohorts", type=int, default=40)
    parser.add_argument("--n", type=int, default=120)
    parser.add_argument("--first-seed", type=int, default=1000)
    parser.add_argument("--study", choices=ORACLE, action="append")
    parser.add_argument("--out", type=Path)
    given = parser.parse_args()
    tasks = [(study, given.first_seed + k, given.n, given.null) for study in given.study or ["demo-grading"]
             for k in range(given.cohorts)]
    ended = dict(map_cases(walk, tasks, label="Cohorts", unit="cohort"))
    table = pd.DataFrame([ended[k] for k in range(len(tasks)) if not isinstance(ended[k], Failure)])
    for k, task in enumerate(tasks):
        if isinstance(ended[k], Failure):
            print(f"{task}: {ended[k].message}")
    if given.out:
        table.to_csv(given.out, index=False)
    for study, rows in table.groupby("study"):
        if given.null:
            inside = ((rows["low"] <= 0.5) & (rows["high"] >= 0.5)).mean()
            print(f"{study}: {len(rows)} null cohorts, p < 0.05 in {(rows['p'] < 0.05).sum()}, p of the added "
                  f"block < 0.05 in {(rows['p_added'] < 0.05).sum()}, interval covers 0.5 in "
                  f"{inside:.1%}, mean {rows['value'].mean():.3f}, improved {(rows['verdict'] == 'improved').sum()}")
        else:
            print(f"{study}: {len(rows)} cohorts, images add: {rows['images_add'].all()}, "
                  f"model {rows['value'].mean():.3f}, oracle {rows['oracle'].mean():.3f}, "
                  f"interval above the oracle {(rows['gap_low'] > 0).sum()}, "
                  f"combined above clinical {(rows['gain'] > 0).sum()}, shown to improve "
                  f"{(rows['verdict'] == 'improved').sum()}")


if __name__ == "__main__":
    main()
