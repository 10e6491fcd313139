"""Which interval and which p a figure may carry, given how its scores came about; where none is honest, none is given.

Frozen scores on untouched patients: DeLong, jackknife of C.  Cross-validation: the mean over repeats, whole-pipeline
resamples, fold-wise influence as a floor, permutation of the whole procedure.  Apparent scores: a number alone.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field, replace

import numpy as np
from scipy import stats

from radnb.evaluation.scored import Resampled, Scored
from radnb.statistics.discrimination import delong_interval, delong_test
from radnb.statistics.inputs import Z95, Floats
from radnb.statistics.intervals import SequentialP, besag_clifford, cv_interval

LEAST_EVENTS_CV = 12  # the fewest that were simulated (cv_intervals.md); below it nothing is known
LEAST_EVENTS_FROZEN = 10
LEAST_RESAMPLES = 25
STOP = 10  # permutations end when this many have reached the observed value
NONE = "none: "
SAME_PATIENTS = "the same patients trained"
NO_INTERVAL = ("apparent performance", "out of bag", "too few events", SAME_PATIENTS)  # whatever else is at hand


@dataclass(frozen=True)
class Figure:
    """A number, its 95 % interval (NaN where none is honest) and the code of its method."""

    value: float
    low: float
    high: float
    method: str

    @property
    def judged(self) -> bool:
        """Say whether there is an interval."""
        return bool(np.isfinite(self.low) and np.isfinite(self.high))


def alone(value: float, why: str) -> Figure:
    """Return a number without an interval, and why."""
    return Figure(float(value), float("nan"), float("nan"), NONE + why)


@dataclass(frozen=True)
class Draws:
    """What the uncertainty of an AUC or C is read from: its repeats, resamples, influence and permutations."""

    repeats: Floats
    influence: Floats
    resampled: Floats | None
    permuted: Floats
    kind: str  # "bootstrap" or "halfsample"
    plain: bool
    folds: int
    refusal: str
    replicates: tuple[int, ...] = field(default=())
    added: Floats = field(default_factory=lambda: np.empty(0))

    @property
    def value(self) -> float:
        """Return the estimate: the mean over repeats."""
        return float(np.mean(self.repeats))

    @property
    def floor(self) -> float:
        """Return the influence standard error."""
        return float(np.sqrt(np.sum(self.influence**2)))

    def figure(self, *, difference: bool = False) -> Figure:
        """Return the cross-validated figure with the interval that was simulated, or without and why."""
        if self.refusal or self.resampled is None:
            return alone(self.value, self.refusal or "no resamples")
        if not np.isfinite(self.resampled).all():
            return alone(self.value, "a resample could not be scored")
        scale = "plain" if self.plain or difference else "logit"
        bounds = (-1.0, 1.0) if difference else (0.0, 1.0)
        value, low, high, se = cv_interval(self.repeats, self.resampled, self.floor, scale=scale, bounds=bounds)
        if not se > 0:
            return alone(float(value), "no spread")
        return Figure(float(value), float(low), float(high), f"{self.design}_{self.resampling}_{scale}")

    @property
    def design(self) -> str:
        """Return the code of the cross-validation, as in cv20x5."""
        return f"cv{len(self.repeats)}x{self.folds}"

    @property
    def resampling(self) -> str:
        """Return the code of the resamples, as in bootstrap50x2."""
        shape = (0, 0) if self.resampled is None else self.resampled.shape
        return f"{self.kind}{shape[0]}x{shape[1]}"

    def p_any(self) -> SequentialP:
        """Return the permutation p that there is any signal; one repeat, as each permutation had."""
        return besag_clifford(float(self.repeats[0]), self.permuted, stop=STOP)

    def p_added(self) -> SequentialP:
        """Return the permutation p that the blocks which the comparator lacks add anything."""
        return besag_clifford(float(self.repeats[0]), self.added, stop=STOP)

    def minus(self, other: Draws) -> Draws:
        """Return the draws of the difference on the same patients and the same resamples."""
        paired = self.replicates == other.replicates and self.resampled is not None and other.resampled is not None
        resampled = self.resampled - other.resampled if paired else None  # type: ignore[operator]
        refusal = self.refusal or other.refusal or ("" if paired else "the models were not resampled together")
        return Draws(self.repeats - other.repeats, self.influence - other.influence, resampled, np.empty(0), self.kind,
                     True, self.folds, refusal, self.replicates)


def draws(one: Scored) -> Draws:
    """Return the draws of one model's AUC or C."""
    rows, resampled = one.rows, one.resampled
    v = rows.discrimination()
    table = None if resampled is None else resampled.table(resampled.rows.discrimination())
    kind = "halfsample" if resampled is not None and resampled.half else "bootstrap"
    permuted, added = (np.empty(0) if rows is None else rows.discrimination() for rows in (one.permuted, one.added))
    influence = rows.pairs.influence(rows.unit, rows.units, rows.member, one.n)
    return Draws(v, influence, table, permuted, kind, one.survival, one.folds, refusal(one),
                 () if resampled is None else resampled.replicates, added)


def defined(drawn: Draws) -> Draws:
    """Return the draws without repeats in which no pair met inside a fold; those bear no interval."""
    here = np.isfinite(drawn.repeats)
    if here.all():
        return drawn
    kept = drawn.repeats[here] if here.any() else np.array([np.nan])
    return replace(drawn, repeats=kept, refusal=drawn.refusal or "too few events")


def macro(each: Sequence[Draws]) -> Draws:
    """Return the draws of the plain mean over targets."""
    first = each[0]
    tables = [d.resampled for d in each if d.resampled is not None]
    permuted, added = _mean([d.permuted for d in each]), _mean([d.added for d in each])
    return Draws(np.mean([d.repeats for d in each], axis=0), np.mean([d.influence for d in each], axis=0),
                 np.mean(tables, axis=0) if len(tables) == len(each) else None, permuted, first.kind, first.plain,
                 first.folds, next((d.refusal for d in each if d.refusal), ""), first.replicates, added)


def _mean(each: Sequence[Floats]) -> Floats:
    return np.asarray(np.mean(each, axis=0)) if len({len(values) for values in each}) == 1 else np.empty(0)


def refusal(one: Scored) -> str:
    """Say why no interval may be given, or nothing."""
    if one.set == "train":
        return "apparent performance"
    if one.out_of_bag:
        return "out of bag"
    if one.rarer < (LEAST_EVENTS_FROZEN if one.frozen else LEAST_EVENTS_CV):
        return "too few events"
    if np.ptp(one.rows.score) == 0:
        return "identical scores"
    if one.frozen:
        return ""
    if one.resampled is None:
        return "no resamples"
    if one.resampled.shape[0] < LEAST_RESAMPLES:
        return "too few resamples"
    return "too few events" if _starved(one.resampled, one.folds, one.survival) else ""


def _starved(resampled: Resampled, folds: int, survival: bool) -> bool:
    """Say whether a resample holds fewer distinct patients of an outcome than there are folds."""
    rows, (count, splits) = resampled.rows, resampled.shape
    first = rows.unit % splits == 0
    replicate, member, event = (rows.unit // splits)[first], rows.member[first], rows.event[first]
    members = int(member.max(initial=0)) + 1
    for wanted in (True,) if survival else (True, False):
        distinct = np.unique(replicate[event == wanted] * members + member[event == wanted]) // members
        if np.bincount(distinct, minlength=count).min() < folds:
            return True
    return False


def discrimination(one: Scored, drawn: Draws) -> Figure:
    """Return the AUC or C of one model with the interval its design allows."""
    if not one.frozen or one.set == "train":
        return drawn.figure()
    if drawn.refusal:
        return alone(drawn.value, drawn.refusal)
    if one.survival:
        return from_influence(drawn, "concordance_jackknife", (0.0, 1.0))
    estimate = delong_interval(one.score, one.truth)
    if not estimate.se > 0:
        return alone(estimate.value, "no spread")
    return Figure(estimate.value, estimate.low, estimate.high, "delong")


def from_influence(drawn: Draws, method: str, bounds: tuple[float, float]) -> Figure:
    """Return a figure on untouched patients with the infinitesimal-jackknife interval."""
    if not drawn.floor > 0:
        return alone(drawn.value, "no spread")
    low, high = np.clip([drawn.value - Z95 * drawn.floor, drawn.value + Z95 * drawn.floor], *bounds)
    return Figure(drawn.value, float(low), float(high), method)


def difference(one: Scored, other: Scored, drawn: Draws, drawn_other: Draws) -> tuple[Figure, float]:
    """Return the paired difference, one minus other, and (untouched patients only) its two-sided p."""
    nothing = float("nan")
    if not np.array_equal(one.patients, other.patients) or len(drawn.repeats) != len(drawn_other.repeats):
        return alone(drawn.value - drawn_other.value, "the models scored different patients"), nothing
    both = drawn.minus(drawn_other)
    if not one.frozen or one.set == "train":
        return both.figure(difference=True), nothing
    if drawn.refusal or drawn_other.refusal:
        return alone(both.value, drawn.refusal or drawn_other.refusal), nothing
    if one.survival:
        figure = from_influence(both, "concordance_jackknife_paired", (-1.0, 1.0))
        return figure, _two_sided(both.value, both.floor)
    test = delong_test(one.score, other.score, one.truth)
    if not test.se > 0:
        return alone(test.value, "no spread"), nothing
    return Figure(test.value, max(test.low, -1.0), min(test.high, 1.0), "delong_paired"), test.p


def difference_macro(one: Scored, other: Scored, drawn: Draws, drawn_other: Draws) -> tuple[Figure, float]:
    """Return the paired difference of two macro AUC, and (untouched patients only) its two-sided p."""
    if not np.array_equal(one.patients, other.patients) or len(drawn.repeats) != len(drawn_other.repeats):
        return alone(drawn.value - drawn_other.value, "the models scored different patients"), float("nan")
    both = drawn.minus(drawn_other)
    if not one.frozen or one.set == "train":
        return both.figure(difference=True), float("nan")
    if drawn.refusal or drawn_other.refusal:
        return alone(both.value, drawn.refusal or drawn_other.refusal), float("nan")
    return from_influence(both, "macro_influence_paired", (-1.0, 1.0)), _two_sided(both.value, both.floor)


def discrimination_macro(one: Scored, drawn: Draws) -> Figure:
    """Return the mean one-versus-rest AUC with the interval its design allows."""
    if not one.frozen or one.set == "train":
        return drawn.figure()
    return alone(drawn.value, drawn.refusal) if drawn.refusal else from_influence(drawn, "macro_influence", (0.0, 1.0))


def _two_sided(value: float, se: float) -> float:
    return float(2 * stats.norm.sf(abs(value) / se)) if se > 0 else float("nan")
