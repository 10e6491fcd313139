"""JupyterLab on the workbook: loopback only, with a token, without news or update checks."""

from __future__ import annotations

import os
import subprocess
import sys

from radnb.study import workspace


def start(*, port: int, browser: bool) -> int:
    """Start JupyterLab in the workbook folder and wait until it ends; return its exit code."""
    root = workspace().root
    command = [sys.executable, "-m", "jupyterlab", f"--ServerApp.root_dir={root}", f"--port={port}",
               "--ServerApp.ip=127.0.0.1", "--ServerApp.allow_remote_access=False",
               "--LabApp.news_url=None", "--LabApp.check_for_updates_class=jupyterlab.NeverCheckForUpdate",
               "--LabApp.default_url=/lab/tree/notebooks", "--MultiKernelManager.default_kernel_name=python3",
               *([] if browser else ["--no-browser"])]
    environment = os.environ | {"RADNB_HOME": str(root), "JUPYTERLAB_SETTINGS_DIR": str(root / ".radnb" / "lab")}
    try:
        return subprocess.run(command, cwd=root, env=environment, check=False).returncode
    except KeyboardInterrupt:
        return 0
