"""Cases on a dask cluster end as they do in local processes, whatever happens to the workers."""

from __future__ import annotations

import math
import os
import pickle
import re
import signal
import stat
import sys
import time
import warnings
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
import yaml

from radnb import __version__
from radnb.errors import RadnbError
from radnb.work import parallel, remote
from radnb.work.parallel import EXECUTORS, Failure, Needs, map_cases
from tests.work import chores

distributed = pytest.importorskip("distributed")
cluster = pytest.importorskip("radnb.work.cluster")


@pytest.fixture(scope="module")
def local() -> Iterator[Any]:
    """Return a cluster of two workers on this machine, shared by the tests of this file."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # dask's own: ports in use, old options
        with (distributed.LocalCluster(n_workers=2, threads_per_worker=1, dashboard_address=None,
                                       scheduler_kwargs={"dashboard": False}, silence_logs="ERROR") as started,
              parallel.cluster(started.scheduler_address) as found):
            yield found


@pytest.fixture
def card(tmp_path: Path) -> Callable[[str], Path]:
    def write(text: str) -> Path:
        path = tmp_path / "slurm.yaml"
        path.write_text(text, encoding="utf-8")
        return path

    return write


GOOD = "jobs: 1\ncores: 2\nmemory: 4GB\nwalltime: 01:00:00\n"


@pytest.mark.parametrize("executor", EXECUTORS)
def test_every_executor_gives_the_same(executor: str, local: Any) -> None:
    how: dict[str, Any] = {"serial": {"workers": 0}, "processes": {"workers": 2}, "cluster": {"cluster": local}}
    ended = dict(map_cases(chores.picky, [0, 1, 2], **how[executor]))
    assert ended == {0: 0, 1: Failure("E_LABEL", "row 1: mask holds no label 1. Set label=2."), 2: 20}


def test_each_case_computes_with_one_thread(local: Any) -> None:
    assert dict(map_cases(chores.threads, [None], cluster=local)) == {0: "1"}


def test_a_case_that_kills_its_process_twice_costs_only_itself(local: Any) -> None:
    ended = dict(map_cases(os._exit, [3], cluster=local))
    assert ended[0].code == "E_CRASH"


def test_a_case_whose_process_died_once_is_tried_again(local: Any, tmp_path: Path) -> None:
    assert dict(map_cases(chores.dies_once, [tmp_path / "a"], cluster=local)) == {0: "done"}


def test_a_hanging_case_is_stopped_and_the_rest_goes_on(local: Any) -> None:
    started = time.monotonic()
    ended = dict(map_cases(time.sleep, [60, 0, 0], cluster=local, timeout=8))  # a process starts within it
    assert (ended[0].code, ended[1], ended[2]) == ("E_TIMEOUT", None, None) and time.monotonic() - started < 30


def test_a_lost_worker_s_cases_go_to_others(local: Any, tmp_path: Path) -> None:
    pids = list(local.client.run(os.getpid).values())
    ended = []
    for position, outcome in map_cases(chores.slow_mark, [(tmp_path, n) for n in range(24)], cluster=local):
        ended.append((position, outcome))
        if len(ended) == 8:
            os.kill(pids[0], signal.SIGKILL)
    assert sorted(ended) == [(n, n) for n in range(24)]
    assert any(path.name.endswith(f"-{pids[0]}") for path in tmp_path.iterdir())  # it had worked before


def test_the_scheduler_holds_few_cases_at_a_time(local: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    held: list[int] = []
    launch = cluster._Flight.launch

    def counted(flight: Any, *more: Any) -> None:
        launch(flight, *more)
        held.append(len(flight.flying))

    monkeypatch.setattr(cluster._Flight, "launch", counted)
    assert len(list(map_cases(math.sqrt, range(200), cluster=local))) == 200
    assert max(held) == cluster.AT_LEAST


def test_a_stopped_run_leaves_nothing_at_the_scheduler_nor_processes(local: Any) -> None:
    run = map_cases(time.sleep, [0.1] * 20, cluster=local)
    next(run)
    run.close()  # as Ctrl-C does
    deadline = time.monotonic() + 10
    while time.monotonic() < deadline and local.client.run_on_scheduler(_tasks_held):
        time.sleep(0.1)
    assert local.client.run_on_scheduler(_tasks_held) == 0


def _tasks_held(dask_scheduler: Any) -> int:
    return len(dask_scheduler.tasks)


def test_workers_with_another_version_are_refused(local: Any) -> None:
    with pytest.raises(RadnbError, match=r"engine is engine of .* Install the same") as caught:
        list(map_cases(math.sqrt, [1.0], cluster=local, needs=Needs(versions=chores.other_version)))
    assert caught.value.code == "E_VERSION"


def test_the_versions_compared_are_those_of_radnb_and_its_very_code() -> None:
    found = remote.versions(lambda: {"engine": "e 1"})
    assert found["radnb"] == __version__ and len(found["code of radnb"]) == 12 and found["engine"] == "e 1"


@pytest.mark.parametrize("hidden", ["folders", "files"])
def test_what_a_worker_does_not_see_is_told_by_the_first_case(hidden: str, local: Any, tmp_path: Path,
                                                              monkeypatch: pytest.MonkeyPatch) -> None:
    if hidden == "folders":  # the mark is written elsewhere, as it is when the worker's folder is not ours
        monkeypatch.setattr(cluster, "write_text", lambda path, text: None)
        monkeypatch.setattr(cluster, "PATIENCE_SECONDS", 0.1)
    needs = Needs(**{hidden: (str(tmp_path / "无"),)})
    with pytest.raises(RadnbError, match=r"under the same\s+path") as caught:
        list(map_cases(math.sqrt, [1.0], cluster=local, needs=needs))
    assert caught.value.code == "E_SHARED"


def test_marks_in_shared_folders_go_when_the_run_ends(local: Any, tmp_path: Path) -> None:
    assert dict(map_cases(math.sqrt, [1.0], cluster=local, needs=Needs(folders=(str(tmp_path),)))) == {0: 1.0}
    assert list(tmp_path.iterdir()) == []


def test_a_worker_that_cannot_load_the_work_says_so() -> None:
    answer = pickle.loads(remote._answer(b"cno_such_module\nname\n."))
    assert isinstance(answer, remote.Unfit) and "Install the same radnb" in answer.message


@pytest.mark.parametrize(("name", "mend"), [
    ("somewhere", "names no cluster"),
    ("tcp://127.0.0.1:9", "no dask scheduler answers"),
    ("gone.json", "Start `dask scheduler --scheduler-file"),
    ("gone.yaml", "there is no such file"),
])
def test_an_address_that_leads_nowhere_is_told(name: str, mend: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(cluster, "ANSWERS_WITHIN_SECONDS", 1)
    with pytest.raises(RadnbError, match=mend), parallel.cluster(name) as found:
        list(map_cases(math.sqrt, [1.0], cluster=found))


def test_a_scheduler_that_goes_is_told_with_the_mend(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(cluster, "ANSWERS_WITHIN_SECONDS", 0.5)
    monkeypatch.setattr(cluster, "LOOK_EVERY_SECONDS", 0.2)
    with warnings.catch_warnings(), pytest.raises(RadnbError, match="give the same command again"):
        warnings.simplefilter("ignore")  # dask's own
        with (distributed.LocalCluster(n_workers=0, processes=False, dashboard_address=None, protocol="tcp",
                                       silence_logs="CRITICAL") as started,
              parallel.cluster(started.scheduler_address) as found):
            monkeypatch.setattr(cluster._Flight, "_look_round", _closing(started, cluster._Flight._look_round))
            list(map_cases(math.sqrt, [1.0], cluster=found))


def _closing(started: Any, look: Callable[[Any], None]) -> Callable[[Any], None]:
    def closed(flight: Any) -> None:
        started.close()
        look(flight)

    return closed


def test_a_scheduler_without_workers_is_told(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(cluster, "WORKERS_WITHIN_SECONDS", 0.1)
    monkeypatch.setattr(cluster, "LOOK_EVERY_SECONDS", 0.2)
    with warnings.catch_warnings(), pytest.raises(RadnbError, match=r"no workers .* Start some"):
        warnings.simplefilter("ignore")  # dask's own
        with (distributed.LocalCluster(n_workers=0, processes=False, dashboard_address=None, protocol="tcp",
                                       silence_logs="CRITICAL") as started,
              parallel.cluster(started.scheduler_address) as found):
            list(map_cases(math.sqrt, [1.0], cluster=found))


def test_without_the_extra_the_mend_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delitem(sys.modules, "radnb.work.cluster", raising=False)
    monkeypatch.setitem(sys.modules, "distributed", None)
    with pytest.raises(RadnbError, match=r"pip install 'radnb\[cluster\]'"), parallel.cluster("tcp://127.0.0.1:8786"):
        pass


def test_the_card_in_the_documents_is_good(card: Callable[[str], Path]) -> None:
    page = (Path(__file__).parents[2] / "docs" / "large_cohorts.md").read_text(encoding="utf-8")
    shown, = re.findall(r"```yaml\n(.*?)```", page, flags=re.S)
    assert cluster.read_jobs(card(shown)).options["cores"] == 16
    assert set(cluster.Card.model_fields) - set(yaml.safe_load(shown)) == {"python"}


@pytest.mark.parametrize(("text", "mend"), [
    (GOOD + "que: short\n", "que: unknown key. Did you mean 'queue'"),
    (GOOD.replace("jobs: 1", "jobs: 0"), "jobs: '0' will not do"),
    (GOOD.replace("jobs: 1\n", ""), "jobs: this key is required"),
    (GOOD.replace("4GB", "4"), "memory: '4' will not do"),
    (GOOD + "system: slrm\n", "Did you mean 'slurm'"),
])
def test_a_card_of_batch_options_is_checked_whole(text: str, mend: str, card: Callable[[str], Path]) -> None:
    with pytest.raises(RadnbError, match=mend):
        cluster.read_jobs(card(text))


@pytest.mark.skipif(sys.platform == "win32", reason="SLURM is asked for through a POSIX shell")
def test_jobs_of_slurm_compute_the_cases_and_end_with_them(card: Callable[[str], Path], tmp_path: Path,
                                                           monkeypatch: pytest.MonkeyPatch) -> None:
    """A `sbatch` that runs the job at once on this machine stands in for SLURM."""
    pytest.importorskip("dask_jobqueue")
    commands = {"sbatch": f'cp "$1" {tmp_path}/job.sh\nsetsid bash {tmp_path}/job.sh >{tmp_path}/job.log 2>&1 &\n'
                          f'echo "Submitted batch job $!"',
                "scancel": f'echo "$@" >>{tmp_path}/cancelled\nkill -- "-$1"'}
    for name, text in commands.items():
        (tmp_path / name).write_text(f"#!/bin/bash\n{text}\n", encoding="utf-8")
        (tmp_path / name).chmod(stat.S_IRWXU)
    monkeypatch.setenv("PATH", f"{tmp_path}{os.pathsep}{os.environ['PATH']}")
    monkeypatch.setenv("PYTHONPATH", os.pathsep.join([str(Path(__file__).parents[2]), str(Path(__file__).parent)]))
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # dask's own
        with parallel.cluster(str(card(GOOD + "queue: short\naccount: lab\n"))) as jobs:
            ended = dict(map_cases(math.sqrt, [4.0, 9.0], cluster=jobs))
    assert ended == {0: 2.0, 1: 3.0}
    script = (tmp_path / "job.sh").read_text(encoding="utf-8")
    assert "#SBATCH -p short" in script and "#SBATCH -A lab" in script and "--nthreads 2" in script
    assert (tmp_path / "cancelled").is_file()
