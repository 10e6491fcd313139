"""The same bytes on Python 3.11 and 3.13: what differs between them is tried on whichever runs the tests.

Since Python 3.12 `sum` adds floats with a correction (docs.python.org/3/library/functions.html#sum), so that a value
that leans on it depends on the Python.
"""

from __future__ import annotations

import builtins
import sys
from collections.abc import Callable, Iterable
from typing import Any

import numpy as np
import pytest

from radnb.features.engine.log import deriche
from radnb.features.settings import checked
from tests.features.engine import scenes

pytestmark = pytest.mark.filterwarnings("ignore::RuntimeWarning")
CARDS: dict[str, dict[str, Any]] = {
    "PyRadiomics' definitions": {
        "imageType": {"Original": {}, "LoG": {"sigma": [round(0.7 + 0.1 * step, 1) for step in range(12)]},
                      "Wavelet": {}, "Square": {}, "SquareRoot": {}, "Logarithm": {}, "Exponential": {},
                      "Gradient": {}, "LBP3D": {}, "SSF": {"radius_mm": [2.0, 3.5]}},
        "setting": {"binWidth": 7, "resampledPixelSpacing": [1.1, 1.1, 1.1], "weightingNorm": "euclidean",
                    "normalize": True, "normalizeScale": 100}},
    "IBSI's definitions": {
        "imageType": {"Original": {}, "LoG": {"sigma": [1.3]}, "Laws": {"laws": ["L5E5E5"], "energyDistance": 2},
                      "Gabor": {"gaborSigma": [2.0], "gaborWavelength": 3.0}, "Wavelet": {}, "Simoncelli": {}},
        "setting": {"definitions": "ibsi", "binWidth": 7, "resampledPixelSpacing": [1.1, 1.1, 1.1]}}}


def one_by_one(values: Iterable[Any], start: Any = 0) -> Any:
    """Add as Python 3.11 does."""
    for value in values:
        start = start + value
    return start


def with_correction(values: Iterable[Any], start: Any = 0) -> Any:
    """Add as Python 3.12 and later do (Neumaier, ZAMM 1974;54:39-51)."""
    rest = 0.0
    for value in values:
        if not type(start) is type(value) is float:
            start = start + value
            continue
        total = start + value
        rest += (start - total) + value if abs(start) >= abs(value) else (value - total) + start
        start = total
    return start + rest if type(start) is float else start


def measured(card: dict[str, Any], add: Callable[..., Any], monkeypatch: pytest.MonkeyPatch) -> dict[str, float]:
    """Measure with this way of adding; nothing is left of an earlier measurement."""
    for name, module in [*sys.modules.items()]:
        for cached in vars(module).values() if name.startswith("radnb.features") else ():
            if hasattr(cached, "cache_clear"):
                cached.cache_clear()
    with monkeypatch.context() as other:
        other.setattr(builtins, "sum", add)
        pair = scenes.pair_of(scenes.voxels("float32"), scenes.inside("ball"), (0.8, 0.9, 1.9))
        found = scenes.outcome("radnb", pair, checked(card, name="every Python"))
    assert isinstance(found, dict), found
    return found


def test_the_two_ways_of_adding_differ() -> None:
    tenths = [0.1] * 10
    assert (one_by_one(tenths), with_correction(tenths)) == (0.9999999999999999, 1.0)
    assert sum(tenths) == (1.0 if sys.version_info >= (3, 12) else 0.9999999999999999)


@pytest.mark.parametrize("name", CARDS)
def test_no_value_depends_on_how_python_adds(name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    ours, theirs = (measured(CARDS[name], add, monkeypatch) for add in (one_by_one, with_correction))
    assert list(ours) == list(theirs)
    apart = [column for column in ours if np.float64(ours[column]).tobytes() != np.float64(theirs[column]).tobytes()]
    assert not apart


@pytest.mark.parametrize("order", [0, 2])
def test_no_coefficient_of_a_gaussian_depends_on_how_python_adds(order: int, monkeypatch: pytest.MonkeyPatch) -> None:
    """Its last bits rarely reach a float32 image, so values alone would show it too late."""
    found = []
    for add in (one_by_one, with_correction):
        with monkeypatch.context() as other:
            other.setattr(builtins, "sum", add)
            found.append([deriche(step / 14, order, 1.0).tobytes() for step in range(5, 300)])
    assert found[0] == found[1]
