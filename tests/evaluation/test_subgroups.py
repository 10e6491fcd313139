"""Subgroups: the same scores, fewer patients; no interval without events, and differences read from the resamples."""

from __future__ import annotations

import itertools

import numpy as np
import pandas as pd
import pytest
from lifelines.utils import concordance_index
from scipy import stats

from radnb.errors import RadnbError
from radnb.evaluation.methods import method
from radnb.evaluation.subgroups import COLUMNS, memberships, subgroups
from radnb.statistics.intervals import cv_interval
from tests.evaluation.made import BINARY, SURVIVAL, THREE, Made

MODELS = {"combined": 2.4}


def by_hand(score, truth):
    """Return the AUC and DeLong's variance from all pairs."""
    up, down = score[truth == 1], score[truth == 0]
    wins = (up[:, None] > down) + 0.5 * (up[:, None] == down)
    return wins.mean(), wins.mean(1).var(ddof=1) / len(up) + wins.mean(0).var(ddof=1) / len(down)


def within(rows):
    """Return the AUC over pairs inside a fold, by going through all of them."""
    won = pairs = 0.0
    for _, part in rows.groupby("fold"):
        events, others = part[part["truth"] == 1]["score"], part[part["truth"] == 0]["score"]
        won += sum((a > b) + 0.5 * (a == b) for a, b in itertools.product(events, others))
        pairs += len(events) * len(others)
    return won / pairs


@pytest.fixture(scope="module")
def study():
    made = Made(n=120, events=0.5, models=MODELS)
    patients = pd.DataFrame({"patient_id": made.ids, "size": np.r_[20.0, np.nan, np.tile([12.0, 35.0], 59)],
                             "sex": np.tile(["F", "M", "F"], 40)})
    return made, patients


def frozen(made):
    return made.frozen().assign(patient_id=lambda t: t["patient_id"].str.removeprefix("E"))


def test_an_untouched_subgroup_has_its_own_auc_and_interval(study):
    made, patients = study
    rows = frozen(made)
    found = subgroups(rows, None, patients, {"size": 20}, outcome=BINARY).set_index("subgroup")
    assert list(found.index) == ["≤ 20", "> 20", "", "> 20 - ≤ 20"]
    small = patients.loc[patients["size"] <= 20, "patient_id"]
    mine = rows[rows["patient_id"].isin(small)]
    value, variance = by_hand(mine["score"].to_numpy(), mine["truth"].to_numpy())
    row = found.loc["≤ 20"]
    assert (row["n"], row["events"], row["method"]) == (60, int(mine["truth"].sum()), "delong")
    assert row["value"] == pytest.approx(value)
    assert row["low"] == pytest.approx(value - 1.959964 * np.sqrt(variance), abs=1e-6)
    assert (found.loc["", "n"], found.loc["", "method"]) == (1, "none: not recorded")


def test_the_difference_of_untouched_subgroups_adds_their_variances(study):
    made, patients = study
    rows = frozen(made)
    found = subgroups(rows, None, patients, {"sex": {}}, outcome=BINARY)
    row = found[found["metric"] == "auc_difference"].iloc[0]
    women = set(patients.loc[patients["sex"] == "F", "patient_id"])
    (f, vf), (m, vm) = (by_hand(part["score"].to_numpy(), part["truth"].to_numpy())
                        for _, part in rows.groupby(~rows["patient_id"].isin(women)))
    assert row["subgroup"] == "M - F"  # the larger one is what others are compared with
    assert row["value"] == pytest.approx(m - f)
    assert row["high"] - row["low"] == pytest.approx(2 * 1.959964 * np.sqrt(vf + vm), abs=1e-6)
    assert row["method"] == "delong_unpaired"
    assert row["p"] == pytest.approx(2 * stats.norm.sf(abs(m - f) / np.sqrt(vf + vm)), abs=0.01)  # Welch's t is wider


def test_several_differences_are_corrected_for_their_number(study):
    made, patients = study
    both = patients.assign(side=np.tile(["left", "right"], 60))
    one = subgroups(frozen(made), None, both, {"sex": {}}, outcome=BINARY)["p"].dropna()
    two = subgroups(frozen(made), None, both, {"sex": {}, "side": {}}, outcome=BINARY)["p"].dropna()
    assert len(one) == 1 and len(two) == 2
    assert two.iloc[0] >= one.iloc[0]


def test_cross_validated_subgroups_compare_inside_folds_and_take_the_honest_interval(study):
    made, patients = study
    predictions, resamples = made.predictions(), made.resamples(permutations=3)
    found = subgroups(predictions, resamples, patients, {"sex": {}}, outcome=BINARY).set_index("subgroup")
    women = set(patients.loc[patients["sex"] == "F", "patient_id"])
    values, tables = {}, {}
    for name, inside in (("F", True), ("M", False)):
        own = predictions[predictions["patient_id"].isin(women) == inside]
        values[name] = np.array([within(rows) for _, rows in own.groupby("repeat")])
        drawn = resamples[(resamples["patient_id"].isin(women) == inside) & (resamples["kind"] == "bootstrap")]
        tables[name] = np.array([within(r) for _, r in drawn.groupby(["replicate", "split"])]).reshape(25, 2)
        assert found.loc[name, "value"] == pytest.approx(values[name].mean())
        assert found.loc[name, "method"] == "cv4x5_bootstrap25x2_logit"
    row = found.loc["M - F"]
    value, low, high, _ = cv_interval(values["M"] - values["F"], tables["M"] - tables["F"], 0.0, scale="plain",
                                      bounds=(-1, 1))
    assert row["value"] == pytest.approx(value)
    assert row["low"] <= low + 1e-12 and row["high"] >= high - 1e-12  # never below the influence standard error
    assert row["method"] == "cv4x5_bootstrap25x2_interaction"
    assert np.isnan(row["p"])


def test_a_subgroup_with_too_few_events_has_a_number_and_no_interval(study):
    made, patients = study
    few = patients.assign(rare=["yes"] * 4 + ["no"] * 112 + ["yes"] * 4)
    for predictions, resamples in ((frozen(made), None), (made.predictions(), made.resamples(permutations=0))):
        found = subgroups(predictions, resamples, few, {"rare": {}}, outcome=BINARY).set_index("subgroup")
        assert found.loc["yes", "method"] == found.loc["yes - no", "method"] == "none: too few events"
        assert np.isfinite(found.loc["no", "low"])
        assert np.isnan(found.loc["yes - no", ["low", "high", "p"]].astype(float)).all()


def test_a_subgroup_with_one_outcome_has_not_even_a_number(study):
    made, patients = study
    one = patients.assign(group=np.where(made.label == 1, "event", "none"))
    found = subgroups(made.predictions(), None, one, {"group": {}}, outcome=BINARY)
    assert found["value"].isna().all() and set(found["method"]) == {"none: too few events"}


def test_survival_subgroups_have_their_concordance(study):
    made = Made(SURVIVAL, n=120, models=MODELS)
    patients = study[1]
    rows = frozen(made)
    found = subgroups(rows, None, patients, {"sex": {}}, outcome=SURVIVAL).set_index("subgroup")
    mine = rows[rows["patient_id"].isin(patients.loc[patients["sex"] == "M", "patient_id"])]
    assert found.loc["M", "value"] == pytest.approx(concordance_index(mine["time_months"], -mine["score"],
                                                                      mine["event"]))
    assert found.loc["M", "method"] == "concordance_jackknife"
    assert found.loc["M - F", "method"] == "concordance_jackknife_unpaired"
    crossed = subgroups(made.predictions(), made.resamples(), patients, {"sex": {}}, outcome=SURVIVAL)
    assert crossed["method"].iloc[-1] == "cv4x5_halfsample25x2_interaction"


def test_several_classes_are_reported_each(study):
    made = Made(THREE, n=120, models=MODELS)
    found = subgroups(made.predictions(), None, study[1], {"sex": {}}, outcome=THREE)
    assert set(found["metric"]) == {f"{name}[{g}]" for name in ("auc", "auc_difference") for g in THREE.classes}


def test_every_method_of_the_table_has_its_sentence_and_apparent_scores_stay_out(study):
    made, patients = study
    tables = pd.concat([made.predictions(), made.rows("train"), made.frozen()])
    outside = patients.assign(patient_id="E" + patients["patient_id"])
    found = subgroups(tables, made.resamples(permutations=0), pd.concat([patients, outside]), {"sex": {}, "size": 20},
                      outcome=BINARY, models=["combined"])
    assert list(found) == list(COLUMNS)
    assert set(found["set"]) == {"internal", "external"}
    for code in set(found["method"]):
        assert method(code).en


@pytest.mark.parametrize(("asked", "mend"), [
    ({"sexx": {}}, "Did you mean 'sex'"), ({"sex": 20}, "20 cuts numbers, but the column holds 'F'"),
    ({"size": "small"}, "Give a number that cuts"), ({"sex": True}, "Give a number that cuts"),
    ({"patient_number": {}}, "120 different values are too many"),
    ({"sexx": {}, "size": "small"}, "2 problems"),
])
def test_a_subgroup_that_cannot_be_is_refused(asked, mend, study):
    with pytest.raises(RadnbError, match=mend):
        memberships(study[1].assign(patient_number=range(120)), asked)
