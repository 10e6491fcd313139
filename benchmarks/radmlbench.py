"""How well does the default recipe tell patients apart on public radiomics tables, and how much is luck?

Runs one card, the same for every table, through radnb's own `train` on each csv table of a folder (columns ID and
Target, 0 or 1; every other column is a feature), and beside it a small grid of common pipelines: its best pipeline as
if it had been known, and the honest estimate that chooses it anew in inner folds of each training part.  The folder is
RADNB_DATA (or its subfolder radmlbench); bars come from benchmark_auc.csv there or one folder above, where it is.

    RADNB_DATA=/data python benchmarks/radmlbench.py --repeats 3
    RADNB_DATA=/data/other_tables python benchmarks/radmlbench.py --repeats 2 --tables A,B

AUCs are those of the benchmark: repeated stratified 10-fold cross-validation, the scores of all folds pooled; radnb's
own fold-wise AUC stands beside.  What was computed for a table is kept in a temporary folder and reused.
"""

from __future__ import annotations

import argparse
import dataclasses
import os
import sys
import tempfile
import time
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from radnb.features.assemble import Cohort, Outcome
from radnb.learning import recipe
from radnb.learning.plan import Plan
from radnb.learning.training import train
from radnb.statistics.discrimination import auc, auc_within
from radnb.work.files import read_json, sha256_file, sha256_json, write_json, write_text

HERE = Path(__file__).parent
FOLDS, BAR, AIM = 10, 0.730, 0.758
BLOCK = "radiomics"
RECIPE: dict[str, Any] = {**recipe.RECIPE, "selector": (recipe.RECIPE["selector"],)}
GRID: dict[str, Any] = {"selectors": [{"anova": {}}, {"mrmr": {}}],
                        "models": [{"ridge_logistic": {}}, {"svm": {"kernel": "rbf"}},
                                   {"random_forest": {"trees": 100}}],
                        "features": [8, 16, 32]}
BARS = {"LASSO-16 + RF": "FIXED LASSO(N=16)+RandomForest(RF_n_estimators=250), no decorrelation",
        "TabPFN": "TabPFN (32 features budget)",
        "best of 616": "best of grid, decorrelation r>1.0 (second stored run)"}


def folder_of(given: Path | None) -> Path:
    """Return the folder with the tables."""
    folder = given or Path(os.environ.get("RADNB_DATA", ""))
    if not str(folder) or not folder.is_dir():
        raise SystemExit("Set RADNB_DATA (or --folder) to a folder with tables in the manner of radMLBench.")
    return folder / "radmlbench" if (folder / "radmlbench").is_dir() else folder


def tables_of(folder: Path, wanted: Sequence[str]) -> list[Path]:
    """Return the csv files with a column Target, the named ones where names are given."""
    found = [path for path in sorted(folder.glob("*.csv")) if "Target" in pd.read_csv(path, nrows=0).columns]
    lost = set(wanted) - {path.stem for path in found}
    if lost or not found:
        raise SystemExit(f"{folder}: no table {', '.join(sorted(lost)) or 'with a column Target'}.")
    return [path for path in found if not wanted or path.stem in wanted]


def cohort_of(path: Path) -> Cohort:
    """Read a table as a cohort with one block of features."""
    table = pd.read_csv(path)
    ids = table["ID"].astype(str) if "ID" in table else pd.Series(np.arange(len(table)).astype(str))
    features = table.drop(columns=["Target", "ID"], errors="ignore").apply(pd.to_numeric, errors="coerce")
    features = features.replace([np.inf, -np.inf], np.nan).astype(float)
    head = pd.DataFrame({"patient_id": ids, "centre": "all", "outcome": table["Target"].astype(int)})
    return Cohort(pd.concat([head, features], axis=1), {BLOCK: tuple(features.columns)},
                  Outcome("classes", "target", ("no", "yes")), head[["patient_id"]],
                  pd.DataFrame(columns=["patient_id", "stage", "reason"]))


def plan_of(recipe: Mapping[str, Any], *, repeats: int, seed: int, **more: Any) -> Plan:
    """Return the plan of a recipe: cross-validation alone, without intervals, permutations or controls."""
    base = Plan(sets={BLOCK: (BLOCK,)}, primary=BLOCK, prespecified=(), bootstraps=0, permutations=0, seed=seed,
                design={"repeated_kfold": {"folds": FOLDS, "repeats": repeats}}, model=recipe["model"])
    quiet = dataclasses.replace(base.controls, on=False)
    return dataclasses.replace(base, **{**recipe, "controls": quiet, **more})


def aucs(rows: pd.DataFrame) -> tuple[list[float], list[float]]:
    """Return, for each repeat, the AUC of the pooled scores and that within folds."""
    each = [part for _, part in rows.groupby("repeat", sort=True)]
    return ([float(auc(part["score"], part["truth"])) for part in each],
            [float(auc_within(part["score"], part["truth"], part["fold"].astype(int))) for part in each])


def measured(path: Path, repeats: int, grid_repeats: int, seed: int, workers: int | None) -> dict[str, Any]:
    """Measure the recipe and the grid on one table."""
    cohort, start = cohort_of(path), time.monotonic()
    made = train(cohort, plan_of(RECIPE, repeats=repeats, seed=seed), workers=workers)
    pooled, within = aucs(made.predictions)
    found = {"table": path.stem, "patients": len(cohort.table), "features": len(cohort.blocks[BLOCK]),
             "positive": int(cohort.table["outcome"].sum()), "pooled": pooled, "within": within,
             "seconds": time.monotonic() - start}
    return found | (grid_measured(cohort, grid_repeats, seed, workers) if grid_repeats else {})


def grid_measured(cohort: Cohort, repeats: int, seed: int, workers: int | None) -> dict[str, Any]:
    """Measure the grid: its pipelines each for itself, and the estimate that nests the choice."""
    start = time.monotonic()
    made = train(cohort, plan_of(RECIPE, repeats=repeats, seed=seed, grid=GRID), workers=workers)
    ways = {str(note): float(np.mean(aucs(rows)[0])) for note, rows in made.candidates.groupby("note", sort=True)}
    return {"ways": ways, "nested": aucs(made.predictions)[0], "grid_seconds": time.monotonic() - start}


def kept(path: Path, cache: Path, settings: Mapping[str, Any], workers: int | None) -> dict[str, Any]:
    """Return what was measured on a table with these settings, computing it where it was not."""
    key = sha256_json({"file": sha256_file(path), "recipe": RECIPE, "grid": GRID, **settings})[:16]
    place = cache / f"{path.stem}_{key}.json"
    if not place.is_file():
        write_json(place, measured(path, settings["repeats"], settings["grid_repeats"], settings["seed"], workers))
    found: dict[str, Any] = read_json(place)
    return found


def bars_of(folder: Path) -> pd.DataFrame:
    """Return the published AUCs: one row per table, one column per bar; empty where there is no such file."""
    path = next((one for one in (folder / "benchmark_auc.csv", folder.parent / "benchmark_auc.csv") if one.is_file()),
                None)
    if path is None:
        return pd.DataFrame(columns=list(BARS))
    wide = pd.read_csv(path).pivot_table(index="dataset", columns="method", values="auc")
    return pd.DataFrame({name: wide.get(method, np.nan) for name, method in BARS.items()})


def summary(found: Sequence[Mapping[str, Any]], bars: pd.DataFrame) -> pd.DataFrame:
    """Return one row per table and a last one of means; SD is that over repeats, in the last row of the mean AUC."""
    rows = []
    for one in found:
        row = {"table": one["table"], "n": one["patients"], "p": one["features"], "recipe": np.mean(one["pooled"]),
               "SD": np.std(one["pooled"], ddof=1) if len(one["pooled"]) > 1 else np.nan,
               "fold-wise": np.mean(one["within"])}
        if "nested" in one:
            best = max(one["ways"].values())
            nested = float(np.mean(one["nested"]))
            row |= {"best of grid": best, "nested": nested, "winner's curse": best - nested}
        rows.append(row | {name: bars[name].get(one["table"], np.nan) for name in bars})
    table = pd.DataFrame(rows)
    means = table.drop(columns=["table", "n", "p", "SD"]).mean().to_dict()
    each = np.array([one["pooled"] for one in found])
    spread = each.mean(0).std(ddof=1) if each.shape[1] > 1 else np.nan
    return pd.concat([table, pd.DataFrame([{"table": "mean", "SD": spread, **means}])], ignore_index=True)


def verdict(table: pd.DataFrame, given: argparse.Namespace) -> str:
    """Say in sentences what the table means."""
    mean, whole = table.iloc[-1], len(table) - 1
    text = (f"Mean AUC of the recipe over {whole} tables: {mean['recipe']:.4f} (SD over {given.repeats} repeats "
            f"{mean['SD']:.4f}); fold-wise {mean['fold-wise']:.4f}.")
    for name in (one for one in BARS if one in table and not np.isnan(mean[one])):
        text += f" {name}: {mean[name]:.4f}."
    if "nested" in table:
        text += (f" The best of the grid on each table seems to reach {mean['best of grid']:.4f}; choosing it honestly "
                 f"gives {mean['nested']:.4f}: the winner's curse is {mean['''winner's curse''']:.4f}.")
    return text


def markdown(table: pd.DataFrame, text: str, given: argparse.Namespace) -> str:
    """Write the result as a page."""
    cells = [[("" if pd.isna(v) else f"{v:.0f}" if c in ("n", "p") else f"{v:.3f}" if isinstance(v, float) else str(v))
              for c, v in row.items()] for _, row in table.iterrows()]
    lines = ["# The default recipe on public radiomics tables", "",
             f"Made by `benchmarks/radmlbench.py --repeats {given.repeats} --grid-repeats {given.grid_repeats} "
             f"--seed {given.seed}`: one card for all tables, stratified {FOLDS}-fold cross-validation, the scores of "
             "all folds pooled. SD: over repeats. Best of grid: the best of the grid's pipelines on each table as if "
             "it had been known; nested: chosen anew in inner folds of each training part.", "",
             f"Recipe: `{RECIPE}`.", "", f"Grid: `{GRID}`.", "", text, "",
             "| " + " | ".join(table.columns) + " |", "|---|" + "---:|" * (len(table.columns) - 1),
             *("| " + " | ".join(row) + " |" for row in cells)]
    return "\n".join(lines) + "\n"


def main(arguments: Sequence[str]) -> None:
    """Measure the tables of a folder, print the result and write it down."""
    ask = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    ask.add_argument("--folder", type=Path, help="the tables, where RADNB_DATA does not name them")
    ask.add_argument("--tables", default="", help="names, with commas between")
    ask.add_argument("--repeats", type=int, default=3)
    ask.add_argument("--grid-repeats", type=int, default=1, help="of the grid and its nested choice; 0: leave it out")
    ask.add_argument("--seed", type=int, default=7)
    ask.add_argument("--workers", type=int)
    ask.add_argument("--cache", type=Path, default=Path(tempfile.gettempdir()) / "radnb_radmlbench")
    ask.add_argument("-o", "--out", type=Path, help="the page; default benchmarks/radmlbench.md for a whole folder")
    given = ask.parse_args(arguments)
    folder = folder_of(given.folder)
    names = [one for one in given.tables.split(",") if one]
    given.cache.mkdir(parents=True, exist_ok=True)
    settings = {"repeats": given.repeats, "grid_repeats": given.grid_repeats, "seed": given.seed}
    found = []
    for path in tables_of(folder, names):
        found.append(one := kept(path, given.cache, settings, given.workers))
        nested = f", nested choice {np.mean(one['nested']):.3f}" if "nested" in one else ""
        sys.stdout.write(f"{path.stem}: {np.mean(one['pooled']):.3f}{nested} ({one['seconds']:.0f} s)\n")
        sys.stdout.flush()
    table = summary(found, bars_of(folder))
    text = verdict(table, given)
    sys.stdout.write(table.round(3).to_string(index=False) + "\n" + text + "\n")
    reached = table.iloc[-1]["recipe"]
    sys.stdout.write(f"At least {BAR}: {'yes' if reached >= BAR else 'NO'}; the aim of {AIM}: "
                     f"{'yes' if reached >= AIM else 'no'}\n")
    out = given.out or (None if names else HERE / "radmlbench.md")
    if out:
        write_text(out, markdown(table, text, given))


if __name__ == "__main__":
    main(sys.argv[1:])
