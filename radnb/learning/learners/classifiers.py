"""The models for classes that a study card may name, but for those made of others; a signature is what it may set."""

from __future__ import annotations

import functools
from collections.abc import Callable
from typing import Annotated, Any, Literal

from annotated_types import Ge, Gt, Le, MinLen

from radnb.learning.learners.blend import blend, guided_ridge
from radnb.learning.learners.by_hand import RadiomicsScore, SingleFeature
from radnb.learning.learners.discriminant import LinearDiscriminant, NaiveBayes, QuadraticDiscriminant
from radnb.learning.learners.inner import Maker, Tuned
from radnb.learning.learners.learner import PENALTIES, Learner
from radnb.learning.learners.logistic import LassoLogistic, Logistic
from radnb.learning.learners.machines import (
    Adaptive,
    Machine,
    Process,
    make_adaboost,
    make_boosting,
    make_forest,
    make_lightgbm,
    make_mlp,
    make_process,
    make_svm,
    make_tree,
    make_xgboost,
)
from radnb.learning.learners.neighbours import Neighbours
from radnb.learning.learners.ordinal import ProportionalOdds

Count = Annotated[int, Gt(0)]
Positive = Annotated[float, Gt(0)]
Penalty = Annotated[float, Ge(0)]
Share = Annotated[float, Gt(0), Le(1)]
Shrinkage = Annotated[float, Ge(0), Le(1)] | Literal["auto"]
Inner = Literal["inner"]
Rule = Literal["min", "1se"]
COSTS = (0.001, 0.01, 0.1, 1.0, 10.0, 100.0)  # in each grid the setting that fits the least comes first: it wins a tie
NEIGHBOURS = (31, 21, 15, 11, 7, 5, 3)
LEAVES = (20, 10, 5, 3, 2)
ROUNDS = (25, 50, 100, 200, 400)
DECAYS = (100.0, 10.0, 1.0, 0.1, 0.01)
MIXES = (1.0, 0.75, 0.5, 0.25, 0.1)


def logistic(*, C: Positive | None = None, balanced: bool = False) -> Logistic:
    """Logistic regression (softmax for several classes) without penalty, or with an L2 penalty of 1/C."""
    return Logistic(1e-6 if C is None else 1.0 / C, balanced)


def ridge_logistic(*, penalty: Penalty | Inner = 1.0, balanced: bool = False, seed: int) -> Logistic:
    """Logistic regression with a ridge penalty, given or chosen in inner folds."""
    return Logistic(None if penalty == "inner" else float(penalty), balanced, seed)


def lasso_logistic(*, rule: Rule = "min", seed: int) -> LassoLogistic:
    """Logistic regression with a LASSO penalty chosen in inner folds."""
    return LassoLogistic(rule, seed)


def elastic_net_logistic(*, alpha: Share | Inner = 0.5, rule: Rule = "min", seed: int) -> Learner:
    """Logistic regression with an elastic net (`alpha` is the LASSO's share), its penalty chosen in inner folds."""
    return _tuned(functools.partial(LassoLogistic, rule, seed), "alpha", alpha, MIXES, seed)


def lda(*, shrinkage: Shrinkage = "auto") -> LinearDiscriminant:
    """Linear discriminant analysis, the covariance shrunk as Ledoit and Wolf advise, by a given share, or not (0)."""
    return LinearDiscriminant(shrinkage)


def qda(*, shrinkage: Shrinkage = "auto") -> QuadraticDiscriminant:
    """Quadratic discriminant analysis, each class's covariance shrunk (`auto`: as Ledoit and Wolf advise)."""
    return QuadraticDiscriminant(shrinkage)


def naive_bayes() -> NaiveBayes:
    """Gaussian naive Bayes; its overconfident log odds are recalibrated inside the fold."""
    return NaiveBayes()


def svm(*, kernel: Literal["linear", "rbf"] = "linear", C: Positive | Inner = 1.0,
        gamma: Literal["scale", "auto"] | Positive = "scale", balanced: bool = False, seed: int) -> Learner:
    """Support vector machine, its cost given or chosen in inner folds; its scores are recalibrated inside the fold."""
    make = functools.partial(_svm, kernel=kernel, gamma=gamma, balanced=balanced)
    return _tuned(make, "cost", C, COSTS, seed)


def knn(*, k: Count | Inner = 5, weight: Literal["uniform", "distance"] = "uniform", seed: int) -> Learner:
    """The k nearest patients, k given or chosen in inner folds."""
    return _tuned(functools.partial(Neighbours, by_distance=weight == "distance"), "k", k, NEIGHBOURS, seed)


def decision_tree(*, depth: Count | None = None, leaf: Count | Inner = 5, balanced: bool = False,
                  seed: int) -> Learner:
    """One decision tree; patients per leaf given or chosen in inner folds."""
    make = functools.partial(_machine, make_tree, balanced, depth=depth, seed=seed)
    return _tuned(make, "leaf", leaf, LEAVES, seed)


def random_forest(*, trees: Count = 200, leaf: Count = 3, columns: Literal["sqrt", "log2"] | Share = "sqrt",
                  balanced: bool = False, seed: int) -> Machine:
    """Random forest of probability trees; class-weighted ones are recalibrated inside the fold."""
    return _forest(False, trees, leaf, columns, balanced, seed)


def extra_trees(*, trees: Count = 200, leaf: Count = 3, columns: Literal["sqrt", "log2"] | Share = "sqrt",
                balanced: bool = False, seed: int) -> Machine:
    """Extremely randomised trees: a forest whose cuts are drawn at random."""
    return _forest(True, trees, leaf, columns, balanced, seed)


def adaboost(*, rounds: Count = 50, rate: Positive = 1.0, depth: Count = 1, balanced: bool = False,
             seed: int) -> Machine:
    """AdaBoost of small trees; its scores are recalibrated inside the fold."""
    make = functools.partial(make_adaboost, rounds=rounds, rate=rate, depth=depth, seed=seed)
    return Adaptive(make, "decision_function", False, balanced)


def gradient_boosting(*, rounds: Count | Inner = 100, rate: Share = 0.1, depth: Count = 2, share: Share = 0.8,
                      columns: Share = 1.0, leaf: Count = 3, balanced: bool = False, seed: int) -> Learner:
    """Gradient-boosted trees (scikit-learn); each sees a share of the patients and of the columns."""
    make = functools.partial(_machine, make_boosting, balanced, rate=rate, depth=depth, share=share, columns=columns,
                             leaf=leaf, seed=seed)
    return _tuned(make, "rounds", rounds, ROUNDS, seed)


def xgboost(*, rounds: Count | Inner = 100, rate: Share = 0.1, depth: Count = 2, share: Share = 0.8,
            columns: Share = 1.0, leaf: Penalty = 1.0, ridge: Penalty = 1.0, balanced: bool = False,
            seed: int) -> Learner:
    """Gradient-boosted trees (XGBoost); rounds given or chosen in inner folds."""
    make = functools.partial(_machine, make_xgboost, balanced, rate=rate, depth=depth, share=share, columns=columns,
                             leaf=leaf, ridge=ridge, seed=seed)
    return _tuned(make, "rounds", rounds, ROUNDS, seed)


def lightgbm(*, rounds: Count | Inner = 100, rate: Share = 0.1, depth: Count = 2, share: Share = 0.8,
             columns: Share = 1.0, leaf: Count = 5, ridge: Penalty = 1.0, balanced: bool = False,
             seed: int) -> Learner:
    """Gradient-boosted trees (LightGBM); rounds given or chosen in inner folds."""
    make = functools.partial(_machine, make_lightgbm, balanced, rate=rate, depth=depth, share=share, columns=columns,
                             leaf=leaf, ridge=ridge, seed=seed)
    return _tuned(make, "rounds", rounds, ROUNDS, seed)


def gaussian_process(*, seed: int) -> Machine:
    """Gaussian process with a squared-exponential kernel (several classes one against the others)."""
    return Process(functools.partial(make_process, seed=seed))


def mlp(*, hidden: Annotated[tuple[Count, ...], MinLen(1)] = (16,), penalty: Penalty | Inner = 1.0,
        balanced: bool = False, seed: int) -> Learner:
    """A small neural network with weight decay, given or chosen in inner folds."""
    make = functools.partial(_machine, make_mlp, balanced, hidden=hidden, seed=seed)
    return _tuned(make, "penalty", penalty, DECAYS, seed)


def proportional_odds(*, penalty: Penalty | Inner = 1.0, balanced: bool = False, seed: int) -> Learner:
    """Proportional odds for ordered classes, with a ridge penalty given or chosen in inner folds."""
    return _tuned(functools.partial(ProportionalOdds, balanced=balanced), "penalty", penalty, PENALTIES, seed)


def single_feature(*, balanced: bool = False) -> SingleFeature:
    """The one feature that separates best (or the only one given), its direction learned; the threshold is its cut."""
    return SingleFeature(balanced=balanced)


def radiomics_score(*, rule: Rule = "min", limit: Count | None = None, alpha: Share = 1.0,
                    seed: int) -> RadiomicsScore:
    """Radiomics score: features weighted by their LASSO coefficients, at most `limit`; its formula is printed."""
    return RadiomicsScore(rule, limit, alpha, seed)


def _tuned(make: Callable[..., Learner], option: str, value: object, grid: tuple[object, ...], seed: int) -> Learner:
    """Make the learner with a given value, or one that chooses from the grid in inner folds."""
    if value != "inner":
        return make(**{option: value})
    makes: tuple[Maker, ...] = tuple(functools.partial(make, **{option: one}) for one in grid)
    return Tuned(makes, seed)


def _machine(make: Callable[..., object], balanced: bool, **settings: object) -> Machine:
    """Make a machine whose probabilities are too certain for few patients, so that they are recalibrated."""
    return Machine(functools.partial(make, **settings), "predict_proba", False, balanced)


def _svm(**settings: Any) -> Machine:
    return Machine(functools.partial(make_svm, **settings), "decision_function", False)


def _forest(extra: bool, trees: int, leaf: int, columns: str | float, balanced: bool, seed: int) -> Machine:
    make = functools.partial(make_forest, extra=extra, trees=trees, leaf=leaf, columns=columns, balanced=balanced,
                             seed=seed)
    return Machine(make, "predict_proba", not balanced)


BASES: dict[str, Callable[..., Learner]] = {
    "logistic": logistic,
    "ridge_logistic": ridge_logistic,
    "guided_ridge": guided_ridge,
    "lasso_logistic": lasso_logistic,
    "elastic_net_logistic": elastic_net_logistic,
    "lda": lda,
    "qda": qda,
    "naive_bayes": naive_bayes,
    "svm": svm,
    "knn": knn,
    "gaussian_process": gaussian_process,
    "mlp": mlp,
    "decision_tree": decision_tree,
    "random_forest": random_forest,
    "extra_trees": extra_trees,
    "adaboost": adaboost,
    "gradient_boosting": gradient_boosting,
    "xgboost": xgboost,
    "lightgbm": lightgbm,
    "blend": blend,
    "proportional_odds": proportional_odds,
    "single_feature": single_feature,
    "radiomics_score": radiomics_score,
}
