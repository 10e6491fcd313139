"""The rows that learning leaves behind: predictions, resamples, selections and fits, in a fixed order."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import pandas as pd

from radnb.features.assemble import Cohort
from radnb.learning.controls import CANDIDATE, NO_FOLD, Part
from radnb.learning.plan import Trained
from radnb.learning.problem import Problem
from radnb.learning.splits import Split

PREDICTIONS = ("patient_id", "model", "set", "repeat", "fold", "target", "truth", "time_months", "event", "score",
               "scale", "threshold")
RESAMPLES = (*PREDICTIONS, "kind", "replicate", "split")
SELECTIONS = ("model", "repeat", "fold", "feature", "weight")
CANDIDATES = ("patient_id", "model", "candidate", "selector", "learner", "features", "note", "set", "repeat", "fold",
              "target", "truth", "time_months", "event", "score")
MAIN = ("cv", "frozen")


def trained(cohort: Cohort, problem: Problem, parts: Sequence[Part], final: Mapping[str, Mapping[str, Any]],
            splits: Sequence[Split], costs: Mapping[str, Mapping[str, float]],
            certificate: Mapping[str, Any]) -> Trained:
    """Write the parts down as tables."""
    order = {model: i for i, model in enumerate(problem.sets)}
    main = sorted((p for p in parts if p.kind in MAIN), key=lambda p: order[p.model])
    each = sorted((p for p in parts if p.kind == CANDIDATE), key=lambda p: (order[p.model], p.replicate))
    again = [p for p in parts if p.kind not in (*MAIN, CANDIDATE)]
    predictions = _rows(cohort, problem, main)[list(PREDICTIONS)]
    return Trained(predictions, _rows(cohort, problem, again)[list(RESAMPLES)], _selections(main),
                   _fits([*main, *again]), final, candidates=_candidates(cohort, problem, each),
                   splits=_splits(problem, splits), certificate=certificate, costs=costs)


def _candidates(cohort: Cohort, problem: Problem, parts: Sequence[Part]) -> pd.DataFrame:
    """Return the scores of every candidate of a grid, with what it is."""
    table = _rows(cohort, problem, parts).rename(columns={"replicate": "candidate"})
    number = table["candidate"].to_numpy(np.int64) if len(table) else np.empty(0, np.int64)
    known = pd.DataFrame([(c.selector, c.learner, c.features, c.note) for c in problem.candidates],
                         columns=["selector", "learner", "features", "note"]).astype({"features": "Int64"})
    return table.assign(**{name: known[name].array[number] for name in known})[list(CANDIDATES)]


def _splits(problem: Problem, splits: Sequence[Split]) -> pd.DataFrame:
    """Return who trained and was tested where: one row per split, with patients and events of both sides."""
    def counted(rows: np.ndarray[Any, Any]) -> tuple[int, int]:
        y = problem.y[rows]
        return len(np.unique(problem.groups[rows])), int(y[:, 1].sum() if y.ndim == 2 else (y == y.max()).sum())

    rows = [(s.repeat, NO_FOLD if s.fold is None else s.fold, s.set, s.name, s.frozen, *counted(s.train),
             *counted(s.test)) for s in splits]
    table = pd.DataFrame(rows, columns=["repeat", "fold", "set", "name", "frozen", "train_patients", "train_events",
                                        "test_patients", "test_events"])
    return table.assign(fold=_whole(table["fold"].to_numpy(np.int64)))


def _rows(cohort: Cohort, problem: Problem, parts: Sequence[Part]) -> pd.DataFrame:
    if not parts:
        return pd.DataFrame({name: pd.Series(dtype=kind) for name, kind in _TYPES.items()})
    targets, many = _targets(cohort), problem.targets
    sizes = np.array([len(p.rows) * many for p in parts])
    rows = np.concatenate([np.repeat(p.rows, many) for p in parts])
    truth = np.concatenate([np.repeat(p.rows if p.truth is None else p.truth, many) for p in parts])
    target = np.tile(np.arange(many), len(rows) // many)
    fold = np.concatenate([np.repeat(p.fold, many) for p in parts])
    thresholds = [np.nan if p.thresholds is None else p.thresholds for p in parts]

    def each(name: str) -> np.ndarray[Any, Any]:
        return np.repeat(np.array([getattr(p, name) for p in parts]), sizes)

    return pd.DataFrame({
        "patient_id": cohort.table["patient_id"].to_numpy(str).astype(object)[rows],
        "model": each("model").astype(object), "set": each("set").astype(object), "repeat": _whole(each("repeat")),
        "fold": _whole(fold), "target": np.array(targets, object)[target], **_outcome(problem, truth, target),
        "score": np.concatenate([p.scores.ravel() for p in parts]), "scale": each("scale").astype(object),
        "threshold": np.concatenate([np.broadcast_to(t, p.scores.shape).ravel()
                                     for t, p in zip(thresholds, parts, strict=True)]),
        "kind": each("kind").astype(object), "replicate": _whole(each("replicate")), "split": _whole(each("split"))})


_TYPES = (dict.fromkeys(("patient_id", "model", "set", "target", "scale", "kind"), "object")
          | dict.fromkeys(("repeat", "fold", "replicate", "split"), "Int64")
          | dict.fromkeys(("truth", "time_months", "event", "score", "threshold"), "float64"))


def _targets(cohort: Cohort) -> tuple[str, ...]:
    if cohort.outcome.kind == "survival":
        return ("risk",)
    return cohort.outcome.classes[-1:] if cohort.outcome.binary else cohort.outcome.classes


def _outcome(problem: Problem, rows: np.ndarray[Any, Any], target: np.ndarray[Any, Any]) -> dict[str, Any]:
    none = np.full(len(rows), np.nan)
    if problem.classes == 0:
        return {"truth": none, "time_months": problem.y[rows, 0], "event": problem.y[rows, 1]}
    code = target + 1 if problem.classes == 2 else target
    return {"truth": (problem.y[rows] == code).astype(float), "time_months": none, "event": none}


def _whole(values: np.ndarray[Any, Any]) -> pd.arrays.IntegerArray:
    return pd.arrays.IntegerArray(values.astype(np.int64), values == NO_FOLD)


def _selections(main: Sequence[Part]) -> pd.DataFrame:
    found = [(p.model, p.repeat, *chosen) for p in main for chosen in p.chosen]
    table = pd.DataFrame(found, columns=["model", "repeat", "fold", "feature", "weight"])
    table["repeat"], table["fold"] = (_whole(table[name].to_numpy(np.int64)) for name in ("repeat", "fold"))
    return table.astype({"weight": float})


def _fits(parts: Sequence[Part]) -> pd.DataFrame:
    table = pd.DataFrame([record for p in parts for record in p.fits])
    for name in ("repeat", "fold", "replicate", "split"):
        table[name] = _whole(table[name].to_numpy(np.int64))
    return table
