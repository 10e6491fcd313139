"""The models for classes that a study card may name; each signature is what the card may set."""

from __future__ import annotations

import functools
from collections.abc import Callable
from typing import Annotated, Literal

from annotated_types import Ge, Gt

from radnb.learning.learners import Learner
from radnb.learning.logistic import LassoLogistic, Logistic
from radnb.learning.machines import Machine, make_forest, make_svm

Positive = Annotated[float, Gt(0)]
Penalty = Annotated[float, Ge(0)]


def logistic(*, C: Positive | None = None, balanced: bool = False) -> Logistic:
    """Logistic regression without penalty, or with an L2 penalty of 1/C on standardised columns."""
    return Logistic(1e-6 if C is None else 1.0 / C, balanced)


def ridge_logistic(*, penalty: Penalty | Literal["inner"] = 1.0, balanced: bool = False,
                   seed: int) -> Logistic:
    """Logistic regression with a ridge penalty, given or chosen in inner folds."""
    return Logistic(None if penalty == "inner" else float(penalty), balanced, seed)


def lasso_logistic(*, rule: Literal["min", "1se"] = "min", seed: int) -> LassoLogistic:
    """Logistic regression with a LASSO penalty chosen in inner folds."""
    return LassoLogistic(rule, seed)


def svm(*, kernel: Literal["linear", "rbf"] = "linear", C: Positive = 1.0,
        gamma: Literal["scale", "auto"] | Positive = "scale", balanced: bool = False) -> Machine:
    """Support vector machine; its scores become probabilities by recalibration inside the fold."""
    make = functools.partial(make_svm, kernel=kernel, cost=C, gamma=gamma, balanced=balanced)
    return Machine(make, "decision_function", False)


def random_forest(*, trees: Annotated[int, Gt(0)] = 200, leaf: Annotated[int, Gt(0)] = 3, balanced: bool = False,
                  seed: int) -> Machine:
    """Random forest of probability trees; class-weighted ones are recalibrated inside the fold."""
    make = functools.partial(make_forest, trees=trees, leaf=leaf, balanced=balanced, seed=seed)
    return Machine(make, "predict_proba", not balanced)


BASES: dict[str, Callable[..., Learner]] = {
    "logistic": logistic,
    "ridge_logistic": ridge_logistic,
    "lasso_logistic": lasso_logistic,
    "svm": svm,
    "random_forest": random_forest,
}
