"""How well scores order patients within their folds: the value by which candidates and permutations are compared."""

from __future__ import annotations

import numpy as np

from radnb.learning.folds import IntArray
from radnb.statistics.families import Array


def concordance(scores: Array, y: Array, fold: IntArray, classes: int) -> float:
    """Return AUC (several classes: mean of one against the others) or Harrell's C from pairs within folds only."""
    found = []
    for t in range(scores.shape[1]):
        double, pairs = 0, 0
        for f in np.unique(fold):
            one, two = _pairs(scores[fold == f, t], y[fold == f], classes, t)
            double, pairs = double + one, pairs + two
        found.append(double / (2 * pairs) if pairs else 0.5)
    return float(np.mean(found))


def _pairs(score: Array, y: Array, classes: int, target: int) -> tuple[int, int]:
    """Return twice the number of concordant pairs (a tie counts one) and the number of pairs."""
    if classes:
        positive = y == (1 if classes == 2 else target)
        high, low = score[positive], np.sort(score[~positive])
        below = np.searchsorted(low, high, "left") + np.searchsorted(low, high, "right")
        return int(below.sum()), len(high) * len(low)
    time, event = y[:, 0], y[:, 1] > 0
    usable = event[:, None] & ((time[:, None] < time) | ((time[:, None] == time) & ~event))
    order = (score[:, None] > score).astype(int) * 2 + (score[:, None] == score)
    return int(order[usable].sum()), int(usable.sum())
