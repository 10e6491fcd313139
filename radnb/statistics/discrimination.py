"""Who is ranked above whom: AUC and concordance, counted in pairs, for one score or thousands of replicates at once."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from numpy.typing import ArrayLike
from scipy import stats

from radnb.statistics.inputs import (
    Z95,
    Bools,
    Comparison,
    Estimate,
    Floats,
    Ints,
    binary,
    codes,
    floats,
    survival,
)

BLOCK = 4_000_000  # pairs held in memory at once


class Pairs(NamedTuple):
    """For each row, its concordant (ties count 1/2) and its comparable pairs; every pair is counted at both members."""

    concordant: Floats
    comparable: Floats

    def ratio(self, unit: Ints, units: int) -> Floats:
        """Return concordant / comparable pairs of each unit (a repeat, a replicate); NaN where no pair compares."""
        total = np.bincount(unit, self.comparable, units)
        found = np.full(units, np.nan)
        np.divide(np.bincount(unit, self.concordant, units), total, out=found, where=total > 0)
        return found

    def influence(self, unit: Ints, units: int, member: Ints, members: int) -> Floats:
        """Return each member's influence on the mean ratio over units (infinitesimal jackknife).

        The root of the sum of squares is the standard error of survival::concordance; with folds as strata and
        repeats as units it is the fold-wise one of LeDell et al., Electron J Stat 2015;9:1583.
        """
        pairs = np.bincount(unit, self.comparable, units) / 2
        ratio = self.ratio(unit, units)
        usable = np.where(pairs > 0, pairs, np.nan)[unit]
        row = np.nan_to_num((self.concordant - ratio[unit] * self.comparable) / usable)
        return np.bincount(member, row, members) / max(int(np.sum(pairs > 0)), 1)


def auc(score: ArrayLike, truth: ArrayLike) -> float | Floats:
    """Return the area under the ROC curve, ties counting 1/2; one per column when `score` has several columns."""
    scores, event = binary(score, truth)
    columns = scores.reshape(len(scores), -1).T
    unit = np.repeat(np.arange(len(columns)), len(scores))
    value = auc_pairs(columns.ravel(), np.tile(event, len(columns)), unit).ratio(unit, len(columns))
    return value if scores.ndim == 2 else float(value[0])


def hand_till(probabilities: ArrayLike, label: ArrayLike) -> float:
    """Return the multi-class AUC: mean over pairs of classes (Hand and Till 2001), as pROC::multiclass.roc.

    `label` holds the column number of each patient's class.
    """
    p, own = floats(probabilities, "probabilities"), np.asarray(label)
    pairs = [(i, j) for i in range(p.shape[1]) for j in range(p.shape[1]) if i != j]
    return float(np.mean([auc(p[np.isin(own, (i, j)), i], own[np.isin(own, (i, j))] == i) for i, j in pairs]))


def auc_within(score: ArrayLike, truth: ArrayLike, fold: ArrayLike, *,
               replicate: ArrayLike | None = None) -> float | Floats:
    """Return the AUC over pairs inside the same fold: sum of concordant / sum of comparable pairs.

    With `replicate` (one label per row) there is one value for each label, in sorted order.
    """
    scores, event = binary(score, truth)
    unit, stratum = _strata(fold, replicate, len(scores))
    value = auc_pairs(scores, event, stratum).ratio(unit, int(unit.max()) + 1)
    return float(value[0]) if replicate is None else value


def concordance(score: ArrayLike, time: ArrayLike, event: ArrayLike) -> Estimate:
    """Return Harrell's C (a high score means an early event) with its infinitesimal-jackknife interval.

    Equals survival::concordance(Surv(time, event) ~ score, reverse=TRUE): two events at one time are not compared,
    an event precedes a censoring at the same time, tied scores count 1/2.
    """
    scores = floats(score, "score")
    times, events = survival(time, event)
    one = np.zeros(len(scores), dtype=np.int64)
    pairs = concordance_pairs(scores, times, events, one)
    value = float(pairs.ratio(one, 1)[0])
    se = float(np.sqrt(np.sum(pairs.influence(one, 1, np.arange(len(one)), len(one)) ** 2)))
    return Estimate(value, value - Z95 * se, value + Z95 * se, se)


def concordance_within(score: ArrayLike, time: ArrayLike, event: ArrayLike, fold: ArrayLike, *,
                       replicate: ArrayLike | None = None) -> float | Floats:
    """Return Harrell's C over pairs inside the same fold; with `replicate`, one value for each label, sorted."""
    scores = floats(score, "score")
    times, events = survival(time, event)
    unit, stratum = _strata(fold, replicate, len(scores))
    value = concordance_pairs(scores, times, events, stratum).ratio(unit, int(unit.max()) + 1)
    return float(value[0]) if replicate is None else value


def concordance_test(score_a: ArrayLike, score_b: ArrayLike, time: ArrayLike, event: ArrayLike) -> Comparison:
    """Compare two C of the same patients, a minus b, as survival::concordance(fit_a, fit_b) does."""
    a, b = floats(score_a, "score_a"), floats(score_b, "score_b")
    times, events = survival(time, event)
    one, each = np.zeros(len(a), dtype=np.int64), np.arange(len(a))
    pairs = [concordance_pairs(score, times, events, one) for score in (a, b)]
    difference = float(pairs[0].ratio(one, 1)[0] - pairs[1].ratio(one, 1)[0])
    influence = [p.influence(one, 1, each, len(a)) for p in pairs]
    return _compared(difference, float(np.sqrt(np.sum((influence[0] - influence[1]) ** 2))))


def delong(scores: ArrayLike, truth: ArrayLike) -> tuple[Floats, Floats]:
    """Return the AUC of each column and their covariance (DeLong, Biometrics 1988;44:837), in n log n steps."""
    values, event = binary(scores, truth)
    columns = values.reshape(len(values), -1).T
    unit = np.repeat(np.arange(len(columns)), len(values))
    pairs = auc_pairs(columns.ravel(), np.tile(event, len(columns)), unit)
    placed = (pairs.concordant / pairs.comparable).reshape(columns.shape)
    up, down = placed[:, event], placed[:, ~event]
    if min(up.shape[1], down.shape[1]) < 2:
        return up.mean(axis=1), np.full((len(columns), len(columns)), np.nan)
    return up.mean(axis=1), np.atleast_2d(np.cov(up)) / up.shape[1] + np.atleast_2d(np.cov(down)) / down.shape[1]


def delong_interval(score: ArrayLike, truth: ArrayLike) -> Estimate:
    """Return the AUC with DeLong's 95 % interval on the plain scale, as pROC::ci.auc; for untouched patients only."""
    value, covariance = delong(score, truth)
    se = float(np.sqrt(covariance[0, 0]))
    low, high = np.clip([value[0] - Z95 * se, value[0] + Z95 * se], 0, 1)
    return Estimate(float(value[0]), float(low), float(high), se)


def delong_test(score_a: ArrayLike, score_b: ArrayLike, truth: ArrayLike) -> Comparison:
    """Compare two AUC of the same untouched patients, a minus b, as pROC::roc.test(paired=TRUE)."""
    both = np.column_stack([floats(score_a, "score_a"), floats(score_b, "score_b")])
    value, covariance = delong(both, truth)
    contrast = np.array([1.0, -1.0])
    return _compared(float(contrast @ value), float(np.sqrt(max(contrast @ covariance @ contrast, 0.0))))


def delong_test_unpaired(score_a: ArrayLike, truth_a: ArrayLike, score_b: ArrayLike,
                         truth_b: ArrayLike) -> tuple[Comparison, float]:
    """Compare two AUC of different patients as pROC::roc.test(paired=FALSE): Welch's t; also return its df."""
    (a, var_a), (b, var_b) = delong(score_a, truth_a), delong(score_b, truth_b)
    va, vb = float(var_a[0, 0]), float(var_b[0, 0])
    df = (va + vb) ** 2 / (va**2 / (np.size(truth_a) - 1) + vb**2 / (np.size(truth_b) - 1))
    normal = _compared(float(a[0] - b[0]), float(np.sqrt(va + vb)))
    return normal._replace(p=float(2 * stats.t.sf(abs(normal.statistic), df))), float(df)


def auc_pairs(score: Floats, event: Bools, stratum: Ints) -> Pairs:
    """Count, for each row, the pairs with the other class of its stratum, by midranks."""
    above = _midranks(score, stratum) - _midranks(score, 2 * stratum + event)  # of the other class, below this row
    size = int(stratum.max(initial=0)) + 1
    events = np.bincount(stratum[event], minlength=size).astype(float)[stratum]
    others = np.bincount(stratum[~event], minlength=size).astype(float)[stratum]
    return Pairs(np.where(event, above, events - above), np.where(event, others, events))


def concordance_pairs(score: Floats, time: Floats, event: Bools, stratum: Ints) -> Pairs:
    """Count, for each row, the pairs of its stratum whose order of events is known."""
    table = _members(stratum)
    row_of = np.searchsorted(np.unique(stratum), stratum)
    concordant, comparable = np.empty(len(score)), np.empty(len(score))
    step = max(BLOCK // max(table.shape[1], 1), 1)
    for begin in range(0, len(score), step):
        mine = slice(begin, begin + step)
        others = table[row_of[mine]]
        concordant[mine], comparable[mine] = _block(score, time, event, np.arange(len(score))[mine], others)
    return Pairs(concordant, comparable)


def _block(score: Floats, time: Floats, event: Bools, row: Ints, others: Ints) -> tuple[Floats, Floats]:
    there = others >= 0
    t, e, s = time[row, None], event[row, None], score[row, None]
    other_t, other_e, other_s = time[others], event[others] & there, score[others]
    earlier = e & there & ((t < other_t) | ((t == other_t) & ~other_e))
    later = other_e & ((other_t < t) | ((other_t == t) & ~e))
    wins = np.where(earlier, s > other_s, later & (other_s > s)).sum(axis=1)
    known = earlier | later
    return wins + 0.5 * (known & (s == other_s)).sum(axis=1), known.sum(axis=1).astype(float)


def _members(stratum: Ints) -> Ints:
    """Return one line per stratum with the rows that belong to it, filled up with -1."""
    order = np.argsort(stratum, kind="stable")
    _, start, size = np.unique(stratum[order], return_index=True, return_counts=True)
    table = np.full((len(size), int(size.max(initial=0))), -1, dtype=np.int64)
    inside = np.arange(len(order)) - np.repeat(start, size)
    table[np.repeat(np.arange(len(size)), size), inside] = order
    return table


def _midranks(score: Floats, stratum: Ints) -> Floats:
    """Return, for each row, how many of its stratum score less, ties counting 1/2."""
    order = np.lexsort((score, stratum))
    value, group = score[order], stratum[order]
    first = np.r_[True, group[1:] != group[:-1]]
    tie = np.flatnonzero(first | np.r_[True, value[1:] != value[:-1]])
    size = np.diff(np.r_[tie, len(order)])
    base = np.maximum.accumulate(np.where(first, np.arange(len(order)), 0))
    ranks = np.empty(len(order))
    ranks[order] = np.repeat(tie + (size - 1) / 2, size) - base
    return ranks


def _strata(fold: ArrayLike, replicate: ArrayLike | None, rows: int) -> tuple[Ints, Ints]:
    unit = np.zeros(rows, dtype=np.int64) if replicate is None else codes(replicate)[0]
    inner, labels = codes(fold)
    return unit, unit * len(labels) + inner


def _compared(difference: float, se: float) -> Comparison:
    statistic = difference / se if se > 0 else float("nan")
    p = float(2 * stats.norm.sf(abs(statistic)))
    return Comparison(difference, difference - Z95 * se, difference + Z95 * se, se, statistic, p)
