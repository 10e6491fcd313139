"""The road has one direction, and whoever walks a part of it carries no more than that part needs."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest
from importlinter.cli import lint_imports

PROJECT = Path(__file__).parents[1] / "pyproject.toml"
HEAVY = ("pandas", "sklearn", "xgboost", "lightgbm", "sksurv", "imblearn", "scipy.stats", "scipy.spatial")


def test_every_floor_imports_only_floors_before_it(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(PROJECT.parent)
    monkeypatch.setattr("logging.config.dictConfig", lambda config: None)  # it would silence all loggers there are
    assert lint_imports(config_filename=str(PROJECT), no_cache=True) == 0


def test_a_worker_that_fits_models_loads_no_library_that_few_models_need() -> None:
    code = f"import sys, radnb.learning.controls\nprint(*[name for name in {HEAVY} if name in sys.modules])"
    done = subprocess.run([sys.executable, "-c", code], cwd=PROJECT.parent, capture_output=True, text=True, check=True)
    assert done.stdout.split() == []
