"""Subgroups told: the locked models inside each, how far apart two of them are, and that all of it is exploratory."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
import pandas as pd
from matplotlib.axes import Axes

from radnb.reporting import numbers, style
from radnb.reporting.display import Picture, nothing, picture
from radnb.reporting.story import Story, bare, inline, sentence
from radnb.reporting.tables import LEVEL, Table, table
from radnb.reporting.wording import method_words, metric_label

Record = Mapping[str, Any]


def subgroup_table(story: Story) -> Table:
    """Show both locked models in each subgroup, then the primary model's differences between subgroups."""
    rows = _rows(story)
    models = [name for name in (story.primary, story.comparator) if name]
    shown: list[dict[str, str]] = []
    for column, part in rows.groupby("column", sort=False) if len(rows) else ():
        shown.append(_line(story, sentence(story.label(column)), dict.fromkeys(models, ""), ""))
        for name, group in part[~_differences(part)].groupby("subgroup", sort=False):
            found = {str(row["model"]): row for row in _records(group)}
            cells = {m: story.metric_text(found.get(m)) for m in models}
            said = f"{LEVEL}{_level(story, str(column), str(name))}"
            shown.append(_line(story, said, cells, _size(next(iter(found.values())))))
        for row in _records(part[_differences(part) & (part["model"] == story.primary)]):
            said = story.text("subgroups.interaction", pair=_pair(story, part, row))
            cells = {m: story.metric_text(row) if m == story.primary else "" for m in models}
            shown.append(_line(story, LEVEL + said, cells, _size(row), numbers.p_value(row["p"]),
                               method_words(story, row["method"])))
    frame = pd.DataFrame(shown)
    if len(frame) and (frame[story.text("column.p")] == "").all():
        frame = frame.drop(columns=story.text("column.p"))
    note = story.text("table.subgroups.note", metric=_metric(story)) if len(frame) else story.text("subgroups.none")
    return table(story, "subgroups", frame, part="evidence", values=rows, note=note, left_out=frame.empty)


def _line(story: Story, name: str, cells: Mapping[str, str], size: str, p: str = "",
          method: str = "") -> dict[str, str]:
    shown_p = "" if p == numbers.NONE else p
    return {story.text("column.subgroup"): name, **{story.model(m): said for m, said in cells.items()},
            story.text("column.n_events"): size, story.text("column.p"): shown_p, story.text("column.method"): method}


def _rows(story: Story) -> pd.DataFrame:
    """Return the rows of the report's set that are about its event."""
    found = story.of(story.evaluation.subgroups)
    if not len(found):
        return pd.DataFrame()
    name = "c_index" if story.survival else "auc"
    mark = "" if story.survival or story.cohort.outcome.binary else f"[{story.target}]"
    return found[found["metric"].isin([f"{name}{mark}", f"{name}_difference{mark}", ""])].reset_index(drop=True)


def _differences(rows: pd.DataFrame) -> pd.Series:
    return rows["metric"].str.contains("_difference")


def _records(rows: pd.DataFrame) -> list[dict[str, Any]]:
    return [{str(key): value for key, value in row.items()} for row in rows.to_dict("records")]


def _size(row: Record) -> str:
    return f"{int(row['n'])} / {int(row['events'])}" if row["metric"] else str(int(row["n"]))


def _level(story: Story, column: str, name: str) -> str:
    """Write a subgroup in the reader's words; a number that divides stays as it is."""
    if not name:
        return story.text("subgroups.not_recorded")
    own = f"{column}={name}"
    return story.label(own if own in story.labels else name)


def _pair(story: Story, rows: pd.DataFrame, row: Record) -> str:
    """Write which two subgroups a difference is of."""
    names = [str(name) for name in pd.unique(rows.loc[~_differences(rows), "subgroup"]) if name]
    first, second = next((a, b) for a in names for b in names if f"{a} - {b}" == row["subgroup"])
    return story.text("subgroups.minus", first=_level(story, str(row["column"]), first),
                      second=_level(story, str(row["column"]), second))


def subgroup_forest(story: Story, *, formats: tuple[str, ...] = ()) -> Picture:
    """Draw the AUC or C of the primary model inside each subgroup, with the interactions in the caption."""
    rows = _rows(story)
    mine = rows[rows["model"] == story.primary] if len(rows) else rows
    inside = mine[~_differences(mine) & (mine["metric"] != "")] if len(mine) else mine
    heading = story.text("figure.subgroup_forest")
    if not len(inside):
        return nothing("subgroup_forest", heading=heading, part="evidence", why=story.text("subgroups.none"),
                       left_out=True)
    apart = [f"{bare(story.label(row['column']))}{story.text('comma')}{_pair(story, mine, row)}{story.text('colon')}"
             f"{story.metric_text(row)}" for row in _records(mine[_differences(mine)])]
    told = {"model": story.model(story.primary), "metric": _metric(story),
            "note": story.text("table.subgroups.note", metric=_metric(story)),
            "interactions": story.text("separator").join(apart) or story.text("none"),
            "parts": story.text("separator").join(_said(story, r) for r in _records(inside))}
    with style.styled():
        figure = style.sheet(style.DOUBLE, 20 + 10 * len(inside))
        _draw(figure.subplots(), story, _records(inside))
        return picture(figure, "subgroup_forest", heading=heading, part="evidence", out_dir=story.out_dir,
                       caption=story.text("figure.subgroup_forest.caption", **told), formats=formats or story.formats,
                       alt=story.text("figure.subgroup_forest.alt", **told))


def _metric(story: Story) -> str:
    """Name the measure, with the class where there are several."""
    if story.survival or story.cohort.outcome.binary:
        return story.text("metric.c_index" if story.survival else "metric.auc")
    return metric_label(story, f"auc[{story.target}]")


def _said(story: Story, row: Record) -> str:
    name = f"{bare(story.label(row['column']))} {_level(story, str(row['column']), str(row['subgroup']))}"
    return f"{inline(name)} {story.metric_text(row)}"


def _draw(axes: Axes, story: Story, rows: list[dict[str, Any]]) -> None:
    names = []
    for place, row in enumerate(rows):
        name = f"{bare(story.label(row['column']))} {_level(story, str(row['column']), str(row['subgroup']))}"
        names.append(f"{sentence(name)}\n{story.text('counted', n=row['n'], events=row['events'])}")
        axes.plot([row["low"], row["high"]], [place] * 2, color=style.PALETTE[0], linewidth=2.2)
        axes.plot([row["value"]], [place], "o", color=style.PALETTE[0], markersize=6.5, mec=style.PAPER)
        axes.annotate(story.metric_text(row), (1.02, place), xycoords=("axes fraction", "data"), va="center")
        if place and row["column"] != rows[place - 1]["column"]:
            axes.axhline(place - 0.5, color=style.RULE, linewidth=0.8)
    axes.axvline(0.5, color=style.MUTED, linewidth=0.8, linestyle=(0, (1, 2)))
    ends = [row[name] for row in rows for name in ("value", "low") if np.isfinite(row[name])]
    axes.set(yticks=range(len(rows)), yticklabels=names, ylim=(len(rows) - 0.4, -0.6),
             xlim=(max(0.0, min([0.5, *ends]) - 0.05), 1.0),
             xlabel=story.text("axis.c_index" if story.survival else "axis.auc"))
    axes.tick_params(axis="y", length=0)
    axes.spines["left"].set_visible(False)
    style.grid(axes, axis="x")
