"""JupyterLab on the workbook: loopback only, with a token, without news or update checks."""

from __future__ import annotations

import contextlib
import json
import os
import subprocess
import sys
from pathlib import Path

from radnb.work.files import write_json
from radnb.work.workspace import workspace

QUIET = {"@jupyterlab/apputils-extension:notification": {"fetchNews": "false", "checkForUpdates": False}}


def start(*, port: int, browser: bool) -> int:
    """Start JupyterLab in the workbook folder and wait until it ends; return its exit code."""
    root = workspace().root
    quieten(Path(sys.prefix) / "share" / "jupyter" / "lab" / "settings" / "overrides.json")
    command = [sys.executable, "-m", "jupyterlab", f"--ServerApp.root_dir={root}", f"--port={port}",
               "--ServerApp.ip=127.0.0.1", "--ServerApp.allow_remote_access=False",
               "--LabApp.check_for_updates_class=jupyterlab.NeverCheckForUpdate",
               "--LabApp.default_url=/lab/tree/notebooks", *([] if browser else ["--no-browser"]),
               *(["--allow-root"] if _is_root() else [])]
    environment = os.environ | {"RADNB_HOME": str(root)}
    if os.name != "nt":  # take this process's place, so that whoever stops it stops JupyterLab
        os.chdir(root)
        os.execve(sys.executable, command, environment)
    with contextlib.suppress(KeyboardInterrupt):
        return subprocess.run(command, cwd=root, env=environment, check=False).returncode
    return 0


def quieten(path: Path) -> None:
    """Set this environment's defaults so that no news pop-up asks; a person's own settings stay above them."""
    present = json.loads(path.read_text(encoding="utf-8")) if path.is_file() else {}
    if present | QUIET != present:
        write_json(path, present | QUIET)


def _is_root() -> bool:
    """Say whether this is the root of a container, where Jupyter would refuse to start."""
    return hasattr(os, "geteuid") and os.geteuid() == 0
