"""The spatial-scale filter (image type SSF), for the engines that give PyRadiomics' values.

Filtration-histogram texture analysis names its Laplacian of Gaussian by the radius in mm of the structures that it
brings out, 2 to 6 as a rule (Ganeshan et al., Radiology 2013;266:326-336; Miles et al., Cancer Imaging 2013;13:
400-406): the filter answers most to a disc of radius sigma * sqrt 2.  It is PyRadiomics' image type LoG at that sigma,
so both engines know it.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator, Mapping
from typing import Any

import numpy as np

from radnb.features.catalogue import filters
from radnb.features.engine.region import Region
from radnb.features.wanted import Settings

Filter = Callable[[Region, Mapping[str, Any]], Iterator[tuple[str, np.ndarray]]]


def sigma(radius_mm: float) -> float:
    """Return the sigma (mm) of the Laplacian of Gaussian that answers most to discs of a radius."""
    return radius_mm / math.sqrt(2)


def spatial_scale(log: Filter) -> Filter:
    """Return the image type SSF, made with an engine's own LoG."""
    def scales(region: Region, options: Mapping[str, Any]) -> Iterator[tuple[str, np.ndarray]]:
        radii = options["radius_mm"]
        images = log(region, {**options, "sigma": [sigma(radius) for radius in radii]})
        for name, (_, image) in zip(filters("SSF", options), images, strict=True):
            yield name, image
    return scales


def for_pyradiomics(settings: Settings) -> list[tuple[dict[str, Any], dict[str, str]]]:
    """Return the parameters for PyRadiomics, and what its images are called here: SSF is a LoG of its own run."""
    card = settings.card
    options = card["imageType"].pop("SSF", None)
    if options is None:
        return [(card, {})]
    radii = options.pop("radius_mm", None) or card["setting"]["radius_mm"]
    sigmas = [sigma(radius) for radius in radii]
    classes = {kind: features for kind, features in card["featureClass"].items() if not kind.startswith("shape")}
    own = {"imageType": {"LoG": {**options, "sigma": sigmas}}, "featureClass": classes, "setting": card["setting"]}
    names = dict(zip(filters("LoG", {"sigma": sigmas}), filters("SSF", {"radius_mm": radii}), strict=True))
    return [*([(card, {})] if card["imageType"] or len(classes) < len(card["featureClass"]) else []), (own, names)]
