from __future__ import annotations

import dataclasses
import io
import re
from collections.abc import Callable
from pathlib import Path

import matplotlib
import matplotlib.pyplot as plt
import numpy as np
import pytest
from PIL import Image

from radnb.reporting import figures, figures_patients, figures_survival
from radnb.reporting.composite import composite
from radnb.reporting.display import SCREEN_DPI, Picture
from tests.reporting.stories import Story, story

Draw = Callable[[Story], Picture]
CLASSES = (figures.roc, figures.calibration, figures.decision_curve, figures.forest, figures_patients.flow,
           figures_patients.icon_array, figures_patients.score_distribution, figures_patients.stability)
SURVIVAL = (figures_survival.kaplan_meier, figures.forest, figures_patients.icon_array,
            figures_patients.score_distribution)


def drawn(made: Picture) -> None:
    assert made.png.startswith(b"\x89PNG")
    assert made.alt and made.heading and made.caption
    ink = np.asarray(Image.open(io.BytesIO(made.png)).convert("L")) < 250
    border = np.concatenate([ink[0], ink[-1], ink[:, 0], ink[:, -1]])
    assert ink.any() and not border.any(), "something is drawn up to the very edge, so it may be cut"


@pytest.mark.parametrize(("kind", "language"), [("improved", "en"), ("three", "zh")])
@pytest.mark.parametrize("draw", CLASSES)
def test_figures_of_classes_are_whole(draw: Draw, kind: str, language: str) -> None:
    drawn(draw(story(kind, language)))


@pytest.mark.parametrize(("draw", "language"), [*zip(SURVIVAL, ("zh", "en", "zh", "en"), strict=True)])
def test_figures_of_survival_are_whole(draw: Draw, language: str) -> None:
    drawn(draw(story("survival", language)))


@pytest.mark.parametrize(("kind", "language"), [("improved", "zh"), ("three", "en"), ("survival", "en")])
def test_the_composite_is_whole_and_lettered(kind: str, language: str) -> None:
    made = composite(story(kind, language))
    drawn(made)
    assert made.alt.startswith("a") and "b, " in made.alt.replace("\uff0c", ", ")


@pytest.mark.parametrize("draw", [*CLASSES, *SURVIVAL, composite])
def test_figures_have_the_width_of_a_journal_column(draw: Draw) -> None:
    made = draw(story("survival" if draw is figures_survival.kaplan_meier else "improved"))
    dots = Image.open(io.BytesIO(made.png)).size[0]
    assert round(dots / SCREEN_DPI * 25.4) in (84, 174)


def test_a_missing_glyph_is_an_error() -> None:
    told = dataclasses.replace(story("improved"), labels={"clinical": {"en": "\U0001f9ec model", "zh": "x"}})
    with pytest.raises(UserWarning, match="missing from font"):
        figures.forest(told)


def test_figures_leave_no_trace_in_global_state() -> None:
    before = dict(matplotlib.rcParams)
    figures.forest(story("improved"))
    assert dict(matplotlib.rcParams) == before
    assert plt.get_fignums() == []


def test_files_are_written_in_screen_and_journal_formats_and_are_equal_twice(tmp_path: Path) -> None:
    formats = ("pdf", "tiff")
    first = figures.roc(dataclasses.replace(story("improved", "zh"), out_dir=tmp_path / "a"), formats=formats)
    second = figures.roc(dataclasses.replace(story("improved", "zh"), out_dir=tmp_path / "b"), formats=formats)
    assert [path.name for path in first.files] == ["roc.png", "roc.svg", "roc.pdf", "roc.tiff"]
    for one, other in zip(first.files, second.files, strict=True):
        assert one.read_bytes() == other.read_bytes()


def test_the_pdf_embeds_truetype_and_the_tiff_has_600_dpi(tmp_path: Path) -> None:
    made = figures.forest(dataclasses.replace(story("improved"), out_dir=tmp_path), formats=("pdf", "tiff"))
    pdf = next(path for path in made.files if path.suffix == ".pdf").read_bytes()
    assert b"/CIDFontType2" in pdf and b"/FontFile2" in pdf
    with Image.open(tmp_path / "figures" / "forest.tiff") as tiff:
        assert tiff.info["dpi"] == pytest.approx((600, 600))


def test_the_svg_holds_paths_and_no_date(tmp_path: Path) -> None:
    figures.forest(dataclasses.replace(story("improved"), out_dir=tmp_path))
    svg = (tmp_path / "figures" / "forest.svg").read_text(encoding="utf-8")
    assert "<text" not in svg and "<dc:date>" not in svg


def test_calibration_says_when_there_are_too_few_to_judge() -> None:
    assert "Too few to judge." in figures.calibration(story("improved")).alt
    assert "例数过少，无法判断" in figures.calibration(story("improved", "zh")).alt


def test_the_flow_counts_everybody_once() -> None:
    assert re.search("139 patients entered, 9 were excluded .* 130 were analysed",
                     figures_patients.flow(story("improved")).alt)


def test_no_raw_feature_name_stands_in_the_figure_of_features() -> None:
    made = figures_patients.stability(story("improved"))
    assert "original_" not in made.alt + made.caption
    assert "firstorder" not in made.alt


def test_scores_without_probabilities_give_a_sentence_in_place_of_a_curve() -> None:
    told = story("improved")
    bare = dataclasses.replace(told.evaluation, calibration=told.evaluation.calibration.iloc[:0],
                               decision=told.evaluation.decision.iloc[:0])
    for draw in (figures.calibration, figures.decision_curve):
        made = draw(dataclasses.replace(told, evaluation=bare))
        assert made.png == b"" and "not probabilities" in made.plain()
