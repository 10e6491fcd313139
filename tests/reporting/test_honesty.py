"""What chance would have given, told in both languages; the first sentence says what was not beaten."""

from __future__ import annotations

import dataclasses
from pathlib import Path

import pandas as pd
import pytest

from radnb.reporting.figures_honesty import honesty_panel, honesty_table, leak_certificate
from radnb.reporting.first_screen import first_screen
from radnb.reporting.methods import paragraphs
from radnb.reporting.story import Story
from radnb.reporting.texts import BANNED
from tests.reporting.stories import story
from tests.reporting.test_figures import drawn


def told(kind: str, language: str = "en", **verdict: object) -> Story:
    found = story(kind, language)
    changed = dataclasses.replace(found.evaluation.verdict, **verdict)  # type: ignore[arg-type]
    return dataclasses.replace(found, evaluation=dataclasses.replace(found.evaluation, verdict=changed))


@pytest.mark.parametrize(("kind", "language"), [("improved", "en"), ("three", "zh"), ("survival", "en"),
                                                ("too_few", "zh")])
def test_the_panel_is_whole(kind: str, language: str) -> None:
    made = honesty_panel(story(kind, language))
    drawn(made)
    assert made.body.count("<table>") == 1


@pytest.mark.parametrize("without", ["controls", "learning"])
def test_half_a_panel_is_drawn_too(without: str) -> None:
    found = story("improved")
    empty = dataclasses.replace(found.evaluation, **{without: getattr(found.evaluation, without).iloc[:0]})
    drawn(honesty_panel(dataclasses.replace(found, evaluation=empty)))


def test_no_controls_at_all_say_so() -> None:
    found = story("improved")
    empty = dataclasses.replace(found.evaluation, controls=pd.DataFrame(), learning=pd.DataFrame())
    assert "switched off" in honesty_panel(dataclasses.replace(found, evaluation=empty)).alt


@pytest.mark.parametrize("language", ["en", "zh"])
def test_every_control_has_a_row_in_words(language: str, tmp_path: Path) -> None:
    made = honesty_table(dataclasses.replace(story("improved", language), out_dir=tmp_path))
    assert len(made.shown) == 7 and made.shown.iloc[:, 1].ne("").all()
    said = made.plain()
    assert "_" not in said and ("tumour size" in said or "肿瘤大小" in said)
    assert not [word for word in BANNED[language] if word in said.lower()]
    assert (tmp_path / "tables" / "honesty.xlsx").is_file()


def test_a_measured_volume_has_its_plain_name() -> None:
    found = story("improved")
    rows = found.evaluation.controls.replace({"what": {"tumour_size_mm": "arterial_original_shape_MeshVolume"}})
    named = dataclasses.replace(found, evaluation=dataclasses.replace(found.evaluation, controls=rows))
    assert "MeshVolume" not in honesty_table(named).plain() and "volume" in honesty_table(named).plain()


def test_p_stands_beside_the_answer_and_never_alone() -> None:
    shown = honesty_table(story("improved")).shown.set_index("Control")["Does the model do better?"]
    assert shown.loc["Outcomes shuffled"].startswith("yes; p")
    assert shown.loc["Clinical data alone"] == "yes"


def test_what_was_not_measured_says_why() -> None:
    found = story("improved")
    rows = found.evaluation.controls.assign(
        value=found.evaluation.controls["value"].mask(found.evaluation.controls["control"] == "volume_only"),
        method=found.evaluation.controls["method"].mask(found.evaluation.controls["control"] == "volume_only",
                                                        "none: no volume"))
    without = dataclasses.replace(found, evaluation=dataclasses.replace(found.evaluation, controls=rows))
    assert "Not measured: no volume or size" in honesty_table(without).plain()
    assert "size alone" not in honesty_panel(without).alt


@pytest.mark.parametrize(("language", "sentence"), [
    ("en", "“Clinical data and image features” was not shown to do better than the tumour's size alone, clinical data "
           "alone or as many image features drawn blindly. Adding image features"),
    ("zh", "“临床资料加影像特征”未显示优于仅用肿瘤大小、仅用临床资料或盲目抽取的同样数目的影像特征。在")])
def test_the_first_sentence_of_the_answer_names_what_was_not_beaten(language: str, sentence: str) -> None:
    found = told("improved", language, unbeaten=("volume_only", "clinical_only", "random_features"))
    assert sentence in first_screen(found).plain().replace("\u00a0", " ")
    assert 'class="answer not_shown"' in first_screen(found).section()


def test_a_model_that_beats_its_controls_needs_no_such_sentence() -> None:
    page = first_screen(told("improved", unbeaten=()))
    assert "was not shown to do better than" not in page.plain() and 'class="answer improved"' in page.section()


@pytest.mark.parametrize("name", ["volume_only", "clinical_only", "random_features", "permuted_labels"])
@pytest.mark.parametrize("language", ["en", "zh"])
def test_every_control_can_be_named_in_the_answer(name: str, language: str) -> None:
    said = first_screen(told("null", language, unbeaten=(name,))).plain()
    assert not [word for word in ("permut", "_", "p =") if word in said]


def test_the_certificate_tells_the_counts_and_the_rows_of_each_step() -> None:
    said = leak_certificate(story("improved")).plain()
    assert "repeat 3, fold 4" in said and "27 things" in said and "0 changed" in said
    assert leak_certificate(story("improved")).body.count("<tr>") == 5


def test_one_split_and_no_certificate_are_told_as_such() -> None:
    found = story("improved", "zh")
    frozen = dataclasses.replace(found, certificate={**found.certificate, "fold": None, "repeat": 0})
    assert "唯一划分" in leak_certificate(frozen).plain()
    assert "没有该证明" in leak_certificate(dataclasses.replace(found, certificate={})).plain()


def test_the_methods_tell_the_rule_of_the_controls() -> None:
    said = " ".join(paragraphs(story("improved")))
    assert "95th percentile" in said and "extrapolations" in said and "Leak certificate" in said
