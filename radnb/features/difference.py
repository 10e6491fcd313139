"""What differs between two tables of features: names, rows and values."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pandas as pd

from radnb.errors import RadnbError, nearest
from radnb.features.deviation import deviations
from radnb.features.export import plain
from radnb.features.index import KEYS
from radnb.features.names import parts

TOLERANCE = 1e-9
WORST = 10
_READERS = {".csv": lambda path: pd.read_csv(path, dtype=str, keep_default_na=False, encoding="utf-8-sig"),
            ".xlsx": lambda path: pd.read_excel(path, dtype=str, keep_default_na=False),
            ".parquet": pd.read_parquet}


@dataclass(frozen=True)
class Difference:
    """Names and rows of one table only, the largest deviation of each feature class, and the worst values."""

    only_a: list[str]
    only_b: list[str]
    rows_only_a: list[str]
    rows_only_b: list[str]
    classes: pd.DataFrame  # kind, values, beyond (the tolerance), largest
    worst: pd.DataFrame  # row, feature, a, b, deviation
    tolerance: float

    @property
    def equal(self) -> bool:
        """Say whether both hold the same names, rows and values."""
        return not (self.only_a or self.only_b or self.rows_only_a or self.rows_only_b or len(self.worst))

    @property
    def told(self) -> list[str]:
        """Return what differs, line by line, and a sentence that sums it up."""
        lists = {"features only in A": self.only_a, "features only in B": self.only_b,
                 "rows only in A": self.rows_only_a, "rows only in B": self.rows_only_b}
        lines = [f"{len(names)} {what}: {', '.join(names[:5])}{' ...' if len(names) > 5 else ''}"
                 for what, names in lists.items() if names]
        lines += [f"{kind:<12}{n:>9} values, {beyond} beyond {self.tolerance:g}, "
                  f"largest relative deviation {largest:.2g}"
                  for kind, n, beyond, largest in self.classes.itertuples(index=False)]
        lines += [f"  {row.row}, {row.feature}: {row.a!r} against {row.b!r} ({row.deviation:.2g})"
                  for row in self.worst.itertuples()]
        beyond = int(self.classes["beyond"].sum())
        return [*lines, "The tables agree." if self.equal else
                f"The tables differ: {beyond} of {int(self.classes['values'].sum())} values beyond {self.tolerance:g}."]


def difference(a: Path | str, b: Path | str, *, tolerance: float = TOLERANCE,
               keys: Sequence[str] = ()) -> Difference:
    """Compare two tables (CSV, Excel or Parquet) row by row of equal `keys` (radnb's key columns, where not given)."""
    one, other = _read(Path(a)), _read(Path(b))
    named = list(keys) or [key for key in KEYS if key in one and key in other]
    if not named and one.columns[0] in other:
        named = [one.columns[0]]
    one, other = _keyed(one, named, Path(a)), _keyed(other, named, Path(b))
    left, right = _numbers(one), _numbers(other)
    names = [name for name in left if name in right]
    rows = [row for row in left.index if row in set(right.index)]
    apart = deviations(left.loc[rows, names], right.loc[rows, names])
    return Difference([n for n in left if n not in right], [n for n in right if n not in left],
                      [r for r in left.index if r not in set(rows)], [r for r in right.index if r not in set(rows)],
                      _classes(apart, tolerance), _worst(apart, left, right, tolerance), tolerance)


def _read(path: Path) -> pd.DataFrame:
    if not path.is_file():
        raise RadnbError(f"{path}: there is no such file. Name two tables of features.", code="E_FILE")
    if path.suffix.lower() not in _READERS:
        raise RadnbError(f"{path.name}: tables are read from {', '.join(_READERS)}. Name one of these.",
                         code="E_FORMAT")
    try:
        table = _READERS[path.suffix.lower()](path)
    except (ValueError, OSError, KeyError) as error:
        raise RadnbError(f"{path} is no table that can be read ({error}). Export it again.", code="E_FORMAT") from error
    return table.rename(columns=lambda name: plain(str(name)))


def _keyed(table: pd.DataFrame, keys: Sequence[str], path: Path) -> pd.DataFrame:
    for key in keys:
        if key not in table:
            raise RadnbError(f"{path.name}: there is no column {key!r}. {nearest(key, map(str, table.columns[:20]))}",
                             code="E_COLUMN")
    if not keys:
        raise RadnbError(f"{path.name}: no column names the rows in both tables. Give it: --key NAME.", code="E_COLUMN")
    named = table[list(keys)].astype(object).where(table[list(keys)].notna(), "")  # empty cells alike in all formats
    rows = [", ".join(plain(str(cell)) for cell in row) for row in named.itertuples(index=False)]
    index = pd.Index(rows, dtype=object)
    if index.duplicated().any():
        raise RadnbError(f"{path.name}: the row {index[index.duplicated()][0]} stands there twice. Name the "
                         "columns that tell rows apart: --key NAME, repeatable.", code="E_DUP")
    return table.drop(columns=[*keys, *(key for key in KEYS if key in table and key not in keys)]).set_index(index)


def _numbers(table: pd.DataFrame) -> pd.DataFrame:
    """Return the columns that hold numbers only; what PyRadiomics tells of itself (diagnostics) is none."""
    found = {name: values for name in table if not str(name).startswith("diagnostics_")
             and (values := _exact(table[name])) is not None}
    return pd.DataFrame(found, index=table.index)


def _exact(column: pd.Series) -> np.ndarray | None:
    """Return texts as the numbers nearest to them (pandas' own reading may miss the last digit), or None for words."""
    try:
        return column.where(column.notna() & (column != ""), "nan").to_numpy(dtype=object).astype(float)
    except (ValueError, TypeError):
        return None


def _classes(apart: pd.DataFrame, tolerance: float) -> pd.DataFrame:
    kinds = [found.kind if (found := parts(str(name))) else "other" for name in apart]
    rows = []
    for kind in dict.fromkeys(kinds):
        part = apart.iloc[:, [at for at, other in enumerate(kinds) if other == kind]].to_numpy()
        rows.append([kind, part.size, int((part > tolerance).sum()), float(part.max(initial=0.0))])
    return pd.DataFrame(rows, columns=["kind", "values", "beyond", "largest"])


def _worst(apart: pd.DataFrame, left: pd.DataFrame, right: pd.DataFrame, tolerance: float) -> pd.DataFrame:
    flat = apart.to_numpy().ravel()
    order = [at for at in np.argsort(-flat, kind="stable")[:WORST] if flat[at] > tolerance]
    places = [(apart.index[at // apart.shape[1]], apart.columns[at % apart.shape[1]], flat[at]) for at in order]
    return pd.DataFrame([[row, name, left.at[row, name], right.at[row, name], size] for row, name, size in places],
                        columns=["row", "feature", "a", "b", "deviation"])
