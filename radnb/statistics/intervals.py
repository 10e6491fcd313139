"""Intervals and p for cross-validated figures: the rules that were simulated, and no others.

The centre is the mean over repeats; the standard error keeps the between-resample part of a one-way random-effects
model over whole-pipeline resamples (the idea of Cai et al., arXiv 2307.00260), never less than the fold-wise influence
standard error; p comes from permuting the whole procedure, stopped as Besag and Clifford (Biometrika 1991;78:301).
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from numpy.typing import ArrayLike

from radnb.errors import RadnbError
from radnb.statistics.calibration import expit
from radnb.statistics.inputs import Z95, Floats

CLIP = 0.01  # how near to 0 or 1 the centre of a logit interval may lie


class Spread(NamedTuple):
    """Variance components of resampled estimates: between resamples, and between fold splits of one resample."""

    between: Floats
    split: Floats


class SequentialP(NamedTuple):
    """A permutation p, how many permuted values reached the observed one, and how many were used."""

    p: float
    reached: int
    used: int


def random_effects(resampled: ArrayLike) -> Spread:
    """Split the variance of V[resample, split, ...] into resamples and splits, by the mean squares."""
    v = np.asarray(resampled, dtype=float)
    if v.ndim < 2 or v.shape[0] < 2:
        raise RadnbError("resamples must be a table of at least two resamples by one fold split. "
                         "Run more resamples.", code="E_RESAMPLES")
    splits = v.shape[1]
    between = splits * v.mean(axis=1).var(axis=0, ddof=1)
    if splits == 1:
        return Spread(between, np.zeros_like(between))
    within = v.var(axis=1, ddof=1).mean(axis=0)
    return Spread(np.maximum((between - within) / splits, 0), within)


def cv_error(repeats: ArrayLike, resampled: ArrayLike, floor: ArrayLike) -> Floats:
    """Return the standard error of the mean over repeats, from resamples, the splits' noise and the floor."""
    v = np.asarray(repeats, dtype=float)
    spread = random_effects(resampled)
    noise = v.var(axis=0, ddof=1) if len(v) > 1 else spread.split
    return np.asarray(np.sqrt(np.maximum(spread.between, np.asarray(floor, dtype=float) ** 2) + noise / len(v)))


def cv_interval(repeats: ArrayLike, resampled: ArrayLike, floor: ArrayLike, *, scale: str = "logit",
                bounds: tuple[float, float] = (0.0, 1.0)) -> tuple[Floats, Floats, Floats, Floats]:
    """Return value, low, high and standard error of cross-validated figures (arrays over the trailing axes).

    `repeats` is v[repeat, ...], `resampled` V[resample, split, ...], `floor` the influence standard error;
    `scale` is "logit" (AUC, proportions) or "plain" (C, differences), clipped to `bounds`.
    """
    value = np.asarray(repeats, dtype=float).mean(axis=0)
    se = cv_error(repeats, resampled, floor)
    low, high = around(value, se, scale=scale, bounds=bounds)
    return value, low, high, se


def around(value: ArrayLike, se: ArrayLike, *, scale: str = "logit",
           bounds: tuple[float, float] = (0.0, 1.0)) -> tuple[Floats, Floats]:
    """Return the 95 % limits value -/+ 1.96 se on the logit or the plain scale."""
    centre, error = np.asarray(value, dtype=float), np.asarray(se, dtype=float)
    if scale == "plain":
        return np.clip(centre - Z95 * error, *bounds), np.clip(centre + Z95 * error, *bounds)
    inside = np.clip(centre, CLIP, 1 - CLIP)
    half = Z95 * error / (inside * (1 - inside))
    log_odds = np.log(inside / (1 - inside))
    return np.minimum(expit(log_odds - half), centre), np.maximum(expit(log_odds + half), centre)


def besag_clifford(observed: float, permuted: ArrayLike, *, stop: int = 10) -> SequentialP:
    """Return the sequential p of a statistic whose large values speak for a signal.

    p = stop/l at the l-th permutation, when `stop` values have reached the observed one; else (g+1)/(l+1).
    """
    values = np.asarray(permuted, dtype=float)
    if not len(values) or not np.isfinite(observed) or not np.isfinite(values).all():
        return SequentialP(float("nan"), 0, len(values))
    reached = np.flatnonzero(values >= observed - 1e-12)
    if len(reached) >= stop:
        used = int(reached[stop - 1]) + 1
        return SequentialP(stop / used, stop, used)
    return SequentialP((len(reached) + 1) / (len(values) + 1), len(reached), len(values))
