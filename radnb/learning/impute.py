"""Missing values filled in from what training rows show; the outcome is never used."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Literal, Protocol, Self

import numpy as np
from numpy.typing import NDArray

from radnb.errors import RadnbError
from radnb.learning.folds import IntArray
from radnb.statistics.families import Array

Impute = Literal["median", "median_indicator", "mean", "knn", "iterative", "refuse"]
Bools = NDArray[np.bool_]
NEIGHBOURS = 5
PREDICTORS = 10
RIDGE = 0.1  # per row, in standard units
ROUNDS = 5
BLOCK = 500  # columns correlated with all others at once


class Imputer(Protocol):
    """Learned from training rows; `fill_` holds one typical value for each column."""

    fill_: Array

    def fit(self, x: Array, missing: Bools) -> Self:
        """Learn from training rows (NaN: missing)."""
        ...

    def filled(self, x: Array, columns: IntArray) -> Array:
        """Return some columns of any rows without gaps."""
        ...

    def lean(self, columns: IntArray) -> tuple[Imputer, IntArray]:
        """Return what fills some columns, and the columns that it needs: those, or all."""
        ...


@dataclass
class TypicalValues:
    """The median, or the mean, of the known training values; 0 where there are none."""

    typical: Callable[[Array, Bools], Array]
    fill_: Array = field(init=False, repr=False)

    def fit(self, x: Array, missing: Bools) -> Self:
        """Learn from training rows (NaN: missing)."""
        self.fill_ = self.typical(x, missing)
        return self

    def filled(self, x: Array, columns: IntArray) -> Array:
        """Return some columns of any rows without gaps."""
        part = x[:, columns]
        missing = np.isnan(part)
        return np.where(missing, self.fill_[columns], part) if missing.any() else part

    def lean(self, columns: IntArray) -> tuple[Imputer, IntArray]:
        """Return what fills some columns, and the columns that it needs: those."""
        made = replace(self)
        made.fill_ = self.fill_[columns]
        return made, columns


@dataclass
class NoGaps:
    """No gaps at all: the first one is an error."""

    fill_: Array = field(init=False, repr=False)

    def fit(self, x: Array, missing: Bools) -> Self:
        """Accept training rows without gaps only."""
        self.fill_ = medians(x, missing)
        self.filled(x, np.arange(x.shape[1]))
        return self

    def filled(self, x: Array, columns: IntArray) -> Array:
        """Return some columns of any rows, which must be without gaps."""
        part = x[:, columns]
        if found := gaps(part, [f"column {c + 1}" for c in columns]):
            raise RadnbError(found, code="E_MISSING")
        return part

    def lean(self, columns: IntArray) -> tuple[Imputer, IntArray]:
        """Return what checks some columns, and the columns that it needs: those."""
        made = NoGaps()
        made.fill_ = self.fill_[columns]
        return made, columns


class _Standard:
    """Columns in standard units of the known training values, gaps as zeros, the mean."""

    fill_: Array
    spread_: Array

    def _learn(self, x: Array, missing: Bools) -> Array:
        self.fill_ = means(x, missing)
        centred = np.where(missing, 0.0, x - self.fill_)
        spread = np.sqrt((centred**2).sum(0) / np.maximum((~missing).sum(0), 1))
        self.spread_ = np.where(spread > 0, spread, 1.0)
        return np.asarray(centred / self.spread_)

    def _standard(self, x: Array, missing: Bools) -> Array:
        return np.where(missing, 0.0, (x - self.fill_) / self.spread_)

    def lean(self, columns: IntArray) -> tuple[Self, IntArray]:
        """Return itself, and the columns that it needs: all, for each one helps to fill the others."""
        return self, np.arange(len(self.fill_))


@dataclass
class NearestRows(_Standard):
    """The mean of the nearest training rows that know the value, by distance over the columns known to both.

    It keeps the training rows, so a model with it holds patients' values. Distances are those of Troyanskaya
    et al., Bioinformatics 2001;17:520, in standard units.
    """

    fill_: Array = field(init=False, repr=False)
    spread_: Array = field(init=False, repr=False)
    rows_: Array = field(init=False, repr=False)
    known_: Array = field(init=False, repr=False)

    def fit(self, x: Array, missing: Bools) -> Self:
        """Learn from training rows (NaN: missing)."""
        self.rows_, self.known_ = self._learn(x, missing), (~missing).astype(float)
        return self

    def filled(self, x: Array, columns: IntArray) -> Array:
        """Return some columns of any rows without gaps."""
        missing = np.isnan(x)
        out = x[:, columns]
        where = np.flatnonzero(missing[:, columns].any(1))
        if not len(where):
            return out
        distance = self._distances(self._standard(x[where], missing[where]), (~missing[where]).astype(float))
        for place in np.flatnonzero(missing[:, columns].any(0)):
            rows = missing[where, columns[place]]
            out[where[rows], place] = self._from_donors(distance[rows], int(columns[place]))
        return out

    def _distances(self, z: Array, known: Array) -> Array:
        common = known @ self.known_.T
        squares = z**2 @ self.known_.T - 2 * z @ self.rows_.T + known @ (self.rows_**2).T
        return np.where(common > 0, np.maximum(squares, 0) / np.maximum(common, 1), np.inf)

    def _from_donors(self, distance: Array, column: int) -> Array:
        donors = np.flatnonzero(self.known_[:, column] > 0)
        near = distance[:, donors]
        order = np.argsort(near, axis=1, kind="stable")[:, :NEIGHBOURS]
        weight = np.isfinite(np.take_along_axis(near, order, axis=1)).astype(float)
        total = (weight * self.rows_[donors, column][order]).sum(1)
        return np.asarray(self.fill_[column] + self.spread_[column] * total / np.maximum(weight.sum(1), 1))


@dataclass
class ChainedRidge(_Standard):
    """Ridge regression of each column on the ten that correlate most with it, in turn, until gaps settle."""

    fill_: Array = field(init=False, repr=False)
    spread_: Array = field(init=False, repr=False)
    from_: IntArray = field(init=False, repr=False)
    weight_: Array = field(init=False, repr=False)
    reach_: Array = field(init=False, repr=False)

    def fit(self, x: Array, missing: Bools) -> Self:
        """Learn from training rows (NaN: missing)."""
        z = self._learn(x, missing)
        self.reach_ = np.abs(z).max(0, initial=0.0)
        self.from_ = _correlated(z, min(PREDICTORS, max(x.shape[1] - 1, 0)))
        self.weight_ = np.zeros(self.from_.shape)
        open_ = np.flatnonzero(missing.any(0) & ~missing.all(0))
        for _ in range(ROUNDS if self.from_.size else 0):
            for column in open_[np.argsort(missing[:, open_].sum(0), kind="stable")].tolist():
                self.weight_[column] = self._regressed(z, column, ~missing[:, column])
                self._update(z, column, missing[:, column])
        for column in np.flatnonzero(~missing.any(0)).tolist() if self.from_.size else ():
            self.weight_[column] = self._regressed(z, column, ~missing[:, column])
        return self

    def filled(self, x: Array, columns: IntArray) -> Array:
        """Return some columns of any rows without gaps."""
        missing = np.isnan(x)
        rows = np.flatnonzero(missing.any(1))
        out = x[:, columns]
        if not len(rows):
            return out
        gap = missing[rows]
        z = self._standard(x[rows], gap)
        for _ in range(ROUNDS if self.from_.size else 0):
            for column in np.flatnonzero(gap.any(0)).tolist():
                self._update(z, column, gap[:, column])
        found = (self.fill_ + self.spread_ * z)[:, columns]
        out[rows] = np.where(gap[:, columns], found, out[rows])
        return out

    def _regressed(self, z: Array, column: int, rows: Bools) -> Array:
        a = z[np.ix_(rows, self.from_[column])]
        gram = a.T @ a + RIDGE * len(a) * np.eye(a.shape[1])
        return np.asarray(np.linalg.solve(gram, a.T @ z[rows, column]))

    def _update(self, z: Array, column: int, rows: Bools) -> None:
        value = z[np.ix_(rows, self.from_[column])] @ self.weight_[column]
        z[rows, column] = np.clip(value, -self.reach_[column], self.reach_[column])


def _correlated(z: Array, count: int) -> IntArray:
    """Return, for each column, the others that correlate most with it."""
    found = np.empty((z.shape[1], count), np.intp)
    length = np.sqrt(np.einsum("ij,ij->j", z, z))
    unit = z / np.where(length > 0, length, 1.0)
    for start in range(0, z.shape[1] if count else 0, BLOCK):
        block = np.arange(start, min(start + BLOCK, z.shape[1]))
        strength = np.round(np.abs(unit[:, block].T @ unit), 12)
        strength[np.arange(len(block)), block] = -1.0
        found[block] = np.argsort(-strength, axis=1, kind="stable")[:, :count]
    return found


def medians(x: Array, missing: Bools) -> Array:
    """Return the median of each column's known values, 0 where there are none."""
    ordered = np.sort(np.ascontiguousarray(x.T), axis=1)  # NaN sorts last
    known = len(x) - missing.sum(0)
    columns = np.arange(x.shape[1])
    middle = (ordered[columns, np.maximum(known - 1, 0) // 2] + ordered[columns, known // 2 * (known > 0)]) / 2
    return np.asarray(np.where(known > 0, middle, 0.0))


def means(x: Array, missing: Bools) -> Array:
    """Return the mean of each column's known values, 0 where there are none."""
    return np.asarray(np.where(missing, 0.0, x).sum(0) / np.maximum((~missing).sum(0), 1))


IMPUTERS: Mapping[str, Callable[[], Imputer]] = {
    "median": lambda: TypicalValues(medians),
    "median_indicator": lambda: TypicalValues(medians),
    "mean": lambda: TypicalValues(means),
    "knn": NearestRows,
    "iterative": ChainedRidge,
    "refuse": NoGaps,
}


def gaps(x: Array, names: Sequence[str]) -> str:
    """Return a sentence that names the columns with missing values and how many, or nothing when there are none."""
    count = np.isnan(x).sum(0)
    listed = [f"{names[c]} ({count[c]})" for c in np.flatnonzero(count).tolist()]
    if not listed:
        return ""
    more = f" and {len(listed) - 10} more" if len(listed) > 10 else ""
    return (f"prepare.impute: `refuse` allows no missing values, and there are some in {', '.join(listed[:10])}{more}. "
            "Leave these columns or patients out, or choose another impute.")
