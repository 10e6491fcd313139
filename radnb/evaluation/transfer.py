"""How scores travel: each pair of centres, or a frozen model elsewhere, as they are and recalibrated there."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import pandas as pd

from radnb.errors import RadnbError
from radnb.evaluation.flags import ENOUGH_FOR_CALIBRATION
from radnb.evaluation.honesty import LEAST_EVENTS_FROZEN, Figure, alone
from radnb.learning.splits import ARROW
from radnb.statistics.calibration import calibration_line, recalibrate_across
from radnb.statistics.cutoffs import wilson
from radnb.statistics.discrimination import concordance, delong_interval
from radnb.statistics.inputs import Z95, Bools, Estimate, Floats, Ints
from radnb.statistics.intervals import cv_interval
from radnb.statistics.usefulness import contributions, treat_all

TRANSFER = ("model", "target", "train", "test", "variant", "metric", "value", "low", "high", "n", "events", "few",
            "method")
VARIANTS = ("original", "intercept", "intercept_slope")
LINE = ("calibration_intercept", "calibration_slope")
FITTED = ("recalibration_intercept", "recalibration_slope")  # on all patients there, for use in later ones
OTHERS = "other centres"
FOLDS, REPEATS, BOOTSTRAPS, SPLITS = 5, 20, 50, 2


@dataclass(frozen=True)
class _Group:
    """Scores of frozen models in patients they never saw, and what is asked of them."""

    score: Floats
    event: Bools
    time: Floats | None
    probability: bool
    thresholds: Floats
    seed: int

    @property
    def rarer(self) -> int:
        events = int(self.event.sum())
        return events if self.time is not None else min(events, len(self.event) - events)


def external(predictions: pd.DataFrame, *, thresholds: Sequence[float] = (), seed: int = 0) -> pd.DataFrame:
    """Judge frozen scores in other patients: discrimination, calibration, Brier score, net benefit (table TRANSFER).

    Variants: the scores as they are, with the intercept recalibrated there, and with intercept and slope. A
    recalibration is judged by patients who did not teach it (mean of 20 repeats of 5-fold cross-fitting).
    """
    rows = predictions[predictions["fold"].isna() & (predictions["set"] != "train")]
    return _table(rows.assign(train="", test=rows["set"].astype(str)), thresholds, seed)


def by_centre(predictions: pd.DataFrame, patients: pd.DataFrame, splits: pd.DataFrame, *,
              thresholds: Sequence[float] = (), seed: int = 0) -> pd.DataFrame:
    """Judge every direction between centres, or each centre left out, alone and never pooled (table TRANSFER).

    `patients` has patient_id and centre; `splits` repeat, fold and name, as in "Centre A → Centre B".
    """
    return _table(directions(predictions, patients, splits), thresholds, seed)


def travelled(predictions: pd.DataFrame, patients: pd.DataFrame | None = None, splits: pd.DataFrame | None = None, *,
              thresholds: Sequence[float] = (), seed: int = 0) -> pd.DataFrame:
    """Return by_centre where each model was tried in centres that did not train it, else external (may be empty)."""
    centres = None if patients is None or "centre" not in patients else patients
    if centres is not None and splits is not None and _between(predictions, centres, splits):
        return by_centre(predictions, centres, splits, thresholds=thresholds, seed=seed)
    return external(predictions, thresholds=thresholds, seed=seed)


def apart(predictions: pd.DataFrame, patients: pd.DataFrame | None, splits: pd.DataFrame | None) -> pd.DataFrame:
    """Return the predictions with every direction between centres as a set of its own ("A → B"), never pooled."""
    if patients is None or splits is None or "centre" not in patients or not (home := _homes(splits, patients)):
        return predictions
    test = predictions["patient_id"].astype(str).map(_centre(patients))
    between = predictions["set"] != "train"
    return predictions.assign(set=predictions["set"].where(~between, predictions["repeat"].map(home) + ARROW + test))


def directions(predictions: pd.DataFrame, patients: pd.DataFrame, splits: pd.DataFrame) -> pd.DataFrame:
    """Return the predictions with the columns train and test: the centres where a model was made and tried."""
    test = predictions["patient_id"].astype(str).map(_centre(patients))
    if test.isna().any():
        raise RadnbError(f"centres: {int(test.isna().sum())} scored rows belong to patients without a centre. Name the "
                         "centre of every patient.", code="E_COLUMN")
    home = _homes(splits, patients)
    train = predictions["repeat"].map(home) if home else pd.Series(OTHERS, index=predictions.index)
    return predictions.assign(train=train, test=test)[train.notna() & (predictions["set"] != "train")]


def _centre(patients: pd.DataFrame) -> pd.Series:
    known = patients.drop_duplicates("patient_id")
    return pd.Series(known["centre"].astype(str).to_numpy(), index=known["patient_id"].astype(str))


def _homes(splits: pd.DataFrame, patients: pd.DataFrame) -> dict[int, str]:
    """Return the centre that trained in each repeat, where the splits go from centre to centre."""
    names, centres = [str(name).split(ARROW) for name in splits["name"]], set(_centre(patients))
    if not names or not all(len(name) == 2 and set(name) <= centres for name in names):
        return {}
    return {int(repeat): name[0] for repeat, name in zip(splits["repeat"], names, strict=True)}


def _between(predictions: pd.DataFrame, patients: pd.DataFrame, splits: pd.DataFrame) -> bool:
    """Say whether the splits go from centre to centre, or each fold is a centre left out."""
    if _homes(splits, patients):
        return True
    rows = predictions[predictions["fold"].notna() & (predictions["set"] != "train")]
    centre = rows["patient_id"].astype(str).map(_centre(patients))
    pairs = pd.DataFrame({"fold": rows["fold"], "centre": centre, "repeat": rows["repeat"]}).drop_duplicates()
    return len(pairs) > 1 and bool(pairs["centre"].notna().all()) and all(
        pairs[name].is_unique for name in ("fold", "centre"))


def _table(rows: pd.DataFrame, thresholds: Sequence[float], seed: int) -> pd.DataFrame:
    found = []
    for (model, target, train, test), part in rows.groupby(["model", "target", "train", "test"], sort=False):
        group = _group(part, np.asarray(thresholds, float), seed)
        size = (len(group.event), int(group.event.sum()))
        found += [(model, target, train, test, variant, metric, f.value, f.low, f.high, *size,
                   group.rarer < ENOUGH_FOR_CALIBRATION, f.method)
                  for variant, metric, f in [*_original(group), *_recalibrated(group)]]
    return pd.DataFrame(found, columns=list(TRANSFER))


def _group(part: pd.DataFrame, thresholds: Floats, seed: int) -> _Group:
    part = part.sort_values("patient_id", kind="stable")
    survival = bool(part["time_months"].notna().all())
    event = part["event" if survival else "truth"].to_numpy(float) == 1
    return _Group(part["score"].to_numpy(float), event, part["time_months"].to_numpy(float) if survival else None,
                  bool((part["scale"] == "probability").all()) and not survival, thresholds, seed)


def _original(group: _Group) -> list[tuple[str, str, Figure]]:
    """Return every metric of the scores as they are; those of probabilities only where they are such."""
    if group.rarer == 0:
        return [("original", "c_index" if group.time is not None else "auc", alone(np.nan, "too few events"))]
    found = [_discrimination(group)]
    if not group.probability:
        return [("original", *pair) for pair in found]
    line = calibration_line(group.score, group.event)
    found += [(name, _judged(group, e, "patients_wald")) for name, e in zip(LINE, (line.in_the_large, line.slope),
                                                                            strict=True)]
    low, high = wilson(float(group.event.sum()), float(len(group.event)))
    found += [("predicted_share", alone(float(group.score.mean()), "mean of the scores")),
              ("observed_share", Figure(float(group.event.mean()), low, high, "wilson"))]
    shares = _shares(group.score, group.event, group.thresholds)
    error = shares.std(axis=0, ddof=1) / np.sqrt(len(shares))
    found += [(name, _judged(group, Estimate(v, v - Z95 * se, v + Z95 * se, se), "patients_jackknife"))
              for name, v, se in zip(_names(group.thresholds), shares.mean(axis=0), error, strict=True)]
    return [("original", *pair) for pair in found]


def _discrimination(group: _Group) -> tuple[str, Figure]:
    if group.time is not None:
        return "c_index", _judged(group, concordance(group.score, group.time, group.event), "concordance_jackknife")
    return "auc", _judged(group, delong_interval(group.score, group.event), "delong")


def _judged(group: _Group, found: Estimate, method: str) -> Figure:
    if group.rarer < LEAST_EVENTS_FROZEN:
        return alone(found.value, "too few events")
    if not found.se > 0:
        return alone(found.value, "no spread")
    bounded = method in ("delong", "concordance_jackknife")
    return Figure(float(found.value), float(max(found.low, 0.0) if bounded else found.low),
                  float(min(found.high, 1.0) if bounded else found.high), method)


def _names(thresholds: Floats) -> list[str]:
    return ["brier", *(f"{name}[{t:g}]" for name in ("net_benefit", "net_benefit_over_all") for t in thresholds)]


def _shares(score: Floats, event: Bools, thresholds: Floats) -> Floats:
    """Return each patient's share of the Brier score, the net benefit, and its gain over treating everyone."""
    benefit = contributions(score, event, thresholds)
    return np.hstack([((score - event) ** 2)[:, None], benefit, benefit - treat_all(event, thresholds)])


def _recalibrated(group: _Group) -> list[tuple[str, str, Figure]]:
    """Return the recalibration and the metrics that it changes; the order of patients, and so the AUC, stays."""
    if not group.probability or group.rarer == 0:
        return []
    names = [*FITTED, *_names(group.thresholds)]
    if group.rarer < LEAST_EVENTS_FROZEN or np.ptp(group.score) == 0:
        why = "too few events" if group.rarer < LEAST_EVENTS_FROZEN else "identical scores"
        return [(variant, name, alone(np.nan, why)) for variant in VARIANTS[1:] for name in names]
    line, nothing = calibration_line(group.score, group.event), Estimate(1.0, np.nan, np.nan)
    fitted = {"intercept": (line.in_the_large, nothing), "intercept_slope": (line.intercept, line.slope)}
    return [(variant, name, figure) for variant, pair in fitted.items() for name, figure in zip(names, [
        *(_judged(group, e, "patients_wald") if e.se > 0 else alone(e.value, "not fitted") for e in pair),
        *_cross_fitted(group, slope=variant == "intercept_slope")], strict=True)]


def _cross_fitted(group: _Group, *, slope: bool) -> list[Figure]:
    """Return the mean over repeats, with limits from bootstraps of patients that recalibrate anew.

    Intercept and slope are not judged again: across folds a useless score comes out with a slope far below 0.
    """
    rng = np.random.default_rng([group.seed, 9])
    whole = [np.arange(len(group.event))] * REPEATS
    copies = rng.integers(len(group.event), size=(BOOTSTRAPS, len(group.event)))
    drawn = [rows for rows in copies for _ in range(SPLITS)]
    repeats, shares = _repeats(group, whole, slope, rng)
    table, _ = _repeats(group, drawn, slope, rng)
    mean = shares.reshape(REPEATS, len(group.event), -1).mean(axis=0)
    floor = mean.std(axis=0, ddof=1) / np.sqrt(len(mean))
    table = table.reshape(BOOTSTRAPS, SPLITS, -1)
    value, low, high, _ = cv_interval(repeats, table, floor, scale="plain", bounds=(-np.inf, np.inf))
    method = f"recalibrated{REPEATS}x{FOLDS}_bootstrap{BOOTSTRAPS}x{SPLITS}_plain"
    return [Figure(float(v), float(a), float(b), method) if np.isfinite([v, a, b]).all()
            else alone(v, "a resample could not be scored") for v, a, b in zip(value, low, high, strict=True)]


def _repeats(group: _Group, sets: Sequence[Ints], slope: bool, rng: np.random.Generator) -> tuple[Floats, Floats]:
    """Return, of sets of rows, the mean shares after recalibration across folds, and each row's shares."""
    rows, unit = np.concatenate(sets), np.repeat(np.arange(len(sets)), [len(s) for s in sets])
    fold = np.concatenate([_dealt(s, group.event, rng) for s in sets])
    event = group.event[rows]
    p = recalibrate_across(group.score[rows], event, fold, unit=unit, slope=slope)
    lost = np.bincount(unit, ~np.isfinite(p), len(sets)) > 0
    p = np.where(lost[unit], 0.5, p)
    shares = _shares(p, event, group.thresholds)
    size = np.bincount(unit, minlength=len(sets))
    means = np.stack([np.bincount(unit, column, len(sets)) / size for column in shares.T], axis=1)
    return np.where(lost[:, None], np.nan, means), shares


def _dealt(rows: Ints, event: Bools, rng: np.random.Generator) -> Ints:
    """Deal patients into folds, events and non-events apart; copies of a patient share one."""
    fold = np.zeros(len(event), dtype=np.int64)
    for kind in (False, True):
        mine = rng.permutation(np.unique(rows[event[rows] == kind]))
        fold[mine] = (np.arange(len(mine)) + (FOLDS // 2) * kind) % FOLDS
    return fold[rows]
