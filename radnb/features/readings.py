"""The same regions measured by further readers, named and joined as in the assembled cohort."""

from __future__ import annotations

from collections.abc import Sequence

import pandas as pd

KEYS = ["patient_id", "reader"]
KNOWN = {"patient_id", "roi", "phase", "timepoint", "reader"}


def readings(features: pd.DataFrame, *, phases: Sequence[str], roi: str, timepoint: str, reader: str) -> pd.DataFrame:
    """Return patient_id, reader and one column per feature of the readers other than `reader`, phases joined."""
    rows = features[(features["roi"] == roi) & (features["timepoint"] == timepoint) & (features["reader"] != reader)]
    names = [name for name in features if name not in KNOWN]
    parts = []
    for phase in phases or sorted(rows["phase"].unique()):
        part = rows[rows["phase"] == phase].set_index(KEYS)[names]
        parts.append(part.add_prefix(f"{phase}_") if len(phases) > 1 else part)
    return pd.concat(parts, axis=1, join="inner").reset_index() if parts else pd.DataFrame(columns=KEYS)
