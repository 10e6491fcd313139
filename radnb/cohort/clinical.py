"""The clinical table, typed as declared; and which of its columns a model may know at its time."""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import Any, Literal

import numpy as np
import pandas as pd

from radnb.cohort.ids import doubles, id_problems, tidy_ids
from radnb.cohort.manifest import Column, Manifest, label
from radnb.cohort.problems import Problem, error_as_problem, raise_errors
from radnb.cohort.tables import Table, half_width, load_table
from radnb.errors import RadnbError, nearest, raise_all

ModelTime = Literal["before_surgery", "after_surgery"]
ORDER = {"before_surgery": 0, "after_surgery": 1, "outcome": 2}
SAID = {"after_surgery": "known only after surgery", "outcome": "an outcome"}
_NUMBER = re.compile(r"[+-]?(\d+\.?\d*|\.\d+)([eE][+-]?\d+)?")
_DATE = re.compile(r"(\d{4}-\d\d-\d\d)( 00:00:00)?")


def clinical(manifest: Manifest) -> pd.DataFrame:
    """Return one row per patient: patient_id and the declared columns, typed, missing as NaN; bad cells are refused."""
    table, problems = find_clinical(manifest)
    raise_errors(problems)
    return table


def find_clinical(manifest: Manifest) -> tuple[pd.DataFrame, list[Problem]]:
    """Return the clinical table as far as it can be read together with everything that is wrong with it."""
    part = manifest.clinical
    empty = pd.DataFrame(columns=["patient_id", *manifest.columns()])
    if part is None:
        return empty, []
    try:
        source = load_table(manifest.table_path(part.file, where="clinical"), part.sheet)
    except RadnbError as error:
        return empty, [error_as_problem(error, str(manifest.path))]
    problems = [*source.problems, *_absent(source, part.patient_id, part.columns)]
    if any(p.code == "E_COLUMN" for p in problems):
        return empty, problems
    where = source.path.name
    ids = tidy_ids(source.frame[half_width(part.patient_id)])
    problems += [*id_problems(ids, where, column=part.patient_id), *doubles(ids, where, column=part.patient_id)]
    columns: dict[str, pd.Series] = {"patient_id": ids}
    for name, column in part.columns.items():
        theirs = half_width(column.column or name)
        columns[name], found = _typed(source.frame[theirs], column, manifest.missing)
        problems += [Problem(code, where, said, mend, row, theirs) for row, code, said, mend in found]
    return pd.DataFrame(columns).reset_index(drop=True), problems


def _absent(source: Table, patient_id: str, columns: dict[str, Column]) -> list[Problem]:
    where, have = source.path.name, list(source.frame.columns)
    wanted = {"patient_id": half_width(patient_id)} | {n: half_width(c.column or n) for n, c in columns.items()}
    return [Problem("E_COLUMN", where, f"there is no column {theirs!r} for {name}.", nearest(theirs, have), 1, theirs)
            for name, theirs in wanted.items() if theirs not in have]


Fault = tuple[int, str, str, str]


def _typed(cells: pd.Series, column: Column, missing: Sequence[str]) -> tuple[pd.Series, list[Fault]]:
    absent = {half_width(word).casefold() for word in missing} | {""}
    known = {half_width(word): value for word, value in column.map.items()}
    keep = {half_width(level).casefold() for level in column.levels}
    values: list[Any] = []
    faults: list[Fault] = []
    for row, cell in cells.items():
        text = half_width(str(cell))
        text = known.get(text, known.get(_whole(text), text))
        if text.casefold() in absent and text.casefold() not in keep:
            values.append(None)
            continue
        value, said = _READERS[column.kind](text, column)
        values.append(value)
        if said:
            faults.append((int(str(row)), *said))
    return _series(values, column, cells.index), faults


def _series(values: list[Any], column: Column, index: pd.Index) -> pd.Series:
    if column.kind == "number":
        return pd.Series([np.nan if v is None else v for v in values], index=index, dtype="float64")
    if column.kind == "date":
        return pd.Series(pd.to_datetime(pd.Series(values, index=index, dtype=object), format="%Y-%m-%d"), index=index)
    if column.kind == "category":
        levels = column.levels or tuple(sorted({v for v in values if v is not None}))
        return pd.Series(pd.Categorical(values, categories=list(levels)), index=index)
    return pd.Series([np.nan if v is None else v for v in values], index=index, dtype=object)


Read = tuple[Any, tuple[str, str, str] | None]


def _number(text: str, column: Column) -> Read:
    if not _NUMBER.fullmatch(text):
        return None, ("E_CELL", f"{text!r} is not a number.", _number_mend(text))
    value = float(text)
    if column.range and not column.range[0] <= value <= column.range[1]:
        low, high = column.range
        return None, ("E_RANGE", f"{text} lies outside {low:g} to {high:g}{' ' + column.unit if column.unit else ''}.",
                      "Correct it, or widen `range` in the manifest.")
    return value, None


def _number_mend(text: str) -> str:
    if re.fullmatch(r"[+-]?\d+,\d+", text):
        return f"Write a decimal point: {text.replace(',', '.')}."
    if re.fullmatch(r"[<>≤≥~].*", text):
        return f"Decide what such a value counts as, and say so in the manifest: `map: {{\"{text}\": NUMBER}}`."
    if text.endswith("%"):
        return "Leave out the % sign."
    return "Correct it, leave it empty, or add the word to `missing` in the manifest."


def _category(text: str, column: Column) -> Read:
    if not column.levels:
        return text, None
    exact = {half_width(level): level for level in column.levels}
    folded = {level.casefold(): value for level, value in exact.items()}
    for word in (text, _whole(text)):
        if word in exact or word.casefold() in folded:
            return exact.get(word) or folded[word.casefold()], None
    return None, ("E_CELL", f"{text!r} is not one of the levels.",
                  f"{nearest(text, column.levels)} Other words go into `map: {{{text}: LEVEL}}`.")


def _whole(text: str) -> str:
    return text[:-2] if re.fullmatch(r"\d+\.0", text) else text


def _date(text: str, column: Column) -> Read:
    found = _DATE.fullmatch(text)
    if found and not pd.isna(pd.to_datetime(found[1], format="%Y-%m-%d", errors="coerce")):
        return found[1], None
    serial = " It looks like a spreadsheet's day number: format the cells as dates." if text.isdigit() else ""
    return None, ("E_DATE", f"{text!r} is not a date.", f"Write it as 2024-03-15.{serial}")


def _text(text: str, column: Column) -> Read:
    return text, None


_READERS = {"number": _number, "category": _category, "date": _date, "text": _text}


def predictors(table: pd.DataFrame, manifest: Manifest, names: Sequence[str], *,
               model_time: ModelTime = "before_surgery", where: str = "clinical predictor") -> pd.DataFrame:
    """Return float columns for a model that speaks at `model_time`; columns known only later are refused.

    A number stays one column; a category gives one indicator `name=level` for each declared level but the first
    (the reference); a missing value is NaN in all of them.  The index is the table's.
    """
    columns = manifest.columns()
    raise_all([said for name in names if (said := _refusal(name, columns, model_time, manifest, where))],
              code="E_PREDICTOR")
    blocks = [_encoded(table[name], name, columns[name]) for name in dict.fromkeys(names)]
    return pd.concat(blocks, axis=1) if blocks else pd.DataFrame(index=table.index)


def _refusal(name: str, columns: dict[str, Column], model_time: str, manifest: Manifest, where: str) -> str:
    where = f"{where} {name!r}"
    if name not in columns:
        return f"{where}: the manifest {manifest.path} declares no such column. {nearest(name, columns)}"
    column = columns[name]
    if ORDER[column.known] > ORDER[model_time]:
        return (f"{where}: {label(manifest, name)} is {SAID[column.known]}; a model for the time "
                f"{model_time!r} cannot know it. Remove it from the predictors.")
    if column.kind in ("text", "date"):
        return f"{where}: a column of kind {column.kind} cannot be a predictor. Remove it, or declare another kind."
    if column.kind == "category" and not column.levels:
        return f"{where}: declare its `levels` in the manifest, the reference level first."
    return ""


def _encoded(cells: pd.Series, name: str, column: Column) -> pd.DataFrame:
    if column.kind == "number":
        return cells.astype("float64").to_frame(name)
    absent = cells.isna()
    return pd.DataFrame({f"{name}={level}": (cells == level).astype("float64").mask(absent)
                         for level in column.levels[1:]}, index=cells.index)
