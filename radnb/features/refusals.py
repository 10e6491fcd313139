"""Images and regions that no engine should measure: the numbers would not mean anything."""

from __future__ import annotations

import numpy as np
import SimpleITK as sitk

from radnb.features.wanted import Settings
from radnb.imaging.faults import ImageFault
from radnb.imaging.regions import Pair


def refuse_image(image: sitk.Image, settings: Settings) -> None:
    """Refuse voxels without a finite value where resampling, normalising or filters would spread them."""
    spreads = settings.resampled or set(settings.image_types) != {"Original"} or settings.setting.get("normalize")
    voxels = sitk.GetArrayViewFromImage(image)
    if spreads and voxels.dtype.kind == "f" and (wrong := voxels.size - int(np.count_nonzero(np.isfinite(voxels)))):
        raise ImageFault(f"{wrong} voxels of the image have no finite value; filters and resampling would spread "
                         "them.", "Fill them, or extract the original image without resampling.", code="E_NONFINITE")


def refuse_region(pair: Pair, settings: Settings) -> None:
    """Refuse a region within one slice (unless asked for) and one whose voxels are all equal."""
    if sum(length > 1 for length in pair.size) < settings.setting["minimumROIDimensions"]:
        raise ImageFault("The region lies within one slice, so that three-dimensional features mean nothing.",
                         "Draw the whole tumour, or set force2D: true (or minimumROIDimensions: 2) in the "
                         "extraction settings.", code="E_FLAT", column="mask")
    refuse_constant(pair.values())


def refuse_constant(values: np.ndarray) -> None:
    """Refuse a region whose voxels are all equal."""
    if values.min() == values.max():
        raise ImageFault(f"Every voxel of the region has the value {values.flat[0]:g}: there is no texture.",
                         "Look at image and mask together: one of them is wrong.", code="E_CONSTANT", column="mask")


def too_wide(width: float, scalar: str) -> ImageFault:
    """Return the fault of a bin width that the image's whole numbers cannot hold: numpy stops there."""
    return ImageFault(f"binWidth {width:g} is beyond the range of the image's whole numbers ({scalar}).",
                      "Choose a binWidth well below the range of grey values in the region, or binCount: 32.",
                      code="E_BINS")
