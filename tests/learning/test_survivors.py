"""Survival learners: they rank new patients, repeat to the byte, and equal what others compute."""

from __future__ import annotations

import itertools
import pickle
import subprocess
import sys

import numpy as np
import pandas as pd
import pytest
import xgboost
from lifelines import CoxPHFitter
from lifelines.statistics import logrank_test
from sksurv.ensemble import GradientBoostingSurvivalAnalysis, RandomSurvivalForest
from sksurv.linear_model import CoxnetSurvivalAnalysis
from sksurv.util import Surv

from radnb.errors import RadnbError
from radnb.learning import forests
from radnb.learning.learners import survivors
from radnb.learning.learners.survivors import FORESTS
from radnb.learning.linear import fit_cox
from radnb.learning.models import MODELS, SURVIVORS
from radnb.learning.penalised import chosen_path
from radnb.work.choices import pick

RNG = np.random.default_rng(6)
X = RNG.normal(size=(120, 4))
RISK = X[:, 0] - X[:, 1]
TIMES = RNG.exponential(10, 120) * np.exp(-RISK)
Y = np.column_stack([np.minimum(TIMES, 20), TIMES <= 20]).astype(float)
TIED = np.column_stack([np.ceil(Y[:, 0]), Y[:, 1]])
SUMS = ("cox", "ridge_cox", "lasso_cox", "elastic_net_cox", "radiomics_score_cox")
FAST = {"random_survival_forest": {"trees": 25}, "gradient_boosted_cox": {"rounds": 25},
        "xgboost_cox": {"rounds": 25}, "xgboost_aft": {"rounds": 25}}


def fitted(name, x=X, y=Y, groups=None, **options):
    return pick(MODELS, {name: {**FAST.get(name, {}), **options}}, seed=1)().fit(x, y, groups=groups)


def structured(y=Y):
    return Surv.from_arrays(y[:, 1] > 0, y[:, 0])


@pytest.mark.parametrize("name", SURVIVORS)
def test_a_high_score_means_an_early_event_of_new_patients(name):
    learner = fitted(name, X[:80], TIED[:80])
    scores = learner.scores(X[80:])
    assert scores.shape == (40, 1)
    assert learner.kind == "survival" and learner.scale == "risk"
    assert np.corrcoef(scores[:, 0], RISK[80:])[0, 1] > (0.8 if name in SUMS else 0.4)
    if name != "single_feature_cox":
        assert learner.scores(X[:80]).mean() == pytest.approx(0, abs=1e-9)


@pytest.mark.parametrize("name", SURVIVORS)
def test_the_same_seed_gives_the_same_bytes_also_after_a_journey(name):
    one, two = (fitted(name).scores(X) for _ in range(2))
    assert one.tobytes() == two.tobytes()
    assert pickle.loads(pickle.dumps(fitted(name))).scores(X).tobytes() == one.tobytes()


@pytest.mark.parametrize("name", SURVIVORS)
def test_odd_tables_neither_warn_nor_fail(name):
    rng = np.random.default_rng(3)
    x = np.column_stack([np.full(40, 2.0), rng.normal(size=40), np.arange(40) % 2])
    y = np.column_stack([np.r_[0.0, 0.0, rng.exponential(9, 38).round()], np.arange(40) % 8 == 0]).astype(float)
    assert np.isfinite(fitted(name, x, y, groups=np.arange(40) // 2).scores(x)).all()
    flat = fitted(name, np.ones((40, 2)), y)
    assert np.ptp(flat.scores(np.ones((40, 2)))) == 0


@pytest.mark.parametrize("name", SURVIVORS)
def test_weights_point_at_the_columns_that_count(name):
    weights = fitted(name).weights()
    if name == "random_survival_forest":
        assert weights is None
    else:
        assert weights.shape == (4,)
        assert np.abs(weights).argmax() in (0, 1)


@pytest.mark.parametrize("alpha", [1.0, 0.5, 0.1])
def test_the_elastic_net_equals_coxnet_at_the_lambda_it_chose(alpha):
    noise = np.hstack([X, np.random.default_rng(0).normal(size=(120, 30))])
    scaled = (noise - noise.mean(0)) / noise.std(0)
    lam = chosen_path(scaled, Y, groups=None, rule="min", folds=5, seed=1, ties="breslow", alpha=alpha)[0].lam
    peer = CoxnetSurvivalAnalysis(l1_ratio=alpha, alphas=[lam], tol=1e-12, max_iter=1_000_000).fit(scaled, structured())
    own = fitted("elastic_net_cox", scaled, alpha=alpha, ties="breslow").linear().coef[0]
    assert np.allclose(own, peer.coef_[:, 0], atol=2e-5)
    assert 0 < np.count_nonzero(own) < 34  # true zeros


def test_the_radiomics_score_sums_the_coefficients_of_each_column_alone():
    alone = [CoxPHFitter(penalizer=0.0).fit(pd.DataFrame({"x": X[:, j], "t": TIED[:, 0], "e": TIED[:, 1]}), "t", "e")
             .params_["x"] for j in range(4)]
    own = fitted("radiomics_score_cox", y=TIED, weights="single").linear().coef[0]
    assert np.allclose(own, np.array(alone) / 4, atol=1e-4)


def test_the_cut_off_is_where_the_log_rank_statistic_is_largest():
    one = X[:, [0]]
    learner = fitted("single_feature_cox", one)
    order = np.sort(one[:, 0])
    cuts = [(a + b) / 2 for a, b in itertools.pairwise(order[23:-23])]
    statistic = [logrank_test(Y[one[:, 0] >= c, 0], Y[one[:, 0] < c, 0], Y[one[:, 0] >= c, 1], Y[one[:, 0] < c, 1])
                 .test_statistic for c in cuts]
    assert learner.cut_ == pytest.approx(cuts[int(np.argmax(statistic))])
    assert set(np.unique(learner.scores(one))) == {0.0, 1.0}
    assert np.array_equal(fitted("single_feature_cox", -one).scores(-one), learner.scores(one))  # low may mean risk


def test_boosted_cox_reads_the_order_of_times_only():
    later = np.column_stack([np.exp(Y[:, 0] / 5) - 1, Y[:, 1]])
    assert np.array_equal(fitted("xgboost_cox").scores(X), fitted("xgboost_cox", y=later).scores(X))


def test_accelerated_failure_time_ranks_by_minus_the_log_of_the_time_and_knows_no_unit():
    learner = fitted("xgboost_aft")
    time = learner.booster_.predict(xgboost.DMatrix(X))
    assert np.allclose(np.diff(learner.scores(X)[:, 0]), -np.diff(np.log(time)), atol=1e-4)
    days = np.column_stack([Y[:, 0] * 30.4375, Y[:, 1]])
    assert np.allclose(fitted("xgboost_aft", y=days).scores(X), learner.scores(X), atol=1e-4)


@pytest.mark.parametrize("name", ["xgboost_cox", "xgboost_aft"])
def test_rounds_from_inner_folds_are_few_on_noise(name):
    noise = np.random.default_rng(0).normal(size=(120, 10))
    rounds = [fitted(name, x, rounds="inner", groups=np.arange(120) // 2).booster_.num_boosted_rounds()
              for x in (noise, X)]
    assert rounds[0] < rounds[1] < survivors.MOST_ROUNDS


def test_forests_are_those_of_scikit_survival():
    forest = RandomSurvivalForest(n_estimators=25, min_samples_leaf=5, min_samples_split=10, random_state=1)
    own = fitted("random_survival_forest").scores(X)[:, 0]
    peer = forest.fit(X, structured()).predict(X)
    assert np.allclose(own, peer - peer.mean())
    boosted = GradientBoostingSurvivalAnalysis(n_estimators=25, max_depth=2, subsample=0.8, random_state=1)
    peer = boosted.fit(X, structured()).predict(X)
    assert np.allclose(fitted("gradient_boosted_cox").scores(X)[:, 0], peer - peer.mean())


@pytest.mark.parametrize("name", FORESTS)
def test_a_forest_without_its_extra_names_the_mend(name, monkeypatch):
    monkeypatch.setattr(forests, "forests_missing", lambda: True)
    with pytest.raises(RadnbError, match=r"pip install 'radnb\[forests\]'"):
        fitted(name)


def test_scikit_learns_pipelines_stay_as_they_are():
    code = ("import sys\nimport radnb.learning.models as m\nassert 'sksurv' not in sys.modules\n"
            "from sklearn.pipeline import Pipeline\nbefore = dict(vars(Pipeline))\n"
            "import numpy as np\nx = np.arange(40.0)[:, None]\ny = np.column_stack([x[:, 0] + 1, np.ones(40)])\n"
            "m.SURVIVORS['random_survival_forest'](trees=2, seed=1).fit(x, y)\n"
            "assert 'sksurv' in sys.modules and dict(vars(Pipeline)) == before")
    subprocess.run([sys.executable, "-c", code], check=True)


@pytest.mark.parametrize("penalty", [1e-3, 1.0])
def test_cox_ends_where_columns_outnumber_patients_and_risks_part(penalty: float) -> None:
    rng = np.random.default_rng(3)
    x, time, event = rng.normal(size=(64, 800)), rng.exponential(20, 64).round(3) + 0.001, np.arange(64) % 2
    found = fit_cox(x, time, event.astype(float), penalty)
    assert np.isfinite(found.coef).all()
    assert np.isfinite(found.scores(100 * x)).all()
