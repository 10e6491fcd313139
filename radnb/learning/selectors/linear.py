"""Selectors by linear models: LASSO and elastic net, stability selection, recursive elimination."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar, Literal

import numpy as np
from numpy.typing import NDArray

from radnb.learning.folds import IntArray
from radnb.learning.kinds import CLASSES, SURVIVAL
from radnb.learning.penalised import Ties, chosen_path, outcomes
from radnb.learning.selectors.selector import Given, Selector
from radnb.statistics.elimination import Machine, Margin, Odds, eliminate
from radnb.statistics.families import Array, Family


@dataclass
class Lasso(Selector):
    """Keep the columns with a coefficient at lambda.min or lambda.1se of an inner cross-validated LASSO.

    `alpha` is the share of the LASSO in the penalty, the rest being ridge: glmnet's alpha.
    """

    rule: Literal["min", "1se"] = "min"
    limit: int | None = None
    folds: int = 5
    survival: bool = False
    ties: Ties = "efron"
    alpha: float = 1.0
    seed: int = 0

    @property
    def kinds(self) -> tuple[str, ...]:  # type: ignore[override]
        """Say which outcomes the likelihood suits."""
        return (SURVIVAL,) if self.survival else (CLASSES,)

    def choose(self, x: Array, y: Array, given: Given) -> IntArray:
        """Return the columns with a non-zero coefficient (of any class against the others)."""
        fits = chosen_path(x, y, groups=given.groups, rule=self.rule, folds=self.folds, limit=self.limit,
                           ties=self.ties, alpha=self.alpha, seed=self.seed)
        self.converged_ = all(fit.converged for fit in fits)
        return np.flatnonzero(np.any([fit.coef != 0 for fit in fits], axis=0))


@dataclass
class Stability(Selector):
    """Keep the columns that a LASSO finds in most halves of the patients (Meinshausen and Buehlmann 2010).

    In every half the path is followed until it holds sqrt((2 * threshold - 1) * columns * false_selections) columns,
    which bounds the expected number of columns chosen by chance by `false_selections`.
    """

    ordered: ClassVar[bool] = True
    k: int | None = None
    threshold: float = 0.75
    false_selections: float = 1.0
    halves: int = 100
    seed: int = 0

    def choose(self, x: Array, y: Array, given: Given) -> IntArray:
        """Return the columns found often enough, the most often found first."""
        share = self.frequencies(x, y, given.groups)
        order = np.argsort(-share, kind="stable")
        return order[share[order] >= self.threshold - 1e-12][: self.k]

    def frequencies(self, x: Array, y: Array, groups: IntArray | None) -> Array:
        """Return in which share of the halves each column was found (several classes: that of its best class)."""
        most = max(1, int(np.sqrt((2 * self.threshold - 1) * x.shape[1] * self.false_selections)))
        found = np.zeros(x.shape[1])
        for event, family in outcomes(y, "efron"):
            rng, count = np.random.default_rng([self.seed, 11]), np.zeros(x.shape[1])
            for _ in range((self.halves + 1) // 2):
                for rows in _halves(event, groups, rng):
                    count += _entered(x[rows], family(rows), event[rows], most)
            found = np.maximum(found, count / (2 * ((self.halves + 1) // 2)))
        return found


def _halves(event: NDArray[np.bool_], groups: IntArray | None, rng: np.random.Generator) -> tuple[IntArray, IntArray]:
    """Return two halves of the patients with the same share of events."""
    member = np.arange(len(event)) if groups is None else np.unique(groups, return_inverse=True)[1]
    ill = np.zeros(member.max() + 1, bool)
    ill[member[event]] = True
    first = np.zeros(len(ill), bool)
    for value in (False, True):
        some = rng.permutation(np.flatnonzero(ill == value))
        odd = int(rng.integers(2)) if len(some) % 2 else 0
        first[some[: len(some) // 2 + odd]] = True
    return np.flatnonzero(first[member]), np.flatnonzero(~first[member])


def _entered(x: Array, family: Family, event: NDArray[np.bool_], most: int) -> NDArray[np.bool_]:
    """Say which columns a path holds before it holds more than `most`."""
    from radnb.statistics.paths import fit_path  # loads scikit-learn, which takes seconds and few runs need

    if not event.any() or event.all() or not np.ptp(x, axis=0).any():
        return np.zeros(x.shape[1], bool)
    path = fit_path(x, family, size=50, ratio=0.05, tol=1e-4, most=most)
    few = (path.coef != 0).sum(1) <= most
    return np.asarray(path.coef[np.flatnonzero(few)[-1]] != 0)


@dataclass
class Elimination(Selector):
    """Drop the column with the smallest weight in a linear model, fit again, and so on (RFE; Guyon 2002).

    Several classes: support vector machines for each pair of classes, or a logistic model of each class against the
    others; the squared weights are added up.
    """

    kinds: ClassVar[tuple[str, ...]] = (CLASSES,)
    ordered: ClassVar[bool] = True
    k: int = 10
    learner: Literal["svm", "logistic"] = "svm"
    cost: float = 1.0
    step: int | float = 1

    def choose(self, x: Array, y: Array, given: Given) -> IntArray:
        """Return the k columns that stay longest, the last one first."""
        present = np.unique(y)
        if len(present) < 2:
            return np.empty(0, np.intp)
        machines = self._pairs(x, y, present) if self.learner == "svm" else self._each(x, y, present)
        return eliminate(machines, x.shape[1], step=self.step)[: self.k]

    def _pairs(self, x: Array, y: Array, present: Array) -> list[Machine]:
        pairs = [(a, b) for place, a in enumerate(present) for b in present[place + 1:]]
        both = [np.isin(y, pair) for pair in pairs]
        return [Margin(x[rows], np.where(y[rows] == pair[1], 1.0, -1.0), self.cost)
                for pair, rows in zip(pairs, both, strict=True)]

    def _each(self, x: Array, y: Array, present: Array) -> list[Machine]:
        targets = present[1:] if len(present) == 2 else present
        return [Odds(x, (y == value).astype(float), self.cost) for value in targets]
