"""From scores to decisions: the ROC curve, cut-offs, and what they find, miss and wrongly flag."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from numpy.typing import ArrayLike
from scipy import stats

from radnb.errors import RadnbError
from radnb.statistics.inputs import Z95, Floats, binary, floats


class RocCurve(NamedTuple):
    """Thresholds (a score at or above is flagged), false and true positive rates; starts at threshold infinity."""

    threshold: Floats
    fpr: Floats
    tpr: Floats


class Cutoff(NamedTuple):
    """An observed threshold (flag at or above), pROC's midpoint below it, and what it reaches."""

    threshold: float
    midpoint: float
    sensitivity: float
    specificity: float


class Counts(NamedTuple):
    """Found, wrongly flagged, missed, correctly cleared: numbers or arrays of them."""

    tp: Floats
    fp: Floats
    fn: Floats
    tn: Floats


def roc_curve(score: ArrayLike, truth: ArrayLike) -> RocCurve:
    """Return the empirical ROC curve with one point per distinct score."""
    scores, event = binary(score, truth)
    order = np.argsort(-scores, kind="stable")
    last = np.r_[np.flatnonzero(np.diff(scores[order])), len(scores) - 1]
    found, flagged = np.cumsum(event[order])[last], last + 1
    return RocCurve(np.r_[np.inf, scores[order][last]], np.r_[0.0, (flagged - found) / np.sum(~event)],
                    np.r_[0.0, found / np.sum(event)])


def partial_auc(score: ArrayLike, truth: ArrayLike, *, specificity: float) -> float:
    """Return the uncorrected area with specificity from 1 down to the given one: pROC::auc(partial.auc=c(1, s))."""
    curve = roc_curve(score, truth)
    limit = 1 - specificity
    inside = curve.fpr <= limit
    end = float(np.interp(limit, curve.fpr, curve.tpr))
    return float(np.trapezoid(np.r_[curve.tpr[inside], end], np.r_[curve.fpr[inside], limit]))


def youden(score: ArrayLike, truth: ArrayLike) -> Cutoff:
    """Return the cut-off with the largest sensitivity + specificity - 1; of several, the most specific."""
    curve = roc_curve(score, truth)
    gain = curve.tpr - curve.fpr
    return _cutoff(curve, int(np.flatnonzero(gain[1:] >= gain[1:].max() - 1e-12)[0]) + 1)


def at_sensitivity(score: ArrayLike, truth: ArrayLike, *, least: float) -> Cutoff:
    """Return the most specific cut-off whose sensitivity is at least the given one."""
    _fraction(least, "least")
    curve = roc_curve(score, truth)
    return _cutoff(curve, max(int(np.flatnonzero(curve.tpr >= least - 1e-12)[0]), 1))


def at_specificity(score: ArrayLike, truth: ArrayLike, *, least: float) -> Cutoff:
    """Return the most sensitive cut-off whose specificity is at least the given one (threshold inf: flag nobody)."""
    _fraction(least, "least")
    curve = roc_curve(score, truth)
    return _cutoff(curve, int(np.flatnonzero(1 - curve.fpr >= least - 1e-12)[-1]))


def _fraction(value: float, name: str) -> None:
    if not 0 <= value <= 1:
        raise RadnbError(f"{name}: {value:g} is not between 0 and 1. Give a fraction, as in 0.9.", code="E_CONFIG")


def _cutoff(curve: RocCurve, at: int) -> Cutoff:
    below = curve.threshold[at + 1] if at + 1 < len(curve.threshold) else -np.inf
    here = curve.threshold[at]
    previous = curve.threshold[at] if not np.isfinite(here) or not np.isfinite(below) else (here + below) / 2
    return Cutoff(float(here), float(previous), float(curve.tpr[at]), float(1 - curve.fpr[at]))


def confusion(flagged: ArrayLike, truth: ArrayLike) -> Counts:
    """Count found, wrongly flagged, missed and correctly cleared patients."""
    flag = floats(flagged, "flagged") == 1
    event = floats(truth, "truth") == 1
    return Counts(*(np.asarray(np.sum(x), dtype=float) for x in (flag & event, flag & ~event, ~flag & event,
                                                                 ~flag & ~event)))


def rates(counts: Counts) -> dict[str, Floats]:
    """Return the measures of a 2x2 table (or of arrays of them); NaN where a denominator is zero."""
    tp, fp, fn, tn = (np.asarray(x, dtype=float) for x in counts)
    sensitivity, specificity = _per(tp, tp + fn), _per(tn, tn + fp)
    n = tp + fp + fn + tn
    observed, expected = _per(tp + tn, n), _per((tp + fp) * (tp + fn) + (fn + tn) * (fp + tn), n**2)
    return {"sensitivity": sensitivity, "specificity": specificity, "ppv": _per(tp, tp + fp), "npv": _per(tn, tn + fn),
            "accuracy": observed, "balanced_accuracy": (sensitivity + specificity) / 2,
            "f1": _per(2 * tp, 2 * tp + fp + fn),
            "mcc": _per(tp * tn - fp * fn, np.sqrt((tp + fp) * (tp + fn) * (tn + fp) * (tn + fn))),
            "kappa": _per(observed - expected, 1 - expected),
            "lr_positive": _per(sensitivity, 1 - specificity), "lr_negative": _per(1 - sensitivity, specificity)}


def proportions(counts: Counts) -> dict[str, tuple[Floats, Floats]]:
    """Return numerator and denominator of each measure that is a plain proportion of patients."""
    tp, fp, fn, tn = counts
    return {"sensitivity": (tp, tp + fn), "specificity": (tn, tn + fp), "ppv": (tp, tp + fp), "npv": (tn, tn + fn),
            "accuracy": (tp + tn, tp + fp + fn + tn)}


def _per(above: Floats, below: Floats) -> Floats:
    found = np.full(np.shape(below), np.nan)
    np.divide(above, below, out=found, where=below != 0)
    return found


def wilson(found: float, n: float) -> tuple[float, float]:
    """Return Wilson's 95 % interval of a proportion: prop.test(correct=FALSE), Hmisc::binconf."""
    if not n > 0:
        return float("nan"), float("nan")
    p, z2 = found / n, Z95**2
    centre = (p + z2 / (2 * n)) / (1 + z2 / n)
    half = Z95 * np.sqrt(p * (1 - p) / n + z2 / (4 * n**2)) / (1 + z2 / n)
    return max(float(centre - half), 0.0), min(float(centre + half), 1.0)


def clopper_pearson(found: float, n: float) -> tuple[float, float]:
    """Return the exact 95 % interval of a proportion: binom.test."""
    if not n > 0:
        return float("nan"), float("nan")
    low = float(stats.beta.ppf(0.025, found, n - found + 1)) if found > 0 else 0.0
    high = float(stats.beta.ppf(0.975, found + 1, n - found)) if found < n else 1.0
    return low, high
