"""One progress bar for terminal and notebook; silent where nobody looks."""

from __future__ import annotations

import os
import sys
import threading
from typing import Any

from tqdm.auto import tqdm as notebook_bar
from tqdm.std import tqdm as terminal_bar

terminal_bar.set_lock(threading.RLock())  # its own would be a semaphore that outlives a stopped worker


def progress(*, total: int, label: str, unit: str = "") -> Any:
    """Open a bar (a tqdm) to be used as a context manager; RADNB_PROGRESS=0 silences it."""
    inside = "ipykernel" in sys.modules
    headless = inside and os.environ.get("RADNB_HEADLESS") == "1"
    silent = os.environ.get("RADNB_PROGRESS") == "0" or headless
    bar = notebook_bar if inside else terminal_bar
    return bar(total=total, desc=label, unit=unit or "it", disable=silent, leave=not inside, dynamic_ncols=True,
               mininterval=0.5 if sys.stderr.isatty() else 5.0)
