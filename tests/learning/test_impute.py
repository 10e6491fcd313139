"""Ways to fill gaps, against scikit-learn where it has them."""

from __future__ import annotations

import numpy as np
import pytest
from sklearn.impute import KNNImputer
from sklearn.linear_model import Ridge

from radnb.errors import RadnbError
from radnb.learning.impute import IMPUTERS, NEIGHBOURS, RIDGE
from radnb.learning.prepare import Preparation

FILLING = [name for name in IMPUTERS if name != "refuse"]


def holed(rows: int = 80, features: int = 8, *, share: float = 0.1, seed: int = 0) -> tuple[np.ndarray, np.ndarray]:
    rng = np.random.default_rng(seed)
    whole = rng.normal(size=(rows, 2)) @ rng.normal(size=(2, features)) * 10 + rng.normal(size=(rows, features)) + 50
    return whole, np.where(rng.random(whole.shape) < share, np.nan, whole)


@pytest.mark.parametrize("name", FILLING)
def test_no_gap_is_left_and_known_values_stay(name: str) -> None:
    _, x = holed()
    x[3], x[:, 5] = np.nan, np.nan  # a patient and a column without any value
    made = IMPUTERS[name]().fit(x[:60], np.isnan(x[:60]))
    out = made.filled(x, np.arange(8))
    known = ~np.isnan(x)
    assert np.isfinite(out).all() and np.array_equal(out[known], x[known])
    assert np.array_equal(made.filled(x, np.array([6, 2])), out[:, [6, 2]])
    assert np.array_equal(made.filled(x[70:71], np.arange(8)), out[70:71])


@pytest.mark.parametrize("name", FILLING)
def test_tested_rows_shape_no_filling(name: str) -> None:
    _, x = holed()
    other = x.copy()
    other[60:] *= 7
    one, two = (Preparation(impute=name).fit(v[:60]).transform(x) for v in (x, other))  # type: ignore[arg-type]
    assert np.array_equal(one, two)


def test_neighbours_are_those_of_scikit_learn_in_standard_units() -> None:
    _, x = holed()
    train = x[:60]
    mean, spread = np.nanmean(train, axis=0), np.nanstd(train, axis=0)
    peer = KNNImputer(n_neighbors=NEIGHBOURS).fit((train - mean) / spread)
    made = IMPUTERS["knn"]().fit(train, np.isnan(train))
    assert np.allclose(made.filled(x, np.arange(8)), peer.transform((x - mean) / spread) * spread + mean)


def test_one_column_with_gaps_is_filled_by_ridge_regression_on_the_others() -> None:
    _, x = holed(share=0)
    x[:15, 3] = np.nan
    mean, spread = np.nanmean(x, axis=0), np.nanstd(x, axis=0)
    z = (x - mean) / spread
    others = np.delete(z, 3, axis=1)
    peer = Ridge(alpha=RIDGE * 65, fit_intercept=False).fit(others[15:], z[15:, 3])
    made = IMPUTERS["iterative"]().fit(x, np.isnan(x))
    expected = np.clip(peer.predict(others[:15]), -np.nanmax(np.abs(z[:, 3])), np.nanmax(np.abs(z[:, 3])))
    assert np.allclose(made.filled(x, np.arange(8))[:15, 3], expected * spread[3] + mean[3])


def test_columns_that_lean_on_each_other_are_better_filled_by_them() -> None:
    whole, x = holed(120, 12)
    gap = np.isnan(x)
    miss = {name: np.abs(IMPUTERS[name]().fit(x, gap).filled(x, np.arange(12)) - whole)[gap].mean() for name in FILLING}
    assert miss["iterative"] < 0.4 * miss["mean"] and miss["knn"] < 0.6 * miss["mean"]


def test_a_column_whole_in_training_is_still_regressed_in_new_rows() -> None:
    whole, _ = holed(share=0)
    made = IMPUTERS["iterative"]().fit(whole[:60], np.isnan(whole[:60]))
    new = whole[60:].copy()
    new[:, 2] = np.nan
    assert np.abs(made.filled(new, np.arange(8))[:, 2] - whole[60:, 2]).mean() < 0.5 * whole[:, 2].std()


@pytest.mark.parametrize("name", FILLING)
def test_a_single_column_takes_a_typical_value(name: str) -> None:
    x = np.array([[1.0], [np.nan], [3.0]])
    assert IMPUTERS[name]().fit(x, np.isnan(x)).filled(x, np.arange(1))[1, 0] == pytest.approx(2.0)


def test_refuse_names_columns_and_counts() -> None:
    whole, x = holed()
    assert np.isfinite(Preparation(impute="refuse").fit_transform(whole)).all()
    with pytest.raises(RadnbError, match=r"column 1 \(\d+\).*choose another impute"):
        Preparation(impute="refuse").fit(x)
