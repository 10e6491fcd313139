"""What is measured: the prepared voxels of one image, and which of them belong to the region."""

from __future__ import annotations

import functools
from dataclasses import dataclass

import numpy as np


@dataclass(frozen=True)
class Region:
    """An image after normalisation and resampling, with its region; all arrays and the spacing (mm) in z, y, x."""

    volume: np.ndarray  # in the scalar type of the image
    mask: np.ndarray  # whose grey values count (after resegmentation)
    shape_mask: np.ndarray  # whose shape counts
    spacing: tuple[float, float, float]

    @functools.cached_property
    def box(self) -> tuple[slice, slice, slice]:
        """Return the bounding box of the mask."""
        spans = [np.flatnonzero(self.mask.any(axis=axes))[[0, -1]] for axes in ((1, 2), (0, 2), (0, 1))]
        z, y, x = (slice(int(first), int(last) + 1) for first, last in spans)
        return z, y, x
