"""Columns that are no measurements (numbers of patients, dates) and columns that say the same thing twice."""

from __future__ import annotations

import itertools
import re
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import pandas as pd

from radnb.learning.splits import Split
from radnb.statistics.families import Array

FEWEST = 10  # patients, before a pattern of values means anything
ROWS_IN_ORDER = 20
IDENTIFIERS = frozenset({"id", "pid", "uid", "mrn", "accession", "identifier", "patientid", "studyid", "caseid"})
DATES = frozenset({"date", "dob", "birthdate", "birthday", "day"})
Note = tuple[str, str, dict[str, Any]]  # code, severity and parameters of a flag's sentence


def identifier_problems(table: pd.DataFrame, used: Mapping[str, Sequence[str]]) -> list[str]:
    """List, block by block, the columns that number or date patients instead of measuring them."""
    found = []
    for block, columns in used.items():
        why = {column: _no_measurement(column, table[column].to_numpy(float)) for column in columns}
        found += [f"block {block}: {column} {reason}. Leave it out: what a model learns from it does not hold for new "
                  "patients." for column, reason in why.items() if reason]
    return found


def column_notes(table: pd.DataFrame, used: Mapping[str, Sequence[str]]) -> list[Note]:
    """Return what is told but not refused: columns that repeat another, but for scale, and columns of years."""
    found: list[Note] = []
    for block, columns in used.items():
        x = table[list(columns)].to_numpy(float)
        equal, scaled = _repeats(x)
        for code, pairs in (("duplicate_columns", equal), ("collinear_columns", scaled)):
            if pairs:
                first, second = pairs[0]
                found.append((code, "info", {"block": block, "count": len(pairs), "first": columns[first],
                                             "second": columns[second]}))
        years = [c for c, values in zip(columns, x.T, strict=True) if _years(_seen(values))]
        if years:
            found.append(("calendar_years", "warning", {"block": block, "columns": ", ".join(years[:5])}))
    return found


def split_problems(patients: pd.DataFrame, splits: Sequence[Split]) -> list[str]:
    """List the parts of a design in which an outcome that must be learned has no patient to train on."""
    strata = patients["stratum"].to_numpy(np.intp)
    words = patients["label"] if "label" in patients else patients["stratum"]
    label = {int(s): str(words[patients["stratum"] == s].iloc[0]) for s in np.unique(strata) if s >= 0}
    lost: dict[str, list[str]] = {}
    for split in splits:
        for value in sorted(set(label) - set(strata[split.train].tolist())):
            lost.setdefault(label[value], []).append(split.name or f"repeat {split.repeat + 1}, fold {split.fold}")
    return [f"design: nobody with outcome {name} is left to train on in {where[0]}"
            f"{f' and {len(where) - 1} more' if len(where) > 1 else ''}. Use fewer folds, or join outcomes."
            for name, where in lost.items()]


def _no_measurement(name: str, values: Array) -> str:
    """Say why a column cannot be a measurement, or nothing."""
    seen = _seen(values)
    if len(seen) < FEWEST or not np.array_equal(seen, np.round(seen)):
        return ""
    distinct, words = len(np.unique(seen)) == len(seen), _words(name)
    if len(np.unique(seen)) > 2 and _dates(seen):
        return "holds dates (yyyymmdd)"
    if distinct and words & IDENTIFIERS:
        return "numbers the patients, as its name says"
    if words & DATES and np.abs(seen).min() >= 10_000 and len(np.unique(seen)) > 2:
        return "holds dates, as its name says"
    steps = np.diff(seen)
    if distinct and len(seen) >= ROWS_IN_ORDER and (np.all(steps > 0) or np.all(steps < 0)):
        return "numbers the patients: whole numbers, all different, in the order of the rows"
    return ""


def _seen(values: Array) -> Array:
    return np.asarray(values[~np.isnan(values)])


def _words(name: str) -> set[str]:
    """Return the lower-case words of a column name, and neighbours joined: patient_ID gives patient, id, patientid."""
    parts = [w.lower() for w in re.findall(r"[A-Z]+(?![a-z])|[A-Z]?[a-z]+", name)]
    return {*parts, *(a + b for a, b in itertools.pairwise(parts))}


def _dates(values: Array) -> bool:
    """Say whether all values read as days, yyyymmdd."""
    if values.min() < 19000101 or values.max() > 21001231:
        return False
    whole = values.astype(np.int64)
    month, day = whole // 100 % 100, whole % 100
    return bool(((month >= 1) & (month <= 12) & (day >= 1) & (day <= 31)).all())


def _years(values: Array) -> bool:
    """Say whether all values read as years in which patients are treated."""
    whole = len(values) >= FEWEST and np.array_equal(values, np.round(values))
    return bool(whole and values.min() >= 1950 and values.max() <= 2100 and np.ptp(values) > 0)


def _repeats(x: Array) -> tuple[list[tuple[int, int]], list[tuple[int, int]]]:
    """Return pairs of column numbers: equal ones, and those equal after shifting and scaling. One pass, by content."""
    equal, scaled = [], []
    exact: dict[bytes, int] = {}
    alike: dict[bytes, int] = {}
    for column in range(x.shape[1]):
        values = x[:, column] + 0.0  # no minus zero
        key, form = values.tobytes(), _form(values)
        if form is None:
            continue  # constant: preparation drops it
        if key in exact:
            equal.append((exact[key], column))
        elif form in alike:
            scaled.append((alike[form], column))
        exact.setdefault(key, column)
        alike.setdefault(form, column)
    return equal, scaled


def _form(values: Array) -> bytes | None:
    """Return the shape of a column without its place, scale and sign; none when it is constant."""
    seen = _seen(values)
    centred = values - (seen.mean() if len(seen) else 0.0)
    spread = float(np.sqrt(np.nanmean(centred**2))) if len(seen) else 0.0
    if not spread > 1e-12 * max(1.0, float(np.abs(seen).max(initial=0))):
        return None
    unit = np.round(centred / spread, 6)
    first = unit[~np.isnan(unit) & (unit != 0)][0]
    return (unit * np.sign(first) + 0.0).tobytes()
