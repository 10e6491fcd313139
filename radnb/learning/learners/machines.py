"""Classifiers of scikit-learn, XGBoost and LightGBM behind one face; each library is loaded only when it is named."""

from __future__ import annotations

import warnings
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any, Literal

import numpy as np

from radnb.learning.folds import IntArray
from radnb.learning.learners.learner import Learner, class_weights
from radnb.statistics.families import Array


@dataclass
class Machine(Learner):
    """A classifier in the manner of scikit-learn, made by `make` (a picklable call) and read through `read`."""

    make: Callable[..., Any] = object
    read: Literal["decision_function", "predict_proba"] = "predict_proba"
    probabilities: bool = True
    balanced: bool = False  # by weights of the rows; the scores are then no probabilities
    model_: Any = field(init=False, repr=False)
    present_: IntArray = field(init=False, repr=False)
    shares_: Array = field(init=False, repr=False)
    classes_: int = field(init=False, repr=False)

    def __post_init__(self) -> None:
        self.calibrated = self.probabilities and not self.balanced

    @property
    def scale(self) -> str:  # type: ignore[override]
        """Say what the raw scores are."""
        return "probability" if self.read == "predict_proba" else "linear"

    def fit(self, x: Array, y: Array, *, classes: int = 2, groups: IntArray | None = None) -> Machine:
        """Fit the classifier on the classes that are present; without a column that varies nothing can be learned."""
        self.present_, codes = np.unique(y.astype(np.intp), return_inverse=True)
        self.classes_, self.shares_ = classes, np.bincount(codes) / len(codes)
        self.model_ = self._fit(x, codes) if len(self.present_) > 1 and np.ptp(x, axis=0).any() else None
        return self

    def _fit(self, x: Array, codes: IntArray) -> Any:
        given = {"sample_weight": class_weights(codes, len(self.present_))} if self.balanced else {}
        with warnings.catch_warnings(record=True) as told:
            warnings.simplefilter("always")
            model = self.made(x).fit(x, codes, **given)
        self.converged_ = not any(_stopped_early(one) for one in told)
        for one in told:
            if not _stopped_early(one):
                warnings.warn_explicit(one.message, one.category, one.filename, one.lineno)
        return model

    def made(self, x: Array) -> Any:
        """Return the classifier to fit on these rows."""
        return self.make()

    def scores(self, x: Array) -> Array:
        """Return the classifier's scores; a class unseen in training gets the lowest."""
        if self.classes_ == 2 and len(self.present_) == 1:
            return np.full((len(x), 1), float(self.present_[0]) if self.scale == "probability" else 0.0)
        raw = self._raw(x)
        if self.classes_ == 2:
            return raw[:, -1:]
        raw = np.column_stack([-raw, raw]) if raw.shape[1] < len(self.present_) else raw
        out = np.full((len(x), self.classes_), 0.0 if self.scale == "probability" else float(raw.min()))
        out[:, self.present_] = raw
        return out

    def _raw(self, x: Array) -> Array:
        if self.model_ is None:
            return np.tile(self.shares_ if self.scale == "probability" else np.zeros(len(self.present_)), (len(x), 1))
        raw = np.asarray(getattr(self.model_, self.read)(x), float)
        return raw if raw.ndim == 2 else raw[:, None]

    def weights(self) -> Array | None:
        """Return importances that sum to one, or the coefficients of a linear machine."""
        if getattr(self.model_, "kernel", "") == "linear":
            return np.asarray(self.model_.coef_[0], float)
        with np.errstate(invalid="ignore"):  # of trees that found no cut, scikit-learn divides zero by zero
            importance = getattr(self.model_, "feature_importances_", None)
        return None if importance is None else np.nan_to_num(importance / (np.sum(importance) or 1.0)).astype(float)


def _stopped_early(told: warnings.WarningMessage) -> bool:
    """Say whether the library warned that its optimiser stopped before it came to rest."""
    return told.category.__name__ == "ConvergenceWarning"


@dataclass
class Adaptive(Machine):
    """AdaBoost, which learns nothing where its first tree is no better than chance."""

    def _fit(self, x: Array, codes: IntArray) -> Any:
        try:
            return super()._fit(x, codes)
        except ValueError as error:
            if "worse than random" not in str(error):
                raise
            return None


@dataclass
class Process(Machine):
    """A Gaussian process, whose kernel starts at a length that suits the number of columns."""

    def made(self, x: Array) -> Any:
        """Return the classifier to fit on these rows."""
        return self.make(length=float(np.sqrt(x.shape[1])))


def make_svm(*, kernel: str, cost: float, gamma: str | float, balanced: bool) -> Any:
    """Make a support vector machine."""
    from sklearn.svm import SVC  # scikit-learn takes seconds to load, and few runs need it

    return SVC(kernel=kernel, C=cost, gamma=gamma, class_weight="balanced" if balanced else None)


def make_tree(*, depth: int | None, leaf: int, seed: int) -> Any:
    """Make a decision tree."""
    from sklearn.tree import DecisionTreeClassifier

    return DecisionTreeClassifier(max_depth=depth, min_samples_leaf=leaf, random_state=seed)


def make_forest(*, extra: bool, trees: int, leaf: int, columns: str | float, balanced: bool, seed: int) -> Any:
    """Make a random forest, or extremely randomised trees."""
    from sklearn.ensemble import ExtraTreesClassifier, RandomForestClassifier

    kind = ExtraTreesClassifier if extra else RandomForestClassifier
    return kind(n_estimators=trees, min_samples_leaf=leaf, max_features=columns, random_state=seed, n_jobs=1,
                class_weight="balanced" if balanced else None)


def make_adaboost(*, rounds: int, rate: float, depth: int, seed: int) -> Any:
    """Make AdaBoost of small trees."""
    from sklearn.ensemble import AdaBoostClassifier
    from sklearn.tree import DecisionTreeClassifier

    return AdaBoostClassifier(DecisionTreeClassifier(max_depth=depth), n_estimators=rounds, learning_rate=rate,
                              random_state=seed)


def make_boosting(*, rounds: int, rate: float, depth: int, share: float, columns: float, leaf: int, seed: int) -> Any:
    """Make scikit-learn's gradient boosting."""
    from sklearn.ensemble import GradientBoostingClassifier

    return GradientBoostingClassifier(n_estimators=rounds, learning_rate=rate, max_depth=depth, subsample=share,
                                      max_features=columns, min_samples_leaf=leaf, random_state=seed)


def make_xgboost(*, rounds: int, rate: float, depth: int, share: float, columns: float, leaf: float, ridge: float,
                 seed: int) -> Any:
    """Make XGBoost's boosted trees, on one thread so that bytes repeat."""
    from xgboost import XGBClassifier

    return XGBClassifier(n_estimators=rounds, learning_rate=rate, max_depth=depth, subsample=share,
                         colsample_bytree=columns, min_child_weight=leaf, reg_lambda=ridge, tree_method="hist",
                         random_state=seed, n_jobs=1, verbosity=0)


def make_lightgbm(*, rounds: int, rate: float, depth: int, share: float, columns: float, leaf: int, ridge: float,
                  seed: int) -> Any:
    """Make LightGBM's boosted trees, on one thread so that bytes repeat."""
    from lightgbm import LGBMClassifier

    return LGBMClassifier(n_estimators=rounds, learning_rate=rate, max_depth=depth, num_leaves=2**min(depth, 10),
                          subsample=share, subsample_freq=1, colsample_bytree=columns, min_child_samples=leaf,
                          reg_lambda=ridge, importance_type="gain", deterministic=True, force_row_wise=True,
                          random_state=seed, n_jobs=1, verbosity=-1)


def make_process(*, length: float, seed: int) -> Any:
    """Make a Gaussian process with a squared-exponential kernel, its height and length from the likelihood."""
    from sklearn.gaussian_process import GaussianProcessClassifier
    from sklearn.gaussian_process.kernels import RBF, ConstantKernel

    return GaussianProcessClassifier(ConstantKernel(1.0, (1e-2, 1e3)) * RBF(length, (length / 30, length * 30)),
                                     random_state=seed, n_jobs=1)


def make_mlp(*, hidden: tuple[int, ...], penalty: float, seed: int) -> Any:
    """Make a small neural network, fitted by L-BFGS, which suits few patients."""
    from sklearn.neural_network import MLPClassifier

    return MLPClassifier(hidden, alpha=penalty, solver="lbfgs", max_iter=3000, random_state=seed)
