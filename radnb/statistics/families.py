"""Log-likelihoods in the linear predictor: Gaussian, binomial, and Cox with Breslow's or Efron's ties."""

from __future__ import annotations

from typing import Literal, Protocol

import numpy as np
from numpy.typing import NDArray
from scipy.linalg import cholesky, solve_triangular
from scipy.special import expit

Array = NDArray[np.float64]
Ties = Literal["breslow", "efron"]
Root = tuple[Array, Array, Array, float]


class Family(Protocol):
    """Derivatives of a log-likelihood in the linear predictor eta."""

    intercept: bool

    def null(self) -> float:
        """Return the intercept of the empty model."""

    def ridge_scale(self) -> float:
        """Return what divides the L2 part of the penalty."""

    def loglik(self, eta: Array) -> float:
        """Return the log-likelihood."""

    def deviance(self, eta: Array) -> float:
        """Return the deviance, summed over rows."""

    def grad(self, eta: Array) -> Array:
        """Return the derivative of the log-likelihood in eta."""

    def root(self, x: Array, eta: Array, g: Array) -> Root:
        """Return (a, r, m, s): a'a = x'Hx and a'r = x'g, the intercept (step s - m @ step) profiled out."""


def _diagonal_root(x: Array, w: Array, g: Array) -> Root:
    sw, m, s = np.sqrt(w), (w @ x) / w.sum(), float(g.sum() / w.sum())
    return (x - m) * sw[:, None], (g - w * s) / sw, m, s


class Gaussian:
    """Least squares with unit variance."""

    intercept = True

    def __init__(self, y: Array) -> None:
        self.y = np.asarray(y, float)

    def null(self) -> float:
        """Return the mean."""
        return float(self.y.mean())

    def ridge_scale(self) -> float:
        """Return SD(y): glmnet scales y to unit SD, so its L2 part is lambda/SD(y)."""
        return float(self.y.std())

    def loglik(self, eta: Array) -> float:
        """Return minus half the residual sum of squares."""
        return -0.5 * float(np.sum((self.y - eta) ** 2))

    def deviance(self, eta: Array) -> float:
        """Return the residual sum of squares."""
        return -2 * self.loglik(eta)

    def grad(self, eta: Array) -> Array:
        """Return the residuals."""
        return self.y - eta

    def root(self, x: Array, eta: Array, g: Array) -> Root:
        """Return the root of the information; see Family.root."""
        return _diagonal_root(x, np.ones_like(eta), g)


class Binomial:
    """Logistic likelihood of a 0/1 outcome."""

    intercept = True

    def __init__(self, y: Array) -> None:
        self.y = np.asarray(y, float)

    def null(self) -> float:
        """Return the logit of the prevalence."""
        m = float(self.y.mean())
        return float(np.log(m / (1 - m)))

    def ridge_scale(self) -> float:
        """Return 1."""
        return 1.0

    def loglik(self, eta: Array) -> float:
        """Return the log-likelihood."""
        return float(np.sum(self.y * eta - np.logaddexp(0.0, eta)))

    def deviance(self, eta: Array) -> float:
        """Return the deviance with probabilities clipped to [1e-5, 1 - 1e-5], here and only here, as glmnet does."""
        p = np.clip(expit(eta), 1e-5, 1 - 1e-5)
        return -2 * float(np.sum(np.log(np.where(self.y > 0, p, 1 - p))))

    def grad(self, eta: Array) -> Array:
        """Return outcome minus probability."""
        return self.y - expit(eta)

    def root(self, x: Array, eta: Array, g: Array) -> Root:
        """Return the root of the information; see Family.root."""
        p = expit(eta)
        return _diagonal_root(x, np.maximum(p * (1 - p), 1e-5), g)


class Cox:
    """Partial likelihood: the l-th of d tied events has denominator S - (l/d)*E.

    S sums exp(eta) over the risk set and E over the tied events (Efron 1977); Breslow takes l = 0 throughout.
    """

    intercept = False

    def __init__(self, time: Array, event: Array, ties: Ties = "breslow") -> None:
        self.event = np.asarray(event, float)
        _, self.group = np.unique(np.asarray(time, float), return_inverse=True)
        self.groups = int(self.group.max()) + 1
        self.order = np.argsort(self.group, kind="stable")
        self.start = np.searchsorted(self.group[self.order], np.arange(self.groups))
        self.rows = self.order[self.event[self.order] > 0]  # events, by time
        self.at = self.group[self.rows]  # tie group of each event
        self.tied = np.bincount(self.at, minlength=self.groups)
        self.first = np.searchsorted(self.at, self.at)
        rank = np.arange(self.rows.size) - self.first
        self.share = rank / self.tied[self.at] if ties == "efron" else np.zeros(self.rows.size)
        self.efron = bool(self.share.any())
        # log partial likelihood of the saturated model: 0 when no two events are tied
        self.saturated = -float(np.sum(np.log(self.tied[self.at] * (1 - self.share))))

    def null(self) -> float:
        """Return 0: there is no intercept."""
        return 0.0

    def ridge_scale(self) -> float:
        """Return 1."""
        return 1.0

    def sums(self, v: Array) -> Array:
        """Return for every event the risk-set sum of the rows of v, less Efron's share of the tied events."""
        out = np.cumsum(v[self.order][::-1], axis=0)[::-1][self.start][self.at]
        if self.efron:
            run = np.cumsum(np.concatenate([np.zeros_like(v[:1]), v[self.rows]]), axis=0)
            out = out - (self.share * (run[self.first + self.tied[self.at]] - run[self.first]).T).T
        return np.asarray(out, float)

    def loglik(self, eta: Array) -> float:
        """Return the log partial likelihood; minus infinity where risks differ beyond what numbers hold."""
        top = float(eta.max())
        below = self.sums(np.exp(eta - top))
        return float(eta[self.rows].sum() - np.sum(np.log(below) + top)) if (below > 0).all() else -np.inf

    def deviance(self, eta: Array) -> float:
        """Return twice the distance to the saturated model."""
        return 2 * (self.saturated - self.loglik(eta))

    def _expected(self, eta: Array) -> tuple[Array, Array, Array]:
        theta = np.exp(eta - eta.max())
        below = self.sums(theta)
        hazard = np.bincount(self.at, 1 / below, self.groups).cumsum()[self.group]
        if self.efron:
            hazard = hazard - np.bincount(self.at, self.share / below, self.groups)[self.group] * self.event
        return np.asarray(theta * hazard), theta, below

    def grad(self, eta: Array) -> Array:
        """Return the martingale residuals."""
        return np.asarray(self.event - self._expected(eta)[0])

    def derivatives(self, x: Array, eta: Array) -> tuple[Array, Array]:
        """Return the score and the information of the coefficients of x."""
        expected, theta, below = self._expected(eta)
        z = self.sums(theta[:, None] * x) / below[:, None]  # risk-set mean of x at each event
        return x.T @ (self.event - expected), x.T @ (expected[:, None] * x) - z.T @ z

    def root(self, x: Array, eta: Array, g: Array) -> Root:
        """Return the root of the full information (the diagonal one stalls near saturation); see Family.root."""
        _, h = self.derivatives(x, eta)
        h[np.diag_indices_from(h)] += 1e-8 * np.trace(h) / len(h) + 1e-12
        a = cholesky(h)  # the jitter damps, it does not bias
        return a, solve_triangular(a, x.T @ g, trans="T"), np.zeros(x.shape[1]), 0.0
