"""Centres: when each fold is a hospital, each hospital is also reported alone, as untouched patients of its model."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from radnb.evaluation.honesty import LEAST_EVENTS_FROZEN, Draws, Figure, alone
from radnb.evaluation.scored import Scored
from radnb.statistics.discrimination import concordance, delong_interval
from radnb.statistics.inputs import Bools, Estimate


def centre_of(one: Scored, patients: pd.DataFrame | None) -> NDArray[np.str_] | None:
    """Return each patient's centre, or nothing when the table does not tell it for everyone."""
    if patients is None or not {"patient_id", "centre"} <= set(patients.columns):
        return None
    known = patients.dropna(subset=["centre"]).drop_duplicates("patient_id")
    of = pd.Series(known["centre"].astype(str).to_numpy(), index=known["patient_id"].astype(str))
    found = of.reindex(one.patients)
    return None if found.isna().any() else found.to_numpy(dtype=str)


def left_out(one: Scored, patients: pd.DataFrame | None) -> dict[str, Bools]:
    """Return who belongs to each centre if every fold is one centre and every centre one fold; else nothing."""
    centre = centre_of(one, patients)
    if centre is None or one.frozen or one.rows.units != 1:
        return {}
    pairs = {(int(s), str(c)) for s, c in zip(one.rows.stratum, centre[one.rows.member], strict=True)}
    names = sorted({c for _, c in pairs})
    if not len(pairs) == len(names) == len({s for s, _ in pairs}) or len(names) < 2:
        return {}
    return {name: centre == name for name in names}


def without_between(drawn: Draws, centres: dict[str, Bools]) -> Draws:
    """Refuse the interval over two centres: it would speak for hospitals of which there are two."""
    return replace(drawn, refusal="two centres") if len(centres) == 2 else drawn


def alone_in(one: Scored, centres: dict[str, Bools]) -> list[tuple[str, Figure, int, int]]:
    """Return the AUC or C inside each centre as (metric, figure, n, events)."""
    return [(f"{'c_index' if one.survival else 'auc'}_in[{name}]", _inside(one, who), int(who.sum()),
             int(one.truth[who].sum())) for name, who in centres.items()]


def _inside(one: Scored, who: Bools) -> Figure:
    events = int(one.truth[who].sum())
    rarer = events if one.survival else min(events, int(who.sum()) - events)
    if rarer == 0:
        return alone(float("nan"), "too few events")
    found: Estimate = (concordance(one.score[who], one.time[who], one.truth[who]) if one.survival
                       else delong_interval(one.score[who], one.truth[who]))
    if rarer < LEAST_EVENTS_FROZEN:
        return alone(found.value, "too few events")
    if not found.se > 0:
        return alone(found.value, "no spread")
    return Figure(found.value, max(found.low, 0.0), min(found.high, 1.0),
                  "concordance_jackknife" if one.survival else "delong")
