"""One progress bar for terminal and notebook; silent where nobody looks."""

from __future__ import annotations

import os
import sys
import threading
from typing import Any

from tqdm.std import tqdm as terminal_bar

terminal_bar.set_lock(threading.RLock())  # its own would be a semaphore that outlives a stopped worker


_FORMAT = "{desc}: {percentage:3.0f}%|{bar}| {n_fmt}/{total_fmt} [{elapsed}<{left}, {rate_per_minute}]"


class _PerMinute:
    """A tqdm that tells its speed by the minute, as befits cases that take seconds.

    `share` may say how much of the work is done where the items differ: with the largest first, their number misleads.
    """

    share: float | None = None

    @property
    def format_dict(self) -> dict[str, Any]:
        known: dict[str, Any] = super().format_dict  # type: ignore[misc]
        done, elapsed = known["n"] - known["initial"], known["elapsed"]
        speed = f"{60 * done / elapsed:.3g}" if done and elapsed else "?"
        share = self.share or (known["n"] / known["total"] if known["total"] else 0)
        left = terminal_bar.format_interval(elapsed * (1 - share) / share) if share and done else "?"
        return {**known, "left": left, "rate_per_minute": f"{speed} {known['unit']}/min"}


class TerminalBar(_PerMinute, terminal_bar):
    """The bar of a terminal."""


def progress(*, total: int, label: str | None, unit: str = "") -> Any:
    """Open a bar (a tqdm) to be used as a context manager; RADNB_PROGRESS=0 or no label silences it."""
    inside = "ipykernel" in sys.modules
    headless = inside and os.environ.get("RADNB_HEADLESS") == "1"
    silent = os.environ.get("RADNB_PROGRESS") == "0" or headless or label is None
    bar = _notebook_bar() if inside else TerminalBar
    return bar(total=total, desc=label, unit=unit or "it", disable=silent, leave=not inside, dynamic_ncols=True,
               mininterval=0.5 if sys.stderr.isatty() else 5.0, bar_format=_FORMAT)


def _notebook_bar() -> type:
    from tqdm.auto import tqdm as notebook_bar

    return type("NotebookBar", (_PerMinute, notebook_bar), {})
