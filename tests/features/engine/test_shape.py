"""Shape features against PyRadiomics 3.0.1 and against what geometry demands."""

import itertools
import logging
import math

import numpy as np
import pytest
import SimpleITK as sitk

from radnb.features.catalogue import FEATURES, ON_REQUEST
from radnb.features.engine.shape import shape, shape_2d
from radnb.imaging.faults import ImageFault

radiomics = pytest.importorskip("radiomics", reason="PyRadiomics is the oracle")
NAMES = FEATURES["shape"] + ON_REQUEST["shape"]
NAMES_2D = FEATURES["shape2D"] + ON_REQUEST["shape2D"]
SPACING = (1.3, 0.7, 2.1)


def _pyradiomics(mask, spacing, kind, names, **setting):
    radiomics.setVerbosity(logging.CRITICAL)
    image, region = sitk.GetImageFromArray(np.zeros(mask.shape)), sitk.GetImageFromArray(mask.astype(np.uint8))
    for one in (image, region):
        one.SetSpacing([float(length) for length in spacing[::-1]])
    measured = radiomics.featureextractor.getFeatureClasses()[kind](image, region, **setting)
    for name in names:
        measured.enableFeatureByName(name)
    return {f"{kind}_{name}": float(value) for name, value in measured.execute().items()}


def _random_mask(rng, size):
    mask = rng.random(size) < rng.uniform(0.2, 1)
    mask.flat[rng.choice(mask.size, min(2, mask.size), replace=False)] = True
    return mask


def _ball(radius, stretch=(1, 1, 1)):
    size = [2 * int(radius * length) + 1 for length in stretch]
    places = np.indices(size) - np.array(size).reshape(3, 1, 1, 1) // 2
    return sum((places[i] / stretch[i]) ** 2 for i in range(3)) <= radius**2


def test_each_of_the_256_cubes_has_the_mesh_of_pyradiomics():
    for corners in itertools.product((False, True), repeat=8):
        mask = np.zeros((4, 4, 4), bool)
        mask[1:3, 1:3, 1:3] = np.reshape(corners, (2, 2, 2))
        if mask.any():
            area, volume, diameters = radiomics.cShape.calculate_coefficients(mask, np.array(SPACING))
            found = shape(mask[1:-1, 1:-1, 1:-1], SPACING, NAMES)
            assert found["shape_SurfaceArea"] == pytest.approx(area, rel=1e-12)
            assert found["shape_MeshVolume"] == pytest.approx(volume, rel=1e-12)
            assert [found[f"shape_Maximum{name}"] for name in
                    ("2DDiameterSlice", "2DDiameterColumn", "2DDiameterRow", "3DDiameter")] == list(diameters)


@pytest.mark.parametrize("seed", range(60))
def test_random_regions_have_the_values_of_pyradiomics(seed):
    """Holes, several components, touching corners, and (every fourth) one voxel thick."""
    rng = np.random.default_rng(seed)
    size = rng.integers(2, 9, 3)
    if seed % 4 == 0:
        size[rng.integers(3)] = 1
    mask, spacing = _random_mask(rng, size), tuple(rng.uniform(0.3, 4, 3))
    assert shape(mask, spacing, NAMES) == pytest.approx(_pyradiomics(mask, spacing, "shape", NAMES),
                                                        rel=1e-12, abs=1e-12, nan_ok=True)


@pytest.mark.parametrize("direction", [(0, 1, 1), (1, 1, 0), (1, 1, 1), (2, 1, 0)])
def test_an_oblique_sheet_has_the_least_axis_of_pyradiomics(direction):
    """Its smallest eigenvalue is 0; what stands there in PyRadiomics is rounding, negative or not."""
    places = np.indices((9, 9, 9)) - 4
    mask = np.tensordot(direction, places, 1) == 0
    ours, theirs = shape(mask, (1.1, 1.1, 1.1), NAMES), _pyradiomics(mask, (1.1, 1.1, 1.1), "shape", NAMES)
    assert ours == pytest.approx(theirs, rel=1e-12, abs=1e-9)


@pytest.mark.parametrize("seed", range(30))
def test_random_slices_have_the_values_of_pyradiomics(seed):
    rng = np.random.default_rng(seed)
    size, dimension = rng.integers(1, 10, 3), seed % 3
    size[dimension] = 1
    size[dimension - 1] += 1
    mask, spacing = _random_mask(rng, size), tuple(rng.uniform(0.3, 4, 3))
    theirs = _pyradiomics(mask, spacing, "shape2D", NAMES_2D, force2D=True, force2Ddimension=dimension)
    assert shape_2d(mask, spacing, NAMES_2D, dimension) == pytest.approx(theirs, rel=1e-12, nan_ok=True)


def test_several_slices_are_refused_where_one_is_measured():
    with pytest.raises(ImageFault, match="Draw one slice") as fault:
        shape_2d(np.ones((3, 4, 5), bool), SPACING, NAMES_2D, 0)
    assert fault.value.code == "E_SHAPE2D"


@pytest.mark.parametrize("turn", [lambda m: np.rot90(m, axes=(0, 1)), lambda m: np.rot90(m, axes=(1, 2)),
                                  lambda m: m[::-1], lambda m: m[:, :, ::-1], lambda m: m.transpose(2, 0, 1)])
def test_turned_and_mirrored_regions_have_the_same_shape(turn):
    mask = np.pad(_ball(6, (1.5, 1, 0.7)), 4)
    mask |= np.roll(mask, (3, 2, 1), axis=(0, 1, 2))
    invariant = [name for name in NAMES if not name.startswith("Maximum2D")]
    there, here = (shape(m, (1, 1, 1), invariant) for m in (turn(mask), mask))
    # The diagonals within a cube's mesh are not symmetrical, so that areas differ a little.
    assert there == pytest.approx(here, rel=2e-3)
    exact = [f"shape_{name}" for name in invariant if "Axis" in name or "Diameter" in name or name == "VoxelVolume"]
    assert [there[name] for name in exact] == pytest.approx([here[name] for name in exact], rel=1e-12)


def test_a_larger_box_changes_nothing_where_surfaces_do_not_touch():
    mask = _ball(5)
    assert shape(np.pad(mask, ((3, 0), (1, 2), (0, 4))), SPACING, NAMES) == pytest.approx(
        shape(mask, SPACING, NAMES), rel=1e-12)


def test_a_box_has_the_diameters_of_its_face_centres():
    found = shape(np.ones((10, 20, 30), bool), (3, 2, 1), NAMES)
    assert found["shape_VoxelVolume"] == 36000
    assert found["shape_Maximum3DDiameter"] == pytest.approx(max(
        math.dist((0, 0, 0), ends) for ends in [(10 * 3, 19 * 2, 29), (9 * 3, 20 * 2, 29), (9 * 3, 19 * 2, 30)]))
    assert found["shape_MajorAxisLength"] == pytest.approx(4 * math.sqrt((20**2 - 1) / 12 * 4))


@pytest.mark.parametrize("stretch", [(1, 1, 1), (1.6, 1, 0.8)])
def test_a_large_region_has_the_shape_of_pyradiomics(stretch):
    mask = _ball(20, stretch)
    assert shape(mask, SPACING, NAMES) == pytest.approx(_pyradiomics(mask, SPACING, "shape", NAMES), rel=1e-12)
