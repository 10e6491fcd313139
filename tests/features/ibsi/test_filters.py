"""The filters of IBSI 2: closed forms always, the initiative's response maps and features with RADNB_DATA."""

from __future__ import annotations

import math
import os
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
import SimpleITK as sitk

from radnb.errors import RadnbError
from radnb.features.catalogue import filters
from radnb.features.engine import native
from radnb.features.engine.filters import FILTERS as THEIRS
from radnb.features.engine.region import Region
from radnb.features.ibsi import engine, standard
from radnb.features.ibsi.compliance import agrees
from radnb.features.ibsi.filters import FILTERS, reach_mm, surroundings
from radnb.features.settings import checked
from radnb.imaging.regions import read_pair

pytestmark = pytest.mark.skipif(not native.available(), reason="the kernels of these sources are not built here")
DATA = Path(os.environ["RADNB_DATA"], "ibsi") if "RADNB_DATA" in os.environ else None
with_data = pytest.mark.skipif(DATA is None, reason="RADNB_DATA does not name the folder of IBSI's phantoms")
IBSI = {"definitions": "ibsi"}


def region_of(volume: np.ndarray, box: tuple[slice, ...] | None = None,
              spacing: tuple[float, float, float] = (1.0, 1.0, 1.0)) -> Region:
    mask = np.zeros(volume.shape, dtype=bool)
    mask[box or ...] = True
    return Region(volume, mask, mask, spacing)


def filtered(kind: str, region: Region, **options: Any) -> dict[str, np.ndarray]:
    return dict(FILTERS[kind](region, {**IBSI, **options}))


def impulse(size: int = 21) -> np.ndarray:
    volume = np.zeros((size, size, size))
    volume[size // 2, size // 2, size // 2] = 1
    return volume


# Closed forms.

def test_the_laplacian_of_gaussian_of_an_impulse_is_the_formula() -> None:
    (image,) = filtered("LoG", region_of(impulse(), spacing=(2.0, 2.0, 2.0)), sigma=[4.0]).values()  # 2 voxels
    bell = 1 / (math.sqrt(2 * math.pi) * 2) ** 3
    assert image[10, 10, 10] == pytest.approx(-3 / 4 * bell)
    assert image[10, 11, 12] == pytest.approx((5 / 16 - 3 / 4) * bell * math.exp(-5 / 8))
    (flat,) = filtered("LoG", region_of(impulse(), spacing=(2.0, 2.0, 2.0)), sigma=[4.0], inSlices=True).values()
    assert flat[10, 10, 10] == pytest.approx(-2 / 4 / (2 * math.pi * 4))
    assert not flat[9].any()


def test_the_laplacian_is_round_in_mm_where_voxels_are_not_cubes() -> None:
    z, y, x = np.meshgrid(np.arange(-20, 21) * 1.0, np.arange(-20, 21) * 0.5, np.arange(-20, 21) * 0.5, indexing="ij")
    blob = np.exp(-(x**2 + y**2 + z**2) / (2 * 2.0**2))
    (image,) = filtered("LoG", region_of(blob, spacing=(1.0, 0.5, 0.5)), sigma=[1.5]).values()
    assert image[22, 20, 20] == pytest.approx(image[20, 20, 24], rel=2e-3)  # both 2 mm from the middle
    assert image[20, 20, 20] == pytest.approx(-3 * 0.25 * 2.0**3 / 2.5**5, rel=2e-3)  # variances add up


def test_laws_kernels_of_an_impulse_are_their_product() -> None:
    options = {"laws": ["E5L5S5"], "rotationInvariant": False, "boundary": "zero"}
    (image,) = filtered("Laws", region_of(impulse()), **options).values()
    edge, level, spot = (np.array(taps) / math.sqrt(sum(tap * tap for tap in taps))
                         for taps in ([-1, -2, 0, 2, 1], [1, 4, 6, 4, 1], [-1, 0, 2, 0, -1]))
    assert np.allclose(image[8:13, 8:13, 8:13], np.einsum("i,j,k->kji", edge, level, spot))
    (energy,) = filtered("Laws", region_of(impulse()), **options, energyDistance=2).values()
    assert energy[10, 10, 10] == pytest.approx(np.abs(image).sum() / 5**3)


@pytest.mark.parametrize(("kind", "options", "expected"), [
    ("Mean", {"support": [5]}, {"mean-5": 7}), ("LoG", {"sigma": [2.0]}, {"log-sigma-2-0-mm-3D": 0}),
    ("Laws", {"laws": ["L5E5E5"]}, {"laws-L5E5E5": 0}), ("Simoncelli", {}, {"simoncelli-1": 0}),
    ("Wavelet", {"wavelet": "db3", "level": 2}, {"wavelet-LLH": 0, "wavelet2-HHH": 0, "wavelet2-LLL": 7 * 2**3})])
def test_a_constant_image_has_no_structure(kind: str, options: dict[str, Any], expected: dict[str, float]) -> None:
    images = filtered(kind, region_of(np.full((12, 13, 14), 7, dtype=np.int16)), **options)
    for name, value in expected.items():
        assert np.allclose(images[name], value, atol=0.02 if kind == "LoG" else 1e-9)  # a LoG cut off sums to almost 0


def test_a_gabor_filter_answers_to_a_wave_of_its_length() -> None:
    wave = np.cos(2 * np.pi * np.arange(60) / 6) * np.ones((3, 60, 1))
    options = {"gaborSigma": [4.0], "gaborWavelength": 6.0, "gaborGamma": 2.0, "rotationInvariant": False}
    (along,) = filtered("Gabor", region_of(wave), **options, inSlices=True, gaborTheta=0.0).values()
    (across,) = filtered("Gabor", region_of(wave), **options, inSlices=True, gaborTheta=90.0).values()
    assert along[1, 30, 30] == pytest.approx(2 * math.pi * 4**2 / 2 / 2, rel=1e-4)  # half the area under the bell
    assert across[1, 30, 30] < 1e-3


def test_a_riesz_transform_of_all_orders_keeps_the_energy() -> None:
    noise = np.random.default_rng(1).normal(size=(17, 17, 17))
    plain = filtered("Simoncelli", region_of(noise), boundary="periodic")["simoncelli-1"]
    turned = [filtered("Simoncelli", region_of(noise), boundary="periodic", riesz=order).popitem()[1]
              for order in ([1, 0, 0], [0, 1, 0], [0, 0, 1])]
    assert sum((image**2).sum() for image in turned) == pytest.approx((plain**2).sum())


# Properties.

MODES = {"mirror": "symmetric", "nearest": "edge", "periodic": "wrap", "zero": "constant"}
EACH: dict[str, dict[str, Any]] = {
    "Mean": {"support": [5]}, "LoG": {"sigma": [1.5]}, "Laws": {"laws": ["L5E5S5"], "energyDistance": 2},
    "Gabor": {"gaborSigma": [1.5], "gaborWavelength": 3.0, "gaborThetaStep": 45.0}, "SSF": {"radius_mm": [2]},
    "Wavelet": {"wavelet": "db2", "level": 2}, "Simoncelli": {}}


@pytest.mark.parametrize("boundary", MODES)
def test_beyond_its_edge_the_image_goes_on_as_asked(boundary: str) -> None:
    volume = np.arange(60).reshape(3, 4, 5)
    box = (slice(0, 2), slice(1, 4), slice(0, 5))
    found = surroundings(region_of(volume, box), {0: 2, 1: 3, 2: 9}, boundary)
    padded = np.pad(volume, 9, mode=MODES[boundary])  # type: ignore[call-overload]
    assert np.array_equal(found, padded[7:13, 7:16, :])


@pytest.mark.parametrize("kind", EACH)
def test_a_rotation_invariant_image_turns_with_the_patient(kind: str) -> None:
    volume = np.random.default_rng(2).normal(size=(15, 15, 15))
    for axes in ((1, 2), (0, 2)):
        turned = filtered(kind, region_of(np.rot90(volume, axes=axes).copy()), **EACH[kind])
        for name, image in filtered(kind, region_of(volume), **EACH[kind]).items():
            assert np.allclose(np.rot90(image, axes=axes), turned[name], atol=1e-10)


@pytest.mark.parametrize("kind", [kind for kind in EACH if kind != "Simoncelli"])
def test_what_lies_beyond_the_reach_does_not_matter(kind: str) -> None:
    volume = np.random.default_rng(3).normal(size=(46, 46, 46))
    box = (slice(21, 25), slice(20, 26), slice(21, 26))
    whole = filtered(kind, region_of(volume, box), **EACH[kind])
    reach = math.ceil(reach_mm(kind, EACH[kind], 1.0))
    assert reach < 20
    around = tuple(slice(span.start - reach, span.stop + reach) for span in box)
    part = filtered(kind, region_of(volume[around], (slice(reach, -reach),) * 3), **EACH[kind])
    assert all(np.allclose(part[name], whole[name], atol=1e-12) for name in whole)


@pytest.mark.parametrize("kind", EACH)
def test_every_image_has_the_name_that_its_columns_carry(kind: str) -> None:
    for own in ({}, {"inSlices": True}):
        options = {**EACH[kind], **own} | ({"laws": ["L5E5"]} if kind == "Laws" and own else {})
        images = filtered(kind, region_of(np.random.default_rng(4).normal(size=(9, 9, 9))), **options)
        assert list(images) == filters(kind, {**IBSI, **options})
        assert all(image.shape == (9, 9, 9) and image.flags.c_contiguous for image in images.values())


# Settings.

@pytest.mark.parametrize(("types", "setting", "mend"), [
    ({"Mean": {"support": [5]}}, {}, "Set definitions: ibsi"),
    ({"LoG": {"sigma": [1.0], "boundary": "zero"}}, {}, "Set definitions: ibsi"),
    ({"Mean": {}}, IBSI, "for example, support"),
    ({"Mean": {"support": [4]}}, IBSI, "an odd number"),
    ({"Laws": {"laws": ["L5X5E5"]}}, IBSI, "join two or three of L3"),
    ({"Laws": {"laws": ["L5E5"]}}, IBSI, "3 kernels are needed"),
    ({"Mean": {"support": [5], "pooling": "max"}}, IBSI, "belongs to Laws, Gabor, Wavelet"),
    ({"Square": {}}, IBSI, "IBSI has no such filter"),
    ({"Gabor": {"gaborSigma": [5.0]}}, IBSI, "for example, gaborWavelength"),
    ({"SSF": {}}, {}, "for example, radius_mm")])
def test_a_filter_that_would_not_do_what_was_meant_is_refused(types: dict[str, Any], setting: dict[str, Any],
                                                              mend: str) -> None:
    with pytest.raises(RadnbError, match=mend):
        checked({"imageType": types, "setting": setting}, name="wrong")


# The initiative's references.

ZERO, NEAREST, PERIODIC, MIRROR = ({"boundary": name} for name in ("zero", "nearest", "periodic", "mirror"))
STILL, FLAT = {"rotationInvariant": False}, {"inSlices": True}
_E5L5S5, _E3W5R5, _L5S5 = ({"laws": [name]} for name in ("E5L5S5", "E3W5R5", "L5S5"))
_FIRST = {"gaborSigma": [10.0], "gaborWavelength": 4.0, "gaborGamma": 0.5}
_SECOND = {"gaborSigma": [20.0], "gaborWavelength": 8.0, "gaborGamma": 2.5}
MAPS: dict[str, tuple[str, str, str, dict[str, Any]]] = {  # phantom, image type, image, options
    "1_a_1": ("checkerboard", "Mean", "mean-15", {"support": [15], **ZERO}),
    "1_a_2": ("checkerboard", "Mean", "mean-15", {"support": [15], **NEAREST}),
    "1_a_3": ("checkerboard", "Mean", "mean-15", {"support": [15], **PERIODIC}),
    "1_a_4": ("checkerboard", "Mean", "mean-15", {"support": [15], **MIRROR}),
    "1_b_1": ("impulse", "Mean", "mean-15", {"support": [15], **ZERO, **FLAT}),
    "2_a": ("impulse", "LoG", "log-sigma-3-0-mm-3D", {"sigma": [3.0], **ZERO}),
    "2_b": ("checkerboard", "LoG", "log-sigma-5-0-mm-3D", {"sigma": [5.0], **MIRROR}),
    "2_c": ("checkerboard", "LoG", "log-sigma-5-0-mm-2D", {"sigma": [5.0], **MIRROR, **FLAT}),
    "3_a_1": ("impulse", "Laws", "laws-E5L5S5", {**_E5L5S5, **ZERO, **STILL}),
    "3_a_2": ("impulse", "Laws", "laws-E5L5S5", {**_E5L5S5, **ZERO}),
    "3_a_3": ("impulse", "Laws", "laws-E5L5S5-energy-7", {**_E5L5S5, **ZERO, "energyDistance": 7}),
    "3_b_1": ("checkerboard", "Laws", "laws-E3W5R5", {**_E3W5R5, **MIRROR, **STILL}),
    "3_b_2": ("checkerboard", "Laws", "laws-E3W5R5", {**_E3W5R5, **MIRROR}),
    "3_b_3": ("checkerboard", "Laws", "laws-E3W5R5-energy-7", {**_E3W5R5, **MIRROR, "energyDistance": 7}),
    "3_c_1": ("checkerboard", "Laws", "laws-L5S5", {**_L5S5, **MIRROR, **FLAT, **STILL}),
    "3_c_2": ("checkerboard", "Laws", "laws-L5S5", {**_L5S5, **MIRROR, **FLAT}),
    "3_c_3": ("checkerboard", "Laws", "laws-L5S5-energy-7", {**_L5S5, **MIRROR, **FLAT, "energyDistance": 7}),
    "4_a_1": ("impulse", "Gabor", "gabor-sigma-10-0-wave-4-0-mm", {**_FIRST, **ZERO, **STILL, "gaborTheta": 60.0}),
    "4_a_2": ("impulse", "Gabor", "gabor-sigma-10-0-wave-4-0-mm", {**_FIRST, **ZERO, "gaborThetaStep": 45.0}),
    "4_b_1": ("sphere", "Gabor", "gabor-sigma-20-0-wave-8-0-mm", {**_SECOND, **MIRROR, **STILL, "gaborTheta": 225.0}),
    "4_b_2": ("sphere", "Gabor", "gabor-sigma-20-0-wave-8-0-mm", {**_SECOND, **MIRROR, "gaborThetaStep": 22.5}),
    "5_a_1": ("impulse", "Wavelet", "wavelet-LHL", {"wavelet": "db2", **ZERO, **STILL}),
    "5_a_2": ("impulse", "Wavelet", "wavelet-LLH", {"wavelet": "db2", **ZERO}),
    "6_a_1": ("sphere", "Wavelet", "wavelet-HHL", {"wavelet": "coif1", **PERIODIC, **STILL}),
    "6_a_2": ("sphere", "Wavelet", "wavelet-LHH", {"wavelet": "coif1", **PERIODIC}),
    "7_a_1": ("checkerboard", "Wavelet", "wavelet2-LLL", {"wavelet": "haar", "level": 2, **MIRROR}),
    "7_a_2": ("checkerboard", "Wavelet", "wavelet2-HHH", {"wavelet": "haar", "level": 2, **MIRROR}),
    "8_a_1": ("checkerboard", "Simoncelli", "simoncelli-1", PERIODIC),
    "8_a_2": ("checkerboard", "Simoncelli", "simoncelli-2", {"simoncelliLevels": 2, **PERIODIC}),
    "8_a_3": ("checkerboard", "Simoncelli", "simoncelli-3", {"simoncelliLevels": 3, **PERIODIC}),
    "9_a": ("impulse", "LoG", "log-sigma-3-0-mm-3D-riesz-100", {"sigma": [3.0], "riesz": [1, 0, 0], **ZERO}),
    "9_b_1": ("sphere", "LoG", "log-sigma-3-0-mm-3D-riesz-020", {"sigma": [3.0], "riesz": [0, 2, 0], **ZERO}),
    "10_b_1": ("pattern_1", "Simoncelli", "simoncelli-1-riesz-020", {"riesz": [0, 2, 0], **NEAREST})}
SLOW = {"4_a_2": slice(28, 36), "4_b_2": slice(28, 36)}  # compared in some slices only


def volume(*path: str) -> np.ndarray:
    assert DATA is not None
    voxels: np.ndarray = sitk.GetArrayFromImage(sitk.ReadImage(str(DATA.joinpath(*path))))
    return voxels


@with_data
@pytest.mark.parametrize("name", MAPS)
def test_a_response_map_lies_within_one_percent_of_its_range(name: str) -> None:
    phantom, kind, image, options = MAPS[name]
    voxels = volume("ibsi_2_digital_phantom", "nifti", phantom, "image", f"{phantom}.nii.gz")
    reference = volume("ibsi_2_reference", "response_maps", f"{name}-ValidCRM.nii.gz")
    part = (SLOW.get(name, slice(None)), slice(None), slice(None))
    found = filtered(kind, region_of(voxels, part, (2.0, 2.0, 2.0)), **options)[image]
    assert np.abs(found - reference[part]).max() <= 0.01 * np.ptp(reference)


@with_data
def test_every_reference_map_is_compared() -> None:
    assert DATA is not None
    maps = (DATA / "ibsi_2_reference" / "response_maps").glob("*.nii.gz")
    assert {path.name.removesuffix("-ValidCRM.nii.gz") for path in maps} == set(MAPS)


PYRADIOMICS = {  # map -> image type, image, options, off by percent of the range; docs/filters.md says why
    "2_a": ("LoG", "log-sigma-3-0-mm-3D", {"sigma": [3.0]}, 1.37),
    "2_b": ("LoG", "log-sigma-5-0-mm-3D", {"sigma": [5.0]}, 0.86),
    "5_a_1": ("Wavelet", "wavelet-LHL", {"wavelet": "db2"}, 0.0),
    "6_a_1": ("Wavelet", "wavelet-HHL", {"wavelet": "coif1"}, 0.0),
    "7_a_1": ("Wavelet", "wavelet2-LLL", {"wavelet": "haar", "level": 2}, 75.0),
    "7_a_2": ("Wavelet", "wavelet2-HHH", {"wavelet": "haar", "level": 2}, 50.0)}


@with_data
@pytest.mark.parametrize("name", PYRADIOMICS)
def test_pyradiomics_definitions_deviate_as_documented(name: str) -> None:
    kind, image, options, percent = PYRADIOMICS[name]
    phantom = MAPS[name][0]
    voxels = volume("ibsi_2_digital_phantom", "nifti", phantom, "image", f"{phantom}.nii.gz").astype(float)
    reference = volume("ibsi_2_reference", "response_maps", f"{name}-ValidCRM.nii.gz")
    found = dict(THEIRS[kind](region_of(voxels, spacing=(2.0, 2.0, 2.0)), options))[image]
    if kind == "LoG":
        found = found / (options["sigma"][0] / 2) ** 2
    assert 100 * np.abs(found - reference).max() / np.ptp(reference) == pytest.approx(percent, abs=0.01)


IN_SLICES, IN_SPACE = {"inSlices": True}, {"resampledPixelSpacing": [1, 1, 1], "interpolator": "sitkBSpline",
                                          "maskInterpolator": "sitkLinear", "maskThreshold": 0.5}
FEATURES = {  # configuration -> image, in slices and in space
    "1": ("original", "original"), "2": ("mean-5", "mean-5"), "3": ("log-sigma-1-5-mm-2D", "log-sigma-1-5-mm-3D"),
    "4": ("laws-L5E5-energy-7", "laws-L5E5E5-energy-7"), "5": ("gabor-sigma-5-0-wave-2-0-mm",) * 2,
    "6": ("wavelet-LH", "wavelet-LLH"), "7": ("wavelet2-HH", "wavelet2-HHH"), "8": ("simoncelli-1",) * 2,
    "9": ("simoncelli-2",) * 2}


@with_data
@pytest.mark.parametrize(("letter", "place", "own", "laws"), [("A", 0, IN_SLICES, "L5E5"),
                                                              ("B", 1, IN_SPACE, "L5E5E5")])
def test_the_features_of_filtered_images_lie_within_tolerance(letter: str, place: int, own: dict[str, Any], laws: str
                                                              ) -> None:
    assert DATA is not None
    types = {"Original": {}, "Mean": {"support": [5]}, "LoG": {"sigma": [1.5]},
             "Laws": {"laws": [laws], "energyDistance": 7}, "Simoncelli": {"simoncelliLevels": 2},
             "Gabor": {"gaborSigma": [5.0], "gaborWavelength": 2.0, "gaborGamma": 1.5, "gaborThetaStep": 22.5},
             "Wavelet": {"wavelet": "db3", "level": 2}}
    card = checked({"imageType": types, "featureClass": {"ibsi-statistics": None},
                    "setting": {**IBSI, "roundIntensities": True, "resegmentRange": [-1000, 400],
                                "minimumROIDimensions": 1, **own}}, name=letter)
    folder = DATA / "ibsi_1_ct_radiomics_phantom" / "nifti"
    pair = read_pair(folder / "image" / "phantom.nii.gz", folder / "mask" / "mask.nii.gz")
    values = engine.prepare(pair.image, card)(pair)
    table = pd.read_csv(DATA / "ibsi_2_reference" / "reference_feature_values.csv", sep=";")
    table = table[table["filter_id"].str.endswith(letter)].dropna(subset="consensus_value")
    assert len(table) == 162 - (letter == "B")  # 8.B has no agreed coefficient of dispersion
    images = table["filter_id"].str[0].map({number: names[place] for number, names in FEATURES.items()})
    table["value"] = [values[f"{image}_{standard.column(tag)}"]
                      for image, tag in zip(images, table["feature_tag"], strict=True)]
    far = table[~agrees(table["value"], table["consensus_value"], table["tolerance"])]
    assert far.empty, far.to_string()
