"""Classes: decisions at the training folds' thresholds, calibration, decision curves and ROC of one scored model."""

from __future__ import annotations

import functools
from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
import pandas as pd

from radnb.evaluation.honesty import LEAST_RESAMPLES, NO_INTERVAL, Draws, Figure, alone
from radnb.evaluation.scored import Rows, Scored
from radnb.statistics import calibration, cutoffs, usefulness
from radnb.statistics.inputs import Bools, Floats
from radnb.statistics.intervals import around, cv_error, cv_interval

PER_100 = ("found", "missed", "wrongly_flagged", "correctly_cleared")
AT_THRESHOLD = ("sensitivity", "specificity", "ppv", "npv", "accuracy", "balanced_accuracy", "f1", "mcc")
MEASURES = (*AT_THRESHOLD, *PER_100)
CALIBRATION = ("brier", "brier_scaled", "calibration_intercept", "calibration_slope")


def _decisions(counts: Floats) -> Floats:
    """Return the measures at the threshold and the four counts per 100 patients (..., measures) of counts (4, ...)."""
    tp, fp, fn, tn = counts
    found = cutoffs.rates(cutoffs.Counts(tp, fp, fn, tn))
    n = tp + fp + fn + tn
    columns: list[Floats] = [*(found[name] for name in AT_THRESHOLD), *(100 * x / n for x in (tp, fn, fp, tn))]
    return np.asarray(np.stack(columns, axis=-1), dtype=float)


def mean_counts(one: Scored) -> Floats:
    """Return found, wrongly flagged, missed, cleared: the mean over repeats."""
    return np.asarray(one.rows.counts().mean(axis=1))


def at_threshold(one: Scored, drawn: Draws) -> dict[str, Figure]:
    """Return every measure at the carried thresholds and the numbers per 100 patients; nothing without thresholds."""
    if not one.rows.thresholded:
        return {}
    counts = one.rows.counts()
    with np.errstate(invalid="ignore"):
        value = _defined_mean(_decisions(counts))
    if drawn.refusal in NO_INTERVAL:
        return {name: alone(value[k], drawn.refusal) for k, name in enumerate(MEASURES)}
    spread, method = _resampled_limits(one, value, _decisions(counts), drawn)
    return {name: _with_wilson(name, value[k], spread[:, k], counts.mean(axis=1), method)
            for k, name in enumerate(MEASURES)}


def _defined_mean(values: Floats) -> Floats:
    defined = np.isfinite(values)
    count = defined.sum(axis=0)
    total = np.where(defined, values, 0.0).sum(axis=0)
    return np.where(count * 2 > len(values), total / np.maximum(count, 1), np.nan)


def _resampled_limits(one: Scored, value: Floats, repeats: Floats, drawn: Draws) -> tuple[Floats, str]:
    """Return low and high (2, measures) from resamples or, on untouched patients, from the jackknife; else NaN."""
    unit = np.r_[np.ones(len(AT_THRESHOLD)), np.full(len(PER_100), 100.0)]
    floor = _jackknife(one) / unit
    if one.frozen:
        limits = np.stack([_around(name, v, se) for name, v, se in zip(MEASURES, value / unit, floor, strict=True)])
        return np.where(floor > 0, limits.T, np.nan) * unit, "jackknife_logit"
    if one.resampled is None or not one.resampled.rows.thresholded or drawn.refusal:
        return np.full((2, len(value)), np.nan), drawn.design
    table = one.resampled.table(_decisions(one.resampled.rows.counts())) / unit
    error = np.array([_error(repeats[:, k] / unit[k], table[..., k], floor[k]) for k in range(len(value))])
    limits = np.stack([_around(name, v, se) for name, v, se in zip(MEASURES, value / unit, error, strict=True)])
    return np.where(error > 0, limits.T, np.nan) * unit, f"{drawn.design}_{drawn.resampling}"


def _jackknife(one: Scored) -> Floats:
    """Return the standard error of each measure by leaving out one patient at a time."""
    cells = np.stack([one.rows.mean_by_member(cell, one.n) for cell in one.rows.cells()])
    left_out = _decisions(cells.sum(axis=1)[:, None] - cells)
    with np.errstate(invalid="ignore"):
        return np.asarray(np.sqrt((one.n - 1) * left_out.var(axis=0)))


def _error(repeats: Floats, table: Floats, floor: float) -> float:
    """Return the standard error over the repeats and resamples that define the measure; NaN where too few do."""
    repeats, table = repeats[np.isfinite(repeats)], table[np.isfinite(table).all(axis=1)]
    enough = len(repeats) and len(table) >= LEAST_RESAMPLES and np.isfinite(floor)
    return float(cv_error(repeats, table, floor)) if enough else float("nan")


def _around(name: str, value: float, error: float) -> tuple[Floats, Floats]:
    if name == "mcc":
        return around(value, error, scale="plain", bounds=(-1.0, 1.0))
    return around(value, error)


def _with_wilson(name: str, value: float, limits: Floats, counts: Floats, method: str) -> Figure:
    """Join the limits with Wilson's on the averaged counts, for proportions, so that they are never too narrow."""
    tp, fp, fn, tn = counts
    n = tp + fp + fn + tn
    parts: dict[str, tuple[Floats | float, Floats | float]] = {**cutoffs.proportions(cutoffs.Counts(tp, fp, fn, tn)),
             **{k: (x, n) for k, x in zip(PER_100, (tp, fn, fp, tn), strict=True)}}
    if not np.isfinite(value):
        return alone(value, "not defined")
    resampled = bool(np.isfinite(limits).all())
    if name not in parts:
        if not resampled:
            return alone(value, "thresholds were not resampled")
        return Figure(float(value), float(limits[0]), float(limits[1]), _plain(name, method))
    scale = 100.0 if name in PER_100 else 1.0
    low, high = (scale * x for x in cutoffs.wilson(float(parts[name][0]), float(parts[name][1])))
    low, high = min(low, value), max(high, value)
    if method == "jackknife_logit":
        return Figure(float(value), low, high, "wilson")
    if not resampled:
        return Figure(float(value), low, high, f"{method.split('_')[0]}_wilson")
    return Figure(float(value), min(low, float(limits[0])), max(high, float(limits[1])), f"{method}_logit_wilson")


def _plain(name: str, method: str) -> str:
    """Return the method's code for a measure that is no proportion of patients."""
    if method == "jackknife_logit":
        return "jackknife_plain" if name == "mcc" else method
    return f"{method}_counts"


def calibrated(one: Scored, drawn: Draws) -> dict[str, Figure]:
    """Return Brier and scaled Brier score of one model, and intercept and slope of the mean out-of-fold probability.

    The Brier score is averaged over repeats: that of the mean probability would be the score of an ensemble of models
    (simulated, 80 patients, 10 repeats, weak signal: 0.262 where one model reaches 0.281 in new patients).
    """
    if one.scale != "probability":
        return {}
    event, line = one.truth, calibration.calibration_line(one.score, one.truth)
    squared = one.rows.mean_by_member((one.rows.score - one.rows.event) ** 2, one.n)
    brier, share = float(squared.mean()), float(event.mean())
    value = np.array([brier, 1 - brier / (share * (1 - share)), line.in_the_large.value, line.slope.value])
    if drawn.refusal in NO_INTERVAL:
        return {name: alone(v, drawn.refusal) for name, v in zip(CALIBRATION, value, strict=True)}
    error = np.array([*_brier_errors(squared, event), line.in_the_large.se, line.slope.se])
    method, ways = ("patients" if one.frozen else drawn.design), ["jackknife", "jackknife", "wald", "wald"]
    extra = np.full(len(value), np.nan)
    if one.resampled is not None and one.resampled.scale == "probability" and not drawn.refusal:
        table = one.resampled.table(_calibration_by_unit(one.resampled.rows))
        _, _, _, extra = cv_interval(_calibration_by_unit(one.rows), table, error, scale="plain")
    return {name: _limits(value[k], error[k], extra[k], f"{method}_{ways[k]}", f"{method}_{drawn.resampling}_{ways[k]}")
            for k, name in enumerate(CALIBRATION)}


def _limits(value: float, error: float, resampled: float, method: str, resampled_method: str) -> Figure:
    if not np.isfinite(value):
        return alone(value, "not defined")
    se, code = (resampled, resampled_method) if np.isfinite(resampled) else (error, method)
    if not se > 0:
        return alone(value, "no spread")
    low, high = around(value, se, scale="plain", bounds=(-np.inf, np.inf))
    return Figure(float(value), float(low), float(high), code)


def _brier_errors(squared: Floats, event: Bools) -> tuple[float, float]:
    n = len(squared)
    brier, share = (squared.sum() - squared) / (n - 1), (event.sum() - event) / (n - 1)
    scaled = 1 - brier / (share * (1 - share))
    return float(np.sqrt((n - 1) * brier.var())), float(np.sqrt((n - 1) * scaled.var()))


def _calibration_by_unit(rows: Rows) -> Floats:
    share = rows.mean_by_unit(rows.event.astype(float))
    brier = rows.mean_by_unit((rows.score - rows.event) ** 2)
    recalibrate = functools.partial(calibration.recalibrate, rows.score, rows.event, rows.unit, rows.units)
    return np.stack([brier, 1 - brier / (share * (1 - share)), recalibrate(slope=False).intercept,
                     recalibrate().slope], axis=1)


def calibration_table(one: Scored) -> pd.DataFrame:
    """Return the smooth calibration curve; empty unless the scores are probabilities."""
    if one.scale != "probability":
        return pd.DataFrame(columns=["predicted", "observed", "low", "high"])
    return pd.DataFrame(calibration.calibration_curve(one.score, one.truth)._asdict())


def roc_table(one: Scored) -> pd.DataFrame:
    """Return the ROC curve; of cross-validated scores the fold-wise curves averaged by their pairs, threshold NaN."""
    if one.frozen:
        return pd.DataFrame(cutoffs.roc_curve(one.score, one.truth)._asdict())[["threshold", "fpr", "tpr"]]
    rows, grid = one.rows, np.linspace(0, 1, 101)
    total, weight = np.zeros(len(grid)), 0.0
    order = np.argsort(rows.stratum, kind="stable")
    for part in np.split(order, np.flatnonzero(np.diff(rows.stratum[order])) + 1):
        events = int(rows.event[part].sum())
        pairs = events * (len(part) - events)
        if pairs:
            curve = cutoffs.roc_curve(rows.score[part], rows.event[part])
            total, weight = total + pairs * np.interp(grid, curve.fpr, curve.tpr), weight + pairs
    tpr = total / max(weight, 1)
    return pd.DataFrame({"threshold": np.nan, "fpr": np.r_[0.0, grid], "tpr": np.r_[0.0, tpr]})


def decision_grid(low: float, high: float) -> Floats:
    """Return the threshold probabilities of the decision curve: every percent from low to high."""
    at = np.arange(np.ceil(low * 100 - 1e-9), np.floor(high * 100 + 1e-9) + 1) / 100
    return np.clip(at, 0.005, 0.995) if len(at) > 1 else np.linspace(low, high, 11)


@dataclass(frozen=True)
class Benefit:
    """Net benefit of one model over thresholds: per patient, per repeat, and per resample (or why there is none)."""

    patients: Floats
    repeats: Floats
    resampled: Floats | None
    frozen: bool
    refusal: str

    def band(self) -> tuple[usefulness.Band, bool]:
        """Return the curve with its band, and whether there is one."""
        if self.frozen:
            return usefulness.bootstrap_band(self.patients), not self.refusal
        value = self.repeats.mean(axis=0)
        if self.refusal or self.resampled is None:
            return usefulness.Band(value, value, value), False
        floor = self.patients.std(axis=0, ddof=1) / np.sqrt(len(self.patients))
        _, low, high, _ = cv_interval(self.repeats, self.resampled, floor, scale="plain", bounds=(-np.inf, np.inf))
        return usefulness.Band(value, low, high), True

    def minus(self, other: Benefit) -> Benefit:
        """Return the paired difference of two models on the same patients and resamples."""
        both = self.resampled is not None and other.resampled is not None
        resampled = self.resampled - other.resampled if both else None  # type: ignore[operator]
        return Benefit(self.patients - other.patients, self.repeats - other.repeats, resampled, self.frozen,
                       self.refusal or other.refusal)


def benefit(one: Scored, drawn: Draws, thresholds: Floats) -> Benefit | None:
    """Return the model's net benefit; nothing unless the scores are probabilities."""
    if one.scale != "probability":
        return None
    shares = usefulness.contributions(one.rows.score, one.rows.event, thresholds)
    mine = np.stack([one.rows.mean_by_member(column, one.n) for column in shares.T], axis=1)
    table = None
    if one.resampled is not None and one.resampled.scale == "probability" and not drawn.refusal:
        table = one.resampled.table(one.resampled.rows.net_benefit(thresholds))
    return Benefit(mine, one.rows.net_benefit(thresholds), table, one.frozen, drawn.refusal)


def decision_table(found: Benefit | None, thresholds: Floats) -> pd.DataFrame:
    """Return a decision curve (or the difference of two) with its band."""
    if found is None:
        return pd.DataFrame(columns=["threshold", "net_benefit", "low", "high"])
    band, judged = found.band()
    return _curve(thresholds, band, judged=judged)


def useful_thresholds(decision: pd.DataFrame, model: str, name: str) -> list[tuple[float, float]]:
    """Return the ranges of thresholds where the model's whole band lies above acting on everyone and on nobody."""
    mine = decision[(decision["model"] == model) & (decision["set"] == name)]
    everyone = decision[(decision["model"] == "treat_all") & (decision["set"] == name)]
    both = mine.merge(everyone, on=["target", "threshold"], suffixes=("", "_all"))
    good = (both["low"] > np.maximum(both["net_benefit_all"], 0.0)).to_numpy()
    at = both["threshold"].to_numpy()
    edges = np.flatnonzero(np.diff(np.r_[False, good, False].astype(int)))
    return [(float(at[a]), float(at[b - 1])) for a, b in zip(edges[::2], edges[1::2], strict=True)]


def reference_tables(one: Scored, thresholds: Floats) -> dict[str, pd.DataFrame]:
    """Return the net benefit of acting on everyone (with a band) and on nobody."""
    everyone = usefulness.bootstrap_band(usefulness.treat_all(one.truth, thresholds))
    nobody = usefulness.Band(*(np.zeros(len(thresholds)) for _ in range(3)))
    return {"treat_all": _curve(thresholds, everyone, judged=True),
            "treat_none": _curve(thresholds, nobody, judged=True)}


def _curve(thresholds: Floats, band: usefulness.Band, *, judged: bool) -> pd.DataFrame:
    gap: Callable[[Floats], Floats] = (lambda x: x) if judged else (lambda x: np.full(len(x), np.nan))
    return pd.DataFrame({"threshold": thresholds, "net_benefit": band.value, "low": gap(band.low),
                         "high": gap(band.high)})
