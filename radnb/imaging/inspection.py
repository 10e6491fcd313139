"""Look at every image and mask of a cohort before anything is computed from them."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import SimpleITK as sitk

from radnb.cohort.problems import Problem, as_table
from radnb.imaging.faults import ImageFault, short
from radnb.imaging.regions import Pair, region
from radnb.imaging.volumes import read_volume
from radnb.work.parallel import Failure, map_cases

_UNEVEN = 2.0  # a slice thicker than twice the pixel
_BIN_WIDTH = 25  # PyRadiomics' default
_FAR = 8.0  # robust standard deviations that make an outlier of a region's mean


@dataclass(frozen=True)
class _Task:
    image: str
    regions: tuple[tuple[int, str, int], ...]  # position in the cases, mask, label
    modality: str | None
    resampled: bool


@dataclass(frozen=True)
class _Seen:
    """What a region that can be read looks like, for comparison with its fellows."""

    mean: float
    spacing_mm: tuple[float, ...]


def inspect(cases: pd.DataFrame, *, workers: int | None = None, modality: str | None = None,
            resampled: bool = False) -> pd.DataFrame:
    """List what is wrong or odd about the images and masks of `cases`, one row per finding with its mend.

    `modality` (ct, mr, pet) adds a check of the grey values; `resampled` says that extraction will make voxels even.
    """
    tasks = [_Task(str(image), tuple((at, str(mask), int(label)) for at, mask, label in
                                     part[["_at", "mask", "label"]].itertuples(index=False)),
                   modality if modality in RANGES else None, resampled)
             for image, part in cases.assign(_at=range(len(cases))).groupby("image", sort=True)]
    findings, seen = [], {}
    for position, outcome in map_cases(_inspect_image, tasks, workers=workers, label="check images", unit="image"):
        if isinstance(outcome, Failure):
            outcome = [(at, outcome.code, "image", outcome.message, "Look at this file with a viewer.")
                       for at, _, _ in tasks[position].regions]
        for found in outcome:
            if isinstance(found[1], _Seen):
                seen[found[0]] = found[1]
            else:
                findings.append(found)
    findings += _outliers(cases, seen) + ([] if resampled else _mixed_spacing(cases, seen))
    return as_table(Problem(code, _where(cases.iloc[at]), problem, mend, int(cases["row"].iloc[at]), column)
                    for at, code, column, problem, mend in findings)


def _where(case: pd.Series) -> str:
    keys = ("patient_id", "roi", "phase", "timepoint", "reader")
    return ", ".join(str(case[key]) for key in keys if str(case[key]))


def _inspect_image(task: _Task) -> list[tuple[Any, ...]]:
    sitk.ProcessObject.SetGlobalWarningDisplay(False)  # this process serves us only
    findings: list[tuple[Any, ...]] = []
    try:
        image = read_volume(task.image)
    except ImageFault as fault:
        return [(at, fault.code, fault.column, fault.problem, fault.mend) for at, _, _ in task.regions]
    first = task.regions[0][0]
    findings += [(first, *odd) for odd in _odd_image(image, task)]
    for at, mask, label in task.regions:
        try:
            pair = region(image, Path(mask), label, name=short(Path(task.image)))
        except ImageFault as fault:
            findings.append((at, fault.code, fault.column, fault.problem, fault.mend))
            continue
        findings += [(at, *odd) for odd in _odd_region(pair)]
        findings.append((at, _Seen(float(pair.values().mean(dtype=float)), image.GetSpacing())))
    return findings


def _odd_image(image: sitk.Image, task: _Task) -> Iterator[tuple[str, str, str, str]]:
    spacing = image.GetSpacing()
    if not task.resampled and max(spacing) > _UNEVEN * min(spacing):
        yield ("W_ANISO", "image", f"Voxels are uneven ({' x '.join(f'{s:.3g}' for s in spacing)} mm) and the "
               "extraction does not resample.", "Set resampledPixelSpacing in the extraction settings.")
    voxels = sitk.GetArrayViewFromImage(image)
    if wrong := int((~np.isfinite(voxels)).sum()):
        yield ("W_NONFINITE", "image", f"{wrong} voxels have no finite value (NaN or infinite).",
               "Fill them before filters or resampling spread them.")
    elif task.modality and (problem := RANGES[task.modality](voxels)):
        yield "W_RANGE", "image", problem, "Compare this file with the scanner's own image."


def _odd_region(pair: Pair) -> Iterator[tuple[str, str, str, str]]:
    values = pair.values()
    if pair.flat:
        yield ("W_FLAT", "mask", "The region lies within one slice: three-dimensional features mean nothing.",
               "Draw the whole tumour, or set force2D in the extraction settings.")
    if (kind := values.dtype).kind in "iu" and _at_the_end(values):
        yield ("W_WRAP", "image", f"Grey values of the region ({values.min()} to {values.max()}) reach the end of the "
               f"image's whole numbers ({kind}): PyRadiomics' bins end beyond, wrap around and merge levels.",
               "Save the image as 32-bit floats.")
    if values.min() == values.max():
        yield ("W_CONSTANT", "mask", f"Every voxel of the region has the value {values.flat[0]:g}.",
               "Look at image and mask together: one of them is wrong.")
    elif _in_air(pair, values):
        yield ("W_SUSPECT", "mask", f"The region's mean ({values.mean(dtype=float):.4g}) is that of air: "
               "mask and image may be shifted or mirrored.", "Look at image and mask together.")


def _at_the_end(values: np.ndarray) -> bool:
    limits = np.iinfo(values.dtype)
    return int(values.max()) + 2 * _BIN_WIDTH > limits.max or int(values.min()) - _BIN_WIDTH < limits.min < 0


def _in_air(pair: Pair, values: np.ndarray) -> bool:
    voxels = sitk.GetArrayViewFromImage(pair.image)
    low, high = float(voxels.min()), float(np.percentile(voxels[::2, ::2, ::2], 99))
    air = -700.0 if low < -900 else low + 0.02 * (high - low)
    return float(values.mean(dtype=float)) < air


def _odd_ct(voxels: np.ndarray) -> str:
    low, high = float(voxels.min()), float(voxels.max())
    if low >= 0 and high <= 255:
        return f"CT values run from {low:g} to {high:g}: these are grey levels of a screen, not Hounsfield units."
    if low >= 0:
        return f"No CT value is below 0 (lowest {low:g}): the offset of Hounsfield units (-1024) seems lost."
    if high > 32000 or low < -10000:
        return f"CT values run from {low:g} to {high:g}, beyond what a scanner gives."
    return ""


def _odd_mr(voxels: np.ndarray) -> str:
    low, high = float(voxels.min()), float(voxels.max())
    return f"All MR values are {low:g}." if low == high else ""


def _odd_pet(voxels: np.ndarray) -> str:
    low, high = float(voxels.min()), float(voxels.max())
    if high > 500:
        return f"PET values reach {high:g}: these are counts or Bq/mL rather than SUV."
    return f"PET values fall to {low:g}; SUV cannot be negative." if low < -1 else ""


RANGES: dict[str, Callable[[np.ndarray], str]] = {"ct": _odd_ct, "mr": _odd_mr, "pet": _odd_pet}


def _groups(cases: pd.DataFrame, seen: dict[int, _Seen]) -> Iterator[pd.DataFrame]:
    table = cases.assign(_at=range(len(cases))).loc[lambda t: t["_at"].isin(list(seen))]
    for _, part in table.groupby(["roi", "phase", "timepoint"], sort=True):
        yield part.assign(mean=[seen[at].mean for at in part["_at"]],
                          thick=[max(seen[at].spacing_mm) for at in part["_at"]])


def _outliers(cases: pd.DataFrame, seen: dict[int, _Seen]) -> list[tuple[Any, ...]]:
    findings: list[tuple[Any, ...]] = []
    for part in _groups(cases, seen):
        middle = part["mean"].median()
        spread = 1.4826 * (part["mean"] - middle).abs().median()
        far = part[(part["mean"] - middle).abs() > _FAR * spread] if len(part) >= 10 and spread > 0 else part[:0]
        findings += [(at, "W_RANGE", "image",
                      f"The region's mean {mean:.4g} is far from that of its fellows (median {middle:.4g}).",
                      "Check units and scaling of this image.")
                     for at, mean in zip(far["_at"], far["mean"], strict=True)]
    return findings


def _mixed_spacing(cases: pd.DataFrame, seen: dict[int, _Seen]) -> list[tuple[Any, ...]]:
    return [(part["_at"].iloc[0], "W_SPACING", "image",
             f"Slice thickness runs from {part['thick'].min():.3g} to {part['thick'].max():.3g} mm over "
             f"{len(part)} regions and the extraction does not resample.",
             "Set resampledPixelSpacing in the extraction settings.")
            for part in _groups(cases, seen) if part["thick"].max() > _UNEVEN * part["thick"].min()]
