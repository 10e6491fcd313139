"""Pictures of feature maps."""

import numpy as np
import SimpleITK as sitk

from radnb.reporting.figures_maps import feature_map


def _case():
    image = sitk.GetImageFromArray(np.random.default_rng(0).normal(size=(6, 20, 24)).astype(np.float32))
    inside = np.zeros((6, 20, 24), np.uint8)
    inside[2, 5:8, 6:9] = inside[3, 4:14, 5:17] = 2
    mask = sitk.GetImageFromArray(inside)
    for one in (image, mask):
        one.SetSpacing((2.0, 1.5, 4.0))
        one.SetOrigin((-10.0, 5.0, 100.0))
    return image, mask, (image * 3)[5:17, 4:14, 2:4]


def test_a_map_is_drawn_inside_the_region_of_its_largest_slice():
    image, mask, found = _case()
    grey, coloured = feature_map(image, found, mask, "original_glcm_Contrast", label=2).axes[0].images
    shown = coloured.get_array()
    inside = ~np.ma.getmaskarray(shown)
    assert inside.sum() == 10 * 12
    np.testing.assert_allclose(shown[inside], 3 * grey.get_array()[inside], rtol=1e-6)


def test_another_slice_is_chosen_by_its_place():
    image, mask, found = _case()
    _, coloured = feature_map(image, found, mask, "original_glcm_Contrast", label=2, z_mm=108.4).axes[0].images
    assert (~np.ma.getmaskarray(coloured.get_array())).sum() == 3 * 3


def test_the_colours_span_the_slice_that_is_shown():
    """A map's largest values often lie in the first and last slice of a region, where windows are half empty."""
    image, mask, found = _case()
    voxels = sitk.GetArrayFromImage(found)
    voxels[0] = 1000
    bright = sitk.GetImageFromArray(voxels)
    bright.CopyInformation(found)
    figure = feature_map(image, bright, mask, "original_glcm_Contrast", label=2)
    assert figure.axes[0].images[1].get_clim()[1] < 20
    assert figure.axes[1].get_ylabel() == "Contrast (GLCM)"
    fixed = feature_map(image, bright, mask, "original_glcm_Contrast", label=2, limits=(0, 5))
    assert fixed.axes[0].images[1].get_clim() == (0, 5)
