"""Where the voxels lie on which an image is resampled, with the arithmetic of PyRadiomics and ITK to the last bit.

At half-sized voxels every other new centre lies exactly half-way between two old ones: which one the mask takes then
hangs on the rounding of the way from index to millimetres and back, so that this way is walked here as ITK walks it.
"""

from __future__ import annotations

import functools
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import SimpleITK as sitk

Box = tuple[slice, slice, slice]  # z, y, x


@dataclass(frozen=True)
class Grid:
    """New voxels in an image, in its direction: sizes, spacing and origin in x, y, z."""

    image: sitk.Image
    size: tuple[int, int, int]
    spacing: tuple[float, float, float]
    origin: tuple[float, float, float]

    @property
    def shape(self) -> tuple[int, int, int]:
        """Return the shape of arrays on this grid."""
        x, y, z = self.size
        return z, y, x

    @functools.cached_property
    def lines(self) -> tuple[np.ndarray, np.ndarray]:
        """Return the continuous index (x, y, z) in the image at the start and one past the end of each line."""
        z, y = (index.ravel().astype(float) for index in np.indices(self.shape[:2]))
        steps = [_frame(self.spacing, self.image.GetDirection()).TransformIndexToPhysicalPoint(axis)
                 for axis in ((1, 0, 0), (0, 1, 0), (0, 0, 1))]
        own = _frame(self.image.GetSpacing(), self.image.GetDirection())
        back = [own.TransformPhysicalPointToContinuousIndex(axis)
                for axis in ((1.0, 0.0, 0.0), (0.0, 1.0, 0.0), (0.0, 0.0, 1.0))]
        starts, ends = (_indices(np.full(len(y), x), y, z, steps, self.origin, back, self.image.GetOrigin())
                        for x in (0.0, float(self.size[0])))
        return starts, ends


def wanted_spacing(image: sitk.Image, size: Sequence[int], spacing: Sequence[float]) -> np.ndarray:
    """Return the spacing (x, y, z) to resample to: the image's own where 0 is asked for or the region is one voxel."""
    own = np.array(image.GetSpacing())
    new = np.where(np.array(spacing) == 0, own, spacing)
    return np.where(np.array(size) != 1, new, own)


def unchanged(image: sitk.Image, spacing: np.ndarray) -> bool:
    """Say whether a spacing is the image's own, within PyRadiomics' tolerance."""
    return np.allclose(image.GetSpacing(), spacing)


def resampled_grid(image: sitk.Image, lower: Sequence[int], size: Sequence[int], spacing: np.ndarray,
                   pad: int) -> Grid:
    """Return the voxels that cover a region (first index and size) and `pad` more on each side, within the image.

    The grid is aligned with the image's corner, as PyRadiomics' resampleImage does (not with its centre, as in IBSI).
    """
    own = np.array(image.GetSpacing())
    ratio = own / spacing
    first, count = np.array(lower), np.array(size)
    low = np.floor((first - 0.5) * ratio - pad)
    high = np.ceil((first + count - 0.5) * ratio + pad)
    last = np.ceil(np.array(image.GetSize()) * ratio) - 1
    low, high = np.where(low < 0, 0, low), np.where(high > last, last, high)
    origin = image.TransformContinuousIndexToPhysicalPoint(.5 * (spacing - own) / own + low / ratio)
    x, y, z = (int(n) for n in high - low + 1)
    return Grid(image, (x, y, z), _three(spacing), _three(origin))


def crop_box(shape: Sequence[int], box: Box, pad: int) -> Box:
    """Return a box widened by `pad` voxels on each side, within a volume of this shape."""
    z, y, x = (slice(max(span.start - pad, 0), min(span.stop + pad, n)) for span, n in zip(box, shape, strict=True))
    return z, y, x


def within(around: Box, box: Box) -> Box:
    """Return where a box lies in the array that was cut out `around` it."""
    z, y, x = (slice(span.start - wide.start, span.stop - wide.start) for span, wide in zip(box, around, strict=True))
    return z, y, x


def bounding_box(mask: np.ndarray) -> Box:
    """Return the smallest box that holds a mask."""
    spans = [np.flatnonzero(mask.any(axis=axes))[[0, -1]] for axes in ((1, 2), (0, 2), (0, 1))]
    z, y, x = (slice(int(first), int(last) + 1) for first, last in spans)
    return z, y, x


def _indices(x: np.ndarray, y: np.ndarray, z: np.ndarray, steps: list[tuple[float, ...]], origin: Sequence[float],
             back: list[tuple[float, ...]], own_origin: Sequence[float]) -> np.ndarray:
    """Go from indices to millimetres and back, adding in ITK's order."""
    offsets = [(((origin[i] + steps[0][i] * x) + steps[1][i] * y) + steps[2][i] * z) - own_origin[i] for i in range(3)]
    return np.ascontiguousarray(np.stack([(back[0][i] * offsets[0] + back[1][i] * offsets[1]) + back[2][i] * offsets[2]
                                          for i in range(3)], axis=1))


def _frame(spacing: Sequence[float], direction: Sequence[float]) -> sitk.Image:
    """Return an image that holds nothing but ITK's matrices of this spacing and direction."""
    frame = sitk.Image([1, 1, 1], sitk.sitkUInt8)
    frame.SetSpacing(spacing)
    frame.SetDirection(direction)
    return frame


def _three(values: Sequence[float] | np.ndarray) -> tuple[float, float, float]:
    x, y, z = (float(value) for value in values)
    return x, y, z
