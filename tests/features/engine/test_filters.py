"""The images that features are measured in are PyRadiomics' own, though only the region's box is computed."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
import SimpleITK as sitk

from radnb.errors import RadnbError
from radnb.features.catalogue import IMAGE_TYPES, filters
from radnb.features.engine.filters import FILTERS
from radnb.features.engine.region import Region
from radnb.features.engine.sphere import icosphere

operations = pytest.importorskip("radiomics.imageoperations")
pytestmark = pytest.mark.filterwarnings("ignore:invalid value", "ignore:Applying `local_binary_pattern`",
                                        "ignore:Please import `map_coordinates`", "ignore:Precision loss occurred",
                                        "ignore:divide by zero")
SPACING = (2.5, 0.8, 0.7)  # z, y, x
PLACES = {"inside": (slice(3, 9), slice(6, 14), slice(5, 12)), "first": (slice(0, 5), slice(0, 6), slice(0, 4)),
          "last": (slice(8, 13), slice(15, 22), slice(10, 17)), "thin": (slice(6, 7), slice(0, 22), slice(3, 4)),
          "whole": (slice(0, 13), slice(0, 22), slice(0, 17))}
KINDS = ("int16", "uint8", "int32", "float32", "float64")


def region(kind: str, place: str = "inside", shape: tuple[int, int, int] = (13, 22, 17), seed: int = 0) -> Region:
    """Return a ragged region in noise; odd and even sides, every side of another length."""
    rng = np.random.default_rng(seed)
    voxels = rng.normal(60, 50, shape)
    voxels = (voxels.clip(0, 250) if kind == "uint8" else voxels).astype(kind)
    box, mask = PLACES[place], np.zeros(shape, bool)
    mask[box] = rng.random(mask[box].shape) < 0.8
    for corner in (0, -1):
        mask[box][corner, corner, corner] = True
    return Region(voxels, mask, mask, SPACING)


def images(of: Region) -> tuple[sitk.Image, sitk.Image]:
    image, mask = sitk.GetImageFromArray(of.volume), sitk.GetImageFromArray(of.mask.astype(np.uint8))
    for made in (image, mask):
        made.SetSpacing(of.spacing[::-1])
    return image, mask


def assert_same(of: Region, kind: str, within: float = 0.0, **options: Any) -> None:
    """Compare names, scalar types and every voxel of the region (of the whole box unless only the mask counts)."""
    theirs = getattr(operations, f"get{kind}Image")(*images(of), **options)
    ours = list(FILTERS[kind](of, options))
    assert [name for name, _ in ours] == filters(kind, options)
    for (name, image), (own, found) in zip([(n, i) for i, n, _ in theirs], ours, strict=True):
        wanted = sitk.GetArrayFromImage(image)[of.box]
        assert (own, found.dtype, found.flags.c_contiguous) == (name, wanted.dtype, True)
        inside = of.mask[of.box] if kind == "LBP3D" else ...
        if within:
            np.testing.assert_allclose(found[inside], wanted[inside], rtol=within, atol=within)
        else:
            np.testing.assert_array_equal(found[inside], wanted[inside])


def test_every_image_type_has_its_filter() -> None:
    assert tuple(FILTERS) == (*IMAGE_TYPES, "SSF")


@pytest.mark.parametrize("place", PLACES)
@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("image_type", ["Original", "Square", "SquareRoot", "Logarithm", "Exponential", "Gradient"])
def test_simple_filters_scale_by_the_whole_image_and_not_by_the_region(image_type: str, kind: str, place: str) -> None:
    assert_same(region(kind, place), image_type)


def test_the_gradient_may_leave_the_spacing_aside() -> None:
    assert_same(region("float32", "last"), "Gradient", gradientUseSpacing=False)


@pytest.mark.parametrize("place", PLACES)
@pytest.mark.parametrize("kind", KINDS)
def test_laplacian_of_gaussian_is_itks_to_the_last_bit(kind: str, place: str) -> None:
    assert_same(region(kind, place), "LoG", sigma=[0.5, 1.0, 3, 5.5])


def test_laplacian_of_gaussian_of_a_small_region_forgets_the_far_image() -> None:
    """What lies beyond 24 sigma is left out, and single precision does not see it."""
    large = region("float32", shape=(60, 130, 120))
    assert_same(large, "LoG", sigma=[0.5, 1.0, 1.5])
    beyond = large.volume.copy()
    beyond[:, :, 12 + 58:] += 1e3  # 24 sigma of 1.5 mm would be 52 voxels
    moved = Region(beyond, large.mask, large.mask, SPACING)
    for (_, one), (_, other) in zip(FILTERS["LoG"](large, {"sigma": [1.5]}), FILTERS["LoG"](moved, {"sigma": [1.5]}),
                                    strict=True):
        np.testing.assert_array_equal(one, other)


@pytest.mark.parametrize(("slices", "sigma", "enough"), [(3, 1.0, False), (4, 1.0, True), (13, 9.6, True),
                                                         (13, 11.2, True), (13, 11.3, False), (13, 33.0, False)])
def test_an_image_too_small_for_a_sigma_is_a_failure_where_pyradiomics_skips(slices: int, sigma: float,
                                                                             enough: bool) -> None:
    whole = region("float32", "first")
    small = Region(whole.volume[:slices], whole.mask[:slices], whole.mask[:slices], SPACING)
    assert bool(list(operations.getLoGImage(*images(small), sigma=[sigma]))) == enough
    if enough:
        assert len(list(FILTERS["LoG"](small, {"sigma": [sigma]}))) == 1
        return
    with pytest.raises(RadnbError, match=r"log-sigma.*too small for it\..*Take this filter out") as caught:
        list(FILTERS["LoG"](small, {"sigma": [sigma]}))
    assert caught.value.code == "E_FILTER"


@pytest.mark.parametrize("place", PLACES)
@pytest.mark.parametrize("kind", KINDS)
def test_wavelet_bands_are_pywavelets_to_the_last_bit(kind: str, place: str) -> None:
    """Odd sides are made even by wrapping; the sums run in another order where the filter passes the end."""
    assert_same(region(kind, place), "Wavelet")


@pytest.mark.parametrize("place", ["inside", "last", "whole"])
@pytest.mark.parametrize("options", [
    {"level": 2}, {"level": 3, "wavelet": "db4"}, {"level": 2, "start_level": 1, "wavelet": "sym5"},
    {"start_level": 2, "wavelet": "haar"}, {"force2D": True}, {"force2D": True, "force2Ddimension": 1, "level": 2},
    {"force2D": True, "force2Ddimension": 2, "wavelet": "rbio3.9"}, {"wavelet": "dmey"}, {"wavelet": "coif17"},
    {"wavelet": "bior2.2", "level": 2}], ids=str)
def test_wavelets_of_any_family_and_level_are_pywavelets(options: dict[str, Any], place: str) -> None:
    """Filters longer than the image go around it more than once; single-precision filters are not rounded doubles."""
    for kind in ("float32", "int16"):
        assert_same(region(kind, place), "Wavelet", **options)


@pytest.mark.parametrize("method", ["default", "ror", "uniform", "var"])
@pytest.mark.parametrize("kind", KINDS)
def test_patterns_in_slices_are_scikit_images(kind: str, method: str) -> None:
    pytest.importorskip("skimage")
    for axis, place in enumerate(("inside", "first", "whole")):
        options = {"force2D": True, "force2Ddimension": axis, "lbp2DMethod": method}
        assert_same(region(kind, place), "LBP2D", **options)
        assert_same(region(kind, place), "LBP2D", **options, lbp2DRadius=2.3, lbp2DSamples=11)


@pytest.fixture
def older_scipy(monkeypatch: pytest.MonkeyPatch) -> None:
    """Give PyRadiomics the function that SciPy 1.17 withdrew."""
    special = pytest.importorskip("scipy.special")
    monkeypatch.setattr(special, "sph_harm", lambda m, n, azimuth, polar: special.sph_harm_y(n, m, polar, azimuth),
                        raising=False)


@pytest.mark.usefixtures("older_scipy")
@pytest.mark.parametrize("place", PLACES)
@pytest.mark.parametrize("kind", KINDS)
def test_patterns_on_a_sphere_are_those_of_scipy_and_trimesh(kind: str, place: str) -> None:
    """Samples on whole voxels equal their centre where the image is flat, but for the last bit of the spline."""
    pytest.importorskip("trimesh")
    flat = region(kind, place)
    flat.volume[flat.volume > 60] = 100
    for of, options in ((region(kind, place), {}), (flat, {"lbp3DIcosphereRadius": 2.0}),
                        (flat, {"lbp3DLevels": 4, "lbp3DIcosphereSubdivision": 2})):
        assert_same(of, "LBP3D", 1e-12, **options)


@pytest.mark.usefixtures("older_scipy")
def test_turned_patterns_are_told_apart_by_the_same_last_bit_as_in_numpy() -> None:
    """They are equal but for rounding, and a percentile may fall between them: hence numpy's own fused products."""
    pytest.importorskip("trimesh")
    assert_same(region("float64", "whole"), "LBP3D", lbp3DLevels=3)


@pytest.mark.parametrize("subdivisions", [0, 1, 2, 3])
@pytest.mark.parametrize("radius", [1, 1.5])
def test_the_sphere_has_the_points_of_trimesh(subdivisions: int, radius: float) -> None:
    creation = pytest.importorskip("trimesh.creation")
    np.testing.assert_array_equal(icosphere(subdivisions, radius), creation.icosphere(subdivisions, radius).vertices)


def test_one_level_of_harmonics_is_refused_since_pyradiomics_stops_there() -> None:
    with pytest.raises(RadnbError, match="lbp3DLevels: 2") as caught:
        list(FILTERS["LBP3D"](region("float32"), {"lbp3DLevels": 1}))
    assert caught.value.code == "E_PYRADIOMICS"
