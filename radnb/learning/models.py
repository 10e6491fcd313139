"""The learners a study card may name: one dict for classes, one for survival."""

from __future__ import annotations

import functools
from collections.abc import Callable
from typing import Annotated, Literal

from annotated_types import Ge, Gt

from radnb.learning.learners import (
    CLASSES,
    SCALES,
    SURVIVAL,
    LassoLogistic,
    Learner,
    Logistic,
    Machine,
)
from radnb.learning.survivors import (
    cox,
    cutoff_cox,
    elastic_net_cox,
    gradient_boosted_cox,
    lasso_cox,
    radiomics_score_cox,
    random_survival_forest,
    ridge_cox,
    xgboost_aft,
    xgboost_cox,
)

Positive = Annotated[float, Gt(0)]


def _make_svm(*, kernel: str, cost: float, gamma: str | float, balanced: bool) -> object:
    from sklearn.svm import SVC  # scikit-learn takes seconds to load, and few runs need it

    return SVC(kernel=kernel, C=cost, gamma=gamma, class_weight="balanced" if balanced else None)


def _make_forest(*, trees: int, leaf: int, balanced: bool, seed: int) -> object:
    from sklearn.ensemble import RandomForestClassifier  # scikit-learn takes seconds to load, and few runs need it

    return RandomForestClassifier(n_estimators=trees, min_samples_leaf=leaf, random_state=seed, n_jobs=1,
                                  class_weight="balanced" if balanced else None)


def logistic(*, C: Positive | None = None, balanced: bool = False) -> Logistic:
    """Logistic regression without penalty, or with an L2 penalty of 1/C on standardised columns."""
    return Logistic(1e-6 if C is None else 1.0 / C, balanced)


def ridge_logistic(*, penalty: Annotated[float, Ge(0)] | Literal["inner"] = 1.0, balanced: bool = False,
                   seed: int) -> Logistic:
    """Logistic regression with a ridge penalty, given or chosen in inner folds."""
    return Logistic(None if penalty == "inner" else float(penalty), balanced, seed)


def lasso_logistic(*, rule: Literal["min", "1se"] = "min", seed: int) -> LassoLogistic:
    """Logistic regression with a LASSO penalty chosen in inner folds."""
    return LassoLogistic(rule, seed)


def svm(*, kernel: Literal["linear", "rbf"] = "linear", C: Positive = 1.0,
        gamma: Literal["scale", "auto"] | Positive = "scale", balanced: bool = False) -> Machine:
    """Support vector machine; its scores become probabilities by recalibration inside the fold."""
    make = functools.partial(_make_svm, kernel=kernel, cost=C, gamma=gamma, balanced=balanced)
    return Machine(make, "decision_function", False)


def random_forest(*, trees: Annotated[int, Gt(0)] = 200, leaf: Annotated[int, Gt(0)] = 3, balanced: bool = False,
                  seed: int) -> Machine:
    """Random forest of probability trees; class-weighted ones are recalibrated inside the fold."""
    make = functools.partial(_make_forest, trees=trees, leaf=leaf, balanced=balanced, seed=seed)
    return Machine(make, "predict_proba", not balanced)


CLASSIFIERS: dict[str, Callable[..., Learner]] = {
    "logistic": logistic,
    "ridge_logistic": ridge_logistic,
    "lasso_logistic": lasso_logistic,
    "svm": svm,
    "random_forest": random_forest,
}
SURVIVORS: dict[str, Callable[..., Learner]] = {
    "cox": cox,
    "ridge_cox": ridge_cox,
    "lasso_cox": lasso_cox,
    "elastic_net_cox": elastic_net_cox,
    "radiomics_score_cox": radiomics_score_cox,
    "cutoff_cox": cutoff_cox,
    "xgboost_cox": xgboost_cox,
    "xgboost_aft": xgboost_aft,
    "gradient_boosted_cox": gradient_boosted_cox,
    "random_survival_forest": random_survival_forest,
}
MODELS = CLASSIFIERS | SURVIVORS

__all__ = ["CLASSES", "CLASSIFIERS", "MODELS", "SCALES", "SURVIVAL", "SURVIVORS", "Learner"]
