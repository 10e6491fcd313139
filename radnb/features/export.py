"""Feature tables for other programs, safe to open in a spreadsheet."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import pandas as pd

from radnb.errors import RadnbError
from radnb.work.files import atomic_path, refuse_folder, write_csv, write_parquet

_SIGNS = "=+\\-@＝＋－＠"  # with these a cell becomes a formula, alone or after blanks that a spreadsheet drops
_BLANKS = "[\\s\\u200b\\ufeff]*"
_NEW_CELL = r"(?:(?<=;)|(?<=[^\t\r\n][\t\r\n]))"  # where a program with other separators begins one
_FORMULA = re.compile(rf"^(?=[\t\r\n]|{_BLANKS}[{_SIGNS}])|{_NEW_CELL}(?={_BLANKS}[{_SIGNS}])")


def export(features: pd.DataFrame, path: Path | str) -> Path:
    """Write a table as .csv, .xlsx or .parquet; text that a spreadsheet would run as a formula gets a quote first."""
    path = Path(path)
    refuse_target(path)
    if path.suffix.lower() == ".csv":
        write_csv(path, inert(features))
    elif path.suffix.lower() == ".xlsx":
        _write_xlsx(path, inert(features))
    else:
        write_parquet(path, features)
    return path


def refuse_target(path: Path) -> None:
    """Refuse a path that no table can be written to, before the work for it is done."""
    if path.suffix.lower() not in (".csv", ".xlsx", ".parquet"):
        raise RadnbError(f"{path.name}: tables are written as .csv, .xlsx or .parquet. Choose one of these endings.",
                         code="E_FORMAT")
    refuse_folder(path.parent)


def inert(table: pd.DataFrame) -> pd.DataFrame:
    """Return the table with every text, column names included, that begins like a formula put behind a quote."""
    safe = table.rename(columns=_quoted)
    texts = [place for place, kind in enumerate(safe.dtypes) if not pd.api.types.is_numeric_dtype(kind)]
    return safe.assign(**{safe.columns[place]: safe.iloc[:, place].map(_quoted, na_action="ignore") for place in texts})


def _quoted(value: Any) -> Any:
    return _FORMULA.sub("'", value) if isinstance(value, str) else value


def plain(text: str) -> str:
    """Take the quote before a formula away again, where a table that was made inert is read back."""
    return text[1:] if text.startswith("'") and _FORMULA.match(text[1:]) else text


def _write_xlsx(path: Path, table: pd.DataFrame) -> None:
    import openpyxl

    book = openpyxl.Workbook(write_only=True)
    page = book.create_sheet("features")
    page.append([_cell(page, str(name)) for name in table.columns])
    for row in table.itertuples(index=False):
        page.append([_cell(page, value) for value in row])
    with atomic_path(path) as temporary:
        book.save(temporary)


def _cell(page: Any, value: Any) -> Any:
    from openpyxl.cell import WriteOnlyCell

    plain = None if pd.isna(value) else value.item() if hasattr(value, "item") else value
    cell = WriteOnlyCell(page, value=plain)
    if isinstance(plain, str):
        cell.data_type = "s"
    return cell
