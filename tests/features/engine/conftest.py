"""PyRadiomics' three-dimensional LBP, given back the function that newer SciPy renamed."""

from __future__ import annotations

import numpy as np
import pytest
import scipy.special


def sph_harm(order: int, degree: int, azimuth: np.ndarray, polar: np.ndarray) -> np.ndarray:
    """Stand in for `scipy.special.sph_harm`, which SciPy 1.17 withdrew for `sph_harm_y`.

    The angles go where they went: PyRadiomics passes the polar angle first, where SciPy wanted the azimuth.
    """
    return scipy.special.sph_harm_y(degree, order, polar, azimuth)


@pytest.fixture
def lbp3d(monkeypatch: pytest.MonkeyPatch) -> None:
    """Let PyRadiomics 3.0.1 import the function its LBP3D needs."""
    monkeypatch.setattr(scipy.special, "sph_harm", sph_harm, raising=False)
