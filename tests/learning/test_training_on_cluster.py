"""Models are the same, byte for byte, whoever fits them: this process, others, or machines of a cluster."""

from __future__ import annotations

import warnings
from collections.abc import Callable, Iterator
from typing import Any

import pytest

from radnb.learning.plan import Trained
from radnb.learning.training import train

distributed = pytest.importorskip("distributed")
Maker = Callable[..., Any]


@pytest.fixture(scope="module")
def scheduler() -> Iterator[str]:
    """Return the address of a cluster of two workers on this machine."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # dask's own: ports in use, old options
        with distributed.LocalCluster(n_workers=2, threads_per_worker=1, dashboard_address=None,
                                      scheduler_kwargs={"dashboard": False}, silence_logs="ERROR") as started:
            yield started.scheduler_address


def rows(found: Trained) -> list[bytes]:
    return [table.to_csv(index=False, lineterminator="\n").encode()
            for table in (found.predictions, found.resamples, found.selections, found.fits, found.candidates)]


def test_a_cluster_gives_the_rows_of_this_process(scheduler: str, make_cohort: Maker, make_plan: Maker,
                                                  monkeypatch: pytest.MonkeyPatch) -> None:
    cohort = make_cohort()
    plan = make_plan(grid={"models": [{"ridge_logistic": {}}, {"lda": {}}], "features": [2, 4]})
    here = rows(train(cohort, plan, workers=0))
    assert rows(train(cohort, plan, workers=2)) == here
    monkeypatch.setenv("RADNB_CLUSTER", scheduler)
    assert rows(train(cohort, plan, workers=2)) == here
