"""From discretised levels to texture features: matrices per slice and direction, averaged or merged."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass, field

import numpy as np

from radnb.features.ibsi import matrices, texture
from radnb.features.ibsi.matrices import HALF, IN_SLICE, Offset
from radnb.features.ibsi.texture import Found


@dataclass(frozen=True)
class Levels:
    """Discretised grey levels (0 outside) and the morphological mask of the same box."""

    levels: np.ndarray
    mask: np.ndarray
    coarseness: int = 0  # alpha of NGLDM
    _zones: dict[tuple[Offset, ...], tuple[np.ndarray, np.ndarray, np.ndarray]] = field(default_factory=dict)

    @property
    def bins(self) -> int:
        """Return the highest level."""
        return int(self.levels.max())

    def slices(self) -> list[int]:
        """Return the slices that hold voxels."""
        return [int(z) for z in np.flatnonzero((self.levels > 0).any(axis=(1, 2)))]

    def zones(self, steps: tuple[Offset, ...]) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
        """Return the zone of each voxel of the region, and of each zone its level and a slice that it lies in."""
        if steps not in self._zones:
            self._zones[steps] = matrices.zones(self.levels, steps)
        return self._zones[steps]


Matrix = Callable[[np.ndarray, Offset, int], np.ndarray]
Formulas = Callable[[np.ndarray], Found]


def _glrlm(counts: np.ndarray) -> Found:
    voxels = (counts * np.arange(1, counts.shape[-1] + 1)).sum(axis=(-2, -1))
    return texture.emphases("glrlm", counts, voxels)


_DIRECTIONAL: dict[str, tuple[Matrix, Formulas]] = {
    "glcm": (matrices.cooccurrence, texture.cooccurrence), "glrlm": (matrices.runs, _glrlm)}


def _by_direction(region: Levels, matrix: Matrix, steps: Iterable[Offset], z: int | None = None) -> np.ndarray:
    """Return one matrix per direction, of one slice or of the volume."""
    levels = region.levels if z is None else region.levels[z:z + 1]
    return _stacked([matrix(levels, step, region.bins) for step in steps])


def _stacked(found: list[np.ndarray]) -> np.ndarray:
    """Stack matrices whose last axis differs in length."""
    longest = max(matrix.shape[-1] for matrix in found)
    return np.stack([np.pad(matrix, ((0, 0), (0, longest - matrix.shape[-1]))) for matrix in found])


def directional(region: Levels, family: str, aggregations: Iterable[str]) -> dict[str, dict[str, float]]:
    """Return the features of co-occurrence or run-length matrices by aggregation."""
    matrix, formulas = _DIRECTIONAL[family]
    wanted = list(aggregations)
    found: dict[str, list[np.ndarray]] = {}
    if any(name.startswith("3D") for name in wanted):
        volume = _by_direction(region, matrix, HALF)
        found |= {"3D-averaged": [volume], "3D-merged": [volume.sum(axis=0)]}
    if any(name.startswith("2") for name in wanted):
        slices = [_by_direction(region, matrix, IN_SLICE, z) for z in region.slices()]
        merged = _merged(slices)
        found |= {"2D-averaged": slices, "2D-slice-merged": [one.sum(axis=0) for one in slices],
                  "2.5D-direction-merged": [merged], "2.5D-merged": [merged.sum(axis=0)]}
    return {name: _averaged([formulas(one) for one in found[name]]) for name in wanted}


def _merged(slices: list[np.ndarray]) -> np.ndarray:
    longest = max(one.shape[-1] for one in slices)
    total = np.zeros((*slices[0].shape[:-1], longest), dtype=np.int64)
    for one in slices:
        total[..., :one.shape[-1]] += one
    return total


def _averaged(parts: list[Found]) -> dict[str, float]:
    """Average over slices and directions; matrices without a single entry do not count."""
    return {name: _mean(np.concatenate([np.atleast_1d(part[name]).ravel() for part in parts])) for name in parts[0]}


def _mean(values: np.ndarray) -> float:
    known = values[~np.isnan(values)]
    return float(known.mean()) if known.size else float("nan")


def zonal(region: Levels, families: Iterable[str], dimension: str) -> dict[str, dict[str, float]]:
    """Return the features of the matrices without directions, by family: 2D (averaged over slices), 2.5D or 3D."""
    steps = HALF if dimension == "3D" else IN_SLICE
    return {family: _averaged([_ZONAL[family](region, dimension, steps)]) for family in families}


def _merge(counts: np.ndarray, dimension: str) -> np.ndarray:
    """Merge the slices, unless they are to be averaged."""
    return counts if dimension == "2D" else counts.sum(axis=0)


def _voxels(region: Levels, dimension: str) -> np.ndarray:
    return _merge((region.levels > 0).sum(axis=(1, 2)), dimension)


def _glszm(region: Levels, dimension: str, steps: tuple[Offset, ...]) -> Found:
    zone, level, place = region.zones(steps)
    size = np.bincount(zone, minlength=level.size)
    return _of_zones("glszm", region, dimension, (place, level, size))


def _gldzm(region: Levels, dimension: str, steps: tuple[Offset, ...]) -> Found:
    zone, level, place = region.zones(steps)
    depth = matrices.border_distance(region.mask, in_slice=dimension != "3D")[region.levels > 0]
    distance = np.full(level.size, depth.max())
    np.minimum.at(distance, zone, depth)
    return _of_zones("gldzm", region, dimension, (place, level, distance))


def _of_zones(family: str, region: Levels, dimension: str, found: tuple[np.ndarray, ...]) -> Found:
    """Count zones by slice (if they are to be averaged), level and measure; only measures that occur get a column."""
    place, level, measure = found
    lengths, at = np.unique(measure, return_inverse=True)
    slices = region.levels.shape[0] if dimension == "2D" else 1
    index = np.ravel_multi_index((place if dimension == "2D" else place * 0, level - 1, at),
                                 (slices, region.bins, lengths.size))
    counts = np.bincount(index, minlength=slices * region.bins * lengths.size)
    counts = counts.reshape(slices, region.bins, lengths.size)
    return texture.emphases(family, _merge(counts, dimension), _voxels(region, dimension), lengths)


def _ngldm(region: Levels, dimension: str, steps: tuple[Offset, ...]) -> Found:
    counts = matrices.dependences(region.levels, steps, region.bins, region.coarseness)
    return texture.emphases("ngldm", _merge(counts, dimension), _voxels(region, dimension))


def _ngtdm(region: Levels, dimension: str, steps: tuple[Offset, ...]) -> Found:
    counts, sums = matrices.tone_differences(region.levels, steps, region.bins)
    kept = counts.any(axis=1)  # slices with at least one voxel that has a neighbour
    return texture.tone_differences(_merge(counts[kept], dimension), _merge(sums[kept], dimension))


_ZONAL: dict[str, Callable[[Levels, str, tuple[Offset, ...]], Found]] = {
    "glszm": _glszm, "gldzm": _gldzm, "ngtdm": _ngtdm, "ngldm": _ngldm}
