"""Images and regions that no engine should measure: the numbers would not mean anything."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
import SimpleITK as sitk

from radnb.features.wanted import Settings
from radnb.imaging.faults import ImageFault
from radnb.imaging.regions import Pair

MOST_LEVELS = 10_000_000  # whose edges alone take 80 MB; thousands mean nothing already, and are warned of


def refuse_image(image: sitk.Image, settings: Settings) -> None:
    """Refuse voxels without a finite value where resampling, normalising or filters would spread them."""
    spreads = settings.resampled or set(settings.image_types) != {"Original"} or settings.setting.get("normalize")
    voxels = sitk.GetArrayViewFromImage(image)
    if spreads and voxels.dtype.kind == "f" and (wrong := voxels.size - int(np.count_nonzero(np.isfinite(voxels)))):
        raise ImageFault(f"{wrong} voxel{'s' * (wrong != 1)} of the image without a finite value (NaN or infinite): "
                         "filters and resampling would spread them.",
                         "Fill them, or extract the original image without resampling.", code="E_NONFINITE")


def refuse_region(pair: Pair, settings: Settings) -> None:
    """Refuse a region within one slice (unless asked for) and one whose voxels are all equal."""
    dimensions, least = sum(length > 1 for length in pair.size), settings.setting["minimumROIDimensions"]
    if dimensions < min(least, 2):
        raise ImageFault("The region is a single line of voxels, so that its features mean nothing.",
                         "Draw the whole tumour, or leave the case out.", code="E_FLAT", column="mask")
    if dimensions < least:
        raise ImageFault("The region lies within one slice, so that three-dimensional features mean nothing.",
                         "Draw the whole tumour, or set force2D: true (or minimumROIDimensions: 2) in the "
                         "extraction settings.", code="E_FLAT", column="mask")
    refuse_constant(pair.values())


def refuse_constant(values: np.ndarray) -> None:
    """Refuse a region whose voxels are all equal."""
    if values.min() == values.max():
        raise ImageFault(f"Every voxel of the region has the value {values.flat[0]:g}: there is no texture.",
                         "Look at image and mask together: one of them is wrong.", code="E_CONSTANT", column="mask")


def refuse_too_many(least: float, most: float, options: Mapping[str, Any]) -> None:
    """Refuse a bin width that would cut the grey values into more bins than memory holds."""
    width = options.get("binWidth", 25)
    if not options.get("binCount") and (most - least) / width > MOST_LEVELS:
        raise ImageFault(f"binWidth {width:g} would cut grey values from {least:.4g} to {most:.4g} into more grey "
                         "levels than memory holds.", "Look at the image's units and extreme values, choose a wider "
                         "binWidth, or limit the values by resegmentRange.", code="E_BINS")


def too_wide(width: float, scalar: str) -> ImageFault:
    """Return the fault of a bin width that the image's whole numbers cannot hold: numpy stops there."""
    return ImageFault(f"binWidth {width:g} is beyond the range of the image's whole numbers ({scalar}).",
                      "Choose a binWidth well below the range of grey values in the region, or binCount: 32.",
                      code="E_BINS")
