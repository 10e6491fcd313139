"""The learners a study card may name: one dict for classes, one for survival."""

from __future__ import annotations

from collections.abc import Callable

from radnb.learning.learners.classifiers import BASES
from radnb.learning.learners.composed import cumulative, one_vs_rest, stacking, two_stage, voting
from radnb.learning.learners.learner import Learner
from radnb.learning.learners.survivors import (
    cox,
    elastic_net_cox,
    gradient_boosted_cox,
    lasso_cox,
    radiomics_score_cox,
    random_survival_forest,
    ridge_cox,
    single_feature_cox,
    xgboost_aft,
    xgboost_cox,
)

CLASSIFIERS: dict[str, Callable[..., Learner]] = {
    **BASES,  # those that may also be parts of the following
    "one_vs_rest": one_vs_rest,
    "cumulative": cumulative,
    "two_stage": two_stage,
    "voting": voting,
    "stacking": stacking,
}
SURVIVORS: dict[str, Callable[..., Learner]] = {
    "cox": cox,
    "ridge_cox": ridge_cox,
    "lasso_cox": lasso_cox,
    "elastic_net_cox": elastic_net_cox,
    "radiomics_score_cox": radiomics_score_cox,
    "single_feature_cox": single_feature_cox,
    "xgboost_cox": xgboost_cox,
    "xgboost_aft": xgboost_aft,
    "gradient_boosted_cox": gradient_boosted_cox,
    "random_survival_forest": random_survival_forest,
}
MODELS = CLASSIFIERS | SURVIVORS
ORDINAL = frozenset({"proportional_odds", "cumulative"})  # of several classes only where these stand from low to high
