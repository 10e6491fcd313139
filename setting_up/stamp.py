"""The stamp in .venv: written last, so that an interrupted set-up starts afresh; read first, to keep a good one."""

from __future__ import annotations

import hashlib
import json
import sys
import sysconfig
from pathlib import Path
from typing import Any

from setting_up.compilers import tools
from setting_up.places import KERNELS, PYTHON, ROOT, STAMP, VENV


def identity() -> str:
    """Name a set-up: what it installs, for which Python, in which folder (an environment cannot be moved)."""
    inputs = [*sorted(ROOT.glob("requirements*.lock")), *sorted(ROOT.glob("build_shim/*.*"))]
    return _digest(inputs, f"{sys.version}{sysconfig.get_platform()}{ROOT}")


def itself() -> str:
    """Name what radnb itself is built from; its Python code needs no building."""
    return _digest([ROOT / "setup.py", ROOT / "pyproject.toml", *sorted(KERNELS.glob("*.[ch]"))], "")


def _digest(files: list[Path], more: str) -> str:
    parts = [part for path in files for part in (path.name.encode(), path.read_bytes())]
    return hashlib.sha256(b"\0".join([*parts, more.encode()])).hexdigest()


def installed() -> int:
    """Count the packages in .venv."""
    return sum(1 for _ in VENV.glob("[Ll]ib/**/site-packages/*.dist-info"))


def read() -> dict[str, Any]:
    """Return what the last set-up left, or nothing if it was for something else, or was damaged since."""
    try:
        stamp: dict[str, Any] = json.loads(STAMP.read_text(encoding="utf-8"))
        whole = (PYTHON.exists() and stamp["identity"] == identity() and installed() >= stamp["packages"]
                 and {"itself", "tools", "without_extraction", "without_kernels"} <= stamp.keys())
    except (OSError, ValueError, TypeError, KeyError):
        return {}
    return stamp if whole else {}


def write(without_extraction: str, without_kernels: str) -> None:
    """Record a finished set-up, and why it had to do without PyRadiomics or the kernels (empty: it did not)."""
    content = {"identity": identity(), "itself": itself(), "packages": installed(), "tools": tools(),
               "without_extraction": without_extraction, "without_kernels": without_kernels}
    STAMP.write_text(json.dumps(content, indent=1, ensure_ascii=False), encoding="utf-8")
