"""First-order features: https://pyradiomics.readthedocs.io/en/v3.0.1/features.html#module-radiomics.firstorder."""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

import numpy as np

from radnb.features.engine import native
from radnb.features.percentiles import PERCENTILE

EPS = float(np.spacing(1))  # which PyRadiomics adds within logarithms


def extremes(values: np.ndarray) -> tuple[float, float]:
    """Return the lowest and the highest value."""
    found = np.empty(2, values.dtype)
    native.call(native.variant("extremes", values), values, len(values), found)
    return float(found[0]), float(found[1])


def firstorder(values: np.ndarray, span: tuple[float, float], counts: np.ndarray, voxel_volume: float,
               options: Mapping[str, Any], features: Sequence[str] = ()) -> dict[str, float]:
    """Return all first-order features of the voxels' values, and whichever percentiles are among the `features`,
    given the values' extremes (`span`) and the voxels per grey level (`counts`)."""
    n, shift = len(values), float(options.get("voxelArrayShift", 0))
    sums = np.empty(2)
    native.call(native.variant("totals", values), values, n, shift, sums)
    mean, energy = float(sums[0]) / n, float(sums[1])
    further = {name: float(found[1]) for name in features if (found := PERCENTILE.fullmatch(name))}
    quantiles = _Quantiles(values, span, {10.0, 25.0, 75.0, 90.0, *further.values()})
    p10, p25, p75, p90 = (quantiles.percentile(q) for q in (10, 25, 75, 90))
    moments = np.empty(7)
    native.call(native.variant("moments", values), values, n, mean, p10, p90, moments)
    m2, m3, m4, deviation = (float(total) / n for total in moments[:4])
    spread = m2 or 1.0
    p = counts / n
    return {
        **{name: quantiles.percentile(q) for name, q in further.items()},
        "10Percentile": p10, "90Percentile": p90, "InterquartileRange": p75 - p25, "Median": quantiles.median(),
        "Minimum": span[0], "Maximum": span[1], "Range": span[1] - span[0],
        "Mean": mean, "MeanAbsoluteDeviation": deviation,
        "RobustMeanAbsoluteDeviation": float(moments[6] / moments[5]),
        "Variance": math.sqrt(m2) ** 2, "StandardDeviation": math.sqrt(m2),
        "Skewness": m3 / spread ** 1.5, "Kurtosis": m4 / spread ** 2,
        "Energy": energy, "TotalEnergy": energy * voxel_volume, "RootMeanSquared": math.sqrt(energy / n),
        "Entropy": float(-np.sum(p * np.log2(p + EPS))), "Uniformity": float(np.sum(p ** 2))}


class _Quantiles:
    """Order statistics without sorting; interpolated like numpy.percentile."""

    def __init__(self, values: np.ndarray, span: tuple[float, float], percentiles: Iterable[float]) -> None:
        n = len(values)
        self._places = {q: (n - 1) * (q / 100) for q in percentiles}
        middle = ((n - 1) // 2, n // 2)
        ranks = sorted({*middle, *(rank for place in self._places.values() for rank in _beside(place, n))})
        found = np.empty(len(ranks))
        native.call(native.variant("ranked", values), values, n, *span, np.array(ranks), len(ranks), found)
        self._at, self._middle, self._n = dict(zip(ranks, found.tolist(), strict=True)), middle, n

    def median(self) -> float:
        return (self._at[self._middle[0]] + self._at[self._middle[1]]) / 2

    def percentile(self, q: float) -> float:
        place = self._places[q]
        below, above = (self._at[rank] for rank in _beside(place, self._n))
        part = place - math.floor(place)
        if part >= .5:
            return above - (above - below) * (1 - part)
        return below + (above - below) * part


def _beside(place: float, n: int) -> Sequence[int]:
    return math.floor(place), min(math.floor(place) + 1, n - 1)
