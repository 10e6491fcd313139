"""Grey values and masks on a new grid: ITK's interpolators, computed only from the part of the image that counts."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import SimpleITK as sitk

from radnb.features.engine import native
from radnb.features.engine.grid import Box, Grid, lines

SPLINE_MARGIN = 40  # voxels beyond the region: a spline's memory is 0.268 per voxel, so that nothing of 1e-16 is left


def resample_image(image: sitk.Image, grid: Grid, interpolator: str) -> np.ndarray:
    """Return the image's grey values on a grid, 0 outside the image, in the image's own scalar type."""
    if interpolator not in INTERPOLATORS:
        return _by_itk(image, grid, interpolator)
    volume = sitk.GetArrayViewFromImage(image)
    starts, ends = lines(image, grid)
    return _as(volume.dtype, INTERPOLATORS[interpolator](volume, starts, ends, grid))


def resample_mask(image: sitk.Image, mask: np.ndarray, grid: Grid) -> np.ndarray:
    """Return a mask on the image's grid at the nearest voxels of another grid, half-way rounded up as ITK does."""
    found = _nearest(mask, grid, *lines(image, grid))
    return mask.reshape(-1)[np.maximum(found, 0)] & (found >= 0)


def _spline(volume: np.ndarray, starts: np.ndarray, ends: np.ndarray, grid: Grid) -> np.ndarray:
    needed = _needed(volume.shape, starts, ends, 2)
    held = tuple(slice(max(span.start - SPLINE_MARGIN, 0), min(span.stop + SPLINE_MARGIN, n))
                 for span, n in zip(needed, volume.shape, strict=True))
    found = volume[held].astype(np.float64)
    for axis in (2, 1, 0):
        native.call("spline_coefficients", found, *found.shape, axis)
        inner = [slice(None)] * 3
        inner[axis] = slice(needed[axis].start - held[axis].start, needed[axis].stop - held[axis].start)
        found = np.ascontiguousarray(found[tuple(inner)])
    return _interpolated("spline_resample", found, needed, volume.shape, starts, ends, grid)


def _linear(volume: np.ndarray, starts: np.ndarray, ends: np.ndarray, grid: Grid) -> np.ndarray:
    needed = _needed(volume.shape, starts, ends, 1)
    return _interpolated("linear_resample", volume[needed].astype(np.float64), needed, volume.shape, starts, ends,
                         grid)


def _taken(volume: np.ndarray, starts: np.ndarray, ends: np.ndarray, grid: Grid) -> np.ndarray:
    found = _nearest(volume, grid, starts, ends)
    return np.where(found >= 0, volume.reshape(-1)[np.maximum(found, 0)], volume.dtype.type(0))


def _nearest(volume: np.ndarray, grid: Grid, starts: np.ndarray, ends: np.ndarray) -> np.ndarray:
    found = np.empty(grid.shape, np.int64)
    native.call("nearest_voxels", np.array(volume.shape), starts, ends, len(starts), grid.size[0], found)
    return found


def _needed(shape: tuple[int, ...], starts: np.ndarray, ends: np.ndarray, reach: int) -> Box:
    """Return the part of an image from which every point on these lines can be interpolated."""
    low = np.floor(np.minimum(starts.min(axis=0), ends.min(axis=0))).astype(int)[::-1] - reach
    high = np.floor(np.maximum(starts.max(axis=0), ends.max(axis=0))).astype(int)[::-1] + reach + 1
    z, y, x = (slice(min(max(int(a), 0), n - 1), max(min(int(b), n), 1))
               for a, b, n in zip(low, high, shape, strict=True))
    return z, y, x


def _interpolated(kernel: str, held: np.ndarray, place: Box, full: tuple[int, ...], starts: np.ndarray,
                  ends: np.ndarray, grid: Grid) -> np.ndarray:
    out = np.empty(grid.shape)
    native.call(kernel, held, np.array(full), np.array(held.shape), np.array([span.start for span in place]), starts,
                ends, len(starts), grid.size[0], out)
    return out


def _as(kind: np.dtype, values: np.ndarray) -> np.ndarray:
    """Cast as ITK's ResampleImageFilter does: whole numbers are cut off, not rounded, after clamping to their range."""
    if kind.kind in "iu" and values.dtype.kind == "f":
        limits = np.iinfo(kind)
        return np.clip(values, limits.min, limits.max).astype(kind)
    return values.astype(kind, copy=False)


def _by_itk(image: sitk.Image, grid: Grid, interpolator: str) -> np.ndarray:
    """Interpolate with SimpleITK, where its cost depends on the new grid alone."""
    filter_ = sitk.ResampleImageFilter()
    filter_.SetOutputSpacing(grid.spacing)
    filter_.SetOutputDirection(image.GetDirection())
    filter_.SetSize(grid.size)
    filter_.SetOutputOrigin(grid.origin)
    filter_.SetOutputPixelType(image.GetPixelID())
    filter_.SetInterpolator(getattr(sitk, interpolator))
    return sitk.GetArrayFromImage(filter_.Execute(image))


INTERPOLATORS: dict[str, Callable[[np.ndarray, np.ndarray, np.ndarray, Grid], np.ndarray]] = {
    "sitkBSpline": _spline, "sitkLinear": _linear, "sitkNearestNeighbor": _taken}
