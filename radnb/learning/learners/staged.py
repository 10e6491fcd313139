"""Two questions in a row: on which side of a cut does the patient lie, and where within that side."""

from __future__ import annotations

import functools
from collections.abc import Callable
from dataclasses import dataclass, field

import numpy as np

from radnb.errors import raise_all
from radnb.learning.folds import IntArray
from radnb.learning.learners.inner import Maker, all_converged, fit_part, probable
from radnb.learning.learners.learner import Learner, NoInformation, per_class
from radnb.learning.selectors.selector import Given, Selector
from radnb.statistics.families import Array


@dataclass
class Stage(Learner):
    """Selectors and a model for one of the questions."""

    make: Maker = NoInformation
    selectors: tuple[Callable[[], Selector], ...] = ()
    seed: int = 0
    columns_: IntArray = field(init=False, repr=False)
    rotation_: Array | None = field(init=False, repr=False)
    model_: Learner = field(init=False, repr=False)

    def fit(self, x: Array, y: Array, *, classes: int = 2, groups: IntArray | None = None) -> Stage:
        """Choose columns for this question, then fit."""
        self.columns_, self.rotation_, settled = np.arange(x.shape[1]), None, True
        for make in self.selectors:
            selector = make().fit(x[:, self.columns_], y, Given(groups))
            self.columns_, self.rotation_ = self.columns_[selector.support_], selector.rotation_
            settled = settled and selector.converged_
        self.model_ = fit_part(self._model, self._chosen(x), y.astype(np.intp), classes=classes, groups=groups)
        self.converged_ = settled and self.model_.converged_
        return self

    def _model(self) -> Learner:
        return probable(self.make, self.seed)

    def _chosen(self, x: Array) -> Array:
        chosen = x[:, self.columns_]
        return chosen if self.rotation_ is None else chosen @ self.rotation_

    def scores(self, x: Array) -> Array:
        """Return probabilities."""
        return self.model_.scores(self._chosen(x))


@dataclass
class TwoStage(Learner):
    """First the side of a cut, then the class within each side that has several: end-to-end probabilities.

    `cut` is the number of classes below it; None sets the last class against the others.
    """

    first: Stage = field(default_factory=Stage)
    second: Stage = field(default_factory=Stage)
    cut: int | None = None
    side_: Learner = field(init=False, repr=False)
    within_: tuple[Learner, Learner] = field(init=False, repr=False)
    sizes_: tuple[int, int] = field(init=False, repr=False)

    def faults(self, classes: int) -> list[str]:
        """Say that a cut above all classes leaves nothing to tell apart."""
        if self.cut is None or self.cut < classes:
            return []
        return [f"model.two_stage.cut: {self.cut} classes below the cut leave none above, as there are {classes}. "
                f"Set cut to {classes - 1} or less."]

    def fit(self, x: Array, y: Array, *, classes: int = 2, groups: IntArray | None = None) -> TwoStage:
        """Fit the first stage on everybody, the second on the patients of each side."""
        raise_all(self.faults(classes), code="E_CONFIG")
        codes, cut = y.astype(np.intp), classes - 1 if self.cut is None else self.cut
        groups, self.sizes_ = np.arange(len(x)) if groups is None else groups, (cut, classes - cut)
        high = codes >= cut
        self.side_ = _fit(self.first, x, high.astype(np.intp), 2, groups)
        self.within_ = (_fit(self.second, x[~high], codes[~high], cut, groups[~high]),
                        _fit(self.second, x[high], codes[high] - cut, classes - cut, groups[high]))
        self.converged_ = all_converged((self.side_, *self.within_))
        return self

    def scores(self, x: Array) -> Array:
        """Return the probability of each class: that of its side times that of the class within."""
        side = per_class(self.side_.scores(x))
        parts = [side[:, [k]] if size == 1 else side[:, [k]] * per_class(part.scores(x))
                 for k, (part, size) in enumerate(zip(self.within_, self.sizes_, strict=True))]
        joined = np.hstack(parts)
        return joined[:, 1:] if joined.shape[1] == 2 else joined


def _fit(stage: Stage, x: Array, codes: IntArray, classes: int, groups: IntArray) -> Learner:
    """Fit a stage of its own; a side with one class needs none."""
    if classes == 1:
        return NoInformation().fit(x, np.zeros(1), classes=1)
    make = functools.partial(Stage, stage.make, stage.selectors, stage.seed)
    return fit_part(make, x, codes, classes=classes, groups=groups)
