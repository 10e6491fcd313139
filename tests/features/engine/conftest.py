"""PyRadiomics' three-dimensional LBP, given back the function that newer SciPy renamed."""

from __future__ import annotations

import pytest


@pytest.fixture
def lbp3d(monkeypatch: pytest.MonkeyPatch) -> None:
    """Let PyRadiomics 3.0.1 import `scipy.special.sph_harm`, which SciPy 1.17 withdrew for `sph_harm_y`.

    The angles go where they went: PyRadiomics passes the polar angle first, where SciPy wanted the azimuth.
    """
    import scipy.special

    if not hasattr(scipy.special, "sph_harm"):
        monkeypatch.setattr(scipy.special, "sph_harm", lambda m, n, azimuth, polar: scipy.special.sph_harm_y(
            n, m, polar, azimuth), raising=False)
