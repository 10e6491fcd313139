"""ComBat: batch effects of location and scale, shrunk over features (Johnson et al., Biostatistics 2007;8:118).

`fit` learns from some rows and `apply` corrects any rows, so that tested patients never shape their own correction
(images: Fortin et al., NeuroImage 2018;167:104). Equal to ComBat of R's sva, down to its rule for stopping.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Literal, NamedTuple

import numpy as np
from numpy.typing import NDArray

from radnb.errors import RadnbError
from radnb.statistics.families import Array

IntArray = NDArray[np.intp]
Estimate = Literal["parametric", "nonparametric", "unshrunk"]
FEWEST = 2  # rows that a batch needs to have a spread
SETTLED = 1e-4  # sva's
LEAST_LEFT = 1e-9  # of the spread within batches, below which covariates explain a feature wholly
MOST_STEPS = 1000
BLOCK = 4_000_000  # pairs of features weighed at once


@dataclass(frozen=True)
class Combat:
    """What was learned: the common level, effects of covariates and spread of each feature; each batch's effects.

    `adjusted` is false for a feature that does not vary within some batch: like sva, it is left as it is.
    """

    batches: IntArray
    level: Array
    slopes: Array  # covariates x features
    spread: Array
    location: Array  # batches x features, in units of spread
    scale: Array
    adjusted: NDArray[np.bool_]
    estimate: Estimate
    mean_only: bool


class Standardised(NamedTuple):
    """The first two moments of one batch in units of the common spread, all that shrinking needs."""

    n: int
    mean: Array
    variance: Array


def fit(x: Array, batch: IntArray, covariates: Array | None = None, *, estimate: Estimate = "parametric",
        mean_only: bool = False, reference: int | None = None) -> Combat:
    """Learn the batch effects of features `x` (rows x features); every batch needs two rows.

    With `reference`, or a single batch, all batches move to that one, which stays as it is. A covariate that is
    constant within every batch cannot be told from the batch and gets no effect.
    """
    names, code, size = np.unique(batch, return_inverse=True, return_counts=True)
    _enough(names, size, reference)
    means = _sums(x, code, len(names)) / size[:, None]
    within = x - means[code]
    adjusted = ~(_flat(x, code, len(names)).any(0))
    c, inside = _centred(covariates, code, size, len(x))
    slopes = np.linalg.pinv(inside) @ within
    residual = within - inside @ slopes
    levels = means - c @ slopes  # of each batch at covariates of zero
    home = 0 if len(names) == 1 else None if reference is None else int(np.searchsorted(names, reference))
    level = levels[home] if home is not None else size / len(x) @ levels
    chosen = residual if home is None else residual[code == home]
    spread = np.sqrt((chosen**2).mean(0))
    adjusted &= spread > LEAST_LEFT * np.abs(within).max(0)
    spread = np.where(adjusted, spread, 1.0)
    location, scale = np.zeros_like(levels), np.ones_like(levels)
    for b in np.flatnonzero(np.arange(len(names)) != home):
        part = Standardised(int(size[b]), (levels[b] - level) / spread, residual[code == b].var(0, ddof=1) / spread**2)
        location[b], scale[b] = _effects(part, adjusted, estimate, mean_only)
    return Combat(names.astype(np.intp), level, slopes, spread, location, scale, adjusted, estimate, mean_only)


def extend(known: Combat, x: Array, batch: int, covariates: Array | None = None) -> Combat:
    """Add a batch that was not there when `known` was fitted, from a sample of its rows; all else stays as it was."""
    _enough(np.array([batch]), np.array([len(x)]), None)
    moved = (x - _expected(known, covariates)) / known.spread
    usable = known.adjusted & (np.ptp(x, axis=0) > 0)
    location, scale = _effects(Standardised(len(x), moved.mean(0), moved.var(0, ddof=1)), usable, known.estimate,
                               known.mean_only)
    order = np.argsort(np.append(known.batches, batch), kind="stable")
    return replace(known, batches=np.append(known.batches, batch)[order].astype(np.intp),
                   location=np.vstack([known.location, location])[order],
                   scale=np.vstack([known.scale, scale])[order])


def apply(known: Combat, x: Array, batch: IntArray, covariates: Array | None = None) -> Array:
    """Return rows without the effects of their batches; rows of batches that `known` has not seen stay as they are."""
    place = np.minimum(np.searchsorted(known.batches, batch), len(known.batches) - 1)
    seen = known.batches[place] == batch
    expected = _expected(known, covariates)
    spread = known.spread
    clean = (x - expected - spread * known.location[place]) / np.sqrt(known.scale)[place] + expected
    return np.where(seen[:, None] & known.adjusted, clean, x)


def _enough(names: NDArray[np.intp], size: NDArray[np.intp], reference: int | None) -> None:
    if len(size) == 0 or size.min() < FEWEST:
        raise RadnbError(f"ComBat: batch {', '.join(map(str, names[size < FEWEST].tolist()))} has fewer than "
                         f"{FEWEST} rows. Leave its rows out, or join it with another batch.", code="E_BATCH")
    if reference is not None and reference not in names:
        raise RadnbError(f"ComBat: the reference batch {reference} has no rows. Name another one, or none.",
                         code="E_BATCH")


def _sums(x: Array, code: NDArray[np.intp], units: int) -> Array:
    return np.asarray((code == np.arange(units)[:, None]).astype(float) @ x)


def _flat(x: Array, code: NDArray[np.intp], units: int) -> NDArray[np.bool_]:
    return np.array([np.ptp(x[code == b], axis=0) == 0 for b in range(units)])


def _centred(covariates: Array | None, code: NDArray[np.intp], size: NDArray[np.intp],
             rows: int) -> tuple[Array, Array]:
    """Return the batches' means of the covariates, and the covariates less those means."""
    c = np.empty((rows, 0)) if covariates is None else np.asarray(covariates, float)
    means = _sums(c, code, len(size)) / size[:, None]
    inside = c - means[code]
    return means, np.where(np.abs(inside) > 1e-12 * np.abs(c).max(0, initial=0.0), inside, 0.0)


def _expected(known: Combat, covariates: Array | None) -> Array:
    return known.level if covariates is None else known.level + np.asarray(covariates, float) @ known.slopes


def _effects(part: Standardised, usable: NDArray[np.bool_], estimate: Estimate,
             mean_only: bool) -> tuple[Array, Array]:
    """Return location and variance of one batch per feature; features that are not usable have none (0 and 1)."""
    location, scale = np.zeros(len(usable)), np.ones(len(usable))
    own = Standardised(part.n, part.mean[usable], part.variance[usable])
    shrink = SHRINK[estimate] if len(own.mean) > 1 else _unshrunk  # one feature has nothing to shrink towards
    location[usable], scale[usable] = shrink(own, mean_only)
    return location, scale


def _parametric(part: Standardised, mean_only: bool) -> tuple[Array, Array]:
    """Shrink with a normal prior of locations and an inverse gamma prior of variances, fitted by their moments."""
    middle, spread = part.mean.mean(), part.mean.var(ddof=1)
    if mean_only:
        return (spread * part.mean + middle) / (spread + 1), np.ones_like(part.mean)
    average = part.variance.mean()
    other = max(part.variance.var(ddof=1), 1e-12 * average**2)  # equal variances would make the prior a point
    shape, rate = (2 * other + average**2) / other, (average * other + average**3) / other
    location, scale = part.mean, part.variance
    for _ in range(MOST_STEPS):
        before = location, scale
        location = (part.n * spread * part.mean + scale * middle) / (part.n * spread + scale)
        squares = (part.n - 1) * part.variance + part.n * (part.mean - location) ** 2
        scale = (squares / 2 + rate) / (part.n / 2 + shape - 1)
        if max(_change(location, before[0]), _change(scale, before[1])) <= SETTLED:
            break
    return location, scale


def _change(new: Array, old: Array) -> float:
    """Return the largest relative change as sva counts it: with the sign of the old value."""
    return float(np.max(np.divide(np.abs(new - old), old, out=np.zeros_like(old), where=old != 0)))


def _nonparametric(part: Standardised, mean_only: bool) -> tuple[Array, Array]:
    """Average the effects of all other features, each weighed by how well it would explain this feature's rows."""
    variance = np.ones_like(part.mean) if mean_only else part.variance
    location, scale = np.empty_like(part.mean), np.empty_like(part.mean)
    for rows in np.array_split(np.arange(len(variance)), 1 + len(variance) ** 2 // BLOCK):
        squares = (part.n - 1) * part.variance[rows, None] + part.n * (part.mean[rows, None] - part.mean) ** 2
        weight = -(part.n * np.log(variance) + squares / variance) / 2
        weight[np.arange(len(rows)), rows] = -np.inf
        weight = np.exp(weight - weight.max(1, keepdims=True))
        weight /= weight.sum(1, keepdims=True)
        location[rows], scale[rows] = weight @ part.mean, weight @ variance
    return location, scale


def _unshrunk(part: Standardised, mean_only: bool) -> tuple[Array, Array]:
    return part.mean, np.ones_like(part.mean) if mean_only else part.variance


SHRINK = {"parametric": _parametric, "nonparametric": _nonparametric, "unshrunk": _unshrunk}
