"""Laplacian of Gaussian as ITK computes it: recursive filters of Deriche along each axis, in double precision, with
single precision between the passes.

R. Deriche, INRIA research report 1893 (1993); G. Farneback and C.-F. Westin, J Math Imaging Vis 26 (2006) 293-299.
"""

from __future__ import annotations

import math
from collections.abc import Sequence

import numpy as np

from radnb.features.engine import native
from radnb.features.engine.grid import Box
from radnb.features.engine.source import CODES

# The recursions forget by exp(-1.37 / sigma) per voxel; after 24 sigma less than 1e-14 of a voxel beyond is left,
# which single precision cannot see.
REACH = 24.0


def laplacian_of_gaussian(volume: np.ndarray, box: Box, spacing: Sequence[float], sigma: float) -> np.ndarray:
    """Return the filtered voxels of a box; `spacing` and `sigma` in mm."""
    volume = volume if volume.dtype.name in CODES else volume.astype(np.float64)
    part = _part(volume.shape, box, spacing, sigma)
    begin = [span.start for span in part]
    wanted = [(span.start - first, span.stop - first) for span, first in zip(box, begin, strict=True)]
    size = [span.stop - span.start for span in part]
    out = np.zeros([last - first for first, last in wanted], np.float32)
    for axis in (2, 1, 0):
        order = [axis, *(other for other in (2, 1, 0) if other != axis)]
        kernels = [deriche(sigma / spacing[axis], 2, sigma * sigma),
                   *(deriche(sigma / spacing[other], 0, 1.0) for other in order[1:])]
        _three_passes(volume, begin, size, order, kernels, wanted, 1.0 / spacing[axis] ** 2, out)
    return out


def _part(shape: Sequence[int], box: Box, spacing: Sequence[float], sigma: float) -> Box:
    """Return the part of the volume that can change a bit of the box."""
    reach = [math.ceil(REACH * sigma / step) + 4 for step in spacing]
    z, y, x = (slice(max(span.start - far, 0), min(span.stop + far, n))
               for span, far, n in zip(box, reach, shape, strict=True))
    return z, y, x


def _three_passes(volume: np.ndarray, begin: Sequence[int], size: Sequence[int], order: Sequence[int],
                  kernels: Sequence[np.ndarray], wanted: Sequence[tuple[int, int]], scale: float,
                  out: np.ndarray) -> None:
    """Filter along three axes in turn; after each only the wanted samples along it remain. Add the outcome to `out`."""
    now, origin, source = list(size), np.array(begin), volume
    for turn, (axis, kernel) in enumerate(zip(order, kernels, strict=True)):
        stride = [source.shape[1] * source.shape[2], source.shape[2], 1]
        first, last = wanted[axis]
        now_after = [last - first if other == axis else n for other, n in enumerate(now)]
        target = out if turn == 2 else np.empty(now_after, np.float32)
        native.call("gaussian_pass", source, CODES[source.dtype.name], origin, np.array(now), np.array(stride), axis,
                    kernel, first, last, scale if turn == 2 else 0.0, target)
        source, now, origin = target, now_after, np.zeros(3, np.int64)


_COSINE = (1.3530, -0.6724, -1.3563), (-0.3531, 0.6724, 0.3446)  # a of both oscillations, for orders 0, 1, 2
_SINE = (1.8151, -3.4327, 5.2318), (0.0902, 0.6100, -2.2355)  # b
_FREQUENCY, _DECAY = (0.6681, 2.0787), (-1.3932, -1.3732)


def deriche(sigma: float, order: int, norm: float) -> np.ndarray:
    """Return the 20 coefficients of a Gaussian (order 0) or its second derivative (order 2), sigma in voxels.

    They are n of the input, d of the output, m of the input on the way back, and the two sets for the borders; the sums
    are those of itk::RecursiveGaussianImageFilter.
    """
    d = _poles(sigma)
    sums = 1.0 + d[0] + d[1] + d[2] + d[3]
    first, second = d[0] + 2 * d[1] + 3 * d[2] + 4 * d[3], d[0] + 4 * d[1] + 9 * d[2] + 16 * d[3]
    n, (total, slope, bend) = _zeros(sigma, 0)
    if order == 0:
        alpha = 2 * total / sums - n[0]
        n = [value * (1.0 / alpha) for value in n]
    else:
        n2, (total2, slope2, bend2) = _zeros(sigma, 2)
        beta = -(2 * total2 - sums * n2[0]) / (2 * total - sums * n[0])
        n = [b + beta * a for a, b in zip(n, n2, strict=True)]
        total, slope, bend = total2 + beta * total, slope2 + beta * slope, bend2 + beta * bend
        alpha = bend * sums * sums - second * total * sums - 2 * slope * first * sums + 2 * first * first * total
        alpha /= sums * sums * sums
        n = [value * (norm / alpha) for value in n]
    m = [n[1] - d[0] * n[0], n[2] - d[1] * n[0], n[3] - d[2] * n[0], -d[3] * n[0]]
    ahead, back = n[0] + n[1] + n[2] + n[3], m[0] + m[1] + m[2] + m[3]  # sum() adds otherwise from Python 3.12 on
    return np.array([*n, *d, *m, *(value * ahead / sums for value in d), *(value * back / sums for value in d)])


def _poles(sigma: float) -> tuple[float, float, float, float]:
    (cos1, cos2), _, (exp1, exp2) = _waves(sigma)
    d4 = exp1 * exp1 * exp2 * exp2
    d3 = -2 * cos1 * exp1 * exp2 * exp2
    d3 += -2 * cos2 * exp2 * exp1 * exp1
    d2 = 4 * cos2 * cos1 * exp1 * exp2
    d2 += exp1 * exp1 + exp2 * exp2
    return -2 * (exp2 * cos2 + exp1 * cos1), d2, d3, d4


def _zeros(sigma: float, order: int) -> tuple[list[float], tuple[float, float, float]]:
    """Return the input's coefficients with their sum and its first two moments."""
    (cos1, cos2), (sin1, sin2), (exp1, exp2) = _waves(sigma)
    a1, a2, b1, b2 = _COSINE[0][order], _COSINE[1][order], _SINE[0][order], _SINE[1][order]
    n1 = exp2 * (b2 * sin2 - (a2 + 2 * a1) * cos2)
    n1 += exp1 * (b1 * sin1 - (a1 + 2 * a2) * cos1)
    n2 = (a1 + a2) * cos2 * cos1
    n2 -= b1 * cos2 * sin1 + b2 * cos1 * sin2
    n2 *= 2 * exp1 * exp2
    n2 += a2 * exp1 * exp1 + a1 * exp2 * exp2
    n3 = exp2 * exp1 * exp1 * (b2 * sin2 - a2 * cos2)
    n3 += exp1 * exp2 * exp2 * (b1 * sin1 - a1 * cos1)
    n0 = a1 + a2
    return [n0, n1, n2, n3], (n0 + n1 + n2 + n3, n1 + 2 * n2 + 3 * n3, n1 + 4 * n2 + 9 * n3)


def _waves(sigma: float) -> tuple[tuple[float, float], tuple[float, float], tuple[float, float]]:
    cosines = math.cos(_FREQUENCY[0] / sigma), math.cos(_FREQUENCY[1] / sigma)
    sines = math.sin(_FREQUENCY[0] / sigma), math.sin(_FREQUENCY[1] / sigma)
    return cosines, sines, (math.exp(_DECAY[0] / sigma), math.exp(_DECAY[1] / sigma))
