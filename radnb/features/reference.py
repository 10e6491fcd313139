"""The reference engine: PyRadiomics 3.0.1, unmodified, given checked pairs and one thread."""

from __future__ import annotations

import functools
import json
import logging
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import replace
from typing import Any

import numpy as np
import SimpleITK as sitk

from radnb.errors import RadnbError
from radnb.features import scales
from radnb.features.bins import wraps
from radnb.features.catalogue import FEATURES, IBSI_TYPES, ON_REQUEST, filters
from radnb.features.refusals import refuse_image, refuse_region, refuse_too_many, too_wide
from radnb.features.values import WRAPPED, Values
from radnb.features.wanted import Settings
from radnb.imaging.faults import ImageFault
from radnb.imaging.regions import Pair

_PARTS = ("pyradiomics", "SimpleITK", "PyWavelets")


def version() -> str:
    """Return what the values depend on, as words; say how to mend it where PyRadiomics is not installed."""
    import importlib.metadata  # here, for the processes that measure do without it
    import importlib.util

    if importlib.util.find_spec("radiomics") is None:
        raise RadnbError("PyRadiomics is not installed, so no features can be computed. Run the set-up of the README "
                         "again (it builds PyRadiomics, with or without a compiler), or start from a finished "
                         "feature table.", code="E_NO_PYRADIOMICS")
    found = ", ".join(f"{part} {importlib.metadata.version(part)}" for part in _PARTS)
    return f"{found}, radnb reading 1"


def known_part(settings: Settings) -> Settings | None:
    """Return the part of the settings that PyRadiomics knows, or None where nothing is left of them."""
    from radnb.features.options import OF_RADNB  # here, for the processes that measure do without pydantic

    known = {kind: tuple(name for name in features if name in {*FEATURES[kind], *ON_REQUEST.get(kind, ())})
             for kind, features in settings.classes.items() if kind in FEATURES}
    classes = {kind: features for kind, features in known.items() if features}
    types = {kind: options for kind, options in settings.image_types.items() if kind not in IBSI_TYPES}
    if settings.ibsi or not types or not classes:
        return None
    own = {key: value for key, value in settings.setting.items() if key not in OF_RADNB or key == "radius_mm"}
    return replace(settings, image_types=types, classes=classes, setting=own)


def prepare(image: sitk.Image, settings: Settings) -> Callable[[Pair], Values]:
    """Return a function that gives the features of one region of `image`."""
    refuse_image(image, settings)
    parts = [(_extractor(json.dumps(card)), names) for card, names in cards(settings)]
    return functools.partial(_compute, parts, settings)


def cards(settings: Settings) -> list[tuple[dict[str, Any], dict[str, str]]]:
    """Return the parameters for PyRadiomics, and what its images are called here: SSF is a LoG of its own run."""
    card = settings.card
    options = card["imageType"].pop("SSF", None)
    if options is None:
        return [(card, {})]
    radii = options.pop("radius_mm", None) or card["setting"]["radius_mm"]
    sigmas = [scales.sigma(radius) for radius in radii]
    classes = {kind: features for kind, features in card["featureClass"].items() if not kind.startswith("shape")}
    own = {"imageType": {"LoG": {**options, "sigma": sigmas}}, "featureClass": classes, "setting": card["setting"]}
    names = dict(zip(filters("LoG", {"sigma": sigmas}), filters("SSF", {"radius_mm": radii}), strict=True))
    return [*([(card, {})] if card["imageType"] or len(classes) < len(card["featureClass"]) else []), (own, names)]


@functools.lru_cache(maxsize=4)
def _extractor(card: str) -> Any:
    from radiomics import featureextractor, imageoperations, setVerbosity

    setVerbosity(logging.CRITICAL)
    wanted = json.loads(card)  # checked already, so that PyRadiomics' own check (deprecated Python calls) is not needed

    class Observed(featureextractor.RadiomicsFeatureExtractor):
        """PyRadiomics' own extractor; beside it, the grey levels of each image are counted."""

        def computeFeatures(self, image: Any, mask: Any, imageTypeName: str, **kwargs: Any) -> Any:
            values = sitk.GetArrayViewFromImage(image)[sitk.GetArrayViewFromImage(mask) == kwargs.get("label", 1)]
            refuse_too_many(float(values.min()), float(values.max()), kwargs)
            levels = int(np.digitize(values.max(), imageoperations.getBinEdges(values, **kwargs)))
            self.levels[imageTypeName] = WRAPPED if wraps(values.dtype, float(values.max()), kwargs) else levels
            return super().computeFeatures(image, mask, imageTypeName, **kwargs)

    extractor = Observed(additionalInfo=False, **wanted["setting"])
    extractor.disableAllImageTypes()
    extractor.enableImageTypes(**wanted["imageType"])
    extractor.disableAllFeatures()
    extractor.enableFeaturesByName(**wanted["featureClass"])
    return extractor


def _compute(parts: list[tuple[Any, dict[str, str]]], settings: Settings, pair: Pair) -> Values:
    refuse_region(pair, settings)
    found: dict[str, Any] = {}
    levels: dict[str, int] = {}
    with _heard() as said, np.errstate(over="ignore"):  # bins that wrap around in small whole numbers
        try:
            for extractor, names in parts:
                extractor.levels = {}
                for column, value in extractor.execute(pair.image, pair.mask, label=1).items():
                    image, _, feature = column.partition("_")
                    found[f"{names.get(image, image)}_{feature}"] = value
                levels |= {names.get(image, image): n for image, n in extractor.levels.items()}
        except OverflowError as error:
            raise too_wide(settings.setting.get("binWidth", 25), pair.image.GetPixelIDTypeAsString()) from error
        except (ValueError, RuntimeError, AssertionError, IndexError, ArithmeticError) as error:
            raise _translated(str(error), settings) from error
    missing = [name for name in settings.columns if name not in found]
    if missing and "_shape2D_" in missing[0]:
        raise _not_flat()
    if missing:
        raise ImageFault(f"PyRadiomics gave no value for {len(missing)} features, {missing[0]} the first"
                         f"{''.join(f' ({words})' for words in said[:1])}.",
                         "Take this filter out of the extraction settings, or leave the case out.", code="E_FILTER")
    return Values({name: float(found[name]) for name in settings.columns}, levels)


def _not_flat() -> ImageFault:
    return ImageFault("PyRadiomics finds no single slice to measure shape2D on (it looks along x, y, z for the "
                      "force2Ddimension that counts z, y, x).",
                      "Take the engine radnb, which measures flat regions along every axis, or draw one slice.",
                      code="E_SHAPE2D", column="mask")


def _translated(text: str, settings: Settings) -> ImageFault:
    reason = " ".join(text.split())[:300]
    if "2D shape" in reason:
        return _not_flat()
    if any(words in reason for words in ("excluded too many voxels", "too few dimensions", "1 segmented voxel",
                                         "too small", "not present in mask", "No labels found")):
        step = "resampling" if settings.resampled else "resegmentation"
        return ImageFault(f"Too little of the region is left after {step} ({reason}).",
                          "Choose a finer resampledPixelSpacing or a wider resegmentRange, or leave the case out.",
                          code="E_RESAMPLE", column="mask")
    return ImageFault(f"PyRadiomics stopped: {reason}.", "Compare image and settings; take the filter named out.",
                      code="E_PYRADIOMICS")


@contextmanager
def _heard() -> Iterator[list[str]]:
    """Collect what PyRadiomics would have written to the screen."""
    said: list[str] = []

    class Ear(logging.Handler):
        def emit(self, record: logging.LogRecord) -> None:
            said.append(record.getMessage().strip().splitlines()[-1])

    ear, logger = Ear(logging.WARNING), logging.getLogger("radiomics")
    logger.addHandler(ear)
    try:
        yield said
    finally:
        logger.removeHandler(ear)
