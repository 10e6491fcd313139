"""What the nearest patients tell of each feature: mutual information with the class, and ReliefF."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray
from scipy.special import digamma

from radnb.statistics.families import Array

IntArray = NDArray[np.intp]


def mutual_information(x: Array, codes: IntArray, *, neighbours: int = 3, seed: int = 0) -> Array:
    """Return the mutual information of each column with the classes, in nats, by nearest neighbours.

    Ross, PLoS One 2014;9:e87357, with the conventions and the random numbers of scikit-learn's mutual_info_classif.
    """
    present, counts = np.unique(codes, return_counts=True)
    usable = np.isin(codes, present[counts > 1])  # a patient alone in its class has no neighbour
    spread = x.std(0)
    values = x / np.where(spread > 0, spread, 1.0)
    noise = np.random.RandomState(seed).standard_normal(x.shape)  # it tells equal values apart
    values = values + 1e-10 * np.maximum(1.0, np.abs(values).mean(0)) * noise
    values, codes = values[usable], codes[usable]
    if not len(codes):
        return np.zeros(x.shape[1])
    ordered, terms = np.sort(values, axis=0), np.zeros(x.shape[1])
    for value, count in zip(present[counts > 1].tolist(), counts[counts > 1].tolist(), strict=True):
        own = np.sort(values[codes == value], axis=0)
        k = min(neighbours, count - 1)
        near = _nearer(ordered, own, _reach(own, k))
        terms += count * (digamma(k) - digamma(count)) - digamma(near).sum(0)
    return np.asarray(np.maximum(0.0, digamma(len(codes)) + terms / len(codes)))


def _reach(ordered: Array, k: int) -> Array:
    """Return the distance of each value to its k-th neighbour in its own column, columns sorted."""
    n, found = len(ordered), np.full(ordered.shape, np.inf)
    for before in range(k + 1):  # the k neighbours are a window around the value
        start, stop = before, n - (k - before)
        mine = ordered[start:stop]
        far = np.maximum(mine - ordered[:stop - start], ordered[start + k - before:stop + k - before] - mine)
        found[start:stop] = np.minimum(found[start:stop], far)
    return found


def _nearer(ordered: Array, own: Array, reach: Array) -> Array:
    """Count, column by column, the values of `ordered` that lie nearer to each of `own` than its reach, and itself."""
    near = np.empty(own.shape)
    for j in range(own.shape[1]):
        column, here, far = ordered[:, j], own[:, j], reach[:, j]
        first, last = column.searchsorted(here - far), column.searchsorted(here + far, "right") - 1
        first += here - column[first] >= far  # the sums are rounded, the differences decide
        last -= column[last] - here >= far
        near[:, j] = last - first + 1
    return near


def relieff(x: Array, codes: IntArray, *, neighbours: int = 10, groups: IntArray | None = None) -> Array:
    """Return ReliefF's weight of each column: how much further it is to other classes than to the own one.

    Kononenko 1994; Robnik-Sikonja and Kononenko, Mach Learn 2003;53:23. Distances are city-block over columns scaled
    to their range; rows of the same group (copies of a patient) are no neighbours of each other.
    """
    span = np.ptp(x, axis=0)
    unit = (x - x.min(0)) / np.where(span > 0, span, 1.0)
    from scipy.spatial.distance import cdist  # slow to load, and few runs need it

    distance = cdist(unit, unit, "cityblock")
    groups = np.arange(len(x)) if groups is None else groups
    distance[groups[:, None] == groups] = np.inf
    present, counts = np.unique(codes, return_counts=True)
    weight = np.zeros(x.shape[1])
    for value, share in zip(present.tolist(), (counts / len(codes)).tolist(), strict=True):
        members = np.flatnonzero(codes == value)
        apart, patients = _mean_difference(unit, distance, members, neighbours)
        mine = codes[patients]
        others = 1.0 - counts[np.searchsorted(present, mine)] / len(codes)
        sign = np.where(mine == value, -1.0, share / np.maximum(others, 1e-12))
        weight += sign @ apart
    return weight / len(codes)


def _mean_difference(unit: Array, distance: Array, members: IntArray, neighbours: int) -> tuple[Array, IntArray]:
    """Return the mean difference of each patient to its nearest members of a class, and who has any."""
    near = distance[:, members]
    order = np.argsort(near, axis=1, kind="stable")[:, :neighbours]
    known = np.isfinite(np.take_along_axis(near, order, axis=1))
    patients = np.flatnonzero(known.any(1))
    out = np.empty((len(patients), unit.shape[1]))
    for place, patient in enumerate(patients.tolist()):
        out[place] = np.abs(unit[members[order[patient, known[patient]]]] - unit[patient]).mean(0)
    return out, patients


def distinct(x: Array, groups: IntArray | Sequence[int]) -> IntArray:
    """Return the first of every row that comes more than once in its group: a bootstrap's copies of a patient."""
    seen: dict[tuple[int, bytes], int] = {}
    for place, group in enumerate(np.asarray(groups).tolist()):
        seen.setdefault((group, x[place].tobytes()), place)
    return np.array(sorted(seen.values()), np.intp)
