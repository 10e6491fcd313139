"""From a cohort and a plan to predictions and resamples: every refit of a study happens here and ends as rows."""

from __future__ import annotations

import functools
from collections.abc import Iterator, Sequence
from typing import Any

import numpy as np
import pandas as pd
from threadpoolctl import threadpool_limits

from radnb.errors import RadnbError, raise_all
from radnb.features.assemble import Cohort
from radnb.learning import controls, tables
from radnb.learning.arrays import make_problem, patients, used_blocks
from radnb.learning.checks import cohort_problems, plan_problems
from radnb.learning.controls import ADDED, BATCH, BOOTSTRAP, CENTRE_FOLDS, HALF, NO_FOLD, PERMUTATION, Done, Part, Task
from radnb.learning.final import final_models
from radnb.learning.folds import IntArray
from radnb.learning.fusion import blocks_of, layout
from radnb.learning.plan import Plan, Trained
from radnb.learning.problem import Problem
from radnb.learning.scoring import concordance
from radnb.learning.splits import DESIGNS, Split
from radnb.work import choices
from radnb.work.parallel import Failure, cluster, cores, map_cases


def train(cohort: Cohort, plan: Plan, *, repeat_measurements: pd.DataFrame | None = None,
          workers: int | None = None) -> Trained:
    """Fit every model set of the plan in every fold, bootstrap and permutation.

    `repeat_measurements` holds patient_id, reader and feature columns (named as in the cohort) of further readers;
    the selector `robust` needs it. The result is the same for any number of workers (0: this process).
    """
    raise_all(plan_problems(plan, cohort), code="E_CONFIG")
    used = used_blocks(cohort, plan)
    raise_all(cohort_problems(cohort, used), code="E_OUTCOME")
    problem = make_problem(cohort, plan, used, repeat_measurements)
    splits = choices.pick(DESIGNS, plan.design, "design", seed=plan.seed)(patients(cohort))
    jobs = _Jobs(problem, plan, splits)
    if workers is None:
        workers = 0 if cores() == 1 else cores()
    work = functools.partial(controls.work, problem)  # of a module that loads fast in each worker
    with threadpool_limits(1), cluster() as machines:
        for position, result in map_cases(work, jobs, workers=workers, label="Models", unit="batch", cluster=machines):
            if isinstance(result, Failure):
                raise RadnbError(f"Fitting failed: {result.message}", code=result.code)
            jobs.take(position, result)
        final = final_models(problem, _final_rows(splits, len(cohort.table)))
    return tables.trained(cohort, problem, jobs.parts(), final, splits, jobs.costs)


def _final_rows(splits: list[Split], rows: int) -> IntArray:
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
        part = (one.train, one.test, NO_FOLD if one.fold is None else one.fold, one.set)
        yield Task("frozen" if one.frozen else "cv", repeat=one.repeat, parts=(part,))
    if splits[0].frozen:
        return
    first = tuple((s.train, s.test, s.fold or 0, s.set) for s in splits if s.repeat == 0)
    folds = CENTRE_FOLDS if choices.name_of(plan.design) == "by_centre" else len(first)
    resample = HALF if problem.classes == 0 else BOOTSTRAP
    for number in range(plan.bootstraps):
        yield Task(resample, numbers=(number,), splits=plan.splits, folds=folds, seed=plan.seed)
    kinds = [(PERMUTATION, "")]
    if plan.comparator and set(_blocks(plan, plan.comparator)) < set(_blocks(plan, plan.primary)):
        kinds.append((ADDED, plan.comparator))
    for start in range(0, plan.permutations, BATCH):
        numbers = tuple(range(start, min(start + BATCH, plan.permutations)))
        for kind, comparator in kinds:
            yield Task(kind, plan.primary, comparator, numbers=numbers, parts=first, seed=plan.seed)


def _blocks(plan: Plan, model: str) -> tuple[str, ...]:
    return blocks_of(layout(plan.sets[model]))
