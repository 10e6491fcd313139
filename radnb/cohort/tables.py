"""Tables as people keep them (CSV in any usual encoding, XLSX) read as text, every oddity told with its row."""

from __future__ import annotations

import csv
import io
import re
import unicodedata
import warnings
import zipfile
import zlib
from dataclasses import dataclass
from datetime import date, datetime, time
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pandas as pd

from radnb.cohort.problems import Problem, raise_errors
from radnb.errors import RadnbError, nearest

if TYPE_CHECKING:
    import openpyxl

LARGEST_CSV = 300_000_000
LARGEST_XLSX = 60_000_000
LARGEST_UNPACKED = 600_000_000
LARGEST_RATIO = 200
SEPARATORS = (",", ";", "\t", "，")
NAMES = {",": "comma", ";": "semicolon", "\t": "tab", "，": "full-width comma"}
ENCODINGS = ("utf-8-sig", "gb18030")
DOCTYPE = tuple("<!DOCTYPE".encode(encoding) for encoding in ("utf-8", "utf-16-le", "utf-16-be"))
_FULL_WIDTH = {code: code - 0xFEE0 for code in range(0xFF01, 0xFF5F)} | {0x3000: 0x20}
_INVISIBLE = dict.fromkeys((0x200B, 0x200C, 0x200D, 0x2060, 0xFEFF, 0x00AD))

Row = tuple[int, list[str]]


@dataclass(frozen=True)
class Table:
    """A table as text: the frame's index is the row that a spreadsheet shows (the header's row is 1)."""

    frame: pd.DataFrame
    path: Path
    encoding: str = ""
    separator: str = ""
    problems: tuple[Problem, ...] = ()


def read_table(path: Path, sheet: str | None = None) -> pd.DataFrame:
    """Read a CSV, TSV or XLSX as text cells, index = row shown by a spreadsheet; a broken table is refused."""
    table = load_table(path, sheet)
    raise_errors(table.problems)
    return table.frame


def load_table(path: Path, sheet: str | None = None) -> Table:
    """Read a table together with every oddity found in it (the caller decides what stops the work)."""
    path = Path(path)
    suffix = path.suffix.lower()
    if suffix in (".csv", ".tsv", ".txt"):
        if sheet is not None:
            raise RadnbError(f"{path}: a text table has no sheets. Remove `sheet`.", code="E_CONFIG")
        return _load_text(path)
    if suffix == ".xlsx":
        return _load_xlsx(path, sheet)
    raise RadnbError(f"{path}: tables of type {suffix or 'none'} are not read. Save it as .csv (UTF-8) or .xlsx.",
                     code="E_FORMAT")


def clean(text: str) -> str:
    """Return text in NFC without invisible characters and outer spaces."""
    return text.strip() if text.isascii() else unicodedata.normalize("NFC", text.translate(_INVISIBLE)).strip()


def half_width(text: str) -> str:
    """Return cleaned text whose full-width letters, digits and signs are ordinary ones."""
    return clean(text if text.isascii() else text.translate(_FULL_WIDTH))


def _load_text(path: Path) -> Table:
    text, encoding = _decoded(path)
    separator = _separator(text)
    body = text.partition("\n")[2] if re.match(r"sep=.\r?\n", text, re.IGNORECASE) else text
    shift = 1 if body is not text else 0
    try:
        rows = [(number + shift, cells) for number, cells in
                enumerate(csv.reader(io.StringIO(body, newline=""), delimiter=separator, strict=True), 1)]
    except csv.Error as error:
        raise RadnbError(f"{path}: a quotation mark is not closed or stands inside a cell ({error}). "
                         "Remove it, or save the table again from a spreadsheet.", code="E_ROW") from None
    found = []
    if encoding == "gb18030":
        found.append(Problem("W_ENCODING", path.name, "the text was read as GB18030 (GBK).",
                             "Look whether Chinese names appear right, or save it as CSV UTF-8."))
    return _table(rows, path, found, encoding=encoding, separator=separator)


def _decoded(path: Path) -> tuple[str, str]:
    content = _bytes_of(path, LARGEST_CSV)
    if content[:2] in (b"\xff\xfe", b"\xfe\xff"):
        return content.decode("utf-16", errors="replace"), "utf-16"
    if b"\0" in content[:100_000]:
        raise RadnbError(f"{path}: this is not a text table. Save it from a spreadsheet as CSV UTF-8 or .xlsx.",
                         code="E_FORMAT")
    for encoding in ENCODINGS:
        try:
            return content.decode(encoding), encoding.removesuffix("-sig")
        except UnicodeDecodeError:
            continue
    raise RadnbError(f"{path}: the text is neither UTF-8 nor GB18030. Save it from a spreadsheet as CSV UTF-8.",
                     code="E_ENCODING")


def _bytes_of(path: Path, largest: int) -> bytes:
    if not path.is_file():
        raise RadnbError(f"{path}: there is no such file. Check the path.", code="E_FILE")
    if path.stat().st_size > largest:
        raise RadnbError(f"{path}: larger than {largest // 1_000_000} MB. Is this the right table? "
                         "Give a feature table as Parquet.", code="E_TOO_BIG")
    try:
        return path.read_bytes()
    except OSError as error:
        raise RadnbError(f"{path} cannot be read: {error.strerror}. Close it in other programs and check who may "
                         "read it.", code="E_FILE") from None


def _separator(text: str) -> str:
    declared = re.match(r"sep=(.)\r?\n", text, re.IGNORECASE)
    if declared and declared[1] in SEPARATORS:
        return declared[1]
    header = next((line for line in text.splitlines() if line.strip()), "")
    bare = re.sub(r'"[^"]*"', "", header)
    return max(SEPARATORS, key=lambda mark: (bare.count(mark), -SEPARATORS.index(mark)))


def _table(rows: list[Row], path: Path, found: list[Problem], *, encoding: str = "", separator: str = "") -> Table:
    filled = [(number, cells) for number, cells in rows if any(clean(cell) for cell in cells)]
    if not filled:
        raise RadnbError(f"{path}: the table is empty. Fill it, or name another file or sheet.", code="E_EMPTY")
    (_, header), *body = filled
    names = [half_width(name) for name in header]
    while names and not names[-1]:
        names.pop()
    wider = sum(any(clean(cell) for cell in cells[len(names):]) for _, cells in body)
    if wider > 1 and 2 * wider > len(body) and len(names) < 3:
        raise RadnbError(f"{path}: the rows hold more columns than the first row names. If it is a title, delete it, "
                         "so that the column names come first.", code="E_HEADER")
    found += _header_faults(names, path) + _ragged(body, names, path, separator)
    width = len(names)
    cells = [[clean(cell) for cell in (row + [""] * width)[:width]] for _, row in body]
    if not body:
        found.append(Problem("E_EMPTY", path.name, "the table has a header and no rows.", "Add the patients."))
    index = pd.Index([number for number, _ in body], name="row", dtype="int64")
    frame = pd.DataFrame(cells, columns=names, index=index, dtype=object)
    return Table(frame, path, encoding, NAMES.get(separator, ""), tuple(found))


def _header_faults(names: list[str], path: Path) -> list[Problem]:
    twice = [name for name in dict.fromkeys(names) if name and names.count(name) > 1]
    found = [Problem("E_COLUMN", path.name, f"the column name {name!r} stands {names.count(name)} times.",
                     "Give each column its own name.", 1, name) for name in twice]
    blank = [str(place) for place, name in enumerate(names, 1) if not name]
    if blank:
        found.append(Problem("E_COLUMN", path.name, f"column number {', '.join(blank)} has no name.",
                             "Name it, or delete it.", 1))
    return found


def _ragged(body: list[Row], names: list[str], path: Path, separator: str) -> list[Problem]:
    found = []
    for number, cells in body:
        extra = [cell for cell in cells[len(names):] if clean(cell)]
        if not extra and (len(cells) >= len(names) or not separator):
            continue
        mend = "Put quotes around cells that hold the separator, or fill in the empty cells."
        if separator and separator != "，" and any("，" in cell for cell in cells):
            mend = "It holds full-width commas: replace them by ordinary ones."
        found.append(Problem("E_ROW", path.name, f"the row has {len(cells)} cells, the header {len(names)}.",
                             mend, number))
    return found


def _load_xlsx(path: Path, sheet: str | None) -> Table:
    _refuse_bombs(path)
    book = _workbook(path, values=False)
    try:
        page = _page(book, path, sheet)
        merged = [str(area) for area in page.merged_cells.ranges]
        formulas = [cell.coordinate for row in page.iter_rows() for cell in row if cell.data_type == "f"]
        title = page.title
    finally:
        book.close()
    found = [Problem("E_CELL", path.name, f"the cells {area} are merged, so that all but the first are empty.",
                     "Unmerge them and fill in each cell.") for area in sorted(merged)]
    if formulas:
        page = _workbook(path, values=True)[title]
        lost = [place for place in formulas if page[place].value is None]
        found += [Problem("E_CELL", path.name, f"the cell {place} holds a formula without a stored result.",
                          "Paste it as a value.") for place in lost]
    rows = [(number, [_cell_text(cell) for cell in row]) for number, row in enumerate(page.iter_rows(), 1)]
    return _table(rows, path, found)


def _refuse_bombs(path: Path) -> None:
    _bytes_of(path, LARGEST_XLSX)
    try:
        with zipfile.ZipFile(path) as archive:
            entries = archive.infolist()
    except (zipfile.BadZipFile, OSError, ValueError):
        raise RadnbError(f"{path}: this is not an .xlsx file (damaged, encrypted, or renamed). "
                         "Open it in a spreadsheet and save it as .xlsx without a password.", code="E_FORMAT") from None
    unpacked, packed = sum(e.file_size for e in entries), sum(e.compress_size for e in entries)
    if unpacked > LARGEST_UNPACKED or len(entries) > 10_000 or (
            unpacked > 50_000_000 and unpacked > LARGEST_RATIO * max(packed, 1)):
        raise RadnbError(f"{path}: unpacks to {unpacked // 1_000_000} MB. Save only the table that is needed.",
                         code="E_TOO_BIG")
    _refuse_entities(path, [e.filename for e in entries if e.filename.endswith((".xml", ".rels"))])


def _refuse_entities(path: Path, names: list[str]) -> None:
    """Refuse document types in the workbook's XML (entity bombs, outside files) before any parser sees them."""
    try:
        with zipfile.ZipFile(path) as archive:
            hostile = any(mark in content for name in names for content in [archive.read(name)] for mark in DOCTYPE)
    except (zipfile.BadZipFile, OSError, EOFError, RuntimeError, NotImplementedError, zlib.error):
        raise RadnbError(f"{path}: the workbook is damaged or encrypted. Open it in a spreadsheet and save it again as "
                         ".xlsx without a password.", code="E_FORMAT") from None
    if hostile:
        raise RadnbError(f"{path}: the file holds XML entities, which no spreadsheet writes. Do not open it; "
                         "ask its sender.", code="E_FORMAT")


def _workbook(path: Path, *, values: bool) -> openpyxl.Workbook:
    import openpyxl  # only where a table is an Excel file
    from openpyxl.utils.exceptions import InvalidFileException

    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", UserWarning)  # openpyxl tells of styles it drops
            return openpyxl.load_workbook(path, data_only=values, keep_links=False)
    except (InvalidFileException, KeyError, ValueError, TypeError, AttributeError, SyntaxError, OSError) as error:
        raise RadnbError(f"{path}: the workbook is damaged ({type(error).__name__}). Open it in a spreadsheet and save "
                         "it again as .xlsx.", code="E_FORMAT") from None


def _page(book: openpyxl.Workbook, path: Path, sheet: str | None) -> Any:
    names = [page.title for page in book.worksheets]
    if sheet is not None:
        if sheet not in names:
            raise RadnbError(f"{path}: there is no sheet {sheet!r}. {nearest(sheet, names)}", code="E_SHEET")
        return book[sheet]
    filled = [page for page in book.worksheets if page.max_row > 1 or page.max_column > 1]
    if len(filled) > 1:
        raise RadnbError(f"{path}: several sheets hold data ({', '.join(page.title for page in filled)}). "
                         "Say which one with `sheet: NAME`.", code="E_SHEET")
    return filled[0] if filled else book.worksheets[0]


def _cell_text(cell: Any) -> str:
    value = cell.value
    if value is None:
        return ""
    if isinstance(value, bool):
        return "TRUE" if value else "FALSE"
    if isinstance(value, int | float):
        return _number_text(value, str(cell.number_format))
    if isinstance(value, datetime):
        return value.date().isoformat() if value.time() == time() else value.isoformat(sep=" ")
    if isinstance(value, date | time):
        return value.isoformat()
    return str(value)


def _number_text(value: float, shown_as: str) -> str:
    """Write a number as it is shown: 7.0 as 7, padded by a format such as 000, long ones in E notation."""
    if not float(value).is_integer():
        return f"{value:.15g}"
    if abs(value) >= 1e15:
        return f"{value:.14E}"  # a spreadsheet keeps 15 digits: what was an id is lost
    text = str(int(value))
    return text.zfill(len(shown_as)) if re.fullmatch(r"0{2,}", shown_as) and value >= 0 else text
