"""Figures of patients: who was studied, what 100 of them would meet, how scores and features spread."""

from __future__ import annotations

import textwrap
from typing import Any

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.patches import Circle, FancyBboxPatch, PathPatch
from matplotlib.path import Path

from radnb.reporting import style
from radnb.reporting.display import Picture, nothing, picture, render
from radnb.reporting.features import feature_name
from radnb.reporting.figures import counted
from radnb.reporting.per_100 import KINDS, per_100
from radnb.reporting.story import Story, inline, sentence

PERSON: dict[str, dict[str, Any]] = {  # told apart by shade, outline and hatch, not by colour alone
    "found": {"facecolor": "#0B4F8A", "edgecolor": "#0B4F8A", "hatch": None},
    "missed": {"facecolor": "#FFFFFF", "edgecolor": "#B34700", "hatch": None, "linewidth": 1.6},
    "wrongly_flagged": {"facecolor": "#FBE3B3", "edgecolor": "#8A5A00", "hatch": "//////"},
    "correctly_cleared": {"facecolor": "#D3DADF", "edgecolor": "#D3DADF", "hatch": None},
}


def person(axes: Axes, x: float, y: float, kind: str) -> None:
    """Draw one patient in a unit square whose lower left corner is (x, y)."""
    look = {"linewidth": 0.8, **PERSON[kind]}
    shoulders = [(0.2, 0.06), (0.2, 0.3), (0.2, 0.52), (0.34, 0.52), (0.66, 0.52), (0.8, 0.52), (0.8, 0.3), (0.8, 0.06),
                 (0.2, 0.06)]
    codes = [Path.MOVETO, Path.LINETO, *[Path.CURVE3] * 2, Path.LINETO, *[Path.CURVE3] * 2, Path.LINETO, Path.CLOSEPOLY]
    axes.add_patch(PathPatch(Path([(x + a, y + b) for a, b in shoulders], codes), joinstyle="round", **look))
    axes.add_patch(Circle((x + 0.5, y + 0.75), 0.185, **look))
    if kind == "missed":
        for ends in ((0.14, 0.42), (0.42, 0.14)):
            axes.plot([x + 0.36, x + 0.64], [y + end for end in ends], color=look["edgecolor"], linewidth=1.1)


def _canvas(width_mm: float, columns: float, low: float, high: float) -> tuple[Figure, Axes]:
    """Open a figure that is all drawing, with square units: `columns` wide, from `low` to `high`."""
    figure = Figure(figsize=(width_mm / 25.4, width_mm * (high - low) / (columns + 0.1) / 25.4))
    axes = figure.add_axes((0, 0, 1, 1))
    axes.set(xlim=(-0.05, columns + 0.05), ylim=(low, high))
    axes.set_axis_off()
    return figure, axes


def _people(axes: Axes, counts: dict[str, int], columns: int) -> None:
    order = [kind for kind in KINDS for _ in range(counts[kind])]
    rows = -(-len(order) // columns)
    for position, kind in enumerate(order):
        person(axes, position % columns, (rows - 1 - position // columns) * 1.12, kind)


def people_png(counts: dict[str, int]) -> bytes:
    """Draw 100 patients as PNG bytes without words, for the first screen."""
    with style.styled():
        figure, axes = _canvas(116, 20, -0.05, 5.6)
        _people(axes, counts, 20)
        return render(figure, "png")


def key_png(kind: str) -> bytes:
    """Draw a single patient of a kind as PNG bytes, for a legend."""
    with style.styled():
        figure, axes = _canvas(6, 1, 0.0, 1.0)
        person(axes, 0, 0, kind)
        return render(figure, "png")


def icon_array(story: Story, *, formats: tuple[str, ...] = ()) -> Picture:
    """Draw what 100 such patients would meet at the declared threshold."""
    found = per_100(story)
    if found is None:
        return nothing("icon_array", heading=story.text("figure.icon_array"), part="evidence",
                       why=story.text("first.no_per_100"))
    with style.styled():
        figure, axes = _canvas(style.DOUBLE, 20, -5.4, 5.6)
        _people(axes, found.counts, 20)
        for position, kind in enumerate(KINDS):
            y = -1.7 - 1.2 * position
            person(axes, 0, y, kind)
            axes.text(1.3, y + 0.42, found.line(story, kind), va="center", fontsize=9)
        return picture(figure, "icon_array", heading=story.text("figure.icon_array"), part="evidence",
                       caption=story.text("figure.icon_array.caption", counted=counted(story)),
                       alt=found.sentence(story), out_dir=story.out_dir, formats=formats or story.formats)


def flow(story: Story, *, formats: tuple[str, ...] = ()) -> Picture:
    """Draw how many patients came in, left with which reason, and were analysed."""
    reasons = exclusion_reasons(story)
    left, n = int(reasons["n"].sum()) if len(reasons) else 0, len(story.cohort.table)
    lines = [story.text("flow.reason", n=r.n, reason=inline(r.reason)) for r in reasons.itertuples()]
    classes = _outcome_lines(story)
    height = max(62.0, 40.0 + 4.6 * len(lines)) + 4.6 * (len(classes) - 1)
    with style.styled():
        figure = style.sheet(style.DOUBLE, height)
        axes = figure.subplots()
        axes.set(xlim=(0, 174), ylim=(0, height))
        axes.set_axis_off()
        _box(axes, 6, height - 18, 74, 15, story.text("flow.all", n=n + left), bold=True)
        low = 14.4 + 4.6 * len(classes)
        _box(axes, 6, 3, 74, low, "\n".join([story.text("flow.analysed", n=n), *classes]), bold=True)
        axes.annotate("", (43, low + 3.5), (43, height - 18.5), arrowprops={"arrowstyle": "-|>", "color": style.MUTED})
        if left:
            middle = (height - 15 + low) / 2
            tall = 8 + 4.6 * len(lines)
            axes.annotate("", (91.5, middle), (43, middle), arrowprops={"arrowstyle": "-|>", "color": style.MUTED})
            _box(axes, 92, middle - tall / 2, 80, tall, "\n".join([story.text("flow.excluded", n=left), *lines]))
        return picture(figure, "flow", heading=story.text("figure.flow"), part="patients",
                       caption=story.text("figure.flow.caption"), out_dir=story.out_dir,
                       formats=formats or story.formats,
                       alt=story.text("figure.flow.alt", all=n + left, n=n, left=left,
                                      reasons=story.joined(lines) if lines else story.text("none")))


def _outcome_lines(story: Story) -> list[str]:
    if story.survival:
        return [story.text("flow.events", n=story.events, event=sentence(story.event))]
    counts = story.cohort.table["outcome"].value_counts()
    return [story.text("named.count", name=story.label(name), n=int(counts.get(code, 0)))
            for code, name in enumerate(story.cohort.outcome.classes)]


def _box(axes: Axes, x: float, y: float, width: float, height: float, text: str, *, bold: bool = False) -> None:
    axes.add_patch(FancyBboxPatch((x, y), width, height, boxstyle="round,pad=0,rounding_size=1.5", linewidth=0.9,
                                  facecolor="#EEF3F6" if bold else style.PAPER, edgecolor=style.MUTED))
    axes.text(x + (width / 2 if bold else 4), y + height / 2, text, ha="center" if bold else "left", va="center",
              linespacing=1.35)


def exclusion_reasons(story: Story) -> pd.DataFrame:
    """Count excluded patients by reason (reason, n), the commonest first."""
    table = story.exclusions if len(story.exclusions) else story.cohort.exclusions
    if table is None or not len(table):
        return pd.DataFrame({"reason": pd.Series(dtype=str), "n": pd.Series(dtype=int)})
    counts = table.drop_duplicates("patient_id").groupby("reason").size().sort_index()
    counts = counts.sort_values(ascending=False, kind="stable")
    return pd.DataFrame({"reason": [story.known("reason", code) for code in counts.index], "n": counts.to_numpy()})


def score_distribution(story: Story, *, formats: tuple[str, ...] = ()) -> Picture:
    """Draw the primary model's scores of patients of each class as dots over a box."""
    scores = story.of(story.evaluation.scores, model=story.primary)
    with style.styled():
        names = _groups(story, scores)
        figure = style.sheet(style.DOUBLE, 22 + 17 * len(names))
        axes = figure.subplots()
        for position, (_, values) in enumerate(names):
            _strip(axes, values, position)
            axes.annotate(story.text("counted.n", n=len(values)), (1.02, position), va="center",
                          xycoords=("axes fraction", "data"), color=style.MUTED)
        axes.set(yticks=range(len(names)), yticklabels=[name for name, _ in names], ylim=(len(names) - 0.4, -0.6),
                 xlabel=story.text("axis.score"))
        axes.tick_params(axis="y", length=0)
        style.grid(axes, axis="x")
        return picture(figure, "score_distribution", heading=story.text("figure.score_distribution"), part="evidence",
                       caption=story.text("figure.score_distribution.caption", model=story.model(story.primary),
                                          counted=counted(story)),
                       alt=_score_alt(story, names), out_dir=story.out_dir, formats=formats or story.formats)


def _groups(story: Story, scores: pd.DataFrame) -> list[tuple[str, np.ndarray]]:
    if story.survival:
        kinds = [(story.text("axis.no_event"), 0), (story.text("axis.event", event=story.event), 1)]
        return [(name, scores.loc[scores["event"] == code, "score"].to_numpy(float)) for name, code in kinds]
    own = scores[scores["target"].astype(str) == story.target]
    truth = own["patient_id"].map(story.cohort.table.set_index("patient_id")["outcome"])
    return [(story.label(name), own.loc[truth == code, "score"].to_numpy(float))
            for code, name in enumerate(story.cohort.outcome.classes)]


def _strip(axes: Axes, values: np.ndarray, position: int) -> None:
    colour = style.PALETTE[position % 6]
    if len(values):
        low, middle, high = np.quantile(values, [0.25, 0.5, 0.75])
        axes.fill_betweenx([position + 0.22, position + 0.38], low, high, color=colour, alpha=0.35, lw=0)
        axes.plot([middle] * 2, [position + 0.18, position + 0.42], color=style.INK, linewidth=1.6)
    jitter = np.random.default_rng(position).uniform(-0.3, 0.1, len(values))
    axes.scatter(values, position + jitter, s=13, marker=style.MARKERS[position % 6], facecolor=colour, alpha=0.75,
                 edgecolor=style.PAPER, linewidth=0.3)


def _score_alt(story: Story, names: list[tuple[str, np.ndarray]]) -> str:
    parts = [story.text("figure.score_distribution.part", name=name, n=len(values),
                        median=f"{np.median(values):.2f}" if len(values) else "–") for name, values in names]
    return story.text("figure.score_distribution.alt", parts=story.text("separator").join(parts))


def stability(story: Story, *, top: int = 15, formats: tuple[str, ...] = ()) -> Picture:
    """Draw in which share of the fits each feature was chosen, under its plain name."""
    shares = selection_shares(story).head(top)
    with style.styled():
        figure = style.sheet(style.DOUBLE, 18 + 8.6 * max(len(shares), 2))
        axes = figure.subplots()
        axes.barh(range(len(shares)), shares["share"], color=style.PALETTE[0], height=0.55)
        wrap = 26 if story.language == "zh" else 52
        names = ["\n".join(textwrap.wrap(feature_name(story, f), wrap)[:2]) for f in shares["feature"]]
        axes.set(yticks=range(len(shares)), yticklabels=names, ylim=(len(shares) - 0.4, -0.6), xlim=(0, 1),
                 xlabel=story.text("axis.selected"))
        axes.xaxis.set_major_formatter(lambda value, _: f"{value:.0%}")
        axes.tick_params(axis="y", length=0)
        style.grid(axes, axis="x")
        best = feature_name(story, shares["feature"].iloc[0]) if len(shares) else story.text("none")
        share = f"{shares['share'].iloc[0]:.0%}" if len(shares) else "–"
        return picture(figure, "stability", heading=story.text("figure.stability"), part="features",
                       caption=story.text("figure.stability.caption", model=story.model(story.primary), n=len(shares)),
                       alt=story.text("figure.stability.alt", best=best, share=share), out_dir=story.out_dir,
                       formats=formats or story.formats)


def selection_shares(story: Story) -> pd.DataFrame:
    """Return image feature, share of the primary model's fits that chose it, and mean weight, the commonest first."""
    table = story.selections
    if table is None or not len(table):
        return pd.DataFrame({"feature": pd.Series(dtype=str), "share": pd.Series(dtype=float),
                             "weight": pd.Series(dtype=float)})
    table = table[table["model"] == story.primary].assign(repeat=lambda t: t["repeat"].astype(str),
                                                          fold=lambda t: t["fold"].astype(str))
    fits = max(len(table[["repeat", "fold"]].drop_duplicates()), 1)
    given = {*story.cohort.blocks.get("clinical", ()), *story.labels}  # clinical columns are always in, so not chosen
    column = table["feature"].str.split("=").str[0]
    chosen = table[~(table["feature"].isin(given) | column.isin(given) | column.str.startswith("score:"))]
    shares = chosen.groupby("feature", sort=True).agg(share=("feature", "size"), weight=("weight", "mean"))
    shares["share"] = shares["share"] / fits
    return shares.sort_values("share", ascending=False, kind="stable").reset_index()
