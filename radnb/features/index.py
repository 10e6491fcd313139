"""Which case of which cohort a key of the store stands for, so that a query can name patients."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

import pandas as pd

from radnb.features.store import Store
from radnb.imaging.faults import short
from radnb.work.files import sha256_json, write_parquet

KEYS = ["patient_id", "roi", "phase", "timepoint", "reader"]
COLUMNS = ["cohort", *KEYS, "image", "mask", "label", "key"]


def write_index(store: Store, group: str, cohort: str, cases: pd.DataFrame, keys: Mapping[int, str]) -> None:
    """Note the key of each case (a row number of `cases`); what an earlier run noted of the same case gives way."""
    path = store.folder / group / f"cases-{sha256_json(cohort)[:16]}.parquet"
    rows = cases.loc[sorted(keys), [*KEYS, "image", "mask", "label"]].astype({"label": int})
    rows = rows.assign(cohort=cohort, key=[keys[at] for at in sorted(keys)],
                       **{name: [short(Path(one)) for one in rows[name]] for name in ("image", "mask")})[COLUMNS]
    with store.claim(group, "index", wait_seconds=60):
        before = _read(path)
        found = pd.concat([before, rows]) if len(before) else rows
        found = found.drop_duplicates(KEYS, keep="last").sort_values(KEYS, kind="stable", ignore_index=True)
        if not found.equals(before):
            write_parquet(path, found)


def _read(path: Path) -> pd.DataFrame:
    try:
        return pd.read_parquet(path)[COLUMNS]
    except (OSError, ValueError, KeyError):  # not there yet, or damaged: made anew
        return pd.DataFrame(columns=COLUMNS)
