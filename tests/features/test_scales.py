"""The spatial-scale filter: named by a radius, the same in both engines."""

from __future__ import annotations

import math

import numpy as np
import pytest
import SimpleITK as sitk

from radnb.features import reference, scales
from radnb.features.engine import native
from radnb.features.engine.filters import FILTERS
from radnb.features.engine.region import Region
from radnb.features.settings import checked
from radnb.imaging.regions import Pair

needs_kernels = pytest.mark.skipif(not native.available(), reason="the kernels of these sources are not built here")


def rod(radius: float) -> Region:
    """Return a bright rod along the first axis, 1 mm voxels: a disc in every slice."""
    y, x = np.mgrid[-30:31, -30:31]
    volume = np.broadcast_to((x**2 + y**2 <= radius**2) * 100.0, (9, 61, 61)).copy()
    middle = np.zeros(volume.shape, dtype=bool)
    middle[3:6, 29:32, 29:32] = True
    return Region(volume, middle, middle, (1.0, 1.0, 1.0))


@needs_kernels
@pytest.mark.parametrize("radius", [4, 6])
def test_the_filter_answers_most_to_discs_of_its_radius(radius: int) -> None:
    images = FILTERS["SSF"](rod(radius), {"radius_mm": [2, 3, 4, 5, 6, 7, 8]})
    answers = {name: -float(image[1, 1, 1]) for name, image in images}
    assert max(answers, key=lambda name: answers[name]) == f"ssf-{radius}-mm"
    assert answers[f"ssf-{radius}-mm"] == pytest.approx(100 * 2 * math.exp(-1), rel=0.05)  # of a disc, in closed form


@pytest.mark.filterwarnings("ignore:the load_module")
def test_pyradiomics_gives_the_same_values() -> None:
    pytest.importorskip("radiomics")
    voxels = np.random.default_rng(0).normal(100, 20, (24, 26, 28)).astype(np.float32)
    z, y, x = np.indices(voxels.shape)
    mask = (z - 12) ** 2 + (y - 13) ** 2 + (x - 14) ** 2 < 49
    image, region = sitk.GetImageFromArray(voxels), sitk.GetImageFromArray(mask.astype(np.uint8))
    card = checked({"imageType": {"Original": {}, "SSF": {"radius_mm": [2, 3.5], "binWidth": 2}},
                    "featureClass": {"firstorder": ["Mean", "Entropy"], "shape": ["VoxelVolume"]}}, name="scales")
    values = reference.prepare(image, card)(Pair(image, region, (8, 7, 6), (13, 13, 13)))
    assert tuple(values) == card.columns
    assert values["original_shape_VoxelVolume"] == mask.sum()
    assert set(values.levels) == {"original", "ssf-2-mm", "ssf-3-5-mm"}
    if native.available():
        found = Region(voxels, mask, mask, (1.0, 1.0, 1.0))
        for name, ours in FILTERS["SSF"](found, {"radius_mm": [2, 3.5]}):
            mean = ours[mask[found.box]].astype(float).mean()
            assert values[f"{name}_firstorder_Mean"] == pytest.approx(mean, rel=1e-9, abs=1e-9)


def test_pyradiomics_is_told_of_log_images_only() -> None:
    card = checked({"imageType": {"LoG": {"sigma": [1.0]}, "SSF": {"radius_mm": [2.0]}}}, name="both")
    (first, unnamed), (second, names) = reference.cards(card)
    assert first["imageType"] == {"LoG": {"sigma": [1.0]}}
    assert second["imageType"] == {"LoG": {"sigma": [scales.sigma(2.0)]}}
    assert "shape" in first["featureClass"]
    assert "shape" not in second["featureClass"]
    assert unnamed == {}
    assert list(names.values()) == ["ssf-2-0-mm"]
