"""Feature maps against PyRadiomics 3.0.1 in its voxel-based mode."""

import logging
import warnings
from pathlib import Path

import numpy as np
import pytest
import SimpleITK as sitk

from radnb.errors import RadnbError
from radnb.features.engine.maps import feature_maps
from radnb.features.settings import checked
from radnb.imaging.faults import ImageFault

radiomics = pytest.importorskip("radiomics", reason="PyRadiomics is the oracle")
TEXTURE = ("firstorder", "glcm", "gldm", "glrlm", "glszm", "ngtdm")
# Where the levels of an angle are independent of each other, MCC is 0, but PyRadiomics takes the root of a rounding
# error: below this, or dropped if negative.
ROOT_OF_ROUNDING = 1e-7


@pytest.fixture(autouse=True)
def _quiet(monkeypatch):
    monkeypatch.setenv("RADNB_PROGRESS", "0")
    radiomics.setVerbosity(logging.CRITICAL)


@pytest.fixture
def mcc_without_empty_angles(monkeypatch):
    """Let numpy answer NaN for NaN, so that PyRadiomics leaves out empty angles as it means to, instead of failing."""
    eigvals = np.linalg.eigvals

    def of_finite(matrices):
        finite = np.isfinite(matrices).all(axis=(-2, -1))
        found = eigvals(matrices[finite])
        values = np.full(matrices.shape[:-1], np.nan, found.dtype)
        values[finite] = found
        return values

    monkeypatch.setattr(np.linalg, "eigvals", of_finite)


def _case(seed, size=(7, 8, 9), kind=np.float32, part=0.8, range_=200, smooth=False, spacing=(1.0, 0.8, 2.0)):
    rng = np.random.default_rng(seed)
    values = rng.random(size)
    if smooth:
        values = sum(np.sin(places / 3) for places in np.indices(size))
        values = (values - values.min()) / np.ptp(values) + rng.random(size) / 10
    mask = np.zeros(size, np.uint8)
    mask[1:-1, 2:, 1:-2] = rng.random((size[0] - 2, size[1] - 2, size[2] - 3)) < part
    images = sitk.GetImageFromArray((values * range_).astype(kind)), sitk.GetImageFromArray(mask)
    for image in images:
        image.SetSpacing(spacing)
        image.SetOrigin((3.0, -4.0, 5.5))
    return images


def _settings(classes=TEXTURE, types=("Original",), **setting):
    types, classes = (given if isinstance(given, dict) else dict.fromkeys(given) for given in (types, classes))
    return checked({"imageType": types, "featureClass": classes, "setting": setting}, name="maps")


def _pyradiomics(image, mask, settings, **voxel_setting):
    extractor = radiomics.featureextractor.RadiomicsFeatureExtractor(
        additionalInfo=False, **settings.setting, **voxel_setting)
    extractor.disableAllImageTypes()
    extractor.enableImageTypes(**settings.card["imageType"])
    extractor.disableAllFeatures()
    extractor.enableFeaturesByName(**settings.card["featureClass"])
    with np.errstate(all="ignore"), warnings.catch_warnings():
        warnings.simplefilter("ignore")
        found = extractor.execute(image, mask, label=1, voxelBased=True)
    return {name: image for name, image in found.items() if isinstance(image, sitk.Image)}


def _assert_equal(ours, theirs, name):
    assert ours.GetSize() == theirs.GetSize() and ours.GetOrigin() == pytest.approx(theirs.GetOrigin(), abs=1e-12)
    assert ours.GetSpacing() == theirs.GetSpacing() and ours.GetDirection() == theirs.GetDirection()
    mine, other = sitk.GetArrayFromImage(ours), sitk.GetArrayFromImage(theirs)
    if name.endswith("_MCC"):
        near = (np.abs(mine - other) < ROOT_OF_ROUNDING) | (np.isnan(mine) & np.isnan(other))
        assert near.mean() > 0.99, name
    else:
        scale = np.nanmax(np.abs(other), initial=0)
        np.testing.assert_allclose(mine, other, rtol=1e-9, atol=1e-9 * scale, equal_nan=True, err_msg=name)


SETTINGS = [
    ({"binWidth": 25}, {}, {}),
    ({"binWidth": 25}, {"kind": np.int16, "smooth": True}, {}),
    ({"binWidth": 25}, {"kind": np.float64, "part": 0.3}, {"kernelRadius": 2}),
    ({"binCount": 8, "force2D": True}, {"kind": np.int16}, {}),
    ({"binWidth": 20, "force2D": True, "force2Ddimension": 1, "distances": [1, 2]}, {}, {"kernelRadius": 2}),
    ({"binWidth": 25, "weightingNorm": "euclidean", "gldm_a": 1}, {"smooth": True}, {}),
    ({"binWidth": 25, "weightingNorm": "infinity", "symmetricalGLCM": False}, {}, {"initValue": -1.0}),
    ({"binWidth": 40, "weightingNorm": "manhattan", "voxelArrayShift": 300}, {"smooth": True}, {"initValue": np.nan}),
    ({"binWidth": 60, "weightingNorm": "no_weighting", "distances": [2]}, {"part": 0.2}, {}),
    ({"binWidth": 30, "symmetricalGLCM": False}, {"smooth": True}, {"maskedKernel": False}),
    ({"binWidth": 1000}, {}, {}),
    ({"binWidth": 25, "minimumROIDimensions": 2}, {"size": (3, 9, 9), "part": 1}, {}),
]


@pytest.mark.parametrize(("setting", "case", "voxel"), SETTINGS)
def test_maps_are_those_of_pyradiomics(mcc_without_empty_angles, setting, case, voxel):
    settings, (image, mask) = _settings(**setting), _case(len(str(setting)), **case)
    theirs = _pyradiomics(image, mask, settings, **voxel)
    ours = dict(feature_maps(image, mask, settings, kernel_radius=voxel.get("kernelRadius", 1),
                             masked=voxel.get("maskedKernel", True), init_value=voxel.get("initValue", 0.0)))
    assert list(ours) == list(theirs)
    for name, found in ours.items():
        _assert_equal(found, theirs[name], name)


FILTERED = {
    "resampled": ({"Original": {}, "LoG": {"sigma": [2.0]}, "Wavelet": {"binWidth": 5}}, {}, {
        "resampledPixelSpacing": [1.2, 1.2, 1.2], "resegmentRange": [20, 180]}),
    "the own spacing": ({"Original": {}}, {}, {"resampledPixelSpacing": [0, 0, 0.0001 + 1.9999], "padDistance": 2}),
    "cropped first": ({"Gradient": {}, "Wavelet": {}}, {}, {"preCrop": True, "padDistance": 3, "normalize": True}),
    "windows that look outside": ({"Square": {}, "SquareRoot": {}, "Logarithm": {}, "Exponential": {}, "Gradient": {},
                                   "LoG": {"sigma": [1.0]}}, {"maskedKernel": False}, {}),
    "patterns in slices": ({"LBP2D": {}}, {}, {"force2D": True}),
}


@pytest.mark.parametrize("case", FILTERED)
def test_prepared_and_filtered_images_have_the_maps_of_pyradiomics(case):
    if case == "patterns in slices":
        pytest.importorskip("skimage", reason="PyRadiomics' LBP needs it")
    types, voxel, setting = FILTERED[case]
    image, mask = _case(1, (11, 14, 13), smooth=True)
    for one in (image, mask):
        one.SetDirection((0.8, 0.6, 0, -0.6, 0.8, 0, 0, 0, 1))
    settings = _settings({"firstorder": ["Mean", "Energy"], "glszm": None}, types, binWidth=10, **setting)
    theirs = _pyradiomics(image, mask, settings, **voxel)
    ours = dict(feature_maps(image, mask, settings, masked=voxel.get("maskedKernel", True)))
    assert list(ours) == list(theirs)
    for name, found in ours.items():
        _assert_equal(found, theirs[name], name)


def test_mcc_is_mapped_although_some_windows_lack_an_angle():
    """Here PyRadiomics stops at eigvals of NaN, for the whole map."""
    image, mask = _case(2, part=0.5)
    settings = _settings(("glcm",), binWidth=25)
    name = "original_glcm_MCC"
    assert not sitk.GetArrayViewFromImage(_pyradiomics(image, mask, settings)[name]).any()
    assert sitk.GetArrayViewFromImage(dict(feature_maps(image, mask, settings, features=[name]))[name]).any()


def test_a_flat_region_has_flat_maps():
    image, mask = sitk.Image(6, 6, 6, sitk.sitkInt16) + 7, sitk.Image(6, 6, 6, sitk.sitkUInt8)
    mask[1:5, 1:5, 1:5] = 1
    found = dict(feature_maps(image, mask, _settings(binWidth=5), label=1))
    for name, value in [("original_firstorder_Mean", 7), ("original_firstorder_Skewness", 0),
                        ("original_glcm_Correlation", 1), ("original_glcm_MCC", 1), ("original_ngtdm_Coarseness", 1e6),
                        ("original_glszm_ZonePercentage", 1 / 27)]:
        assert found[name][3, 3, 3] == pytest.approx(value), name


def test_maps_are_the_same_for_another_label_and_follow_a_mirrored_image():
    image, mask = _case(3)
    settings = _settings(("glcm", "gldm"), binWidth=25)
    for name, found in feature_maps(image, mask * 5, settings, label=5):
        here = sitk.GetArrayFromImage(found)
        mirrored = dict(feature_maps(image[::-1, :, :], mask[::-1, :, :], settings, features=[name]))[name]
        np.testing.assert_allclose(sitk.GetArrayFromImage(mirrored)[:, :, ::-1], here, rtol=1e-9, atol=1e-9)


def test_maps_are_written_whole_with_the_columns_as_names(tmp_path):
    image, mask = _case(4)
    sitk.WriteImage(image, tmp_path / "image.nii.gz")
    sitk.WriteImage(mask, tmp_path / "mask.nii.gz")
    wanted = ["original_firstorder_Mean", "original_glcm_Contrast"]
    found = dict(feature_maps(tmp_path / "image.nii.gz", tmp_path / "mask.nii.gz", _settings(binWidth=25),
                              features=wanted, out=tmp_path / "maps"))
    assert sorted(path.name for path in (tmp_path / "maps").iterdir()) == [f"{name}.nii.gz" for name in wanted]
    again = sitk.ReadImage(tmp_path / "maps" / f"{wanted[1]}.nii.gz")
    np.testing.assert_array_equal(sitk.GetArrayFromImage(again), sitk.GetArrayFromImage(found[wanted[1]]))


@pytest.mark.parametrize(("asked", "mend"), [
    ({"features": ["original_shape_Sphericity"]}, "one number per region"),
    ({"features": ["original_glcm_Contrats"]}, "Did you mean 'original_glcm_Contrast'"),
    ({"kernel_radius": 0}, "Set 1 or more")])
def test_maps_that_cannot_be_are_refused(asked, mend):
    with pytest.raises(RadnbError, match=mend):
        feature_maps(*_case(5), _settings((*TEXTURE, "shape"), binWidth=25), **asked)


def test_a_mask_without_the_label_is_refused():
    with pytest.raises(ImageFault, match="no label 3"):
        feature_maps(*_case(5), _settings(), label=3)


def test_a_mask_on_another_grid_is_refused_in_memory_too():
    image, mask = _case(5)
    mask.SetOrigin((30.0, -4.0, 5.5))
    with pytest.raises(ImageFault, match="27 mm apart"):
        feature_maps(image, mask, _settings())


def test_only_pyradiomics_own_features_are_mapped():
    image, mask = _case(5)
    settings = _settings({"firstorder": ["Mean", "97.5Percentile"], "ibsi-ivh": None})
    assert list(dict(feature_maps(image, mask, settings))) == ["original_firstorder_Mean"]
    with pytest.raises(RadnbError, match="only features of PyRadiomics are mapped"):
        feature_maps(image, mask, settings, features=["original_firstorder_97.5Percentile"])
    with pytest.raises(RadnbError, match="no feature that can be mapped"):
        feature_maps(image, mask, checked({"setting": {"definitions": "ibsi"}}, name="by IBSI"))


def test_voxels_without_a_value_beside_the_region_are_refused_where_windows_read_them():
    image, mask = _case(7, part=1)
    image[0, 3, 3] = np.nan
    settings = _settings(("glcm",), binWidth=25)
    found = dict(feature_maps(image, mask, settings))
    assert np.isfinite(sitk.GetArrayViewFromImage(found["original_glcm_Contrast"])).all()
    image[int(mask.GetSize()[0] - 2), 3, 3] = np.nan
    with pytest.raises(ImageFault, match="maskedKernel: true"):
        dict(feature_maps(image, mask, settings, masked=False))
    with pytest.raises(ImageFault, match="would spread"):
        feature_maps(image, mask, _settings(("glcm",), ("Wavelet",)))


def test_a_map_that_is_not_whole_on_disk_is_told(tmp_path, monkeypatch):
    """A full disk: ITK writes what it can and reports success."""
    write = sitk.WriteImage

    def cut_off(image, path, **more):
        write(image, path, **more)
        with Path(path).open("rb+") as stream:
            stream.truncate(100)

    monkeypatch.setattr(sitk, "WriteImage", cut_off)
    with pytest.raises(RadnbError, match="Free some space") as caught:
        dict(feature_maps(*_case(4), _settings(("firstorder",)), out=tmp_path))
    assert caught.value.code == "E_WRITE" and not list(tmp_path.iterdir())
