"""Does harmonising leak?  Features of pure noise from centres that differ in their features and in their outcome.

Given the centre, no feature tells the outcome, so that an honest AUC is 0.5 once the centres are made equal.  Five ways
are compared by the AUC of pairs within folds, and of pairs within folds and centres: as it is, ComBat on everybody
before the split (with and without the outcome as a covariate "to be kept", as is often advised), and ComBat and
z-scores as radnb has them, inside the folds.

    python benchmarks/combat.py --sets 100
"""

from __future__ import annotations

import argparse
import sys
from collections.abc import Sequence

import numpy as np
import pandas as pd

from radnb.learning.folds import IntArray, deal
from radnb.learning.harmonise import Harmoniser, combat, zscore
from radnb.learning.models import CLASSIFIERS
from radnb.learning.prepare import Preparation
from radnb.learning.selection import SELECTORS
from radnb.statistics import combat as effects
from radnb.statistics.discrimination import auc_within
from radnb.statistics.families import Array
from radnb.work.progress import progress

FOLDS = 5


def cohort(n: int, p: int, shares: Sequence[float], shift: float, rng: np.random.Generator) -> tuple[Array, ...]:
    """Return features, outcome and centre: each centre moves and stretches every feature its own way."""
    centre = np.arange(n) % len(shares)
    y = (rng.random(n) < np.array(shares)[centre]).astype(float)
    moved = shift * rng.normal(size=(len(shares), p))
    stretched = np.exp(0.3 * rng.normal(size=(len(shares), p)))
    return moved[centre] + stretched[centre] * rng.normal(size=(n, p)), y, centre


def scores(x: Array, y: Array, batch: IntArray, fold: IntArray, harmoniser: Harmoniser | None) -> Array:
    """Cross-validate the ten best features with a ridge; whatever is learned here is learned inside the folds."""
    out = np.empty(len(y))
    for f in range(FOLDS):
        train, test = np.flatnonzero(fold != f), np.flatnonzero(fold == f)
        made = Preparation(harmoniser=harmoniser).fit(x[train], batch[train])
        values = made.transform(x, batch)
        chosen = SELECTORS["anova"](k=10).fit(values[train], y[train].astype(np.intp)).support_
        model = CLASSIFIERS["ridge_logistic"](penalty=1.0, seed=0)
        model.fit(values[np.ix_(train, chosen)], y[train], classes=2, groups=train)
        out[test] = model.scores(values[np.ix_(test, chosen)])[:, 0]
    return out


def ways(x: Array, y: Array, centre: IntArray) -> dict[str, tuple[Array, Harmoniser | None]]:
    """Return each way by name: features, and what is fitted to them inside the folds."""
    kept = y[:, None]
    before = effects.apply(effects.fit(x, centre), x, centre)
    keeping = effects.apply(effects.fit(x, centre, kept), x, centre, kept)
    return {"as it is": (x, None), "ComBat inside the folds": (x, combat()), "z-scores inside the folds": (x, zscore()),
            "ComBat before the split": (before, None), "ComBat before the split, keeping the outcome": (keeping, None)}


def compared(n: int, p: int, shares: Sequence[float], shift: float, sets: int, seed: int) -> pd.DataFrame:
    """Return the mean AUC of every way over simulated cohorts, with its standard error."""
    found = []
    with progress(total=sets, label="Cohorts", unit="set") as bar:
        for number in range(sets):
            rng = np.random.default_rng([seed, number])
            x, y, centre = cohort(n, p, shares, shift, rng)
            fold = deal(np.arange(n), y.astype(np.intp), FOLDS, rng)
            for way, (values, harmoniser) in ways(x, y, centre).items():
                score = scores(values, y, centre, fold, harmoniser)
                found.append((way, auc_within(score, y, fold), auc_within(score, y, fold * len(shares) + centre)))
            bar.update(1)
    table = pd.DataFrame(found, columns=["way", "auc", "auc_in_centres"]).groupby("way", sort=False)
    return table.mean().join(table.sem().add_suffix("_se")).round(3)


def main(arguments: Sequence[str]) -> None:
    """Simulate and print one row per way."""
    ask = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    ask.add_argument("--n", type=int, default=120)
    ask.add_argument("--p", type=int, default=200)
    ask.add_argument("--shares", type=float, nargs="+", default=[0.2, 0.5, 0.8], help="of the outcome in each centre")
    ask.add_argument("--shift", type=float, default=1.0, help="between centres, in standard deviations of a feature")
    ask.add_argument("--sets", type=int, default=100)
    ask.add_argument("--seed", type=int, default=1)
    given = ask.parse_args(arguments)
    table = compared(given.n, given.p, given.shares, given.shift, given.sets, given.seed)
    sys.stdout.write(table.to_string() + "\n")


if __name__ == "__main__":
    main(sys.argv[1:])
