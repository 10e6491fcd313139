"""The locks say exactly what pyproject.toml asks for, name no address, and the shim does what it is there for."""

from __future__ import annotations

import base64
import csv
import hashlib
import re
import subprocess
import sys
import tomllib
import zipfile
from importlib.util import module_from_spec, spec_from_file_location
from pathlib import Path

import pytest
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

ROOT = Path(__file__).parents[1]
PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))
GROUPS = PROJECT["dependency-groups"]
LOCKS = sorted(ROOT.glob("requirements*.lock"))
ASKED = {"requirements.lock": PROJECT["project"]["dependencies"] + GROUPS["dev"] + GROUPS["build"],
         "requirements-build.lock": GROUPS["build"] + ["numpy", "packaging"], "requirements-zig.lock": GROUPS["zig"]}
MACHINES = [("linux", "x86_64"), ("linux", "aarch64"), ("darwin", "arm64"), ("win32", "AMD64")]


def entries(lock: Path) -> list[Requirement]:
    text = lock.read_text(encoding="utf-8")
    return [Requirement(line) for line in re.findall(r"^\w[^\\\n]*", text, re.MULTILINE)]


def blocks_of(lock: Path) -> list[str]:
    return re.findall(r"^\w[^\n]*\n(?:    [^\n]*\n)+", lock.read_text(encoding="utf-8"), re.MULTILINE)


@pytest.mark.parametrize("name", ASKED)
def test_every_requirement_is_met_by_its_lock(name: str) -> None:
    versions = {canonicalize_name(pin.name): str(pin.specifier).removeprefix("==") for pin in entries(ROOT / name)}
    wanted = [Requirement(text) for text in ASKED[name]]
    unmet = [str(want) for want in wanted if versions.get(canonicalize_name(want.name), "0") not in want.specifier]
    assert not unmet, "Run `python lock.py` and commit the locks."


@pytest.mark.parametrize("lock", LOCKS, ids=lambda lock: lock.name)
def test_a_lock_pins_and_hashes_everything_and_names_no_address(lock: Path) -> None:
    blocks = blocks_of(lock)
    assert "".join(blocks) == lock.read_text(encoding="utf-8")  # no option, comment or address
    pinned_and_hashed = re.compile(r"[\w.-]+==[\w.!+-]+(?: ; [^\\\n]+)?(?: \\\n    --hash=sha256:[0-9a-f]{64})+\n")
    assert [block for block in blocks if not pinned_and_hashed.fullmatch(block)] == []


def test_the_build_installs_the_versions_that_the_lock_names() -> None:
    whole = (ROOT / "requirements.lock").read_text(encoding="utf-8")
    assert all(block in whole for block in blocks_of(ROOT / "requirements-build.lock"))


def test_one_version_of_everything_serves_every_python() -> None:
    names = [entry.name for entry in entries(ROOT / "requirements.lock")]
    assert len(names) == len(set(names))
    assert PROJECT["tool"]["uv"]["fork-strategy"] == "fewest"


@pytest.mark.parametrize("version", ["3.11.7", "3.12.1", "3.13.0"])
@pytest.mark.parametrize(("platform", "machine"), MACHINES)
def test_what_radnb_needs_is_installed_on_every_machine(version: str, platform: str, machine: str) -> None:
    here = {"python_full_version": version, "python_version": version[:4], "sys_platform": platform,
            "platform_machine": machine, "platform_python_implementation": "CPython",
            "os_name": "nt" if platform == "win32" else "posix", "implementation_name": "cpython"}
    installed = {canonicalize_name(entry.name) for entry in entries(ROOT / "requirements.lock")
                 if entry.marker is None or entry.marker.evaluate(here)}
    assert {canonicalize_name(Requirement(text).name) for text in PROJECT["project"]["dependencies"]} <= installed


def test_the_shim_comes_from_its_folder_and_never_from_an_index() -> None:
    assert PROJECT["tool"]["uv"]["sources"]["radnb-build-shim"] == {"path": "build_shim"}
    assert (ROOT / "build_shim" / "pyproject.toml").is_file()
    for name in ASKED:
        assert "build-shim" not in (ROOT / name).read_text(encoding="utf-8")


@pytest.fixture(scope="module")
def shim(tmp_path_factory: pytest.TempPathFactory) -> zipfile.ZipFile:
    """Build the shim's wheel."""
    spec = spec_from_file_location("backend", ROOT / "build_shim" / "backend.py")
    assert spec is not None
    assert spec.loader is not None
    backend = module_from_spec(spec)
    spec.loader.exec_module(backend)
    folder = tmp_path_factory.mktemp("wheel")
    return zipfile.ZipFile(folder / backend.build_wheel(str(folder)))


def test_the_shim_is_a_well_formed_wheel(shim: zipfile.ZipFile) -> None:
    (record,) = [name for name in shim.namelist() if name.endswith("RECORD")]
    rows = {path: (digest, size) for path, digest, size in csv.reader(shim.read(record).decode().splitlines())}
    assert set(rows) == set(shim.namelist())
    for name in set(rows) - {record}:
        digest = base64.urlsafe_b64encode(hashlib.sha256(shim.read(name)).digest()).rstrip(b"=").decode()
        assert rows[name] == (f"sha256={digest}", str(len(shim.read(name))))


def test_the_shim_gives_configparser_its_lost_names_back(shim: zipfile.ZipFile) -> None:
    (pth,) = [name for name in shim.namelist() if name.endswith(".pth")]
    line = shim.read(pth).decode().strip()
    assert "\n" not in line  # Python runs only single lines of a .pth file that begin with "import "
    assert line.startswith("import ")
    lose = ("import configparser as c\nfor owner, name in ((c, 'SafeConfigParser'), (c.RawConfigParser, 'readfp')):\n"
            "    hasattr(owner, name) and delattr(owner, name)\n")
    use = "import io\np = c.SafeConfigParser()\np.readfp(io.StringIO('[a]\\nb=1'))\nprint(p.get('a', 'b'))\n"
    done = subprocess.run([sys.executable, "-c", f"{lose}{line}\n{use}"], check=True, capture_output=True, text=True)
    assert done.stdout.strip() == "1"
