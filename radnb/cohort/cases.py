"""Cases: one row per patient, roi, phase, timepoint and reader, with the paths of its image and mask."""

from __future__ import annotations

import stat
import unicodedata
from collections.abc import Mapping
from pathlib import Path

import pandas as pd

from radnb.cohort.ids import id_problems, spellings, tidy_ids
from radnb.cohort.manifest import DEFAULTS, KEYS, Manifest, inside
from radnb.cohort.problems import Problem, error_as_problem, raise_errors
from radnb.cohort.tables import Table, half_width, load_table
from radnb.errors import RadnbError, nearest, similar

COLUMNS = [*KEYS, "image", "mask", "label", "row"]
EXTENSIONS = (".nii", ".nii.gz", ".nrrd", ".nhdr", ".mha", ".mhd")


def cases(manifest: Manifest) -> pd.DataFrame:
    """Return the image table as cases (patient_id, roi, phase, timepoint, reader, image, mask, label, row).

    A table that contradicts itself is refused.  A file that is not there is left to the extraction, which records
    that one case as failed, unless none of the files is there.
    """
    table, problems = find_cases(manifest)
    files = [p for p in problems if p.code == "E_FILE" and p.column in ("image", "mask")]
    raise_errors([p for p in problems if p not in files])
    if len({p.row for p in files}) == len(table) and files:
        raise RadnbError(f"{files[0].sentence} The same holds for every row: check data_root ({manifest.root}).",
                         code="E_FILE")
    return table


def find_cases(manifest: Manifest) -> tuple[pd.DataFrame, list[Problem]]:
    """Return the cases that can be read together with everything that is wrong with the image table."""
    if manifest.images is None:
        return pd.DataFrame(columns=COLUMNS), []
    try:
        path = manifest.table_path(manifest.images.file, where="images")
        source = load_table(path, manifest.images.sheet)
    except RadnbError as error:
        return pd.DataFrame(columns=COLUMNS), [error_as_problem(error, str(manifest.path))]
    named, problems = key_columns(source, manifest.images.names, ("patient_id", "image", "mask"),
                                  (*KEYS, "image", "mask", "label"))
    problems = [*source.problems, *problems]
    if any(p.code == "E_COLUMN" for p in problems):
        return pd.DataFrame(columns=COLUMNS), problems
    table = named.assign(row=named.index)
    where = source.path.name
    for column in ("image", "mask"):
        table[column], found = _paths(named[column], manifest.root, where, column)
        problems += found
    table["label"], found = _labels(named["label"], where)
    problems += [*found, *id_problems(table["patient_id"], where), *spellings(table["patient_id"], where)]
    problems += [*_repeated(table, where), *_shared(table, where)]
    return table[COLUMNS].reset_index(drop=True), problems


def key_columns(source: Table, names: Mapping[str, str], needed: tuple[str, ...],
                wanted: tuple[str, ...]) -> tuple[pd.DataFrame, list[Problem]]:
    """Rename a table's columns to ours, fill in defaults, and tell of columns that are missing or nearly known."""
    where, have = source.path.name, list(source.frame.columns)
    problems, taken = [], {}
    for name in wanted:
        theirs = half_width(names.get(name, name))
        if theirs in have:
            taken[name] = theirs
        elif name in needed or name in names:
            problems.append(Problem("E_COLUMN", where, f"there is no column {theirs!r} for {name}.",
                                    nearest(theirs, have), 1, theirs))
    rest = [column for column in have if column not in taken.values() and column]
    for name in (n for n in wanted if n not in taken and n not in needed):
        near = [column for column in rest if similar(column, [name], "")]
        problems += [Problem("W_COLUMN", where, f"the column {column!r} is not used; {name} is taken as "
                             f"{DEFAULTS[name]!r}.", f"Name it {name!r}, or name it under `columns`.", 1, column)
                     for column in near]
    table = pd.DataFrame({name: source.frame[theirs] if have.count(theirs) == 1 else source.frame[theirs].iloc[:, 0]
                          for name, theirs in taken.items()}, index=source.frame.index)
    for name in wanted:
        if name in DEFAULTS:
            cells = table[name].map(half_width) if name in table else pd.Series("", index=table.index)
            table[name] = cells.where(cells != "", DEFAULTS[name])
    if "patient_id" in table:
        table["patient_id"] = tidy_ids(table["patient_id"])
    return table, problems


def _paths(cells: pd.Series, root: Path, where: str, column: str) -> tuple[pd.Series, list[Problem]]:
    paths, problems = {}, []
    for row, cell in cells.items():
        path, said = _path(str(cell), root, column)
        paths[row] = str(path or "")
        if said:
            problems.append(Problem(said[0], where, said[1], said[2], int(str(row)), column))
    return pd.Series(paths, index=cells.index, dtype=object), problems


def _path(cell: str, root: Path, column: str) -> tuple[Path | None, tuple[str, str, str] | None]:
    if not cell:
        return None, ("E_CELL", f"no {column} is named.", "Write its path, or delete the row.")
    path = inside(root, cell)
    decomposed = inside(root, unicodedata.normalize("NFD", cell))  # as macOS names files
    if path and decomposed and not path.exists() and decomposed.exists():
        path = decomposed
    if path is None:
        return None, ("E_PATH", f"{cell!r} lies outside the data root {root}.",
                      "Write the path relative to data_root and copy the file there (a link out of it is refused).")
    if not path.name.lower().endswith(EXTENSIONS):
        return path, ("E_FORMAT", f"{path.name!r} is not an image file that is read.",
                      f"Give one of {', '.join(EXTENSIONS)}; convert DICOM to NIfTI first.")
    if not path.exists():
        near = [p.name for p in path.parent.iterdir()] if path.parent.is_dir() else []
        return path, ("E_FILE", f"there is no file {cell!r} below {root}.",
                      similar(path.name, near[:500], "Check the path and data_root."))
    if not stat.S_ISREG(path.stat().st_mode):
        return path, ("E_PATH", f"{cell!r} is not an ordinary file.", "Give the path of one image file.")
    return path, None


def _labels(cells: pd.Series, where: str) -> tuple[pd.Series, list[Problem]]:
    numbers = pd.to_numeric(cells, errors="coerce")
    good = numbers.notna() & (numbers >= 1) & (numbers == numbers.round()) & (numbers < 2**31)
    problems = [Problem("E_CELL", where, f"the label {cells[row]!r} is not a whole number from 1.",
                        "Write the number that the tumour has in the mask.", int(str(row)), "label")
                for row in cells.index[~good]]
    return numbers.where(good, 1).astype("int64"), problems


def _repeated(table: pd.DataFrame, where: str) -> list[Problem]:
    keys = list(KEYS)
    found = []
    for values, rows in table.groupby(keys, sort=False).groups.items():
        if len(rows) > 1:
            named = ", ".join(f"{key} {value!r}" for key, value in zip(keys, values, strict=True) if value)
            found.append(Problem("E_DUP", where, f"rows {', '.join(map(str, rows))} are the same case ({named}).",
                                 "Keep one, or tell them apart by phase, timepoint or reader.", int(str(rows[1]))))
    return found


def _shared(table: pd.DataFrame, where: str) -> list[Problem]:
    """Tell of files used for two patients, and of rows whose mask is the image itself."""
    found = [Problem("E_CELL", where, "image and mask are the same file.", "Write the path of the mask.", row, "mask")
             for row in table["row"][(table["image"] == table["mask"]) & (table["image"] != "")]]
    for column in ("image", "mask"):
        used = table[table[column] != ""]
        owners = used.groupby(column, sort=False)["patient_id"].unique()
        for path, names in owners[owners.map(len) > 1].items():
            row = int(used.loc[used[column] == path, "row"].iloc[1])
            found.append(Problem("E_LEAK", where, f"the {column} {Path(str(path)).name!r} belongs to several patients: "
                                 f"{', '.join(map(repr, names))}.", "Correct the path, or use one id.", row, column))
    return found
