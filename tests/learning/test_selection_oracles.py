"""Selectors against the libraries that the field uses, and against their definitions."""

from __future__ import annotations

import numpy as np
import pytest
from boruta import BorutaPy
from scipy import stats
from sklearn.ensemble import RandomForestClassifier
from sklearn.feature_selection import RFE, mutual_info_classif
from sklearn.linear_model import LogisticRegression
from sklearn.svm import SVC

from radnb.learning.selection import boruta, rfe, survival_forest_importance, vif
from radnb.learning.selectors.linear import Stability
from radnb.learning.selectors.selector import Given, Selector
from radnb.statistics.elimination import Margin, Odds, eliminate
from radnb.statistics.neighbours import mutual_information, relieff
from radnb.statistics.screening import chi_square_order, chi_square_test, variance_inflation

RNG = np.random.default_rng(7)
N = 60
HIDDEN = RNG.normal(size=(N, 4))
X = HIDDEN @ RNG.normal(size=(4, 40)) + RNG.normal(size=(N, 40))  # correlated, as radiomics is
X = (X - X.mean(0)) / X.std(0)
Y = (HIDDEN[:, 0] + 0.5 * RNG.normal(size=N) > 0).astype(int)
THREE = np.digitize(HIDDEN[:, 0] + 0.5 * RNG.normal(size=N), [-0.5, 0.5])


@pytest.mark.parametrize(("y", "step"), [(Y, 1), (Y, 3), (Y, 0.2), (THREE, 1)])
def test_rfe_by_support_vector_machine_equals_scikit_learn(y: np.ndarray, step: float) -> None:
    for k in (3, 10):
        peer = RFE(SVC(kernel="linear", tol=1e-8), n_features_to_select=k, step=step).fit(X, y)
        if step >= 1:
            assert rfe(k=k, step=step).fit(X, y.astype(float)).support_.tolist() == peer.get_support(True).tolist()
    assert len(rfe(k=5, step=step).fit(X, y.astype(float)).support_) == 5


def test_rfe_by_logistic_regression_equals_scikit_learn() -> None:
    peer = RFE(LogisticRegression(tol=1e-10, max_iter=5000), n_features_to_select=1).fit(X, Y)
    own = rfe(k=40, learner="logistic").fit(X, Y.astype(float)).order_
    assert peer.ranking_[own].tolist() == list(range(1, 41))


def test_the_machines_follow_their_columns() -> None:
    truth, left = 2.0 * Y - 1, np.setdiff1d(np.arange(40), [3, 8, 21])
    svm, odds = Margin(X, truth, 0.3), Odds(X, Y.astype(float))
    for machine in (svm, odds):
        machine.drop(np.array([3]))
        machine.drop(np.array([8, 21]))
    peer = SVC(kernel="linear", C=0.3, tol=1e-10).fit(X[:, left], truth)
    assert np.allclose(svm.weights()[left], peer.coef_[0], atol=1e-6)
    peer = LogisticRegression(tol=1e-12, max_iter=5000).fit(X[:, left], Y)
    assert np.allclose(odds.weights()[left], peer.coef_[0], atol=1e-5)
    assert not svm.weights()[[3, 8, 21]].any() and not odds.weights()[[3, 8, 21]].any()


def test_copies_of_patients_leave_the_machine_exact() -> None:
    for seed in (8, 11, 36):  # copies as rows of their own left these 0.02 to 0.04 off
        drawn = np.random.default_rng(seed).integers(0, N, N)
        svm = Margin(X[drawn], 2.0 * Y[drawn] - 1, 0.05)
        for column in range(30):
            svm.drop(np.array([column]))
            peer = SVC(kernel="linear", C=0.05, tol=1e-10).fit(X[drawn, column + 1:], Y[drawn])
            assert np.allclose(svm.weights()[column + 1:], peer.coef_[0], atol=1e-5)


def test_elimination_keeps_the_order_of_the_weights() -> None:
    class Fixed:
        def drop(self, columns: np.ndarray) -> None: ...

        def weights(self) -> np.ndarray:
            return np.array([3.0, -1.0, 2.0, 0.0])

    for step in (1, 2, 0.5):
        assert eliminate([Fixed()], 4, step=step).tolist() == [0, 2, 1, 3]


@pytest.mark.parametrize("y", [Y, THREE, np.r_[9, Y[1:]]])
@pytest.mark.parametrize("x", [X, np.round(X)])
def test_mutual_information_equals_scikit_learn(x: np.ndarray, y: np.ndarray) -> None:
    assert np.allclose(mutual_information(x, y, seed=3), mutual_info_classif(x, y, random_state=3), atol=1e-12)


@pytest.mark.parametrize("y", [Y, THREE])
def test_relieff_equals_its_definition(y: np.ndarray) -> None:
    groups, k = np.arange(N) // 2, 4
    unit = (X - X.min(0)) / np.ptp(X, axis=0)
    weight, share = np.zeros(40), np.bincount(y) / N
    for i in range(N):
        for c in range(len(share)):
            others = [j for j in range(N) if y[j] == c and groups[j] != groups[i]]
            near = sorted(others, key=lambda j: np.abs(unit[i] - unit[j]).sum())[:k]
            apart = np.mean([np.abs(unit[i] - unit[j]) for j in near], axis=0)
            weight += (-1 if c == y[i] else share[c] / (1 - share[y[i]])) * apart / N
    assert np.allclose(relieff(X, y, neighbours=k, groups=groups), weight)


def test_chi_square_equals_scipy() -> None:
    x = np.column_stack([X[:, :5], np.round(X[:, 5])])
    chi2, p = chi_square_test(x, THREE, bins=4)
    for j in range(6):
        place = np.searchsorted(np.quantile(x[:, j], [0.25, 0.5, 0.75]), x[:, j])
        table = np.array([[np.sum((place == b) & (c == THREE)) for b in np.unique(place)] for c in range(3)])
        peer = stats.chi2_contingency(table, correction=False)
        assert (chi2[j], p[j]) == (pytest.approx(peer.statistic), pytest.approx(peer.pvalue))
    assert (np.argsort(p) == np.argsort(-chi_square_order(x, THREE, bins=4))).all()


def test_variance_inflation_equals_its_definition() -> None:
    x = X[:, :12]
    by_hand = []
    for j in range(12):
        others = np.column_stack([np.ones(N), np.delete(x, j, axis=1)])
        left = x[:, j] - others @ np.linalg.lstsq(others, x[:, j], rcond=None)[0]
        by_hand.append(np.sum((x[:, j] - x[:, j].mean()) ** 2) / np.sum(left**2))
    assert np.allclose(variance_inflation(x), by_hand)
    assert np.isinf(variance_inflation(np.column_stack([x, x[:, 0] + x[:, 1]]))[[0, 1, 12]]).all()


def test_no_feature_that_stays_is_inflated_and_none_that_went_could_stay() -> None:
    wide = np.column_stack([X, X[:, :30] + 0.1 * RNG.normal(size=(N, 30))])  # more columns than patients
    kept = vif(limit=4).fit(wide, Y.astype(float)).support_
    assert variance_inflation(wide[:, kept]).max() <= 4
    for lost in np.setdiff1d(np.arange(70), kept):
        assert variance_inflation(wide[:, [*kept, lost]]).max() > 4 - 1e-9


def test_boruta_accepts_what_the_package_accepts() -> None:
    rng = np.random.default_rng(2)
    x = rng.normal(size=(120, 20))
    y = (2 * x[:, 0] + 2 * x[:, 1] * (x[:, 2] > 0) + 0.3 * rng.normal(size=120) > 0).astype(int)
    forest = RandomForestClassifier(max_depth=5, n_jobs=1)
    peer = BorutaPy(forest, n_estimators=60, max_iter=25, random_state=1).fit(x, y)
    own: Selector = boruta(rounds=25, trees=60, seed=1).fit(x, y.astype(float))
    assert own.support_.tolist() == np.flatnonzero(peer.support_).tolist()


def test_stability_selection_keeps_false_selections_below_its_bound() -> None:
    rng, false = np.random.default_rng(3), []
    for _ in range(8):
        x = rng.normal(size=(60, 50))
        y = (x[:, 0] + rng.logistic(size=60) > 0).astype(float)
        found = Stability(threshold=0.7, false_selections=1.0, halves=30, seed=1).fit(x, y).support_
        false.append(np.sum(found != 0))
    assert np.mean(false) <= 1.0


def test_permutation_importance_asks_only_unseen_patients() -> None:
    x, rng = RNG.normal(size=(90, 12)), np.random.default_rng(1)
    time = rng.exponential(10, 90) * np.exp(-1.5 * x[:, 4])
    y = np.column_stack([np.minimum(time, 20), time <= 20]).astype(float)
    selector = survival_forest_importance(k=12, trees=40, seed=1)
    value = selector.values(x, y, Given(np.arange(90)))
    assert np.argmax(value) == 4 and value[4] > 0.1
    assert np.median(np.delete(value, 4)) < 0.02
    assert not selector.values(x, y, Given(np.zeros(90, int))).any()  # one patient: nobody is unseen
