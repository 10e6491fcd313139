"""Does a nominal 95 % interval of a cross-validated AUC, and of a paired difference, cover what it says?

Simulates data sets (features in blocks of 10 with r = 0.6, five informative ones), runs a quick pipeline inside folds
(scaling, the 10 best by ANOVA F, ridge) with radnb's interval, and counts how often the truth lies inside: T1, the mean
AUC of models trained at this size, and T2, the AUC of this very model, both exact for Gaussian features.  The paired
difference is that from a model of three independent clinical variables.

    python benchmarks/cv_coverage.py --n 130 --p 200 --events 0.5 --signal weak --sets 100
"""

from __future__ import annotations

import argparse
import sys
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pandas as pd
from scipy import stats

from radnb.statistics.discrimination import auc_pairs
from radnb.statistics.inputs import Floats, Ints
from radnb.statistics.intervals import cv_interval
from radnb.work.progress import progress

SHIFTS = {"none": 0.0, "weak": 0.45, "strong": 1.0}  # of the informative features, in their standard deviations
CLINICAL = 3
BEST = 10
PENALTY = 10.0
SIMILAR = 0.6


@dataclass(frozen=True)
class Cell:
    """One design: patients, features, share of events, shift of the informative features and of the clinical ones."""

    n: int
    p: int
    events: float
    shift: float
    clinical: float
    repeats: int
    bootstraps: int
    splits: int
    folds: int = 5

    @property
    def shifts(self) -> Floats:
        """Return the class difference of every column: clinical ones first, then the features."""
        delta = np.zeros(CLINICAL + self.p)
        delta[0] = self.clinical
        delta[CLINICAL : CLINICAL + 50 : 10] = self.shift
        return delta

    @property
    def radiomics(self) -> Ints:
        """Return the columns of the larger model: everything."""
        return np.arange(CLINICAL + self.p)


def data(cell: Cell, rng: np.random.Generator) -> tuple[Floats, Floats]:
    """Return features and classes of one data set, with a fixed number of events."""
    truth = (np.arange(cell.n) < round(cell.n * cell.events)).astype(float)
    shared = np.repeat(rng.normal(size=(cell.n, -(-cell.p // 10))), 10, axis=1)[:, : cell.p]
    features = np.sqrt(SIMILAR) * shared + np.sqrt(1 - SIMILAR) * rng.normal(size=(cell.n, cell.p))
    x = np.hstack([rng.normal(size=(cell.n, CLINICAL)), features])
    return x + truth[:, None] * cell.shifts, truth


def fit(x: Floats, truth: Floats, best: int) -> Floats:
    """Return the coefficients of the pipeline: scaling, the best columns by F, ridge; zero elsewhere."""
    mean, sd = x.mean(axis=0), x.std(axis=0)
    z = (x - mean) / np.where(sd > 0, sd, 1)
    y = truth - truth.mean()
    r = np.abs(y @ z)
    chosen = np.argpartition(-r, min(best, x.shape[1]) - 1)[:best] if x.shape[1] > best else np.arange(x.shape[1])
    part = z[:, chosen]
    solved = np.linalg.solve(part.T @ part + PENALTY * np.eye(len(chosen)), part.T @ y)
    beta = np.zeros(x.shape[1])
    beta[chosen] = solved / np.where(sd[chosen] > 0, sd[chosen], 1)
    return beta


def true_auc(beta: Floats, cell: Cell) -> float:
    """Return the exact AUC of a linear score on new patients: Phi(shift / sqrt(2 variance))."""
    features = beta[CLINICAL:]
    blocks = np.add.reduceat(features, np.arange(0, len(features), 10)) if len(features) else np.zeros(1)
    variance = np.sum(beta[:CLINICAL] ** 2) + SIMILAR * np.sum(blocks**2) + (1 - SIMILAR) * np.sum(features**2)
    return float(stats.norm.cdf(beta @ cell.shifts[: len(beta)] / np.sqrt(2 * variance))) if variance > 0 else 0.5


def folds(drawn: Ints, truth: Floats, count: int, rng: np.random.Generator) -> Ints:
    """Return stratified folds of the patients; copies share one."""
    of = np.zeros(len(truth), dtype=np.int64)
    for c in (0, 1):
        patients = rng.permutation(np.unique(drawn[truth[drawn] == c]))
        of[patients] = np.arange(len(patients)) % count
    return of[drawn]


def crossed(x: Floats, truth: Floats, drawn: Ints, fold: Ints, columns: Sequence[Ints]) -> Floats:
    """Return out-of-fold scores (models, drawn patients)."""
    scores = np.empty((len(columns), len(drawn)))
    for k in np.unique(fold):
        test, train = fold == k, drawn[fold != k]
        for m, use in enumerate(columns):
            beta = fit(x[np.ix_(train, use)], truth[train], BEST)
            scores[m, test] = x[np.ix_(drawn[test], use)] @ beta
    return scores


def one_set(cell: Cell, seed: int) -> dict[str, float]:
    """Return the intervals of one data set and the true AUC of its refitted models."""
    rng = np.random.default_rng(seed)
    x, truth = data(cell, rng)
    columns = [cell.radiomics, np.arange(CLINICAL)]
    everyone = np.arange(cell.n)
    whole = [(everyone, folds(everyone, truth, cell.folds, rng)) for _ in range(cell.repeats)]
    classes = [np.flatnonzero(truth == c) for c in (0, 1)]
    resampled = []
    for _ in range(cell.bootstraps):
        drawn = np.concatenate([rng.choice(c, len(c)) for c in classes])
        resampled += [(drawn, folds(drawn, truth, cell.folds, rng)) for _ in range(cell.splits)]
    v, influence = _values(x, truth, whole, columns)
    table, _ = _values(x, truth, resampled, columns)
    table = table.reshape(cell.bootstraps, cell.splits, len(columns))
    floor = np.sqrt(np.sum(influence**2, axis=1))
    found: dict[str, float] = {}
    big = dict(zip(("value", "low", "high"), cv_interval(v[:, 0], table[..., 0], floor[0]), strict=False))
    gap = cv_interval(v[:, 0] - v[:, 1], table[..., 0] - table[..., 1],
                      float(np.sqrt(np.sum((influence[0] - influence[1]) ** 2))), scale="plain", bounds=(-1, 1))
    found |= {f"auc_{k}": float(value) for k, value in big.items()}
    found |= {f"gap_{k}": float(value) for k, value in zip(("value", "low", "high"), gap, strict=False)}
    truths = [true_auc(fit(x[:, use], truth, BEST), cell) for use in columns]
    return found | {"auc_t2": truths[0], "gap_t2": truths[0] - truths[1]}


def _values(x: Floats, truth: Floats, designs: Sequence[tuple[Ints, Ints]],
            columns: Sequence[Ints]) -> tuple[Floats, Floats]:
    """Return the fold-wise AUC (designs, models) and each patient's influence (models, patients)."""
    scores = np.concatenate([crossed(x, truth, drawn, fold, columns) for drawn, fold in designs], axis=1)
    unit = np.repeat(np.arange(len(designs)), [len(drawn) for drawn, _ in designs])
    member = np.concatenate([drawn for drawn, _ in designs])
    stratum = unit * 1000 + np.concatenate([fold for _, fold in designs])
    pairs = [auc_pairs(score, truth[member] == 1, stratum) for score in scores]
    ratios = np.stack([p.ratio(unit, len(designs)) for p in pairs], axis=1)
    return ratios, np.stack([p.influence(unit, len(designs), member, len(truth)) for p in pairs])


def coverage(cell: Cell, sets: int, seed: int) -> pd.DataFrame:
    """Return, for the AUC and the difference, the truth, mean estimate, coverage of T1 and T2, misses and width."""
    rows = []
    with progress(total=sets, label="data sets", unit="set") as bar:
        for k in range(sets):
            rows.append(one_set(cell, seed * 100_000 + k))
            bar.update(1)
    table = pd.DataFrame(rows)
    return pd.DataFrame([_covered(table, "auc", "AUC"), _covered(table, "gap", "difference")])


def _covered(table: pd.DataFrame, name: str, label: str) -> dict[str, object]:
    low, high, t2 = (table[f"{name}_{k}"] for k in ("low", "high", "t2"))
    t1 = t2.mean()
    return {"figure": label, "T1": t1, "estimate": table[f"{name}_value"].mean(),
            "covers_T1": ((low <= t1) & (t1 <= high)).mean(), "covers_T2": ((low <= t2) & (t2 <= high)).mean(),
            "low_above_T1": (low > t1).mean(), "high_below_T1": (high < t1).mean(), "width": (high - low).mean(),
            "sets": len(table)}


def main(arguments: Sequence[str]) -> None:
    """Simulate one cell and print its coverage."""
    ask = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    ask.add_argument("--n", type=int, default=130)
    ask.add_argument("--p", type=int, default=200)
    ask.add_argument("--events", type=float, default=0.5)
    ask.add_argument("--signal", choices=SHIFTS, default="weak")
    ask.add_argument("--clinical", type=float, default=0.3, help="shift of the one informative clinical variable")
    ask.add_argument("--sets", type=int, default=30)
    ask.add_argument("--repeats", type=int, default=20)
    ask.add_argument("--bootstraps", type=int, default=50)
    ask.add_argument("--splits", type=int, default=2)
    ask.add_argument("--seed", type=int, default=1)
    ask.add_argument("-o", "--out", type=Path, help="write the table here as CSV")
    given = ask.parse_args(arguments)
    cell = Cell(given.n, given.p, given.events, SHIFTS[given.signal], 0.0 if given.signal == "none" else given.clinical,
                given.repeats, given.bootstraps, given.splits)
    table = coverage(cell, given.sets, given.seed)
    sys.stdout.write(table.round(3).to_string(index=False) + "\n")
    if given.out:
        given.out.write_text(table.to_csv(index=False, lineterminator="\n"), encoding="utf-8")


if __name__ == "__main__":
    main(sys.argv[1:])
