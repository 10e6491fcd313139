"""Selectors that look at columns one by one or in pairs, and fit no model."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, ClassVar, Literal

import numpy as np

from radnb.errors import nearest
from radnb.learning.folds import IntArray
from radnb.learning.kinds import CLASSES, SURVIVAL
from radnb.learning.prepare import Method, uncorrelated
from radnb.learning.selectors.selector import Given, Ranking, Selector
from radnb.statistics.families import Array
from radnb.statistics.neighbours import distinct, mutual_information, relieff
from radnb.statistics.screening import (
    average_ranks,
    chi_square_order,
    chi_square_test,
    cox_score_test,
    cox_statistic,
    f_statistic,
    f_test,
    false_discovery,
    kruskal_statistic,
    kruskal_test,
    without_inflation,
)

Test = Literal["f", "kruskal", "chi_square", "cox"]


@dataclass
class Everything(Selector):
    """Keep all columns."""

    def choose(self, x: Array, y: Array, given: Given) -> IntArray:
        """Return all columns."""
        return np.arange(x.shape[1])


@dataclass
class Named(Selector):
    """Keep the columns of these names; one that preparation dropped in a fold is absent from that fold."""

    features: tuple[str, ...] = ()

    def faults(self, names: tuple[str, ...]) -> list[str]:
        """Name the listed features that the table does not have."""
        if not self.features:
            return ["selector.named.features: the list is empty. Name the features, as in "
                    "`named: {features: [age, size]}`."]
        return [f"selector.named.features: there is no feature {name!r}. {nearest(name, names)}"
                for name in self.features if name not in names]

    def choose(self, x: Array, y: Array, given: Given) -> IntArray:
        """Return the columns of these names."""
        if len(given.names) != x.shape[1]:
            raise ValueError("the named selector was not told the names of its columns")
        return np.flatnonzero(np.isin(np.array(given.names, object), np.array(self.features, object)))


@dataclass
class Univariable(Selector):
    """Keep the k columns with the largest statistic, of those below a false discovery rate if one is given."""

    ordered: ClassVar[bool] = True
    test: Test = "f"
    k: int | None = 10
    q: float | None = None

    @property
    def kinds(self) -> tuple[str, ...]:  # type: ignore[override]
        """Say which outcomes the test suits."""
        return (SURVIVAL,) if self.test == "cox" else (CLASSES,)

    def choose(self, x: Array, y: Array, given: Given) -> IntArray:
        """Return the columns with the largest statistic."""
        order = np.argsort(-self.statistic(x, y), kind="stable")
        if self.q is None:  # p-values cost more than their ranks, and only the rate needs them
            return order[: self.k]
        return np.asarray(order[false_discovery(self.p(x, y))[order] <= self.q][: self.k])

    def statistic(self, x: Array, y: Array) -> Array:
        """Return what the columns are ranked by."""
        return STATISTICS[self.test](x, y)

    def p(self, x: Array, y: Array) -> Array:
        """Return the p-value of each column."""
        return TESTS[self.test](x, y)[1]


@dataclass
class ChiSquare(Univariable):
    """Keep the columns that, cut at their training quantiles, depend most on the class."""

    test: Test = "chi_square"
    bins: int = 5

    def statistic(self, x: Array, y: Array) -> Array:
        """Return what the columns are ranked by."""
        return chi_square_order(x, y.astype(np.intp), bins=self.bins)

    def p(self, x: Array, y: Array) -> Array:
        """Return the p-value of each column."""
        return chi_square_test(x, y.astype(np.intp), bins=self.bins)[1]


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
class MutualInformation(Ranking):
    """Keep the k columns with the most mutual information with the class."""

    neighbours: int = 3
    seed: int = 0

    def values(self, x: Array, y: Array, given: Given) -> Array:
        """Return the mutual information, of every patient once: a copy would be its own nearest neighbour."""
        rows = np.arange(len(x)) if given.groups is None else distinct(x, given.groups)
        return mutual_information(x[rows], y[rows].astype(np.intp), neighbours=self.neighbours, seed=self.seed)


@dataclass
class Relief(Ranking):
    """Keep the k columns that ReliefF weighs most."""

    neighbours: int = 10

    def values(self, x: Array, y: Array, given: Given) -> Array:
        """Return ReliefF's weights."""
        return relieff(x, y.astype(np.intp), neighbours=self.neighbours, groups=given.groups)


@dataclass
class Variance(Selector):
    """Drop columns whose variance over their range is below `minimum`, whatever their scale."""

    minimum: float = 0.01

    def choose(self, x: Array, y: Array, given: Given) -> IntArray:
        """Return the columns that vary."""
        span = np.ptp(x, axis=0)
        return np.flatnonzero((span > 0) & (x.var(0) >= self.minimum * np.where(span > 0, span, 1.0) ** 2))


@dataclass
class Correlation(Selector):
    """Keep columns of which no two correlate above a limit."""

    limit: float = 0.9
    method: Method = "spearman"

    def choose(self, x: Array, y: Array, given: Given) -> IntArray:
        """Return the columns that stay."""
        varied = np.flatnonzero(np.ptp(x, axis=0) > 0)
        columns = np.ascontiguousarray(x.T[varied])
        columns = average_ranks(columns)[0] if self.method == "spearman" else columns
        return varied[uncorrelated(columns, self.limit)] if len(varied) else varied


@dataclass
class Inflation(Selector):
    """Keep columns of which none has a variance inflation factor above a limit."""

    limit: float = 10.0

    def choose(self, x: Array, y: Array, given: Given) -> IntArray:
        """Return the columns that stay."""
        return without_inflation(x, self.limit)


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


@dataclass
class Components(Selector):
    """Replace all columns by their first principal components."""

    k: int = 10
    share: float | None = None

    def choose(self, x: Array, y: Array, given: Given) -> IntArray:
        """Return all columns, and leave the weights of the components in `rotation_`."""
        _, size, weights = np.linalg.svd(x - x.mean(0), full_matrices=False)
        real = int((size > 1e-10 * max(size.max(initial=0.0), 1e-300)).sum())
        many = min(self.k, real)
        if self.share is not None and real:
            explained = np.cumsum(size**2) / np.sum(size**2)
            many = min(many, int(np.searchsorted(explained, self.share - 1e-12)) + 1)
        weights = weights[:many].T
        largest = np.abs(weights).argmax(0) if many else np.empty(0, np.intp)
        sign = np.where(weights[largest, np.arange(many)] < 0, -1.0, 1.0)  # the sign of a component is arbitrary
        self.rotation_ = weights * sign
        return np.arange(x.shape[1]) if many else np.empty(0, np.intp)


def _cox_test(x: Array, y: Array) -> tuple[Array, Array]:
    return cox_score_test(x, y[:, 0], y[:, 1])


def _cox_statistic(x: Array, y: Array) -> Array:
    return cox_statistic(x, y[:, 0], y[:, 1])


STATISTICS: dict[str, Callable[[Array, Any], Array]] = {"f": f_statistic, "kruskal": kruskal_statistic,
                                                        "cox": _cox_statistic}
TESTS: dict[str, Callable[[Array, Any], tuple[Array, Array]]] = {"f": f_test, "kruskal": kruskal_test,
                                                                 "cox": _cox_test}
