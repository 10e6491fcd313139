"""How far two sets of feature values lie apart: relative to the value, or to the feature's natural scale."""

from __future__ import annotations

import re
from collections.abc import Iterable

import numpy as np
import pandas as pd

_INTENSITY = re.compile(r"(.*_firstorder_)(?:Mean|Median|Minimum|Maximum|\d+(?:\.\d+)?Percentile)")
_SPREAD = ("Minimum", "Maximum", "10Percentile", "90Percentile")
_SHIFTED = ("RootMeanSquared",)  # holds voxelArrayShift, beside which an uptake of 0.01 is nothing: the last resort
_OF_ONE = re.compile(r".*(?:_firstorder_Skewness|_glcm_(?:Correlation|Imc1|Imc2|MCC)|Entropy|"  # pure numbers about 1
                     r"_gl[a-z]+_(?:\w*Variance|ClusterTendency|SumSquares)|"  # grey levels and runs: one step is 1
                     r"_shape\w*_(?:Elongation|Flatness))")
_AXIS = re.compile(r"(.*_shape\w*_)(?:Minor|Least)AxisLength")  # 0 of a plane or line, or the root of rounding
_SHADE = re.compile(r"(.*_glcm_)ClusterShade")


def natural_scale(values: pd.DataFrame) -> pd.DataFrame:
    """Return, for features that may lie about zero, the size that their values have by nature; 0 for the others.

    Grey values are measured against the largest of their image, a third moment against the fourth to the power 3/4,
    correlations, skewness, entropies and ratios of axes against 1, and so are variances of levels and runs, which count
    steps of 1 (all runs of one length: 0 by one engine, 1e-32 by the other), and lengths of axes against the longest (a
    plane's shortest is 0 or 1e-8, as the processor rounds).
    """
    columns = {name: _scale(name, values) for name in values}
    return pd.DataFrame(columns, index=values.index, dtype=float)


def _scale(name: str, values: pd.DataFrame) -> np.ndarray | float:
    if found := _INTENSITY.fullmatch(name):
        others = [[column for word in words if (column := found[1] + word) in values] for words in (_SPREAD, _SHIFTED)]
        return _largest(values, others[0] or others[1])
    if found := _AXIS.fullmatch(name):
        return _largest(values, [c for c in (found[1] + "MajorAxisLength",) if c in values])
    if found := _SHADE.fullmatch(name):
        return _largest(values, [c for c in (found[1] + "ClusterProminence",) if c in values]) ** 0.75
    return 1.0 if _OF_ONE.fullmatch(name) else 0.0


def _largest(values: pd.DataFrame, columns: Iterable[str]) -> np.ndarray:
    return np.max([np.zeros(len(values)), *(values[column].abs().fillna(0.0) for column in columns)], axis=0)


def deviations(ours: pd.DataFrame, theirs: pd.DataFrame) -> pd.DataFrame:
    """Return |ours - theirs| over the larger of |theirs| and the natural scale; infinite where only one has a value."""
    one, other = ours.to_numpy(dtype=float), theirs[list(ours)].to_numpy(dtype=float)
    with np.errstate(invalid="ignore", divide="ignore"):
        distance = np.abs(one - other)
        found = distance / np.maximum(np.abs(other), natural_scale(theirs[list(ours)]).to_numpy())
    found[(one == other) | (np.isnan(one) & np.isnan(other))] = 0.0
    return pd.DataFrame(np.where(np.isnan(found), np.inf, found), index=ours.index, columns=ours.columns)
