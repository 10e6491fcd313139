"""One way to do many independent things: a function over items, in processes that may die or hang."""

from __future__ import annotations

import collections
import contextlib
import os
import time
from collections.abc import Callable, Iterator, Sequence
from multiprocessing.connection import wait
from typing import TYPE_CHECKING, Any

from radnb.errors import RadnbError
from radnb.work.processes import Failure, How, Needs, Worker, attempt, crash, one_thread, too_long

if TYPE_CHECKING:
    from radnb.work.cluster import Cluster

__all__ = ["EXECUTORS", "Failure", "How", "Needs", "ahead", "attempt", "cluster", "cores", "map_cases"]
_DIED = object()
_NOTHING = Needs()
_MOST_AHEAD = 4  # processes that are started before it is known whether there is work for them
_ahead: list[Worker] = []


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
              needs: Needs = _NOTHING) -> Iterator[tuple[int, Any]]:
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


def _in_this_process(function: Callable[[Any], Any], items: Sequence[Any], how: How) -> Iterator[tuple[int, Any]]:
    for position, item in enumerate(items):
        yield position, attempt(function, item)


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
            with contextlib.suppress(BrokenPipeError):  # it was killed while it waited: its item counts as begun
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
