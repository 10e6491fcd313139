"""The .632+ rule: Efron and Tibshirani's formula, its limits, and no interval where none holds."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
from sklearn.metrics import roc_auc_score

from radnb.evaluation import bootstrap632
from radnb.evaluation.evaluation import evaluate
from tests.evaluation.made import BINARY, SURVIVAL, THREE, Made

ASKED = {"primary": "combined", "comparator": "clinical", "decision": (0.1, 0.6)}


@pytest.mark.parametrize(("apparent", "out", "nothing", "estimate"), [
    (0.95, 0.70, 0.5, 0.7514),  # R = .25/.45 = .5556, w = .632/(1 - .368*.5556) = .7944
    (0.05, 0.30, 0.5, 0.2486),  # the same as errors
    (1.0, 0.5, 0.5, 0.5),       # a nearest neighbour on noise: R = 1, w = 1
    (0.8, 0.8, 0.5, 0.8),       # no overfitting
    (0.7, 0.8, 0.5, 0.7632),    # better out of bag: plain .632 = .368*.7 + .632*.8
    (0.5, 0.4, 0.5, 0.4368),
])
def test_the_weights_are_those_of_the_paper(apparent, out, nothing, estimate):
    assert bootstrap632.combine(apparent, out, nothing) == pytest.approx(estimate, abs=5e-5)


def test_it_equals_the_other_form_of_the_formula():
    for apparent, out, nothing in np.random.default_rng(0).uniform([0, 0.25, 0.5], [0.2, 0.45, 0.6], (50, 3)):
        plain = 0.368 * apparent + 0.632 * out
        r = (out - apparent) / (nothing - apparent)
        other = plain + (out - apparent) * 0.368 * 0.632 * r / (1 - 0.368 * r)  # their equation 32
        assert bootstrap632.combine(apparent, out, nothing) == pytest.approx(other)


def test_the_no_information_error_is_that_of_all_pairs():
    flag, event = np.array([1, 1, 0, 1]), np.array([1, 0, 0, 0])
    pairs = np.mean([f != e for f in flag for e in event])
    assert bootstrap632.no_information_error(flag.mean(), event.mean()) == pytest.approx(pairs)


def left_out(outcome=BINARY, samples=12, **more):
    """Make predictions of patients left out of bootstrap samples, and apparent ones that are better."""
    made = Made(outcome, n=60, events=0.5, **more)
    rng = np.random.default_rng(0)
    parts = []
    for sample in range(samples):
        out = ~np.isin(np.arange(60), rng.integers(0, 60, 60))
        rows = made.rows(repeat=sample)
        parts.append(rows[rows["patient_id"].isin(made.ids[out])].assign(fold=0))
    made.hidden = {m: h + 1.5 * (made.label if made.outcome.kind == "classes" else -np.log(made.time))
                   for m, h in made.hidden.items()}
    whole = made.rows("train", repeat=samples).assign(fold=0)
    return pd.concat([*parts, whole], ignore_index=True).astype({"fold": "Int64"})


def test_an_evaluation_combines_out_of_bag_and_apparent_scores_and_gives_no_interval():
    table = left_out()
    found = evaluate(table, None, outcome=BINARY, **ASKED)
    mine = table[table["model"] == "combined"]
    inside = mine[mine["set"] == "internal"]
    out = np.mean([roc_auc_score(r["truth"], r["score"]) for _, r in inside.groupby("repeat")])
    train = mine[mine["set"] == "train"]
    apparent = roc_auc_score(train["truth"], train["score"])
    metrics = found.metrics.set_index(["model", "set", "metric"])
    row = metrics.loc[("combined", "internal", "auc")]
    assert row["value"] == pytest.approx(bootstrap632.combine(apparent, out))
    assert out < row["value"] < apparent
    assert row["method"] == "none: bootstrap .632+"
    other = metrics.loc[("clinical", "internal", "auc"), "value"]
    difference = metrics.loc[("combined - clinical", "internal", "auc_difference")]
    assert difference["value"] == pytest.approx(row["value"] - other)
    assert metrics.xs("internal", level="set")["low"].isna().all()
    assert found.verdict.kind == "too_few"


def test_brier_and_accuracy_average_each_patient_first():
    table = left_out()
    found = evaluate(table, None, outcome=BINARY, **ASKED).metrics.set_index(["model", "set", "metric"])["value"]
    mine = table[table["model"] == "combined"]
    inside, train = mine[mine["set"] == "internal"], mine[mine["set"] == "train"]
    each = ((inside["score"] - inside["truth"]) ** 2).groupby(inside["patient_id"]).mean().mean()
    score, truth = train["score"].to_numpy(), train["truth"].to_numpy()
    nothing = np.mean((score[:, None] - truth) ** 2)
    apparent = np.mean((score - truth) ** 2)
    assert found["combined", "internal", "brier"] == pytest.approx(bootstrap632.combine(apparent, each, nothing))
    wrong = ((inside["score"] >= 0.5) != (inside["truth"] == 1)).groupby(inside["patient_id"]).mean().mean()
    nothing = np.mean((score[:, None] >= 0.5) != (truth == 1))
    expected = 1 - bootstrap632.combine(np.mean((score >= 0.5) != (truth == 1)), wrong, nothing)
    assert found["combined", "internal", "accuracy"] == pytest.approx(expected)


@pytest.mark.parametrize(("outcome", "metric"), [(THREE, "auc_macro"), (SURVIVAL, "c_index")])
def test_several_classes_and_survival_have_it_too(outcome, metric):
    found = evaluate(left_out(outcome), None, outcome=outcome, **ASKED).metrics
    row = found[(found["metric"] == metric) & (found["set"] == "internal") & (found["model"] == "combined")].iloc[0]
    assert row["method"] == "none: bootstrap .632+"
    assert np.isfinite(row["value"]) and np.isnan(row["low"])


def test_cross_validation_is_left_as_it_is():
    made = Made(n=60, events=0.5)
    found = evaluate(made.predictions(), made.resamples(), outcome=BINARY, **ASKED).metrics
    assert not found["method"].str.contains("632|out of bag").any()
