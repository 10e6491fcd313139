"""From the image as read to the grey values that are measured: normalised, resampled or cropped, resegmented.

Everything follows PyRadiomics 3.0.1 (imageoperations.py, featureextractor.py) to the last bit, but a region touches
only the part of the image that it needs.  Arrays run z, y, x; what ITK calls an index runs x, y, z.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import Any

import numpy as np
import SimpleITK as sitk

from radnb.features.engine.grid import Box, bounding_box, crop_box, resampled_grid, unchanged, wanted_spacing
from radnb.features.engine.region import Region
from radnb.features.engine.resample import resample_image, resample_mask
from radnb.features.engine.source import Source, source
from radnb.imaging.faults import ImageFault
from radnb.imaging.regions import Pair

PAD_DISTANCE = 5  # voxels kept around the region for the filters: PyRadiomics' default, as is the interpolator
INTERPOLATOR = "sitkBSpline"


@dataclass(frozen=True)
class Prepared:
    """An image after the steps that all its regions share."""

    source: Source
    setting: Mapping[str, Any]
    shared: dict[str, Any] = field(default_factory=dict)  # what filters know of the whole image

    def region(self, pair: Pair) -> Region:
        """Return what is measured of one region; ImageFault where PyRadiomics would refuse it."""
        inside = sitk.GetArrayViewFromImage(pair.mask).view(bool)
        if pair.size == pair.image.GetSize() and inside.all():
            raise self._refused("No labels found in this mask (i.e. nothing is segmented)!")
        volume, mask, spacing = self._gridded(inside, pair)
        own = volume.shape == inside.shape and not self._regridded
        found = Region(volume, mask, mask, spacing, self.shared if own else {}, owner=(self, pair),
                       cut=_box(pair) if own else None)
        self._check(found)
        return self._resegmented(found)

    @property
    def _regridded(self) -> bool:
        return self.setting.get("resampledPixelSpacing") is not None

    def _gridded(self, inside: np.ndarray, pair: Pair) -> tuple[np.ndarray, np.ndarray, tuple[float, float, float]]:
        """Return grey values, mask and spacing on the grid of the features, with what filters need around them."""
        image = self.source.image
        own = image.GetSpacing()
        pad = self.setting.get("padDistance", PAD_DISTANCE)
        if not self._regridded and not self.setting.get("preCrop"):
            return self.source.whole, inside, (own[2], own[1], own[0])
        spacing = wanted_spacing(image, pair.size, self.setting.get("resampledPixelSpacing") or (0, 0, 0))
        if unchanged(image, spacing):
            crop = crop_box(inside.shape, _box(pair), pad)
            return self.source.part(crop), np.ascontiguousarray(inside[crop]), (own[2], own[1], own[0])
        grid = resampled_grid(image, pair.lower, pair.size, spacing, pad)
        mask = resample_mask(inside, grid)
        if not mask.any():
            raise self._refused("Label (1) not present in mask")
        values = resample_image(self.source, grid, self.setting.get("interpolator", INTERPOLATOR))
        return values, mask, (grid.spacing[2], grid.spacing[1], grid.spacing[0])

    def _check(self, region: Region) -> None:
        """Refuse what PyRadiomics' checkMask refuses."""
        least, smallest = self.setting.get("minimumROIDimensions", 2), self.setting.get("minimumROISize")
        dimensions = sum(span.stop - span.start > 1 for span in region.box)
        if dimensions == 0:
            raise self._refused("mask only contains 1 segmented voxel! Cannot extract features for a single voxel.")
        if dimensions < least:
            raise self._refused(f"mask has too few dimensions (number of dimensions {dimensions}, "
                                f"minimum required {least})")
        if smallest is not None and (size := int(region.mask[region.box].sum())) <= smallest:
            raise self._refused(f"Size of the ROI is too small (minimum size: {smallest:g}, ROI size: {size:g}")

    def _resegmented(self, region: Region) -> Region:
        """Keep the voxels within resegmentRange; the shape is that of the whole region unless resegmentShape is set.

        PyRadiomics crops to the box of what is kept before it measures the shape, whichever mask it measures.
        """
        if self.setting.get("resegmentRange") is None:
            return region
        inside, values = region.mask[region.box], region.volume[region.box]
        kept = inside.copy()
        kept[inside] = self._within(values[inside])
        if (left := int(kept.sum())) <= 1:
            raise self._refused("Resegmentation excluded too many voxels with label 1 (retained "
                                f"{left} voxel(s))! Cannot extract features")
        mask, shape_mask = np.zeros_like(region.mask), np.zeros_like(region.mask)
        mask[region.box] = kept
        found = replace(region, mask=mask, shape_mask=shape_mask, cut=_part(region.box, bounding_box(kept)))
        shape_mask[found.box] = (mask if self.setting.get("resegmentShape") else region.mask)[found.box]
        self._check(found)
        return found

    def _within(self, values: np.ndarray) -> np.ndarray:
        """Say which grey values lie within the limits, computed in the image's own scalar type as numpy does it."""
        wanted, mode = sorted(self.setting["resegmentRange"]), self.setting.get("resegmentMode", "absolute")
        if mode == "relative":
            largest = values.max()
            wanted = [largest * limit for limit in wanted]
        elif mode == "sigma":
            mean, spread = np.mean(values), np.std(values)
            wanted = [mean + spread * limit for limit in wanted]
        kept = values >= wanted[0]
        return kept & (values <= wanted[1]) if len(wanted) == 2 else kept

    def _refused(self, reason: str) -> ImageFault:
        step = "resampling" if self._regridded else "resegmentation"
        return ImageFault(f"Too little of the region is left after {step} ({reason}).",
                          "Choose a finer resampledPixelSpacing or a wider resegmentRange, or leave the case out.",
                          code="E_RESAMPLE", column="mask")


def prepare_image(image: sitk.Image, setting: Mapping[str, Any]) -> Prepared:
    """Return an image with everything done that its regions share: normalisation."""
    return Prepared(source(image, setting), setting)


def _box(pair: Pair) -> Box:
    x, y, z = (slice(low, low + n) for low, n in zip(pair.lower, pair.size, strict=True))
    return z, y, x


def _part(box: Box, inner: Box) -> Box:
    """Return where a part of a box lies in the whole."""
    z, y, x = (slice(span.start + part.start, span.start + part.stop) for span, part in zip(box, inner, strict=True))
    return z, y, x
