"""Every design from training to the words of the report, in both languages, on tiny cohorts."""

from __future__ import annotations

import functools
from dataclasses import replace
from typing import Any

import numpy as np
import pandas as pd
import pytest

from radnb.errors import RadnbError
from radnb.evaluation.evaluation import Evaluation, evaluate
from radnb.evaluation.subgroups import subgroups
from radnb.evaluation.transfer import apart
from radnb.features.assemble import Cohort
from radnb.learning.certificate import certificate
from radnb.learning.plan import Trained
from radnb.learning.splits import ARROW, DESIGNS, Split
from radnb.learning.training import train
from radnb.reporting.figures_subgroups import subgroup_forest, subgroup_table
from radnb.reporting.figures_transfer import transfer_matrix, transfer_table
from radnb.reporting.first_screen import first_screen
from radnb.reporting.formula import TERM
from radnb.reporting.methods import paragraphs
from radnb.reporting.story import Story
from radnb.reporting.tables import class_table, comparison_table, flags_table, performance_table
from radnb.reporting.verdict import verdict_sentence
from tests.learning.conftest import quick, tiny
from tests.reporting.stories import facts

GIVEN: dict[str, dict[str, Any]] = {
    "repeated_kfold": {"folds": 3, "repeats": 2}, "nested": {"folds": 2, "repeats": 1}, "bootstrap": {"samples": 5},
    "by_centre": {}, "between_centres": {"least": 3}, "holdout": {}, "temporal": {"name": "year"},
    "transfer": {"name": "station", "train": ["3"], "test": ["4"]}, "column": {"name": "cohort"}}
FROZEN = {"holdout", "temporal", "transfer", "column", "between_centres"}


@functools.lru_cache
def studied(design: str, classes: int = 2, shared: bool = False) -> tuple[Cohort, Trained, dict[str, Any]]:
    """Train a tiny study; `shared` gives two stations of each patient, one that trains and one that is tested."""
    made = tiny(patients=72, classes=classes)
    n = len(made.table)
    more = {"year": 2010 + np.arange(n) % 9, "station": np.where(np.arange(n) % 2, "3", "4"),
            "sex": np.where(np.arange(n) % 4 < 2, "F", "M"), "centre": made.table["centre"], "age": made.table["age"]}
    table, outcome = made.table, replace(made.outcome, ordered=classes > 2)
    if shared:
        table = table.assign(patient_id=[f"P{k // 2}" for k in range(n)], station=more["station"])
    cohort = replace(made, table=table, outcome=outcome,
                     clinical=made.clinical.assign(patient_id=table["patient_id"], **more))
    options = GIVEN[design] | ({"same_patients": True} if shared else {})
    plan = quick(design={design: options}, bootstraps=2, permutations=2)
    return cohort, train(cohort, plan, workers=0), {"design": plan.design, "selector": list(plan.selector),
                                                    "model": plan.model, "threshold": plan.threshold}


@functools.lru_cache
def judged(design: str, *given: Any) -> Evaluation:
    cohort, trained, _ = studied(design, *given)
    found = evaluate(trained.predictions, trained.resamples, outcome=cohort.outcome, primary="combined",
                     comparator="clinical", decision=(0.1, 0.6), patients=cohort.clinical, splits=trained.splits,
                     trained=trained)
    rows = apart(trained.predictions, cohort.clinical, trained.splits)
    divided = subgroups(rows, trained.resamples, cohort.clinical, {"sex": {}, "age": 0.0}, outcome=cohort.outcome,
                        models=["combined", "clinical"])
    return replace(found, subgroups=divided)


def told(language: str, design: str, *given: Any) -> Story:
    cohort, trained, card = studied(design, *given)
    event = {"event_label": {"en": "G3", "zh": "G3级"}} if len(cohort.outcome.classes) > 2 else {}
    return Story(facts("improved", **{**card, **event}), cohort, judged(design, *given), trained.selections,
                 cohort.exclusions, language=language, certificate=trained.certificate, final=trained.final)


@pytest.mark.parametrize("language", ["en", "zh"])
@pytest.mark.parametrize("design", DESIGNS)
def test_every_design_is_trained_judged_and_told(design: str, language: str) -> None:
    story = told(language, design)
    words = " ".join([first_screen(story).plain(), *paragraphs(story), performance_table(story).plain(),
                      comparison_table(story).plain(), flags_table(story).plain(), transfer_table(story).plain(),
                      subgroup_table(story).plain()])
    assert "_" not in words.replace("cv_", "") and "none:" not in words
    assert "least = 3" not in words and ("{" not in words)
    assert (len(studied(design)[1].resamples) == 0) == (design in FROZEN | {"bootstrap"})
    elsewhere = design in ("between_centres", "column")
    assert story.evaluation.verdict.external == elsewhere
    assert (story.text("first.tested.no") in words) == (not elsewhere and design != "by_centre")


@pytest.mark.parametrize("language", ["en", "zh"])
def test_a_design_without_an_interval_does_not_blame_the_number_of_patients(language: str) -> None:
    said = verdict_sentence(told(language, "bootstrap"))
    assert {"en": "gives no interval", "zh": "无法给出区间"}[language] in said
    assert {"en": "oo few", "zh": "例数不足"}[language] not in said


def test_directions_between_centres_are_never_pooled() -> None:
    story = told("en", "between_centres")
    sets = set(story.evaluation.metrics["set"])
    assert len(sets) == 6 and all(ARROW in name for name in sets)
    assert set(story.evaluation.metrics["n"]) == {24}
    screen = first_screen(story).plain()
    assert "6 directions, never pooled" in screen and story.set in screen
    gaps = story.evaluation.metrics.query("metric == 'auc_difference' and model == 'combined - clinical'")
    worst = gaps.assign(low=gaps["low"].fillna(-2.0)).sort_values(["low", "set"])["set"].iloc[0]
    assert len(gaps) == 6 and story.set == worst
    assert "one_centre" not in set(story.evaluation.flags["code"])
    assert not transfer_matrix(story).left_out and len(transfer_table(story).shown) >= 6


def test_patients_on_both_sides_bear_no_interval() -> None:
    story = told("en", "transfer", 2, True)
    assert "same_patients" in set(story.evaluation.flags["code"])
    rows = story.evaluation.metrics[story.evaluation.metrics["metric"].isin(["auc", "auc_difference", "brier"])]
    assert rows["low"].isna().all() and set(rows["method"]) == {"none: the same patients trained"}
    assert story.evaluation.transfer["low"].isna().all()
    screen = first_screen(story).plain()
    assert "The same patients also trained the model." in screen and "Tested in other patients: no" in screen


def test_the_certificate_lets_only_declared_patients_stand_on_both_sides() -> None:
    cohort, trained, _ = studied("transfer", 2, True)
    assert trained.certificate["passed"] and trained.certificate["held_out"] == 0
    train_rows, rest = np.arange(0, 72, 2), np.arange(1, 72, 2)
    with pytest.raises(RadnbError, match="held-out patients were looked at"):
        certificate(cohort, quick(), cohort.blocks, [Split(0, None, "internal", train_rows, rest, frozen=True)])


@pytest.mark.parametrize("language", ["en", "zh"])
def test_grades_are_told_with_their_stages(language: str) -> None:
    story = told(language, "repeated_kfold", 3)
    table = class_table(story)
    assert table.shown.shape == (3, 5) and not table.left_out
    shown = " ".join(performance_table(story).shown.iloc[:, 0])
    expected = ("AUC, first stage, G1 or G2 versus G3", "Kappa with quadratic weights") if language == "en" else (
        "AUC（第一阶段）（G1级或G2级对G3级）", "二次加权Kappa")
    assert all(words in shown for words in expected), shown
    assert story.text("methods.grades") in " ".join(paragraphs(story))
    assert class_table(told(language, "holdout")).left_out


@pytest.mark.parametrize("language", ["en", "zh"])
def test_subgroups_state_the_interaction_and_that_they_explore(language: str) -> None:
    story = told(language, "holdout")
    table, picture = subgroup_table(story), subgroup_forest(story)
    lines = [str(line).strip() for line in table.shown.iloc[:, 0]]
    minus = story.text("subgroups.minus", first=story.label("F"), second=story.label("M"))
    other = story.text("subgroups.minus", first=story.label("M"), second=story.label("F"))
    assert any(minus in line or other in line for line in lines), lines
    assert {"en": "Exploratory", "zh": "探索性"}[language] in table.note and table.note in picture.caption
    assert len(picture.png) > 10_000
    none = replace(story, evaluation=replace(story.evaluation, subgroups=story.evaluation.subgroups.iloc[:0]))
    assert subgroup_table(none).left_out and subgroup_forest(none).left_out


def test_the_printed_formula_of_a_fusion_gives_the_scores_of_the_frozen_model() -> None:
    cohort = tiny(patients=72)
    late = {"combined": {"late": {"scores": ["radiomics"], "beside": ["clinical"]}}, "clinical": ("clinical",)}
    trained = train(cohort, quick(sets=late, design={"holdout": {}}), workers=0)
    final, whole = trained.final["combined"], cohort.table.dropna()
    made = {"score:radiomics": _summed(final["parts"]["score:radiomics"]["formula"][0], whole)}
    logit = _summed(final["fusion"][0], whole.assign(**made))
    rows = trained.predictions.query("model == 'combined'").set_index("patient_id")["score"]
    shared = whole["patient_id"].isin(rows.index).to_numpy()
    expected = rows.loc[whole["patient_id"][shared]].to_numpy(float)
    assert shared.sum() >= 8
    np.testing.assert_allclose(1 / (1 + np.exp(-logit[shared])), expected, atol=1e-3)


def _summed(words: str, table: pd.DataFrame) -> np.ndarray:
    """Read a printed formula and add it up."""
    total = np.full(len(table), float(words.split(" ")[0]))
    for sign, size, name in TERM.findall(words):
        total = total + float(f"{sign}{size}") * table[name].to_numpy(float)
    return total
