"""From grey values to grey levels, with the bin edges that PyRadiomics makes."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np

from radnb.features.engine import native
from radnb.features.refusals import refuse_too_many, too_wide


@dataclass(frozen=True)
class Levels:
    """The grey level of each voxel of a region (in the order of the values), the levels that occur, and how often."""

    of_voxels: np.ndarray  # uint16, or int32 where there are more than 65,535 levels
    present: np.ndarray  # int64, ascending
    counts: np.ndarray  # int64, one per present level

    @property
    def highest(self) -> int:
        """Return PyRadiomics' Ng: the highest level, whether or not all below it occur."""
        return int(self.present[-1])


def bin_edges(lowest: np.generic, highest: np.generic, options: Mapping[str, Any]) -> np.ndarray:
    """Return the lower edges of the bins, computed in the image's own scalar type as PyRadiomics does.

    In float32 the remainder of the lowest value and the sum with the bin width are rounded, and small integers
    overflow; other edges move voxels to other bins.
    """
    count = options.get("binCount")
    with np.errstate(all="ignore"):
        if count is not None:
            edges = np.histogram_bin_edges(np.array([lowest, highest]), count)
            edges[-1] += 1  # the highest value belongs to the highest bin
            return edges
        width = options.get("binWidth", 25)
        refuse_too_many(float(lowest), float(highest), options)
        try:
            edges = np.arange(lowest - (lowest % width), highest + 2 * width, width)
        except OverflowError as error:
            raise too_wide(width, str(lowest.dtype)) from error
    return edges if len(edges) != 1 else np.array([edges[0] - .5, edges[0] + .5])


def discretise(values: np.ndarray, lowest: np.generic, highest: np.generic, options: Mapping[str, Any]) -> Levels:
    """Give each value its grey level; `lowest` and `highest` are the extremes in the image's scalar type."""
    edges = np.asarray(bin_edges(lowest, highest, options), np.float64)
    many = len(edges) > np.iinfo(np.uint16).max
    if (np.diff(edges) <= 0).any():  # small integers that overflowed
        of_voxels = np.digitize(values, edges).astype(np.uint16)
    elif many or not _even(edges, float(highest)):
        found = np.empty(len(values), np.int32)
        native.call(native.variant("any_levels", values), values, len(values), edges, len(edges), found)
        of_voxels = found if many else found.astype(np.uint16)
    else:
        of_voxels = np.empty(len(values), np.uint16)
        native.call(native.variant("even_levels", values), values, len(values), float(edges[0]),
                    float(edges[1] - edges[0]), of_voxels)
    return _counted(of_voxels, len(edges) + 1)


def _even(edges: np.ndarray, highest: float) -> bool:
    """Say whether edge k is exactly first + k * width, with an edge above every value."""
    return (len(edges) > 1 and bool(edges[-1] > highest) and
            bool((edges == edges[0] + np.arange(len(edges)) * (edges[1] - edges[0])).all()))


def _counted(of_voxels: np.ndarray, most: int) -> Levels:
    if of_voxels.dtype == np.int32:
        present, counts = np.unique(of_voxels, return_counts=True)
        return Levels(of_voxels, present.astype(np.int64), counts)
    counts = np.empty(most, np.int64)
    native.call("count_levels", of_voxels, len(of_voxels), most, counts)
    present = np.flatnonzero(counts)
    return Levels(of_voxels, present, counts[present])
