"""Numbers that R computed, one test per quantity, each through radnb's public functions."""

from __future__ import annotations

import csv
import functools
import json
import os
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from tests.reference.quantities import answer

HERE = Path(__file__).resolve().parent
SHARED = HERE.parents[2] / "shared" / "reference" / "r"


def place() -> Path:
    if given := os.environ.get("RADNB_R_REFERENCE"):
        return Path(given)
    return SHARED if (SHARED / "quantities.csv").is_file() else HERE / "simulated"


PLACE = place()
SETTINGS = json.loads((PLACE / "settings.json").read_text(encoding="utf-8"))
EXPECTED = json.loads((PLACE / "expected" / "reference.json").read_text(encoding="utf-8"))["values"]
with (PLACE / "quantities.csv").open(encoding="utf-8", newline="") as stream:
    ROWS = [row for row in csv.DictReader(stream) if row["graded"] == "yes"]
OFFERED = [row for row in ROWS if answer(row["id"])]
LATER = [row["id"] for row in ROWS if not answer(row["id"])]


@functools.cache
def read(name: str) -> pd.DataFrame:
    return pd.read_csv(PLACE / "input" / f"{name}.csv", encoding="utf-8")


def numbers(value: object) -> np.ndarray:
    listed = list(value.values()) if isinstance(value, dict) else value
    return np.array([np.nan if x is None else x for x in np.atleast_1d(np.asarray(listed, dtype=object)).ravel()],
                    dtype=float)


@pytest.mark.parametrize("row", OFFERED, ids=[row["id"] for row in OFFERED])
def test_radnb_equals_r(row):
    expected = EXPECTED[row["id"]]
    found = answer(row["id"])(read, SETTINGS)
    if isinstance(expected, dict):
        found = {key: found[key] for key in expected}
    np.testing.assert_allclose(numbers(found), numbers(expected), rtol=float(row["rtol"]), atol=float(row["atol"]),
                               equal_nan=True, err_msg=row["r_call"])


def test_the_quantities_that_a_later_version_covers_are_counted():
    assert len(OFFERED) + len(LATER) == len(ROWS)
    if LATER:
        pytest.skip(f"R reference: {len(OFFERED)} of {len(ROWS)}; {len(LATER)} are covered by a later version: "
                    + ", ".join(sorted({identity.split('.')[0] for identity in LATER})))
