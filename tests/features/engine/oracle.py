"""PyRadiomics' own feature classes as the oracle of the engine's, and regions of every awkward kind."""

from __future__ import annotations

import warnings
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import pytest
import SimpleITK as sitk

from radnb.features.catalogue import FEATURES, ON_REQUEST
from radnb.features.engine.texture import Roi, measure

pytest.importorskip("radiomics", reason="PyRadiomics is the oracle")
from radiomics import firstorder, glcm, gldm, glrlm, glszm, ngtdm

CLASSES = {"firstorder": firstorder.RadiomicsFirstOrder, "glcm": glcm.RadiomicsGLCM, "glrlm": glrlm.RadiomicsGLRLM,
           "glszm": glszm.RadiomicsGLSZM, "gldm": gldm.RadiomicsGLDM, "ngtdm": ngtdm.RadiomicsNGTDM}
WANTED = {name: FEATURES[name] + ON_REQUEST.get(name, ()) for name in CLASSES}
SPACING = (2.5, 0.7, 1.0)


def theirs(image: np.ndarray, mask: np.ndarray, setting: Mapping[str, Any],
           classes: Sequence[str] = tuple(CLASSES)) -> dict[str, float]:
    """Return PyRadiomics' values of a box."""
    volume, region = sitk.GetImageFromArray(image), sitk.GetImageFromArray(mask.astype(np.uint8))
    volume.SetSpacing(SPACING[::-1])
    region.CopyInformation(volume)
    found: dict[str, float] = {}
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # it divides by zero, and says so
        for name in classes:
            features = CLASSES[name](volume, region, **setting)
            for feature in WANTED[name]:
                features.enableFeatureByName(feature)
            found |= {f"{name}_{feature}": float(value) for feature, value in features.execute().items()}
    return found


def ours(image: np.ndarray, mask: np.ndarray, setting: Mapping[str, Any],
         classes: Sequence[str] = tuple(CLASSES)) -> dict[str, float]:
    """Return the engine's values of a box."""
    return measure(Roi(mask, SPACING, setting), image, {name: WANTED[name] for name in classes}, setting)[0]


def boxed(image: np.ndarray, mask: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Cut image and mask to the mask's bounding box."""
    box = tuple(slice(places.min(), places.max() + 1) for places in np.nonzero(mask))
    return np.ascontiguousarray(image[box]), np.ascontiguousarray(mask[box])


def deviating(found: Mapping[str, float], expected: Mapping[str, float], within: float = 1e-9) -> dict[str, Any]:
    """Return the values that deviate: relatively, or by more than 1e-12 where rounding makes all of a small value."""
    return {name: (found[name], value) for name, value in expected.items()
            if not np.isclose(found[name], value, rtol=within, atol=1e-12, equal_nan=True)}


def region(seed: int, shape: tuple[int, int, int], share: float = 1.0, kind: str = "float32", spread: float = 60,
           smooth: bool = True) -> tuple[np.ndarray, np.ndarray]:
    """Return image and mask: textured, with holes and several parts where the share is small."""
    random = np.random.default_rng(seed)
    image = random.normal(100, spread, shape)
    if smooth:
        image = (image + np.roll(image, 1, 1) + np.roll(image, 1, 2)) / 3
    return boxed(image.astype(kind), random.random(shape) < share)
