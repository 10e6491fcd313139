"""Every scheme is told in both languages and can be chosen on a card."""

from __future__ import annotations

from typing import Any

import pandas as pd
import pytest

from radnb.cohort.labels import LABEL_TEXTS, SCHEMES, Labels, label_text, several_values, two_values
from radnb.errors import RadnbError
from radnb.work.choices import options, pick, problems

TABLE = pd.DataFrame({
    "patient_id": [f"P{n}" for n in range(40)],
    "diagnosis": pd.Categorical(["PNET"] * 20 + ["PDAC"] * 15 + ["SCN"] * 5),
    "ki67": [1.0] * 10 + [5.0] * 10 + [30.0] * 20, "mitoses": 0.0, "differentiation": "well",
    "pn": ["N0"] * 20 + ["N1"] * 20, "os": 12.0, "dead": [1.0, 0.0] * 20})
CARDS: dict[str, dict[str, Any]] = {name: {} for name in SCHEMES} | {
    "two_values": {"column": "diagnosis", "negative": ["PNET"], "positive": ["PDAC"]},
    "several_values": {"column": "diagnosis", "classes": {"NET": ["PNET"], "PDAC": ["PDAC"], "cyst": ["SCN"]}},
    "survival": {"time": "os", "event": "dead", "unit": "months", "time_zero": "surgery", "endpoint": "death",
                 "event_codes": {1: "event", "0": "censored"}}}


@pytest.mark.parametrize("scheme", SCHEMES)
def test_a_card_can_choose_each_scheme_and_every_code_has_words(scheme: str) -> None:
    found = pick(SCHEMES, {scheme: CARDS[scheme]})(TABLE)
    codes = [found.scheme, *found.notes, *found.warnings, *found.reasons.dropna()]
    if isinstance(found, Labels):
        assert found.source and len(found.classes) >= 2
        codes += [] if scheme.endswith("_values") else found.classes
        assert found.values.index.equals(TABLE.index) and found.reasons.index.equals(TABLE.index)
    for code in codes:
        assert set(LABEL_TEXTS[code]) == {"en", "zh"}
    assert SCHEMES[scheme].__doc__ and "table" not in options(SCHEMES[scheme])


def test_a_wrong_option_of_a_scheme_is_corrected() -> None:
    assert "Did you mean 'edition'" in problems(SCHEMES, {"who_grade": {"editoin": "2022"}}, "outcome")[0]
    assert "will not do" in problems(SCHEMES, {"who_grade": {"edition": "2018"}}, "outcome")[0]
    assert len(problems(SCHEMES, {"survival": {}}, "outcome")) == 5


def test_two_groups_of_values_leave_the_others_out() -> None:
    found = two_values(TABLE, column="diagnosis", negative=["PNET"], positive=["PDAC", "SCN"], positive_name="other")
    assert found.classes == ("PNET", "other") and found.values.value_counts().to_dict() == {"PNET": 20, "other": 20}
    found = two_values(TABLE, column="diagnosis", negative=["PNET"], positive=["PDAC"])
    assert found.reasons.value_counts().to_dict() == {"other_value": 5} and found.warnings == ("few_in_class",)


@pytest.mark.parametrize(("card", "mend"), [
    ({"negative": ["PNET"], "positive": ["PDCA"]}, "Did you mean 'PDAC'"),
    ({"negative": ["PNET"], "positive": ["PNET"]}, "both sides: PNET"),
    ({"negative": [], "positive": ["PNET"]}, "a side is empty"),
    ({"negative": ["PNET"], "positive": ["PDAC"], "column": "diagnose"}, "Did you mean 'diagnosis'"),
])
def test_groups_that_are_not_there_are_refused(card: dict[str, list[str]], mend: str) -> None:
    with pytest.raises(RadnbError, match=mend):
        two_values(TABLE, **{"column": "diagnosis", **card})  # type: ignore[arg-type]


def test_several_groups_keep_their_order_and_leave_the_others_out() -> None:
    groups = {"low": ["1"], "middle": ["5"], "high": ["30"]}
    found = several_values(TABLE, column="ki67", classes=groups, ordered=True)
    assert found.classes == ("low", "middle", "high") and found.ordered
    assert found.values.value_counts().to_dict() == {"high": 20, "low": 10, "middle": 10}
    some = several_values(TABLE.assign(d=["a", "b", "c", "d"] * 10), column="d", classes={x: [x] for x in "cab"})
    assert some.classes == ("c", "a", "b") and not some.ordered
    assert some.reasons.value_counts().to_dict() == {"other_value": 10}


@pytest.mark.parametrize(("classes", "mend"), [
    ({"a": ["PNET"], "b": ["PDAC"]}, "for two take two_values"),
    ({"a": ["PNET"], "b": ["PDAC"], "c": ["SNC"]}, "Did you mean 'SCN'"),
    ({"a": ["PNET"], "b": ["PDAC"], "c": ["SCN", "PNET"]}, "'PNET' stands in two classes"),
    ({"a": ["PNET"], "b": ["PDAC"], "c": []}, "'c' has no values")])
def test_several_groups_that_are_unclear_are_refused(classes: dict[str, list[str]], mend: str) -> None:
    with pytest.raises(RadnbError, match=mend):
        several_values(TABLE, column="diagnosis", classes=classes)


@pytest.mark.parametrize(("scheme", "ordered"), [("three_grades", True), ("who_grade", True), ("g1_vs_g23", False)])
def test_grades_say_that_they_are_ordered(scheme: str, ordered: bool) -> None:
    assert pick(SCHEMES, {scheme: {}})(TABLE).ordered is ordered  # two classes have no order to speak of


def test_an_unknown_code_stands_for_itself() -> None:
    assert label_text("nx", "zh") == "淋巴结未评估(Nx)" and label_text("PNET", "zh") == "PNET"
