"""The reference engine gives PyRadiomics' values, and IBSI's where PyRadiomics conforms."""

from __future__ import annotations

import numpy as np
import pytest
import SimpleITK as sitk

from radnb.errors import RadnbError
from radnb.features import reference
from radnb.features.catalogue import IBSI_TYPES, IMAGE_TYPES
from radnb.features.settings import checked, settings
from radnb.imaging.regions import Pair, read_pair

featureextractor = pytest.importorskip("radiomics.featureextractor")
quiet = pytest.mark.filterwarnings("ignore:the load_module")  # in the checker that PyRadiomics uses
PHANTOM = """14411 14611 41641 44641 / 14411 11611 11311 44611 / 14411 11111 11911 11611 / 14411 11111 11111 11611"""
INSIDE = """11111 11111 11111 11111 / 11111 11111 01111 11111 / 11100 11111 11011 11111 / 11100 11111 11111 11111"""


def digits(text: str) -> np.ndarray:
    return np.array([[[int(d) for d in row] for row in plane.split()] for plane in text.split("/")])


def pair_of(voxels: np.ndarray, inside: np.ndarray, spacing: tuple[float, ...] = (2.0, 2.0, 2.0)) -> Pair:
    image, mask = sitk.GetImageFromArray(voxels), sitk.GetImageFromArray(inside.astype(np.uint8))
    image.SetSpacing(spacing)
    mask.CopyInformation(image)
    filled = np.argwhere(inside)
    lower, upper = filled.min(0)[::-1], filled.max(0)[::-1]
    return Pair(image, mask, tuple(int(v) for v in lower), tuple(int(v) for v in upper - lower + 1))


def test_the_ibsi_digital_phantom_gives_the_consensus_values() -> None:
    """IBSI reference manual, digital phantom, 3-D: Radiology 2020;295:328-338."""
    pair = pair_of(digits(PHANTOM), digits(INSIDE))
    card = checked({"setting": {"binWidth": 1}}, name="phantom")
    found = reference.prepare(pair.image, card)(pair)
    consensus = {"original_shape_MeshVolume": (556, 4), "original_shape_Sphericity": (0.843, 0.005),
                 "original_firstorder_Mean": (2.15, 0.005), "original_firstorder_Variance": (3.05, 0.005),
                 "original_firstorder_Skewness": (1.08, 0.005), "original_glcm_JointEntropy": (2.40, 0.005),
                 "original_glcm_Contrast": (5.32, 0.005), "original_glszm_SmallAreaEmphasis": (0.255, 0.0005),
                 "original_glszm_LargeAreaEmphasis": (550, 0.5)}
    assert {name: found[name] for name in consensus} == {
        name: pytest.approx(value, abs=within) for name, (value, within) in consensus.items()}


@quiet
def test_values_are_those_of_a_plain_call_of_pyradiomics(folder, save, sphere) -> None:
    voxels = np.random.default_rng(1).normal(40, 25, (14, 24, 24)).astype(np.int16)
    image, mask = save(voxels, folder / "图.nii.gz"), save(sphere(8) * np.uint8(3), folder / "掩.nii.gz")
    card = settings("demo")
    pair = read_pair(image, mask, 3)
    ours = reference.prepare(pair.image, card)(pair)
    plain = featureextractor.RadiomicsFeatureExtractor(card.card).execute(str(image), str(mask), label=3)
    theirs = {name: float(value) for name, value in plain.items() if not name.startswith("diagnostics_")}
    assert list(ours.items()) == list(theirs.items())
    assert all(type(value) is float for value in ours.values())


@quiet
def test_column_order_is_pyradiomics_own_for_every_image_type(sphere) -> None:
    types = {kind: {"LoG": {"sigma": [1.0, 2.0]}, "Wavelet": {"level": 2}}.get(kind, {})
             for kind in IMAGE_TYPES if not kind.startswith("LBP") and kind not in ("SSF", *IBSI_TYPES)}
    card = checked({"imageType": types, "featureClass": {"firstorder": ["Mean", "Energy"], "shape": None,
                                                         "ngtdm": None}}, name="all")
    voxels = np.random.default_rng(1).normal(140, 25, (14, 24, 24)).astype(np.float32)
    pair = pair_of(voxels, sphere(7))
    plain = featureextractor.RadiomicsFeatureExtractor(card.card)
    plain.addProvenance(False)
    assert tuple(plain.execute(pair.image, pair.mask)) == card.columns


def test_golden_values_of_a_fixed_ball(sphere) -> None:
    z, y, x = np.indices((14, 24, 24))
    voxels = ((7 * x + 5 * y + 3 * z) % 11 * 12 + 20).astype(np.int16)
    pair = pair_of(voxels, sphere(8), (1.0, 1.0, 2.0))
    card = checked({"imageType": {"Original": {}, "LoG": {"sigma": [2.0], "binWidth": 10}},
                    "setting": {"binWidth": 25, "resampledPixelSpacing": [1.5, 1.5, 3], "voxelArrayShift": 1000}},
                   name="golden")
    values = reference.prepare(pair.image, card)(pair)
    assert len(values) == 200
    golden = {"original_shape_Elongation": 0.9820636591652259, "original_firstorder_Entropy": 2.1165923457331917,
              "original_glcm_ClusterShade": -0.023517659020742744, "original_glcm_MCC": 0.4006131524561505,
              "original_glrlm_RunVariance": 0.2370865319368658, "original_glszm_ZoneEntropy": 2.6954618442383182,
              "original_ngtdm_Busyness": 3.2930014816135893,
              "log-sigma-2-0-mm-3D_firstorder_RobustMeanAbsoluteDeviation": 0.5895469474531516,
              "log-sigma-2-0-mm-3D_glcm_Idmn": 0.9043138086719039,
              "log-sigma-2-0-mm-3D_glszm_LargeAreaHighGrayLevelEmphasis": 57002.5}
    assert {name: values[name] for name in golden} == {
        name: pytest.approx(value, rel=1e-6) for name, value in golden.items()}


def test_a_region_in_one_slice_is_refused_unless_asked_for(sphere) -> None:
    flat = sphere(7)
    flat[[*range(7), *range(8, 14)]] = 0
    voxels = np.random.default_rng(1).normal(40, 25, flat.shape).astype(np.float32)
    pair = pair_of(voxels, flat)
    with pytest.raises(RadnbError, match="force2D: true") as caught:
        reference.prepare(pair.image, checked({}, name="3d"))(pair)
    assert caught.value.code == "E_FLAT"
    line = np.zeros_like(flat)
    line[7, 10, 5:15] = 1
    card = checked({"featureClass": {"shape2D": None, "glcm": None}, "setting": {"force2D": True}}, name="2d")
    with pytest.raises(RadnbError, match="single line of voxels"):
        reference.prepare(pair.image, card)(pair_of(voxels, line))
    assert reference.prepare(pair.image, card)(pair)["original_shape2D_PixelSurface"] == flat.sum() * 4.0


def test_a_constant_region_is_refused(sphere) -> None:
    pair = pair_of(np.full((14, 24, 24), 7, np.int16), sphere(6))
    with pytest.raises(RadnbError, match="no texture") as caught:
        reference.prepare(pair.image, checked({}, name="x"))(pair)
    assert caught.value.code == "E_CONSTANT"


def test_voxels_larger_than_the_region_are_refused_with_the_mend(sphere) -> None:
    voxels = np.random.default_rng(1).normal(40, 25, (14, 24, 24)).astype(np.float32)
    pair = pair_of(voxels, sphere(3))
    with pytest.raises(RadnbError, match="finer resampledPixelSpacing") as caught:
        reference.prepare(pair.image, checked({"setting": {"resampledPixelSpacing": [30, 30, 30]}}, name="x"))(pair)
    assert caught.value.code == "E_RESAMPLE"


def test_a_filter_that_gives_nothing_is_a_failure_and_not_a_gap() -> None:
    voxels = np.random.default_rng(1).normal(40, 25, (3, 24, 24)).astype(np.float32)
    inside = np.zeros((3, 24, 24), np.uint8)
    inside[:, 8:14, 8:14] = 1
    pair = pair_of(voxels, inside)
    with pytest.raises(RadnbError, match=r"log-sigma-1-0-mm-3D.*too small.*Take this filter out") as caught:
        reference.prepare(pair.image, checked({"imageType": {"LoG": {"sigma": [1.0]}}}, name="x"))(pair)
    assert caught.value.code == "E_FILTER"


def test_non_finite_voxels_that_a_filter_would_spread_are_refused(sphere) -> None:
    voxels = np.random.default_rng(1).normal(40, 25, (14, 24, 24)).astype(np.float32)
    voxels[0, 0, 0] = np.nan
    pair = pair_of(voxels, sphere(6))
    assert np.isfinite(reference.prepare(pair.image, checked({}, name="plain"))(pair)["original_firstorder_Mean"])
    with pytest.raises(RadnbError, match="would spread") as caught:
        reference.prepare(pair.image, checked({"imageType": {"Wavelet": {}}}, name="x"))
    assert caught.value.code == "E_NONFINITE"


def test_without_pyradiomics_the_mend_is_told(monkeypatch) -> None:
    monkeypatch.setattr("importlib.util.find_spec", lambda name: None)
    with pytest.raises(RadnbError, match="finished feature table") as caught:
        reference.version()
    assert caught.value.code == "E_NO_PYRADIOMICS"


def test_the_screen_stays_quiet(capfd, sphere) -> None:
    pair = pair_of(np.random.default_rng(1).normal(40, 25, (14, 24, 24)).astype(np.float32), sphere(6))
    reference.prepare(pair.image, checked({"setting": {"binCount": 16}}, name="x"))(pair)
    assert capfd.readouterr() == ("", "")
