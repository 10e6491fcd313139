"""Shape of a region, in space and in a single slice: the definitions of PyRadiomics 3.0.1 (shape.py, shape2D.py)."""

from __future__ import annotations

import functools
import math
from collections.abc import Sequence

import numpy as np

from radnb.features.engine import native
from radnb.imaging.faults import ImageFault

# Marching cubes (Lorensen & Cline, SIGGRAPH 1987; table after Bourke, Polygonising a scalar field, 1994, with the
# diagonals that PyRadiomics chose).  Word n holds the triangles of the cube whose corners inside the mask are the bits
# of n; three letters name the edges (0-9, a, b) that one triangle's corners halve.  For n above 127, all corners and
# the triangles' direction are exchanged.  Corners and edges are numbered as in the tables below.
_WORDS = (
    "- 083 019 183198 12a 08312a 0292a9 2832a88a9 23b 08b0b2 01923b 19b1b28b9 13a3ba 08a0a18ba 0393b99ba 8a98ba 478 "
    "043347 019478 147173194 12a478 04312a347 0292a9478 2732972a9479 23b478 04224b47b 01923b478 19229b47b4b9 "
    "13a3ba478 04114b1ba47b 0393b94789ba 47b4b99ba 495 083495 015054 153358485 12a495 08312a495 0242542a5 "
    "2532a5348354 23b495 08b0b2495 01505423b 15225828b485 13a3ba495 08a0a14958ba 03b0540b55ba 48558a8ba 579789 "
    "093357395 017078157 157173 12a579789 09312a357395 0282582a5578 2532a5357 23b579789 09227b297579 01815717823b "
    "15717b1b2 13a3ba579789 05707b0950a10ba 03b0570780a50ba 57b5ba 5a6 0835a6 0195a6 1831985a6 126165 083126165 "
    "026069596 258265283598 23b5a6 08b0b25a6 01923b5a6 19b1b25a68b9 1353653b6 05108b0b55b6 0360590653b6 59669b8b9 "
    "4785a6 0433475a6 0194785a6 1471731945a6 126165478 043126165347 026069478596 269293397479596 23b4785a6 "
    "04224b47b5a6 01923b4785a6 19229b47b4b95a6 1353653b6478 04b0b11b547b5b6 0360590653b6478 47959669b7b9 49a4a6 "
    "08349a4a6 01a0640a6 1681831a6486 124149264 083124149264 024264 248264283 23b49a4a6 08b0b249a4a6 01a0640a623b "
    "14816418b1a61b2 1393693b6496 08114916418b1b6 0360643b6 48668b 67a78a89a 07309a0a767a 0181781a767a 1731a767a "
    "126168189678 093129269397679 026067078 267273 23b67a78a89a 07209727b67a79a 0181781a723b67a 16717b1a61b2 "
    "1361693b6678689 09167b 03b0670780b6 67b"
)
_TRIANGLES = _WORDS.split()
_CORNERS = np.array([(0, 0, 0), (0, 0, 1), (0, 1, 1), (0, 1, 0), (1, 0, 0), (1, 0, 1), (1, 1, 1), (1, 1, 0)])
_EDGES = np.array([(0, 1), (1, 2), (2, 3), (3, 0), (4, 5), (5, 6), (6, 7), (7, 4), (0, 4), (1, 5), (2, 6), (3, 7)])
_MIDPOINTS = _CORNERS[_EDGES].mean(axis=1)  # z, y, x
# Marching squares in the same manner: two letters name the sides that a line joins.
_LINES = ("-", "30", "01", "31", "12", "1230", "02", "32", "23", "20", "0123", "21", "13", "10", "03", "-")
_SIDES = np.array([(0, 0.5), (0.5, 1), (1, 0.5), (0.5, 0)])  # y, x


def shape(mask: np.ndarray, spacing: Sequence[float], features: Sequence[str]) -> dict[str, float]:
    """Measure a mask (z, y, x) with voxels of `spacing` mm: a region's shape_mask, cut to its box as PyRadiomics does.

    Where surfaces touch, marching cubes leaves holes, and the mesh volume depends on the box's first corner.
    """
    padded = _padded(mask)
    volume, area, faces = _mesh(padded, np.asarray(spacing, float))
    values = {"MeshVolume": volume, "SurfaceArea": area, **_roundness(volume, area), **_axes(padded, spacing),
              "VoxelVolume": np.count_nonzero(mask) * math.prod(spacing[i] for i in (0, 2, 1))}
    if any(name.startswith("Maximum") for name in features):
        values |= _diameters(_faces(padded, faces), padded.shape, spacing)
    return {f"shape_{name}": float(values[name]) for name in features}


def shape_2d(mask: np.ndarray, spacing: Sequence[float], features: Sequence[str], dimension: int) -> dict[str, float]:
    """Measure a mask that is one slice thick along `dimension` (0 is z)."""
    if mask.shape[dimension] > 1:
        raise ImageFault(f"The region spans {mask.shape[dimension]} slices along dimension {dimension}, and shape2D "
                         "measures one.", "Draw one slice, choose another force2Ddimension, or take shape2D out of the "
                         "extraction settings.", code="E_SHAPE2D", column="mask")
    within = [axis for axis in range(3) if axis != dimension]
    flat = _padded(mask.squeeze(dimension))
    pixel = np.array([spacing[axis] for axis in within], float)
    surface, perimeter = _outline(flat, pixel)
    with np.errstate(divide="ignore", invalid="ignore"):
        sphericity = 2 * np.sqrt(np.pi * surface) / perimeter
        values = {"MeshSurface": surface, "Perimeter": perimeter, "PerimeterSurfaceRatio": perimeter / surface,
                  "Sphericity": sphericity, "SphericalDisproportion": 1 / sphericity,
                  "PixelSurface": np.count_nonzero(flat) * (pixel[1] * pixel[0])}
    least, major = _eigenvalues(flat, pixel)
    values |= {"MajorAxisLength": _axis(major), "MinorAxisLength": _axis(least), "Elongation": _ratio(least, major)}
    if "MaximumDiameter" in features:
        values["MaximumDiameter"] = _diameter_2d(flat, pixel)
    return {f"shape2D_{name}": float(values[name]) for name in features}


def _padded(mask: np.ndarray) -> np.ndarray:
    """Return a mask as bytes of 0 and 1 with a border of zeros."""
    return np.ascontiguousarray(np.pad(np.asarray(mask, bool), 1)).view(np.uint8)


def _roundness(volume: np.float64, area: np.float64) -> dict[str, float]:
    with np.errstate(divide="ignore", invalid="ignore"):
        ball = (36 * np.pi * volume**2) ** (1 / 3)  # the surface of a ball of this volume
        return {"SurfaceVolumeRatio": area / volume, "Sphericity": ball / area, "SphericalDisproportion": area / ball,
                "Compactness1": volume / (area**1.5 * np.sqrt(np.pi)), "Compactness2": 36 * np.pi * volume**2 / area**3}


# ---- the mesh


def _mesh(padded: np.ndarray, spacing: np.ndarray) -> tuple[np.float64, np.float64, int]:
    """Return volume and area of the mesh, and the number of its vertices, from the counts of corner patterns."""
    cells = np.zeros((256, 4), np.int64)
    native.call("shape_cells", padded, *padded.shape, cells)
    count, moments = cells[:, 0], cells[:, 1:]
    determinant, normal, area, faces = _pieces(tuple(spacing))
    # The volume is the sum of (a x b) . c / 6 over the triangles; with the cube's position o taken out of a, b and c:
    volume = (count @ determinant + np.sum(moments * spacing * normal)) / 6
    return volume, count @ area, int(count @ faces)


def _triangles() -> tuple[np.ndarray, np.ndarray]:
    """Return, for every triangle of every pattern of corners, the pattern and the three points (z, y, x) in a cube."""
    words = [*_TRIANGLES, *(word if word == "-" else word[::-1] for word in reversed(_TRIANGLES))]
    edges = [(pattern, *(int(letter, 16) for letter in word[first:first + 3]))
             for pattern, word in enumerate(words) if word != "-" for first in range(0, len(word), 3)]
    found = np.array(edges)
    return found[:, 0], _MIDPOINTS[found[:, 1:]]


@functools.lru_cache(maxsize=8)
def _pieces(spacing: tuple[float, ...]) -> tuple[np.ndarray, np.ndarray, np.ndarray, np.ndarray]:
    """Return for each pattern of corners: sum of (a x b) . c, of the normals a x b + b x c + c x a, of areas; faces."""
    patterns, points = _triangles()
    a, b, c = np.moveaxis(points * spacing, 1, 0)
    normals = np.cross(a - c, b - c)
    determinant, area = (np.bincount(patterns, values, 256) for values in (
        np.sum(np.cross(a, b) * c, axis=1), 0.5 * np.sqrt((normals**2).sum(axis=1))))
    normal = np.stack([np.bincount(patterns, normals[:, axis], 256) for axis in range(3)], axis=1)
    inside = np.arange(256)[:, None] >> np.array([7, 6, 4, 3]) & 1
    return determinant, normal, area, (inside[:, :1] != inside[:, 1:]).sum(axis=1)


def _faces(padded: np.ndarray, count: int) -> np.ndarray:
    """List the mesh's vertices, which are the centres of the voxels' outer faces, in half voxels (z, y, x rows)."""
    at = np.empty((3, count), np.int32)
    native.call("shape_faces", padded, *padded.shape, at, count)
    return at


def _diameters(at: np.ndarray, size: Sequence[int], spacing: Sequence[float]) -> dict[str, float]:
    found = np.empty(4)
    native.call("shape_diameters", at, at.shape[1], *(2 * length for length in size), *map(float, spacing), found)
    return dict(zip(("Maximum2DDiameterSlice", "Maximum2DDiameterColumn", "Maximum2DDiameterRow", "Maximum3DDiameter"),
                    found.tolist(), strict=True))


# ---- principal axes


def _axes(padded: np.ndarray, spacing: Sequence[float]) -> dict[str, float]:
    least, minor, major = _eigenvalues(padded, np.asarray(spacing, float))
    return {"LeastAxisLength": _axis(least), "MinorAxisLength": _axis(minor), "MajorAxisLength": _axis(major),
            "Elongation": _ratio(minor, major), "Flatness": _ratio(least, major)}


def _axis(eigenvalue: float) -> float:
    return 4 * math.sqrt(eigenvalue) if eigenvalue >= 0 else math.nan


def _ratio(smaller: float, larger: float) -> float:
    return math.sqrt(smaller / larger) if smaller >= 0 and larger > 0 else math.nan


def _eigenvalues(padded: np.ndarray, spacing: np.ndarray) -> np.ndarray:
    """Return the eigenvalues, in rising order, of the covariance (over N, not N - 1) of the voxels' places."""
    scatter, count = _scatter(padded)
    if np.linalg.matrix_rank(scatter.astype(float)) < len(scatter):
        values = _eigenvalues_of_a_plane(padded, spacing)
    else:
        values = np.linalg.eigvalsh(scatter.astype(float) / count**2 * np.outer(spacing, spacing))
    values[(values < 0) & (values > -1e-10)] = 0
    return np.sort(values)


def _scatter(padded: np.ndarray) -> tuple[np.ndarray, int]:
    """Return N sum(u v) - sum(u) sum(v) over the voxels' indices: whole numbers of any size, so nothing cancels."""
    sums = np.zeros(10, np.int64)
    native.call("shape_moments", padded, *((1,) * (3 - padded.ndim) + padded.shape), sums)
    count, z, y, x, zz, yy, xx, zy, zx, yx = map(int, sums)
    first = (z, y, x)
    second = ((zz, zy, zx), (zy, yy, yx), (zx, yx, xx))
    axes = range(3 - padded.ndim, 3)
    return np.array([[count * second[i][j] - first[i] * first[j] for j in axes] for i in axes], object), count


def _eigenvalues_of_a_plane(padded: np.ndarray, spacing: np.ndarray) -> np.ndarray:
    """Repeat PyRadiomics' operations where the smallest eigenvalue is 0 and its value there is their rounding."""
    places = np.argwhere(padded) * spacing
    places -= places.mean(axis=0)
    places /= np.sqrt(len(places))
    return np.linalg.eigvals(np.dot(places.T.copy(), places)).real


# ---- one slice


def _outline(flat: np.ndarray, pixel: np.ndarray) -> tuple[np.float64, np.float64]:
    """Return surface and perimeter of the outline that marching squares draws."""
    pattern = flat[:-1, :-1] | flat[:-1, 1:] << 1 | flat[1:, 1:] << 2 | flat[1:, :-1] << 3
    surface = perimeter = np.float64(0)
    for number, word in enumerate(_LINES[1:-1], 1):
        where = np.argwhere(pattern == number)
        for start, stop in zip(word[::2], word[1::2], strict=True):
            a, b = (where + _SIDES[int(start)]) * pixel, (where + _SIDES[int(stop)]) * pixel
            surface += np.sum(a[:, 0] * b[:, 1] - b[:, 0] * a[:, 1])
            perimeter += np.sqrt(((a - b) ** 2).sum(axis=1)).sum()
    return surface / 2, perimeter


def _diameter_2d(flat: np.ndarray, pixel: np.ndarray) -> float:
    """Return the largest distance between the middles of two sides of the outline."""
    upright, level = np.argwhere(flat[1:] != flat[:-1]), np.argwhere(flat[:, 1:] != flat[:, :-1])
    at = np.concatenate([upright * 2 + (1, 0), level * 2 + (0, 1)]).T
    at = np.ascontiguousarray(np.vstack([np.zeros(at.shape[1]), at]), np.int32)
    return _diameters(at, (1, *flat.shape), (1.0, *pixel))["Maximum3DDiameter"]
