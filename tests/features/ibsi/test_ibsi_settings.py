"""Settings that ask for IBSI's definitions, whole or single families, and the names that come of them."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
import SimpleITK as sitk

from radnb.errors import RadnbError
from radnb.features.engine import engine as fast
from radnb.features.engine import native
from radnb.features.engine.region import Region
from radnb.features.ibsi import engine, standard
from radnb.features.names import explain, parts, short_name
from radnb.features.settings import Settings, checked, settings
from radnb.imaging.regions import Pair

IBSI: dict[str, Any] = {"definitions": "ibsi"}


def card(setting: dict[str, Any] | None = None, *classes: str, **more: Any) -> Settings:
    return checked({"setting": setting or {}, "featureClass": dict.fromkeys(classes), **more}, name="test")


def test_without_classes_every_family_is_measured() -> None:
    kinds = dict.fromkeys(column.split("_")[1] for column in card({**IBSI, "aggregation": ["2.5D-merged"]}).columns)
    assert list(kinds) == ["ibsi-morphology", "ibsi-local", "ibsi-statistics", "ibsi-histogram", "ibsi-ivh",
                           "ibsi-glcm-2-5D-merged", "ibsi-glrlm-2-5D-merged", "ibsi-glszm-2-5D", "ibsi-gldzm-2-5D",
                           "ibsi-ngtdm-2-5D", "ibsi-ngldm-2-5D"]


@pytest.mark.parametrize("letter", "abcde")
def test_a_preset_stays_itself_when_written_out_and_read_again(letter: str) -> None:
    preset = settings(f"ibsi-{letter}")
    assert preset.ibsi
    assert checked(preset.card, name=preset.name).columns == preset.columns
    assert len(preset.columns) == (351 if letter in "ab" else 215)


@pytest.mark.parametrize(("setting", "classes", "mend"), [
    ({**IBSI, "force2D": True}, (), "aggregation"),
    ({**IBSI, "voxelArrayShift": 1000}, (), "Delete this line"),
    ({**IBSI, "interpolator": "sitkGaussian", "resampledPixelSpacing": [1, 1, 1]}, (), "sitkLinear"),
    ({**IBSI, "resegmentRange": [400, -500]}, (), "Exchange"),
    (IBSI, ("glcm",), "single IBSI families may stand"),
    ({"roundIntensities": True}, ("glcm",), "Add definitions: ibsi"),
    ({"ivhBinCount": 100}, ("glcm",), "ibsi-ivh"),
    ({"aggregation": ["3D-merged"]}, ("ibsi-ivh",), "ibsi-glcm"),
    ({"ivhBinCount": 100, "ivhBinWidth": 2.5}, ("ibsi-ivh",), "Delete one"),
    ({}, ("ibsi-glcm", "ibsi-glcm-3D-averaged"), "Delete one"),
    ({"aggregation": ["3D"]}, ("ibsi-glcm",), "3D-averaged"),
    ({}, ("ibsi-glmc",), "ibsi-glcm"),
    ({"resampledPixelSpacing": [1, 1, 1]}, ("glcm", "ibsi-local"), "padDistance: 7"),
    ({**IBSI, "maskThreshold": 0.5}, (), "resampledPixelSpacing")])
def test_a_contradiction_is_refused_with_its_mend(setting: dict[str, Any], classes: tuple[str, ...], mend: str) -> None:
    with pytest.raises(RadnbError, match=mend):
        card(setting, *classes)


def test_two_dimensional_settings_take_a_region_in_one_slice() -> None:
    wanted = card({**IBSI, "aggregation": ["2D-averaged"]}, "ibsi-glcm", "ibsi-statistics")
    assert wanted.setting["minimumROIDimensions"] == 2
    assert card(IBSI, "ibsi-glcm").setting["minimumROIDimensions"] == 3


@pytest.mark.parametrize("language", ["en", "zh"])
def test_every_ibsi_column_has_words_of_its_own(language: str) -> None:
    names = card({**IBSI, "aggregation": list(standard.CHOICES)}).columns
    assert all(parts(name) for name in names)
    assert len({short_name(name, language) for name in names}) == len(names)
    assert all(parts(name).feature not in explain(name, language) or len(explain(name, language)) > 20
               for name in names if parts(name))


def test_a_name_is_explained_with_its_code_and_unit() -> None:
    name = "portal_original_ibsi-glcm-2-5D-merged_Contrast"
    assert explain(name) == "Contrast of neighbouring grey levels (IBSI ACUI; level²), portal-venous phase"
    assert explain(name, "zh") == "门静脉期：相邻体素的灰度对比（IBSI ACUI；level²）"
    assert short_name(name) == "Contrast (IBSI GLCM, 2.5-D, merged), portal-venous phase"
    assert short_name("original_ibsi-ivh_VolumeAt10Intensity") == \
        "Volume at 10 % intensity (IBSI intensity-volume histogram)"


def test_single_families_stand_among_pyradiomics_classes() -> None:
    wanted = card({"binWidth": 25}, "shape", "firstorder", "ibsi-ivh", "ibsi-gldzm")
    assert [name for name in wanted.columns if name.endswith(("Mean", "AreaUnderCurve", "ZoneDistanceEntropy"))] == [
        "original_firstorder_Mean", "original_ibsi-ivh_AreaUnderCurve", "original_ibsi-gldzm-3D_ZoneDistanceEntropy"]
    image = np.random.default_rng(5).integers(0, 200, (8, 9, 10)).astype(np.int16)
    mask = np.zeros(image.shape, dtype=bool)
    mask[2:6, 2:7, 3:8] = True
    region = Region(image, mask, mask, (2.0, 1.0, 1.0))
    found = engine.measure_families(region, image[region.box], wanted.classes, wanted.setting)
    assert {f"original_{name}" for name in found} == {name for name in wanted.columns if "ibsi" in name}
    assert all(np.isfinite(list(found.values())))


@pytest.mark.skipif(not native.available(), reason="the kernels of the fast engine were not built here")
def test_bins_of_a_filtered_image_do_not_begin_at_the_range_of_grey_values() -> None:
    image = sitk.GetImageFromArray(np.random.default_rng(6).integers(0, 200, (9, 10, 11)).astype(np.int16))
    inside = np.zeros((9, 10, 11), dtype=np.uint8)
    inside[2:7, 2:8, 2:9] = 1
    mask = sitk.GetImageFromArray(inside)
    pair = Pair(image, mask, (2, 2, 2), (7, 6, 5))
    classes = {"featureClass": {"ibsi-histogram": ["Minimum"], "ibsi-morphology": ["MoransI"]},
               "imageType": {"Original": {}, "Square": {}}}
    found = [fast.prepare(image, checked({**classes, "setting": own}, name="test"))(pair)
             for own in ({"binWidth": 25}, {"binWidth": 25, "resegmentRange": [-500, 5000]})]
    assert found[1]["original_ibsi-histogram_Minimum"] == 21 > found[0]["original_ibsi-histogram_Minimum"] == 1
    assert found[1]["square_ibsi-histogram_Minimum"] == 1
    assert found[0]["original_ibsi-morphology_MoransI"] == found[1]["original_ibsi-morphology_MoransI"]


def test_a_percentile_of_any_number_is_a_feature() -> None:
    wanted = card({}, featureClass={"firstorder": ["Mean", "25Percentile", "97.5Percentile"]})
    assert wanted.columns == ("original_firstorder_Mean", "original_firstorder_25Percentile",
                              "original_firstorder_97.5Percentile")
    assert short_name(wanted.columns[2]) == "97.5th percentile (histogram)"
    assert short_name("original_firstorder_1Percentile") == "1st percentile (histogram)"
    assert explain(wanted.columns[1]) == "Grey value that 25 % of the tumour lies below"


@pytest.mark.parametrize("name", ["100Percentile", "0Percentile", "025Percentile", "25.0Percentile", "Percentile"])
def test_a_percentile_that_is_none_is_refused(name: str) -> None:
    with pytest.raises(RadnbError, match="unknown feature"):
        card({}, featureClass={"firstorder": [name]})
