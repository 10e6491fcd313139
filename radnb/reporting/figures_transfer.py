"""How scores travel told: a matrix of centres, calibration where a model was tried, and a table with recalibration."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from radnb.evaluation.transfer import LINE, OTHERS, VARIANTS
from radnb.reporting import numbers, style
from radnb.reporting.display import Picture, nothing, picture
from radnb.reporting.story import Story
from radnb.reporting.tables import Table, table
from radnb.reporting.texts import has

REACH = {"calibration_intercept": (-3.0, 3.0), "calibration_slope": (-1.0, 3.0)}  # what a reader can use
IDEAL = {"calibration_intercept": 0.0, "calibration_slope": 1.0}


def transfer_matrix(story: Story, *, formats: tuple[str, ...] = ()) -> Picture:
    """Draw the AUC or C of the primary model for each centre that trained (rows) and each that tested (columns)."""
    rows = _rows(story, "c_index" if story.survival else "auc")
    rows = rows[rows["train"] != ""] if len(rows) else rows
    if rows.empty:
        return _nothing(story, "transfer_matrix")
    train, test = (sorted(set(rows[side])) for side in ("train", "test"))
    with style.styled():
        figure = style.sheet(style.DOUBLE, 34 + 17 * len(train))
        _draw_matrix(figure, story, rows, (train, test))
        low, high = rows.loc[rows["value"].idxmin()], rows.loc[rows["value"].idxmax()]
        return _picture(story, figure, "transfer_matrix", formats, {
            "model": story.model(story.primary), "metric": _metric(story), "low": _said(story, low),
            "high": _said(story, high), "directions": len(rows)})


def _rows(story: Story, metric: str, variant: str = VARIANTS[0]) -> pd.DataFrame:
    found = story.evaluation.transfer
    if not len(found):
        return found
    return found[(found["model"] == story.primary) & (found["target"] == story.target)
                 & (found["metric"] == metric) & (found["variant"] == variant)]


def _nothing(story: Story, name: str) -> Picture:
    return nothing(name, heading=story.text(f"figure.{name}"), part="evidence", why=story.text("transfer.none"),
                   left_out=True)


def _metric(story: Story) -> str:
    return story.text("metric.short.c_index" if story.survival else "metric.short.auc")


def _picture(story: Story, figure: Figure, name: str, formats: tuple[str, ...], told: Mapping[str, object]) -> Picture:
    return picture(figure, name, heading=story.text(f"figure.{name}"), part="evidence",
                   caption=story.text(f"figure.{name}.caption", **told), alt=story.text(f"figure.{name}.alt", **told),
                   out_dir=story.out_dir, formats=formats or story.formats)


def _place(story: Story, name: object) -> str:
    if name == OTHERS:
        return story.text("transfer.others")
    return story.text(f"place.{name}") if has(f"place.{name}") else str(name)


def _direction(story: Story, row: Mapping[str, Any]) -> str:
    """Write from whom to whom; a model frozen elsewhere is told by its patients alone."""
    test = _place(story, row["test"])
    return test if row["train"] == "" else story.text("transfer.direction", train=_place(story, row["train"]),
                                                      test=test)


def _said(story: Story, row: Mapping[str, Any]) -> str:
    value = numbers.metric_text(str(row["metric"]), row["value"], row["low"], row["high"], story.language)
    return _direction(story, row) + story.text("colon") + value


def _draw_matrix(figure: Figure, story: Story, rows: pd.DataFrame, order: tuple[list[str], list[str]]) -> None:
    axes, (train, test) = figure.subplots(), order
    field = np.full((len(train), len(test)), np.nan)
    cells: list[dict[Any, Any]] = rows.to_dict("records")
    for row in cells:
        field[train.index(row["train"]), test.index(row["test"])] = row["value"]
    low = min(0.5, float(np.nanmin(field)))
    shades = axes.imshow(field, cmap="cividis", vmin=low, vmax=1.0, aspect="auto")
    for row in cells:
        _cell(axes, story, row, (train.index(row["train"]), test.index(row["test"])), low)
    axes.set_facecolor(style.RULE)
    axes.set_xticks(range(len(test)), [_place(story, name) for name in test])
    axes.set_yticks(range(len(train)), [_place(story, name) for name in train])
    axes.set(xlabel=story.text("axis.tested_in"), ylabel=story.text("axis.trained_in"))
    axes.tick_params(length=0)
    axes.spines[:].set_visible(False)
    figure.colorbar(shades, ax=axes, label=_metric(story), fraction=0.03, pad=0.02)


def _cell(axes: Axes, story: Story, row: Mapping[str, Any], at: tuple[int, int], low: float) -> None:
    colour = style.PAPER if (row["value"] - low) / (1 - low) < 0.55 else style.INK
    span = numbers.span(numbers.number(row["low"]), numbers.number(row["high"]), story.language).strip()
    axes.text(at[1], at[0] - 0.2, numbers.number(row["value"]), ha="center", va="center", color=colour, fontsize=10,
              fontfamily=style.BOLD, fontweight=600)
    axes.text(at[1], at[0] + 0.15, f"{span or story.text('few_to_judge')}\n{_size(story, row)}", ha="center",
              va="center", color=colour, fontsize=8, linespacing=1.3)


def _size(story: Story, row: Mapping[str, Any]) -> str:
    return story.text("counted", n=row["n"], events=row["events"])


def transfer_calibration(story: Story, *, formats: tuple[str, ...] = ()) -> Picture:
    """Draw calibration-in-the-large and slope of the primary model wherever it was tried, hollow where too few."""
    parts = {name: _rows(story, name) for name in LINE}
    first = parts[LINE[0]]
    if not len(first):
        return _nothing(story, "transfer_calibration")
    with style.styled():
        figure = style.sheet(style.DOUBLE, 36 + 9 * len(first))
        panels = figure.subplots(1, 2, sharey=True)
        for axes, (name, rows) in zip(panels, parts.items(), strict=True):
            _draw_calibration(axes, story, rows, name)
        labels = [f"{_direction(story, row)}\n{_size(story, row)}" for row in _records(first)]
        panels[0].set(yticks=range(len(first)), yticklabels=labels, ylim=(len(first) - 0.5, -0.5))
        few = story.text("few_to_judge.said") if first["few"].any() else ""
        if first["few"].any():
            panels[0].plot([], [], "o", color=style.PALETTE[0], mfc=style.PAPER, label=story.text("few_to_judge"))
            figure.legend(loc="outside lower right")
        return _picture(story, figure, "transfer_calibration", formats, {
            "model": story.model(story.primary), "few": few, "directions": len(first), "numbers": story.text(
                "separator").join(_said(story, row) for row in _records(first))})


def _records(rows: pd.DataFrame) -> list[dict[str, Any]]:
    return [{str(key): value for key, value in row.items()} for row in rows.to_dict("records")]


def _draw_calibration(axes: Axes, story: Story, rows: pd.DataFrame, name: str) -> None:
    (least, most), blue = REACH[name], style.PALETTE[0]
    axes.axvline(IDEAL[name], color=style.MUTED, linewidth=0.8, linestyle=(0, (1, 2)))
    for place, row in enumerate(_records(rows)):
        axes.plot([row["low"], row["high"]], [place] * 2, color=blue, linewidth=1.6)
        axes.plot([np.clip(row["value"], least, most)], [place], "o", color=blue, markersize=6,
                  mfc=style.PAPER if row["few"] else blue)
    limits = [IDEAL[name], *rows[["value", "low", "high"]].to_numpy(float).ravel()]
    inside = np.clip([x for x in limits if np.isfinite(x)], least, most)
    margin = 0.08 * max(float(np.ptp(inside)), 0.5)
    axes.set(xlim=(inside.min() - margin, inside.max() + margin), xlabel=story.text(f"metric.{name}"))
    axes.locator_params(axis="x", nbins=6)
    axes.tick_params(axis="y", length=0)
    axes.spines["left"].set_visible(False)
    style.grid(axes, axis="x")


def transfer_table(story: Story) -> Table:
    """Show discrimination, calibration, Brier score and net benefit wherever the primary model was tried.

    Recalibrated variants stand below the scores as they are, judged by patients who did not teach them.
    """
    found = story.evaluation.transfer
    mine = found[(found["model"] == story.primary) & (found["target"] == story.target)] if len(found) else found
    shown = []
    for (train, test, variant), part in (mine.groupby(["train", "test", "variant"], sort=False) if len(mine) else ()):
        if variant != VARIANTS[0] and part["value"].notna().sum() == 0:
            continue
        row = {"train": train, "test": test, "n": part["n"].iloc[0], "events": part["events"].iloc[0]}
        shown.append({story.text("column.tested"): _direction(story, row), story.text("column.variant"): story.text(
            f"variant.{variant}"), story.text("column.n_events"): f"{row['n']} / {row['events']}",
            **{_heading(story, metric): _value(story, part, metric) for metric in _metrics(mine)}})
    note = story.text("transfer.note") if len(shown) else story.text("transfer.none")
    few = story.text("transfer.few") if len(mine) and mine["few"].any() and not story.survival else ""
    return table(story, "transfer", pd.DataFrame(shown), part="evidence", values=mine, note=f"{note} {few}".strip(),
                 left_out=not shown)


def _metrics(rows: pd.DataFrame) -> list[str]:
    wanted = [metric for metric in dict.fromkeys(rows["metric"]) if str(metric).startswith("net_benefit[")]
    return [m for m in ("auc", "c_index", *LINE, "brier", *wanted) if m in set(rows["metric"])]


def _heading(story: Story, metric: str) -> str:
    name, _, at = metric.rstrip("]").partition("[")
    return story.text("column.net_benefit_at", at=numbers.percent(float(at))) if at else story.known("metric", name)


def _value(story: Story, part: pd.DataFrame, metric: str) -> str:
    row = part[part["metric"] == metric]
    if row.empty:
        return numbers.NONE
    one = row.iloc[0]
    return numbers.metric_text(metric, one["value"], one["low"], one["high"], story.language)
