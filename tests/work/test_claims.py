"""A claim keeps others off while its process lives, and ends with it."""

from __future__ import annotations

import subprocess
import sys
import time
from pathlib import Path

import pytest

from radnb.work.claims import claim

HOLD = """
import sys, time
from pathlib import Path
from radnb.work.claims import claim
with claim(Path(sys.argv[1]), "a") as mine:
    print("held" if mine else "busy", flush=True)
    time.sleep(60)
"""


@pytest.fixture
def holder(tmp_path: Path):
    process = subprocess.Popen([sys.executable, "-c", HOLD, str(tmp_path / "库" / "claims")], stdout=subprocess.PIPE,
                               text=True)
    assert process.stdout and process.stdout.readline() == "held\n"
    yield process
    process.kill()
    process.wait()
    process.stdout.close()


def test_another_process_s_claim_is_seen_and_other_names_are_free(holder, tmp_path) -> None:
    path = tmp_path / "库" / "claims"
    with claim(path, "a") as mine:
        assert not mine
    with claim(path, "b") as mine:
        assert mine


def test_a_killed_holder_gives_its_claim_back_to_who_waits(holder, tmp_path) -> None:
    started = time.monotonic()
    holder.kill()
    with claim(tmp_path / "库" / "claims", "a", wait_seconds=20) as mine:
        assert mine and time.monotonic() - started < 5


def test_who_waits_in_vain_learns_it(holder, tmp_path) -> None:
    started = time.monotonic()
    with claim(tmp_path / "库" / "claims", "a", wait_seconds=0.3) as mine:
        assert not mine and 0.3 <= time.monotonic() - started < 5
