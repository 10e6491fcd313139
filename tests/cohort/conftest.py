"""A tiny cohort under a Chinese path with a space, written anew for each test."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from radnb.cohort.manifest import Manifest, load_manifest


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    place = tmp_path / "我的 队列"
    place.mkdir()
    return place


@pytest.fixture
def write(folder: Path) -> Callable[..., Manifest]:
    """Return a function that writes a manifest and its tables and loads it."""
    def written(manifest: str, **tables: str) -> Manifest:
        for name, text in tables.items():
            (folder / f"{name}.csv").write_text(text, encoding="utf-8")
        (folder / "manifest.yaml").write_text(manifest, encoding="utf-8")
        return load_manifest(folder / "manifest.yaml")
    return written


@pytest.fixture
def images(folder: Path) -> Callable[[str], str]:
    """Return a function that makes empty image files for an image table and gives the table back."""
    def made(table: str) -> str:
        for line in table.strip().splitlines()[1:]:
            for cell in line.split(","):
                if cell.endswith((".nii.gz", ".nrrd")) and "MISSING" not in cell:
                    (folder / cell).parent.mkdir(parents=True, exist_ok=True)
                    (folder / cell).touch()
        return table
    return made
