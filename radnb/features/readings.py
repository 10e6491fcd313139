"""The same regions measured by further readers, named and joined as in the assembled cohort."""

from __future__ import annotations

from dataclasses import replace

import pandas as pd

from radnb.features import joining
from radnb.features.joining import Layout


def readings(features: pd.DataFrame, layout: Layout) -> pd.DataFrame:
    """Return patient_id, reader and one column per feature of the readers other than the layout's own."""
    parts = []
    for reader in sorted(set(features["reader"]) - {layout.reader}):
        theirs = replace(layout, reader=reader)
        rows = joining.rows_of(features, theirs)
        if set(rows["phase"]) >= set(layout.phases):
            table, _ = joining.joined(joining.one_lesion(rows, theirs), theirs)
            parts.append(table.reset_index().assign(reader=reader))
    return pd.concat(parts, ignore_index=True) if parts else pd.DataFrame(columns=["patient_id", "reader"])
