"""The leak certificate: held-out patients are corrupted before anything else, and nothing that is learned may change.

It can fail: the same corruption of training patients must change what every model set learns, or it proves nothing.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence, Set
from dataclasses import dataclass, field, fields, replace
from typing import Any

import numpy as np
import pandas as pd

from radnb.errors import RadnbError
from radnb.features.assemble import Cohort
from radnb.learning.arrays import make_problem
from radnb.learning.folds import IntArray
from radnb.learning.plan import Plan
from radnb.learning.problem import Problem, Sample
from radnb.learning.ready import Ready, make_ready
from radnb.learning.splits import Split
from radnb.learning.state import state_hash
from radnb.statistics.families import Array

LARGE, GAPS = 1e6, 0.3
STEPS = {"always": "prepare", "chosen": "prepare", "beside": "prepare", "picked": "select", "parts": "model",
         "learner": "model", "candidate": "tune", "thresholds": "threshold"}  # of a fit's fields; others by their names
SCORING = "scoring held-out patients"
SHOWN = 5


@dataclass(frozen=True)
class Learned:
    """What a fit has learned, by model set and step, and which rows each step looked at."""

    states: Mapping[tuple[str, str], Any]
    seen: Mapping[str, Sequence[IntArray]] = field(default_factory=dict)
    score: Callable[[IntArray], Mapping[str, Any]] | None = None  # rows -> their scores, by model set


Fit = Callable[[Cohort, pd.DataFrame | None], Learned]


def certify(fit: Fit, cohort: Cohort, train: IntArray, *, seed: int,
            readers: pd.DataFrame | None = None, teachers: IntArray | None = None,
            declared: Set[str] = frozenset()) -> dict[str, Any]:
    """Fit on the cohort, and again with all rows outside `train` corrupted; refuse what changed.

    `fit` takes a cohort and the rows of further readers, and may use the rows `train` only, and of `teachers` (the
    calibration sample of a new centre) all but the outcome; `declared` patients train with other rows of theirs: their
    held-out rows are corrupted as all are, and only that they were seen does not count. Returns the counts that a
    report shows; raises E_LEAK with the model set and step that changed.
    """
    rng, teachers = np.random.default_rng([seed, 8]), np.empty(0, np.intp) if teachers is None else teachers
    held = np.setdiff1d(np.arange(len(cohort.table)), np.union1d(train, teachers))
    ids = cohort.table["patient_id"].to_numpy(str)
    hidden = set(ids[held]) - declared
    lies = None if readers is None else _lying(readers, hidden)
    before = fit(cohort, readers)
    states = _hashed(before)
    wrong = corrupted(cohort, held, rng)
    if len(teachers):
        wrong = _with(wrong, teachers, [], np.empty((len(teachers), 0)), _wrong(wrong, teachers, rng))
    after = _hashed(fit(wrong, lies)) | _scored(fit, before, wrong, cohort, (held, readers), rng)
    moved = _hashed(fit(disturbed(cohort, train, rng), readers))
    steps = {step: _looked(rows, ids, hidden) for step, rows in before.seen.items()}
    found: dict[str, Any] = {
        "trained": len(set(ids[train])), "held_out": len(hidden), "steps": steps, "states": len(states),
        "models": len({model for model, _ in states}), "changed": _changed(states, after),
        "overlap": sum(step["overlap"] for step in steps.values()), "noticed": len(_changed(states, moved))}
    blind = {model for model, _ in states} - {model for model, _ in _changed(states, moved)}
    if found["changed"] and _hashed(fit(cohort, readers)) != states:
        raise RadnbError("Fitting the same patients twice gave two results, so that leaks cannot be told from chance. "
                         f"Give the seed to every random step of {_named(_changed(states, after))}.", code="E_SEED")
    _refuse(found, blind)
    return found | {"changed": 0, "passed": True}


def _scored(fit: Fit, before: Learned, wrong: Cohort, cohort: Cohort,
            held: tuple[IntArray, pd.DataFrame | None], rng: np.random.Generator) -> dict[tuple[str, str], str]:
    """Return the model sets whose scores of half the held-out rows change with all outcomes and the others' features.

    A score may follow from a patient's own features and the fitted state, and from nothing else that is held out.
    """
    rows, readers = held
    if before.score is None or len(rows) < 2:
        return {}
    half = np.sort(rng.permutation(rows)[: len(rows) // 2])
    columns = _columns(cohort)
    partly = _with(wrong, half, columns, cohort.table[columns].to_numpy(float)[half], {})
    again = fit(partly, readers).score
    old, new = before.score(half), {} if again is None else again(half)
    return {(model, SCORING): "changed" for model in old if state_hash(old[model]) != state_hash(new.get(model))}


def certificate(cohort: Cohort, plan: Plan, used: Mapping[str, tuple[str, ...]], splits: Sequence[Split],
                readers: pd.DataFrame | None = None) -> dict[str, Any]:
    """Certify every model set of a plan on one split that holds patients out, drawn by the seed; the split stays."""
    problem = make_problem(cohort, plan, used, readers)
    known = [np.union1d(one.train, problem.taught(one.train)) for one in splits]
    honest = [one for one, rows in zip(splits, known, strict=True) if len(rows) < len(cohort.table)] or list(splits)
    split = honest[int(np.random.default_rng([plan.seed, 7]).integers(len(honest)))]

    def fit(one: Cohort, others: pd.DataFrame | None) -> Learned:
        return learned(make_problem(one, plan, used, others), split.train)

    found = certify(fit, cohort, split.train, seed=plan.seed, readers=readers, teachers=problem.taught(split.train),
                    declared=_on_both_sides(cohort, plan, split))
    return {"repeat": split.repeat, "fold": split.fold, "set": split.set} | found


def _on_both_sides(cohort: Cohort, plan: Plan, split: Split) -> frozenset[str]:
    """Return the patients of whom some rows train and others are tested, where the card declares it; else nobody."""
    (_, given), = plan.design.items()
    ids = cohort.table["patient_id"].to_numpy(str)
    both = np.intersect1d(ids[split.train], ids[split.test]).tolist()
    return frozenset(both if (given or {}).get("same_patients") is True else ())


def learned(problem: Problem, train: IntArray) -> Learned:
    """Make every model set ready on these training rows and return the state of each of its steps."""
    sample, states = Sample(problem, train), dict[tuple[str, str], Any]()
    made = {model: make_ready(sample, layout) for model, layout in problem.sets.items()}
    for model, ready in made.items():
        for step, parts in _by_step(ready).items():
            states[model, step] = state_hash(parts, train)
        states[model, "score"] = state_hash(ready.scores(train))
    seen: dict[str, list[IntArray]] = {}
    for step, rows in sample.looked():
        seen.setdefault(step, []).append(rows)
    return Learned(states, seen, lambda rows: {model: ready.scores(rows) for model, ready in made.items()})


def _by_step(ready: Ready) -> dict[str, list[Any]]:
    """Return every field of a ready model under the step that made it."""
    found: dict[str, list[Any]] = {}
    for part in (ready.fitted, ready):
        for one in fields(part):
            if one.name != "fitted":
                found.setdefault(STEPS.get(one.name, one.name), []).append([one.name, getattr(part, one.name)])
    return found


def corrupted(cohort: Cohort, rows: IntArray, rng: np.random.Generator) -> Cohort:
    """Give some rows wrong outcomes, and large numbers and gaps in place of their features."""
    columns = _columns(cohort)
    values = LARGE * rng.normal(size=(len(rows), len(columns)))
    values[rng.random(values.shape) < GAPS] = np.nan
    return _with(cohort, rows, columns, values, _wrong(cohort, rows, rng))


def disturbed(cohort: Cohort, rows: IntArray, rng: np.random.Generator) -> Cohort:
    """Let half of some rows take outcomes and features of one another, each column in an order of its own."""
    columns, half = _columns(cohort), np.sort(rng.permutation(rows)[: (len(rows) + 1) // 2])
    values = cohort.table[columns].to_numpy(float)[rows]
    mixed = rng.permuted(values, axis=0)[: len(half)]
    table = cohort.table.iloc[half]
    order = rng.permutation(len(half))
    return _with(cohort, half, columns, mixed, {c: table[c].to_numpy()[order] for c in _outcome(cohort)})


def _columns(cohort: Cohort) -> list[str]:
    return list(dict.fromkeys(c for names in cohort.blocks.values() for c in names if c in cohort.table))


def _outcome(cohort: Cohort) -> tuple[str, ...]:
    return ("outcome",) if cohort.outcome.kind == "classes" else ("time_months", "event")


def _wrong(cohort: Cohort, rows: IntArray, rng: np.random.Generator) -> dict[str, Any]:
    table = cohort.table.iloc[rows]
    if cohort.outcome.kind == "classes":
        many = len(cohort.outcome.classes)
        return {"outcome": (table["outcome"].to_numpy(int) + rng.integers(1, many, len(rows))) % many}
    return {"time_months": rng.permutation(table["time_months"].to_numpy(float)) * rng.uniform(0.2, 5, len(rows)),
            "event": 1 - table["event"].to_numpy(int)}


def _with(cohort: Cohort, rows: IntArray, columns: list[str], values: Array, told: Mapping[str, Any]) -> Cohort:
    features = cohort.table[columns].to_numpy(float).copy()
    features[rows] = values
    rest = cohort.table.drop(columns=columns)
    for name, words in told.items():
        column = rest[name].to_numpy().copy()
        column[rows] = words
        rest[name] = column
    both = pd.concat([rest, pd.DataFrame(features, columns=columns, index=rest.index)], axis=1)
    return replace(cohort, table=both[list(cohort.table.columns)])


def _lying(readers: pd.DataFrame, held: set[str]) -> pd.DataFrame:
    """Replace what further readers measured in held-out patients by a large number."""
    theirs = readers["patient_id"].astype(str).isin(held)
    numbers = readers.select_dtypes("number").columns
    return readers.assign(**{c: readers[c].astype(float).mask(theirs, LARGE) for c in numbers})


def _hashed(found: Learned) -> dict[tuple[str, str], str]:
    return {key: state_hash(value) for key, value in found.states.items()}


def _looked(each: Sequence[IntArray], ids: np.ndarray[Any, Any], held: set[str]) -> dict[str, int]:
    patients = set(ids[np.unique(np.concatenate(each))])
    return {"times": len(each), "patients": len(patients), "overlap": len(patients & held)}


def _changed(one: Mapping[tuple[str, str], str], other: Mapping[tuple[str, str], str]) -> list[tuple[str, str]]:
    return [key for key in dict.fromkeys([*one, *other]) if one.get(key) != other.get(key)]


def _named(changed: Sequence[tuple[str, str]]) -> str:
    models = list(dict.fromkeys(model for model, _ in changed))[:SHOWN]
    return "; ".join(f"{one} ({', '.join(step for model, step in changed if model == one)})" for one in models)


def _refuse(found: Mapping[str, Any], blind: set[str]) -> None:
    """Stop the run where the guard has something to say."""
    if found["changed"]:
        raise RadnbError(f"A leak: corrupting {found['held_out']} patients who train nothing changed what was learned "
                         f"in {_named(found['changed'])}. Fit every step on the training rows of its sample only; "
                         "nothing of this run can be believed until then.", code="E_LEAK")
    over = [step for step, looked in found["steps"].items() if looked["overlap"]]
    if over:
        raise RadnbError(f"A leak: held-out patients were looked at by {', '.join(over)}. Fit every step on the "
                         "training rows of its sample only.", code="E_LEAK")
    if blind:
        raise RadnbError(f"Model sets {', '.join(sorted(blind))} learn nothing from {found['trained']} training "
                         "patients: other outcomes and measurements teach them the same, so that a leak certificate "
                         "proves nothing. Add patients, or features that differ between patients.", code="E_FEW")
