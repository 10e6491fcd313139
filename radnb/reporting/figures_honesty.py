"""What chance alone would have given, beside what the model gives; and the proof that nothing leaked."""

from __future__ import annotations

import dataclasses
from collections.abc import Hashable, Mapping
from typing import Any

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import FigureBase

from radnb.reporting import numbers, style
from radnb.reporting.display import Picture, Piece, escape, nothing, picture
from radnb.reporting.features import feature_name
from radnb.reporting.story import Story, bare, inline, sentence
from radnb.reporting.tables import Table, html_table, table

SHOWN = ("permuted_labels", "random_features", "volume_only", "clinical_only")
DRAWN = ("permuted_labels", "random_features")
MOST_DOTS = 200


def honesty_panel(story: Story, *, formats: tuple[str, ...] = ()) -> Picture:
    """Show the primary model beside what chance, size and plain facts give, and how it grows with patients."""
    numbers_of = honesty_table(story)
    rows = _rows(story)
    if not rows and story.evaluation.learning.empty:
        return nothing("honesty", heading=story.text("figure.honesty"), part="methods", why=story.text("honesty.none"))
    with style.styled():
        figure = style.sheet(style.DOUBLE, 30 + 12 * max(len(rows), 4))
        draw_honesty(figure, story)
        drawn = picture(figure, "honesty", heading=story.text("figure.honesty"), part="methods",
                        caption=story.text("figure.honesty.caption", **_caption(story, rows)),
                        alt=story.text("figure.honesty.alt", model=story.model(story.primary), parts=_parts(story)),
                        out_dir=story.out_dir, formats=formats or story.formats)
    return dataclasses.replace(drawn, body=f"{drawn.body}<h3>{escape(numbers_of.heading)}</h3>{numbers_of.body}")


def _rows(story: Story) -> list[dict[Hashable, Any]]:
    """Return the controls that are figures of the same kind as the model's, as far as they ran."""
    found = story.evaluation.controls
    if not len(found):
        return []
    kept = found[found["control"].isin(SHOWN) & found["value"].notna()]
    return kept.to_dict("records")


def _caption(story: Story, rows: list[dict[Hashable, Any]]) -> dict[str, str]:
    curve = story.evaluation.learning
    own = float(rows[0]["own"]) if rows else float("nan")
    draws = int(curve["draws"].max()) if len(curve) else 0
    return {"metric": story.text(f"metric.{story.headline}"), "model": story.model(story.primary),
            "own": numbers.number(own), "draws": str(draws), "width": _width(story)}


def _width(story: Story) -> str:
    curve = story.evaluation.learning
    wide = curve[curve["width"].notna()] if len(curve) else curve
    if len(wide) < 2:
        return ""
    last = wide.iloc[-1]
    return story.text("figure.honesty.width", now=numbers.number(wide["width"].iloc[0]), n=round(last["patients"]),
                      later=numbers.number(last["width"]))


def _parts(story: Story) -> str:
    parts = [story.text("figure.honesty.part", control=inline(story.text(f"control.{row['control']}")),
                        value=_value(story, row)) for row in _rows(story)]
    return story.text("separator").join(parts) or story.text("none")


def draw_honesty(figure: FigureBase, story: Story) -> None:
    """Draw the controls and the learning curve into a figure or a part of one."""
    rows, curve = _rows(story), story.evaluation.learning
    if not len(curve) or not rows:
        only = figure.subplots()
        _controls(only, story, rows) if rows else _curve(only, story)
        return
    left, right = figure.subplots(1, 2, width_ratios=(1.25, 1))
    _controls(left, story, rows)
    _curve(right, story)


def _controls(axes: Axes, story: Story, rows: list[dict[Hashable, Any]]) -> None:
    own, clouds = float(rows[0]["own"]), story.evaluation.clouds
    axes.axvline(0.5, color=style.MUTED, linewidth=0.8, linestyle=(0, (1, 2)))
    axes.axvline(own, color=style.PALETTE[0], linewidth=1.9)
    for place, row in enumerate(rows):
        values = clouds.loc[clouds["control"] == row["control"], "value"].to_numpy(float)[:MOST_DOTS]
        jitter = np.random.default_rng(place).uniform(-0.3, -0.08, len(values))
        axes.scatter(values, place + jitter, s=9, color=style.MUTED, alpha=0.5, linewidth=0)
        axes.plot([row["low"], row["high"]], [place + 0.12] * 2, color=style.PALETTE[5], linewidth=2.2)
        axes.plot([row["value"]], [place + 0.12], marker=style.MARKERS[1 if row["control"] in DRAWN else 3],
                  color=style.PALETTE[5], markersize=6.5, mec=style.PAPER, linestyle="none")
    said = f"{story.text('column.own')} {numbers.number(own)}"
    axes.annotate(said, (own, 1.0), xycoords=("data", "axes fraction"), ha="center", va="bottom",
                  color=style.PALETTE[0], fontfamily=style.BOLD, fontweight=600)
    axes.set(yticks=range(len(rows)), yticklabels=[_short(story, row) for row in rows],
             ylim=(len(rows) - 0.5, -0.6), xlabel=story.text(f"metric.{story.headline}"))
    axes.tick_params(axis="y", length=0)
    axes.spines["left"].set_visible(False)
    style.grid(axes, axis="x")


def _short(story: Story, row: Mapping[Hashable, Any]) -> str:
    """Write a control's name on two lines at most."""
    words = story.text(f"control.{row['control']}")
    if story.language == "zh" or len(words) < 20:
        return words
    middle = min((i for i, sign in enumerate(words) if sign == " "), key=lambda i: abs(i - len(words) / 2))
    return f"{words[:middle]}\n{words[middle + 1:]}"


def _curve(axes: Axes, story: Story) -> None:
    curve = story.evaluation.learning
    seen, beyond = curve[curve["measured"]], curve[~curve["measured"] & curve["value"].notna()]
    axes.axhline(0.5, color=style.MUTED, linewidth=0.8, linestyle=(0, (1, 2)))
    axes.vlines(seen["patients"], seen["low"], seen["high"], color=style.PALETTE[0], alpha=0.4, linewidth=4)
    axes.plot(seen["patients"], seen["value"], marker="o", markersize=5, label=story.text("axis.measured"),
              **style.line(0))
    if len(beyond):
        later = pd.concat([seen.tail(1), beyond])
        axes.plot(later["patients"], later["value"], label=story.text("axis.expected"), **{
            **style.line(5), "linestyle": (0, (3, 2))})
        half = (beyond["width"].fillna(0) / 2).to_numpy(float)
        axes.errorbar(beyond["patients"], beyond["value"], yerr=[half, np.minimum(half, 1 - beyond["value"])], fmt="o",
                      markersize=5, mfc=style.PAPER, color=style.PALETTE[5], capsize=3, linewidth=1.1)
    low, high = axes.get_ylim()
    axes.set(xlabel=story.text("axis.train_patients"), ylabel=story.text(f"metric.{story.headline}"),
             ylim=(min(low, 0.4), min(max(high, 0.8), 1.02)))
    axes.legend(loc="lower left", bbox_to_anchor=(0, 1), ncols=2, borderaxespad=0.1)
    style.grid(axes)


def honesty_table(story: Story) -> Table:
    """Show every control: what it gives, the model's own figure, whether the model does better, and what it cost."""
    values = story.evaluation.controls
    rows = [{story.text("column.control"): _name(story, row), story.text("column.gives"): _value(story, row),
             story.text("column.own"): _own(row), story.text("column.better"): _better(story, row),
             story.text("column.refits"): _count(row["fits"]), story.text("column.seconds"): _seconds(row["seconds"])}
            for row in [*values.to_dict("records"), *_curse(story)]]
    return table(story, "honesty", pd.DataFrame(rows), part="methods", values=values,
                 note=story.text("table.honesty.note") if rows else "")


def _curse(story: Story) -> list[dict[Hashable, Any]]:
    """Return the winner's curse of a grid as a row."""
    found = story.evaluation.grid_summary
    mine = found[found["model"] == story.primary] if len(found) else found
    nan = float("nan")
    return [{"control": "winners_curse", "what": "", "value": row.gap, "low": nan, "high": nan, "own": row.nested_value,
             "beaten": "", "p": nan, "fits": nan, "seconds": nan, "method": ""} for row in mine.itertuples()]


def _name(story: Story, row: Mapping[Hashable, Any]) -> str:
    words, what = story.text(f"control.{row['control']}"), str(row["what"])
    if row["control"] == "random_features" and what:
        return story.text("control.what", control=words, what=story.text("control.many", what=what))
    if row["control"] == "volume_only" and what:
        known = bare(story.label(what)) if what in story.labels else inline(feature_name(story, what))
        return story.text("control.what", control=words, what=known)
    return words


def _value(story: Story, row: Mapping[Hashable, Any]) -> str:
    if str(row["method"]).startswith("none: "):
        return sentence(story.known("why", str(row["method"]).removeprefix("none: ")))
    digits = 1 if row["control"] == "candidates_per_event" else 2
    low, high = (numbers.number(row[end], digits) for end in ("low", "high"))
    return numbers.number(row["value"], digits) + numbers.span(low, high, story.language)


def _better(story: Story, row: Mapping[Hashable, Any]) -> str:
    if not row["beaten"]:
        return ""
    said = story.text(f"beaten.{row['beaten']}")
    return said if not np.isfinite(row["p"]) else story.text("beaten.p", beaten=said, p=numbers.p_value(row["p"]))


def _own(row: Mapping[Hashable, Any]) -> str:
    return numbers.number(row["own"]) if np.isfinite(row["own"]) else ""


def _count(value: float) -> str:
    return "" if not np.isfinite(value) else str(int(value))


def _seconds(value: float) -> str:
    return "" if not np.isfinite(value) else numbers.number(value, 1)


def leak_certificate(story: Story) -> Piece:
    """Show that corrupted held-out patients changed nothing that was learned, and who each step looked at."""
    found, heading = story.certificate, story.text("certificate")
    if not found:
        return Piece(f"<p>{escape(story.text('certificate.none'))}</p>", heading, "methods", "certificate")
    where = story.text("certificate.split") if found["fold"] is None else story.text(
        "certificate.fold", repeat=int(found["repeat"]) + 1, fold=int(found["fold"]) + 1)
    told = {name: found[name] for name in ("held_out", "trained", "states", "models", "changed", "noticed")}
    steps = pd.DataFrame([{story.text("column.step"): sentence(story.known("certificate.step", step)),
                           story.text("column.fitted"): str(looked["times"]),
                           story.text("column.saw"): str(looked["patients"]),
                           story.text("column.held"): str(looked["overlap"])}
                          for step, looked in found["steps"].items()])
    said = f"<p>{escape(story.text('certificate.passed', where=where, **told))}</p>"
    return Piece(said + html_table(steps), heading, "methods", "certificate", "table")
