"""Options that make every choice of a card quick on tiny cohorts."""

from __future__ import annotations

from typing import Any

SELECTOR: dict[str, dict[str, Any]] = {
    **{name: {"k": 4} for name in ("anova", "wilcoxon", "univariable_cox", "mrmr", "rfe", "pca")},
    **{name: {"folds": 3} for name in ("lasso", "elastic_net", "lasso_cox", "elastic_net_cox")},
    **{f"{trees}_importance": {"k": 4, "trees": 10} for trees in (
        "random_forest", "gradient_boosting", "xgboost", "lightgbm", "survival_forest")},
    "boruta": {"rounds": 10, "trees": 10, "alpha": 0.5}, "stability_selection": {"halves": 20, "false_selections": 4.0},
    "named": {"features": ["f0", "f1"]}}
MODEL: dict[str, dict[str, Any]] = {
    "random_forest": {"trees": 10}, "extra_trees": {"trees": 10}, "random_survival_forest": {"trees": 10},
    **{name: {"rounds": 8} for name in (
        "gradient_boosting", "xgboost", "lightgbm", "xgboost_cox", "xgboost_aft", "gradient_boosted_cox")},
    "adaboost": {"rounds": 5}, "mlp": {"hidden": [3]}, "blend": {"trees": 10, "rounds": 8},
    "cumulative": {"base": "lda"}, "voting": {"bases": ["ridge_logistic", "knn"]},
    "stacking": {"bases": ["ridge_logistic", "naive_bayes"]}}
DESIGN: dict[str, dict[str, Any]] = {
    "repeated_kfold": {"folds": 3, "repeats": 1}, "nested": {"folds": 3, "repeats": 1, "grid": {"k": [2, 5]}},
    "column": {"name": "cohort"}, "temporal": {"name": "year"}, "bootstrap": {"samples": 2},
    "transfer": {"name": "ward", "train": ["a", "b"], "test": ["c"]}, "between_centres": {"least": 3}}


def selector(name: str) -> tuple[dict[str, dict[str, Any]], ...]:
    """Choose a selector with its quick options."""
    return ({name: SELECTOR.get(name, {})},)


def model(name: str) -> dict[str, dict[str, Any]]:
    """Choose a model with its quick options."""
    return {name: MODEL.get(name, {})}


def design(name: str) -> dict[str, dict[str, Any]]:
    """Choose a design with its quick options."""
    return {name: DESIGN.get(name, {})}
