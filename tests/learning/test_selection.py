"""Selectors: what they choose, and that they choose nothing from nothing."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from radnb.learning.selection import SELECTORS, Given, mrmr
from radnb.work.choices import pick

RNG = np.random.default_rng(4)
X = RNG.normal(size=(80, 30))
RISK = 1.5 * X[:, 3] - 1.5 * X[:, 7]
Y = (RISK + RNG.logistic(size=80) > 0).astype(float)
TIMES = RNG.exponential(10, 80) * np.exp(-RISK)
SURVIVAL = np.column_stack([np.minimum(TIMES, 15), TIMES <= 15]).astype(float)
OPTIONS: dict[str, dict[str, Any]] = {"anova": {"k": 6}, "wilcoxon": {"k": 6}, "univariable_cox": {"k": 6},
                                      "mrmr": {"k": 6}}


def made(name: str, **options: Any) -> Any:
    return pick(SELECTORS, {name: options or OPTIONS.get(name, {})}, seed=1)()


@pytest.mark.parametrize("name", SELECTORS)
def test_the_informative_features_are_found(name: str) -> None:
    selector = made(name)
    y = Y if "classes" in selector.kinds else SURVIVAL
    found = selector.fit(X, y, Given(np.arange(80))).get_support()
    assert {3, 7} <= set(found.tolist())
    assert found.tolist() == sorted(set(found.tolist()))
    assert selector.transform(X).shape == (80, len(found))


@pytest.mark.parametrize("name", SELECTORS)
def test_no_column_gives_no_choice(name: str) -> None:
    assert made(name).fit(np.empty((80, 0)), Y).get_support().size == 0


@pytest.mark.parametrize("name", ["anova", "wilcoxon", "mrmr", "lasso"])
def test_three_classes_are_understood(name: str) -> None:
    y = np.digitize(RISK, [-1, 1])
    assert {3, 7} <= set(made(name).fit(X, y).get_support().tolist())


@pytest.mark.parametrize(("name", "y"), [("anova", Y), ("wilcoxon", Y), ("univariable_cox", SURVIVAL)])
def test_a_false_discovery_rate_leaves_noise_out(name: str, y: np.ndarray) -> None:
    noise = np.random.default_rng(5).normal(size=(80, 30))
    assert made(name, q=0.05, k=None).fit(X, y).get_support().tolist() == [3, 7]
    assert made(name, q=0.05).fit(noise, y).get_support().size == 0


def test_the_lasso_keeps_to_its_limit() -> None:
    assert made("lasso", limit=2).fit(X, Y).get_support().tolist() == [3, 7]
    assert len(made("lasso", rule="1se").fit(X, Y).get_support()) <= len(made("lasso").fit(X, Y).get_support())


@pytest.mark.parametrize("scheme", ["quotient", "difference"])
def test_mrmr_prefers_a_new_feature_to_a_copy(scheme: str) -> None:
    copies = np.column_stack([X[:, 3], X[:, 3] + 1e-3 * X[:, 0], X[:, 7]])
    assert mrmr(k=2, scheme=scheme).fit(copies, Y).get_support().tolist() in ([0, 2], [1, 2])  # type: ignore[arg-type]


def test_robust_keeps_what_readers_agree_on() -> None:
    agreement = np.full(30, 0.5)
    agreement[[2, 9]], agreement[4] = 0.8, np.nan
    assert made("robust").fit(X, Y, Given(agreement=agreement)).get_support().tolist() == [2, 9]
