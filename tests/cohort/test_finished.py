"""A finished feature table becomes long features, whatever its format."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pandas as pd
import pytest

from radnb.cohort.check import check
from radnb.cohort.finished import find_features, finished_features, further_table
from radnb.cohort.manifest import KEYS, Manifest
from radnb.errors import RadnbError

Write = Callable[..., Manifest]
WIDE = "name: x\nfeatures: {file: features.csv, columns: {patient_id: ID}, phase: arterial, drop: [扫描仪]}\n"


def test_a_wide_table_takes_its_constants_and_gives_floats(write: Write) -> None:
    table = finished_features(write(WIDE, features="ID,扫描仪,a_Mean,a_Max\n007,S1,1.5,2\nNA,S2,NA,inf\n"))
    assert list(table.columns) == [*KEYS, "a_Mean", "a_Max"]
    assert table.loc[0].tolist() == ["007", "tumour", "arterial", "baseline", "R1", 1.5, 2.0]
    assert table.loc[1, ["a_Mean", "a_Max"]].isna().all()


def test_a_long_parquet_gives_the_same_and_numeric_ids_become_text(write: Write, folder: Path) -> None:
    frame = pd.DataFrame({"patient_id": [7, 7], "phase": ["A", "V"], "x": [1.0, None]})
    frame.to_parquet(folder / "f.parquet")
    table = finished_features(write("name: x\nfeatures: {file: f.parquet}\n"))
    assert table[["patient_id", "phase"]].to_numpy().tolist() == [["7", "A"], ["7", "V"]]
    assert table["x"].dtype == "float64" and table["x"].isna().tolist() == [False, True]


@pytest.mark.parametrize(("card", "text", "mend"), [
    (WIDE, "ID,扫描仪,x\n1,S,1\n1,S,2\n", "row 3.*Keep one row"),
    (WIDE, "ID,扫描仪,x\n1,S,oops\n2,S,2\n", "row 2, column x: 'oops' is not a number"),
    (WIDE, "ID,x\n1,1\n", "no column '扫描仪' to drop"),
    (WIDE, "ID,扫描仪,phase,x\n1,S,V,1\n", "Remove one of the two"),
    (WIDE, "IDD,扫描仪,x\n1,S,1\n", "Did you mean 'IDD'"),
    ("name: x\nfeatures: {file: features.csv}\n", "patient_id,file,x\n1,a,1\n2,b,2\n", r"drop: \[file\]"),
])
def test_a_broken_feature_table_is_refused(write: Write, card: str, text: str, mend: str) -> None:
    with pytest.raises(RadnbError, match=mend):
        finished_features(write(card, features=text))


def test_a_file_that_only_says_it_is_parquet_is_refused(write: Write, folder: Path) -> None:
    (folder / "f.parquet").write_bytes(b"PAR1 not really")
    with pytest.raises(RadnbError, match="not a Parquet file"):
        finished_features(write("name: x\nfeatures: {file: f.parquet}\n"))


ONE_TABLE = """name: x
features: {file: features.csv, columns: {patient_id: ID}}
clinical:
  file: %s.csv
  columns:
    patient_id: {column: ID}
    target: {column: Target, kind: category, known: outcome, levels: ["0", "1"]}
"""


@pytest.mark.parametrize(("file", "codes"), [("features", []), ("clinical", ["W_SHARED"])])
def test_what_the_clinical_part_declares_is_no_feature(write: Write, file: str, codes: list[str]) -> None:
    text = "ID,x,Target\n1,0.5,0\n2,0.7,1\n"
    table, problems = find_features(write(ONE_TABLE % file, features=text, clinical=text))
    assert list(table.columns) == [*KEYS, "x"] and [p.code for p in problems] == codes


def test_infinite_values_are_told_and_count_as_missing(write: Write) -> None:
    table, problems = find_features(write(WIDE, features="ID,扫描仪,x\n1,S,1\n2,S,inf\n"))
    assert table["x"].isna().tolist() == [False, True]
    assert [(p.code, p.row, p.column) for p in problems] == [("W_INFINITE", 3, "x")]


FURTHER = """name: x
tables: {deep: {file: deep.csv, known: before_surgery, columns: {patient_id: ID}, drop: [file]%s}}
clinical:
  file: clinical.csv
  columns: {target: {kind: category, known: outcome, levels: ["0", "1"]}}
"""
CLINICAL = "patient_id,target\n007,0\n002,1\n003,1\n"


@pytest.mark.parametrize(("prefix", "names"), [("", ["deep_0", "deep_1"]), (", prefix: net_", ["net_0", "net_1"]),
                                               (', prefix: ""', ["0", "1"])])
def test_a_further_table_has_plain_ids_and_its_prefix(write: Write, prefix: str, names: list[str]) -> None:
    table = further_table(write(FURTHER % prefix, deep="ID,file,0,1\n ００７ ,a,0.5,NA\n002,b,-1,2\n",
                                clinical=CLINICAL), "deep")
    assert list(table) == ["patient_id", *names] and table["patient_id"].tolist() == ["007", "002"]
    assert table[names[0]].tolist() == [0.5, -1.0] and table[names[1]].isna().tolist() == [True, False]


@pytest.mark.parametrize(("text", "mend"), [
    ("ID,file,x\n1,a,1\n1,b,2\n", "stands in rows 2, 3.*Keep one row per patient"),
    ("ID,file,x\n1,a,oops\n2,b,2\n", "row 2, column x: 'oops' is not a number"),
    ("ID,file,x,y\n1,a,1,b\n2,b,2,c\n", r"Add it to tables.deep.drop, as in `drop: \[y\]`"),
    ("ID,x\n1,1\n", "no column 'file' to drop"), ("IDD,file,x\n1,a,1\n", "Did you mean 'IDD'")])
def test_a_broken_further_table_is_refused(write: Write, text: str, mend: str) -> None:
    with pytest.raises(RadnbError, match=mend):
        further_table(write(FURTHER % "", deep=text, clinical=CLINICAL), "deep")


def test_an_outcome_in_a_further_table_is_no_feature_and_the_check_compares_its_patients(write: Write) -> None:
    manifest = write(FURTHER % "", deep="ID,file,x,target\n007,a,1,0\n2,b,2,1\n", clinical=CLINICAL)
    assert list(further_table(manifest, "deep")) == ["patient_id", "deep_x"]
    told = check(manifest)
    assert {"W_SHARED", "W_ONLY"} <= set(told["code"])
    assert "002" in " ".join(told.loc[told["where"] == "tables.deep", "mend"])
    with pytest.raises(RadnbError, match="Did you mean 'deep'"):
        further_table(manifest, "deeep")
    with pytest.raises(RadnbError, match=r"tables.deep.known: this key is required"):
        write("name: x\ntables: {deep: {file: deep.csv}}\n")
