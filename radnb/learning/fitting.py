"""One fit: select and model on training rows only. Arrays in, arrays out, light enough for workers."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace

import numpy as np

from radnb.learning.folds import IntArray
from radnb.learning.fusion import Blocks, Late, Layout
from radnb.learning.learners.learner import Learner, NoInformation
from radnb.learning.learners.logistic import Logistic
from radnb.learning.learners.survivors import CoxModel
from radnb.learning.problem import Problem, Sample, Table
from radnb.learning.scoring import concordance
from radnb.learning.selectors.selector import Given
from radnb.statistics.families import Array

FUSION_PENALTY = 1e-3


@dataclass(frozen=True)
class Picked:
    """What a chain of selectors chose: columns, and where it made new columns of them, their weights."""

    columns: IntArray
    rotation: Array | None
    settled: bool


@dataclass
class View:
    """A sample as one refit sees it: an outcome of all rows, and who stands in whose place in one half of the columns.

    What several candidates or model sets share (inner folds, selections, inner scores) is kept here.
    """

    sample: Sample
    y: Array
    strata: IntArray
    moved: Mapping[str, IntArray] = field(default_factory=dict)
    _picked: dict[tuple[Blocks, int], Picked] = field(default_factory=dict, repr=False)
    _inner: list[tuple[View, IntArray]] | None = field(default=None, repr=False)
    _held: dict[tuple[Layout, int], tuple[Array, IntArray]] = field(default_factory=dict, repr=False)

    @property
    def problem(self) -> Problem:
        """Return the problem behind the sample."""
        return self.sample.problem

    def truth(self, step: str) -> Array:
        """Return the outcome of the training rows, which a step of this name looks at."""
        return np.asarray(self.y[self.sample.see(step)])

    def inner(self) -> list[tuple[View, IntArray]]:
        """Return this view of inner samples, with the positions among the training rows that each holds out."""
        if self._inner is None:
            own = self.sample.inner() if self.strata is self.problem.strata else self.sample.dealt(self.strata)
            plain = self.y is self.problem.y and not self.moved
            self._inner = [(view(inside) if plain else View(inside, self.y, self.strata, self.moved), held)
                           for inside, held in own]
        return self._inner

    def picked(self, blocks: Blocks, chain: int) -> Picked:
        """Return what a chain chooses among the selectable columns of some blocks."""
        made = self.problem.chains[chain]
        key = (blocks, made.family)
        if key not in self._picked:
            self._picked[key] = _choose(self, blocks, chain)
        found = self._picked[key]
        return found if made.k is None else replace(found, columns=np.sort(found.columns[: made.k]))


def view(sample: Sample) -> View:
    """Return the sample as it is, the same view every time."""
    found: View = sample.kept.setdefault("view", View(sample, sample.problem.y, sample.problem.strata))
    return found


def _choose(seen: View, blocks: Blocks, number: int) -> Picked:
    """Run the selectors of a chain one after another; a chain cut by number keeps its last one's order."""
    sample, chain = seen.sample, seen.problem.chains[number]
    values, names = sample.inside(blocks, seen.moved.get("chosen")), np.array(sample.table(blocks).names, object)
    y, groups = seen.truth("select") if chain.steps else np.empty(0), sample.problem.groups[sample.train]
    left, rotation, settled = np.arange(values.shape[1]), None, True
    for place, make in enumerate(chain.steps):
        part = values if len(left) == values.shape[1] else values[:, left]
        selector = make().fit(part, y, Given(groups, tuple(names[left])))
        cut = chain.k is not None and place == len(chain.steps) - 1
        left = left[selector.order_ if cut else selector.support_]
        rotation, settled = selector.rotation_, settled and selector.converged_
    return Picked(left, rotation, settled)


@dataclass(frozen=True)
class Fitted:
    """A model set fitted on one sample: which columns, which learner, and how it went."""

    always: Table
    chosen: Table
    picked: Picked
    learner: Learner
    converged: bool
    candidate: int

    def scores(self, rows: IntArray, moved: Mapping[str, IntArray]) -> Array:
        """Return raw scores of cohort rows, where `moved` may take one half of the columns from other patients."""
        return self.learner.scores(_columns(self.always, self.chosen, self.picked, rows, moved))

    @property
    def calibrated(self) -> bool:
        """Say whether the scores are probabilities (or risks) as they are."""
        return self.learner.calibrated

    @property
    def scale(self) -> str:
        """Say what the raw scores are."""
        return self.learner.scale

    def weights(self) -> Array | None:
        """Return one weight per column, or None where the learner has none."""
        return self.learner.weights()

    @property
    def chosen_names(self) -> tuple[str, ...]:
        """Return the names of the features that were selected."""
        return tuple(self.chosen.names[i] for i in self.picked.columns)

    @property
    def features(self) -> tuple[str, ...]:
        """Return the names of the model's columns."""
        made = self.picked.rotation
        chosen = self.chosen_names if made is None else tuple(f"component_{i + 1}" for i in range(made.shape[1]))
        return self.always.names + chosen

    @property
    def candidates(self) -> int:
        """Return the number of columns that were there to choose from."""
        return self.always.candidates + self.chosen.candidates

    @property
    def prepared(self) -> int:
        """Return the number of columns that preparation left."""
        return len(self.always.names) + len(self.chosen.names)

    @property
    def empty(self) -> bool:
        """Say whether there was something to select from and nothing was."""
        return self.chosen.candidates > 0 and not len(self.picked.columns)


@dataclass(frozen=True)
class Fused:
    """A late fusion: models of their own whose scores stand beside other columns in one regression, or their mean."""

    parts: tuple[Fitted, ...]
    names: tuple[str, ...]
    beside: Table
    learner: Learner | None  # None: the mean of the parts' scores
    centre: Array
    spread: Array
    logit: bool  # whether the parts' scores are probabilities, which enter as logits
    candidate: int

    def scores(self, rows: IntArray, moved: Mapping[str, IntArray]) -> Array:
        """Return raw scores of cohort rows."""
        each = [part.scores(rows, {}) for part in self.parts]
        if self.learner is None:
            return mean_score(each, self.centre, self.spread)
        x = (links(each, logit=self.logit) - self.centre) / self.spread
        return self.learner.scores(np.hstack([x, self.beside.values[rows]]))

    @property
    def calibrated(self) -> bool:
        """Say whether the scores are probabilities (or risks) as they are."""
        return self.learner is not None or all(part.calibrated for part in self.parts)

    @property
    def scale(self) -> str:
        """Say what the raw scores are."""
        return self.parts[0].scale if self.learner is None else self.learner.scale

    def weights(self) -> Array | None:
        """Return one weight per column of the regression."""
        return None if self.learner is None else self.learner.weights()

    @property
    def converged(self) -> bool:
        """Say whether every part did."""
        return all(p.converged for p in self.parts) and (self.learner is None or self.learner.converged_)

    @property
    def chosen_names(self) -> tuple[str, ...]:
        """Return the names of the features that the parts selected."""
        return tuple(dict.fromkeys(name for part in self.parts for name in part.chosen_names))

    @property
    def features(self) -> tuple[str, ...]:
        """Return the names of the regression's columns."""
        return self.names + self.beside.names

    @property
    def candidates(self) -> int:
        """Return the number of columns that were there to choose from."""
        return sum(part.candidates for part in self.parts) + self.beside.candidates

    @property
    def prepared(self) -> int:
        """Return the number of columns that preparation left."""
        return sum(part.prepared for part in self.parts) + len(self.beside.names)

    @property
    def empty(self) -> bool:
        """Say whether a part had something to select from and selected nothing."""
        return any(part.empty for part in self.parts)


Model = Fitted | Fused


def _columns(always: Table, chosen: Table, picked: Picked, rows: IntArray, moved: Mapping[str, IntArray]) -> Array:
    """Return the model's columns of cohort rows."""
    left = always.values[moved["always"][rows] if "always" in moved else rows]
    right = chosen.values[moved["chosen"][rows] if "chosen" in moved else rows][:, picked.columns]
    return np.hstack([left, right if picked.rotation is None else right @ picked.rotation])


def fit(seen: View, layout: Layout, candidate: int = 0) -> Model:
    """Fit one candidate of a model set on a view."""
    return _fit_late(seen, layout, candidate) if isinstance(layout, Late) else _fit_joined(seen, layout, candidate)


def _fit_joined(seen: View, blocks: Blocks, candidate: int) -> Fitted:
    problem, sample = seen.problem, seen.sample
    first, second = problem.parts(blocks)
    always, chosen, made = sample.table(first), sample.table(second), problem.candidates[candidate]
    picked = seen.picked(second, made.chain)
    x = _columns(always, chosen, picked, sample.train, seen.moved)
    learner = made.model() if x.shape[1] else NoInformation()
    y, groups = seen.truth("model"), problem.groups[sample.train]
    if problem.oversample is not None and x.shape[1]:
        x, codes, groups = problem.oversample.resample(x, y.astype(np.intp), groups)
        y = codes.astype(float)
        learner.calibrated = False
    learner.fit(x, y, classes=problem.classes, groups=groups)
    return Fitted(always, chosen, picked, learner, picked.settled and learner.converged_, candidate)


def _fit_late(seen: View, plan: Late, candidate: int) -> Fused:
    """Fit each part, and the regression on what inner folds say of their scores."""
    problem, sample = seen.problem, seen.sample
    parts = tuple(_fit_joined(seen, blocks, candidate) for blocks in plan.scores)
    names = tuple(f"score:{'+'.join(blocks)}" for blocks in plan.scores)
    beside = sample.table(plan.beside)
    held = [out_of_fold(seen, blocks, candidate) for blocks in plan.scores]
    apparent = any((fold < 0).any() for _, fold in held)  # too few patients for inner folds
    each = [part.scores(sample.train, {}) if apparent else scores
            for part, (scores, _) in zip(parts, held, strict=True)]
    logit = bool(problem.classes) and all(part.scale == "probability" for part in parts)
    if plan.by == "mean":
        kept = np.zeros(len(each)) if logit else np.array([one.mean() for one in each])
        size = np.ones(len(each)) if logit else np.array([one.std() or 1.0 for one in each])
        return Fused(parts, names, beside, None, kept, size, logit, candidate)
    x = links(each, logit=logit)
    centre, spread = x.mean(0), np.where(x.std(0) > 0, x.std(0), 1.0)
    names = names if x.shape[1] == len(names) else tuple(f"{n}:{t}" for n in names for t in range(problem.targets))
    learner: Learner = Logistic(FUSION_PENALTY) if problem.classes else CoxModel(FUSION_PENALTY)
    learner.fit(np.hstack([(x - centre) / spread, beside.values[sample.train]]), seen.truth("fusion"),
                classes=problem.classes, groups=problem.groups[sample.train])
    return Fused(parts, names, beside, learner, centre, spread, logit, candidate)


def links(each: list[Array], *, logit: bool) -> Array:
    """Return scores as columns of a regression: probabilities on the logit scale."""
    x = np.hstack(each)
    return log_odds(x) if logit else x


def log_odds(scores: Array) -> Array:
    """Return probabilities on the logit scale, within one to a thousand."""
    p = np.clip(scores, 1e-3, 1 - 1e-3)
    return np.asarray(np.log(p / (1 - p)))


def mean_score(each: list[Array], centre: Array, spread: Array) -> Array:
    """Return the mean of scores that were brought to one scale."""
    return np.asarray(np.mean([(one - c) / s for one, c, s in zip(each, centre, spread, strict=True)], axis=0))


def tuned(seen: View, layout: Layout) -> int:
    """Return the candidate with the best inner cross-validated AUC or C; the first one wins a tie."""
    problem = seen.problem
    if len(problem.candidates) == 1:
        return 0
    truth, values = seen.truth("tune"), []
    for candidate in range(len(problem.candidates)):
        held, fold = out_of_fold(seen, layout, candidate)
        values.append(concordance(held, truth, fold, problem.classes) if fold.max(initial=-1) >= 0 else 0.5)
    return int(np.argmax(np.round(values, 12)))


def out_of_fold(seen: View, layout: Layout, candidate: int) -> tuple[Array, IntArray]:
    """Return raw inner out-of-fold scores of the training rows and their inner folds (-1: not possible)."""
    key = (layout, candidate)
    if key not in seen._held:
        train = seen.sample.train
        scores, fold = np.full((len(train), seen.problem.targets), np.nan), np.full(len(train), -1)
        for number, (inside, held) in enumerate(seen.inner()):
            scores[held] = fit(inside, layout, candidate).scores(train[held], seen.moved)
            fold[held] = number
        seen._held[key] = scores, fold
    return seen._held[key]
