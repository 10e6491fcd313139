"""Refuse predictions and resamples that no honest number could come from; every fault at once."""

from __future__ import annotations

import numpy as np
import pandas as pd

from radnb.errors import nearest, raise_all
from radnb.features.assemble import Outcome
from radnb.learning.kinds import SCALES

COLUMNS = ("patient_id", "model", "set", "repeat", "fold", "target", "truth", "time_months", "event", "score", "scale",
           "threshold")
RESAMPLED = (*COLUMNS, "kind", "replicate", "split")
KINDS = ("bootstrap", "half_sample", "permutation", "permutation_added", "random_features", "learning_curve",
         "complete_cases", "volume_only", "clinical_only")


def check(predictions: pd.DataFrame, resamples: pd.DataFrame, outcome: Outcome) -> None:
    """Raise one error that lists all that is wrong with the two tables."""
    raise_all([*_columns("predictions", predictions, COLUMNS), *_columns("resamples", resamples, RESAMPLED)],
              code="E_COLUMN")
    if predictions.empty:
        raise_all(["predictions: the table is empty. Train at least one model before evaluating."], code="E_EMPTY")
    found = [*_words(predictions, resamples), *_scores("predictions", predictions), *_scores("resamples", resamples)]
    found += _truths(predictions) if outcome.kind == "classes" else _times(predictions)
    found += [*_once(predictions), *_one_way(predictions)]
    raise_all(found, code="E_PREDICTIONS")


def known_model(model: str, predictions: pd.DataFrame, where: str) -> list[str]:
    """List the sentence that refuses a model name without predictions."""
    models = set(predictions["model"].astype(str))
    return [] if model in models else [f"{where}: {model!r} has no predictions. {nearest(model, models)}"]


def _columns(name: str, table: pd.DataFrame, needed: tuple[str, ...]) -> list[str]:
    if name == "resamples" and table.empty:
        return []
    missing = [column for column in needed if column not in table.columns]
    return [f"{name}: column {column!r} is missing. {nearest(column, map(str, table.columns))}" for column in missing]


def _words(predictions: pd.DataFrame, resamples: pd.DataFrame) -> list[str]:
    found = []
    for word in sorted(set(predictions["scale"].astype(str)) - set(SCALES)):
        found.append(f"predictions: scale {word!r} is unknown. {nearest(word, SCALES)}")
    if not resamples.empty:
        for word in sorted(set(resamples["kind"].astype(str)) - set(KINDS)):
            found.append(f"resamples: kind {word!r} is unknown. {nearest(word, KINDS)}")
    return found


def _scores(name: str, table: pd.DataFrame) -> list[str]:
    if table.empty:
        return []
    score = table["score"].to_numpy(dtype=float)
    probability = table["scale"].astype(str).to_numpy() == "probability"
    missing = ~np.isfinite(score)
    outside = probability & ~missing & ((score < 0) | (score > 1))
    found = []
    if missing.any():
        found.append(f"{name}: {_where(table, missing)} without a score. Refit the model so that it scores every "
                     "patient, or exclude those patients with a reason.")
    if outside.any():
        found.append(f"{name}: {_where(table, outside)} whose probability lies outside 0 to 1. Recalibrate inside the "
                     "fold, or give the scale as 'risk' or 'linear'.")
    return found


def _where(table: pd.DataFrame, bad: np.ndarray) -> str:
    rows = table.loc[bad]
    models = ", ".join(sorted(set(rows["model"].astype(str))))
    names = sorted(set(rows["patient_id"].astype(str)))
    shown = ", ".join(names[:5]) + (" …" if len(names) > 5 else "")
    return f"model {models}: {len(rows)} rows (patients {shown})"


def _truths(predictions: pd.DataFrame) -> list[str]:
    truth = predictions["truth"].to_numpy(dtype=float)
    if not np.isin(truth, (0.0, 1.0)).all():
        bad = ~np.isin(truth, (0.0, 1.0))
        return [f"predictions: {_where(predictions, bad)} whose truth is not 0 or 1. Code the event as 1."]
    found = []
    for (model, name, target), part in predictions.groupby(["model", "set", "target"], sort=True, observed=True):
        if part["truth"].nunique() < 2:
            found.append(f"predictions: model {model}, set {name}, target {target}: all {part['patient_id'].nunique()} "
                         "patients have the same outcome. Use patients with and without it.")
    return found


def _times(predictions: pd.DataFrame) -> list[str]:
    time, event = (predictions[c].to_numpy(dtype=float) for c in ("time_months", "event"))
    found = []
    if (bad := ~np.isfinite(time) | (time < 0)).any():
        found.append(f"predictions: {_where(predictions, bad)} whose time_months is negative or missing. "
                     "Count every time from the same time zero.")
    if (bad := ~np.isin(event, (0.0, 1.0))).any():
        found.append(f"predictions: {_where(predictions, bad)} whose event is not 0 or 1. Map the event codes on the "
                     "study card.")
    for (model, name), part in predictions.groupby(["model", "set"], sort=True, observed=True):
        if not (part["event"].to_numpy(dtype=float) == 1).any():
            found.append(f"predictions: model {model}, set {name}: all {part['patient_id'].nunique()} patients are "
                         "censored. Wait for events, or choose an endpoint that has occurred.")
    return found


def _once(predictions: pd.DataFrame) -> list[str]:
    keys = ["model", "set", "target", "repeat", "patient_id"]
    train = (predictions["set"].astype(str) == "train").to_numpy()  # a patient trains several folds of a repeat
    twice = np.where(train, predictions.duplicated([*keys, "fold"]), predictions.duplicated(keys))
    if not twice.any():
        return []
    return [f"predictions: {_where(predictions, twice)} scored twice in the same repeat. The patient is the unit: "
            "keep one score per patient, model, set, target and repeat."]


def _one_way(predictions: pd.DataFrame) -> list[str]:
    frozen = predictions["fold"].isna().groupby([predictions["model"], predictions["set"]], observed=True).nunique()
    return [f"predictions: model {model}, set {name} mixes rows with and without a fold. Give cross-validated scores "
            "a fold, frozen scores none." for (model, name) in frozen.index[frozen > 1]]
