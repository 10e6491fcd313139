"""What happens to a feature table before any outcome is looked at, learned from the training rows alone."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Annotated, Literal

import numpy as np
from annotated_types import Gt, Le
from numpy.typing import NDArray

from radnb.learning.folds import IntArray
from radnb.statistics.families import Array
from radnb.statistics.screening import average_ranks

Impute = Literal["median", "median_indicator"]
Scale = Literal["standard", "robust", "bounded", "none"]
Method = Literal["spearman", "pearson"]
Share = Annotated[float, Gt(0), Le(1)]
BOUND = 3.0  # robust standard deviations from the median, beyond which "bounded" cuts


@dataclass
class Preparation:
    """Median imputation, near-constant filter, correlation filter and scaling, fitted together.

    With impute="median_indicator" each column with missing training values is followed, after all columns, by an
    indicator column. After `fit`, `columns_` are the input columns kept (an indicator of column j has number p + j).
    """

    impute: Impute = "median"
    near_constant: float = 0.95
    correlation: float | None = 0.9
    method: Method = "spearman"
    scale: Scale = "standard"
    columns_: IntArray = field(init=False, repr=False)
    fill_: Array = field(init=False, repr=False)
    centre_: Array = field(init=False, repr=False)
    spread_: Array = field(init=False, repr=False)

    def fit(self, x: Array, y: object = None) -> Preparation:
        """Learn from training rows (NaN: missing); the outcome is never used."""
        missing = np.isnan(x)
        self.fill_ = _medians(x, missing)
        p, indicators = x.shape[1], self._indicators(missing)
        filled = self._fill(x, missing)
        filled = np.hstack([filled, missing[:, indicators].astype(float)]) if indicators.size else filled
        numbers = np.concatenate([np.arange(p), p + indicators])
        kept = self._kept(np.ascontiguousarray(filled.T))
        self.columns_ = numbers[kept]
        self.centre_, self.spread_ = self._scaling(filled[:, kept])
        return self

    def transform(self, x: Array) -> Array:
        """Return the kept columns of new rows, filled and scaled with what the training rows gave."""
        p = x.shape[1]
        real, flags = self.columns_[self.columns_ < p], self.columns_[self.columns_ >= p] - p
        part = x[:, real]
        missing = np.isnan(part)
        out = np.where(missing, self.fill_[real], part) if missing.any() else part
        out = np.hstack([out, np.isnan(x[:, flags]).astype(float)]) if flags.size else out
        out = (out - self.centre_) / self.spread_
        return out if self.bound is None else np.clip(out, -self.bound, self.bound)

    @property
    def bound(self) -> float | None:
        """Return how many spreads from the centre values end, or None where they do not."""
        return BOUND if self.scale == "bounded" else None

    def fit_transform(self, x: Array, y: object = None) -> Array:
        """Fit and transform the same rows."""
        return self.fit(x).transform(x)

    def get_support(self) -> IntArray:
        """Return the numbers of the kept columns."""
        return self.columns_

    def names(self, columns: tuple[str, ...]) -> tuple[str, ...]:
        """Return the names of the kept columns, given those of the input."""
        p = len(columns)
        return tuple(columns[c] if c < p else f"{columns[c - p]}__missing" for c in self.columns_)

    def _indicators(self, missing: NDArray[np.bool_]) -> IntArray:
        return np.flatnonzero(missing.any(0)) if self.impute == "median_indicator" else np.empty(0, np.intp)

    def _fill(self, x: Array, missing: NDArray[np.bool_]) -> Array:
        return np.where(missing, self.fill_, x) if missing.any() else x

    def _kept(self, columns: Array) -> IntArray:
        ranks, sizes = average_ranks(columns)
        commonest = sizes.max(1, initial=0.0)
        n = columns.shape[1]
        wide = np.ptp(columns, axis=1) > 1e-12 * np.maximum(1e-12, np.abs(columns).max(1, initial=0.0))
        varied = (commonest < n) & wide & ((commonest < self.near_constant * n) | (self.near_constant >= 1))
        kept = np.flatnonzero(varied)
        if self.correlation is None or len(kept) < 2:
            return kept
        return kept[uncorrelated((ranks if self.method == "spearman" else columns)[kept], self.correlation)]

    def _scaling(self, x: Array) -> tuple[Array, Array]:
        if self.scale == "none" or not x.shape[1]:
            return np.zeros(x.shape[1]), np.ones(x.shape[1])
        if self.scale == "standard":
            return x.mean(0), x.std(0)
        low, middle, high = np.quantile(x, [0.25, 0.5, 0.75], axis=0)
        spread = (high - low) / 1.3489795003921634  # the SD of a normal with this interquartile range
        return middle, np.where(spread > 0, spread, x.std(0))


def uncorrelated(columns: Array, limit: float) -> IntArray:
    """Return the rows of `columns` (one feature each) that stay when no two may correlate above `limit`.

    The feature with the smallest mean absolute correlation comes first; each next one stays unless it correlates
    with one that stayed, so that of a pair the one less correlated with everything is kept.
    """
    centred = columns - columns.mean(1, keepdims=True)
    centred /= np.sqrt(np.einsum("ij,ij->i", centred, centred))[:, None]
    correlation = np.abs(centred @ centred.T)
    near = [int.from_bytes(row, "little") for row in np.packbits(correlation > limit, axis=1, bitorder="little")]
    order = np.argsort(np.round(correlation.mean(1), 12), kind="stable")
    taken, kept = 0, []
    for index in order.tolist():
        if not near[index] & taken:
            taken |= 1 << index
            kept.append(index)
    return np.sort(np.array(kept, np.intp))


def prepare(*, impute: Impute = "median", near_constant: Share = 0.95,
            correlation: Annotated[float, Gt(0), Le(1)] | None = 0.9, method: Method = "spearman",
            scale: Scale = "standard") -> Preparation:
    """Fill missing values, drop near-constant and highly correlated columns, scale; all inside the fold."""
    return Preparation(impute, near_constant, correlation, method, scale)


PREPARE = {"prepare": prepare}


def _medians(x: Array, missing: NDArray[np.bool_]) -> Array:
    """Return the median of each column's known values, 0 where there are none."""
    ordered = np.sort(np.ascontiguousarray(x.T), axis=1)  # NaN sorts last
    known = len(x) - missing.sum(0)
    columns = np.arange(x.shape[1])
    middle = (ordered[columns, np.maximum(known - 1, 0) // 2] + ordered[columns, known // 2 * (known > 0)]) / 2
    return np.asarray(np.where(known > 0, middle, 0.0))
