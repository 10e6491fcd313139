"""The clinical table is typed as declared, and a model never knows what comes after it."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pandas as pd
import pytest

from radnb.cohort.clinical import clinical, predictors
from radnb.cohort.manifest import Manifest
from radnb.errors import RadnbError

Write = Callable[..., Manifest]
CARD = """name: x
clinical:
  file: clinical.csv
  columns:
    patient_id: {column: 编号}
    age: {column: 年龄, kind: number, known: before_surgery, unit: years, range: [0, 120], label: {en: Age, zh: 年龄}}
    sex:
      kind: category
      known: before_surgery
      levels: [female, male]
      map: {女: female, 男: male}
      label: {en: Sex, zh: 性别}
      level_labels: {female: {en: Female, zh: 女}, male: {en: Male, zh: 男}}
    ki67: {kind: number, known: after_surgery, map: {"<1": 0.5}}
    seen: {kind: date, known: outcome}
    notes: {kind: text, known: outcome}
"""
ROWS = """编号,年龄,sex,ki67,seen,notes
007,61,女,<1,2024-03-05,好
NA,不详,男,3.5,,
8,58.5,Male,-,2023-12-31,=1+1
"""


def test_columns_are_typed_as_declared_and_ids_stay_text(write: Write) -> None:
    table = clinical(write(CARD, clinical=ROWS))
    assert table["patient_id"].tolist() == ["007", "NA", "8"]
    assert table["age"].tolist()[0] == 61.0 and np.isnan(table["age"][1])
    assert table["sex"].tolist() == ["female", "male", "male"]
    assert list(table["sex"].cat.categories) == ["female", "male"]
    assert table["ki67"].tolist()[:2] == [0.5, 3.5] and np.isnan(table["ki67"][2])
    assert table["seen"][0] == pd.Timestamp("2024-03-05") and pd.isna(table["seen"][1])
    assert table["notes"][2] == "=1+1" and table["notes"].isna()[1]


def test_a_declared_level_wins_over_a_word_for_missing(write: Write) -> None:
    card = ("name: x\nclinical: {file: clinical.csv, columns: {side: {kind: category, known: outcome, "
            "levels: [unknown, left]}, code: {kind: category, known: outcome, levels: [1, 2]}}}\n")
    table = clinical(write(card, clinical="patient_id,side,code\n1,Unknown,1.0\n2,left,２\n3,NA,\n"))
    assert table["side"].tolist()[:2] == ["unknown", "left"] and table["side"].isna()[2]
    assert table["code"].tolist()[:2] == ["1", "2"]


def test_all_bad_cells_are_told_at_once_with_row_column_and_mend(write: Write) -> None:
    bad = "编号,年龄,sex,ki67,seen,notes\n1,130,x,\"3,5\",2024/13/01,\n2,old,女,<2,45000,\n3,40,男,5%,2024-02-30,\n"
    with pytest.raises(RadnbError) as caught:
        clinical(write(CARD, clinical=bad))
    text = str(caught.value)
    for said in ("9 problems", "row 2, column 年龄: 130 lies outside 0 to 120 years",
                 "row 3, column 年龄: 'old' is not a number",
                 "row 2, column sex: 'x' is not one of the levels", "Write a decimal point: 3.5",
                 'map: {"<2": NUMBER}', "Leave out the % sign", "row 2, column seen: '2024/13/01' is not a date",
                 "format the cells as dates", "'2024-02-30' is not a date"):
        assert said in text


@pytest.mark.parametrize(("rows", "code", "mend"), [
    ("编号,年龄,sex,ki67,seen,notes\n1,1,,,,\n1,2,,,,\n", "E_DUP", "rows 2, 3"),
    ("编号,年龄,sex,ki67,seen,notes\np1,1,,,,\n P1,2,,,,\n", "E_DUP", "'p1' / 'P1'"),
    ("编号,年龄,sex,ki67,seen\n1,1,,,\n", "E_COLUMN", "no column 'notes' for notes"),
    ("编号,年纪,sex,ki67,seen,notes\n1,1,,,,\n", "E_COLUMN", "no column '年龄' for age"),
])
def test_a_table_that_contradicts_the_manifest_is_refused(write: Write, rows: str, code: str, mend: str) -> None:
    with pytest.raises(RadnbError, match=mend) as caught:
        clinical(write(CARD, clinical=rows))
    assert caught.value.code == code


def test_more_than_sixty_bad_cells_point_to_the_check(write: Write) -> None:
    rows = "编号,年龄,sex,ki67,seen,notes\n" + "".join(f"{n},x,,,,\n" for n in range(70))
    with pytest.raises(RadnbError, match=r"and 10 more: `radnb check`"):
        clinical(write(CARD, clinical=rows))


def test_predictors_are_floats_with_indicators_by_declared_levels(write: Write) -> None:
    manifest = write(CARD, clinical="编号,年龄,sex,ki67,seen,notes\n1,40,男,,,\n2,50,,,,\n3,60,女,,,\n")
    found = predictors(clinical(manifest).set_index("patient_id"), manifest, ["age", "sex"])
    assert list(found.columns) == ["age", "sex=male"] and list(found.index) == ["1", "2", "3"]
    assert found["sex=male"].tolist()[::2] == [1.0, 0.0] and np.isnan(found["sex=male"].iloc[1])
    assert predictors(clinical(manifest), manifest, []).shape == (3, 0)


def test_a_preoperative_model_refuses_what_is_known_later(write: Write) -> None:
    manifest = write(CARD, clinical=ROWS)
    table = clinical(manifest)
    with pytest.raises(RadnbError) as caught:
        predictors(table, manifest, ["ki67", "seen", "aeg"])
    text = str(caught.value)
    assert "'ki67': ki67 is known only after surgery" in text and "'seen': seen is an outcome" in text
    assert "Did you mean 'age'" in text
    assert predictors(table, manifest, ["ki67"], model_time="after_surgery")["ki67"].tolist()[0] == 0.5
    with pytest.raises(RadnbError, match="is an outcome"):
        predictors(table, manifest, ["notes"], model_time="after_surgery")


def test_a_category_without_levels_and_a_text_are_no_predictors(write: Write) -> None:
    card = ("name: x\nclinical: {file: clinical.csv, columns: {c: {kind: category, known: before_surgery}, "
            "t: {kind: text, known: before_surgery}}}\n")
    manifest = write(card, clinical="patient_id,c,t\n1,b,x\n2,a,y\n")
    table = clinical(manifest)
    assert list(table["c"].cat.categories) == ["a", "b"]
    with pytest.raises(RadnbError, match=r"reference level first(.|\n)*kind text cannot be a predictor"):
        predictors(table, manifest, ["c", "t"])
