"""LASSO paths against glmnet (R 4.2.2, glmnet 4.1.6), read from any folder of the same shape."""

from __future__ import annotations

import json
import os
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
from lifelines import CoxPHFitter

from radnb.statistics.families import Binomial, Cox, Gaussian
from radnb.statistics.paths import cross_validate, fit_path

FOLDER = Path(os.environ.get("RADNB_R_REFERENCE", ""))
HERE = bool(os.environ.get("RADNB_R_REFERENCE")) and (FOLDER / "quantities.csv").is_file()
reference = pytest.mark.skipif(not HERE, reason="RADNB_R_REFERENCE does not name a folder of R reference values")
COMPUTED = ("cv_userlambda_", "lambda_path", "lambda_max", "cv_lambda_min_1se", "coef_lambda_", "n_nonzero",
            "coef_exact_probe")
# glmnet stops short of the optimum at thresh 1e-10; with 1e-16 it converges to these paths (see paths.py)


def quantities() -> list[str]:
    """List the ids that this module computes; glmnet's own stopping error excludes the curves of its own path."""
    if not HERE:
        return []
    ids = pd.read_csv(FOLDER / "quantities.csv")["id"]
    return [i for i in ids if i.startswith(("lasso.", "coxnet.")) and i.split(".", 1)[1].startswith(COMPUTED)]


def solution(path: Any, lam: float, intercept: bool) -> np.ndarray:
    k = int(np.argmin(np.abs(path.lam - lam)))
    return np.r_[path.intercept[k], path.coef[k]] if intercept else path.coef[k]


@pytest.fixture(scope="module")
def computed() -> dict[str, np.ndarray]:
    """Compute everything once."""
    out: dict[str, np.ndarray] = {}
    probes = json.loads((FOLDER / "settings.json").read_text(encoding="utf-8"))["probe_lambda"]
    for name in ("lasso", "coxnet"):
        table = pd.read_csv(FOLDER / "input" / f"{name}.csv")
        first = 2 if name == "lasso" else 3
        x, fold = table.iloc[:, first:].to_numpy(float), table["foldid"].to_numpy()

        def family(rows: Any, table: pd.DataFrame = table, name: str = name) -> Any:
            part = table.iloc[rows]
            return Binomial(part["y"].to_numpy()) if name == "lasso" else Cox(part["time"].to_numpy(),
                                                                              part["event"].to_numpy())
        own = cross_validate(x, family, fold, own_paths=True, ratio=0.01)
        given = cross_validate(x, family, fold, ratio=0.01)
        b0 = name == "lasso"
        low, high = (solution(own.path, v, b0) for v in (own.lam_min, own.lam_1se))
        values: dict[str, Any] = {
            "lambda_path": own.path.lam, "lambda_max": own.path.lam[0],
            "cv_lambda_min_1se": [own.lam_min, own.lam_1se], "coef_lambda_min": low, "coef_lambda_1se": high,
            "n_nonzero": [(low[b0:] != 0).sum(), (high[b0:] != 0).sum()],
            "cv_userlambda_cvm": given.loss, "cv_userlambda_cvsd": given.error,
            "cv_userlambda_min_1se": [given.lam_min, given.lam_1se],
            "cv_userlambda_coef_min": solution(given.path, given.lam_min, b0),
            "cv_userlambda_coef_1se": solution(given.path, given.lam_1se, b0)}
        everyone = np.arange(len(x))
        for i, lam in enumerate(probes, 1):
            walk = np.append(own.path.lam[own.path.lam > lam], lam)
            values[f"coef_exact_probe{i}"] = solution(fit_path(x, family(everyone), walk), lam, b0)
        out |= {f"{name}.{key}": np.atleast_1d(np.asarray(v, float)) for key, v in values.items()}
    return out


@reference
@pytest.mark.parametrize("key", quantities())
def test_the_path_equals_glmnet(key: str, computed: dict[str, np.ndarray]) -> None:
    expected = json.loads((FOLDER / "expected" / "reference.json").read_text(encoding="utf-8"))["values"][key]
    wanted = np.array(list(expected.values()) if isinstance(expected, dict) else np.atleast_1d(expected), float)
    rule = pd.read_csv(FOLDER / "quantities.csv").set_index("id").loc[key]
    np.testing.assert_allclose(computed[key], wanted, rtol=rule["rtol"], atol=rule["atol"])


def test_least_squares_meets_its_optimality_conditions() -> None:
    rng = np.random.default_rng(0)
    x = rng.normal(size=(40, 60))
    y = x[:, 0] + rng.normal(size=40)
    path = fit_path(x, Gaussian(y), np.array([0.3]))
    xs = (x - x.mean(0)) / x.std(0)
    gradient = xs.T @ (y - path.predict(x)[0]) / 40
    assert path.converged.all()
    assert np.abs(gradient).max() <= 0.3 + 1e-6
    assert np.allclose(np.abs(gradient[path.coef[0] != 0]), 0.3, atol=1e-6)


@pytest.mark.parametrize("ties", ["breslow", "efron"])
def test_cox_derivatives_equal_differences(ties: Any) -> None:
    rng = np.random.default_rng(1)
    time, event, eta = np.ceil(rng.exponential(5, 30)), (rng.random(30) < 0.7).astype(float), rng.normal(size=30)
    family = Cox(time, event, ties)
    numeric = [(family.loglik(eta + 1e-6 * u) - family.loglik(eta - 1e-6 * u)) / 2e-6 for u in np.eye(30)]
    assert np.allclose(family.grad(eta), numeric, atol=1e-6)


def test_efron_without_penalty_equals_lifelines() -> None:
    rng = np.random.default_rng(2)
    x = rng.normal(size=(60, 3))
    time, event = np.ceil(rng.exponential(6, 60) * np.exp(-x[:, 0])), (rng.random(60) < 0.8).astype(float)
    table = pd.DataFrame(x).assign(t=time, e=event)
    peer = CoxPHFitter().fit(table, "t", "e", fit_options={"precision": 1e-12}).params_.to_numpy()
    own = fit_path(x, Cox(time, event, "efron"), np.array([0.1, 1e-3, 1e-9])).coef[-1]
    assert np.allclose(own, peer, atol=1e-6)
