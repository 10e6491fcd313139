"""How scores travel, told in both languages."""

from __future__ import annotations

import functools
from dataclasses import replace
from typing import get_args

import numpy as np
import pandas as pd
import pytest

from radnb.evaluation.transfer import by_centre, external
from radnb.learning.harmonise import Unseen
from radnb.reporting.figures_transfer import transfer_calibration, transfer_matrix, transfer_table
from radnb.reporting.story import Story
from radnb.reporting.wording import flag_words
from tests.evaluation.test_transfer import between, scored
from tests.reporting.stories import story


@functools.lru_cache
def transfer(frozen: bool) -> pd.DataFrame:
    return external(scored(600), thresholds=(0.3,)) if frozen else by_centre(*between(), thresholds=(0.3,))


def travelled(language: str = "en", *, frozen: bool = False) -> Story:
    """Return a story of three centres, each training for the others, or of one frozen model elsewhere."""
    plain = story("improved", language)
    return replace(plain, evaluation=replace(plain.evaluation, transfer=transfer(frozen)))


@pytest.mark.parametrize("language", ["en", "zh"])
def test_the_matrix_tells_every_direction(language: str) -> None:
    found = transfer_matrix(travelled(language))
    assert len(found.png) > 10_000
    assert ("in 6 directions" if language == "en" else "6个方向") in found.alt
    assert "north → " in found.alt or "south → " in found.alt


@pytest.mark.parametrize("language", ["en", "zh"])
@pytest.mark.parametrize("frozen", [False, True], ids=["centres", "external"])
def test_calibration_says_where_there_are_too_few_to_judge(language: str, frozen: bool) -> None:
    found = transfer_calibration(travelled(language, frozen=frozen))
    few = {"en": "Too few to judge.", "zh": "例数过少，无法判断。"}[language]
    assert len(found.png) > 10_000 and (few in found.caption) != frozen
    place = {"en": "Patients of another hospital", "zh": "其他医院的患者"}[language] if frozen else "north → east"
    assert place in found.alt


@pytest.mark.parametrize("language", ["en", "zh"])
def test_the_table_shows_each_variant_below_the_scores_as_they_are(language: str) -> None:
    found = transfer_table(travelled(language))
    assert len(found.shown) == 18 and found.shown.shape[1] == 8
    assert found.shown.iloc[0, 0] == "north → south"
    assert [cell == "–" for cell in found.shown.iloc[:3, 3]] == [False, True, True]  # recalibration has no AUC
    assert "30%" in found.shown.columns[-1]
    assert len(transfer_table(travelled(language, frozen=True)).shown) == 3


def test_a_place_with_too_few_events_says_so_in_its_cell_and_in_the_table() -> None:
    made = travelled()
    table = made.evaluation.transfer
    few = replace(made, evaluation=replace(made.evaluation, transfer=table.assign(low=np.nan, high=np.nan)))
    assert len(transfer_matrix(few).png) > 10_000 and len(transfer_calibration(few).png) > 10_000
    assert "too few to judge" in transfer_table(few).note


def test_without_other_patients_the_place_says_so() -> None:
    plain = story("improved")
    plain = replace(plain, evaluation=replace(plain.evaluation, transfer=pd.DataFrame()))
    for draw in (transfer_matrix, transfer_calibration):
        assert "not tried" in draw(plain).alt
    assert "not tried" in transfer_table(plain).note
    assert "not tried" in transfer_matrix(travelled(frozen=True)).alt  # no centre trained alone


def test_survival_has_a_matrix_of_c_and_no_calibration() -> None:
    plain = story("survival")
    rows = [{"model": plain.primary, "target": "risk", "train": a, "test": b, "variant": "original",
             "metric": "c_index", "value": 0.7, "low": 0.6, "high": 0.8, "n": 50, "events": 30, "few": True,
             "method": "concordance_jackknife"} for a, b in (("A", "B"), ("B", "A"))]
    made = replace(plain, evaluation=replace(plain.evaluation, transfer=pd.DataFrame(rows)))
    assert "C-index in 2 directions" in transfer_matrix(made).alt
    assert "not tried" in transfer_calibration(made).alt
    assert transfer_table(made).shown.iloc[1, 0] == "B → A"


@pytest.mark.parametrize("language", ["en", "zh"])
def test_what_is_told_of_batches_has_words_in_both_languages(language: str) -> None:
    told = story("improved", language)
    for policy in get_args(Unseen):
        said = flag_words(told, "batch_unseen", {"batch": "scanner", "names": "A, B", "policy": policy})
        assert "A, B" in said and policy not in said
    for code, given in (("batch_predicts_outcome", {}), ("batch_one_case", {"names": "A"}),
                        ("batch_unnamed", {"patients": 3})):
        assert "scanner" in flag_words(told, code, {"batch": "scanner", **given})
