"""Patient ids as text, and every way in which two of them may be the same person."""

from __future__ import annotations

import re
from collections.abc import Iterable

import pandas as pd

from radnb.cohort.problems import Problem
from radnb.cohort.tables import half_width

LONGEST = 128


def tidy_ids(cells: pd.Series) -> pd.Series:
    """Return ids trimmed, in NFC and with half-width characters; `007` and `NA` stay what they are."""
    return cells.map(half_width)


def id_problems(ids: pd.Series, where: str, *, column: str = "patient_id") -> list[Problem]:
    """List ids that are empty, unreadable, or ruined by a spreadsheet (index = row)."""
    found = []
    for row, name in ids.items():
        if said := _fault(name):
            found.append(Problem("E_ID", where, *said, int(str(row)), column))
        elif re.fullmatch(r"\d{4}-\d\d-\d\d( \d\d:\d\d:\d\d)?", name):
            found.append(Problem("W_ID", where, f"the id {name} is a date, as a spreadsheet makes of 1-2.",
                                 "If it was not meant so, format the column as text and type it again.",
                                 int(str(row)), column))
    return found


def _fault(name: str) -> tuple[str, str] | None:
    if not name:
        return "the patient id is empty.", "Fill it in, or delete the row."
    if re.fullmatch(r"\d+([.]\d+)?[eE][+]\d+", name):
        return (f"a spreadsheet has turned the id into {name}, its digits are lost.",
                "Format the column as text and type the ids again.")
    if len(name) > LONGEST or re.search(r"[\x00-\x1f\x7f]", name):
        return f"the id {name[:20]!r} is too long or holds control characters.", "Use a short plain id."
    return None


def doubles(ids: pd.Series, where: str, *, column: str = "patient_id") -> list[Problem]:
    """List ids that stand in several rows, also when they differ only in case."""
    found = []
    keys = ids.map(str.casefold)
    for key in keys[keys.duplicated() & (keys != "")].drop_duplicates():
        rows = [int(str(row)) for row in ids.index[keys == key]]
        names = list(dict.fromkeys(ids[keys == key]))
        as_what = repr(names[0]) if len(names) == 1 else " / ".join(map(repr, names))
        found.append(Problem("E_DUP", where, f"patient {as_what} stands in rows {', '.join(map(str, rows))}.",
                             "Keep one row per patient.", rows[1], column))
    return found


def spellings(ids: Iterable[str], where: str) -> list[Problem]:
    """List ids of one table that differ only in case, where a patient may have many rows."""
    groups: dict[str, list[str]] = {}
    for name in dict.fromkeys(ids):
        groups.setdefault(name.casefold(), []).append(name)
    return [Problem("E_DUP", where, f"the ids {' / '.join(map(repr, names))} differ only in case.",
                    "Write one patient's id in one way.", 0, "patient_id")
            for names in groups.values() if len(names) > 1]
