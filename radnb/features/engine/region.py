"""What is measured: the prepared voxels of one image, and which of them belong to the region."""

from __future__ import annotations

import functools
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

import numpy as np


@dataclass(frozen=True)
class Region:
    """An image after normalisation and resampling, with its region; all arrays and the spacing (mm) in z, y, x."""

    volume: np.ndarray  # in the scalar type of the image
    mask: np.ndarray  # whose grey values count (after resegmentation)
    shape_mask: np.ndarray  # whose shape counts
    spacing: tuple[float, float, float]
    shared: dict[str, Any] = field(default_factory=dict, compare=False)  # known of the volume, for all its regions
    owner: Any = field(default=None, compare=False, repr=False)  # holds the memory that the arrays may look into

    @functools.cached_property
    def box(self) -> tuple[slice, slice, slice]:
        """Return the bounding box of the mask."""
        spans = [np.flatnonzero(self.mask.any(axis=axes))[[0, -1]] for axes in ((1, 2), (0, 2), (0, 1))]
        z, y, x = (slice(int(first), int(last) + 1) for first, last in spans)
        return z, y, x

    def known(self, name: str, find: Callable[[np.ndarray], Any]) -> Any:
        """Return a fact of the whole volume, found once for all regions that share it."""
        if name not in self.shared:
            self.shared[name] = find(self.volume)
        return self.shared[name]
