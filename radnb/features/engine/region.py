"""What is measured: the prepared voxels of one image, and which of them belong to the region."""

from __future__ import annotations

import functools
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from radnb.features.engine.grid import Box, bounding_box


@dataclass(frozen=True)
class Region:
    """An image after normalisation and resampling, with its region; all arrays and the spacing (mm) in z, y, x."""

    volume: np.ndarray  # in the scalar type of the image
    mask: np.ndarray  # whose grey values count (after resegmentation)
    shape_mask: np.ndarray  # whose shape counts
    spacing: tuple[float, float, float]
    shared: dict[str, Any] = field(default_factory=dict, compare=False)  # known of the volume, for all its regions
    owner: Any = field(default=None, compare=False, repr=False)  # holds the memory that the arrays may look into
    cut: Box | None = None  # the box, where it is known already or is to be another one than the mask's

    @functools.cached_property
    def box(self) -> Box:
        """Return the box whose grey values are measured: the mask's, unless another is given."""
        return self.cut or bounding_box(self.mask)

    def known(self, name: str, find: Callable[[np.ndarray], Any]) -> Any:
        """Return a fact of the whole volume, found once for all regions that share it."""
        if name not in self.shared:
            self.shared[name] = find(self.volume)
        return self.shared[name]
