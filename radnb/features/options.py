"""What each setting may be: those of PyRadiomics 3.0.1 and those that radnb adds, with their ranges."""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Annotated, Any, Literal

from pydantic import AfterValidator, BeforeValidator, Field

from radnb.features.catalogue import INTERPOLATORS, LAWS, WAVELETS
from radnb.features.ibsi import standard


def _one_of(*valid: str) -> AfterValidator:
    def check(value: str) -> str:
        if value not in valid:
            raise ValueError(f"choose one of {', '.join(valid)}" if len(valid) < 12 else "no wavelet of PyWavelets")
        return value
    return AfterValidator(check)


def _distinct(values: list[Any]) -> list[Any]:
    if len(set(values)) != len(values):
        raise ValueError("a value is given twice")
    return values


_Truth = Annotated[bool, Field(strict=True)]
_Number = Annotated[float, Field(strict=True, allow_inf_nan=False)]
_Positive = Annotated[float, Field(strict=True, gt=0, allow_inf_nan=False)]
_Count = Annotated[int, Field(strict=True, ge=1)]
_FromZero = Annotated[int, Field(strict=True, ge=0)]
_Spacing = Annotated[float, Field(strict=True, ge=0, allow_inf_nan=False)]
_Sigmas = Annotated[list[_Positive], Field(min_length=1), AfterValidator(_distinct)]


def _not_a_number(value: Any) -> Any:
    """Read `nan`, as PyRadiomics' examples have it, which is a word in YAML."""
    return math.nan if value == "nan" else value


_NumberOrNone = Annotated[float, Field(strict=True), BeforeValidator(_not_a_number)]


def _odd(value: int) -> int:
    if value % 2 == 0:
        raise ValueError("an odd number of voxels has a middle one")
    return value


def _kernels(value: str) -> str:
    parts = [value[place:place + 2] for place in range(0, len(value), 2)]
    if len(parts) not in (2, 3) or not set(parts) <= set(LAWS):
        raise ValueError(f"join two or three of {', '.join(LAWS)}, for x, y (and z), as in L5E5E5")
    return value


_Supports = Annotated[list[Annotated[_Count, AfterValidator(_odd)]], Field(min_length=1), AfterValidator(_distinct)]
_Laws = Annotated[list[Annotated[str, AfterValidator(_kernels)]], Field(min_length=1), AfterValidator(_distinct)]

SETTINGS: Mapping[str, Any] = {
    "minimumROIDimensions": Annotated[int, Field(strict=True, ge=1, le=3)], "minimumROISize": _Count | None,
    "geometryTolerance": _Positive | None, "correctMask": _Truth, "additionalInfo": _Truth, "label": _Count,
    "label_channel": _FromZero, "binWidth": _Positive, "binCount": _Count | None, "normalize": _Truth,
    "normalizeScale": _Positive, "removeOutliers": _Positive | None,
    "resampledPixelSpacing": Annotated[list[_Spacing], Field(min_length=3, max_length=3)] | None,
    "interpolator": Annotated[str, _one_of(*INTERPOLATORS)] | None, "padDistance": _FromZero,
    "distances": Annotated[list[_Count], Field(min_length=1), AfterValidator(_distinct)], "force2D": _Truth,
    "force2Ddimension": Annotated[int, Field(strict=True, ge=0, le=2)],
    "resegmentRange": Annotated[list[_Number], Field(min_length=1, max_length=2), AfterValidator(_distinct)] | None,
    "resegmentMode": Literal["absolute", "relative", "sigma"], "resegmentShape": _Truth, "preCrop": _Truth,
    "sigma": _Sigmas, "start_level": _FromZero, "level": _Count, "wavelet": Annotated[str, _one_of(*WAVELETS)],
    "gradientUseSpacing": _Truth, "lbp2DRadius": _Positive, "lbp2DSamples": _Count,
    "lbp2DMethod": Literal["default", "ror", "uniform", "var"], "lbp3DLevels": _Count,
    "lbp3DIcosphereRadius": _Positive, "lbp3DIcosphereSubdivision": _FromZero,
    "voxelArrayShift": Annotated[int, Field(strict=True)], "symmetricalGLCM": _Truth,
    "weightingNorm": Literal["euclidean", "manhattan", "infinity", "no_weighting"] | None, "gldm_a": _FromZero}
VOXEL: Mapping[str, Any] = {  # the section voxelSetting: feature maps only
    "kernelRadius": _Count, "maskedKernel": _Truth, "initValue": _NumberOrNone, "voxelBatch": _Count}
OF_RADNB: Mapping[str, Any] = {  # settings that PyRadiomics does not have
    "definitions": Literal["pyradiomics", "ibsi"],
    "aggregation": Annotated[list[Annotated[str, _one_of(*standard.CHOICES)]], Field(min_length=1),
                             AfterValidator(_distinct)],
    "ivhBinWidth": _Positive, "ivhBinCount": Annotated[int, Field(strict=True, ge=2)], "roundIntensities": _Truth,
    "maskInterpolator": Annotated[str, _one_of("sitkNearestNeighbor", "sitkLinear", "sitkBSpline")],
    "maskThreshold": Annotated[float, Field(strict=True, gt=0, le=1)], "resegmentSigma": _Positive,
    "radius_mm": _Sigmas,
    # the filters of IBSI 2
    "inSlices": _Truth, "boundary": Literal["mirror", "nearest", "zero", "periodic"], "truncate": _Positive,
    "rotationInvariant": _Truth, "pooling": Literal["mean", "max"],
    "riesz": Annotated[list[_FromZero], Field(min_length=3, max_length=3)],
    "support": _Supports, "laws": _Laws, "energyDistance": _FromZero, "gaborSigma": _Sigmas,
    "gaborWavelength": _Positive, "gaborGamma": _Positive, "gaborTheta": _Number, "gaborThetaStep": _Positive,
    "simoncelliLevels": _Count}
