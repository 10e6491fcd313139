"""What a model is: fit on training rows, score new ones, and say what the score means."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import ClassVar

import numpy as np

from radnb.learning.folds import IntArray
from radnb.learning.kinds import CLASSES
from radnb.learning.linear import Fit
from radnb.statistics.families import Array

PENALTIES = tuple(float(v) for v in np.geomspace(1000, 0.1, 9))  # the largest wins a tie


@dataclass
class Learner:
    """Fit on (n, p) rows without gaps; `scores` gives (n, T): T=1 for two classes or survival, else one per class.

    `scale` says what the scores are; when `calibrated` is false they become probabilities only after recalibration
    on inner out-of-fold scores.
    """

    kind: ClassVar[str] = CLASSES
    scale: ClassVar[str] = "probability"
    calibrated: bool = field(default=True, init=False)
    converged_: bool = field(default=True, init=False)

    def faults(self, classes: int) -> list[str]:
        """List, as sentences for the card, why the learner cannot be fitted to this many classes."""
        return []

    def fit(self, x: Array, y: Array, *, classes: int = 2, groups: IntArray | None = None) -> Learner:
        """Learn from training rows: class codes (n,) or time and event (n, 2)."""
        raise NotImplementedError

    def scores(self, x: Array) -> Array:
        """Return the scores of new rows."""
        raise NotImplementedError

    def weights(self) -> Array | None:
        """Return one weight per column: a coefficient, an importance, or None where there is no such thing."""
        return None

    def linear(self) -> Fit | None:
        """Return intercept and coefficients where the model is a weighted sum."""
        return None


@dataclass
class NoInformation(Learner):
    """The constant score: prevalence, or no risk. It stands wherever no feature was selected."""

    level_: Array = field(init=False, repr=False)

    def fit(self, x: Array, y: Array, *, classes: int = 2, groups: IntArray | None = None) -> NoInformation:
        """Keep the class shares."""
        if y.ndim == 2:
            self.level_ = np.zeros(1)
        else:
            shares = np.bincount(y.astype(np.intp), minlength=classes) / len(y)
            self.level_ = shares[1:] if classes == 2 else shares
        return self

    def scores(self, x: Array) -> Array:
        """Return the same score for everybody."""
        return np.tile(self.level_, (len(x), 1))


@dataclass
class Linear(Learner):
    """A weighted sum of columns."""

    fit_: Fit = field(init=False, repr=False)

    def weights(self) -> Array:
        """Return the coefficient of each column (several classes: the largest in size)."""
        coef = self.fit_.coef
        return np.asarray(coef[np.abs(coef).argmax(0), np.arange(coef.shape[1])])

    def linear(self) -> Fit:
        """Return the fit."""
        return self.fit_


def per_class(scores: Array) -> Array:
    """Return one column per class: the one score of two classes stands for the second, the first has the rest."""
    return np.hstack([1 - scores, scores]) if scores.shape[1] == 1 else scores


def class_weights(codes: IntArray, classes: int) -> Array:
    """Return weights that make all present classes count the same."""
    counts = np.bincount(codes, minlength=classes)
    return np.asarray(len(codes) / (np.count_nonzero(counts) * counts[codes]))
