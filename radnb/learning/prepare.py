"""What happens to a feature table before any outcome is looked at, learned from the training rows alone."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from typing import Annotated, Literal

import numpy as np
from annotated_types import Gt, Le
from numpy.typing import NDArray

from radnb.errors import RadnbError
from radnb.learning.folds import IntArray
from radnb.learning.harmonise import Harmoniser
from radnb.learning.impute import IMPUTERS, Impute, Imputer
from radnb.statistics.families import Array
from radnb.statistics.screening import average_ranks

Scale = Literal["standard", "robust", "bounded", "none"]
Method = Literal["spearman", "pearson"]
Share = Annotated[float, Gt(0), Le(1)]
Bools = NDArray[np.bool_]
BLOCK = 2048
BOUND = 3.0  # robust standard deviations from the median, beyond which "bounded" cuts


@dataclass
class Preparation:
    """Imputation, harmonising, near-constant filter, correlation filter and scaling, fitted together.

    With impute="median_indicator" each column with missing training values is followed, after all columns, by an
    indicator column. After `fit`, `columns_` are the input columns kept (an indicator of column j has number p + j).
    """

    impute: Impute = "median"
    near_constant: float = 0.95
    correlation: float | None = 0.9
    method: Method = "spearman"
    scale: Scale = "standard"
    harmoniser: Harmoniser | None = None
    columns_: IntArray = field(init=False, repr=False)
    imputer_: Imputer = field(init=False, repr=False)
    harmoniser_: Harmoniser | None = field(default=None, init=False, repr=False)
    centre_: Array = field(init=False, repr=False)
    spread_: Array = field(init=False, repr=False)

    @property
    def fill_(self) -> Array:
        """Return a typical value for each input column."""
        return self.imputer_.fill_

    def fit(self, x: Array, batch: IntArray | None = None, covariates: Array | None = None) -> Preparation:
        """Learn from training rows (NaN: missing), their batch codes and covariates; the outcome is never used."""
        missing = np.isnan(x)
        self.imputer_ = IMPUTERS[self.impute]().fit(x, missing)
        p, indicators = x.shape[1], self._indicators(missing)
        filled = self.imputer_.filled(x, np.arange(p)) if missing.any() else x
        even, worth = self._harmonised(filled, batch, covariates)
        even = np.hstack([even, missing[:, indicators].astype(float)]) if indicators.size else even
        numbers = np.concatenate([np.arange(p), p + indicators])
        kept = self._kept(np.ascontiguousarray(even.T), np.append(worth, np.ones(indicators.size, bool)))
        self.columns_ = numbers[kept]
        self.centre_, self.spread_ = self._scaling(even[:, kept])
        if self.harmoniser_ is not None:
            self.harmoniser_ = self.harmoniser_.only(self.columns_[self.columns_ < p])
        return self

    def calibrate(self, x: Array, batch: IntArray, covariates: Array | None = None) -> Preparation:
        """Teach the harmoniser batches that no training row shows, from the rows of their calibration sample."""
        if self.harmoniser_ is not None and len(x):
            real = self.columns_[self.columns_ < x.shape[1]]
            self.harmoniser_.calibrate(self.imputer_.filled(x, real), batch, covariates)
        return self

    def transform(self, x: Array, batch: IntArray | None = None, covariates: Array | None = None) -> Array:
        """Return the kept columns of new rows, filled, harmonised and scaled with what the training rows gave."""
        p = x.shape[1]
        real, flags = self.columns_[self.columns_ < p], self.columns_[self.columns_ >= p] - p
        out = self.imputer_.filled(x, real)
        if self.harmoniser_ is not None:
            out = self.harmoniser_.transform(out, _batch(batch), covariates)
        out = np.hstack([out, np.isnan(x[:, flags]).astype(float)]) if flags.size else out
        out = (out - self.centre_) / self.spread_
        return out if self.bound is None else np.clip(out, -self.bound, self.bound)

    @property
    def bound(self) -> float | None:
        """Return how many spreads from the centre values end, or None where they do not."""
        return BOUND if self.scale == "bounded" else None

    def lean(self, taken: IntArray) -> tuple[Preparation, IntArray, IntArray]:
        """Return what makes some of the prepared columns, the input columns it needs, and their place in its result.

        With (made, needed, place): `made.transform(x[:, needed])[:, place]` equals `self.transform(x)[:, taken]`.
        """
        p, source = len(self.fill_), self.columns_[taken]
        flags, raw = source >= p, source % max(p, 1)
        made = replace(self)
        made.imputer_, needed = self.imputer_.lean(np.unique(raw))
        column = np.searchsorted(needed, raw) + len(needed) * flags
        order = np.argsort(column, kind="stable")
        made.columns_ = column[order]
        made.centre_, made.spread_ = self.centre_[taken[order]], self.spread_[taken[order]]
        if self.harmoniser_ is not None:
            real = self.columns_[self.columns_ < p]
            made.harmoniser_ = self.harmoniser_.only(np.searchsorted(real, np.sort(source[~flags])))
        return made, needed, np.argsort(order, kind="stable")

    def fit_transform(self, x: Array) -> Array:
        """Fit and transform the same rows, which need no harmonising."""
        return self.fit(x).transform(x)

    def names(self, columns: tuple[str, ...]) -> tuple[str, ...]:
        """Return the names of the kept columns, given those of the input."""
        p = len(columns)
        return tuple(columns[c] if c < p else f"{columns[c - p]}__missing" for c in self.columns_)

    def _indicators(self, missing: Bools) -> IntArray:
        return np.flatnonzero(missing.any(0)) if self.impute == "median_indicator" else np.empty(0, np.intp)

    def _harmonised(self, x: Array, batch: IntArray | None, covariates: Array | None) -> tuple[Array, Bools]:
        """Return harmonised training rows, and which columns varied before: else only their batch would show."""
        self.harmoniser_ = None
        if self.harmoniser is None or self.harmoniser.estimate is None:
            return x, np.ones(x.shape[1], bool)
        self.harmoniser_ = replace(self.harmoniser).fit(x, _batch(batch), covariates)
        columns = np.ascontiguousarray(x.T)
        worth = self._varied(columns, average_ranks(columns)[1])
        return self.harmoniser_.transform(x, _batch(batch), covariates), worth

    def _varied(self, columns: Array, sizes: Array) -> Bools:
        commonest, n = sizes.max(1, initial=0.0), columns.shape[1]
        wide = np.ptp(columns, axis=1) > 1e-12 * np.maximum(1e-12, np.abs(columns).max(1, initial=0.0))
        return (commonest < n) & wide & ((commonest < self.near_constant * n) | (self.near_constant >= 1))

    def _kept(self, columns: Array, worth: Bools) -> IntArray:
        ranks, sizes = average_ranks(columns)
        kept = np.flatnonzero(self._varied(columns, sizes) & worth)
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
    near, mean = list[int](), np.empty(len(centred))
    for start in range(0, len(centred), BLOCK):  # the whole square of many columns would fill the memory
        correlation = np.abs(centred[start:start + BLOCK] @ centred.T)
        packed = np.packbits(correlation > limit, axis=1, bitorder="little")
        near += [int.from_bytes(row, "little") for row in packed]
        mean[start:start + BLOCK] = correlation.mean(1)
    order = np.argsort(np.round(mean, 12), kind="stable")
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


def _batch(batch: IntArray | None) -> IntArray:
    if batch is None:
        raise RadnbError("prepare: harmonising needs the batch of each row. Give the codes of centre or scanner.",
                         code="E_BATCH")
    return batch
