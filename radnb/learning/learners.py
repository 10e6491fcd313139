"""What a model is: fit on training rows, score new ones, and say what the score means."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import ClassVar, Literal

import numpy as np
from scipy.special import expit, softmax

from radnb.learning.folds import IntArray
from radnb.learning.linear import Fit, fit_logistic, fit_softmax
from radnb.learning.penalised import chosen_path, inner_folds
from radnb.statistics.families import Array

SCALES = ("probability", "risk", "linear")
CLASSES, SURVIVAL = "classes", "survival"
PENALTIES = tuple(float(v) for v in np.geomspace(1000, 0.1, 9))  # the largest wins a tie


@dataclass
class Learner:
    """Fit on (n, p) rows without gaps; `scores` gives (n, T): T=1 for two classes or survival, else one per class.

    `scale` says what the scores are; when `calibrated` is false they become probabilities only after recalibration
    on inner out-of-fold scores.
    """

    kind: ClassVar[str] = CLASSES
    scale: ClassVar[str] = "probability"
    calibrated: bool = field(default=True, init=False)
    converged_: bool = field(default=True, init=False)

    def fit(self, x: Array, y: Array, *, classes: int = 2, groups: IntArray | None = None) -> Learner:
        """Learn from training rows: class codes (n,) or time and event (n, 2)."""
        raise NotImplementedError

    def scores(self, x: Array) -> Array:
        """Return the scores of new rows."""
        raise NotImplementedError

    def weights(self) -> Array | None:
        """Return one weight per column: a coefficient, an importance, or None where there is no such thing."""
        return None

    def linear(self) -> Fit | None:
        """Return intercept and coefficients where the model is a weighted sum."""
        return None


@dataclass
class NoInformation(Learner):
    """The constant score: prevalence, or no risk. It stands wherever no feature was selected."""

    level_: Array = field(init=False, repr=False)

    def fit(self, x: Array, y: Array, *, classes: int = 2, groups: IntArray | None = None) -> NoInformation:
        """Keep the class shares."""
        if y.ndim == 2:
            self.level_ = np.zeros(1)
        else:
            shares = np.bincount(y.astype(np.intp), minlength=classes) / len(y)
            self.level_ = shares[1:] if classes == 2 else shares
        return self

    def scores(self, x: Array) -> Array:
        """Return the same score for everybody."""
        return np.tile(self.level_, (len(x), 1))


@dataclass
class Linear(Learner):
    """A weighted sum of columns."""

    fit_: Fit = field(init=False, repr=False)

    def weights(self) -> Array:
        """Return the coefficient of each column (several classes: the largest in size)."""
        coef = self.fit_.coef
        return np.asarray(coef[np.abs(coef).argmax(0), np.arange(coef.shape[1])])

    def linear(self) -> Fit:
        """Return the fit."""
        return self.fit_


@dataclass
class Logistic(Linear):
    """Logistic regression by Newton's method, softmax for several classes; penalty may be chosen in inner folds."""

    penalty: float | None = 1.0
    balanced: bool = False
    seed: int = 0

    def __post_init__(self) -> None:
        self.calibrated = not self.balanced

    def fit(self, x: Array, y: Array, *, classes: int = 2, groups: IntArray | None = None) -> Logistic:
        """Fit, after choosing the penalty where none was given."""
        codes = y.astype(np.intp)
        penalty = self._inner(x, codes, classes, groups) if self.penalty is None else self.penalty
        self.fit_ = self._solve(x, codes, classes, penalty)
        self.converged_ = self.fit_.converged
        return self

    def scores(self, x: Array) -> Array:
        """Return probabilities."""
        eta = self.fit_.scores(x)
        return np.asarray(expit(eta) if eta.shape[1] == 1 else softmax(eta, axis=1))

    def _solve(self, x: Array, codes: IntArray, classes: int, penalty: float) -> Fit:
        weight = class_weights(codes, classes) if self.balanced else None
        if classes == 2:
            return fit_logistic(x, codes.astype(float), penalty, weight)
        return fit_softmax(x, codes, classes, penalty, weight)

    def _inner(self, x: Array, codes: IntArray, classes: int, groups: IntArray | None) -> float:
        fold = inner_folds(codes, groups, 5, self.seed)
        if fold is None:
            return 1.0
        loss = np.zeros(len(PENALTIES))
        for f in range(fold.max() + 1):
            inside, out = fold != f, fold == f
            for i, penalty in enumerate(PENALTIES):
                self.fit_ = self._solve(x[inside], codes[inside], classes, penalty)
                scores = self.scores(x[out])
                scores = np.hstack([1 - scores, scores]) if classes == 2 else scores
                loss[i] -= np.log(np.clip(scores[np.arange(len(scores)), codes[out]], 1e-12, 1)).sum()
        return PENALTIES[int(np.argmin(loss))]


@dataclass
class LassoLogistic(Linear):
    """A binomial LASSO with its penalty from inner folds; several classes one against the others, normalised."""

    rule: Literal["min", "1se"] = "min"
    seed: int = 0

    def fit(self, x: Array, y: Array, *, classes: int = 2, groups: IntArray | None = None) -> LassoLogistic:
        """Fit the path and choose from it."""
        found = chosen_path(x, y, groups=groups, rule=self.rule, folds=5, seed=self.seed)
        intercept, coef = np.full(1 if classes == 2 else classes, -30.0), np.zeros((1, x.shape[1]))
        places = [0] if classes == 2 else np.unique(y).astype(int).tolist()
        coef = np.zeros((len(intercept), x.shape[1]))
        if len(found) < len(places):  # only two of several classes are here
            found = [type(found[0])(-found[0].intercept, -found[0].coef, found[0].lam, found[0].converged), *found]
        for place, one in zip(places, found, strict=True):
            intercept[place], coef[place] = one.intercept, one.coef
        self.fit_ = Fit(intercept, coef, all(one.converged for one in found))
        self.converged_ = self.fit_.converged
        return self

    def scores(self, x: Array) -> Array:
        """Return probabilities."""
        p = expit(self.fit_.scores(x))
        return np.asarray(p if p.shape[1] == 1 else p / p.sum(1, keepdims=True))


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


def class_weights(codes: IntArray, classes: int) -> Array:
    """Return weights that make all present classes count the same."""
    counts = np.bincount(codes, minlength=classes)
    return np.asarray(len(codes) / (np.count_nonzero(counts) * counts[codes]))
