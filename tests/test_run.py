"""run.py: the one file that must start on any Python, do nothing twice, and end every fault in a sentence."""

from __future__ import annotations

import ast
import os
import runpy
import subprocess
import sys
from collections import namedtuple
from pathlib import Path
from typing import Any, NoReturn

import pytest

import run
from setting_up import packages, places, stamp
from setting_up.faults import Stopped

SOURCE = Path(run.__file__)
GOOD = {"identity": "x", "itself": stamp.itself(), "without_extraction": "", "without_kernels": ""}
VersionInfo = namedtuple("VersionInfo", "major minor micro releaselevel serial")


def test_an_old_python_can_still_read_the_file() -> None:
    tree = ast.parse(SOURCE.read_text(encoding="utf-8"), feature_version=(3, 6))
    futures = [node for node in ast.walk(tree) if isinstance(node, ast.ImportFrom) and node.module == "__future__"]
    assert not futures  # `annotations` is unknown to Python 3.6


@pytest.mark.parametrize("version", [(3, 6, 15), (3, 10, 13), (3, 14, 0)])
def test_another_python_is_refused_in_one_sentence(monkeypatch: pytest.MonkeyPatch, version: tuple[int, ...]) -> None:
    monkeypatch.setattr(sys, "version_info", VersionInfo(*version, "final", 0))
    with pytest.raises(SystemExit, match=r"^radnb: This is Python .*3\.11, 3\.12 or 3\.13 is needed: .*\.$"):
        runpy.run_path(str(SOURCE))


def test_a_good_environment_is_left_alone(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(stamp, "read", lambda: GOOD)
    monkeypatch.setattr(packages, "set_up", _must_not_happen)
    monkeypatch.setattr(packages, "LIBRARY", SOURCE)  # whether or not the kernels could be built here
    run.make_ready()


def test_a_set_up_that_ended_meanwhile_is_not_repeated(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    answers = iter([{}, GOOD])
    monkeypatch.setattr(stamp, "read", lambda: next(answers))
    monkeypatch.setattr("setting_up.steps.GUARD", tmp_path / "guard")
    monkeypatch.setattr(packages, "set_up", _must_not_happen)
    monkeypatch.setattr(packages, "LIBRARY", SOURCE)  # whether or not the kernels could be built here
    run.make_ready()
    assert next(answers, "both were asked") == "both were asked"


@pytest.mark.parametrize(("given", "expected"), [
    (["demo", "-o", "我的 报告"], ["-P", "-m", "radnb", "demo", "-o", "我的 报告"]),
    (["test", "-k", "layers"], ["-m", "pytest", "-k", "layers"]),
    ([], ["-P", "-m", "radnb"]),
])
def test_the_rest_of_the_line_goes_on_unchanged(monkeypatch: pytest.MonkeyPatch, given: list[str],
                                                expected: list[str]) -> None:
    seen: list[Any] = []
    monkeypatch.setattr(os, "execve", lambda *call: seen.extend(call), raising=False)
    monkeypatch.setattr(os, "name", "posix")
    monkeypatch.setattr(os, "chdir", lambda folder: None)
    monkeypatch.setattr(subprocess, "run", lambda *a, **k: subprocess.CompletedProcess(a, 0))
    monkeypatch.setenv("PYTHONPATH", "elsewhere")
    run.start(given)
    program, command, environment = seen
    assert [program, *expected] == command
    assert "PYTHONPATH" not in environment
    assert environment["PATH"].startswith(str(places.BIN))


@pytest.mark.parametrize(("fault", "sentence"), [
    (Stopped("Fetching 3 packages", "noise\nerror: No space left on device"), "The disk is full"),
    (PermissionError("/x cannot be written to"), "The set-up stopped: /x cannot be written to."),
    (KeyboardInterrupt(), "Stopped; the same command starts again."),
])
def test_a_fault_ends_in_one_sentence_and_code_1(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str],
                                                 fault: BaseException, sentence: str) -> None:
    def fail() -> NoReturn:
        raise fault

    monkeypatch.setattr(run, "make_ready", fail)
    assert run.main(["demo"]) == 1
    last = capsys.readouterr().err.splitlines()[-1]
    assert last.startswith(f"radnb: {sentence}")


def _must_not_happen() -> NoReturn:
    raise AssertionError("a set-up was started")
