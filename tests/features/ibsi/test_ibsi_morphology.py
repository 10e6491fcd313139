"""Bodies whose measures are known, and sums over all pairs written out."""

from __future__ import annotations

import itertools

import numpy as np
import pytest
from scipy.spatial.distance import cdist
from scipy.spatial.transform import Rotation
from scipy.special import eval_legendre
from skimage.measure import marching_cubes, mesh_surface_area

from radnb.features.ibsi import local, mesh
from radnb.features.ibsi.morphology import (
    FORMULAS,
    Body,
    ellipsoid_area,
    morphology,
    smallest_ellipsoid,
    smallest_rectangle,
)

SPACING = (2.5, 0.8, 0.9)


def blob(seed: int) -> np.ndarray:
    random = np.random.default_rng(seed)
    mask = random.random((9, 10, 11)) < 0.6
    mask[4, 4:6, 4:6] = True
    return mask


def body(mask: np.ndarray, spacing: tuple[float, float, float] = SPACING) -> Body:
    image = np.random.default_rng(1).normal(50, 10, mask.shape)
    return Body(mask, image, mask & (image < 62), spacing)


def ball(radius: float) -> Body:
    z, y, x = np.mgrid[-12:13, -12:13, -12:13]
    return body(z**2 + y**2 + x**2 <= radius**2, (1.0, 1.0, 1.0))


def test_the_mesh_of_a_smooth_body_is_that_of_the_usual_algorithm() -> None:
    mask = ball(9.7).mask
    points, faces, _, _ = marching_cubes(np.pad(mask, 1).astype(float), 0.5, spacing=SPACING, method="lorensen")
    corners = points[faces]
    volume = abs(np.einsum("ij,ij->i", corners[:, 0], np.cross(corners[:, 1], corners[:, 2])).sum()) / 6
    assert mesh.area_and_volume(mask, SPACING) == pytest.approx((mesh_surface_area(points, faces), volume), rel=1e-3)


def test_a_single_voxel_is_an_octahedron() -> None:
    area, volume = mesh.area_and_volume(np.ones((1, 1, 1), dtype=bool), (1.0, 1.0, 1.0))
    assert (area, volume) == pytest.approx((3**0.5, 1 / 6))


@pytest.mark.parametrize("seed", range(3))
def test_a_region_turned_or_mirrored_has_the_same_shape(seed: int) -> None:
    mask = blob(seed)
    shape = [name for name in FORMULAS if name not in ("CentreOfMassShift", "IntegratedIntensity")]
    one = morphology(Body(mask, mask * 1.0, mask, (1.0, 1.0, 1.0)), shape[:-2])
    for turned in (np.rot90(mask, axes=(0, 1)), mask[::-1], mask.transpose(2, 0, 1)):
        other = morphology(Body(turned, turned * 1.0, turned, (1.0, 1.0, 1.0)), shape[:-2])
        assert other == pytest.approx(one, rel=2e-3), turned.shape
        exact = [name for name in one if "MVEE" not in name]
        assert [other[name] for name in exact] == pytest.approx([one[name] for name in exact], rel=1e-9)


def test_a_ball_is_round() -> None:
    found = morphology(ball(10), FORMULAS)
    assert found["Maximum3DDiameter"] == pytest.approx(21, abs=0.1)
    assert found["VolumeMesh"] == pytest.approx(4 / 3 * np.pi * 10**3, rel=0.02)
    assert found["VolumeDensityAABB"] == pytest.approx(np.pi / 6 * (20 / 21) ** 3, rel=0.02)
    assert 0.9 < found["VolumeDensityConvexHull"] < 1  # the corners of the voxels' staircase are dents
    assert found["Elongation"] == pytest.approx(1)


def test_the_smallest_box_finds_a_turned_box() -> None:
    turn = Rotation.from_euler("xyz", (20, 35, 50), degrees=True).as_matrix()
    grid = np.mgrid[-20:21, -20:21, -20:21].reshape(3, -1).T
    inside = (np.abs(grid @ turn) <= (14, 9, 4)).all(axis=1).reshape(41, 41, 41)
    edges = sorted(body(inside, (1.0, 1.0, 1.0)).ombb)
    assert edges == pytest.approx([9, 19, 29], abs=1.5)
    corners = np.array([[0, 0], [3, 4], [-0.8, 0.6], [2.2, 4.6]])
    assert sorted(smallest_rectangle(corners)) == pytest.approx([1, 5])


def test_the_smallest_ellipsoid_of_a_boxs_corners_is_known() -> None:
    corners = np.array(list(itertools.product((-1.0, 1), (-2.0, 2), (-5.0, 5))))
    assert smallest_ellipsoid(corners, 1e-7) == pytest.approx(3**0.5 * np.array([5, 2, 1]), rel=1e-4)


def test_the_area_of_an_ellipsoid_is_the_manuals_series() -> None:
    a, b, c = 5.0, 3.0, 2.0
    alpha, beta = (1 - (b / a) ** 2) ** 0.5, (1 - (c / a) ** 2) ** 0.5
    x = (alpha**2 + beta**2) / (2 * alpha * beta)
    series = sum((alpha * beta) ** n / (1 - 4 * n**2) * eval_legendre(n, x) for n in range(21))
    assert ellipsoid_area(np.array([a, b, c])) == pytest.approx(4 * np.pi * a * b * series, rel=1e-12)
    assert ellipsoid_area(np.array([3.0, 3, 3])) == pytest.approx(4 * np.pi * 9)


@pytest.mark.parametrize("seed", range(2))
def test_moran_and_geary_are_sums_over_all_pairs(seed: int) -> None:
    one = body(blob(seed))
    points, x = np.argwhere(one.intensity_mask) * SPACING, one.values
    distance = cdist(points, points)
    weights = np.divide(1, distance, where=distance > 0, out=np.zeros_like(distance))
    d, n = x - x.mean(), len(x)
    moran = n / weights.sum() * (weights * np.outer(d, d)).sum() / (d @ d)
    geary = (n - 1) / (2 * weights.sum()) * (weights * np.subtract.outer(x, x) ** 2).sum() / (d @ d)
    found = morphology(one, ("MoransI", "GearysC"))
    assert found == pytest.approx({"MoransI": moran, "GearysC": geary}, rel=1e-9)


def test_peaks_are_averages_of_a_ball_that_reaches_out_of_the_region() -> None:
    image, mask = np.random.default_rng(3).normal(10, 3, (9, 24, 26)), np.zeros((9, 24, 26), dtype=bool)
    mask[0:4, 8:14, 20:26] = True  # at two borders of the image
    everywhere = np.argwhere(np.ones(image.shape)) * SPACING
    near = cdist(np.argwhere(mask) * SPACING, everywhere) <= local.RADIUS_MM
    means = (near * image.ravel()).sum(1) / near.sum(1)
    found = local.local_intensity(image, mask, SPACING)
    assert found == pytest.approx({"LocalIntensityPeak": means[image[mask].argmax()],
                                   "GlobalIntensityPeak": means.max()}, rel=1e-12)
