"""A fitted model made ready for untouched patients: recalibration and thresholds from inner out-of-fold scores."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from radnb.learning.fitting import Model, fit, out_of_fold, tuned, view
from radnb.learning.folds import IntArray
from radnb.learning.fusion import Layout
from radnb.learning.problem import Problem, Sample
from radnb.learning.recalibration import indicators, learn_recalibration, recalibrate
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
