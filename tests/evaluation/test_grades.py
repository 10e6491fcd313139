"""Several classes: agreement in grades, order and stages, beside counts by hand and R's kappa."""

from __future__ import annotations

import itertools
import json
from dataclasses import replace
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from radnb.evaluation import grades
from radnb.evaluation.evaluation import evaluate
from radnb.evaluation.honesty import draws, macro
from radnb.evaluation.methods import method
from radnb.evaluation.scored import scored
from radnb.statistics.agreement import weighted_kappa
from tests.evaluation.made import BINARY, THREE, Made

ASKED = {"primary": "combined", "comparator": None, "decision": (0.1, 0.6)}
ORDERED = replace(THREE, ordered=True)


@pytest.fixture(scope="module")
def made():
    return Made(ORDERED, n=90, models={"combined": 2.4})


@pytest.fixture(scope="module")
def judged(made):
    return evaluate(made.predictions(3), made.resamples(permutations=0), outcome=ORDERED, **ASKED)


def wide(rows):
    """Return the probabilities of each patient, made to add up to one, and the true class."""
    p = rows.pivot_table(index=["repeat", "fold", "patient_id"], columns="target", values="score")[list(THREE.classes)]
    truth = rows.pivot_table(index=["repeat", "fold", "patient_id"], columns="target", values="truth")
    p = p.div(p.sum(axis=1), axis=0)
    return p.to_numpy(), truth[list(THREE.classes)].to_numpy().argmax(1), p.index


def in_order(place, truth, index, pairs):
    """Return the mean over repeats of the mean over pairs of classes, pairs of patients inside a fold, one by one."""
    found = []
    for repeat in sorted(set(index.get_level_values(0))):
        each = []
        for low, high in pairs:
            won = many = 0.0
            for fold in sorted(set(index.get_level_values(1))):
                here = (index.get_level_values(0) == repeat) & (index.get_level_values(1) == fold)
                lower, upper = place[here & (truth == low)], place[here & (truth == high)]
                won += sum((b > a) + 0.5 * (a == b) for a, b in itertools.product(lower, upper))
                many += len(lower) * len(upper)
            each.append(won / many)
        found.append(np.mean(each))
    return float(np.mean(found))


def test_weighted_kappa_by_hand_and_at_its_ends():
    table = np.array([[2, 1, 0], [1, 1, 1], [0, 1, 3]])  # disagreement 4; by chance (1*9 + 4*(3*4 + 4*3)...)/10
    rows, columns = table.sum(1), table.sum(0)
    chance = sum(rows[i] * columns[j] * (i - j) ** 2 for i in range(3) for j in range(3)) / 10
    assert weighted_kappa(table) == pytest.approx(1 - 4 / chance)
    assert weighted_kappa(np.diag([3, 4, 5])) == 1
    assert weighted_kappa(np.outer([3, 4, 5], [1, 1, 1])) == pytest.approx(0)
    assert np.isnan(weighted_kappa(np.array([[7, 0], [0, 0]])))
    assert weighted_kappa(np.stack([table, np.diag([1, 1, 1])])).shape == (2,)


def test_weighted_kappa_equals_r():
    here = Path(__file__).parents[1] / "reference" / "simulated"
    table = pd.read_csv(here / "input" / "kappa.csv")
    known = json.loads((here / "expected" / "reference.json").read_text(encoding="utf-8"))["values"]
    counts = pd.crosstab(*(pd.Categorical(table[name], range(1, 6)) for name in table), dropna=False).to_numpy()
    assert weighted_kappa(counts) == pytest.approx(known["kappa.cohen_squared"]["kappa"], rel=1e-12)  # irr::kappa2


def test_shares_and_kappa_are_means_over_repeats(judged):
    p, truth, index = wide(Made(ORDERED, n=90, models={"combined": 2.4}).predictions(3))
    far = np.abs(p.argmax(1) - truth)
    rows = judged.metrics.set_index("metric")
    assert rows.loc["correct_class", "value"] == pytest.approx(np.mean(far == 0))
    assert rows.loc["within_one_grade", "value"] == pytest.approx(np.mean(far <= 1))
    kappa = [weighted_kappa(np.histogram2d(truth[here], p[here].argmax(1), bins=3, range=[[0, 3], [0, 3]])[0])
             for repeat in range(3) for here in [index.get_level_values(0) == repeat]]
    assert rows.loc["weighted_kappa", "value"] == pytest.approx(np.mean(kappa))
    for name in ("correct_class", "within_one_grade", "weighted_kappa"):
        row = rows.loc[name]
        assert row["low"] < row["value"] <= row["high"] <= 1 and row["method"] == "cv3x5_bootstrap25x2_grades"
        assert "most probable class" in method(row["method"]).en


def test_order_and_stages_equal_pairs_gone_through_one_by_one(judged):
    p, truth, index = wide(Made(ORDERED, n=90, models={"combined": 2.4}).predictions(3))
    rows = judged.metrics.set_index("metric")
    place = p @ np.arange(3)
    assert rows.loc["ordinal_c", "value"] == pytest.approx(in_order(place, truth, index, [(0, 1), (0, 2), (1, 2)]))
    first = in_order(p[:, 2], (truth == 2).astype(int), index, [(0, 1)])
    assert rows.loc["first_stage[G1+G2 | G3]", "value"] == pytest.approx(first)
    second = in_order(p[:, 1] / (p[:, 0] + p[:, 1]), truth, index, [(0, 1)])  # among those who are G1 or G2
    assert rows.loc["second_stage[G1 | G2]", "value"] == pytest.approx(second)
    assert tuple(rows.loc["second_stage[G1 | G2]", ["n", "events"]]) == (60, 30)
    for name in ("ordinal_c", "first_stage[G1+G2 | G3]", "second_stage[G1 | G2]"):
        assert rows.loc[name, "low"] < rows.loc[name, "value"] < rows.loc[name, "high"]


def test_the_cut_of_the_card_moves_the_stages(made):
    found = evaluate(made.predictions(1), None, outcome=ORDERED, cut=1, **ASKED).metrics
    staged = [name for name in found["metric"] if "stage" in name]
    assert staged == ["first_stage[G1 | G2+G3]", "second_stage[G2 | G3]"]


def test_without_resamples_there_is_no_interval_and_untouched_patients_have_one(made):
    rows = evaluate(made.predictions(2), None, outcome=ORDERED, **ASKED).metrics.set_index("metric")
    for name in ("correct_class", "weighted_kappa", "ordinal_c", "second_stage[G1 | G2]"):
        assert np.isnan(rows.loc[name, "low"]) and rows.loc[name, "method"] == "none: no resamples"
    rows = evaluate(made.frozen(), None, outcome=ORDERED, **ASKED).metrics.set_index("metric")
    assert rows.loc["weighted_kappa", "method"] == "patients_grades"
    assert rows.loc["ordinal_c", "method"] == "pairs_influence" and rows.loc["second_stage[G1 | G2]",
                                                                             "method"] == "delong"
    assert rows.loc["ordinal_c", "low"] < rows.loc["ordinal_c", "value"]


def test_everybody_stands_once_in_the_table_of_classes(judged):
    table = judged.classes.pivot_table(index="truth", columns="predicted", values="patients")
    assert table.sum(axis=1).tolist() == pytest.approx([30, 30, 30])
    right = judged.metrics.set_index("metric").loc["correct_class", "value"]
    assert np.trace(table.to_numpy()) / 90 == pytest.approx(right)


def test_unordered_classes_have_no_order_and_two_classes_no_table():
    plain = evaluate(Made(THREE, n=60).predictions(1), None, outcome=THREE, **ASKED)
    assert "correct_class" in set(plain.metrics["metric"]) and "ordinal_c" not in set(plain.metrics["metric"])
    two = evaluate(Made(BINARY).predictions(1), None, outcome=BINARY, **ASKED)
    assert two.classes.empty and "correct_class" not in set(two.metrics["metric"])


def test_scores_that_are_no_probabilities_put_nobody_into_a_class(made):
    rows = made.predictions(1).assign(scale="linear")
    series = scored(rows, pd.DataFrame(), survival=False)
    several = grades.Several(tuple(series), macro([draws(one) for one in series]))
    assert not several.usable and grades.metrics(several, ORDERED) == []
