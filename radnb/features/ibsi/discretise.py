"""Grey values in steps: bins of a fixed width or of a fixed number."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np

from radnb.features.ibsi.intensity import Grid

ARBITRARY_BINS = 1000  # of an intensity-volume histogram whose grey values are neither whole nor given steps


def fixed_width(values: np.ndarray, width: float, start: float) -> np.ndarray:
    """Return levels from 1 on: bins of `width` that begin at `start` (FBS, Q3RU)."""
    return (np.floor((values - start) / width) + 1).astype(np.int64)


def fixed_number(values: np.ndarray, bins: int) -> np.ndarray:
    """Return levels 1 to `bins` between the lowest and the highest grey value (FBN, K15C)."""
    lowest, highest = values.min(), values.max()
    if lowest == highest:
        return np.ones(values.shape, dtype=np.int64)
    levels = np.floor(bins * (values - lowest) / (highest - lowest)) + 1
    return np.minimum(levels, bins).astype(np.int64)


def discretised(values: np.ndarray, options: Mapping[str, Any]) -> np.ndarray:
    """Return the levels that a card asks for; bins of a width begin at the lower end of resegmentRange, if given."""
    values = values.astype(float)
    if options.get("binCount"):
        return fixed_number(values, options["binCount"])
    return fixed_width(values, options.get("binWidth", 25), _lower(values, options))


def steps(values: np.ndarray, options: Mapping[str, Any]) -> tuple[np.ndarray, Grid]:
    """Return grey values and grid of the intensity-volume histogram.

    Bins of a width (IVH's continuous case) stand for their middles, a number of bins (the arbitrary case) for levels,
    whole grey values (the discrete case) for themselves.
    """
    values = values.astype(float)
    if width := options.get("ivhBinWidth"):
        start = _lower(values, options)
        levels = fixed_width(values, width, start)
        last = _upper(values, options)
        bins = max(int(np.ceil(round((last - start) / width, 9))), int(levels.max()))
        return start + (levels - 0.5) * width, Grid(start + width / 2, start + (bins - 0.5) * width, width)
    if options.get("ivhBinCount") or (values % 1).any():
        bins = int(options.get("ivhBinCount", ARBITRARY_BINS))
        return fixed_number(values, bins).astype(float), Grid(1, bins, 1)
    lowest, highest = np.floor(_lower(values, options)), np.ceil(_upper(values, options))
    return values, Grid(float(lowest), float(highest), 1)


def _lower(values: np.ndarray, options: Mapping[str, Any]) -> float:
    return float([*_range(options), values.min()][0])


def _upper(values: np.ndarray, options: Mapping[str, Any]) -> float:
    return float([*_range(options)[1:], values.max()][0])


def _range(options: Mapping[str, Any]) -> list[float]:
    """Return lower and upper end of resegmentRange, as far as given in grey values (PyRadiomics knows other modes)."""
    absolute = options.get("resegmentMode", "absolute") == "absolute"
    return sorted(options.get("resegmentRange") or []) if absolute else []
