"""A step is seen to begin and to end; two set-ups in one folder wait for each other."""

from __future__ import annotations

import io
import os
import subprocess
import sys
from pathlib import Path

import pytest

from setting_up import steps

HOLDER = """
import sys
from pathlib import Path
sys.path.insert(0, sys.argv[1])
from setting_up import steps
steps.GUARD = Path(sys.argv[2])
with steps.alone():
    print("held", flush=True)
    sys.stdin.read()
"""


def python(code: str) -> list[str]:
    return [sys.executable, "-c", code]


def test_a_log_gets_a_line_at_the_start_and_one_at_the_end(capsys: pytest.CaptureFixture[str]) -> None:
    steps.step("Making tea", python("print('noise')"), dict(os.environ))
    assert capsys.readouterr().err.splitlines() == ["radnb: Making tea ...", "radnb: Making tea: done after 0 s."]


def test_a_terminal_sees_the_clock_and_the_installers_last_word(monkeypatch: pytest.MonkeyPatch) -> None:
    screen = io.StringIO()
    monkeypatch.setattr(screen, "isatty", lambda: True, raising=False)
    monkeypatch.setattr(sys, "stderr", screen)
    waits = "import time; print('Downloaded 胰腺', flush=True); time.sleep(0.7)"
    steps.step("Making tea", python(waits), os.environ | {"PYTHONUTF8": "1"})
    assert "radnb: Making tea ... 0 s  Downloaded 胰腺" in screen.getvalue()
    assert screen.getvalue().endswith("radnb: Making tea: done after 1 s.\n")


def test_a_failed_step_carries_all_that_was_said(capsys: pytest.CaptureFixture[str]) -> None:
    code = "import sys; print('out'); sys.stdout.flush(); sys.exit('err \\u80f0')"
    with pytest.raises(steps.Stopped, match="Making tea") as caught:
        steps.step("Making tea", python(code), os.environ | {"PYTHONUTF8": "1"})
    assert caught.value.output.split() == ["out", "err", "胰"]
    assert "Making tea: failed after" in capsys.readouterr().err


def test_a_second_set_up_waits_until_the_first_has_ended(tmp_path: Path, monkeypatch: pytest.MonkeyPatch,
                                                         capsys: pytest.CaptureFixture[str]) -> None:
    guard = tmp_path / "guard"
    monkeypatch.setattr(steps, "GUARD", guard)
    with subprocess.Popen([*python(HOLDER), str(steps.ROOT), str(guard)], stdin=subprocess.PIPE,
                          stdout=subprocess.PIPE) as first:
        assert first.stdin is not None
        assert first.stdout is not None
        assert first.stdout.readline().strip() == b"held"
        monkeypatch.setattr("time.sleep", lambda seconds: first.kill())  # even a killed holder lets go
        with steps.alone():
            first.wait()
    assert "Another set-up is at work in this folder" in capsys.readouterr().err


def test_an_unguarded_folder_is_entered_at_once(tmp_path: Path, monkeypatch: pytest.MonkeyPatch,
                                                capsys: pytest.CaptureFixture[str]) -> None:
    monkeypatch.setattr(steps, "GUARD", tmp_path / "guard")
    for _ in range(2):
        with steps.alone():
            pass
    assert capsys.readouterr().err == ""
