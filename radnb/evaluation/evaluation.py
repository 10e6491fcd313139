"""From predictions and resamples to every table that a report shows, without refitting anything."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

import numpy as np
import pandas as pd

from radnb.errors import raise_all
from radnb.evaluation import bootstrap632, classification, grades, survival
from radnb.evaluation.centres import alone_in, left_out, without_between
from radnb.evaluation.checks import RESAMPLED, check, known_model
from radnb.evaluation.compare import Compared, Verdict, from_chance, verdict
from radnb.evaluation.controls import Own, clouds, controls, learning, unbeaten
from radnb.evaluation.curves import tables
from radnb.evaluation.flags import flags
from radnb.evaluation.grid import grid, summary
from radnb.evaluation.honesty import (
    SAME_PATIENTS,
    Draws,
    Figure,
    alone,
    difference,
    difference_macro,
    discrimination,
    discrimination_macro,
    draws,
    macro,
)
from radnb.evaluation.scored import Scored, scored
from radnb.evaluation.transfer import apart, travelled
from radnb.features.assemble import Outcome
from radnb.learning.plan import Trained
from radnb.learning.splits import ARROW
from radnb.statistics.screening import holm

METRICS = ("model", "set", "metric", "value", "low", "high", "n", "events", "method")
Key = tuple[str, str]  # model, set
Note = tuple[str, str, Mapping[str, Any]]  # code, severity, parameters


@dataclass(frozen=True)
class Evaluation:
    """All tables of one study; NaN limits mean that no honest interval exists, and `method` says why.

    metrics: model, set, metric, value, low, high, n, events, method.  The curves carry model, set and target besides
    roc: threshold, fpr, tpr; calibration: predicted, observed, low, high; decision: threshold, net_benefit, low, high
    (models "treat_all" and "treat_none" included); decision_difference: the same of "model - comparator";
    confusion: threshold, tp, fp, fn, tn (means over repeats); per_100: measure, value, low, high, method;
    kaplan_meier: group, time, survival, low, high, censored; at_risk: group, time, at_risk, events, censored;
    scores: patient_id, score, truth, time_months, event, group.  flags: code, severity, parameters.
    grid and grid_summary: see grid.py; empty where the card compares no grid.  transfer: see transfer.py; scores of
    frozen models in patients of other centres or sets, as they are and recalibrated there.  controls, clouds and
    learning: see controls.py.  classes: patients by true and most probable class, see grades.py; subgroups: see
    subgroups.py; empty where the card names none.
    """

    metrics: pd.DataFrame
    roc: pd.DataFrame
    calibration: pd.DataFrame
    decision: pd.DataFrame
    decision_difference: pd.DataFrame
    confusion: pd.DataFrame
    per_100: pd.DataFrame
    kaplan_meier: pd.DataFrame
    at_risk: pd.DataFrame
    scores: pd.DataFrame
    flags: pd.DataFrame
    verdict: Verdict
    grid: pd.DataFrame = field(default_factory=pd.DataFrame)
    grid_summary: pd.DataFrame = field(default_factory=pd.DataFrame)
    transfer: pd.DataFrame = field(default_factory=pd.DataFrame)
    controls: pd.DataFrame = field(default_factory=pd.DataFrame)
    clouds: pd.DataFrame = field(default_factory=pd.DataFrame)
    learning: pd.DataFrame = field(default_factory=pd.DataFrame)
    classes: pd.DataFrame = field(default_factory=pd.DataFrame)
    subgroups: pd.DataFrame = field(default_factory=pd.DataFrame)


def evaluate(predictions: pd.DataFrame, resamples: pd.DataFrame | None, *, outcome: Outcome, primary: str,
             comparator: str | None, decision: tuple[float, float], horizons_months: Sequence[float] | None = None,
             relevant_difference: float = 0.1, patients: pd.DataFrame | None = None,
             candidates: Mapping[str, int] | None = None, ways: pd.DataFrame | None = None,
             splits: pd.DataFrame | None = None, trained: Trained | None = None,
             clinical: str | None = None, cut: int | None = None) -> Evaluation:
    """Evaluate every model in every set of patients, compare with the comparator and judge the primary comparison.

    `patients` (patient_id, centre) and `candidates` (model -> number of candidate features) serve checks and centres;
    `cut` is where a model in two stages divides the classes;
    `ways` holds the scores of every candidate of a grid, `splits` who trained and was tested where; `trained` tells
    the controls of fits, selections and costs, and `clinical` names the model set of the clinical facts alone.
    """
    drawn_table = pd.DataFrame(columns=list(RESAMPLED)) if resamples is None else resamples
    check(predictions, drawn_table, outcome)
    _choices(predictions, primary, comparator, decision, relevant_difference)
    named = apart(predictions, patients, splits)
    series = scored(named, drawn_table, survival=outcome.kind == "survival")
    centres = [left_out(one, patients) for one in series]
    notes = trained.notes if trained else ()
    drawn = [_untouched(without_between(draws(one), c), notes) for one, c in zip(series, centres, strict=True)]
    horizons = tuple(horizons_months or ())
    metrics = [row for one, d in zip(series, drawn, strict=True)
               for row in _one_model(one, d, outcome, horizons, bootstrap632.apparent_of(one, series))]
    metrics += [(one.model, one.set, metric, f.value, f.low, f.high, n, events, f.method)
                for one, c in zip(series, centres, strict=True) if outcome.binary or one.survival
                for metric, f, n, events in alone_in(one, c)]
    whole = _summaries(series, drawn)
    metrics += [row for summary in whole.values() for row in summary.rows()]
    several = [grades.Several(one.series, one.drawn) for one in whole.values() if len(one.series) > 1]
    metrics += [row for one in several for row in grades.metrics(one, outcome, cut)]
    compared, rows = _comparisons(whole, primary, comparator)
    judged = _judge(whole, compared, primary, comparator, relevant_difference)
    table = _metrics(metrics + rows)
    thresholds = classification.decision_grid(*decision)
    ranked = grid(pd.DataFrame() if ways is None else ways, outcome=outcome)
    beside = _beside(series, drawn_table, table, _where_controls_ran(judged, splits), trained, clinical, candidates)
    judged = replace(judged, unbeaten=unbeaten(beside["controls"]))
    checks = flags(series, table, judged, patients=patients, candidates=candidates, horizons=horizons,
                   notes=notes)
    return Evaluation(metrics=table, verdict=judged, flags=checks, grid=ranked, grid_summary=summary(ranked, table),
                      transfer=tried_on_others(travelled(predictions, patients, splits, thresholds=decision), notes),
                      classes=grades.classes(several, outcome), **beside,
                      **tables(series, drawn, thresholds, comparator))


def _untouched(drawn: Draws, notes: Sequence[Note]) -> Draws:
    """Refuse every interval where patients who are tested have also trained."""
    return replace(drawn, refusal=drawn.refusal or SAME_PATIENTS) if _shared(notes) else drawn


def _shared(notes: Sequence[Note]) -> bool:
    return any(code == "same_patients" for code, *_ in notes)


def tried_on_others(table: pd.DataFrame, notes: Sequence[Note]) -> pd.DataFrame:
    """Return a table of values and limits; without limits where patients who are tested have also trained."""
    nothing = alone(float("nan"), SAME_PATIENTS)
    given = {"low": nothing.low, "high": nothing.high, "p": nothing.low, "method": nothing.method}
    return table.assign(**{k: v for k, v in given.items() if k in table}) if _shared(notes) and len(table) else table


def _where_controls_ran(judged: Verdict, splits: pd.DataFrame | None) -> Verdict:
    """Return the verdict moved to the direction between centres that the controls were run in: the first."""
    moved = ARROW in judged.set and splits is not None and len(splits)
    return replace(judged, set=str(splits["name"].iloc[0])) if moved and splits is not None else judged


def _beside(series: Sequence[Scored], resamples: pd.DataFrame, metrics: pd.DataFrame, judged: Verdict,
            trained: Trained | None, clinical: str | None,
            candidates: Mapping[str, int] | None) -> dict[str, pd.DataFrame]:
    """Return the controls and the learning curve of the primary model, in the patients that the verdict rests on."""
    by_model = {name: tuple(one for one in series if one.model == name and one.set == judged.set)
                for name in (judged.model, clinical) if name is not None}
    own = Own(by_model[judged.model], resamples, trained)
    headline = metrics[(metrics["model"] == judged.model) & (metrics["set"] == judged.set)
                       & metrics["metric"].str.fullmatch("auc|auc_macro|c_index")]
    width = float((headline["high"] - headline["low"]).iloc[0])
    same = by_model[clinical] if clinical is not None and clinical != judged.model else ()
    return {"controls": controls(own, clinical=same, candidates=candidates), "clouds": clouds(own),
            "learning": learning(own, width)}


def _choices(predictions: pd.DataFrame, primary: str, comparator: str | None, decision: tuple[float, float],
             relevant: float) -> None:
    found = known_model(primary, predictions, "primary.model")
    found += [] if comparator is None else known_model(comparator, predictions, "primary.comparator")
    if primary == comparator:
        found.append(f"primary.comparator: {comparator!r} is the primary model itself. Name another model, or none.")
    if not 0 < decision[0] < decision[1] < 1:
        found.append(f"decision: {decision[0]:g} to {decision[1]:g} will not do. Give two thresholds with "
                     "0 < low < high < 1, as in 0.1 and 0.6.")
    if not 0 < relevant < 1:
        found.append(f"relevant_difference: {relevant:g} is not between 0 and 1. Give the smallest improvement that "
                     "would matter, as in 0.1.")
    raise_all(found, code="E_CONFIG")


def _row(one: Scored, metric: str, figure: Figure) -> tuple[object, ...]:
    return (one.model, one.set, metric, figure.value, figure.low, figure.high, one.n, one.events, figure.method)


def _one_model(one: Scored, drawn: Draws, outcome: Outcome, horizons: Sequence[float],
               apparent: Scored | None) -> list[tuple[object, ...]]:
    """Return the metric rows of one model, set and target, but for the AUC or C itself when it is the headline."""
    mark = "" if outcome.binary or one.survival else f"[{one.target}]"
    rows = [] if not mark else [_row(one, f"auc{mark}", discrimination(one, drawn))]
    if one.survival:
        rows += [(one.model, one.set, metric, f.value, f.low, f.high, n, events, f.method)
                 for metric, f, n, events in survival.group_figures(one, horizons)]
        p = alone(float("nan"), drawn.refusal) if drawn.refusal == SAME_PATIENTS else survival.logrank_p(one)
        return [*rows, *([_row(one, "logrank_p", p)] if one.rows.thresholded else [])]
    found = {**classification.at_threshold(one, drawn), **classification.calibrated(one, drawn),
             **bootstrap632.of_patients(one, apparent)}
    return rows + [_row(one, f"{name}{mark}", figure) for name, figure in found.items()
                   if name not in classification.PER_100]


@dataclass(frozen=True)
class _Summary:
    """The headline figure of one model in one set: AUC, macro AUC or C."""

    series: tuple[Scored, ...]
    drawn: Draws
    figure: Figure
    metric: str

    @property
    def n(self) -> int:
        return self.series[0].n

    @property
    def events(self) -> int:
        return self.series[0].events if len(self.series) == 1 else min(one.events for one in self.series)

    def row(self, model: str, metric: str, figure: Figure) -> tuple[object, ...]:
        return (model, self.series[0].set, metric, figure.value, figure.low, figure.high, self.n, self.events,
                figure.method)

    def rows(self) -> list[tuple[object, ...]]:
        rows = [self.row(self.series[0].model, self.metric, self.figure)]
        if len(self.drawn.permuted):
            p = self.drawn.p_any()
            rows.append(self.row(self.series[0].model, "permutation_p",
                                 Figure(p.p, float("nan"), float("nan"), f"permuted{p.used}")))
        return rows


def _summaries(series: Sequence[Scored], drawn: Sequence[Draws]) -> dict[Key, _Summary]:
    grouped: dict[Key, list[int]] = {}
    for k, one in enumerate(series):
        grouped.setdefault((one.model, one.set), []).append(k)
    result = {}
    for key, members in grouped.items():
        if len(members) == 1:
            one, d = series[members[0]], drawn[members[0]]
            figure, metric = discrimination(one, d), "c_index" if one.survival else "auc"
        else:
            one, d = series[members[0]], macro([drawn[k] for k in members])
            figure, metric = discrimination_macro(one, d), "auc_macro"
        result[key] = _Summary(tuple(series[k] for k in members), d, figure, metric)
    return {key: _combined(one, result.get((key[0], "train"))) for key, one in result.items()}


def _combined(one: _Summary, apparent: _Summary | None) -> _Summary:
    """Return a headline that was scored out of bag as its .632+ estimate."""
    drawn = None if apparent is None else apparent.drawn
    return replace(one, figure=bootstrap632.of_headline(one.figure, one.drawn, one.series[0], drawn))


def _comparisons(whole: Mapping[Key, _Summary], primary: str,
                 comparator: str | None) -> tuple[dict[Key, Figure], list[tuple[object, ...]]]:
    """Return the differences of every model from the comparator, and their rows."""
    found: dict[Key, tuple[Figure, float]] = {}
    for (model, name), mine in whole.items():
        other = whole.get((comparator or "", name))
        if other is not None and model != comparator and name != "train":
            found[model, name] = _difference(mine, other)
    tests = _corrected(found, primary)
    rows = [row for key in found for row in _difference_rows(whole[key], str(comparator), found[key][0], tests[key])]
    return {key: figure for key, (figure, _) in found.items()}, rows


def _corrected(found: Mapping[Key, tuple[Figure, float]], primary: str) -> dict[Key, Figure]:
    """Return the p of each difference: the locked comparison's as it is, all others corrected for their number."""
    nothing = float("nan")
    tests = {key: Figure(p, nothing, nothing, figure.method) for key, (figure, p) in found.items()}
    others = [key for key, (_, p) in found.items() if key[0] != primary and np.isfinite(p)]
    for key, p in zip(others, holm(np.array([found[key][1] for key in others])), strict=True):
        tests[key] = Figure(float(p), nothing, nothing, f"{found[key][0].method}_holm")
    return tests


def _difference_rows(mine: _Summary, comparator: str, figure: Figure, test: Figure) -> list[tuple[object, ...]]:
    model = f"{mine.series[0].model} - {comparator}"
    metric = "c_index_difference" if mine.metric == "c_index" else "auc_difference"
    rows = [mine.row(model, metric, figure)]
    if len(mine.drawn.added):
        added = mine.drawn.p_added()
        rows.append(mine.row(model, "permutation_p", Figure(added.p, float("nan"), float("nan"),
                                                            f"permuted_added{added.used}")))
    return rows + ([mine.row(model, f"{metric}_p", test)] if np.isfinite(test.value) else [])


def _difference(mine: _Summary, other: _Summary) -> tuple[Figure, float]:
    if (figure := bootstrap632.difference(mine.figure, other.figure)) is not None:
        return figure, float("nan")
    if len(mine.series) == 1:
        return difference(mine.series[0], other.series[0], mine.drawn, other.drawn)
    return difference_macro(mine.series[0], other.series[0], mine.drawn, other.drawn)


def _judge(whole: Mapping[Key, _Summary], compared: Mapping[Key, Figure], primary: str, comparator: str | None,
           relevant: float) -> Verdict:
    found = []
    for (model, name), mine in whole.items():
        if model != primary or (name == "train" and len([k for k in whole if k[0] == primary]) > 1):
            continue
        figure = from_chance(mine.figure) if comparator is None else compared.get((model, name))
        if figure is not None:
            found.append(Compared(figure, name, mine.n, mine.events, mine.drawn.p_any().p, mine.drawn.p_added().p))
    if not found:
        raise_all([f"primary: {primary!r} and {comparator!r} were not scored in the same set of patients. "
                   "Score both models on the same patients."], code="E_CONFIG")
    metric = next(iter(whole.values())).metric
    return verdict(found, model=primary, comparator=comparator, metric=metric, relevant=relevant)


def _metrics(rows: Sequence[tuple[object, ...]]) -> pd.DataFrame:
    table = pd.DataFrame(rows, columns=list(METRICS))
    numbers = ["value", "low", "high"]
    table[numbers] = table[numbers].astype(float)
    table = table.astype({"n": "int64", "events": "int64"})
    headline = table["metric"].str.match(r"^(auc|c_index)(_macro)?$|_difference$|^permutation_p$|_difference_p$")
    return table.assign(_late=~headline).sort_values(["set", "model", "_late"], kind="stable",
                                                     ignore_index=True).drop(columns="_late")
