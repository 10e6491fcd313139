"""Which features enter a model: selectors that see training rows only, each with fit, transform and get_support."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Annotated, Any, ClassVar, Literal

import numpy as np
from annotated_types import Ge, Gt, Le

from radnb.learning.folds import IntArray
from radnb.learning.penalised import Ties, chosen_path
from radnb.statistics.families import Array
from radnb.statistics.screening import (
    cox_score_test,
    cox_statistic,
    f_statistic,
    f_test,
    false_discovery,
    kruskal_statistic,
    kruskal_test,
)

Count = Annotated[int, Gt(0)]
Rate = Annotated[float, Gt(0), Le(1)]
CLASSES, SURVIVAL = "classes", "survival"


@dataclass(frozen=True)
class Given:
    """What a selector may know of the training rows beside their values and outcome.

    `groups` are patient numbers (copies of a patient stay together in inner folds); `names` those of the columns;
    `agreement` is the lower limit of the ICC of each column between readers, NaN where unknown.
    """

    groups: IntArray | None = None
    names: tuple[str, ...] = ()
    agreement: Array | None = None


NOTHING = Given()


@dataclass
class Selector:
    """A choice of columns; `y` is class codes (n,) or time and event (n, 2).

    Where `ordered` is true, `order_` holds the chosen columns with the best first, and the choice of fewer columns
    is the beginning of that of more: one fit serves every number of features. A selector that makes new columns from
    those it chose leaves their weights in `rotation_` (columns chosen x columns made), and stands last in its chain.
    """

    kinds: ClassVar[tuple[str, ...]] = (CLASSES, SURVIVAL)
    needs_repeats: ClassVar[bool] = False
    ordered: ClassVar[bool] = False
    support_: IntArray = field(init=False, repr=False)
    order_: IntArray = field(init=False, repr=False)
    rotation_: Array | None = field(default=None, init=False, repr=False)
    converged_: bool = field(default=True, init=False, repr=False)

    def fit(self, x: Array, y: Array, given: Given = NOTHING) -> Selector:
        """Choose columns from training rows."""
        found = self.choose(x, y, given) if x.shape[1] else np.empty(0, np.intp)
        self.order_, self.support_ = found, np.sort(found)
        return self

    def choose(self, x: Array, y: Array, given: Given) -> IntArray:
        """Return the chosen column numbers, the best first where they are ordered."""
        raise NotImplementedError

    def transform(self, x: Array) -> Array:
        """Return the chosen columns, or those made from them."""
        chosen = x[:, self.support_]
        return chosen if self.rotation_ is None else chosen @ self.rotation_

    def get_support(self) -> IntArray:
        """Return the chosen column numbers."""
        return self.support_


@dataclass
class Everything(Selector):
    """Keep all columns."""

    def choose(self, x: Array, y: Array, given: Given) -> IntArray:
        """Return all columns."""
        return np.arange(x.shape[1])


@dataclass
class Univariable(Selector):
    """Keep the k columns with the largest statistic, of those below a false discovery rate if one is given."""

    ordered: ClassVar[bool] = True
    test: Literal["f", "kruskal", "cox"] = "f"
    k: int | None = 10
    q: float | None = None

    @property
    def kinds(self) -> tuple[str, ...]:  # type: ignore[override]
        """Say which outcomes the test suits."""
        return (SURVIVAL,) if self.test == "cox" else (CLASSES,)

    def choose(self, x: Array, y: Array, given: Given) -> IntArray:
        """Return the columns with the largest statistic."""
        if self.q is None:  # p-values cost more than their ranks, and only the rate needs them
            return np.argsort(-STATISTICS[self.test](x, y), kind="stable")[: self.k]
        statistic, p = TESTS[self.test](x, y)
        order = np.argsort(-statistic, kind="stable")
        return np.asarray(order[false_discovery(p)[order] <= self.q][: self.k])


@dataclass
class Mrmr(Selector):
    """Keep k columns by maximal relevance and minimal redundancy (Ding and Peng 2005), one at a time.

    Quotient: F (classes) or score chi-square (survival) over the mean absolute correlation with the chosen ones;
    difference: the correlation ratio that belongs to the statistic minus that mean.
    """

    ordered: ClassVar[bool] = True
    k: int = 10
    scheme: Literal["quotient", "difference"] = "quotient"

    def choose(self, x: Array, y: Array, given: Given) -> IntArray:
        """Return the columns in the order of their choice."""
        relevance = self._relevance(x, y)
        centred = x - x.mean(0)
        length = np.sqrt(np.einsum("ij,ij->j", centred, centred))
        unit = centred / np.where(length > 0, length, 1.0)
        redundancy, open_, chosen = np.zeros(x.shape[1]), np.ones(x.shape[1], bool), []
        for step in range(min(self.k, x.shape[1])):
            mean = np.maximum(redundancy / max(step, 1), 1e-3)
            value = relevance / mean if self.scheme == "quotient" else relevance - mean
            value = np.where(open_, relevance if step == 0 else value, -np.inf)
            best = int(np.argmax(value))
            chosen.append(best)
            open_[best] = False
            redundancy += np.abs(unit[:, best] @ unit)
        return np.array(chosen, np.intp)

    def _relevance(self, x: Array, y: Array) -> Array:
        statistic = STATISTICS["cox" if y.ndim == 2 else "f"](x, y)
        if self.scheme == "quotient":
            return statistic
        if y.ndim == 2:
            return np.asarray(np.sqrt(np.minimum(statistic / max(y[:, 1].sum(), 1.0), 1.0)))
        classes = len(np.unique(y))
        explained = statistic * max(classes - 1, 1)
        return np.asarray(np.sqrt(explained / (explained + len(y) - classes)))


@dataclass
class Lasso(Selector):
    """Keep the columns with a coefficient at lambda.min or lambda.1se of an inner cross-validated LASSO."""

    rule: Literal["min", "1se"] = "min"
    limit: int | None = None
    folds: int = 5
    survival: bool = False
    ties: Ties = "efron"
    seed: int = 0

    @property
    def kinds(self) -> tuple[str, ...]:  # type: ignore[override]
        """Say which outcomes the likelihood suits."""
        return (SURVIVAL,) if self.survival else (CLASSES,)

    def choose(self, x: Array, y: Array, given: Given) -> IntArray:
        """Return the columns with a non-zero coefficient (of any class against the others)."""
        fits = chosen_path(x, y, groups=given.groups, rule=self.rule, folds=self.folds, limit=self.limit,
                           ties=self.ties, seed=self.seed)
        self.converged_ = all(fit.converged for fit in fits)
        return np.flatnonzero(np.any([fit.coef != 0 for fit in fits], axis=0))


@dataclass
class Robust(Selector):
    """Keep the columns whose ICC between readers has a lower 95 % limit of at least `minimum`.

    The ICC is computed on training patients only, from the repeated measurements given to `train`.
    """

    needs_repeats: ClassVar[bool] = True
    minimum: float = 0.75

    def choose(self, x: Array, y: Array, given: Given) -> IntArray:
        """Return the columns that agree; a column without repeated measurements does not."""
        if given.agreement is None:
            return np.arange(x.shape[1])
        return np.flatnonzero(np.nan_to_num(given.agreement, nan=-1.0) >= self.minimum)


def _cox_test(x: Array, y: Array) -> tuple[Array, Array]:
    return cox_score_test(x, y[:, 0], y[:, 1])


def _cox_statistic(x: Array, y: Array) -> Array:
    return cox_statistic(x, y[:, 0], y[:, 1])


STATISTICS: dict[str, Callable[[Array, Any], Array]] = {"f": f_statistic, "kruskal": kruskal_statistic,
                                                        "cox": _cox_statistic}
TESTS: dict[str, Callable[[Array, Any], tuple[Array, Array]]] = {"f": f_test, "kruskal": kruskal_test,
                                                                 "cox": _cox_test}


def anova(*, k: Count | None = 10, q: Rate | None = None) -> Univariable:
    """Rank features by the F test between classes; `q` keeps only those below this false discovery rate."""
    return Univariable("f", k, q)


def wilcoxon(*, k: Count | None = 10, q: Rate | None = None) -> Univariable:
    """Rank features by the rank-sum test (Kruskal-Wallis for several classes), with false discovery rate `q`."""
    return Univariable("kruskal", k, q)


def univariable_cox(*, k: Count | None = 10, q: Rate | None = None) -> Univariable:
    """Rank features by the score test of a Cox model with that feature alone."""
    return Univariable("cox", k, q)


def mrmr(*, k: Count = 10, scheme: Literal["quotient", "difference"] = "quotient") -> Mrmr:
    """Choose features of maximal relevance and minimal redundancy."""
    return Mrmr(k, scheme)


def lasso(*, rule: Literal["min", "1se"] = "min", limit: Count | None = None, folds: Annotated[int, Ge(3)] = 5,
          seed: int) -> Lasso:
    """Choose features by a binomial LASSO, lambda from inner folds, at most `limit` features."""
    return Lasso(rule, limit, folds, seed=seed)


def lasso_cox(*, rule: Literal["min", "1se"] = "min", limit: Count | None = None, folds: Annotated[int, Ge(3)] = 5,
              ties: Ties = "efron", seed: int) -> Lasso:
    """Choose features by a LASSO-Cox model, lambda from inner folds, at most `limit` features."""
    return Lasso(rule, limit, folds, survival=True, ties=ties, seed=seed)


def robust(*, minimum: Annotated[float, Gt(0), Le(1)] = 0.75) -> Robust:
    """Keep features on which readers agree: lower 95 % limit of ICC(2,1), from training patients only."""
    return Robust(minimum)


def none() -> Everything:
    """Keep every feature that preparation left."""
    return Everything()


SELECTORS: dict[str, Callable[..., Selector]] = {
    "anova": anova,
    "wilcoxon": wilcoxon,
    "univariable_cox": univariable_cox,
    "lasso": lasso,
    "lasso_cox": lasso_cox,
    "mrmr": mrmr,
    "robust": robust,
    "none": none,
}
