"""Files are whole or absent, tables have the same bytes each time, and one folder serves one run."""

from __future__ import annotations

import json
import os
import socket
import threading
import time
from pathlib import Path

import pandas as pd
import pytest

from radnb.errors import RadnbError
from radnb.work import files


def test_a_write_that_fails_leaves_the_old_file_and_no_debris(tmp_path: Path) -> None:
    path = tmp_path / "表 1.csv"
    files.write_text(path, "old")
    with pytest.raises(ZeroDivisionError), files.atomic_path(path) as temporary:
        temporary.write_text("half")
        raise ZeroDivisionError
    assert path.read_text() == "old" and [p.name for p in tmp_path.iterdir()] == ["表 1.csv"]


def test_a_folder_that_cannot_be_written_is_named_with_its_mend(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(RadnbError, match="choose a folder of your own"):
        files.write_text(tmp_path / "file" / "below.txt", "x")


def test_a_folder_is_tried_before_the_work_and_nothing_is_left_in_it(tmp_path: Path) -> None:
    files.refuse_folder(tmp_path / "new" / "deeper")
    assert list(tmp_path.iterdir()) == []
    (tmp_path / "file").write_text("")
    with pytest.raises(RadnbError, match="choose a folder of your own"):
        files.refuse_folder(tmp_path / "file")
    with pytest.raises(RadnbError, match="choose a folder of your own"), files.lock(tmp_path / "file"):
        pytest.fail("a file was locked as a folder")


def test_equal_tables_give_equal_bytes_and_floats_survive(tmp_path: Path) -> None:
    table = pd.DataFrame({"id": ["007", "NA"], "value": [0.1 + 0.2, 1e-300]})
    files.write_csv(tmp_path / "a.csv", table)
    files.write_csv(tmp_path / "b.csv", table.copy())
    assert (tmp_path / "a.csv").read_bytes() == (tmp_path / "b.csv").read_bytes()
    back = pd.read_csv(tmp_path / "a.csv", dtype={"id": str}, keep_default_na=False, float_precision="round_trip")
    pd.testing.assert_frame_equal(back, table)


def test_json_is_hashed_by_content_not_by_order() -> None:
    assert files.sha256_json({"a": 1, "b": [2]}) == files.sha256_json({"b": [2], "a": 1})
    assert files.sha256_json({"a": 1}) != files.sha256_json({"a": 2})


def test_sweep_removes_only_what_an_interrupted_write_left(tmp_path: Path) -> None:
    (tmp_path / "sub").mkdir()
    (tmp_path / "sub" / f"{files.TEMPORARY}abc.csv").write_text("half")
    (tmp_path / "sub" / "whole.csv").write_text("whole")
    files.sweep(tmp_path)
    assert [p.name for p in (tmp_path / "sub").iterdir()] == ["whole.csv"]


def test_a_folder_in_use_is_refused_and_names_its_holder(tmp_path: Path) -> None:
    told = f"in use by process {os.getpid()}"
    with files.lock(tmp_path), pytest.raises(RadnbError, match=told), files.lock(tmp_path):
        pytest.fail("two runs held one folder")
    with files.lock(tmp_path):
        assert (tmp_path / ".radnb-lock").exists()
    assert not (tmp_path / ".radnb-lock").exists()


def test_a_lock_of_a_dead_process_is_passed_over(tmp_path: Path) -> None:
    (tmp_path / ".radnb-lock").write_text(json.dumps({"pid": 2**22 + 12345, "host": socket.gethostname()}))
    with files.lock(tmp_path):
        assert json.loads((tmp_path / ".radnb-lock").read_text())["pid"] == os.getpid()


def test_who_waits_gets_the_folder_when_the_other_is_done(tmp_path: Path) -> None:
    held = files.lock(tmp_path)
    held.__enter__()
    threading.Timer(0.5, held.__exit__, (None, None, None)).start()
    with files.lock(tmp_path, wait_seconds=30):
        assert (tmp_path / ".radnb-lock").exists()


def test_a_lock_without_a_name_is_given_the_moment_it_takes_to_sign(tmp_path: Path,
                                                                    monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(files, "SIGNED_WITHIN_SECONDS", 0.5)
    (tmp_path / ".radnb-lock").touch()
    started = time.monotonic()
    with pytest.raises(RadnbError, match="choose another folder"), files.lock(tmp_path):
        pytest.fail("a nameless lock was passed over")
    assert time.monotonic() - started > 0.3
