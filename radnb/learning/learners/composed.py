"""The models for classes that are made of others; their parts are named as on a card: `{svm: {kernel: rbf}}`."""

from __future__ import annotations

import functools
from collections.abc import Callable, Mapping
from typing import Annotated, Any, Literal

from annotated_types import Ge, Gt, MinLen
from pydantic import AfterValidator, BeforeValidator
from pydantic_core import PydanticCustomError

from radnb.errors import RadnbError
from radnb.learning.kinds import CLASSES
from radnb.learning.learners.classifiers import BASES, Penalty
from radnb.learning.learners.ensembles import OneVsRest, Stacking, Voting
from radnb.learning.learners.ordinal import Cumulative
from radnb.learning.learners.staged import Stage, TwoStage
from radnb.learning.selection import SELECTORS
from radnb.learning.selectors.screens import Named
from radnb.work import choices

Choice = Mapping[str, Any]


def _named(value: Any, registry: choices.Registry, what: str) -> Choice:
    """Read a name or a name with options, and refuse in sentences what names nothing."""
    choice = {value: {}} if isinstance(value, str) else value
    found = choices.problems(registry, choice, what)
    if found:
        raise PydanticCustomError("choice", "{said}", {"said": " ".join(found).removesuffix(".")})
    return {name: given or {} for name, given in choice.items()}


def _for_classes(choice: Choice) -> Choice:
    """Refuse selectors that a stage cannot run: those for survival, by name, or by repeated measurements."""
    selector = choices.pick(SELECTORS, choice, seed=0)()
    name = choices.name_of(choice)
    if CLASSES not in selector.kinds:
        raise PydanticCustomError("choice", "{name} does not suit a class outcome", {"name": name})
    if selector.needs_repeats or isinstance(selector, Named):
        raise PydanticCustomError("choice", "{name} comes before the stages: name it under `selector`", {"name": name})
    return choice


Base = Annotated[Choice, BeforeValidator(functools.partial(_named, registry=BASES, what="base"))]
Selection = Annotated[Choice, BeforeValidator(functools.partial(_named, registry=SELECTORS, what="selector")),
                      AfterValidator(_for_classes)]
Bases = Annotated[tuple[Base, ...], MinLen(2)]
RIDGE: Choice = {"ridge_logistic": {}}
FOREST: Choice = {"random_forest": {}}
SVM: Choice = {"svm": {"kernel": "rbf"}}


def one_vs_rest(*, base: Base = SVM, seed: int) -> OneVsRest:
    """One model per class against all others, of any kind."""
    return OneVsRest(_make(base, seed), seed)


def cumulative(*, base: Base = FOREST, seed: int) -> Cumulative:
    """A model for each cut between ordered classes, of any kind (Frank and Hall)."""
    return Cumulative(_make(base, seed), seed)


def two_stage(*, cut: Annotated[int, Gt(0)] | None = None, first: Base = RIDGE, second: Base = RIDGE,
              first_selector: tuple[Selection, ...] = (), second_selector: tuple[Selection, ...] = (),
              seed: int) -> TwoStage:
    """First the `cut` lower classes against the rest (none given: the last class), then the classes within each."""
    return TwoStage(_stage(first, first_selector, seed), _stage(second, second_selector, seed), cut)


def voting(*, bases: Bases = (RIDGE, FOREST, SVM), average: Literal["probability", "rank"] = "probability",
           weights: tuple[Annotated[float, Gt(0)], ...] | None = None, seed: int) -> Voting:
    """The mean of several models' probabilities (recalibrated where needed), or of their ranks."""
    if weights is not None and len(weights) != len(bases):
        raise RadnbError(f"model.voting.weights: {len(weights)} weights for {len(bases)} models. "
                         "Give one for each, or leave them out.", code="E_CONFIG")
    return Voting(_makes(bases, seed), average, weights, seed)


def stacking(*, bases: Bases = (RIDGE, FOREST, SVM), penalty: Penalty = 1.0, folds: Annotated[int, Ge(2)] = 5,
             seed: int) -> Stacking:
    """Ridge logistic regression on the scores that several models give to patients held out in inner folds."""
    return Stacking(_makes(bases, seed), penalty, folds, seed)


def _make(choice: Choice, seed: int) -> Callable[[], Any]:
    return choices.pick(BASES, choice, "base", seed=seed)


def _makes(bases: tuple[Choice, ...], seed: int) -> tuple[Callable[[], Any], ...]:
    return tuple(_make(base, seed) for base in bases)


def _stage(base: Choice, selectors: tuple[Choice, ...], seed: int) -> Stage:
    return Stage(_make(base, seed), tuple(choices.pick(SELECTORS, one, seed=seed) for one in selectors), seed)
