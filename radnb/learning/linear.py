"""Ridge-stabilised Newton fits of logistic, softmax and Cox models: small, fast, and honest about convergence."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from scipy.special import expit, logsumexp, softmax

from radnb.learning.folds import IntArray
from radnb.statistics.families import Array, Cox

STEPS = 60
TOLERANCE = 1e-9  # of the Newton decrement before the last step, which squares it
UNSEEN = -30.0  # the log odds of a class without training patients


@dataclass(frozen=True)
class Fit:
    """Intercepts (T,), coefficients (T, p) on the input scale, and whether Newton's method came to rest."""

    intercept: Array
    coef: Array
    converged: bool

    def scores(self, x: Array) -> Array:
        """Return the linear predictors, (n, T)."""
        return np.asarray(x @ self.coef.T + self.intercept)


def fit_logistic(x: Array, y: Array, penalty: float, weight: Array | None = None) -> Fit:
    """Minimise the negative log-likelihood + penalty/2 |b|^2 of a 0/1 outcome; the intercept is free."""
    if _wide(x, penalty):
        return _in_row_space(x, lambda z: fit_logistic(z, y, penalty, weight))
    n, p = x.shape
    design = np.empty((n, p + 1))
    design[:, 0], design[:, 1:] = 1.0, x
    ridge = np.full(p + 1, penalty)
    ridge[0] = 0.0
    mass = np.ones(n) if weight is None else weight
    share = float(mass @ y / mass.sum())
    if share in (0.0, 1.0):  # one class: certain, and nothing to learn
        return Fit(np.array([UNSEEN if share == 0 else -UNSEEN]), np.zeros((1, p)), True)
    beta = np.zeros(p + 1)
    beta[0] = np.log(share / (1 - share))
    eta = np.full(n, beta[0])
    value = _logistic_loss(eta, y, mass, beta, ridge)
    for _ in range(STEPS):
        probability = expit(eta)
        gradient = design.T @ (mass * (y - probability)) - ridge * beta
        information = (design.T * (mass * probability * (1 - probability))) @ design
        information.reshape(-1)[:: p + 2] += ridge + 1e-10
        step = np.linalg.solve(information, gradient)
        if gradient @ step < TOLERANCE:
            return Fit(beta[:1] + step[0], (beta + step)[None, 1:], _sane(eta))
        while True:
            eta = design @ (beta + step)
            reached = _logistic_loss(eta, y, mass, beta + step, ridge)
            if reached <= value + 1e-12 * abs(value) or np.abs(step).max() < 1e-12:
                break
            step = step / 2
        beta, value = beta + step, reached
    return Fit(beta[:1], beta[None, 1:], False)


def _wide(x: Array, penalty: float) -> bool:
    return x.shape[1] > len(x) and penalty > 0


def _in_row_space(x: Array, fit: Callable[[Array], Fit]) -> Fit:
    """Fit on coordinates within the span of the rows, where ridge coefficients lie: as many as there are rows."""
    axes, coordinates = np.linalg.qr(x.T)
    found = fit(coordinates.T)
    return Fit(found.intercept, found.coef @ axes.T, found.converged)


def _logistic_loss(eta: Array, y: Array, mass: Array, beta: Array, ridge: Array) -> float:
    return float(mass @ (np.logaddexp(0.0, eta) - y * eta) + 0.5 * (ridge * beta) @ beta)


def _sane(eta: Array) -> bool:
    """Say whether the linear predictor stayed finite in practice: beyond 15 the classes are separated."""
    return bool(np.abs(eta).max() < 15.0)


def fit_softmax(x: Array, codes: IntArray, classes: int, penalty: float, weight: Array | None = None) -> Fit:
    """Minimise the multinomial negative log-likelihood + penalty/2 |b|^2, one row of coefficients per class."""
    if _wide(x, penalty):
        return _in_row_space(x, lambda z: fit_softmax(z, codes, classes, penalty, weight))
    n, p = x.shape
    design = np.hstack([np.ones((n, 1)), x])
    truth = np.eye(classes)[codes] * (np.ones(n) if weight is None else weight)[:, None]
    mass = truth.sum(1)
    ridge = np.tile(np.r_[1e-6, np.full(p, max(penalty, 1e-8))], classes)
    beta = np.zeros(classes * (p + 1))

    def loss(b: Array) -> float:
        eta = design @ b.reshape(classes, -1).T
        return float(mass @ logsumexp(eta, axis=1) - (truth * eta).sum() + 0.5 * (ridge * b) @ b)

    value = loss(beta)
    for _ in range(STEPS):
        eta = design @ beta.reshape(classes, -1).T
        probability = softmax(eta, axis=1)
        gradient = ((truth - mass[:, None] * probability).T @ design).ravel() - ridge * beta
        step = np.linalg.solve(_softmax_information(design, probability, mass) + np.diag(ridge), gradient)
        if gradient @ step < TOLERANCE:
            return _softmax_fit(beta + step, classes, _sane(eta))
        while (reached := loss(beta + step)) > value + 1e-12 * abs(value) and np.abs(step).max() > 1e-12:
            step = step / 2
        beta, value = beta + step, reached
    return _softmax_fit(beta, classes, False)


def _softmax_fit(beta: Array, classes: int, converged: bool) -> Fit:
    table = beta.reshape(classes, -1)
    return Fit(table[:, 0], table[:, 1:], converged)


def _softmax_information(design: Array, probability: Array, mass: Array) -> Array:
    classes, q = probability.shape[1], design.shape[1]
    out = np.empty((classes, q, classes, q))
    for a in range(classes):
        for b in range(a, classes):
            w = mass * probability[:, a] * (float(a == b) - probability[:, b])
            out[a, :, b, :] = (design.T * w) @ design
            out[b, :, a, :] = out[a, :, b, :].T
    return out.reshape(classes * q, classes * q)


def fit_ordinal(x: Array, codes: IntArray, penalty: float, weight: Array | None = None) -> Fit:
    """Minimise the negative log-likelihood + penalty/2 |b|^2 of proportional odds: logit P(y > k) = x b - cut k.

    The fit has one row for each cut between neighbouring classes, all with the same coefficients (McCullagh 1980;
    MASS::polr where there is no penalty). All classes up to the largest code must be present. The likelihood is
    concave (Pratt 1981), so Newton's method needs no more than halved steps.
    """
    if _wide(x, penalty):
        return _in_row_space(x, lambda z: fit_ordinal(z, codes, penalty, weight))
    p, cuts = x.shape[1], int(codes.max())
    mass = np.ones(len(x)) if weight is None else weight
    onehot = np.eye(cuts + 2)[:, 1:-1]  # of the cut above a class, given its code plus one
    upper, lower = np.hstack([onehot[codes + 1], -x]), np.hstack([onehot[codes], -x])
    ridge = np.r_[np.zeros(cuts), np.full(p, penalty)]
    share = np.cumsum(np.bincount(codes, weights=mass))[:-1] / mass.sum()
    beta = np.r_[np.log(share / (1 - share)), np.zeros(p)]
    value = _ordinal_loss(beta, x, codes, mass, cuts) + 0.5 * float((ridge * beta) @ beta)
    for _ in range(STEPS):
        above, below = _ordinal_bounds(beta, x, codes, cuts)
        width = np.diff(np.r_[-np.inf, beta[:cuts], np.inf])[codes]
        nearness, f, g = 1 / np.expm1(np.minimum(width, 700.0)), expit(above), expit(below)
        pull = mass * nearness * (1 + nearness)
        gradient = upper.T @ (mass * (1 - f + nearness)) - lower.T @ (mass * (g + nearness)) - ridge * beta
        between = upper - lower
        information = ((upper.T * (mass * f * (1 - f))) @ upper + (lower.T * (mass * g * (1 - g))) @ lower
                       + (between.T * pull) @ between)
        information.reshape(-1)[:: len(beta) + 1] += ridge + 1e-10
        step = np.linalg.solve(information, gradient)
        if gradient @ step < TOLERANCE:
            return _ordinal_fit(beta + step, cuts, _sane(x @ beta[cuts:]))
        while True:
            new = beta + step
            reached = _ordinal_loss(new, x, codes, mass, cuts) + 0.5 * float((ridge * new) @ new)
            if reached <= value + 1e-12 * abs(value) or np.abs(step).max() < 1e-12:
                break
            step = step / 2
        beta, value = new, reached
    return _ordinal_fit(beta, cuts, False)


def _ordinal_bounds(beta: Array, x: Array, codes: IntArray, cuts: int) -> tuple[Array, Array]:
    """Return the distance of each row from the cut above and the cut below its class."""
    ends, eta = np.r_[-np.inf, beta[:cuts], np.inf], x @ beta[cuts:]
    return ends[codes + 1] - eta, ends[codes] - eta


def _ordinal_loss(beta: Array, x: Array, codes: IntArray, mass: Array, cuts: int) -> float:
    """Return -log P summed; P = F(a) - F(b) = F(a) (1 - F(b)) (1 - exp(b - a)) does not cancel."""
    width = np.diff(np.r_[-np.inf, beta[:cuts], np.inf])
    if not (width > 0).all():
        return np.inf
    above, below = _ordinal_bounds(beta, x, codes, cuts)
    return float(mass @ (np.logaddexp(0, -above) + np.logaddexp(0, below) - np.log(-np.expm1(-width))[codes]))


def _ordinal_fit(beta: Array, cuts: int, converged: bool) -> Fit:
    return Fit(-beta[:cuts], np.tile(beta[cuts:], (cuts, 1)), converged)


def fit_cox(x: Array, time: Array, event: Array, penalty: float) -> Fit:
    """Minimise the negative log partial likelihood (Efron's ties) + penalty/2 |b|^2; scores are centred."""
    if _wide(x, penalty):
        return _in_row_space(x, lambda z: fit_cox(z, time, event, penalty))
    family, mean = Cox(time, event, "efron"), x.mean(0)
    centred = x - mean
    beta = np.zeros(x.shape[1])
    value = -family.loglik(np.zeros(len(x)))
    for _ in range(STEPS):
        eta = centred @ beta
        score, information = family.derivatives(centred, eta)
        gradient = score - penalty * beta
        information.reshape(-1)[:: len(beta) + 1] += penalty + 1e-10
        step = np.linalg.solve(information, gradient)
        if not np.isfinite(step).all():
            break
        if gradient @ step < TOLERANCE:
            return _cox_fit(beta + step, mean, _sane(eta))
        while True:
            new = beta + step
            reached = -family.loglik(centred @ new) + 0.5 * penalty * float(new @ new)
            if reached <= value + 1e-12 * abs(value) or np.abs(step).max() < 1e-12:
                break
            step = step / 2
        beta, value = new, reached
    return _cox_fit(beta, mean, False)


def _cox_fit(beta: Array, mean: Array, converged: bool) -> Fit:
    return Fit(np.array([-float(mean @ beta)]), beta[None, :], converged)
