"""What the builds find on this machine: a C compiler, and Python's header files, which only pyradiomics needs."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import sysconfig
from pathlib import Path

from setting_up.faults import NO_HEADERS


def compiler() -> str:
    """Return the C compiler to build with, or nothing."""
    if os.name == "nt":
        return shutil.which("cl") or max(_visual_c(), default="")
    if sys.platform == "darwin" and subprocess.run(["xcode-select", "-p"], check=False, capture_output=True).returncode:
        return ""  # /usr/bin/cc is there all the same, but would only open a window
    first = os.environ.get("CC") or sysconfig.get_config_var("CC") or "cc"
    return next((name for name in (first, "cc", "gcc", "clang") if shutil.which(name.split()[0])), "")


def _visual_c() -> list[str]:
    homes = {os.environ.get(name, "C:/") for name in ("ProgramFiles", "ProgramFiles(x86)")}
    return [str(path) for home in homes for path in Path(home).glob("Microsoft Visual Studio/*/*/VC/Tools/MSVC/*")]


def headers() -> bool:
    """Tell whether Python's header files are here."""
    return (Path(sysconfig.get_path("include")) / "Python.h").is_file()


def tools() -> list[str | bool]:
    """Return what decides what can be built; once it changes, another attempt is worth its time."""
    return [compiler(), headers()]


def hindrance() -> str:
    """Say what is known beforehand to keep pyradiomics from being built, wherever a compiler comes from, or nothing."""
    return "" if headers() else NO_HEADERS
