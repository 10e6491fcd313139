"""What must hold whatever the engine: turned, flipped, moved, brightened, relabelled, cropped, shared out."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest

from radnb.features.extraction import extract
from radnb.features.settings import Settings, checked
from radnb.imaging.regions import read_pair
from tests.features.engine import scenes
from tests.features.engine.agreement import Agreement

pytest.importorskip("radiomics")
OURS = "radnb" if "radnb" in scenes.ENGINES else "pyradiomics"
pytestmark = [pytest.mark.filterwarnings(f"ignore::{kind}") for kind in ("RuntimeWarning", "DeprecationWarning",
                                                                         "UserWarning")]
ROUND = {"Original": {}, "Square": {}, "Gradient": {}}  # filters without a direction of their own
BALL, GREY = scenes.inside("holes"), scenes.voxels("int16")
SPACING = (0.8, 0.9, 1.3)  # x, y, z


def card(types: dict[str, Any] | None = None, classes: tuple[str, ...] = (), **setting: Any) -> Settings:
    return checked({"imageType": types or ROUND, "featureClass": dict.fromkeys(classes),
                    "setting": {"binWidth": 12, **setting}}, name="property")


def measured(grey: np.ndarray, mask: np.ndarray, settings: Settings, spacing: tuple[float, ...] = SPACING,
             **where: Any) -> dict[str, float]:
    found = scenes.outcome(OURS, scenes.pair_of(grey, mask, spacing, **where), settings)
    assert isinstance(found, dict), found
    return found


def agree(ours: dict[str, float], theirs: dict[str, float], but: Callable[[str], bool] = lambda column: False) -> None:
    """Check two sets of values as the value matrix does, leaving out the columns that `but` names."""
    found = Agreement()
    found.add("moved", *({column: value for column, value in values.items() if not but(column)}
                         for values in (ours, theirs)))
    found.refuse()


@pytest.mark.parametrize("axes", [(0, 1), (0, 2), (1, 2)], ids=["about x", "about y", "about z"])
@pytest.mark.parametrize("weighting", [None, "euclidean"])
def test_a_quarter_turn_changes_nothing(axes: tuple[int, int], weighting: str | None) -> None:
    """Only diameters within a plane carry its name, and the mesh has an order of its own."""
    spacing = list(SPACING[::-1])
    spacing[axes[0]], spacing[axes[1]] = spacing[axes[1]], spacing[axes[0]]
    turned = measured(np.rot90(GREY, axes=axes).copy(), np.rot90(BALL, axes=axes).copy(),
                      card(weightingNorm=weighting), tuple(spacing[::-1]))
    agree(turned, measured(GREY, BALL, card(weightingNorm=weighting)),
          lambda column: "Maximum2D" in column or _of_mesh(column))


@pytest.mark.parametrize("axis", range(3))
def test_a_mirror_image_has_the_same_values(axis: int) -> None:
    mirrored = measured(np.flip(GREY, axis).copy(), np.flip(BALL, axis).copy(), card())
    agree(mirrored, measured(GREY, BALL, card()), _of_mesh)


def _of_mesh(column: str) -> bool:
    return column.rsplit("_", 1)[1] in ("MeshVolume", "SurfaceArea", "SurfaceVolumeRatio", "Sphericity")


@pytest.mark.parametrize("axis", range(3))
def test_the_mesh_of_a_smooth_region_is_that_of_its_mirror_image(axis: int) -> None:
    """Marching cubes settles touching corners by a table without symmetry; a smooth region has few of them."""
    mask, settings = scenes.inside("ball"), card({"Original": {}}, ("shape",))
    mirrored, plain = measured(GREY, np.flip(mask, axis).copy(), settings), measured(GREY, mask, settings)
    assert mirrored == {column: pytest.approx(value, rel=1e-9) for column, value in plain.items()}


@pytest.mark.parametrize("step", [(1, 0, 0), (-1, 2, -2), (0, 1, 3)])
def test_a_region_moved_with_its_image_keeps_its_bytes(step: tuple[int, int, int]) -> None:
    settings = card({"Original": {}, "Square": {}, "SquareRoot": {}})
    moved = measured(np.roll(GREY, step, (0, 1, 2)), np.roll(BALL, step, (0, 1, 2)), settings)
    assert moved == measured(GREY, BALL, settings)


@pytest.mark.parametrize("where", [{"origin": (310.5, -220.25, 1e3)}, {"turn": 0.3}])
def test_the_place_of_the_patient_changes_nothing(where: dict[str, Any]) -> None:
    settings = card({"Original": {}, "Wavelet": {}, "LoG": {"sigma": [1.5]}})
    agree(measured(GREY, BALL, settings, **where), measured(GREY, BALL, settings))


def test_the_place_of_the_patient_changes_little_after_resampling() -> None:
    """The new grid's corner is a rounded sum in mm, so that values move by rounding.

    Not so where a new voxel's centre lies just between two old ones (0.8 to 1 mm): nearest neighbour then takes the
    mask of the one or the other by that rounding, in PyRadiomics as in the engine that reproduces it.
    """
    settings = card({"Original": {}}, resampledPixelSpacing=[1.07, 1.07, 1.07])
    ours, plain = (measured(GREY.astype(float), BALL, settings, origin=origin) for origin in (
        (310.5, -220.25, 1e3), (0.0, 0.0, 0.0)))
    assert ours["original_firstorder_Mean"] == pytest.approx(plain["original_firstorder_Mean"], rel=1e-9)


def test_a_brighter_image_has_the_same_texture() -> None:
    """Brighter by whole bins: texture stays, means shift, what is centred stays."""
    settings = card({"Original": {}})
    plain, brighter = (measured(grey, BALL, settings) for grey in (GREY, GREY + np.int16(36)))
    for column, value in plain.items():
        kind, feature = column.split("_")[1:]
        if kind == "firstorder" and feature in ("Mean", "Median", "10Percentile", "90Percentile", "Minimum", "Maximum"):
            assert brighter[column] == pytest.approx(value + 36, rel=1e-12)
        elif feature not in ("Energy", "TotalEnergy", "RootMeanSquared"):
            assert brighter[column] == pytest.approx(value, rel=1e-9, abs=1e-12), column


@pytest.mark.parametrize(("shift", "times"), [(500, 1), (-37, 4)])
def test_a_fixed_number_of_bins_forgets_offset_and_scale(shift: int, times: int) -> None:
    settings = checked({"featureClass": dict.fromkeys(("glcm", "glrlm", "glszm", "gldm", "ngtdm")),
                        "setting": {"binCount": 16}}, name="count")
    assert measured(GREY * np.int16(times) + np.int16(shift), BALL, settings) == measured(GREY, BALL, settings)


def test_the_array_shift_is_an_offset_of_energy_alone() -> None:
    plain, shifted = (measured(GREY, BALL, card({"Original": {}}, voxelArrayShift=shift)) for shift in (0, 250))
    moved = {column.split("_")[-1] for column in plain if plain[column] != shifted[column]}
    assert moved == {"Energy", "TotalEnergy", "RootMeanSquared"}
    energy = ((GREY[BALL].astype(float) + 250) ** 2).sum()
    assert shifted["original_firstorder_Energy"] == pytest.approx(energy, rel=1e-12)


def test_another_label_gives_the_same_bytes(tmp_path: Path, save: Callable[..., Path]) -> None:
    image = save(GREY, tmp_path / "图.nii.gz", SPACING)
    labels = BALL * np.uint8(7) + (~BALL & (GREY > 120)) * np.uint8(1)
    mask = save(labels, tmp_path / "七.nii.gz", SPACING)
    only = save(BALL * np.uint8(1), tmp_path / "一.nii.gz", SPACING)
    settings = card({"Original": {}, "LoG": {"sigma": [1.0]}}, resampledPixelSpacing=[1, 1, 1])
    ours, theirs = (scenes.outcome(OURS, read_pair(image, drawn, label), settings) for drawn, label in (
        (mask, 7), (only, 1)))
    assert isinstance(ours, dict) and ours == theirs


def large() -> tuple[np.ndarray, np.ndarray]:
    """Return an image with room on all sides and a ball in its middle."""
    noise = np.random.default_rng(8).normal(0, 1, (60, 62, 64))
    smooth = sum(np.roll(noise, step, axis) for axis in range(3) for step in (-1, 0, 1))
    z, y, x = np.ogrid[:60, :62, :64]
    return (100 + 20 * smooth).astype(np.float32), (z - 30) ** 2 + (y - 31) ** 2 + (x - 32) ** 2 < 36


def cropped(grey: np.ndarray, mask: np.ndarray, margin: int) -> tuple[np.ndarray, np.ndarray, tuple[float, ...]]:
    """Cut image and mask to the region's box with a margin; the corner keeps its place (voxels of 1 mm)."""
    filled = np.argwhere(mask)
    lower, upper = filled.min(0) - margin, filled.max(0) + margin + 1
    box = tuple(slice(first, last) for first, last in zip(lower, upper, strict=True))
    return grey[box].copy(), mask[box].copy(), tuple(float(first) for first in lower[::-1])


@pytest.mark.parametrize(("types", "margin"), [({"Original": {}}, 1), ({"Wavelet": {}}, 3), ({"Gradient": {}}, 1),
                                               ({"Wavelet": {"wavelet": "haar", "level": 2}}, 4)])
def test_cropping_with_a_margin_keeps_the_bytes(types: dict[str, Any], margin: int) -> None:
    """A filter of finite length sees nothing beyond its margin: coif1 reaches 3 voxels, a gradient 1."""
    (grey, mask), settings = large(), card(types)
    small, inside, corner = cropped(grey, mask, margin)
    ours = measured(small, inside, settings, (1.0, 1.0, 1.0), origin=corner)
    assert ours == measured(grey, mask, settings, (1.0, 1.0, 1.0), origin=(0.0, 0.0, 0.0))


def test_cropping_before_log_is_felt_less_than_a_millionth_ten_sigma_away() -> None:
    """A recursive Gaussian has no end: 10 sigma leave 8e-7 of the image's range, which is why nothing is cropped."""
    (grey, mask), settings = large(), card({"LoG": {"sigma": [2.0]}}, ("firstorder",))
    small, inside, corner = cropped(grey, mask, 20)
    ours = measured(small, inside, settings, (1.0, 1.0, 1.0), origin=corner)
    plain = measured(grey, mask, settings, (1.0, 1.0, 1.0), origin=(0.0, 0.0, 0.0))
    within = 1e-6 * float(np.ptp(grey))
    for feature in ("Mean", "Median", "90Percentile", "Minimum"):
        column = f"log-sigma-2-0-mm-3D_firstorder_{feature}"
        assert ours[column] == pytest.approx(plain[column], abs=within)


def test_cropping_source_voxels_far_from_the_region_keeps_a_spline_s_values() -> None:
    """A cubic B-spline's coefficients fade by 0.27 per voxel: 20 voxels leave 1e-11.

    The crop begins where voxels of 1 mm and 0.8 mm begin together, because the new grid starts at the image's corner.
    """
    (grey, mask), settings = large(), card({"Original": {}}, ("firstorder", "glcm", "shape"), padDistance=2,
                                           resampledPixelSpacing=[0.8, 0.8, 0.8])
    ours = measured(grey[4:, 4:-2, 4:].astype(float), mask[4:, 4:-2, 4:], settings, (1.0, 1.0, 1.0), origin=(4.0,) * 3)
    agree(ours, measured(grey.astype(float), mask, settings, (1.0, 1.0, 1.0), origin=(0.0,) * 3))


def test_regions_of_one_image_do_not_see_each_other() -> None:
    """What an image's regions share is prepared once: their order, and who else is measured, must not matter."""
    settings = card({"Original": {}, "LoG": {"sigma": [1.0]}, "Wavelet": {}}, normalize=True, normalizeScale=30)
    pairs = [scenes.pair_of(GREY, scenes.inside(region), SPACING) for region in ("ball", "tiny", "border", "box")]
    compute = scenes.ENGINES[OURS].prepare(pairs[0].image, settings)
    forth, back = [compute(pair) for pair in pairs], [compute(pair) for pair in pairs[::-1]][::-1]
    alone = [scenes.outcome(OURS, pair, settings) for pair in pairs]
    assert forth == back == alone


def test_one_and_two_workers_give_the_same_bytes(cases: pd.DataFrame, tmp_path: Path) -> None:
    settings = card({"Original": {}, "LoG": {"sigma": [1.0]}, "Wavelet": {}}, resampledPixelSpacing=[1.5, 1.5, 1.5])
    tables = [extract(cases, settings=settings, store=tmp_path / str(workers), engine=OURS, workers=workers).features
              for workers in (1, 2)]
    first, second = (table.to_csv(index=False, lineterminator="\n") for table in tables)
    assert first == second and len(tables[0]) == len(cases)
