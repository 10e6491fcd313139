"""Claims on what is in the making, in any process; the system takes a claim back when its process ends."""

from __future__ import annotations

import contextlib
import errno
import hashlib
import os
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path

from radnb.work.files import unwritable

_BUSY = (errno.EACCES, errno.EAGAIN, errno.EDEADLK)
_PLACES = 1 << 30  # each name claims one byte of the file; two names on one byte only wait without need
_PAUSE_SECONDS = 0.1


@contextlib.contextmanager
def claim(path: Path, name: str, *, wait_seconds: float = 0) -> Iterator[bool]:
    """Yield whether no other process makes `name` now; `path` is a small file that all of them share.

    Waits up to `wait_seconds` for another's claim to end.  Where a file system knows no locks everybody gets the
    claim: what is made must bear being made twice.
    """
    place = int.from_bytes(hashlib.sha256(name.encode()).digest()[:4], "big") % _PLACES
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        handle = os.open(path, os.O_RDWR | os.O_CREAT, 0o644)
    except OSError as error:
        raise unwritable(path, error) from error
    try:
        deadline = time.monotonic() + wait_seconds
        while not (mine := _lock(handle, place)) and time.monotonic() < deadline:
            time.sleep(_PAUSE_SECONDS)
        yield mine
    finally:
        os.close(handle)  # and with it every lock


if sys.platform == "win32":
    import msvcrt

    def _lock(handle: int, place: int) -> bool:
        os.lseek(handle, place, os.SEEK_SET)
        return _got(lambda: msvcrt.locking(handle, msvcrt.LK_NBLCK, 1))
else:
    import fcntl

    def _lock(handle: int, place: int) -> bool:
        return _got(lambda: fcntl.lockf(handle, fcntl.LOCK_EX | fcntl.LOCK_NB, 1, place))


def _got(ask: Callable[[], None]) -> bool:
    try:
        ask()
    except OSError as error:
        return error.errno not in _BUSY
    return True
