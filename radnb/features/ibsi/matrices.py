"""Texture matrices of discretised grey levels (1, 2, ...; 0 outside the region), arrays in z, y, x.

Matrices within slices keep an axis for the slice, so that what follows can average or merge them in IBSI's six ways;
the kernels of engine/matrices.py are made for PyRadiomics' only one.
"""

from __future__ import annotations

import itertools

import numpy as np

Offset = tuple[int, int, int]
HALF: tuple[Offset, ...] = tuple((z, y, x) for z, y, x in itertools.product((-1, 0, 1), repeat=3)
                                 if (z, y, x) > (0, 0, 0))
IN_SLICE: tuple[Offset, ...] = tuple(step for step in HALF if step[0] == 0)


def _neighbours(array: np.ndarray, step: Offset) -> tuple[np.ndarray, np.ndarray]:
    """Return two views of an array: voxels that have a neighbour at this step, and those neighbours."""
    here = tuple(slice(max(-d, 0), n - max(d, 0)) for d, n in zip(step, array.shape, strict=True))
    there = tuple(slice(max(d, 0), n - max(-d, 0)) for d, n in zip(step, array.shape, strict=True))
    return array[here], array[there]


def cooccurrence(levels: np.ndarray, step: Offset, bins: int) -> np.ndarray:
    """Count pairs of levels at one step and its opposite (GLCM), as an array of level x level."""
    one, other = _neighbours(levels, step)
    both = (one > 0) & (other > 0)
    pairs = np.bincount((one[both] - 1) * bins + other[both] - 1, minlength=bins * bins).reshape(bins, bins)
    return pairs + pairs.T


def runs(levels: np.ndarray, step: Offset, bins: int) -> np.ndarray:
    """Count runs of equal levels along one step (GLRLM), as an array of level x length."""
    padded = np.pad(levels, 1)
    flat = padded.ravel()
    stride = int(np.dot(step, [padded.shape[1] * padded.shape[2], padded.shape[2], 1]))
    inside = np.flatnonzero(flat)
    heads = inside[flat[inside - stride] != flat[inside]]
    counts = []
    while heads.size:  # after n rounds: the heads of runs longer than n
        counts.append(np.bincount(flat[heads] - 1, minlength=bins))
        heads = heads[flat[heads + stride * len(counts)] == flat[heads]]
    at_least = np.stack([*counts, np.zeros(bins, dtype=np.int64)], axis=1)
    return at_least[:, :-1] - at_least[:, 1:]


def zones(levels: np.ndarray, steps: tuple[Offset, ...]) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Find the groups of connected voxels of one level: the zone of each voxel of the region, from 0, and of each zone
    its level and a slice that it lies in."""
    from scipy.sparse import coo_array
    from scipy.sparse.csgraph import connected_components

    inside = levels > 0
    count = int(inside.sum())
    number = np.zeros(levels.shape, dtype=np.int32)
    number[inside] = np.arange(count)
    ends = []
    for step in steps:
        (one, other), (from_here, to_there) = _neighbours(levels, step), _neighbours(number, step)
        same = (one == other) & (one > 0)
        ends.append((from_here[same], to_there[same]))
    here, there = (np.concatenate(part) for part in zip(*ends, strict=True))
    links = coo_array((np.ones(here.size, dtype=bool), (here, there)), shape=(count, count))
    found, zone = connected_components(links, directed=False)
    level, place = np.zeros(found, dtype=np.int64), np.zeros(found, dtype=np.int64)
    level[zone], place[zone] = levels[inside], np.nonzero(inside)[0]
    return zone, level, place


def border_distance(mask: np.ndarray, *, in_slice: bool) -> np.ndarray:
    """Return how many voxels lie between each voxel and the nearest one outside, itself counted, along the axes.

    Beyond the array all is outside: the voxels on the mask's edge have distance 1.
    """
    padded = np.pad(mask, 1)
    distance = np.zeros(padded.shape, dtype=np.int64)
    left = padded
    while left.any():  # peel off one layer after another
        distance += left
        kept = left.copy()
        for axis in ((1, 2) if in_slice else (0, 1, 2)):
            kept &= np.roll(left, 1, axis) & np.roll(left, -1, axis)
        left = kept
    return distance[1:-1, 1:-1, 1:-1]


def tone_differences(levels: np.ndarray, steps: tuple[Offset, ...], bins: int) -> tuple[np.ndarray, np.ndarray]:
    """Return per slice and level (NGTDM): the number of voxels with a neighbour inside, and the sum of the absolute
    differences between each voxel and the average of its neighbours."""
    total, count = np.zeros(levels.shape), np.zeros(levels.shape)
    inside = (levels > 0).astype(float)
    for step in (*steps, *((-z, -y, -x) for z, y, x in steps)):
        for field, sum_of in ((levels, total), (inside, count)):
            into, source = _neighbours(sum_of, step)[0], _neighbours(field, step)[1]
            into += source
    valid = (levels > 0) & (count > 0)
    difference = np.abs(levels[valid] - total[valid] / count[valid])
    index = np.nonzero(valid)[0] * bins + levels[valid] - 1
    slices = levels.shape[0]
    return (np.bincount(index, minlength=slices * bins).reshape(slices, bins),
            np.bincount(index, difference, minlength=slices * bins).reshape(slices, bins))


def dependences(levels: np.ndarray, steps: tuple[Offset, ...], bins: int, coarseness: int = 0) -> np.ndarray:
    """Count voxels (NGLDM) by slice, level, and number of neighbours whose level differs by at most `coarseness`, the
    voxel itself counted: slice x level x dependence."""
    count = (levels > 0).astype(np.int64)
    for step in steps:
        one, other = _neighbours(levels, step)
        alike = (np.abs(one - other) <= coarseness) & (one > 0) & (other > 0)
        for side in _neighbours(count, step):
            side += alike
    inside, most = levels > 0, 2 * len(steps) + 1
    index = (np.nonzero(inside)[0] * bins + levels[inside] - 1) * most + count[inside] - 1
    return np.bincount(index, minlength=levels.shape[0] * bins * most).reshape(levels.shape[0], bins, most)
