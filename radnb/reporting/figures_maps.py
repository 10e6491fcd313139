"""A feature map laid over the slice it was made from."""

from __future__ import annotations

import math

import numpy as np
import SimpleITK as sitk
from matplotlib.figure import Figure

from radnb.features.names import short_name
from radnb.reporting import style

COLOURS = "viridis"  # even steps for the eye, also without colour vision
AROUND_MM = 15.0  # shown around the region


def feature_map(image: sitk.Image, found: sitk.Image, mask: sitk.Image, name: str, *, label: int = 1,
                z_mm: float | None = None, window: tuple[float, float] | None = None,
                limits: tuple[float, float] | None = None) -> Figure:
    """Draw a map (of `feature_maps`) inside the region of one slice, over the image.

    `z_mm` is the slice's place (None: the slice with most of the region), `window` the lowest and highest grey value,
    `limits` the ends of the colours (None: the middle 98 % of this slice; give them where pictures are compared).
    Image and mask may lie on another grid than the map, as they do after resampling.
    """
    margin = [math.ceil(AROUND_MM / length) for length in found.GetSpacing()[:2]] + [0]
    wide = sitk.ConstantPad(found, margin, margin, math.nan)
    grey = _array(sitk.Resample(image, wide, sitk.Transform(), sitk.sitkLinear, float(_array(image).min())))
    inside = _array(sitk.Resample(mask, wide, sitk.Transform(), sitk.sitkNearestNeighbor)) == label
    z = int(inside.sum(axis=(1, 2)).argmax()) if z_mm is None else _slice(wide, z_mm)
    values = np.where(inside, _array(wide), np.nan)
    with style.styled():
        figure = style.sheet(style.SINGLE, 0.8 * style.SINGLE)
        axes = figure.add_subplot()
        low, high = window or np.percentile(grey[z], (1, 99))
        aspect = found.GetSpacing()[1] / found.GetSpacing()[0]
        axes.imshow(grey[z], cmap="gray", vmin=low, vmax=high, aspect=aspect, interpolation="nearest")
        least, most = limits or np.nanpercentile(values[z], (1, 99))  # the ends of a region would outshine its middle
        shown = axes.imshow(values[z], cmap=COLOURS, vmin=least, vmax=most, aspect=aspect, interpolation="nearest")
        axes.set_axis_off()
        figure.colorbar(shown, ax=axes, shrink=0.8, label=short_name(name), extend="both")
        return figure


def _array(image: sitk.Image) -> np.ndarray:
    return sitk.GetArrayFromImage(image)


def _slice(image: sitk.Image, z_mm: float) -> int:
    """Return the slice that is nearest to a place along z."""
    places = [image.TransformIndexToPhysicalPoint((0, 0, z))[2] for z in range(image.GetSize()[2])]
    return int(np.argmin(np.abs(np.array(places) - z_mm)))
