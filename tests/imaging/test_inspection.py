"""The check reads every image and mask and lists all that is wrong or odd, with its mend."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

from radnb.imaging.inspection import inspect


def table(*rows: tuple[object, object], label: int = 1) -> pd.DataFrame:
    return pd.DataFrame([{"patient_id": f"P{n}", "roi": "tumour", "phase": "arterial", "timepoint": "baseline",
                          "reader": "R1", "image": str(image), "mask": str(mask), "label": label, "row": n + 2}
                         for n, (image, mask) in enumerate(rows)])


def test_a_sound_cohort_gives_no_row(write, scan, ball) -> None:
    found = inspect(table((write(scan), write(ball, "m.nii.gz"))), workers=0, modality="ct", resampled=True)
    assert found.empty
    assert list(found) == ["severity", "code", "where", "row", "column", "problem", "mend"]


def test_every_fault_is_listed_with_row_and_mend(write, scan, ball) -> None:
    cut = write(scan, "cut.nii")
    cut.write_bytes(cut.read_bytes()[:-100])
    good, mask = write(scan), write(ball, "m.nii.gz")
    found = inspect(table((good, mask), (cut, mask), (good, write(ball * 0, "e.nii.gz")), (good, "nowhere.nii")),
                    workers=0, resampled=True)
    assert found["severity"].eq("error").all()
    assert dict(zip(found["row"], found["code"], strict=True)) == {
        3: "E_CORRUPT", 4: "E_MASK_EMPTY", 5: "E_MISSING"}
    assert dict(zip(found["row"], found["column"], strict=True)) == {3: "image", 4: "mask", 5: "mask"}
    assert found["where"].iloc[0] == "P1, tumour, arterial, baseline, R1"
    assert found["mend"].str.len().gt(10).all()


def test_the_findings_do_not_depend_on_the_number_of_workers(write, scan, ball) -> None:
    cases = table(*((write(scan + n, f"{n}.nii.gz"), write(ball * (n % 3), f"m{n}.nii.gz")) for n in range(6)))
    one, two = inspect(cases, workers=0), inspect(cases, workers=2)
    pd.testing.assert_frame_equal(one, two)
    assert len(one) > 2


def test_uneven_voxels_are_odd_only_without_resampling(write, scan, ball) -> None:
    cases = table((write(scan), write(ball, "m.nii.gz")))
    assert inspect(cases, workers=0)["code"].tolist() == ["W_ANISO"]
    assert inspect(cases, workers=0, resampled=True).empty


@pytest.mark.parametrize(("change", "modality", "words"), [
    (lambda v: (v + 1100) // 8, "ct", "grey levels of a screen"), (lambda v: v + 1100, "ct", "offset of Hounsfield"),
    (lambda v: v * 20.0 + 25000, "pet", "Bq/mL"), (lambda v: v * 0 + 3, "mr", "All MR values are 3")])
def test_implausible_grey_values_are_told_per_modality(write, scan, ball, change, modality, words) -> None:
    cases = table((write(change(scan).astype(np.float32)), write(ball, "m.nii.gz")))
    found = inspect(cases, workers=0, modality=modality, resampled=True)
    assert found.loc[found["code"] == "W_RANGE", "problem"].str.contains(words).tolist() == [True]


def test_a_region_in_air_is_suspect(write, scan, ball) -> None:
    shifted = np.roll(ball, (9, 9), axis=(1, 2))
    found = inspect(table((write(scan), write(shifted, "m.nii.gz"))), workers=0, resampled=True)
    assert found["code"].tolist() == ["W_SUSPECT"]


def test_flat_and_constant_regions_are_odd(write, scan, ball) -> None:
    flat, constant = ball.copy(), scan.copy()
    flat[[3, 4, 6, 7]] = 0
    constant[ball == 1] = 7
    found = inspect(table((write(scan), write(flat, "f.nii.gz")), (write(constant, "c.nii.gz"),
                                                                   write(ball, "m.nii.gz"))), workers=0, resampled=True)
    assert dict(zip(found["row"], found["code"], strict=True)) == {2: "W_FLAT", 3: "W_CONSTANT"}


@pytest.mark.parametrize(("kind", "top", "told"), [("u1", 250, True), ("u1", 200, False), ("i2", 32760, True),
                                                   ("f4", 250, False)])
def test_grey_values_at_the_end_of_whole_numbers_are_told(write, ball, kind, top, told) -> None:
    """numpy 2 computes PyRadiomics' last bin edge, the highest value and two bin widths, in the image's own type."""
    voxels = np.random.default_rng(1).integers(top - 150, top, ball.shape)
    voxels[ball == 1] += 1
    found = inspect(table((write(voxels.astype(kind)), write(ball, "m.nii.gz"))), workers=0, resampled=True)
    assert ("W_WRAP" in set(found["code"])) == told


def test_non_finite_voxels_outside_the_region_are_odd(write, scan, ball) -> None:
    voxels = scan.astype(np.float32)
    voxels[0, 0, 0] = np.nan
    found = inspect(table((write(voxels), write(ball, "m.nii.gz"))), workers=0, resampled=True)
    assert found["code"].tolist() == ["W_NONFINITE"]


def test_an_image_unlike_its_fellows_is_listed(write, scan, ball) -> None:
    mask = write(ball, "m.nii.gz")
    cases = table(*((write(scan + (n if n < 10 else 900), f"{n}.nii.gz"), mask) for n in range(11)))
    found = inspect(cases, workers=0, resampled=True)
    assert found[["code", "row"]].to_numpy().tolist() == [["W_RANGE", 12]]


def test_mixed_slice_thickness_is_told_once(write, scan, ball) -> None:
    spacings = ((1.0, 1.0, 1.5), (1.0, 1.0, 2.0), (3.5, 3.5, 5.0))
    cases = table(*((write(scan, f"{n}.nii.gz", spacing=s), write(ball, f"m{n}.nii.gz", spacing=s))
                    for n, s in enumerate(spacings)))
    found = inspect(cases, workers=0)
    assert found["code"].tolist() == ["W_SPACING"]
    assert "1.5 to 5 mm over 3 regions" in found["problem"].iloc[0]
