"""Ids stay text, and two spellings of one person are found."""

from __future__ import annotations

import pandas as pd

from radnb.cohort.ids import doubles, id_problems, spellings, tidy_ids


def series(*names: str) -> pd.Series:
    return pd.Series(names, index=range(2, 2 + len(names)))


def test_ids_are_trimmed_composed_and_half_width_but_never_numbers() -> None:
    given = series(" 007\u3000", "NA", "Ｐ０１", "e\u0301", "7\u200b")
    assert list(tidy_ids(given)) == ["007", "NA", "P01", "\u00e9", "7"]


def test_the_same_person_in_two_spellings_is_one_fault_with_its_rows() -> None:
    found = doubles(tidy_ids(series("P1", "p1", "Ｐ1 ", "P2")), "clinical.csv")
    assert [p.problem for p in found] == ["patient 'P1' / 'p1' stands in rows 2, 3, 4."]
    assert [p.code for p in spellings(["P1", "p1", "P1"], "images.csv")] == ["E_DUP"]
    assert not spellings(["P1", "P1"], "images.csv") and not doubles(series("1", "01"), "x")


def test_ruined_ids_are_told() -> None:
    found = id_problems(series("1E+05", "", "2024-01-02", "12E3", "ok", "x" * 200), "t.csv")
    assert [(p.row, p.code) for p in found] == [(2, "E_ID"), (3, "E_ID"), (4, "W_ID"), (7, "E_ID")]
    assert "type the ids again" in found[0].mend
