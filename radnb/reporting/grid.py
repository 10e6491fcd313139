"""The whole comparison of a grid told: a table of every way, a map of selectors by models, and the ways in order."""

from __future__ import annotations

from collections.abc import Hashable, Mapping
from typing import Any

import numpy as np
import pandas as pd
from matplotlib.figure import Figure

from radnb.reporting import numbers, style
from radnb.reporting.display import Picture, nothing, picture
from radnb.reporting.story import Story
from radnb.reporting.tables import Table, table

MOST = 30  # ways that one figure shows


def grid_table(story: Story) -> Table:
    """Show every way of selecting and modelling, the best of each model set first, with its distance to the best."""
    values = story.evaluation.grid
    rows = [{story.text("column.model"): story.model(row["model"]),
             story.text("column.selector"): words(story, "selector", row["selector"]),
             story.text("column.learner"): words(story, "learner", row["learner"]),
             story.text("column.features_kept"): "" if pd.isna(row["features"]) else str(int(row["features"])),
             story.text("column.quick"): interval(story, row["value"], row["low"], row["high"]),
             story.text("column.rank"): numbers.number(row["rank"], 1),
             story.text("column.to_best"): _distance(story, row)} for row in values.to_dict("records")]
    return table(story, "grid", pd.DataFrame(rows), part="evidence", values=values, note=_note(story))


def words(story: Story, family: str, label: str) -> str:
    """Put the label of a chain of selectors, or of a model, into words; its options are kept."""
    parts = [part.partition(" (") for part in str(label).split(" + ")]
    return " + ".join(
        story.known(family, name) + (story.text("brackets", inside=options.removesuffix(")")) if options else "")
        for name, _, options in parts)


def way(story: Story, row: Mapping[str, Any]) -> str:
    """Write a candidate in short words as selection + learner (number of features)."""
    number = "" if pd.isna(row["features"]) else story.text("brackets", inside=str(int(row["features"])))
    return f"{words(story, 'short', row['selector'])} + {words(story, 'short', row['learner'])}{number}"


def interval(story: Story, value: float, low: float, high: float) -> str:
    """Write a value with its interval."""
    return numbers.number(value) + numbers.span(numbers.number(low), numbers.number(high), story.language)


def _distance(story: Story, row: Mapping[str, Any]) -> str:
    if row["best"]:
        return story.text("grid.best")
    said = numbers.number(row["difference"], sign=True)
    return story.text("grid.apart" if row["apart"] else "grid.together", value=said)


def _note(story: Story) -> str:
    found = story.evaluation.grid_summary
    if not len(found):
        return story.text("grid.none")
    mine = found[found["model"] == story.primary]
    row = (mine if len(mine) else found).iloc[0]
    return story.text("grid.note", ways=int(row["candidates"]), model=story.model(str(row["model"])),
                      **_honest(story, row))


def _honest(story: Story, row: Any) -> dict[str, str]:
    """Write the best figure of a grid, what choosing it earns, and the gap."""
    return {"best": numbers.number(row["best_value"]), "gap": numbers.number(row["gap"]),
            "nested": interval(story, row["nested_value"], row["nested_low"], row["nested_high"])}


def grid_map(story: Story, *, formats: tuple[str, ...] = ()) -> Picture:
    """Draw the mean value of every selector by every model; several model sets stand below one another."""
    values = story.evaluation.grid
    if values.empty:
        return nothing("grid_map", heading=story.text("figure.grid_map"), part="evidence", why=story.text("grid.none"))
    with style.styled():
        cells = _cells(values)
        figure = style.sheet(style.DOUBLE, 46 + (11 if values["model"].nunique() > 1 else 8) * len(cells))
        _draw_map(figure, story, cells)
        metric, best = story.text(f"metric.{story.headline}"), values.loc[values["value"].idxmax()]
        told = {"metric": metric, "rows": len(cells), "columns": cells.shape[1], "best": way(story, best),
                "low": numbers.number(float(np.nanmin(cells))), "high": numbers.number(float(np.nanmax(cells)))}
        return _picture(story, figure, "grid_map", formats, told)


def _picture(story: Story, figure: Figure, name: str, formats: tuple[str, ...], told: Mapping[str, object]) -> Picture:
    return picture(figure, name, heading=story.text(f"figure.{name}"), part="evidence",
                   caption=story.text(f"figure.{name}.caption", **told), alt=story.text(f"figure.{name}.alt", **told),
                   out_dir=story.out_dir, formats=formats or story.formats)


def _cells(values: pd.DataFrame) -> pd.DataFrame:
    """Return mean values, rows (model set, selector) and columns learners, the higher ones first."""
    mean = values.groupby(["model", "selector", "learner"], sort=False)["value"].mean().unstack("learner")
    mean = mean[mean.mean().sort_values(ascending=False, kind="stable").index]
    order = pd.DataFrame({"set": pd.factorize(mean.index.get_level_values("model"))[0],
                          "value": -mean.mean(axis=1).to_numpy()})
    return mean.iloc[order.sort_values(["set", "value"], kind="stable").index]


def _draw_map(figure: Figure, story: Story, cells: pd.DataFrame) -> None:
    axes, field = figure.subplots(), cells.to_numpy(float)
    low = min(0.5, float(np.nanmin(field)))
    shades = axes.imshow(field, cmap="cividis", vmin=low, vmax=1.0, aspect="auto")
    for (y, x), value in np.ndenumerate(field):
        colour = style.PAPER if (value - low) / (1 - low) < 0.55 else style.INK
        axes.text(x, y, numbers.number(value), ha="center", va="center", color=colour, fontsize=8)
    several = cells.index.get_level_values("model").nunique() > 1
    names = [words(story, "short", selector) + (f"\n{story.model(model)}" if several else "")
             for model, selector in cells.index]
    axes.set_yticks(range(len(names)), names)
    axes.set_xticks(range(cells.shape[1]), [words(story, "short", one) for one in cells], rotation=35, ha="right",
                    rotation_mode="anchor")
    axes.tick_params(length=0)
    axes.spines[:].set_visible(False)
    figure.colorbar(shades, ax=axes, label=story.text(f"metric.{story.headline}"), fraction=0.03, pad=0.02)


def grid_order(story: Story, *, formats: tuple[str, ...] = ()) -> Picture:
    """Draw the ways of the primary model in order, hollow where told apart from the best, and what choosing earns."""
    values = story.evaluation.grid
    values = values[values["model"] == story.primary] if len(values) else values
    if values.empty:
        return nothing("grid_order", heading=story.text("figure.grid_order"), part="evidence",
                       why=story.text("grid.none"))
    shown, nested = values.head(MOST), story.evaluation.grid_summary.set_index("model").loc[story.primary]
    with style.styled():
        figure = style.sheet(style.DOUBLE, 30 + 5.4 * len(shown))
        _draw_order(figure, story, shown, nested)
        told = {"ways": len(values), "shown": len(shown), "together": int((~values["apart"]).sum()),
                "metric": story.text(f"metric.{story.headline}"), **_honest(story, nested)}
        return _picture(story, figure, "grid_order", formats, told)


def _draw_order(figure: Figure, story: Story, shown: pd.DataFrame, nested: Any) -> None:
    axes, blue, orange = figure.subplots(), style.PALETTE[0], style.PALETTE[1]
    axes.axvline(0.5, color=style.MUTED, linewidth=0.8, linestyle=(0, (1, 2)))
    if np.isfinite(nested["nested_low"]):
        axes.axvspan(nested["nested_low"], nested["nested_high"], color=orange, alpha=0.18, linewidth=0)
    axes.axvline(nested["nested_value"], color=orange, linewidth=1.6, linestyle=(0, (5, 2)),
                 label=story.text("grid.nested"))
    rows: list[dict[Hashable, Any]] = shown.to_dict("records")
    for place, row in enumerate(rows):
        axes.plot([row["low"], row["high"]], [place] * 2, color=blue, linewidth=1.2,
                  alpha=0.35 if row["apart"] else 0.9)
        axes.plot([row["value"]], [place], marker="D" if row["best"] else "o", color=blue, linestyle="none",
                  markersize=6 if row["best"] else 4.5, mfc=style.PAPER if row["apart"] else blue)
    axes.set(yticks=range(len(rows)), ylim=(len(rows) - 0.4, -0.8), xlabel=story.text(f"metric.{story.headline}"),
             yticklabels=[way(story, {str(k): v for k, v in row.items()}) for row in rows])
    axes.tick_params(axis="y", length=0)
    axes.spines["left"].set_visible(False)
    style.grid(axes, axis="x")
    figure.legend(loc="outside upper right")
