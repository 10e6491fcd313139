"""The stamp counts only for the very set-up that wrote it."""

from __future__ import annotations

import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from setting_up import packages, stamp


@pytest.fixture
def project(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Path:
    """Make a small project with a finished set-up of two packages."""
    site = tmp_path / ".venv" / "lib" / "python3.11" / "site-packages"
    for name in ("one-1.0.dist-info", "two-2.0.dist-info"):
        (site / name).mkdir(parents=True)
    (tmp_path / "requirements.lock").write_text("one==1.0\n", encoding="utf-8")
    (tmp_path / "build_shim").mkdir()
    (tmp_path / "build_shim" / "backend.py").write_text("", encoding="utf-8")
    kernels = tmp_path / "kernels"
    kernels.mkdir()
    python, library = tmp_path / ".venv" / "python", tmp_path / "_kernels.so"
    for path in (python, library, tmp_path / "setup.py", tmp_path / "pyproject.toml", kernels / "one.c"):
        path.write_text("", encoding="utf-8")
    for name, value in {"ROOT": tmp_path, "VENV": tmp_path / ".venv", "PYTHON": python, "KERNELS": kernels,
                        "STAMP": tmp_path / ".venv" / "radnb-stamp"}.items():
        monkeypatch.setattr(stamp, name, value)
    monkeypatch.setattr(packages, "LIBRARY", library)
    stamp.write("", "")
    return tmp_path


def test_a_finished_set_up_counts(project: Path) -> None:
    found = stamp.read()
    assert found["packages"] == 2
    assert packages.work_to_do(found) is None


DAMAGES: dict[str, Callable[[Path], object]] = {
    "a changed lock": lambda project: (project / "requirements.lock").write_text("one==1.1\n", encoding="utf-8"),
    "a changed shim": lambda project: (project / "build_shim" / "backend.py").write_text("#", encoding="utf-8"),
    "a deleted python": lambda project: (project / ".venv" / "python").unlink(),
    "a deleted package": lambda project: next(project.glob(".venv/**/two-*")).rmdir(),
    "no stamp": lambda project: (project / ".venv" / "radnb-stamp").unlink(),
    "half a stamp": lambda project: (project / ".venv" / "radnb-stamp").write_text('{"identity": ', encoding="utf-8"),
    "another stamp": lambda project: (project / ".venv" / "radnb-stamp").write_text("[]", encoding="utf-8"),
}


@pytest.mark.parametrize("damage", DAMAGES)
def test_nothing_counts_after(project: Path, damage: str) -> None:
    DAMAGES[damage](project)
    assert stamp.read() == {}
    assert packages.work_to_do(stamp.read()) is packages.set_up


REBUILDS: dict[str, Callable[[Path], object]] = {
    "a changed kernel": lambda project: (project / "kernels" / "one.c").write_text("int x;", encoding="utf-8"),
    "a new kernel": lambda project: (project / "kernels" / "two.c").write_text("", encoding="utf-8"),
    "a kernel that is gone": lambda project: (project / "kernels" / "one.c").unlink(),
    "a changed setup.py": lambda project: (project / "setup.py").write_text("#", encoding="utf-8"),
    "a deleted library": lambda project: (project / "_kernels.so").unlink(),
}


@pytest.mark.parametrize("change", REBUILDS)
def test_only_radnb_itself_is_added_again_after(project: Path, change: str, monkeypatch: pytest.MonkeyPatch) -> None:
    stamp.write("no headers", "")
    REBUILDS[change](project)
    done: list[str] = []
    monkeypatch.setattr(packages, "renew_radnb", done.append)
    work = packages.work_to_do(stamp.read())
    assert work is not None
    work()
    assert done == ["no headers"]


def test_another_python_or_folder_does_not_count(project: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    identity = stamp.identity()
    monkeypatch.setattr(sys, "version", "3.13.0 (another)")
    assert stamp.read() == {}
    monkeypatch.undo()  # of the folder too
    assert stamp.identity() != identity


def test_packages_that_the_user_added_do_no_harm(project: Path) -> None:
    (next(project.glob(".venv/**/two-*")).parent / "three-3.0.dist-info").mkdir()
    assert stamp.read()["packages"] == 2


@pytest.mark.parametrize("missing", [("no C compiler was found", ""), ("", "no C compiler was found")])
def test_a_set_up_without_extraction_is_completed_once_a_compiler_has_come(
        project: Path, monkeypatch: pytest.MonkeyPatch, missing: tuple[str, str]) -> None:
    monkeypatch.setattr(stamp, "tools", lambda: ["", True])
    monkeypatch.setattr(packages, "tools", lambda: ["", True])
    stamp.write(*missing)
    if missing[1]:
        packages.LIBRARY.unlink()
    assert packages.work_to_do(stamp.read()) is None
    monkeypatch.setattr(packages, "tools", lambda: ["/usr/bin/gcc", True])
    assert packages.work_to_do(stamp.read()) is packages.add_extraction
