"""Does any selector, classifier or survival learner see something in noise?  And do leaky procedures?

Cohorts of 80 patients and 800 features without any relation to the outcome: each selector with ridge logistic
regression, each classifier after ANOVA, each survival learner after univariable Cox and each survival selector with Cox
go through radnb's own cross-validated fits.  AUC and C compare pairs within a fold, so that their expectation is 0.5
exactly; the mean over seeds may differ from it by four standard errors.  Three leaky procedures of the literature run
beside them and must exceed 0.65, else this benchmark could not see a leak.

    python benchmarks/noise.py --seeds 100 --workers 2
    python benchmarks/noise.py --seeds 20 --only "classifier blend,selector lasso"

New lines of SELECTORS, CLASSIFIERS and SURVIVORS join by themselves.
"""

from __future__ import annotations

import argparse
import sys
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
from threadpoolctl import threadpool_limits

from radnb.features.assemble import Cohort, Outcome
from radnb.learning.arrays import make_problem
from radnb.learning.fitting import fit, view
from radnb.learning.folds import IntArray, deal
from radnb.learning.kinds import CLASSES, SURVIVAL
from radnb.learning.learners.learner import Learner
from radnb.learning.models import CLASSIFIERS, SURVIVORS
from radnb.learning.plan import Plan
from radnb.learning.problem import Sample
from radnb.learning.scoring import concordance
from radnb.learning.selection import SELECTORS, anova
from radnb.statistics.families import Array
from radnb.work import choices
from radnb.work.files import write_text
from radnb.work.parallel import Failure, map_cases

HERE = Path(__file__).parent
PATIENTS, FEATURES, FOLDS, BEST = 80, 800, 5, 10
ERRORS, LEAKY, FEWEST = 4.0, 0.65, 10
MANY = ("correlation", "none", "robust", "variance", "vif")  # may keep more features than there are patients
OPTIONS: dict[str, dict[str, Any]] = {"named": {"features": [f"f{i}" for i in range(BEST)]}}  # where {} says nothing
BLOCK = "radiomics"
Item = tuple[str, str, int, int, int]  # kind, name, seed, patients, features


def cohort(kind: str, seed: int, patients: int, features: int) -> Cohort:
    """Make a cohort whose features know nothing of the outcome; a half has it, or dies."""
    rng = np.random.default_rng([seed, 11])
    names = tuple(f"f{i}" for i in range(features))
    table = pd.DataFrame(rng.normal(size=(patients, features)), columns=list(names))
    table.insert(0, "patient_id", [f"P{i:03d}" for i in range(patients)])
    half = rng.permutation(np.arange(patients) % 2)
    if kind == SURVIVAL:
        table["time_months"], table["event"] = rng.exponential(20, patients).round(3) + 0.001, half
        outcome = Outcome("survival", "overall_survival")
    else:
        table["outcome"], outcome = half, Outcome("classes", "grade", ("G1", "G2"))
    return Cohort(table, {BLOCK: names}, outcome, table[["patient_id"]],
                  pd.DataFrame(columns=["patient_id", "stage", "reason"]))


def second_reader(first: Cohort, seed: int) -> pd.DataFrame:
    """Measure everybody once more, one half of the features well and the other badly."""
    columns = list(first.blocks[BLOCK])
    noise = np.random.default_rng([seed, 12]).normal(size=(len(first.table), len(columns)))
    size = np.where(np.arange(len(columns)) % 2, 0.1, 3.0)
    measured_again = first.table[columns] + noise * size
    return pd.concat([first.table[["patient_id"]].assign(reader="R2"), measured_again], axis=1)


def kinds_of(name: str) -> tuple[str, ...]:
    """Return the kinds of outcome that a selector suits."""
    return tuple(choices.pick(SELECTORS, {name: {}}, seed=0)().kinds)


def plans() -> dict[str, dict[str, tuple[str, dict[str, Any]]]]:
    """Return what is tried: for each group and name the kind of outcome and what the plan says."""
    first = {CLASSES: {"anova": {"k": BEST}}, SURVIVAL: {"univariable_cox": {"k": BEST}}}
    last = {CLASSES: {"ridge_logistic": {}}, SURVIVAL: {"cox": {}}}
    alone = {CLASSES: {"ridge_logistic": {}}, SURVIVAL: {"ridge_cox": {}}}  # of hundreds of features

    def chain(name: str, kind: str) -> dict[str, Any]:
        model = alone[kind] if name in MANY else last[kind]
        return {"selector": ({name: OPTIONS.get(name, {})},), "model": model}

    return {
        "selector": {name: (CLASSES, chain(name, CLASSES)) for name in SELECTORS if CLASSES in kinds_of(name)},
        "survival selector": {name: (SURVIVAL, chain(name, SURVIVAL)) for name in SELECTORS
                              if SURVIVAL in kinds_of(name)},
        "classifier": {name: (CLASSES, {"selector": (first[CLASSES],), "model": {name: {}}}) for name in CLASSIFIERS},
        "survival learner": {name: (SURVIVAL, {"selector": (first[SURVIVAL],), "model": {name: {}}})
                             for name in SURVIVORS},
    }


def honest(group: str, name: str, seed: int, patients: int, features: int) -> float:
    """Return the AUC or C within folds, of fits that see their training patients only."""
    kind, said = plans()[group][name]
    made = cohort(kind, seed, patients, features)
    plan = Plan(sets={BLOCK: (BLOCK,)}, primary=BLOCK, prespecified=(), seed=seed, prepare={"correlation": None},
                threshold={"median" if kind == SURVIVAL else "youden": {}}, **said)
    repeated = second_reader(made, seed) if name == "robust" else None
    problem = make_problem(made, plan, dict(made.blocks), repeated)
    fold = deal(problem.groups, problem.strata, FOLDS, np.random.default_rng([seed, 13]))
    scores = np.empty((patients, 1))
    for f in range(FOLDS):
        fitted = fit(view(Sample(problem, np.flatnonzero(fold != f))), (BLOCK,))
        scores[fold == f] = fitted.scores(np.flatnonzero(fold == f), {})
    return concordance(scores, problem.y, fold, problem.classes)


def selection_before(x: Array, y: IntArray, fold: IntArray, seed: int) -> float:
    """Select features on all patients, then cross-validate only the model."""
    return crossed(x[:, anova(k=BEST).fit(x, y).support_], y, fold, {"ridge_logistic": {}}, seed)


def oversampling_before(x: Array, y: IntArray, fold: IntArray, seed: int) -> float:
    """Double the rarer class by copies before the folds are dealt, so that copies stand on both sides."""
    rng = np.random.default_rng([seed, 14])
    rare = rng.choice(np.flatnonzero(y == 1), (y == 1).sum() // 2, replace=False)  # make it rare
    kept = np.setdiff1d(np.arange(len(y)), rare)
    few = kept[y[kept] == 1]
    rows = np.concatenate([kept, np.tile(few, 2)])
    dealt = deal(np.arange(len(rows)), y[rows], FOLDS, rng)
    return crossed(x[rows], y[rows], dealt, {"random_forest": {"trees": 20}}, seed)


def combat_before(x: Array, y: IntArray, fold: IntArray, seed: int) -> float:
    """Harmonise all patients at once with the outcome as a covariate, in centres of unequal outcome (Nygaard 2016)."""
    rng = np.random.default_rng([seed, 15])
    centre = np.empty(len(y), np.intp)
    for value in (0, 1):  # 85 in 100 of a centre are of one class
        inside = np.flatnonzero(y == value)
        centre[inside] = (rng.integers(0, 4, len(inside)) + 4 * (value != (rng.random(len(inside)) < 0.15)))
    design = np.column_stack([np.eye(8)[centre][:, np.unique(centre)], y])
    effect = np.linalg.lstsq(design, x, rcond=None)[0]
    rest = x - design @ effect
    even = rest + y[:, None] * effect[-1]
    chosen = [anova(k=BEST).fit(even[fold != f], y[fold != f]).support_ for f in range(FOLDS)]
    scores = np.empty((len(y), 1))
    for f in range(FOLDS):
        model = learner({"ridge_logistic": {}}, seed).fit(even[fold != f][:, chosen[f]], y[fold != f])
        scores[fold == f] = model.scores(even[fold == f][:, chosen[f]])
    return concordance(scores, y.astype(float), fold, 2)


LEAKS: dict[str, Callable[[Array, IntArray, IntArray, int], float]] = {
    "selection before cross-validation": selection_before,
    "oversampling before cross-validation": oversampling_before,
    "ComBat with the outcome before cross-validation": combat_before,
}


def learner(choice: choices.Choice, seed: int) -> Learner:
    """Return a classifier as a card names it."""
    made: Learner = choices.pick(CLASSIFIERS, choice, seed=seed)()
    return made


def crossed(x: Array, y: IntArray, fold: IntArray, model: choices.Choice, seed: int) -> float:
    """Return the AUC within folds of a model alone."""
    scores = np.empty((len(y), 1))
    for f in range(FOLDS):
        scores[fold == f] = learner(model, seed).fit(x[fold != f], y[fold != f]).scores(x[fold == f])
    return concordance(scores, y.astype(float), fold, 2)


def leaky(name: str, seed: int, patients: int, features: int) -> float:
    """Return what a leaky procedure says of noise."""
    made = cohort(CLASSES, seed, patients, features)
    x, y = made.table[list(made.blocks[BLOCK])].to_numpy(), made.table["outcome"].to_numpy(np.intp)
    fold = deal(np.arange(patients), y, FOLDS, np.random.default_rng([seed, 13]))
    return LEAKS[name]((x - x.mean(0)) / x.std(0), y, fold, seed)


def one(item: Item) -> tuple[float, float]:
    """Return AUC or C of one way on one cohort, and the processor seconds."""
    group, name, seed, patients, features = item
    start = time.process_time()
    with threadpool_limits(1):
        value = (leaky(name, seed, patients, features) if group == "leak"
                 else honest(group, name, seed, patients, features))
    return value, time.process_time() - start


def ways(only: Sequence[str]) -> Iterator[tuple[str, str]]:
    """Yield group and name of everything that is tried, or of what is named in words."""
    every = [(group, name) for group, names in plans().items() for name in names] + [("leak", n) for n in LEAKS]
    yield from (way for way in every if not only or any(word in " ".join(way) for word in only))


def measured(wanted: Sequence[tuple[str, str]], seeds: int, *, workers: int, patients: int = PATIENTS,
             features: int = FEATURES, label: str | None = "noise", budget: float | None = None) -> pd.DataFrame:
    """Return for each way the mean AUC or C over seeds, its standard error, and whether it is as it must be.

    With a budget in processor seconds for each way, slow ones get fewer seeds, ten at least.
    """
    told: dict[tuple[str, str], list[tuple[float, float]]] = {way: [] for way in wanted}
    lost: dict[tuple[str, str], str] = {}
    first = seeds if budget is None else min(FEWEST // 2, seeds)
    _add([(*way, seed, patients, features) for seed in range(first) for way in wanted], told, lost, workers, label)
    if first < seeds and budget is not None:
        many = {way: max(FEWEST, min(seeds, int(budget / max(np.mean([cost for _, cost in found]), 1e-3))))
                for way, found in told.items() if found}
        _add([(*way, seed, patients, features) for seed in range(first, seeds) for way in many if seed < many[way]],
             told, lost, workers, label)
    return pd.DataFrame([_row(way, np.array(values).reshape(-1, 2), lost.get(way, "")) for way, values in told.items()])


def _add(items: Sequence[Item], told: dict[tuple[str, str], list[tuple[float, float]]],
         lost: dict[tuple[str, str], str], workers: int, label: str | None) -> None:
    for position, found in map_cases(one, items, workers=workers, label=label, unit="cohort"):
        way = items[position][:2]
        if isinstance(found, Failure) and found.code == "E_EXTRA":  # it needs a package that is not installed here
            told.pop(way, None)
        elif isinstance(found, Failure):
            lost[way] = found.message
        else:
            told[way].append(found)


def _row(way: tuple[str, str], values: Array, fault: str) -> Mapping[str, Any]:
    mean = float(values[:, 0].mean()) if len(values) else np.nan
    error = float(values[:, 0].std(ddof=1) / np.sqrt(len(values))) if len(values) > 1 else np.nan
    as_it_must = mean > LEAKY if way[0] == "leak" else abs(mean - 0.5) <= ERRORS * error
    return {"group": way[0], "name": way[1], "mean": mean, "SE": error,
            "distance": (mean - 0.5) / error if error else 0.0, "seeds": len(values),
            "seconds": float(values[:, 1].mean()) if len(values) else np.nan,
            "ok": bool(as_it_must) and not fault, "fault": fault}


def markdown(table: pd.DataFrame, seeds: int) -> str:
    """Write the result as a page."""
    wrong = int((~table["ok"]).sum())
    lines = ["# Noise: does anything see what is not there?", "",
             f"Made by `benchmarks/noise.py --seeds {seeds}`: {PATIENTS} patients, {FEATURES} features of pure noise, "
             f"{FOLDS} folds, AUC and C within folds. Honest ways must lie within {ERRORS:.0f} standard errors (SE) of "
             f"0.5, leaky ones above {LEAKY}. {len(table) - wrong} of {len(table)} are as they must be.", "",
             "| what | which | mean AUC or C | SE | distance in SE | seeds | seconds per cohort | as it must be |",
             "|---|---|---:|---:|---:|---:|---:|---|"]
    lines += [f"| {row['group']} | {row['name']} | {row['mean']:.4f} | {row['SE']:.4f} | {row['distance']:+.1f} | "
              f"{row['seeds']} | {row['seconds']:.2f} | {'yes' if row['ok'] else 'NO ' + row['fault']} |"
              for _, row in table.iterrows()]
    return "\n".join(lines) + "\n"


def main(arguments: Sequence[str]) -> None:
    """Measure everything, or what is named, and print and write the table."""
    ask = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    ask.add_argument("--seeds", type=int, default=100)
    ask.add_argument("--only", default="", help="words of groups or names, with commas between")
    ask.add_argument("--workers", type=int, default=2)
    ask.add_argument("-o", "--out", type=Path, help="the page; default benchmarks/noise.md where nothing is left out")
    ask.add_argument("--budget", type=float, help="processor seconds for each way: slow ones get fewer seeds")
    given = ask.parse_args(arguments)
    only = [word.strip() for word in given.only.split(",") if word.strip()]
    table = measured(list(ways(only)), given.seeds, workers=given.workers, budget=given.budget)
    sys.stdout.write(table.round(4).to_string(index=False) + "\n")
    out = given.out or (None if only else HERE / "noise.md")
    if out:
        write_text(out, markdown(table, given.seeds))
    if not table["ok"].all():
        raise SystemExit(f"{(~table['ok']).sum()} ways are not as they must be.")


if __name__ == "__main__":
    main(sys.argv[1:])
