"""Processes of our own: what one is given, what it answers, and why it may have no answer."""

from __future__ import annotations

import atexit
import contextlib
import gc
import importlib
import multiprocessing
import os
import signal
import sys
import threading
import time
import traceback
import types
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from multiprocessing.connection import Connection
from multiprocessing.process import BaseProcess
from typing import TYPE_CHECKING, Any

from radnb.errors import RadnbError

if TYPE_CHECKING:
    from radnb.work.cluster import Cluster

ONE_THREAD = ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS", "NUMEXPR_NUM_THREADS",
              "ITK_GLOBAL_DEFAULT_NUMBER_OF_THREADS", "NUMBA_NUM_THREADS", "VECLIB_MAXIMUM_THREADS")

_OF_CHILDREN = {**dict.fromkeys(ONE_THREAD, "1"), "ARROW_DEFAULT_MEMORY_POOL": "system"}  # the other keeps 10 MB more


@dataclass(frozen=True)
class Failure:
    """Why one item gave nothing: a stable code, a sentence for the user, and the trace for the developer."""

    code: str
    message: str
    trace: str = ""


@dataclass(frozen=True)
class Needs:
    """What must hold on every machine that helps: shared folders, files seen under the same path, equal versions."""

    folders: tuple[str, ...] = ()
    files: tuple[str, ...] = ()
    versions: Callable[[], Mapping[str, str]] = dict


@dataclass(frozen=True)
class How:
    """How many processes, how long one item may take, and the cluster with what it must have."""

    workers: int | None = None
    timeout: float | None = None
    cluster: Cluster | None = None
    needs: Needs = Needs()


def attempt(function: Callable[[Any], Any], item: Any) -> Any:
    """Return what the function gives, or the Failure that says why it gave nothing."""
    try:
        return function(item)
    except RadnbError as error:
        return Failure(error.code, str(error))
    except MemoryError:
        return Failure("E_MEMORY", "Not enough memory for this case. Use fewer workers or a coarser resampling.")
    except Exception as error:  # one bad case never stops a cohort; the trace goes into the record
        return Failure("E_CASE", f"{type(error).__name__}: {error}", traceback.format_exc())


def crash() -> Failure:
    """Return what an item becomes whose process died twice."""
    return Failure("E_CRASH", "The process working on this case ended twice without an answer (out of memory?). "
                              "Use fewer workers, or look at this image.")


def too_long(timeout: float) -> Failure:
    """Return what an item becomes that took longer than it may."""
    return Failure("E_TIMEOUT", f"This case took longer than {timeout:g} s and was stopped. "
                                "Raise the time limit, or look at the size of its image and mask.")


def _serve(module: str, pipe: Connection) -> None:
    """Load what the work needs, learn the function, then answer item after item."""
    threading.Thread(target=_end_with_parent, daemon=True).start()
    with contextlib.suppress(EOFError, OSError, KeyboardInterrupt):  # the parent ended: so do we
        gc.disable()  # what is loaded stays
        if module:
            importlib.import_module(module)
        function = pipe.recv()
        gc.enable()
        while True:
            pipe.send(attempt(function, pipe.recv()))
    gc.freeze()  # so that the interpreter ends without a last look at all that it has loaded


def _end_with_parent() -> None:
    """End in the midst of a case when the parent was killed: nobody waits for it, and another may do it again."""
    if (parent := multiprocessing.parent_process()) is not None:
        parent.join()
        os._exit(1)


@contextlib.contextmanager
def one_thread() -> Iterator[None]:
    """Let every process that is started meanwhile compute with one thread."""
    before = {name: os.environ.get(name) for name in _OF_CHILDREN}
    os.environ.update(_OF_CHILDREN)  # read by each child at its start
    try:
        yield
    finally:
        for name, value in before.items():
            os.environ.pop(name) if value is None else os.environ.update({name: value})


@contextlib.contextmanager
def _deaf_to_ctrl_c() -> Iterator[None]:
    """Let a process started meanwhile ignore Ctrl-C, which a terminal sends to it too: it is for us to end it, and in
    the midst of its imports it would end with a traceback."""
    if threading.current_thread() is not threading.main_thread():
        yield
        return
    before = signal.signal(signal.SIGINT, signal.SIG_IGN)
    try:
        yield
    finally:
        signal.signal(signal.SIGINT, signal.SIG_DFL if before is None else before)


@dataclass(eq=False)
class Worker:
    """A process of our own that answers one item at a time."""

    process: BaseProcess
    pipe: Connection
    position: int = -1
    started: float = 0.0

    @classmethod
    def start(cls, function: Callable[[Any], Any], *, daemon: bool = False) -> Worker:
        """Start a process that computes `function`; a daemon is ended with us whatever happens, and has no children."""
        worker = cls.start_ahead("", daemon=daemon, of_main=getattr(function, "__module__", "") == "__main__")
        worker.learn(function)
        return worker

    @classmethod
    def start_ahead(cls, module: str, *, daemon: bool = False, of_main: bool = False) -> Worker:
        """Start a process that loads a module and then waits for a function; only one of the user's own script runs
        that script again."""
        context = multiprocessing.get_context("spawn")
        ours, theirs = context.Pipe()
        process = context.Process(target=_serve, args=(module, theirs), daemon=daemon)
        main = sys.modules["__main__"]
        if not of_main:
            sys.modules["__main__"] = types.ModuleType("__main__")
        try:
            with _deaf_to_ctrl_c():
                process.start()
        finally:
            sys.modules["__main__"] = main
        theirs.close()
        worker = cls(process, ours)
        atexit.register(worker.stop)  # not daemonic, so that a worker may have workers; yet it never outlives us
        return worker

    def learn(self, function: Callable[[Any], Any]) -> None:
        """Send what is to be computed of each item."""
        with contextlib.suppress(OSError):  # it has died, which shows when its answer is read
            self.pipe.send(function)

    def give(self, position: int, item: Any) -> None:
        """Send one item."""
        self.position, self.started = position, time.monotonic()
        with contextlib.suppress(OSError):  # as above
            self.pipe.send(item)

    def stop(self) -> None:
        """End an idle worker by hanging up, a busy one by force."""
        atexit.unregister(self.stop)
        self.pipe.close()
        if self.position >= 0:
            self.process.terminate()
        self.process.join(5)
        if self.process.is_alive():
            self.process.kill()
            self.process.join()
