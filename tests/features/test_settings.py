"""Settings are PyRadiomics' own, and whatever it would ignore is refused."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from radnb.errors import RadnbError
from radnb.features.catalogue import FEATURES, IMAGE_TYPES, ON_REQUEST, WITHDRAWN
from radnb.features.options import SETTINGS
from radnb.features.settings import checked, presets, settings


@pytest.mark.filterwarnings("ignore:the load_module")  # in the checker that PyRadiomics uses
@pytest.mark.parametrize("name", ["ct", "demo", "mr", "pet"])
def test_a_preset_is_valid_for_pyradiomics_itself(name) -> None:
    extractor = pytest.importorskip("radiomics.featureextractor").RadiomicsFeatureExtractor(settings(name).card)
    assert set(extractor.enabledImagetypes) == set(settings(name).image_types)
    assert name in presets()


def test_the_catalogue_is_pyradiomics_own() -> None:
    radiomics = pytest.importorskip("radiomics")
    for kind, known in radiomics.getFeatureClasses().items():
        kept = tuple(name for name, withdrawn in known.getFeatureNames().items() if not withdrawn)
        assert FEATURES[kind] == kept
        assert {*FEATURES[kind], *ON_REQUEST.get(kind, ()), *WITHDRAWN.get(kind, ())} == set(known.getFeatureNames())
    assert set(IMAGE_TYPES) == set(radiomics.getImageTypes())
    schema, _ = radiomics.getParameterValidationFiles()
    words = Path(schema).read_text(encoding="utf-8")
    section = words[words.index("setting:"):words.index("voxelSetting:")]
    known = {line.strip().removesuffix(":") for line in section.splitlines()[3:]
             if line.startswith("      ") and not line.startswith("       ")}
    assert set(SETTINGS) == known


@pytest.mark.parametrize(("card", "mend"), [
    ({"setting": {"binwdth": 25}}, "Did you mean 'binWidth'"),
    ({"Setting": {}}, "Did you mean 'setting'"),
    ({"imageType": {"Log": {}}}, "Did you mean 'LoG'"),
    ({"imageType": {"LoG": {"sigmas": [1.0]}}}, "Did you mean 'sigma'"),
    ({"featureClass": {"glcmm": None}}, "Did you mean 'glcm'"),
    ({"featureClass": {"glcm": ["Contrst"]}}, "Did you mean 'Contrast'"),
    ({"featureClass": {"glcm": ["Homogeneity2"]}}, "equal: Idm"),
    ({"featureClass": {"glcm": ["Idm", "Idm"]}}, "named twice"),
    ({"featureClass": {"glcm": "Idm"}}, "must be a list"),
    ({"voxelSetting": {"kernelradius": 1}}, "Did you mean 'kernelRadius'"),
    ({"voxelSetting": {"kernelRadius": 0}}, "greater than or equal to 1"),
    ({"setting": {"binWidth": "25"}}, "valid number"),
    ({"setting": {"binWidth": 0}}, "greater than 0"),
    ({"setting": {"binWidth": float("nan")}}, "finite number"),
    ({"setting": {"normalize": 1}}, "valid boolean"),
    ({"setting": {"resampledPixelSpacing": [1, 1]}}, "at least 3"),
    ({"setting": {"distances": [1, 1]}}, "given twice"),
    ({"setting": {"interpolator": "BSpline"}}, "choose one of sitkNearestNeighbor"),
    ({"setting": {"weightingNorm": "euclid"}}, "'euclidean'"),
    ({"setting": [1]}, "must be a mapping"),
])
def test_a_misspelt_or_impossible_line_is_refused_with_its_mend(card, mend) -> None:
    with pytest.raises(RadnbError, match=mend) as caught:
        checked(card, name="x")
    assert caught.value.code == "E_CONFIG"


@pytest.mark.parametrize(("card", "mend"), [
    ({"setting": {"binWidth": 25, "binCount": 32}}, "exclude each other"),
    ({"imageType": {"LoG": {"sigma": [1.0], "binWidth": 5}}, "setting": {"binCount": 32}}, "would overrule"),
    ({"imageType": {"LoG": {}}}, "Add, for example, sigma"),
    ({"setting": {"sigma": [1.0]}}, "Add LoG or delete this line"),
    ({"imageType": {"Original": {"wavelet": "coif1"}, "Wavelet": {}}}, "belongs to Wavelet. Move it there"),
    ({"imageType": {"Wavelet": {"resampledPixelSpacing": [1, 1, 1]}}}, "Move it to `setting`"),
    ({"imageType": {"LBP2D": {}}}, "Set force2D: true"),
    ({"featureClass": {"shape2D": None}}, "needs force2D: true"),
    ({"setting": {"force2Ddimension": 1}}, "Add force2D"),
    ({"setting": {"resegmentMode": "sigma"}}, "Add resegmentRange"),
    ({"setting": {"normalizeScale": 100}}, "Add normalize"),
    ({"setting": {"resampledPixelSpacing": [0, 0, 0]}}, "Give a spacing in mm"),
    ({"setting": {"resampledPixelSpacing": [1, 1, 1], "interpolator": None}}, "sitkBSpline"),
    ({"setting": {"correctMask": True}}, "Resample the mask onto the image's grid"),
    ({"setting": {"label": 2}}, "label stands in the manifest"),
])
def test_lines_that_contradict_each_other_are_refused(card, mend) -> None:
    with pytest.raises(RadnbError, match=mend):
        checked(card, name="x")


def test_all_faults_are_told_at_once() -> None:
    with pytest.raises(RadnbError, match="3 problems"):
        checked({"settings": {}, "imageType": {"Orignal": {}}, "setting": {"binwidth": 5}}, name="x")


def test_a_file_is_read_in_yaml_and_json_with_equal_hash(tmp_path) -> None:
    (tmp_path / "参数.yaml").write_text("imageType:\n  Original:\n  LoG: {sigma: [1.0]}\nsetting:\n  label: 1\n",
                                       encoding="utf-8")
    (tmp_path / "p.json").write_text(json.dumps({"setting": {}, "imageType": {"LoG": {"sigma": [1.0]},
                                                                                 "Original": {}}}), encoding="utf-8")
    one, other = settings(tmp_path / "参数.yaml"), settings(str(tmp_path / "p.json"))
    assert one.sha256 == other.sha256
    assert one.name == "参数" and not one.resampled


def test_other_values_give_another_hash() -> None:
    assert checked({"setting": {"binWidth": 25}}, name="a").sha256 != checked({"setting": {"binWidth": 24}},
                                                                              name="a").sha256


def test_a_file_that_is_not_there_names_the_nearest_preset() -> None:
    with pytest.raises(RadnbError, match="Did you mean 'demo'"):
        settings("demoo")


def test_columns_follow_the_settings() -> None:
    found = checked({"imageType": {"LoG": {"sigma": [2.0]}, "Wavelet": {"level": 2}},
                     "featureClass": {"firstorder": ["Mean"], "shape": ["MeshVolume"]}}, name="x").columns
    assert found[:3] == ("original_shape_MeshVolume", "log-sigma-2-0-mm-3D_firstorder_Mean",
                         "wavelet-LLH_firstorder_Mean")
    assert found[-1] == "wavelet2-LLL_firstorder_Mean" and len(found) == 2 + 15
