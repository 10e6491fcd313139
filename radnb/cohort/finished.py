"""Finished feature tables (CSV, XLSX or Parquet): long features of cohorts whose images stay elsewhere, and further
tables of one row per patient, as of a network or a laboratory."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pyarrow
import pyarrow.parquet

from radnb.cohort.cases import key_columns
from radnb.cohort.ids import doubles, id_problems, spellings
from radnb.cohort.manifest import KEYS, FeatureTable, FurtherTable, Manifest
from radnb.cohort.problems import Problem, error_as_problem, raise_errors
from radnb.cohort.tables import Table, half_width, load_table
from radnb.errors import RadnbError, nearest

EMPTY = pd.DataFrame(columns=list(KEYS))


def finished_features(manifest: Manifest) -> pd.DataFrame:
    """Return the finished feature table as long features: the five key columns and one float column per feature."""
    table, problems = find_features(manifest)
    raise_errors(problems)
    return table


def find_features(manifest: Manifest) -> tuple[pd.DataFrame, list[Problem]]:
    """Return the features that can be read together with everything that is wrong with their table."""
    part = manifest.features
    if part is None:
        return EMPTY, []
    try:
        source = _load(manifest.table_path(part.file, where="features"), part)
    except RadnbError as error:
        return EMPTY, [error_as_problem(error, str(manifest.path))]
    named, problems = key_columns(source, {str(ours): theirs for ours, theirs in part.columns.items()},
                                  ("patient_id",), KEYS)
    problems = [*source.problems, *problems, *_constants(part, source)]
    if any(p.code == "E_COLUMN" for p in problems):
        return EMPTY, problems
    named = named.assign(**part.constants)
    used = {half_width(name) for name in [*part.names.values(), *part.drop, *manifest.clinical_names()]}
    problems += _shared(source, manifest, part.file)
    cells = source.frame[[name for name in source.frame.columns if name not in used]]
    values, found = _floats(cells, source.path.name, manifest)
    problems += [*found, *id_problems(named["patient_id"], source.path.name),
                 *spellings(named["patient_id"], source.path.name), *_twice(named, source.path.name)]
    return pd.concat([named[list(KEYS)], values], axis=1).reset_index(drop=True), problems


def further_table(manifest: Manifest, name: str) -> pd.DataFrame:
    """Return a further finished table of the manifest: patient_id and one float column per feature, its prefix before
    each name; a table that is not declared, or cannot be read whole, is refused."""
    if name not in manifest.tables:
        mend = nearest(name, manifest.tables) if manifest.tables else "Declare it under `tables`."
        raise RadnbError(f"{manifest.path}: tables: there is no {name!r}. {mend}", code="E_CONFIG")
    table, problems = find_further(manifest, name)
    raise_errors(problems)
    return table


def find_further(manifest: Manifest, name: str) -> tuple[pd.DataFrame, list[Problem]]:
    """Return what can be read of a further table together with everything that is wrong with it."""
    part, empty = manifest.tables[name], pd.DataFrame(columns=["patient_id"])
    try:
        source = _load(manifest.table_path(part.file, where=f"tables.{name}"), part)
    except RadnbError as error:
        return empty, [error_as_problem(error, str(manifest.path))]
    named, problems = key_columns(source, part.names, ("patient_id",), ("patient_id",))
    problems = [*source.problems, *problems, *_not_there(part.drop, source)]
    if any(p.code == "E_COLUMN" for p in problems):
        return empty, problems
    used = {half_width(column) for column in [*part.names.values(), *part.drop, *manifest.clinical_names()]}
    values, found = _floats(source.frame[[column for column in source.frame.columns if column not in used]],
                            source.path.name, manifest, f"tables.{name}.drop")
    where, ids = source.path.name, named["patient_id"]
    problems += [*_shared(source, manifest, part.file), *found, *id_problems(ids, where), *doubles(ids, where)]
    values = values.add_prefix(f"{name}_" if part.prefix is None else part.prefix)
    return pd.concat([ids, values], axis=1).reset_index(drop=True), problems


def _load(path: Path, part: FeatureTable | FurtherTable) -> Table:
    if path.suffix.lower() != ".parquet":
        return load_table(path, part.sheet)
    try:
        frame = pyarrow.parquet.read_table(path).to_pandas()
    except (pyarrow.ArrowException, OSError, ValueError):
        raise RadnbError(f"{path}: this is not a Parquet file, or it is damaged. Write it again.",
                         code="E_FORMAT") from None
    frame = frame.set_axis([half_width(str(name)) for name in frame.columns], axis=1)
    frame = frame.set_axis(pd.RangeIndex(1, len(frame) + 1, name="row"), axis=0)
    twice = tuple(Problem("E_COLUMN", path.name, f"the column name {name!r} stands twice.", "Rename one.", 0, name)
                  for name in frame.columns[frame.columns.duplicated()])
    keys = {half_width(name) for name in part.names.values()} & set(frame.columns)
    texts = {key: frame[key].map(_as_text) for key in sorted(keys)} if not twice else {}
    return Table(frame.assign(**texts), path, problems=twice)


def _as_text(value: Any) -> str:
    if value is None or value is pd.NA or value != value:
        return ""
    return str(int(value)) if isinstance(value, float) and value.is_integer() else str(value)


def _constants(part: FeatureTable, source: Table) -> list[Problem]:
    where, have = source.path.name, list(source.frame.columns)
    found = [Problem("E_CONFIG", where, f"features.{key} is given though the table has a column for it.",
                     "Remove one of the two.", 1, key)
             for key in part.constants if half_width(part.names[key]) in have]
    return found + _not_there(part.drop, source)


def _not_there(drop: Sequence[str], source: Table) -> list[Problem]:
    where, have = source.path.name, list(source.frame.columns)
    return [Problem("E_COLUMN", where, f"there is no column {name!r} to drop.", nearest(name, have), 1, name)
            for name in drop if half_width(name) not in have]


def _shared(source: Table, manifest: Manifest, file: str) -> list[Problem]:
    """Tell which columns stand in both tables: what `clinical` declares is no image feature, an outcome least."""
    both = [name for name in source.frame.columns if name in set(map(half_width, manifest.clinical_names()))]
    if not both or not manifest.clinical or manifest.clinical.file == file:
        return []
    return [Problem("W_SHARED", source.path.name, f"the columns {', '.join(both)} are declared under `clinical`, so "
                    "they are not taken as features.", "Rename those that are features.", 1, both[0])]


def _floats(cells: pd.DataFrame, where: str, manifest: Manifest,
            key: str = "features.drop") -> tuple[pd.DataFrame, list[Problem]]:
    missing = {word.casefold() for word in manifest.missing}
    columns, problems = {}, []
    for name in cells.columns:
        given = cells[name]
        numbers = pd.to_numeric(given, errors="coerce").astype("float64")
        words = given.astype(str).map(str.strip).str.casefold()
        bad = numbers.isna() & given.notna() & ~words.isin(missing | {"nan"})
        if bad.all() and len(bad):
            problems.append(Problem("E_CELL", where, f"the column {name!r} holds text, not a feature.",
                                    f"Add it to {key}, as in `drop: [{name}]`.", 1, name))
        else:
            problems += [Problem("E_CELL", where, f"{given[row]!r} is not a number.", "Correct it, or leave it empty.",
                                 int(str(row)), name) for row in given.index[bad]]
        columns[name] = numbers
    values = pd.DataFrame(columns, index=cells.index, dtype="float64")
    infinite = np.isinf(values)
    if n := int(infinite.to_numpy().sum()):
        first = str(values.columns[infinite.any()][0])
        problems.append(Problem("W_INFINITE", where, f"{n} values are infinite and count as missing.",
                                "Look how they came about.", int(str(values.index[infinite[first]][0])), first))
    return values.where(~infinite), problems


def _twice(named: pd.DataFrame, where: str) -> list[Problem]:
    again = named[named.duplicated(list(KEYS))]
    return [Problem("E_DUP", where, f"patient {line.patient_id!r} has this roi, phase, timepoint and reader already.",
                    "Keep one row, or name the key columns under features.columns.", int(str(line.Index)), "patient_id")
            for line in again.itertuples()]
