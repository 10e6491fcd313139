"""Thresholds learned from inner out-of-fold scores of training patients: a score at or above one is positive."""

from __future__ import annotations

import functools
from collections.abc import Callable
from typing import Annotated

import numpy as np
from annotated_types import Gt, Lt
from numpy.typing import NDArray

from radnb.statistics.families import Array

Unit = Annotated[float, Gt(0), Lt(1)]
Rule = Callable[[NDArray[np.bool_], Array], float]


def _candidates(truth: NDArray[np.bool_], score: Array) -> tuple[Array, Array, Array]:
    """Return thresholds midway between neighbouring scores, ascending, with their sensitivity and specificity."""
    values = np.unique(score)
    edges = np.concatenate([values[:1], (values[1:] + values[:-1]) / 2])
    diseased, healthy = np.sort(score[truth]), np.sort(score[~truth])
    sensitivity = 1 - np.searchsorted(diseased, edges, side="left") / max(len(diseased), 1)
    specificity = np.searchsorted(healthy, edges, side="left") / max(len(healthy), 1)
    return edges, sensitivity, specificity


def _youden(truth: NDArray[np.bool_], score: Array) -> float:
    edges, sensitivity, specificity = _candidates(truth, score)
    return float(edges[np.argmax(np.round(sensitivity + specificity, 12))])


def _sensitivity(truth: NDArray[np.bool_], score: Array, *, at: float) -> float:
    edges, sensitivity, _ = _candidates(truth, score)
    return float(edges[np.flatnonzero(sensitivity >= at - 1e-12)[-1]])


def _specificity(truth: NDArray[np.bool_], score: Array, *, at: float) -> float:
    edges, _, specificity = _candidates(truth, score)
    enough = np.flatnonzero(specificity >= at - 1e-12)
    return float(edges[enough[0]]) if enough.size else float(np.nextafter(score.max(), np.inf))


def _fixed(truth: NDArray[np.bool_], score: Array, *, value: float) -> float:
    return value


def _prevalence(truth: NDArray[np.bool_], score: Array) -> float:
    return float(truth.mean())


def _median(truth: NDArray[np.bool_], score: Array) -> float:
    middle, above = float(np.median(score)), score[score > np.median(score)]
    if middle > score.min() or not above.size:
        return middle
    return float((middle + above.min()) / 2)  # most scores are the lowest: everybody would be above it


def youden() -> Rule:
    """Maximise sensitivity + specificity."""
    return _youden


def sensitivity(*, at: Unit = 0.9) -> Rule:
    """Take the highest threshold that still finds this share of the diseased."""
    return functools.partial(_sensitivity, at=at)


def specificity(*, at: Unit = 0.9) -> Rule:
    """Take the lowest threshold that clears this share of the healthy."""
    return functools.partial(_specificity, at=at)


def fixed(*, value: Unit = 0.5) -> Rule:
    """Take a probability decided beforehand."""
    return functools.partial(_fixed, value=value)


def prevalence() -> Rule:
    """Take the share of the class among the training patients."""
    return _prevalence


def median() -> Rule:
    """Cut the training patients into halves; the usual cut-off of survival scores."""
    return _median


THRESHOLDS: dict[str, Callable[..., Rule]] = {
    "youden": youden,
    "sensitivity": sensitivity,
    "specificity": specificity,
    "fixed": fixed,
    "prevalence": prevalence,
    "median": median,
}
SURVIVAL_THRESHOLDS: tuple[str, ...] = ("median",)
