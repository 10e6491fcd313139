"""Local intensity features (9ST6): the average of a cubic centimetre, as in PET's SUVpeak."""

from __future__ import annotations

import numpy as np

RADIUS_MM = 10 * (3 / (4 * np.pi)) ** (1 / 3)  # of a ball of one cubic centimetre


def local_intensity(image: np.ndarray, mask: np.ndarray, spacing: tuple[float, float, float]) -> dict[str, float]:
    """Return both peaks; the ball also takes in the voxels of the image that lie outside the region."""
    peaks, values = _ball_means(image, mask, spacing), image[mask]
    return {"LocalIntensityPeak": float(peaks[values == values.max()].max()),  # VJGA
            "GlobalIntensityPeak": float(peaks.max())}  # 0F91


def margins(spacing: tuple[float, float, float]) -> tuple[int, int, int]:
    """Return how many voxels the ball reaches along z, y and x."""
    z, y, x = (int(RADIUS_MM / step + 1e-9) for step in spacing)
    return z, y, x


def _ball_means(image: np.ndarray, mask: np.ndarray, spacing: tuple[float, float, float]) -> np.ndarray:
    """Return the average of the ball around each voxel of the mask: row by row, from running sums along x."""
    box = tuple(slice(at.min(), at.max() + 1) for at in np.nonzero(mask))
    reach = margins(spacing)
    total, count = (_running(field, box, reach) for field in (image.astype(float), np.ones(image.shape)))
    sums, counts = (np.zeros([span.stop - span.start for span in box]) for _ in range(2))
    nz, ny, nx = sums.shape
    for dz in range(2 * reach[0] + 1):
        for dy in range(2 * reach[1] + 1):
            rest = RADIUS_MM**2 - ((dz - reach[0]) * spacing[0]) ** 2 - ((dy - reach[1]) * spacing[1]) ** 2
            if rest < 0:
                continue
            half = int(rest**0.5 / spacing[2] + 1e-9)
            upper, lower = (slice(reach[2] + step, reach[2] + step + nx) for step in (half + 1, -half))
            for sums_of, running in ((sums, total), (counts, count)):
                rows = running[dz:dz + nz, dy:dy + ny]
                sums_of += rows[..., upper] - rows[..., lower]
    return (sums / counts)[mask[box]]


def _running(field: np.ndarray, box: tuple[slice, ...], reach: tuple[int, ...]) -> np.ndarray:
    """Cut the box with its margin (zeros beyond the image) and sum up along x, beginning with 0."""
    inner = [slice(max(span.start - r, 0), span.stop + r) for span, r in zip(box, reach, strict=True)]
    lacking = [(max(r - span.start, 0), max(span.stop + r - length, 0))
               for span, r, length in zip(box, reach, field.shape, strict=True)]
    padded = np.pad(field[tuple(inner)], lacking)
    return np.concatenate([np.zeros((*padded.shape[:2], 1)), padded.cumsum(axis=2)], axis=2)
