"""One step after the other, each seen to begin, to live and to end; and only one set-up at a time."""

from __future__ import annotations

import contextlib
import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import BinaryIO

from setting_up.faults import Stopped
from setting_up.places import GUARD, ROOT

__all__ = ["Stopped", "alone", "say", "step"]


def say(text: str, *, details: str = "") -> None:
    """Tell the user one thing, on the stream that never mixes with a command's results."""
    print(*filter(None, [details, f"radnb: {text}"]), sep="\n", file=sys.stderr, flush=True)


def step(text: str, command: Sequence[object], environment: dict[str, str]) -> None:
    """Run an installer; on a terminal its clock runs, in a log it leaves two lines. Raise Stopped if it fails."""
    started, terminal = time.monotonic(), sys.stderr.isatty()
    if not terminal:
        say(f"{text} ...")
    with tempfile.TemporaryDirectory(ignore_cleanup_errors=True) as folder:
        log = Path(folder) / "log"
        with log.open("wb") as sink, subprocess.Popen([str(part) for part in command], cwd=ROOT, env=environment,
                                                      stdin=subprocess.DEVNULL, stdout=sink, stderr=sink) as work:
            while _still_running(work):
                if terminal:
                    _show_life(f"radnb: {text} ... {time.monotonic() - started:.0f} s", log)
        output = log.read_text(encoding="utf-8", errors="replace")
    if terminal:
        print("\r\033[K", end="", file=sys.stderr)
    say(f"{text}: {'failed' if work.returncode else 'done'} after {time.monotonic() - started:.0f} s.")
    if work.returncode:
        raise Stopped(text, output)


def _still_running(work: subprocess.Popen[bytes]) -> bool:
    try:
        work.wait(timeout=0.2)
    except subprocess.TimeoutExpired:
        return True
    return False


def _show_life(clock: str, log: Path) -> None:
    """Rewrite the terminal's last line: the step, its seconds, and what the installer said last."""
    said = log.read_bytes()[-300:].decode("utf-8", "replace").splitlines()
    last = next((line.strip() for line in reversed(said) if line.strip()), "")
    print("\r\033[K" + f"{clock}  {last}"[:shutil.get_terminal_size().columns - 1], end="", file=sys.stderr, flush=True)


@contextlib.contextmanager
def alone() -> Iterator[None]:
    """Hold the folder; a second set-up waits here. The hold ends with its process, however that ends."""
    with GUARD.open("a+b") as file:
        if not _hold(file):
            say("Another set-up is at work in this folder: waiting for it.")
            while not _hold(file):
                time.sleep(0.5)
        yield


def _hold(file: BinaryIO) -> bool:
    try:
        if sys.platform == "win32":
            import msvcrt

            file.seek(0)
            msvcrt.locking(file.fileno(), msvcrt.LK_NBLCK, 1)
        else:
            import fcntl

            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except (BlockingIOError, PermissionError):
        return False
    return True
