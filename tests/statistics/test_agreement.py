"""ICC(A,1) equals the published example and R."""

from __future__ import annotations

import json
import os
from pathlib import Path

import numpy as np
import pytest

from radnb.statistics.agreement import icc_a1, nogueira

SHROUT_FLEISS = np.array([[9, 2, 5, 8], [6, 1, 3, 2], [8, 4, 6, 8], [7, 1, 2, 6], [10, 5, 6, 9], [6, 2, 4, 7]])


def test_the_example_of_shrout_and_fleiss() -> None:
    """Shrout and Fleiss, Psychol Bull 1979;86:420-428, table 2: ICC(2,1) = 0.29; limits as in R's psych::ICC."""
    found = icc_a1(SHROUT_FLEISS)
    assert found.value == pytest.approx(0.2897638, abs=1e-7)
    assert (found.low, found.high) == (pytest.approx(0.0187865, abs=1e-6), pytest.approx(0.7610844, abs=1e-6))


def test_many_quantities_at_once_are_each_alone() -> None:
    many = np.stack([SHROUT_FLEISS, SHROUT_FLEISS ** 2.0], axis=2)
    found = icc_a1(many)
    assert found.value[0] == icc_a1(SHROUT_FLEISS).value
    assert found.low[1] == pytest.approx(icc_a1(SHROUT_FLEISS ** 2.0).low)


def test_perfect_agreement_is_one_and_no_spread_is_undefined() -> None:
    assert tuple(icc_a1(np.repeat(np.arange(5.0)[:, None], 3, axis=1))) == (1.0, 1.0, 1.0)
    assert np.isnan(icc_a1(np.ones((5, 3))).value)


def test_one_reader_is_refused() -> None:
    with pytest.raises(ValueError, match="at least two"):
        icc_a1(np.ones((5, 1)))


def reference() -> Path:
    folder = os.environ.get("RADNB_R_REFERENCE")
    if not folder:
        pytest.skip("RADNB_R_REFERENCE names no folder with values computed in R")
    return Path(folder)


def stored(folder: Path, name: str) -> dict[str, float]:
    return json.loads((folder / "expected" / "reference.json").read_text(encoding="utf-8"))["values"][name]


def test_r_gives_the_same() -> None:
    folder = reference()
    theirs = stored(folder, "icc.irr.2_1")
    found = icc_a1(np.loadtxt(folder / "input" / "icc.csv", delimiter=",", skiprows=1))
    assert tuple(found) == pytest.approx((theirs["icc"], theirs["lo"], theirs["hi"]), rel=1e-6)


def test_r_gives_the_same_for_each_feature_of_two_readers() -> None:
    folder = reference()
    theirs = stored(folder, "icc.features_2_1")
    rows = np.genfromtxt(folder / "input" / "icc_features.csv", delimiter=",", names=True, dtype=None,
                         encoding="utf-8")
    names = sorted({name.rsplit("_", 1)[0] for name in theirs})
    ratings = np.stack([np.stack([rows[name][rows["reader"] == reader] for name in names], axis=1)
                        for reader in ("R1", "R2")], axis=1)
    found = icc_a1(ratings)
    for place, name in enumerate(names):
        ours = (found.value[place], found.low[place], found.high[place])
        assert ours == pytest.approx(tuple(theirs[f"{name}_{word}"] for word in ("icc", "lo", "hi")), rel=1e-6)


def test_the_stability_of_three_small_sets_equals_the_paper_s_formula_by_hand() -> None:
    # shares 1, 2/3, 1/3, 0; mean size 2 of 4: 1 - 3/2 * (1/9) / (1/4) = 1/3; influences 1, 2/3, 1: variance 8/243
    chosen = np.array([[1, 1, 0, 0], [1, 0, 1, 0], [1, 1, 0, 0]])
    found = nogueira(chosen)
    assert found.value == pytest.approx(1 / 3)
    assert [found.low, found.high] == pytest.approx([1 / 3 - 1.959964 * np.sqrt(8 / 243),
                                                     1 / 3 + 1.959964 * np.sqrt(8 / 243)], abs=1e-6)


def test_equal_sets_are_wholly_stable_and_blind_ones_not_at_all() -> None:
    assert nogueira(np.tile([1, 0, 0, 1, 0], (6, 1))) == pytest.approx((1, 1, 1))
    rng = np.random.default_rng(0)
    blind = np.array([rng.permutation(50) < 5 for _ in range(400)])
    found = nogueira(blind)
    assert abs(found.value) < 0.01 and found.low < 0 < found.high
    assert np.isnan(nogueira(np.zeros((3, 4))).value) and np.isnan(nogueira(np.ones((3, 4))).value)


def test_one_fit_has_no_stability() -> None:
    with pytest.raises(ValueError, match="two fits"):
        nogueira(np.ones((1, 4)))
