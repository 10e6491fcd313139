"""From long features, clinical table and label scheme to one frozen table with one row per patient."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import pandas as pd


@dataclass(frozen=True)
class Outcome:
    """What is predicted: classes (negative first) or a time to an event."""

    kind: str  # "classes" or "survival"
    name: str  # e.g. "g1_vs_g23" or "overall_survival"
    classes: tuple[str, ...] = ()  # codes, e.g. ("G1", "G2-3"); the last one is the event of a binary outcome

    @property
    def binary(self) -> bool:
        """Say whether there are exactly two classes."""
        return self.kind == "classes" and len(self.classes) == 2


@dataclass(frozen=True)
class Cohort:
    """One row per patient: `patient_id`, `centre`, the blocks' columns as floats (NaN: missing), and the outcome.

    A class outcome is the column `outcome` (integer position in `outcome.classes`); a survival outcome is
    `time_months` and `event` (0/1).  `blocks` names the columns of each feature block (categories are already
    indicator columns by declared levels).  `clinical` keeps the readable clinical table of the same patients for
    Table 1.  `exclusions` has the columns patient_id, stage, reason (a code).
    """

    table: pd.DataFrame
    blocks: Mapping[str, tuple[str, ...]]
    outcome: Outcome
    clinical: pd.DataFrame
    exclusions: pd.DataFrame
