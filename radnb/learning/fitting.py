"""One fit: prepare, select and model on training rows only. Arrays in, arrays out, light enough for workers."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from radnb.learning.folds import IntArray, deal
from radnb.learning.learners import Learner, NoInformation
from radnb.learning.linear import fit_logistic
from radnb.learning.prepare import Preparation
from radnb.learning.selection import Given, Robust, Selector
from radnb.learning.thresholds import Rule
from radnb.statistics.families import Array

Blocks = tuple[str, ...]
INNER_FOLDS = 5
FEWEST_REPEATED = 10


@dataclass(frozen=True)
class Candidate:
    """One way to select and model; several are compared in inner folds."""

    selectors: tuple[Callable[[], Selector], ...]
    model: Callable[[], Learner]
    note: str = ""


@dataclass(frozen=True)
class Problem:
    """Everything a fit needs, as plain arrays: raw blocks, outcome, patients, and the recipe."""

    blocks: Mapping[str, Array]
    columns: Mapping[str, tuple[str, ...]]
    y: Array  # class codes (n,) or time and event (n, 2)
    classes: int  # 0: survival
    groups: IntArray
    strata: IntArray
    centres: IntArray
    sets: Mapping[str, Blocks]
    prespecified: Blocks
    preparation: Preparation
    candidates: tuple[Candidate, ...]
    robust: tuple[Robust, ...]
    threshold: Rule
    seed: int
    repeated: Mapping[str, Array] = field(default_factory=dict)  # block -> (patients, readers, features)
    repeated_groups: IntArray = field(default_factory=lambda: np.empty(0, np.intp))
    samples: dict[bytes, Sample] = field(default_factory=dict, compare=False, repr=False)

    @property
    def targets(self) -> int:
        """Return the number of score columns."""
        return self.classes if self.classes > 2 else 1

    def raw(self, blocks: Blocks) -> Array:
        """Return the joined raw columns of some blocks."""
        parts = [self.blocks[b] for b in blocks]
        return np.hstack(parts) if parts else np.empty((len(self.groups), 0))

    def names(self, blocks: Blocks) -> tuple[str, ...]:
        """Return the joined column names of some blocks."""
        return tuple(name for b in blocks for name in self.columns[b])

    def sample(self, train: IntArray) -> Sample:
        """Return the sample of these training rows, the same one every time; for rows that are fitted again."""
        return self.samples.setdefault(train.tobytes(), Sample(self, train))

    def parts(self, blocks: Blocks) -> tuple[Blocks, Blocks]:
        """Tell the blocks that always enter from those whose features are selected."""
        return (tuple(b for b in blocks if b in self.prespecified),
                tuple(b for b in blocks if b not in self.prespecified))


@dataclass(frozen=True)
class Table:
    """Some blocks as one training sample prepares them, for all rows of the cohort."""

    values: Array
    names: tuple[str, ...]
    candidates: int
    preparation: Preparation
    raw: IntArray  # raw column number (of the joined blocks) behind each prepared input column


@dataclass
class Sample:
    """One set of training rows (copies allowed); blocks are prepared once for all model sets and outcomes."""

    problem: Problem
    train: IntArray
    _tables: dict[Blocks, Table] = field(default_factory=dict)
    _inside: dict[Blocks, Array] = field(default_factory=dict)
    _supports: dict[tuple[Blocks, int], tuple[IntArray, bool]] = field(default_factory=dict)
    _inner: list[tuple[Sample, IntArray]] | None = None

    def table(self, blocks: Blocks) -> Table:
        """Return the blocks prepared with what these training rows give."""
        if blocks not in self._tables:
            self._tables[blocks] = self._prepare(blocks)
        return self._tables[blocks]

    def inside(self, blocks: Blocks, moved: IntArray | None = None) -> Array:
        """Return the prepared training rows, or those that take their place."""
        if moved is not None:
            return self.table(blocks).values[moved[self.train]]
        if blocks not in self._inside:
            self._inside[blocks] = self.table(blocks).values[self.train]
        return self._inside[blocks]

    def _prepare(self, blocks: Blocks) -> Table:
        problem, raw = self.problem, self.problem.raw(blocks)
        whole = set(blocks) <= set(problem.prespecified)
        allowed = np.arange(raw.shape[1]) if whole else self._agreed(blocks, raw.shape[1])
        like = problem.preparation
        made = (Preparation(like.impute, 1.0, None, like.method, like.scale) if whole else
                Preparation(like.impute, like.near_constant, like.correlation, like.method, like.scale))
        made.fit(raw[np.ix_(self.train, allowed)])
        names = made.names(tuple(np.array(problem.names(blocks), object)[allowed]))
        return Table(made.transform(raw[:, allowed]), names, raw.shape[1], made, allowed)

    def _agreed(self, blocks: Blocks, columns: int) -> IntArray:
        allowed = np.arange(columns)
        if not self.problem.robust:
            return allowed
        here = np.isin(self.problem.repeated_groups, self.problem.groups[self.train])
        agreement = np.full(columns, np.nan)
        if here.sum() >= FEWEST_REPEATED:
            from radnb.statistics.agreement import icc_a1  # loads scipy.stats, and few runs need it

            agreement = icc_a1(np.concatenate([self.problem.repeated[b][here] for b in blocks], axis=2)).low
        for selector in self.problem.robust:
            found = selector.fit(np.empty((0, columns)), np.empty(0), Given(agreement=agreement)).support_
            allowed = np.intersect1d(allowed, found)
        return allowed

    def support(self, blocks: Blocks, candidate: int) -> tuple[IntArray, bool]:
        """Return the columns that a candidate's selectors choose with the true outcome."""
        key = (blocks, candidate)
        if key not in self._supports:
            self._supports[key] = choose(self, self.inside(blocks), self.problem.y[self.train], candidate)
        return self._supports[key]

    def inner(self, strata: IntArray | None = None) -> list[tuple[Sample, IntArray]]:
        """Return inner samples with the positions, among the training rows, that each holds out."""
        if strata is not None:
            return self._deal(strata)
        if self._inner is None:
            self._inner = self._deal(self.problem.strata)
        return self._inner

    def _deal(self, strata: IntArray) -> list[tuple[Sample, IntArray]]:
        groups, strata = self.problem.groups[self.train], strata[self.train]
        scarce = [len(np.unique(groups[strata == value])) for value in np.unique(strata) if value >= 0]
        folds = min(INNER_FOLDS, *scarce)
        if folds < 2:
            return []
        fold = deal(groups, strata, folds, np.random.default_rng([self.problem.seed, 5]))
        return [(Sample(self.problem, self.train[fold != f]), np.flatnonzero(fold == f)) for f in range(folds)]


def choose(sample: Sample, values: Array, y: Array, candidate: int) -> tuple[IntArray, bool]:
    """Run the selectors of a candidate one after another; return the column numbers and whether all converged."""
    left, settled = np.arange(values.shape[1]), True
    for make in sample.problem.candidates[candidate].selectors:
        part = values if len(left) == values.shape[1] else values[:, left]
        selector = make().fit(part, y, Given(sample.problem.groups[sample.train]))
        left, settled = left[selector.support_], settled and selector.converged_
    return left, settled


@dataclass(frozen=True)
class Fitted:
    """A model set fitted on one sample: which columns, which learner, and how it went."""

    always: Table
    chosen: Table
    support: IntArray
    learner: Learner
    converged: bool
    candidate: int

    def scores(self, rows: IntArray, moved: Mapping[str, IntArray]) -> Array:
        """Return raw scores of cohort rows."""
        return self.learner.scores(join(self, rows, moved))

    @property
    def features(self) -> tuple[str, ...]:
        """Return the names of the model's columns."""
        return self.always.names + tuple(self.chosen.names[i] for i in self.support)


def join(fitted: Fitted, rows: IntArray, moved: Mapping[str, IntArray]) -> Array:
    """Return the model's columns of cohort rows, where `moved` may take one half from other patients."""
    left = fitted.always.values[moved["always"][rows] if "always" in moved else rows]
    right = fitted.chosen.values[moved["chosen"][rows] if "chosen" in moved else rows]
    return np.hstack([left, right[:, fitted.support]])


def fit_candidate(sample: Sample, blocks: Blocks, candidate: int = 0, *, y: Array | None = None,
                  moved: Mapping[str, IntArray] | None = None) -> Fitted:
    """Fit one candidate; `y` is another outcome of all rows, `moved` rearranges the rows of a half of the columns."""
    problem, moved = sample.problem, moved or {}
    always, chosen = (sample.table(part) for part in problem.parts(blocks))
    if y is None and not moved:
        support, settled = sample.support(problem.parts(blocks)[1], candidate)
    else:
        values = sample.inside(problem.parts(blocks)[1], moved.get("chosen"))
        support, settled = choose(sample, values, (problem.y if y is None else y)[sample.train], candidate)
    truth = (problem.y if y is None else y)[sample.train]
    bare = len(always.names) + len(support) == 0
    learner = NoInformation() if bare else problem.candidates[candidate].model()
    fitted = Fitted(always, chosen, support, learner, settled, candidate)
    learner.fit(join(fitted, sample.train, moved), truth, classes=problem.classes, groups=problem.groups[sample.train])
    return Fitted(always, chosen, support, learner, settled and learner.converged_, candidate)


def tuned(sample: Sample, blocks: Blocks, *, y: Array | None = None, strata: IntArray | None = None,
          moved: Mapping[str, IntArray] | None = None) -> int:
    """Return the candidate with the best inner cross-validated AUC or C; the first one wins a tie."""
    problem = sample.problem
    if len(problem.candidates) == 1:
        return 0
    values = []
    for candidate in range(len(problem.candidates)):
        held, fold = out_of_fold(sample, blocks, candidate, y=y, strata=strata, moved=moved)
        truth = (problem.y if y is None else y)[sample.train]
        values.append(concordance(held, truth, fold, problem.classes) if fold.max(initial=-1) >= 0 else 0.5)
    return int(np.argmax(np.round(values, 12)))


def out_of_fold(sample: Sample, blocks: Blocks, candidate: int, *, y: Array | None = None,
                strata: IntArray | None = None,
                moved: Mapping[str, IntArray] | None = None) -> tuple[Array, IntArray]:
    """Return raw inner out-of-fold scores of the training rows and their inner folds (-1: not possible)."""
    problem = sample.problem
    scores = np.full((len(sample.train), problem.targets), np.nan)
    fold = np.full(len(sample.train), -1)
    for number, (inside, held) in enumerate(sample.inner(strata)):
        fitted = fit_candidate(inside, blocks, candidate, y=y, moved=moved)
        scores[held] = fitted.scores(sample.train[held], moved or {})
        fold[held] = number
    return scores, fold


@dataclass(frozen=True)
class Ready:
    """A fitted model set with its recalibration and thresholds, ready to score untouched patients."""

    fitted: Fitted
    scale: str
    thresholds: Array
    recalibration: Array | None = None  # (T, 2): intercept and slope on raw scores

    def scores(self, rows: IntArray) -> Array:
        """Return recalibrated scores of cohort rows."""
        return recalibrate(self.fitted.scores(rows, {}), self.recalibration)


def make_ready(sample: Sample, blocks: Blocks) -> Ready:
    """Fit a model set, and learn recalibration and thresholds from inner out-of-fold scores."""
    problem = sample.problem
    candidate = tuned(sample, blocks)
    fitted = fit_candidate(sample, blocks, candidate)
    held, fold = out_of_fold(sample, blocks, candidate)
    if (fold < 0).any():
        return Ready(fitted, raw_scale(fitted, problem), np.full(problem.targets, np.nan))
    truth = indicators(problem.y[sample.train], problem.classes)
    change = None if fitted.learner.calibrated else learn_recalibration(held, truth)
    held = recalibrate(held, change)
    thresholds = [problem.threshold(truth[:, t], held[:, t]) for t in range(problem.targets)]
    scale = "probability" if change is not None else raw_scale(fitted, problem)
    return Ready(fitted, scale, np.array(thresholds), change)


def raw_scale(fitted: Fitted, problem: Problem) -> str:
    """Say what unrecalibrated scores are: probability, risk or linear."""
    if problem.classes == 0:
        return "risk"
    return fitted.learner.scale if fitted.learner.calibrated else "linear"


def indicators(y: Array, classes: int) -> NDArray[np.bool_]:
    """Return whether each row is of each target class (n, T); for survival, whether it had the event."""
    if classes == 0:
        return np.asarray(y[:, 1:] > 0)
    targets = np.arange(1, 2) if classes == 2 else np.arange(classes)
    return np.asarray(y[:, None] == targets)


def learn_recalibration(scores: Array, truth: NDArray[np.bool_]) -> Array:
    """Return Platt's intercept and slope per column; a slope below a small positive one would turn the order round."""
    out = np.empty((scores.shape[1], 2))
    for t in range(scores.shape[1]):
        spread = float(scores[:, t].std()) or 1.0
        fit = fit_logistic(scores[:, t:t + 1] / spread, truth[:, t].astype(float), 1e-3)
        slope, least = float(fit.coef[0, 0]) / spread, 0.5 / len(truth)
        share = float(np.clip(truth[:, t].mean(), least, 1 - least))
        small = 1e-3 / spread
        level = np.log(share / (1 - share)) - small * float(scores[:, t].mean())
        out[t] = (fit.intercept[0], slope) if slope > small else (level, small)
    return out


def recalibrate(scores: Array, change: Array | None) -> Array:
    """Turn raw scores into probabilities (several classes are made to sum to one)."""
    if change is None:
        return scores
    p = 1 / (1 + np.exp(-np.clip(change[:, 0] + scores * change[:, 1], -500, 500)))
    return np.asarray(p if p.shape[1] == 1 else p / p.sum(1, keepdims=True))


def cross_fitted(problem: Problem, scores: Array, y: Array, fold: IntArray, *,
                 calibrated: bool) -> tuple[Array, Array]:
    """Return recalibrated scores and thresholds (n, T) that each fold takes from the other folds' held-out scores.

    For resamples, of which the spread counts and not the level: the other folds' models did see this fold's patients,
    which inner folds would avoid at three times the cost of all fits.
    """
    truth = indicators(y, problem.classes)
    out, thresholds = scores.copy(), np.empty(scores.shape)
    for f in np.unique(fold):
        mine, known = scores[fold == f], scores[fold != f]
        if not calibrated:
            change = learn_recalibration(known, truth[fold != f])
            mine, known = recalibrate(mine, change), recalibrate(known, change)
        out[fold == f] = mine
        thresholds[fold == f] = [problem.threshold(truth[fold != f, t], known[:, t]) for t in range(known.shape[1])]
    return out, thresholds


def concordance(scores: Array, y: Array, fold: IntArray, classes: int) -> float:
    """Return AUC (several classes: mean of one against the others) or Harrell's C from pairs within folds only."""
    found = []
    for t in range(scores.shape[1]):
        double, pairs = 0, 0
        for f in np.unique(fold):
            one, two = _pairs(scores[fold == f, t], y[fold == f], classes, t)
            double, pairs = double + one, pairs + two
        found.append(double / (2 * pairs) if pairs else 0.5)
    return float(np.mean(found))


def _pairs(score: Array, y: Array, classes: int, target: int) -> tuple[int, int]:
    """Return twice the number of concordant pairs (a tie counts one) and the number of pairs."""
    if classes:
        positive = y == (1 if classes == 2 else target)
        high, low = score[positive], np.sort(score[~positive])
        below = np.searchsorted(low, high, "left") + np.searchsorted(low, high, "right")
        return int(below.sum()), len(high) * len(low)
    time, event = y[:, 0], y[:, 1] > 0
    usable = event[:, None] & ((time[:, None] < time) | ((time[:, None] == time) & ~event))
    order = (score[:, None] > score).astype(int) * 2 + (score[:, None] == score)
    return int(order[usable].sum()), int(usable.sum())
