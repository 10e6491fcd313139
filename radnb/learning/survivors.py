"""The models for times to an event that a study card may name; each signature is what the card may set."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Annotated, ClassVar, Literal

import numpy as np
from annotated_types import Ge

from radnb.learning.folds import IntArray
from radnb.learning.learners import PENALTIES, SURVIVAL, Linear
from radnb.learning.linear import Fit, fit_cox
from radnb.learning.penalised import Ties, chosen_path, inner_folds
from radnb.statistics.families import Array, Cox


@dataclass
class CoxModel(Linear):
    """Cox regression with a ridge, Efron's ties; the penalty may be chosen in inner folds."""

    kind: ClassVar[str] = SURVIVAL
    scale: ClassVar[str] = "risk"
    penalty: float | None = 1.0
    seed: int = 0

    def fit(self, x: Array, y: Array, *, classes: int = 0, groups: IntArray | None = None) -> CoxModel:
        """Fit, after choosing the penalty where none was given."""
        penalty = self._inner(x, y, groups) if self.penalty is None else self.penalty
        self.fit_ = fit_cox(x, y[:, 0], y[:, 1], penalty)
        self.converged_ = self.fit_.converged
        return self

    def scores(self, x: Array) -> Array:
        """Return log relative hazards, 0 for the mean training patient."""
        return self.fit_.scores(x)

    def _inner(self, x: Array, y: Array, groups: IntArray | None) -> float:
        fold = inner_folds(y[:, 1] > 0, groups, 5, self.seed)
        if fold is None:
            return 1.0
        whole, loss = Cox(y[:, 0], y[:, 1], "efron"), np.zeros(len(PENALTIES))
        for f in range(fold.max() + 1):
            inside = fold != f
            part = Cox(y[inside, 0], y[inside, 1], "efron")
            for i, penalty in enumerate(PENALTIES):
                eta = fit_cox(x[inside], y[inside, 0], y[inside, 1], penalty).scores(x)[:, 0]
                loss[i] += whole.deviance(eta) - part.deviance(eta[inside])
        return PENALTIES[int(np.argmin(loss))]


@dataclass
class LassoCox(Linear):
    """A LASSO-Cox model with its penalty from inner folds."""

    kind: ClassVar[str] = SURVIVAL
    scale: ClassVar[str] = "risk"
    rule: Literal["min", "1se"] = "min"
    ties: Ties = "efron"
    seed: int = 0

    def fit(self, x: Array, y: Array, *, classes: int = 0, groups: IntArray | None = None) -> LassoCox:
        """Fit the path and choose from it."""
        found = chosen_path(x, y, groups=groups, rule=self.rule, folds=5, seed=self.seed, ties=self.ties)[0]
        self.fit_ = Fit(np.array([-float(x.mean(0) @ found.coef)]), found.coef[None, :], found.converged)
        self.converged_ = found.converged
        return self

    def scores(self, x: Array) -> Array:
        """Return log relative hazards, 0 for the mean training patient."""
        return self.fit_.scores(x)


def cox(*, penalty: Annotated[float, Ge(0)] = 1e-3) -> CoxModel:
    """Cox regression with just enough ridge to be stable."""
    return CoxModel(penalty)


def ridge_cox(*, penalty: Annotated[float, Ge(0)] | Literal["inner"] = 1.0, seed: int) -> CoxModel:
    """Cox regression with a ridge penalty, given or chosen in inner folds."""
    return CoxModel(None if penalty == "inner" else float(penalty), seed)


def lasso_cox(*, rule: Literal["min", "1se"] = "min", ties: Ties = "efron", seed: int) -> LassoCox:
    """LASSO-Cox regression with its penalty chosen in inner folds."""
    return LassoCox(rule, ties, seed)
