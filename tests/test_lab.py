"""JupyterLab on the workbook: this machine only, nothing without the token, no news."""

from __future__ import annotations

import json
import socket
import subprocess
import sys
import time
import urllib.error
import urllib.request
from pathlib import Path

import pytest

from radnb.lab import QUIET, quieten

STARTED_WITHIN = 60


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def test_the_news_pop_up_is_off_and_other_defaults_stay(tmp_path: Path) -> None:
    path = tmp_path / "overrides.json"
    path.write_text('{"@jupyterlab/apputils-extension:themes": {"theme": "JupyterLab Dark"}}', encoding="utf-8")
    quieten(path)
    quieten(path)
    kept = json.loads(path.read_text(encoding="utf-8"))
    assert kept == {"@jupyterlab/apputils-extension:themes": {"theme": "JupyterLab Dark"}} | QUIET


def test_lab_answers_on_loopback_and_refuses_who_has_no_token() -> None:
    port = _free_port()
    lab = subprocess.Popen([sys.executable, "-m", "radnb", "lab", "--no-browser", "--port", str(port)],
                           stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, encoding="utf-8")
    try:
        deadline = time.monotonic() + STARTED_WITHIN
        while True:
            try:
                with urllib.request.urlopen(f"http://127.0.0.1:{port}/api", timeout=5) as answer:
                    assert "version" in json.load(answer)
                break
            except urllib.error.URLError:
                assert lab.poll() is None and time.monotonic() < deadline, "JupyterLab did not start"
                time.sleep(0.3)
        with pytest.raises(urllib.error.HTTPError, match="403"):
            urllib.request.urlopen(f"http://127.0.0.1:{port}/api/contents", timeout=5)
    finally:
        lab.terminate()
        shown = lab.communicate(timeout=30)[0]
    assert f"http://127.0.0.1:{port}/lab/tree/notebooks?token=" in shown
