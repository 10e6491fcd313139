"""What scores a new patient: columns prepared as for the training patients, a learner, its recalibration, thresholds.

Nothing of the training patients is left in it but what was learned from them.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np
import pandas as pd
from scipy.special import expit, softmax

from radnb.errors import RadnbError
from radnb.learning.fitting import Fitted, Fused, Model, links, mean_score
from radnb.learning.folds import IntArray
from radnb.learning.fusion import Blocks, Late, Layout
from radnb.learning.harmonise import UNNAMED
from radnb.learning.impute import TypicalValues
from radnb.learning.learners.learner import Learner
from radnb.learning.prepare import Preparation
from radnb.learning.problem import Problem, Table
from radnb.learning.ready import Ready
from radnb.learning.recalibration import recalibrate
from radnb.statistics.families import Array


@dataclass
class Columns:
    """Raw columns of a table, and what the training patients gave to fill, scale and join them."""

    names: tuple[str, ...]
    preparation: Preparation
    taken: IntArray  # of the prepared columns, in the learner's order
    rotation: Array | None = None
    batch: str = ""  # the column that names each patient's centre or scanner, where features are harmonised
    batches: tuple[str, ...] = ()  # as the training patients named them

    def values(self, table: pd.DataFrame) -> Array:
        """Return the learner's columns of new patients."""
        made = self.preparation.transform(table[list(self.names)].to_numpy(float), self._codes(table))[:, self.taken]
        return made if self.rotation is None else np.asarray(made @ self.rotation)

    def _codes(self, table: pd.DataFrame) -> IntArray | None:
        """Return each patient's batch as in training; a new one gets a code of its own, and follows the policy."""
        made = self.preparation.harmoniser_
        if made is None:
            return None
        words = table[self.batch].astype("string").fillna("") if self.batch in table else pd.Series("", table.index)
        known = {name: code for code, name in enumerate(self.batches)} | {"": UNNAMED}
        codes = words.map(lambda word: known.get(word, len(self.batches))).to_numpy(np.intp)
        new = words[made.refused(codes) & (codes != UNNAMED)].unique()
        if len(new):
            raise RadnbError(f"harmonise: the model was not trained on {self.batch} {', '.join(new)}, and its study "
                             "refuses to score such patients. Freeze a study with `unseen: unharmonised`.",
                             code="E_BATCH")
        return codes

    @property
    def plain(self) -> bool:
        """Say whether each column is filled with one value and then scaled, and nothing else."""
        return self.preparation.harmoniser_ is None and isinstance(self.preparation.imputer_, TypicalValues)

    def terms(self) -> list[tuple[str, float, float, float]]:
        """Return name, fill, centre and spread of each column before rotation."""
        made, p = self.preparation, len(self.names)
        names, fill = made.names(self.names), np.append(made.fill_, np.zeros(p))
        return [(names[i], float(fill[made.columns_[i]]), float(made.centre_[i]), float(made.spread_[i]))
                for i in self.taken]


@dataclass
class Joined:
    """A learner on the joined columns of some blocks."""

    halves: tuple[Columns, ...]
    learner: Learner

    @property
    def names(self) -> tuple[str, ...]:
        """Return the raw columns that are needed."""
        return tuple(dict.fromkeys(name for half in self.halves for name in half.names))

    def scores(self, table: pd.DataFrame) -> Array:
        """Return raw scores of new patients."""
        return self.learner.scores(np.hstack([half.values(table) for half in self.halves]))


@dataclass
class Fusion:
    """Scores of models of their own, beside other columns in one regression; their mean where there is none."""

    parts: tuple[Joined, ...]
    parts_names: tuple[str, ...]
    beside: Columns
    learner: Learner | None
    centre: Array
    spread: Array
    logit: bool

    @property
    def names(self) -> tuple[str, ...]:
        """Return the raw columns that are needed."""
        return tuple(dict.fromkeys((*(name for part in self.parts for name in part.names), *self.beside.names)))

    def scores(self, table: pd.DataFrame) -> Array:
        """Return raw scores of new patients."""
        each = [part.scores(table) for part in self.parts]
        if self.learner is None:
            return mean_score(each, self.centre, self.spread)
        x = (links(each, logit=self.logit) - self.centre) / self.spread
        return self.learner.scores(np.hstack([x, self.beside.values(table)]))


@dataclass
class Pipeline:
    """A fitted model ready for new patients: scores (n, T) as they were frozen, None for a threshold never learned."""

    model: Joined | Fusion
    recalibration: Array | None
    thresholds: tuple[float | None, ...]

    def scores(self, table: pd.DataFrame) -> Array:
        """Return the scores of new patients; `table` holds the raw columns, NaN where a value is missing."""
        return recalibrate(self.model.scores(table), self.recalibration)


def pipeline(problem: Problem, ready: Ready, layout: Layout, batches: Sequence[str] = ()) -> Pipeline:
    """Take out of a fitted model what new patients need; `batches` names the centres that features were harmonised in.

    A learner that compares patients with those of training (neighbours, kernels) still holds their prepared values.
    """
    if problem.covariates is not None and problem.covariates.shape[1]:
        raise RadnbError("This study harmonises its features within covariates, and such a model cannot be frozen. "
                         "Leave harmonise.covariates out, run the study again, then freeze it.", code="E_MODEL")
    thresholds = tuple(float(t) if np.isfinite(t) else None for t in ready.thresholds)
    model = _model(problem, ready.fitted, layout)
    for part in model.parts if isinstance(model, Fusion) else (model,):
        for half in part.halves:
            half.batch = half.preparation.harmoniser.batch if half.preparation.harmoniser else ""
            half.batches = tuple(batches) if half.batch else ()
    return Pipeline(model, ready.recalibration, thresholds)


def _model(problem: Problem, fitted: Model, layout: Layout) -> Joined | Fusion:
    if isinstance(fitted, Fused) and isinstance(layout, Late):
        parts = tuple(_joined(problem, part, blocks) for part, blocks in zip(fitted.parts, layout.scores, strict=True))
        beside = _columns(problem.names(layout.beside), fitted.beside, np.arange(len(fitted.beside.names)))
        return Fusion(parts, fitted.names, beside, fitted.learner, fitted.centre, fitted.spread, fitted.logit)
    assert isinstance(fitted, Fitted) and not isinstance(layout, Late)
    return _joined(problem, fitted, layout)


def _joined(problem: Problem, fitted: Fitted, blocks: Blocks) -> Joined:
    first, second = (problem.names(part) for part in problem.parts(blocks))
    halves = (_columns(first, fitted.always, np.arange(len(fitted.always.names))),
              _columns(second, fitted.chosen, fitted.picked.columns, fitted.picked.rotation))
    return Joined(halves, fitted.learner)


def _columns(names: Sequence[str], table: Table, taken: IntArray, rotation: Array | None = None) -> Columns:
    """Keep of a preparation what the taken columns need: new patients need not bring the others."""
    lean, needed, place = table.preparation.lean(taken)
    return Columns(tuple(np.array(names, object)[table.raw][needed]), lean, place, rotation)


@dataclass(frozen=True)
class Formula:
    """A model that can be computed by hand: L = intercept + coefficients x values, then its link."""

    names: tuple[str, ...]
    fills: tuple[float, ...]
    coefficients: Array  # (T, p), per unit of each column
    intercept: Array
    link: str

    def eta(self, table: pd.DataFrame) -> Array:
        """Return L of patients; a missing value takes the place that the training patients gave it."""
        columns = [table[name].fillna(fill).to_numpy(float) if name in table
                   else table[name.removesuffix(MISSING)].isna().to_numpy(float)
                   for name, fill in zip(self.names, self.fills, strict=True)]
        x = np.column_stack(columns) if columns else np.empty((len(table), 0))
        return np.asarray(x @ self.coefficients.T + self.intercept)


def _normalised(eta: Array) -> Array:
    p = expit(eta)
    return np.asarray(p / p.sum(1, keepdims=True))


MISSING = "__missing"
LINKS: dict[str, Callable[[Array], Array]] = {
    "none": lambda eta: eta, "logistic": expit, "softmax": lambda eta: softmax(eta, axis=1), "normalised": _normalised}


def formula(model: Joined | Fusion, table: pd.DataFrame) -> Formula | None:
    """Return the formula of a model, where one gives its raw scores on these patients; else nothing."""
    line = None if isinstance(model, Fusion) else model.learner.linear()
    if line is None or isinstance(model, Fusion) or not all(half.plain for half in model.halves):
        return None
    terms = [term for half in model.halves for term in half.terms()]
    names, fills, centre, spread = (tuple(part) for part in zip(*terms, strict=True)) if terms else ((), (), (), ())
    made, start = [], 0
    for half in model.halves:
        wide = len(half.taken) if half.rotation is None else half.rotation.shape[1]
        part = line.coef[:, start:start + wide]
        made.append(part if half.rotation is None else part @ half.rotation.T)
        start += wide
    raw = np.hstack(made) / np.array(spread, float)
    intercept = line.intercept - raw @ np.array(centre, float)
    wanted = model.scores(table)
    for link, apply in LINKS.items():
        found = Formula(names, fills, raw, intercept, link)
        if np.allclose(apply(found.eta(table)), wanted, rtol=1e-9, atol=1e-9):
            return found
    return None
