"""The model refitted on every training patient: features, coefficients and formula, for methods text and reuse."""

from __future__ import annotations

from typing import Any

import numpy as np

from radnb.learning.fitting import Fitted, Fused, Model
from radnb.learning.folds import IntArray
from radnb.learning.learners.learner import NoInformation
from radnb.learning.linear import Fit
from radnb.learning.problem import Problem, Sample, Table
from radnb.learning.ready import Ready, make_ready
from radnb.statistics.families import Array, Cox


def final_models(problem: Problem, rows: IntArray) -> dict[str, dict[str, Any]]:
    """Refit each model set on these rows and describe it in plain numbers; coefficients are per unit of the input."""
    sample = Sample(problem, rows)
    return {model: _describe(sample, make_ready(sample, layout)) for model, layout in problem.sets.items()}


def _describe(sample: Sample, ready: Ready) -> dict[str, Any]:
    fitted, problem, truth = ready.fitted, sample.problem, sample.problem.y[sample.train]
    return {
        "features": list(fitted.features), "selected": list(fitted.chosen_names), "candidates": fitted.candidates,
        "patients": len(np.unique(problem.groups[sample.train])),
        "events": int(truth[:, 1].sum() if truth.ndim == 2 else (truth == truth.max()).sum()),
        "no_information": not fitted.features or _knows_nothing(fitted), "converged": bool(fitted.converged),
        "tuned": problem.candidates[fitted.candidate].note, "scale": ready.scale,
        "thresholds": _plain(ready.thresholds),
        "recalibration": None if ready.recalibration is None else _plain(ready.recalibration),
        "harmonised": problem.batches is not None,
    } | (_fusion(sample, fitted) if isinstance(fitted, Fused) else _columns(sample, fitted))


def _knows_nothing(fitted: Model) -> bool:
    return isinstance(fitted.learner, NoInformation)


def _fusion(sample: Sample, fitted: Fused) -> dict[str, Any]:
    """Describe the regression on the scores, per unit of each score and column, and the model behind each score."""
    line = None if fitted.learner is None else fitted.learner.linear()
    return {"prespecified": list(fitted.beside.names), "fusion": _joined(fitted, line) if line else ["mean"],
            "parts": {name: _columns(sample, part) for name, part in zip(fitted.names, fitted.parts, strict=False)}}


def _joined(fitted: Fused, line: Fit) -> list[str]:
    """Write the regression of a fusion as text; scores count on the scale of their own sums."""
    _, centre, spread = _scaling(fitted.beside, np.arange(len(fitted.beside.names)))
    raw = line.coef / np.concatenate([np.ravel(fitted.spread), spread])
    levels = line.intercept - raw @ np.concatenate([np.ravel(fitted.centre), centre])
    return [formula(list(fitted.features), row, float(level)) for row, level in zip(raw, levels, strict=True)]


def _columns(sample: Sample, fitted: Fitted) -> dict[str, Any]:
    """Describe filling, scaling and, where the model is a weighted sum, its coefficients per unit of each column."""
    names = [*fitted.always.names, *fitted.chosen_names]
    fill, centre, spread = (np.concatenate(pair) for pair in zip(
        _scaling(fitted.always, np.arange(len(fitted.always.names))), _scaling(fitted.chosen, fitted.picked.columns),
        strict=True))
    found: dict[str, Any] = {"prespecified": list(fitted.always.names), "fill": _plain(fill),
                             "centre": _plain(centre), "spread": _plain(spread),
                             "bound": fitted.chosen.preparation.bound}
    line, made = fitted.learner.linear(), fitted.picked.rotation
    if line is not None and line.coef.shape[1]:
        fixed = len(fitted.always.names)
        coef = line.coef if made is None else np.hstack([line.coef[:, :fixed], line.coef[:, fixed:] @ made.T])
        raw = coef / spread
        intercept = line.intercept - raw @ centre
        found |= {"standardised": _plain(coef), "coefficients": _plain(raw), "intercept": _plain(intercept),
                  "terms": names, "formula": [formula(names, row, float(level))
                                              for row, level in zip(raw, intercept, strict=True)]}
        truth = sample.problem.y[sample.train]
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
