"""First order without sorting, in the order of numpy's sums."""

from __future__ import annotations

import numpy as np
import pytest

from radnb.features.engine import native
from radnb.features.engine.firstorder import extremes, firstorder

from .oracle import deviating, ours, theirs


@pytest.mark.parametrize("n", [2, 7, 8, 9, 127, 128, 129, 1000, 4099, 100_003])
def test_the_mean_is_numpys_to_the_last_bit(n) -> None:
    """The mean of a wavelet band is near zero: any other order of summation loses its digits."""
    values = np.random.default_rng(n).normal(0, 1e3, n)
    for kind in (np.float32, np.float64):
        given = values.astype(kind)
        found = firstorder(given, extremes(given), np.array([n]), 1., {})
        assert found["Mean"] == np.nanmean(given.astype(float).reshape(1, -1), 1)[0]


@pytest.mark.parametrize("draw", ["normal", "skewed", "few values", "outlier", "sorted", "tiny", "wide"])
@pytest.mark.parametrize("n", [2, 3, 10, 11, 1001, 20_000])
def test_order_statistics_are_those_of_a_sort(n, draw) -> None:
    random = np.random.default_rng(n)
    values = {"normal": lambda: random.normal(0, 1, n), "skewed": lambda: random.lognormal(0, 3, n),
              "few values": lambda: random.integers(0, 3, n), "sorted": lambda: np.arange(n),
              "outlier": lambda: np.r_[random.normal(0, 1, n - 1), 1e30], "tiny": lambda: random.normal(0, 1e-38, n),
              "wide": lambda: random.normal(0, 1e38, n)}[draw]()
    for kind in (np.float32, np.float64):
        with np.errstate(over="ignore"):
            given = np.clip(values, -3e38, 3e38).astype(kind)
        ranks = np.unique(random.integers(0, n, 5))
        found = np.empty(len(ranks))
        native.call(f"ranked_{'f32' if kind is np.float32 else 'f64'}", given, n, float(given.min()),
                    float(given.max()), ranks, len(ranks), found)
        assert found.tolist() == np.sort(given)[ranks].astype(float).tolist()


@pytest.mark.parametrize("kind", ["int8", "uint8", "int16", "uint16", "int32", "float32", "float64"])
def test_values_of_every_scalar_type_are_pyradiomics(kind) -> None:
    image = np.random.default_rng(1).normal(40, 20, (5, 6, 7)).clip(0, 120).astype(kind)
    mask = np.random.default_rng(2).random(image.shape) < .8
    mask.flat[0] = mask.flat[-1] = True
    for card in ({"binWidth": 5}, {"binWidth": 5., "voxelArrayShift": -30}, {"binCount": 10}):
        assert deviating(ours(image, mask, card, ["firstorder"]), theirs(image, mask, card, ["firstorder"])) == {}


def test_a_constant_that_rounds_has_pyradiomics_values() -> None:
    """The mean of many 0.1 is not 0.1; variance, skewness and kurtosis are made of that last bit."""
    image = np.full((7, 11, 13), .1)
    mask, card = np.ones(image.shape, bool), {"binWidth": 25}
    assert deviating(ours(image, mask, card, ["firstorder"]), theirs(image, mask, card, ["firstorder"])) == {}
