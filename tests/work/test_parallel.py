"""Many independent things in processes that may die or hang, each costing only its own item."""

from __future__ import annotations

import math
import multiprocessing
import os
import sys
import time
from pathlib import Path

import pytest

from radnb.errors import RadnbError
from radnb.work.parallel import Failure, ahead, cores, map_cases


def _picky(item: int) -> int:
    if item == 1:
        raise RadnbError("row 1: mask holds no label 1. Set label=2.", code="E_LABEL")
    return item * 10


def _dies_once(path: Path) -> str:
    if not path.exists():
        path.write_text("was here")
        os._exit(1)
    return "done"


@pytest.mark.parametrize("workers", [0, 1, 2])
def test_results_are_the_same_whatever_the_number_of_workers(workers: int) -> None:
    assert dict(map_cases(math.sqrt, [1.0, 4.0, 9.0], workers=workers)) == {0: 1.0, 1: 2.0, 2: 3.0}


@pytest.mark.parametrize("workers", [0, 2])
def test_a_bad_case_is_recorded_and_the_rest_goes_on(workers: int) -> None:
    ended = dict(map_cases(_picky, [0, 1, 2], workers=workers))
    assert (ended[0], ended[2]) == (0, 20)
    assert ended[1] == Failure("E_LABEL", "row 1: mask holds no label 1. Set label=2.")


def test_an_unforeseen_fault_keeps_its_trace_for_the_developer() -> None:
    ended = dict(map_cases(math.sqrt, [-1.0], workers=0))
    assert ended[0].code == "E_CASE" and "Traceback" in ended[0].trace


def test_a_worker_that_dies_twice_costs_only_its_case() -> None:
    ended = dict(map_cases(os._exit, [3, 4], workers=2))
    assert [ended[k].code for k in (0, 1)] == ["E_CRASH", "E_CRASH"]


def test_a_worker_that_died_once_is_tried_again(tmp_path: Path) -> None:
    assert dict(map_cases(_dies_once, [tmp_path / "a", tmp_path / "b"], workers=1)) == {0: "done", 1: "done"}


def test_a_hanging_case_is_stopped_and_the_rest_goes_on() -> None:
    started = time.monotonic()
    ended = dict(map_cases(time.sleep, [60, 0, 0], workers=2, timeout=2))
    assert ended[0].code == "E_TIMEOUT" and ended[1] is None and ended[2] is None
    assert time.monotonic() - started < 30


def _parent(_: int) -> tuple[int, bool]:
    time.sleep(0.2)  # so that no process does all of the work
    return os.getpid(), "statistics" in sys.modules


def test_processes_started_ahead_load_a_module_and_do_the_first_work(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("RADNB_WORKERS", "2")
    with ahead("statistics"):
        early = {child.pid for child in multiprocessing.active_children()}
        ended = dict(map_cases(_parent, [0, 1, 2, 3])).values()
        assert not multiprocessing.active_children()
        later = dict(map_cases(_parent, [0, 1])).values()
    assert {pid for pid, _ in ended} <= early and all(loaded for _, loaded in ended)
    assert not {pid for pid, _ in later} & early


def test_processes_started_ahead_for_nothing_end_with_the_block(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("RADNB_WORKERS", "3")
    with ahead("statistics"):
        assert len(multiprocessing.active_children()) == 3
        assert len(dict(map_cases(math.sqrt, [4.0]))) == 1  # takes one of them
    assert not multiprocessing.active_children()


def test_none_is_started_ahead_for_a_cluster(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("RADNB_CLUSTER", "tcp://somewhere:8786")
    with ahead("statistics"):
        assert not multiprocessing.active_children()


@pytest.mark.parametrize("module", ["statistics", "no_such_module"])
def test_a_process_that_dies_while_it_waits_costs_nothing(module: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("RADNB_WORKERS", "2")
    with ahead(module):
        for child in multiprocessing.active_children():
            child.kill()
            child.join()
        assert dict(map_cases(math.sqrt, [1.0, 4.0, 9.0])) == {0: 1.0, 1: 2.0, 2: 3.0}


def test_the_number_of_workers_can_be_given(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("RADNB_WORKERS", "3")
    assert cores() == 3
