"""Survival: low and high risk at the training folds' cut-offs, Kaplan-Meier, numbers at risk, log-rank."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import pandas as pd

from radnb.evaluation.honesty import STOP, Figure, alone
from radnb.evaluation.scored import Rows, Scored
from radnb.statistics import survival as curves
from radnb.statistics.inputs import Bools, Floats
from radnb.statistics.intervals import besag_clifford

GROUPS = ("low", "high")
LEVEL = 0.95
STEPS = (1, 2, 3, 6, 12, 24, 36, 60, 120)


def high_risk(one: Scored) -> Bools:
    """Return who is at high risk: flagged by its own fold's cut-off in at least half of the repeats."""
    return one.rows.mean_by_member(one.rows.flagged.astype(float), one.n) >= 0.5


def groups(one: Scored) -> list[tuple[str, Bools]]:
    """Return the risk groups that hold somebody; none without cut-offs."""
    if not one.rows.thresholded:
        return []
    high = high_risk(one)
    return [(name, who) for name, who in zip(GROUPS, (~high, high), strict=True) if who.any()]


def kaplan_meier_table(one: Scored) -> pd.DataFrame:
    """Return the curve of each risk group, from time zero on."""
    parts = []
    for name, who in groups(one):
        curve = curves.kaplan_meier(one.time[who], one.truth[who])
        part = pd.DataFrame({"time": curve.time, "survival": curve.survival, "low": _low(curve), "high": curve.high})
        start = pd.DataFrame({"time": [0.0], "survival": [1.0], "low": [1.0], "high": [1.0]})
        part = pd.concat([start, part[part["time"] > 0]], ignore_index=True)
        parts.append(part.assign(group=name, censored=np.r_[0.0, curve.censored[curve.time > 0]]))
    return pd.concat(parts, ignore_index=True) if parts else pd.DataFrame(columns=["group", "time", "survival", "low",
                                                                                   "high", "censored"])


def at_risk_table(one: Scored) -> pd.DataFrame:
    """Return, at round times, who of each group is still followed, had the event, was censored."""
    times, parts = round_times(float(one.time.max())), []
    for name, who in groups(one):
        still, events, censored = curves.number_at_risk(one.time[who], one.truth[who], times)
        parts.append(pd.DataFrame({"group": name, "time": times, "at_risk": still, "events": events,
                                   "censored": censored}))
    return pd.concat(parts, ignore_index=True) if parts else pd.DataFrame(columns=["group", "time", "at_risk", "events",
                                                                                   "censored"])


def round_times(longest: float) -> Floats:
    """Return about six round times in months from zero to the end of follow-up."""
    step = next((s for s in STEPS if longest / s <= 7), 120)
    return np.arange(0, longest + 1e-9, step, dtype=float)


def logrank_p(one: Scored) -> Figure:
    """Return the p between risk groups: of permuting the whole procedure (one-sided), or the ordinary one if frozen."""
    if not one.rows.thresholded:
        return alone(float("nan"), "no cut-off")
    if one.frozen:
        return _ordinary(one)
    if one.permuted is None:
        return alone(float("nan"), "no permutations")
    own, permuted, code = one.rows.only(0), one.permuted, "logrank_permuted"
    if not permuted.thresholded:  # permutations carry no cut-offs: both are cut at the median of each fold
        own, permuted, code = own.at_fold_medians(), permuted.at_fold_medians(), "logrank_fold_median_permuted"
    p = besag_clifford(float(_z(own)[0]), _z(permuted), stop=STOP)
    return Figure(p.p, float("nan"), float("nan"), f"{code}{p.used}")


def _ordinary(one: Scored) -> Figure:
    if len(groups(one)) < 2:
        return alone(float("nan"), "one risk group only")
    test = curves.logrank(one.time, one.truth, high_risk(one))
    return Figure(test.p, float("nan"), float("nan"), "logrank")


def _z(rows: Rows) -> Floats:
    time = np.zeros(len(rows.unit)) if rows.time is None else rows.time
    return curves.logrank_z(time, rows.event, rows.flagged, rows.unit, rows.units)


def group_figures(one: Scored, horizons: Sequence[float]) -> list[tuple[str, Figure, int, int]]:
    """Return median survival and survival at the horizons of each risk group, as (metric, figure, n, events)."""
    rows = []
    for name, who in groups(one):
        curve = curves.kaplan_meier(one.time[who], one.truth[who])
        size, events = int(who.sum()), int(one.truth[who].sum())
        median = curves.median_survival(curve)
        found = [(f"median_survival_months[{name}]", Figure(median.value, median.low, median.high, "km_loglog"))]
        for horizon in horizons:
            found.append((f"survival_{horizon:g}m[{name}]", _at(curve, horizon)))
        rows += [(metric, figure, size, events) for metric, figure in found]
    return rows


def _at(curve: curves.KaplanMeier, horizon: float) -> Figure:
    if not len(curve.time) or curve.time[-1] < horizon:
        return alone(float("nan"), "horizon beyond follow-up")
    at = curve.at([horizon])
    return Figure(float(at.survival[0]), float(_low(at)[0]), float(at.high[0]), "km_loglog")


def _low(curve: curves.KaplanMeier) -> Floats:
    """Return the lower limits; where nobody had the event yet, the exact one of those still at risk, for R's is 1."""
    exact = ((1 - LEVEL) / 2) ** (1 / np.maximum(curve.at_risk, 1))
    return np.where(curve.survival == 1, exact, curve.low)
