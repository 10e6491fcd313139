"""A run that is killed again and again leaves, once finished, the same bytes as one that nobody disturbed."""

from __future__ import annotations

import os
import random
import runpy
from pathlib import Path

import pandas as pd
import pytest

from radnb.features import extraction
from radnb.features.extraction import extract
from radnb.features.store import Store

pytest.importorskip("radiomics")
kills = runpy.run_path(str(Path(__file__).parents[2] / "benchmarks" / "kills.py"))


@pytest.mark.skipif(os.name == "nt", reason="Windows knows no process groups that one signal kills")
def test_three_kills_lose_nothing_and_the_store_is_the_same(tmp_path) -> None:
    cases, rng = kills["make_cohort"](tmp_path / "队列", 20, largest=14), random.Random(3)
    kills["extract_once"](cases, tmp_path / "whole", 0, "pyradiomics")
    came = [kills["kill_at_random"](cases, tmp_path / "killed", 2, "pyradiomics", 0.1, rng) for _ in range(3)]
    assert came == sorted(came) and 0 < came[0] < 20, "a kill must lose nothing, and the first come before the end"
    kills["extract_once"](cases, tmp_path / "killed", 0, "pyradiomics")
    assert kills["left_by"](tmp_path / "whole") == kills["left_by"](tmp_path / "killed")


def test_a_kill_between_writing_the_part_and_clearing_the_shards_leaves_no_row_twice(cases, quick, tmp_path,
                                                                                     monkeypatch) -> None:
    with monkeypatch.context() as patch:
        patch.setattr(Path, "unlink", lambda self, missing_ok=False: None)
        extract(cases, settings=quick, store=tmp_path, workers=0)
    assert len(list(tmp_path.glob("*/shards/*/*.parquet"))) == 4
    extract(cases.iloc[:2], settings=quick, store=tmp_path, workers=0)
    assert len(Store(tmp_path).parts()) == 1


def test_two_runs_at_once_measure_each_region_once(cases, quick, tmp_path, monkeypatch) -> None:
    """The second run starts while the first holds a region: it does the others first, then takes the first's result."""
    store, order = Store(tmp_path), []
    group = extraction._opened(extraction.choose("pyradiomics"), quick, store)
    real = extraction.map_cases

    def first_run_holds_one(function, tasks, **more):
        order.append([task.wait_seconds for task in tasks])
        yield from real(function, tasks, **more)
        if len(order) == 1:  # the other run has finished its region meanwhile
            monkeypatch.setattr(Store, "claim", claim)

    claim, held = Store.claim, extract(cases, settings=quick, store=tmp_path / "other", workers=0)
    key = sorted(pd.read_parquet(next((tmp_path / "other").glob("*/cases-*.parquet")))["key"])[0]

    def busy(self, group, name, *, wait_seconds=0):
        import contextlib

        return contextlib.nullcontext(name != key) if name == key else claim(self, group, name)

    monkeypatch.setattr(Store, "claim", busy)
    monkeypatch.setattr(extraction, "map_cases", first_run_holds_one)
    found = extract(cases, settings=quick, store=store, workers=0)
    assert order[0] == [0, 0, 0] and order[1] == [extraction.WAIT_SECONDS] and group in store.groups()
    assert found.features.equals(held.features)
