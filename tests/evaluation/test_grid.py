"""The table of a grid: values, ranks, and what cannot be told apart from the best."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
from sklearn.metrics import roc_auc_score

from radnb.evaluation.grid import grid, summary
from radnb.features.assemble import Outcome

OUTCOME = Outcome("classes", "grade", ("G1", "G2"))


def ways(strengths: tuple[float, ...], *, patients: int = 60, repeats: int = 2, seed: int = 1) -> pd.DataFrame:
    """Make the scores of candidates that know this much of the truth."""
    rng = np.random.default_rng(seed)
    truth, rows = np.arange(patients) % 2, []
    for repeat in range(repeats):
        fold, noise = rng.permutation(patients) % 3, rng.normal(size=patients)
        for number, strength in enumerate(strengths):
            score = strength * truth + noise + 0.3 * rng.normal(size=patients)
            rows.append(pd.DataFrame({
                "patient_id": [f"P{i:02d}" for i in range(patients)], "model": "combined", "candidate": number,
                "selector": f"s{number}", "learner": "m", "features": 5, "note": f"way {number}", "set": "internal",
                "repeat": repeat, "fold": fold, "target": "G2", "truth": truth.astype(float), "time_months": np.nan,
                "event": np.nan, "score": score}))
    return pd.concat(rows, ignore_index=True)


def test_values_are_means_over_repeats_of_pairs_within_folds() -> None:
    table, found = ways((0.5, 1.0)), grid(ways((0.5, 1.0)), outcome=OUTCOME)
    for number in (0, 1):
        by_repeat = []
        for _, part in table[table["candidate"] == number].groupby("repeat"):
            pairs = [(roc_auc_score(f["truth"], f["score"]), f["truth"].sum() * (1 - f["truth"]).sum())
                     for _, f in part.groupby("fold")]
            by_repeat.append(np.average([a for a, _ in pairs], weights=[w for _, w in pairs]))
        assert found.set_index("candidate").loc[number, "value"] == pytest.approx(np.mean(by_repeat), abs=1e-12)


def test_the_best_is_first_and_a_hopeless_way_is_told_apart() -> None:
    found = grid(ways((2.5, 2.4, -2.0)), outcome=OUTCOME)
    assert found["value"].is_monotonic_decreasing
    assert found["best"].tolist() == [True, False, False]
    assert found.set_index("candidate")["apart"].to_dict() == {0: False, 1: False, 2: True}
    assert found["rank"].mean() == pytest.approx(2.0)
    assert ((found["low"] <= found["value"]) & (found["value"] <= found["high"])).all()


def test_limits_of_differences_allow_for_the_number_of_comparisons() -> None:
    few, many = grid(ways((1.0, 0.8)), outcome=OUTCOME), grid(ways((1.0, 0.8, *[0.1] * 20)), outcome=OUTCOME)

    def width(table: pd.DataFrame) -> float:
        row = table[~table["best"]].set_index("candidate").loc[1]
        return float(row["difference_high"] - row["difference_low"])

    assert width(many) > 1.2 * width(few)


def test_the_winners_curse_is_the_best_minus_the_nested_estimate() -> None:
    table = grid(ways((1.0, 0.9)), outcome=OUTCOME)
    metrics = pd.DataFrame({"model": ["combined"], "set": ["internal"], "metric": ["auc"], "value": [0.6],
                            "low": [0.5], "high": [0.7]})
    found = summary(table, metrics).iloc[0]
    assert found["gap"] == pytest.approx(table["value"].max() - 0.6)
    assert found["best"] == table.iloc[0]["note"]


def test_no_grid_gives_an_empty_table() -> None:
    assert grid(pd.DataFrame(), outcome=OUTCOME).empty
    assert summary(grid(pd.DataFrame(), outcome=OUTCOME), pd.DataFrame()).empty
