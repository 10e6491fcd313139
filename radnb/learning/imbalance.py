"""Rare classes: copies or blends of training rows, inside the fold only; no row that is scored is ever copied.

Scores learned from a changed mix of classes are no probabilities: they are recalibrated inside the fold afterwards.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Annotated, Any, ClassVar, Literal

import numpy as np
from annotated_types import Gt, Le

from radnb.learning.folds import IntArray
from radnb.statistics.families import Array

Count = Annotated[int, Gt(0)]
Ratio = Annotated[float, Gt(0), Le(1)]
Resampled = tuple[Array, IntArray, IntArray]


@dataclass(frozen=True)
class Oversampler:
    """A change of the training rows of a class model; `changes` says whether scores need recalibration after it."""

    changes: ClassVar[bool] = True

    def resample(self, x: Array, y: IntArray, groups: IntArray) -> Resampled:
        """Return training rows, classes and groups with the classes brought nearer to one size.

        A new row carries the group of a row it came from, so that inner folds keep it beside that patient.
        """
        raise NotImplementedError


@dataclass(frozen=True)
class AsTheyAre(Oversampler):
    """No change."""

    changes: ClassVar[bool] = False

    def resample(self, x: Array, y: IntArray, groups: IntArray) -> Resampled:
        """Return the rows as they are."""
        return x, y, groups


@dataclass(frozen=True)
class Copies(Oversampler):
    """Random copies of the rows of smaller classes."""

    ratio: float = 1.0
    seed: int = 0

    def resample(self, x: Array, y: IntArray, groups: IntArray) -> Resampled:
        """Return the rows, then the copies."""
        rows = np.r_[np.arange(len(y)), _copies(y, _lacking(y, self.ratio), self.seed)]
        return x[rows], y[rows], groups[rows]


@dataclass(frozen=True)
class Fewer(Oversampler):
    """A random choice of the rows of larger classes."""

    ratio: float = 1.0
    seed: int = 0

    def resample(self, x: Array, y: IntArray, groups: IntArray) -> Resampled:
        """Return the rows that stay, in their order."""
        classes, counts = np.unique(y, return_counts=True)
        most, rng = round(float(counts.min() / self.ratio)), np.random.default_rng([self.seed, 11])
        kept = [rng.permutation(np.flatnonzero(y == c))[:most] for c in classes]
        rows = np.sort(np.concatenate(kept))
        return x[rows], y[rows], groups[rows]


@dataclass(frozen=True)
class Blends(Oversampler):
    """New rows of smaller classes between neighbours of a class (imbalanced-learn's SMOTE and its kin)."""

    kind: Literal["smote", "borderline", "adasyn"] = "smote"
    neighbours: int = 5
    ratio: float = 1.0
    seed: int = 0

    def resample(self, x: Array, y: IntArray, groups: IntArray) -> Resampled:
        """Return the rows, then the new ones; a class of one row is copied, for it has no neighbours."""
        lacking = _lacking(y, self.ratio)
        single = {c: n for c, n in lacking.items() if np.count_nonzero(y == c) < 2}
        blended = {c: n for c, n in lacking.items() if c not in single}
        new_x, new_y = self._blend(x, y, blended) if blended else (x[:0], y[:0])
        copied = _copies(y, single, self.seed)
        parents = np.r_[_nearest(new_x, new_y, x, y), copied]
        return (np.vstack([x, new_x, x[copied]]), np.r_[y, new_y, y[copied]], np.r_[groups, groups[parents]])

    def _blend(self, x: Array, y: IntArray, lacking: dict[int, int]) -> tuple[Array, IntArray]:
        """Return new rows and their classes; where no neighbours differ, ADASYN is not defined and SMOTE is taken."""
        try:
            return self._made(self.kind, x, y, lacking)
        except (RuntimeError, ValueError):  # of ADASYN alone: no neighbour of another class, or nothing to make
            if self.kind != "adasyn":
                raise
            return self._made("smote", x, y, lacking)

    def _made(self, kind: str, x: Array, y: IntArray, lacking: dict[int, int]) -> tuple[Array, IntArray]:
        sizes = {c: int(np.count_nonzero(y == c)) for c in lacking}
        make = _maker(kind, min(self.neighbours, min(sizes.values()) - 1), len(y),
                      {c: sizes[c] + n for c, n in lacking.items()}, self.seed)
        more_x, more_y = make.fit_resample(x, y)
        return np.asarray(more_x[len(y):], float), np.asarray(more_y[len(y):], np.intp)


def _maker(kind: str, neighbours: int, rows: int, wanted: dict[int, int], seed: int) -> Any:
    from imblearn import over_sampling as made  # loads scikit-learn, which takes seconds and few runs need

    given = {"sampling_strategy": wanted, "random_state": seed}
    if kind == "adasyn":
        return made.ADASYN(n_neighbors=neighbours, **given)
    if kind == "borderline":
        return made.BorderlineSMOTE(k_neighbors=neighbours, m_neighbors=min(10, rows - 1), **given)
    return made.SMOTE(k_neighbors=neighbours, **given)


def _lacking(y: IntArray, ratio: float) -> dict[int, int]:
    """Return how many rows each class lacks to reach this share of the largest."""
    classes, counts = np.unique(y, return_counts=True)
    wanted = round(float(ratio * counts.max()))
    return {int(c): wanted - int(n) for c, n in zip(classes, counts, strict=True) if n < wanted}


def _copies(y: IntArray, lacking: dict[int, int], seed: int) -> IntArray:
    """Return row numbers to copy: all of a class equally often, the rest at random."""
    rng, found = np.random.default_rng([seed, 10]), [np.empty(0, np.intp)]
    for c, number in lacking.items():
        rows = np.flatnonzero(y == c)
        found.append(np.concatenate([rng.permutation(rows) for _ in range(-(-number // len(rows)))])[:number])
    return np.concatenate(found).astype(np.intp)


def _nearest(new_x: Array, new_y: IntArray, x: Array, y: IntArray) -> IntArray:
    """Return for each new row the nearest old row of its class."""
    out = np.empty(len(new_y), np.intp)
    for c in np.unique(new_y):
        rows, here = np.flatnonzero(y == c), np.flatnonzero(new_y == c)
        old = x[rows]
        out[here] = rows[[int(np.argmin(((old - one) ** 2).sum(1))) for one in new_x[here]]]
    return out


def none() -> AsTheyAre:
    """Leave the classes as they are."""
    return AsTheyAre()


def random(*, ratio: Ratio = 1.0, seed: int) -> Copies:
    """Copy random rows of smaller classes until they reach `ratio` of the largest."""
    return Copies(ratio, seed)


def smote(*, neighbours: Count = 5, ratio: Ratio = 1.0, seed: int) -> Blends:
    """Make new rows between neighbours of a smaller class (SMOTE); yes/no columns then take values in between."""
    return Blends("smote", neighbours, ratio, seed)


def borderline_smote(*, neighbours: Count = 5, ratio: Ratio = 1.0, seed: int) -> Blends:
    """Make new rows near the border with other classes only (borderline SMOTE); none where no border is found."""
    return Blends("borderline", neighbours, ratio, seed)


def adasyn(*, neighbours: Count = 5, ratio: Ratio = 1.0, seed: int) -> Blends:
    """Make more new rows where other classes are near (ADASYN); as smote where classes lie apart."""
    return Blends("adasyn", neighbours, ratio, seed)


def undersample(*, ratio: Ratio = 1.0, seed: int) -> Fewer:
    """Leave out random rows of larger classes until the smallest reaches `ratio` of them."""
    return Fewer(ratio, seed)


OVERSAMPLERS: dict[str, Callable[..., Oversampler]] = {
    "none": none,
    "random": random,
    "smote": smote,
    "borderline_smote": borderline_smote,
    "adasyn": adasyn,
    "undersample": undersample,
}
