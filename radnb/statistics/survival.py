"""Time to an event: Kaplan-Meier, numbers at risk, medians, log-rank tests; equal to R's survival package."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from numpy.typing import ArrayLike
from scipy import stats

from radnb.errors import RadnbError
from radnb.statistics.inputs import Z95, Bools, Estimate, Floats, Ints, codes, survival


class KaplanMeier(NamedTuple):
    """The curve at each distinct time: numbers, survival, Greenwood's standard error and a pointwise 95 % band."""

    time: Floats
    at_risk: Floats
    events: Floats
    censored: Floats
    survival: Floats
    se: Floats
    low: Floats
    high: Floats

    def at(self, times: ArrayLike) -> KaplanMeier:
        """Read the curve at given times, as summary(survfit(...), times=, extend=TRUE)."""
        wanted = np.asarray(times, dtype=float)
        here = np.searchsorted(self.time, wanted, side="right") - 1
        started = np.array([1.0, 0.0, 1.0, 1.0])
        curve = [np.where(here >= 0, column[np.maximum(here, 0)], start)
                 for column, start in zip((self.survival, self.se, self.low, self.high), started, strict=True)]
        total = float(self.at_risk[0]) if len(self.at_risk) else 0.0
        left = np.r_[self.at_risk, 0.0][np.searchsorted(self.time, wanted, side="left")] if total else 0 * wanted
        nothing = np.zeros(len(wanted))
        return KaplanMeier(wanted, left, nothing, nothing, *curve)


def kaplan_meier(time: ArrayLike, event: ArrayLike, *, scale: str = "log-log") -> KaplanMeier:
    """Return the Kaplan-Meier curve of survfit; `scale` of the band: "log-log" (the default here) or "log" (R's)."""
    times, events = survival(time, event)
    if scale not in ("log-log", "log"):
        raise RadnbError(f"scale: {scale!r} is unknown. Use 'log-log' or 'log'.", code="E_CONFIG")
    moment, where = np.unique(times, return_inverse=True)
    deaths = np.bincount(where[events], minlength=len(moment)).astype(float)
    leaving = np.bincount(where, minlength=len(moment)).astype(float)
    at_risk = leaving[::-1].cumsum()[::-1]
    alive = np.cumprod(1 - deaths / at_risk)
    with np.errstate(all="ignore"):
        hazard = np.sqrt(np.cumsum(deaths / (at_risk * (at_risk - deaths))))
        se = alive * hazard
    return KaplanMeier(moment, at_risk, deaths, leaving - deaths, alive, se, *_band(alive, hazard, scale))


def _band(alive: Floats, hazard: Floats, scale: str) -> tuple[Floats, Floats]:
    with np.errstate(all="ignore"):
        log = np.log(alive)
        if scale == "log":
            low, high = alive * np.exp(-Z95 * hazard), np.minimum(alive * np.exp(Z95 * hazard), 1)
        else:
            half = Z95 * hazard / log
            low, high = alive ** np.exp(-half), alive ** np.exp(half)
    everyone, nobody = alive == 1, alive == 0
    low, high = np.where(everyone, 1.0, low), np.where(everyone, 1.0, high)
    return np.where(nobody, np.nan, low), np.where(nobody, np.nan, high)


def median_survival(curve: KaplanMeier, *, share: float = 0.5) -> Estimate:
    """Return the time by which half have had the event, with limits read off the band; NaN where not reached."""
    limits = [_crossing(curve.time, column, share) for column in (curve.survival, curve.low, curve.high)]
    return Estimate(limits[0], limits[1], limits[2])


def _crossing(time: Floats, alive: Floats, share: float) -> float:
    below = np.flatnonzero(alive <= share + 1e-12)
    if not len(below):
        return float("nan")
    first = below[0]
    flat = np.flatnonzero(alive < share - 1e-12)
    if abs(alive[first] - share) <= 1e-12 and len(flat):  # the curve rests at the share: R takes the middle
        return float((time[first] + time[flat[0]]) / 2)
    return float(time[first])


def restricted_mean(curve: KaplanMeier, horizon: float) -> Estimate:
    """Return the mean time lived up to the horizon, as summary(survfit(...), rmean=horizon)."""
    inside = curve.time < horizon
    edges = np.r_[0.0, curve.time[inside], horizon]
    area = np.diff(edges) * np.r_[1.0, curve.survival[inside]]
    after = area[::-1].cumsum()[::-1][1:]  # area to the right of each time
    deaths, at_risk = curve.events[inside], curve.at_risk[inside]
    parts = np.zeros(len(deaths))
    np.divide(after**2 * deaths, at_risk * (at_risk - deaths), out=parts, where=at_risk > deaths)
    value, se = float(area.sum()), float(np.sqrt(parts.sum()))
    return Estimate(value, value - Z95 * se, value + Z95 * se, se)


def number_at_risk(time: ArrayLike, event: ArrayLike, at: ArrayLike) -> tuple[Ints, Ints, Ints]:
    """Return at each time who is still followed, and who had the event or was censored before or at it."""
    times, events = survival(time, event)
    moments = np.asarray(at, dtype=float)[:, None]
    return ((times >= moments).sum(axis=1), (events & (times <= moments)).sum(axis=1),
            (~events & (times < moments)).sum(axis=1))


def follow_up(time: ArrayLike, event: ArrayLike) -> Estimate:
    """Return the median follow-up by the reverse Kaplan-Meier method (Schemper and Smith, 1996)."""
    times, events = survival(time, event)
    return median_survival(kaplan_meier(times, ~events))


class LogRank(NamedTuple):
    """Chi-square, degrees of freedom and p of a log-rank test."""

    statistic: float
    df: int
    p: float


def logrank(time: ArrayLike, event: ArrayLike, group: ArrayLike, *, rho: float = 0.0,
            stratum: ArrayLike | None = None) -> LogRank:
    """Compare two or more groups as survdiff does; rho=1 weighs early events more (Peto), `stratum` as strata()."""
    times, events = survival(time, event)
    member, labels = codes(group)
    if len(labels) < 2:
        raise RadnbError("group holds one group only. Give at least two to compare.", code="E_CLASS")
    if not events.any():
        raise RadnbError("event: nobody had the event, so there is nothing to compare. "
                         "Wait for events, or choose an earlier endpoint.", code="E_NO_EVENTS")
    layers = np.zeros(len(times), dtype=np.int64) if stratum is None else codes(stratum)[0]
    parts = [_observed_less_expected(times[layers == s], events[layers == s], member[layers == s], len(labels), rho)
             for s in np.unique(layers)]
    excess, variance = (np.sum([p[k] for p in parts], axis=0) for k in (0, 1))
    used = np.flatnonzero(np.diag(variance) > 0)[:-1]
    statistic = float(excess[used] @ np.linalg.solve(variance[np.ix_(used, used)], excess[used])) if len(used) else 0.0
    return LogRank(statistic, len(used), float(stats.chi2.sf(statistic, len(used))) if len(used) else float("nan"))


def _observed_less_expected(time: Floats, event: Bools, member: Ints, groups: int,
                            rho: float) -> tuple[Floats, Floats]:
    moment, where = np.unique(time, return_inverse=True)
    cells = where * groups + member
    shape = (len(moment), groups)
    deaths = np.bincount(cells[event], minlength=shape[0] * groups).reshape(shape).astype(float)
    at_risk = np.bincount(cells, minlength=shape[0] * groups).reshape(shape)[::-1].cumsum(axis=0)[::-1].astype(float)
    d, n = deaths.sum(axis=1), at_risk.sum(axis=1)
    before = np.r_[1.0, np.cumprod(1 - d / n)[:-1]]
    weight = before**rho
    share = at_risk / n[:, None]
    excess = (weight[:, None] * (deaths - d[:, None] * share)).sum(axis=0)
    with np.errstate(all="ignore"):
        factor = np.nan_to_num(weight**2 * d * (n - d) / (n - 1))
    variance = np.diag((factor[:, None] * share).sum(axis=0)) - np.einsum("t,tg,th->gh", factor, share, share)
    return excess, variance


def logrank_z(time: Floats, event: Bools, high: Bools, unit: Ints, units: int) -> Floats:
    """Return, for every unit (replicate), the signed log-rank statistic: positive when the high group fares worse."""
    order = np.lexsort((time, unit))
    t, e, h, u = time[order], event[order], high[order].astype(float), unit[order]
    start = np.r_[True, (u[1:] != u[:-1]) | (t[1:] != t[:-1])]
    moment = np.cumsum(start) - 1
    first = np.flatnonzero(start)
    ends = np.cumsum(np.bincount(u, minlength=units))[u[first]]
    n = (ends - first).astype(float)
    total = np.r_[0.0, np.cumsum(h)]
    n_high = total[ends] - total[first]
    d, d_high = np.bincount(moment, e, len(first)), np.bincount(moment, e * h, len(first))
    share = n_high / n
    with np.errstate(all="ignore"):
        variance = np.bincount(u[first], np.nan_to_num(d * share * (1 - share) * (n - d) / (n - 1)), units)
        z = np.bincount(u[first], d_high - d * share, units) / np.sqrt(variance)
    return np.where(variance > 0, z, 0.0)
