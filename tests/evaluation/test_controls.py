"""What stands beside the primary model, and when it counts as beaten."""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd
import pytest
from scipy import stats

from radnb.evaluation.evaluation import Evaluation, evaluate
from radnb.evaluation.methods import method
from radnb.learning.plan import Trained
from tests.evaluation.made import BINARY, MODELS, SURVIVAL, THREE, Made

STRONG = {"volume_only": 0.2, "clinical_only": 0.2, "random_features": 0.4}


def refits(made: Made, kind: str, strength: float, replicates: int = 1, model: str = "") -> pd.DataFrame:
    """Score the same patients on the first repeat's folds with a score of a given strength."""
    other = Made(made.outcome, n=made.n, seed=99, models={model or kind: strength})
    fold = FIRST[id(made)].drop_duplicates("patient_id").set_index("patient_id")["fold"]
    other.time, other.event, other.label = made.time, made.event, made.label
    parts = []
    for number in range(replicates):
        other.hidden = {model or kind: strength * made_lead(made) + np.random.default_rng(number).normal(size=made.n)}
        part = other.rows(kind=kind, replicate=number, split=0)
        parts.append(part.assign(fold=part["patient_id"].map(fold).astype("Int64")))
    return pd.concat(parts, ignore_index=True)


def made_lead(made: Made) -> Any:
    return -np.log(made.time) if made.outcome.kind == "survival" else made.label - made.label.mean()


FIRST: dict[int, pd.DataFrame] = {}


def judged(made: Made, strengths: dict[str, float], *, permutations: int = 19, random: int = 20,
           trained: Trained | None = None, **more: Any) -> Evaluation:
    predictions = made.predictions()
    FIRST[id(made)] = predictions[predictions["repeat"] == 0]
    resamples = [made.resamples(bootstraps=0 if permutations else 1, permutations=permutations)]
    for kind, strength in strengths.items():
        blind = kind == "random_features"
        resamples.append(refits(made, kind, strength, random if blind else 1, "combined" if blind else ""))
    return evaluate(predictions, pd.concat(resamples, ignore_index=True), outcome=made.outcome, primary="combined",
                    comparator=None, decision=(0.1, 0.6), trained=trained, **more)


def row(found: Evaluation, control: str) -> Any:
    return found.controls.set_index("control").loc[control]


@pytest.mark.parametrize("outcome", [BINARY, THREE, SURVIVAL])
def test_a_strong_model_beats_weak_controls(outcome: Any) -> None:
    found = judged(Made(outcome, n=160), STRONG)
    assert found.verdict.unbeaten == ()
    assert set(found.controls.loc[found.controls["control"].isin([*STRONG, "permuted_labels"]), "beaten"]) == {"yes"}
    assert row(found, "permuted_labels").p == pytest.approx(1 / 20)


def test_a_weak_model_is_told_what_it_does_not_beat() -> None:
    made = Made(models={"combined": 0.3}, n=100)
    found = judged(made, {"volume_only": 2.0, "clinical_only": 0.0, "random_features": 0.8})
    assert found.verdict.unbeaten[0] == "volume_only" and "random_features" in found.verdict.unbeaten
    volume = row(found, "volume_only")
    assert volume.difference < 0 and volume.beaten == "no" and volume.own == row(found, "random_features").own


def test_a_small_advantage_is_neither_won_nor_lost() -> None:
    found = judged(Made(models={"combined": 1.3}, n=60), {"volume_only": 0.9})
    volume = row(found, "volume_only")
    assert volume.difference_low < 0 < volume.difference and volume.beaten == "unclear"
    assert "volume_only" not in found.verdict.unbeaten


def test_the_model_s_own_figure_is_that_of_its_first_repeat() -> None:
    made = Made(n=80)
    found = judged(made, STRONG)
    first = FIRST[id(made)]
    first = first[first["model"] == "combined"]
    pairs = [stats.mannwhitneyu(part.loc[part["truth"] == 1, "score"], part.loc[part["truth"] == 0, "score"]).statistic
             for _, part in first.groupby("fold")]
    size = [(part["truth"] == 1).sum() * (part["truth"] == 0).sum() for _, part in first.groupby("fold")]
    assert row(found, "volume_only").own == pytest.approx(sum(pairs) / sum(size))


def test_limits_of_drawn_controls_are_percentiles() -> None:
    found = judged(Made(), STRONG, random=40)
    blind = row(found, "random_features")
    assert blind.low < blind.value < blind.high and blind.runs == 40
    assert method(blind.method).en.count("40") == 1


def test_the_study_s_own_clinical_model_needs_no_refit() -> None:
    found = judged(Made(models=MODELS, n=100), {"volume_only": 0.1}, clinical="clinical")
    clinical = row(found, "clinical_only")
    assert clinical.fits == 0 and clinical.what == "clinical" and clinical.beaten == "yes"


def test_too_few_events_give_no_interval_and_no_victory() -> None:
    found = judged(Made(n=40, events=0.2), {"volume_only": 0.0})
    volume = row(found, "volume_only")
    assert np.isnan(volume.low) and volume.beaten in ("no", "unclear")


def test_what_was_not_measured_says_why() -> None:
    found = judged(Made(), {}, permutations=0)
    assert {r.control: r.method for r in found.controls.itertuples() if str(r.method).startswith("none")} == {
        "permuted_labels": "none: no permutations", "random_features": "none: not run",
        "volume_only": "none: no volume", "clinical_only": "none: no clinical facts",
        "complete_cases": "none: no gaps, or too few patients without", "stability": "none: no features were selected"}
    assert all(method(code).zh for code in found.controls["method"])
    assert found.verdict.unbeaten == () and found.learning.empty


def test_frozen_scores_have_controls_too() -> None:
    made = Made(n=120)
    frozen = made.frozen("internal")
    part = refits_frozen(made, frozen)
    found = evaluate(frozen, part, outcome=BINARY, primary="combined", comparator="clinical", decision=(0.1, 0.6))
    assert row(found, "volume_only").beaten == "yes"
    assert row(found, "permuted_labels").method == "none: frozen scores need no permutation"


def refits_frozen(made: Made, frozen: pd.DataFrame) -> pd.DataFrame:
    mine = frozen[frozen["model"] == "combined"].assign(model="volume_only", kind="volume_only", replicate=0, split=0)
    return mine.assign(score=np.random.default_rng(0).random(len(mine)))


def training(shares: dict[int, float]) -> Trained:
    fits = [{"kind": "cv", "model": "combined", "repeat": 0, "fold": f, "patients": 80, "candidates": 12, "selected": 2,
             "split": 0, "tuned": ""} for f in range(5)]
    fits += [{**fits[0], "kind": "learning_curve", "split": s, "patients": 80 * s // 100} for s in shares]
    chosen = [{"model": "combined", "repeat": 0, "fold": f, "feature": feature, "weight": 1.0}
              for f in range(5) for feature in ("age", "a", "b" if f < 3 else "c")]
    table = pd.DataFrame(fits).astype({"repeat": "Int64", "fold": "Int64"})
    final = {"combined": {"prespecified": ["age"], "candidates": 12}}
    costs = {"random_features": {"fits": 100, "seconds": 1.5}}
    return Trained(pd.DataFrame(), pd.DataFrame(), pd.DataFrame(chosen), table, final, costs=costs)


def test_the_learning_curve_looks_beyond_and_says_so() -> None:
    made, shares = Made(n=100), {40: 0.6, 60: 1.0, 80: 1.6}
    predictions = made.predictions()
    FIRST[id(made)] = predictions[predictions["repeat"] == 0]
    parts = [refits(made, "learning_curve", strength, 3, "combined").assign(split=share)
             for share, strength in shares.items()]
    table = pd.concat([made.resamples(), *parts], ignore_index=True)
    found = evaluate(predictions, table, outcome=BINARY, primary="combined", comparator=None, decision=(0.1, 0.6),
                     trained=training(shares))
    curve = found.learning
    assert curve["patients"].tolist() == [32, 48, 64, 80, 120, 160]
    assert curve["measured"].tolist() == [True] * 4 + [False] * 2
    assert curve["draws"].tolist() == [3, 3, 3, 1, 0, 0]
    assert (curve["low"].iloc[:3] <= curve["value"].iloc[:3]).all()
    width = curve["width"].to_numpy()
    assert width[4:] == pytest.approx(width[3] / np.sqrt([1.5, 2.0]))
    assert curve["value"].iloc[3] <= curve["value"].iloc[4] <= curve["value"].iloc[5] <= 1


def test_stability_leaves_out_what_always_enters() -> None:
    found = judged(Made(), STRONG, trained=training({}), candidates={"combined": 12})
    stable = row(found, "stability")
    expected = 1 - (5 / 4) * (2 * 0.6 * 0.4 / 11) / ((2 / 11) * (9 / 11))
    assert stable.value == pytest.approx(expected) and stable.runs == 5
    assert row(found, "candidates_per_event").value == pytest.approx(12 / 32)
    assert row(found, "random_features").seconds == 1.5


def test_the_model_s_own_figure_is_of_the_patients_whom_the_control_scored() -> None:
    made = Made(n=120)
    frozen, some = made.frozen("internal"), np.arange(0, 120, 2)
    part = refits_frozen(made, frozen)
    part = part[part["patient_id"].isin("E" + made.ids[some])]
    found = evaluate(frozen, part, outcome=BINARY, primary="combined", comparator="clinical", decision=(0.1, 0.6),
                     clinical="clinical")
    mine = frozen[(frozen["model"] == "combined") & frozen["patient_id"].isin(part["patient_id"])]
    rank = stats.mannwhitneyu(mine.loc[mine["truth"] == 1, "score"], mine.loc[mine["truth"] == 0, "score"])
    events = int((mine["truth"] == 1).sum())
    for control in ("volume_only", "clinical_only"):
        assert row(found, control).own == pytest.approx(rank.statistic / events / (60 - events))
        assert row(found, control).n == 60
