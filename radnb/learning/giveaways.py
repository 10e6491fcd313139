"""Features that tell the outcome: copies of it under another name, codes of it, and gaps that mark it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np
import pandas as pd

from radnb.features.assemble import Cohort
from radnb.learning.folds import IntArray
from radnb.learning.kinds import SURVIVAL
from radnb.statistics.families import Array

FEWEST, FEWEST_OF_CLASS = 6, 5  # patients, before an exact agreement means anything
ENOUGH_FOR_PERFECT, ENOUGH_OF_CLASS, PER_VALUE = 30, 10, 5
MANY_LEVELS = 5  # above it an outcome is a time
SHOWN = 5


def giveaway_problems(cohort: Cohort, used: Mapping[str, Sequence[str]]) -> list[str]:
    """Name the features that tell the outcome exactly, alone or as the levels of one category, or by their gaps."""
    columns = list(dict.fromkeys(c for names in used.values() for c in names))
    survival = cohort.outcome.kind == SURVIVAL
    targets = [cohort.table[c].to_numpy(float) for c in (("time_months", "event") if survival else ("outcome",))]
    told = {c: cohort.table[c].to_numpy(float) for c in columns} | _categories(cohort.table, columns)
    guilty = [name for name, x in told.items() if any(_gives_away(x, y) for y in targets)]
    gaps = [name for name, x in told.items() if name not in guilty and _marks(np.isnan(x), targets[-1])]
    found = [f"features {_some(guilty)}: they tell the outcome {cohort.outcome.name} exactly, so they are the outcome "
             "or derived from it. Declare them as known only after the outcome, or leave them out."] if guilty else []
    return found + ([f"features {_some(gaps)}: their gaps tell the outcome {cohort.outcome.name} exactly, as they are "
                     "empty in all patients of one outcome and in nobody else. Fill them in, or leave them out."]
                    if gaps else [])


def _categories(table: pd.DataFrame, columns: Sequence[str]) -> dict[str, Array]:
    """Return one code per row for each category of several indicator columns, as grade=G2 and grade=G3."""
    levels: dict[str, list[str]] = {}
    for column in columns:
        name, equals, _ = column.partition("=")
        levels.setdefault(name, []).extend([column] if equals else [])
    return {name: _together(table[own].to_numpy(float)) for name, own in levels.items() if len(own) > 1}


def _together(x: Array) -> Array:
    codes = np.unique(x, axis=0, return_inverse=True)[1].reshape(-1)
    return np.where(np.isnan(x).any(axis=1), np.nan, codes)


def _gives_away(x: Array, y: Array) -> bool:
    """Say whether a feature is a copy of the outcome, orders its classes perfectly, or codes them by its values."""
    seen = ~np.isnan(x)
    x, y = x[seen], y[seen]
    values, codes = np.unique(x, return_inverse=True)
    levels, truth = np.unique(y, return_inverse=True)
    if len(levels) < 2 or len(values) < 2 or len(y) < FEWEST:
        return False
    if len(levels) > MANY_LEVELS:  # a time: the same order, or the reverse
        return bool((codes == truth).all() or (codes == len(values) - 1 - truth).all())
    if len(values) < len(levels):
        return len(values) == 2 and _marks(codes > 0, truth)
    pure = len(np.unique(codes * len(levels) + truth)) == len(values)
    if pure and len(values) == len(levels):
        return True
    if len(y) < ENOUGH_FOR_PERFECT or np.bincount(truth).min() < ENOUGH_OF_CLASS:
        return False
    return (pure and len(values) * PER_VALUE <= len(y)) or _apart(x, truth, len(levels))


def _marks(mark: np.ndarray[tuple[int], np.dtype[np.bool_]], y: Array | IntArray) -> bool:
    """Say whether a mark stands at all patients of one class, or at all others, and at nobody else."""
    levels = np.unique(y)
    if len(levels) > MANY_LEVELS or min(mark.sum(), (~mark).sum()) < FEWEST_OF_CLASS:
        return False
    return any(((y == level) == mark).all() or ((y == level) != mark).all() for level in levels)


def _apart(x: Array, truth: IntArray, levels: int) -> bool:
    """Say whether the classes occupy intervals that do not overlap."""
    highest, lowest = np.full(levels, -np.inf), np.full(levels, np.inf)
    np.maximum.at(highest, truth, x)
    np.minimum.at(lowest, truth, x)
    order = np.argsort(lowest, kind="stable")
    return bool((highest[order][:-1] < lowest[order][1:]).all())


def _some(names: list[str]) -> str:
    return ", ".join(names[:SHOWN]) + (f" and {len(names) - SHOWN} more" if len(names) > SHOWN else "")
