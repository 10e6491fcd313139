"""Named methodological checks: what a reviewer would ask, answered from the tables themselves."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

import numpy as np
import pandas as pd
from scipy import stats

from radnb.evaluation.centres import centre_of, left_out
from radnb.evaluation.compare import Verdict
from radnb.evaluation.honesty import NONE
from radnb.evaluation.scored import Scored
from radnb.learning.splits import ARROW

ENOUGH_FOR_CALIBRATION = 100
ENOUGH_PER_FEATURE = 10
WIDE = 0.2
TOO_GOOD = 0.97
FEW_AT_RISK = 10
Flag = tuple[str, str, dict[str, Any]]


def flags(series: Sequence[Scored], metrics: pd.DataFrame, verdict: Verdict, *, patients: pd.DataFrame | None = None,
          candidates: Mapping[str, int] | None = None, horizons: Sequence[float] = (),
          notes: Sequence[tuple[str, str, Mapping[str, Any]]] = ()) -> pd.DataFrame:
    """Return the checks that failed: code, severity (info, warning, stop) and the parameters of their sentence.

    `notes` are flags that training raised.
    """
    found: list[Flag] = [*_events(series, candidates or {}), *_figures(metrics), *_design(series, verdict, patients),
                         *_centres(series, patients), *_horizons(series, horizons),
                         *((code, severity, dict(given)) for code, severity, given in notes)]
    table = pd.DataFrame(found, columns=["code", "severity", "parameters"])
    rank = {"stop": 0, "warning": 1, "info": 2}
    return table.sort_values("severity", key=lambda s: s.map(rank), kind="stable").reset_index(drop=True)


def _events(series: Sequence[Scored], candidates: Mapping[str, int]) -> Iterable[Flag]:
    for one in _first_per_model(series):
        count = int(candidates.get(one.model, 0))
        if count and one.rarer / count < ENOUGH_PER_FEATURE:
            yield ("few_events_per_feature", "warning", {"model": one.model, "events": one.rarer, "candidates": count,
                                                         "ratio": round(one.rarer / count, 2)})
    for one in _first_per_set(series):
        if not one.survival and one.scale == "probability" and one.rarer < ENOUGH_FOR_CALIBRATION:
            yield ("calibration_too_few", "warning", {"set": one.set, "target": one.target, "events": one.rarer,
                                                      "needed": ENOUGH_FOR_CALIBRATION})
    for one in series:
        if np.ptp(one.rows.score) == 0:
            yield "identical_scores", "stop", {"model": one.model, "set": one.set, "target": one.target}
        if not one.survival and one.scale != "probability":
            yield "no_probability", "info", {"model": one.model, "set": one.set, "scale": one.scale}


def _first_per_model(series: Sequence[Scored]) -> list[Scored]:
    kept: dict[str, Scored] = {}
    for one in series:
        if one.set not in ("external", "train"):
            before = kept.get(one.model)
            kept[one.model] = one if before is None or one.rarer < before.rarer else before
    return list(kept.values())


def _first_per_set(series: Sequence[Scored]) -> list[Scored]:
    kept: dict[tuple[str, str], Scored] = {}
    for one in series:
        if one.set != "train":
            kept.setdefault((one.set, one.target), one)
    return list(kept.values())


def _figures(metrics: pd.DataFrame) -> Iterable[Flag]:
    main = metrics[metrics["metric"].str.match(r"^(auc|auc_macro|c_index)$") & (metrics["set"] != "train")]
    for row in main.itertuples():
        about = {"model": row.model, "set": row.set, "metric": row.metric}
        if str(row.method).startswith(NONE):
            yield "no_interval", "warning", {**about, "why": str(row.method)[len(NONE):]}
            continue
        if row.high - row.low > WIDE:
            yield "wide_interval", "warning", {**about, "low": row.low, "high": row.high}
        if row.value > TOO_GOOD:
            yield "too_good", "warning", {**about, "value": row.value}
        if row.high < 0.5:
            yield "below_chance", "warning", {**about, "high": row.high}


def _design(series: Sequence[Scored], verdict: Verdict, patients: pd.DataFrame | None) -> Iterable[Flag]:
    if not verdict.external:
        yield "no_external", "warning", {}
    crossed = [one for one in series if not one.frozen and one.set == "internal"]
    if crossed and (centres := left_out(crossed[0], patients)):
        yield "interval_untested_for_centres", "info", {"centres": len(centres)}
    elif crossed and crossed[0].rows.units < 5:
        yield "few_repeats", "info", {"repeats": crossed[0].rows.units}
    for one in crossed:
        if one.permuted is not None and one.permuted.units < 19:
            yield "few_permutations", "info", {"model": one.model, "permutations": one.permuted.units}


def _centres(series: Sequence[Scored], patients: pd.DataFrame | None) -> Iterable[Flag]:
    centre, truth = _everybody(series, patients)
    if centre is None:
        return
    table = pd.crosstab(centre, truth)
    if len(table) < 2:
        yield "one_centre", "warning", {"centre": str(table.index[0]) if len(table) else ""}
        return
    if table.shape[1] == 2 and (p := float(stats.chi2_contingency(table.to_numpy(), correction=False).pvalue)) < 0.05:
        share = table[True] / table.sum(axis=1)
        yield ("centre_predicts_outcome", "warning", {"lowest": float(share.min()), "highest": float(share.max()),
                                                      "centres": len(table), "p": p})
    largest = table.sum(axis=1)
    if largest.max() / largest.sum() > 0.8:
        yield "one_centre_dominates", "info", {"centre": str(largest.idxmax()),
                                               "share": float(largest.max() / largest.sum())}


def _everybody(series: Sequence[Scored], patients: pd.DataFrame | None) -> tuple[Any, Any]:
    """Return centre and truth of the study's own patients; of directions between centres, of the tested of all."""
    between = [s for s in series if ARROW in s.set and (s.model, s.target) == (series[0].model, series[0].target)]
    chosen = between or [next((s for s in series if s.set not in ("external", "train")), series[0])]
    centres = [centre_of(one, patients) for one in chosen]
    if any(centre is None for centre in centres):
        return None, None
    _, first = np.unique(np.concatenate([one.patients for one in chosen]), return_index=True)
    return np.concatenate(centres)[first], np.concatenate([one.truth for one in chosen])[first]  # type: ignore[arg-type]


def _horizons(series: Sequence[Scored], horizons: Sequence[float]) -> Iterable[Flag]:
    one = next((s for s in series if s.survival and s.set != "train"), None)
    if one is None:
        return
    for horizon in horizons:
        left = int((one.time >= horizon).sum())
        if left < FEW_AT_RISK:
            yield "horizon_beyond_follow_up", "warning", {"months": float(horizon), "at_risk": left}
