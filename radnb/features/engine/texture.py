"""First-order and texture features of one image of a region, with PyRadiomics 3.0.1's values."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

import numpy as np

from radnb.features.bins import wraps
from radnb.features.catalogue import FEATURES
from radnb.features.engine import native
from radnb.features.engine.correlation import maximal_correlation
from radnb.features.engine.discretise import discretise
from radnb.features.engine.firstorder import EPS, extremes, firstorder
from radnb.features.engine.matrices import Matrices, Sizes
from radnb.features.engine.roi import Roi, weights
from radnb.features.values import WRAPPED

__all__ = ["TABLES", "Roi", "measure"]
_INDEPENDENT = 1e-6  # bits
_GLCM = tuple(name for name in FEATURES["glcm"] if name != "MCC")  # in the order of formulas.c


def _names(small: str, large: str, size: str, count: str, low: str) -> tuple[str, ...]:
    """Name the features of a table of grey levels by sizes, in the kernels' order (PyRadiomics' GLDM lacks two)."""
    return ("GrayLevelNonUniformity", "GrayLevelNonUniformityNormalized", "GrayLevelVariance",
            f"HighGrayLevel{low}Emphasis", f"{large}Emphasis", f"{large}HighGrayLevelEmphasis",
            f"{large}LowGrayLevelEmphasis", f"LowGrayLevel{low}Emphasis", f"{count}Entropy", f"{size}NonUniformity",
            f"{size}NonUniformityNormalized", f"{count}Percentage", f"{count}Variance", f"{small}Emphasis",
            f"{small}HighGrayLevelEmphasis", f"{small}LowGrayLevelEmphasis")


TABLES = {"glrlm": _names("ShortRun", "LongRun", "RunLength", "Run", "Run"),
          "glszm": _names("SmallArea", "LargeArea", "SizeZone", "Zone", "Zone"),
          "gldm": _names("SmallDependence", "LargeDependence", "Dependence", "Dependence", "")}


def measure(roi: Roi, image: np.ndarray, classes: Mapping[str, tuple[str, ...]],
            options: Mapping[str, Any]) -> tuple[dict[str, float], int]:
    """Return the features asked for ("glcm_Contrast", in their order) of `image`, the region's box of one image, and
    the number of its grey levels (WRAPPED where that means nothing)."""
    values = roi.values(image)
    lowest, highest = extremes(values)
    levels = discretise(values, image.dtype.type(lowest), image.dtype.type(highest), options)
    found: dict[str, float] = {}
    matrices: Matrices | None = None
    roi = roi.under(options)
    for name, features in classes.items():
        if name == "firstorder":
            of_class = firstorder(values, (lowest, highest), levels.counts, roi.voxel_volume, options, features)
        elif name in _CLASSES:
            if matrices is None:
                matrices = Matrices(roi, levels, options.get("symmetricalGLCM", True), int(options.get("gldm_a", 0)))
            of_class = _CLASSES[name](matrices, options, features)
        else:
            continue
        found |= {f"{name}_{feature}": of_class[feature] for feature in features}
    return found, WRAPPED if wraps(image.dtype, highest, options) else levels.highest


def _glcm(matrices: Matrices, options: Mapping[str, Any], features: tuple[str, ...]) -> dict[str, float]:
    pairs, levels, n = matrices.pairs(), matrices.levels, matrices.n
    pairs = _joined(pairs, weights(matrices.roi.steps, matrices.roi.spacing, options.get("weightingNorm"), decay=True))
    several = len(pairs) > 1
    pairs = np.ascontiguousarray(pairs[pairs.any(axis=(1, 2))])
    if not len(pairs):
        # What PyRadiomics' formulas give for a single grey level without any pair.
        of_nothing = ({"MCC": 1.0} if several else {"InverseVariance": 0.0}) if n < 2 else {}
        return dict.fromkeys(FEATURES["glcm"], np.nan) | of_nothing
    found = np.empty((len(pairs), len(_GLCM) + 1))
    native.call("glcm_features", pairs, len(pairs), levels.present.astype(float), n, levels.highest, found)
    of_class = dict(zip(_GLCM, _mean(found[:, :-1]), strict=True))
    if (found[:, -1] < _INDEPENDENT).any():
        of_class["Imc2"] = _imc2(pairs)
    if "MCC" in features:
        of_class["MCC"] = maximal_correlation(pairs)
    return of_class


def _imc2(pairs: np.ndarray) -> float:
    """Return Imc2 where neighbours are almost independent: 1 - exp(-2 (HXY2 - HXY)) is rounding, and decides between
    0, a small root and none, so that each sum must run in PyRadiomics' order."""
    p = np.ascontiguousarray(pairs.transpose(1, 2, 0))[None]
    independent = p.sum(2, keepdims=True) * p.sum(1, keepdims=True)
    hxy = -1 * np.sum(p * np.log2(p + EPS), (1, 2))
    hxy2 = -1 * np.sum(independent * np.log2(independent + EPS), (1, 2))
    with np.errstate(invalid="ignore"):
        found = (1 - np.e ** (-2 * (hxy2 - hxy))) ** .5
    found[hxy2 == hxy] = 0
    return _mean(found.T)[0]


def _glrlm(matrices: Matrices, options: Mapping[str, Any], features: tuple[str, ...]) -> dict[str, float]:
    runs, roi = matrices.runs(), matrices.roi
    counts = _joined(runs.counts, weights(roi.near, roi.spacing, options.get("weightingNorm"), decay=False))
    several = len(counts) > 1
    counts = np.ascontiguousarray(counts[counts.any(axis=(1, 2))])
    if not len(counts):  # sums over no run length are 0
        return dict.fromkeys(TABLES["glrlm"], np.nan) | ({} if several else {"RunEntropy": 0.0, "RunVariance": 0.0})
    return dict(zip(TABLES["glrlm"], _mean(_of_table(Sizes(counts, runs.sizes), matrices)), strict=True))


def _glszm(matrices: Matrices, options: Mapping[str, Any], features: tuple[str, ...]) -> dict[str, float]:
    return dict(zip(TABLES["glszm"], _of_table(matrices.zones(), matrices)[0].tolist(), strict=True))


def _gldm(matrices: Matrices, options: Mapping[str, Any], features: tuple[str, ...]) -> dict[str, float]:
    return dict(zip(TABLES["gldm"], _of_table(matrices.dependences(), matrices)[0].tolist(), strict=True))


def _ngtdm(matrices: Matrices, options: Mapping[str, Any], features: tuple[str, ...]) -> dict[str, float]:
    levels, found = matrices.levels, np.empty(5)
    native.call("ngtdm_features", levels.present.astype(float), levels.counts / matrices.roi.size,
                matrices.differences(), matrices.n, float(matrices.roi.size), found)
    return dict(zip(FEATURES["ngtdm"], found.tolist(), strict=True))


def _of_table(tables: Sizes, matrices: Matrices) -> np.ndarray:
    counts = np.ascontiguousarray(tables.counts, float)
    found = np.empty((len(counts), len(TABLES["glrlm"])))
    native.call("table_features", counts, len(counts), matrices.levels.present.astype(float), matrices.n, tables.sizes,
                len(tables.sizes), found)
    return found


def _joined(tables: np.ndarray, by_direction: np.ndarray | None) -> np.ndarray:
    """Add up the tables of all directions by their weights, if there are any."""
    return tables if by_direction is None else (by_direction[:, None, None] * tables).sum(axis=0, keepdims=True)


def _mean(found: np.ndarray) -> list[float]:
    """Average over the directions that have a value (only Imc2 can lack one)."""
    known = ~np.isnan(found)
    with np.errstate(invalid="ignore"):
        return (np.where(known, found, 0).sum(axis=0) / known.sum(axis=0)).tolist()


_CLASSES: dict[str, Callable[[Matrices, Mapping[str, Any], tuple[str, ...]], dict[str, float]]] = {
    "glcm": _glcm, "glrlm": _glrlm, "glszm": _glszm, "gldm": _gldm, "ngtdm": _ngtdm}
