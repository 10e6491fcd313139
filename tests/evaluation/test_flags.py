"""Methodological checks and centres: each is raised by its own cause and by nothing else."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

from radnb.evaluation.evaluation import evaluate
from tests.evaluation.made import BINARY, Made

ASKED = {"primary": "combined", "comparator": "clinical", "decision": (0.1, 0.6), "outcome": BINARY}


def by_centre(made, centres):
    centre = np.arange(made.n) % centres
    table = made.predictions(1)
    of = dict(zip(made.ids, centre, strict=True))
    table["fold"] = table["patient_id"].map(of).astype("Int64")
    return table, pd.DataFrame({"patient_id": made.ids, "centre": [f"H{c}" for c in centre]})


def codes(found):
    return set(found.flags["code"])


@pytest.fixture(scope="module")
def made():
    return Made()


@pytest.fixture(scope="module")
def tables(made):
    return made.predictions(), made.resamples(permutations=19)


def test_events_per_candidate_feature_are_counted_for_each_model(tables):
    found = evaluate(*tables, candidates={"clinical": 3, "combined": 400}, **ASKED)
    few = [p for c, p in zip(found.flags["code"], found.flags["parameters"], strict=True)
           if c == "few_events_per_feature"]
    assert few == [{"model": "combined", "events": 32, "candidates": 400, "ratio": 0.08}]


def test_calibration_under_one_hundred_events_is_too_few_to_judge(tables):
    assert "calibration_too_few" in codes(evaluate(*tables, **ASKED))
    large = Made(n=240, events=0.45)
    assert "calibration_too_few" not in codes(evaluate(large.predictions(1), None, **ASKED))


def test_a_centre_that_predicts_the_outcome_is_named(made, tables):
    mixed = pd.DataFrame({"patient_id": made.ids, "centre": np.arange(made.n) % 2})
    sorted_by = mixed.assign(centre=(made.label == 1).astype(int))
    assert "centre_predicts_outcome" not in codes(evaluate(*tables, patients=mixed, **ASKED))
    assert "centre_predicts_outcome" in codes(evaluate(*tables, patients=sorted_by, **ASKED))
    assert "one_centre" in codes(evaluate(*tables, patients=mixed.assign(centre="H1"), **ASKED))


def test_a_perfect_model_is_too_good(made, tables):
    table = tables[0].copy()
    table.loc[table["model"] == "combined", "score"] = table["truth"] * 0.5 + 0.25
    found = evaluate(table, tables[1], **ASKED)
    assert "too_good" in codes(found)
    assert "too_good" not in codes(evaluate(*tables, **ASKED))


def test_two_centres_are_reported_one_by_one_and_never_as_an_interval_between_hospitals(made, tables):
    table, patients = by_centre(made, 2)
    found = evaluate(table, tables[1], patients=patients, **ASKED).metrics
    mine = found[found["model"] == "combined"].set_index("metric")
    assert mine.loc["auc", "method"] == "none: two centres"
    assert mine.loc[["auc_in[H0]", "auc_in[H1]"], "method"].tolist() == ["delong", "delong"]
    assert mine.loc[["auc_in[H0]", "auc_in[H1]"], "n"].sum() == made.n


def test_more_centres_keep_their_interval_with_a_remark(made, tables):
    table, patients = by_centre(made, 4)
    found = evaluate(table, tables[1], patients=patients, **ASKED)
    assert "interval_untested_for_centres" in codes(found)
    assert "few_repeats" not in codes(found)


def test_severe_checks_come_first(tables):
    found = evaluate(tables[0].assign(score=0.5), tables[1], **ASKED).flags
    assert found["severity"].tolist() == sorted(found["severity"], key=["stop", "warning", "info"].index)
    assert found.loc[0, "code"] == "identical_scores"
