"""Maximal correlation coefficient (MCC): https://pyradiomics.readthedocs.io/en/v3.0.1/features.html, GLCM 16."""

from __future__ import annotations

import numpy as np

from radnb.features.engine import native
from radnb.features.engine.firstorder import EPS

_WITHIN = 1e-10
_TINY = 1e-6  # eigenvalues below are rounding in good part; PyRadiomics even drops a direction when one is negative


def maximal_correlation(pairs: np.ndarray) -> float:
    """Return the mean over directions of sqrt(second largest eigenvalue of Q); pairs are probabilities.

    PyRadiomics adds eps to each denominator of Q, which moves MCC by up to 2e-4 where grey levels are rare.
    """
    if pairs.shape[1] < 2:
        return 1.0
    found = np.empty((len(pairs), 3))
    native.call("second_eigenvalues", pairs, len(pairs), pairs.shape[1], found)
    values = [value if left_out < _WITHIN * value else _refined(p, value, left_out, gap)
              for p, (value, left_out, gap) in zip(pairs, found.tolist(), strict=True)]
    if min(values) < _TINY:
        return _as_pyradiomics(pairs)
    return float(np.sqrt(values).mean())


def _refined(p: np.ndarray, value: float, left_out: float, gap: float) -> float:
    """Improve an eigenvalue by inverse iteration on both sides of Q and their Rayleigh quotient; else find them all."""
    if left_out < gap / 100:
        within = np.sqrt(np.outer(p.sum(axis=1), p.sum(axis=0)))
        s = np.divide(p, within, out=np.zeros_like(p), where=p > 0)
        q = (s / (1 + EPS / np.where(p > 0, within, 1) ** 2)) @ s.T
        shifted, start = q - (value + 1e-14) * np.eye(len(q)), np.cos(np.arange(len(q)))
        right, left = np.linalg.solve(shifted, start), np.linalg.solve(shifted.T, start)
        found = float(left @ (q @ right) / (left @ right))
        if abs(found - value) < 2 * left_out + 1e-12:
            return found
    return float(_eigenvalues(p[None])[0, -2].real)


def _as_pyradiomics(pairs: np.ndarray) -> float:
    with np.errstate(invalid="ignore"):
        found = np.sqrt(_eigenvalues(pairs)[:, -2])
    return float(found[~np.isnan(found)].mean().real) if not np.isnan(found).all() else np.nan


def _eigenvalues(pairs: np.ndarray) -> np.ndarray:
    """Return the ascending eigenvalues of Q, summed in PyRadiomics' order."""
    p = np.ascontiguousarray(pairs.transpose(1, 2, 0))
    px, py = p.sum(1, keepdims=True), p.sum(0, keepdims=True)
    q = np.zeros((pairs.shape[1], *p.shape[:1], len(pairs)))
    for level in range(pairs.shape[1]):
        q += p[:, None, level] * p[None, :, level] / (px * py[:, level, None] + EPS)
    found = np.linalg.eigvals(q.transpose(2, 0, 1))
    found.sort()
    return found
