"""Local binary patterns on a sphere, turned into powers of spherical harmonics, with PyRadiomics' values.

J. Banerjee et al., 3D LBP-based rotationally invariant region description, ACCV 2012 Workshops, LNCS 7728.
"""

from __future__ import annotations

import math

import numpy as np

from radnb.features.engine import native
from radnb.features.engine.grid import Box, crop_box, within
from radnb.features.engine.resample import SPLINE_MARGIN

# The icosahedron, its faces numbered as trimesh does: PyRadiomics takes the points of its icosphere.
_LONG, _SHORT = 0.85065080835204, 0.5257311121191336
_VERTICES = [(-_SHORT, _LONG, 0.0), (_SHORT, _LONG, 0.0), (-_SHORT, -_LONG, 0.0), (_SHORT, -_LONG, 0.0),
             (0.0, -_SHORT, _LONG), (0.0, _SHORT, _LONG), (0.0, -_SHORT, -_LONG), (0.0, _SHORT, -_LONG),
             (_LONG, 0.0, -_SHORT), (_LONG, 0.0, _SHORT), (-_LONG, 0.0, -_SHORT), (-_LONG, 0.0, _SHORT)]
_FACES = [(0, 11, 5), (0, 5, 1), (0, 1, 7), (0, 7, 10), (0, 10, 11), (1, 5, 9), (5, 11, 4), (11, 10, 2), (10, 7, 6),
          (7, 1, 8), (3, 9, 4), (3, 4, 2), (3, 2, 6), (3, 6, 8), (3, 8, 9), (4, 9, 5), (2, 4, 11), (6, 2, 10),
          (8, 6, 7), (9, 8, 1)]


def spherical_patterns(volume: np.ndarray, inside: np.ndarray, box: Box, *, levels: int, radius: float,
                       subdivisions: int) -> list[np.ndarray]:
    """Return one image per level and the kurtosis of the samples, for the voxels `inside` a box (0 elsewhere)."""
    points = icosphere(subdivisions, radius)
    harmonics, first = spherical_harmonics(points, radius, levels)
    coefficients, offset = _coefficients(volume, crop_box(volume.shape, box, math.ceil(radius) + 3))
    found = [np.zeros(inside.shape) for _ in range(levels + 1)]
    for z, drawn in enumerate(inside):
        if drawn.any():
            here = box[0].start + z
            samples = _samples(coefficients, offset, volume, here, box, points, drawn)
            centres = volume[here, box[1], box[2]][drawn]
            signs = np.ascontiguousarray(samples >= centres[:, None]).view(np.uint8)
            powers = _powers(signs, harmonics, first)
            for level in range(levels):
                found[level][z][drawn] = powers[:, level]
            found[levels][z][drawn] = kurtosis(samples)
    return found


def icosphere(subdivisions: int, radius: float) -> np.ndarray:
    """Return the vertices of an icosahedron whose faces are divided in four, again and again, and rounded."""
    vertices, faces = np.array(_VERTICES), np.array(_FACES)
    for _ in range(subdivisions):
        edges = np.sort(faces[:, [0, 1, 1, 2, 2, 0]].reshape(-1, 2), axis=1)
        _, unique, inverse = np.unique(edges[:, 1] << 32 | edges[:, 0], return_index=True, return_inverse=True)
        middle = inverse.reshape(-1, 3) + len(vertices)
        vertices = _rounded(np.vstack([vertices, vertices[edges[unique]].mean(axis=1)]), radius)
        faces = np.column_stack([faces[:, 0], middle[:, 0], middle[:, 2], middle[:, 0], faces[:, 1], middle[:, 1],
                                 middle[:, 2], middle[:, 1], faces[:, 2], *middle.T]).reshape(-1, 3)
    return vertices if subdivisions else _rounded(vertices, radius)


def _rounded(vertices: np.ndarray, radius: float) -> np.ndarray:
    length = np.sqrt(np.dot(vertices ** 2, [1, 1, 1]))
    return vertices + vertices / length[:, None] * (float(radius) - length)[:, None]


def spherical_harmonics(points: np.ndarray, radius: float, levels: int) -> tuple[np.ndarray, np.ndarray]:
    """Return the functions of each level at each point, and where each level's begin.

    PyRadiomics hands SciPy the polar angle as the azimuth and the azimuth as the polar angle; so does this.
    """
    from scipy.special import sph_harm_y  # to the last bit: see harmonic_powers; imported where it is needed only

    with np.errstate(invalid="ignore"):
        azimuth = np.arccos(np.true_divide(points[:, 2], radius))
    polar = np.arctan2(points[:, 1], points[:, 0])
    columns = [sph_harm_y(degree, order, polar, azimuth) for degree in range(levels)
               for order in range(-degree, degree + 1)]
    return np.column_stack(columns), np.arange(levels + 1) ** 2


def _coefficients(volume: np.ndarray, needed: Box) -> tuple[np.ndarray, np.ndarray]:
    """Return spline coefficients of a part, mirrored where it meets the image's border, and its first index."""
    held = crop_box(volume.shape, needed, SPLINE_MARGIN)
    found = volume[held].astype(np.float64, order="C")
    for axis in range(3):
        native.call("spline_coefficients", found, *found.shape, axis, 1)
    return np.pad(found[within(held, needed)], 2, mode="reflect"), np.array([span.start - 2 for span in needed])


def _samples(coefficients: np.ndarray, offset: np.ndarray, volume: np.ndarray, z: int, box: Box, points: np.ndarray,
             drawn: np.ndarray) -> np.ndarray:
    """Return the samples (voxels x points) around the drawn voxels of a slice, in the scalar type of the image."""
    found = np.empty((len(points), *drawn.shape))
    native.call("sphere_samples", coefficients, np.array(volume.shape), np.array(coefficients.shape), offset, z,
                box[1].start, box[1].stop, box[2].start, box[2].stop, points, len(points), found)
    samples = np.ascontiguousarray(found[:, drawn].T)
    if volume.dtype.kind in "iu":  # SciPy rounds half away from zero, and cuts at the limits of the type
        limits = np.iinfo(volume.dtype)
        return np.clip(np.trunc(samples + np.copysign(.5, samples)), limits.min, limits.max).astype(volume.dtype)
    return samples.astype(volume.dtype, copy=False)


def _powers(signs: np.ndarray, harmonics: np.ndarray, first: np.ndarray) -> np.ndarray:
    levels = len(first) - 1
    found = np.empty((len(signs), levels), np.complex128)
    native.call("harmonic_powers", signs, *signs.shape, np.ascontiguousarray(harmonics.real),
                np.ascontiguousarray(harmonics.imag), harmonics.shape[1], first, levels, found)
    return np.sqrt(found).real


def kurtosis(samples: np.ndarray) -> np.ndarray:
    """Return the excess kurtosis of each row, in the precision of the samples, undefined where a row is constant."""
    values = samples if samples.dtype.kind == "f" else samples.astype(np.float64)
    mean = values.mean(axis=1, keepdims=True)
    square = (values - mean) ** 2
    second, fourth = square.mean(axis=1), (square ** 2).mean(axis=1)
    with np.errstate(all="ignore"):
        constant = second <= (np.finfo(second.dtype).eps * mean[:, 0]) ** 2
        return np.where(constant, np.nan, fourth / second ** 2.0) - 3
