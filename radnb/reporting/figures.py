"""Figures of discrimination, calibration and clinical use, drawn from the tables of an Evaluation."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import FigureBase

from radnb.reporting import numbers, style
from radnb.reporting.display import Picture, nothing, picture
from radnb.reporting.story import Story

FEW = 100  # events or non-events below which calibration is not judged (Van Calster 2016)


def _draw(story: Story, figure: Any, name: str, formats: tuple[str, ...], **values: object) -> Picture:
    return picture(figure, name, heading=story.text(f"figure.{name}"), part="evidence",
                   caption=story.text(f"figure.{name}.caption", **values),
                   alt=story.text(f"figure.{name}.alt", **values), out_dir=story.out_dir,
                   formats=formats or story.formats)


def _nothing(story: Story, name: str) -> Picture:
    return nothing(name, heading=story.text(f"figure.{name}"), part="evidence", why=story.text("figure.no_probability"))


def counted(story: Story) -> str:
    """Say how many patients and events stand behind a figure."""
    row = story.metric(story.primary, story.headline)
    if row is None:
        return story.text("counted", n=len(story.cohort.table), events=story.events)
    return story.text("counted", n=int(row["n"]), events=int(row["events"]))


def headlines(story: Story) -> str:
    """Write each model with its headline metric, for captions and alternative texts."""
    rows = {model: story.metric(model, story.headline) for model in story.models}
    parts = [f"{story.model(m)} {story.metric_text(row)}" for m, row in rows.items() if row is not None]
    return story.text("separator").join(parts)


def roc(story: Story, *, formats: tuple[str, ...] = ()) -> Picture:
    """Draw the ROC curve of each model with its AUC and interval; three classes and more have a panel each."""
    with style.styled():
        figure = style.sheet(style.DOUBLE, 108) if len(_targets(story)) > 1 else style.sheet(style.SINGLE, 82)
        draw_roc(figure, story)
        return _draw(story, figure, "roc", formats, models=headlines(story), counted=counted(story))


def _targets(story: Story) -> list[str]:
    curves = story.of(story.evaluation.roc)
    return sorted(pd.unique(curves["target"]), key=_position(story)) if len(curves) else []


def draw_roc(figure: FigureBase, story: Story) -> None:
    """Draw the ROC curves into a figure or a part of one."""
    curves, targets = story.of(story.evaluation.roc), _targets(story)
    several = len(targets) > 1
    panels = np.atleast_1d(figure.subplots(1, max(len(targets), 1), sharey=True))
    for axes, target in zip(panels, targets, strict=False):
        _roc_panel(axes, story, curves[curves["target"] == target], f"[{target}]" if several else "")
        axes.set_title(story.label(target) if several else "")
        axes.label_outer()
    if several:
        names = [story.model(model) for model in story.models]
        figure.legend(panels[0].lines[1:], names, loc="outside upper left", ncols=len(names))


def _position(story: Story) -> Callable[[object], tuple[int, str]]:
    order = list(story.cohort.outcome.classes)
    return lambda target: (order.index(str(target)) if str(target) in order else len(order), str(target))


def _roc_panel(axes: Axes, story: Story, curves: pd.DataFrame, mark: str) -> None:
    axes.plot([0, 1], [0, 1], color=style.MUTED, linewidth=0.8, linestyle=(0, (1, 2)))
    for position, model in enumerate(story.models):
        curve, value = curves[curves["model"] == model], story.metric_text(story.metric(model, f"auc{mark}"))
        label = value if mark else f"{story.model(model)}\n{value}"
        axes.plot(curve["fpr"], curve["tpr"], label=label, zorder=5 - position, **style.line(position))
    axes.set(xlabel=story.text("axis.fpr"), ylabel=story.text("axis.tpr"), xlim=(-0.01, 1.01), ylim=(-0.01, 1.01))
    axes.set_aspect("equal")
    style.grid(axes)
    if mark:
        axes.set_xticks([0.0, 0.5, 1.0])
        axes.legend(loc="upper left", bbox_to_anchor=(0, -0.25), title=story.text("axis.auc"), alignment="left",
                    title_fontsize=8)
    else:
        axes.legend(loc="lower right", title=story.text("axis.auc"), alignment="left", title_fontsize=8,
                    facecolor=style.PAPER, frameon=True, framealpha=0.85, edgecolor="none")


def few_to_judge(story: Story) -> bool:
    """Say whether there are too few events or non-events for calibration to be judged."""
    row = story.metric(story.primary, story.headline)
    n, events = (int(row["n"]), int(row["events"])) if row else (len(story.cohort.table), story.events)
    return min(events, n - events) < FEW


def calibration(story: Story, *, formats: tuple[str, ...] = ()) -> Picture:
    """Draw predicted against observed risk of the primary model, above a histogram of the predictions."""
    curve = story.of(story.evaluation.calibration, model=story.primary, target=story.target)
    if curve.empty:
        return _nothing(story, "calibration")
    few = few_to_judge(story)
    with style.styled():
        figure = style.sheet(style.SINGLE, 98)
        draw_calibration(figure, story)
        return _draw(story, figure, "calibration", formats, model=story.model(story.primary), counted=counted(story),
                     numbers=_calibration_numbers(story), few=story.text("few_to_judge.said") if few else "")


def draw_calibration(figure: FigureBase, story: Story) -> None:
    """Draw the calibration curve and its histogram into a figure or a part of one."""
    curve = story.of(story.evaluation.calibration, model=story.primary, target=story.target)
    upper, lower = figure.subplots(2, 1, height_ratios=(5, 1), sharex=True)
    upper.plot([0, 1], [0, 1], color=style.MUTED, linewidth=0.8, linestyle=(0, (1, 2)), label=story.text("axis.ideal"))
    line = style.line(0)
    upper.fill_between(curve["predicted"], curve["low"], curve["high"], color=line["color"], alpha=0.15, lw=0)
    upper.plot(curve["predicted"], curve["observed"], label=story.model(story.primary), **line)
    if few_to_judge(story):
        upper.text(0.97, 0.04, story.text("few_to_judge"), transform=upper.transAxes, ha="right",
                   fontfamily=style.BOLD, fontweight=600,
                   bbox={"facecolor": style.PAPER, "edgecolor": style.MUTED, "boxstyle": "round,pad=0.4"})
    upper.set(ylabel=story.text("axis.observed"), xlim=(-0.01, 1.01), ylim=(-0.01, 1.01))
    upper.legend(loc="upper left")
    style.grid(upper)
    _histogram(lower, _probabilities(story))
    lower.set(xlabel=story.text("axis.predicted"), ylabel=story.text("axis.patients"))


def _probabilities(story: Story) -> pd.DataFrame:
    return story.of(story.evaluation.scores, model=story.primary, target=story.target)


def _histogram(axes: Axes, scores: pd.DataFrame) -> None:
    edges = [step / 25 for step in range(26)]
    if len(scores):
        axes.hist(scores["score"], bins=edges, color=style.MUTED, edgecolor=style.PAPER, linewidth=0.4)
    axes.locator_params(axis="y", nbins=3, integer=True)


def _calibration_numbers(story: Story) -> str:
    names = ("calibration_intercept", "calibration_slope", "brier")
    mark = "" if story.cohort.outcome.binary else f"[{story.target}]"
    rows = [(name, story.metric(story.primary, name + mark)) for name in names]
    parts = [f"{story.text(f'metric.{name}')} {story.metric_text(row)}" for name, row in rows if row is not None]
    return story.text("separator").join(parts)


def decision_curve(story: Story, *, formats: tuple[str, ...] = ()) -> Picture:
    """Draw net benefit over the thresholds declared on the card, beside treating all and none."""
    declared = story.facts.get("decision") or {}
    if not has_decision(story):
        return _nothing(story, "decision_curve")
    with style.styled():
        figure = style.sheet(style.DOUBLE, 88)
        draw_decision(figure, story)
        return _draw(story, figure, "decision_curve", formats, model=story.model(story.primary), counted=counted(story),
                     low=numbers.percent(declared.get("low")), high=numbers.percent(declared.get("high")),
                     reason=_sentence(story, declared.get("reason")))


def has_decision(story: Story) -> bool:
    """Say whether the primary model has a decision curve."""
    return story.primary in set(_net_benefit(story).get("model", ()))


def _net_benefit(story: Story) -> pd.DataFrame:
    table = story.of(story.evaluation.decision)
    return table[table["target"] == story.target] if len(table) else table


def draw_decision(figure: FigureBase, story: Story) -> None:
    """Draw the decision curves into a figure or a part of one."""
    table, axes = _net_benefit(story), figure.subplots()
    for position, model in enumerate(story.models):
        curve = table[table["model"] == model]
        if position == 0:
            axes.fill_between(curve["threshold"], curve["low"], curve["high"], color=style.PALETTE[0], alpha=0.13,
                              linewidth=0)
        axes.plot(curve["threshold"], curve["net_benefit"], label=story.model(model), **style.line(position))
    for name, dash in (("treat_all", (0, (1, 1))), ("treat_none", "-")):
        curve = table[table["model"] == name]
        axes.plot(curve["threshold"], curve["net_benefit"], color=style.MUTED, linestyle=dash, linewidth=1.1,
                  label=story.text(f"model.{name}"))
    top = max(float(table["net_benefit"].max()), 0.1)
    band = table.loc[table["model"] == story.primary, "high"].max()
    axes.set(xlabel=story.text("axis.threshold"), ylabel=story.text("axis.net_benefit"),
             ylim=(-0.3 * top, max(1.1 * top, min(1.03 * band, 1.7 * top) if np.isfinite(band) else 0.0)))
    axes.xaxis.set_major_formatter(lambda value, _: numbers.percent(value))
    style.grid(axes)
    axes.legend(loc="center left", bbox_to_anchor=(1.0, 0.5))


def _sentence(story: Story, words: Any) -> str:
    said = story.say(words).strip()
    return said if not said or said[-1] in ".!?\u3002\uff01\uff1f" else said + story.text("stop").strip()


def forest(story: Story, *, formats: tuple[str, ...] = ()) -> Picture:
    """Draw the headline metric of every model with its interval, and the primary difference below."""
    with style.styled():
        figure = style.sheet(style.DOUBLE, 16 + 11 * max(len(story.models), 2))
        draw_forest(figure, story)
        return _draw(story, figure, "forest", formats, models=headlines(story), counted=counted(story),
                     metric=story.text(f"metric.{story.headline}"))


def draw_forest(figure: FigureBase, story: Story) -> None:
    """Draw the headline metrics with their intervals into a figure or a part of one."""
    rows = [(story.model(m), row, i) for i, m in enumerate(story.models)
            if (row := story.metric(m, story.headline)) is not None]
    axes = figure.subplots()
    for position, (_, row, order) in enumerate(rows):
        colour, marker = style.PALETTE[order % 6], style.MARKERS[order % 6]
        axes.plot([row["low"], row["high"]], [position] * 2, color=colour, linewidth=2.2)
        axes.plot([row["value"]], [position], marker=marker, color=colour, markersize=7, mec=style.PAPER)
        axes.annotate(story.metric_text(row), (1.02, position), xycoords=("axes fraction", "data"), va="center")
    axes.axvline(0.5, color=style.MUTED, linewidth=0.8, linestyle=(0, (1, 2)))
    lowest = min([0.5, *[r["low"] for _, r, _ in rows if np.isfinite(r["low"])]])
    axes.set(yticks=range(len(rows)), yticklabels=[name for name, _, _ in rows], ylim=(len(rows) - 0.5, -0.5),
             xlim=(max(0.0, lowest - 0.05), 1.0), xlabel=story.text(f"axis.{story.headline}"))
    axes.tick_params(axis="y", length=0)
    axes.spines["left"].set_visible(False)
    style.grid(axes, axis="x")
