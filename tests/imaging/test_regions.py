"""A pair of image and mask means something, or is refused with the mend."""

from __future__ import annotations

import numpy as np
import pytest
import SimpleITK as sitk

from radnb.errors import RadnbError
from radnb.imaging.regions import corner_distance_mm, geometry, read_pair


def refusal(image, mask, label: int = 1, **more) -> RadnbError:
    with pytest.raises(RadnbError) as caught:
        read_pair(image, mask, label, **more)
    return caught.value


def test_a_pair_holds_the_image_and_one_label_of_the_mask(write, scan, ball) -> None:
    pair = read_pair(write(scan), write(ball * 3, "掩膜.nii.gz"), 3)
    assert np.array_equal(sitk.GetArrayFromImage(pair.image), scan)
    assert np.array_equal(sitk.GetArrayFromImage(pair.mask), ball)
    assert (pair.lower, pair.size) == ((7, 8, 3), (9, 9, 5))
    assert pair.values().mean() == pytest.approx(scan[ball == 1].mean())
    assert not pair.flat


@pytest.mark.parametrize(("change", "apart"), [
    ({"origin": (-29.5, 12.5, 7.0)}, "0.5 mm"), ({"origin": (-30.0, 12.5, 7.02)}, "0.02 mm"),
    ({"spacing": (0.8, 0.9, 3.1)}, "0.9 mm")])
def test_grids_that_lie_apart_are_refused_with_both_geometries(write, scan, ball, change, apart) -> None:
    error = refusal(write(scan), write(ball, "mask.nii.gz", **change))
    assert error.code == "E_GEOM"
    assert f"up to {apart} apart" in str(error)
    assert "origin (-30, 12.5, 7) mm" in str(error) and "never resampled here unseen" in str(error)


def test_rounding_of_a_header_is_no_other_grid_and_the_image_s_grid_is_taken(write, scan, ball) -> None:
    pair = read_pair(write(scan), write(ball, "mask.nii.gz", origin=(-30.0001, 12.5, 7.0)))
    assert pair.mask.GetOrigin() == pair.image.GetOrigin()


def test_the_tolerance_can_be_set(write, scan, ball) -> None:
    image, mask = write(scan), write(ball, "mask.nii.gz", origin=(-30.0001, 12.5, 7.0))
    assert refusal(image, mask, tolerance_mm=1e-6).code == "E_GEOM"
    assert refusal(image, mask, tolerance_mm=float("nan")).code == "E_GEOM"


def test_a_turned_mask_is_refused_by_its_corners(write, scan, ball, folder) -> None:
    turned = sitk.ReadImage(str(write(ball, "mask.nii.gz")))
    turned.SetDirection((-1, 0, 0, 0, -1, 0, 0, 0, 1))
    sitk.WriteImage(turned, str(folder / "turned.nii.gz"))
    error = refusal(write(scan), folder / "turned.nii.gz")
    assert error.code == "E_GEOM" and "direction (-1, 0, 0, 0, -1, 0, 0, 0, 1)" in str(error)


def test_another_size_is_refused(write, scan, ball) -> None:
    error = refusal(write(scan), write(ball[1:], "mask.nii.gz"))
    assert error.code == "E_GEOM" and "size 22 x 24 x 9" in str(error)


def test_the_distance_of_corners_is_in_mm() -> None:
    one, other = sitk.Image(11, 2, 2, sitk.sitkUInt8), sitk.Image(11, 2, 2, sitk.sitkUInt8)
    other.SetSpacing((1.3, 1.0, 1.0))
    other.SetOrigin((0.0, 4.0, 0.0))
    assert corner_distance_mm(one, other) == pytest.approx(5.0)  # 3 mm along x at the far corner, 4 mm along y
    assert geometry(other) == "size 11 x 2 x 2, spacing (1.3, 1, 1) mm, origin (0, 4, 0) mm"


def test_an_absent_label_lists_those_found(write, scan, ball) -> None:
    drawn = ball * 2
    drawn[0, 0, 0] = 5
    assert refusal(write(scan), write(drawn, "mask.nii.gz")).code == "E_LABEL"
    with pytest.raises(RadnbError, match=r"holds no label 1 \(found: 2, 5\)"):
        read_pair(write(scan), write(drawn, "mask.nii.gz"))
    with pytest.raises(RadnbError, match="Set label=255 for this row"):
        read_pair(write(scan), write(ball * np.uint8(255), "mask.nii.gz"))


def test_whole_numbers_stored_as_floats_are_a_mask(write, scan, ball) -> None:
    assert read_pair(write(scan), write(ball.astype(np.float32), "mask.nii.gz")).size == (9, 9, 5)


@pytest.mark.parametrize("value", [0.5, np.nan])
def test_a_soft_mask_is_refused(write, scan, ball, value) -> None:
    error = refusal(write(scan), write(ball * np.float32(value), "mask.nii.gz"))
    assert error.code == "E_MASK_SOFT" and "Threshold it first" in str(error)


def test_empty_full_and_tiny_masks_are_refused(write, scan, ball) -> None:
    few = np.zeros_like(ball)
    few[5, 12, 11:13] = 1
    assert refusal(write(scan), write(ball * 0, "empty.nii.gz")).code == "E_MASK_EMPTY"
    assert refusal(write(scan), write(ball * 0 + 1, "full.nii.gz")).code == "E_MASK_FULL"
    assert refusal(write(scan), write(few, "tiny.nii.gz")).code == "E_ROI_SMALL"
    assert read_pair(write(scan), write(few, "tiny.nii.gz"), minimum_voxels=2).flat


@pytest.mark.parametrize("value", [np.nan, np.inf])
def test_non_finite_voxels_in_the_region_are_counted(write, scan, ball, value) -> None:
    voxels = scan.astype(np.float32)
    voxels[5, 12, 10:13] = value
    error = refusal(write(voxels), write(ball, "mask.nii.gz"))
    assert error.code == "E_NONFINITE" and "3 voxels" in str(error)


def test_non_finite_voxels_elsewhere_do_not_stop_the_reading(write, scan, ball) -> None:
    voxels = scan.astype(np.float32)
    voxels[0, 0, 0] = np.nan
    assert read_pair(write(voxels), write(ball, "mask.nii.gz")).size == (9, 9, 5)


def test_a_truncated_mask_is_told_as_a_fault_of_the_mask(write, scan, ball) -> None:
    mask = write(ball, "mask.nii")
    mask.write_bytes(mask.read_bytes()[:-50])
    error = refusal(write(scan), mask)
    assert error.code == "E_CORRUPT" and error.column == "mask"  # type: ignore[attr-defined]


def test_errors_name_folder_and_file_but_no_machine_path(write, scan, ball, folder) -> None:
    error = refusal(write(scan), write(ball * 0, "空.nii.gz"))
    assert "甲医院 影像/空.nii.gz" in str(error) and str(folder) not in str(error)
