"""evaluate(): from predictions and resamples to numbers that stand with n, events, method, and an honest interval."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

from radnb.errors import RadnbError
from radnb.evaluation.evaluation import METRICS, evaluate
from radnb.evaluation.methods import method
from radnb.statistics import discrimination, intervals
from tests.evaluation.made import BINARY, SURVIVAL, THREE, Made

ASKED = {"primary": "combined", "comparator": "clinical", "decision": (0.1, 0.6)}


def row(evaluation, model, metric, name="internal"):
    m = evaluation.metrics
    (found,) = m[(m["model"] == model) & (m["metric"] == metric) & (m["set"] == name)].itertuples()
    return found


@pytest.fixture(scope="module")
def tables():
    made = Made()
    return made.predictions(), made.resamples()


@pytest.fixture(scope="module")
def binary(tables):
    return evaluate(*tables, outcome=BINARY, **ASKED)


@pytest.fixture(scope="module")
def survival():
    made = Made(SURVIVAL)
    return evaluate(made.predictions(), made.resamples(), outcome=SURVIVAL, horizons_months=(12, 600), **ASKED)


def test_the_auc_and_its_interval_follow_the_simulated_recipe_to_the_letter(tables, binary):
    predictions, resamples = (t[t["model"] == "combined"] for t in tables)
    v = [discrimination.auc_within(p["score"], p["truth"], p["fold"].astype(int))
         for _, p in predictions.groupby("repeat")]
    boot = resamples[resamples["kind"] == "bootstrap"].groupby(["replicate", "split"])
    table = np.array([discrimination.auc_within(p["score"], p["truth"], p["fold"].astype(int)) for _, p in boot])
    found = row(binary, "combined", "auc")
    assert found.value == pytest.approx(np.mean(v))
    _, low, high, se = intervals.cv_interval(v, table.reshape(25, 2), 0.0)
    assert found.low <= low + 1e-12 and high - 1e-12 <= found.high  # the influence floor may only widen it
    assert (found.high - found.low) < 1.6 * (high - low) and se > 0
    assert (found.method, found.n, found.events) == ("cv4x5_bootstrap25x2_logit", 80, 32)


def test_metrics_have_exactly_the_promised_columns_and_resolvable_methods(binary, survival):
    for evaluation in (binary, survival):
        assert tuple(evaluation.metrics.columns) == METRICS
        for code in evaluation.metrics["method"].unique():
            assert method(code).en.endswith(".") and method(code).zh.endswith("。")
            assert "{" not in method(code).en + method(code).zh


def test_limits_enclose_the_value_or_are_both_missing(binary, survival):
    for table in (binary.metrics, survival.metrics[~survival.metrics["metric"].str.startswith("median")],
                  binary.per_100):
        judged = table.dropna(subset=["low", "high"])
        assert ((judged["low"] <= judged["value"]) & (judged["value"] <= judged["high"])).all()
        assert (table["low"].isna() == table["high"].isna()).all() and len(judged)


def test_the_permutation_p_compares_one_repeat_with_one_repeat(tables, binary):
    predictions, resamples = (t[t["model"] == "combined"] for t in tables)
    first = predictions[predictions["repeat"] == 0]
    observed = discrimination.auc_within(first["score"], first["truth"], first["fold"].astype(int))
    permuted = [discrimination.auc_within(p["score"], p["truth"], p["fold"].astype(int))
                for _, p in resamples[resamples["kind"] == "permutation"].groupby("replicate")]
    assert row(binary, "combined", "permutation_p").value == intervals.besag_clifford(observed, permuted).p


def test_the_p_of_the_added_block_stands_with_the_difference(tables):
    predictions, resamples = tables
    chance = resamples[(resamples["kind"] == "permutation") & (resamples["model"] == "combined")]
    both = pd.concat([resamples, chance.assign(kind="permutation_added")], ignore_index=True)
    found = evaluate(predictions, both, outcome=BINARY, **ASKED)
    added = row(found, "combined - clinical", "permutation_p")
    assert added.value == row(found, "combined", "permutation_p").value == found.verdict.p_added
    assert added.method == "permuted_added19"


def test_resamples_on_another_scale_lend_no_spread_to_probabilities(tables):
    linear = tables[1].assign(scale="linear")
    found = evaluate(tables[0], linear, outcome=BINARY, **ASKED)
    assert row(found, "combined", "calibration_slope").method == "cv4x5_wald"
    assert found.decision.loc[found.decision["model"] == "combined", "low"].isna().all()
    assert row(found, "combined", "auc").method == "cv4x5_bootstrap25x2_logit"


def test_without_cut_offs_in_permutations_the_log_rank_p_uses_fold_medians():
    made = Made(SURVIVAL)
    resamples = made.resamples().assign(threshold=np.nan)
    found = evaluate(made.predictions(), resamples, outcome=SURVIVAL, **ASKED)
    p = row(found, "combined", "logrank_p")
    assert p.method == "logrank_fold_median_permuted19" and p.value == 0.05


def test_the_order_of_rows_changes_no_byte(tables, binary):
    mixed = [t.sample(frac=1, random_state=3).reset_index(drop=True) for t in tables]
    again = evaluate(*mixed, outcome=BINARY, **ASKED)
    for name in ("metrics", "roc", "calibration", "decision", "decision_difference", "confusion", "per_100", "scores"):
        first, second = (getattr(e, name).to_csv(index=False) for e in (binary, again))
        assert first == second, name


def test_the_difference_is_paired_and_decides_the_verdict(binary):
    found = row(binary, "combined - clinical", "auc_difference")
    assert found.value == pytest.approx(row(binary, "combined", "auc").value - row(binary, "clinical", "auc").value)
    verdict = binary.verdict
    assert (verdict.kind, verdict.value, verdict.low) == ("improved", found.value, found.low)
    assert (verdict.external, verdict.n, verdict.events, verdict.metric) == (False, 80, 32, "auc")


def test_the_cross_validated_roc_curve_encloses_the_reported_auc(binary):
    curve = binary.roc[binary.roc["model"] == "combined"]
    assert np.trapezoid(curve["tpr"], curve["fpr"]) == pytest.approx(row(binary, "combined", "auc").value, abs=0.01)


def test_counts_at_the_carried_thresholds_add_up(binary):
    for one in binary.confusion.itertuples():
        assert (one.tp + one.fn, one.fp + one.tn) == (pytest.approx(32), pytest.approx(48))
    hundred = binary.per_100.groupby("model")["value"].sum()
    assert hundred.to_numpy() == pytest.approx([100, 100, 100])


def test_the_brier_score_is_that_of_one_model_not_of_the_ensemble(tables, binary):
    mine = tables[0][tables[0]["model"] == "combined"]
    squared = (mine["score"] - mine["truth"]) ** 2
    assert row(binary, "combined", "brier").value == pytest.approx(squared.mean())
    ensemble = mine.groupby("patient_id")[["score", "truth"]].mean()
    assert squared.mean() > ((ensemble["score"] - ensemble["truth"]) ** 2).mean() + 1e-4


def test_decision_curves_come_with_both_references(binary):
    assert set(binary.decision["model"]) == {"clinical", "radiomics", "combined", "treat_all", "treat_none"}
    none = binary.decision[binary.decision["model"] == "treat_none"]
    assert (none[["net_benefit", "low", "high"]] == 0).all(axis=None)
    assert binary.decision["threshold"].min() == 0.1 and binary.decision["threshold"].max() == 0.6


def test_survival_compares_c_and_groups_by_the_carried_cut_off(survival):
    found = row(survival, "combined", "c_index")
    assert (found.method, found.events) == ("cv4x5_halfsample25x2_plain", 48)
    assert 0.5 < found.low < found.value < found.high <= 1
    p = row(survival, "combined", "logrank_p")
    assert p.method.startswith("logrank_permuted") and p.value < 0.2
    assert set(survival.kaplan_meier["group"]) == {"low", "high"}
    start = survival.at_risk[(survival.at_risk["model"] == "combined") & (survival.at_risk["time"] == 0)]
    assert start["at_risk"].sum() == 80
    assert row(survival, "combined", "survival_600m[low]").method == "none: horizon beyond follow-up"
    assert "horizon_beyond_follow_up" in set(survival.flags["code"])


def test_three_classes_give_each_class_and_their_mean():
    made = Made(THREE, n=90)
    found = evaluate(made.predictions(), made.resamples(), outcome=THREE, **ASKED)
    each = [row(found, "combined", f"auc[{k}]").value for k in THREE.classes]
    whole = row(found, "combined", "auc_macro")
    assert whole.value == pytest.approx(np.mean(each))
    assert whole.low < whole.value < whole.high
    assert row(found, "combined - clinical", "auc_difference").method.endswith("plain")
    assert set(found.roc["target"]) == set(THREE.classes)


def test_frozen_scores_of_untouched_patients_carry_delong_intervals(tables):
    external = Made(seed=5).frozen()
    both = pd.concat([tables[0], external], ignore_index=True)
    found = evaluate(both, tables[1], outcome=BINARY, **ASKED)
    mine = external[external["model"] == "combined"].sort_values("patient_id")
    other = external[external["model"] == "clinical"].sort_values("patient_id")
    expected = discrimination.delong_interval(mine["score"], mine["truth"])
    assert tuple(row(found, "combined", "auc", "external"))[4:7] == pytest.approx(expected[:3])
    test = discrimination.delong_test(mine["score"], other["score"], mine["truth"])
    assert row(found, "combined - clinical", "auc_difference_p", "external").value == pytest.approx(test.p)
    assert row(found, "combined", "sensitivity", "external").method == "wilson"
    assert found.verdict.external and found.verdict.external_value == pytest.approx(test.value)
    assert "no_external" not in set(found.flags["code"])


def test_only_the_locked_comparison_keeps_its_p_uncorrected(tables):
    both = pd.concat([Made(seed=5).frozen(), Made(seed=6).frozen("internal")], ignore_index=True)
    found = evaluate(both, None, outcome=BINARY, **ASKED).metrics
    tests = found[found["metric"] == "auc_difference_p"].set_index(["model", "set"])
    plain = {name: discrimination.delong_test(*(part[part["model"] == m].sort_values("patient_id")["score"]
                                                for m in ("radiomics", "clinical")),
                                              part[part["model"] == "clinical"].sort_values("patient_id")["truth"]).p
             for name, part in both.groupby("set")}
    smaller, larger = sorted(plain, key=lambda name: plain[name])
    mine = tests.loc["radiomics - clinical"]
    assert mine.loc[smaller, "value"] == pytest.approx(min(2 * plain[smaller], 1))
    assert mine.loc[larger, "value"] == pytest.approx(max(min(2 * plain[smaller], 1), plain[larger]))
    assert set(mine["method"]) == {"delong_paired_holm"}
    assert set(tests.loc["combined - clinical", "method"]) == {"delong_paired"}


def test_resampled_thresholds_widen_what_depends_on_a_cut_off(tables):
    with_cuts = evaluate(*tables, outcome=BINARY, **ASKED)
    without = evaluate(tables[0], tables[1].assign(threshold=np.nan), outcome=BINARY, **ASKED)
    for metric in ("sensitivity", "specificity", "ppv", "npv", "accuracy"):
        one, other = row(with_cuts, "combined", metric), row(without, "combined", metric)
        assert one.low <= other.low and one.high >= other.high and one.value == other.value
        assert (one.method, other.method) == ("cv4x5_bootstrap25x2_logit_wilson", "cv4x5_wilson")
    for metric in ("f1", "mcc", "balanced_accuracy"):
        one, other = row(with_cuts, "combined", metric), row(without, "combined", metric)
        assert one.low < one.value < one.high and one.method == "cv4x5_bootstrap25x2_counts"
        assert np.isnan(other.low) and other.method == "none: thresholds were not resampled"


def test_frozen_survival_scores_carry_the_jackknife_and_an_ordinary_log_rank():
    external = Made(SURVIVAL, seed=6).frozen()
    found = evaluate(external, None, outcome=SURVIVAL, **ASKED)
    mine = external[external["model"] == "combined"]
    expected = discrimination.concordance(mine["score"], mine["time_months"], mine["event"])
    assert tuple(row(found, "combined", "c_index", "external"))[4:7] == pytest.approx(expected[:3])
    assert row(found, "combined", "logrank_p", "external").method == "logrank"


def test_apparent_scores_never_carry_an_interval(tables):
    train = Made(seed=7).rows("train", frozen=True)
    found = evaluate(pd.concat([tables[0], train], ignore_index=True), tables[1], outcome=BINARY, **ASKED)
    mine = found.metrics[found.metrics["set"] == "train"]
    assert mine["low"].isna().all()
    assert set(mine["method"]) == {"none: apparent performance"}
    assert "train" not in set(found.roc["set"])


def test_without_resamples_there_is_a_number_but_no_interval(tables):
    found = evaluate(tables[0], None, outcome=BINARY, **ASKED)
    assert row(found, "combined", "auc").method == "none: no resamples"
    assert found.verdict.kind == "too_few"
    assert row(found, "combined", "sensitivity").method == "cv4x5_wilson"


def test_too_few_events_give_no_false_interval():
    made = Made(n=60, events=0.15)
    found = evaluate(made.predictions(), made.resamples(permutations=3), outcome=BINARY, **ASKED)
    assert row(found, "combined", "auc").method == "none: too few events"
    assert np.isnan(row(found, "combined", "sensitivity").low)
    assert found.verdict.kind == "too_few"


def test_identical_scores_are_one_half_and_flagged(tables):
    predictions, resamples = tables[0].copy(), tables[1]
    predictions.loc[predictions["model"] == "clinical", "score"] = 0.4
    found = evaluate(predictions, resamples, outcome=BINARY, **ASKED)
    assert row(found, "clinical", "auc").value == 0.5
    assert row(found, "clinical", "auc").method == "none: identical scores"
    assert found.flags.iloc[0]["code"] == "identical_scores"


def test_scores_that_are_no_probabilities_are_not_calibrated(tables):
    predictions, resamples = (t.assign(scale="linear", score=t["score"] * 9, threshold=4.5) for t in tables)
    found = evaluate(predictions, resamples, outcome=BINARY, **ASKED)
    assert found.calibration.empty and found.decision.empty
    assert "brier" not in set(found.metrics["metric"])
    assert "no_probability" in set(found.flags["code"])


def spoil(table, column, value, rows=1):
    table = table.copy()
    table.loc[table.index[:rows], column] = value
    return table


@pytest.mark.parametrize(("change", "mend"), [
    (lambda t: t.drop(columns="score"), "column 'score' is missing"),
    (lambda t: spoil(t, "score", np.nan), "Refit the model"),
    (lambda t: spoil(t, "score", 1.2), "Recalibrate inside the fold"),
    (lambda t: t.assign(truth=1.0), "with and without it"),
    (lambda t: spoil(t, "truth", 2.0), "Code the event as 1"),
    (lambda t: spoil(t, "scale", "probabilty"), "Did you mean 'probability'"),
    (lambda t: pd.concat([t, t.head(1)]), "one score per patient"),
    (lambda t: spoil(t, "fold", pd.NA), "frozen scores none"),
    (lambda t: t.head(0), "Train at least one model"),
])
def test_bad_predictions_are_refused_with_their_mend(tables, change, mend):
    with pytest.raises(RadnbError, match=mend):
        evaluate(change(tables[0]), tables[1], outcome=BINARY, **ASKED)


@pytest.mark.parametrize(("change", "mend"), [
    (lambda t: spoil(t, "time_months", -1.0), "same time zero"),
    (lambda t: t.assign(event=0.0), "Wait for events"),
    (lambda t: spoil(t, "event", 2.0), "Map the event codes"),
])
def test_bad_times_and_events_are_refused_with_their_mend(change, mend):
    with pytest.raises(RadnbError, match=mend):
        evaluate(change(Made(SURVIVAL).predictions(1)), None, outcome=SURVIVAL, **ASKED)


@pytest.mark.parametrize(("asked", "mend"), [
    ({"primary": "combind"}, "Did you mean 'combined'"),
    ({"comparator": "combined"}, "Name another model"),
    ({"decision": (0.6, 0.1)}, "0 < low < high < 1"),
    ({"relevant_difference": 0}, "smallest improvement"),
])
def test_bad_questions_are_refused_with_their_mend(tables, asked, mend):
    with pytest.raises(RadnbError, match=mend):
        evaluate(*tables, outcome=BINARY, **{**ASKED, **asked})


def test_models_of_different_patients_are_not_paired(tables):
    predictions = tables[0]
    cut = predictions[~((predictions["model"] == "clinical") & (predictions["patient_id"] == "P001"))]
    found = evaluate(cut, tables[1], outcome=BINARY, **ASKED)
    assert row(found, "combined - clinical", "auc_difference").method == "none: the models scored different patients"
    assert found.verdict.kind == "too_few"
