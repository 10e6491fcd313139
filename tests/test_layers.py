"""The road has one direction: no floor imports a later one."""

from __future__ import annotations

from pathlib import Path

import pytest
from importlinter.cli import lint_imports

PROJECT = Path(__file__).parents[1] / "pyproject.toml"


def test_every_floor_imports_only_floors_before_it(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(PROJECT.parent)
    monkeypatch.setattr("logging.config.dictConfig", lambda config: None)  # it would silence all loggers there are
    assert lint_imports(config_filename=str(PROJECT), no_cache=True) == 0
