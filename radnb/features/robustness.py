"""Which features survive another reader's mask: agreement per feature across readers."""

from __future__ import annotations

from collections.abc import Collection, Sequence

import numpy as np
import pandas as pd

from radnb.errors import RadnbError
from radnb.features.extraction import KEYS
from radnb.statistics.agreement import icc_a1

COLUMNS = ["feature", "n", "readers", "icc", "low", "high"]


def reader_agreement(features: pd.DataFrame, *, phases: Sequence[str] = (), roi: str = "tumour",
                     timepoint: str = "baseline", readers: Sequence[str] = (),
                     patients: Collection[str] | None = None) -> pd.DataFrame:
    """Return ICC(2,1) with 95 % limits per feature, from patients whom all readers have outlined.

    Columns: feature (named as in the assembled table), n patients, number of readers, icc, low, high.  `patients`
    keeps the estimate to a fold's training patients.  Without `readers` all readers of the region take part.
    """
    rows = features[(features["roi"] == roi) & (features["timepoint"] == timepoint)]
    if patients is not None:
        rows = rows[rows["patient_id"].isin(list(patients))]
    phases = list(phases) or sorted(rows["phase"].unique())
    tables = [_of_phase(rows[rows["phase"] == phase], list(readers), f"{phase}_" if len(phases) > 1 else "")
              for phase in phases]
    return pd.concat(tables, ignore_index=True) if tables else pd.DataFrame(columns=COLUMNS)


def _of_phase(rows: pd.DataFrame, readers: list[str], prefix: str) -> pd.DataFrame:
    readers = readers or sorted(rows["reader"].unique())
    if len(readers) < 2:
        raise RadnbError(f"Reader agreement needs masks of at least two readers; found: {', '.join(readers) or 'none'}."
                         " Add the other readers' masks to the manifest.", code="E_READERS")
    rows = rows[rows["reader"].isin(readers)]
    by_all = rows.groupby("patient_id")["reader"].nunique()
    names = sorted(by_all.index[by_all == len(readers)])
    if len(names) < 3:
        raise RadnbError(f"Only {len(names)} patients were outlined by all of {', '.join(readers)}. "
                         "At least 3 are needed; 30 make the estimate worth reading.", code="E_READERS")
    columns = [name for name in rows if name not in KEYS]
    ratings = np.stack([rows[rows["reader"] == reader].set_index("patient_id").loc[names, columns].to_numpy(float)
                        for reader in readers], axis=1)
    found = icc_a1(ratings)
    return pd.DataFrame({"feature": [f"{prefix}{name}" for name in columns], "n": len(names),
                         "readers": len(readers), "icc": found.value, "low": found.low, "high": found.high})
