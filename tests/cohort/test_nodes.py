"""Nx is never N0, cN never labels, and category and counts must agree."""

from __future__ import annotations

import pandas as pd
import pytest

from radnb.cohort.nodes import n0_vs_nplus
from radnb.errors import RadnbError

ENOUGH = [("pN0", 15, 0)] * 6 + [("pN1", 15, 2)] * 6


def frame(rows: list[tuple[object, object, object]]) -> pd.DataFrame:
    table = pd.DataFrame([*rows, *ENOUGH], columns=["pn", "examined", "positive"])
    table[["examined", "positive"]] = table[["examined", "positive"]].astype(float)
    return table.assign(patient_id=[f"P{n}" for n in range(len(table))])


# UICC TNM, 8th edition: pN0 no metastasis, pN1/pN2 metastasis, NX not assessed; c clinical, y after treatment.
@pytest.mark.parametrize(("pn", "value"), [
    ("pN0", "N0"), ("N0", "N0"), ("0", "N0"), ("pN0(i+)", "N0"), ("pN1", "N+"), ("pN1a", "N+"), ("pN2", "N+"),
    ("pN1mi", "N+"), ("N+", "N+"), ("n-", "N0"), ("pNx", "nx"), ("NX", "nx"), ("cN0", "clinical_stage_only"),
    ("cN1", "clinical_stage_only"), ("ypN0", "after_neoadjuvant"), ("ypN1", "after_neoadjuvant"),
    (None, "missing_outcome"),
])
def test_each_category_counts_as_the_tnm_says(pn: str | None, value: str) -> None:
    found = n0_vs_nplus(frame([(pn, None, None)]))
    assert (found.values[0] if found.values.notna()[0] else found.reasons[0]) == value


@pytest.mark.parametrize(("row", "value"), [
    ((None, 12, 0), "N0"), ((None, 12, 3), "N+"), ((None, 0, 0), "nx"), ((None, None, 0), "missing_outcome"),
    ((None, None, 1), "N+"), (("pN0", 12, 2), "discordant_nodes"), (("pN0", 0, None), "too_few_nodes"),
    (("pN0", None, None), "N0"), (("pNx", 5, 0), "nx"), (("cN1", 5, 0), "clinical_stage_only"),
])
def test_counts_fill_in_and_contradict(row: tuple[object, object, object], value: str) -> None:
    found = n0_vs_nplus(frame([row]), nodes_examined="examined", nodes_positive="positive")
    assert (found.values[0] if found.values.notna()[0] else found.reasons[0]) == value


def test_a_minimum_of_examined_nodes_leaves_out_n0_only() -> None:
    found = n0_vs_nplus(frame([("pN0", 3, 0), ("pN1", 3, 1), ("pN0", None, None)]), nodes_examined="examined",
                        nodes_positive="positive", minimum_examined=12)
    assert found.reasons[:3].fillna("").tolist() == ["too_few_nodes", "", "too_few_nodes"]
    assert found.notes == {"discordant": 0, "too_few_nodes": 2, "nx": 0} and found.classes == ("N0", "N+")


def test_counts_alone_and_treated_patients_can_be_asked_for() -> None:
    table = frame([("ypN1", None, None)])
    assert n0_vs_nplus(table, neoadjuvant="keep").values[0] == "N+"
    alone = n0_vs_nplus(table, pn=None, nodes_examined="examined", nodes_positive="positive")
    assert alone.values.notna().sum() == 12


@pytest.mark.parametrize(("options", "row", "mend"), [
    ({}, ("positive?", 1, 0), "Write pN0, pN1, pN2 or pNx"),
    ({"pn": None}, ("pN0", 1, 0), "name the column `pn`, or both"),
    ({"minimum_examined": 12}, ("pN0", 1, 0), "needs `nodes_examined`"),
    ({"nodes_examined": "examined", "nodes_positive": "positive"}, ("pN1", 1, 2), "more positive than examined"),
    ({"nodes_positive": "positiv"}, ("pN0", 1, 0), "Did you mean 'positive'"),
])
def test_unreadable_nodes_and_incomplete_options_are_refused(options: dict[str, object], row: tuple[object, ...],
                                                             mend: str) -> None:
    with pytest.raises(RadnbError, match=mend):
        n0_vs_nplus(frame([row]), **options)  # type: ignore[arg-type, list-item]
