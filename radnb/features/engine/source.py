"""The image that regions are cut from, normalised on the way out where that is wanted."""

from __future__ import annotations

import functools
import math
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
import SimpleITK as sitk

from radnb.features.engine import native
from radnb.features.engine.grid import Box

CODES = {"float32": 0, "float64": 1, "int16": 2, "uint16": 3, "uint8": 4}  # scalar types that kernels read as they are


@dataclass(frozen=True)
class Scale:
    """Centre at the mean, divide by the standard deviation, cut outliers, multiply: in double precision, as ITK."""

    shift: float
    scale: float
    outliers: float | None
    factor: float

    def __call__(self, values: np.ndarray) -> np.ndarray:
        """Return the normalised values."""
        found = values.astype(np.float64)
        found += self.shift
        found *= self.scale
        if self.outliers is not None:
            np.clip(found, -self.outliers, self.outliers, out=found)
        if self.factor != 1:
            found *= self.factor
        return found


@dataclass(frozen=True)
class Source:
    """An image in memory and, if it is to be normalised, how; nothing full-sized is made before it is needed."""

    image: sitk.Image
    scale: Scale | None = None

    @property
    def voxels(self) -> np.ndarray:
        """Return the voxels as read."""
        return sitk.GetArrayViewFromImage(self.image)

    @property
    def kind(self) -> np.dtype:
        """Return the scalar type of the grey values."""
        return np.dtype(np.float64) if self.scale else self.voxels.dtype

    def part(self, box: Box) -> np.ndarray:
        """Return the grey values of a box."""
        return self.scale(self.voxels[box]) if self.scale else np.ascontiguousarray(self.voxels[box])

    @functools.cached_property
    def whole(self) -> np.ndarray:
        """Return all grey values."""
        return self.scale(self.voxels) if self.scale else self.voxels

    def as_image(self) -> sitk.Image:
        """Return the image that ITK may work on."""
        if not self.scale:
            return self.image
        found = sitk.GetImageFromArray(self.whole)
        found.CopyInformation(self.image)
        return found


def source(image: sitk.Image, setting: Mapping[str, Any]) -> Source:
    """Return an image as the settings want its grey values: as they are, or normalised over all voxels."""
    if not setting.get("normalize"):
        return Source(image)
    voxels = sitk.GetArrayViewFromImage(image)
    count, total, squares = voxels.size, *_moments(voxels)
    variance = (squares - total * total / count) / (count - 1)
    scale = 1.0 / math.sqrt(variance) if variance > 0 else math.inf
    return Source(image, Scale(-(total / count), scale, setting.get("removeOutliers"),
                               float(setting.get("normalizeScale", 1))))


def _moments(voxels: np.ndarray) -> tuple[float, float]:
    read = voxels if voxels.dtype.name in CODES else voxels.astype(np.float64)
    out = np.empty(2)
    native.call("moments", read, CODES[read.dtype.name], read.size, out)
    return float(out[0]), float(out[1])
