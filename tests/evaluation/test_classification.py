"""Decision curves: where a model may be called useful, and where not."""

from __future__ import annotations

import pandas as pd
import pytest

from radnb.evaluation.classification import decision_grid, useful_thresholds


def curve(model, lows, values=None):
    at = [0.1, 0.2, 0.3, 0.4]
    return pd.DataFrame({"model": model, "set": "internal", "target": "G3", "threshold": at,
                         "net_benefit": values or lows, "low": lows, "high": 1.0})


def test_useful_only_where_the_whole_band_lies_above_both_references():
    everyone = curve("treat_all", [0.3, 0.2, 0.0, -0.2])
    model = curve("combined", [0.25, 0.25, 0.1, -0.05], values=[0.35, 0.3, 0.2, 0.1])
    assert useful_thresholds(pd.concat([model, everyone]), "combined", "internal") == [(0.2, 0.3)]
    assert useful_thresholds(pd.concat([model.assign(low=float("nan")), everyone]), "combined", "internal") == []


@pytest.mark.parametrize(("low", "high", "first", "last", "count"), [(0.1, 0.6, 0.1, 0.6, 51),
                                                                     (0.1, 0.105, 0.1, 0.105, 11)])
def test_the_grid_runs_from_the_first_to_the_last_threshold(low, high, first, last, count):
    grid = decision_grid(low, high)
    assert (grid[0], grid[-1], len(grid)) == (pytest.approx(first), pytest.approx(last), count)
