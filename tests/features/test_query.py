"""The store answers questions in SQL, by patient."""

from __future__ import annotations

import numpy as np
import pytest

from radnb.errors import RadnbError
from radnb.features.extraction import extract
from radnb.features.query import query
from radnb.features.settings import checked

pytest.importorskip("radiomics")


@pytest.fixture
def store(cases, quick, tmp_path):
    folder = tmp_path / "库 '1'"
    extract(cases, settings=quick, store=folder, workers=0, cohort="胰腺", engine="pyradiomics")
    extract(cases.iloc[:2], settings=checked({"featureClass": {"shape": ["VoxelVolume"]}}, name="volume"), store=folder,
            workers=0, cohort="胰腺", engine="pyradiomics")
    return folder


def test_the_wide_table_names_patients_and_holds_the_exact_values(store, cases, quick) -> None:
    found = query(store, "select * from features where settings = 'quick' order by patient_id, reader")
    exact = extract(cases, settings=quick, store=store, workers=0, engine="pyradiomics").features
    assert found["patient_id"].tolist() == exact["patient_id"].tolist()
    assert np.array_equal(found[list(quick.columns)], exact[list(quick.columns)])
    assert set(found["cohort"]) == {"胰腺"} and set(found["engine"]) == {"pyradiomics"}


def test_the_long_table_has_a_row_for_each_value(store) -> None:
    found = query(store, "select settings, feature, count(value) n from features_long group by all order by all")
    assert found.to_numpy().tolist() == [
        ["quick", "original_firstorder_Entropy", 4], ["quick", "original_firstorder_Mean", 4],
        ["quick", "original_shape_MeshVolume", 4], ["volume", "original_shape_VoxelVolume", 2]]


def test_levels_cases_and_settings_are_tables_too(store) -> None:
    assert query(store, "select max(levels_original) from levels").iat[0, 0] in range(5, 12)
    assert len(query(store, "from cases")) == 6 and len(query(store, "from settings")) == 2


def test_a_case_measured_anew_takes_the_place_of_the_old_one(store, cases, quick, save, sphere) -> None:
    save(sphere(9), cases["mask"].iloc[3])
    extract(cases, settings=quick, store=store, workers=0, cohort="胰腺", engine="pyradiomics")
    found = query(store, "select original_shape_MeshVolume v from features where settings='quick' and patient_id='002'")
    assert len(found) == 1 and found["v"].iloc[0] > 2000


def test_an_empty_store_has_empty_tables(tmp_path) -> None:
    assert query(tmp_path / "none", "from features").empty and query(tmp_path / "none", "from features_long").empty


@pytest.mark.parametrize(("sql", "mend"), [("select original_firstorder_Man from features", "original_firstorder_Mean"),
                                           ("selec 1", "There are the tables features")])
def test_a_faulty_question_is_answered_with_the_mend(store, sql, mend) -> None:
    with pytest.raises(RadnbError, match=mend) as caught:
        query(store, sql)
    assert caught.value.code == "E_QUERY"


@pytest.mark.parametrize("sql", ["", ";", "select 1; select 2", "drop view features", "install httpfs",
                                 "copy (select 1) to '{file}'", "explain analyze copy (select 1) to '{file}'",
                                 "attach '{file}'", "from read_csv('{read}')", "from 'https://example.org/x.parquet'"])
def test_a_question_writes_nothing_and_reads_the_store_only(store, tmp_path, sql) -> None:
    (tmp_path / "read.csv").write_text("a\n1\n", encoding="utf-8")
    with pytest.raises(RadnbError, match="There are the tables") as caught:
        query(store, sql.format(file=tmp_path / "written", read=tmp_path / "read.csv"))
    assert caught.value.code == "E_QUERY" and not (tmp_path / "written").exists()
    assert len(query(store, "from cases")) == 6
