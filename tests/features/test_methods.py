"""The methods paragraph says what the settings say."""

from __future__ import annotations

import pytest

from radnb.features.methods import describe_extraction
from radnb.features.settings import checked, presets, settings

ENGINE = "pyradiomics 3.0.1"


def test_a_ct_preset_in_words() -> None:
    text = describe_extraction(settings("ct"), ENGINE)
    assert text.startswith("From each region 1130 radiomic features (shape, first-order statistics")
    assert "Images were resampled to 1 × 1 × 1 mm with cubic B-splines, masks with nearest neighbours." in text
    assert "bin width of 25 (LoG 10 and Wavelet 10)" in text
    assert "Laplacian of Gaussian images (sigma 1, 2 and 3 mm) and coif1 wavelet decompositions (1 level)." in text


def test_normalisation_bin_count_and_two_dimensions_are_told() -> None:
    card = checked({"setting": {"normalize": True, "normalizeScale": 100, "removeOutliers": 3, "binCount": 32,
                                "force2D": True}}, name="x")
    text = describe_extraction(card, ENGINE)
    assert "standard deviation 100, values beyond 3 standard deviations being clipped" in text
    assert "32 levels, and texture was computed slice by slice" in text and "not resampled" in text


@pytest.mark.parametrize("name", presets())
def test_chinese_methods_hold_every_number_of_the_english(name) -> None:
    text = describe_extraction(settings(name), ENGINE, "zh")
    assert "影像组学特征" in text and str(len(settings(name).columns)) in text
    assert not any(word in text for word in ("Images", "Grey", "features"))
