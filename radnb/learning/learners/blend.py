"""The default recipe: unlike learners see every feature, and the mean of their probabilities stands.

No feature is selected hard and nothing is tuned by data set: a smooth linear model, boosted trees and extremely
randomised trees fail on different patients, so that their mean loses little where one of them fits badly. What was
tried, and the evidence, stands in docs/recipe.md.
"""

from __future__ import annotations

import functools
from dataclasses import dataclass
from typing import Annotated

import numpy as np
from annotated_types import Ge, Gt, Le
from scipy.special import expit, softmax

from radnb.learning.folds import IntArray
from radnb.learning.learners.ensembles import Voting
from radnb.learning.learners.learner import Linear
from radnb.learning.learners.machines import Machine, make_forest
from radnb.learning.linear import Fit, fit_logistic, fit_softmax
from radnb.statistics.families import Array

Count = Annotated[int, Gt(0)]
Share = Annotated[float, Gt(0), Le(1)]
BINS = 31  # few patients fill no more, and a fit takes three quarters of the time
NEGLIGIBLE = 1e-10  # of the largest spread along a direction: below it a direction is rounding


@dataclass
class GuidedRidge(Linear):
    """Ridge logistic regression in which a column counts by its own correlation (ratio) with the outcome.

    Columns are multiplied by that correlation to the power `guide`, which is the penalty `penalty` divided by its
    square: a selection without an edge. The penalty is per column, so that it suits any number of them. With more
    columns than patients the fit runs in the space of the patients, where the solution lies.
    """

    penalty: float = 0.1
    guide: float = 1.0

    def fit(self, x: Array, y: Array, *, classes: int = 2, groups: IntArray | None = None) -> GuidedRidge:
        """Weigh the columns and fit."""
        codes, mean = y.astype(np.intp), x.mean(0)
        weight = column_weights(x - mean, codes, self.guide)
        narrow, back = in_few_directions((x - mean) * weight)
        found = (fit_logistic(narrow, codes.astype(float), self.penalty) if classes == 2
                 else fit_softmax(narrow, codes, classes, self.penalty))
        coef = (found.coef @ back) * weight
        self.fit_ = Fit(found.intercept - coef @ mean, coef, found.converged)
        self.converged_ = found.converged
        return self

    def scores(self, x: Array) -> Array:
        """Return probabilities."""
        eta = self.fit_.scores(x)
        return np.asarray(expit(eta) if eta.shape[1] == 1 else softmax(eta, axis=1))


def column_weights(centred: Array, codes: IntArray, power: float) -> Array:
    """Return the correlation ratio of each centred column with the class, to a power; their squares sum to one."""
    counts = np.bincount(codes)
    totals = np.eye(len(counts))[codes].T @ centred
    between = (totals**2 / np.maximum(counts, 1)[:, None]).sum(0)
    total = (centred**2).sum(0)
    ratio = np.sqrt(np.divide(between, total, out=np.zeros_like(total), where=total > 0)) ** power
    ratio[total == 0] = 0.0
    return np.asarray(ratio / (np.sqrt((ratio**2).sum()) or 1.0))


def in_few_directions(x: Array) -> tuple[Array, Array]:
    """Return the rows of centred x in at most as many directions as there are rows, and these directions.

    A ridge does not mind rotation, so that coefficients along the directions, times the directions, are those of x.
    """
    if x.shape[1] <= len(x):
        return x, np.eye(x.shape[1])
    spread, vectors = np.linalg.eigh(x @ x.T)
    kept = spread > NEGLIGIBLE * max(spread[-1], NEGLIGIBLE)
    length = np.sqrt(spread[kept])
    return vectors[:, kept] * length, (x.T @ (vectors[:, kept] / length)).T


def _make_boosted(*, rounds: int, seed: int) -> object:
    from lightgbm import LGBMClassifier  # loads scikit-learn, which takes seconds and few runs need

    return LGBMClassifier(n_estimators=rounds, learning_rate=5 / rounds, num_leaves=7, min_child_samples=10,
                          colsample_bytree=0.1, subsample=0.7, subsample_freq=1, reg_lambda=5.0, max_bin=BINS,
                          importance_type="gain", deterministic=True, force_col_wise=True, random_state=seed,
                          n_jobs=1, verbosity=-1)


def guided_ridge(*, penalty: Annotated[float, Gt(0)] = 0.1, guide: Annotated[float, Ge(0)] = 1.0) -> GuidedRidge:
    """Ridge logistic regression on all features, each weighed by its own correlation with the outcome."""
    return GuidedRidge(penalty, guide)


def blend(*, trees: Count = 50, rounds: Count = 100, columns: Share = 0.2, seed: int) -> Voting:
    """Mean of a guided ridge, boosted trees and extremely randomised trees on all features: the default recipe."""
    boosted = functools.partial(_make_boosted, rounds=rounds, seed=seed)
    randomised = functools.partial(make_forest, extra=True, trees=trees, leaf=3, columns=columns, balanced=False,
                                   seed=seed)
    return Voting((guided_ridge, functools.partial(Machine, boosted), functools.partial(Machine, randomised)),
                  seed=seed)
