"""A small cohort of images on disk, under a path with Chinese and a space."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
import SimpleITK as sitk

from radnb.features.settings import Settings, checked


def _save(voxels: np.ndarray, path: Path, spacing: tuple[float, float, float] = (1.0, 1.0, 2.0)) -> Path:
    image = sitk.GetImageFromArray(voxels)
    image.SetSpacing(spacing)
    sitk.WriteImage(image, str(path), True)
    return path


def _sphere(radius: float) -> np.ndarray:
    z, y, x = np.ogrid[:14, :24, :24]
    return ((2 * (z - 7)) ** 2 + (y - 12) ** 2 + (x - 12) ** 2 < radius ** 2).astype(np.uint8)


@pytest.fixture
def save() -> Callable[..., Path]:
    """Return a function that writes an array (z, y, x) as an image."""
    return _save


@pytest.fixture
def sphere() -> Callable[[float], np.ndarray]:
    """Return a function that gives a ball of some radius in mm, in voxels of 1 x 1 x 2 mm."""
    return _sphere


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    found = tmp_path / "胰腺 影像"
    found.mkdir()
    return found


@pytest.fixture
def cases(folder: Path) -> pd.DataFrame:
    """Return three patients; the first has masks by two readers on one image."""
    rows = []
    for number in range(3):
        voxels = np.random.default_rng(number).normal(40 + 5 * number, 25, (14, 24, 24)).astype(np.int16)
        image = _save(voxels, folder / f"图{number}.nii.gz")
        for reader in ("R1", "R2")[:2 if number == 0 else 1]:
            mask = _save(_sphere(6 + number + (reader == "R2")), folder / f"掩{number}{reader}.nii.gz")
            rows.append({"patient_id": f"00{number}", "roi": "tumour", "phase": "arterial", "timepoint": "baseline",
                         "reader": reader, "image": str(image), "mask": str(mask), "label": 1, "row": len(rows) + 2})
    return pd.DataFrame(rows)


@pytest.fixture
def quick() -> Settings:
    """Return settings with few features, for tests of everything but the values."""
    return checked({"featureClass": {"shape": ["MeshVolume"], "firstorder": ["Mean", "Entropy"]},
                    "setting": {"binWidth": 25}}, name="quick")
