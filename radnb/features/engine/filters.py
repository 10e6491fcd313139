"""Image types: each filter gives its images box by box, named and typed as PyRadiomics 3.0.1 gives them."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator, Mapping
from typing import Any

import numpy as np
import SimpleITK as sitk

from radnb.features import scales
from radnb.features.catalogue import filters
from radnb.features.engine.grid import crop_box, within
from radnb.features.engine.lbp import local_binary_patterns
from radnb.features.engine.log import laplacian_of_gaussian
from radnb.features.engine.region import Region
from radnb.features.engine.sphere import spherical_patterns
from radnb.features.engine.wavelet import bands
from radnb.imaging.faults import ImageFault

Images = Iterator[tuple[str, np.ndarray]]


def original(region: Region, options: Mapping[str, Any]) -> Images:
    """Yield the image itself."""
    yield "original", np.ascontiguousarray(region.volume[region.box])


def log(region: Region, options: Mapping[str, Any]) -> Images:
    """Yield the Laplacian of Gaussian at each sigma (mm)."""
    for name, sigma in zip(filters("LoG", options), options["sigma"], strict=True):
        if too_small(region, sigma):
            size = " x ".join(map(str, region.volume.shape[::-1]))
            raise ImageFault(f"PyRadiomics gives no image {name}: the image ({size} voxels) is too small for it.",
                             "Take this filter out of the extraction settings, or leave the case out.",
                             code="E_FILTER")
        yield name, laplacian_of_gaussian(region.volume, region.box, region.spacing, sigma)


def too_small(region: Region, sigma: float) -> bool:
    """Say whether PyRadiomics would pass over a LoG image with no more than a warning."""
    sizes = region.volume.shape
    return min(sizes) < 4 or any(n < math.ceil(sigma / step) + 1 for n, step in zip(sizes, region.spacing, strict=True))


def spatial_scale(region: Region, options: Mapping[str, Any]) -> Images:
    """Yield the Laplacian of Gaussian that answers most to discs of each radius (mm)."""
    radii = options["radius_mm"]
    images = log(region, {**options, "sigma": [scales.sigma(radius) for radius in radii]})
    for name, (_, image) in zip(filters("SSF", options), images, strict=True):
        yield name, image


def wavelet(region: Region, options: Mapping[str, Any]) -> Images:
    """Yield the bands of each level, and the approximation of the last."""
    axes = [axis for axis in (2, 1, 0) if not (options.get("force2D") and axis == options.get("force2Ddimension", 0))]
    found = bands(region.volume, region.box, axes, options.get("wavelet", "coif1"),
                  start_level=options.get("start_level", 0), levels=options.get("level", 1))
    for level, letters, voxels in found:
        yield f"wavelet{'' if level == 1 else level}-{letters}", voxels


def square(region: Region, options: Mapping[str, Any]) -> Images:
    """Yield the squares, scaled to the range of the image."""
    values = _doubles(region)
    yield "square", (1 / np.sqrt(_largest(region)) * values) ** 2


def square_root(region: Region, options: Mapping[str, Any]) -> Images:
    """Yield the square roots of the sizes, with the signs of the image, scaled to its range."""
    values, largest = _doubles(region), _largest(region)
    above, below = values > 0, values < 0
    values[above] = np.sqrt(values[above] * largest)
    values[below] = -np.sqrt(-values[below] * largest)
    yield "squareroot", values


def logarithm(region: Region, options: Mapping[str, Any]) -> Images:
    """Yield the logarithms of one plus the sizes, with the signs of the image, scaled to its range."""
    values, largest = _doubles(region), _largest(region)
    above, below = values > 0, values < 0
    values[above] = np.log(values[above] + 1)
    values[below] = -np.log(-(values[below] - 1))
    yield "logarithm", values * (largest / np.log(np.array([largest]) + 1)[0])


def exponential(region: Region, options: Mapping[str, Any]) -> Images:
    """Yield the exponentials, scaled to the range of the image."""
    largest = _largest(region)
    yield "exponential", np.exp(np.log(largest) / largest * _doubles(region))


def gradient(region: Region, options: Mapping[str, Any]) -> Images:
    """Yield the length of the gradient (per mm unless gradientUseSpacing is false)."""
    around = crop_box(region.volume.shape, region.box, 1)
    image = sitk.GetImageFromArray(region.volume[around])
    image.SetSpacing(region.spacing[::-1])
    found = sitk.GetArrayFromImage(sitk.GradientMagnitude(image, options.get("gradientUseSpacing", True)))
    yield "gradient", np.ascontiguousarray(found[within(around, region.box)])


def lbp_2d(region: Region, options: Mapping[str, Any]) -> Images:
    """Yield the local binary patterns in slices."""
    yield "lbp-2D", local_binary_patterns(region.volume, region.box, options.get("force2Ddimension", 0),
                                          radius=options.get("lbp2DRadius", 1), samples=options.get("lbp2DSamples", 8),
                                          method=options.get("lbp2DMethod", "uniform"))


def lbp_3d(region: Region, options: Mapping[str, Any]) -> Images:
    """Yield the power of the local binary pattern at each level of spherical harmonics, and the kurtosis."""
    if options.get("lbp3DLevels", 2) < 2:
        raise ImageFault("PyRadiomics stops at lbp3DLevels: 1.", "Set lbp3DLevels: 2 or more.", code="E_PYRADIOMICS")
    found = spherical_patterns(region.volume, region.mask[region.box], region.box,
                               levels=options.get("lbp3DLevels", 2), radius=options.get("lbp3DIcosphereRadius", 1),
                               subdivisions=options.get("lbp3DIcosphereSubdivision", 1))
    yield from zip(filters("LBP3D", options), found, strict=True)


def _doubles(region: Region) -> np.ndarray:
    return region.volume[region.box].astype(np.float64, order="C")


def _largest(region: Region) -> np.float64:
    """Return the largest size of a grey value in the whole image, not only in the region: as PyRadiomics scales."""
    return region.known("largest", lambda volume: max(abs(np.float64(volume.min())), abs(np.float64(volume.max()))))


FILTERS: dict[str, Callable[[Region, Mapping[str, Any]], Images]] = {
    "Original": original, "LoG": log, "Wavelet": wavelet, "Square": square, "SquareRoot": square_root,
    "Logarithm": logarithm, "Exponential": exponential, "Gradient": gradient, "LBP2D": lbp_2d, "LBP3D": lbp_3d,
    "SSF": spatial_scale}
