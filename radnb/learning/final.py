"""The model refitted on every training patient: features, coefficients and formula, for methods text and reuse."""

from __future__ import annotations

from typing import Any

import numpy as np

from radnb.learning.fitting import Problem, Ready, Sample, Table, make_ready
from radnb.learning.folds import IntArray
from radnb.learning.learners import NoInformation
from radnb.statistics.families import Array, Cox


def final_models(problem: Problem, rows: IntArray) -> dict[str, dict[str, Any]]:
    """Refit each model set on these rows and describe it in plain numbers; coefficients are per unit of the input."""
    sample = Sample(problem, rows)
    return {model: _describe(problem, sample, make_ready(sample, blocks)) for model, blocks in problem.sets.items()}


def _describe(problem: Problem, sample: Sample, ready: Ready) -> dict[str, Any]:
    fitted = ready.fitted
    fill, centre, spread = (np.concatenate(pair) for pair in zip(
        _scaling(fitted.always, np.arange(len(fitted.always.names))), _scaling(fitted.chosen, fitted.support),
        strict=True))
    truth = problem.y[sample.train]
    found: dict[str, Any] = {
        "features": list(fitted.features), "prespecified": list(fitted.always.names),
        "selected": [fitted.chosen.names[i] for i in fitted.support],
        "candidates": fitted.always.candidates + fitted.chosen.candidates,
        "patients": len(np.unique(problem.groups[sample.train])),
        "events": int(truth[:, 1].sum() if truth.ndim == 2 else (truth == truth.max()).sum()),
        "no_information": isinstance(fitted.learner, NoInformation), "converged": bool(fitted.converged),
        "tuned": problem.candidates[fitted.candidate].note, "scale": ready.scale,
        "thresholds": _plain(ready.thresholds), "fill": _plain(fill), "centre": _plain(centre),
        "spread": _plain(spread),
        "recalibration": None if ready.recalibration is None else _plain(ready.recalibration)}
    line = fitted.learner.linear()
    if line is not None:
        raw = line.coef / spread
        intercept = line.intercept - raw @ centre
        found |= {"standardised": _plain(line.coef), "coefficients": _plain(raw), "intercept": _plain(intercept),
                  "formula": [formula(found["features"], row, float(level))
                              for row, level in zip(raw, intercept, strict=True)]}
        if truth.ndim == 2:
            found["baseline"] = _baseline(truth, fitted.scores(sample.train, {})[:, 0])
    return found


def _scaling(table: Table, columns: IntArray) -> tuple[Array, Array, Array]:
    made = table.preparation
    fill = np.append(made.fill_, 0.0)[np.minimum(made.columns_[columns], len(made.fill_))]
    return fill, made.centre_[columns], made.spread_[columns]


def _plain(values: Array) -> list[Any]:
    out: list[Any] = np.asarray(values, float).tolist()
    return out


def formula(features: list[str], coefficients: Array, intercept: float) -> str:
    """Write a weighted sum as text, five significant digits."""
    terms = [f"{'-' if value < 0 else '+'} {abs(value):.5g} × {name}"
             for name, value in zip(features, coefficients, strict=True) if value]
    return " ".join([f"{intercept:.5g}", *terms])


def _baseline(truth: Array, score: Array) -> dict[str, list[Any]]:
    """Return Breslow's baseline survival, that of a patient with score 0, at the event times."""
    family = Cox(truth[:, 0], truth[:, 1])
    steps = 1 / family.sums(np.exp(score))
    times = truth[family.rows, 0]
    distinct = np.unique(times)
    hazard = np.array([steps[times <= t].sum() for t in distinct])
    return {"time_months": _plain(distinct), "survival": _plain(np.exp(-hazard))}
