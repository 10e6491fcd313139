"""Intensity-based statistics (UHIW), the intensity histogram (ZVCW) and the intensity-volume histogram (P88C)."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np


def statistics(values: np.ndarray) -> dict[str, float]:
    """Return the statistics of the grey values of a region, before discretisation."""
    energy = float((values.astype(float) ** 2).sum())
    return {**_spread(values.astype(float)),
            "Energy": energy,  # N8CA
            "RootMeanSquare": (energy / values.size) ** 0.5}  # 5ZWQ


def histogram(levels: np.ndarray) -> dict[str, float]:
    """Return the features of discretised grey levels (1, 2, ...)."""
    counts = np.bincount(levels)[1:]
    share = counts[counts > 0] / levels.size
    slopes = np.gradient(counts.astype(float)) if counts.size > 1 else np.zeros(1)
    return {**_spread(levels.astype(float)),
            "Mode": _mode(counts, float(levels.mean())),  # AMMC
            "Entropy": -float((share * np.log2(share)).sum()),  # TLU2
            "Uniformity": float((share**2).sum()),  # BJ5W
            "MaximumHistogramGradient": float(slopes.max()),  # 12CE
            "MaximumHistogramGradientIntensity": float(slopes.argmax() + 1),  # 8E6O
            "MinimumHistogramGradient": float(slopes.min()),  # VQB3
            "MinimumHistogramGradientIntensity": float(slopes.argmin() + 1)}  # RHQZ


def _mode(counts: np.ndarray, mean: float) -> float:
    """Return the commonest level; of several, the one closest to the mean."""
    commonest = np.flatnonzero(counts == counts.max()) + 1
    return float(commonest[np.abs(commonest - mean).argmin()])


def _spread(x: np.ndarray) -> dict[str, float]:
    """Return what statistics and histogram share (codes: statistics, histogram)."""
    low, first, median, third, high = np.percentile(x, (10, 25, 50, 75, 90))
    mean, deviation = x.mean(), x - x.mean()
    variance = (deviation**2).mean()
    robust = x[(low <= x) & (x <= high)] if x.size > 2 else x
    with np.errstate(divide="ignore", invalid="ignore"):  # a constant region has no shape, a mean of 0 no variation
        found = {
            "Mean": mean,  # Q4LE, X6K6
            "Variance": variance,  # ECT3, CH89
            "Skewness": (deviation**3).mean() / variance**1.5 if variance else 0.0,  # KE2A, 88K1
            "ExcessKurtosis": (deviation**4).mean() / variance**2 - 3 if variance else 0.0,  # IPH6, C3I7
            "Median": median,  # Y12H, WIFQ
            "Minimum": x.min(),  # 1GSF, 1PR8
            "10Percentile": low,  # QG58, GPMT
            "90Percentile": high,  # 8DWT, OZ0C
            "Maximum": x.max(),  # 84IY, 3NCY
            "InterquartileRange": third - first,  # SALO, WR0O
            "Range": np.ptp(x),  # 2OJQ, 5Z3W
            "MeanAbsoluteDeviation": np.abs(deviation).mean(),  # 4FUA, D2ZX
            "RobustMeanAbsoluteDeviation": np.abs(robust - robust.mean()).mean(),  # 1128, WRZB
            "MedianAbsoluteDeviation": np.abs(x - median).mean(),  # N72L, 4RNL
            "CoefficientOfVariation": np.sqrt(variance) / mean,  # 7TET, CWYJ
            "QuartileCoefficientOfDispersion": (third - first) / (third + first)}  # 9S40, SLWD
    return {name: float(value) for name, value in found.items()}


@dataclass(frozen=True)
class Grid:
    """The steps in which an intensity-volume histogram is read: lowest and highest grey value, and their distance."""

    lowest: float
    highest: float
    step: float


def volume_histogram(values: np.ndarray, grid: Grid) -> dict[str, float]:
    """Return the features of the share of a region that has at least a grey value, for each step of the grid."""
    levels = np.arange(round((grid.highest - grid.lowest) / grid.step) + 1)
    intensities = grid.lowest + levels * grid.step
    ordered = np.sort(values.astype(float))
    volumes = 1 - np.searchsorted(ordered, intensities - 1e-6 * grid.step) / ordered.size
    fractions = levels / levels[-1] if levels[-1] else np.zeros(1)

    def volume(percent: int) -> float:
        return float(volumes[(100 * fractions >= percent - 1e-9).argmax()])

    def intensity(percent: int) -> float:
        small = 100 * volumes <= percent + 1e-9
        return float(intensities[small.argmax()]) if small.any() else float(intensities[-1] + grid.step)

    return {
        "VolumeAt10Intensity": volume(10),  # BC2M
        "VolumeAt90Intensity": volume(90),  # BC2M
        "IntensityAt10Volume": intensity(10),  # GBPN
        "IntensityAt90Volume": intensity(90),  # GBPN
        "VolumeDifference10To90": volume(10) - volume(90),  # DDTU
        "IntensityDifference10To90": intensity(10) - intensity(90),  # CNV2
        "AreaUnderCurve": float(np.trapezoid(volumes, fractions))}  # 9CMM
