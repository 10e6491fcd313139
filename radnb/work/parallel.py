"""One way to do many independent things: a function over items, in processes that may die or hang."""

from __future__ import annotations

import atexit
import collections
import contextlib
import gc
import importlib
import multiprocessing
import os
import sys
import threading
import time
import traceback
import types
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from multiprocessing.connection import Connection, wait
from multiprocessing.process import BaseProcess
from typing import TYPE_CHECKING, Any

from radnb.errors import RadnbError

if TYPE_CHECKING:
    from radnb.work.cluster import Cluster

ONE_THREAD = ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS", "NUMEXPR_NUM_THREADS",
              "ITK_GLOBAL_DEFAULT_NUMBER_OF_THREADS", "NUMBA_NUM_THREADS", "VECLIB_MAXIMUM_THREADS")


_DIED = object()
_MOST_AHEAD = 4  # processes that are started before it is known whether there is work for them
_ahead: list[Worker] = []


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


def cores() -> int:
    """Return how many processes to use: RADNB_WORKERS, or the processors this process may use."""
    given = os.environ.get("RADNB_WORKERS", "")
    if given.isdigit() and int(given) > 0:
        return int(given)
    available = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count()
    return available or 1


@contextlib.contextmanager
def cluster(name: str | None = None) -> Iterator[Cluster | None]:
    """Yield the named cluster, or the one that RADNB_CLUSTER names, or none; it is asked for when it is first needed,
    and what was asked for ends with the block."""
    if not (name := os.environ.get("RADNB_CLUSTER", "") if name is None else name):
        yield None
        return
    try:
        from radnb.work.cluster import Cluster
    except ModuleNotFoundError as error:
        if (error.name or "").partition(".")[0] not in ("dask", "distributed"):
            raise
        raise RadnbError("A cluster needs packages that are not installed here. Install radnb with its extra: "
                         "`pip install 'radnb[cluster]'`, on the workers too.", code="E_CLUSTER") from error
    with Cluster(name) as found:
        yield found


def map_cases(function: Callable[[Any], Any], items: Sequence[Any], *, workers: int | None = None,
              label: str | None = "", unit: str = "case", timeout: float | None = None, cluster: Cluster | None = None,
              needs: Needs = Needs()) -> Iterator[tuple[int, Any]]:
    """Yield (position, result or Failure) as each item ends; a dead or hanging worker costs only its item.

    `function` and the items must be picklable. `workers=0` works in this process (nothing is isolated then);
    `cluster` is one of many machines, whose workers must have what `needs` says.
    An item whose worker dies is tried once more, then reported as E_CRASH.  `label=None` shows no progress.
    """
    from radnb.work.progress import progress  # here, for the processes that work do without it

    run = EXECUTORS["serial" if workers == 0 else "cluster" if cluster else "processes"]
    with progress(total=len(items), label=function.__name__ if label == "" else label, unit=unit) as bar:
        for position, outcome in run(function, items, How(workers, timeout, cluster, needs)):
            bar.update(1)
            yield position, outcome


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


def _in_this_process(function: Callable[[Any], Any], items: Sequence[Any], how: How) -> Iterator[tuple[int, Any]]:
    for position, item in enumerate(items):
        yield position, attempt(function, item)


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
    before = {name: os.environ.get(name) for name in ONE_THREAD}
    os.environ.update(dict.fromkeys(ONE_THREAD, "1"))  # read by each child at its start
    try:
        yield
    finally:
        for name, value in before.items():
            os.environ.pop(name) if value is None else os.environ.update({name: value})


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


@contextlib.contextmanager
def _dismissed(crew: list[Worker]) -> Iterator[None]:
    try:
        yield
    finally:
        _dismiss(crew)


def _dismiss(crew: list[Worker]) -> None:
    """Hang up on all who are idle before waiting for the first to end."""
    for worker in crew:
        if worker.position < 0:
            worker.pipe.close()
    while crew:
        crew.pop().stop()


@contextlib.contextmanager
def ahead(module: str) -> Iterator[None]:
    """Start some processes, which load a module, for the first `map_cases` of the block: both sides of a short run
    load their libraries at the same time.  Where machines of a cluster will work, nothing is started."""
    if not os.environ.get("RADNB_CLUSTER"):
        with one_thread():
            _ahead.extend(Worker.start_ahead(module) for _ in range(min(cores(), _MOST_AHEAD)))
    try:
        yield
    finally:
        while _ahead:
            (worker := _ahead.pop()).process.terminate()  # never given anything
            worker.stop()


def _in_workers(function: Callable[[Any], Any], items: Sequence[Any], how: How) -> Iterator[tuple[int, Any]]:
    waiting = collections.deque(range(len(items)))
    deaths: collections.Counter[int] = collections.Counter()
    size = min(how.workers or cores(), len(items))
    crew = _started_ahead(function, size)
    with one_thread(), _dismissed(crew):
        while waiting or any(w.position >= 0 for w in crew):
            _hire(crew, function, items, waiting, size)
            for worker, outcome in _next_results(crew, how.timeout):
                position, worker.position = worker.position, -1
                if outcome is _DIED:
                    crew.remove(worker)
                    worker.stop()
                    deaths[position] += 1
                    if deaths[position] == 1:
                        waiting.appendleft(position)
                        continue
                    outcome = crash()
                elif isinstance(outcome, Failure) and outcome.code == "E_TIMEOUT":
                    crew.remove(worker)
                    worker.process.terminate()
                    worker.stop()
                yield position, outcome


def _started_ahead(function: Callable[[Any], Any], size: int) -> list[Worker]:
    """Take who was started ahead, as many as are needed."""
    crew = [_ahead.pop() for _ in range(min(size, len(_ahead)))]
    for worker in crew:
        worker.learn(function)
    return crew


def _hire(crew: list[Worker], function: Callable[[Any], Any], items: Sequence[Any],
          waiting: collections.deque[int], size: int) -> None:
    while len(crew) < size and len(waiting) > sum(w.position < 0 for w in crew):
        crew.append(Worker.start(function))
    for worker in crew:
        if worker.position < 0 and waiting:
            worker.give(position := waiting.popleft(), items[position])


def _next_results(crew: list[Worker], timeout: float | None) -> Iterator[tuple[Worker, Any]]:
    busy = {worker.pipe: worker for worker in crew if worker.position >= 0}
    ready = wait(list(busy), timeout=1.0 if timeout else None)
    for pipe in ready:
        worker = busy.pop(pipe)  # type: ignore[call-overload]
        try:
            yield worker, worker.pipe.recv()
        except (EOFError, OSError):
            yield worker, _DIED
    for worker in busy.values():
        if timeout and time.monotonic() - worker.started > timeout:
            yield worker, too_long(timeout)


def _on_cluster(function: Callable[[Any], Any], items: Sequence[Any], how: How) -> Iterator[tuple[int, Any]]:
    from radnb.work.cluster import run

    return run(function, items, how)


EXECUTORS: dict[str, Callable[[Callable[[Any], Any], Sequence[Any], How], Iterator[tuple[int, Any]]]] = {
    "serial": _in_this_process, "processes": _in_workers, "cluster": _on_cluster}
