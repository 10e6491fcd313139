"""Preparing image and mask as IBSI-1 does: interpolation, rounding, resegmentation (manual, chapter 2)."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
import SimpleITK as sitk

from radnb.features.engine.region import Region
from radnb.features.ibsi.local import RADIUS_MM
from radnb.imaging.faults import ImageFault
from radnb.imaging.regions import MINIMUM_VOXELS, Pair

INTERPOLATORS = {"sitkNearestNeighbor": 0, "sitkLinear": 1, "sitkBSpline": 3}  # degree of the spline
_REACH = 32  # voxels after which a cubic spline has forgotten a value (0.27^32 < 1e-18)


@dataclass(frozen=True)
class Axis:
    """One axis of the new grid: where its voxels (from `first` on) lie, counted in voxels of the old one."""

    positions: np.ndarray
    length: int  # voxels of the old axis
    first: int = 0

    @property
    def moved(self) -> bool:
        """Say whether the new voxels lie elsewhere than the old ones."""
        return bool((self.positions % 1).any())


def axis(length: int, old: float, new: float) -> Axis:
    """Lay a grid of another spacing over an axis, both centred alike; the number of voxels is rounded up (UMPJ)."""
    if not new or new == old:
        return Axis(np.arange(length, dtype=float), length)
    count = int(np.ceil(round(length * old / new, 5)))
    return Axis(0.5 * (length - 1) + (np.arange(count) - 0.5 * (count - 1)) * new / old, length)


def _around(whole: Axis, lower: int, upper: int, margin: int) -> Axis:
    """Keep the new voxels that the old ones from `lower` to `upper` reach, and `margin` voxels more on both sides."""
    near = np.flatnonzero((whole.positions > lower - 1) & (whole.positions < upper + 1))
    if not near.size:  # a new voxel much larger than the region
        near = np.array([np.abs(whole.positions - (lower + upper) / 2).argmin()])
    first, last = max(int(near[0]) - margin, 0), min(int(near[-1]) + margin + 1, len(whole.positions))
    return Axis(whole.positions[first:last], whole.length, first)


def interpolated(array: np.ndarray, axes: tuple[Axis, ...], degree: int) -> np.ndarray:
    """Interpolate with splines of degree 0 (nearest), 1 or 3, axis by axis; beyond the image lies its edge."""
    for number, place in enumerate(axes):
        array = np.moveaxis(_along(np.moveaxis(array, number, 0), place, degree), 0, number)
    return np.ascontiguousarray(array)


def _along(array: np.ndarray, place: Axis, degree: int) -> np.ndarray:
    """Interpolate along the first axis."""
    if not place.moved:
        return array[place.positions.astype(int)]
    positions = np.clip(place.positions, 0, place.length - 1) if degree < 3 else place.positions
    if degree == 0:
        return array[np.floor(positions + 0.5).astype(int)]
    lower = np.floor(positions).astype(int)
    part = (positions - lower).reshape(-1, *[1] * (array.ndim - 1))
    if degree == 1:
        return array[lower] * (1 - part) + array[np.minimum(lower + 1, place.length - 1)] * part
    return _cubic(array, lower, part)


def _cubic(array: np.ndarray, lower: np.ndarray, part: np.ndarray) -> np.ndarray:
    from scipy.ndimage import spline_filter1d

    first, last = max(int(lower.min()) - _REACH, -_REACH), int(lower.max()) + _REACH
    around = array[np.clip(np.arange(first, last + 1), 0, len(array) - 1)]  # the edge goes on beyond the image
    waves = spline_filter1d(around.astype(float), axis=0, mode="mirror")
    weights = ((1 - part)**3 / 6, 2 / 3 - part**2 * (2 - part) / 2, 2 / 3 - (1 - part)**2 * (1 + part) / 2, part**3 / 6)
    return sum(weight * waves[lower - first + step] for weight, step in zip(weights, (-1, 0, 1, 2), strict=True))


@dataclass(frozen=True)
class Scale:
    """What grey values are multiplied by after their zero has been moved."""

    zero: float = 0.0
    factor: float = 1.0


def scale(image: sitk.Image, setting: Mapping[str, Any]) -> Scale:
    """Return how an image is normalised, if asked for: as PyRadiomics does it, by the image's mean and deviation."""
    if not setting.get("normalize"):
        return Scale()
    voxels = sitk.GetArrayViewFromImage(image)
    spread = float(voxels.std(dtype=float, ddof=1))
    return Scale(float(voxels.mean(dtype=float)), setting.get("normalizeScale", 1) / spread if spread else 0.0)


def prepared(pair: Pair, setting: Mapping[str, Any], *, margin_mm: float = RADIUS_MM, scaled: Scale | None = None
             ) -> Region:
    """Return the region after interpolation, scaling, rounding and resegmentation, with `margin_mm` of image around."""
    old = tuple(reversed(pair.image.GetSpacing()))
    wanted = tuple(reversed(setting.get("resampledPixelSpacing") or (0, 0, 0)))
    z, y, x = (float(step or own) for step, own in zip(wanted, old, strict=True))
    image, mask = sitk.GetArrayViewFromImage(pair.image), sitk.GetArrayViewFromImage(pair.mask)
    axes = tuple(
        _around(axis(length, own, step), low, low + size - 1, int(min(margin_mm / step + 1, length * own / step + 1)))
        for length, own, step, low, size in zip(image.shape, old, (z, y, x), reversed(pair.lower), reversed(pair.size),
                                                strict=True))
    volume = _image(image, axes, setting, scaled or Scale())
    inside = _mask(mask, axes, setting)
    _refuse_too_little(inside, setting, "resampling")
    counted = resegmented(volume, inside, setting)
    _refuse_too_little(counted, setting, "resegmentation")
    return Region(volume, counted, inside, (z, y, x))


def _image(image: np.ndarray, axes: tuple[Axis, ...], setting: Mapping[str, Any], scaled: Scale) -> np.ndarray:
    degree = INTERPOLATORS[setting.get("interpolator", "sitkBSpline")]
    volume = (interpolated(*_cut(image, axes, _REACH if degree == 3 else 1), degree) - scaled.zero) * scaled.factor
    return np.floor(volume + 0.5) if setting.get("roundIntensities") else volume


def _mask(mask: np.ndarray, axes: tuple[Axis, ...], setting: Mapping[str, Any]) -> np.ndarray:
    degree = INTERPOLATORS[setting.get("maskInterpolator", "sitkLinear")]
    share = interpolated(*_cut(mask, axes, _REACH if degree == 3 else 1), degree)
    return share >= setting.get("maskThreshold", 0.5) - 1e-9  # what is a half but for rounding is a half


def _cut(array: np.ndarray, axes: tuple[Axis, ...], margin: int) -> tuple[np.ndarray, tuple[Axis, ...]]:
    """Cut what the new voxels need out of an array, as floating-point numbers."""
    spans, shifted = [], []
    for place in axes:
        first = max(int(np.floor(place.positions[0])) - margin, 0)
        last = min(int(np.ceil(place.positions[-1])) + margin + 1, place.length)
        spans.append(slice(first, last))
        shifted.append(Axis(place.positions - first, last - first))
    return array[tuple(spans)].astype(float), tuple(shifted)


def resegmented(volume: np.ndarray, mask: np.ndarray, setting: Mapping[str, Any]) -> np.ndarray:
    """Keep the voxels within resegmentRange, and of these the ones within resegmentSigma deviations of their mean."""
    kept = mask.copy()
    if wanted := setting.get("resegmentRange"):
        kept &= (volume >= wanted[0]) & (volume <= (wanted[1] if len(wanted) == 2 else np.inf))
    if (sigma := setting.get("resegmentSigma")) and kept.any():
        values = volume[kept]
        kept &= np.abs(volume - values.mean()) <= sigma * values.std()
    return kept


def _refuse_too_little(mask: np.ndarray, setting: Mapping[str, Any], step: str) -> None:
    voxels = int(mask.sum())
    least = setting.get("minimumROISize", MINIMUM_VOXELS)
    lengths = [int(np.ptp(at)) + 1 for at in np.nonzero(mask)] if voxels else []
    if voxels < least or sum(length > 1 for length in lengths) < setting.get("minimumROIDimensions", 1):
        raise ImageFault(f"Too little of the region is left after {step} ({voxels} voxels, "
                         f"{' x '.join(map(str, reversed(lengths))) or 'none'}).",
                         "Choose a finer resampledPixelSpacing or a wider resegmentRange, or leave the case out.",
                         code="E_RESAMPLE", column="mask")
