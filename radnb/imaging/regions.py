"""A region: an image and the one label of its mask, on the same grid, with voxels that mean something."""

from __future__ import annotations

import itertools
import math
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import SimpleITK as sitk

from radnb.imaging.faults import ImageFault, short
from radnb.imaging.volumes import Loaded, read_volume

TOLERANCE_MM = 0.01  # grids closer than this everywhere are one grid, written with rounding
MINIMUM_VOXELS = 8


@dataclass(frozen=True)
class Pair:
    """An image and a mask of ones inside the region, on exactly the image's grid."""

    image: sitk.Image
    mask: sitk.Image  # 8-bit, 1 inside
    lower: tuple[int, int, int]  # first index of the region's box along x, y, z
    size: tuple[int, int, int]  # voxels of the region's box along x, y, z

    @property
    def box(self) -> tuple[slice, slice, slice]:
        """Return the region's bounding box along z, y, x."""
        x, y, z = (slice(low, low + n) for low, n in zip(self.lower, self.size, strict=True))
        return z, y, x

    @property
    def voxels(self) -> int:
        """Return how many voxels the region has."""
        return int(np.count_nonzero(sitk.GetArrayViewFromImage(self.mask)[self.box]))

    def values(self) -> np.ndarray:
        """Return the grey values inside the region."""
        inside = sitk.GetArrayViewFromImage(self.mask)[self.box] == 1
        return sitk.GetArrayViewFromImage(self.image)[self.box][inside]

    @property
    def flat(self) -> bool:
        """Say whether the region lies within a single slice."""
        return 1 in self.size


def read_pair(image: Path | str, mask: Path | str, label: int = 1, *, tolerance_mm: float = TOLERANCE_MM,
              minimum_voxels: int = MINIMUM_VOXELS) -> Pair:
    """Read an image and one label of a mask, refusing every pair whose numbers would not mean anything."""
    return region(read_volume(image), Path(mask), label, name=short(Path(image)), tolerance_mm=tolerance_mm,
                  minimum_voxels=minimum_voxels)


def region(image: sitk.Image, mask: Loaded | Path, label: int = 1, *, name: str, tolerance_mm: float = TOLERANCE_MM,
           minimum_voxels: int = MINIMUM_VOXELS) -> Pair:
    """Read one label of a mask for an image already in memory; `name` is what errors call the image."""
    mask_name = short(mask.path if isinstance(mask, Loaded) else mask)
    try:
        drawn = read_volume(mask)
    except ImageFault as fault:
        raise ImageFault(fault.problem, fault.mend, code=fault.code, column="mask") from fault
    return region_of(image, drawn, label, name=name, mask_name=mask_name, tolerance_mm=tolerance_mm,
                     minimum_voxels=minimum_voxels)


def region_of(image: sitk.Image, drawn: sitk.Image, label: int = 1, *, name: str, mask_name: str,
              tolerance_mm: float = TOLERANCE_MM, minimum_voxels: int = MINIMUM_VOXELS) -> Pair:
    """Return one label of a mask for an image, both already in memory, with the same refusals."""
    _refuse_other_grid(image, drawn, name, mask_name, tolerance_mm)
    inside = _labelled(sitk.GetArrayViewFromImage(drawn), label, mask_name)
    ones = sitk.GetImageFromArray(inside.view(np.uint8))
    ones.CopyInformation(image)
    pair = Pair(image, ones, *_box(inside))
    _refuse_sizes(pair, mask_name, minimum_voxels)
    _refuse_non_finite(pair, name)
    return pair


def geometry(image: sitk.Image) -> str:
    """Write a grid as words: size, spacing, origin and, where it is not the identity, direction."""
    words = [f"size {' x '.join(map(str, image.GetSize()))}",
             f"spacing {_numbers(image.GetSpacing())} mm", f"origin {_numbers(image.GetOrigin())} mm"]
    direction = np.round(image.GetDirection(), 4).tolist()
    if direction != np.eye(3).ravel().tolist():
        words.append(f"direction {_numbers(direction)}")
    return ", ".join(words)


def _numbers(values: tuple[float, ...] | list[float]) -> str:
    return "(" + ", ".join(f"{value:.7g}" for value in values) + ")"


def corner_distance_mm(one: sitk.Image, other: sitk.Image) -> float:
    """Return how far apart, at most, the same corner voxel of two grids of one size lies."""
    corners = list(itertools.product(*((0.0, n - 1.0) for n in one.GetSize())))
    pairs = ((one.TransformContinuousIndexToPhysicalPoint(c), other.TransformContinuousIndexToPhysicalPoint(c))
             for c in corners)
    return max(float(np.linalg.norm(np.subtract(a, b))) for a, b in pairs)


def _refuse_other_grid(image: sitk.Image, mask: sitk.Image, name: str, mask_name: str, tolerance_mm: float) -> None:
    grids = f"Image {name}: {geometry(image)}. Mask {mask_name}: {geometry(mask)}."
    mend = ("Redraw the mask on this image, or resample it onto the image's grid (nearest neighbour) and look at "
            "the result; masks are never resampled here unseen.")
    if image.GetSize() != mask.GetSize():
        raise ImageFault(f"Image and mask differ in size. {grids}", mend, code="E_GEOM", column="mask")
    if not (distance := corner_distance_mm(image, mask)) <= tolerance_mm:
        raise ImageFault(f"Image and mask lie up to {distance:.4g} mm apart (tolerance {tolerance_mm:g} mm). {grids}",
                         mend, code="E_GEOM", column="mask")


def _labelled(drawn: np.ndarray, label: int, name: str) -> np.ndarray:
    if drawn.dtype.kind == "f" and not np.array_equal(drawn, np.rint(drawn)):
        raise ImageFault(f"Mask {name} holds values between whole numbers (a soft or probability mask).",
                         "Threshold it first and save whole labels.", code="E_MASK_SOFT", column="mask")
    inside = drawn == label
    if inside.any():
        return inside
    if not drawn.any():
        raise ImageFault(f"Mask {name} is empty.", "Draw the region, or take this row out of the manifest.",
                         code="E_MASK_EMPTY", column="mask")
    found = [int(value) for value in np.unique(drawn) if value != 0]
    listed = ", ".join(map(str, found[:20])) + (" ..." if len(found) > 20 else "")
    mend = f"Set label={found[0]} for this row, or redraw the mask." if len(found) == 1 else \
        "Set the label of this row to the one you mean, or redraw the mask."
    raise ImageFault(f"Mask {name} holds no label {label} (found: {listed}).", mend, code="E_LABEL", column="mask")


def _refuse_sizes(pair: Pair, name: str, minimum_voxels: int) -> None:
    voxels = pair.voxels
    if voxels == math.prod(pair.image.GetSize()):
        raise ImageFault(f"Mask {name} covers the whole image.", "Draw the region only.", code="E_MASK_FULL",
                         column="mask")
    if voxels < minimum_voxels:
        raise ImageFault(f"Mask {name}: the region has {voxels} voxel{'s' * (voxels != 1)}, "
                         f"fewer than {minimum_voxels}.",
                         "Redraw it, leave the case out, or lower minimumROISize in the extraction settings.",
                         code="E_ROI_SMALL", column="mask")


def _box(inside: np.ndarray) -> tuple[tuple[int, int, int], tuple[int, int, int]]:
    """Return the bounding box along x, y, z: slices first, so that only these are searched further."""
    z = _span(inside.reshape(len(inside), -1).any(axis=1))
    plane = np.asarray(inside[z[0]:z[0] + z[1]].any(axis=0))
    y, x = _span(plane.any(axis=1)), _span(plane.any(axis=0))
    return (x[0], y[0], z[0]), (x[1], y[1], z[1])


def _span(found: np.ndarray | np.generic) -> tuple[int, int]:
    first, last = np.flatnonzero(found)[[0, -1]]
    return int(first), int(last - first + 1)


def _refuse_non_finite(pair: Pair, name: str) -> None:
    wrong = int((~np.isfinite(pair.values())).sum())
    if wrong:
        raise ImageFault(f"Image {name} has {wrong} voxel{'s' * (wrong != 1)} without a finite value (NaN or "
                         "infinite) inside the region.",
                         "Export the image again, or fill these voxels and say so in your methods.",
                         code="E_NONFINITE")
