"""Which features enter a model: the selectors a study card may name, each fitted on training rows only."""

from __future__ import annotations

import functools
from collections.abc import Callable
from typing import Annotated, Literal

from annotated_types import Ge, Gt, Le, Lt

from radnb.learning.penalised import Ties
from radnb.learning.prepare import Method
from radnb.learning.selectors.linear import Elimination, Lasso, Stability
from radnb.learning.selectors.screens import (
    ChiSquare,
    Components,
    Correlation,
    Everything,
    Inflation,
    Mrmr,
    MutualInformation,
    Named,
    Relief,
    Robust,
    Univariable,
    Variance,
)
from radnb.learning.selectors.selector import Count, Rate, Selector
from radnb.learning.selectors.trees import (
    Boruta,
    Importance,
    SurvivalForest,
    make_boosting,
    make_forest,
    make_lightgbm,
    make_xgboost,
)

Positive = Annotated[float, Gt(0)]
Folds = Annotated[int, Ge(3)]
Share = Annotated[float, Gt(0), Le(1)]
Step = Annotated[int, Gt(0)] | Annotated[float, Gt(0), Lt(1)]


def anova(*, k: Count | None = 10, q: Rate | None = None) -> Univariable:
    """Rank features by the F test between classes; `q` keeps only those below this false discovery rate."""
    return Univariable("f", k, q)


def wilcoxon(*, k: Count | None = 10, q: Rate | None = None) -> Univariable:
    """Rank features by the rank-sum test (Kruskal-Wallis for several classes), with false discovery rate `q`."""
    return Univariable("kruskal", k, q)


def kruskal(*, k: Count | None = 10, q: Rate | None = None) -> Univariable:
    """Rank features by the Kruskal-Wallis test, with false discovery rate `q`."""
    return Univariable("kruskal", k, q)


def chi_square(*, k: Count | None = 10, q: Rate | None = None, bins: Annotated[int, Ge(2)] = 5) -> ChiSquare:
    """Rank features, cut at their training quantiles, by Pearson's chi-square with the class."""
    return ChiSquare("chi_square", k, q, bins)


def mutual_information(*, k: Count = 10, neighbours: Count = 3, seed: int) -> MutualInformation:
    """Rank features by their mutual information with the class, estimated from nearest neighbours."""
    return MutualInformation(k, neighbours, seed)


def univariable_cox(*, k: Count | None = 10, q: Rate | None = None) -> Univariable:
    """Rank features by the score test of a Cox model with that feature alone."""
    return Univariable("cox", k, q)


def mrmr(*, k: Count = 10, scheme: Literal["quotient", "difference"] = "quotient") -> Mrmr:
    """Choose features of maximal relevance and minimal redundancy."""
    return Mrmr(k, scheme)


def relieff(*, k: Count = 10, neighbours: Count = 10) -> Relief:
    """Rank features by ReliefF: near patients of other classes differ in them, near ones of the same class do not."""
    return Relief(k, neighbours)


def lasso(*, rule: Literal["min", "1se"] = "min", limit: Count | None = None, folds: Folds = 5, seed: int) -> Lasso:
    """Choose features by a binomial LASSO, lambda from inner folds, at most `limit` features."""
    return Lasso(rule, limit, folds, seed=seed)


def elastic_net(*, alpha: Share = 0.5, rule: Literal["min", "1se"] = "min", limit: Count | None = None,
                folds: Folds = 5, seed: int) -> Lasso:
    """Choose features by a binomial elastic net; `alpha` is the LASSO's share of the penalty."""
    return Lasso(rule, limit, folds, alpha=alpha, seed=seed)


def lasso_cox(*, rule: Literal["min", "1se"] = "min", limit: Count | None = None, folds: Folds = 5,
              ties: Ties = "efron", seed: int) -> Lasso:
    """Choose features by a LASSO-Cox model, lambda from inner folds, at most `limit` features."""
    return Lasso(rule, limit, folds, survival=True, ties=ties, seed=seed)


def elastic_net_cox(*, alpha: Share = 0.5, rule: Literal["min", "1se"] = "min", limit: Count | None = None,
                    folds: Folds = 5, ties: Ties = "efron", seed: int) -> Lasso:
    """Choose features by an elastic-net Cox model; `alpha` is the LASSO's share of the penalty."""
    return Lasso(rule, limit, folds, survival=True, ties=ties, alpha=alpha, seed=seed)


def stability_selection(*, k: Count | None = None, threshold: Annotated[float, Gt(0.5), Le(1)] = 0.75,
                        false_selections: Positive = 1.0, halves: Annotated[int, Ge(20)] = 100,
                        seed: int) -> Stability:
    """Choose features that a LASSO finds in this share of many halves of the patients, few expected by chance."""
    return Stability(k, threshold, false_selections, halves, seed)


def rfe(*, k: Count = 10, learner: Literal["svm", "logistic"] = "svm", C: Positive = 1.0,
        step: Step = 1) -> Elimination:
    """Eliminate the features with the smallest weights in a linear model, `step` (a number or a share) at a time."""
    return Elimination(k, learner, C, step)


def boruta(*, k: Count | None = None, rounds: Annotated[int, Ge(10)] = 50, trees: Count = 100, depth: Count = 5,
           alpha: Rate = 0.05, seed: int) -> Boruta:
    """Choose features that beat the best of shuffled copies in random forests more often than chance."""
    return Boruta(k, rounds, trees, depth, alpha, seed)


def random_forest_importance(*, k: Count = 10, trees: Count = 200, leaf: Count = 3, seed: int) -> Importance:
    """Rank features by their importance in a random forest."""
    return Importance(k, functools.partial(make_forest, trees=trees, leaf=leaf), seed=seed)


def gradient_boosting_importance(*, k: Count = 10, trees: Count = 100, depth: Count = 3, rate: Rate = 0.1,
                                 seed: int) -> Importance:
    """Rank features by their importance in gradient-boosted trees."""
    return Importance(k, functools.partial(make_boosting, trees=trees, depth=depth, rate=rate), seed=seed)


def xgboost_importance(*, k: Count = 10, trees: Count = 100, depth: Count = 3, rate: Rate = 0.1,
                       seed: int) -> Importance:
    """Rank features by their total gain in XGBoost (Cox loss for survival)."""
    return Importance(k, functools.partial(make_xgboost, trees=trees, depth=depth, rate=rate), True, seed)


def lightgbm_importance(*, k: Count = 10, trees: Count = 100, depth: Count = 3, rate: Rate = 0.1,
                        seed: int) -> Importance:
    """Rank features by their total gain in LightGBM."""
    return Importance(k, functools.partial(make_lightgbm, trees=trees, depth=depth, rate=rate), seed=seed)


def survival_forest_importance(*, k: Count = 10, trees: Count = 200, leaf: Count = 5, seed: int) -> SurvivalForest:
    """Rank features by permutation importance in a random survival forest (needs the extra `forests`)."""
    return SurvivalForest(k, trees, leaf, seed)


def pca(*, k: Count = 10, share: Share | None = None) -> Components:
    """Replace the features by their first k principal components, or by those that explain this share of variance."""
    return Components(k, share)


def variance(*, minimum: Annotated[float, Gt(0), Lt(0.25)] = 0.01) -> Variance:
    """Drop features whose variance, on a scale from 0 to 1 between their extremes, is below `minimum`."""
    return Variance(minimum)


def correlation(*, limit: Share = 0.9, method: Method = "spearman") -> Correlation:
    """Keep features of which no two correlate above `limit`, the one less correlated with all others first."""
    return Correlation(limit, method)


def vif(*, limit: Annotated[float, Gt(1)] = 10.0) -> Inflation:
    """Keep features of which none has a variance inflation factor above `limit`, the less correlated ones first."""
    return Inflation(limit)


def robust(*, minimum: Annotated[float, Gt(0), Le(1)] = 0.75) -> Robust:
    """Keep features on which readers agree: lower 95 % limit of ICC(2,1), from training patients only."""
    return Robust(minimum)


def named(*, features: tuple[str, ...] = ()) -> Named:
    """Keep the features of this list, fixed beforehand."""
    return Named(features)


def none() -> Everything:
    """Keep every feature that preparation left."""
    return Everything()


SELECTORS: dict[str, Callable[..., Selector]] = {
    "anova": anova,
    "wilcoxon": wilcoxon,
    "kruskal": kruskal,
    "chi_square": chi_square,
    "mutual_information": mutual_information,
    "univariable_cox": univariable_cox,
    "mrmr": mrmr,
    "relieff": relieff,
    "lasso": lasso,
    "elastic_net": elastic_net,
    "lasso_cox": lasso_cox,
    "elastic_net_cox": elastic_net_cox,
    "stability_selection": stability_selection,
    "rfe": rfe,
    "boruta": boruta,
    "random_forest_importance": random_forest_importance,
    "gradient_boosting_importance": gradient_boosting_importance,
    "xgboost_importance": xgboost_importance,
    "lightgbm_importance": lightgbm_importance,
    "survival_forest_importance": survival_forest_importance,
    "pca": pca,
    "variance": variance,
    "correlation": correlation,
    "vif": vif,
    "robust": robust,
    "named": named,
    "none": none,
}
