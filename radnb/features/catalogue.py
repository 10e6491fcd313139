"""Every word that settings may use: those of PyRadiomics 3.0.1 (classes, features, image types) and those that radnb
adds for IBSI's definitions.  What each setting may be stands in options.py: who measures can do without."""

from __future__ import annotations

import itertools
from collections.abc import Callable, Mapping
from typing import Any

from radnb.features.ibsi import standard

_FEATURES = {
    "firstorder": "10Percentile 90Percentile Energy Entropy InterquartileRange Kurtosis Maximum MeanAbsoluteDeviation "
                  "Mean Median Minimum Range RobustMeanAbsoluteDeviation RootMeanSquared Skewness TotalEnergy "
                  "Uniformity Variance",
    "glcm": "Autocorrelation ClusterProminence ClusterShade ClusterTendency Contrast Correlation DifferenceAverage "
            "DifferenceEntropy DifferenceVariance Id Idm Idmn Idn Imc1 Imc2 InverseVariance JointAverage JointEnergy "
            "JointEntropy MCC MaximumProbability SumAverage SumEntropy SumSquares",
    "gldm": "DependenceEntropy DependenceNonUniformity DependenceNonUniformityNormalized DependenceVariance "
            "GrayLevelNonUniformity GrayLevelVariance HighGrayLevelEmphasis LargeDependenceEmphasis "
            "LargeDependenceHighGrayLevelEmphasis LargeDependenceLowGrayLevelEmphasis LowGrayLevelEmphasis "
            "SmallDependenceEmphasis SmallDependenceHighGrayLevelEmphasis SmallDependenceLowGrayLevelEmphasis",
    "glrlm": "GrayLevelNonUniformity GrayLevelNonUniformityNormalized GrayLevelVariance HighGrayLevelRunEmphasis "
             "LongRunEmphasis LongRunHighGrayLevelEmphasis LongRunLowGrayLevelEmphasis LowGrayLevelRunEmphasis "
             "RunEntropy RunLengthNonUniformity RunLengthNonUniformityNormalized RunPercentage RunVariance "
             "ShortRunEmphasis ShortRunHighGrayLevelEmphasis ShortRunLowGrayLevelEmphasis",
    "glszm": "GrayLevelNonUniformity GrayLevelNonUniformityNormalized GrayLevelVariance HighGrayLevelZoneEmphasis "
             "LargeAreaEmphasis LargeAreaHighGrayLevelEmphasis LargeAreaLowGrayLevelEmphasis "
             "LowGrayLevelZoneEmphasis SizeZoneNonUniformity SizeZoneNonUniformityNormalized SmallAreaEmphasis "
             "SmallAreaHighGrayLevelEmphasis SmallAreaLowGrayLevelEmphasis ZoneEntropy ZonePercentage ZoneVariance",
    "ngtdm": "Busyness Coarseness Complexity Contrast Strength",
    "shape": "Elongation Flatness LeastAxisLength MajorAxisLength Maximum2DDiameterColumn Maximum2DDiameterRow "
             "Maximum2DDiameterSlice Maximum3DDiameter MeshVolume MinorAxisLength Sphericity SurfaceArea "
             "SurfaceVolumeRatio VoxelVolume",
    "shape2D": "Elongation MajorAxisLength MaximumDiameter MeshSurface MinorAxisLength Perimeter "
               "PerimeterSurfaceRatio PixelSurface Sphericity"}
FEATURES: Mapping[str, tuple[str, ...]] = {name: tuple(words.split()) for name, words in _FEATURES.items()}
ON_REQUEST: Mapping[str, tuple[str, ...]] = {  # computed only when named
    "firstorder": ("StandardDeviation",), "shape": ("Compactness1", "Compactness2", "SphericalDisproportion"),
    "shape2D": ("SphericalDisproportion",)}
IBSI: Mapping[str, tuple[str, ...]] = {  # families, and with their aggregation as in the columns
    **{f"{standard.PREFIX}{family}": features for family, features in standard.FAMILIES.items()}, **standard.FEATURES}
WITHDRAWN: Mapping[str, Mapping[str, str]] = {  # PyRadiomics gives no value; the same number is called otherwise
    "glcm": {"Dissimilarity": "DifferenceAverage", "Homogeneity1": "Id", "Homogeneity2": "Idm",
             "SumVariance": "ClusterTendency"},
    "gldm": {"GrayLevelNonUniformityNormalized": "firstorder Uniformity", "DependencePercentage": "always 1"}}
IMAGE_TYPES = ("Original", "LoG", "Wavelet", "Square", "SquareRoot", "Logarithm", "Exponential", "Gradient",
               "LBP2D", "LBP3D")
IBSI_TYPES = ("Mean", "Laws", "Gabor", "Simoncelli")  # with IBSI's definitions only
IMAGE_TYPES_OF_RADNB = ("SSF", *IBSI_TYPES)  # which PyRadiomics does not have
LAWS: Mapping[str, tuple[int, ...]] = {  # level, edge, spot, wave, ripple
    "L3": (1, 2, 1), "E3": (-1, 0, 1), "S3": (-1, 2, -1), "L5": (1, 4, 6, 4, 1), "E5": (-1, -2, 0, 2, 1),
    "S5": (-1, 0, 2, 0, -1), "W5": (-1, 2, 0, -2, 1), "R5": (1, -4, 6, -4, 1)}
INTERPOLATORS = ("sitkNearestNeighbor", "sitkLinear", "sitkBSpline", "sitkGaussian", "sitkLabelGaussian",
                 "sitkHammingWindowedSinc", "sitkCosineWindowedSinc", "sitkWelchWindowedSinc",
                 "sitkLanczosWindowedSinc", "sitkBlackmanWindowedSinc")
_BIOR = ("1.1", "1.3", "1.5", "2.2", "2.4", "2.6", "2.8", "3.1", "3.3", "3.5", "3.7", "3.9", "4.4", "5.5", "6.8")
WAVELETS = ("haar", "dmey", *(f"db{n}" for n in range(1, 39)), *(f"sym{n}" for n in range(2, 21)),
            *(f"coif{n}" for n in range(1, 18)), *(f"bior{n}" for n in _BIOR), *(f"rbio{n}" for n in _BIOR))
OF_THE_WHOLE = {  # read once per case: an image type that sets them has no effect
    "minimumROIDimensions", "minimumROISize", "geometryTolerance", "correctMask", "additionalInfo", "label",
    "label_channel", "normalize", "normalizeScale", "removeOutliers", "resampledPixelSpacing", "interpolator",
    "padDistance", "resegmentRange", "resegmentMode", "resegmentShape", "preCrop", "definitions", "aggregation",
    "roundIntensities", "maskInterpolator", "maskThreshold", "resegmentSigma"}
OF_PYRADIOMICS = {  # what IBSI's definitions leave no choice about: setting -> what to do instead
    "removeOutliers": "Delete this line, or set resegmentSigma.",
    "padDistance": "Delete this line.", "preCrop": "Delete this line.", "distances": "Neighbours are at distance 1.",
    "force2D": "Say `aggregation: [2D-averaged]` instead.", "force2Ddimension": "Slices are axial. Delete this line.",
    "resegmentMode": "resegmentRange is absolute; set resegmentSigma for deviations.",
    "resegmentShape": "The shape is measured before resegmentation. Delete this line.",
    "voxelArrayShift": "Energy is taken from the grey values as they are. Delete this line.",
    "symmetricalGLCM": "Matrices are symmetrical. Delete this line.",
    "weightingNorm": "Directions weigh alike. Delete this line."}
OF_IBSI = ("roundIntensities", "maskInterpolator", "maskThreshold", "resegmentSigma")  # need definitions: ibsi
OF_IBSI_FAMILIES = ("aggregation", "ivhBinWidth", "ivhBinCount")  # need an IBSI family
ONLY_FOR = {  # settings of one filter
    "sigma": "LoG", "start_level": "Wavelet", "level": "Wavelet", "wavelet": "Wavelet",
    "gradientUseSpacing": "Gradient", "lbp2DRadius": "LBP2D", "lbp2DSamples": "LBP2D", "lbp2DMethod": "LBP2D",
    "lbp3DLevels": "LBP3D", "lbp3DIcosphereRadius": "LBP3D", "lbp3DIcosphereSubdivision": "LBP3D", "radius_mm": "SSF",
    "support": "Mean", "laws": "Laws", "energyDistance": "Laws", "gaborSigma": "Gabor",
    "gaborWavelength": "Gabor", "gaborGamma": "Gabor", "gaborTheta": "Gabor", "gaborThetaStep": "Gabor",
    "simoncelliLevels": "Simoncelli"}
IBSI_OPTIONS = {  # of filters, with `definitions: ibsi` only -> the image types that use it
    "inSlices": ("Mean", "LoG", "SSF", "Laws", "Gabor", "Wavelet", "Simoncelli"),
    "boundary": ("Mean", "LoG", "SSF", "Laws", "Gabor", "Wavelet", "Simoncelli"), "truncate": ("LoG", "SSF"),
    "rotationInvariant": ("Laws", "Gabor", "Wavelet"), "pooling": ("Laws", "Gabor", "Wavelet"),
    "riesz": ("LoG", "Simoncelli")}
NEEDED = {  # image type -> the setting without which it makes no image, and an example
    "LoG": {"sigma": "[1.0, 2.0, 3.0]"}, "SSF": {"radius_mm": "[2, 3, 4, 5, 6]"}, "Mean": {"support": "[5]"},
    "Laws": {"laws": "[L5E5E5]"}, "Gabor": {"gaborSigma": "[5.0]", "gaborWavelength": "2.0"}}
NEEDS = {  # a setting without effect unless the other one stands too
    "resegmentMode": "resegmentRange", "resegmentShape": "resegmentRange", "normalizeScale": "normalize",
    "removeOutliers": "normalize", "force2Ddimension": "force2D", "maskInterpolator": "resampledPixelSpacing",
    "maskThreshold": "resampledPixelSpacing"}


def filters(image_type: str, options: Mapping[str, Any]) -> list[str]:
    """List the names that the images of one type carry in feature names, in PyRadiomics' order."""
    if image_type in _NAMED:
        return _NAMED[image_type](options)
    return ["lbp-2D" if image_type == "LBP2D" else image_type.lower()]


def _by_ibsi(options: Mapping[str, Any]) -> bool:
    return options.get("definitions") == "ibsi"


def _axes(options: Mapping[str, Any]) -> int:
    return 2 if options.get("inSlices" if _by_ibsi(options) else "force2D") else 3


def _dotless(number: float) -> str:
    return str(number).replace(".", "-")


def _log(options: Mapping[str, Any]) -> list[str]:
    kind = f"{_axes(options) if _by_ibsi(options) else 3}D{_riesz(options)}"
    return [f"log-sigma-{_dotless(sigma)}-mm-{kind}" for sigma in options.get("sigma", [])]


def _riesz(options: Mapping[str, Any]) -> str:
    return "-riesz-" + "".join(map(str, options["riesz"])) if options.get("riesz") else ""


def _wavelet(options: Mapping[str, Any]) -> list[str]:
    bands = ["".join(letters) for letters in itertools.product("LH", repeat=_axes(options))]
    if _by_ibsi(options) and options.get("rotationInvariant", True):
        bands = list(dict.fromkeys("".join(sorted(band, reverse=True)) for band in bands))
    levels = options.get("level", 1)
    names = [f"wavelet{'' if level == 1 else level}-{band}"
             for level in range(1, levels + 1) for band in bands[1:]]
    return [*names, f"wavelet{'' if levels == 1 else levels}-{bands[0]}"]


def _laws(options: Mapping[str, Any]) -> list[str]:
    distance = options.get("energyDistance")
    return [f"laws-{kernels}" + (f"-energy-{distance}" if distance else "") for kernels in options.get("laws", [])]


def _gabor(options: Mapping[str, Any]) -> list[str]:
    wave = f"wave-{_dotless(options.get('gaborWavelength', ''))}-mm"
    return [f"gabor-sigma-{_dotless(sigma)}-{wave}" for sigma in options.get("gaborSigma", [])]


_NAMED: Mapping[str, Callable[[Mapping[str, Any]], list[str]]] = {
    "LoG": _log, "Wavelet": _wavelet, "Laws": _laws, "Gabor": _gabor,
    "LBP3D": lambda options: [*(f"lbp-3D-m{n}" for n in range(1, options.get("lbp3DLevels", 2) + 1)), "lbp-3D-k"],
    "SSF": lambda options: [f"ssf-{_dotless(radius)}-mm" for radius in options.get("radius_mm", [])],
    "Mean": lambda options: [f"mean-{width}" for width in options.get("support", [])],
    "Simoncelli": lambda options: [f"simoncelli-{level}{_riesz(options)}"
                                   for level in range(1, options.get("simoncelliLevels", 1) + 1)]}
