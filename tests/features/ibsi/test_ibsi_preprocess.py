"""Interpolation, masks and resegmentation, against SciPy's splines and numbers worked out by hand."""

from __future__ import annotations

import numpy as np
import pytest
import SimpleITK as sitk
from scipy.ndimage import map_coordinates

from radnb.features.ibsi import discretise, preprocess
from radnb.imaging.faults import ImageFault
from radnb.imaging.regions import Pair


def pair(image: np.ndarray, mask: np.ndarray, spacing: tuple[float, float, float] = (1.0, 1.0, 1.0)) -> Pair:
    one, other = sitk.GetImageFromArray(image), sitk.GetImageFromArray(mask.astype(np.uint8))
    for volume in (one, other):
        volume.SetSpacing(spacing)
    lower, upper = np.argwhere(mask).min(0)[::-1], np.argwhere(mask).max(0)[::-1]
    return Pair(one, other, tuple(map(int, lower)), tuple(map(int, upper - lower + 1)))


@pytest.fixture
def scan() -> Pair:
    noise = np.random.default_rng(7).normal(size=(14, 22, 26))
    mask = np.zeros(noise.shape, dtype=bool)
    mask[3:10, 5:16, 6:20] = True
    return pair(np.cumsum(noise, axis=0) * 20, mask, (0.8, 0.9, 2.5))


def test_both_grids_have_one_centre_and_the_new_one_covers_the_old() -> None:
    positions = preprocess.axis(60, 3.0, 2.0).positions
    assert len(positions) == 90
    assert positions.mean() == pytest.approx(29.5)
    assert len(preprocess.axis(204, 0.977, 2.0).positions) == 100  # 99.65, rounded up
    assert np.diff(positions) == pytest.approx(2 / 3)


@pytest.mark.parametrize(("name", "order"), [("sitkLinear", 1), ("sitkBSpline", 3)])
def test_interpolation_is_scipys(scan: Pair, name: str, order: int) -> None:
    setting = {"resampledPixelSpacing": [1.0, 1.0, 1.0], "interpolator": name}
    found = preprocess.prepared(scan, setting, margin_mm=np.inf).volume
    array = sitk.GetArrayFromImage(scan.image)
    axes = [preprocess.axis(length, old, 1.0).positions + 20
            for length, old in zip(array.shape, (2.5, 0.9, 0.8), strict=True)]
    grid = np.meshgrid(*axes, indexing="ij")
    assert found == pytest.approx(map_coordinates(np.pad(array, 20, mode="edge"), grid, order=order), abs=1e-7)


@pytest.mark.parametrize("name", preprocess.INTERPOLATORS)
def test_a_crop_around_the_region_has_the_values_of_the_whole(scan: Pair, name: str) -> None:
    setting = {"resampledPixelSpacing": [0.5, 0.5, 0.5], "interpolator": name, "resegmentSigma": 2}
    whole, crop = (preprocess.prepared(scan, setting, margin_mm=margin) for margin in (np.inf, 2))
    assert crop.volume.size < whole.volume.size
    assert crop.volume[crop.mask] == pytest.approx(whole.volume[whole.mask], abs=1e-11)


def test_a_voxel_half_covered_by_the_mask_belongs_to_it() -> None:
    mask = np.zeros((4, 4, 4), dtype=bool)
    mask[1:3, 1:3, 1:3] = True
    doubled = preprocess.prepared(pair(mask * 1.0, mask), {"resampledPixelSpacing": [1, 1, 0.5], "minimumROISize": 1})
    assert doubled.mask.sum() == 16  # positions 0.75, 1.25, 1.75, 2.25 of the four along z: shares .75, 1, 1, .75
    strict = preprocess.prepared(pair(mask * 1.0, mask), {"resampledPixelSpacing": [1, 1, 0.5], "maskThreshold": 0.9})
    assert strict.mask.sum() == 8


def test_outliers_are_sought_among_what_the_range_left() -> None:
    image = np.array([0.0, 1, 2, 3, 1000, -1000]).reshape(1, 1, 6)
    kept = preprocess.resegmented(image, np.ones(image.shape, bool), {"resegmentRange": [-10, 10], "resegmentSigma": 1})
    assert kept.ravel().tolist() == [False, True, True, False, False, False]


def test_normalising_is_pyradiomics(scan: Pair) -> None:
    wanted = {"resampledPixelSpacing": [1.0, 1.0, 1.0], "interpolator": "sitkLinear", "normalize": True,
              "normalizeScale": 100}
    scaled = Pair(sitk.Normalize(sitk.Cast(scan.image, sitk.sitkFloat64)) * 100, scan.mask, scan.lower, scan.size)
    found = preprocess.prepared(scan, wanted, scaled=preprocess.scale(scan.image, wanted))
    assert found.volume == pytest.approx(preprocess.prepared(scaled, wanted).volume, abs=1e-9)


def test_too_little_left_says_how_to_mend_it(scan: Pair) -> None:
    with pytest.raises(ImageFault, match="finer resampledPixelSpacing") as fault:
        preprocess.prepared(scan, {"resampledPixelSpacing": [40, 40, 40]})
    assert fault.value.code == "E_RESAMPLE"
    with pytest.raises(ImageFault, match="after resegmentation"):
        preprocess.prepared(scan, {"resegmentRange": [1e6, 2e6]})


def test_bins_of_a_width_begin_at_the_range_and_of_a_number_at_the_darkest_voxel() -> None:
    values = np.array([-490.0, -475.001, -475, 399])
    assert discretise.discretised(values, {"binWidth": 25, "resegmentRange": [-500, 400]}).tolist() == [1, 1, 2, 36]
    assert discretise.discretised(values, {"binWidth": 25}).tolist() == [1, 1, 1, 36]
    assert discretise.discretised(np.array([0.0, 1, 2, 4]), {"binCount": 4}).tolist() == [1, 2, 3, 4]
    assert discretise.discretised(np.ones(3), {"binCount": 4}).tolist() == [1, 1, 1]
