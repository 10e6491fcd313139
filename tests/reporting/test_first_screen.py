from __future__ import annotations

import dataclasses
import re

import pytest

from radnb.reporting.first_screen import first_screen
from radnb.reporting.texts import BANNED
from tests.reporting.stories import FEATURES, KINDS, LABELS, story

ORDER = {"en": ("Research use only", "Before surgery", "130", "image features to", "The evidence",
                "Of 100 such patients", "Do not conclude", "Contact"),
         "zh": ("仅供科研", "术前CT", "130", "影像特征", "证据", "每100例此类患者中", "不得据此推断", "联系人")}


@pytest.mark.parametrize("language", ["en", "zh"])
@pytest.mark.parametrize("kind", ["improved", "survival", "three"])
def test_the_eight_parts_stand_in_their_order(kind: str, language: str) -> None:
    said = first_screen(story(kind, language)).plain()
    places = [said.index(words) for words in ORDER[language]]
    assert places == sorted(places)


@pytest.mark.parametrize("language", ["en", "zh"])
@pytest.mark.parametrize("kind", KINDS)
def test_nothing_banned_stands_on_the_first_screen(kind: str, language: str) -> None:
    page = first_screen(story(kind, language)).section()
    said = re.sub(r'"data:[^"]*"', "", page)
    banned = [*BANNED["en"], *BANNED["zh"], "nomogram", "列线图", "p =", "p-value", "P值", "train", *FEATURES]
    assert [word for word in banned if word.lower() in said.lower() and word != "train"] == []
    assert not re.search(r"\b[PX]\d{1,3}\b", said)
    assert "permut" not in said


@pytest.mark.parametrize(("kind", "words"), [
    ("improved", "Adding image features to age, sex and tumour size improved the prediction in these patients."),
    ("too_few", "Too few patients to tell whether adding image features to age, sex and tumour size improves")])
def test_the_answer_is_one_of_three_sentences(kind: str, words: str) -> None:
    assert words in first_screen(story(kind)).plain()


def test_a_result_that_is_not_shown_says_so_in_both_languages() -> None:
    told = story("null")
    verdict = dataclasses.replace(told.evaluation.verdict, kind="not_shown", reasons=("relevant_difference_excluded",))
    said = {language: first_screen(dataclasses.replace(
        told, language=language, evaluation=dataclasses.replace(told.evaluation, verdict=verdict))).plain()
        for language in ("en", "zh")}
    assert "was not shown to improve the prediction" in said["en"]
    assert "an improvement that would matter (0.1 or more)" in said["en"]
    assert "未显示改善" in said["zh"]


def test_a_death_is_told_as_one_tells_it() -> None:
    told = {language: first_screen(story("survival", language, event_label={"en": "death", "zh": "死亡"})).plain()
            for language in ("en", "zh")}
    assert "did not die within" in told["en"].replace("\u00a0", " ") and "Death: " in told["en"]
    assert "个月内未死亡" in told["zh"]


def test_every_number_stands_with_patients_and_events() -> None:
    said = first_screen(story("improved")).plain().replace("\u00a0", " ")
    assert said.count("n = 130, events = 55") == 4


def test_per_100_counts_add_up_and_carry_intervals() -> None:
    said = first_screen(story("improved")).section()
    rows = re.findall(r"<b>(\d+)</b> \((\d+) to (\d+)\)", said)
    assert sum(int(value) for value, _, _ in rows) == 100
    assert all(int(low) <= int(value) <= int(high) for value, low, high in rows)


def test_survival_tells_both_risk_groups_at_the_horizon() -> None:
    assert re.search(r"Within 36 months, death in \d+% \(\d+% to \d+%\) of the \d+ patients of the high-risk group",
                     first_screen(story("survival")).plain())


def test_another_hospital_is_answered_yes_or_no() -> None:
    assert "Tested in another hospital: no." in first_screen(story("improved")).plain()
    told = first_screen(story("external")).plain()
    assert "Tested in another hospital: yes." in told
    assert "another hospital" in told.split("Tested")[0]


def test_words_from_a_card_cannot_become_markup() -> None:
    evil = '<script>alert(1)</script><img src=x onerror="alert(2)">'
    told = story("improved", question={"en": evil, "zh": evil}, contact=evil, source=evil, not_studied=evil)
    told = dataclasses.replace(told, labels={**LABELS, "age": evil})
    page = first_screen(told).section()
    assert "<script" not in page
    assert "onerror=\"" not in page
