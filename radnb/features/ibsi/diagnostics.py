"""What IBSI-1 compares of the preparation itself: grids, masks and grey values after each step (manual, 4.2)."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np

from radnb.features.ibsi.preprocess import prepared
from radnb.imaging.regions import Pair

_PREPARING = ("resampledPixelSpacing", "interpolator", "maskInterpolator", "maskThreshold", "roundIntensities")


@dataclass(frozen=True)
class Stage:
    """An image with its masks after one step."""

    image: np.ndarray
    intensity_mask: np.ndarray
    morphological_mask: np.ndarray
    spacing: tuple[float, float, float]


def diagnostics(pair: Pair, setting: Mapping[str, Any]) -> dict[str, float]:
    """Return the diagnostic values of the initial, the interpolated and the resegmented image, by their tags."""
    rounding = {key: setting[key] for key in ("roundIntensities",) if key in setting}
    initial = _stage(pair, rounding)
    interpolated = _stage(pair, {key: setting[key] for key in _PREPARING if key in setting})
    return {**_of_image(initial, "init"), **_of_image(interpolated, "interp"), **_of_region(initial, "init"),
            **_of_region(interpolated, "interp"), **_of_region(_stage(pair, setting), "reseg")}


def _stage(pair: Pair, setting: Mapping[str, Any]) -> Stage:
    region = prepared(pair, setting, margin_mm=np.inf)
    return Stage(region.volume, region.mask, region.shape_mask, region.spacing)


def _of_image(stage: Stage, name: str) -> dict[str, float]:
    image = stage.image
    return {**_by_axis("img_dim", image.shape, f"{name}_img"), **_by_axis("vox_dim", stage.spacing, f"{name}_img"),
            f"mean_int_{name}_img": float(image.mean()), f"min_int_{name}_img": float(image.min()),
            f"max_int_{name}_img": float(image.max())}


def _of_region(stage: Stage, name: str) -> dict[str, float]:
    values, end = stage.image[stage.intensity_mask], f"{name}_roi"
    return {**_by_axis("int_mask_dim", stage.image.shape, end),
            **_by_axis("int_mask_bb_dim", _extent(stage.intensity_mask), end),
            **_by_axis("morph_mask_bb_dim", _extent(stage.morphological_mask), end),
            f"int_mask_vox_count_{end}": float(stage.intensity_mask.sum()),
            f"morph_mask_vox_count_{end}": float(stage.morphological_mask.sum()),
            f"int_mask_mean_int_{end}": float(values.mean()), f"int_mask_min_int_{end}": float(values.min()),
            f"int_mask_max_int_{end}": float(values.max())}


def _by_axis(what: str, lengths: tuple[float, ...], end: str) -> dict[str, float]:
    return {f"{what}_{axis}_{end}": float(length) for axis, length in zip("zyx", lengths, strict=True)}


def _extent(mask: np.ndarray) -> tuple[float, ...]:
    return tuple(float(np.ptp(at)) + 1 for at in np.nonzero(mask))
