"""The comparison of a grid, told in both languages."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pandas as pd
import pytest

from radnb.reporting.grid import grid_map, grid_order, grid_table, words
from radnb.reporting.story import Story
from tests.reporting.stories import story


def with_grid(language: str = "en") -> Story:
    """Return a story whose card compared two selectors by three models."""
    plain, rows = story("improved", language), []
    for number, (selector, learner, value) in enumerate([
            ("anova", "ridge_logistic", 0.86), ("anova", "svm", 0.84), ("anova", "random_forest", 0.80),
            ("wilcoxon (k=30) + mrmr", "ridge_logistic", 0.82), ("wilcoxon (k=30) + mrmr", "svm", 0.70),
            ("wilcoxon (k=30) + mrmr", "random_forest", 0.60)]):
        rows.append({"model": "combined", "candidate": number, "selector": selector, "learner": learner, "features": 5,
                     "note": f"{selector}, {learner}", "value": value, "low": value - 0.1, "high": value + 0.08,
                     "rank": 1.0 + number, "best": number == 0, "difference": value - 0.86,
                     "difference_low": value - 0.96, "difference_high": value - 0.76, "apart": value < 0.76,
                     "n": 130, "events": 55, "method": "quick_influence"})
    grid = pd.DataFrame(rows).astype({"features": "Int64"})
    summary = pd.DataFrame({"model": ["combined"], "candidates": [6], "best": ["anova, ridge_logistic"],
                            "best_value": [0.86], "nested_value": [0.81], "nested_low": [0.7], "nested_high": [0.9],
                            "gap": [0.05], "n": [130], "events": [55]})
    return replace(plain, evaluation=replace(plain.evaluation, grid=grid, grid_summary=summary))


@pytest.mark.parametrize("language", ["en", "zh"])
def test_the_table_shows_every_way_and_what_choosing_earns(language: str) -> None:
    found = grid_table(with_grid(language))
    assert len(found.shown) == 6
    assert "0.81" in found.note
    assert "0.05" in found.note
    assert found.shown.iloc[0, 0] == {"en": "Clinical data and image features", "zh": "临床资料加影像特征"}[language]


def test_a_chain_is_told_in_words_with_its_options() -> None:
    assert words(with_grid(), "selector", "wilcoxon (k=30) + mrmr") == (
        "the Wilcoxon rank-sum test (k=30) + minimum redundancy and maximum relevance")


@pytest.mark.parametrize("language", ["en", "zh"])
def test_map_and_order_are_drawn_with_alternative_texts(language: str) -> None:
    for draw in (grid_map, grid_order):
        found = draw(with_grid(language))
        assert len(found.png) > 10_000
        assert "0.86" in found.alt


def test_without_a_grid_the_place_says_so() -> None:
    assert "no grid" in grid_map(story("improved")).alt
    assert "no grid" in grid_table(story("improved")).note
    assert np.isnan(story("improved").evaluation.grid.get("value", pd.Series([np.nan])).mean())
