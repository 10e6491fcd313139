"""The value matrix on real images: sarcomas in CT, PET and MR, each pair of options once over the whole."""

from __future__ import annotations

import os
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import SimpleITK as sitk

from radnb.features.settings import Settings, checked
from radnb.imaging.regions import Pair, read_pair
from tests.features.engine import allpairs, matrix
from tests.features.engine.allpairs import Row

REFERENCES = Path(__file__).with_name("references.npz")
MODALITIES = ("CT", "PET", "MR_T1")
SMALL_FIRST = tuple(f"STS_{number:03}" for number in (
    19, 8, 25, 42, 35, 2, 41, 24, 12, 15, 32, 18, 50, 28, 6, 38))  # by voxels in the region
ROUTINE = {"imageType": {"Original": {}, "LoG": {"sigma": [1.0, 2.0, 3.0, 4.0, 5.0]}, "Wavelet": {}},
           "setting": {"binWidth": 25, "resampledPixelSpacing": [1, 1, 1], "interpolator": "sitkBSpline",
                       "minimumROIDimensions": 2}}  # the benchmark's card
_RANGES = {  # for "from", "between", "between, shape", "relative", "relative, shape"
    "CT": ([-20], [120, -60], [0, 100], [0.05], [-0.4, 0.7]), "PET": ([1.0], [12, 1.5], [2.0, 15], [0.25], [-0.4, 0.7]),
    "MR_T1": ([200], [600, 150], [180, 500], [0.25], [-0.4, 0.7]),
    "normalised": ([-50], [900, -80], [-60, 1000], [0.2], [-0.4, 1.0])}
_COST = {"wavelet haar, two levels": 15, "log": 3, "log, original": 3, "lbp3d": 8, "lbp3d, three levels": 8}


@dataclass(frozen=True)
class Case:
    """One region with one card."""

    patient: str
    modality: str
    grey: str  # the scalar type: the images are stored as float32, scanners write int16
    card: Settings
    told: str

    @property
    def key(self) -> str:
        """Name the case by what its values depend on."""
        return f"{self.patient} {self.modality} {self.grey} {self.card.sha256[:12]}"

    def pair(self) -> Pair:
        """Read image and mask."""
        table = pd.read_csv(root() / "manifest.csv", dtype=str, encoding="utf-8")
        row = table[(table["patient_id"] == self.patient) & (table["modality"] == self.modality)].iloc[0]
        found = read_pair(root() / row["image"], root() / row["mask"], int(row["label"]), minimum_voxels=1)
        return found if self.grey == "float32" else replace(found, image=sitk.Cast(found.image, sitk.sitkInt16))


def root() -> Path:
    """Return the folder of the sarcoma images."""
    return Path(os.environ["RADNB_DATA"]) / "sts"


def cases() -> Iterator[Case]:
    """Give every case: dear rows go to small regions, so that each patient has as many; then the routine card."""
    rows = sample()
    for modality in MODALITIES:
        mine = sorted((row for row in rows if row["modality"] == modality), key=_cost, reverse=True)
        for at, row in enumerate(mine):
            patient = SMALL_FIRST[at * len(SMALL_FIRST) // len(mine)]
            yield Case(patient, modality, row["grey"], card(row), ", ".join(row.values()))
    for patient in SMALL_FIRST:
        for modality in MODALITIES:
            yield Case(patient, modality, "float32", routine(modality), "routine")


FACTORS = {"type": tuple(matrix.TYPES), "modality": MODALITIES, "grey": ("float32", "int16"),
           **{factor: tuple(levels) for factor, levels in matrix.SETTING.items()}}


def allowed(row: Row) -> bool:
    """Forbid what the settings refuse, whole numbers in PET (uptake lies between 0 and 20), and shares of the brightest
    voxel in normalised MR, where it may be below zero."""
    modality, normalised = row.get("modality"), row.get("normalisation", "none") != "none"
    return matrix.allowed(row) and not (modality == "PET" and row.get("grey") == "int16") and not (
        modality == "MR_T1" and normalised and row.get("resegmentation", "").startswith("relative"))


def sample() -> list[Row]:
    """Return the rows: each pair of options, modalities and scalar types at least once."""
    return allpairs.rows(FACTORS, allowed)


def routine(modality: str) -> Settings:
    """Return what the benchmark computes, with bins that suit the modality."""
    setting = {**ROUTINE["setting"], **({"binWidth": 0.5} if modality == "PET" else {})}
    return checked({**ROUTINE, "setting": setting}, name="routine")


def _cost(row: Row) -> float:
    return _COST.get(row["type"], 8 if row["type"].startswith("wavelet") else 1) * (2 if "1, 3" in row.values() else 1)


def card(row: Row) -> Settings:
    """Return the settings of a row in the units of its modality: HU, SUV, or grey levels."""
    made = matrix.card(row).card
    normalised = row["normalisation"] != "none"
    scale = 0.02 if row["modality"] == "PET" and not normalised else 1.0
    for options in (made["setting"], *made["imageType"].values()):
        if "binWidth" in options and not row["type"].startswith("lbp"):
            options["binWidth"] *= scale
    if row["bins"] == "own" and scale != 1.0:
        made["setting"]["binWidth"] = 25 * scale
    return checked({**made, "setting": {**made["setting"], **_spacing(row), **_range(row, normalised)}}, name="matrix")


def _spacing(row: Row) -> dict[str, Any]:
    fine = {"CT": 2.0, "PET": 2.5, "MR_T1": 1.7}[row["modality"]]
    return {"none": {}, "isotropic": {"resampledPixelSpacing": [3, 3, 3]},
            "finer": {"resampledPixelSpacing": [fine] * 3},
            "in the plane": {"resampledPixelSpacing": [fine, fine, 0]}}[row["resampling"]]


def _range(row: Row, normalised: bool) -> dict[str, Any]:
    ranges = _RANGES["normalised" if normalised else row["modality"]]
    chosen = dict(zip(("from", "between", "between, shape", "relative", "relative, shape"), ranges, strict=True))
    return {"resegmentRange": chosen[row["resegmentation"]]} if row["resegmentation"] in chosen else {}


Outcome = np.ndarray | str


def stored() -> dict[str, Outcome]:
    """Return PyRadiomics' values (in the order of the card's columns) or refusal of each case, as once computed."""
    if not REFERENCES.is_file():
        return {}
    with np.load(REFERENCES, allow_pickle=False) as found:
        ends = np.cumsum(found["sizes"]).tolist()
        parts = [found["values"][start:end] for start, end in zip([0, *ends], ends, strict=False)]
        return {str(key): str(code) or part for key, code, part in zip(
            found["keys"], found["codes"], parts, strict=True)}


def store(outcomes: Mapping[str, Outcome]) -> None:
    """Write all outcomes into one small file."""
    codes = [outcome if isinstance(outcome, str) else "" for outcome in outcomes.values()]
    parts = [np.zeros(0) if isinstance(outcome, str) else outcome for outcome in outcomes.values()]
    np.savez_compressed(REFERENCES, keys=np.array(list(outcomes)), codes=np.array(codes),
                        sizes=np.array([len(part) for part in parts]), values=np.concatenate(parts))
