"""Where things lie, and the environment variables that every process gets."""

from __future__ import annotations

import os
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
VENV = ROOT / ".venv"
BIN = VENV / ("Scripts" if os.name == "nt" else "bin")
PYTHON = BIN / ("python.exe" if os.name == "nt" else "python")
BASE = getattr(sys, "_base_executable", sys.executable)  # not the Python of an environment that happens to be active
STAMP = VENV / "radnb-stamp"
KERNELS = ROOT / "radnb" / "features" / "engine" / "kernels"
LIBRARY = KERNELS.with_name("_kernels" + (".dll" if os.name == "nt" else ".so"))
GUARD = ROOT / ".venv-guard"  # outside .venv, which every set-up empties
# Settings for other projects, which would lead packages elsewhere or keep Python from storing its bytecode.
ASTRAY = ("PYTHONPATH", "PYTHONHOME", "PYTHONDONTWRITEBYTECODE", "VIRTUAL_ENV", "PIP_TARGET", "PIP_PREFIX",
          "PIP_NO_BINARY", "UV_TARGET", "UV_PREFIX", "UV_PYTHON", "UV_NO_BINARY", "UV_EXCLUDE_NEWER")


def environment() -> dict[str, str]:
    """Return this process's variables with .venv first on PATH, and without those that lead astray."""
    kept = {name: value for name, value in os.environ.items() if name not in ASTRAY}
    return kept | {"PATH": os.pathsep.join(filter(None, [str(BIN), kept.get("PATH")]))}
