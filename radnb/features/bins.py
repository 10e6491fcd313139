"""Whether the bin width suits the images: a texture of one grey level, or of thousands, means nothing."""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

import numpy as np

from radnb.features.catalogue import filters
from radnb.features.values import WRAPPED
from radnb.features.wanted import Settings
from radnb.imaging.faults import ImageFault

if TYPE_CHECKING:
    import pandas as pd

FEW, MANY = 8, 1024
AIM = 64  # levels, amid the 30 to 130 that PyRadiomics' manual advises
COLUMNS = ["image_type", "code", "regions", "affected", "median", "low", "high", "bin_width", "advised", "message"]
_OF_BINS: dict[str, set[str]] = {  # every other class but shape is made of bins alone
    "firstorder": {"Entropy", "Uniformity"}, "ibsi-morphology": set(), "ibsi-local": set(), "ibsi-statistics": set(),
    "ibsi-ivh": set()}
_STEPS = (1.0, 2.0, 2.5, 5.0, 10.0)
_DEFAULT_WIDTH = 25.0


def are_used(settings: Settings) -> bool:
    """Say whether any feature of these settings depends on grey levels."""
    return any(not kind.startswith("shape") and _OF_BINS.get(kind, set(features)) & set(features)
               for kind, features in settings.classes.items())


def wraps(kind: np.dtype, highest: float, options: Mapping[str, Any]) -> bool:
    """Say whether the bins of an image of small whole numbers end beyond its range: numpy 2 then wraps them around,
    which merges levels in PyRadiomics, and so in every engine that gives its values."""
    if kind.kind not in "iu" or options.get("binCount"):
        return False
    return highest + 2 * float(options.get("binWidth") or _DEFAULT_WIDTH) > np.iinfo(kind).max


def refuse_one_level(levels: Mapping[str, int], settings: Settings) -> None:
    """Refuse a region whose original image falls into a single bin: every texture feature would be a constant."""
    options = _options(settings, "Original")
    if levels.get("original") == 1 and not options.get("binCount") and are_used(settings):
        width = options.get("binWidth", _DEFAULT_WIDTH)
        raise ImageFault(f"At binWidth {width:g} all voxels of the region fall into one grey level: it has no texture.",
                         "Choose a binWidth well below the range of grey values in the region, or binCount: 32.",
                         code="E_BINS")


def warnings(levels: pd.DataFrame, settings: Settings) -> pd.DataFrame:
    """Return a warning for each image type whose bins are too few or too many in some region.

    `levels` has a row for each region and a column for each image (`original`, `wavelet-LLH`, ...).
    """
    import pandas as pd  # a worker, which counts levels only, need not load it

    if levels.empty or not are_used(settings):
        return pd.DataFrame(columns=COLUMNS)
    rows = [row for kind in settings.image_types if (row := _warning(kind, levels, settings))]
    return pd.DataFrame(rows, columns=COLUMNS)


def _warning(kind: str, levels: pd.DataFrame, settings: Settings) -> dict[str, Any] | None:
    options = _options(settings, kind)
    images = [name for name in filters(kind, options) if name in levels]
    found = levels[images].dropna(how="all")
    if wrapped := int((found == WRAPPED).any(axis=1).sum()):
        return _wrapped(kind, wrapped, len(found), options)
    few, many = (found < FEW).any(axis=1), (found > MANY).any(axis=1)
    if not (few | many).any():
        return None
    code, side, limit = ("W_BINS_FEW", found < FEW, f"fewer than {FEW}") if few.sum() >= many.sum() else \
        ("W_BINS_MANY", found > MANY, f"more than {MANY}")
    odd, width = found.where(side).stack(), None if options.get("binCount") else options.get("binWidth", _DEFAULT_WIDTH)
    told = {"image_type": kind, "code": code, "regions": len(found), "affected": int(side.any(axis=1).sum()),
            "median": float(odd.median()), "low": int(odd.min()), "high": int(odd.max()), "bin_width": width,
            "advised": _advised(float(odd.median()), width)}
    return told | {"message": _sentence(told, limit)}


def _wrapped(kind: str, affected: int, regions: int, options: Mapping[str, Any]) -> dict[str, Any]:
    width = options.get("binWidth", _DEFAULT_WIDTH)
    message = (f"{kind}: in {affected} of {regions} region{'s' * (regions != 1)} the bins of width {width:g} end "
               "beyond the image's whole numbers and wrap around, which merges bright and dark: these textures mean "
               "nothing. Save the images as 16-bit whole numbers or floats (or set binCount), and measure again.")
    return {"image_type": kind, "code": "W_BINS_WRAP", "regions": regions, "affected": affected, "median": WRAPPED,
            "low": WRAPPED, "high": WRAPPED, "bin_width": width, "advised": None, "message": message}


def _options(settings: Settings, kind: str) -> dict[str, Any]:
    return {**settings.setting, **settings.image_types.get(kind, {})}


def _advised(levels: float, width: float | None) -> float | None:
    """Return a round width that cuts the same range into about AIM levels."""
    if width is None:
        return None
    wanted = levels * width / AIM
    power = 10.0 ** math.floor(math.log10(wanted))
    return float(f"{min(_STEPS, key=lambda step: abs(math.log(step * power / wanted))) * power:.3g}")


def _sentence(told: Mapping[str, Any], limit: str) -> str:
    regions = f"{told['affected']} of {told['regions']} region{'s' * (told['regions'] != 1)}"
    counts = f"median {told['median']:g}, range {told['low']} to {told['high']}"
    if told["bin_width"] is None:
        return f"{told['image_type']}: {regions} have {limit} grey levels ({counts}). Choose another binCount."
    return (f"{told['image_type']}: {regions} have {limit} grey levels ({counts}) at binWidth {told['bin_width']:g}. "
            f"Set binWidth: {told['advised']:g} or so under "
            f"{'setting' if told['image_type'] == 'Original' else 'imageType.' + told['image_type']}.")
