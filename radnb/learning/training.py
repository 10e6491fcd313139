"""From a cohort and a plan to predictions and resamples: every refit of a study happens here and ends as rows."""

from __future__ import annotations

import functools
import time
from collections.abc import Iterator, Sequence
from dataclasses import replace
from typing import Any

import numpy as np
import pandas as pd
from threadpoolctl import threadpool_limits

from radnb.errors import RadnbError, raise_all
from radnb.features.assemble import Cohort
from radnb.learning import batches, controls, tables
from radnb.learning.arrays import harmoniser_of, make_problem, patients, used_blocks
from radnb.learning.certificate import certificate
from radnb.learning.checks import cohort_notes, cohort_problems, gap_problems, plan_problems
from radnb.learning.controls import (
    ADDED,
    BATCH,
    BOOTSTRAP,
    CENTRE_FOLDS,
    CLINICAL,
    COMPLETE,
    CURVE,
    HALF,
    NO_FOLD,
    PERMUTATION,
    RANDOM,
    VOLUME,
    Done,
    Part,
    Task,
)
from radnb.learning.final import final_models
from radnb.learning.folds import IntArray
from radnb.learning.fusion import blocks_of, layout
from radnb.learning.plan import Plan, Trained
from radnb.learning.problem import Problem
from radnb.learning.scoring import concordance
from radnb.learning.splits import DESIGNS, Split, shared_patients
from radnb.learning.suspects import split_problems
from radnb.learning.yardsticks import complete, control_problems, with_yardsticks
from radnb.work import choices
from radnb.work.parallel import Failure, cluster, cores, map_cases

SMALL = 2_000_000  # patients x columns x candidates up to which controls run in full; above, in proportion
FEWEST_SETS, DRAWS = 20, 5  # of fewer sets the 95th percentile is the highest, which luck exceeds too often


def train(cohort: Cohort, plan: Plan, *, repeat_measurements: pd.DataFrame | None = None,
          workers: int | None = None) -> Trained:
    """Fit every model set of the plan in every fold, bootstrap, permutation and control, once no leak was found.

    `repeat_measurements` holds patient_id, reader and feature columns (named as in the cohort) of further readers;
    the selector `robust` needs it. The result is the same for any number of workers (0: this process).
    """
    raise_all(plan_problems(plan, cohort), code="E_CONFIG")
    used = used_blocks(cohort, plan)
    raise_all(cohort_problems(cohort, used), code="E_OUTCOME")
    raise_all(gap_problems(cohort, plan, used), code="E_MISSING_VALUES")
    raise_all(control_problems(cohort, plan), code="E_CONFIG")
    table, harmoniser = patients(cohort), harmoniser_of(plan)
    splits = choices.pick(DESIGNS, plan.design, "design", seed=plan.seed)(table)
    raise_all(split_problems(table, splits), code="E_DESIGN")
    raise_all(batches.problems(cohort, harmoniser, splits, seed=plan.seed), code="E_BATCH")
    problem = make_problem(cohort, plan, used, repeat_measurements)
    if plan.controls.on:
        problem = with_yardsticks(problem, cohort, plan)
    splits = [replace(one, test=np.setdiff1d(one.test, problem.taught(one.train))) for one in splits]
    shared = shared_patients(table, splits)
    notes = (*cohort_notes(cohort, used), *batches.notes(cohort, harmoniser, splits),
             *([("same_patients", "warning", {"patients": len(shared)})] if shared else []))
    jobs = _Jobs(problem, plan, splits)
    if workers is None:
        workers = 0 if cores() == 1 else cores()
    work = functools.partial(controls.work, problem)  # of a module that loads fast in each worker
    with threadpool_limits(1), cluster() as machines:
        start = time.process_time()
        certified = certificate(cohort, plan, used, [s for s in splits if s.set != "train"], repeat_measurements)
        jobs.costs["certificate"] = {"fits": 4 * len(problem.sets), "seconds": time.process_time() - start}
        for position, result in map_cases(work, jobs, workers=workers, label="Models", unit="batch", cluster=machines):
            if isinstance(result, Failure):
                raise RadnbError(f"Fitting failed: {result.message}", code=result.code)
            jobs.take(position, result)
        final = final_models(problem, final_rows(splits, len(cohort.table)))
    return replace(tables.trained(cohort, problem, jobs.parts(), final, splits, jobs.costs, certified), notes=notes)


def final_rows(splits: list[Split], rows: int) -> IntArray:
    """Return who trains the final model: those who trained the frozen one where there is one, else everybody."""
    first = splits[0]
    frozen = first.frozen and all(np.array_equal(one.train, first.train) for one in splits)
    return first.train if frozen else np.arange(rows)


class _Jobs(Sequence[Task]):
    """All tasks in order; a permutation task that the stopping rule has made needless turns into nothing."""

    def __init__(self, problem: Problem, plan: Plan, splits: list[Split]) -> None:
        self.problem, self.plan = problem, plan
        self.tasks, self.results = list(_tasks(problem, plan, splits)), dict[int, list[Part]]()
        self.batches = {i: sum(t.kind == task.kind for t in self.tasks[:i]) for i, task in enumerate(self.tasks)
                        if task.kind in (PERMUTATION, ADDED)}
        self.rules: dict[str, controls.Sequential] = {}
        self.early: list[int] = []
        self.costs: dict[str, dict[str, float]] = {}

    def __len__(self) -> int:
        return len(self.tasks)

    def __getitem__(self, position: Any) -> Any:
        task = self.tasks[position]
        rule = self.rules.get(task.kind)
        return Task("skip") if rule is not None and rule.done else task

    def take(self, position: int, done: Done) -> None:
        """Take a result in; permutations wait until the observed value is known."""
        self.results[position] = done.parts
        cost = self.costs.setdefault(self.tasks[position].kind, {"fits": 0, "seconds": 0.0})
        cost["fits"] += sum(len(part.fits) for part in done.parts)
        cost["seconds"] += done.seconds
        if position in self.batches:
            self.early.append(position)
        if not self.rules and self.batches:
            self._observe()
        if self.rules:
            for ready in self.early:
                self.rules[self.tasks[ready].kind].add(self.batches[ready], self.results[ready])
            self.early.clear()

    def _observe(self) -> None:
        first = [i for i, task in enumerate(self.tasks) if task.kind == "cv" and task.repeat == 0]
        if not all(i in self.results for i in first):
            return
        own = [p for i in first for p in self.results[i] if p.model == self.plan.primary]
        rows, fold = (np.concatenate([getattr(p, name) for p in own]) for name in ("rows", "fold"))
        value = concordance(np.concatenate([p.scores for p in own]), self.problem.y[rows], fold, self.problem.classes)
        self.rules = {kind: controls.Sequential(value, self.plan.stop_after) for kind in (PERMUTATION, ADDED)}

    def parts(self) -> list[Part]:
        """Return all rows in the order of the tasks, permutations as far as the rule counts them."""
        plain = [p for i in range(len(self.tasks)) if i not in self.batches for p in self.results[i]]
        return plain + [p for kind in (PERMUTATION, ADDED) if kind in self.rules for p in self.rules[kind].kept]


def _tasks(problem: Problem, plan: Plan, splits: list[Split]) -> Iterator[Task]:
    for one in splits:
        yield Task("frozen" if one.frozen else "cv", repeat=one.repeat, parts=_parts([one], several=_several(splits)))
    if splits[0].frozen:
        yield from _control_tasks(problem, plan, splits[:1])
        return
    first = [s for s in splits if s.repeat == 0]
    if choices.name_of(plan.design) == "bootstrap":  # resampling its samples again would say nothing of a .632+
        yield from _control_tasks(problem, plan, first)
        return
    folds = CENTRE_FOLDS if choices.name_of(plan.design) == "by_centre" else len(first)
    resample = HALF if problem.classes == 0 else BOOTSTRAP
    for number in range(plan.bootstraps):
        yield Task(resample, numbers=(number,), splits=plan.splits, folds=folds, seed=plan.seed)
    yield from _control_tasks(problem, plan, first)
    yield from _permutation_tasks(plan, first)


def _permutation_tasks(plan: Plan, splits: Sequence[Split]) -> Iterator[Task]:
    kinds = [(PERMUTATION, "")]
    if plan.comparator and set(_blocks(plan, plan.comparator)) < set(_blocks(plan, plan.primary)):
        kinds.append((ADDED, plan.comparator))
    for numbers in _batches(plan.permutations):
        for kind, comparator in kinds:
            yield Task(kind, plan.primary, comparator, numbers=numbers, parts=_parts(splits), seed=plan.seed)


def _control_tasks(problem: Problem, plan: Plan, splits: Sequence[Split]) -> Iterator[Task]:
    """Yield what is held beside the primary model, in the folds of one repeat or on the one split."""
    wanted, parts = plan.controls, _parts(splits)
    if not wanted.on:
        return
    sets, draws = how_many(problem, plan)
    for kind in (VOLUME, CLINICAL):
        if kind in problem.blocks:
            yield Task(kind, kind, parts=parts, seed=plan.seed)
    if _gaps_matter(problem, parts):
        yield Task(COMPLETE, parts=parts, seed=plan.seed)
    if set(_blocks(plan, plan.primary)) - set(problem.prespecified):
        for numbers in _batches(sets):
            yield Task(RANDOM, plan.primary, numbers=numbers, parts=parts, seed=plan.seed)
    shares = tuple(share for share in wanted.learning_curve if share < 1)
    for number in range(draws if shares else 0):
        yield Task(CURVE, plan.primary, numbers=(number,), parts=parts, seed=plan.seed, shares=shares)


def how_many(problem: Problem, plan: Plan) -> tuple[int, int]:
    """Return how many sets of random features and draws of the learning curve a table of this size gets."""
    columns = sum(len(problem.columns[b]) for b in _blocks(plan, plan.primary))
    share = min(1.0, SMALL / (len(problem.groups) * columns * len(problem.candidates)))
    sets = plan.controls.random_features
    return max(round(share * sets), min(FEWEST_SETS, sets)), max(round(share * DRAWS), 1)


def _gaps_matter(problem: Problem, parts: Sequence[tuple[IntArray, IntArray, int, str]]) -> bool:
    """Say whether some patients have gaps and the others suffice: two of each outcome wherever a model trains."""
    whole = complete(problem)
    if whole.all():
        return False
    sides = [train[whole[train]] for train, *_ in parts] + [np.concatenate([t[whole[t]] for _, t, *_ in parts])]
    return all(len(np.unique(problem.groups[rows[problem.strata[rows] == value]])) >= 2
               for rows in sides for value in np.unique(problem.strata) if value >= 0)


def _parts(splits: Sequence[Split], *, several: bool = False) -> tuple[tuple[IntArray, IntArray, int, str], ...]:
    return tuple((s.train, s.test, NO_FOLD if s.fold is None else s.fold, s.name if several else s.set) for s in splits)


def _several(splits: Sequence[Split]) -> bool:
    """Say whether several frozen models are tested, each by itself: a set of its own then tells them apart."""
    return len({one.train.tobytes() for one in splits if one.frozen}) > 1


def _batches(many: int) -> Iterator[tuple[int, ...]]:
    for start in range(0, many, BATCH):
        yield tuple(range(start, min(start + BATCH, many)))


def _blocks(plan: Plan, model: str) -> tuple[str, ...]:
    return blocks_of(layout(plan.sets[model]))
