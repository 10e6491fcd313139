"""Differences between centres or scanners taken out of features: learned from training rows, never the outcome."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace
from typing import Annotated, Literal

import numpy as np
from annotated_types import Ge
from numpy.typing import NDArray

from radnb.errors import RadnbError, nearest
from radnb.learning.folds import IntArray
from radnb.statistics import combat as effects
from radnb.statistics.families import Array

Unseen = Literal["unharmonised", "refuse", "calibrate"]
Sample = Annotated[int, Ge(2)] | str
UNNAMED = -1  # the code of rows that name no batch
BY_FEATURE = ("level", "slopes", "spread", "location", "scale", "adjusted")


@dataclass
class Harmoniser:
    """The effects of batches on features, and what is done about batches that training rows do not show.

    `batch` and `covariates` name columns of the cohort, `reference` a batch and `home` its code; without `estimate`
    all rows stay as they are. `unseen` says what happens to batches without training rows, `calibration` how many of
    their patients, or which column, may serve to learn them. After `fit`, `left_` tells why a training batch stays as
    it is: one_case (two different cases have a spread), unnamed, or no_reference. Never told the outcome.
    """

    estimate: effects.Estimate | None = None
    batch: str = ""
    covariates: tuple[str, ...] = ()
    mean_only: bool = False
    reference: str | None = None
    unseen: Unseen = "unharmonised"
    calibration: Sample = 20
    home: int | None = None
    left_: dict[int, str] = field(default_factory=dict, init=False, repr=False)
    middle_: Array = field(default_factory=lambda: np.empty(0), init=False, repr=False)
    learned_: effects.Combat | None = field(default=None, init=False, repr=False)

    def fit(self, x: Array, batch: IntArray, covariates: Array | None = None) -> Harmoniser:
        """Learn from training rows: features without gaps, batch codes, covariates (gaps take the mean)."""
        self.learned_, self.left_ = None, left_alone(x, batch, self.home) if self.estimate else {}
        c = np.empty((len(x), 0)) if covariates is None else covariates
        self.middle_ = np.array([np.nanmean(one) if np.isfinite(one).any() else 0.0 for one in c.T])
        rows = ~np.isin(batch, list(self.left_))
        if self.estimate and rows.any():
            self.learned_ = effects.fit(x[rows], batch[rows], self._known(c)[rows], estimate=self.estimate,
                                        mean_only=self.mean_only, reference=self.home)
        return self

    def calibrate(self, x: Array, batch: IntArray, covariates: Array | None = None) -> Harmoniser:
        """Learn batches without training rows from their calibration sample; all else stays as it was."""
        if self.learned_ is not None and self.unseen == "calibrate":
            c = self._known(np.empty((len(x), 0)) if covariates is None else covariates)
            alone = left_alone(x, batch)
            for b in np.setdiff1d(batch, [*alone, *self.learned_.batches]).tolist():
                self.learned_ = effects.extend(self.learned_, x[batch == b], b, c[batch == b])
        return self

    def transform(self, x: Array, batch: IntArray, covariates: Array | None = None) -> Array:
        """Return harmonised rows; those of batches that were not learned stay as they are (see `refused`)."""
        if self.learned_ is None:
            return x
        return effects.apply(self.learned_, x, batch,
                             self._known(np.empty((len(x), 0)) if covariates is None else covariates))

    def refused(self, batch: IntArray) -> NDArray[np.bool_]:
        """Say which rows may not be scored: those of batches that were not learned, where the card refuses them."""
        seen = np.empty(0, np.intp) if self.learned_ is None else self.learned_.batches
        return ~np.isin(batch, seen) & (self.unseen == "refuse") & (self.estimate is not None)

    def only(self, columns: IntArray) -> Harmoniser:
        """Return what was learned of some of the columns."""
        made, known = replace(self), self.learned_
        made.left_, made.middle_ = self.left_, self.middle_
        if known is not None:
            made.learned_ = replace(known, **{name: getattr(known, name)[..., columns] for name in BY_FEATURE})
        return made

    def named(self, names: Sequence[str]) -> Harmoniser:
        """Return the harmoniser with the code of its reference batch, given the batches in the order of their codes."""
        if self.reference is None:
            return self
        if self.reference not in names:
            raise RadnbError(f"harmonise: {self.batch} has no value {self.reference!r} to refer to. "
                             f"{nearest(self.reference, names)}", code="E_BATCH")
        return replace(self, home=list(names).index(self.reference))

    def _known(self, covariates: Array) -> Array:
        missing = np.isnan(covariates)
        return np.where(missing, self.middle_, covariates) if missing.any() else covariates


def calibration_rows(batch: IntArray, groups: IntArray, train: IntArray, *, calibration: int | NDArray[np.bool_],
                     seed: int) -> IntArray:
    """Return the rows that teach the batches without training rows, and that are therefore never tested.

    A number of patients is drawn in each such batch, the same ones for every split; or the rows are declared.
    """
    new = np.setdiff1d(batch, [*batch[train], UNNAMED])
    if not isinstance(calibration, int):
        return np.flatnonzero(np.isin(batch, new) & calibration)
    drawn = [np.random.default_rng([seed, 6, int(b)]).permutation(np.unique(groups[batch == b]))[:calibration]
             for b in new]
    return np.flatnonzero(np.isin(batch, new) & np.isin(groups, np.concatenate([np.empty(0, np.intp), *drawn])))


def none() -> Harmoniser:
    """Leave differences between centres and scanners as they are."""
    return Harmoniser()


def combat(*, batch: str = "centre", covariates: tuple[str, ...] = (),
           estimate: Literal["parametric", "nonparametric"] = "parametric", mean_only: bool = False,
           reference: str | None = None, unseen: Unseen = "unharmonised", calibration: Sample = 20) -> Harmoniser:
    """Take location and scale of each batch out, shrunk over the features (ComBat), within covariates.

    Batches and covariates are columns; all batches move to their common level, or to the `reference`.
    """
    return Harmoniser(estimate, batch, covariates, mean_only, reference, unseen, calibration)


def zscore(*, batch: str = "centre", reference: str | None = None, unseen: Unseen = "unharmonised",
           calibration: Sample = 20) -> Harmoniser:
    """Give every feature the same mean and standard deviation in each batch, without shrinking or covariates."""
    return Harmoniser("unshrunk", batch, (), False, reference, unseen, calibration)


HARMONISERS: dict[str, Callable[..., Harmoniser]] = {
    "none": none,
    "combat": combat,
    "zscore": zscore,
}


def left_alone(x: Array, batch: IntArray, home: int | None = None) -> dict[int, str]:
    """Return the batches that cannot be learned from these rows, and why; copies of a row are one case."""
    found, own = {}, {int(b): x[batch == b] for b in np.unique(batch)}
    for b, rows in own.items():
        if b == UNNAMED:
            found[b] = "unnamed"
        elif (rows == rows[0]).all():
            found[b] = "one_case"
    if home is not None and (home in found or home not in own):
        return {b: found.get(b, "no_reference") for b in own}
    return found
