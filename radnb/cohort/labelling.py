"""What every label scheme gives and uses: labels, readable columns, and a count that is large enough."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

import pandas as pd

from radnb.errors import RadnbError, nearest

MINIMUM = 5
FEW = 20


@dataclass(frozen=True)
class Labels:
    """A class code or NA per row, why a row has none, and what was counted on the way."""

    scheme: str
    values: pd.Series  # class code or NA, indexed like the table
    classes: tuple[str, ...]  # negative first
    reasons: pd.Series  # code of the exclusion where the value is NA, else NA
    source: str
    notes: Mapping[str, int] = field(default_factory=dict)
    warnings: tuple[str, ...] = ()  # codes told in LABEL_TEXTS
    ordered: bool = False  # more than two classes that stand from low to high


def cell_texts(table: pd.DataFrame, column: str, *, option: str) -> pd.Series:
    """Return a column as text (whole numbers without .0), missing as NA."""
    cells = need(table, column, option=option)
    if pd.api.types.is_numeric_dtype(cells):
        return cells.map(lambda v: f"{v:g}", na_action="ignore").astype("string")
    return cells.astype("string").str.strip()


def need(table: pd.DataFrame, column: str, *, option: str) -> pd.Series:
    """Return a column of the clinical table, or say which option names one that is not there."""
    if column not in table.columns:
        raise RadnbError(f"outcome: {option}: the clinical table has no column {column!r}. "
                         f"{nearest(column, map(str, table.columns))}", code="E_COLUMN")
    return table[column]


def numbers(table: pd.DataFrame, column: str, *, option: str, low: float = 0.0,
            high: float = float("inf")) -> pd.Series:
    """Return a column of numbers; text or impossible values are refused with the patients that have them."""
    cells = need(table, column, option=option)
    if not pd.api.types.is_numeric_dtype(cells):
        raise RadnbError(f"outcome: {option}: the column {column!r} does not hold numbers. "
                         "Declare it in the manifest with `kind: number`.", code="E_COLUMN")
    wrong = cells.notna() & ~cells.between(low, high)
    if wrong.any():
        raise RadnbError(f"outcome: {option}: {column} lies outside {low:g} to {high:g} for "
                         f"{who(table, wrong)}. Correct these values.", code="E_RANGE")
    return cells.astype("float64")


def who(table: pd.DataFrame, rows: pd.Series, shown: int = 10) -> str:
    """Name the patients of some rows, the first few of many."""
    names = table.loc[rows, "patient_id"] if "patient_id" in table.columns else table.index[rows].to_series()
    more = f" and {len(names) - shown} more" if len(names) > shown else ""
    return "patient " + ", ".join(map(str, names[:shown])) + more


def settle(scheme: str, values: pd.Series, reasons: pd.Series, classes: Sequence[str], *, source: str,
           notes: Mapping[str, int] | None = None, hint: str = "", ordered: bool = False) -> Labels:
    """Check that every class has patients enough and return the labels."""
    counts = {code: int((values == code).sum()) for code in classes}
    said = ", ".join(f"{code}: {n}" for code, n in counts.items())
    excluded = ", ".join(f"{code}: {n}" for code, n in reasons.value_counts().sort_index().items())
    left_out = f" Left out: {excluded}." if excluded else ""
    empty = [code for code, n in counts.items() if n == 0]
    if empty:
        raise RadnbError(f"outcome {scheme}: no patient belongs to {' or '.join(empty)} ({said}).{left_out} "
                         f"Choose another outcome, other patients, or correct the columns it is made from.{hint}",
                         code="E_CLASS")
    if min(counts.values()) < MINIMUM:
        raise RadnbError(f"outcome {scheme}: too few patients in a class ({said}); at least {MINIMUM} are needed for "
                         f"any estimate.{left_out} Add patients, or choose an outcome with fewer classes.{hint}",
                         code="E_TOO_FEW")
    few = ("few_in_class",) if min(counts.values()) < FEW else ()
    kept = pd.Series(pd.NA, index=values.index, dtype="string").where(values.notna(), reasons)
    return Labels(scheme, values, tuple(classes), kept, source, dict(notes or {}), few, ordered and len(classes) > 2)


def blank(table: pd.DataFrame) -> pd.Series:
    """Return a text column without any value, indexed like the table."""
    return pd.Series(pd.NA, index=table.index, dtype="string")
