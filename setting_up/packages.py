"""The set-up in the order in which it happens: an empty .venv, uv, a compiler, the locked packages, radnb itself.

Two things are compiled: PyRadiomics (C, Python's headers) and radnb's own kernels (C alone). Either may fail without
the other; what is left does the extraction.
"""

from __future__ import annotations

import functools
import importlib.util
import os
import re
import shutil
import subprocess
import sys
import time
from collections.abc import Callable, Container
from pathlib import Path
from typing import Any

from setting_up import stamp
from setting_up.compilers import compiler, hindrance, tools
from setting_up.faults import NEEDED_GB, NO_VISUAL_C, Stopped
from setting_up.mirrors import installer_environment
from setting_up.places import BASE, BIN, LIBRARY, PYTHON, ROOT, VENV, environment
from setting_up.steps import say, step

Command = list[object]
Variables = dict[str, str]
RUBBISH = VENV / "rubbish"
HASHED = ["--require-hashes", "--only-binary=:all:"]
LOADS = "import sys; from radnb.features.engine import native; sys.exit(not native.available())"
NOT_BUILT = "the C compiler could not build it; `.venv/bin/python setup.py build_ext --inplace` shows its words"


def work_to_do(found: dict[str, Any]) -> Callable[[], None] | None:
    """Return what an earlier set-up's stamp leaves to do, or None."""
    if not found:
        return set_up
    without_extraction, without_kernels = found["without_extraction"], found["without_kernels"]
    if (without_extraction or without_kernels) and found["tools"] != tools():
        return add_extraction
    if found["itself"] != stamp.itself() or not (without_kernels or LIBRARY.exists()):
        return functools.partial(renew_radnb, without_extraction)
    return None


def set_up() -> None:
    """Make .venv afresh; only the stamp makes it count."""
    started = time.monotonic()
    check_space()
    say("Setting up in .venv: a few minutes and 390 MB of downloads, only this once.")
    make_venv()
    variables = installer_environment(pip())
    fetch_installer(variables)
    missing = install_all(variables)
    step("Preparing the fonts for figures", [PYTHON, "-c", "import matplotlib.font_manager"], variables)
    finish(*missing, f"Ready after {time.monotonic() - started:.0f} s.")


def add_extraction() -> None:
    """Try again in a finished .venv to build what could not be built, because the compiler is another one than then."""
    finish(*install_all(installer_environment(pip())), "Image extraction was added.")


def renew_radnb(without_extraction: str) -> None:
    """Add radnb itself again to a finished .venv, because the C kernels or the description of the package changed."""
    variables = installer_environment(pip())
    build, lack = bring_compiler(variables)
    without_kernels = add_radnb(variables | build, lack)
    remove_zig(variables)
    finish(without_extraction, without_kernels, "radnb is up to date again.")


def install_all(variables: Variables) -> tuple[str, str]:
    """Install all packages and radnb; return why PyRadiomics, and why the kernels, are missing (empty: not so)."""
    build, lack = bring_compiler(variables)
    missing = add_packages(variables, build, hindrance() or lack), add_radnb(variables | build, lack)
    remove_zig(variables)
    return missing


def add_radnb(variables: Variables, lack: str) -> str:
    """Add radnb itself, which compiles its kernels, and return why these do not work (empty: they do)."""
    again = ["--reinstall"] if with_uv() else []  # uv would not see that only a C file changed
    step("Adding radnb itself", install(*again, "-e", ".", offline=True), variables)
    works = subprocess.run([str(PYTHON), "-P", "-c", LOADS], check=False, env=variables, capture_output=True)
    return (lack or NOT_BUILT) if works.returncode else ""


def finish(without_extraction: str, without_kernels: str, ready: str) -> None:
    """Leave the stamp, and say how the set-up ended."""
    stamp.write(without_extraction, without_kernels)
    if without_extraction and without_kernels:
        say(f"Set-up finished without image extraction: {without_extraction}, then repeat the command. Until then, all "
            "that starts from a finished feature table works.")
    elif without_extraction:
        say(f"Set-up finished without PyRadiomics: {without_extraction}, then repeat the command. Until then radnb's "
            "own engine extracts, without a comparison with PyRadiomics.")
    elif without_kernels:
        say(f"Set-up finished without radnb's fast engine: {without_kernels}. PyRadiomics extracts instead, "
            "more slowly.")
    else:
        say(ready)


def check_space() -> None:
    """Refuse to begin what the disk cannot hold; an old .venv makes room for the new one."""
    free = shutil.disk_usage(ROOT).free / 1e9
    if free < NEEDED_GB and not VENV.exists():
        raise OSError(f"{free:.1f} GB are free on this disk, and about {NEEDED_GB} GB are needed; make room, or copy "
                      "the project to another disk")


def own_pip() -> bool:
    """Tell whether this Python can put pip into .venv; Debian leaves that to its package python3-venv."""
    return bool(getattr(importlib.util.find_spec("ensurepip"), "origin", None))  # a left-over folder has no origin


def pip() -> Command:
    """Return the pip that fills .venv: the one in it, or else this Python's."""
    return [PYTHON, "-m", "pip"] if own_pip() else [BASE, "-m", "pip", "--python", PYTHON]


def make_venv() -> None:
    """Make an empty .venv."""
    if not own_pip() and not importlib.util.find_spec("pip"):
        raise OSError("this Python cannot make an environment; install python3-venv (Debian, Ubuntu), then repeat")
    without_pip = [] if own_pip() else ["--without-pip"]
    step("Making .venv", [BASE, "-m", "venv", "--clear", *without_pip, VENV], environment())


def fetch_installer(variables: Variables) -> None:
    """Fetch uv, which installs five times faster than pip where it exists, and what the builds need."""
    uv = part_of("requirements-build.lock", keep={"uv"})
    try:
        step("Fetching the installer (20 MB)", by_pip(uv), variables)
    except Stopped as stop:
        if not stop.is_for_lack():
            raise
        say("There is no uv for this machine: pip does it, only slower.")
    rest = part_of("requirements-build.lock", drop={"uv"})
    step("Fetching the builder (20 MB)", install(*HASHED, "-r", rest), variables)


def by_pip(lock: Path) -> Command:
    """Return the command that installs a lock file before there is a uv, or in spite of it: hashed wheels only."""
    return [*pip(), "install", "--no-compile", "--no-deps", *HASHED, "-r", lock]


def with_uv() -> bool:
    """Tell whether uv is in .venv."""
    return (BIN / ("uv.exe" if os.name == "nt" else "uv")).exists()


def install(*what: object, offline: bool = False) -> Command:
    """Return the command that installs exactly this: no dependencies, and no build that fetches what it needs."""
    if with_uv():
        start = [PYTHON, "-m", "uv", "pip", "install", "--python", PYTHON, *(["--offline"] if offline else [])]
    else:
        start = [*pip(), "install", *(["--no-index"] if offline else [])]
    return [*start, "--no-deps", "--no-build-isolation", *what]


def uninstall(*names: str) -> Command:
    """Return the command that removes packages, whether they are there or not."""
    uv: Command = [PYTHON, "-m", "uv", "pip", "uninstall", "--python", PYTHON]
    return [*(uv if with_uv() else [*pip(), "uninstall", "--yes"]), *names]


def add_packages(variables: Variables, build: Variables, without: str) -> str:
    """Install the lock; where pyradiomics cannot be built (or is known beforehand not to be), the rest; return why."""
    unneeded = set() if with_uv() else {"uv"}
    if not without:
        step("Preparing the build", install("./build_shim", offline=True), variables)  # by its path, never its name
        try:
            fetch_packages(part_of("requirements.lock", drop=unneeded), variables | build)
        except Stopped as stop:
            without = stop.hindrance()
            if not without:
                raise
            say("pyradiomics cannot be built here.", details=stop.tail())
        step("Removing what only the build needed", uninstall("radnb-build-shim"), variables)
    if without:
        fetch_packages(part_of("requirements.lock", drop=unneeded | {"pyradiomics"}), variables)
    return without


def fetch_packages(lock: Path, variables: Variables) -> None:
    """Install every package of a lock file."""
    count = len(entries(lock))
    step(f"Fetching {count} packages (350 MB)", install("--require-hashes", "-r", lock), variables)


def bring_compiler(variables: Variables) -> tuple[Variables, str]:
    """Return how to call a C compiler, zig where there is no other, and why there is none (empty: there is one)."""
    found = compiler()
    if os.name == "nt":
        return {}, "" if found else NO_VISUAL_C
    if found:
        return {"CC": found}, ""
    try:
        step("No C compiler here: fetching zig (100 MB)", by_pip(ROOT / "requirements-zig.lock"), variables)
    except Stopped as stop:
        if not stop.hindrance():
            raise
        return {}, stop.hindrance()
    zig = "python -m ziglang cc"  # not its path, which may hold spaces; .venv comes first on PATH
    return {"CC": zig, "LDSHARED": f"{zig} -shared" + " -undefined dynamic_lookup" * (sys.platform == "darwin"),
            "ZIG_GLOBAL_CACHE_DIR": str(RUBBISH), "ZIG_LOCAL_CACHE_DIR": str(RUBBISH)}, ""


def remove_zig(variables: Variables) -> None:
    """Remove zig's 20,000 files, behind the user's back: on a slow disk that takes a minute."""
    fetched = sorted(VENV.glob("lib/**/site-packages/ziglang*"))
    if fetched:
        RUBBISH.mkdir(exist_ok=True)
        for folder in fetched:
            folder.rename(RUBBISH / folder.name)
        delete = "import shutil, sys; shutil.rmtree(sys.argv[1], ignore_errors=True)"
        os.spawnve(os.P_NOWAIT, PYTHON, [str(PYTHON), "-c", delete, str(RUBBISH)], variables)


def entries(lock: Path) -> list[str]:
    """Return a lock file's entries, each with its hashes."""
    return re.findall(r"^\w.*\n(?:    .*\n)+", lock.read_text(encoding="utf-8"), re.MULTILINE)


def part_of(name: str, *, keep: Container[str] | None = None, drop: Container[str] = ()) -> Path:
    """Return a lock file, or a copy of it with only some of its packages."""
    chosen = [entry for entry in entries(ROOT / name)
              if (package := entry.partition("==")[0]) not in drop and (keep is None or package in keep)]
    part = VENV / name
    part.write_text("".join(chosen), encoding="utf-8")
    return part
