"""Readers who outline the same tumour: each a little too wide or too tight, with an unsteady hand and missed ends."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from scipy.ndimage import binary_fill_holes, label

from radnb.cohort.synth.lesion import Lesion, distance
from radnb.cohort.synth.space import Array, Grid, smooth_field


@dataclass(frozen=True)
class Reader:
    """How one reader draws, in mm: bias (positive: too wide), its spread, tremor, and how often an end is missed."""

    bias_mm: float
    spread_mm: float
    tremor_mm: float
    misses_end: float


READERS = {"R1": Reader(-0.45, 0.2, 0.5, 0.05), "R2": Reader(0.2, 0.35, 0.7, 0.10), "R3": Reader(-0.9, 0.35, 0.7, 0.20)}


def masks(rng: np.random.Generator, found: Lesion, grid: Grid, breath: Array,
          names: tuple[str, ...]) -> dict[str, Array]:
    """Return each reader's mask (uint8, 0 and 1) on the image's own grid."""
    away, box = distance(found, grid, shift=breath)
    return {name: _draw(rng, away, box, grid, READERS[name], found) for name in names}


def _draw(rng: np.random.Generator, away: Array, box: tuple[slice, slice, slice], grid: Grid, reader: Reader,
          found: Lesion) -> Array:
    size = (found.radius / 11) ** 0.5  # a big tumour is drawn with a bigger error
    axes = grid.axis(0)[box[2]], grid.axis(1)[box[1]], grid.axis(2)[box[0]]
    tremor = reader.tremor_mm * size * (0.8 + 0.3 * found.blur_mm) * smooth_field(rng, axes, 5.0 * size)
    bias = (reader.bias_mm + reader.spread_mm * rng.standard_normal()) * size
    drawn = _biggest_part(away - bias + tremor < 0)
    drawn = _without_ends(drawn, rng.random(2) < reader.misses_end)
    mask = np.zeros(tuple(reversed(grid.size)), dtype=np.uint8)
    mask[box] = drawn
    return mask


def _biggest_part(drawn: Array) -> Array:
    parts, count = label(drawn)
    if count > 1:
        drawn = parts == 1 + int(np.argmax(np.bincount(parts.ravel())[1:]))
    return np.stack([binary_fill_holes(plane) for plane in drawn])


def _without_ends(drawn: Array, missed: Array) -> Array:
    planes = np.flatnonzero(drawn.any(axis=(1, 2)))
    if len(planes) > 3:
        for end in planes[[0, -1]][missed]:
            drawn[end] = False
    return drawn
