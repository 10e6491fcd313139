"""What workers do in the tests, apart from the tests so that a worker loads little."""

from __future__ import annotations

import os
import time
from pathlib import Path

from radnb.errors import RadnbError


def picky(item: int) -> int:
    if item == 1:
        raise RadnbError("row 1: mask holds no label 1. Set label=2.", code="E_LABEL")
    return item * 10


def dies_once(path: Path) -> str:
    if not path.exists():
        path.write_text("was here")
        os._exit(1)
    return "done"


def slow_mark(task: tuple[Path, int]) -> int:
    folder, number = task
    time.sleep(0.15)
    (folder / f"{number}-{os.getppid()}").touch()
    return number


def threads(_: object) -> str | None:
    return os.environ.get("OMP_NUM_THREADS")


def other_version() -> dict[str, str]:
    return {"engine": f"engine of {os.getpid()}"}
