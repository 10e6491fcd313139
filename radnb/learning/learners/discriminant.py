"""Models of the columns within each class: linear and quadratic discriminant analysis, naive Bayes."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Literal

import numpy as np
from scipy.special import expit, logsumexp, softmax

from radnb.learning.folds import IntArray
from radnb.learning.learners.learner import Learner, Linear
from radnb.learning.linear import Fit
from radnb.statistics.families import Array

Shrinkage = float | Literal["auto"]
NULL = 1e-10  # of the largest eigenvalue: directions below it do not vary


@dataclass(frozen=True)
class Spread:
    """A covariance matrix as leading axes (r, p) with their variances, and the variance of all directions beside."""

    axes: Array
    variances: Array
    beside: float

    def solve(self, rows: Array) -> Array:
        """Return rows times the inverse; a direction without variance is left out."""
        inside = rows @ self.axes.T
        rest = 1 / self.beside if self.beside > 0 else 0.0
        return np.asarray((inside * (1 / self.variances - rest)) @ self.axes + rows * rest)

    def log_determinant(self) -> float:
        """Return the log of the determinant over the directions that vary."""
        beside = (self.axes.shape[1] - len(self.axes)) * np.log(self.beside) if self.beside > 0 else 0.0
        return float(np.log(self.variances).sum() + beside)


def spread(centred: Array, degrees: int, shrinkage: Shrinkage, level: float | None = None) -> Spread:
    """Return the covariance of centred rows, shrunk towards `level` (their mean variance) in all directions."""
    _, lengths, axes = np.linalg.svd(centred / np.sqrt(max(degrees, 1)), full_matrices=False)
    variances = lengths**2
    level = float(variances.sum() / centred.shape[1]) if level is None else level
    amount = ledoit_wolf(centred) if shrinkage == "auto" else float(shrinkage)
    variances = (1 - amount) * variances + amount * level
    vary = variances > NULL * max(variances.max(initial=0.0), level)
    return Spread(axes[vary], variances[vary], amount * level)


def ledoit_wolf(centred: Array) -> float:
    """Return the best shrinkage towards equal variances (Ledoit and Wolf, J Multivar Anal 2004;88:365)."""
    n, p = centred.shape
    gram = centred @ centred.T
    lengths = np.diag(gram)
    level = lengths.sum() / (n * p)
    delta = (gram**2).sum() / n**2
    beta = ((lengths**2).sum() / n - delta) / (n * p)
    away = delta / p - level**2
    return float(np.clip(beta / away, 0, 1)) if away > 1e-12 * max(level**2, 1e-300) else 1.0


@dataclass
class LinearDiscriminant(Linear):
    """Linear discriminant analysis, the common covariance shrunk so that more columns than patients do no harm."""

    shrinkage: Shrinkage = "auto"

    def fit(self, x: Array, y: Array, *, classes: int = 2, groups: IntArray | None = None) -> LinearDiscriminant:
        """Learn the class means and the common covariance."""
        codes = y.astype(np.intp)
        means, shares = class_means(x, codes, classes)
        common = spread(x - means[codes], len(x) - int(np.count_nonzero(shares)), self.shrinkage)
        coef = common.solve(means - means.mean(0))
        level = np.log(np.maximum(shares, 1e-13)) - 0.5 * np.einsum("kp,kp->k", coef, means + means.mean(0))
        self.fit_ = (Fit(level[1:] - level[:1], coef[1:] - coef[:1], True) if classes == 2 else
                     Fit(level, coef, True))
        return self

    def scores(self, x: Array) -> Array:
        """Return probabilities."""
        eta = self.fit_.scores(x)
        return np.asarray(expit(eta) if eta.shape[1] == 1 else softmax(eta, axis=1))


@dataclass
class Density(Learner):
    """A model of each class by itself. Its log odds overstate what is known, and are recalibrated in the fold."""

    means_: Array = field(init=False, repr=False)
    shares_: Array = field(init=False, repr=False)

    def __post_init__(self) -> None:
        self.calibrated = False

    @property
    def scale(self) -> str:  # type: ignore[override]
        """Say what the scores are."""
        return "linear"

    def logs(self, x: Array) -> Array:
        """Return the log density of each row in each class with training patients, (n, present)."""
        raise NotImplementedError

    def scores(self, x: Array) -> Array:
        """Return the log odds of each class against the others; a class without training patients has the lowest."""
        present = np.flatnonzero(self.shares_)
        joint = self.logs(x) + np.log(self.shares_[present])
        if len(self.shares_) == 2:
            return joint[:, 1:] - joint[:, :1] if len(present) == 2 else np.zeros((len(x), 1))
        odds = np.column_stack([joint[:, k] - logsumexp(np.delete(joint, k, axis=1), axis=1)
                                for k in range(len(present))]) if len(present) > 1 else np.zeros((len(x), 1))
        out = np.full((len(x), len(self.shares_)), float(odds.min()))
        out[:, present] = odds
        return out


@dataclass
class QuadraticDiscriminant(Density):
    """Quadratic discriminant analysis, each covariance shrunk towards the mean variance within classes."""

    shrinkage: Shrinkage = "auto"
    axes_: tuple[Array, ...] = field(init=False, repr=False)  # of the present classes, as in `Spread`
    variances_: tuple[Array, ...] = field(init=False, repr=False)
    beside_: Array = field(init=False, repr=False)

    def fit(self, x: Array, y: Array, *, classes: int = 2, groups: IntArray | None = None) -> QuadraticDiscriminant:
        """Learn the mean and the covariance of each class."""
        codes = y.astype(np.intp)
        self.means_, self.shares_ = class_means(x, codes, classes)
        present = np.flatnonzero(self.shares_)
        centred = x - self.means_[codes]
        level = float((centred**2).sum() / max(len(x) - len(present), 1) / x.shape[1])
        found = [spread(centred[codes == k], int((codes == k).sum()) - 1, self.shrinkage, level) for k in present]
        self.axes_, self.variances_ = tuple(one.axes for one in found), tuple(one.variances for one in found)
        self.beside_ = np.array([one.beside for one in found])
        return self

    def logs(self, x: Array) -> Array:
        """Return the log of the normal density but for a constant."""
        out = []
        parts = zip(self.axes_, self.variances_, self.beside_, strict=True)
        for mean, part in zip(self.means_[self.shares_ > 0], parts, strict=True):
            inside, away = Spread(*part), x - mean
            out.append(-0.5 * (np.einsum("ij,ij->i", inside.solve(away), away) + inside.log_determinant()))
        return np.column_stack(out)


@dataclass
class NaiveBayes(Density):
    """Normal columns that are independent within each class."""

    variances_: Array = field(init=False, repr=False)

    def fit(self, x: Array, y: Array, *, classes: int = 2, groups: IntArray | None = None) -> NaiveBayes:
        """Learn the mean and the variance of each column in each class."""
        codes = y.astype(np.intp)
        self.means_, self.shares_ = class_means(x, codes, classes)
        squares = np.eye(classes)[codes].T @ (x - self.means_[codes]) ** 2
        counts = np.maximum(self.shares_ * len(x), 1)[:, None]
        self.variances_ = squares / counts + (1e-9 * float(x.var(0).max()) or 1.0)
        return self

    def logs(self, x: Array) -> Array:
        """Return the log of the normal density but for a constant."""
        present = np.flatnonzero(self.shares_)
        return np.column_stack([-0.5 * (np.log(self.variances_[k]) + (x - self.means_[k]) ** 2
                                        / self.variances_[k]).sum(1) for k in present])


def class_means(x: Array, codes: IntArray, classes: int) -> tuple[Array, Array]:
    """Return the mean of each class (classes, p), that of everybody for a class without patients, and its share."""
    counts = np.bincount(codes, minlength=classes)
    sums = np.eye(classes)[codes].T @ x
    means = np.where(counts[:, None] > 0, sums / np.maximum(counts, 1)[:, None], x.mean(0))
    return means, counts / len(codes)
