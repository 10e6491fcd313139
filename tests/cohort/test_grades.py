"""Grades follow the editions of the WHO classification, number by number."""

from __future__ import annotations

from collections.abc import Sequence

import pandas as pd
import pytest

from radnb.cohort.grades import EDITIONS, enets_high_low, g1_vs_g2, g1_vs_g23, g12_vs_g3, grades, who_grade
from radnb.errors import RadnbError

# Ki-67 %, mitoses per 2 mm2, differentiation, histology -> 2022/2019/2017, 2010
# Sources: Rindi et al., Endocr Pathol 2022; 33:115-154, tables of grading; Bosman et al., WHO 2010, chapter 1.
TABLE = [
    (1.0, 0.0, "well", "NET", "G1", "G1"),
    (2.0, 1.0, "well", "NET", "G1", "G1"),
    (2.5, 1.0, "well", "NET", "G1", "G2"),  # the gap of 2010
    (2.9, None, "well", "NET", "G1", "G2"),
    (3.0, 0.0, "well", "NET", "G2", "G2"),
    (1.0, 2.0, "well", "NET", "G2", "G2"),  # the higher index wins
    (20.0, 20.0, "well", "NET", "G2", "G2"),
    (20.1, 3.0, "well", "NET", "G3", "G3"),
    (5.0, 21.0, "well", "NET", "G3", "G3"),
    (None, 1.0, None, "NET", "G1", "G1"),  # one index, differentiation not needed below 20
    (None, None, "well", "NET", "missing_indices", "missing_indices"),
    (30.0, 25.0, None, "NET", "g3_unresolved", "G3"),
    (30.0, 25.0, "moderate", "NET", "g3_unresolved", "G3"),
    (60.0, 40.0, "poor", "NET", "nec", "G3"),  # 2010: a carcinoma is G3 whatever its differentiation
    (60.0, 40.0, "well", "NEC", "nec", "G3"),
    (10.0, 5.0, "well", "MiNEN", "minen", "minen"),
]
COLUMNS = ["ki67", "mitoses", "differentiation", "histology"]


def frame(rows: Sequence[tuple[object, ...]]) -> pd.DataFrame:
    table = pd.DataFrame([row[:4] for row in rows], columns=COLUMNS).astype({"ki67": float, "mitoses": float})
    return table.assign(patient_id=[f"P{n}" for n in range(len(table))])


def cohort(**counts: int) -> pd.DataFrame:
    kinds = {"G1": (1.0, 0.0, "well", "NET"), "G2": (5.0, 1.0, "well", "NET"), "G3": (30.0, 30.0, "well", "NET"),
             "NEC": (70.0, 50.0, "poor", "NEC"), "open": (30.0, 1.0, None, "NET")}
    return frame([kinds[kind] for kind, n in counts.items() for _ in range(n)])


@pytest.mark.parametrize("edition", EDITIONS)
@pytest.mark.parametrize("case", TABLE)
def test_each_row_of_the_published_table_is_graded_as_published(edition: str, case: tuple[object, ...]) -> None:
    found = grades(frame([case]), edition=edition, histology="histology")  # type: ignore[arg-type]
    value = found.values[0] if found.values.notna()[0] else found.reasons[0]
    assert value == case[5 if edition == "2010" else 4]


def test_disagreement_missing_indices_biopsies_and_the_gap_are_counted() -> None:
    table = frame(TABLE).assign(specimen=["biopsy", "resection"] * 8)
    assert grades(table, histology="histology", specimen="specimen").notes == {
        "discordant": 4, "one_index": 2, "biopsy_only": 5}
    assert grades(table, edition="2010", histology="histology").notes["ki67_between_2_and_3"] == 2


def test_three_classes_come_with_their_source_and_a_word_about_small_ones() -> None:
    found = who_grade(cohort(G1=20, G2=20, G3=6, NEC=3, open=2))
    assert found.classes == ("G1", "G2", "G3")
    assert found.values.value_counts().to_dict() == {"G1": 20, "G2": 20, "G3": 6}
    assert found.reasons.value_counts().to_dict() == {"nec": 3, "g3_unresolved": 2}
    assert (found.values.isna() == found.reasons.notna()).all()
    assert found.warnings == ("few_in_class",) and "Rindi" in found.source


@pytest.mark.parametrize(("scheme", "classes", "counts", "left_out"), [
    (g1_vs_g23, ("G1", "G2-3"), [20, 26], {"nec": 6, "g3_unresolved": 2}),
    (g12_vs_g3, ("G1-2", "G3"), [40, 6], {"nec": 6, "g3_unresolved": 2}),
    (g1_vs_g2, ("G1", "G2"), [20, 20], {"nec": 6, "g3_unresolved": 2, "other_grade": 6}),
    (enets_high_low, ("low", "high"), [40, 14], {}),
])
def test_groupings_say_what_they_leave_out(scheme, classes, counts, left_out) -> None:  # type: ignore[no-untyped-def]
    found = scheme(cohort(G1=20, G2=20, G3=6, NEC=6, open=2))
    assert found.classes == classes
    assert [int((found.values == code).sum()) for code in classes] == counts
    assert found.reasons.value_counts().to_dict() == left_out


@pytest.mark.parametrize(("table", "code", "mend"), [
    (cohort(G1=20), "E_CLASS", "no patient belongs to G2-3"),
    (cohort(G1=20, G2=4), "E_TOO_FEW", "at least 5 are needed"),
    (cohort(G1=10, G2=10).assign(ki67=lambda t: t["ki67"] / 100), "E_CLASS", "Write percent"),
    (cohort(G1=10, G2=10).assign(ki67=-1.0), "E_RANGE", "outside 0 to 100 for patient P0, P1"),
    (cohort(G1=10, G2=10).assign(ki67="5"), "E_COLUMN", "kind: number"),
    (cohort(G1=10, G2=10).rename(columns={"ki67": "ki_67"}), "E_COLUMN", "Did you mean 'ki_67'"),
    (cohort(G1=10, G2=10).assign(differentiation="high"), "E_CELL", "Translate the words by `map`"),
])
def test_a_table_that_cannot_be_graded_is_refused(table: pd.DataFrame, code: str, mend: str) -> None:
    with pytest.raises(RadnbError, match=mend) as caught:
        g1_vs_g23(table)
    assert caught.value.code == code
