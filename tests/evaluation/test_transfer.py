"""How scores travel: each direction between centres alone, and recalibration that nobody judges who taught it."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

from radnb.errors import RadnbError
from radnb.evaluation.evaluation import evaluate
from radnb.evaluation.methods import method
from radnb.evaluation.transfer import OTHERS, TRANSFER, by_centre, directions, external, travelled
from radnb.statistics.calibration import calibration_line, expit, recalibrate, recalibrate_across
from radnb.statistics.discrimination import concordance, delong_interval
from tests.evaluation.made import BINARY, SURVIVAL, THREE, Made

CENTRES = ("north", "south", "east")


def scored(n: int = 150, *, shift: float = -0.8, slope: float = 0.6, seed: int = 0,
           name: str = "external") -> pd.DataFrame:
    """Make probabilities that are too high and too extreme where they are tried."""
    rng = np.random.default_rng(seed)
    line = rng.normal(size=n) - 0.5
    truth = rng.random(n) < expit(slope * line + shift)
    return pd.DataFrame({
        "patient_id": [f"{name[:1]}{seed}_{i:03d}" for i in range(n)], "model": "combined", "set": name, "repeat": 0,
        "fold": pd.array([pd.NA] * n, dtype="Int64"), "target": "G2-3", "truth": truth.astype(float),
        "time_months": np.nan, "event": np.nan, "score": expit(line), "scale": "probability", "threshold": 0.5})


def between(n: int = 60) -> tuple[pd.DataFrame, pd.DataFrame, pd.DataFrame]:
    """Make three centres, each training a model that is tried in the two others."""
    parts, centre, named = [], {}, []
    for a, train in enumerate(CENTRES):
        for b, test in enumerate(CENTRES):
            if a != b:
                rows = scored(n, shift=0.5 * (b - a) - 0.3, seed=b).assign(repeat=a)
                centre |= dict.fromkeys(rows["patient_id"], test)
                parts.append(rows)
                named.append((a, pd.NA, "external", f"{train} → {test}", True))
    patients = pd.DataFrame({"patient_id": list(centre), "centre": list(centre.values())})
    return (pd.concat(parts, ignore_index=True), patients,
            pd.DataFrame(named, columns=["repeat", "fold", "set", "name", "frozen"]))


def one(table: pd.DataFrame, metric: str, variant: str = "original") -> pd.Series:
    rows = table[(table["metric"] == metric) & (table["variant"] == variant)]
    assert len(rows) == 1
    return rows.iloc[0]


def test_the_scores_as_they_are_have_the_figures_of_the_statistics() -> None:
    rows = scored()
    found = external(rows, thresholds=(0.3,))
    line = calibration_line(rows["score"], rows["truth"])
    area = delong_interval(rows["score"], rows["truth"])
    assert list(found.columns) == list(TRANSFER)
    for metric, value in (("auc", area), ("calibration_intercept", line.in_the_large),
                          ("calibration_slope", line.slope)):
        assert one(found, metric)[["value", "low", "high"]].tolist() == pytest.approx(value[:3])
    truth = rows["truth"].to_numpy()
    assert one(found, "brier")["value"] == pytest.approx(np.mean((rows["score"] - truth) ** 2))
    gain = (rows["score"] >= 0.3) * np.where(truth == 1, 1.0, -3 / 7)
    assert one(found, "net_benefit[0.3]")["value"] == pytest.approx(gain.mean())
    assert one(found, "net_benefit_over_all[0.3]")["value"] == pytest.approx(
        gain.mean() - np.where(truth == 1, 1.0, -3 / 7).mean())


def test_recalibration_mends_what_is_off_and_is_judged_by_other_patients() -> None:
    found = external(scored(400), thresholds=(0.3,))
    first, level, line = (one(found, "brier", v)["value"] for v in ("original", "intercept", "intercept_slope"))
    assert line < first - 0.01 and level < first - 0.01
    assert one(found, "recalibration_intercept", "intercept")["value"] == pytest.approx(
        one(found, "calibration_intercept")["value"])
    assert one(found, "recalibration_slope", "intercept_slope")["value"] == pytest.approx(
        one(found, "calibration_slope")["value"])
    assert set(found[found["variant"] != "original"]["metric"]).isdisjoint({"auc", "calibration_slope"})


def test_noise_is_not_made_useful_by_recalibration() -> None:
    rng = np.random.default_rng(0)
    values = []
    for seed in range(20):
        rows = scored(60, shift=0.0, seed=seed)
        found = external(rows.assign(truth=rng.permutation(rows["truth"])))
        share = one(found, "observed_share")["value"]
        values.append(one(found, "brier", "intercept_slope")["value"] - share * (1 - share))
    assert np.mean(values) > 0  # worse than the prevalence alone: an apparent figure would be better


def test_cross_fitting_is_a_fit_on_the_other_folds() -> None:
    rows = scored(80)
    p, event = rows["score"].to_numpy(), rows["truth"].to_numpy() == 1
    fold = np.arange(80) % 4
    both = recalibrate_across(np.tile(p, 2), np.tile(event, 2), np.concatenate([fold, fold[::-1]]),
                              unit=np.repeat([0, 1], 80))
    others = fold != 2
    line = recalibrate(p[others], event[others], np.zeros(60, np.int64), 1)
    expected = expit(line.intercept[0] + line.slope[0] * np.log(p / (1 - p)))
    assert np.allclose(both[:80][~others], expected[~others])
    assert np.allclose(both[80:], recalibrate_across(p, event, fold[::-1].copy()))


def test_separated_patients_have_no_finite_recalibration() -> None:
    p = np.linspace(0.1, 0.9, 40)
    rows = scored(40).assign(score=p, truth=(p > 0.5).astype(float))
    found = external(rows)
    assert one(found, "brier", "intercept_slope")["method"] == "none: a resample could not be scored"
    assert np.isfinite(one(found, "brier", "intercept")["low"])


def test_few_events_are_named_and_have_no_interval() -> None:
    found = external(scored(30, shift=-2.0))
    assert found["few"].all() and found["low"].drop(found.index[found["metric"] == "observed_share"]).isna().all()
    assert one(found, "auc")["method"] == "none: too few events"
    assert not external(scored(600))["few"].any()


def test_one_outcome_alone_gives_a_row_without_a_number() -> None:
    found = external(scored(20).assign(truth=0.0))
    assert found["metric"].tolist() == ["auc"] and np.isnan(found["value"][0])


def test_survival_scores_have_a_c_index_and_no_calibration() -> None:
    made = Made(SURVIVAL, n=90).frozen()
    found = external(made)
    assert set(found["metric"]) == {"c_index"}
    mine = made[made["model"] == "combined"]
    value = concordance(mine["score"], mine["time_months"], mine["event"])
    assert found.set_index("model").loc["combined", ["value", "low", "high"]].tolist() == pytest.approx(value[:3])


def test_each_direction_stands_alone() -> None:
    rows, patients, splits = between()
    found = by_centre(rows, patients, splits)
    assert len(found[found["metric"] == "auc"]) == 6 and (found["n"] == 60).all()
    mine = rows[(rows["repeat"] == 0) & rows["patient_id"].map(patients.set_index("patient_id")["centre"]).eq("east")]
    row = found[(found["train"] == "north") & (found["test"] == "east") & (found["metric"] == "auc")].iloc[0]
    assert row["value"] == pytest.approx(delong_interval(mine["score"], mine["truth"]).value)
    large = found[(found["metric"] == "calibration_intercept") & (found["variant"] == "original")]
    off = large.set_index(["train", "test"])["value"]
    assert off["north", "east"] > off["east", "north"] + 0.5  # the shifts that were put in


def test_a_centre_left_out_is_tested_by_the_others() -> None:
    rows, patients, splits = between()
    rows = rows[rows["repeat"] == 0]
    fold = rows["patient_id"].map(patients.set_index("patient_id")["centre"]).map({"south": 0, "east": 1})
    left = rows.assign(fold=fold.astype("Int64"), set="internal")
    found = travelled(left, patients, splits.assign(name="").head(2))
    assert set(found["train"]) == {OTHERS} and sorted(set(found["test"])) == ["east", "south"]
    assert travelled(left.assign(fold=pd.array([0, 1] * 60, dtype="Int64")), patients, splits.assign(name="")).empty


def test_other_directions_than_between_centres_are_external_sets() -> None:
    rows, patients, splits = between()
    found = travelled(rows[rows["repeat"] == 0], patients, splits.head(1).assign(name="before 2015 → from 2015"))
    assert set(found["train"]) == {""} and set(found["test"]) == {"external"} and (found["n"] == 120).all()


def test_patients_without_a_centre_are_counted() -> None:
    rows, patients, splits = between()
    with pytest.raises(RadnbError, match=r"10 scored rows .* Name the centre of every patient"):
        directions(rows, patients[5:], splits)


def test_training_rows_are_never_judged() -> None:
    assert external(scored(name="train")).empty


@pytest.mark.parametrize("outcome", [BINARY, THREE, SURVIVAL], ids=lambda o: o.name)
def test_an_evaluation_holds_the_transfer_and_every_method_has_a_sentence(outcome: object) -> None:
    made = Made(outcome)  # type: ignore[arg-type]
    rows = pd.concat([made.predictions(2), made.frozen()], ignore_index=True)
    found = evaluate(rows, None, outcome=made.outcome, primary="combined", comparator="clinical",
                     decision=(0.2, 0.6)).transfer
    assert set(found["test"]) == {"external"} and set(found["model"]) == set(made.models)
    assert all(method(code).en for code in found["method"])


def test_the_order_of_rows_changes_no_figure() -> None:
    rows = pd.concat([scored(60), scored(80, name="node_station")], ignore_index=True)
    keys = ["test", "variant", "metric"]
    first, second = (external(table).sort_values(keys, ignore_index=True)
                     for table in (rows, rows.sample(frac=1, random_state=1)))
    pd.testing.assert_frame_equal(first, second)
