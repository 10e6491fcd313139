"""Exported tables hold text that no spreadsheet runs."""

from __future__ import annotations

import openpyxl
import pandas as pd
import pytest

from radnb.errors import RadnbError
from radnb.features.export import export

NASTY = ["=cmd|' /C calc'!A0", "+1", "-1", "@SUM(A1)", "\t=1", "＝1+1", "张三"]
TABLE = pd.DataFrame({"patient_id": NASTY, "original_firstorder_Mean": [-0.1 - 0.2, *range(6)], "=x": ["a"] * 7})


def test_csv_keeps_numbers_and_quotes_text_that_begins_like_a_formula(tmp_path) -> None:
    back = pd.read_csv(export(TABLE, tmp_path / "出口.csv"), dtype={"patient_id": str}, encoding="utf-8",
                       float_precision="round_trip")
    assert back["patient_id"].tolist() == [*(f"'{text}" for text in NASTY[:6]), "张三"]
    assert back["original_firstorder_Mean"].iloc[0] == -0.1 - 0.2
    assert back.columns[2] == "'=x"


def test_xlsx_cells_are_text_or_numbers_and_never_formulas(tmp_path) -> None:
    page = openpyxl.load_workbook(export(TABLE, tmp_path / "出口.xlsx")).active
    kinds = {cell.data_type for row in page.iter_rows() for cell in row}
    assert kinds == {"s", "n"}
    assert page["A2"].value == f"'{NASTY[0]}" and page["B3"].value == 0


def test_missing_values_stay_empty(tmp_path) -> None:
    table = pd.DataFrame({"a": [1.0, None], "b": ["x", None]})
    page = openpyxl.load_workbook(export(table, tmp_path / "t.xlsx")).active
    assert page["A3"].value is None and page["B3"].value is None


def test_parquet_is_exact_and_other_endings_are_refused(tmp_path) -> None:
    pd.testing.assert_frame_equal(pd.read_parquet(export(TABLE, tmp_path / "t.parquet")), TABLE)
    with pytest.raises(RadnbError, match="Choose one of these endings"):
        export(TABLE, tmp_path / "t.json")
