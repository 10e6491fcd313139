"""What all images of one region share: its voxels, directions, and the buffers of the texture kernels."""

from __future__ import annotations

import functools
import itertools
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

import numpy as np

from radnb.features.engine import native
from radnb.imaging.faults import ImageFault

_BLOCK = 16  # the kernels handle rows in whole blocks and run past their end by less than one


def directions(shape: Sequence[int], distances: Iterable[int], flat: int | None) -> np.ndarray:
    """Return one of each pair of opposite steps (z, y, x), in PyRadiomics' order.

    A step must fit into the box (a region one voxel thick has no steps across), and never leaves the plane of a
    two-dimensional analysis (`flat`: the axis without steps).
    """
    wanted, most = set(distances), max(distances, default=0)
    reach = [0 if axis == flat else min(most, length - 1) for axis, length in enumerate(shape)]
    steps = [step for step in itertools.product(*(range(r, -r - 1, -1) for r in reach))
             if max(map(abs, step)) in wanted and step > (0, 0, 0)]
    if not steps:
        raise ImageFault(f"The region measures {' x '.join(map(str, shape[::-1]))} voxels, so that no voxel has a "
                         f"neighbour at distance {', '.join(map(str, sorted(wanted)))} in the plane or space analysed.",
                         "Choose smaller distances, another force2Ddimension, or leave the case out.",
                         code="E_NEIGHBOURS", column="mask")
    return np.array(steps, np.int64)


def weights(steps: np.ndarray, spacing: Sequence[float], norm: str | None, *, decay: bool) -> np.ndarray | None:
    """Return the weight of each step by its length in mm (for GLCM its `decay`, exp(-length^2)), or None where
    weightingNorm leaves directions apart."""
    if norm is None:
        return None
    parts = np.abs(steps) * np.array(spacing)
    if norm == "no_weighting":
        return np.ones(len(parts))
    length = {"infinity": lambda: parts.max(axis=1), "euclidean": lambda: np.sqrt((parts ** 2).sum(axis=1)),
              "manhattan": lambda: parts.sum(axis=1)}[norm]()
    return np.exp(-length ** 2) if decay else length


class Roi:
    """A region's mask (of its bounding box) and spacing (z, y, x; mm), laid out for the kernels once."""

    def __init__(self, mask: np.ndarray, spacing: Sequence[float], setting: Mapping[str, Any]) -> None:
        self.mask = np.ascontiguousarray(mask, bool)
        self.spacing = tuple(float(length) for length in spacing)
        self.setting = dict(setting)
        self.voxel_volume = float(np.prod(self.spacing[::-1]))
        self.shape = self.mask.shape
        self.longest = max(self.shape)
        self.runs, self.row_runs = self._find_runs()
        self.size = int(self.runs[:, 2].sum())
        self._others: dict[tuple[object, ...], Roi] = {}

    def under(self, options: Mapping[str, Any]) -> Roi:
        """Return this region laid out for other directions, where an image type has its own."""
        def choice(setting: Mapping[str, Any]) -> tuple[object, ...]:
            flat = int(setting.get("force2Ddimension", 0)) if setting.get("force2D") else None
            return tuple(setting.get("distances", [1])), flat

        if choice(options) == choice(self.setting):
            return self
        if choice(options) not in self._others:
            self._others[choice(options)] = Roi(self.mask, self.spacing, options)
        return self._others[choice(options)]

    @functools.cached_property
    def padded(self) -> tuple[int, int, int]:
        """Return the size of the padded volume: zeros around, and room for a whole block behind each row."""
        z, y, x = self.shape
        return z + 2, y + 2, -(-(x + 2 + _BLOCK) // _BLOCK) * _BLOCK

    def _find_runs(self) -> tuple[np.ndarray, np.ndarray]:
        """Return runs of mask voxels (place in the image and the padded volume, length), and the first run per row."""
        (nz, ny, nx), (_, py, px) = self.shape, self.padded
        edges = np.diff(np.pad(self.mask, ((0, 0), (0, 0), (1, 1))).view(np.int8), axis=2)
        z, y, start = np.nonzero(edges == 1)
        stop = np.nonzero(edges == -1)[2]
        runs = np.stack([(z * ny + y) * nx + start, ((z + 1) * py + y + 1) * px + start + 1, stop - start], axis=1)
        in_row = np.bincount((z + 1) * py + y + 1, minlength=(nz + 2) * py)
        return np.ascontiguousarray(runs, np.int64), np.concatenate([[0], np.cumsum(in_row)]).astype(np.int64)

    def values(self, image: np.ndarray) -> np.ndarray:
        """Return the region's values in one row, as float32 or float64 (which hold every integer an image has)."""
        found = np.empty(self.size, image.dtype)
        native.call("gather", np.ascontiguousarray(image), image.dtype.itemsize, self.runs, len(self.runs), found)
        return found if found.dtype in (np.float32, np.float64) else found.astype(np.float64)

    @functools.cached_property
    def flat(self) -> int | None:
        """Return the axis that a two-dimensional analysis leaves out."""
        return int(self.setting.get("force2Ddimension", 0)) if self.setting.get("force2D") else None

    @functools.cached_property
    def near(self) -> np.ndarray:
        """Return the directions at distance 1."""
        return directions(self.shape, [1], self.flat)

    @functools.cached_property
    def distances(self) -> tuple[int, ...]:
        """Return the distances at which GLCM, GLDM and NGTDM look."""
        return tuple(int(distance) for distance in self.setting.get("distances", [1]))

    @functools.cached_property
    def steps(self) -> np.ndarray:
        """Return the directions at the distances of the settings."""
        return directions(self.shape, self.distances, self.flat)

    @functools.cached_property
    def reach(self) -> tuple[int, int, int]:
        """Return 1 for each axis along which neighbours are looked for."""
        z, y, x = (0 if axis == self.flat else 1 for axis in range(3))
        return z, y, x

    @functools.cached_property
    def aligned(self) -> np.ndarray:
        """Say per direction whether any line along it meets the region twice; PyRadiomics counts no runs elsewhere."""
        return np.array([self._touches(step) or self._meets_twice(step) for step in self.near])

    def _touches(self, step: np.ndarray) -> bool:
        ahead = tuple(slice(max(s, 0), n + min(s, 0)) for s, n in zip(step, self.shape, strict=True))
        back = tuple(slice(max(-s, 0), n - max(s, 0)) for s, n in zip(step, self.shape, strict=True))
        return bool((self.mask[ahead] & self.mask[back]).any())

    def _meets_twice(self, step: np.ndarray) -> bool:
        places = np.argwhere(self.mask)
        along = places[:, np.flatnonzero(step)[0]]  # this part of a step is 1
        lines = places - along[:, None] * step
        return len(np.unique(lines, axis=0)) < len(lines)

    @functools.cached_property
    def volume(self) -> np.ndarray:
        """Return the buffer of grey levels, 0 outside the region."""
        return np.zeros(self.padded, np.uint16)

    @functools.cached_property
    def same(self) -> np.ndarray:
        """Return the buffer of bits, one per direction whose neighbour has the voxel's level."""
        return np.zeros(self.padded, np.uint16)

    @functools.cached_property
    def planes(self) -> np.ndarray:
        """Return the buffer of run positions."""
        return np.zeros((len(self.near), 2, *self.padded[1:]), np.uint16)

    @functools.cached_property
    def labels(self) -> np.ndarray:
        """Return the buffer of zone numbers."""
        return np.zeros(self.padded, np.uint32)

    @functools.cached_property
    def kept(self) -> np.ndarray:
        """Return, for each set of equal neighbours, those that need a look when zones are joined."""
        found = np.empty(1 << len(self.near), np.uint16)
        native.call("representatives", self.near, len(self.near), found)
        return found

    @functools.cached_property
    def neighbours(self) -> np.ndarray:
        """Return how many neighbours of each voxel lie within the region."""
        ones, found = np.zeros(self.padded, np.uint16), np.zeros(self.padded, np.uint8)
        native.call("scatter", np.ones(self.size, np.uint16), self.runs, len(self.runs), ones)
        native.call("count_neighbours", ones, *self.padded, *self.reach, found)
        return found
