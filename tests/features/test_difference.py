"""Two tables of features are compared by name, row and value, whatever they are saved as."""

from __future__ import annotations

import pandas as pd
import pytest

from radnb.errors import RadnbError
from radnb.features.difference import difference
from radnb.features.export import export

TABLE = pd.DataFrame({"patient_id": ["=1+1", "002", "003"], "roi": "tumour", "phase": "", "timepoint": "b",
                      "reader": "R1", "original_shape_MeshVolume": [100.0, 1 / 3, 5e5],
                      "original_firstorder_Mean": [-0.1 - 0.2, 0.0, 7.0],
                      "log-sigma-1-0-mm-3D_glcm_MCC": [0.5, None, 1]})


@pytest.mark.parametrize("ending", [".csv", ".xlsx", ".parquet"])
def test_a_table_equals_its_own_export_in_another_order(tmp_path, ending) -> None:
    one = export(TABLE, tmp_path / "一.parquet")
    other = export(TABLE.iloc[::-1][[*TABLE.columns[:5], *TABLE.columns[:4:-1]]], tmp_path / f"二{ending}")
    found = difference(one, other, tolerance=0 if ending != ".xlsx" else 1e-15)
    assert found.equal and found.told[-1] == "The tables agree."
    assert found.classes["values"].sum() == 9


def test_what_differs_is_named_by_class_with_the_worst_values(tmp_path) -> None:
    changed = TABLE.rename(columns={"log-sigma-1-0-mm-3D_glcm_MCC": "log-sigma-1-0-mm-3D_glcm_Id"}).iloc[:2]
    changed.loc[1, "original_shape_MeshVolume"] *= 1 + 1e-6
    found = difference(export(TABLE, tmp_path / "a.csv"), export(changed, tmp_path / "b.csv"))
    assert (found.only_a, found.only_b) == (["log-sigma-1-0-mm-3D_glcm_MCC"], ["log-sigma-1-0-mm-3D_glcm_Id"])
    assert found.rows_only_a == ["003, tumour, , b, R1"] and not found.equal
    assert found.classes.set_index("kind")["beyond"].to_dict() == {"shape": 1, "firstorder": 0}
    worst, = found.worst.itertuples(index=False)
    assert worst[:2] == ("002, tumour, , b, R1", "original_shape_MeshVolume")
    assert worst.deviation == pytest.approx(1e-6, rel=1e-5)
    assert difference(tmp_path / "a.csv", tmp_path / "b.csv", tolerance=1e-5).worst.empty


def test_pyradiomics_own_table_is_compared_by_a_column_of_ones_choice(tmp_path) -> None:
    ours = TABLE.assign(Image=["a", "b", "c"])
    stock = ours[["Image", *TABLE.columns[5:]]].assign(diagnostics_Versions_Numpy="1.2", diagnostics_Mask=[1, 2, 3])
    stock.to_csv(tmp_path / "stock.csv", index=False)
    ours.to_csv(tmp_path / "ours.csv", index=False)
    assert difference(tmp_path / "ours.csv", tmp_path / "stock.csv", keys=["Image"]).equal


def test_empty_cells_and_empty_tables_are_compared_alike_in_all_formats(tmp_path) -> None:
    """pandas reads an empty cell of a CSV file as a missing value, and writes it so to Parquet."""
    one, nothing = export(TABLE, tmp_path / "a.csv"), export(TABLE.iloc[:0], tmp_path / "none.csv")
    pd.read_csv(one).to_parquet(tmp_path / "b.parquet", index=False)
    assert difference(one, tmp_path / "b.parquet").equal
    assert len(difference(one, nothing).rows_only_a) == 3 and difference(nothing, nothing).equal


@pytest.mark.parametrize(("change", "mend"), [
    (lambda table: table.drop(columns=list(TABLE.columns[:5])), "--key NAME"),
    (lambda table: pd.concat([table, table]), "stands there twice")])
def test_tables_that_cannot_be_matched_are_refused(tmp_path, change, mend) -> None:
    with pytest.raises(RadnbError, match=mend):
        difference(export(TABLE, tmp_path / "a.csv"), export(change(TABLE), tmp_path / "b.csv"))


def test_a_file_that_is_no_table_is_refused(tmp_path) -> None:
    with pytest.raises(RadnbError, match="no such file"):
        difference(tmp_path / "a.csv", tmp_path / "b.csv")
    (tmp_path / "a.txt").write_text("x", encoding="utf-8")
    with pytest.raises(RadnbError, match=r"\.parquet"):
        difference(tmp_path / "a.txt", tmp_path / "a.txt")
