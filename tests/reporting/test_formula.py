"""The formula of a weighted sum in words, never of another model, and never on the first page."""

from __future__ import annotations

from dataclasses import replace

import pytest

from radnb.reporting.first_screen import first_screen
from radnb.reporting.formula import formula
from radnb.reporting.methods import paragraphs
from radnb.reporting.report import _piece
from radnb.reporting.story import Story
from tests.reporting.stories import FEATURES, story

SUM = f"-1.25 + 0.5 × age - 0.031 × {FEATURES[0]} + 2e-05 × {FEATURES[2]}"
LINEAR = {"formula": [SUM], "patients": 130, "recalibration": None}
NOMOGRAM = {"fusion": ["0.2 + 1.1 × score:radiomics - 0.3 × age"], "patients": 130,
            "parts": {"score:radiomics": {"formula": [f"0 + 0.4 × {FEATURES[0]}"]}}}


def made(final: dict[str, object], language: str = "en") -> Story:
    return replace(story("improved", language), final={"combined": final})


@pytest.mark.parametrize("language", ["en", "zh"])
def test_terms_stand_in_words_with_their_exact_names(language: str) -> None:
    found = formula(made(LINEAR, language))
    assert found.shown.iloc[:, 1].tolist() == ["−1.25", "0.5", "−0.031", "2e-05"]
    assert found.shown.iloc[1, 0] == {"en": "age", "zh": "年龄"}[language]
    assert found.shown.iloc[2, 0] != FEATURES[0] and found.shown.iloc[2, 2] == FEATURES[0]
    assert {"en": "Research use only", "zh": "仅供科研"}[language] in found.note


def test_a_fusion_is_told_with_the_score_it_joins() -> None:
    found = formula(made(NOMOGRAM))
    terms = [str(term).strip() for term in found.shown.iloc[:, 0]]
    assert "score of the image features" in terms and "Score of the image features" in terms
    assert "constant" in terms


def test_several_sums_have_a_column_each() -> None:
    plain = replace(story("three"), final={"combined": {"formula": [SUM, "0.1 + 0.2 × age", "0"]}})
    shown = formula(plain).shown
    assert shown.shape == (4, 5) and shown.iloc[1, 1:4].tolist() == ["0.5", "0.2", "0"]


@pytest.mark.parametrize("final", [{}, {"fill": []}, {"formula": [SUM], "no_information": True},
                                   {"fusion": ["mean"], "parts": {"score:radiomics": {}}}])
def test_a_model_that_is_no_weighted_sum_has_no_formula_in_the_report(final: dict[str, object]) -> None:
    found = formula(made(final))
    assert found.left_out and "no weighted sum" in found.note
    data, mark = found._repr_mimebundle_()
    assert list(_piece({"data": data, "metadata": mark}, "")) == []


def test_the_first_page_shows_no_coefficient_and_the_methods_point_to_the_formula() -> None:
    told = made(LINEAR)
    assert "0.031" not in first_screen(told).plain()
    assert any("formula of the final model" in said for said in paragraphs(told))
    assert not any("formula of the final model" in said for said in paragraphs(made({})))
