"""Scores that are no probabilities, made probabilities by Platt's method on scores of untouched patients."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from radnb.learning.linear import fit_logistic
from radnb.statistics.families import Array


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
