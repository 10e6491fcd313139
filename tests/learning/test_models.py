"""Learners: probabilities that mean something, coefficients that others agree on."""

from __future__ import annotations

import pickle
from typing import Any

import numpy as np
import pytest
from lifelines import CoxPHFitter
from scipy.optimize import minimize
from scipy.special import expit
from scipy.stats import multivariate_normal
from sklearn.linear_model import LogisticRegression
from sklearn.naive_bayes import GaussianNB
from sklearn.neighbors import KNeighborsClassifier

from radnb.errors import RadnbError
from radnb.learning.kinds import SCALES
from radnb.learning.learners.inner import held_out
from radnb.learning.learners.learner import Learner, NoInformation
from radnb.learning.learners.ordinal import between_cuts
from radnb.learning.linear import fit_cox, fit_logistic, fit_ordinal, fit_softmax
from radnb.learning.models import CLASSIFIERS, MODELS
from radnb.learning.scoring import concordance
from radnb.statistics.families import Cox
from radnb.work.choices import pick

RNG = np.random.default_rng(6)
X = RNG.normal(size=(90, 4))
RISK = X[:, 0] - X[:, 1]
CODES = np.digitize(RISK + RNG.logistic(size=90), [-0.8, 0.8])
TIMES = np.ceil(RNG.exponential(10, 90) * np.exp(-RISK))  # whole months: ties
Y = np.column_stack([np.minimum(TIMES, 20), TIMES <= 20]).astype(float)
CLEAR = np.random.default_rng(2).normal(size=(400, 5))  # one column tells much, another some
GRADE = 2 * CLEAR[:, 0] - CLEAR[:, 1] + 0.3 * np.random.default_rng(3).logistic(size=400)
FAST: dict[str, dict[str, Any]] = {
    "blend": {"trees": 25, "rounds": 50},
    "random_forest": {"trees": 25}, "extra_trees": {"trees": 25}, "cumulative": {"base": "lda"},
    "mlp": {"hidden": [4]}, "gradient_boosting": {"rounds": 30}, "xgboost": {"rounds": 30},
    "voting": {"bases": ["ridge_logistic", "knn"]}, "stacking": {"bases": ["ridge_logistic", "knn", "naive_bayes"]}}
INNER = {"ridge_logistic": "penalty", "proportional_odds": "penalty", "svm": "C", "knn": "k", "decision_tree": "leaf",
         "elastic_net_logistic": "alpha", "lightgbm": "rounds"}


def classes_of(classes: int) -> np.ndarray[Any, Any]:
    return np.digitize(GRADE, np.quantile(GRADE, np.arange(1, classes) / classes)).astype(float)


def made(name: str, **options: Any) -> Learner:
    return pick(MODELS, {name: {**FAST.get(name, {}), **options}}, seed=1)()  # type: ignore[no-any-return]


def auc(scores: np.ndarray[Any, Any], y: np.ndarray[Any, Any], classes: int) -> float:
    return concordance(scores, y, np.zeros(len(y), np.intp), classes)


def held_to_its_word(learner: Learner, scores: np.ndarray[Any, Any], classes: int) -> None:
    assert scores.shape[1] == (1 if classes == 2 else classes)
    assert np.isfinite(scores).all()
    assert learner.scale in SCALES
    if learner.scale == "probability":
        assert 0 <= scores.min() <= scores.max() <= 1 + 1e-12
        assert classes == 2 or np.allclose(scores.sum(1), 1)


@pytest.mark.parametrize("classes", [2, 3])
@pytest.mark.parametrize("name", CLASSIFIERS)
def test_a_classifier_tells_new_patients_apart(name: str, classes: int) -> None:
    y, learner = classes_of(classes), made(name)
    learner.fit(CLEAR[:150], y[:150], classes=classes)
    scores = learner.scores(CLEAR[150:])
    held_to_its_word(learner, scores, classes)
    assert auc(scores, y[150:], classes) > 0.8
    weights, line = learner.weights(), learner.linear()
    assert weights is None or np.abs(weights).argmax() in (0, 1)
    assert line is None or line.coef.shape[1] == 5


@pytest.mark.parametrize("name", CLASSIFIERS)
def test_a_classifier_is_the_same_each_time_and_travels(name: str) -> None:
    y = classes_of(3)[:60]
    learners = [made(name).fit(CLEAR[:60], y, classes=3) for _ in range(2)]
    first, second = (learner.scores(CLEAR[60:]) for learner in learners)
    assert first.tobytes() == second.tobytes()
    assert pickle.loads(pickle.dumps(learners[0])).scores(CLEAR[60:]).tobytes() == first.tobytes()


HARD = {
    "eight patients": (X[:8], np.arange(8) % 2, 2),
    "nine patients in three classes": (X[:9], np.arange(9) % 3, 3),
    "a constant column": (np.hstack([X[:40], np.ones((40, 1))]), CODES[:40] > 0, 2),
    "nothing but constants": (np.ones((30, 2)), np.arange(30) % 3, 3),
    "separated classes": (X[:40] + 10 * (CODES[:40, None] > 0), CODES[:40] > 0, 2),
    "the middle class absent": (X[:40], 2 * (CODES[:40] > 0), 3),
    "the first class absent": (X[:40], 1 + (CODES[:40] > 0), 3),
    "a class of one": (X[:40], np.where(np.arange(40) == 0, 2, CODES[:40] > 0), 3),
    "one event": (X[:20], np.arange(20) == 0, 2),
    "more columns than patients": (RNG.normal(size=(24, 40)), CODES[:24], 3),
    "collinear columns": (X[:40][:, [0, 0, 1, 1]], CODES[:40] > 0, 2)}


@pytest.mark.parametrize("name", CLASSIFIERS)
def test_no_classifier_stumbles_over_hard_rows(name: str) -> None:
    for case, (x, y, classes) in HARD.items():
        learner = made(name).fit(x, np.asarray(y, float), classes=classes)
        held_to_its_word(learner, learner.scores(x + 0.1), classes)
        weights = learner.weights()
        assert weights is None or (len(weights) == x.shape[1] and np.isfinite(weights).all()), case


@pytest.mark.parametrize("balanced", ["logistic", "ridge_logistic", "svm", "decision_tree", "random_forest",
                                      "extra_trees", "adaboost", "gradient_boosting", "xgboost", "lightgbm", "mlp",
                                      "proportional_odds", "single_feature"])
def test_class_weights_lift_the_rarer_class_and_ask_for_recalibration(balanced: str) -> None:
    y = (np.quantile(GRADE, 0.85) < GRADE).astype(float)
    plain, weighted = (made(balanced, balanced=b).fit(CLEAR[:150], y[:150]) for b in (False, True))
    assert not weighted.calibrated
    if plain.scale == "probability":
        assert weighted.scores(CLEAR[150:]).mean() > plain.scores(CLEAR[150:]).mean()


@pytest.mark.parametrize("name", INNER)
def test_settings_chosen_inside_need_inner_patients_only(name: str) -> None:
    classes = 2 if name == "elastic_net_logistic" else 3  # its five mixes of three classes take long
    y = classes_of(classes)
    learner = made(name, **{INNER[name]: "inner"}).fit(CLEAR[:90], y[:90], classes=classes, groups=np.arange(90) // 2)
    assert auc(learner.scores(CLEAR[150:]), y[150:], classes) > 0.75
    alone = made(name, **{INNER[name]: "inner"}).fit(CLEAR[:4], np.array([0.0, 0, 1, 1]), groups=np.array([0, 0, 1, 1]))
    held_to_its_word(alone, alone.scores(CLEAR[:5]), 2)  # one patient per class: no inner folds


@pytest.mark.parametrize(("choice", "mend"), [
    ({"knn": {"k": 0}}, "greater than 0"), ({"svm": {"C": "outer"}}, "svm.C"),
    ({"lda": {"shrinkage": 2}}, "lda.shrinkage"),
    ({"voting": {"bases": ["svm"]}}, "at least 2"), ({"voting": {"bases": ["svm", "lday"]}}, "Did you mean 'lda'"),
    ({"stacking": {"bases": [{"svm": {"cost": 1}}, "lda"]}}, "base.svm.cost: unknown option"),
    ({"one_vs_rest": {"base": "voting"}}, "base: 'voting' is unknown"), ({"two_stage": {"cut": 0}}, "greater than 0"),
    ({"two_stage": {"first_selector": ["anva"]}}, "Did you mean 'anova'"), ({"mlp": {"hidden": []}}, "at least 1"),
    ({"two_stage": {"first_selector": ["univariable_cox"]}}, "does not suit a class outcome"),
    ({"two_stage": {"first_selector": [{"named": {"features": ["age"]}}]}}, "name it under `selector`"),
    ({"two_stage": {"first_selector": ["robust"]}}, "name it under `selector`"),
    ({"voting": {"bases": ["svm", "lda"], "weights": [1]}}, "Give one for each")])
def test_a_bad_option_is_refused_in_words(choice: dict[str, dict[str, Any]], mend: str) -> None:
    with pytest.raises(RadnbError, match=mend):
        pick(MODELS, choice, "model", seed=1)()


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


PEERS = {"naive_bayes": GaussianNB(), "knn": KNeighborsClassifier(5, algorithm="brute", metric="euclidean")}


@pytest.mark.parametrize("classes", [2, 3])
@pytest.mark.parametrize("name", PEERS)
def test_the_classics_equal_scikit_learn(name: str, classes: int) -> None:
    y = np.minimum(CODES, classes - 1)
    theirs = PEERS[name].fit(X[:60], y[:60]).predict_proba(X[60:])
    own = made(name).fit(X[:60], y[:60].astype(float), classes=classes)
    assert np.allclose(probabilities(own, X[60:]), theirs[:, 1:] if classes == 2 else theirs, rtol=1e-8, atol=1e-12)


def probabilities(learner: Learner, x: np.ndarray[Any, Any]) -> np.ndarray[Any, Any]:
    scores = learner.scores(x)
    return scores if learner.scale == "probability" else np.asarray(expit(scores))  # log odds against the others


@pytest.mark.parametrize("classes", [2, 3])
@pytest.mark.parametrize("name", ["lda", "qda"])
def test_discriminants_are_normal_densities_with_the_covariances_of_mass(name: str, classes: int) -> None:
    x, y, n = X[:60], np.minimum(CODES, classes - 1)[:60], 60
    own = made(name, shrinkage=0).fit(x, y.astype(float), classes=classes)
    parts = [x[y == k] for k in range(classes)]
    pooled = sum((len(part) - 1) * np.cov(part.T) for part in parts) / (n - classes)
    joint = np.column_stack([len(part) / n * multivariate_normal(part.mean(0), pooled if name == "lda"
                                                                 else np.cov(part.T)).pdf(X[60:]) for part in parts])
    theirs = joint / joint.sum(1, keepdims=True)
    assert np.allclose(probabilities(own, X[60:]), theirs[:, 1:] if classes == 2 else theirs, rtol=1e-8)


def test_shrinkage_is_that_of_ledoit_and_wolf() -> None:
    from sklearn.covariance import ledoit_wolf_shrinkage

    from radnb.learning.learners.discriminant import ledoit_wolf

    for wide in (X - X.mean(0), RNG.normal(size=(20, 70))):
        centred = wide - wide.mean(0)
        assert ledoit_wolf(centred) == pytest.approx(ledoit_wolf_shrinkage(centred, assume_centered=True), abs=1e-12)


def test_cox_equals_lifelines_with_tied_times() -> None:
    import pandas as pd

    table = pd.DataFrame(X).assign(t=Y[:, 0], e=Y[:, 1])
    peer = CoxPHFitter().fit(table, "t", "e", fit_options={"precision": 1e-12}).params_.to_numpy()
    assert np.allclose(fit_cox(X, Y[:, 0], Y[:, 1], 0.0).coef[0], peer, atol=1e-6)


def test_separated_classes_are_reported() -> None:
    y = (X[:, 0] > 0).astype(float)
    assert not fit_logistic(X, y, 1e-6).converged
    assert fit_logistic(X, y, 1.0).converged


def test_more_columns_than_patients_give_the_ridge_solution_all_the_same() -> None:
    wide = RNG.normal(size=(60, 200))
    y, codes, time, event = (CODES[:60] > 0).astype(float), CODES[:60], Y[:60, 0], Y[:60, 1]
    peer = LogisticRegression(C=0.5, tol=1e-12, max_iter=5000).fit(wide, y)
    assert np.allclose(fit_logistic(wide, y, 2.0).coef, peer.coef_, atol=1e-6)
    peer = LogisticRegression(C=0.5, tol=1e-12, max_iter=5000).fit(wide, codes)
    assert np.allclose(fit_softmax(wide, codes, 3, 2.0).coef, peer.coef_, atol=1e-5)
    cox = fit_cox(wide, time, event, 2.0)
    family = Cox(time, event, "efron")
    assert np.allclose(wide.T @ family.grad(cox.scores(wide)[:, 0]), 2.0 * cox.coef[0], atol=1e-7)


@pytest.mark.parametrize("penalty", [0.0, 2.0])
def test_proportional_odds_maximise_the_likelihood_written_out(penalty: float) -> None:
    own = fit_ordinal(X, CODES, penalty)

    def minus(theta: np.ndarray[Any, Any]) -> float:
        below = np.column_stack([np.zeros(90), expit(theta[0] - X @ theta[2:]), expit(theta[1] - X @ theta[2:]),
                                 np.ones(90)])
        p = np.diff(below)[np.arange(90), CODES]
        return float(-np.log(np.maximum(p, 1e-300)).sum() + penalty / 2 * theta[2:] @ theta[2:])

    start = np.r_[-1.0, 1.0, np.zeros(4)]
    best = minimize(minus, start, method="BFGS", options={"gtol": 1e-9, "maxiter": 1000})
    assert own.converged
    assert np.allclose(np.r_[-own.intercept, own.coef[0]], best.x, atol=2e-6)
    assert minus(np.r_[-own.intercept, own.coef[0]]) <= best.fun + 1e-9


def test_proportional_odds_of_two_classes_are_logistic_regression() -> None:
    y = (CODES > 0).astype(float)
    own, peer = fit_ordinal(X, y.astype(np.intp), 1.5), fit_logistic(X, y, 1.5)
    assert np.allclose(own.coef, peer.coef, atol=1e-8) and np.allclose(own.intercept, peer.intercept, atol=1e-8)


@pytest.mark.parametrize("name", ["proportional_odds", "cumulative"])
def test_a_rising_risk_never_lowers_the_expected_grade(name: str) -> None:
    learner = made(name).fit(CLEAR[:150, :1], classes_of(4)[:150], classes=4)
    scores = learner.scores(np.linspace(-2, 2, 50)[:, None])
    assert (np.diff(scores @ np.arange(4)) > -1e-12).all()
    turned = made(name).fit(CLEAR[:150, :1], 3 - classes_of(4)[:150], classes=4)
    assert np.allclose(turned.scores(np.linspace(-2, 2, 50)[:, None])[:, ::-1], scores, atol=1e-8)


def test_cuts_in_the_wrong_order_are_mended_evenly() -> None:
    assert np.allclose(between_cuts(np.array([[0.4, 0.6, 0.1]])), [[0.5, 0.0, 0.4, 0.1]])


def test_the_cumulative_model_of_logistic_parts_is_their_difference() -> None:
    y = classes_of(3)
    learner = made("cumulative", base={"logistic": {"C": 1.0}}).fit(CLEAR[:150], y[:150], classes=3)
    above = [made("logistic", C=1.0).fit(CLEAR[:150], (y[:150] > cut).astype(float)).scores(CLEAR[150:])
             for cut in (0, 1)]
    assert np.allclose(learner.scores(CLEAR[150:])[:, [2]], above[1])
    assert np.allclose(learner.scores(CLEAR[150:])[:, [1]], above[0] - above[1])


@pytest.mark.parametrize("cut", [1, 2])
def test_two_stages_equal_the_stages_fitted_by_hand(cut: int) -> None:
    y, x, new = classes_of(3)[:150], CLEAR[:150], CLEAR[150:]
    learner = made("two_stage", cut=cut, first="lda", second={"logistic": {"C": 1.0}},
                   second_selector=[{"anova": {"k": 2}}]).fit(x, y, classes=3)
    high = y >= cut
    first = made("lda").fit(x, high.astype(float)).scores(new)[:, 0]
    side = ~high if cut == 2 else high
    best = np.argsort([-abs(np.corrcoef(c, y[side])[0, 1]) for c in x[side].T])[:2]  # chosen from this stage's rows
    within = made("logistic", C=1.0).fit(x[side][:, best], y[side] - y[side].min()).scores(new[:, best])[:, 0]
    by_hand = ([(1 - first) * (1 - within), (1 - first) * within, first] if cut == 2 else
               [1 - first, first * (1 - within), first * within])
    assert np.allclose(learner.scores(new), np.column_stack(by_hand), atol=1e-9)


def test_a_cut_above_all_classes_is_refused() -> None:
    with pytest.raises(RadnbError, match="Set cut to 2 or less"):
        made("two_stage", cut=3).fit(CLEAR[:150], classes_of(3)[:150], classes=3)


class Memory(Learner):
    """Remembers its training rows and says 1 of those it has seen."""

    def fit(self, x: Any, y: Any, *, classes: int = 2, groups: Any = None) -> Memory:
        self.seen = {row.tobytes() for row in x}
        return self

    def scores(self, x: Any) -> Any:
        return np.array([[float(row.tobytes() in self.seen)] for row in x])


def test_nobody_is_scored_inside_by_a_model_that_saw_a_copy_of_him() -> None:
    drawn = np.random.default_rng(4).integers(0, 60, 90)  # a bootstrap
    y = (CODES > 0)[drawn].astype(np.intp)
    together = held_out(Memory, X[drawn], y, classes=2, groups=drawn, seed=1)
    apart = held_out(Memory, X[drawn], y, classes=2, groups=np.arange(90), seed=1)
    assert together is not None and apart is not None
    assert together.scores.max() == 0
    assert apart.scores.max() == 1  # the test can fail


def test_stacking_trusts_no_member_that_knows_its_rows_by_heart() -> None:
    rng = np.random.default_rng(5)
    noise, y, drawn = rng.normal(size=(60, 3)), rng.integers(0, 2, 60).astype(float), rng.integers(0, 60, 120)
    options = {"bases": [{"knn": {"k": 1}}, {"decision_tree": {"leaf": 1}}]}
    honest, fooled = (made("stacking", **options).fit(noise[drawn], y[drawn], groups=groups)
                      for groups in (drawn, np.arange(120)))
    assert auc(fooled.scores(noise[drawn]), y[drawn], 2) == 1  # copies in several inner folds: members look perfect
    new = rng.normal(size=(200, 3))
    assert np.ptp(fooled.scores(new)) > 0.6 > 0.3 > np.ptp(honest.scores(new))


def test_stacking_gives_no_member_a_negative_weight() -> None:
    rng = np.random.default_rng(5)
    learner = made("stacking", bases=["lda", "knn", "naive_bayes"]).fit(rng.normal(size=(60, 3)), np.arange(60.0) % 2)
    line = learner.top_.linear()  # type: ignore[attr-defined]
    assert line is None or (line.coef >= 0).all()


def test_votes_are_the_mean_of_the_members() -> None:
    y = (GRADE > 0).astype(float)
    bases, x = ["lda", "random_forest", "ridge_logistic"], CLEAR[:150]
    trees = [{base: FAST.get(base, {})} for base in bases]
    members = np.hstack([made(base).fit(x, y[:150]).scores(CLEAR[150:]) for base in bases])
    even = made("voting", bases=trees).fit(x, y[:150]).scores(CLEAR[150:])
    assert np.allclose(even[:, 0], members.mean(1))
    uneven = made("voting", bases=trees, weights=[1, 1, 2]).fit(x, y[:150]).scores(CLEAR[150:])
    assert np.allclose(uneven[:, 0], members @ [0.25, 0.25, 0.5])


def test_votes_by_rank_ignore_the_scale_of_the_members() -> None:
    y = (GRADE > 0).astype(float)
    learner = made("voting", bases=["svm", "naive_bayes"], average="rank").fit(CLEAR[:150], y[:150])
    scores = learner.scores(CLEAR[150:])
    assert (learner.scale, learner.calibrated) == ("linear", False)
    assert scores.min() >= 0 and scores.max() <= 1
    assert auc(scores, y[150:], 2) > 0.9


def test_one_feature_is_found_with_its_direction() -> None:
    y = (GRADE < 0).astype(float)
    learner = made("single_feature").fit(CLEAR[:150], y[:150])
    alone = made("single_feature").fit(CLEAR[:150, :1], y[:150])
    line = learner.linear()
    assert line is not None and np.flatnonzero(line.coef[0]).tolist() == [0] and line.coef[0, 0] < 0
    assert np.allclose(alone.scores(CLEAR[150:, :1]), learner.scores(CLEAR[150:]))


def test_a_radiomics_score_is_its_formula() -> None:
    y = (GRADE > 0).astype(float)
    learner = made("radiomics_score", limit=2).fit(CLEAR[:150], y[:150])
    line = learner.linear()
    assert line is not None and 1 <= np.count_nonzero(line.coef) <= 2
    assert np.allclose(learner.scores(CLEAR[150:]), CLEAR[150:] @ line.coef.T + line.intercept)
    assert (learner.scale, learner.calibrated) == ("linear", False)


def test_an_elastic_net_keeps_more_of_two_twins_than_the_lasso() -> None:
    twins = np.hstack([CLEAR[:150], CLEAR[:150, :1] + 0.01 * CLEAR[:150, 4:]])
    y = (GRADE[:150] > 0).astype(float)
    lasso = made("lasso_logistic", rule="1se").fit(twins, y).weights()
    net = made("elastic_net_logistic", alpha=0.2, rule="1se").fit(twins, y).weights()
    assert lasso is not None and net is not None
    assert min(abs(net[0]), abs(net[5])) > min(abs(lasso[0]), abs(lasso[5]))


def test_nothing_to_learn_gives_the_shares() -> None:
    shares = NoInformation().fit(X, CODES.astype(float), classes=3).scores(X[:1])[0]
    for name in ("random_forest", "xgboost", "lightgbm", "decision_tree"):
        assert np.allclose(made(name).fit(np.ones((90, 2)), CODES.astype(float), classes=3).scores(np.ones((1, 2))),
                           shares)
