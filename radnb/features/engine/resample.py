"""Grey values and masks on a new grid: ITK's interpolators, computed only from the part of the image that counts."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import SimpleITK as sitk

from radnb.features.engine import native
from radnb.features.engine.grid import Box, Grid, crop_box
from radnb.features.engine.source import Source

SPLINE_MARGIN = 40  # voxels beyond the region: a spline's memory is 0.268 per voxel, so that nothing of 1e-16 is left


def resample_image(source: Source, grid: Grid, interpolator: str) -> np.ndarray:
    """Return the image's grey values on a grid, 0 outside the image, in the image's own scalar type."""
    if interpolator not in INTERPOLATORS:
        return _by_itk(source.as_image(), grid, interpolator)
    return _as(source.kind, INTERPOLATORS[interpolator](source, grid))


def resample_mask(mask: np.ndarray, grid: Grid) -> np.ndarray:
    """Return a mask on the image's grid at the nearest voxels of another grid, half-way rounded up as ITK does."""
    found = _nearest(mask.shape, grid)
    return mask.reshape(-1)[np.maximum(found, 0)] & (found >= 0)


def _spline(source: Source, grid: Grid) -> np.ndarray:
    shape = source.voxels.shape
    needed = _needed(shape, grid, 2)
    held = crop_box(shape, needed, SPLINE_MARGIN)
    found = source.part(held).astype(np.float64)
    for axis in (2, 1, 0):
        native.call("spline_coefficients", found, *found.shape, axis, 0)
        inner = [slice(None)] * 3
        inner[axis] = slice(needed[axis].start - held[axis].start, needed[axis].stop - held[axis].start)
        found = np.ascontiguousarray(found[tuple(inner)])
    return _interpolated("spline_resample", found, needed, shape, grid)


def _linear(source: Source, grid: Grid) -> np.ndarray:
    shape = source.voxels.shape
    needed = _needed(shape, grid, 1)
    return _interpolated("linear_resample", source.part(needed).astype(np.float64, copy=False), needed, shape, grid)


def _taken(source: Source, grid: Grid) -> np.ndarray:
    found = _nearest(source.voxels.shape, grid)
    taken = source.voxels.reshape(-1)[np.maximum(found, 0)]
    return np.where(found >= 0, source.scale(taken) if source.scale else taken, source.kind.type(0))


def _nearest(shape: tuple[int, ...], grid: Grid) -> np.ndarray:
    """Return the number of the nearest voxel in the image, or -1 outside."""
    found = np.empty(grid.shape, np.int64)
    starts, ends = grid.lines
    native.call("nearest_voxels", np.array(shape), starts, ends, len(starts), grid.size[0], found)
    return found


def _needed(shape: tuple[int, ...], grid: Grid, reach: int) -> Box:
    """Return the part of an image from which every voxel of a grid can be interpolated."""
    starts, ends = grid.lines
    low = np.floor(np.minimum(starts.min(axis=0), ends.min(axis=0))).astype(int)[::-1] - reach
    high = np.floor(np.maximum(starts.max(axis=0), ends.max(axis=0))).astype(int)[::-1] + reach + 1
    z, y, x = (slice(min(max(int(a), 0), n - 1), max(min(int(b), n), 1))
               for a, b, n in zip(low, high, shape, strict=True))
    return z, y, x


def _interpolated(kernel: str, held: np.ndarray, place: Box, full: tuple[int, ...], grid: Grid) -> np.ndarray:
    out, (starts, ends) = np.empty(grid.shape), grid.lines
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


INTERPOLATORS: dict[str, Callable[[Source, Grid], np.ndarray]] = {
    "sitkBSpline": _spline, "sitkLinear": _linear, "sitkNearestNeighbor": _taken}
