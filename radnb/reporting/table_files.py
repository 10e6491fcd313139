"""Tables as XLSX and Word files: safe against formula injection, and equal bytes for equal tables."""

from __future__ import annotations

import datetime
import io
import re
import zipfile
from collections.abc import Mapping, Sequence
from pathlib import Path

import numpy as np
import pandas as pd
from docx import Document
from docx.document import Document as DocumentType
from docx.enum.section import WD_ORIENT
from docx.oxml import OxmlElement
from docx.oxml.ns import qn
from docx.oxml.xmlchemy import BaseOxmlElement
from docx.shared import Mm, Pt
from docx.table import Table as WordTable
from openpyxl import Workbook
from openpyxl.cell.cell import Cell
from openpyxl.styles import Alignment, Font
from openpyxl.utils import get_column_letter

from radnb.work.files import write_bytes

EPOCH = datetime.datetime(1980, 1, 1)
FORBIDDEN = re.compile(r"[\x00-\x08\x0b\x0c\x0e-\x1f\ufffe\uffff]")


def write_xlsx(path: Path, sheets: Mapping[str, pd.DataFrame], *, title: str = "") -> None:
    """Write frames as sheets; texts are typed as texts, so that none is ever read as a formula."""
    book = Workbook()
    book.remove(book.active)
    for name, frame in sheets.items():
        _fill(book, name, frame)
    book.properties.title, book.properties.creator = title, "radnb"
    book.properties.created = book.properties.modified = EPOCH
    stream = io.BytesIO()
    book.save(stream)
    write_bytes(path, same_bytes(stream.getvalue()))


def _fill(book: Workbook, name: str, frame: pd.DataFrame) -> None:
    page = book.create_sheet(name)
    rows = [list(map(str, frame.columns)), *frame.astype(object).to_numpy().tolist()]
    for row, values in enumerate(rows, 1):
        for column, value in enumerate(values, 1):
            cell = page.cell(row, column)
            _type(cell, value)
            cell.alignment = Alignment(vertical="top", wrap_text=True)
            if row == 1:
                cell.font = Font(bold=True)
    for column in range(1, len(frame.columns) + 1):
        longest = max((len(str(r[column - 1]).split("\n")[0]) for r in rows), default=8)
        page.column_dimensions[get_column_letter(column)].width = min(max(10, longest * 1.2 + 2), 60)
    page.freeze_panes = "B2"


def _type(cell: Cell, value: object) -> None:
    if isinstance(value, bool | np.bool_):
        cell.value = bool(value)
    elif isinstance(value, int | float | np.integer | np.floating):
        cell.value = None if pd.isna(value) else float(value) if isinstance(value, float | np.floating) else int(value)
    elif value is not None and value is not pd.NA:
        cell.value = FORBIDDEN.sub("", str(value))
        cell.data_type = "s"


def same_bytes(content: bytes) -> bytes:
    """Rewrite a zip container with fixed times and order, so that equal tables give equal files."""
    source, stream = zipfile.ZipFile(io.BytesIO(content)), io.BytesIO()
    with zipfile.ZipFile(stream, "w", zipfile.ZIP_DEFLATED) as target:
        for name in source.namelist():
            inside = source.read(name)
            if name == "docProps/core.xml":
                inside = re.sub(rb"(<dcterms:(?:created|modified)[^>]*>)[^<]*", rb"\g<1>1980-01-01T00:00:00Z", inside)
            info = zipfile.ZipInfo(name, (1980, 1, 1, 0, 0, 0))
            info.compress_type, info.external_attr = zipfile.ZIP_DEFLATED, 0o644 << 16
            target.writestr(info, inside)
    return stream.getvalue()


def write_docx(path: Path, tables: Sequence[tuple[str, pd.DataFrame, str]], *, title: str, east_asian: str) -> None:
    """Write (heading, frame, note) triples as one Word document, ready for a manuscript."""
    document = Document()
    _page(document, east_asian)
    document.add_heading(title, level=1)
    for heading, frame, note in tables:
        document.add_heading(heading, level=2)
        _word_table(document, frame)
        if note:
            document.add_paragraph().add_run(note).font.size = Pt(8.5)
    core = document.core_properties
    core.title, core.author, core.last_modified_by, core.comments = title, "radnb", "radnb", ""
    core.created = core.modified = EPOCH
    stream = io.BytesIO()
    document.save(stream)
    write_bytes(path, same_bytes(stream.getvalue()))


def _page(document: DocumentType, east_asian: str) -> None:
    section = document.sections[0]
    section.orientation, section.page_width, section.page_height = WD_ORIENT.PORTRAIT, Mm(210), Mm(297)
    section.left_margin = section.right_margin = Mm(18)
    for name in ("Normal", "Heading 1", "Heading 2"):
        font = document.styles[name].font
        font.name = "Arial"
        fonts = document.styles[name].element.get_or_add_rPr().get_or_add_rFonts()
        for attribute in ("w:asciiTheme", "w:hAnsiTheme", "w:eastAsiaTheme", "w:cstheme"):
            fonts.attrib.pop(qn(attribute), None)
        fonts.set(qn("w:eastAsia"), east_asian)
    document.styles["Normal"].font.size = Pt(9)


def _word_table(document: DocumentType, frame: pd.DataFrame) -> None:
    if frame.empty:
        document.add_paragraph("–")
        return
    made = document.add_table(rows=1, cols=len(frame.columns))
    for cell, name in zip(made.rows[0].cells, frame.columns, strict=True):
        cell.text = FORBIDDEN.sub("", str(name))
        cell.paragraphs[0].runs[0].font.bold = True
    for values in frame.itertuples(index=False):
        for cell, value in zip(made.add_row().cells, values, strict=True):
            cell.text = FORBIDDEN.sub("", str(value))
    _rules(made)


def _rules(made: WordTable) -> None:
    """Draw the three rules of a journal table: above, below the head, at the end."""
    borders = OxmlElement("w:tblBorders")
    for edge in ("top", "bottom"):
        borders.append(_rule(edge, 8))
    made._tbl.tblPr.append(borders)
    for cell in made.rows[0].cells:
        line = OxmlElement("w:tcBorders")
        line.append(_rule("bottom", 4))
        cell._tc.get_or_add_tcPr().append(line)
    repeat = OxmlElement("w:tblHeader")
    made.rows[0]._tr.get_or_add_trPr().append(repeat)


def _rule(edge: str, size: int) -> BaseOxmlElement:
    rule = OxmlElement(f"w:{edge}")
    for name, value in (("val", "single"), ("sz", str(size)), ("space", "0"), ("color", "444444")):
        rule.set(qn(f"w:{name}"), value)
    return rule
