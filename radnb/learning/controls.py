"""Refits that measure luck: cross-validation itself, patient bootstraps, half-samples and permutations.

Each is a task of plain arrays that any worker may do, and the same seeds give the same rows whoever does it.
"""

from __future__ import annotations

import time
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace

import numpy as np

from radnb.learning.fitting import Fused, Model, Picked, View, fit, log_odds, tuned, view
from radnb.learning.folds import IntArray, deal
from radnb.learning.fusion import Blocks, Late, Layout, blocks_of
from radnb.learning.problem import Problem, Sample
from radnb.learning.ready import cross_fitted, make_ready, raw_scale
from radnb.learning.scoring import concordance
from radnb.learning.yardsticks import CLINICAL, VOLUME, complete, yardstick
from radnb.statistics.families import Array

BATCH = 25  # permutations in one task
PERMUTATION, ADDED, BOOTSTRAP, HALF = "permutation", "permutation_added", "bootstrap", "half_sample"
RANDOM, CURVE, COMPLETE = "random_features", "learning_curve", "complete_cases"
CANDIDATE = "candidate"  # a part's replicate is then its number in the grid
CENTRE_FOLDS = -1
NO_FOLD = -1


@dataclass(frozen=True)
class Task:
    """One batch of fits; which fields count depends on `kind`."""

    kind: str  # a key of WORK
    model: str = ""
    comparator: str = ""
    repeat: int = 0
    numbers: tuple[int, ...] = ()  # replicates
    splits: int = 1
    folds: int = 5  # CENTRE_FOLDS: the fold is the centre
    parts: tuple[tuple[IntArray, IntArray, int, str], ...] = ()  # train, test, fold, set
    seed: int = 0
    shares: tuple[float, ...] = ()  # of the training patients, for the learning curve


@dataclass(frozen=True)
class Part:
    """The scores of some rows by one model set: a stretch of the predictions or resamples table."""

    kind: str
    model: str
    rows: IntArray
    scores: Array
    fold: IntArray
    set: str = "internal"
    repeat: int = 0
    replicate: int = 0
    split: int = 0
    scale: str = "probability"
    truth: IntArray | None = None  # rows whose outcome stands beside the scores, where they were permuted
    thresholds: Array | None = None  # of each target, or of each row and target
    value: float = np.nan  # the statistic of a permutation
    fits: tuple[dict[str, object], ...] = ()
    chosen: tuple[tuple[int, str, float], ...] = ()  # fold, feature, weight


@dataclass(frozen=True)
class Done:
    """What a task left, and the processor seconds it took."""

    parts: list[Part]
    seconds: float


def work(problem: Problem, task: Task) -> Done:
    """Do one task."""
    start = time.process_time()
    return Done(list(WORK[task.kind](problem, task)), time.process_time() - start)


def _cross_validate(problem: Problem, task: Task) -> Iterator[Part]:
    """Score each test part with models ready in every respect, thresholds included."""
    for train, test, fold, name in task.parts:
        sample = Sample(problem, train)
        for model, layout in problem.sets.items():
            ready = make_ready(sample, layout)
            yield Part(task.kind, model, test, ready.scores(test), np.full(len(test), fold), name, task.repeat,
                       scale=ready.scale, thresholds=ready.thresholds,
                       fits=(record(sample, ready.fitted, model, task.kind, repeat=task.repeat, fold=fold),),
                       chosen=tuple((fold, *pair) for pair in weights(ready.fitted)))
            yield from _each_candidate(sample, model, layout, test, fold, task.repeat)


def _each_candidate(sample: Sample, model: str, layout: Layout, test: IntArray, fold: int,
                    repeat: int) -> Iterator[Part]:
    """Score a test part with every candidate of a grid; selections are shared, and raw scores serve to rank."""
    for number in range(len(sample.problem.candidates) if sample.problem.grid else 0):
        fitted = fit(view(sample), layout, number)
        yield Part(CANDIDATE, model, test, fitted.scores(test, {}), np.full(len(test), fold), repeat=repeat,
                   replicate=number, scale=raw_scale(fitted, sample.problem))


def _resample(problem: Problem, task: Task) -> Iterator[Part]:
    """Cross-validate on resampled patients, with several fold splits, all model sets on the same rows and folds."""
    for number in task.numbers:
        rng = np.random.default_rng([task.seed, 2 if task.kind == BOOTSTRAP else 3, number])
        rows = draw(problem, rng, copies=task.kind == BOOTSTRAP, by_centre=task.folds == CENTRE_FOLDS)
        for split in range(task.splits):
            fold = (problem.centres[rows] if task.folds == CENTRE_FOLDS
                    else deal(problem.groups[rows], problem.strata[rows], task.folds, rng))
            yield from _score_folds(problem, task.kind, rows, fold, number, split)


def _score_folds(problem: Problem, kind: str, rows: IntArray, fold: IntArray, number: int,
                 split: int) -> Iterator[Part]:
    samples = [(f, Sample(problem, rows[fold != f])) for f in np.unique(fold)]
    for model, layout in problem.sets.items():
        scores, fits, calibrated = np.empty((len(rows), problem.targets)), [], dict[int, bool]()
        tested = np.ones(len(rows), bool)
        for f, sample in samples:
            tested &= (fold != f) | ~np.isin(rows, sample.taught())
            fitted = fit(view(sample), layout, tuned(view(sample), layout))
            scores[fold == f] = fitted.scores(rows[fold == f], {})
            calibrated[int(f)] = fitted.calibrated
            fits.append(record(sample, fitted, model, kind, replicate=number, split=split, fold=int(f)))
        if len({*calibrated.values()}) > 1:  # folds of a grid chose unlike models: their scores meet as log odds
            sure = np.isin(fold, [f for f, own in calibrated.items() if own])
            scores[sure] = log_odds(scores[sure])
        kept, at = rows[tested], fold[tested]
        scores, thresholds = cross_fitted(problem, scores[tested], problem.y[kept], at,
                                          calibrated=all(calibrated.values()))
        yield Part(kind, model, kept, scores, at, replicate=number, split=split, fits=tuple(fits),
                   scale="probability" if problem.classes else "risk", thresholds=thresholds)


def _permute(problem: Problem, task: Task) -> Iterator[Part]:
    """Permute outcomes among the patients of each fold, and take the whole procedure through it.

    Folds were dealt by outcome counts alone, so under the null every arrangement within folds is equally likely
    given the folds; what is learned without the outcome (imputation, filters, scaling) is the same for all of them.
    """
    fold, samples, layout = *_base(problem, task), problem.sets[task.model]
    for number in task.numbers:
        moved = shuffle(fold, problem.groups, np.random.default_rng([task.seed, 4, number]))
        y, strata = problem.y[moved], problem.strata[moved]
        fits = []
        for f, sample in samples:
            seen = View(sample, y, strata)
            fits.append((f, sample, fit(seen, layout, tuned(seen, layout))))
        yield _permuted(problem, task, number, fold, fits, {}, moved)


def _permute_added(problem: Problem, task: Task) -> Iterator[Part]:
    """Give the added blocks of the primary model the rows of other patients, within folds and clinical strata.

    The comparator's blocks and the outcome stay. Patients exchange rows only with those of similar comparator score,
    so that an added block which merely repeats the comparator keeps its correlation with it and earns no small p.
    (Simulated, 100 cohorts whose added block repeats a clinical column: p <= 0.05 in 4 %, with exchange between any
    two patients of a fold in 12 %; with a real addition 70 % and 72 %.)
    """
    fold, samples = _base(problem, task)
    layout, kept = problem.sets[task.model], problem.sets[task.comparator]
    added = tuple(b for b in blocks_of(layout) if b not in blocks_of(kept))
    half = None if isinstance(layout, Late) else next(
        (name for name, part in zip(("always", "chosen"), problem.parts(layout), strict=True) if part == added), None)
    cells = risk_cells(problem, kept, fold)
    for number in task.numbers:
        moved = shuffle(cells, problem.groups, np.random.default_rng([task.seed, 6, number]))
        here, place = samples, {half: moved} if half else {}
        if half is None:  # the added block is prepared and filtered together with another: prepare anew
            raw = {b: values[moved] if b in added else values for b, values in problem.blocks.items()}
            mixed = replace(problem, blocks=raw)
            here = [(f, Sample(mixed, sample.train)) for f, sample in samples]
        seen = [(f, s, View(s, s.problem.y, s.problem.strata, place)) for f, s in here]
        yield _permuted(problem, task, number, fold, [(f, s, fit(v, layout, tuned(v, layout))) for f, s, v in seen],
                        place, None)


def _permuted(problem: Problem, task: Task, number: int, fold: IntArray, fits: Sequence[tuple[int, Sample, Model]],
              place: Mapping[str, IntArray], truth: IntArray | None) -> Part:
    scores, rows = np.empty((len(fold), problem.targets)), np.flatnonzero(fold != NO_FOLD)
    for f, _, fitted in fits:
        test = np.flatnonzero(fold == f)
        scores[test] = fitted.scores(test, place)
    y = problem.y if truth is None else problem.y[truth]
    value = concordance(scores[rows], y[rows], fold[rows], problem.classes)
    records = tuple(record(s, fitted, task.model, task.kind, replicate=number, fold=f) for f, s, fitted in fits)
    return Part(task.kind, task.model, rows, scores[rows], fold[rows], replicate=number, value=value, fits=records,
                scale=_scale([fitted for *_, fitted in fits], problem), truth=None if truth is None else truth[rows])


@dataclass
class Blind(View):
    """A view that takes, in place of a selector's choice, as many columns in an order that knows nothing of them."""

    order: Mapping[str, int] = field(default_factory=dict)  # of column names

    def picked(self, blocks: Blocks, chain: int) -> Picked:
        """Return as many columns as the selector chose here, the same ones in every fold as far as they are there."""
        found = view(self.sample).picked(blocks, chain)
        many = len(found.columns) if found.rotation is None else found.rotation.shape[1]
        place = [self.order[name] for name in self.sample.table(blocks).names]
        return Picked(np.sort(np.argsort(place, kind="stable")[:many]), None, True)

    def inner(self) -> list[tuple[View, IntArray]]:
        """Return blind views of the inner samples."""
        return [(Blind(inside, self.y, self.strata, order=self.order), held) for inside, held in self.sample.inner()]


def _random_features(problem: Problem, task: Task) -> Iterator[Part]:
    """Put blindly drawn features in place of the selected ones; what always enters stays, and so do tuned options."""
    layout, names = problem.sets[task.model], sorted({c for columns in problem.columns.values() for c in columns})
    names = [each for name in names for each in (name, f"{name}__missing")]
    samples = [(part, problem.sample(part[0])) for part in task.parts]
    if not any(_leaves_out(sample, layout) for _, sample in samples):
        return  # every feature enters: as many drawn blindly are the same ones
    for number in task.numbers:
        chance = np.random.default_rng([task.seed, 9, number]).permutation(len(names))
        order = dict(zip(names, chance.tolist(), strict=True))
        yield _scored_parts(problem, task, number, [
            (part, sample, fit(Blind(sample, problem.y, problem.strata, order=order), layout, _own(sample, layout)))
            for part, sample in samples])


def _leaves_out(sample: Sample, layout: Layout) -> bool:
    """Say whether the selectors of a model set left a feature out."""
    chain = sample.problem.candidates[_own(sample, layout)].chain
    for blocks in layout.scores if isinstance(layout, Late) else (layout,):
        chosen = sample.problem.parts(blocks)[1]
        found = view(sample).picked(chosen, chain)
        if found.rotation is not None or len(found.columns) < len(sample.table(chosen).names):
            return True
    return False


def _own(sample: Sample, layout: Layout) -> int:
    """Return the candidate that a sample's own tuning chose."""
    kept: dict[Layout, int] = sample.kept.setdefault("tuned", {})
    if layout not in kept:
        kept[layout] = tuned(view(sample), layout)
    return kept[layout]


def _learning_curve(problem: Problem, task: Task) -> Iterator[Part]:
    """Train on a share of each fold's patients, stratified, and score the same test patients; larger holds smaller."""
    layout = problem.sets[task.model]
    for number in task.numbers:
        orders = [np.random.default_rng([task.seed, 10, number, place]) for place in range(len(task.parts))]
        chance = [rng.random(problem.groups.max() + 1) for rng in orders]
        for share in task.shares:
            samples = [(part, fewer(problem, part[0], thinned(problem, part[0], share, one)))
                       for part, one in zip(task.parts, chance, strict=True)]
            yield _scored_parts(problem, task, number, [(part, s, fit(view(s), layout, tuned(view(s), layout)))
                                                        for part, s in samples], split=round(100 * share))


def fewer(problem: Problem, train: IntArray, kept: IntArray) -> Sample:
    """Return the sample of some training rows; a batch that they lack is taught by nobody whom the others test."""
    return Sample(problem, kept, teachers=problem.taught(train))


def thinned(problem: Problem, train: IntArray, share: float, chance: Array) -> IntArray:
    """Keep a share of the training patients of each stratum, two at least, the first ones by `chance`."""
    patients = np.unique(problem.groups[train])
    stratum = np.full(len(patients), np.iinfo(np.intp).min)
    np.maximum.at(stratum, np.searchsorted(patients, problem.groups[train]), problem.strata[train])
    kept = []
    for value in np.unique(stratum):
        inside = patients[stratum == value]
        many = max(round(share * len(inside)), min(2, len(inside)))
        kept.append(inside[np.argsort(chance[inside], kind="stable")[:many]])
    return train[np.isin(problem.groups[train], np.concatenate(kept))]


def _yardstick(problem: Problem, task: Task) -> Iterator[Part]:
    """Score with volume or clinical facts alone, in the same folds."""
    other = yardstick(problem, task.kind)
    (layout,) = other.sets.values()
    samples = [(part, Sample(other, part[0])) for part in task.parts]
    yield _scored_parts(other, replace(task, model=task.kind), 0,
                        [(part, s, fit(view(s), layout, tuned(view(s), layout))) for part, s in samples])


def _complete_cases(problem: Problem, task: Task) -> Iterator[Part]:
    """Train and test every model set on the patients without gaps, in the same folds."""
    whole = complete(problem)
    samples = [((train[whole[train]], test[whole[test]], fold, name), fewer(problem, train, train[whole[train]]))
               for train, test, fold, name in task.parts]
    for model, layout in problem.sets.items():
        yield _scored_parts(problem, replace(task, model=model), 0,
                            [(part, s, fit(view(s), layout, tuned(view(s), layout))) for part, s in samples])


def _scored_parts(problem: Problem, task: Task, number: int,
                  fits: Sequence[tuple[tuple[IntArray, IntArray, int, str], Sample, Model]], split: int = 0) -> Part:
    """Return the test patients' raw scores of a control; only their order within a fold counts."""
    rows = np.concatenate([test for (_, test, _, _), _, _ in fits])
    fold = np.concatenate([np.full(len(test), number) for (_, test, number, _), _, _ in fits])
    scores = np.concatenate([fitted.scores(test, {}) for (_, test, _, _), _, fitted in fits])
    records = tuple(record(sample, fitted, task.model, task.kind, replicate=number, split=split, fold=part[2])
                    for part, sample, fitted in fits)
    return Part(task.kind, task.model, rows, scores, fold, fits[0][0][3], replicate=number, split=split, fits=records,
                scale=_scale([fitted for *_, fitted in fits], problem))


def _scale(fits: Sequence[Model], problem: Problem) -> str:
    """Return what the raw scores of several folds are; folds of a grid may choose unlike models."""
    scales = {raw_scale(fitted, problem) for fitted in fits}
    return scales.pop() if len(scales) == 1 else "linear"


def _base(problem: Problem, task: Task) -> tuple[IntArray, list[tuple[int, Sample]]]:
    fold = np.full(len(problem.groups), NO_FOLD)
    for _, test, number, _ in task.parts:
        fold[test] = number
    return fold, [(number, problem.sample(train)) for train, _, number, _ in task.parts]


def _nothing(problem: Problem, task: Task) -> Iterator[Part]:
    """Do nothing: the task became needless while it waited."""
    return iter(())


WORK = {"cv": _cross_validate, "frozen": _cross_validate, BOOTSTRAP: _resample, HALF: _resample,
        PERMUTATION: _permute, ADDED: _permute_added, RANDOM: _random_features, CURVE: _learning_curve,
        COMPLETE: _complete_cases, VOLUME: _yardstick, CLINICAL: _yardstick, "skip": _nothing}


def draw(problem: Problem, rng: np.random.Generator, *, copies: bool, by_centre: bool) -> IntArray:
    """Draw patients within strata (and centres): with replacement, or half of them without; return cohort rows.

    Drawn again until every outcome that training needs is there with two patients.
    """
    _, first, member = np.unique(problem.groups, return_index=True, return_inverse=True)
    stratum = np.full(len(first), np.iinfo(np.intp).min)
    np.maximum.at(stratum, member, problem.strata)
    cell = problem.centres[first] if by_centre else np.zeros(len(first), np.intp)
    pools = [np.flatnonzero((stratum == s) & (cell == c)) for c in np.unique(cell) for s in np.unique(stratum)]
    rows_of = np.split(np.argsort(member, kind="stable"), np.cumsum(np.bincount(member))[:-1])
    for _ in range(1000):
        taken = np.concatenate([_take(pool, rng, copies) for pool in pools if len(pool)])
        distinct = np.unique(taken)
        if all((stratum[distinct] == s).sum() >= 2 for s in np.unique(stratum) if s >= 0):
            break
    return np.concatenate([rows_of[patient] for patient in taken])


def _take(pool: IntArray, rng: np.random.Generator, copies: bool) -> IntArray:
    if copies:
        return rng.choice(pool, len(pool), replace=True)
    half = len(pool) // 2 + (len(pool) % 2 and int(rng.integers(2)))  # an odd one out is in every other sample
    return np.sort(rng.choice(pool, half, replace=False))


def shuffle(cells: IntArray, groups: IntArray, rng: np.random.Generator) -> IntArray:
    """Return for each row the row that takes its place: patients with equally many rows change within their cell."""
    _, first, member, count = np.unique(groups, return_index=True, return_inverse=True, return_counts=True)
    order = np.argsort(member, kind="stable")
    start = np.cumsum(count) - count
    key, chance = cells[first], rng.random(len(first))
    here, there = np.lexsort((np.arange(len(first)), count, key)), np.lexsort((chance, count, key))
    target = np.empty(len(first), np.intp)
    target[here] = there
    within = np.empty(len(groups), np.intp)
    within[order] = np.arange(len(groups)) - np.repeat(start, count)
    return np.asarray(order[start[target[member]] + within])


def risk_cells(problem: Problem, layout: Layout, fold: IntArray) -> IntArray:
    """Return cells of a fold and up to five classes of equal size by the score of a model on all patients."""
    everyone = np.arange(len(fold))
    fitted = fit(view(Sample(problem, everyone)), layout)
    score = fitted.scores(everyone, {})
    score = score @ np.arange(score.shape[1]) if score.shape[1] > 1 else score[:, 0]
    _, first, member = np.unique(problem.groups, return_index=True, return_inverse=True)
    cells = np.empty(len(first), np.intp)
    for f in np.unique(fold):
        inside = np.flatnonzero(fold[first] == f)
        classes = int(np.clip(len(inside) // 6, 1, 5))
        ranks = np.argsort(np.argsort(np.round(score[first[inside]], 12), kind="stable"), kind="stable")
        cells[inside] = 10 * f + ranks * classes // max(len(inside), 1)
    return cells[member]


def record(sample: Sample, fitted: Model, model: str, kind: str, **place: int) -> dict[str, object]:
    """Describe one outer fit: patients, candidates, what was selected, convergence."""
    problem = sample.problem
    events = problem.y[sample.train]
    counted = events[:, 1].sum() if events.ndim == 2 else (events == events.max()).sum()
    return {"kind": kind, "model": model, "repeat": 0, "replicate": 0, "split": 0, "fold": NO_FOLD, **place,
            "rows": len(sample.train), "patients": len(np.unique(problem.groups[sample.train])),
            "events": int(counted), "candidates": fitted.candidates, "prepared": fitted.prepared,
            "selected": len(fitted.chosen_names), "features": len(fitted.features), "empty": fitted.empty,
            "no_information": not fitted.features, "converged": bool(fitted.converged),
            "tuned": problem.candidates[fitted.candidate].note}


def weights(fitted: Model) -> list[tuple[str, float]]:
    """Return the model's features with their weights on the prepared scale (NaN: the learner has none).

    Those of a fusion come first, then those inside its scores; a feature of several scores stands there once.
    """
    found = fitted.weights()
    values = np.full(len(fitted.features), np.nan) if found is None else found
    own = {name: float(value) for name, value in zip(fitted.features, values, strict=True)}
    inside = [pair for part in fitted.parts for pair in weights(part)] if isinstance(fitted, Fused) else []
    return [*own.items(), *{name: value for name, value in reversed(inside) if name not in own}.items()]


@dataclass
class Sequential:
    """Besag and Clifford's rule: count exceedances in a fixed order and stop at the h-th, whoever computed them."""

    observed: float
    stop_after: int
    waiting: dict[int, list[Part]] = field(default_factory=dict)
    kept: list[Part] = field(default_factory=list)
    exceeded: int = 0
    batch: int = 0

    @property
    def done(self) -> bool:
        """Say whether enough permutations reached the observed value."""
        return self.exceeded >= self.stop_after

    def add(self, batch: int, parts: list[Part]) -> None:
        """Take a batch in, and count as far as batches follow one another."""
        self.waiting[batch] = parts
        while self.batch in self.waiting:
            for part in self.waiting.pop(self.batch):
                if not self.done:
                    self.kept.append(part)
                    self.exceeded += part.value >= self.observed - 1e-12
            self.batch += 1


__all__ = ["ADDED", "BATCH", "BOOTSTRAP", "CANDIDATE", "CENTRE_FOLDS", "CLINICAL", "COMPLETE", "CURVE", "HALF",
           "NO_FOLD", "PERMUTATION", "RANDOM", "VOLUME", "Part", "Sequential", "Task", "draw", "risk_cells", "shuffle",
           "thinned", "work"]
