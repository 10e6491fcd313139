"""The tables behind the figures: ROC, calibration, decision and survival curves, counts and scores of every model."""

from __future__ import annotations

from collections.abc import Callable, Sequence

import numpy as np
import pandas as pd

from radnb.evaluation import classification, survival
from radnb.evaluation.honesty import Draws
from radnb.evaluation.scored import Scored
from radnb.statistics.inputs import Floats


def tables(series: Sequence[Scored], drawn: Sequence[Draws], grid: Floats,
           comparator: str | None) -> dict[str, pd.DataFrame]:
    """Return every table of an Evaluation but metrics and flags; training patients have none."""
    classes = [(one, d) for one, d in zip(series, drawn, strict=True) if not one.survival and one.set != "train"]
    timed = [(one, d) for one, d in zip(series, drawn, strict=True) if one.survival and one.set != "train"]
    decision, gained = _decisions(classes, grid, comparator)
    parts = {"roc": _stack(classes, lambda one, d: classification.roc_table(one), ("threshold", "fpr", "tpr")),
             "calibration": _stack(classes, lambda one, d: classification.calibration_table(one),
                                   ("predicted", "observed", "low", "high")),
             "confusion": _stack(classes, lambda one, d: _confusion(one), ("threshold", "tp", "fp", "fn", "tn")),
             "per_100": _stack(classes, _per_100, ("measure", "value", "low", "high", "method")),
             "kaplan_meier": _stack(timed, lambda one, d: survival.kaplan_meier_table(one),
                                    ("group", "time", "survival", "low", "high", "censored")),
             "at_risk": _stack(timed, lambda one, d: survival.at_risk_table(one),
                               ("group", "time", "at_risk", "events", "censored")),
             "scores": _stack([*classes, *timed], lambda one, d: _scores(one),
                              ("patient_id", "score", "truth", "time_months", "event", "group"))}
    return {**parts, "decision": decision, "decision_difference": gained}


def _stack(series: Sequence[tuple[Scored, Draws]], make: Callable[[Scored, Draws], pd.DataFrame],
           columns: Sequence[str]) -> pd.DataFrame:
    names = ["model", "set", *columns, "target"]
    parts = [make(one, d).assign(model=one.model, set=one.set, target=one.target) for one, d in series]
    filled = [part[names] for part in parts if len(part)]
    return pd.concat(filled, ignore_index=True) if filled else pd.DataFrame(columns=names)


def _decisions(classes: Sequence[tuple[Scored, Draws]], grid: Floats,
               comparator: str | None) -> tuple[pd.DataFrame, pd.DataFrame]:
    """Return the decision curves with their references, and the differences from the comparator's."""
    columns = ("threshold", "net_benefit", "low", "high")
    found = {(one.model, one.set, one.target): (one, classification.benefit(one, d, grid)) for one, d in classes}
    curves = _stack(classes, lambda one, d: classification.decision_table(found[one.model, one.set, one.target][1],
                                                                          grid), columns)
    gained = []
    for (model, name, target), (one, mine) in found.items():
        other, theirs = found.get((comparator or "", name, target), (None, None))
        if model != comparator and other is not None and mine is not None and theirs is not None and \
                np.array_equal(one.patients, other.patients) and len(mine.repeats) == len(theirs.repeats):
            table = classification.decision_table(mine.minus(theirs), grid)
            gained.append(table.assign(model=f"{model} - {comparator}", set=name, target=target))
    names = ["model", "set", *columns, "target"]
    whole = [table for table in (curves, _references([one for one, _ in classes], grid)) if len(table)]
    return (pd.concat(whole, ignore_index=True) if whole else curves,
            pd.concat(gained, ignore_index=True)[names] if gained else pd.DataFrame(columns=names))


def _references(classes: Sequence[Scored], grid: Floats) -> pd.DataFrame:
    first: dict[tuple[str, str], Scored] = {}
    for one in classes:
        if one.scale == "probability":
            first.setdefault((one.set, one.target), one)
    parts = [table.assign(model=name, set=one.set, target=one.target) for one in first.values()
             for name, table in classification.reference_tables(one, grid).items()]
    columns = ["model", "set", "threshold", "net_benefit", "low", "high", "target"]
    return pd.concat(parts, ignore_index=True)[columns] if parts else pd.DataFrame(columns=columns)


def _confusion(one: Scored) -> pd.DataFrame:
    if not one.rows.thresholded:
        return pd.DataFrame()
    tp, fp, fn, tn = classification.mean_counts(one)
    return pd.DataFrame({"threshold": [one.rows.threshold.mean()], "tp": [tp], "fp": [fp], "fn": [fn], "tn": [tn]})


def _per_100(one: Scored, drawn: Draws) -> pd.DataFrame:
    found = classification.at_threshold(one, drawn)
    rows = [(name, f.value, f.low, f.high, f.method) for name, f in found.items() if name in classification.PER_100]
    return pd.DataFrame(rows, columns=["measure", "value", "low", "high", "method"])


def _scores(one: Scored) -> pd.DataFrame:
    flagged = one.rows.mean_by_member(one.rows.flagged.astype(float), one.n) >= 0.5
    group = np.where(flagged, "high", "low") if one.rows.thresholded else ""
    event = one.truth.astype(float)
    nothing = np.full(one.n, np.nan)
    return pd.DataFrame({"patient_id": one.patients, "score": one.score, "truth": nothing if one.survival else event,
                         "time_months": one.time if one.survival else nothing,
                         "event": event if one.survival else nothing, "group": group})
