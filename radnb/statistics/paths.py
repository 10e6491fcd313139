"""LASSO and elastic-net paths for Gaussian, binomial and Cox models, on glmnet's conventions.

Minimises -loglik/n + lambda*(alpha*|b|_1 + (1-alpha)/2*|b|_2^2) over columns centred and divided by their
population SD (ddof=0); coefficients come back on the input scale.  Method, from the published papers (Friedman
2010, Simon 2011, Tibshirani 2012): proximal Newton, warm starts, strong rules, a KKT check on every column.  The
inner engine is scikit-learn's compiled coordinate descent.
"""

from __future__ import annotations

import warnings
from collections.abc import Callable
from dataclasses import dataclass
from typing import Literal

import numpy as np
from numpy.typing import NDArray
from sklearn import config_context
from sklearn.exceptions import ConvergenceWarning
from sklearn.linear_model import enet_path

from radnb.statistics.discrimination import auc, concordance
from radnb.statistics.families import Array, Binomial, Cox, Family

Measure = Literal["deviance", "concordance"]
CHANGES = 12  # of sign, before coordinate descent takes over


@dataclass(frozen=True)
class Path:
    """Coefficients of a path, largest lambda first, and whether each met its optimality conditions."""

    lam: Array  # (L,)
    intercept: Array  # (L,)
    coef: Array  # (L, p), input scale
    converged: NDArray[np.bool_]  # (L,)

    def predict(self, x: Array) -> Array:
        """Return the linear predictors, (L, n)."""
        return np.asarray(self.intercept[:, None] + self.coef @ np.asarray(x, float).T)

    def at(self, lam: Array) -> Path:
        """Interpolate linearly in lambda, ends held: what cv.glmnet does when given no lambda."""
        grid, columns = self.lam[::-1], np.column_stack([self.intercept, self.coef])[::-1]
        new = np.column_stack([np.interp(lam, grid, c) for c in columns.T])
        return Path(np.asarray(lam, float), new[:, 0], new[:, 1:], np.full(len(lam), bool(self.converged.all())))


def lambda_grid(largest: float, n: int, p: int, *, size: int = 100, ratio: float | None = None) -> Array:
    """Return glmnet's geometric grid from the largest lambda downwards."""
    ratio = (0.01 if n < p else 1e-4) if ratio is None else ratio
    return np.asarray(largest * ratio ** (np.arange(size) / (size - 1)))


def fit_path(x: Array, family: Family, lam: Array | None = None, *, alpha: float = 1.0, size: int = 100,
             ratio: float | None = None, tol: float = 1e-6, steps: int = 100, most: int | None = None) -> Path:
    """Solve at every lambda, largest first; `tol` is the KKT violation allowed, relative to lambda.

    With `most` the path ends once more than so many coefficients are not zero.
    """
    x = np.asarray(x, float)
    n, p = x.shape
    mean, sd = x.mean(0), x.std(0)
    live = sd > 1e-12 * np.maximum(1.0, np.abs(mean))  # constant columns stay at zero
    divisor = np.where(live, sd, 1.0)
    walk = _Walk(np.asfortranarray((x - mean) / divisor * live), family, alpha, tol, steps)
    lam = lambda_grid(walk.largest, n, p, size=size, ratio=ratio) if lam is None else -np.sort(-np.asarray(lam, float))
    coef, intercept, converged = np.zeros((lam.size, p)), np.zeros(lam.size), np.zeros(lam.size, bool)
    for k, value in enumerate(lam):
        converged[k] = walk.to(float(value))
        coef[k] = walk.b / divisor
        intercept[k] = walk.b0 - coef[k] @ mean if family.intercept else 0.0
        if most is not None and np.count_nonzero(walk.b) > most:
            return Path(lam[: k + 1], intercept[: k + 1], coef[: k + 1], converged[: k + 1])
    return Path(lam, intercept, coef, converged)


class _Walk:
    """The solution at the present lambda on standardised columns, warm start of the next."""

    def __init__(self, xs: Array, family: Family, alpha: float, tol: float, steps: int) -> None:
        self.xs, self.family, self.alpha, self.tol, self.steps = xs, family, alpha, tol, steps
        self.n = len(xs)
        self.b, self.b0 = np.zeros(xs.shape[1]), family.null()
        self.grad = xs.T @ family.grad(np.full(self.n, self.b0)) / self.n
        self.largest = self.before = float(np.abs(self.grad).max() / max(alpha, 1e-3))

    def objective(self, b0: float, b: Array, l1: float, l2: float) -> float:
        return -self.family.loglik(b0 + self.xs @ b) / self.n + l1 * float(np.abs(b).sum()) + 0.5 * l2 * float(b @ b)

    def to(self, lam: float) -> bool:
        """Move to the solution at this lambda and say whether the KKT conditions hold there."""
        l1, l2 = lam * self.alpha, lam * (1 - self.alpha) / self.family.ridge_scale()
        keep = (np.abs(self.grad) >= self.alpha * (2 * lam - self.before)) | (self.b != 0)  # sequential strong rule
        value, allowed = self.objective(self.b0, self.b, l1, l2), self.tol * max(lam, 1e-3 * self.largest)
        self.before = lam
        for _ in range(self.steps):
            eta = self.b0 + self.xs @ self.b
            g = self.family.grad(eta)
            slack = self.slack(g, l1, l2)
            worst = max(float(slack.max()), abs(float(g.mean())) if self.family.intercept else 0.0)
            if worst <= allowed:
                return True
            keep |= slack > allowed  # columns the strong rule lost
            inner = max(self.tol, min(0.01, 0.1 * worst / lam)) ** 2
            value = self.step(np.flatnonzero(keep), eta, g, l1, l2, value, inner)
        return False

    def slack(self, g: Array, l1: float, l2: float) -> Array:
        self.grad = self.xs.T @ g / self.n
        off = np.abs(self.grad) - l1
        return np.asarray(np.where(self.b != 0, np.abs(self.grad - l2 * self.b - l1 * np.sign(self.b)), off))

    def step(self, index: NDArray[np.intp], eta: Array, g: Array, l1: float, l2: float, value: float,
             inner: float) -> float:
        a, r, m, shift = self.family.root(self.xs[:, index], eta, g)
        new = self.b.copy()
        new[index] = _inner(np.asfortranarray(a), a @ self.b[index] + r, self.b[index], l1 * self.n, l2 * self.n, inner)
        move, move0 = new - self.b, shift - float(m @ (new - self.b)[index])
        size = 1.0
        while True:  # halve only if the objective went up
            b, b0 = self.b + size * move, self.b0 + size * move0
            reached = self.objective(b0, b, l1, l2)
            if reached <= value + 1e-12 * abs(value) or size < 1e-4:
                break
            size /= 2
        self.b, self.b0 = b, b0
        return reached


def _inner(a: Array, z: Array, b: Array, l1: float, l2: float, tol: float) -> Array:
    """Minimise |z - a b|^2/2 + l1 |b|_1 + l2 |b|^2/2, exactly when few signs change, else by coordinate descent."""
    exact = _follow(a, z, np.sign(b), l1, l2)
    if exact is not None:
        return exact
    rows = len(a)  # scikit-learn divides its loss by the row count
    with warnings.catch_warnings(), config_context(skip_parameter_validation=True):
        warnings.simplefilter("ignore", ConvergenceWarning)  # the KKT check of the walk decides
        b = enet_path(a, z, l1_ratio=l1 / (l1 + l2), alphas=[(l1 + l2) / rows], coef_init=b, tol=tol, max_iter=300,
                      check_input=False, precompute=False)[1][:, 0]
    exact = _follow(a, z, np.sign(b), l1, l2)
    return np.asarray(b) if exact is None else exact


def _follow(a: Array, z: Array, sign: Array, l1: float, l2: float) -> Array | None:
    """Solve for given signs, drop those that turn and add the worst violator, or give up after a few changes."""
    sign, b = sign.copy(), np.zeros(len(sign))
    for _ in range(CHANGES):
        on = np.flatnonzero(sign)
        if on.size > len(a) and not l2:
            return None
        b[:] = 0.0
        residual = z
        if on.size:
            part = a[:, on]
            gram = part.T @ part
            gram.reshape(-1)[:: on.size + 1] += l2 + 1e-12 * np.trace(gram) / on.size
            found = np.linalg.solve(gram, part.T @ z - l1 * sign[on])
            turned = found * sign[on] <= 0
            if turned.any():
                sign[on[turned]] = 0.0
                continue
            b[on], residual = found, z - part @ found
        pull = a.T @ residual
        over = np.where(sign == 0, np.abs(pull), 0.0)
        worst = int(np.argmax(over))
        if over[worst] <= l1 * (1 + 1e-10):
            return b
        sign[worst] = np.sign(pull[worst])
    return None


@dataclass(frozen=True)
class CrossValidation:
    """A path on all rows and its cross-validated loss."""

    path: Path
    loss: Array  # mean over folds
    error: Array  # standard error of that mean
    lam_min: float
    lam_1se: float
    held_out: Array  # (L, n) out-of-fold linear predictors


def cross_validate(x: Array, family: Callable[[NDArray[np.intp]], Family], fold: NDArray[np.intp], *,
                   own_paths: bool = False, alpha: float = 1.0, size: int = 100, ratio: float | None = None,
                   tol: float = 1e-6, measure: Measure = "deviance") -> CrossValidation:
    """Cross-validate a path; `family(rows)` builds the likelihood of those rows.

    `own_paths=False` solves each fold at the full data's lambdas (cv.glmnet(lambda=...)); True lets a fold make its
    own path and interpolates (cv.glmnet without lambda).  Cox losses are glmnet's grouped ones, per event.  With
    measure="concordance" the loss is one minus the AUC or C of each fold (type.measure "auc" and "C").
    """
    x, everyone = np.asarray(x, float), np.arange(len(x))
    whole = family(everyone)
    full = fit_path(x, whole, alpha=alpha, size=size, ratio=ratio, tol=tol)
    losses, weights, held_out = [], [], np.empty((full.lam.size, len(x)))
    for f in np.unique(fold):
        train, test = everyone[fold != f], everyone[fold == f]
        part = family(train)
        fit = fit_path(x[train], part, None if own_paths else full.lam, alpha=alpha, size=size, ratio=ratio, tol=tol)
        predictors = (fit.at(full.lam) if own_paths else fit).predict(x)
        held_out[:, test] = predictors[:, test]
        loss, weight = (_deviances(whole, part, family(test), predictors, train, test) if measure == "deviance"
                        else (_discordances(family(test), predictors[:, test]), float(test.size)))
        losses.append(loss)
        weights.append(weight)
    return CrossValidation(full, *choose(full.lam, np.array(losses), np.array(weights)), held_out)


def _deviances(whole: Family, part: Family, held: Family, predictors: Array, train: NDArray[np.intp],
               test: NDArray[np.intp]) -> tuple[Array, float]:
    """Return a fold's deviance per patient at every lambda, for Cox per event, and the fold's weight."""
    if isinstance(whole, Cox) and isinstance(part, Cox):
        events = float(whole.event[test].sum())
        return np.array([whole.deviance(e) - part.deviance(e[train]) for e in predictors]) / max(events, 1.0), events
    return np.array([held.deviance(e[test]) for e in predictors]) / test.size, float(test.size)


def _discordances(held: Family, predictors: Array) -> Array:
    """Return one minus a fold's AUC or C at every lambda."""
    if isinstance(held, Cox):
        return np.array([1 - concordance(e, held.group.astype(float), held.event).value for e in predictors])
    assert isinstance(held, Binomial)
    return np.array([1 - auc(e, held.y) for e in predictors])


def choose(lam: Array, loss: Array, weight: Array) -> tuple[Array, Array, float, float]:
    """Return the fold-weighted mean and SE of a loss (folds, L) and lambda at its minimum and within one SE of it."""
    mean = np.average(loss, axis=0, weights=weight)
    error = np.sqrt(np.average((loss - mean) ** 2, axis=0, weights=weight) / (len(loss) - 1))
    best = int(np.argmin(mean))  # lambda falls, so argmin takes the largest on a tie
    return mean, error, float(lam[best]), float(lam[mean <= mean[best] + error[best]].max())
