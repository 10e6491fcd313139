"""Classifiers of scikit-learn and its kin, behind one face."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Literal

import numpy as np

from radnb.learning.folds import IntArray
from radnb.learning.learners import Learner
from radnb.statistics.families import Array


@dataclass
class Machine(Learner):
    """A scikit-learn classifier, made by `make` (a picklable call) and read through `read`."""

    make: Callable[[], object] = object
    read: Literal["decision_function", "predict_proba"] = "predict_proba"
    probabilities: bool = True
    model_: object = field(init=False, repr=False)
    present_: IntArray = field(init=False, repr=False)
    classes_: int = field(init=False, repr=False)

    def __post_init__(self) -> None:
        self.calibrated = self.probabilities

    @property
    def scale(self) -> str:  # type: ignore[override]
        """Say what the raw scores are."""
        return "probability" if self.read == "predict_proba" else "linear"

    def fit(self, x: Array, y: Array, *, classes: int = 2, groups: IntArray | None = None) -> Machine:
        """Fit the classifier."""
        codes = y.astype(np.intp)
        self.present_, self.classes_ = np.unique(codes), classes
        self.model_ = self.make().fit(x, codes)  # type: ignore[attr-defined]
        return self

    def scores(self, x: Array) -> Array:
        """Return the classifier's scores; a class unseen in training gets the lowest."""
        raw = np.asarray(getattr(self.model_, self.read)(x), float)
        if self.classes_ == 2:
            return raw[:, -1:] if raw.ndim == 2 else raw[:, None]
        raw = np.column_stack([-raw, raw]) if raw.ndim == 1 else raw
        out = np.full((len(x), self.classes_), 0.0 if self.scale == "probability" else float(raw.min()))
        out[:, self.present_] = raw
        return out

    def weights(self) -> Array | None:
        """Return importances, or the coefficients of a linear machine."""
        importance = getattr(self.model_, "feature_importances_", None)
        if importance is None and getattr(self.model_, "kernel", "") == "linear":
            importance = np.asarray(self.model_.coef_)[0]  # type: ignore[attr-defined]
        return None if importance is None else np.asarray(importance, float)


def make_svm(*, kernel: str, cost: float, gamma: str | float, balanced: bool) -> object:
    """Make a support vector machine."""
    from sklearn.svm import SVC  # scikit-learn takes seconds to load, and few runs need it

    return SVC(kernel=kernel, C=cost, gamma=gamma, class_weight="balanced" if balanced else None)


def make_forest(*, trees: int, leaf: int, balanced: bool, seed: int) -> object:
    """Make a random forest."""
    from sklearn.ensemble import RandomForestClassifier  # scikit-learn takes seconds to load, and few runs need it

    return RandomForestClassifier(n_estimators=trees, min_samples_leaf=leaf, random_state=seed, n_jobs=1,
                                  class_weight="balanced" if balanced else None)
