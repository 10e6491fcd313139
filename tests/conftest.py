"""A small synthetic cohort at feature level, made once, and a workbook cache that is the test's own."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from radnb.cohort.synth import SYNTH

ROOT = Path(__file__).resolve().parents[1]


@pytest.fixture(scope="session", autouse=True)
def _own_cache(tmp_path_factory: pytest.TempPathFactory) -> Iterator[None]:
    """Hold before any other fixture runs, so that no result of an earlier session or of the demo is read back."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("RADNB_CACHE", str(tmp_path_factory.getbasetemp() / "cache"))
        patch.setenv("RADNB_HOME", str(ROOT))
        patch.setenv("RADNB_PROGRESS", "0")
        yield


@pytest.fixture(scope="session")
def feature_cohort(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return the manifest of a feature-level cohort of 120 patients."""
    folder = tmp_path_factory.mktemp("队列 one") / "cohort"
    SYNTH["pancreas"](folder, seed=3, n=120, images=False)
    return folder / "manifest.yaml"
