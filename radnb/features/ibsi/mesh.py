"""The surface of a mask by marching cubes: its area, its volume and its corners.

All voxels of a mask are alike, so a cell of eight voxel centres can be cut in only 256 ways.  The area and the volume
of each way are worked out once per voxel size, and the whole mesh is then a count of cells.  The triangles are not
those of engine/shape.py: PyRadiomics' leave holes where surfaces touch, and IBSI's values need a closed mesh.
"""

from __future__ import annotations

import functools
import itertools

import numpy as np

Spacing = tuple[float, float, float]
CORNERS = np.array(list(itertools.product((0, 1), repeat=3)), dtype=float)  # in z, y, x; corner k is bit k of a cell


def area_and_volume(mask: np.ndarray, spacing: Spacing) -> tuple[float, float]:
    """Return the area (mm2) and the volume (mm3) of the mesh half-way between the voxels inside and outside."""
    cells = np.bincount(_cells(mask).ravel(), minlength=256)
    areas, volumes = _table(spacing)
    return float(cells @ areas), float(cells @ volumes)


def corners(mask: np.ndarray, spacing: Spacing) -> np.ndarray:
    """Return the mesh's corners in mm, one per row (z, y, x): the middles between neighbours of which one is in."""
    padded = np.pad(mask, 1)
    found = []
    for axis in range(3):
        lower = np.moveaxis(padded, axis, 0)
        crossed = np.moveaxis(lower[1:] != lower[:-1], 0, axis)
        points = np.argwhere(crossed).astype(float) - 1
        points[:, axis] += 0.5
        found.append(points)
    return np.concatenate(found) * spacing


def _cells(mask: np.ndarray) -> np.ndarray:
    padded = np.pad(mask, 1).view(np.uint8)
    cells = np.zeros([length - 1 for length in padded.shape], dtype=np.uint8)
    for bit, corner in enumerate(CORNERS.astype(int)):
        z, y, x = (slice(step, step + length) for step, length in zip(corner, cells.shape, strict=True))
        cells |= padded[z, y, x] << bit
    return cells


@functools.lru_cache(maxsize=8)
def _table(spacing: Spacing) -> tuple[np.ndarray, np.ndarray]:
    """Return area and volume of each of the 256 cells."""
    found = np.array([_cell([bool(cell >> bit & 1) for bit in range(8)], np.array(spacing)) for cell in range(256)])
    return found[:, 0], found[:, 1]


def _cell(inside: list[bool], spacing: np.ndarray) -> tuple[float, float]:
    """Return area and volume of one cell; the volume is a third of the sum of (point . normal) over its boundary."""
    area = flux = 0.0
    for loop in _loops(inside):
        covers = [_fan(ring * spacing) for ring in _chosen(np.array(loop))]
        area += float(np.mean([cover[0] for cover in covers]))
        flux += float(np.mean([cover[1] for cover in covers]))
    for axis in range(3):  # every face of the cell lies half a voxel from its middle
        flux += sum(_share([inside[k] for k in face]) for face in _faces(axis)) * float(spacing.prod()) / 2
    return area, flux / 3


def _fan(ring: np.ndarray) -> tuple[float, float]:
    """Cover a ring of points with triangles around the first: their area and sum of (point . normal)."""
    normals = np.cross(ring[1:-1] - ring[0], ring[2:] - ring[0]) / 2
    return float(np.linalg.norm(normals, axis=1).sum()), float((normals @ ring[0]).sum())


def _chosen(loop: np.ndarray) -> list[np.ndarray]:
    """Return the ring from each start whose fan bulges most in a cube.

    That gives the triangles of W. Lorensen and H. Cline's table (SIGGRAPH 1987), and several equal starts averaged
    give the same numbers for a region however it is turned.
    """
    rings = [np.roll(loop, -start, axis=0) for start in range(len(loop))]
    areas = np.array([_fan(ring)[0] for ring in rings])
    return [ring for ring, area in zip(rings, areas, strict=True) if area > areas.max() - 1e-9]


def _faces(axis: int) -> tuple[list[int], list[int]]:
    """List the corners of the two faces across an axis, each anticlockwise as seen from outside."""
    ahead, behind = (axis + 1) % 3, (axis + 2) % 3
    rings = []
    for side, ring in ((1, ((0, 0), (1, 0), (1, 1), (0, 1))), (0, ((0, 0), (0, 1), (1, 1), (1, 0)))):
        corner = np.zeros((4, 3), dtype=int)
        corner[:, axis], corner[:, [ahead, behind]] = side, ring
        rings.append([int(number) for number in corner @ (4, 2, 1)])
    return rings[0], rings[1]


def _share(ring: list[bool]) -> float:
    """Return the part of a face that is inside; two opposite corners are not connected."""
    crossings = sum(one != other for one, other in zip(ring, ring[1:] + ring[:1], strict=True))
    return {0: sum(ring) / 4, 2: (0.0, 1 / 8, 1 / 2, 7 / 8)[sum(ring) % 4], 4: 1 / 4}[crossings]


def _loops(inside: list[bool]) -> list[list[np.ndarray]]:
    """Follow the cuts across the faces into closed loops, anticlockwise as seen from outside, as points around 0."""
    cuts: dict[frozenset[int], frozenset[int]] = {}
    for face in itertools.chain.from_iterable(_faces(axis) for axis in range(3)):
        edges = [(face[k - 1], face[k]) for k in range(4)]
        entering = [k for k, (one, other) in enumerate(edges) if inside[other] and not inside[one]]
        for k in entering:  # cut from where the rim of the face comes into the region to where it leaves it again
            out = next(n for n in range(k + 1, k + 4) if not inside[edges[n % 4][1]])
            cuts[frozenset(edges[k])] = frozenset(edges[out % 4])
    found = []
    while cuts:
        start, here = cuts.popitem()
        loop = [start]
        while here != start:
            loop.append(here)
            here = cuts.pop(here)
        found.append([CORNERS[list(edge)].mean(axis=0) - 0.5 for edge in loop])
    return found
