"""LASSO paths: optimality, derivatives, limits (the comparison with glmnet stands in tests/reference)."""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd
import pytest
from lifelines import CoxPHFitter

from radnb.statistics.families import Binomial, Cox, Family, Gaussian
from radnb.statistics.paths import cross_validate, fit_path


def test_least_squares_meets_its_optimality_conditions() -> None:
    rng = np.random.default_rng(0)
    x = rng.normal(size=(40, 60))
    y = x[:, 0] + rng.normal(size=40)
    path = fit_path(x, Gaussian(y), np.array([0.3]))
    xs = (x - x.mean(0)) / x.std(0)
    gradient = xs.T @ (y - path.predict(x)[0]) / 40
    assert path.converged.all()
    assert np.abs(gradient).max() <= 0.3 + 1e-6
    assert np.allclose(np.abs(gradient[path.coef[0] != 0]), 0.3, atol=1e-6)


@pytest.mark.parametrize("ties", ["breslow", "efron"])
def test_cox_derivatives_equal_differences(ties: Any) -> None:
    rng = np.random.default_rng(1)
    time, event, eta = np.ceil(rng.exponential(5, 30)), (rng.random(30) < 0.7).astype(float), rng.normal(size=30)
    family = Cox(time, event, ties)
    numeric = [(family.loglik(eta + 1e-6 * u) - family.loglik(eta - 1e-6 * u)) / 2e-6 for u in np.eye(30)]
    assert np.allclose(family.grad(eta), numeric, atol=1e-6)


def test_efron_without_penalty_equals_lifelines() -> None:
    rng = np.random.default_rng(2)
    x = rng.normal(size=(60, 3))
    time, event = np.ceil(rng.exponential(6, 60) * np.exp(-x[:, 0])), (rng.random(60) < 0.8).astype(float)
    table = pd.DataFrame(x).assign(t=time, e=event)
    peer = CoxPHFitter().fit(table, "t", "e", fit_options={"precision": 1e-12}).params_.to_numpy()
    own = fit_path(x, Cox(time, event, "efron"), np.array([0.1, 1e-3, 1e-9])).coef[-1]
    assert np.allclose(own, peer, atol=1e-6)


@pytest.mark.parametrize("alpha", [0.1, 0.5])
@pytest.mark.parametrize("kind", ["binomial", "cox"])
def test_the_elastic_net_meets_its_optimality_conditions(kind: str, alpha: float) -> None:
    rng = np.random.default_rng(3)
    x = rng.normal(size=(40, 90))
    x[:, 1] = x[:, 0] + 0.1 * x[:, 1]
    family: Family = (Binomial((x[:, 0] + rng.logistic(size=40) > 0).astype(float)) if kind == "binomial" else
                      Cox(np.ceil(rng.exponential(5, 40) * np.exp(-x[:, 0])), np.ones(40), "efron"))
    path = fit_path(x, family, alpha=alpha, size=12, ratio=0.05)
    assert path.converged.all()
    scale = x.std(0)
    for k in (4, 11):
        pull = (x - x.mean(0)).T / scale[:, None] @ family.grad(path.predict(x)[k]) / 40
        b, lam = path.coef[k] * scale, path.lam[k]
        left = pull - lam * (1 - alpha) * b
        assert np.abs(left).max() <= lam * alpha * (1 + 1e-4)
        assert np.allclose(left[b != 0], lam * alpha * np.sign(b[b != 0]), atol=1e-4 * lam)
    assert path.coef[11].any()


def test_a_path_that_holds_enough_columns_ends() -> None:
    rng = np.random.default_rng(4)
    x = rng.normal(size=(50, 30))
    y = (x[:, 0] + rng.logistic(size=50) > 0).astype(float)
    whole, few = fit_path(x, Binomial(y), size=40), fit_path(x, Binomial(y), size=40, most=5)
    many = (whole.coef != 0).sum(1)
    assert len(few.lam) == np.argmax(many > 5) + 1
    assert np.array_equal(few.coef, whole.coef[: len(few.lam)])


def test_concordance_may_be_what_a_path_is_judged_by() -> None:
    rng = np.random.default_rng(5)
    x = rng.normal(size=(60, 5))
    y = (x[:, 0] + rng.logistic(size=60) > 0).astype(float)
    found = cross_validate(x, lambda rows: Binomial(y[rows]), np.arange(60) % 4, size=20, measure="concordance")
    assert 1 - found.loss.min() > 0.7
    assert found.loss[0] > 0.4  # next to no model
