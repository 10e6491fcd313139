"""How figures look: sizes, colours, lines and the shipped font, in a context and never globally."""

from __future__ import annotations

import contextlib
import functools
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import matplotlib
from matplotlib import font_manager
from matplotlib.axes import Axes
from matplotlib.figure import Figure

FONTS = Path(__file__).parent / "fonts"
FAMILY, BOLD = "radnb Sans SC", "radnb Sans SC SemiBold"
SINGLE, DOUBLE = 84.0, 174.0  # journal column widths in mm
INK, MUTED, RULE, PAPER = "#1b2530", "#5b6770", "#d5dce1", "#ffffff"
PALETTE = ("#0072B2", "#E69F00", "#009E73", "#CC79A7", "#56B4E9", "#D55E00")  # Okabe and Ito
LINES: tuple[Any, ...] = ("-", (0, (5, 2)), (0, (5, 1.5, 1, 1.5)), (0, (1, 1.2)), (0, (8, 2)), (0, (3, 1, 1, 1, 1, 1)))
MARKERS = ("o", "s", "^", "D", "v", "P")

RC: dict[str, Any] = {
    "font.family": [FAMILY, "DejaVu Sans"], "font.size": 8.5, "axes.titlesize": 9, "axes.labelsize": 8.5,
    "xtick.labelsize": 8, "ytick.labelsize": 8, "legend.fontsize": 8, "figure.dpi": 100, "figure.facecolor": PAPER,
    "axes.edgecolor": MUTED, "axes.labelcolor": INK, "text.color": INK, "xtick.color": MUTED, "ytick.color": MUTED,
    "xtick.labelcolor": INK, "ytick.labelcolor": INK, "axes.linewidth": 0.7, "xtick.major.width": 0.7,
    "ytick.major.width": 0.7, "xtick.major.size": 3, "ytick.major.size": 3, "axes.spines.top": False,
    "axes.spines.right": False, "axes.grid": False, "axes.axisbelow": True, "axes.unicode_minus": True,
    "lines.linewidth": 1.5, "lines.solid_capstyle": "round", "legend.frameon": False, "legend.handlelength": 2.4,
    "pdf.fonttype": 42, "ps.fonttype": 42, "svg.fonttype": "path", "svg.hashsalt": "radnb", "hatch.linewidth": 0.6,
    "savefig.facecolor": PAPER, "path.simplify": False, "axes.titlelocation": "left",
}


@functools.lru_cache(maxsize=1)
def _shipped_fonts() -> None:
    for path in sorted(FONTS.glob("*.ttf")):
        font_manager.fontManager.addfont(path)


@contextlib.contextmanager
def styled() -> Iterator[None]:
    """Hold the settings of every radnb figure for the length of a block."""
    _shipped_fonts()
    with matplotlib.rc_context():
        matplotlib.rcdefaults()
        matplotlib.rcParams.update(RC)  # type: ignore[arg-type]
        yield


def sheet(width_mm: float, height_mm: float) -> Figure:
    """Open an empty figure of a size in mm, belonging to no window and no global list."""
    return Figure(figsize=(width_mm / 25.4, height_mm / 25.4), layout="constrained")


def grid(axes: Axes, *, axis: Any = "both") -> None:
    """Draw a faint grid behind the data."""
    axes.grid(True, axis=axis, color=RULE, linewidth=0.5)


def line(position: int) -> dict[str, Any]:
    """Return colour and dash of the model at a position: the primary first, told apart in grey as well."""
    return {"color": PALETTE[position % len(PALETTE)], "linestyle": LINES[position % len(LINES)],
            "linewidth": 1.9 if position == 0 else 1.5}
