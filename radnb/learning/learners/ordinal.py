"""Grades have an order: proportional odds, and a chain of two-class models along the cuts between grades."""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np
from scipy.special import expit

from radnb.learning.folds import IntArray
from radnb.learning.learners.inner import Maker, all_converged, fit_part, probable
from radnb.learning.learners.learner import Learner, Linear, NoInformation, class_weights
from radnb.learning.linear import fit_ordinal
from radnb.statistics.families import Array


@dataclass
class ProportionalOdds(Linear):
    """One weighted sum and a cut between neighbouring grades (McCullagh 1980), with a ridge on the coefficients.

    `linear` has one row per cut: the log odds of lying above it.
    """

    penalty: float = 1.0
    balanced: bool = False
    present_: IntArray = field(init=False, repr=False)
    classes_: int = field(init=False, repr=False)

    def __post_init__(self) -> None:
        self.calibrated = not self.balanced

    def fit(self, x: Array, y: Array, *, classes: int = 2, groups: IntArray | None = None) -> ProportionalOdds:
        """Fit the cuts between the classes that are present."""
        self.present_, codes = np.unique(y.astype(np.intp), return_inverse=True)
        self.classes_ = classes
        weight = class_weights(codes, len(self.present_)) if self.balanced else None
        self.fit_ = fit_ordinal(x, codes, self.penalty, weight)
        self.converged_ = self.fit_.converged
        return self

    def scores(self, x: Array) -> Array:
        """Return probabilities; a class unseen in training has none."""
        above = expit(self.fit_.scores(x))
        return between_cuts(above) if len(self.present_) == self.classes_ else self._spread_out(above)

    def _spread_out(self, above: Array) -> Array:
        out = np.zeros((len(above), self.classes_))
        out[:, self.present_] = np.hstack([1 - above, above]) if above.shape[1] == 1 else between_cuts(above)
        return out


@dataclass
class Cumulative(Learner):
    """A two-class model for each cut between grades (Frank and Hall, ECML 2001); the grades' shares are differences."""

    make: Maker = NoInformation
    seed: int = 0
    parts_: tuple[Learner, ...] = field(init=False, repr=False)

    def fit(self, x: Array, y: Array, *, classes: int = 2, groups: IntArray | None = None) -> Cumulative:
        """Fit one model per cut."""
        codes = y.astype(np.intp)
        self.parts_ = tuple(fit_part(self._part, x, (codes > cut).astype(np.intp), classes=2, groups=groups)
                            for cut in range(classes - 1))
        self.converged_ = all_converged(self.parts_)
        return self

    def _part(self) -> Learner:
        return probable(self.make, self.seed)

    def scores(self, x: Array) -> Array:
        """Return probabilities."""
        return between_cuts(np.hstack([part.scores(x) for part in self.parts_]))


def between_cuts(above: Array) -> Array:
    """Turn probabilities of lying above each cut into those of the classes, one column where there are two.

    Where they do not fall along the cuts, the mean of the nearest falling sequences from either side stands for them.
    """
    if above.shape[1] == 1:
        return above
    low = np.minimum.accumulate(above, axis=1)
    high = np.maximum.accumulate(above[:, ::-1], axis=1)[:, ::-1]
    falling = (low + high) / 2
    ends = np.ones((len(above), 1))
    return np.hstack([ends, falling]) - np.hstack([falling, 0 * ends])
