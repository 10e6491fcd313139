"""Bins that are too few or too many are told once for each image type, and one grey level is refused."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from radnb.errors import RadnbError
from radnb.features import bins
from radnb.features.engines import ENGINES
from radnb.features.extraction import extract
from radnb.features.settings import checked
from radnb.features.values import WRAPPED
from tests.features.engine import scenes

pytest.importorskip("radiomics")
CARD = checked({"imageType": {"Original": {}, "LoG": {"sigma": [1.0, 3.0], "binWidth": 10}, "Wavelet": {}},
                "featureClass": {"glcm": ["Contrast"]}, "setting": {"binWidth": 25}}, name="x")


@pytest.mark.parametrize("bins_of", [{"binWidth": 0.3}, {"binWidth": 7}, {"binWidth": 25}, {"binCount": 12}])
def test_both_engines_count_the_levels_that_pyradiomics_makes(bins_of) -> None:
    card = checked({"imageType": {"Original": {}, "Square": {}}, "featureClass": {"firstorder": ["Entropy"]},
                    "setting": bins_of}, name="x")
    pair = scenes.pair_of(scenes.voxels("float32") - 130, scenes.inside("holes"))
    ours, theirs = (ENGINES[name].prepare(pair.image, card)(pair) for name in ("radnb", "pyradiomics"))
    assert ours.levels == theirs.levels and ours.levels["original"] > 2


def test_bins_that_wrap_around_in_8_bit_images_are_told_by_both_engines() -> None:
    card = checked({"featureClass": {"firstorder": ["Entropy"]}, "setting": {"binWidth": 25}}, name="x")
    dark, bright = (scenes.pair_of((scenes.voxels("float32") % 40 + shift).astype(np.uint8), scenes.inside("ball"))
                    for shift in (0, 180))
    for name in ("radnb", "pyradiomics"):
        levels = [ENGINES[name].prepare(pair.image, card)(pair).levels["original"] for pair in (dark, bright)]
        assert levels[0] > 0 and levels[1] == WRAPPED
        found = bins.warnings(pd.DataFrame({"original": levels}), card)
        assert found["code"].tolist() == ["W_BINS_WRAP"] and "1 of 2 regions" in found.loc[0, "message"]
    assert not bins.wraps(np.dtype("float32"), 1e9, {"binWidth": 25})


def test_each_image_type_has_one_warning_with_numbers_and_a_width() -> None:
    levels = pd.DataFrame({"original": [40, 60, 50], "log-sigma-1-0-mm-3D": [5, 6, 9], "log-sigma-3-0-mm-3D": [3, 4, 5],
                           "wavelet-LLL": [2000, 1500, 900], "wavelet-HHH": [20, 20, 20]})
    found = bins.warnings(levels, CARD).set_index("image_type")
    assert list(found.index) == ["LoG", "Wavelet"]
    assert found.loc["LoG", ["code", "affected", "low", "high", "median", "advised"]].tolist() == [
        "W_BINS_FEW", 3, 3, 6, 5.0, 1.0]
    assert found.loc["Wavelet", "message"] == (
        "Wavelet: 2 of 3 regions have more than 1024 grey levels (median 1750, range 1500 to 2000) at binWidth 25. "
        "Set binWidth: 500 or so under imageType.Wavelet.")
    assert bins.warnings(levels[["original"]], CARD).empty


def test_where_no_feature_uses_bins_nothing_is_told() -> None:
    card = checked({"featureClass": {"firstorder": ["Mean"], "shape": None}}, name="x")
    assert bins.warnings(pd.DataFrame({"original": [1]}), card).empty
    bins.refuse_one_level({"original": 1}, card)


def test_a_width_beyond_the_range_of_a_region_is_refused_for_that_case_and_the_rest_goes_on(
        cases, tmp_path, save) -> None:
    save(np.random.default_rng(9).normal(600, 30, (14, 24, 24)).astype(np.int16), Path(cases["image"].iloc[3]))
    wide = checked({"featureClass": {"glcm": ["Contrast"]}, "setting": {"binWidth": 400}}, name="x")
    found = extract(cases, settings=wide, store=tmp_path, workers=0)
    assert found.failures[["patient_id", "stage", "code"]].to_numpy().tolist() == [["002", "extract", "E_BINS"]]
    assert "one grey level" in found.failures["message"].iloc[0] and len(found.features) == 3
    assert found.warnings["message"].iloc[0].startswith("Original: 3 of 3 regions have fewer than 8 grey levels (")


def test_warnings_are_the_same_from_the_store(cases, quick, tmp_path) -> None:
    first = extract(cases, settings=quick, store=tmp_path, workers=0).warnings
    again = extract(cases, settings=quick, store=tmp_path, workers=0)
    assert again.counts.computed == 0 and len(first) == 1
    pd.testing.assert_frame_equal(first, again.warnings)


def test_one_grey_level_is_refused_with_the_mend() -> None:
    with pytest.raises(RadnbError, match=r"binWidth 25 .* one grey level.*Choose a binWidth") as caught:
        bins.refuse_one_level({"original": 1, "wavelet-LLL": 30}, CARD)
    assert caught.value.code == "E_BINS"
    bins.refuse_one_level({"original": 2, "wavelet-HHH": 1}, CARD)
