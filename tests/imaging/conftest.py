"""Small volumes on disk, under a path with Chinese and a space as users have them."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import SimpleITK as sitk

Write = Callable[..., Path]


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    found = tmp_path / "甲医院 影像"
    found.mkdir()
    return found


@pytest.fixture
def write(folder: Path) -> Write:
    """Write an array (z, y, x) as an image with a grid that is not the identity."""

    def one(voxels: np.ndarray, name: str = "image.nii.gz", *, origin: tuple[float, ...] = (-30.0, 12.5, 7.0),
            spacing: tuple[float, ...] = (0.8, 0.9, 3.0), **more: Any) -> Path:
        image = sitk.GetImageFromArray(voxels, **more)
        if image.GetDimension() == 3:
            image.SetOrigin(origin)
            image.SetSpacing(spacing)
        sitk.WriteImage(image, str(folder / name), name.endswith((".gz", ".nrrd", ".mha")))
        return folder / name

    return one


@pytest.fixture
def scan() -> np.ndarray:
    """Return CT-like voxels: air, a body, a brighter ball."""
    rng = np.random.default_rng(3)
    z, y, x = np.ogrid[:10, :24, :22]
    body = ((y - 12) / 11) ** 2 + ((x - 11) / 10) ** 2 < 1
    values = np.where(body, 40.0, -1000.0) + rng.normal(0, 12, (10, 24, 22)) + 60 * np.broadcast_to(
        ((z - 5) / 3) ** 2 + ((y - 12) / 5) ** 2 + ((x - 11) / 5) ** 2 < 1, (10, 24, 22))
    return values.astype(np.int16)


@pytest.fixture
def ball() -> np.ndarray:
    z, y, x = np.ogrid[:10, :24, :22]
    return (((z - 5) / 3) ** 2 + ((y - 12) / 5) ** 2 + ((x - 11) / 5) ** 2 < 1).astype(np.uint8)
