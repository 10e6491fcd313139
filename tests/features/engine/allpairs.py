"""A sample of settings in which each pair of options stands at least once: small, and the same on every machine."""

from __future__ import annotations

import itertools
from collections.abc import Callable, Mapping, Sequence

Row = dict[str, str]
Pair = frozenset[tuple[str, str]]


def rows(factors: Mapping[str, Sequence[str]], allowed: Callable[[Row], bool] = lambda row: True) -> list[Row]:
    """Return rows (factor -> level) so that each pair of levels that `allowed` permits occurs in one of them.

    Greedy, as in Cohen et al., IEEE Trans Softw Eng 1997;23:437-444: each row begins with a pair not covered yet and
    takes, factor by factor, the level that covers most. `allowed` sees rows that are not complete yet, and must
    leave a level of each factor open.
    """
    left = dict.fromkeys(pairs(factors, allowed))  # a dict keeps its order, a set does not
    found: list[Row] = []
    while left:
        found.append(_row(dict(next(iter(left))), factors, allowed, left, turn=len(found)))
        for pair in _pairs_of(found[-1]):
            left.pop(pair, None)
    return found


def pairs(factors: Mapping[str, Sequence[str]], allowed: Callable[[Row], bool] = lambda row: True) -> list[Pair]:
    """List each pair of levels of two factors that may stand together."""
    return [frozenset({(one, a), (other, b)}) for one, other in itertools.combinations(factors, 2)
            for a in factors[one] for b in factors[other] if allowed({one: a, other: b})]


def _row(row: Row, factors: Mapping[str, Sequence[str]], allowed: Callable[[Row], bool], left: Mapping[Pair, None],
         turn: int) -> Row:
    for factor in (name for name in factors if name not in row):
        levels = factors[factor]
        turned = [levels[(turn + step) % len(levels)] for step in range(len(levels))]  # so that ties do not repeat
        fits = [level for level in turned if allowed({**row, factor: level})]
        row[factor] = max(fits, key=lambda level: sum(
            frozenset({(factor, level), taken}) in left for taken in row.items()))
    return {factor: row[factor] for factor in factors}


def _pairs_of(row: Row) -> list[Pair]:
    return [frozenset(two) for two in itertools.combinations(row.items(), 2)]
