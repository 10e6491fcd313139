"""Local binary patterns in slices, with scikit-image's values.

T. Ojala, M. Pietikainen, T. Maenpaa, IEEE Trans. Pattern Analysis and Machine Intelligence 24 (2002) 971-987.
"""

from __future__ import annotations

import math

import numpy as np

from radnb.features.engine import native
from radnb.features.engine.grid import Box, crop_box

METHODS = {"default": 0, "ror": 1, "uniform": 2, "var": 3}


def local_binary_patterns(volume: np.ndarray, box: Box, axis: int, *, radius: float, samples: int,
                          method: str) -> np.ndarray:
    """Return the patterns of a box in slices across `axis`, in the scalar type of the volume (as PyRadiomics does)."""
    margin = math.ceil(radius) + 1
    source, place = volume.swapaxes(0, axis), list(box)
    place[0], place[axis] = place[axis], place[0]
    padded = _with_margin(source, place, margin)
    slices, rows, columns = (span.stop - span.start for span in place)
    at_rows, at_columns = _circle(radius, samples)
    out = np.empty((slices, rows, columns))
    native.call("local_binary_patterns", padded, slices, rows, columns, margin, place[1].start, place[2].start,
                at_rows, at_columns, samples, METHODS[method], out)
    with np.errstate(invalid="ignore"):
        return np.ascontiguousarray(out.astype(volume.dtype).swapaxes(0, axis))


def _with_margin(source: np.ndarray, place: list[slice], margin: int) -> np.ndarray:
    """Return slices with a margin in their plane, 0 beyond the image."""
    around = (place[0], *crop_box(source.shape, (slice(0, 1), place[1], place[2]), margin)[1:])
    missing = [(margin - (span.start - wide.start), margin - (wide.stop - span.stop))
               for span, wide in zip(place[1:], around[1:], strict=True)]
    return np.ascontiguousarray(np.pad(source[around].astype(np.float64), [(0, 0), *missing]))


def _circle(radius: float, samples: int) -> tuple[np.ndarray, np.ndarray]:
    """Return the neighbours' places by row and column: a radius in single precision, places to five decimals."""
    angle = 2 * np.pi * np.arange(samples, dtype=np.double) / samples
    single = float(np.float32(radius))
    return np.round(-single * np.sin(angle), 5), np.round(single * np.cos(angle), 5)
