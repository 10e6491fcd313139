"""Risk groups: by each fold's own cut-off, the majority over repeats, on round times."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

from radnb.evaluation import survival
from radnb.evaluation.scored import scored
from tests.evaluation.made import SURVIVAL as OUTCOME
from tests.evaluation.made import Made


def one(predictions):
    (found,) = [s for s in scored(predictions, pd.DataFrame(), survival=True) if s.model == "combined"]
    return found


def test_a_patient_belongs_to_the_group_of_most_repeats():
    table = Made(OUTCOME).predictions(3)
    mine = (table["model"] == "combined") & (table["patient_id"] == "P004")
    table.loc[mine, "threshold"] = -9.0
    table.loc[mine & (table["repeat"] == 0), "threshold"] = 9.0
    assert survival.high_risk(one(table))[4]
    table.loc[mine & (table["repeat"] == 1), "threshold"] = 9.0
    assert not survival.high_risk(one(table))[4]


def test_curves_start_at_one_and_never_rise():
    table = survival.kaplan_meier_table(one(Made(OUTCOME).predictions(2)))
    for _, part in table.groupby("group"):
        assert (part["time"].iloc[0], part["survival"].iloc[0]) == (0, 1)
        assert (part["survival"].diff().dropna() <= 0).all() and part["time"].is_monotonic_increasing


def test_a_group_without_events_is_not_certain_to_stay_so():
    """The exact lower limit of n of n is 0.025^(1/n), as binom.test(n, n) says."""
    table = Made(OUTCOME).predictions(2)
    low = table["score"] < table["threshold"]
    table.loc[low, ["time_months", "event"]] = (50.0, 0.0)
    found = one(table)
    who = ~survival.high_risk(found)
    (figure,) = [f for metric, f, _, _ in survival.group_figures(found, [24.0]) if metric == "survival_24m[low]"]
    assert (figure.value, figure.high) == (1, 1)
    assert figure.low == pytest.approx(0.025 ** (1 / who.sum()))


def test_without_cut_offs_there_are_no_groups():
    found = one(Made(OUTCOME).predictions(2).assign(threshold=np.nan))
    assert survival.kaplan_meier_table(found).empty and survival.at_risk_table(found).empty
    assert survival.logrank_p(found).method == "none: no cut-off"


@pytest.mark.parametrize(("longest", "last", "count"), [(5, 5, 6), (40, 36, 7), (130, 120, 6)])
def test_times_at_risk_are_round(longest, last, count):
    times = survival.round_times(longest)
    assert (times[-1], len(times)) == (last, count)
