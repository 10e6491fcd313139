"""Texture matrices of one discretised image: the fast kernels at distance 1, the plain ones elsewhere."""

from __future__ import annotations

import functools
import math
from dataclasses import dataclass

import numpy as np

from radnb.features.engine import native
from radnb.features.engine.discretise import Levels
from radnb.features.engine.roi import Roi
from radnb.imaging.faults import ImageFault

_MOST_BYTES = 4 << 30
_MOST_SUMMED = 2427  # 27 levels of this size fit 16 bits
_SIDE = 16  # counters of all directions side by side, see texture.c
_SMALL = 128  # zones below this size are counted in a table


@dataclass(frozen=True)
class Sizes:
    """Tables of (grey level, size): counts[table, level, size], and the sizes of the columns."""

    counts: np.ndarray
    sizes: np.ndarray


class Matrices:
    """The matrices of one image, computed when asked for; axes run over the present grey levels only."""

    def __init__(self, roi: Roi, levels: Levels, symmetric: bool, tolerance: int) -> None:
        if levels.present[0] < 1:
            raise ImageFault("A grey value lies below the first bin (bins wrap around where they reach the end of the "
                             "image's whole numbers).", "Save the image as 32-bit floats, set binCount: 32, or choose "
                             "another binWidth.", code="E_BINS")
        self.roi, self.levels, self.symmetric, self.tolerance = roi, levels, symmetric, tolerance
        self.n = len(levels.present)
        # Where most levels are missing, their ranks keep the tables small.
        self._ranked = levels.highest > 255 and self.n < levels.highest
        self._top = self.n if self._ranked else levels.highest
        self._is_filled = False

    def pairs(self) -> np.ndarray:
        """Return GLCM counts (direction, level, level) of the directions that have any."""
        return self._counted[0] if self.roi.distances == (1,) else self._plain_pairs()

    def runs(self) -> Sizes:
        """Return GLRLM counts of the directions that have any, one table per direction."""
        counts = self._counted[1].copy()
        counts[~self.roi.aligned] = 0
        return Sizes(counts, np.arange(1, counts.shape[2] + 1, dtype=float))

    def zones(self) -> Sizes:
        """Return GLSZM counts."""
        self._mark_same()
        small = np.zeros((self._top + 1, _SMALL), np.int64)
        large = np.empty((self.roi.size // _SMALL + 1, 2), np.int64)
        n_large = native.call(
            "find_zones", self._volume, self.roi.same, *self.roi.padded[1:], self.roi.near, len(self.roi.near),
            self.roi.kept, self.roi.runs, len(self.roi.runs), self.roi.size, self.roi.labels, _SMALL, small, large)
        large = large[:n_large]
        met = np.flatnonzero(small.any(axis=0))
        sizes, column = np.unique(large[:, 1], return_inverse=True)
        big = np.zeros((self._top + 1, len(sizes)))
        np.add.at(big, (large[:, 0], column), 1)
        counts = np.concatenate([small[:, met], big], axis=1)[self._rows]
        return Sizes(counts[None], np.concatenate([met, sizes]).astype(float))

    def dependences(self) -> Sizes:
        """Return GLDM counts; the size is one more than the number of dependent neighbours."""
        if self.roi.distances != (1,) or self.tolerance:
            counts = self._plain_dependences()
        else:
            self._mark_same()
            table = np.zeros((self._top + 1, 32), np.int64)
            native.call("count_dependences", self._volume, self.roi.same, *self.roi.padded[1:], self.roi.near,
                        len(self.roi.near), self.roi.runs, len(self.roi.runs), table.size, table)
            counts = table[self._rows].astype(float)
        met = np.flatnonzero(counts.any(axis=0))
        return Sizes(np.ascontiguousarray(counts[None][:, :, met]), met + 1.0)

    def differences(self) -> np.ndarray:
        """Return the sum of the NGTDM's grey-tone differences per level."""
        if self.roi.distances != (1,) or self.levels.highest > _MOST_SUMMED:
            return self._plain_differences()
        volume = self._scattered(self.levels.of_voxels) if self._ranked else self._volume
        table = np.zeros((self.levels.highest + 1, 32), np.int64)
        native.call("sum_differences", volume, self.roi.neighbours, *self.roi.padded, *self.roi.reach,
                    self.roi.row_runs, self.roi.runs, table)
        self._is_filled = self._is_filled and not self._ranked
        return (table[self.levels.present, 1:27] / np.arange(1, 27)).sum(axis=1)

    @property
    def _rows(self) -> np.ndarray:
        return np.arange(1, self.n + 1) if self._ranked else self.levels.present

    @functools.cached_property
    def _ranks(self) -> np.ndarray:
        return np.searchsorted(self.levels.present, self.levels.of_voxels).astype(np.int32) + np.int32(1)

    @property
    def _volume(self) -> np.ndarray:
        """Return the padded volume of levels (or their ranks)."""
        if not self._is_filled:
            if self._top > np.iinfo(np.uint16).max:
                raise _too_many(self.n)
            self._scattered(self._ranks.astype(np.uint16) if self._ranked else self.levels.of_voxels)
            self._is_filled = True
        return self.roi.volume

    def _scattered(self, of_voxels: np.ndarray) -> np.ndarray:
        native.call("scatter", of_voxels, self.roi.runs, len(self.roi.runs), self.roi.volume)
        return self.roi.volume

    def _mark_same(self) -> None:
        if "_counted" not in self.__dict__ and "_marked" not in self.__dict__:
            self.__dict__["_marked"] = True
            self._pass(0, np.empty(0, np.uint32))

    @functools.cached_property
    def _counted(self) -> tuple[np.ndarray, np.ndarray]:
        roi, n_directions = self.roi, len(self.roi.near)
        cells = (self._top + 1) * (self._top + roi.longest + 1) * _SIDE
        if 4 * cells + 8 * n_directions * self.n ** 2 > _MOST_BYTES:
            raise _too_many(self.n)
        tables = np.zeros(cells, np.uint32)
        self._pass(self._top, tables)
        present = np.ascontiguousarray(self._rows)
        most = native.call("longest_run", tables, self._top, roi.longest, present, self.n)
        pairs, runs = np.empty((n_directions, self.n, self.n)), np.empty((n_directions, self.n, most))
        native.call("unpack", tables, n_directions, self._top, roi.longest, present, self.levels.counts, self.n,
                    int(self.symmetric), most, pairs, runs)
        return pairs, runs

    def _pass(self, n_levels: int, tables: np.ndarray) -> None:
        roi = self.roi
        native.call("count_pairs_and_runs", self._volume, *roi.padded, roi.near, len(roi.near), roi.row_runs, roi.runs,
                    n_levels, roi.longest, roi.planes, roi.same, tables)

    # -------------------------------------------------------------- any distance, tolerance and number of levels
    def _plain(self, kernel: str, of_voxels: np.ndarray, steps: np.ndarray, *rest: np.ndarray | int) -> None:
        """Call a kernel of plain.c with a padded volume, its voxels' number and places, steps as offsets, and more."""
        pad = int(np.abs(steps).max())
        inside = np.pad(self.roi.mask, pad)
        volume = np.zeros(inside.shape, np.int32)
        volume[inside] = of_voxels
        strides = np.array([math.prod(inside.shape[axis + 1:]) for axis in range(3)])
        native.call(kernel, volume, self.roi.size, np.flatnonzero(inside), steps @ strides, len(steps), *rest)

    def _plain_pairs(self) -> np.ndarray:
        if 8 * len(self.roi.steps) * self.n ** 2 > _MOST_BYTES:
            raise _too_many(self.n)
        pairs = np.zeros((len(self.roi.steps), self.n, self.n))
        self._plain("plain_pairs", self._ranks, self.roi.steps, self.n, pairs)
        return pairs + pairs.transpose(0, 2, 1) if self.symmetric else pairs

    def _plain_dependences(self) -> np.ndarray:
        steps = np.concatenate([self.roi.steps, -self.roi.steps])
        counts = np.zeros((self.n, len(steps) + 1))
        self._plain("plain_dependences", self.levels.of_voxels, steps, self.tolerance, self._ranks, len(steps) + 1,
                    counts)
        return counts

    def _plain_differences(self) -> np.ndarray:
        steps, found = np.concatenate([self.roi.steps, -self.roi.steps]), np.zeros(self.n)
        self._plain("plain_differences", self.levels.of_voxels, steps, self._ranks, found)
        return found


def _too_many(n: int) -> ImageFault:
    return ImageFault(f"The region has {n} grey levels; its texture matrices would not fit into memory.",
                      "Choose a larger binWidth, or a binCount.", code="E_LEVELS")
