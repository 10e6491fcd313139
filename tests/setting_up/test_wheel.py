"""A wheel brings the compiled kernels, a source archive what they are built from, and neither another machine's."""

from __future__ import annotations

import shutil
import subprocess
import sys
import tarfile
import zipfile
from pathlib import Path

import pytest

from setting_up.compilers import compiler
from setting_up.places import ROOT

KERNELS = "radnb/features/engine/kernels"
LIBRARIES = ("_kernels.so", "_kernels.dll")


@pytest.fixture
def project(tmp_path: Path) -> Path:
    """Copy what the build reads: the kernels, and a library that must not be taken along."""
    for name in ("setup.py", "pyproject.toml", "README.md", "LICENSE"):
        shutil.copy(ROOT / name, tmp_path)
    shutil.copytree(ROOT / KERNELS, tmp_path / KERNELS)
    for folder in ("radnb", "radnb/features", "radnb/features/engine"):
        (tmp_path / folder / "__init__.py").write_text("", encoding="utf-8")
    for name in LIBRARIES:
        (tmp_path / "radnb" / "features" / "engine" / name).write_text("of another machine", encoding="utf-8")
    return tmp_path


def built(project: Path, what: str) -> Path:
    code = f"from setuptools import build_meta; build_meta.build_{what}('dist')"
    subprocess.run([sys.executable, "-c", code], cwd=project, check=True, capture_output=True)
    (path,) = (project / "dist").iterdir()
    return path


@pytest.mark.skipif(not compiler(), reason="there is no C compiler here")
def test_a_wheel_holds_the_compiled_kernels_and_their_sources(project: Path) -> None:
    with zipfile.ZipFile(built(project, "wheel")) as wheel:
        (library,) = [name for name in wheel.namelist() if name.endswith(LIBRARIES)]
        assert b"radnb_digest" in wheel.read(library)
        sources = {Path(name).name for name in wheel.namelist() if name.startswith(KERNELS)}
    assert sources == {path.name for path in (ROOT / KERNELS).iterdir()}


def test_a_source_archive_holds_the_sources_only(project: Path) -> None:
    with tarfile.open(built(project, "sdist")) as archive:
        names = archive.getnames()
    assert not [name for name in names if name.endswith(LIBRARIES)]
    assert {Path(name).name for name in names} >= {path.name for path in (ROOT / KERNELS).iterdir()} | {"setup.py"}
