"""The order of the set-up, with the installers replaced by a list of what they were asked."""

from __future__ import annotations

import os
import shutil
import sys
import time
from collections import namedtuple
from pathlib import Path

import pytest

from setting_up import compilers, packages
from setting_up.faults import NO_HEADERS, Stopped

BROKEN = Stopped("Fetching", "Failed to build `pyradiomics==3.0.1`\nerror: command 'gcc' failed")
Usage = namedtuple("Usage", "total used free")


class Steps(list[str]):
    """A record of steps; the ones in `faults` fail once."""

    def __init__(self) -> None:
        super().__init__()
        self.faults: dict[str, Stopped] = {}
        self.variables: dict[str, dict[str, str]] = {}

    def __call__(self, text: str, command: list[object], variables: dict[str, str]) -> None:
        self.append(text.partition(" (")[0])
        self.variables[self[-1]] = variables
        for words in [words for words in self.faults if words in text]:
            raise self.faults.pop(words)


@pytest.fixture
def steps(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Steps:
    """Replace installers, .venv and this machine's compiler."""
    recorded = Steps()
    monkeypatch.setattr(packages, "step", recorded)
    monkeypatch.setattr(packages, "VENV", tmp_path)
    monkeypatch.setattr(packages, "RUBBISH", tmp_path / "rubbish")
    monkeypatch.setattr(packages, "PYTHON", sys.executable)
    monkeypatch.setattr(packages, "with_uv", lambda: True)
    monkeypatch.setattr(packages, "LOADS", "")
    monkeypatch.setattr(packages, "hindrance", lambda: "")
    monkeypatch.setattr(packages, "compiler", lambda: "gcc")
    return recorded


def test_with_a_compiler_the_whole_lock_is_installed_and_the_kernels_are_built(steps: Steps) -> None:
    assert packages.install_all({}) == ("", "")
    whole = len(packages.entries(packages.ROOT / "requirements.lock"))
    assert steps == ["Preparing the build", f"Fetching {whole} packages", "Removing what only the build needed",
                     "Adding radnb itself"]
    assert steps.variables["Adding radnb itself"]["CC"] == "gcc"


def test_without_a_compiler_zig_builds_both(steps: Steps, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(packages, "compiler", lambda: "")
    removed_after: list[str] = []
    monkeypatch.setattr(packages, "remove_zig", lambda variables: removed_after.append(steps[-1]))
    packages.install_all({})
    assert steps[0] == "No C compiler here: fetching zig"
    assert steps.variables[steps[2]]["CC"] == steps.variables["Adding radnb itself"]["CC"] == "python -m ziglang cc"
    assert removed_after == ["Adding radnb itself"]


def test_zig_does_not_stay(steps: Steps, tmp_path: Path) -> None:
    zig = tmp_path / "lib" / "python3.11" / "site-packages" / "ziglang"
    (zig / "lib").mkdir(parents=True)
    packages.remove_zig(dict(os.environ))
    assert not zig.exists()
    until = time.monotonic() + 20
    while (tmp_path / "rubbish").exists() and time.monotonic() < until:
        time.sleep(0.05)
    assert not (tmp_path / "rubbish").exists()


def test_a_failed_build_costs_only_pyradiomics(steps: Steps) -> None:
    steps.faults["packages"] = BROKEN
    without, without_kernels = packages.install_all({})
    assert "could not build pyradiomics" in without
    assert without_kernels == ""
    whole = len(packages.entries(packages.ROOT / "requirements.lock"))
    fetched = [text for text in steps if text.endswith("packages")]
    assert fetched == [f"Fetching {whole} packages", f"Fetching {whole - 1} packages"]


def test_missing_headers_cost_only_pyradiomics_and_are_known_before_it_is_built(
        steps: Steps, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(packages, "hindrance", lambda: NO_HEADERS)
    monkeypatch.setattr(packages, "compiler", lambda: "")
    assert packages.install_all({}) == (NO_HEADERS, "")
    assert [text.partition(":")[0] for text in steps] == ["No C compiler here", steps[1], "Adding radnb itself"]


def test_kernels_that_do_not_load_after_the_build_are_said_in_one_sentence(
        steps: Steps, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    monkeypatch.setattr(packages, "LOADS", "raise SystemExit(1)")
    monkeypatch.setattr(packages.stamp, "write", lambda *missing: None)
    packages.finish(*packages.install_all({}), "Ready.")
    assert capsys.readouterr().err == ("radnb: Set-up finished without radnb's fast engine: "
                                       f"{packages.NOT_BUILT}. PyRadiomics extracts instead, more slowly.\n")


def test_no_zig_costs_the_extraction_but_not_the_set_up(steps: Steps, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(packages, "compiler", lambda: "")
    monkeypatch.setattr(packages, "LOADS", "raise SystemExit(1)")
    steps.faults["zig"] = Stopped("", "No matching distribution found for ziglang==0.17.0")
    assert all("nor can zig be fetched" in why for why in packages.install_all({}))


def test_changed_kernels_are_built_without_touching_the_packages(
        steps: Steps, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    written: list[tuple[str, str]] = []
    monkeypatch.setattr(packages.stamp, "write", lambda *missing: written.append(missing))
    monkeypatch.setattr(packages, "installer_environment", lambda pip: {})
    packages.renew_radnb(NO_HEADERS)
    assert steps == ["Adding radnb itself"]
    assert written == [(NO_HEADERS, "")]


def test_no_network_stops_everything(steps: Steps) -> None:
    steps.faults["packages"] = Stopped("", "dns error: failed to lookup address information")
    with pytest.raises(Stopped):
        packages.install_all({})


def test_where_there_is_no_uv_pip_does_it(steps: Steps, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(packages, "with_uv", lambda: False)
    steps.faults["installer"] = Stopped("", "ERROR: No matching distribution found for uv==0.13.8")
    packages.fetch_installer({})
    assert steps == ["Fetching the installer", "Fetching the builder"]
    command = packages.install("x", offline=True)
    assert command[-5:] == ["install", "--no-index", "--no-deps", "--no-build-isolation", "x"]


def test_no_network_is_not_taken_for_a_missing_uv(steps: Steps) -> None:
    steps.faults["installer"] = Stopped("", "NewConnectionError\nERROR: No matching distribution found for uv==0.13.8")
    with pytest.raises(Stopped):
        packages.fetch_installer({})


def test_a_full_disk_is_refused_before_anything_is_deleted(steps: Steps, monkeypatch: pytest.MonkeyPatch,
                                                           tmp_path: Path) -> None:
    monkeypatch.setattr(shutil, "disk_usage", lambda folder: Usage(9e9, 8e9, 1.2e9))
    monkeypatch.setattr(packages, "VENV", tmp_path / "absent")
    with pytest.raises(OSError, match=r"1\.2 GB are free .* about 3 GB are needed; make room"):
        packages.set_up()
    assert steps == []


def test_a_part_of_a_lock_keeps_its_hashes(steps: Steps) -> None:
    part = packages.part_of("requirements-build.lock", keep={"uv"})
    (entry,) = packages.entries(part)
    assert entry.startswith("uv==")
    assert entry.count("--hash=sha256:") > 5
    rest = packages.entries(packages.part_of("requirements-build.lock", drop={"uv"}))
    assert len(rest) == len(packages.entries(packages.ROOT / "requirements-build.lock")) - 1


def test_everything_installs_without_isolation_and_dependencies(steps: Steps) -> None:
    for command in (packages.install("-e", "."), packages.by_pip(Path("x.lock"))):
        assert "--no-deps" in command
    assert "--no-build-isolation" in packages.install("-e", ".")
    assert "--require-hashes" in packages.by_pip(Path("x.lock"))


def test_cc_names_the_compiler_if_it_is_there(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(shutil, "which", lambda name: name if name in {"clang", "my-cc"} else None)
    monkeypatch.setattr("sys.platform", "linux")
    monkeypatch.setattr("os.name", "posix")
    monkeypatch.setenv("CC", "my-cc -m64")
    assert compilers.compiler() == "my-cc -m64"
    monkeypatch.setenv("CC", "absent")
    assert compilers.compiler() == "clang"
    monkeypatch.setattr(shutil, "which", lambda name: None)
    assert compilers.compiler() == ""
