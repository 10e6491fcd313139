"""Would acting on the model help: net benefit over thresholds (Vickers and Elkin, Med Decis Making 2006;26:565)."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from numpy.typing import ArrayLike

from radnb.errors import RadnbError
from radnb.statistics.inputs import Bools, Floats, floats, probabilities, survival
from radnb.statistics.survival import kaplan_meier


class NetBenefit(NamedTuple):
    """Net benefit of acting on the model, on everyone, and on nobody, at each threshold."""

    threshold: Floats
    model: Floats
    treat_all: Floats
    treat_none: Floats


class Band(NamedTuple):
    """A curve with a pointwise 95 % band."""

    value: Floats
    low: Floats
    high: Floats


def thresholds_checked(thresholds: ArrayLike) -> Floats:
    """Return threshold probabilities, all strictly between 0 and 1."""
    at = np.atleast_1d(floats(thresholds, "thresholds"))
    if np.any((at <= 0) | (at >= 1)):
        raise RadnbError("thresholds must lie strictly between 0 and 1. Give probabilities, as in 0.1 to 0.6.",
                         code="E_CONFIG")
    return at


def net_benefit(probability: ArrayLike, truth: ArrayLike, thresholds: ArrayLike) -> NetBenefit:
    """Return the decision curve of one model, as dcurves::dca."""
    p, event = probabilities(probability, truth)
    at = thresholds_checked(thresholds)
    return NetBenefit(at, contributions(p, event, at).mean(axis=0), treat_all(event, at).mean(axis=0),
                      np.zeros(len(at)))


def contributions(probability: Floats, event: Bools, thresholds: Floats) -> Floats:
    """Return each patient's share of the net benefit at each threshold; their mean is the curve."""
    return (probability[:, None] >= thresholds) * treat_all(event, thresholds)


def treat_all(event: Bools, thresholds: Floats) -> Floats:
    """Return each patient's share of the net benefit of acting on everyone."""
    return np.where(event[:, None], 1.0, -(thresholds / (1 - thresholds))[None, :])


def interventions_avoided(probability: ArrayLike, truth: ArrayLike, thresholds: ArrayLike) -> Floats:
    """Return net interventions avoided per patient against acting on everyone."""
    curve = net_benefit(probability, truth, thresholds)
    return (curve.model - curve.treat_all) * (1 - curve.threshold) / curve.threshold


def bootstrap_band(shares: Floats, *, bootstraps: int = 1000, seed: int = 0) -> Band:
    """Return the mean of patients' shares with a percentile band from resampled patients."""
    n = len(shares)
    drawn = np.random.default_rng(seed).multinomial(n, np.full(n, 1 / n), size=bootstraps)
    low, high = np.quantile(drawn @ shares / n, (0.025, 0.975), axis=0)
    return Band(shares.mean(axis=0), low, high)


def survival_net_benefit(risk: ArrayLike, time: ArrayLike, event: ArrayLike, thresholds: ArrayLike, *,
                         horizon: float) -> NetBenefit:
    """Return the decision curve for an event by the horizon (Vickers, BMC Med Inform 2008;8:53), as dcurves::dca.

    NaN where nobody above the threshold is followed to the horizon.
    """
    risks = floats(risk, "risk")
    times, events = survival(time, event)
    at = thresholds_checked(thresholds)
    odds = at / (1 - at)
    overall = _events_by(times, events, horizon)
    model = np.array([_flagged_benefit(risks >= t, times, events, horizon, o) for t, o in zip(at, odds, strict=True)])
    return NetBenefit(at, model, overall - (1 - overall) * odds, np.zeros(len(at)))


def _flagged_benefit(flagged: Bools, time: Floats, event: Bools, horizon: float, odds: float) -> float:
    if not flagged.any():
        return 0.0
    share, risk = float(flagged.mean()), _events_by(time[flagged], event[flagged], horizon)
    return share * (risk - (1 - risk) * odds)


def _events_by(time: Floats, event: Bools, horizon: float) -> float:
    if time.max() < horizon:
        return float("nan")
    return float(1 - kaplan_meier(time, event).at([horizon]).survival[0])
