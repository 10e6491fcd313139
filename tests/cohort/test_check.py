"""The check lists everything at once and goes on behind a broken table."""

from __future__ import annotations

from collections.abc import Callable

import pandas as pd

from radnb.cohort.check import check
from radnb.cohort.manifest import Manifest
from radnb.cohort.problems import ORDER, Problem, as_table

Write = Callable[..., Manifest]
CARD = """name: x
images: {file: images.csv}
centre: centre
clinical:
  file: clinical.csv
  columns:
    centre: {kind: category, known: before_surgery, levels: [A, B, C]}
    size: {kind: number, known: before_surgery, range: [0, 300]}
    set: {kind: category, known: before_surgery, levels: [train, test]}
"""
IMAGES = "patient_id,phase,image,mask\n" + "".join(
    f"P{n},{phase},P{n}{phase}.nii.gz,P{n}{phase}_m.nii.gz\n" for n in range(10) for phase in "AV")
CLINICAL = "patient_id,centre,size,set\n" + "".join(
    f"P{n},{'AB'[n % 2]},{2 if n % 2 else 20 + n},{('train', 'test')[n > 6]}\n" for n in range(10))


def told(table: pd.DataFrame, code: str) -> list[str]:
    return table.loc[table["code"] == code, "problem"].tolist()


def test_a_sound_cohort_has_no_error(write: Write, images: Callable[[str], str]) -> None:
    table = check(write(CARD.replace("levels: [A, B, C]", "levels: [A, B]"), images=images(IMAGES),
                        clinical=CLINICAL.replace(",2,", ",25,")))
    assert table.empty and list(table.columns) == ORDER


def test_everything_is_listed_at_once_errors_first(write: Write, images: Callable[[str], str]) -> None:
    shown = images(IMAGES.replace("P9A_m.nii.gz", "MISSING.nii.gz").replace("P8,V,P8V", "X8,V,P8V"))
    clinical = CLINICAL.replace("P0,A,20", "p0,A,").replace("P1,B,2,train", "P1,B,999,train") + "P2,A,1,test\n"
    table = check(write(CARD, images=shown, clinical=clinical))
    severities = table["severity"].tolist()
    assert severities == sorted(severities) and set(severities) == {"error", "warning"}
    assert told(table, "E_FILE")[0].startswith("there is no file 'MISSING.nii.gz'")
    assert table.loc[table["code"] == "E_FILE", "row"].tolist() == [20]
    assert told(table, "E_RANGE") == ["999 lies outside 0 to 300."]
    assert told(table, "E_DUP") == ["patient 'P2' stands in rows 4, 12."]
    assert told(table, "E_LEAK") == ["patient 'P2' stands in several groups of set: test, train."]
    assert told(table, "E_ID") == ["patient 'P0' is written 'p0' in the clinical table."]
    assert told(table, "W_ONLY") == ["patient 'X8' is not in the clinical table."]
    assert told(table, "W_LEVEL") == ["no patient has the level 'C'."]
    assert told(table, "W_MISSING") == ["size is missing in 2 of 11 patients."]
    assert "have no image of phase 'A'" in told(table, "W_PHASE")[0]
    assert (table["mend"] != "").all()


def test_a_tenfold_median_between_centres_is_suspected(write: Write, images: Callable[[str], str]) -> None:
    table = check(write(CARD, images=images(IMAGES), clinical=CLINICAL))
    assert told(table, "W_UNIT") == ["the median is 24 in A and 2 in B: another unit?"]


def test_a_broken_table_does_not_hide_the_other(write: Write, images: Callable[[str], str]) -> None:
    table = check(write(CARD, images=images(IMAGES), clinical="patient_id,centre\n1,A,3\n"))
    assert {"E_ROW", "E_COLUMN"} <= set(table["code"])
    table = check(write(CARD, clinical="patient_id,centre,size,set\nZ1,A,3,train\n", images="a,b\n1,2\n"))
    assert "there is no column 'patient_id' for patient_id." in told(table, "E_COLUMN")


def test_tables_without_a_common_patient_are_told_once(write: Write, images: Callable[[str], str]) -> None:
    table = check(write(CARD, images=images(IMAGES), clinical=CLINICAL.replace("P", "患者")))
    assert told(table, "E_ID") == ["no patient id is also in the clinical table ('P0' here, '患者0' there)."]


def test_a_higher_floor_looks_into_the_images_that_are_there(write: Write, images: Callable[[str], str]) -> None:
    seen: list[int] = []

    def look(cases: pd.DataFrame) -> pd.DataFrame:
        seen.extend(cases["row"])
        return as_table([Problem("E_GEOM", "images.csv", "the mask does not fit.", "Redraw it.", 3, "mask")])
    shown = images(IMAGES.replace("P0A.nii.gz", "MISSING.nii.gz"))
    table = check(write(CARD, images=shown, clinical=CLINICAL), cases_check=look)
    assert seen == list(range(3, 22)) and told(table, "E_GEOM") == ["the mask does not fit."]
