"""Subgroups of patients: how well the same scores do in each, and how far apart two of them are (the interaction).

All of it is exploratory: nothing is fitted anew, pairs of patients are compared inside a subgroup (and a fold) only,
and an interval stands only where the subgroup alone has the events that one asks for.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any

import numpy as np
import pandas as pd
from scipy import stats

from radnb.errors import nearest, raise_all
from radnb.evaluation.honesty import Draws, Figure, alone, defined, discrimination, draws
from radnb.evaluation.scored import Scored, scored
from radnb.features.assemble import Outcome
from radnb.statistics.discrimination import delong_test_unpaired
from radnb.statistics.inputs import Z95
from radnb.statistics.screening import holm

COLUMNS = ("model", "set", "column", "subgroup", "metric", "value", "low", "high", "n", "events", "method", "p")
MOST_LEVELS = 6
REFITS = ("bootstrap", "half_sample")
Members = dict[str, frozenset[str]]  # subgroup -> patients
Series = dict[tuple[str, str, str], tuple[Scored, Draws]]  # model, set, target


def subgroups(predictions: pd.DataFrame, resamples: pd.DataFrame | None, patients: pd.DataFrame,
              asked: Mapping[str, Any], *, outcome: Outcome, models: Sequence[str] = ()) -> pd.DataFrame:
    """Return the AUC or C in each subgroup and their differences: model, set, column, subgroup, metric, value, low,
    high, n, events, method, p (of a difference on untouched patients, corrected by Holm; else NaN).

    `asked` names columns of `patients`: a number cuts ("up to 20", "above 20"), `{}` takes each value as a subgroup.
    """
    again = None if resamples is None or resamples.empty else resamples[resamples["kind"].isin(REFITS)]
    wanted = predictions if not models else predictions[predictions["model"].isin(models)]
    rows: list[tuple[Any, ...]] = []
    for column, members in memberships(patients, asked).items():
        found = {name: _series(wanted, again, who, outcome) for name, who in members.items()}
        rows += [row for name, series in found.items() for row in _alone(column, name, series, outcome)]
        rows += _unknown(column, members, wanted)
        rows += _interactions(column, found, outcome)
    table = pd.DataFrame(rows, columns=list(COLUMNS)).astype({"n": "int64", "events": "int64"})
    numbers = ["value", "low", "high", "p"]
    table[numbers] = table[numbers].astype(float)
    tested = table["p"].notna().to_numpy()
    table.loc[tested, "p"] = holm(table.loc[tested, "p"].to_numpy(float))
    return table


def memberships(patients: pd.DataFrame, asked: Mapping[str, Any]) -> dict[str, Members]:
    """Return the patients of each subgroup of each column; faults of all columns are told at once."""
    known = patients.drop_duplicates("patient_id").set_index("patient_id")
    raise_all([fault for column, how in asked.items() for fault in _faults(known, column, how)], code="E_SUBGROUP")
    return {column: _split(known[column], how) for column, how in asked.items()}


def _faults(known: pd.DataFrame, column: str, how: Any) -> list[str]:
    where = f"subgroups.{column}"
    if column not in known:
        return [f"{where}: the table has no such column. {nearest(column, map(str, known.columns))}"]
    if _is_cut(how):
        bad = known[column].notna() & pd.to_numeric(known[column], errors="coerce").isna()
        return [f"{where}: {how:g} cuts numbers, but the column holds {known.loc[bad, column].iloc[0]!r}. Write `{{}}` "
                "to compare its values."] if bad.any() else []
    if how not in (None, {}):
        return [f"{where}: {how!r} will not do. Give a number that cuts, or `{{}}` to compare the column's values."]
    levels = known[column].dropna().astype(str).nunique()
    if levels > MOST_LEVELS:
        return [f"{where}: {levels} different values are too many subgroups. Give a number that cuts, or join values."]
    return []


def _is_cut(how: Any) -> bool:
    return isinstance(how, int | float) and not isinstance(how, bool)


def _split(column: pd.Series, how: Any) -> Members:
    values = column.dropna()
    if _is_cut(how):
        number = values.astype(float)
        names = pd.Series(np.where(number <= how, f"≤ {how:g}", f"> {how:g}"), index=values.index)
        order = [f"≤ {how:g}", f"> {how:g}"]
    else:
        names = values.map(lambda v: f"{v:g}" if isinstance(v, float) else str(v).strip())
        order = sorted(set(names))
    return {name: frozenset(names.index[names == name].astype(str)) for name in order if (names == name).any()}


def _series(predictions: pd.DataFrame, resamples: pd.DataFrame | None, who: frozenset[str],
            outcome: Outcome) -> Series:
    """Return what each model scored of these patients, and what its uncertainty is read from."""
    own = predictions[predictions["patient_id"].astype(str).isin(who) & (predictions["set"] != "train")]
    again = (pd.DataFrame() if resamples is None else resamples[resamples["patient_id"].astype(str).isin(who)])
    return {(one.model, one.set, one.target): (one, defined(draws(one)))
            for one in scored(own, again, survival=outcome.kind == "survival")}


def _metric(one: Scored, outcome: Outcome, *, difference: bool = False) -> str:
    name = ("c_index" if one.survival else "auc") + ("_difference" if difference else "")
    return name if one.survival or outcome.binary else f"{name}[{one.target}]"


def _alone(column: str, name: str, series: Series, outcome: Outcome) -> list[tuple[Any, ...]]:
    return [_row(one, column, name, _metric(one, outcome), discrimination(one, drawn), one.n, one.events)
            for one, drawn in series.values()]


def _row(one: Scored, column: str, subgroup: str, metric: str, figure: Figure, n: int, events: int,
         p: float = float("nan")) -> tuple[Any, ...]:
    return (one.model, one.set, column, subgroup, metric, figure.value, figure.low, figure.high, n, events,
            figure.method, p)


def _unknown(column: str, members: Members, predictions: pd.DataFrame) -> list[tuple[Any, ...]]:
    """Return a row for the patients whose value of the column is not recorded, so that all are accounted for."""
    told, nothing = frozenset().union(*members.values()), alone(float("nan"), "not recorded")
    rows = []
    for (model, name), part in predictions[predictions["set"] != "train"].groupby(["model", "set"], sort=True):
        n = len(set(part["patient_id"].astype(str)) - told)
        if n:
            rows.append((model, name, column, "", "", nothing.value, nothing.low, nothing.high, n, 0, nothing.method,
                         float("nan")))
    return rows


def _interactions(column: str, found: Mapping[str, Series], outcome: Outcome) -> list[tuple[Any, ...]]:
    """Return each subgroup's difference from the largest one, and with two subgroups the one difference there is."""
    rows = []
    for key in dict.fromkeys(key for series in found.values() for key in series):
        here = {name: series[key] for name, series in found.items() if key in series}
        if len(here) < 2:
            continue
        first = max(here, key=lambda name: here[name][0].n)
        for name in here:
            if name != first:
                (one, drawn), (other, drawn_other) = here[name], here[first]
                figure, p = interaction(one, other, drawn, drawn_other)
                rows.append(_row(one, column, f"{name} - {first}", _metric(one, outcome, difference=True), figure,
                                 one.n + other.n, one.events + other.events, p))
    return rows


def interaction(one: Scored, other: Scored, drawn: Draws, drawn_other: Draws) -> tuple[Figure, float]:
    """Return how much better the score does in one subgroup than in another, and (untouched patients only) its p."""
    nothing, value = float("nan"), drawn.value - drawn_other.value
    if drawn.refusal or drawn_other.refusal:
        return alone(value, drawn.refusal or drawn_other.refusal), nothing
    if not one.frozen:
        return _resampled(drawn, drawn_other), nothing
    if not one.survival:
        test = delong_test_unpaired(one.score, one.truth, other.score, other.truth)[0]
        return _between(value, test.se, "delong_unpaired"), test.p
    se = float(np.hypot(drawn.floor, drawn_other.floor))
    p = float("nan") if not se > 0 else _two_sided(value / se)
    return _between(value, se, "concordance_jackknife_unpaired"), p


def _between(value: float, se: float, method: str) -> Figure:
    if not se > 0:
        return alone(value, "no spread")
    return Figure(value, max(value - Z95 * se, -1.0), min(value + Z95 * se, 1.0), method)


def _two_sided(z: float) -> float:
    return float(2 * stats.norm.sf(abs(z)))


def _resampled(drawn: Draws, other: Draws) -> Figure:
    """Return the cross-validated difference with the interval of the same resamples; patients are different ones."""
    shared = [r for r in drawn.replicates if r in set(other.replicates)]
    tables = [None if d.resampled is None else d.resampled[[d.replicates.index(r) for r in shared]]
              for d in (drawn, other)]
    if tables[0] is None or tables[1] is None or len(drawn.repeats) != len(other.repeats):
        return alone(drawn.value - other.value, "the models were not resampled together")
    both = replace(drawn, repeats=drawn.repeats - other.repeats, resampled=tables[0] - tables[1], plain=True,
                   influence=np.r_[drawn.influence, -other.influence], replicates=tuple(shared))
    figure = both.figure(difference=True)
    return replace(figure, method=figure.method.replace("_plain", "_interaction"))

