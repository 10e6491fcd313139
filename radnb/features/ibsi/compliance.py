"""Does this installation give the values that IBSI-1 agreed on?  The digital phantom always; the CT phantom if here.

The reference values and the digital phantom are the initiative's (arXiv:1612.07003, CC BY 4.0).  The CT phantom
(P. Lambin, CC BY-NC 3.0) does not come with radnb; its folder is `ibsi` below the one that RADNB_DATA names.
"""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pandas as pd
import SimpleITK as sitk

from radnb.features.ibsi import engine, standard
from radnb.features.ibsi.diagnostics import diagnostics
from radnb.features.settings import Settings, checked, settings
from radnb.imaging.regions import Pair, read_pair

# The digital phantom (A. Zwanenburg): 5 x 4 x 4 voxels of 2 mm; a minus sign: outside the region.
PHANTOM = """
 1  4  4  1  1   1  4  6  1  1   4  1  6  4  1   4  4  6  4  1
 1  4  4  1  1   1  1  6  1  1  -1  1  3  1  1   4  4  6  1  1
 1  4  4 -1 -1   1  1  1  1  1   1  1 -9  1  1   1  1  6  1  1
 1  4  4 -1 -1   1  1  1  1  1   1  1  1  1  1   1  1  6  1  1
"""
_CT_PHANTOM = Path("ibsi_1_ct_radiomics_phantom", "nifti")
CONFIGURATIONS = ("a", "b", "c", "d", "e")
COLUMNS = ["configuration", "feature", "ibsi_code", "value", "reference", "tolerance", "ok", "note"]
DEVIATIONS: dict[tuple[str, str], str] = {}  # (configuration, feature) -> cause; empty: all values conform
CODES = {f"{kind}_{feature}": standard.WORDS[family, feature].code
          for kind, (family, _) in standard.KINDS.items() for feature in standard.FEATURES[kind]}


def compliance(data: Path | None = None) -> pd.DataFrame:
    """Compare every reference value: configuration, feature, ibsi_code, value, reference, tolerance, ok, note.

    `data` is the folder of the data sets (by default, what RADNB_DATA names); without it, the CT phantom is left out.
    """
    folder = data or _folder_of_data()
    parts = [_compared("digital phantom", digital_phantom_reference(), digital_phantom_values())]
    if folder is not None and _holds_ct_phantom(folder):
        parts += list(_ct_phantom(folder / "ibsi"))
    return pd.concat(parts, ignore_index=True)


def left_out() -> str:
    """Say why configurations A to E were not compared, and how they would be; nothing where they were."""
    folder = _folder_of_data()
    if folder is not None and _holds_ct_phantom(folder):
        return ""
    return (f"Configurations A to E were left out: {f'{folder} holds no' if folder else 'they need the'} CT phantom. "
            "Set RADNB_DATA to the folder that holds it (docs/ibsi.md says how).")


def _folder_of_data() -> Path | None:
    return Path(os.environ["RADNB_DATA"]) if os.environ.get("RADNB_DATA") else None


def _holds_ct_phantom(folder: Path) -> bool:
    return reference_file(folder).is_file() and (folder / "ibsi" / _CT_PHANTOM).is_dir()


def reference_file(data: Path) -> Path:
    """Return where the reference values of the CT phantom lie below the folder of the data sets."""
    return data / "ibsi" / "ibsi_1_reference_values.csv"


def agrees(value: pd.Series, reference: pd.Series, tolerance: pd.Series) -> pd.Series:
    """Tell where a value lies within the tolerance, which holds for values as printed.

    Three significant digits are printed, and all the digits of counts that have more.
    """
    size = reference.abs()
    printed = 10.0 ** (np.floor(np.log10(size.where(size > 0, 1))) - 2)
    for _ in range(6):
        finer = (reference / printed - (reference / printed).round()).abs() > 1e-6
        printed = printed.where(~finer, printed / 10)
    return (value - reference).abs() <= tolerance + printed / 2 * (1 + 1e-9)


def phantom() -> tuple[sitk.Image, sitk.Image]:
    """Return image and mask of the digital phantom."""
    voxels = np.array(PHANTOM.split(), dtype=np.int16).reshape(4, 4, 5)
    image, mask = sitk.GetImageFromArray(np.abs(voxels)), sitk.GetImageFromArray((voxels > 0).astype(np.uint8))
    for volume in (image, mask):
        volume.SetSpacing((2.0, 2.0, 2.0))
    return image, mask


def digital_phantom_reference() -> pd.DataFrame:
    """Return the reference values of the digital phantom: feature, reference, tolerance."""
    return pd.read_csv(Path(__file__).with_name("digital_phantom.csv"))


def pyradiomics_reference() -> pd.DataFrame:
    """Return those that PyRadiomics has a feature for, by its name: feature, ibsi_code, reference, tolerance."""
    names = pd.read_csv(Path(__file__).with_name("pyradiomics.csv"))
    found = names.merge(digital_phantom_reference().rename(columns={"feature": "same_as"}), how="left", on="same_as")
    return found.assign(ibsi_code=found["same_as"].map(CODES))[["feature", "ibsi_code", "reference", "tolerance"]]


def digital_phantom_values() -> dict[str, float]:
    """Measure the digital phantom: every feature in every aggregation, grey levels as they are."""
    image, mask = phantom()
    pair = Pair(image, mask, (0, 0, 0), image.GetSize())
    wanted = checked({"setting": {"definitions": "ibsi", "aggregation": list(standard.CHOICES), "binWidth": 1.0}},
                     name="digital phantom")
    return _measured(pair, wanted)


def _measured(pair: Pair, wanted: Settings) -> dict[str, float]:
    found = engine.prepare(pair.image, wanted)(pair)
    return {name.removeprefix("original_"): value for name, value in found.items()}


def _ct_phantom(folder: Path) -> Iterator[pd.DataFrame]:
    """Compare the five configurations, with the diagnostic values of their preparation."""
    place = folder / _CT_PHANTOM
    pair = read_pair(place / "image" / "phantom.nii.gz", place / "mask" / "mask.nii.gz")
    stated = pd.read_csv(reference_file(folder.parent)).dropna(subset="reference_value")
    for letter in CONFIGURATIONS:
        wanted = settings(f"ibsi-{letter}")
        rows = stated[stated["config"] == f"config_{letter.upper()}"]
        reference = pd.DataFrame({"feature": [standard.column(tag) or tag for tag in rows["tag"]],
                                  "reference": rows["reference_value"].to_numpy(float),
                                  "tolerance": rows["tolerance"].to_numpy(float)})
        values = {**_measured(pair, wanted), **diagnostics(pair, wanted.setting)}
        yield _compared(f"configuration {letter.upper()}", reference, values)


def _compared(configuration: str, reference: pd.DataFrame, values: dict[str, float]) -> pd.DataFrame:
    table = reference.assign(configuration=configuration, value=reference["feature"].map(values).astype(float),
                             ibsi_code=reference["feature"].map(CODES).fillna(""))
    table["ok"] = agrees(table["value"], table["reference"], table["tolerance"])
    table["note"] = [DEVIATIONS.get((configuration, feature), "") for feature in table["feature"]]
    return table[COLUMNS]


def verdict(table: pd.DataFrame) -> str:
    """Put a comparison into one sentence."""
    both = table["configuration"].nunique() > 1
    of = "digital phantom and configurations A to E" if both else "digital phantom"
    return f"{int(table['ok'].sum())} of {len(table)} IBSI reference values within tolerance ({of})"
