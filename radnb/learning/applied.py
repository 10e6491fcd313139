"""What a frozen model or a published signature says of patients, and where it knows too little to say it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Protocol

import numpy as np
import pandas as pd

from radnb.learning.frozen import Range
from radnb.statistics.families import Array

USE = "research use only / 仅供科研"
WORST = 3  # features named in a warning


class Scorer(Protocol):
    """Whatever scores patients without being refitted."""

    @property
    def name(self) -> str:
        """Its name."""

    @property
    def names(self) -> tuple[str, ...]:
        """The raw columns that it needs."""

    @property
    def scale(self) -> str:
        """What its scores are."""

    @property
    def thresholds(self) -> tuple[float | None, ...]:
        """The threshold of each target."""

    @property
    def ranges(self) -> Mapping[str, Range]:
        """How each column lay among the training patients."""

    def scores(self, table: pd.DataFrame) -> Array:
        """The scores of patients (n, targets)."""


def outside(model: Scorer, table: pd.DataFrame) -> pd.DataFrame:
    """Return how far each value lies beyond the training range, in widths of the range (0: inside), by column."""
    far = {}
    for name in model.names:
        x, known = table[name].to_numpy(float), model.ranges.get(name)
        if known is None:
            far[name] = np.zeros(len(x))
            continue
        slack = 1e-9 * max(abs(known.low), abs(known.high))
        beyond = np.maximum(known.low - slack - x, x - known.high - slack)
        far[name] = np.nan_to_num(np.maximum(beyond, 0.0)) / known.spread
    return pd.DataFrame(far, index=table.index)


def worst(far: pd.Series, shown: int = WORST) -> list[str]:
    """Name the columns that lie farthest outside, the farthest first."""
    out = far[far > 0].sort_values(ascending=False, kind="stable")
    return [str(name) for name in out.index[:shown]]


def missing(model: Scorer, table: pd.DataFrame) -> pd.DataFrame:
    """Say which values of the columns in use are missing."""
    return table[list(model.names)].isna()


def classes_of(model: Scorer, scores: Array, names: Sequence[str]) -> list[str]:
    """Return each patient's class at the frozen threshold: of two classes or groups, or the likeliest of several."""
    if scores.shape[1] > 1:
        return ["" if np.isnan(row).any() else str(names[int(row.argmax())]) for row in scores]
    threshold = model.thresholds[0]
    if threshold is None:
        return [""] * len(scores)
    return ["" if np.isnan(s) else str(names[int(s >= threshold)]) for s in scores[:, 0]]
