"""Every defensible choice that a card lists, each analysed whole on the same patients, beside the card's own."""

from __future__ import annotations

import functools
import itertools
import math
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from radnb.errors import RadnbError, raise_all
from radnb.evaluation.multiverse import Universe, judged
from radnb.features.assemble import Cohort
from radnb.learning.plan import Plan
from radnb.learning.prepare import prepare
from radnb.learning.training import train
from radnb.study import Study, check_card
from radnb.work import choices, files
from radnb.work.parallel import Failure, cores, map_cases
from radnb.workbook import Run, assemble, data_key, harmonise_problems, measure, plan_of, repeated, training_key

MOST = 500  # specifications analysed; beyond it a drawn share stands for all, and the figure says so
LARGEST = 100_000  # combinations that a card may list
MISSING = object()
REPEATS = 2  # of the cross-validation, for all specifications alike
DATA = ("patients", "images", "extraction", "engine", "clinical", "outcome", "blocks", "model_time", "model_sets",
        "prespecified")
VARIED = (*DATA, "prepare", "harmonise", "imbalance", "selector", "model", "seed")


@dataclass(frozen=True)
class Specification:
    """One combination of choices: what it changes on the card, in words by dimension, and the card so changed."""

    words: Mapping[str, str]
    study: Study


@dataclass(frozen=True)
class _Task:
    cohort: int
    plan: Plan
    kept: Path


def multiverse(run: Run, *, workers: int | None = None) -> Universe:
    """Analyse every combination of the choices that the card's `multiverse` lists; what was done before is kept."""
    possible, specifications = specify(run)
    cohorts, place, further = _cohorts(run, specifications)
    shared = set.intersection(*(set(cohort.table["patient_id"]) for cohort in cohorts))
    largest = max(len(cohort.table) for cohort in cohorts)
    cohorts = [_only(cohort, shared) for cohort in cohorts]
    hashes, folder = [data_key(*one) for one in zip(cohorts, further, strict=True)], run.space.cache / "multiverse"
    wanted = [(place[_data(one.study)], _plan(one.study)) for one in specifications]
    raise_all(list(dict.fromkeys(fault for number, plan in wanted
                                 for fault in harmonise_problems(run, cohorts[number], plan))), code="E_BATCH")
    tasks = [_Task(number, plan, folder / f"{training_key(hashes[number], plan)[:24]}.parquet")
             for number, plan in wanted]
    _analyse(cohorts, further, tasks, workers)
    rows = pd.concat([pd.read_parquet(task.kept).assign(specification=number) for number, task in enumerate(tasks)],
                     ignore_index=True)
    primary = run.study.primary
    return judged(rows, [one.words for one in specifications], outcome=cohorts[0].outcome, primary=primary.model,
                  comparator=primary.comparator, left_out=largest - len(shared), possible=possible)


def specify(run: Run) -> tuple[int, list[Specification]]:
    """Return how many combinations there are, and the specifications to analyse, the card's own first."""
    listed = run.study.multiverse
    if not listed:
        raise RadnbError(f"{run.study.id}, multiverse: the card lists no choices. Name some, as in `multiverse: "
                         "{selector: [{anova: {}}, {lasso: {}}], prepare.correlation: [0.8, 0.9]}`.", code="E_CONFIG")
    raise_all([f"{run.study.id}, multiverse.{key}: it changes no figure of a specification. Vary one of "
               f"{', '.join(VARIED)}." for key in listed
               if key.split(".")[0] in Study.model_fields and key.split(".")[0] not in VARIED], code="E_CONFIG")
    raise_all([f"{run.study.id}, multiverse.{key}: list at least two choices, each once." for key, values
               in listed.items() if len(values) < 2 or any(v in values[:place] for place, v in enumerate(values))],
              code="E_CONFIG")
    possible = math.prod(len(values) for values in listed.values())
    if possible > LARGEST:
        raise RadnbError(f"{run.study.id}, multiverse: the choices make {possible:,} combinations, and more than "
                         f"{LARGEST:,} are beyond any map. List fewer.", code="E_CONFIG")
    combined = [dict(zip(listed, values, strict=True)) for values in itertools.product(*listed.values())]
    own = run.study.model_dump(mode="json")
    changed = [one for one in combined if any(_at(own, k) != v for k, v in one.items())]
    if len(changed) >= MOST:
        drawn = np.random.default_rng(run.study.seed).choice(len(changed), MOST - 1, replace=False)
        changed = [changed[number] for number in sorted(drawn.tolist())]
    others = list(_checked(run, changed))
    first = Specification({key: wording(_at(own, key)) for key in listed}, run.study)
    return len(combined), [first, *others]


def _checked(run: Run, combined: Sequence[dict[str, Any]]) -> Iterator[Specification]:
    faults = []
    for changes in combined:
        try:
            raw = run.study.model_dump(mode="json")
            for key, value in changes.items():
                _put(raw, key, value)
            study = check_card(raw, f"{run.study.id}, multiverse")
            yield Specification({key: wording(value) for key, value in changes.items()}, study)
        except RadnbError as error:
            faults += [line for line in str(error).splitlines() if line not in faults]
    raise_all(faults, code="E_CONFIG")


def wording(value: Any) -> str:
    """Write a choice as short as a person would: names, and options in brackets."""
    if isinstance(value, list):
        return " + ".join(wording(one) for one in value) or "none"
    if isinstance(value, Mapping):
        parts = [str(name) + (f" ({', '.join(f'{k}={v}' for k, v in given.items())})" if given else "")
                 if isinstance(given, Mapping) or given is None else f"{name}={given}" for name, given in value.items()]
        return ", ".join(parts)
    return "none" if value is None else str(value)


def _at(card: Mapping[str, Any], key: str) -> Any:
    """Return what a card says at a dotted key; what it leaves open of `prepare` has that function's default."""
    value: Any = card
    for name in key.split("."):
        value = value.get(name, MISSING) if isinstance(value, Mapping) else MISSING
    if value is not MISSING:
        return value
    first, _, option = key.partition(".")
    known = choices.options(prepare) if first == "prepare" else {}
    return known[option].default if option in known else None


def _put(card: dict[str, Any], key: str, value: Any) -> None:
    *parents, last = key.split(".")
    for name in parents:
        card[name] = dict(card.get(name) or {})
        card = card[name]
    card[last] = value


def _data(study: Study) -> str:
    """Return what of a card decides on its cohort and on the readers whose outlines are measured."""
    card, readers = study.model_dump(mode="json"), any(choices.name_of(step) == "robust" for step in study.selectors)
    return files.sha256_json([{key: card.get(key) for key in DATA}, readers])


def _cohorts(run: Run, specifications: Sequence[Specification]
             ) -> tuple[list[Cohort], dict[str, int], list[pd.DataFrame | None]]:
    """Return a cohort for each way of measuring and assembling, which card has which, and further readers."""
    cohorts: list[Cohort] = []
    place: dict[str, int] = {}
    further: list[pd.DataFrame | None] = []
    for one in specifications:
        key = _data(one.study)
        if key not in place:
            other = replace(run, study=one.study)
            measured = measure(other)
            place[key] = len(cohorts)
            cohorts.append(assemble(other, measured))
            further.append(repeated(other, measured, cohorts[-1]))
    return cohorts, place, further


def _only(cohort: Cohort, patients: set[str]) -> Cohort:
    """Return the cohort with these patients alone, so that all specifications stand on the same ones."""
    kept, known = cohort.table["patient_id"].isin(patients), cohort.clinical["patient_id"].isin(patients)
    return replace(cohort, table=cohort.table[kept].reset_index(drop=True),
                   clinical=cohort.clinical[known].reset_index(drop=True))


def _plan(study: Study) -> Plan:
    """Return the plan of one specification: the two models of the question, few repeats, no refits for intervals."""
    plan = plan_of(study)
    name = choices.name_of(plan.design)
    options = dict(plan.design[name] or {})
    design = {name: {**options, "repeats": REPEATS}} if name in ("repeated_kfold", "nested") else plan.design
    names = [model for model in (plan.primary, plan.comparator) if model]
    return replace(plan, sets={model: plan.sets[model] for model in names}, design=design, bootstraps=0,
                   permutations=0, controls=replace(plan.controls, on=False))


def _analyse(cohorts: list[Cohort], further: list[pd.DataFrame | None], tasks: Sequence[_Task],
             workers: int | None) -> None:
    missing = [task for task in dict.fromkeys(task.kept for task in tasks) if not task.is_file()]
    todo = [next(task for task in tasks if task.kept == path) for path in missing]
    if workers is None:
        workers = 0 if cores() == 1 else cores()
    work = functools.partial(_score, cohorts, further)
    for _, result in map_cases(work, todo, workers=workers, label="Specifications", unit="analysis"):
        if isinstance(result, Failure):
            raise RadnbError(f"A specification could not be analysed: {result.message}", code=result.code)


def _score(cohorts: list[Cohort], further: list[pd.DataFrame | None], task: _Task) -> None:
    """Analyse one specification in this process, and keep its scores."""
    found = train(cohorts[task.cohort], task.plan, repeat_measurements=further[task.cohort], workers=0)
    columns = ["patient_id", "model", "set", "repeat", "fold", "target", "truth", "time_months", "event", "score"]
    files.write_parquet(task.kept, found.predictions[columns])
