"""Cases on many machines: a dask scheduler by address or file, or jobs of a batch system by a small card."""

from __future__ import annotations

import collections
import contextlib
import pickle
import queue
import re
import secrets
import time
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import CancelledError
from pathlib import Path
from typing import Any

from distributed import Client, Future, KilledWorker
from pydantic import BaseModel, ConfigDict, Field, ValidationError, field_validator

from radnb.errors import RadnbError, nearest, raise_all
from radnb.work import remote
from radnb.work.cards import card_problems, read_card
from radnb.work.files import write_text
from radnb.work.processes import How, Needs, crash

SYSTEMS = {"slurm": "SLURMCluster", "pbs": "PBSCluster", "sge": "SGECluster", "lsf": "LSFCluster"}  # of dask_jobqueue
ANSWERS_WITHIN_SECONDS = 20
LOOK_EVERY_SECONDS = 2.0
WORKERS_WITHIN_SECONDS = 300.0  # of a scheduler that we did not start; a batch system may let us wait for days
PATIENCE_SECONDS = 15.0  # a network file system may tell late what another machine has written
AT_LEAST = 8  # cases that a scheduler without workers is given, so that it has something to ask workers for


class Card(BaseModel):
    """Options of a batch system in dask-jobqueue's words; a job is one worker that computes `cores` cases at once."""

    model_config = ConfigDict(extra="forbid", frozen=True, str_strip_whitespace=True)
    system: str = "slurm"
    jobs: int = Field(ge=1, le=10_000)
    cores: int = Field(ge=1, le=1024)
    memory: str = Field(pattern=r"^\d+(\.\d+)? ?[MGT]i?B$")
    walltime: str = Field(pattern=r"^(\d+-)?\d{1,4}:\d{2}(:\d{2})?$")
    queue: str | None = None
    account: str | None = None
    interface: str | None = None
    python: str | None = None
    local_directory: str | None = None
    log_directory: str | None = None
    job_extra_directives: list[str] = []
    job_script_prologue: list[str] = []

    @field_validator("system")
    @classmethod
    def _known(cls, value: str) -> str:
        if value not in SYSTEMS:
            raise ValueError(f"{value!r} is unknown. {nearest(value, SYSTEMS)}")
        return value

    @property
    def options(self) -> dict[str, Any]:
        """What dask_jobqueue is told: one worker a job, a thread for each case at once."""
        given = {key: value for key, value in self if value not in (None, []) and key not in ("system", "jobs")}
        return given | {"processes": 1}


def read_jobs(path: Path) -> Card:
    """Read a card of batch options, or raise one error that lists every fault."""
    try:
        return Card.model_validate(read_card(path))
    except ValidationError as error:
        raise_all(card_problems(error, Card, where=str(path)), code="E_CONFIG")
        raise


class Cluster:
    """A dask scheduler by its address or file, or jobs of a batch system by a card; opened when first needed."""

    def __init__(self, name: str) -> None:
        self.name = name
        self._card = read_jobs(Path(name)) if Path(name).suffix.lower() in (".yaml", ".yml") else None
        self.expected = self._card.jobs * self._card.cores if self._card else 0  # threads that jobs will bring
        if self._card is None:
            _check_address(name)
        self._client: Client | None = None
        self._opened = contextlib.ExitStack()

    def __enter__(self) -> Cluster:
        return self

    def __exit__(self, *_: object) -> None:
        self._client = None
        self._opened.close()

    @property
    def client(self) -> Client:
        """The connection; jobs that were started for it end with the cluster."""
        if self._client is None:
            jobs = self._opened.enter_context(_jobs(self._card)) if self._card else None
            client = _connected(self.name) if jobs is None else Client(jobs, set_as_default=False)
            self._client = self._opened.enter_context(client)
        return self._client


def run(function: Callable[[Any], Any], items: Sequence[Any], how: How) -> Iterator[tuple[int, Any]]:
    """Yield (position, result or Failure) as each item ends on some machine of the cluster.

    A lost worker's items go to others; one whose process died twice, or that outlived many workers, is E_CRASH.
    """
    assert how.cluster is not None
    waiting = collections.deque(range(len(items)))
    deaths: collections.Counter[int] = collections.Counter()
    with _marked(how.needs) as check, _Flight(how.cluster) as flight:
        while waiting or flight.flying:
            while waiting and len(flight.flying) < flight.room:
                position = waiting.popleft()
                task = pickle.dumps((function, items[position]))
                flight.launch(position, pickle.dumps((check, task)), how.timeout)
            for position, outcome in flight.landed():
                if isinstance(outcome, remote.Unfit):
                    raise RadnbError(f"{how.cluster.name}: {outcome.message}", code=outcome.code)
                if outcome is _DIED:
                    deaths[position] += 1
                    if deaths[position] == 1:
                        waiting.appendleft(position)
                        continue
                    outcome = crash()
                yield position, outcome


_DIED = object()


class _Flight:
    """The cases that the scheduler holds: few enough not to burden it, enough that no worker waits."""

    def __init__(self, cluster: Cluster) -> None:
        self.cluster, self.client = cluster, cluster.client
        self.name, self.launched = secrets.token_hex(4), 0
        self.ended: queue.SimpleQueue[Future] = queue.SimpleQueue()
        self.flying: dict[Future, int] = {}
        self.threads, self.looked, self.worked = 0, -LOOK_EVERY_SECONDS, time.monotonic()

    def __enter__(self) -> _Flight:
        return self

    def __exit__(self, *_: object) -> None:
        with contextlib.suppress(Exception):  # a scheduler that is gone has nothing to tidy, and no say in the outcome
            self.client.cancel(list(self.flying), force=True)
            self.client.run(remote.dismiss, on_error="ignore")

    @property
    def room(self) -> int:
        """How many cases may be under way: two for each thread."""
        if time.monotonic() - self.looked > LOOK_EVERY_SECONDS and self.client.status == "running":
            self.threads, self.looked = sum(self.client.nthreads().values()), time.monotonic()
            self.worked = self.looked if self.threads else self.worked
        return max(AT_LEAST, 2 * max(self.threads, self.cluster.expected))

    def launch(self, position: int, payload: bytes, timeout: float | None) -> None:
        """Hand one case to the scheduler."""
        self.launched += 1
        future = self.client.submit(remote.work, payload, timeout, pure=False,
                                    key=f"radnb-{self.name}-{self.launched}")
        self.flying[future] = position
        future.add_done_callback(self.ended.put)

    def landed(self) -> Iterator[tuple[int, Any]]:
        """Yield the cases that ended since the last look."""
        try:
            future = self.ended.get(timeout=LOOK_EVERY_SECONDS)
        except queue.Empty:
            self._look_round()
            return
        yield self.flying.pop(future), _outcome(future, self.cluster.name)

    def _look_round(self) -> None:
        """Say why nothing ends, where waiting is in vain."""
        lost = any(future.status in ("lost", "cancelled") for future in self.flying)
        if lost or self.client.status not in ("running", "connecting"):
            raise _gone(self.cluster.name) from None
        if not self.cluster.expected and time.monotonic() - self.worked > WORKERS_WITHIN_SECONDS:
            raise RadnbError(f"{self.cluster.name}: the scheduler has had no workers for {WORKERS_WITHIN_SECONDS:g} s. "
                             "Start some (`dask worker`); the same command goes on from here.", code="E_CLUSTER")


def _outcome(future: Future, name: str) -> Any:
    try:
        answer = future.result()
    except KilledWorker:
        return _DIED
    except (CancelledError, OSError, TimeoutError) as error:
        raise _gone(name) from error
    except Exception as error:  # dask could not even run our code there
        raise RadnbError(f"{name}: a worker cannot run radnb ({type(error).__name__}: {error}). "
                         "Install the same radnb there as here.", code="E_CLUSTER") from error
    return _DIED if answer is None else pickle.loads(answer)


def _gone(name: str) -> RadnbError:
    return RadnbError(f"{name}: the dask scheduler has gone or was started anew. What was finished is kept: "
                      "start it and give the same command again.", code="E_CLUSTER")


@contextlib.contextmanager
def _marked(needs: Needs) -> Iterator[bytes]:
    """Put a mark into each shared folder while the run lasts, and yield the pickled check for the workers."""
    content = secrets.token_hex(8)
    marks = {str(Path(folder).absolute() / f".radnb-shared-{content}"): content for folder in needs.folders}
    try:
        for mark in marks:
            write_text(Path(mark), content)
        yield pickle.dumps(remote.Check(marks, needs.files, remote.versions(needs.versions), needs.versions,
                                        PATIENCE_SECONDS))
    finally:
        for mark in marks:
            Path(mark).unlink(missing_ok=True)


def _check_address(name: str) -> None:
    if Path(name).suffix.lower() == ".json":
        if not Path(name).is_file():
            raise RadnbError(f"{name}: there is no such scheduler file. "
                             f"Start `dask scheduler --scheduler-file {name}`.", code="E_CLUSTER")
    elif not re.fullmatch(r"(\w+://)?[^\s/]+:\d+", name):
        raise RadnbError(f"{name!r} names no cluster. Give a dask address as tcp://host:8786, a scheduler file "
                         "(.json), or a card of batch options (.yaml).", code="E_CLUSTER")


def _connected(name: str) -> Client:
    where = {"scheduler_file": name} if Path(name).suffix.lower() == ".json" else {"address": name}
    try:
        return Client(**where, timeout=ANSWERS_WITHIN_SECONDS, set_as_default=False)
    except (OSError, TimeoutError, ValueError) as error:
        raise RadnbError(f"{name}: no dask scheduler answers there ({error}). Start it (`dask scheduler`) with some "
                         "workers (`dask worker`), or correct the address.", code="E_CLUSTER") from error


@contextlib.contextmanager
def _jobs(card: Card) -> Iterator[Any]:
    try:
        import dask_jobqueue
    except ModuleNotFoundError as error:
        raise RadnbError("Jobs of a batch system need dask-jobqueue, which is not installed here. Install radnb with "
                         "its extra: `pip install 'radnb[cluster]'`.", code="E_CLUSTER") from error
    try:
        system = getattr(dask_jobqueue, SYSTEMS[card.system])(**card.options)
    except (TypeError, ValueError, OSError) as error:
        raise RadnbError(f"dask-jobqueue does not take these options for {card.system}: {str(error).splitlines()[0]} "
                         "Correct the card.", code="E_CONFIG") from error
    with system as jobs:
        jobs.adapt(minimum_jobs=card.jobs, maximum_jobs=card.jobs)  # a job that ends by its walltime is replaced
        yield jobs
