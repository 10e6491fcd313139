"""A run checks itself: some of its smallest regions are measured again by the reference engine and compared."""

from __future__ import annotations

import math
import sys
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd

from radnb.errors import RadnbError, nearest
from radnb.features.catalogue import filters
from radnb.features.deviation import deviations
from radnb.features.wanted import Settings
from radnb.work.files import sha256_json

TOLERANCE = 1e-6
SHARE = 0.05  # of the run's time
MEMORY = 2e9  # bytes that one comparison may take
MOST_SECONDS = 20.0  # that are enough to notice, however long the run
SHORT_SECONDS = 10.0  # a run that ends before anybody has looked up is left alone
LOAD_SECONDS = 0.2  # until PyRadiomics is there
SMALLEST = 0.25  # of the regions: among these the choice falls
MODES = {"some": "a seeded choice among the smallest regions, within 5 % of the run's time",
         "all": "every region", "none": "nothing"}


@dataclass(frozen=True)
class Candidate:
    """A region measured in this run: its key, voxels in the region and under the filters as they are resampled."""

    key: str
    voxels: float
    filtered: float


@dataclass(frozen=True)
class Verification:
    """What the comparison with the reference engine found."""

    mode: str
    reference: str  # engine and version
    regions: int = 0
    values: int = 0
    largest: float = 0.0
    feature: str = ""
    tolerance: float = TOLERANCE
    note: str = ""  # what could not be compared and should be known
    reason: str = ""  # why nothing was compared, for the record

    @property
    def sentence(self) -> str:
        """Say in one sentence what was compared and how well it agreed."""
        if not self.regions:
            return self.note
        said = (f"Verified with the reference engine on {self.regions} region{'s' * (self.regions != 1)} "
                f"({self.values} values): largest relative deviation {self.largest:.1g}"
                + (f" ({self.feature})." if self.largest else "."))
        return " ".join(filter(None, [said, self.note]))

    @property
    def record(self) -> dict[str, Any]:
        """Return the same for run.json."""
        return {name: getattr(self, name) for name in self.__dataclass_fields__}


def check_mode(mode: str) -> None:
    """Refuse a mode that nobody knows."""
    if mode not in MODES:
        raise RadnbError(f"verify: {mode!r} is unknown. {nearest(mode, MODES)}", code="E_CONFIG")


def choose(candidates: Sequence[Candidate], settings: Settings, *, seconds: float, bytes_per_voxel: int,
           seed: int = 7) -> list[Candidate]:
    """Return the regions whose comparison, in this process, fits into a twentieth of a run that took `seconds`."""
    if seconds < SHORT_SECONDS:
        return []
    here = sorted(candidates, key=lambda one: (one.voxels, one.key))[:max(8, math.ceil(SMALLEST * len(candidates)))]
    left, chosen = min(SHARE * seconds - (0.0 if "radiomics" in sys.modules else LOAD_SECONDS), MOST_SECONDS), []
    for one in sorted(here, key=lambda one: sha256_json([seed, one.key])):
        cost = reference_seconds(one, settings)
        if cost <= left and one.filtered * bytes_per_voxel <= MEMORY:
            chosen.append(one)
            left -= cost
    return chosen


def reference_seconds(region: Candidate, settings: Settings) -> float:
    """Estimate PyRadiomics' time for a region (fitted to sarcomas of 16,000 to 819,000 voxels at 1 mm)."""
    images = sum(len(filters(kind, {**settings.setting, **options})) for kind, options in settings.image_types.items())
    return 0.02 + 5e-6 * region.voxels + images * (0.015 + 2e-6 * region.voxels + 1e-7 * region.filtered)


def compare(ours: pd.DataFrame, theirs: pd.DataFrame, *, mode: str, reference: str, names: Mapping[str, str],
            note: str = "", reason: str = "") -> Verification:
    """Compare rows of equal keys; a value beyond the tolerance ends the run, named with both values."""
    keys = sorted(set(ours.index) & set(theirs.index))
    if not keys:
        return Verification(mode, reference, note=note, reason=reason)
    apart = deviations(ours.loc[keys], theirs.loc[keys])
    row, column = np.unravel_index(int(np.argmax(apart.to_numpy())), apart.shape)
    key, feature, largest = keys[row], str(apart.columns[column]), float(apart.iat[row, column])
    if largest > TOLERANCE:
        beyond = f"{int((apart > TOLERANCE).to_numpy().sum())} of {apart.size} values"
        raise RadnbError(
            f"Verification failed, so no features of this run are used: {names.get(key, key)}, {feature} is "
            f"{float(ours.at[key, feature])!r}, and {float(theirs.at[key, feature])!r} by {reference} (relative "
            f"deviation {largest:.2g}; {beyond} deviate by more than {TOLERANCE:g}). Please report this with the two "
            "files of the case, and use the reference engine meanwhile (engine: pyradiomics on the card, --engine "
            "pyradiomics on the command line).", code="E_VERIFY")
    return Verification(mode, reference, len(keys), apart.size, largest, feature if largest else "", note=note)
