"""The whole comparison and not its winner: every selector by every model, ranked, with what cannot be told apart."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import pandas as pd
from scipy import stats

from radnb.evaluation.scored import Scored, scored
from radnb.features.assemble import Outcome
from radnb.statistics.inputs import Floats
from radnb.statistics.intervals import around

GRID = ("model", "candidate", "selector", "learner", "features", "note", "value", "low", "high", "rank", "best",
        "difference", "difference_low", "difference_high", "apart", "n", "events", "method")
SUMMARY = ("model", "candidates", "best", "best_value", "nested_value", "nested_low", "nested_high", "gap", "n",
           "events")
QUICK = 1.4  # influence standard errors of cross-validated figures are this much too small (cv_intervals simulation)
KNOWN = ("selector", "learner", "features", "note")


@dataclass(frozen=True)
class Way:
    """One candidate (or specification): its value in every repeat and fold, and each patient's influence on it."""

    number: int
    repeats: Floats
    influence: Floats
    folds: Floats
    n: int
    events: int
    factor: float
    survival: bool

    @property
    def value(self) -> float:
        """Return the mean over repeats."""
        return float(self.repeats.mean())

    @property
    def method(self) -> str:
        """Return the code of the interval's method."""
        return "quick_influence" if self.factor == QUICK else "influence"

    def limits(self) -> tuple[float, float]:
        """Return the 95 % limits of the value."""
        error = self.error(self.influence, self.repeats)
        low, high = around(self.value, error, scale="plain" if self.survival else "logit")
        return float(low), float(high)

    def error(self, influence: Floats, repeats: Floats) -> float:
        """Return the standard error of a value, or a difference of values, on these patients."""
        noise = float(repeats.var(ddof=1)) / len(repeats) if len(repeats) > 1 else 0.0
        return float(np.sqrt((self.factor**2) * np.sum(influence**2) + noise))


def grid(candidates: pd.DataFrame, *, outcome: Outcome) -> pd.DataFrame:
    """Return one row per model set and candidate: its value with a quick interval, its mean rank over folds, and its
    difference to the best of its set, with limits that allow for the number of comparisons.

    The best one was picked on these same figures, so that its own value is too high: see `summary`.
    """
    if candidates.empty:
        return pd.DataFrame(columns=list(GRID))
    known = candidates.drop_duplicates(["model", "candidate"]).set_index(["model", "candidate"])[list(KNOWN)]
    rows = []
    for model, part in candidates.groupby("model", sort=False):
        ways = ways_of(part, outcome)
        rows += [(model, *row) for row in _rows(ways)]
    columns = ["model", "candidate", "value", "low", "high", "rank", "best", "difference", "difference_low",
               "difference_high", "apart", "n", "events", "method"]
    table = pd.DataFrame(rows, columns=columns)
    keys = pd.MultiIndex.from_frame(table[["model", "candidate"]])
    table = table.assign(**{name: known[name].reindex(keys).array for name in KNOWN})
    order = table.groupby("model", sort=False)["value"].rank(ascending=False, method="first")
    first = table["model"].map({m: i for i, m in enumerate(table["model"].unique())})
    return table.assign(_a=first, _b=order).sort_values(["_a", "_b"], ignore_index=True)[list(GRID)]


def summary(table: pd.DataFrame, metrics: pd.DataFrame) -> pd.DataFrame:
    """Return, for each model set, the best of its grid beside the honest estimate of choosing it in inner folds.

    `gap` is the winner's curse: how much the best figure of a grid exceeds what choosing it achieves.
    """
    rows = []
    for model, part in table.groupby("model", sort=False):
        best = part[part["best"]].iloc[0]
        own = metrics[(metrics["model"] == model) & metrics["metric"].isin(["auc", "auc_macro", "c_index"])
                      & (metrics["set"] != "train")]
        nested = own.iloc[0] if len(own) else pd.Series({"value": np.nan, "low": np.nan, "high": np.nan})
        rows.append((model, len(part), best["note"], best["value"], nested["value"], nested["low"], nested["high"],
                     best["value"] - nested["value"], best["n"], best["events"]))
    return pd.DataFrame(rows, columns=list(SUMMARY))


def ways_of(part: pd.DataFrame, outcome: Outcome) -> list[Way]:
    """Return every candidate of one model set; several classes count as the mean over the classes."""
    nothing = part.iloc[:0].assign(kind="", replicate=0, split=0)
    named = part.assign(model=part["candidate"].astype(str), scale="linear", threshold=np.nan)
    series = scored(named, nothing, survival=outcome.kind == "survival")
    grouped: dict[int, list[Scored]] = {}
    for one in series:
        grouped.setdefault(int(one.model), []).append(one)
    return [_way(number, grouped[number]) for number in sorted(grouped)]


def _way(number: int, targets: Sequence[Scored]) -> Way:
    first = targets[0]
    repeats = np.mean([one.rows.discrimination() for one in targets], axis=0)
    influence = np.mean([one.rows.pairs.influence(one.rows.unit, one.rows.units, one.rows.member, one.n)
                         for one in targets], axis=0)
    folds = np.mean([_by_fold(one) for one in targets], axis=0)
    return Way(number, repeats, influence, folds, first.n, min(one.events for one in targets),
                1.0 if first.frozen else QUICK, first.survival)


def _by_fold(one: Scored) -> Floats:
    """Return the value within every fold (0.5 where a fold holds no pair)."""
    found = one.rows.pairs.ratio(one.rows.stratum, int(one.rows.stratum.max()) + 1)
    used = np.unique(one.rows.stratum)
    return np.nan_to_num(np.asarray(found)[used], nan=0.5)


def _rows(ways: Sequence[Way]) -> list[tuple[object, ...]]:
    best = max(ways, key=lambda way: way.value)
    ranks = stats.rankdata(-np.array([way.folds for way in ways]), axis=0).mean(axis=1)
    pairs = len(ways) * (len(ways) - 1) // 2  # the best was picked from these figures: any pair might have been it
    z = float(stats.norm.isf(0.025 / max(pairs, 1)))
    rows: list[tuple[object, ...]] = []
    for way, rank in zip(ways, ranks, strict=True):
        low, high = way.limits()
        gap = way.value - best.value
        error = 0.0 if way is best else way.error(way.influence - best.influence, way.repeats - best.repeats)
        rows.append((way.number, way.value, low, high, float(rank), way is best, gap, gap - z * error,
                     gap + z * error, way is not best and gap + z * error < 0, way.n, way.events, way.method))
    return rows
