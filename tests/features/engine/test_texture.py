"""First order and texture of the engine equal PyRadiomics 3.0.1, under every setting and on awkward regions."""

from __future__ import annotations

import itertools

import numpy as np
import pandas as pd
import pytest
import SimpleITK as sitk
from hypothesis import given, settings
from hypothesis import strategies as some

from radnb.features.catalogue import FEATURES
from radnb.features.engine import native
from radnb.features.engine.texture import Roi, measure
from radnb.features.ibsi import compliance
from radnb.imaging.faults import ImageFault

from .oracle import CLASSES, SPACING, WANTED, boxed, deviating, ours, region, theirs

TEXTURES = tuple(CLASSES)[1:]
SETTINGS = {
    "default": {}, "narrow bins": {"binWidth": 3.7}, "bin count": {"binCount": 16}, "one bin": {"binCount": 1},
    "two distances": {"distances": [1, 2]}, "far": {"distances": [3]}, "unordered": {"distances": [2, 1]},
    **{f"flat {axis}": {"force2D": True, "force2Ddimension": axis} for axis in range(3)},
    "flat and far": {"force2D": True, "distances": [1, 3]}, "asymmetrical": {"symmetricalGLCM": False},
    **{norm: {"weightingNorm": norm} for norm in ("euclidean", "manhattan", "infinity", "no_weighting")},
    "flat, weighted": {"force2D": True, "weightingNorm": "euclidean", "symmetricalGLCM": False},
    "tolerance": {"gldm_a": 1}, "wide tolerance": {"gldm_a": 4, "distances": [1, 2]}, "shift": {"voxelArrayShift": 500}}
REGIONS = {
    "box": region(1, (7, 8, 9)), "holes": region(2, (9, 8, 17), .6), "parts": region(3, (8, 9, 20), .15),
    "integers": region(4, (6, 9, 8), .8, "int16", smooth=False), "doubles": region(5, (6, 7, 8), .7, "float64"),
    "one slice": region(6, (1, 9, 12), .8), "one row": region(7, (1, 1, 14)), "one column": region(8, (9, 1, 7), .9),
    "long": region(9, (2, 3, 150), .9, spread=15), "bytes": region(10, (6, 6, 6), .9, "uint8", 20)}


@pytest.mark.parametrize("name", REGIONS)
@pytest.mark.parametrize("setting", SETTINGS)
def test_values_are_pyradiomics(setting, name) -> None:
    (image, mask), card = REGIONS[name], {"binWidth": 25} | SETTINGS[setting]
    try:
        expected = theirs(image, mask, card)
    except RuntimeError:  # it finds no direction
        with pytest.raises(ImageFault, match="no voxel has a neighbour") as caught:
            ours(image, mask, card)
        assert caught.value.code == "E_NEIGHBOURS"
        return
    found = ours(image, mask, card)
    assert list(found) == [f"{kind}_{feature}" for kind in CLASSES for feature in WANTED[kind]]
    assert deviating(found, expected) == {}


@settings(max_examples=25, deadline=None, derandomize=True)
@given(seed=some.integers(0, 10**6), shape=some.tuples(*[some.integers(1, 6)] * 3),
       share=some.sampled_from([.2, .5, 1.]), kind=some.sampled_from(["int16", "float32", "float64"]),
       levels=some.integers(1, 9), symmetric=some.booleans())
def test_small_regions_of_few_levels_are_pyradiomics(seed, shape, share, kind, levels, symmetric) -> None:
    """Directions without a pair, levels without a neighbour and matrices of rank one abound here."""
    random = np.random.default_rng(seed)
    mask = random.random(shape) < share
    mask.flat[0] = mask.flat[-1] = True
    image, mask = boxed(random.integers(1, levels + 1, shape).astype(kind), mask)
    card = {"binWidth": 1, "symmetricalGLCM": symmetric}
    if mask.size > 1:
        assert deviating(ours(image, mask, card), theirs(image, mask, card)) == {}


@pytest.mark.parametrize("levels", [256, 700, 3000])
def test_many_levels_are_pyradiomics(levels) -> None:
    """More than 255 levels, most of them absent, and (3000) neighbours' sums beyond 16 bits."""
    image, mask = region(11, (6, 7, 7), .9, "float64", smooth=False)
    image = np.round((image - image.min()) / np.ptp(image) * (levels - 1)) + 1
    card = {"binWidth": 1}
    classes = [name for name in CLASSES if levels < 3000 or name not in ("glcm", "glrlm")]  # theirs needs gigabytes
    assert deviating(ours(image, mask, card, classes), theirs(image, mask, card, classes)) == {}


def test_a_dense_range_of_many_levels_is_pyradiomics() -> None:
    image, mask = region(12, (8, 9, 9), 1.)
    image = (np.arange(image.size, dtype=np.float32) % 300).reshape(image.shape)
    np.random.default_rng(0).shuffle(image.reshape(-1))
    assert deviating(ours(image, mask, {"binWidth": 1}), theirs(image, mask, {"binWidth": 1})) == {}


@pytest.mark.parametrize("value", [0., 25., 7.3, -.1])
@pytest.mark.parametrize("card", [{"binWidth": 25}, {"binCount": 8}], ids=["width", "count"])
def test_a_constant_image_has_pyradiomics_own_values(value, card) -> None:
    """A filter may leave one value: MCC and Correlation are 1, coarseness 1e6."""
    image, mask = np.full((4, 4, 5), value, np.float32), region(13, (4, 4, 5), .9)[1]
    image, mask = boxed(image[tuple(slice(0, n) for n in mask.shape)], mask)
    found = ours(image, mask, card)
    assert deviating(found, theirs(image, mask, card)) == {}
    assert (found["glcm_MCC"], found["glcm_Correlation"], found["ngtdm_Coarseness"]) == (1, 1, 1e6)


def test_directions_without_pairs_count_for_no_feature() -> None:
    """A diagonal of voxels has pairs along one direction; along all others its GLCM and GLRLM are empty."""
    mask = np.zeros((5, 5, 5), bool)
    mask[range(5), range(5), range(5)] = True
    image = np.random.default_rng(0).normal(0, 40, mask.shape)
    assert deviating(ours(image, mask, {"binWidth": 25}), theirs(image, mask, {"binWidth": 25})) == {}


def test_runs_count_along_directions_whose_lines_meet_the_region_twice() -> None:
    """Two voxels with a gap: no pair, yet PyRadiomics counts two runs of one voxel along their line and no other."""
    mask = np.zeros((1, 3, 5), bool)
    mask[0, 0, 0] = mask[0, 0, 4] = mask[0, 2, 1] = True
    image = np.arange(15.).reshape(mask.shape) * 10
    found, expected = (side(image, mask, {"binWidth": 25}) for side in (ours, theirs))
    assert deviating(found, expected) == {}
    assert found["glrlm_RunPercentage"] == 1


@pytest.mark.parametrize("norm", [None, "euclidean"])
def test_without_any_pair_values_are_missing_as_in_pyradiomics(norm) -> None:
    mask = np.zeros((1, 3, 3), bool)
    mask[0, 0, 0] = mask[0, 2, 1] = True
    for image in (np.ones(mask.shape), np.arange(9.).reshape(mask.shape) * 30):
        card = {"binWidth": 25, "weightingNorm": norm}
        assert deviating(ours(image, mask, card), theirs(image, mask, card)) == {}


def test_mcc_keeps_the_epsilon_that_pyradiomics_adds_within_q() -> None:
    """Rare levels: eps moves the second eigenvalue of Q by far more than rounding, so it belongs to the value."""
    random = np.random.default_rng(5)
    image = np.clip(np.cumsum(random.normal(0, 1, (60, 60, 60)), 2), -12, 30).astype(np.float32)
    image[30, 30, 30:32] = 60  # one pair of its own level
    found = ours(image, np.ones(image.shape, bool), {"binWidth": 1}, ["glcm"])
    expected = theirs(image, np.ones(image.shape, bool), {"binWidth": 1}, ["glcm"])
    assert deviating(found, expected) == {}


def test_bin_edges_are_made_in_the_images_own_scalar_type() -> None:
    """In float32 the remainder by the bin width is rounded; edges made in float64 would move voxels."""
    random = np.random.default_rng(6)
    image = (np.round(random.normal(0, 3, (6, 7, 8)) * 10) / 10).astype(np.float32)
    mask, card = np.ones(image.shape, bool), {"binWidth": .1}
    expected = theirs(image, mask, card)
    assert deviating(ours(image, mask, card), expected) == {}
    assert deviating(ours(image.astype(float), mask, card), expected) != {}


def test_small_integers_overflow_as_in_pyradiomics() -> None:
    """uint8: the highest value plus twice the bin width wraps, so that all high values share the last bin."""
    image = np.random.default_rng(7).integers(0, 256, (5, 6, 7)).astype(np.uint8)
    mask, card = np.ones(image.shape, bool), {"binWidth": 25}
    assert deviating(ours(image, mask, card), theirs(image, mask, card)) == {}


def test_values_below_the_first_bin_have_no_texture() -> None:
    """uint8 again: when even the lowest value lies above the wrapped end there is no bin, and PyRadiomics stops."""
    image, mask = np.full((3, 4, 4), 250, np.uint8), np.ones((3, 4, 4), bool)
    with pytest.raises(ImageFault, match="first bin") as caught:
        ours(image, mask, {"binWidth": 25})
    assert caught.value.code == "E_BINS"
    with pytest.raises(IndexError):
        theirs(image, mask, {"binWidth": 25}, ["glszm"])


def test_one_roi_serves_images_of_any_type_and_order() -> None:
    """Buffers are shared: an image's values do not depend on those before it."""
    mask = region(14, (8, 9, 40), .7)[1]
    random, card = np.random.default_rng(8), {"binWidth": 25}
    images = [random.normal(0, spread, mask.shape).astype(kind)
              for spread, kind in itertools.product((5, 60, 400), ("float32", "int16", "float64"))]
    shared = Roi(mask, SPACING, card)
    for image in images:
        assert measure(shared, image, WANTED, card)[0] == ours(image, mask, card)


def test_an_image_type_may_have_its_own_options() -> None:
    image, mask = REGIONS["holes"]
    shared = Roi(mask, SPACING, {"binWidth": 25})
    for own in ({"binWidth": 9}, {"distances": [2]}, {"force2D": True, "force2Ddimension": 1}):
        card = {"binWidth": 25} | own
        assert measure(shared, image, WANTED, card)[0] == ours(image, mask, card)


def test_only_the_features_asked_for_are_given() -> None:
    image, mask = REGIONS["box"]
    card = {"binWidth": 25}
    found = measure(Roi(mask, SPACING, card), image, {"glszm": ("ZoneEntropy",), "glcm": ("MCC", "Id")}, card)[0]
    everything = ours(image, mask, card)
    assert found == {name: everything[name] for name in ("glszm_ZoneEntropy", "glcm_MCC", "glcm_Id")}


@pytest.mark.parametrize("flat", [None, 0, 1, 2])
@pytest.mark.parametrize("kind", TEXTURES)
def test_turning_or_mirroring_a_region_changes_nothing(kind, flat) -> None:
    """Directions come in symmetrical sets; isotropic, or within the plane of a two-dimensional analysis."""
    image, mask = region(15, (6, 7, 8), .8)
    card = {"binWidth": 25} | ({} if flat is None else {"force2D": True, "force2Ddimension": flat})
    plane = (1, 2) if flat is None else tuple(axis for axis in range(3) if axis != flat)
    expected = ours(image, mask, card, [kind])
    for turned in (lambda a: np.rot90(a, axes=plane), lambda a: np.flip(a, plane[0])):
        found = ours(np.ascontiguousarray(turned(image)), np.ascontiguousarray(turned(mask)), card, [kind])
        assert deviating(found, expected, within=1e-10) == {}


@pytest.mark.parametrize("kind", TEXTURES)
def test_a_shift_by_whole_bins_changes_nothing(kind) -> None:
    image, mask = region(16, (6, 7, 8), .8, "int16")
    expected = ours(image, mask, {"binWidth": 25}, [kind])
    assert ours(image + np.int16(75), mask, {"binWidth": 25}, [kind]) == expected


def test_too_many_levels_for_the_memory_are_refused() -> None:
    image = np.random.default_rng(9).random((40, 40, 40))
    with pytest.raises(ImageFault, match="larger binWidth") as caught:
        ours(image, np.ones(image.shape, bool), {"binWidth": 1e-6}, ["glcm"])
    assert caught.value.code == "E_LEVELS"


def test_the_ibsi_digital_phantom_gives_the_consensus_values() -> None:
    """IBSI reference manual, 3-D, averaged over directions (GLCM, GLRLM): Radiology 2020;295:328-338."""
    image, mask = (sitk.GetArrayFromImage(one) for one in compliance.phantom())
    found = ours(image.astype(int), mask.astype(bool), {"binWidth": 1})
    found["firstorder_Kurtosis"] -= 3  # IBSI's is the excess
    table = compliance.pyradiomics_reference().set_index("feature")
    table = table[table.index.isin(list(found))].assign(value=pd.Series(found))
    assert len(table) > 50
    assert compliance.agrees(table["value"], table["reference"], table["tolerance"]).all()


def test_the_catalogues_features_are_all_there() -> None:
    found = ours(*REGIONS["box"], {"binWidth": 25})
    assert {f"{kind}_{feature}" for kind in CLASSES for feature in FEATURES[kind]} <= set(found)


def test_the_kernels_are_of_these_sources() -> None:
    assert native.available()
