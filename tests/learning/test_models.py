"""Learners: probabilities that mean something, coefficients that others agree on."""

from __future__ import annotations

import numpy as np
import pytest
from lifelines import CoxPHFitter
from sklearn.linear_model import LogisticRegression

from radnb.learning.linear import fit_cox, fit_logistic, fit_softmax
from radnb.learning.models import CLASSIFIERS, MODELS, SCALES
from radnb.work.choices import pick

RNG = np.random.default_rng(6)
X = RNG.normal(size=(90, 4))
RISK = X[:, 0] - X[:, 1]
CODES = np.digitize(RISK + RNG.logistic(size=90), [-0.8, 0.8])
TIMES = np.ceil(RNG.exponential(10, 90) * np.exp(-RISK))  # whole months: ties
Y = np.column_stack([np.minimum(TIMES, 20), TIMES <= 20]).astype(float)
FAST = {"random_forest": {"trees": 15}}


@pytest.mark.parametrize("classes", [2, 3])
@pytest.mark.parametrize("name", CLASSIFIERS)
def test_a_classifier_ranks_new_patients(name: str, classes: int) -> None:
    y = (CODES > 0).astype(float) if classes == 2 else CODES.astype(float)
    learner = pick(MODELS, {name: FAST.get(name, {})}, seed=1)().fit(X[:60], y[:60], classes=classes)
    scores = learner.scores(X[60:])
    assert scores.shape == (30, 1 if classes == 2 else 3)
    assert np.corrcoef(scores[:, -1], RISK[60:])[0, 1] > 0.5
    assert learner.scale in SCALES
    if learner.scale == "probability":
        assert 0 <= scores.min() <= scores.max() <= 1
        assert classes == 2 or np.allclose(scores.sum(1), 1)


@pytest.mark.parametrize("name", ["ridge_logistic", "ridge_cox"])
def test_a_penalty_chosen_inside_shrinks_noise(name: str) -> None:
    y = (CODES > 0).astype(float) if name == "ridge_logistic" else Y
    noise = np.random.default_rng(0).normal(size=(90, 20))
    learner = pick(MODELS, {name: {"penalty": "inner"}}, seed=1)().fit(noise, y)
    assert np.ptp(learner.scores(noise)) < np.ptp(pick(MODELS, {name: {}}, seed=1)().fit(noise, y).scores(noise))


def test_logistic_equals_scikit_learn() -> None:
    y = (CODES > 0).astype(float)
    peer = LogisticRegression(C=0.5, tol=1e-10, max_iter=1000).fit(X, y)
    own = fit_logistic(X, y, 2.0)
    assert own.converged
    assert np.allclose(own.coef, peer.coef_, atol=1e-6) and np.allclose(own.intercept, peer.intercept_, atol=1e-6)


def test_softmax_equals_scikit_learn() -> None:
    peer = LogisticRegression(C=0.5, tol=1e-10, max_iter=5000).fit(X, CODES)
    own = fit_softmax(X, CODES, 3, 2.0)
    assert np.allclose(own.coef, peer.coef_, atol=1e-5)


def test_cox_equals_lifelines_with_tied_times() -> None:
    import pandas as pd

    table = pd.DataFrame(X).assign(t=Y[:, 0], e=Y[:, 1])
    peer = CoxPHFitter().fit(table, "t", "e", fit_options={"precision": 1e-12}).params_.to_numpy()
    assert np.allclose(fit_cox(X, Y[:, 0], Y[:, 1], 0.0).coef[0], peer, atol=1e-6)


def test_separated_classes_are_reported() -> None:
    y = (X[:, 0] > 0).astype(float)
    assert not fit_logistic(X, y, 1e-6).converged
    assert fit_logistic(X, y, 1.0).converged
