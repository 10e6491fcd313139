"""How far two engines' values lie apart, feature by feature, and which of them are too far."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field

import numpy as np

CLOSE, FAR, NATURAL = 1e-9, 1e-6, 1e-9
SHARE = 0.999  # of the values must be close
BRIGHTNESS = {"Mean", "Median", "Minimum", "Maximum", "Range", "InterquartileRange", "10Percentile", "90Percentile",
              "MeanAbsoluteDeviation", "RobustMeanAbsoluteDeviation", "RootMeanSquared", "StandardDeviation"}
OF_ONE = {"Skewness", "Kurtosis", "Correlation", "Imc1", "Imc2", "MCC", "Elongation", "Flatness",
          # in grey levels, runs or neighbours: one step is the scale
          "ClusterTendency", "SumSquares", "DifferenceVariance", "GrayLevelVariance", "RunVariance", "ZoneVariance",
          "DependenceVariance"}
# A sphere's points give few patterns, so that many voxels share one value but for rounding; whether they lie within a
# percentile, or on which side of a bin's edge, is settled by numpy's complex products, which are rounded differently
# from processor to processor (fused or not): PyRadiomics itself gives other values elsewhere.
PATTERNS = re.compile(r"lbp-3D-m\d+_firstorder_RobustMeanAbsoluteDeviation")
BINNED_PATTERNS = re.compile(r"lbp-3D-m\d+_(?:firstorder_(?:RobustMean\w+|Entropy|Uniformity)|gl\w+|ngtdm_\w+)")
ALIKE = 0.2  # how far those may lie apart
ROOTS = {"MCC", "Imc2", "Elongation", "Flatness", "LeastAxisLength", "MinorAxisLength"}


@dataclass
class Agreement:
    """Values compared, how many are close, and a line for each that is too far."""

    unsettled: re.Pattern[str] = PATTERNS  # columns that rounding decides
    values: int = 0
    close: int = 0
    far: list[str] = field(default_factory=list)
    worst: dict[str, tuple[float, str]] = field(default_factory=dict)  # feature class -> relative deviation, where

    def add(self, where: str, ours: Mapping[str, float], theirs: Mapping[str, float]) -> None:
        """Compare one region's values."""
        if list(ours) != list(theirs):
            self.far.append(f"{where}: other columns: {sorted(set(ours) ^ set(theirs))[:3]} or another order")
            return
        for column, value in theirs.items():
            self._add(f"{where}: {column}", column, ours[column], value, theirs)

    def _add(self, where: str, column: str, ours: float, value: float, theirs: Mapping[str, float]) -> None:
        apart = relative(ours, value)
        if apart > FAR and self.unsettled.fullmatch(column):
            if abs(ours - value) > ALIKE * max(abs(value), natural_scale(column, theirs)):
                self.far.append(f"{where}: {ours!r} is not even alike {value!r}")
            return
        self.values += 1
        self.close += apart <= CLOSE
        kind = column.split("_")[1]
        if apart > self.worst.get(kind, (-1.0, ""))[0]:
            self.worst[kind] = apart, where
        if apart > FAR and not near(column, ours, value, theirs):
            self.far.append(f"{where}: {ours!r} instead of {value!r}")

    def refuse(self) -> None:
        """Fail with what is too far."""
        told = f"{len(self.far)} of {self.values} values too far:\n" + "\n".join(self.far[:25])
        assert not self.far, told
        assert self.close >= SHARE * self.values, f"only {self.close} of {self.values} close: {self.worst}"


def relative(ours: float, value: float) -> float:
    """Return the relative deviation; two missing values are equal, and so are two equal infinities."""
    if ours == value or (np.isnan(ours) and np.isnan(value)):
        return 0.0
    return float(abs(ours - value) / abs(value)) if np.isfinite(value) and np.isfinite(ours) and value else np.inf


def near(column: str, ours: float, value: float, theirs: Mapping[str, float]) -> bool:
    """Say whether two values are equal within rounding on the feature's natural scale.

    The natural scale is the size of what a formula adds and subtracts before little or nothing is left: a mean that
    cancels is as exact as the grey values are large, a skewness of 1e-17 is zero.  A square root turns rounding of
    1e-17 into 3e-9, so that roots are compared by their squares.
    """
    if not (np.isfinite(ours) and np.isfinite(value)):
        return False
    power = 2 if column.rsplit("_", 1)[1] in ROOTS else 1
    return bool(abs(ours ** power - value ** power) <= NATURAL * natural_scale(column, theirs) ** power)


def natural_scale(column: str, theirs: Mapping[str, float]) -> float:
    """Return the size of the terms that the feature's formula adds up, where they may cancel; otherwise zero."""
    image, kind, feature = column.split("_")
    of = {name: abs(theirs.get(f"{image}_{kind}_{name}", np.nan)) for name in (
        "Minimum", "Maximum", "Range", "ClusterProminence", "MajorAxisLength")}
    if kind == "firstorder" and feature in BRIGHTNESS:
        return max(of["Minimum"], of["Maximum"])
    if kind == "firstorder" and feature == "Variance":
        return (of["Range"] or max(of["Minimum"], of["Maximum"])) ** 2
    if feature == "ClusterShade":
        return max(1.0, of["ClusterProminence"] ** 0.75)
    if feature in ("LeastAxisLength", "MinorAxisLength"):
        return of["MajorAxisLength"]
    return 1.0 if feature in OF_ONE or feature.endswith("Entropy") else 0.0
