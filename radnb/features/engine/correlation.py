"""Maximal correlation coefficient (MCC): https://pyradiomics.readthedocs.io/en/v3.0.1/features.html, GLCM 16."""

from __future__ import annotations

import numpy as np

EPS = float(np.spacing(1))


def maximal_correlation(pairs: np.ndarray) -> float:
    """Return the mean over directions of sqrt(second largest eigenvalue of Q); pairs are probabilities."""
    if pairs.shape[1] < 2:
        return 1.0
    return _exact(pairs)


def _exact(pairs: np.ndarray) -> float:
    px, py = pairs.sum(axis=2), pairs.sum(axis=1)
    q = (pairs / (px[:, :, None] * py[:, None, :] + EPS)) @ pairs.transpose(0, 2, 1)
    eigenvalues = np.linalg.eigvals(q)
    eigenvalues.sort(axis=-1)
    with np.errstate(invalid="ignore"):
        found = np.sqrt(eigenvalues[:, -2])
    return float(np.nanmean(found).real)
