"""Several classes: who is put into which, how well ordered ones (grades) are kept in order, and each stage alone.

The class of a patient is the most probable one.  Probabilities are made to add up to one; of a part of the classes they
are renormalised within that part, so that a stage is judged among the patients who truly belong to it.
"""

from __future__ import annotations

import itertools
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from functools import cached_property

import numpy as np
import pandas as pd

from radnb.evaluation.honesty import (
    NO_INTERVAL,
    Draws,
    Figure,
    alone,
    defined,
    discrimination,
    discrimination_macro,
    draws,
    macro,
)
from radnb.evaluation.scored import Rows, Scored
from radnb.features.assemble import Outcome
from radnb.statistics import cutoffs
from radnb.statistics.agreement import weighted_kappa
from radnb.statistics.inputs import Floats, Ints
from radnb.statistics.intervals import around, cv_error

Groups = tuple[tuple[int, ...], ...]  # classes that count as one, in order
Row = tuple[object, ...]
CLASSES = ("model", "set", "truth", "predicted", "patients")
SHARES, VERSUS, JOINT = ("correct_class", "within_one_grade"), " | ", "+"


@dataclass(frozen=True)
class Units:
    """Scores of all classes of the same rows: probabilities that add up to one, and the position of the true class."""

    rows: tuple[Rows, ...]

    @cached_property
    def shares(self) -> Floats:
        """Return the probability of each class (rows, classes)."""
        p = np.stack([rows.score for rows in self.rows], axis=1)
        total = p.sum(axis=1, keepdims=True)
        return np.divide(p, total, out=np.full(p.shape, 1 / p.shape[1]), where=total > 0)

    @cached_property
    def truth(self) -> Ints:
        """Return the position of each row's true class."""
        return np.asarray(np.argmax(np.stack([rows.event for rows in self.rows], axis=1), axis=1))

    @cached_property
    def cells(self) -> Floats:
        """Return each row as a table of true by most probable class (rows, classes, classes)."""
        k = len(self.rows)
        return np.eye(k * k)[self.truth * k + np.argmax(self.shares, axis=1)].reshape(-1, k, k)

    def counts(self) -> Floats:
        """Return the table of true by most probable class of every unit (units, classes, classes)."""
        first, flat = self.rows[0], self.cells.reshape(len(self.truth), -1)
        found = np.stack([np.bincount(first.unit, column, first.units) for column in flat.T], axis=1).astype(float)
        return found.reshape(first.units, *self.cells.shape[1:])

    def mean_cells(self, members: int) -> Floats:
        """Return each patient's table, the mean over repeats (patients, classes, classes)."""
        flat = self.cells.reshape(len(self.truth), -1)
        mean = np.stack([self.rows[0].mean_by_member(column, members) for column in flat.T], axis=1)
        return mean.reshape(members, *self.cells.shape[1:])

    def between(self, groups: Groups, low: int, high: int) -> Rows:
        """Return the rows of two groups of classes, scored by the expected place among all groups."""
        joined = np.stack([self.shares[:, list(group)].sum(axis=1) for group in groups], axis=1)
        total = joined.sum(axis=1)
        place = np.divide(joined @ np.arange(len(groups)), total, out=np.zeros(len(total)), where=total > 0)
        of = np.full(len(self.rows), -1)
        for position, group in enumerate(groups):
            of[list(group)] = position
        mine = of[self.truth]
        nothing = np.full(len(mine), np.nan)
        return replace(self.rows[0], score=place, event=mine == high, threshold=nothing).where(
            (mine == low) | (mine == high))


@dataclass(frozen=True)
class Several:
    """One model's scores of all classes in one set of patients."""

    targets: tuple[Scored, ...]
    drawn: Draws  # of the mean over classes

    @property
    def one(self) -> Scored:
        """Return the scores of the first class, which stand for what all share."""
        return self.targets[0]

    @cached_property
    def units(self) -> Units:
        """Return the repeats."""
        return Units(tuple(one.rows for one in self.targets))

    @cached_property
    def resampled(self) -> Units | None:
        """Return the refits on resampled patients."""
        found = [one.resampled.rows for one in self.targets if one.resampled is not None]
        return Units(tuple(found)) if len(found) == len(self.targets) else None

    @property
    def usable(self) -> bool:
        """Say whether the scores are probabilities of the same patients and folds."""
        sides = [self.units.rows, *([self.resampled.rows] if self.resampled is not None else [])]
        return all(one.scale == "probability" for one in self.targets) and all(
            np.array_equal(getattr(rows, name), getattr(side[0], name))
            for side in sides for rows in side[1:] for name in ("unit", "stratum", "member"))


def metrics(several: Several, outcome: Outcome, cut: int | None = None) -> list[Row]:
    """Return the share put into the right class; for ordered classes also weighted kappa, order, and the two stages.

    The first stage sets the classes from position `cut` on (none given: the last class) against those below.
    """
    if not several.usable:
        return []
    found = _assigned(several)
    one, smallest = several.one, min(target.events for target in several.targets)
    names = ("correct_class", "within_one_grade", "weighted_kappa") if outcome.ordered else ("correct_class",)
    rows: list[Row] = [_row(one, name, found[name], one.n, smallest) for name in names]
    return rows + ([_ordered(several, *part) for part in _parts(outcome, cut)] if outcome.ordered else [])


def _row(one: Scored, metric: str, figure: Figure, n: int, events: int) -> Row:
    return (one.model, one.set, metric, figure.value, figure.low, figure.high, n, events, figure.method)


def _parts(outcome: Outcome, cut: int | None) -> Iterator[tuple[str, Groups]]:
    """Yield what is asked of ordered classes: the whole order, the sides of the cut, the order within each side."""
    k = len(outcome.classes)
    whole: Groups = tuple((position,) for position in range(k))
    at = k - 1 if cut is None or not 0 < cut < k else cut
    stages: list[tuple[str, Groups]] = [("first_stage", (tuple(range(at)), tuple(range(at, k))))]
    stages += [("second_stage", side) for side in (whole[:at], whole[at:]) if len(side) > 1]
    yield "ordinal_c", whole
    for name, groups in stages:
        yield f"{name}[{VERSUS.join(JOINT.join(outcome.classes[c] for c in group) for group in groups)}]", groups


def _ordered(several: Several, metric: str, groups: Groups) -> Row:
    """Return how often, of two patients of different groups, the higher one has the higher expected place."""
    one = several.one
    pairs = [_pair(several, groups, low, high) for low, high in itertools.combinations(range(len(groups)), 2)]
    each = [(pair, defined(draws(pair))) for pair, _ in pairs]
    last = int(np.isin(_truth(several), groups[-1]).sum())
    n = int(np.isin(_truth(several), [c for group in groups for c in group]).sum())
    if len(each) == 1:
        return _row(one, metric, discrimination(*each[0]), n, last)
    spread = [replace(drawn, influence=_spread(drawn, who, one.n)) for (_, drawn), (_, who) in zip(each, pairs,
                                                                                                   strict=True)]
    if len({len(drawn.repeats) for drawn in spread}) > 1:
        value = float(np.mean([drawn.value for drawn in spread]))
        return _row(one, metric, alone(value, "too few events"), n, last)
    figure = discrimination_macro(one, macro(spread))
    return _row(one, metric, replace(figure, method=figure.method.replace("macro_", "pairs_")), n, last)


def _truth(several: Several) -> Ints:
    """Return each patient's true class."""
    return np.asarray(np.argmax(np.stack([target.truth for target in several.targets], axis=1), axis=1))


def _spread(drawn: Draws, who: Ints, members: int) -> Floats:
    """Return the influence of some patients as that of all."""
    found = np.zeros(members)
    found[who] = drawn.influence
    return found


def _pair(several: Several, groups: Groups, low: int, high: int) -> tuple[Scored, Ints]:
    """Return the patients of two groups as scores of their own, and their places among all."""
    one, rows = several.one, several.units.between(groups, low, high)
    who, member = np.unique(rows.member, return_inverse=True)
    again = one.resampled
    if again is not None and several.resampled is not None:
        again = replace(again, rows=several.resampled.between(groups, low, high), scale="linear")
    return replace(one, patients=one.patients[who], rows=replace(rows, member=member), scale="linear", target="",
                   resampled=again, permuted=None, added=None), who


def _measures(counts: Floats) -> Floats:
    """Return the share in the right class, within one class of it, and the weighted kappa (..., 3)."""
    k = counts.shape[-1]
    far = np.abs(np.subtract.outer(np.arange(k), np.arange(k)))
    n = counts.sum(axis=(-2, -1))
    return np.stack([(counts * (far == 0)).sum(axis=(-2, -1)) / n, (counts * (far <= 1)).sum(axis=(-2, -1)) / n,
                     weighted_kappa(counts)], axis=-1)


def _assigned(several: Several) -> dict[str, Figure]:
    """Return the measures of the most probable class with the intervals that their design allows."""
    one, drawn, names = several.one, several.drawn, (*SHARES, "weighted_kappa")
    repeats = _measures(several.units.counts())
    value, why = repeats.mean(axis=0), drawn.refusal
    if one.frozen and not why:
        error, code = _jackknife(several), "patients_grades"
    elif several.resampled is None or why or why in NO_INTERVAL or one.resampled is None:
        return {name: alone(v, why or "no resamples") for name, v in zip(names, value, strict=True)}
    else:
        table = one.resampled.table(_measures(several.resampled.counts()))
        if not np.isfinite(table).all():
            return {name: alone(v, "a resample could not be scored") for name, v in zip(names, value, strict=True)}
        error, code = cv_error(repeats, table, _jackknife(several)), f"{drawn.design}_{drawn.resampling}_grades"
    return {name: _limits(name, float(v), float(se), one.n, code)
            for name, v, se in zip(names, value, error, strict=True)}


def _jackknife(several: Several) -> Floats:
    """Return the standard error of each measure by leaving out one patient at a time."""
    n = several.one.n
    cells = several.units.mean_cells(n)
    return np.asarray(np.sqrt((n - 1) * _measures(cells.sum(axis=0) - cells).var(axis=0)))


def _limits(name: str, value: float, error: float, n: int, code: str) -> Figure:
    """Return a share with limits never narrower than Wilson's, or kappa on its own scale."""
    if not np.isfinite(value):
        return alone(value, "not defined")
    if name in SHARES:
        low, high = (float(x) for x in cutoffs.wilson(value * n, float(n)))
        wide = around(value, error) if error > 0 else (low, high)
        return Figure(value, min(low, float(wide[0]), value), max(high, float(wide[1]), value), code)
    if not error > 0:
        return alone(value, "no spread")
    low, high = (float(x) for x in around(value, error, scale="plain", bounds=(-1.0, 1.0)))
    return Figure(value, low, high, code)


def classes(found: Sequence[Several], outcome: Outcome) -> pd.DataFrame:
    """Return the table of true by most probable class of each model: model, set, truth, predicted, patients."""
    rows = [(s.one.model, s.one.set, truth, predicted, mean[i, j])
            for s in found if s.usable and s.one.set != "train" for mean in [s.units.mean_cells(s.one.n).sum(axis=0)]
            for i, truth in enumerate(outcome.classes) for j, predicted in enumerate(outcome.classes)]
    return pd.DataFrame(rows, columns=list(CLASSES)).astype({"patients": float})
