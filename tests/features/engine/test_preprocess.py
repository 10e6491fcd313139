"""Between the image as read and the grey values measured, every bit is that of PyRadiomics 3.0.1 on SimpleITK."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import numpy as np
import pytest
import SimpleITK as sitk

from radnb.errors import RadnbError
from radnb.features.catalogue import INTERPOLATORS
from radnb.features.engine.preprocess import prepare_image
from radnb.features.engine.region import Region
from radnb.imaging.regions import Pair

featureextractor = pytest.importorskip("radiomics.featureextractor")
operations = pytest.importorskip("radiomics.imageoperations")
pytestmark = pytest.mark.filterwarnings("ignore:invalid value")
STRAIGHT = (1.0, 0.0, 0.0, 0.0, 1.0, 0.0, 0.0, 0.0, 1.0)
# Turned about two axes: rounding then differs from voxel to voxel.
OBLIQUE = (0.8, -0.36, 0.48, 0.6, 0.48, -0.64, 0.0, 0.8, 0.6)


@pytest.fixture(autouse=True)
def one_thread() -> Iterator[None]:
    """Let ITK compute with one thread, as the engines do."""
    before = sitk.ProcessObject.GetGlobalDefaultNumberOfThreads()
    sitk.ProcessObject.SetGlobalDefaultNumberOfThreads(1)
    yield
    sitk.ProcessObject.SetGlobalDefaultNumberOfThreads(before)


def pair_of(voxels: np.ndarray, inside: np.ndarray, spacing: tuple[float, float, float],
            direction: tuple[float, ...] = STRAIGHT, origin: tuple[float, float, float] = (-123.4, 56.7, 89.1)) -> Pair:
    image, mask = sitk.GetImageFromArray(voxels), sitk.GetImageFromArray(inside.astype(np.uint8))
    image.SetSpacing(spacing)
    image.SetDirection(direction)
    image.SetOrigin(origin)
    mask.CopyInformation(image)
    filled = np.argwhere(inside)
    lower, upper = filled.min(0)[::-1], filled.max(0)[::-1]
    x, y, z = (int(n) for n in lower)
    i, j, k = (int(n) for n in upper - lower + 1)
    return Pair(image, mask, (x, y, z), (i, j, k))


def ball(shape: tuple[int, int, int], centre: tuple[int, int, int], radii: tuple[float, float, float]) -> np.ndarray:
    axes = np.ogrid[tuple(slice(n) for n in shape)]
    return sum(((axis - c) / r) ** 2 for axis, c, r in zip(axes, centre, radii, strict=True)) < 1


def scene(kind: str, *, seed: int = 0, spacing: tuple[float, float, float] = (0.9765625, 0.9765625, 3.0),
          direction: tuple[float, ...] = STRAIGHT, shape: tuple[int, int, int] = (14, 31, 28),
          centre: tuple[int, int, int] = (6, 14, 13), radii: tuple[float, float, float] = (4, 8, 7)) -> Pair:
    """Return noise between flat patches, as of air and water: there the last bit decides what truncation leaves."""
    rng = np.random.default_rng(seed)
    voxels = rng.normal(90, 30, shape).clip(0, 250)
    voxels[voxels > 100] = 117
    return pair_of(voxels.astype(kind), ball(shape, centre, radii), spacing, direction)


def loaded(pair: Pair, setting: dict[str, Any]) -> tuple[sitk.Image, sitk.Image]:
    """Return image and mask as PyRadiomics holds them after loading; its checks and resegmentation follow."""
    wanted = {"interpolator": "sitkBSpline", "padDistance": 5, **setting}
    return featureextractor.RadiomicsFeatureExtractor.loadImage(pair.image, pair.mask, None, **wanted)


def assert_same(region: Region, image: sitk.Image, mask: sitk.Image) -> None:
    voxels = sitk.GetArrayFromImage(image)
    assert region.volume.dtype == voxels.dtype
    np.testing.assert_array_equal(region.volume, voxels)
    np.testing.assert_array_equal(region.mask, sitk.GetArrayFromImage(mask) == 1)
    assert region.spacing == image.GetSpacing()[::-1]


@pytest.mark.parametrize("direction", [STRAIGHT, OBLIQUE], ids=["straight", "oblique"])
@pytest.mark.parametrize("kind", ["int16", "uint8", "int32", "float32", "float64"])
@pytest.mark.parametrize("interpolator", ["sitkBSpline", "sitkLinear", "sitkNearestNeighbor"])
def test_resampled_voxels_are_those_of_itk(interpolator: str, kind: str, direction: tuple[float, ...]) -> None:
    for seed, wanted in enumerate(([1, 1, 1], [2, 2, 2], [0, 0, 1.5], [0.7, 0, 3])):
        pair = scene(kind, seed=seed, direction=direction)
        setting = {"resampledPixelSpacing": wanted, "interpolator": interpolator}
        assert_same(prepare_image(pair.image, setting).region(pair), *loaded(pair, setting))


@pytest.mark.parametrize("interpolator", INTERPOLATORS)
def test_every_interpolator_of_the_catalogue_gives_itks_voxels(interpolator: str) -> None:
    pair = scene("float32")
    setting = {"resampledPixelSpacing": [1.5, 1.5, 2.0], "interpolator": interpolator}
    assert_same(prepare_image(pair.image, setting).region(pair), *loaded(pair, setting))


@pytest.mark.parametrize("pad", [0, 3, 30])
@pytest.mark.parametrize("centre", [(0, 0, 0), (13, 30, 27), (6, 14, 13)], ids=["first", "last", "middle"])
def test_regions_at_the_border_keep_what_itk_finds_beyond_it(centre: tuple[int, int, int], pad: int) -> None:
    """The last new voxel's centre may lie outside the image: ITK then writes 0."""
    pair = scene("int16", centre=centre, spacing=(1.1, 0.7, 2.9))
    setting = {"resampledPixelSpacing": [1.0, 1.0, 1.0], "padDistance": pad}
    assert_same(prepare_image(pair.image, setting).region(pair), *loaded(pair, setting))


@pytest.mark.parametrize("direction", [STRAIGHT, OBLIQUE], ids=["straight", "oblique"])
def test_half_sized_voxels_fall_half_way_between_two_as_itk_rounds_them(direction: tuple[float, ...]) -> None:
    """At 0.5 mm every 1 mm voxel lies half-way between two; which one the mask takes hangs on the last bit."""
    for seed in range(6):
        rng = np.random.default_rng(seed)
        inside = ball((20, 24, 22), (9, 11, 10), (7, 9, 8)) & (rng.random((20, 24, 22)) < 0.5)
        pair = pair_of(rng.normal(0, 1, inside.shape), inside, (0.5, 0.5, 0.5), direction, tuple(rng.normal(0, 99, 3)))
        setting = {"resampledPixelSpacing": [1.0, 1.0, 1.0]}
        assert_same(prepare_image(pair.image, setting).region(pair), *loaded(pair, setting))


def test_whole_numbers_are_cut_off_and_not_rounded() -> None:
    pair = scene("int16")
    setting = {"resampledPixelSpacing": [1.0, 1.0, 1.0]}
    exact = pair_of(sitk.GetArrayFromImage(pair.image).astype(float), sitk.GetArrayFromImage(pair.mask) == 1,
                    pair.image.GetSpacing())
    found, real = (prepare_image(p.image, setting).region(p).volume for p in (pair, exact))
    np.testing.assert_array_equal(found, np.trunc(real))
    assert (found != np.rint(real)).mean() > 0.2


@pytest.mark.parametrize("thin", [0, 1, 2])
def test_a_region_of_one_slice_keeps_the_spacing_across_it(thin: int) -> None:
    radii = tuple(0.5 if axis == thin else 4.0 for axis in range(3))
    pair = scene("float32", radii=radii)  # type: ignore[arg-type]
    setting = {"resampledPixelSpacing": [1.0, 1.3, 2.0], "minimumROIDimensions": 2}
    assert_same(prepare_image(pair.image, setting).region(pair), *loaded(pair, setting))


@pytest.mark.parametrize("setting", [
    {"resampledPixelSpacing": [0.9765625, 0.9765625, 3.0]}, {"resampledPixelSpacing": [0, 0, 3.00001]},
    {"preCrop": True}, {"preCrop": True, "padDistance": 2}, {}], ids=str)
def test_the_images_own_spacing_is_cropped_and_never_interpolated(setting: dict[str, Any]) -> None:
    pair = scene("int16", centre=(2, 14, 25))
    assert_same(prepare_image(pair.image, setting).region(pair), *loaded(pair, setting))


@pytest.mark.parametrize("kind", ["int16", "float32", "float64", "int32"])
@pytest.mark.parametrize("setting", [{}, {"removeOutliers": 2.0}, {"removeOutliers": 3.0, "normalizeScale": 100.0}],
                         ids=str)
@pytest.mark.parametrize("spacing", [None, [1.0, 1.0, 2.0]])
def test_normalised_voxels_are_those_of_itk(spacing: list[float] | None, setting: dict[str, Any], kind: str) -> None:
    """ITK sums with compensation: ours, in another order, may differ in the last bit of the mean, and no more."""
    pair = scene(kind)
    wanted = {"normalize": True, **setting, **({"resampledPixelSpacing": spacing} if spacing else {})}
    image, mask = loaded(pair, wanted)
    region = prepare_image(pair.image, wanted).region(pair)
    assert region.volume.dtype == np.float64
    np.testing.assert_allclose(region.volume, sitk.GetArrayFromImage(image), rtol=1e-12, atol=1e-11)
    np.testing.assert_array_equal(region.mask, sitk.GetArrayFromImage(mask) == 1)


@pytest.mark.parametrize("shaped", [False, True])
@pytest.mark.parametrize("kind", ["int16", "float32", "float64"])
@pytest.mark.parametrize(("mode", "limits"), [("absolute", [60]), ("absolute", [110, 40]), ("relative", [0.4, 0.9]),
                                              ("relative", [0.7]), ("sigma", [-1.5, 1.0]), ("sigma", [-1.0])])
def test_resegmentation_keeps_pyradiomics_voxels(mode: str, limits: list[float], kind: str, shaped: bool) -> None:
    """The shape is measured within the box of what is kept, even where the whole mask is measured."""
    pair = scene(kind, centre=(3, 9, 9))
    setting = {"resegmentRange": limits, "resegmentMode": mode, "resegmentShape": shaped,
               "resampledPixelSpacing": [1.2, 1.2, 3.0]}
    image, mask = loaded(pair, setting)
    kept = operations.resegmentMask(image, mask, label=1, **setting)
    box, _ = operations.checkMask(image, kept, label=1)
    x, y, z = (slice(int(box[2 * axis]), int(box[2 * axis + 1]) + 1) for axis in range(3))
    region = prepare_image(pair.image, setting).region(pair)
    assert_same(region, image, kept)
    assert region.box == (z, y, x)
    _, drawn = operations.cropToTumorMask(image, kept if shaped else mask, box)
    np.testing.assert_array_equal(region.shape_mask[region.box], sitk.GetArrayFromImage(drawn) == 1)
    assert region.shape_mask.sum() == region.shape_mask[region.box].sum()


REFUSED = [
    ({"resampledPixelSpacing": [30.0, 30.0, 30.0]}, "not present in mask|1 segmented voxel|too few dimensions"),
    ({"resampledPixelSpacing": [30.0, 30.0, 3.0], "minimumROIDimensions": 3}, "too few dimensions"),
    ({"minimumROISize": 100000}, "too small"), ({"resegmentRange": [500.0]}, "excluded too many voxels"),
    ({"resegmentRange": [116.9, 118.0], "minimumROISize": 600}, "too small"),
    ({"preCrop": True, "minimumROISize": 100000}, "too small")]


@pytest.mark.parametrize(("setting", "reason"), REFUSED)
def test_what_pyradiomics_refuses_is_refused_with_its_reason(setting: dict[str, Any], reason: str) -> None:
    pair = scene("float32")
    extractor = featureextractor.RadiomicsFeatureExtractor(additionalInfo=False, **setting)
    with pytest.raises(ValueError, match=reason):
        extractor.execute(pair.image, pair.mask, label=1)
    with pytest.raises(RadnbError, match=rf"(?s)({reason}).*finer resampledPixelSpacing or a wider") as caught:
        prepare_image(pair.image, setting).region(pair)
    assert caught.value.code == "E_RESAMPLE"


def test_a_mask_without_background_is_refused_as_pyradiomics_does() -> None:
    pair = pair_of(np.random.default_rng(0).normal(0, 1, (6, 7, 8)), np.ones((6, 7, 8), bool), (1.0, 1.0, 1.0))
    with pytest.raises(RadnbError, match="No labels found"):
        prepare_image(pair.image, {}).region(pair)


@pytest.mark.parametrize("kind", ["int16", "float64"])
def test_a_small_region_of_a_large_image_needs_only_what_lies_around_it(kind: str) -> None:
    """The spline is solved 40 voxels around the region; beyond, nothing reaches the last bit."""
    pair = scene(kind, shape=(30, 180, 150), centre=(20, 70, 80), spacing=(0.8, 0.8, 2.5))
    setting = {"resampledPixelSpacing": [1.0, 1.0, 1.0]}
    assert_same(prepare_image(pair.image, setting).region(pair), *loaded(pair, setting))


def test_regions_of_one_image_share_what_is_known_of_it() -> None:
    pair = scene("float32")
    prepared, asked = prepare_image(pair.image, {"normalize": True}), []
    for _ in range(2):
        region = prepared.region(pair)
        region.known("size", lambda volume: asked.append(volume.size))
    assert len(asked) == 1
    assert prepared.region(pair).volume is prepared.region(pair).volume
