"""Tables as people keep them are read the same, whatever their encoding, separator or format."""

from __future__ import annotations

import re
import zipfile
from datetime import datetime
from pathlib import Path

import openpyxl
import pytest

from radnb.cohort.tables import load_table, read_table
from radnb.errors import RadnbError

ROWS = [["编号", "年龄", "备注"], ["007", "61", "好"], ["NA", "58", ""]]


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    place = tmp_path / "我的 队列"
    place.mkdir()
    return place


def as_text(separator: str, end: str = "\n") -> str:
    return end.join(separator.join(row) for row in ROWS) + end


def save_xlsx(path: Path, rows: list[list[object]], title: str = "数据") -> openpyxl.Workbook:
    book = openpyxl.Workbook()
    book.active.title = title
    for row in rows:
        book.active.append(row)
    book.save(path)
    return book


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "gb18030", "gbk", "utf-16"])
@pytest.mark.parametrize("separator", [",", ";", "\t", "，"])
@pytest.mark.parametrize("end", ["\n", "\r\n"])
def test_text_tables_give_the_same_cells_in_any_usual_encoding(folder: Path, encoding: str, separator: str,
                                                              end: str) -> None:
    path = folder / "临床 表.csv"
    path.write_bytes(as_text(separator, end).encode(encoding))
    assert read_table(path).reset_index().to_numpy().tolist() == [[2, "007", "61", "好"], [3, "NA", "58", ""]]


def test_an_xlsx_gives_the_same_cells_and_keeps_padded_ids(folder: Path) -> None:
    path = folder / "表.xlsx"
    book = save_xlsx(path, [["编号", "年龄", "日期"], [7, 61.0, datetime(2024, 3, 5)], ["NA", 0.3, None],
                            [8, True, ""]])
    book.active["A2"].number_format = "000"
    book.save(path)
    assert read_table(path).to_numpy().tolist() == [["007", "61", "2024-03-05"], ["NA", "0.3", ""], ["8", "TRUE", ""]]


def test_the_encoding_and_separator_used_are_told(folder: Path) -> None:
    path = folder / "a.csv"
    path.write_bytes(as_text(";").encode("gb18030"))
    table = load_table(path)
    assert (table.encoding, table.separator) == ("gb18030", "semicolon")
    assert [p.code for p in table.problems] == ["W_ENCODING"]


def test_blank_lines_are_skipped_and_rows_keep_the_number_a_spreadsheet_shows(folder: Path) -> None:
    path = folder / "a.csv"
    path.write_text('sep=;\nid;note\n\n1;"two\nlines; one cell"\n;\n2;x\n', encoding="utf-8")
    frame = read_table(path)
    assert list(frame.index) == [4, 6]
    assert frame.loc[4, "note"] == "two\nlines; one cell"


def test_names_are_forgiven_their_full_width_brackets_and_outer_spaces(folder: Path) -> None:
    path = folder / "a.csv"
    path.write_text("\u200b编号 ,大小（ｍｍ）,,\n1,2,,\n", encoding="utf-8")
    assert list(read_table(path).columns) == ["编号", "大小(mm)"]


def test_an_id_of_many_digits_shows_that_the_spreadsheet_lost_them(folder: Path) -> None:
    path = folder / "a.xlsx"
    save_xlsx(path, [["id"], [110101199003071234]])
    assert "E+17" in read_table(path).iloc[0, 0]


@pytest.mark.parametrize(("text", "mend"), [
    ("id,age,age\n1,2,3\n", "Give each column its own name"),
    ("id,,age\n1,2,3\n", "Name it, or delete it"),
    ("id,age\n1,2,3\n", r"row 2.*3 cells, the header 2.*Put quotes"),
    ("id,age\n1,2\n3\n", r"row 3.*1 cells"),
    ("id,age\n1，2\n", "full-width commas: replace"),
    ("id,age\n", "Add the patients"),
    ("Our cohort\nid,age\n1,2\n3,4\n", "If it is a title, delete it"),
    ("\n\n", "Fill it, or name another file"),
    ('id,age\n"1,2\n', "save the table again from a spreadsheet"),
])
def test_a_broken_text_table_is_refused_with_its_mend(folder: Path, text: str, mend: str) -> None:
    path = folder / "a.csv"
    path.write_text(text, encoding="utf-8")
    with pytest.raises(RadnbError, match=mend):
        read_table(path)


@pytest.mark.parametrize(("content", "code"), [
    (b"\xff\xff\xff,1\n", "E_ENCODING"), (b"id\0,1\n", "E_FORMAT")])
def test_bytes_that_are_no_text_are_refused(folder: Path, content: bytes, code: str) -> None:
    path = folder / "a.csv"
    path.write_bytes(content)
    with pytest.raises(RadnbError, match="Save it from a spreadsheet") as caught:
        read_table(path)
    assert caught.value.code == code


def test_other_types_and_absent_files_are_refused(folder: Path) -> None:
    for name, mend in (("a.xls", "Save it as .csv"), ("a.csv", "Check the path"), ("a.xlsx", "Check the path")):
        with pytest.raises(RadnbError, match=mend):
            read_table(folder / name)


def test_a_sheet_is_found_by_name_and_a_wrong_name_is_corrected(folder: Path) -> None:
    path = folder / "a.xlsx"
    book = save_xlsx(path, [["id", "age"], ["1", 2]], "clinical")
    book.create_sheet("images").append(["id", "image"])
    book.save(path)
    assert read_table(path, "clinical").iloc[0, 0] == "1"
    with pytest.raises(RadnbError, match="Did you mean 'clinical'"):
        read_table(path, "clincal")
    with pytest.raises(RadnbError, match="Say which one with `sheet: NAME`"):
        read_table(path)


def test_formulas_are_never_evaluated_and_merged_cells_are_told(folder: Path) -> None:
    path = folder / "a.xlsx"
    book = save_xlsx(path, [["id", "age"], ["1", "=1+1"], ["2", 5], ["", 6]])
    book.active.merge_cells("A3:A4")
    book.save(path)
    with pytest.raises(RadnbError, match=r"A3:A4 are merged(.|\n)*B2 holds a formula without a stored result"):
        read_table(path)


def test_a_formula_counts_as_its_stored_result(folder: Path) -> None:
    path, stored = folder / "a.xlsx", folder / "b.xlsx"
    save_xlsx(path, [["id", "age"], ["1", "=60+1"]])
    with zipfile.ZipFile(path) as before, zipfile.ZipFile(stored, "w") as after:
        for name in before.namelist():
            text = before.read(name)
            after.writestr(name, re.sub(rb"</f><v ?/>|</f><v></v>", b"</f><v>61</v>", text))
    assert read_table(stored).iloc[0].tolist() == ["1", "61"]


def test_zip_bombs_entities_and_renamed_files_are_refused(folder: Path) -> None:
    bomb, entity, page = folder / "bomb.xlsx", folder / "entity.xlsx", folder / "page.xlsx"
    with zipfile.ZipFile(bomb, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("xl/worksheets/sheet1.xml", b"0" * 60_000_000)
    with pytest.raises(RadnbError, match="unpacks to 60 MB"):
        read_table(bomb)
    save_xlsx(folder / "good.xlsx", [["id"], ["1"]])
    with zipfile.ZipFile(folder / "good.xlsx") as good, zipfile.ZipFile(entity, "w") as bad:
        for name in good.namelist():
            head, mark, tail = good.read(name).rpartition(b"?>")
            bomb_text = b'<!DOCTYPE x [<!ENTITY a "aaaa">]>' if name == "xl/worksheets/sheet1.xml" else b""
            bad.writestr(name, head + mark + bomb_text + tail)
    with pytest.raises(RadnbError, match="XML entities"):
        read_table(entity)
    page.write_text("<html>Please log in</html>", encoding="utf-8")
    with pytest.raises(RadnbError, match=r"not an \.xlsx file"):
        read_table(page)
