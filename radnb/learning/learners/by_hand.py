"""Models that fit on a card: one feature with a cut-off, and the weighted sum known as a radiomics score."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from radnb.learning.folds import IntArray
from radnb.learning.learners.learner import Linear
from radnb.learning.learners.logistic import Logistic, penalised_fit
from radnb.learning.linear import Fit
from radnb.learning.penalised import Rule
from radnb.statistics.families import Array
from radnb.statistics.screening import kruskal_statistic


@dataclass
class SingleFeature(Logistic):
    """Logistic regression on the one column that separates the classes best by rank; its sign is the direction."""

    penalty: float | None = 1e-3

    def fit(self, x: Array, y: Array, *, classes: int = 2, groups: IntArray | None = None) -> SingleFeature:
        """Find the column, then its direction and its probabilities."""
        best = int(np.argmax(np.round(kruskal_statistic(x, y.astype(np.intp)), 10)))
        super().fit(x[:, [best]], y, classes=classes, groups=groups)
        coef = np.zeros((len(self.fit_.coef), x.shape[1]))
        coef[:, best] = self.fit_.coef[:, 0]
        self.fit_ = Fit(self.fit_.intercept, coef, self.fit_.converged)
        return self


@dataclass
class RadiomicsScore(Linear):
    """The sum of columns weighted by their LASSO coefficients; probabilities come from recalibration in the fold."""

    rule: Rule = "min"
    limit: int | None = None
    alpha: float = 1.0
    seed: int = 0

    def __post_init__(self) -> None:
        self.calibrated = False

    @property
    def scale(self) -> str:  # type: ignore[override]
        """Say what the scores are."""
        return "linear"

    def fit(self, x: Array, y: Array, *, classes: int = 2, groups: IntArray | None = None) -> RadiomicsScore:
        """Choose the penalty in inner folds and keep its coefficients."""
        self.fit_ = penalised_fit(x, y, classes, groups, rule=self.rule, seed=self.seed, alpha=self.alpha,
                                  limit=self.limit)
        self.converged_ = self.fit_.converged
        return self

    def scores(self, x: Array) -> Array:
        """Return the weighted sums."""
        return self.fit_.scores(x)
