"""Selectors: what they choose, and that they choose nothing from nothing."""

from __future__ import annotations

import importlib.util
from typing import Any

import numpy as np
import pytest

from radnb.errors import RadnbError
from radnb.learning.selection import SELECTORS, mrmr
from radnb.learning.selectors.selector import Given
from radnb.work.choices import pick

RNG = np.random.default_rng(4)
X = RNG.normal(size=(120, 30))
RISK = 2 * X[:, 3] - 2 * X[:, 7]
Y = (RISK + RNG.logistic(size=120) > 0).astype(float)
TIMES = RNG.exponential(10, 120) * np.exp(-RISK)
SURVIVAL = np.column_stack([np.minimum(TIMES, 15), TIMES <= 15]).astype(float)
NAMES = tuple(f"f{i}" for i in range(30))
GIVEN = Given(np.arange(120), NAMES)
OPTIONS: dict[str, dict[str, Any]] = {
    "named": {"features": ["f7", "f3"]}, "boruta": {"rounds": 20, "trees": 20}, "stability_selection": {"halves": 40},
    **{f"{trees}_importance": {"k": 6, "trees": 30} for trees in ("random_forest", "gradient_boosting", "xgboost",
                                                                  "lightgbm", "survival_forest")},
    **{name: {"k": 6} for name in ("anova", "wilcoxon", "kruskal", "chi_square", "mutual_information", "relieff",
                                   "univariable_cox", "mrmr", "rfe")}}
CLASSED = [n for n in SELECTORS if "classes" in pick(SELECTORS, {n: {}}, seed=1)().kinds]
TIMED = [n for n in SELECTORS if "survival" in pick(SELECTORS, {n: {}}, seed=1)().kinds]
KINDS = [(n, "classes") for n in CLASSED] + [(n, "survival") for n in TIMED]
ORDERED = [n for n in SELECTORS if pick(SELECTORS, {n: {}}, seed=1)().ordered]


def made(name: str, **options: Any) -> Any:
    return pick(SELECTORS, {name: options or OPTIONS.get(name, {})}, seed=1)()


def outcome(name: str) -> np.ndarray:
    return Y if name in CLASSED else SURVIVAL


@pytest.mark.parametrize(("name", "kind"), KINDS)
def test_the_informative_features_are_found(name: str, kind: str) -> None:
    selector = made(name)
    found = selector.fit(X, Y if kind == "classes" else SURVIVAL, GIVEN).support_
    assert {3, 7} <= set(found.tolist())
    assert found.tolist() == sorted(set(found.tolist())) == sorted(selector.order_.tolist())
    columns = len(found) if selector.rotation_ is None else selector.rotation_.shape[1]
    assert selector.transform(X).shape == (120, columns)


@pytest.mark.parametrize("name", SELECTORS)
def test_no_column_gives_no_choice(name: str) -> None:
    assert made(name).fit(np.empty((120, 0)), outcome(name)).support_.size == 0


@pytest.mark.parametrize("name", [n for n in CLASSED if n not in ("robust", "none", "named", "pca", "variance",
                                                                  "correlation", "vif")])
def test_three_classes_are_understood(name: str) -> None:
    y = np.digitize(RISK, [-1, 1]).astype(float)
    assert {3, 7} <= set(made(name).fit(X, y, GIVEN).support_.tolist())


@pytest.mark.parametrize(("name", "kind"), KINDS)
def test_few_patients_copies_and_constant_columns_are_borne(name: str, kind: str) -> None:
    drawn = np.r_[0:9, 0:9, 0:3]  # a bootstrap of nine patients
    x = np.column_stack([X[drawn, :4], np.full(len(drawn), 2.0), X[drawn, 0]])
    y = np.r_[0, 1, 0, 1, 0, 1, 0, 1, 0][drawn].astype(float)
    y = y if kind == "classes" else np.column_stack([SURVIVAL[drawn, 0], y])
    selector = made(name).fit(x, y, Given(drawn, NAMES[:6]))
    assert set(selector.support_.tolist()) <= set(range(6))
    assert np.isfinite(selector.transform(x)).all()


@pytest.mark.parametrize(("name", "kind"), KINDS)
def test_the_same_rows_give_the_same_choice(name: str, kind: str) -> None:
    y = Y if kind == "classes" else SURVIVAL
    first, second = (made(name).fit(X, y, GIVEN) for _ in range(2))
    assert first.order_.tolist() == second.order_.tolist()
    assert (first.rotation_ is None) or (first.rotation_ == second.rotation_).all()


@pytest.mark.parametrize("name", ORDERED)
def test_the_best_of_many_are_the_choice_of_few(name: str) -> None:
    many = OPTIONS.get(name, {}) | {"k": 6} | ({"rounds": 12, "trees": 12} if name == "boruta" else {})
    order = made(name, **many).fit(X, outcome(name), GIVEN).order_.tolist()
    for k in (1, 2, 4):
        assert made(name, **many | {"k": k}).fit(X, outcome(name), GIVEN).order_.tolist() == order[:k]


@pytest.mark.parametrize(("name", "y"), [("anova", Y), ("wilcoxon", Y), ("kruskal", Y), ("chi_square", Y),
                                         ("univariable_cox", SURVIVAL)])
def test_a_false_discovery_rate_leaves_noise_out(name: str, y: np.ndarray) -> None:
    noise = np.random.default_rng(5).normal(size=(120, 30))
    found = set(made(name, q=0.05, k=None).fit(X, y).support_.tolist())
    assert {3, 7} <= found and len(found) <= 3
    assert made(name, q=0.05).fit(noise, y).support_.size == 0


@pytest.mark.parametrize("name", ["lasso", "elastic_net"])
def test_the_lasso_keeps_to_its_limit(name: str) -> None:
    assert made(name, limit=2).fit(X, Y).support_.tolist() == [3, 7]
    assert len(made(name, rule="1se").fit(X, Y).support_) <= len(made(name).fit(X, Y).support_)


def test_the_elastic_net_keeps_a_pair_of_which_the_lasso_keeps_one() -> None:
    twins = np.column_stack([X[:, 3], X[:, 3] + 0.05 * X[:, 9], X[:, 7]])
    assert made("elastic_net", alpha=0.2, rule="1se").fit(twins, Y).support_.tolist() == [0, 1, 2]
    assert len(made("lasso", rule="1se").fit(twins, Y).support_) == 2


@pytest.mark.parametrize("scheme", ["quotient", "difference"])
def test_mrmr_prefers_a_new_feature_to_a_copy(scheme: str) -> None:
    copies = np.column_stack([X[:, 3], X[:, 3] + 1e-3 * X[:, 0], X[:, 7]])
    assert mrmr(k=2, scheme=scheme).fit(copies, Y).support_.tolist() in ([0, 2], [1, 2])  # type: ignore[arg-type]


def test_robust_keeps_what_readers_agree_on() -> None:
    agreement = np.full(30, 0.5)
    agreement[[2, 9]], agreement[4] = 0.8, np.nan
    assert made("robust").fit(X, Y, Given(agreement=agreement)).support_.tolist() == [2, 9]


def test_filters_drop_what_they_are_for() -> None:
    x = np.column_stack([X[:, :3], X[:, 0] + 0.01 * X[:, 5], X[:, :3].sum(1), np.arange(120) == 3]).astype(float)
    assert made("variance", minimum=0.02).fit(x, Y).support_.tolist() == [0, 1, 2, 3, 4]
    assert len({0, 3} & set(made("correlation").fit(x[:, :5], Y).support_.tolist())) == 1
    kept = made("vif").fit(x[:, :5], Y).support_.tolist()
    assert len(kept) == 3


def test_components_explain_what_was_asked() -> None:
    few = made("pca", k=3).fit(X, Y).transform(X)
    assert np.allclose(np.corrcoef(few.T), np.eye(3), atol=1e-9)
    assert (np.diff(few.var(0)) < 0).all()
    assert made("pca", k=30, share=0.5).fit(X, Y).transform(X).var(0).sum() >= 0.5 * X.var(0).sum()
    assert made("pca", k=10).fit(np.repeat(X[:, :1], 4, axis=1), Y).transform(X[:, :4]).shape == (120, 1)


def test_a_named_feature_that_is_not_there_is_named() -> None:
    selector = made("named", features=["f3", "f77"])
    assert "no feature 'f77'. Did you mean 'f7'?" in selector.faults(NAMES)[0]
    assert selector.fit(X[:, :5], Y, Given(names=NAMES[:5])).support_.tolist() == [3]  # dropped in this fold
    assert "the list is empty" in pick(SELECTORS, {"named": {}})().faults(NAMES)[0]


def test_a_missing_extra_is_named_before_any_fit(monkeypatch: pytest.MonkeyPatch) -> None:
    selector = made("survival_forest_importance")
    assert selector.faults(NAMES) == []
    monkeypatch.setattr(importlib.util, "find_spec", lambda name: None)
    assert "pip install 'radnb[forests]'" in selector.faults(NAMES)[0]
    with pytest.raises(RadnbError, match="radnb\\[forests\\]"):
        selector.fit(X, SURVIVAL, GIVEN)


@pytest.mark.parametrize("name", ["lasso", "stability_selection", "boruta"])
def test_from_noise_little_or_nothing_is_chosen(name: str) -> None:
    noise = np.random.default_rng(8).normal(size=(120, 60))
    options = {"rule": "1se"} if name == "lasso" else OPTIONS[name]
    assert made(name, **options).fit(noise, Y, Given(np.arange(120))).support_.size <= 1
