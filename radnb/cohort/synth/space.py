"""Points in mm (x to the patient's left, y to the back, z to the head), smooth random fields and resampling."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from scipy.sparse import csr_array

Array = np.ndarray


@dataclass(frozen=True)
class Grid:
    """A regular grid: origin and spacing in mm and size in voxels, each as (x, y, z)."""

    origin: tuple[float, float, float]
    spacing: tuple[float, float, float]
    size: tuple[int, int, int]

    def axis(self, number: int) -> Array:
        """Return the voxel centres in mm along axis 0 (x), 1 (y) or 2 (z)."""
        steps = np.arange(self.size[number], dtype=np.float32)
        return (self.origin[number] + self.spacing[number] * steps).astype(np.float32)

    def box(self, low: Array, high: Array) -> tuple[slice, slice, slice]:
        """Return the slices (z, y, x) that hold all voxel centres between two corners."""
        first = [int(np.clip(np.floor((low[k] - self.origin[k]) / self.spacing[k]), 0, self.size[k])) for k in range(3)]
        last = [int(np.clip(np.ceil((high[k] - self.origin[k]) / self.spacing[k]) + 1, 0, self.size[k]))
                for k in range(3)]
        return slice(first[2], last[2]), slice(first[1], last[1]), slice(first[0], last[0])

    def points(self, box: tuple[slice, slice, slice]) -> tuple[Array, Array, Array]:
        """Return x, y and z of a box's voxels, ready to broadcast to (z, y, x)."""
        return (self.axis(0)[box[2]][None, None, :], self.axis(1)[box[1]][None, :, None],
                self.axis(2)[box[0]][:, None, None])


MASTER = Grid((-60.0, -54.0, -68.0), (1.0, 1.0, 2.0), (121, 108, 69))  # the patient; scanners sample from it


def smooth_field(rng: np.random.Generator, axes: tuple[Array, Array, Array], scale_mm: float) -> Array:
    """Return a smooth random field (z, y, x) of unit variance that varies over `scale_mm` along x, y and z."""
    bases = [_basis(axis, scale_mm) for axis in axes]
    coarse = rng.standard_normal(tuple(base.shape[1] for base in reversed(bases))).astype(np.float32)
    return weigh(coarse, bases[0], bases[1], bases[2])


def _basis(axis: Array, scale_mm: float) -> csr_array:
    low, high = float(axis[0]) - 2 * scale_mm, float(axis[-1]) + 2 * scale_mm
    knots = np.arange(np.floor(low / scale_mm), np.ceil(high / scale_mm) + 1) * scale_mm
    weights = np.exp(-0.5 * ((axis[:, None] - knots) / (0.8 * scale_mm)) ** 2)
    return _sparse(weights, np.sqrt((weights ** 2).sum(axis=1, keepdims=True)))


def sampling(target: Array, source: Array, *, blur_mm: float, box_mm: float = 0.0) -> csr_array:
    """Return the matrix that samples a source axis at target points through a Gaussian blur and a slice of box_mm."""
    inside = np.linspace(-box_mm / 2, box_mm / 2, 9 if box_mm else 1)
    weights = np.zeros((len(target), len(source)))
    for shift in inside:
        weights += np.exp(-0.5 * ((target[:, None] + shift - source) / blur_mm) ** 2)
    return _sparse(weights, weights.sum(axis=1, keepdims=True))


def _sparse(weights: Array, divisor: Array) -> csr_array:
    kept = np.where(weights > 1e-3 * weights.max(axis=1, keepdims=True), weights / divisor, 0.0)
    return csr_array(kept.astype(np.float32))


def weigh(values: Array, along_x: csr_array, along_y: csr_array, along_z: csr_array) -> Array:
    """Return weighted sums of (z, y, x) values, one matrix (out, in) per axis.

    Sparse products, for a dense one (BLAS) rounds otherwise with another number of threads.
    """
    for matrix in (along_z, along_y, along_x):  # each turn weighs the first axis and moves it to the end
        first, *rest = values.shape
        weighed = (matrix @ np.ascontiguousarray(values).reshape(first, -1)).reshape(-1, *rest)
        values = np.moveaxis(weighed, 0, -1)
    return np.ascontiguousarray(values)
