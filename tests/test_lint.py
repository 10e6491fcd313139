"""The code is clean for the linter and the type checker."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[1]


@pytest.mark.parametrize("tool", [("ruff", "check", "."), ("mypy",)], ids=lambda tool: tool[0])
def test_the_code_is_clean(tool: tuple[str, ...]) -> None:
    done = subprocess.run([sys.executable, "-m", *tool], cwd=ROOT, capture_output=True, text=True, encoding="utf-8",
                          check=False)
    assert done.returncode == 0, done.stdout[-3000:] + done.stderr[-1000:]
