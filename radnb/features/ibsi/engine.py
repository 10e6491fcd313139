"""Features by IBSI's definitions: of images prepared by its rules, or of regions that another engine prepared."""

from __future__ import annotations

import functools
from collections.abc import Callable, Iterator, Mapping
from typing import Any

import numpy as np
import SimpleITK as sitk

from radnb.features.engine.grid import bounding_box
from radnb.features.engine.region import Region
from radnb.features.ibsi import aggregate, discretise, filters, intensity, local, preprocess
from radnb.features.ibsi.aggregate import Levels
from radnb.features.ibsi.morphology import Body, morphology
from radnb.features.ibsi.standard import DIRECTIONAL, KINDS, PREFIX, ZONAL
from radnb.features.refusals import refuse_constant, refuse_image
from radnb.features.values import Values
from radnb.features.wanted import Settings
from radnb.imaging.regions import Pair

Families = Mapping[str, tuple[str, ...]]
Options = Mapping[str, Any]


def prepare(image: sitk.Image, settings: Settings) -> Callable[[Pair], Values]:
    """Return a function that gives the features of one region of `image`, for settings with `definitions: ibsi`."""
    refuse_image(image, settings)
    return functools.partial(_compute, settings, preprocess.scale(image, settings.setting))


def _compute(settings: Settings, scaled: preprocess.Scale, pair: Pair) -> Values:
    margin = max([local.RADIUS_MM, *(_reach(kind, settings, pair) for kind in settings.image_types)])
    region = preprocess.prepared(pair, settings.setting, margin_mm=margin, scaled=scaled)
    refuse_constant(region.volume[region.mask])
    found, families = Values({}), dict(settings.classes)
    for name, image, options in _images(region, settings):
        for feature, value in measure_families(region, image, families, options).items():
            found[f"{'original' if feature.startswith('ibsi-morphology') else name}_{feature}"] = value
        found.levels[name] = int(np.ptp(discretise.discretised(image[region.mask[region.box]], options))) + 1
        families.pop("ibsi-morphology", None)  # of the mask, so once
    return Values({name: found[name] for name in settings.columns}, found.levels)


def _reach(kind: str, settings: Settings, pair: Pair) -> float:
    if kind == "Original":
        return 0.0
    spacing = max(*pair.image.GetSpacing(), *(settings.setting.get("resampledPixelSpacing") or ()))
    return filters.reach_mm(kind, {**settings.setting, **settings.image_types[kind]}, spacing)


def _images(region: Region, settings: Settings) -> Iterator[tuple[str, np.ndarray, Options]]:
    """Yield the name of each image, its voxels in the region's box, and the options that hold for it."""
    for kind, own in settings.image_types.items():
        options = {**settings.setting, **own}
        if kind == "Original":
            yield "original", region.volume[region.box], options
        else:  # the range of a filtered image is another one
            others = {key: value for key, value in options.items() if key != "resegmentRange"}
            yield from ((name, image, others) for name, image in filters.FILTERS[kind](region, options))


def measure_families(region: Region, image_box: np.ndarray, families: Families, setting: Options) -> dict[str, float]:
    """Return the IBSI features (as in `ibsi-ivh_AreaUnderCurve`) of one image of a region.

    `image_box` is the image, or a filtered one, within `region.box`.  `families` are classes and features as in
    `Settings.classes`; those that are not IBSI's are left out.  Morphology is measured on `region.volume` always.
    """
    wanted = {kind: features for kind, features in families.items() if kind in KINDS}
    values = image_box[region.mask[region.box]]
    found: dict[str, float] = {}
    for measure in (_of_values, _of_place, _of_texture):
        for kind, features in measure(region, image_box, values, wanted, setting).items():
            found |= {f"{kind}_{feature}": features[feature] for feature in wanted[kind]}
    return found


Measured = dict[str, dict[str, float]]


def _of_values(region: Region, image_box: np.ndarray, values: np.ndarray, wanted: Families, setting: Options
               ) -> Measured:
    del region, image_box
    formulas: dict[str, Callable[[], dict[str, float]]] = {
        "statistics": lambda: intensity.statistics(values),
        "histogram": lambda: intensity.histogram(discretise.discretised(values, setting)),
        "ivh": lambda: intensity.volume_histogram(*discretise.steps(values, setting))}
    return {f"{PREFIX}{family}": formula() for family, formula in formulas.items() if f"{PREFIX}{family}" in wanted}


def _of_place(region: Region, image_box: np.ndarray, values: np.ndarray, wanted: Families, setting: Options
              ) -> Measured:
    del values, setting
    found: Measured = {}
    if "ibsi-local" in wanted:
        original = np.array_equal(region.volume[region.box], image_box)  # then the ball may reach out of the box
        image, mask = (region.volume, region.mask) if original else (image_box, region.mask[region.box])
        found["ibsi-local"] = local.local_intensity(image, mask, region.spacing)
    if "ibsi-morphology" in wanted:
        box = bounding_box(region.shape_mask)
        body = Body(region.shape_mask[box], region.volume[box], region.mask[box], region.spacing)
        found["ibsi-morphology"] = morphology(body, wanted["ibsi-morphology"])
    return found


def _of_texture(region: Region, image_box: np.ndarray, values: np.ndarray, wanted: Families, setting: Options
                ) -> Measured:
    del image_box
    asked: dict[str, list[str]] = {}
    for family, aggregation in (KINDS[kind] for kind in wanted):
        asked.setdefault(family, []).append(aggregation)
    if not asked.keys() & {*DIRECTIONAL, *ZONAL}:
        return {}
    levels, found = _levels(region, values, setting), {}
    for family in asked.keys() & {*DIRECTIONAL}:
        for aggregation, features in aggregate.directional(levels, family, asked[family]).items():
            found[family, aggregation] = features
    for dimension in ("2D", "2.5D", "3D"):
        families = [family for family in ZONAL if dimension in asked.get(family, ())]
        for family, features in aggregate.zonal(levels, families, dimension).items():
            found[family, dimension] = features
    return {kind: found[KINDS[kind]] for kind in wanted if KINDS[kind] in found}


def _levels(region: Region, values: np.ndarray, setting: Options) -> Levels:
    box = bounding_box(region.shape_mask | region.mask)
    mask = region.mask[box]
    levels = np.zeros(mask.shape, dtype=np.int64)
    levels[mask] = discretise.discretised(values, setting)
    return Levels(levels, region.shape_mask[box], setting.get("gldm_a", 0))
