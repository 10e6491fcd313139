"""From a cohort and a plan to predictions and resamples: every refit of a study happens here and ends as rows."""

from __future__ import annotations

import functools
import itertools
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

import numpy as np
import pandas as pd
from threadpoolctl import threadpool_limits

from radnb.errors import RadnbError, raise_all
from radnb.features.assemble import Cohort
from radnb.learning import controls, tables
from radnb.learning.checks import cohort_problems, plan_problems
from radnb.learning.controls import ADDED, BATCH, BOOTSTRAP, CENTRE_FOLDS, HALF, NO_FOLD, PERMUTATION, Part, Task
from radnb.learning.final import final_models
from radnb.learning.fitting import Candidate, Problem, concordance
from radnb.learning.folds import IntArray
from radnb.learning.learners import SURVIVAL
from radnb.learning.models import MODELS
from radnb.learning.plan import Plan, Trained
from radnb.learning.prepare import PREPARE
from radnb.learning.selection import SELECTORS, Robust
from radnb.learning.splits import DESIGNS, Split
from radnb.learning.thresholds import THRESHOLDS
from radnb.statistics.families import Array
from radnb.work import choices
from radnb.work.parallel import Failure, cores, map_cases

DEFAULT_GRID = {"k": [5, 10, 20]}


def train(cohort: Cohort, plan: Plan, *, repeat_measurements: pd.DataFrame | None = None,
          workers: int | None = None) -> Trained:
    """Fit every model set of the plan in every fold, bootstrap and permutation.

    `repeat_measurements` holds patient_id, reader and feature columns (named as in the cohort) of further readers;
    the selector `robust` needs it. The result is the same for any number of workers (0: this process).
    """
    raise_all(plan_problems(plan, cohort), code="E_CONFIG")
    used = {b: tuple(cohort.blocks[b]) for b in dict.fromkeys(itertools.chain(*plan.sets.values()))}
    raise_all(cohort_problems(cohort, used), code="E_OUTCOME")
    problem = make_problem(cohort, plan, used, repeat_measurements)
    splits = choices.pick(DESIGNS, plan.design, "design", seed=plan.seed)(patients(cohort))
    jobs = _Jobs(problem, plan, splits)
    if workers is None:
        workers = 0 if cores() == 1 else cores()
    work = functools.partial(controls.work, problem)  # of a module that loads fast in each worker
    with threadpool_limits(1):
        for position, result in map_cases(work, jobs, workers=workers, label="Models", unit="batch"):
            if isinstance(result, Failure):
                raise RadnbError(f"Fitting failed: {result.message}", code=result.code)
            jobs.take(position, result)
        final = final_models(problem, splits[0].train if splits[0].frozen else np.arange(len(cohort.table)))
    return tables.trained(cohort, problem, jobs.parts(), final)


def patients(cohort: Cohort) -> pd.DataFrame:
    """Return what a design may look at: patient_id, centre, stratum, label, and the declared columns of the table."""
    features = {c for names in cohort.blocks.values() for c in names}
    table = cohort.table.drop(columns=[c for c in cohort.table if c in features])
    extra = [c for c in cohort.clinical if c not in table and c != "patient_id"]
    if extra and "patient_id" in cohort.clinical:
        known = cohort.clinical.drop_duplicates("patient_id").set_index("patient_id")[extra]
        table = table.join(known, on="patient_id")
    centre = table["centre"].astype(str) if "centre" in table else "all"
    strata = stratum(cohort)
    words = np.array(("event",) if cohort.outcome.kind == SURVIVAL else cohort.outcome.classes, object)
    return table.assign(centre=centre, stratum=strata, label=np.where(strata < 0, "censored", words[strata]))


def stratum(cohort: Cohort) -> IntArray:
    """Return the class, or for survival 0 for an event and -1 for a censored patient."""
    if cohort.outcome.kind == SURVIVAL:
        return np.asarray(cohort.table["event"].to_numpy(float), np.intp) - 1
    return np.asarray(cohort.table["outcome"].to_numpy(float), np.intp)


def make_problem(cohort: Cohort, plan: Plan, used: Mapping[str, tuple[str, ...]],
                 repeat_measurements: pd.DataFrame | None = None) -> Problem:
    """Turn cohort and plan into the plain arrays that fits work on."""
    table, survival = cohort.table, cohort.outcome.kind == SURVIVAL
    y = table[["time_months", "event"] if survival else "outcome"].to_numpy(float)
    chain = [choices.pick(SELECTORS, choice, "selector", seed=plan.seed) for choice in plan.selector]
    robust = tuple(made for made in (make() for make in chain) if isinstance(made, Robust))
    ids, numbers = np.unique(table["patient_id"].to_numpy(str), return_inverse=True)
    values, who = _repeated(cohort, used, plan, repeat_measurements) if robust else ({}, ids[:0])
    centres = table["centre"].astype(str).to_numpy() if "centre" in table else np.full(len(table), "all")
    return Problem(
        blocks={b: np.ascontiguousarray(table[list(c)].to_numpy(float)) for b, c in used.items()}, columns=used,
        y=y, classes=0 if survival else len(cohort.outcome.classes), groups=numbers.astype(np.intp),
        strata=stratum(cohort), centres=np.unique(centres, return_inverse=True)[1].astype(np.intp), sets=plan.sets,
        prespecified=tuple(b for b in plan.prespecified if b in used),
        preparation=choices.pick(PREPARE, {"prepare": plan.prepare})(), candidates=_candidates(plan), robust=robust,
        threshold=choices.pick(THRESHOLDS, plan.threshold, "threshold")(), seed=plan.seed, repeated=values,
        repeated_groups=np.asarray(np.searchsorted(ids, who), np.intp))


def _candidates(plan: Plan) -> tuple[Candidate, ...]:
    """Return one candidate, or for the nested design one for each combination of its grid."""
    name = choices.name_of(plan.design)
    grid = ((plan.design[name] or {}).get("grid") or DEFAULT_GRID) if name == "nested" else {}
    steps = [*(choice for choice in plan.selector if choices.name_of(choice) != "robust"), plan.model]
    registries = [SELECTORS] * (len(steps) - 1) + [MODELS]
    known = [choices.options(r[choices.name_of(s)]) for r, s in zip(registries, steps, strict=True)]
    lost = [key for key in grid if not any(key in options for options in known)]
    if lost and grid is not DEFAULT_GRID:
        raise RadnbError(f"design.nested.grid: neither selector nor model takes {', '.join(lost)}. "
                         f"Tune {', '.join(sorted(set(itertools.chain(*known)))) or 'nothing'}.", code="E_CONFIG")
    found = []
    for values in itertools.product(*(grid[key] for key in grid if key not in lost)):
        given = dict(zip((key for key in grid if key not in lost), values, strict=True))
        made = [choices.pick(registry, {choices.name_of(step): {**(step[choices.name_of(step)] or {}),
                             **{k: v for k, v in given.items() if k in options}}}, seed=plan.seed)
                for registry, step, options in zip(registries, steps, known, strict=True)]
        found.append(Candidate(tuple(made[:-1]), made[-1], ", ".join(f"{k}={v}" for k, v in given.items())))
    return tuple(found)


def _repeated(cohort: Cohort, used: Mapping[str, tuple[str, ...]], plan: Plan,
              extra: pd.DataFrame | None) -> tuple[dict[str, Array], np.ndarray[Any, Any]]:
    """Return, for patients measured by every reader, the values (patients, readers, features) of each block."""
    blocks = [b for b in used if b not in plan.prespecified]
    columns = [c for b in blocks for c in used[b]]
    if extra is None or not {"patient_id", "reader", *columns} <= set(extra.columns):
        raise RadnbError("selector robust: it needs the features of further readers (patient_id, reader and every "
                         "feature column). Add rows of a second reader to the image manifest, or leave robust out.",
                         code="E_REPEATS")
    own = cohort.table.drop_duplicates("patient_id").assign(reader="")
    both = pd.concat([own[["patient_id", "reader", *columns]], extra[["patient_id", "reader", *columns]]])
    both = both.assign(patient_id=both["patient_id"].astype(str)).dropna()
    both = both[both["patient_id"].isin(own["patient_id"].astype(str))].drop_duplicates(["patient_id", "reader"])
    wide = both.groupby("patient_id").filter(lambda rows: len(rows) == both["reader"].nunique())
    wide = wide.sort_values(["patient_id", "reader"], kind="stable")
    readers = both["reader"].nunique()
    if readers < 2 or len(wide) < 2 * readers:
        raise RadnbError("selector robust: no patients were measured by every reader. Give the same cases to all "
                         "readers, or leave robust out.", code="E_REPEATS")
    values = {b: wide[list(used[b])].to_numpy(float).reshape(-1, readers, len(used[b])) for b in blocks}
    return values, wide["patient_id"].to_numpy(str)[::readers]


class _Jobs(Sequence[Task]):
    """All tasks in order; a permutation task that the stopping rule has made needless turns into nothing."""

    def __init__(self, problem: Problem, plan: Plan, splits: list[Split]) -> None:
        self.problem, self.plan = problem, plan
        self.tasks, self.results = list(_tasks(problem, plan, splits)), dict[int, list[Part]]()
        self.batches = {i: sum(t.kind == task.kind for t in self.tasks[:i]) for i, task in enumerate(self.tasks)
                        if task.kind in (PERMUTATION, ADDED)}
        self.rules: dict[str, controls.Sequential] = {}
        self.early: list[int] = []

    def __len__(self) -> int:
        return len(self.tasks)

    def __getitem__(self, position: Any) -> Any:
        task = self.tasks[position]
        rule = self.rules.get(task.kind)
        return Task("skip") if rule is not None and rule.done else task

    def take(self, position: int, parts: list[Part]) -> None:
        """Take a result in; permutations wait until the observed value is known."""
        self.results[position] = parts
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
    for repeat, group in itertools.groupby(splits, key=lambda s: s.repeat):
        own = list(group)
        parts = tuple((s.train, s.test, NO_FOLD if s.fold is None else s.fold, s.set) for s in own)
        yield Task("frozen" if own[0].frozen else "cv", repeat=repeat, parts=parts)
    if splits[0].frozen:
        return
    first = tuple((s.train, s.test, s.fold or 0, s.set) for s in splits if s.repeat == 0)
    folds = CENTRE_FOLDS if choices.name_of(plan.design) == "by_centre" else len(first)
    resample = HALF if problem.classes == 0 else BOOTSTRAP
    for number in range(plan.bootstraps):
        yield Task(resample, numbers=(number,), splits=plan.splits, folds=folds, seed=plan.seed)
    kinds = [(PERMUTATION, "")]
    if plan.comparator and set(plan.sets[plan.comparator]) < set(plan.sets[plan.primary]):
        kinds.append((ADDED, plan.comparator))
    for start in range(0, plan.permutations, BATCH):
        numbers = tuple(range(start, min(start + BATCH, plan.permutations)))
        for kind, comparator in kinds:
            yield Task(kind, plan.primary, comparator, numbers=numbers, parts=first, seed=plan.seed)
