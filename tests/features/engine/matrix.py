"""The value matrix: every option of the extraction as factors with levels, and cards made of them."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from radnb.features.catalogue import INTERPOLATORS
from radnb.features.settings import Settings, checked
from tests.features.engine.allpairs import Row

Card = Mapping[str, Any]

TYPES: Mapping[str, Card] = {
    "original": {"Original": {}},
    "log": {"LoG": {"sigma": [1.0, 2.5]}},
    "log, original": {"LoG": {"sigma": [2]}, "Original": {}},
    "wavelet": {"Wavelet": {}},
    "wavelet haar, two levels": {"Wavelet": {"wavelet": "haar", "level": 2}},
    "wavelet db3 from level 1": {"Wavelet": {"wavelet": "db3", "start_level": 1}},
    "wavelet rbio2.4": {"Wavelet": {"wavelet": "rbio2.4"}},
    "square": {"Square": {}},
    "squareroot": {"SquareRoot": {}},
    "logarithm": {"Logarithm": {}},
    "exponential": {"Exponential": {}},
    "gradient": {"Gradient": {}},
    "gradient by voxel": {"Gradient": {"gradientUseSpacing": False}},
    "lbp2d": {"LBP2D": {}},
    "lbp2d ror": {"LBP2D": {"lbp2DRadius": 2.0, "lbp2DSamples": 12, "lbp2DMethod": "ror"}},
    "lbp2d var": {"LBP2D": {"lbp2DRadius": 1.5, "lbp2DSamples": 6, "lbp2DMethod": "var"}},
    "lbp2d default": {"LBP2D": {"lbp2DMethod": "default"}},
    "lbp3d": {"LBP3D": {}},
    "lbp3d, three levels": {"LBP3D": {"lbp3DLevels": 3, "lbp3DIcosphereRadius": 1.5, "lbp3DIcosphereSubdivision": 0}},
}
OWN_BINS = {"LoG": 5, "Wavelet": 8, "LBP2D": 1, "LBP3D": 0.5, "Gradient": 3.5}  # bin widths that a filter sets itself
WIDE_BINS = {"lbp2d ror": 100.0, "lbp2d var": 400.0}  # a method with large values, which would give thousands of levels

SETTING: Mapping[str, Mapping[str, Card]] = {
    "resampling": {"none": {}, "isotropic": {"resampledPixelSpacing": [1.4, 1.4, 1.4]},
                   "finer": {"resampledPixelSpacing": [0.9, 0.9, 0.9]},
                   "in the plane": {"resampledPixelSpacing": [1.3, 1.3, 0]}},
    "interpolator": {name: {"interpolator": name} for name in INTERPOLATORS},
    "bins": {"width": {"binWidth": 25}, "narrow": {"binWidth": 7.3}, "count": {"binCount": 16}, "own": {}},
    "plane": {"3D": {}, **{f"2D {axis}": {"force2D": True, "force2Ddimension": axis} for axis in range(3)}},
    "distances": {"1": {}, "2": {"distances": [2]}, "1, 3": {"distances": [1, 3]}},
    "weighting": {"none": {}, **{norm: {"weightingNorm": norm} for norm in (
        "euclidean", "manhattan", "infinity", "no_weighting")}},
    "symmetry": {"symmetrical": {}, "one way": {"symmetricalGLCM": False}},
    "resegmentation": {
        "none": {}, "from": {"resegmentRange": [30]}, "between": {"resegmentRange": [140, -50]},
        "between, shape": {"resegmentRange": [-70, 130], "resegmentShape": True},
        "relative": {"resegmentRange": [0.25], "resegmentMode": "relative"},
        "relative, shape": {"resegmentRange": [-0.4, 0.7], "resegmentMode": "relative", "resegmentShape": True},
        "sigma": {"resegmentRange": [-1.5, 2], "resegmentMode": "sigma"},
        "sigma, shape": {"resegmentRange": [-2], "resegmentMode": "sigma", "resegmentShape": True}},
    "padding": {"usual": {}, "none": {"padDistance": 0}, "wide": {"padDistance": 9}},
    "cropping": {"no": {}, "before": {"preCrop": True}},
    "normalisation": {"none": {}, "scaled": {"normalize": True, "normalizeScale": 100},
                      "cut": {"normalize": True, "normalizeScale": 80.5, "removeOutliers": 2}},
    "shift": {"none": {}, "1000": {"voxelArrayShift": 1000}},
    "minimum": {"2 axes": {"minimumROIDimensions": 2}, "1 axis": {"minimumROIDimensions": 1},
                "3 axes": {"minimumROIDimensions": 3}, "size": {"minimumROIDimensions": 2, "minimumROISize": 15}},
    "dependence": {"0": {}, "1": {"gldm_a": 1}, "3": {"gldm_a": 3}},
}
CLASSES = ("shape", "firstorder", "glcm", "gldm", "glrlm", "glszm", "ngtdm")


def allowed(row: Row) -> bool:
    """Say whether these levels can stand on one card: the settings refuse some, others leave nothing to measure."""
    kind, plane, region = row.get("type", ""), row.get("plane", ""), row.get("region", "")
    resampled, normalised = (row.get(factor, "none") != "none" for factor in ("resampling", "normalisation"))
    few = region == "tiny" or row.get("minimum") == "size"
    return not any((
        kind.startswith("lbp2d") and plane == "3D", kind.startswith("lbp3d") and plane.startswith("2D"),
        resampled and row.get("cropping") == "before", region.startswith("flat") and row.get("minimum") == "3 axes",
        region == "tiny" and row.get("minimum") == "size",
        few and normalised and row.get("resegmentation") in ("relative", "from"),
        kind in ("log", "log, original") and region.startswith(("flat", "tiny")) and row.get("padding") == "none"))


def card(row: Row, choices: Mapping[str, Mapping[str, Card]] = SETTING) -> Settings:
    """Return the checked settings of one row; a flat region measured in its plane gets its flat shape too."""
    setting = {key: value for factor, levels in choices.items() for key, value in levels[row[factor]].items()}
    types = {kind: {**options, **_bins(kind, row)} for kind, options in TYPES[row["type"]].items()}
    in_plane = (row.get("region"), row["plane"]) in (("flat z", "2D 0"), ("flat x", "2D 2"))
    classes = dict.fromkeys([*CLASSES, *(["shape2D"] if in_plane else [])])
    return checked({"imageType": types, "featureClass": classes, "setting": setting}, name="matrix")


def _bins(kind: str, row: Row) -> dict[str, float]:
    width = WIDE_BINS.get(row["type"]) or (OWN_BINS.get(kind) if row["bins"] == "own" else None)
    return {"binWidth": width} if width and row["bins"] != "count" else {}
