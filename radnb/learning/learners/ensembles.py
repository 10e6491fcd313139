"""Models that ask several others: one against the rest, votes, and stacking."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Literal

import numpy as np

from radnb.learning.folds import IntArray
from radnb.learning.learners.inner import Held, Maker, all_converged, fit_part, held_out, probable
from radnb.learning.learners.learner import Learner, NoInformation
from radnb.learning.learners.logistic import Logistic
from radnb.statistics.families import Array

NEAR_CERTAIN = 1e-3  # where log odds of held-out probabilities end: forests and neighbours say 0 and 1


@dataclass
class OneVsRest(Learner):
    """A two-class model for each class against the others, their probabilities made to sum to one."""

    make: Maker = NoInformation
    seed: int = 0
    parts_: tuple[Learner, ...] = field(init=False, repr=False)

    def fit(self, x: Array, y: Array, *, classes: int = 2, groups: IntArray | None = None) -> OneVsRest:
        """Fit one model per class, a single one for two classes."""
        codes = y.astype(np.intp)
        targets = range(1, 2) if classes == 2 else range(classes)
        self.parts_ = tuple(fit_part(self._part, x, (codes == k).astype(np.intp), classes=2, groups=groups)
                            for k in targets)
        self.converged_ = all_converged(self.parts_)
        return self

    def _part(self) -> Learner:
        return probable(self.make, self.seed)

    def scores(self, x: Array) -> Array:
        """Return probabilities."""
        p = np.hstack([part.scores(x) for part in self.parts_])
        return p if p.shape[1] == 1 else np.asarray(p / np.maximum(p.sum(1, keepdims=True), 1e-300))


@dataclass
class Voting(Learner):
    """The weighted mean of several models' probabilities, or of their ranks among held-out training scores."""

    makes: tuple[Maker, ...] = ()
    average: Literal["probability", "rank"] = "probability"
    votes: tuple[float, ...] | None = None
    seed: int = 0
    members_: tuple[Learner, ...] = field(init=False, repr=False)
    ladders_: tuple[Array, ...] = field(init=False, repr=False)

    def __post_init__(self) -> None:
        self.calibrated = self.average == "probability"

    @property
    def scale(self) -> str:  # type: ignore[override]
        """Say what the mean is."""
        return "probability" if self.average == "probability" else "linear"

    def fit(self, x: Array, y: Array, *, classes: int = 2, groups: IntArray | None = None) -> Voting:
        """Fit every member."""
        codes, self.ladders_ = y.astype(np.intp), ()
        if self.average == "rank":
            held = [held_out(make, x, codes, classes=classes, groups=groups, seed=self.seed) for make in self.makes]
            told = [one for one in held if one is not None]
            self.ladders_ = tuple(np.sort(one.scores, axis=0) for one in told)
        without = self.average == "rank" and not self.ladders_  # too few patients for inner folds
        members = [NoInformation() if without else self._member(make) for make in self.makes]
        self.members_ = tuple(one.fit(x, y, classes=classes, groups=groups) for one in members)
        self.converged_ = all_converged(self.members_)
        return self

    def _member(self, make: Maker) -> Learner:
        return probable(make, self.seed) if self.average == "probability" else make()

    def scores(self, x: Array) -> Array:
        """Return the mean."""
        found = [member.scores(x) for member in self.members_]
        if self.ladders_:
            found = [_places(one, ladder) for one, ladder in zip(found, self.ladders_, strict=True)]
        return np.asarray(np.average(found, axis=0, weights=self.votes))

    def weights(self) -> Array | None:
        """Return the mean of the members' weights, each in size and as shares of one; None where one has none."""
        each = [None if (found := member.weights()) is None else np.abs(found) for member in self.members_]
        shares = [one / (one.sum() or 1.0) for one in each if one is not None]
        return np.average(shares, axis=0, weights=self.votes) if len(shares) == len(each) else None


def _places(scores: Array, ladder: Array) -> Array:
    """Return the share of held-out training scores below each score, ties half."""
    return np.column_stack([(np.searchsorted(steps, column, "left") + np.searchsorted(steps, column, "right"))
                            / (2 * len(steps)) for column, steps in zip(scores.T, ladder.T, strict=True)])


@dataclass
class Stacking(Learner):
    """A ridge regression on what several models say of patients they have not seen (Wolpert 1992).

    With two classes no member may have a negative weight (Breiman 1996): where nothing is to be learned, scores of
    those held out run against the truth, as each fold's training patients lack what the fold has too many of.
    """

    makes: tuple[Maker, ...] = ()
    penalty: float = 1.0
    folds: int = 5
    seed: int = 0
    members_: tuple[Learner, ...] = field(init=False, repr=False)
    top_: Learner = field(init=False, repr=False)
    centre_: Array = field(init=False, repr=False)
    spread_: Array = field(init=False, repr=False)
    kept_: IntArray = field(init=False, repr=False)

    def fit(self, x: Array, y: Array, *, classes: int = 2, groups: IntArray | None = None) -> Stacking:
        """Score the training rows in inner folds, fit the regression on these scores, then every member on all."""
        codes = y.astype(np.intp)
        held = [held_out(make, x, codes, classes=classes, groups=groups, seed=self.seed, folds=self.folds)
                for make in self.makes]
        self.members_ = tuple(fit_part(make, x, codes, classes=classes, groups=groups) for make in self.makes)
        self._fit_top([one for one in held if one is not None], y, classes)
        self.converged_ = all_converged((*self.members_, self.top_))
        return self

    def _fit_top(self, held: list[Held], y: Array, classes: int) -> None:
        said = self._said([one.scores for one in held]) if held else np.zeros((len(y), 0))
        self.centre_, spread = said.mean(0), said.std(0)
        self.spread_ = np.where(spread > 1e-12, spread, 1.0)
        self.kept_ = np.arange(said.shape[1])
        while len(self.kept_):
            self.top_ = Logistic(self.penalty).fit(self._scaled(said), y, classes=classes)
            weights = self.top_.weights()
            if classes > 2 or weights.min() >= 0:
                return
            self.kept_ = np.delete(self.kept_, int(weights.argmin()))
        self.top_ = NoInformation().fit(said, y, classes=classes)

    def _said(self, scores: list[Array]) -> Array:
        """Join the members' scores, probabilities as log odds."""
        return np.hstack([_log_odds(one) if member.scale == "probability" else one
                          for one, member in zip(scores, self.members_, strict=True)])

    def _scaled(self, said: Array) -> Array:
        return np.asarray(((said - self.centre_) / self.spread_)[:, self.kept_])

    def scores(self, x: Array) -> Array:
        """Return probabilities."""
        if not len(self.kept_):
            return self.top_.scores(x)
        return self.top_.scores(self._scaled(self._said([member.scores(x) for member in self.members_])))


def _log_odds(p: Array) -> Array:
    clipped = np.clip(p, NEAR_CERTAIN, 1 - NEAR_CERTAIN)
    return np.asarray(np.log(clipped / (1 - clipped)))
