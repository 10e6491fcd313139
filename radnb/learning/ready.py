"""A fitted model made ready for untouched patients: recalibration and thresholds from inner out-of-fold scores."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from radnb.learning.fitting import Model, fit, out_of_fold, tuned, view
from radnb.learning.folds import IntArray
from radnb.learning.fusion import Layout
from radnb.learning.linear import fit_logistic
from radnb.learning.problem import Problem, Sample
from radnb.statistics.families import Array


@dataclass(frozen=True)
class Ready:
    """A fitted model set with its recalibration and thresholds, ready to score untouched patients."""

    fitted: Model
    scale: str
    thresholds: Array
    recalibration: Array | None = None  # (T, 2): intercept and slope on raw scores

    def scores(self, rows: IntArray) -> Array:
        """Return recalibrated scores of cohort rows."""
        return recalibrate(self.fitted.scores(rows, {}), self.recalibration)


def make_ready(sample: Sample, layout: Layout, candidate: int | None = None) -> Ready:
    """Fit a model set (its best candidate, or the one named), with recalibration and thresholds from inner folds."""
    problem, seen = sample.problem, view(sample)
    candidate = tuned(seen, layout) if candidate is None else candidate
    fitted = fit(seen, layout, candidate)
    held, fold = out_of_fold(seen, layout, candidate)
    if (fold < 0).any():
        return Ready(fitted, raw_scale(fitted, problem), np.full(problem.targets, np.nan))
    truth = indicators(seen.truth("threshold"), problem.classes)
    change = None if fitted.calibrated else learn_recalibration(held, truth)
    held = recalibrate(held, change)
    thresholds = [problem.threshold(truth[:, t], held[:, t]) for t in range(problem.targets)]
    scale = "probability" if change is not None else raw_scale(fitted, problem)
    return Ready(fitted, scale, np.array(thresholds), change)


def raw_scale(fitted: Model, problem: Problem) -> str:
    """Say what unrecalibrated scores are: probability, risk or linear."""
    if problem.classes == 0:
        return "risk"
    return fitted.scale if fitted.calibrated else "linear"


def indicators(y: Array, classes: int) -> NDArray[np.bool_]:
    """Return whether each row is of each target class (n, T); for survival, whether it had the event."""
    if classes == 0:
        return np.asarray(y[:, 1:] > 0)
    targets = np.arange(1, 2) if classes == 2 else np.arange(classes)
    return np.asarray(y[:, None] == targets)


def learn_recalibration(scores: Array, truth: NDArray[np.bool_]) -> Array:
    """Return Platt's intercept and slope per column; a slope below a small positive one would turn the order round."""
    out = np.empty((scores.shape[1], 2))
    for t in range(scores.shape[1]):
        spread = float(scores[:, t].std()) or 1.0
        fit = fit_logistic(scores[:, t:t + 1] / spread, truth[:, t].astype(float), 1e-3)
        slope, least = float(fit.coef[0, 0]) / spread, 0.5 / len(truth)
        share = float(np.clip(truth[:, t].mean(), least, 1 - least))
        small = 1e-3 / spread
        level = np.log(share / (1 - share)) - small * float(scores[:, t].mean())
        out[t] = (fit.intercept[0], slope) if slope > small else (level, small)
    return out


def recalibrate(scores: Array, change: Array | None) -> Array:
    """Turn raw scores into probabilities (several classes are made to sum to one)."""
    if change is None:
        return scores
    p = 1 / (1 + np.exp(-np.clip(change[:, 0] + scores * change[:, 1], -500, 500)))
    return np.asarray(p if p.shape[1] == 1 else p / p.sum(1, keepdims=True))


def cross_fitted(problem: Problem, scores: Array, y: Array, fold: IntArray, *,
                 calibrated: bool) -> tuple[Array, Array]:
    """Return recalibrated scores and thresholds (n, T) that each fold takes from the other folds' held-out scores.

    For resamples, of which the spread counts and not the level: the other folds' models did see this fold's patients,
    which inner folds would avoid at three times the cost of all fits.
    """
    truth = indicators(y, problem.classes)
    out, thresholds = scores.copy(), np.empty(scores.shape)
    for f in np.unique(fold):
        mine, known = scores[fold == f], scores[fold != f]
        if not calibrated:
            change = learn_recalibration(known, truth[fold != f])
            mine, known = recalibrate(mine, change), recalibrate(known, change)
        out[fold == f] = mine
        thresholds[fold == f] = [problem.threshold(truth[fold != f, t], known[:, t]) for t in range(known.shape[1])]
    return out, thresholds
