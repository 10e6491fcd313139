"""Inner folds of training patients: held-out scores, the best of several learners, scores made probabilities."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import NamedTuple

import numpy as np

from radnb.learning.folds import IntArray
from radnb.learning.learners.learner import Learner, NoInformation, per_class
from radnb.learning.linear import Fit
from radnb.learning.penalised import inner_folds
from radnb.learning.recalibration import indicators, learn_recalibration, recalibrate
from radnb.learning.scoring import concordance
from radnb.statistics.families import Array

Maker = Callable[[], Learner]
FOLDS = 5


class Held(NamedTuple):
    """Scores (n, T) of training rows by learners that did not see their patients, and the fold of each row."""

    scores: Array
    fold: IntArray


def fit_part(make: Maker, x: Array, codes: IntArray, *, classes: int, groups: IntArray | None) -> Learner:
    """Fit a part of a model; where rows, columns or classes have run out, it is the constant score."""
    if not len(codes):  # every class is as likely as the others
        return NoInformation().fit(x, np.arange(classes, dtype=float), classes=classes)
    fit = x.shape[1] > 0 and len(np.unique(codes)) > 1
    return (make() if fit else NoInformation()).fit(x, codes.astype(float), classes=classes, groups=groups)


def held_out(make: Maker, x: Array, codes: IntArray, *, classes: int, groups: IntArray | None, seed: int,
             folds: int = FOLDS) -> Held | None:
    """Score each training row by a learner of the other inner folds; None where patients are too few for two."""
    groups = np.arange(len(x)) if groups is None else groups
    fold = inner_folds(_without_singles(codes, groups), groups, folds, seed)
    if fold is None:
        return None
    scores = np.empty((len(x), 1 if classes == 2 else classes))
    for f in range(int(fold.max()) + 1):
        inside = fold != f
        part = fit_part(make, x[inside], codes[inside], classes=classes, groups=groups[inside])
        scores[~inside] = part.scores(x[~inside])
    return Held(scores, fold)


def _without_singles(codes: IntArray, groups: IntArray) -> IntArray:
    """Deal a class of one patient, which no two folds can share, with the commonest class."""
    counts = np.array([len(np.unique(groups[codes == k])) for k in range(int(codes.max()) + 1)])
    return np.where((counts == 1)[codes], counts.argmax(), codes)


def loss(held: Held, codes: IntArray, classes: int, *, calibrated: bool) -> float:
    """Return the mean log loss of held-out probabilities, or one minus the AUC of scores that are none."""
    if not calibrated:
        return 1 - concordance(held.scores, codes.astype(float), held.fold, classes)
    p = per_class(held.scores)[np.arange(len(codes)), codes]
    return float(-np.log(np.clip(p, 1e-12, 1)).mean())


@dataclass
class Tuned(Learner):
    """Of several settings of a learner the one with the smallest loss in inner folds; the first one wins a tie."""

    makes: tuple[Maker, ...] = ()
    seed: int = 0
    model_: Learner = field(init=False, repr=False)
    chosen_: int = field(init=False, repr=False)
    scale_: str = field(init=False, repr=False)

    def __post_init__(self) -> None:
        like = self.makes[0]()
        self.calibrated, self.scale_ = like.calibrated, like.scale

    @property
    def scale(self) -> str:  # type: ignore[override]
        """Say what the learner's scores are."""
        return self.scale_

    def fit(self, x: Array, y: Array, *, classes: int = 2, groups: IntArray | None = None) -> Tuned:
        """Choose the setting, then fit it on all rows."""
        codes = y.astype(np.intp)
        self.chosen_ = self._choose(x, codes, classes, groups)
        self.model_ = self.makes[self.chosen_]().fit(x, y, classes=classes, groups=groups)
        self.converged_ = self.model_.converged_
        return self

    def _choose(self, x: Array, codes: IntArray, classes: int, groups: IntArray | None) -> int:
        losses = []
        for make in self.makes:
            held = held_out(make, x, codes, classes=classes, groups=groups, seed=self.seed)
            if held is None:
                return len(self.makes) // 2
            losses.append(loss(held, codes, classes, calibrated=self.calibrated))
        return int(np.argmin(np.round(losses, 10)))

    def scores(self, x: Array) -> Array:
        """Return the scores of the chosen setting."""
        return self.model_.scores(x)

    def weights(self) -> Array | None:
        """Return the weights of the chosen setting."""
        return self.model_.weights()

    def linear(self) -> Fit | None:
        """Return the weighted sum of the chosen setting, where it is one."""
        return self.model_.linear()


@dataclass
class Recalibrated(Learner):
    """A learner whose scores Platt's method turns into probabilities, from held-out scores of inner folds."""

    make: Maker = NoInformation
    seed: int = 0
    model_: Learner = field(init=False, repr=False)
    change_: Array | None = field(init=False, repr=False)

    def fit(self, x: Array, y: Array, *, classes: int = 2, groups: IntArray | None = None) -> Recalibrated:
        """Learn the recalibration, then fit on all rows; without inner folds the score is constant."""
        codes = y.astype(np.intp)
        held = held_out(self.make, x, codes, classes=classes, groups=groups, seed=self.seed)
        self.change_ = None if held is None else learn_recalibration(held.scores, indicators(y, classes))
        make = NoInformation if held is None else self.make
        self.model_ = make().fit(x, y, classes=classes, groups=groups)
        self.converged_ = self.model_.converged_
        return self

    def scores(self, x: Array) -> Array:
        """Return probabilities."""
        return recalibrate(self.model_.scores(x), self.change_)

    def weights(self) -> Array | None:
        """Return the weights of the learner."""
        return self.model_.weights()


def probable(make: Maker, seed: int) -> Learner:
    """Return a learner whose scores are probabilities, recalibrated where they are not so by themselves."""
    learner = make()
    return learner if learner.calibrated else Recalibrated(make, seed)


def all_converged(learners: Sequence[Learner]) -> bool:
    """Say whether every one of them came to rest."""
    return all(learner.converged_ for learner in learners)
