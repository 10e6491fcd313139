"""The nearest training patients as the model."""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np

from radnb.learning.folds import IntArray
from radnb.learning.learners.learner import Learner
from radnb.statistics.families import Array


@dataclass
class Neighbours(Learner):
    """The class shares among the k nearest training rows, or among all where there are fewer."""

    k: int = 5
    by_distance: bool = False
    x_: Array = field(init=False, repr=False)
    members_: Array = field(init=False, repr=False)

    def __post_init__(self) -> None:
        self.calibrated = False  # shares of few neighbours say 0 and 1 too often

    def fit(self, x: Array, y: Array, *, classes: int = 2, groups: IntArray | None = None) -> Neighbours:
        """Keep the training rows."""
        self.x_, self.members_ = x.copy(), np.eye(classes)[y.astype(np.intp)]
        return self

    def scores(self, x: Array) -> Array:
        """Return the class shares of the nearest; of equally distant rows the earlier ones count."""
        from scipy.spatial.distance import cdist  # few runs need it

        distance = cdist(x, self.x_)
        near = np.argsort(distance, axis=1, kind="stable")[:, : self.k]
        weight = np.ones(near.shape)
        if self.by_distance:  # a row at the same place outweighs all that are elsewhere
            far = np.take_along_axis(distance, near, axis=1)
            here = far == 0
            weight = np.where(here.any(1, keepdims=True), here, 1 / np.where(here, 1.0, far))
        shares = np.einsum("ij,ijk->ik", weight, self.members_[near]) / weight.sum(1, keepdims=True)
        return shares[:, 1:] if shares.shape[1] == 2 else shares
