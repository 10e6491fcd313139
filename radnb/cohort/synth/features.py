"""A finished feature table instead of images: pyradiomics' names, driven by the same image properties and centres."""

from __future__ import annotations

import zlib

import numpy as np
import pandas as pd

from radnb.cohort.synth import biology as bio

PHASES = ("arterial", "portal_venous")
NAMES = {
    "shape": "Elongation Flatness LeastAxisLength MajorAxisLength Maximum2DDiameterColumn Maximum2DDiameterRow "
             "Maximum2DDiameterSlice Maximum3DDiameter MeshVolume MinorAxisLength Sphericity SurfaceArea "
             "SurfaceVolumeRatio VoxelVolume",
    "firstorder": "10Percentile 90Percentile Energy Entropy InterquartileRange Kurtosis Maximum "
                  "MeanAbsoluteDeviation Mean Median Minimum Range RobustMeanAbsoluteDeviation RootMeanSquared "
                  "Skewness TotalEnergy Uniformity Variance",
    "glcm": "Autocorrelation ClusterProminence ClusterShade ClusterTendency Contrast Correlation DifferenceAverage "
            "DifferenceEntropy DifferenceVariance Id Idm Idmn Idn Imc1 Imc2 InverseVariance JointAverage JointEnergy "
            "JointEntropy MCC MaximumProbability SumAverage SumEntropy SumSquares",
    "glrlm": "GrayLevelNonUniformity GrayLevelNonUniformityNormalized GrayLevelVariance HighGrayLevelRunEmphasis "
             "LongRunEmphasis LongRunHighGrayLevelEmphasis LongRunLowGrayLevelEmphasis LowGrayLevelRunEmphasis "
             "RunEntropy RunLengthNonUniformity RunLengthNonUniformityNormalized RunPercentage RunVariance "
             "ShortRunEmphasis ShortRunHighGrayLevelEmphasis ShortRunLowGrayLevelEmphasis",
    "glszm": "GrayLevelNonUniformity GrayLevelNonUniformityNormalized GrayLevelVariance HighGrayLevelZoneEmphasis "
             "LargeAreaEmphasis LargeAreaHighGrayLevelEmphasis LargeAreaLowGrayLevelEmphasis "
             "LowGrayLevelZoneEmphasis SizeZoneNonUniformity SizeZoneNonUniformityNormalized SmallAreaEmphasis "
             "SmallAreaHighGrayLevelEmphasis SmallAreaLowGrayLevelEmphasis ZoneEntropy ZonePercentage ZoneVariance",
    "gldm": "DependenceEntropy DependenceNonUniformity DependenceNonUniformityNormalized DependenceVariance "
            "GrayLevelNonUniformity GrayLevelVariance HighGrayLevelEmphasis LargeDependenceEmphasis "
            "LargeDependenceHighGrayLevelEmphasis LargeDependenceLowGrayLevelEmphasis LowGrayLevelEmphasis "
            "SmallDependenceEmphasis SmallDependenceHighGrayLevelEmphasis SmallDependenceLowGrayLevelEmphasis",
    "ngtdm": "Busyness Coarseness Complexity Contrast Strength",
}
# The first rule whose word occurs in `class_Name` gives the loadings; "enhancement" is that of the phase.
RULES: tuple[tuple[str, dict[str, float]], ...] = (
    ("shape_Sphericity", {"irregularity": -0.85, "log_size": -0.15}),
    ("shape_SurfaceVolumeRatio", {"log_size": -0.8, "irregularity": 0.4}),
    ("shape_Elongation", {"irregularity": -0.3}), ("shape_Flatness", {"irregularity": -0.3}),
    ("shape_", {"log_size": 0.95, "irregularity": 0.1}),
    ("firstorder_Uniformity", {"heterogeneity": -0.85}), ("firstorder_Skewness", {"necrosis": -0.6}),
    ("firstorder_Kurtosis", {"necrosis": 0.4}), ("Energy", {"log_size": 0.8, "enhancement": 0.3}),
    ("firstorder_10Percentile", {"enhancement": 0.7, "heterogeneity": -0.4, "necrosis": -0.4}),
    ("firstorder_Minimum", {"enhancement": 0.4, "margin_blur": -0.4, "necrosis": -0.4}),
    ("firstorder_Maximum", {"enhancement": 0.6, "heterogeneity": 0.4}),
    ("firstorder_90Percentile", {"enhancement": 0.8, "heterogeneity": 0.3}),
    ("firstorder_M", {"enhancement": 0.9, "necrosis": -0.2}), ("firstorder_RootMean", {"enhancement": 0.9}),
    ("firstorder_", {"heterogeneity": 0.8, "necrosis": 0.25, "margin_blur": 0.15}),
    ("NonUniformityNormalized", {"heterogeneity": -0.7}), ("NonUniformity", {"log_size": 0.8, "heterogeneity": -0.3}),
    ("HighGrayLevel", {"enhancement": 0.7, "heterogeneity": 0.3}), ("LowGrayLevel", {"enhancement": -0.6}),
    ("Long", {"coarseness": 0.7, "heterogeneity": -0.4}), ("Large", {"coarseness": 0.7, "heterogeneity": -0.4}),
    ("Short", {"coarseness": -0.7, "heterogeneity": 0.4}), ("Small", {"coarseness": -0.7, "heterogeneity": 0.4}),
    ("glcm_Correlation", {"coarseness": 0.7}), ("glcm_Imc", {"coarseness": 0.6}), ("glcm_Id", {"heterogeneity": -0.7}),
    ("glcm_SumAverage", {"enhancement": 0.8}), ("Average", {"heterogeneity": 0.7, "coarseness": -0.4}),
    ("Coarseness", {"log_size": -0.8}), ("Busyness", {"log_size": 0.6, "coarseness": 0.3}),
    ("", {"heterogeneity": 0.7, "coarseness": -0.2}))
NOISE_SD, PHASE_NOISE_SD = 0.45, 0.35
CENTRE_SHIFT = {"Centre A": 0.0, "Centre B": -0.5, "Centre C": 0.7}


def feature_table(rng: np.random.Generator, observed: pd.DataFrame, predictors: pd.DataFrame) -> pd.DataFrame:
    """Return patient_id, roi, phase, timepoint, reader and one column per feature: one row per patient and phase."""
    names = [f"original_{family}_{name}" for family, words in NAMES.items() for name in words.split()]
    shared = NOISE_SD * rng.standard_normal((len(observed), len(names)))
    tables = [_one_phase(rng, observed, predictors, phase=phase, names=names, shared=shared) for phase in PHASES]
    return pd.concat(tables).sort_values(["patient_id", "phase"], kind="stable", ignore_index=True)


def _one_phase(rng: np.random.Generator, observed: pd.DataFrame, predictors: pd.DataFrame, *, phase: str,
               names: list[str], shared: np.ndarray) -> pd.DataFrame:
    weights = np.array([_loadings(name, phase) for name in names]).T
    texture = np.array(["_shape_" not in name and "Mean" not in name for name in names], dtype=float)
    shift = predictors["centre"].map(CENTRE_SHIFT).to_numpy()[:, None] * texture
    own = np.where([("_shape_" in name) for name in names], 0.15, PHASE_NOISE_SD)
    values = (np.einsum("ij,jk->ik", observed[list(bio.IMAGE)].to_numpy(), weights) + shared + shift
                  + own * rng.standard_normal(shared.shape))
    keys = pd.DataFrame({"patient_id": predictors["patient_id"], "roi": "tumour", "phase": phase,
                         "timepoint": "baseline", "reader": "R1"})
    return pd.concat([keys, pd.DataFrame(np.round(_on_scale(values, names), 5), columns=names)], axis=1)


def _loadings(name: str, phase: str) -> np.ndarray:
    rule = next(loads for word, loads in RULES if word in name)
    shown = {"arterial": "enhancement_arterial", "portal_venous": "enhancement_portal"}[phase]
    found = pd.Series({shown if key == "enhancement" else key: load for key, load in rule.items()})
    own = np.random.default_rng(zlib.crc32(name.encode())).normal(0, 0.12, len(bio.IMAGE))
    return found.reindex(list(bio.IMAGE), fill_value=0.0).to_numpy() + own


def _on_scale(values: np.ndarray, names: list[str]) -> np.ndarray:
    """Put standard units on plausible scales: HU for intensities, positive and skewed for the rest."""
    hounsfield = np.array([name.split("_")[-1] in ("Mean", "Median", "10Percentile", "90Percentile", "Maximum",
                                                   "Minimum") for name in names])
    return np.where(hounsfield, 90 + 25 * values, np.exp(0.35 * values))
