"""What is refused before any fit, and how it is said."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import Any

import numpy as np
import pytest

from radnb.errors import RadnbError
from radnb.features.assemble import Cohort
from radnb.learning import checks
from radnb.learning.forests import NO_FORESTS
from radnb.learning.learners.survivors import FORESTS
from radnb.learning.training import train

Maker = Callable[..., Any]


def changed(cohort: Cohort, **columns: Any) -> Cohort:
    return Cohort(cohort.table.assign(**columns), cohort.blocks, cohort.outcome, cohort.clinical, cohort.exclusions)


@pytest.mark.parametrize(("columns", "mend"), [
    ({"outcome": 1}, "all patients are of one class"),
    ({"outcome": [1] + [0] * 59}, "fewer than two patients"),
    ({"outcome": [np.nan] + [0, 1] * 29 + [0]}, "Exclude them"),
    ({"f3": np.inf, "f4": -np.inf}, "infinite values in f3, f4"),
    ({"f3": [1e120] + [0.0] * 59}, r"values beyond 1e\+100 in f3"),
    ({"age": np.nan, "size": 3.0}, "block clinical: every column is constant or empty"),
    ({"outcome": [1] * 3 + [0] * 57}, "Use 3 folds at most"),
])
def test_a_bad_table_is_refused(columns: dict[str, Any], mend: str, make_cohort: Maker, make_plan: Maker) -> None:
    with pytest.raises(RadnbError, match=mend):
        train(changed(make_cohort(), **columns), make_plan(), workers=0)


@pytest.mark.parametrize("copy", [lambda y: 5.0 - 2 * y, lambda y: y + np.linspace(0, 0.5, len(y))])
def test_a_feature_that_is_the_outcome_is_named(copy: Any, make_cohort: Maker, make_plan: Maker) -> None:
    cohort = make_cohort()
    with pytest.raises(RadnbError, match="features f5: they tell the outcome grade exactly"):
        train(changed(cohort, f5=copy(cohort.table["outcome"])), make_plan(), workers=0)


@pytest.mark.parametrize("column", ["time_months", "event"])
def test_a_feature_that_is_the_survival_is_named(column: str, make_cohort: Maker, make_plan: Maker) -> None:
    cohort = make_cohort(classes=0)
    with pytest.raises(RadnbError, match="features size"):
        train(changed(cohort, size=3 + cohort.table[column]), make_plan("survival"), workers=0)


@pytest.mark.parametrize(("columns", "mend"), [
    ({"event": 0}, "0 events among 60"), ({"event": 2}, "Declare the event codes"),
    ({"time_months": -1.0}, "Correct the dates"),
])
def test_survival_that_cannot_be_is_refused(columns: dict[str, Any], mend: str, make_cohort: Maker,
                                            make_plan: Maker) -> None:
    with pytest.raises(RadnbError, match=mend):
        train(changed(make_cohort(classes=0), **columns), make_plan("survival"), workers=0)


@pytest.mark.parametrize(("changes", "mend"), [
    ({"model": {"ridge_logistik": {}}}, "Did you mean 'ridge_logistic'"),
    ({"model": {"ridge_cox": {}}}, "ridge_cox does not suit a class outcome"),
    ({"model": {"two_stage": {"cut": 2}}}, "Set cut to 1 or less"),
    ({"model": {"voting": {"bases": ["svm", "lda"], "weights": [1]}}}, "Give one for each"),
    ({"selector": ({"lasso_cox": {}},)}, "lasso_cox does not suit a class outcome"),
    ({"sets": {"combined": ("clinical", "radiomic")}}, "Did you mean 'radiomics'"),
    ({"primary": "both"}, "primary: there is no model set 'both'"),
    ({"sets": {"combined": {"late": {"scores": ["radiomics", "radiomics"]}}}}, "Name each under `scores` once"),
    ({"seed": -1}, "whole number from 0"), ({"seed": 2**31}, "whole number from 0"),
    ({"imbalance": {"smoke": {}}}, "Did you mean 'smote'"),
    ({"prepare": {"correlatoin": 0.9}}, "Did you mean 'correlation'"),
    ({"design": {"nested": {"grid": {"depth": [1]}}}}, "neither selector nor model takes depth"),
])
def test_a_bad_plan_is_refused(changes: dict[str, Any], mend: str, make_cohort: Maker, make_plan: Maker) -> None:
    with pytest.raises(RadnbError, match=mend):
        train(make_cohort(), make_plan(**changes), workers=0)


@pytest.mark.parametrize("changes", [{"model": {"proportional_odds": {}}}, {"grid": {"models": [{"cumulative": {}}]}}])
def test_a_model_for_grades_is_refused_where_classes_have_no_order(changes: dict[str, Any], make_cohort: Maker,
                                                                   make_plan: Maker) -> None:
    cohort = make_cohort(classes=3)
    assert checks.plan_problems(make_plan(**changes), cohort) == []
    mixed = replace(cohort, outcome=replace(cohort.outcome, ordered=False))
    with pytest.raises(RadnbError, match="Add `ordered: true`"):
        train(mixed, make_plan(**changes), workers=0)


def test_all_faults_are_told_at_once(make_cohort: Maker, make_plan: Maker) -> None:
    with pytest.raises(RadnbError, match="2 problems"):
        train(make_cohort(), make_plan(model={"tree": {}}, threshold={"yuden": {}}), workers=0)


@pytest.mark.parametrize("name", FORESTS)
def test_a_model_of_the_extra_is_refused_before_any_fit_when_it_is_not_installed(
        name: str, make_cohort: Maker, make_plan: Maker, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(checks, "forests_missing", lambda: True)
    problems = checks.plan_problems(make_plan("survival", model={name: {}}), make_cohort(classes=0))
    assert problems == [NO_FORESTS]


def test_gaps_are_refused_before_any_fit_where_the_card_says_so(make_cohort: Maker, make_plan: Maker) -> None:
    with pytest.raises(RadnbError, match=r"`refuse` allows no missing values.*f1 \(\d+\)"):
        train(make_cohort(), make_plan(prepare={"impute": "refuse"}), workers=0)
