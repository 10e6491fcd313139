"""Every feature has plain words in both languages."""

from __future__ import annotations

import pytest

from radnb.features.catalogue import FEATURES, IMAGE_TYPES, ON_REQUEST
from radnb.features.names import explain, parts, short_name
from radnb.features.settings import checked
from radnb.features.words import FEATURE_WORDS

EVERYTHING = checked({"imageType": {kind: {"LoG": {"sigma": [1, 2.5]}, "Wavelet": {"level": 2}}.get(kind, {})
                                    for kind in IMAGE_TYPES if kind != "LBP2D"}}, name="all").columns
FLAT = checked({"imageType": {"LBP2D": {}, "Wavelet": {}}, "featureClass": dict.fromkeys(FEATURES),
                "setting": {"force2D": True}}, name="flat").columns
FILTERED = [checked({
    "imageType": {"LoG": {"sigma": [1, 2.5], **own}, "SSF": {"radius_mm": [2, 2.5]}, "Mean": {"support": [3]},
                  "Laws": {"laws": laws}, "Wavelet": {"level": 2}, "Simoncelli": {"simoncelliLevels": 2, **own},
                  "Gabor": {"gaborSigma": [5.0], "gaborWavelength": 2.0}},
    "featureClass": {"ibsi-statistics": ["Mean"]},
    "setting": {"definitions": "ibsi", "inSlices": flat, "energyDistance": distance}}, name="ibsi").columns
    for own, laws, flat, distance in (({}, ["L5E5E5"], False, 0), ({"riesz": [1, 0, 0]}, ["L5E5"], True, 7))]


@pytest.mark.parametrize("language", ["en", "zh"])
def test_every_column_of_every_image_type_has_words_of_its_own(language) -> None:
    names = {*EVERYTHING, *FLAT, *FILTERED[0], *FILTERED[1]}
    assert all(parts(name) for name in names)
    short = [short_name(name, language) for name in sorted(names)]
    assert len(set(short)) == len(short)
    for name in names:
        said = explain(name, language)
        assert parts(name).feature not in said or parts(name).feature.islower() or len(said) > 20
        assert not any(raw in said for raw in ("glcm", "log-sigma", "wavelet-", "original", "firstorder", "ssf-",
                                              "-mm", "simoncelli-"))


def test_the_table_of_words_is_the_catalogue() -> None:
    known = {(kind, feature) for table in (FEATURES, ON_REQUEST) for kind, names in table.items() for feature in names}
    assert known <= set(FEATURE_WORDS)


def test_a_name_is_explained_with_filter_and_phase() -> None:
    name = "portal_venous_log-sigma-2-0-mm-3D_glcm_Contrast"
    assert explain(name) == ("Contrast of neighbouring grey levels, after a filter that brings out structures of "
                             "about 2 mm, portal-venous phase")
    assert explain(name, "zh") == "门静脉期，经突出约2 mm结构的滤波后：相邻体素的灰度对比"
    assert short_name(name) == "Contrast (GLCM), LoG 2 mm, portal-venous phase"
    assert short_name(name, "zh") == "对比度（共生矩阵），LoG 2 mm，门静脉期"


def test_a_filter_is_named_by_what_it_brings_out() -> None:
    assert explain("ssf-2-5-mm_firstorder_Mean") == ("Average grey value, after a filter that brings out structures "
                                                     "with a radius of about 2.5 mm")
    assert short_name("ssf-2-5-mm_firstorder_Mean", "zh") == "均值（直方图），SSF 2.5 mm"
    gabor = explain("gabor-sigma-5-0-wave-2-0-mm_ibsi-statistics_Mean", "zh")
    assert gabor.startswith("经突出条纹的滤波后（Gabor，宽5 mm，间距2 mm）")


def test_an_unknown_phase_keeps_its_own_name() -> None:
    assert explain("my_phase_original_shape_MeshVolume") == "Tumour volume (mm³), my phase"
    assert short_name("original_firstorder_90Percentile") == "90th percentile (histogram)"


def test_a_name_of_other_software_is_given_back_with_a_note() -> None:
    assert explain("CEA_texture7") == "CEA_texture7 (from the table supplied)"
    assert explain("original_glcm_Nonsense", "zh") == "original_glcm_Nonsense（来自所提供的表格）"
    assert short_name("CEA_texture7") == "CEA_texture7"
