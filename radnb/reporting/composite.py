"""The main panels of a study in one lettered figure, as a journal prints it."""

from __future__ import annotations

from collections.abc import Callable

from matplotlib.figure import FigureBase

from radnb.reporting import style
from radnb.reporting.display import Picture, picture
from radnb.reporting.figures import draw_calibration, draw_decision, draw_forest, draw_roc, has_decision
from radnb.reporting.figures_survival import draw_kaplan_meier
from radnb.reporting.story import Story

Panel = tuple[str, Callable[[FigureBase, Story], None]]
LETTERS = "abcd"


def composite(story: Story, *, formats: tuple[str, ...] = ()) -> Picture:
    """Draw the main panels, lettered: ROC, calibration and decision curves, or survival curves and C-indices."""
    rows, heights = _rows(story)
    with style.styled():
        figure = style.sheet(style.DOUBLE, sum(heights))
        for row, strip in zip(rows, figure.subfigures(len(rows), 1, height_ratios=heights, squeeze=False)[:, 0],
                              strict=True):
            for (letter, (_, draw)), part in zip(row, strip.subfigures(1, len(row), squeeze=False)[0], strict=True):
                part.suptitle(letter, x=0.012 * len(row), ha="left", fontsize=10, fontfamily=style.BOLD, fontweight=600)
                draw(part, story)
        said = story.text("semicolon").join(story.text("figure.composite.panel", letter=letter,
                                                       title=story.text(f"figure.{name}"))
                                            for row in rows for letter, (name, _) in row)
        return picture(figure, "composite", heading=story.text("figure.composite"), part="evidence", caption=said,
                       alt=said, out_dir=story.out_dir, formats=formats or story.formats)


def _rows(story: Story) -> tuple[list[list[tuple[str, Panel]]], list[float]]:
    """Return the lettered panels row by row, and the height of each row in mm."""
    if story.survival:
        curves: list[Panel] = [("kaplan_meier", draw_kaplan_meier)] if len(story.evaluation.kaplan_meier) else []
        plan: list[tuple[list[Panel], float]] = [(curves, 100.0), ([("forest", draw_forest)], 54.0)]
    else:
        drawn = not story.of(story.evaluation.calibration, model=story.primary, target=story.target).empty
        calibration: list[Panel] = [("calibration", draw_calibration)] if drawn else []
        roc: list[Panel] = [("roc", draw_roc)]
        top = [(roc + calibration, 90.0)] if story.cohort.outcome.binary else [(roc, 110.0), (calibration, 100.0)]
        plan = [*top, ([("decision_curve", draw_decision)] if has_decision(story) else [], 84.0)]
    letters = iter(LETTERS)
    rows = [([(next(letters), panel) for panel in row], height) for row, height in plan if row]
    return [row for row, _ in rows], [height for _, height in rows]
