"""Where an engine that follows the formulas alone would leave PyRadiomics 3.0.1: each trap with its reason.

Where it can, a test first shows that the trap is there (a plain reading gives something else), then that the engine
gives what PyRadiomics gives.
"""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
import SimpleITK as sitk

from radnb.features.settings import checked
from tests.features.engine import scenes
from tests.features.engine.agreement import Agreement

pytest.importorskip("radiomics")
OURS = "radnb" if "radnb" in scenes.ENGINES else "pyradiomics"
pytestmark = [pytest.mark.usefixtures("lbp3d"), *(pytest.mark.filterwarnings(f"ignore::{kind}") for kind in (
    "RuntimeWarning", "DeprecationWarning", "UserWarning"))]
BALL = scenes.inside("ball")


def same(pair: scenes.Pair, types: dict[str, Any] | None = None, classes: tuple[str, ...] = (), **setting: Any) -> Any:
    """Return PyRadiomics' values (or the code of its refusal) after checking that ours agree."""
    card = checked({"imageType": types or {"Original": {}}, "featureClass": dict.fromkeys(classes),
                    "setting": {"minimumROIDimensions": 1, **setting}}, name="trap")
    ours, theirs = (scenes.outcome(engine, pair, card) for engine in (OURS, "pyradiomics"))
    if isinstance(theirs, str) or isinstance(ours, str):
        assert ours == theirs
    else:
        found = Agreement()
        found.add("trap", ours, theirs)
        found.refuse()
    return theirs


def image(kind: str = "float32", mask: np.ndarray = BALL, spacing: tuple[float, float, float] = (1.0, 1.0, 1.0),
          grey: np.ndarray | None = None) -> scenes.Pair:
    return scenes.pair_of(scenes.voxels(kind) if grey is None else grey, mask, spacing)


# grey levels

def test_mcc_keeps_the_epsilon_inside_q() -> None:
    """A rare grey level (p about 1e-5) makes the epsilon in PyRadiomics' Q matter: without it MCC moves visibly.

    The symmetric eigenproblem of the textbook has no epsilon, so it will not do where a level is rare.
    """
    grey = np.random.default_rng(3).integers(1, 4, (34, 40, 40)).astype(np.int16)
    grey[17, 20, 20:22] = 6  # two neighbours of a level of their own: in their direction, a strong correlation
    mask = np.ones_like(grey, bool)
    mask[0] = False
    found = same(scenes.pair_of(grey, mask), classes=("glcm",), binWidth=1)
    plain = np.mean([_mcc(grey[1:], step) for step in _thirteen()])
    assert abs(found["original_glcm_MCC"] / plain - 1) > 1e-9


def _thirteen() -> list[tuple[int, int, int]]:
    return [(z, y, x) for z in (-1, 0, 1) for y in (-1, 0, 1) for x in (-1, 0, 1) if (z, y, x) > (0, 0, 0)]


def _mcc(levels: np.ndarray, step: tuple[int, int, int]) -> float:
    """Return the second singular value of the normalised co-occurrence matrix: MCC without any epsilon."""
    here = tuple(slice(max(0, -s), n - max(0, s)) for s, n in zip(step, levels.shape, strict=True))
    there = tuple(slice(max(0, s), n + min(0, s)) for s, n in zip(step, levels.shape, strict=True))
    matrix = np.zeros((7, 7))
    np.add.at(matrix, (levels[here].ravel(), levels[there].ravel()), 1)
    matrix += matrix.T
    kept = matrix.sum(0) > 0
    matrix = matrix[kept][:, kept] / matrix.sum()
    scale = np.sqrt(matrix.sum(0))
    return float(np.sort(np.linalg.svd(matrix / np.outer(scale, scale), compute_uv=False))[-2])


@pytest.mark.parametrize("width", [0.1, 0.7, 1, 1.1, 2.5, 25])
@pytest.mark.parametrize("kind", ["float32", "float64", "int16"])
def test_bin_edges_are_made_in_the_scalar_type_of_the_image(kind: str, width: float) -> None:
    """Values that lie on edges fall on either side by the rounding of numpy's own scalars (float32 stays float32)."""
    steps = np.random.default_rng(4).integers(-30, 60, scenes.SHAPE)
    grey = (steps * width).astype(kind) if kind.startswith("float") else steps.astype(kind)
    found = same(image(grey=grey), classes=("firstorder", "glcm"), binWidth=width)
    if kind == "float32" and width == 0.1:
        inside = grey[BALL]
        double = np.digitize(inside, np.arange(inside.min().item() - inside.min().item() % width,
                                               inside.max().item() + 2 * width, width))
        share = np.bincount(double)[np.bincount(double) > 0] / double.size
        assert abs(found["original_firstorder_Uniformity"] - (share ** 2).sum()) > 1e-6


@pytest.mark.parametrize("kind", ["float32", "float64", "int16", "uint8"])
@pytest.mark.parametrize("count", [1, 2, 16, 64])
def test_the_top_of_a_fixed_number_of_bins_is_closed(kind: str, count: int) -> None:
    """PyRadiomics moves the last edge up by 1, and the edges are numpy.histogram's, in the type of the image."""
    found = same(image(kind), classes=("firstorder", "glcm", "ngtdm"), binCount=count)
    assert found["original_firstorder_Uniformity"] >= 1 / count - 1e-12


def test_edges_of_small_whole_numbers_wrap_around() -> None:
    """With numpy 2, 250 + 2 x 25 is 44 in an 8-bit image: the edges end at 44 and every brighter voxel is one level.

    That is what PyRadiomics gives there, with a warning that nobody sees.
    """
    grey = scenes.voxels("uint8")
    grey[BALL & (grey == grey[BALL].max())] = 250
    wrapped = same(image(grey=grey), classes=("firstorder",), binWidth=25)
    wide = same(image(grey=grey.astype(np.int16)), classes=("firstorder",), binWidth=25)
    assert wrapped["original_firstorder_Entropy"] < wide["original_firstorder_Entropy"] - 0.1


def test_a_bin_width_beyond_the_image_s_whole_numbers_is_refused_and_not_a_crash() -> None:
    """numpy 2 cannot turn 400 into an 8-bit number: PyRadiomics ends with an OverflowError."""
    assert same(image("uint8"), classes=("firstorder",), binWidth=400) == "E_BINS"


def test_a_range_of_more_levels_than_memory_holds_is_refused_and_not_a_crash() -> None:
    grey = scenes.voxels("float32")
    grey[BALL.nonzero()[0][0], BALL.nonzero()[1][0], BALL.nonzero()[2][0]] = 3e38
    assert same(image(grey=grey), classes=("firstorder",), binWidth=25) == "E_BINS"


def test_a_single_grey_level_has_agreed_values() -> None:
    """0/0 is settled by convention: Correlation and MCC 1, Coarseness a million, Strength and Busyness 0."""
    found = same(image("int16"), binWidth=5000)
    assert [found[f"original_{name}"] for name in (
        "glcm_Correlation", "glcm_MCC", "glcm_Imc1", "ngtdm_Coarseness", "ngtdm_Strength", "ngtdm_Busyness")] == [
            1, 1, 0, 1e6, 0, 0]


def test_a_level_without_neighbours_keeps_its_row() -> None:
    """A lone voxel counts in first order, run lengths and zones, but in no pair: its marginal is zero, not gone."""
    mask = scenes.inside("tiny")
    mask[1, 1, 1] = True
    grey = scenes.voxels("int16")
    grey[1, 1, 1] = 240
    same(image(grey=grey, mask=mask), binWidth=10)


# regions

def test_shape_is_cut_to_the_box_of_the_resegmented_region() -> None:
    """PyRadiomics measures shape on the mask as drawn, but crops it to the box that resegmentation left."""
    grey = scenes.voxels("float32")
    grey[:6] -= 200
    drawn = same(image(grey=grey), classes=("shape",))
    cut = same(image(grey=grey), classes=("shape", "firstorder"), resegmentRange=[70])
    kept = same(image(grey=grey), classes=("shape",), resegmentRange=[70], resegmentShape=True)
    volumes = [found["original_shape_VoxelVolume"] for found in (kept, cut, drawn)]
    assert volumes[0] < volumes[1] < volumes[2]


@pytest.mark.parametrize(("region", "axis"), [("flat z", 0), ("flat x", 2), ("ball", 0)])
def test_flat_shape_is_measured_on_one_slice_only(region: str, axis: int) -> None:
    """Along z and x PyRadiomics measures flat regions, and refuses the others."""
    found = same(image(mask=scenes.inside(region)), classes=("shape2D",), force2D=True, force2Ddimension=axis)
    assert found == "E_SHAPE2D" if region == "ball" else found["original_shape2D_PixelSurface"] > 0


def test_flat_shape_along_y_is_that_of_the_region_turned_to_z() -> None:
    """PyRadiomics asks the box, in x, y, z, for the axis named in z, y, x: along y it never measures. We do."""
    mask = scenes.inside("flat y")
    cards = [checked({"imageType": {"Original": {}}, "featureClass": {"shape2D": None},
                      "setting": {"force2D": True, "force2Ddimension": axis}}, name="trap") for axis in (1, 0)]
    assert scenes.outcome("pyradiomics", image(mask=mask), cards[0]) == "E_SHAPE2D"
    along_y = scenes.outcome(OURS, image(mask=mask), cards[0])
    grey = scenes.voxels("float32").swapaxes(0, 1)
    turned = scenes.outcome("pyradiomics", image(mask=mask.swapaxes(0, 1), grey=grey), cards[1])
    assert along_y == pytest.approx(turned, rel=1e-9)


def test_the_smallest_size_itself_is_refused() -> None:
    """`minimumROISize` refuses regions of just that size, and counts after resampling."""
    voxels = int(BALL.sum())
    assert same(image(), classes=("firstorder",), minimumROISize=voxels) == "E_RESAMPLE"
    assert isinstance(same(image(), classes=("firstorder",), minimumROISize=voxels - 1), dict)
    assert same(image(), classes=("firstorder",), minimumROISize=voxels - 1,
                resampledPixelSpacing=[2, 2, 2]) == "E_RESAMPLE"


@pytest.mark.parametrize("region", ["flat z", "flat y", "flat x"])
def test_directions_out_of_a_flat_region_are_dropped(region: str) -> None:
    """Angles along an axis of one voxel are never made, so that means are over 4 directions instead of 13."""
    found = same(image("int16", mask=scenes.inside(region)), binWidth=10)
    assert np.isfinite(found["original_glcm_Contrast"])


@pytest.mark.parametrize("axis", range(3))
def test_a_line_and_a_point_of_voxels(axis: int) -> None:
    """One direction is left on a line; a single voxel is refused."""
    mask = np.zeros(scenes.SHAPE, bool)
    here: list[Any] = [6, 8, 9]
    mask[tuple(here)] = True
    assert same(image("int16", mask=mask), classes=("firstorder",)) in ("E_CONSTANT", "E_RESAMPLE", "E_FLAT")
    here[axis] = slice(2, 11)
    mask[tuple(here)] = True
    same(image("int16", mask=mask), classes=("firstorder", "glcm", "glrlm", "glszm", "gldm", "ngtdm"), binWidth=10)


def test_a_range_given_backwards_is_turned() -> None:
    forth, back = (same(image(), classes=("firstorder",), resegmentRange=bounds) for bounds in ([60, 130], [130, 60]))
    assert forth == back


def test_thresholds_of_a_32_bit_image_are_32_bit_numbers() -> None:
    """The brightest float32 voxel times 0.1 is rounded to float32: a voxel of exactly that value stays in."""
    grey = scenes.voxels("float32").clip(20, 199.7)
    top = grey[BALL].max()
    grey[BALL & (grey < 60)] = top * np.float32(0.1)
    assert float(top * np.float32(0.1)) != float(top) * 0.1
    same(image(grey=grey), classes=("firstorder",), resegmentRange=[0.1], resegmentMode="relative")
    same(image(grey=grey), classes=("firstorder",), resegmentRange=[-1.1, 1.3], resegmentMode="sigma")


def test_too_narrow_a_range_is_refused() -> None:
    assert same(image(), classes=("firstorder",), resegmentRange=[1e6, 2e6]) == "E_RESAMPLE"


# grids

def test_resampled_whole_numbers_are_truncated() -> None:
    """ITK casts the interpolated value: 99.9 becomes 99, so that int16 images lose half a level on average."""
    whole = same(image("int16"), classes=("firstorder",), resampledPixelSpacing=[0.7, 0.7, 0.7],
                 interpolator="sitkLinear")
    grey = scenes.voxels("int16").astype(np.float64)
    real = same(image(grey=grey), classes=("firstorder",), resampledPixelSpacing=[0.7, 0.7, 0.7],
                interpolator="sitkLinear")
    assert real["original_firstorder_Mean"] - whole["original_firstorder_Mean"] == pytest.approx(0.45, abs=0.1)


def test_an_axis_of_one_slice_is_not_resampled() -> None:
    found = same(image(mask=scenes.inside("flat z"), spacing=(0.8, 0.8, 3.0)), classes=("shape", "firstorder"),
                 resampledPixelSpacing=[1.3, 1.3, 1.3])
    voxel = found["original_firstorder_TotalEnergy"] / found["original_firstorder_Energy"]
    assert voxel == pytest.approx(1.3 * 1.3 * 3.0)


def test_outside_the_image_resampled_voxels_are_zero() -> None:
    """The grid is aligned to the image's corner and may end beyond its last voxel: ITK fills zeros there."""
    mask = np.zeros(scenes.SHAPE, bool)
    mask[-5:, -6:, -7:] = True
    found = same(image(mask=mask), classes=("shape", "firstorder"), resampledPixelSpacing=[1.7, 1.7, 1.7],
                 interpolator="sitkNearestNeighbor")
    assert found["original_firstorder_Minimum"] >= 0


def test_a_grid_that_already_fits_is_only_cropped() -> None:
    """Spacing within 1e-5 of what is wanted: no interpolation, but the crop by padDistance that filters then see."""
    near, plain = (same(image(spacing=(1.000001, 1.0, 1.0)), {"Wavelet": {}}, ("firstorder",), padDistance=0, **more)
                   for more in ({"resampledPixelSpacing": [1, 1, 1]}, {}))
    assert near["wavelet-LLH_firstorder_Mean"] != plain["wavelet-LLH_firstorder_Mean"]


def test_a_smaller_region_than_the_new_voxel_is_refused() -> None:
    assert same(image(mask=scenes.inside("tiny")), classes=("firstorder",),
                resampledPixelSpacing=[40, 40, 40]) == "E_RESAMPLE"


def test_normalisation_looks_at_the_whole_image_and_divides_by_n_minus_one() -> None:
    found = same(image("int16"), classes=("firstorder",), normalize=True, normalizeScale=100)
    grey = scenes.voxels("int16").astype(float)
    scaled = (grey - grey.mean()) / grey.std(ddof=1) * 100
    assert found["original_firstorder_Mean"] == pytest.approx(scaled[BALL].mean(), rel=1e-5)


# filters

@pytest.mark.parametrize("kind", ["float32", "int16"])
def test_wavelets_of_whole_numbers_are_double_and_of_float32_single(kind: str) -> None:
    """pywt keeps float32; PyRadiomics hands it the image's own type, so that int16 becomes float64."""
    same(image(kind), {"Wavelet": {}}, binWidth=15)


def test_wavelet_letters_go_x_y_z() -> None:
    """The axes are handed over as (2, 1, 0): the first letter of LLH is x, though arrays are z, y, x."""
    z = np.indices(scenes.SHAPE)[0]
    found = same(image(grey=(100 + 40 * (z % 2)).astype(np.float32) + scenes.voxels("float32") / 50),
                 {"Wavelet": {}}, ("firstorder",))
    variances = {band: found[f"wavelet-{band}_firstorder_Variance"] for band in ("HLL", "LHL", "LLH")}
    assert variances["LLH"] > 100 * max(variances["HLL"], variances["LHL"])


def test_the_start_level_does_not_show_in_names() -> None:
    first, second = (same(image(), {"Wavelet": {"start_level": level}}, ("firstorder",)) for level in (0, 1))
    assert list(first) == list(second) and first != second


@pytest.mark.parametrize("wavelet", ["haar", "db5", "sym4", "coif3", "bior3.5", "rbio1.3", "dmey"])
def test_wavelets_longer_than_the_image_wrap_around(wavelet: str) -> None:
    same(image(), {"Wavelet": {"wavelet": wavelet, "level": 2}}, ("firstorder", "ngtdm"), binWidth=9)


def test_a_sigma_written_as_a_whole_number_keeps_its_name() -> None:
    assert "log-sigma-2-mm-3D_firstorder_Mean" in same(image(), {"LoG": {"sigma": [2]}}, ("firstorder",))


@pytest.mark.parametrize("kind", ["Square", "SquareRoot", "Logarithm", "Exponential"])
def test_pointwise_filters_scale_by_the_brightest_voxel_of_the_whole_image(kind: str) -> None:
    """One bright voxel far from the region changes its values, unless cropping comes first."""
    grey = scenes.voxels("float32")
    bright = grey.copy()
    bright[0, 0, 0] = 900
    plain, seen, cropped = (same(image(grey=this), {kind: {}}, ("firstorder",), **more) for this, more in (
        (grey, {}), (bright, {}), (bright, {"preCrop": True, "padDistance": 1})))
    mean = f"{kind.lower()}_firstorder_Mean"
    assert seen[mean] != plain[mean] and cropped[mean] != seen[mean]


@pytest.mark.parametrize("kind", ["Square", "SquareRoot", "Logarithm", "Exponential"])
def test_pointwise_filters_of_negative_values(kind: str) -> None:
    """Roots and logarithms keep the sign, the square loses it (PyRadiomics' documentation says otherwise)."""
    same(image(grey=scenes.voxels("int16") - np.int16(100)), {kind: {}}, binWidth=7)


def test_the_gradient_of_whole_numbers_is_a_32_bit_number() -> None:
    same(image("int16", spacing=(0.7, 0.9, 2.2)), {"Gradient": {}}, binWidth=2)


@pytest.mark.parametrize("kind", ["int16", "float32"])
def test_lbp_in_the_plane_is_written_into_the_image_s_own_type(kind: str) -> None:
    """Method `var` of a whole-number image is cut to whole numbers, of a float32 image rounded."""
    same(image(kind), {"LBP2D": {"lbp2DMethod": "var", "binWidth": 300.0}}, ("firstorder", "glcm"), force2D=True)


def test_lbp_in_space_swaps_its_angles() -> None:
    """PyRadiomics passes the polar angle where SciPy's sph_harm wants the azimuth; its values depend on that."""
    same(image(), {"LBP3D": {"binWidth": 0.8}}, ("firstorder", "glcm"))


def test_a_filter_without_room_is_a_failure() -> None:
    """LoG needs four voxels along each axis: PyRadiomics leaves the columns out, which radnb refuses."""
    assert same(image(mask=scenes.inside("flat z")), {"LoG": {"sigma": [1.0]}}, ("firstorder",),
                preCrop=True, padDistance=0) == "E_FILTER"


def test_an_image_type_may_have_its_own_settings() -> None:
    """What stands under an image type holds for its features alone: bins, distances, weighting, plane."""
    own = {"distances": [2], "weightingNorm": "euclidean", "gldm_a": 2, "symmetricalGLCM": False, "binWidth": 4,
           "voxelArrayShift": 500}
    same(image("int16"), {"Original": {}, "Square": own, "Wavelet": {"force2D": True, "force2Ddimension": 1}},
         binWidth=20)


# matrices

def test_weights_of_far_voxels_vanish() -> None:
    """exp(-distance^2) of voxels 30 mm apart is zero in doubles: nothing is left, and every value is missing."""
    found = same(image("int16", spacing=(30.0, 30.0, 30.0)), classes=("glcm", "glrlm"), weightingNorm="euclidean",
                 binWidth=10)
    assert np.isnan(found["original_glcm_Contrast"])


@pytest.mark.parametrize("norm", ["euclidean", "manhattan", "infinity", "no_weighting"])
def test_weighting_adds_matrices_before_they_are_normalised(norm: str) -> None:
    found = same(image("int16", spacing=(0.8, 0.9, 1.3)), classes=("glcm", "glrlm"), weightingNorm=norm, binWidth=10)
    apart = same(image("int16", spacing=(0.8, 0.9, 1.3)), classes=("glcm", "glrlm"), binWidth=10)
    assert found["original_glcm_Idn"] != apart["original_glcm_Idn"]


def test_mcc_of_a_one_way_matrix_may_be_complex() -> None:
    """Without symmetry Q has complex and negative eigenvalues: numpy's roots of them are part of the value."""
    for seed in range(6):
        grey = np.random.default_rng(seed).integers(0, 4 + 3 * seed, scenes.SHAPE).astype(np.int16)
        same(image(grey=grey, mask=scenes.inside("tiny")), classes=("glcm",), symmetricalGLCM=False, binWidth=1)
        same(image(grey=grey, mask=scenes.inside("sprinkled")), classes=("glcm",), symmetricalGLCM=False, binWidth=1)


def test_distances_reach_glcm_gldm_and_ngtdm_but_not_runs_and_zones() -> None:
    near, far = (same(image("int16"), binWidth=10, distances=reach) for reach in ([1], [1, 2]))
    moved = {column.split("_")[1] for column in near if near[column] != far[column]}
    assert moved == {"glcm", "gldm", "ngtdm"}


def test_many_grey_levels_with_gaps() -> None:
    """Levels that do not occur lose their rows, yet the largest level still sizes differences and sums (Ng)."""
    grey = scenes.voxels("int16")
    grey[BALL & (grey > 120)] += 900
    same(image(grey=grey), binWidth=4)


def test_features_on_request_and_in_another_order() -> None:
    """Only the features named are given, in the order named; withdrawn kin are computed when asked for."""
    card = checked({"featureClass": {"firstorder": ["Variance", "Mean", "StandardDeviation"],
                                     "shape": ["SphericalDisproportion", "Compactness1", "Compactness2", "Elongation"],
                                     "ngtdm": ["Strength"], "glcm": ["MCC"]}}, name="few")
    pair = image()
    ours, theirs = (scenes.outcome(engine, pair, card) for engine in (OURS, "pyradiomics"))
    found = Agreement()
    found.add("few", ours, theirs)
    found.refuse()
    assert list(ours) == list(card.columns)


def test_the_image_is_left_as_it_was() -> None:
    pair = image("int16")
    before = sitk.GetArrayFromImage(pair.image), sitk.GetArrayFromImage(pair.mask)
    same(pair, {"Original": {}, "Square": {}, "Wavelet": {}}, ("firstorder", "glcm"), normalize=True)
    after = sitk.GetArrayFromImage(pair.image), sitk.GetArrayFromImage(pair.mask)
    assert all(np.array_equal(one, other) for one, other in zip(before, after, strict=True))


@pytest.mark.parametrize("setting", [{}, {"resampledPixelSpacing": [2, 2, 2]},
                                     {"normalize": True, "normalizeScale": 90},
                                     {"resegmentRange": [-1, 2], "resegmentMode": "sigma"}])
def test_regions_of_one_prepared_image_know_nothing_of_each_other(setting: dict[str, Any]) -> None:
    """Buffers and what filters know of the image are shared: in any order, once or twice, the same bits come out."""
    card = checked({"imageType": {"Original": {}, "Square": {}, "LoG": {"sigma": [1.5]}, "Wavelet": {}},
                    "featureClass": dict.fromkeys(("shape", "firstorder", "glcm", "glszm", "gldm", "ngtdm")),
                    "setting": {"binCount": 16, "minimumROIDimensions": 1, **setting}}, name="trap")
    regions = [image("int16", scenes.inside(name)) for name in ("ball", "sprinkled", "border", "tiny")]
    alone = [scenes.ENGINES[OURS].prepare(pair.image, card)(pair) for pair in regions]
    together = scenes.ENGINES[OURS].prepare(regions[0].image, card)
    found = [[together(regions[at]) for at in order] for order in ((0, 1, 2, 3), (3, 3, 2, 1, 0))]
    assert found == [alone, [alone[at] for at in (3, 3, 2, 1, 0)]]


@pytest.mark.parametrize("factor", [3, 1 / 3, 1.5])
@pytest.mark.parametrize("interpolator", ["sitkBSpline", "sitkLinear"])
def test_whole_numbers_at_their_own_places_are_cut_by_the_last_bit(factor: float, interpolator: str) -> None:
    """A spline gives 99.99999999999999 or 100 at a voxel of 100, and ITK cuts it off: 99 or 100 hangs on one rounding.

    The far origin and the turned axes round the way to the voxel's place, too; only a part of the image is read.
    """
    grey = np.random.default_rng(8).integers(0, 250, (95, 20, 24)).astype(np.int16)
    mask = np.zeros(grey.shape, bool)
    mask[44:52, 6:15, 8:19] = True
    pair = scenes.pair_of(grey, mask, (0.9765625, 0.9765625, 3.27), 0.3, (-4012.3, 977.1, 12345.678))
    wanted = [step * factor for step in pair.image.GetSpacing()]
    card = checked({"featureClass": {"firstorder": None},
                    "setting": {"resampledPixelSpacing": wanted, "interpolator": interpolator}}, name="trap")
    ours, theirs = (scenes.outcome(engine, pair, card) for engine in (OURS, "pyradiomics"))
    assert ours["original_firstorder_Energy"] == theirs["original_firstorder_Energy"]
