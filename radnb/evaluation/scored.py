"""The long tables as arrays: one `Scored` per model, set and target, its rows ready for counting in one sweep."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace
from functools import cached_property
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from radnb.statistics.discrimination import Pairs, auc_pairs, concordance_pairs
from radnb.statistics.inputs import Bools, Floats, Ints
from radnb.statistics.usefulness import contributions


@dataclass(frozen=True)
class Rows:
    """Scores of many units (repeats, resamples) of the same patients; pairs are formed inside one unit's fold only."""

    unit: Ints
    units: int
    stratum: Ints
    member: Ints
    score: Floats
    event: Bools  # the target class, or the event of a survival outcome
    time: Floats | None
    threshold: Floats

    @cached_property
    def pairs(self) -> Pairs:
        """Count concordant and comparable pairs of every row."""
        if self.time is None:
            return auc_pairs(self.score, self.event, self.stratum)
        return concordance_pairs(self.score, self.time, self.event, self.stratum)

    def discrimination(self) -> Floats:
        """Return the AUC, or Harrell's C, of every unit."""
        return self.pairs.ratio(self.unit, self.units)

    @property
    def flagged(self) -> Bools:
        """Say which rows reach their own fold's threshold."""
        return np.asarray(self.score >= self.threshold)

    @property
    def thresholded(self) -> bool:
        """Say whether every row carries a threshold."""
        return bool(np.isfinite(self.threshold).all())

    def cells(self) -> Floats:
        """Return the four indicators found, wrongly flagged, missed, cleared of every row."""
        flag, event = self.flagged, self.event
        return np.stack([flag & event, flag & ~event, ~flag & event, ~flag & ~event]).astype(float)

    def counts(self) -> Floats:
        """Return found, wrongly flagged, missed, cleared (4, units)."""
        return np.stack([np.bincount(self.unit, cell, self.units) for cell in self.cells()])

    def mean_by_unit(self, values: Floats) -> Floats:
        """Return the mean of a per-row value in each unit."""
        return np.bincount(self.unit, values, self.units) / np.bincount(self.unit, minlength=self.units)

    def mean_by_member(self, values: Floats, members: int) -> Floats:
        """Return the mean over repeats of a per-row value for each patient."""
        return np.bincount(self.member, values, members) / np.bincount(self.member, minlength=members)

    def net_benefit(self, thresholds: Floats) -> Floats:
        """Return the net benefit of every unit at every threshold (units, thresholds)."""
        shares = contributions(self.score, self.event, thresholds)
        return np.stack([self.mean_by_unit(column) for column in shares.T], axis=1)

    def at_fold_medians(self) -> Rows:
        """Return the rows with the median score of their own fold as threshold: who is above, who below."""
        order = np.lexsort((self.score, self.stratum))
        labels, start, size = np.unique(self.stratum[order], return_index=True, return_counts=True)
        middle = (self.score[order][start + (size - 1) // 2] + self.score[order][start + size // 2]) / 2
        return replace(self, threshold=middle[np.searchsorted(labels, self.stratum)])

    def only(self, unit: int) -> Rows:
        """Return the rows of one unit."""
        found = self.where(np.asarray(self.unit == unit))
        return replace(found, unit=np.zeros_like(found.unit), units=1)

    def where(self, kept: Bools) -> Rows:
        """Return some of the rows."""
        return Rows(self.unit[kept], self.units, self.stratum[kept], self.member[kept], self.score[kept],
                    self.event[kept], None if self.time is None else self.time[kept], self.threshold[kept])


@dataclass(frozen=True)
class Resampled:
    """Whole-pipeline refits on resampled patients: rows, their shape (resamples, splits), and which they are."""

    rows: Rows
    shape: tuple[int, int]
    half: bool
    scale: str
    replicates: tuple[int, ...]

    def table(self, values: Floats) -> Floats:
        """Fold values per unit into V[resample, split, ...]."""
        return values.reshape(*self.shape, *values.shape[1:])


@dataclass(frozen=True)
class Scored:
    """Everything one model predicted of one target in one set of patients."""

    model: str
    set: str
    target: str
    scale: str
    patients: NDArray[Any]
    rows: Rows
    frozen: bool
    folds: int
    resampled: Resampled | None = None
    permuted: Rows | None = None
    added: Rows | None = None  # permutations of the blocks that the comparator lacks

    @property
    def survival(self) -> bool:
        """Say whether the outcome is a time to an event."""
        return self.rows.time is not None

    @property
    def out_of_bag(self) -> bool:
        """Say whether each repeat scored only those whom a bootstrap sample left out."""
        partial = len(self.rows.unit) < self.rows.units * self.n
        return partial and self.folds == 1 and not self.frozen and self.set != "train"

    @cached_property
    def truth(self) -> Bools:
        """Return each patient's event, in the order of `patients`."""
        return np.asarray(self._per_patient(self.rows.event.astype(float)) == 1)

    @cached_property
    def time(self) -> Floats:
        """Return each patient's time in months (zeros for classes)."""
        return self._per_patient(np.zeros(len(self.rows.unit)) if self.rows.time is None else self.rows.time)

    @cached_property
    def score(self) -> Floats:
        """Return each patient's score, the mean over repeats."""
        return self.rows.mean_by_member(self.rows.score, self.n)

    @property
    def n(self) -> int:
        """Return the number of patients."""
        return len(self.patients)

    @property
    def events(self) -> int:
        """Return the number of patients with the event."""
        return int(self.truth.sum())

    @property
    def rarer(self) -> int:
        """Return the number of the rarer outcome (classes), or of events (survival)."""
        return self.events if self.survival else min(self.events, self.n - self.events)

    def _per_patient(self, values: Floats) -> Floats:
        found = np.empty(self.n)
        found[self.rows.member] = values
        return found


def scored(predictions: pd.DataFrame, resamples: pd.DataFrame, *, survival: bool) -> list[Scored]:
    """Return one Scored per model, set and target; resamples belong to cross-validated (internal) rows."""
    drawn = {(kind, model, target): part for (kind, model, target), part in _parts(resamples, "kind")}
    result = []
    for (name, model, target), part in _parts(predictions, "set"):
        patients = np.unique(part["patient_id"].astype(str))
        frozen = bool(part["fold"].isna().all())
        internal = not frozen and name == "internal"
        resampled = _resampled(drawn, model, target, survival) if internal else None
        permuted, added = (_permuted(drawn.get((kind, model, target)), survival) if internal else None
                           for kind in ("permutation", "permutation_added"))
        rows, folds = _rows(part, ["repeat"], patients, survival)
        result.append(Scored(model, name, target, _scale(part), patients, rows, frozen, folds, resampled, permuted,
                             added))
    return result


def refitted(resamples: pd.DataFrame, kind: str, one: Scored, *, model: str) -> Rows | None:
    """Return the rows of one kind of refit of a model, of the same target and patients; a unit is one replicate."""
    if resamples.empty:
        return None
    part = resamples[(resamples["kind"] == kind) & (resamples["model"] == model) & (resamples["target"] == one.target)]
    return None if part.empty else _rows(part, ["replicate", "split"], one.patients, one.survival)[0]


def _scale(part: pd.DataFrame) -> str:
    scales = set(part["scale"].astype(str))
    return scales.pop() if len(scales) == 1 else "linear"


def _permuted(part: pd.DataFrame | None, survival: bool) -> Rows | None:
    return None if part is None else _rows(part, ["replicate"], None, survival)[0]


def _parts(table: pd.DataFrame, first: str) -> Iterator[tuple[tuple[str, str, str], pd.DataFrame]]:
    if table.empty:
        return
    for (a, b, c), part in table.groupby([first, "model", "target"], sort=True, observed=True):
        yield (str(a), str(b), str(c)), part


def _resampled(drawn: dict[tuple[str, str, str], pd.DataFrame], model: str, target: str,
               survival: bool) -> Resampled | None:
    kinds = ("half_sample", "bootstrap") if survival else ("bootstrap", "half_sample")
    kind = next((k for k in kinds if (k, model, target) in drawn), None)
    if kind is None:
        return None
    part = drawn[kind, model, target]
    pairs = part[["replicate", "split"]].drop_duplicates()
    splits = pairs.groupby("replicate").size()
    whole = sorted(int(r) for r in splits.index[splits == splits.max()])  # a resample without all splits is left out
    if len(whole) < len(splits):
        part = part[part["replicate"].isin(whole)]
    rows, _ = _rows(part, ["replicate", "split"], None, survival)
    return Resampled(rows, (len(whole), int(splits.max())), kind == "half_sample", _scale(part),
                     tuple(whole))


def _rows(part: pd.DataFrame, by: list[str], patients: NDArray[Any] | None, survival: bool) -> tuple[Rows, int]:
    """Return the rows sorted by unit and patient, so that equal tables give equal bytes, and the number of folds."""
    unit, units = _unit(part, by)
    if patients is None:
        member = pd.factorize(part["patient_id"], sort=True)[0].astype(np.int64)
    else:
        member = np.searchsorted(patients, part["patient_id"].astype(str).to_numpy()).astype(np.int64)
    order = np.lexsort((part["score"].to_numpy(dtype=float), member, unit))  # copies of a patient by their scores

    def column(name: str) -> Floats:
        return np.asarray(part[name], dtype=float)[order]

    fold = part["fold"].fillna(0).to_numpy(dtype=np.int64)[order]
    unit, member, folds = unit[order], member[order], int(fold.max()) + 1
    used = len(np.unique(unit * folds + fold)) // max(units, 1)
    event, time = column("event" if survival else "truth") == 1, column("time_months") if survival else None
    return Rows(unit, units, unit * folds + fold, member, column("score"), event, time, column("threshold")), used


def _unit(part: pd.DataFrame, by: list[str]) -> tuple[Ints, int]:
    code = np.zeros(len(part), dtype=np.int64)
    for column in by:
        values = part[column].fillna(0).to_numpy(dtype=np.int64)
        code = code * (int(values.max(initial=0)) + 1) + values
    labels, unit = np.unique(code, return_inverse=True)
    return unit.astype(np.int64), len(labels)
