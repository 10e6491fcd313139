"""Do predicted probabilities come true: Brier score, calibration intercept and slope, smooth curve."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from numpy.typing import ArrayLike

from radnb.errors import RadnbError
from radnb.statistics.inputs import Z95, Bools, Estimate, Floats, Ints, probabilities

EDGE = 1e-6  # a probability of exactly 0 or 1 has no logit


class Brier(NamedTuple):
    """Mean squared error of the probabilities, of the prevalence alone, and 1 - their ratio."""

    brier: float
    null: float
    scaled: float


class CalibrationLine(NamedTuple):
    """Logistic recalibration: `in_the_large` holds the slope at 1, `intercept` goes with the fitted slope."""

    in_the_large: Estimate
    intercept: Estimate
    slope: Estimate


class CalibrationCurve(NamedTuple):
    """Smoothed observed proportion at each predicted probability, with a pointwise 95 % band."""

    predicted: Floats
    observed: Floats
    low: Floats
    high: Floats


class CalibrationErrors(NamedTuple):
    """Distance of the smooth curve from the diagonal: mean, median, 90 % point, largest (Austin, Stat Med 2019)."""

    ici: float
    e50: float
    e90: float
    emax: float


def brier(probability: ArrayLike, truth: ArrayLike) -> Brier:
    """Return the Brier score, that of the prevalence, and the scaled score (1 perfect, 0 no better than prevalence)."""
    p, event = probabilities(probability, truth)
    score, share = float(np.mean((p - event) ** 2)), float(np.mean(event))
    null = share * (1 - share)
    return Brier(score, null, 1 - score / null)


def calibration_line(probability: ArrayLike, truth: ArrayLike) -> CalibrationLine:
    """Return intercept and slope of glm(truth ~ qlogis(p), binomial), and the intercept with slope 1, Wald intervals.

    Perfectly separated patients have no slope: NaN.
    """
    p, event = probabilities(probability, truth)
    one = np.zeros(len(p), dtype=np.int64)
    fit, alone = recalibrate(p, event, one, 1), recalibrate(p, event, one, 1, slope=False)
    return CalibrationLine(_wald(alone.intercept[0], alone.se_intercept[0]),
                           _wald(fit.intercept[0], fit.se_intercept[0]), _wald(fit.slope[0], fit.se_slope[0]))


class Recalibration(NamedTuple):
    """Coefficients and standard errors of one logistic recalibration per unit."""

    intercept: Floats
    slope: Floats
    se_intercept: Floats
    se_slope: Floats


def recalibrate(probability: Floats, event: Bools, unit: Ints, units: int, *, slope: bool = True) -> Recalibration:
    """Fit logit(event) = a + b logit(p) in every unit at once by Newton's method; b stays 1 when `slope` is false.

    A step that would lower a unit's likelihood is halved.  Separated units have no finite fit: NaN.
    """
    x = logit(probability)
    a, b = np.zeros(units), np.zeros(units) if slope else np.ones(units)
    for _ in range(60):
        fitted = expit(a[unit] + b[unit] * x)
        g0, g1, h00, h01, h11 = _derivatives(x, event - fitted, fitted * (1 - fitted), unit, units, slope)
        with np.errstate(all="ignore"):
            det = h00 * h11 - h01**2
            steps = np.stack([(h11 * g0 - h01 * g1) / det, (h00 * g1 - h01 * g0) / det])
        steps = np.clip(np.nan_to_num(steps, posinf=0, neginf=0), -5, 5)
        steps *= _halved(x, event, unit, units, (a, b), steps)
        a, b = a + steps[0], b + steps[1]
        if np.max(np.abs(steps)) < 1e-11:
            break
    with np.errstate(all="ignore"):
        se_a, se_b = np.sqrt(h11 / det), np.sqrt(h00 / det)
    far, moving = np.maximum(np.abs(a), np.abs(b)) > 30, np.abs(steps).max(axis=0) > 1e-6
    lost = ~np.isfinite(se_a) | far | moving | (se_a > 30)
    return Recalibration(*(np.where(lost, np.nan, value) for value in (a, b, se_a, se_b)))


def recalibrate_across(probability: Floats, event: Bools, fold: Ints, *, unit: Ints | None = None,
                       slope: bool = True) -> Floats:
    """Return probabilities recalibrated on the patients of all other folds, so that nobody judges what he taught.

    Folds count from 0; `unit` (a repeat, a resample) tells sets of rows apart. NaN where the others have no finite fit.
    """
    unit = np.zeros(len(fold), dtype=np.int64) if unit is None else unit
    folds = int(fold.max()) + 1
    row, beside = np.nonzero(fold[:, None] != np.arange(folds))  # each row teaches every fold but its own
    units = (int(unit.max()) + 1) * folds
    line = recalibrate(probability[row], event[row], unit[row] * folds + beside, units, slope=slope)
    mine = unit * folds + fold
    change = line.intercept[mine] + line.slope[mine] * logit(probability)
    return np.where(np.isfinite(change), expit(change), np.nan)


def _halved(x: Floats, event: Bools, unit: Ints, units: int, at: tuple[Floats, Floats], steps: Floats) -> Floats:
    """Return, for each unit, the largest of 1, 1/2, 1/4, … of the step that does not lower the likelihood."""
    sign = np.where(event, 1.0, -1.0)

    def likelihood(share: Floats) -> Floats:
        a, b = at[0] + share * steps[0], at[1] + share * steps[1]
        return np.bincount(unit, -np.logaddexp(0, -sign * (a[unit] + b[unit] * x)), units).astype(float)

    now, share = likelihood(np.zeros(units)), np.ones(units)
    for _ in range(8):
        worse = likelihood(share) < now - 1e-9
        if not worse.any():
            break
        share = np.where(worse, share / 2, share)
    return share


def _derivatives(x: Floats, residual: Floats, weight: Floats, unit: Ints, units: int,
                 slope: bool) -> tuple[Floats, Floats, Floats, Floats, Floats]:
    def total(values: Floats) -> Floats:
        return np.bincount(unit, values, units).astype(float)

    if not slope:
        zero = np.zeros(units)
        return total(residual), zero, total(weight), zero, zero + 1
    return total(residual), total(residual * x), total(weight), total(weight * x), total(weight * x * x)


def calibration_curve(probability: ArrayLike, truth: ArrayLike, *, points: int = 50) -> CalibrationCurve:
    """Return the local quadratic curve (loess, span 0.75, surface="direct") with a binomial 95 % band.

    Fewer than 10 patients or 5 distinct probabilities give an empty curve: nothing smooth can be drawn through them.
    """
    p, event = probabilities(probability, truth)
    if len(p) < 10 or len(np.unique(p)) < 5:
        return CalibrationCurve(*(np.empty(0) for _ in range(4)))
    grid = np.linspace(p.min(), p.max(), points)
    weights = local_quadratic(p, grid)
    observed = np.clip(weights @ event, 0, 1)
    at_patients = np.clip(np.interp(p, grid, observed), 0.02, 0.98)
    half = Z95 * np.sqrt((weights**2) @ (at_patients * (1 - at_patients)))
    return CalibrationCurve(grid, observed, np.clip(observed - half, 0, 1), np.clip(observed + half, 0, 1))


def calibration_errors(probability: ArrayLike, truth: ArrayLike, *, surface: str = "interpolate") -> CalibrationErrors:
    """Return ICI, E50, E90 and Emax as from R's loess(y ~ p); `surface` is R's: "interpolate" or "direct"."""
    p, event = probabilities(probability, truth)
    if surface not in ("interpolate", "direct"):
        raise RadnbError(f"surface: {surface!r} is unknown. Use 'interpolate' (R's default) or 'direct'.",
                         code="E_CONFIG")
    fitted = _interpolated(p, event) if surface == "interpolate" else local_quadratic(p, p) @ event
    off = np.abs(fitted - p)
    return CalibrationErrors(float(off.mean()), float(np.median(off)), float(np.quantile(off, 0.9)), float(off.max()))


def _interpolated(p: Floats, event: Bools) -> Floats:
    from skmisc.loess import loess  # compiled code that nothing else here needs

    fit = loess(p, event.astype(float))
    fit.fit()
    return np.asarray(fit.outputs.fitted_values, dtype=float)


def local_quadratic(x: Floats, grid: Floats, *, span: float = 0.75) -> Floats:
    """Return the weights L with fitted(grid) = L @ y of loess (degree 2, tricube; Cleveland, JASA 1979;74:829)."""
    nearest = min(int(np.floor(len(x) * span + 1e-5)), len(x))
    distance = np.abs(grid[:, None] - x[None, :])
    reach = np.maximum(np.partition(distance, nearest - 1, axis=1)[:, nearest - 1 : nearest], 1e-12)
    ratio = distance / reach
    weight = np.where(ratio < 0.999, np.where(ratio > 0.001, (1 - np.minimum(ratio, 1) ** 3) ** 3, 1.0), 0.0)
    root = np.sqrt(weight)[:, :, None]
    centred = (x[None, :] - grid[:, None]) / reach
    design = np.stack([np.ones_like(centred), centred, centred**2], axis=2)
    solved: Floats = np.linalg.pinv(design * root, rcond=1e-10)[:, 0, :] * root[:, :, 0]
    return solved


def logit(probability: ArrayLike) -> Floats:
    """Return log odds; 0 and 1 are moved inwards by one millionth."""
    p = np.clip(np.asarray(probability, dtype=float), EDGE, 1 - EDGE)
    return np.asarray(np.log(p / (1 - p)))


def expit(x: ArrayLike) -> Floats:
    """Return the probability of log odds."""
    return np.asarray(1 / (1 + np.exp(-np.clip(np.asarray(x, dtype=float), -500, 500))))


def _wald(value: float, se: float) -> Estimate:
    return Estimate(float(value), float(value - Z95 * se), float(value + Z95 * se), float(se))
