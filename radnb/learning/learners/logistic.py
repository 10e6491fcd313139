"""Logistic and softmax regression: plain, ridge, LASSO and elastic net with penalties from inner folds."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

import numpy as np
from scipy.special import expit, softmax

from radnb.learning.folds import IntArray
from radnb.learning.learners.learner import PENALTIES, Linear, class_weights, per_class
from radnb.learning.linear import UNSEEN, Fit, fit_logistic, fit_softmax
from radnb.learning.penalised import Rule, chosen_path, inner_folds
from radnb.statistics.families import Array


@dataclass
class Logistic(Linear):
    """Logistic regression by Newton's method, softmax for several classes; penalty may be chosen in inner folds."""

    penalty: float | None = 1.0
    balanced: bool = False
    seed: int = 0

    def __post_init__(self) -> None:
        self.calibrated = not self.balanced

    def fit(self, x: Array, y: Array, *, classes: int = 2, groups: IntArray | None = None) -> Logistic:
        """Fit, after choosing the penalty where none was given."""
        codes = y.astype(np.intp)
        penalty = self._inner(x, codes, classes, groups) if self.penalty is None else self.penalty
        self.fit_ = self._solve(x, codes, classes, penalty)
        self.converged_ = self.fit_.converged
        return self

    def scores(self, x: Array) -> Array:
        """Return probabilities."""
        eta = self.fit_.scores(x)
        return np.asarray(expit(eta) if eta.shape[1] == 1 else softmax(eta, axis=1))

    def _solve(self, x: Array, codes: IntArray, classes: int, penalty: float) -> Fit:
        weight = class_weights(codes, classes) if self.balanced else None
        if classes == 2:
            return fit_logistic(x, codes.astype(float), penalty, weight)
        return fit_softmax(x, codes, classes, penalty, weight)

    def _inner(self, x: Array, codes: IntArray, classes: int, groups: IntArray | None) -> float:
        fold = inner_folds(codes, groups, 5, self.seed)
        if fold is None:
            return 1.0
        loss = np.zeros(len(PENALTIES))
        for f in range(fold.max() + 1):
            inside, out = fold != f, fold == f
            for i, penalty in enumerate(PENALTIES):
                self.fit_ = self._solve(x[inside], codes[inside], classes, penalty)
                scores = per_class(self.scores(x[out]))
                loss[i] -= np.log(np.clip(scores[np.arange(len(scores)), codes[out]], 1e-12, 1)).sum()
        return PENALTIES[int(np.argmin(loss))]


@dataclass
class LassoLogistic(Linear):
    """A binomial LASSO or elastic net, its penalty from inner folds; several classes one against the others."""

    rule: Literal["min", "1se"] = "min"
    seed: int = 0
    alpha: float = 1.0

    def fit(self, x: Array, y: Array, *, classes: int = 2, groups: IntArray | None = None) -> LassoLogistic:
        """Fit the path and choose from it."""
        self.fit_ = penalised_fit(x, y, classes, groups, rule=self.rule, seed=self.seed, alpha=self.alpha)
        self.converged_ = self.fit_.converged
        return self

    def scores(self, x: Array) -> Array:
        """Return probabilities, normalised where there are several classes."""
        p = expit(self.fit_.scores(x))
        return np.asarray(p if p.shape[1] == 1 else p / p.sum(1, keepdims=True))


def penalised_fit(x: Array, y: Array, classes: int, groups: IntArray | None, *, rule: Rule, seed: int,
                  alpha: float = 1.0, limit: int | None = None) -> Fit:
    """Return the sparse weighted sums at the penalty that inner folds choose; a class not seen gets a constant."""
    found = chosen_path(x, y, groups=groups, rule=rule, folds=5, seed=seed, limit=limit, alpha=alpha)
    rows = 1 if classes == 2 else classes
    intercept, coef = np.full(rows, UNSEEN), np.zeros((rows, x.shape[1]))
    places = [0] if classes == 2 else np.unique(y).astype(int).tolist()
    if len(found) < len(places):  # only two of several classes are here
        found = [type(found[0])(-found[0].intercept, -found[0].coef, found[0].lam, found[0].converged), *found]
    for place, one in zip(places, found, strict=True):
        intercept[place], coef[place] = one.intercept, one.coef
    return Fit(intercept, coef, all(one.converged for one in found))
