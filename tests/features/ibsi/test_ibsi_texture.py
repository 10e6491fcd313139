"""Matrices against counting one by one, and regions at the edge of what has texture."""

from __future__ import annotations

import itertools

import numpy as np
import pytest
from scipy.ndimage import distance_transform_cdt, label

from radnb.features.engine.region import Region
from radnb.features.ibsi import aggregate, engine, intensity, matrices, standard

STEPS = pytest.mark.parametrize("steps", [matrices.HALF, matrices.IN_SLICE], ids=["3D", "2D"])


@pytest.fixture
def levels() -> np.ndarray:
    random = np.random.default_rng(11)
    return random.integers(1, 5, (5, 6, 7)) * (random.random((5, 6, 7)) < 0.8)


def _at(levels: np.ndarray, place: np.ndarray) -> int:
    return int(levels[tuple(place)]) if (place >= 0).all() and (place < levels.shape).all() else 0


@STEPS
def test_pairs_and_runs_are_those_that_one_counts(levels: np.ndarray, steps: tuple) -> None:
    for step in steps:
        pairs, runs = np.zeros((4, 4), dtype=int), np.zeros((4, 7), dtype=int)
        for place in np.argwhere(levels):
            here, there = _at(levels, place), _at(levels, place + step)
            if there:
                pairs[here - 1, there - 1] += 1
                pairs[there - 1, here - 1] += 1
            if _at(levels, place - step) != here:
                length = next(n for n in itertools.count(1) if _at(levels, place + n * np.array(step)) != here)
                runs[here - 1, length - 1] += 1
        assert np.array_equal(matrices.cooccurrence(levels, step, 4), pairs)
        found = matrices.runs(levels, step, 4)
        assert np.array_equal(found, runs[:, :found.shape[1]]) and not runs[:, found.shape[1]:].any()


@STEPS
def test_zones_are_scipys(levels: np.ndarray, steps: tuple) -> None:
    structure = np.ones((3, 3, 3)) if len(steps) == 13 else np.pad(np.ones((1, 3, 3)), ((1, 1), (0, 0), (0, 0)))
    zone, level, place = matrices.zones(levels, steps)
    sizes = sorted(zip(level, np.bincount(zone), strict=True))
    stated = [(grey, size) for grey in range(1, 5)
              for size in np.bincount(label(levels == grey, structure)[0].ravel())[1:]]
    assert sizes == sorted(stated)
    assert all(levels[z][levels[z] == grey].size for grey, z in zip(level, place, strict=True))


def test_distances_are_scipys(levels: np.ndarray) -> None:
    mask = levels > 0
    padded = distance_transform_cdt(np.pad(mask, 1), metric="taxicab")[1:-1, 1:-1, 1:-1]
    assert np.array_equal(matrices.border_distance(mask, in_slice=False), padded)
    flat = np.stack([distance_transform_cdt(np.pad(one, 1), metric="taxicab")[1:-1, 1:-1] for one in mask])
    assert np.array_equal(matrices.border_distance(mask, in_slice=True), flat)


@STEPS
def test_neighbourhoods_are_those_that_one_counts(levels: np.ndarray, steps: tuple) -> None:
    around = [np.array(step) * sign for step in steps for sign in (1, -1)]
    counts, sums, alike = np.zeros((5, 4)), np.zeros((5, 4)), np.zeros((5, 4, len(around) + 1), dtype=int)
    for place in np.argwhere(levels):
        here, near = _at(levels, place), [found for step in around if (found := _at(levels, place + step))]
        alike[place[0], here - 1, near.count(here)] += 1
        if near:
            counts[place[0], here - 1] += 1
            sums[place[0], here - 1] += abs(here - np.mean(near))
    found = matrices.tone_differences(levels, steps, 4)
    assert np.array_equal(found[0], counts)
    assert found[1] == pytest.approx(sums)
    assert np.array_equal(matrices.dependences(levels, steps, 4), alike)


def _everything(levels: np.ndarray) -> dict[str, dict[str, float]]:
    region = aggregate.Levels(levels, levels > 0)
    found = {f"{family} {name}": features for family in standard.DIRECTIONAL
             for name, features in aggregate.directional(region, family, standard.CHOICES).items()}
    for dimension in ("2D", "2.5D", "3D"):
        found |= {f"{family} {dimension}": features
                  for family, features in aggregate.zonal(region, standard.ZONAL, dimension).items()}
    return found


def test_within_a_single_slice_all_dimensions_agree(levels: np.ndarray) -> None:
    found = _everything(levels[2:3])
    for family in standard.ZONAL:
        assert found[f"{family} 2D"] == pytest.approx(found[f"{family} 2.5D"])
        if family != "gldzm":  # in three dimensions, all voxels of a single slice lie at the border
            assert found[f"{family} 2D"] == pytest.approx(found[f"{family} 3D"])
    assert found["glcm 2D-slice-merged"] == pytest.approx(found["glcm 2.5D-merged"])
    assert found["glcm 2D-averaged"] == pytest.approx(found["glcm 3D-averaged"])  # directions without a pair left out


def test_a_turned_region_has_the_same_texture_in_three_dimensions(levels: np.ndarray) -> None:
    one = _everything(levels)
    for turned in (np.rot90(levels, axes=(0, 2)), levels[:, ::-1], levels.transpose(1, 2, 0)):
        other = _everything(np.ascontiguousarray(turned))
        for kind in (name for name in one if "3D" in name):
            assert other[kind] == pytest.approx(one[kind], rel=1e-9), kind


def test_a_region_of_one_level_has_finite_texture() -> None:
    found = _everything(np.ones((3, 4, 5), dtype=int))
    assert all(np.isfinite(list(features.values())).all() for features in found.values())
    assert found["glcm 3D-merged"]["Correlation"] == 1
    assert found["ngtdm 3D"]["Coarseness"] == 1e6


def test_a_constant_region_has_finite_statistics_but_for_ratios_to_nothing() -> None:
    assert np.isfinite(list(intensity.statistics(np.full(9, 7.0)).values())).all()
    assert np.isnan(intensity.statistics(np.zeros(9))["CoefficientOfVariation"])


def test_the_brightest_tenth_counts_every_grey_value_on_the_way() -> None:
    values = np.array([1.0] * 89 + [2] * 2 + [9] * 9)
    found = intensity.volume_histogram(values, intensity.Grid(1, 9, 1))
    assert found["IntensityAt10Volume"] == 3  # 9 % have at least 3; that no voxel has 3 does not matter
    assert found["VolumeAt10Intensity"] == pytest.approx(0.11)
    assert found["AreaUnderCurve"] == pytest.approx((1 / 2 + 0.11 + 0.09 * 6 + 0.09 / 2) / 8)


@pytest.mark.parametrize("mask", [
    np.ones((1, 5, 6), dtype=bool), np.ones((1, 1, 9), dtype=bool), np.eye(4, dtype=bool)[None].repeat(2, axis=0),
    np.indices((4, 4, 4)).sum(axis=0) % 2 == 0, np.pad(np.zeros((1, 1, 1), dtype=bool), 2, constant_values=True)],
    ids=["one slice", "a line", "a diagonal sheet", "a chessboard", "a hole"])
def test_every_feature_of_an_odd_region_is_a_number_or_left_open(mask: np.ndarray) -> None:
    image = np.random.default_rng(2).normal(0, 50, mask.shape)
    region = Region(image, mask, mask, (3.0, 1.0, 0.7))
    found = engine.measure_families(region, image[region.box], standard.FEATURES, {"binWidth": 10})
    assert len(found) == 487
    open_ones = {name.split("_")[1] for name, value in found.items() if not np.isfinite(value)}
    flat = {"VolumeDensityAEE", "AreaDensityAEE"} if 1 in mask.shape else set()
    assert open_ones <= flat
