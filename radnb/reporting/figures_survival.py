"""Figures of time to an event: Kaplan-Meier curves with the numbers at risk."""

from __future__ import annotations

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import FigureBase

from radnb.reporting import numbers, style
from radnb.reporting.display import Picture, nothing, picture
from radnb.reporting.figures import counted
from radnb.reporting.story import Story

GROUPS = ("high", "low")


def groups(table: pd.DataFrame) -> list[str]:
    """List the risk groups of a table, the highest first."""
    found = [str(name) for name in pd.unique(table["group"])]
    return sorted(found, key=lambda name: (GROUPS.index(name) if name in GROUPS else 9, name))


def kaplan_meier(story: Story, *, formats: tuple[str, ...] = ()) -> Picture:
    """Draw survival of the primary model's risk groups, with bands, and the numbers at risk below."""
    curves = story.of(story.evaluation.kaplan_meier, model=story.primary)
    order = groups(curves) if len(curves) else []
    if not order:
        return nothing("kaplan_meier", heading=story.text("figure.kaplan_meier"), part="evidence",
                       why=story.text("first.no_per_100"))
    with style.styled():
        figure = style.sheet(style.DOUBLE, 84 + 7 * len(order))
        draw_kaplan_meier(figure, story)
        return picture(figure, "kaplan_meier", heading=story.text("figure.kaplan_meier"), part="evidence",
                       caption=story.text("figure.kaplan_meier.caption", model=story.model(story.primary),
                                          months=story.months, counted=counted(story)),
                       alt=story.text("figure.kaplan_meier.alt", parts=_at_horizon_words(story, order)),
                       out_dir=story.out_dir, formats=formats or story.formats)


def draw_kaplan_meier(figure: FigureBase, story: Story) -> None:
    """Draw the curves and the numbers at risk into a figure or a part of one."""
    curves = story.of(story.evaluation.kaplan_meier, model=story.primary)
    order = groups(curves)
    upper, lower = figure.subplots(2, 1, height_ratios=(6.2, 0.5 + 0.62 * len(order)), sharex=True)
    for position, group in enumerate(order):
        _curve(upper, curves[curves["group"].astype(str) == group], position, story.known("group", group))
    _mark_horizon(upper, story)
    upper.set(ylim=(0, 1.03), ylabel=story.text("axis.without", without=story.without))
    upper.yaxis.set_major_formatter(lambda value, _: numbers.percent(value))
    upper.legend(loc="lower left")
    style.grid(upper)
    _numbers_at_risk(lower, story.of(story.evaluation.at_risk, model=story.primary), order, story)
    upper.set_xlim(left=0)
    figure.align_ylabels()


def _curve(axes: Axes, curve: pd.DataFrame, position: int, label: str) -> None:
    look = style.line(position)
    axes.fill_between(curve["time"], curve["low"], curve["high"], step="post", color=look["color"], alpha=0.14, lw=0)
    axes.step(curve["time"], curve["survival"], where="post", label=label, **look)
    lost = curve[curve["censored"] > 0]
    axes.plot(lost["time"], lost["survival"], linestyle="", marker="|", markersize=5, markeredgewidth=0.9,
              color=look["color"])


def _mark_horizon(axes: Axes, story: Story) -> None:
    if story.horizon:
        axes.axvline(story.horizon, color=style.MUTED, linewidth=0.8, linestyle=(0, (1, 2)))


def _numbers_at_risk(axes: Axes, risk: pd.DataFrame, order: list[str], story: Story) -> None:
    axes.set(ylim=(len(order) - 0.4, -0.6), yticks=range(len(order)), xlabel=story.text("axis.months"),
             yticklabels=[story.known("group", g) for g in order])
    axes.set_title(story.text("axis.at_risk"), fontsize=8, color=style.MUTED, pad=3)
    axes.tick_params(axis="y", length=0, pad=16)
    axes.spines["left"].set_visible(False)
    for position, group in enumerate(order):
        rows = risk[risk["group"].astype(str) == group]
        for time, n in zip(rows["time"], rows["at_risk"], strict=True):
            axes.text(time, position, str(int(n)), ha="center", va="center", clip_on=False)
    if len(risk):
        axes.set_xticks(sorted(set(risk["time"])))


def at_horizon(story: Story, group: str) -> tuple[float, float, float]:
    """Return the share without event at the horizon in a risk group, with its interval."""
    curve = story.of(story.evaluation.kaplan_meier, model=story.primary)
    curve = curve[curve["group"].astype(str) == group].sort_values("time", kind="stable")
    before = curve[curve["time"] <= (story.horizon or np.inf)]
    if before.empty:
        return 1.0, np.nan, np.nan
    last = before.iloc[-1]
    return float(last["survival"]), float(last["low"]), float(last["high"])


def _at_horizon_words(story: Story, order: list[str]) -> str:
    parts = []
    for group in order:
        value, low, high = at_horizon(story, group)
        shown = numbers.percent(value) + numbers.span(numbers.percent(low), numbers.percent(high), story.language)
        parts.append(story.text("figure.kaplan_meier.part", group=story.known("group", group), share=shown,
                                months=story.months, without=story.without))
    return story.text("separator").join(parts)
