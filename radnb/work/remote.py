"""What runs on a machine that helps: each case in a supervised process of its own, so that dask's worker never dies.

Without `distributed` and pandas, which a process that computes may not need.
"""

from __future__ import annotations

import contextlib
import functools
import hashlib
import multiprocessing
import multiprocessing.process
import pickle
import socket
import tempfile
import threading
import time
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from radnb import __version__
from radnb.errors import RadnbError
from radnb.work.processes import Worker, attempt, one_thread, too_long

_idle: list[Worker] = []
_hiring = threading.Lock()


@dataclass(frozen=True)
class Check:
    """What a helping machine compares with the leading one: marks in shared folders, files, versions."""

    marks: Mapping[str, str]
    files: tuple[str, ...]
    versions: Mapping[str, str]
    versions_here: Callable[[], Mapping[str, str]]
    patience_seconds: float


@dataclass(frozen=True)
class Unfit:
    """Why a machine cannot help: a stable code and a sentence."""

    code: str
    message: str


def versions(more: Callable[[], Mapping[str, str]]) -> dict[str, str]:
    """Return what must be equal on all machines: radnb, its very code, and what the task adds."""
    return {"radnb": __version__, "code of radnb": _code(), **more()}


@functools.cache
def _code() -> str:
    package = Path(__file__).parents[1]
    sources = [path for ending in ("py", "c", "h") for path in sorted(package.rglob(f"*.{ending}"))]
    digest = hashlib.sha256()
    for path in sources:
        digest.update(path.relative_to(package).as_posix().encode() + path.read_bytes().replace(b"\r\n", b"\n"))
    return digest.hexdigest()[:12]


def work(payload: bytes, timeout: float | None) -> bytes | None:
    """Return the pickled outcome of one case, or None when the process that computed it died."""
    worker = _take()
    try:
        worker.give(0, payload)
        if not worker.pipe.poll(timeout):
            worker.process.terminate()
            worker.stop()
            return pickle.dumps(too_long(timeout or 0))
        answer: bytes = worker.pipe.recv()
    except (EOFError, OSError):
        worker.stop()
        return None
    worker.position = -1
    _idle.append(worker)
    return answer


def dismiss() -> None:
    """End the idle processes of this machine."""
    while _idle:
        with contextlib.suppress(IndexError):  # another thread was faster
            _idle.pop().stop()


def _take() -> Worker:
    with _hiring:
        if _idle:
            return _idle.pop()
        with one_thread(), _may_have_children():
            return Worker.start(_answer, daemon=True)


@contextlib.contextmanager
def _may_have_children() -> Iterator[None]:
    """Lift multiprocessing's ban on a daemon's children for a moment: dask starts its workers as daemons."""
    config: dict[str, Any] = multiprocessing.process.current_process()._config  # type: ignore[attr-defined]
    before = config.get("daemon")
    config["daemon"] = False
    try:
        yield
    finally:
        config["daemon"] = before


def _answer(payload: bytes) -> bytes:
    """Compute one case in the supervised process, after a look at whether this machine is fit for it."""
    try:
        checked, task = pickle.loads(payload)
        if (unfit := _unfit(checked)) is not None:
            return pickle.dumps(unfit)
        function, item = pickle.loads(task)
    except RadnbError as error:
        return pickle.dumps(Unfit(error.code, f"The worker on {socket.gethostname()} cannot help: {error}"))
    except (ImportError, AttributeError, pickle.UnpicklingError, TypeError) as error:
        return pickle.dumps(Unfit("E_CLUSTER", f"{socket.gethostname()} cannot load the work ({error}). "
                                               "Install the same radnb there as here."))
    return pickle.dumps(attempt(function, item))


@functools.lru_cache(maxsize=8)
def _unfit(checked: bytes) -> Unfit | None:
    """Say why this machine may not help, looked up once in each process and run."""
    check: Check = pickle.loads(checked)
    here, host = versions(check.versions_here), socket.gethostname()
    other = [f"{name} is {here.get(name)} there and {value} here" for name, value in check.versions.items()
             if here.get(name) != value]
    if other:
        return Unfit("E_VERSION", f"The worker on {host} would compute with other versions: {'; '.join(other)}. "
                                  "Install the same on both and start the workers anew.")
    for mark, content in check.marks.items():
        if not _seen(Path(mark), content, check.patience_seconds):
            return Unfit("E_SHARED", f"The worker on {host} does not see the folder {Path(mark).parent} of this "
                                     "machine, or cannot write there. Put it where all machines see it under the same "
                                     "path, for instance with RADNB_CACHE=/shared/radnb.")
    hidden = [name for name in check.files if not Path(name).is_file()]
    if hidden:
        return Unfit("E_SHARED", f"The worker on {host} does not see {hidden[0]}. "
                                 "Mount the images there under the same path as here.")
    return None


def _seen(mark: Path, content: str, patience_seconds: float) -> bool:
    deadline = time.monotonic() + patience_seconds
    while True:
        with contextlib.suppress(OSError):
            if mark.read_text(encoding="utf-8") == content:
                with tempfile.TemporaryFile(dir=mark.parent) as probe:
                    return probe.write(b"0") == 1
        if time.monotonic() > deadline:
            return False
        time.sleep(0.5)
