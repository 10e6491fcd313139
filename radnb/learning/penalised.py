"""LASSO and elastic net with their penalty chosen in inner folds of patients, for selectors and models alike."""

from __future__ import annotations

import functools
from dataclasses import dataclass
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray

from radnb.learning.folds import IntArray, deal
from radnb.statistics.families import Array, Binomial, Cox, Family

Ties = Literal["breslow", "efron"]
Rule = Literal["min", "1se"]


@dataclass(frozen=True)
class Chosen:
    """One solution of a path, on the input scale."""

    intercept: float
    coef: Array
    lam: float
    converged: bool


Outcome = tuple[NDArray[np.bool_], functools.partial[Family]]


def outcomes(y: Array, ties: Ties) -> list[Outcome]:
    """Return each outcome to be modelled with its likelihood: survival or two classes one, several classes each."""
    if y.ndim == 2:
        return [(y[:, 1] > 0, functools.partial(_cox, y=y, ties=ties))]
    present = np.unique(y)
    events = [y == present[-1]] if len(present) == 2 else [y == value for value in present]
    return [(event, functools.partial(_binomial, y=event.astype(float))) for event in events]


def chosen_path(x: Array, y: Array, *, groups: IntArray | None, rule: Rule, folds: int, seed: int,
                limit: int | None = None, ties: Ties = "efron", size: int = 50, alpha: float = 1.0) -> list[Chosen]:
    """Return the LASSO solution at the chosen lambda: one for two classes or survival, one per class otherwise.

    The path ends at 1 % of the largest lambda, or at 5 % where there are fewer than two patients per column: below
    that it nears saturation, which costs most of the time and is not what cross-validation chooses. `alpha` below 1
    gives the elastic net.
    """
    ratio = 0.05 if len(x) < 2 * x.shape[1] else 0.01
    return [_solve(x, event, family, groups, rule, folds, seed, limit, alpha, ratio, size)
            for event, family in outcomes(y, ties)]


def _binomial(rows: IntArray, *, y: Array) -> Family:
    return Binomial(y[rows])


def _cox(rows: IntArray, *, y: Array, ties: Ties) -> Family:
    return Cox(y[rows, 0], y[rows, 1], ties)


def inner_folds(event: NDArray[Any], groups: IntArray | None, folds: int, seed: int) -> IntArray | None:
    """Deal training rows into as many inner folds as the rarer outcome allows, or None when that is fewer than 2."""
    groups = np.arange(len(event)) if groups is None else groups
    possible = min(folds, *(len(np.unique(groups[event == value])) for value in np.unique(event)))
    return None if possible < 2 else deal(groups, event.astype(np.intp), possible, np.random.default_rng([seed, 9]))


def _solve(x: Array, event: NDArray[Any], family: functools.partial[Family], groups: IntArray | None, rule: Rule,
           folds: int, seed: int, limit: int | None, alpha: float, ratio: float, size: int) -> Chosen:
    from radnb.statistics.paths import cross_validate  # loads scikit-learn, which takes seconds and few runs need

    fold = inner_folds(event, groups, folds, seed)
    if fold is None or not np.ptp(x, axis=0).any():
        return Chosen(family(np.arange(len(x))).null(), np.zeros(x.shape[1]), np.inf, fold is not None)
    found = cross_validate(x, family, fold, alpha=alpha, ratio=ratio, size=size)
    at = int(np.flatnonzero(found.path.lam == (found.lam_min if rule == "min" else found.lam_1se))[0])
    if limit is not None:  # walk back to a larger lambda until few enough are left
        while at and (found.path.coef[at] != 0).sum() > limit:
            at -= 1
    path = found.path
    return Chosen(float(path.intercept[at]), path.coef[at], float(path.lam[at]), bool(path.converged[at]))
