"""What the answer would have been under every other defensible choice: one row per specification."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import pandas as pd

from radnb.evaluation.grid import Way, ways_of
from radnb.features.assemble import Outcome
from radnb.statistics.inputs import Z95

TABLE = ("specification", "own", "value", "low", "high", "comparator", "difference", "difference_low",
         "difference_high", "n", "events", "method")


@dataclass(frozen=True)
class Universe:
    """Every specification in order of its value, with its choices as columns `choices` of the table.

    `own` marks the card's own specification, the only confirmatory one where the card was locked before the first
    look. All stand on the same patients; `left_out` counts those whom some specification could not use.
    """

    table: pd.DataFrame
    choices: tuple[str, ...]
    patients: int
    left_out: int
    possible: int


def judged(predictions: pd.DataFrame, choices: Sequence[Mapping[str, str]], *, outcome: Outcome, primary: str,
           comparator: str | None, left_out: int, possible: int) -> Universe:
    """Return the universe of predictions that carry a column `specification`; the first one is the card's own.

    Values are means over repeats of pairs within folds; intervals are quick ones, to compare and not to claim.
    """
    mine = _of(predictions, primary, outcome)
    theirs = _of(predictions, comparator, outcome) if comparator else {}
    rows = [_row(number, way, theirs.get(number)) for number, way in sorted(mine.items())]
    table = pd.DataFrame(rows, columns=list(TABLE))
    names = tuple(dict.fromkeys(name for one in choices for name in one))
    for name in names:
        table[name] = [choices[number].get(name, "") for number in table["specification"]]
    order = table.sort_values(["value", "specification"], kind="stable", ignore_index=True)
    return Universe(order, names, int(table["n"].max()), left_out, possible)


def _of(predictions: pd.DataFrame, model: str, outcome: Outcome) -> dict[int, Way]:
    part = predictions[predictions["model"] == model].rename(columns={"specification": "candidate"})
    return {way.number: way for way in ways_of(part, outcome)}


def _row(number: int, way: Way, other: Way | None) -> tuple[object, ...]:
    low, high = way.limits()
    gap = error = float("nan")
    if other is not None:
        gap, error = way.value - other.value, way.error(way.influence - other.influence, way.repeats - other.repeats)
    value = float("nan") if other is None else other.value
    return (number, number == 0, way.value, low, high, value, gap, gap - Z95 * error, gap + Z95 * error, way.n,
            way.events, way.method)


def told(universe: Universe) -> dict[str, float]:
    """Return how the values spread: number, lowest, median, highest, the card's own and the share above it."""
    values = universe.table["value"].to_numpy(float)
    own = float(universe.table.loc[universe.table["own"], "value"].iloc[0])
    gaps = universe.table["difference"].to_numpy(float)
    return {"count": float(len(values)), "low": float(values.min()), "median": float(np.median(values)),
            "high": float(values.max()), "own": own, "above": float(np.mean(values > own)),
            "improved": float(np.mean(gaps > 0)) if np.isfinite(gaps).all() else float("nan"),
            "clear": float(np.mean(universe.table["difference_low"].to_numpy(float) > 0))
            if np.isfinite(gaps).all() else float("nan")}
