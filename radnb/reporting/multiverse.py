"""The specification curve: what every other defensible choice would have answered, beside the card's own."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
import pandas as pd
from matplotlib.axes import Axes

from radnb.evaluation.multiverse import Universe, told
from radnb.reporting import numbers, style
from radnb.reporting.display import Picture, picture
from radnb.reporting.grid import interval
from radnb.reporting.story import Story
from radnb.reporting.tables import Table, table


def specification_curve(story: Story, universe: Universe, *, formats: tuple[str, ...] = ()) -> Picture:
    """Draw every specification in order of its value, with its choices below and the card's own marked."""
    lanes = [(name, choice) for name in universe.choices for choice in _values(universe, name)]
    with style.styled():
        figure = style.sheet(style.DOUBLE, 78 + 4.6 * len(lanes) + 3 * len(universe.choices))
        upper, lower = figure.subplots(2, 1, sharex=True, height_ratios=[62, 4.6 * len(lanes) + 8])
        _draw_values(upper, story, universe)
        _draw_choices(lower, universe, lanes)
        words = _words(story, universe)
        return picture(figure, "specification_curve", heading=story.text("figure.specification_curve"),
                       part="evidence", caption=story.text("figure.specification_curve.caption", **words),
                       alt=story.text("figure.specification_curve.alt", **words), out_dir=story.out_dir,
                       formats=formats or story.formats)


def _values(universe: Universe, name: str) -> list[str]:
    return list(dict.fromkeys(universe.table.sort_values("specification")[name]))


def _draw_values(axes: Axes, story: Story, universe: Universe) -> None:
    found, own = universe.table, universe.table["own"].to_numpy(bool)
    places, value = np.arange(len(found)), found["value"].to_numpy(float)
    axes.fill_between(places, found["low"].to_numpy(float), found["high"].to_numpy(float), step="mid", linewidth=0,
                      color=style.PALETTE[0], alpha=0.15)
    axes.plot(places, value, ".", color=style.PALETTE[0], markersize=max(2.0, 7 - len(found) / 60),
              label=story.model(story.primary))
    if found["comparator"].notna().any():
        axes.plot(places, found["comparator"].to_numpy(float), "_", color=style.PALETTE[1], markersize=5,
                  label=story.model(story.comparator))
    axes.plot(places[own], value[own], "D", color=style.INK, markersize=6, label=story.text("multiverse.own"))
    axes.axhline(0.5, color=style.MUTED, linewidth=0.8, linestyle=(0, (1, 2)))
    axes.set_ylabel(story.text(f"metric.{story.headline}"))
    style.grid(axes, axis="y")
    axes.legend(loc="lower right", ncols=3, facecolor=style.PAPER, frameon=True, framealpha=0.85, edgecolor="none")


def _draw_choices(axes: Axes, universe: Universe, lanes: Sequence[tuple[str, str]]) -> None:
    """Draw, under each specification, a mark in the lane of each of its choices."""
    names, height = list(universe.choices), []
    for number, (name, choice) in enumerate(lanes):
        lane = number + 0.6 * names.index(name)
        chosen = np.flatnonzero((universe.table[name] == choice).to_numpy(bool))
        axes.plot(chosen, [lane] * len(chosen), "|", color=style.INK, markersize=6, markeredgewidth=0.8)
        height.append(lane)
    first = {name: next(i for i, lane in enumerate(lanes) if lane[0] == name) for name in names}
    labels = [f"{name.split('.')[-1].replace('_', ' ')}: {choice}" if first[name] == i else choice
              for i, (name, choice) in enumerate(lanes)]
    axes.set(yticks=height, yticklabels=labels, ylim=(max(height) + 0.7, -0.7), xticks=[])
    axes.tick_params(axis="y", length=0)
    axes.spines[["left", "bottom"]].set_visible(False)


def _words(story: Story, universe: Universe) -> dict[str, Any]:
    found = told(universe)
    known = np.isfinite(found["improved"])
    return {"count": int(found["count"]), "possible": universe.possible, "n": universe.patients,
            "left_out": universe.left_out, "metric": story.text(f"metric.{story.headline}"),
            **{key: numbers.number(found[key]) for key in ("low", "median", "high", "own")},
            "above": numbers.percent(found["above"]), "status": story.text(f"multiverse.{_status(story)}"),
            "compared": story.text("multiverse.compared", improved=numbers.percent(found["improved"]),
                                   clear=numbers.percent(found["clear"]), comparator=story.model(story.comparator))
            if known and story.comparator else ""}


def _status(story: Story) -> str:
    return str(dict(story.facts.get("plan") or {}).get("status", "unlocked"))


def specification_table(story: Story, universe: Universe) -> Table:
    """Show how the value moves with each choice: the median and range of the specifications that made it."""
    rows, values = [], universe.table
    for name in universe.choices:
        for choice in _values(universe, name):
            part = values.loc[values[name] == choice, "value"]
            rows.append({story.text("column.choice"): f"{name}: {choice}",
                         story.text("column.specifications"): str(len(part)),
                         story.text("column.median_range"): interval(story, float(part.median()), float(part.min()),
                                                                     float(part.max()))})
    return table(story, "multiverse", pd.DataFrame(rows), part="evidence", values=values,
                 note=story.text("multiverse.note", **_words(story, universe)))


