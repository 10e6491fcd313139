"""Which ways of selecting and modelling a plan compares: its own, the options it tunes, and the grid of its card."""

from __future__ import annotations

import itertools
import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from radnb.errors import RadnbError, nearest
from radnb.learning.models import MODELS
from radnb.learning.plan import Choice, Plan
from radnb.learning.problem import Candidate, Chain
from radnb.learning.selection import SELECTORS
from radnb.work import choices

DEFAULT_GRID = {"k": [5, 10, 20]}
NUMBERS = ("k", "limit")  # the options by which a selector is told how many features to keep
KEYS = ("selectors", "models", "features")


@dataclass(frozen=True)
class Way:
    """One chain of selectors and one model, options filled in, with what sets it apart from the others."""

    chain: tuple[Choice, ...]
    model: Choice
    note: str = ""
    selector: str = ""
    learner: str = ""
    features: int | None = None


def candidates(plan: Plan) -> tuple[tuple[Chain, ...], tuple[Candidate, ...]]:
    """Return the chains of selectors and the candidates that use them; equal chains are made once."""
    ways = list(_ways(plan))
    texts = list(dict.fromkeys(_text(way.chain) for way in ways))
    chains = {text: next(way.chain for way in ways if _text(way.chain) == text) for text in texts}
    families = _families(list(chains.values()), plan.seed)
    made = tuple(_chain(chain, number, most, plan.seed)
                 for chain, (number, most) in zip(chains.values(), families, strict=True))
    return made, tuple(Candidate(texts.index(_text(way.chain)),
                                 choices.pick(MODELS, way.model, "model", seed=plan.seed),
                                 way.note, way.selector, way.learner, way.features) for way in ways)


def grid_problems(grid: Mapping[str, Any]) -> list[str]:
    """List, as sentences, what is wrong with the grid of a card."""
    found = [f"grid.{key}: unknown. {nearest(key, KEYS)}" for key in grid if key not in KEYS]
    found += [f"grid.{key}: name at least one." for key in KEYS if key in grid and not grid[key]]
    for number, one in enumerate(grid.get("selectors") or ()):
        found += [fault for choice in _steps(one)
                  for fault in choices.problems(SELECTORS, choice, f"grid.selectors.{number}")]
    for number, one in enumerate(grid.get("models") or ()):
        found += choices.problems(MODELS, one, f"grid.models.{number}")
    found += [f"grid.features: {k!r} is no number of features. Write whole numbers from 1 up."
              for k in grid.get("features") or () if not (isinstance(k, int) and not isinstance(k, bool) and k > 0)]
    return found


def label(choice: Choice) -> str:
    """Return a choice as a person writes it: its name, and its options in brackets where there are any."""
    name = choices.name_of(choice)
    given = ", ".join(f"{key}={value}" for key, value in (choice[name] or {}).items())
    return f"{name} ({given})" if given else name


def _steps(one: Any) -> Sequence[Any]:
    return one if isinstance(one, list | tuple) else (one,)


def _ways(plan: Plan) -> Iterator[Way]:
    grid = plan.grid
    chains = [tuple(_steps(one)) for one in grid.get("selectors") or (plan.selector,)]
    for chain, model in itertools.product(chains, grid.get("models") or (plan.model,)):
        selecting = tuple(step for step in chain if choices.name_of(step) != "robust")
        words = " + ".join(label(step) for step in chain)
        for number in grid.get("features") or (None,):
            numbered = _numbered(selecting, number)
            if numbered is None:  # it keeps as many as it finds: one way for all numbers
                if number != (grid.get("features") or (None,))[0]:
                    continue
                number, numbered = None, selecting
            for steps, learner, note in _options(plan, (*numbered, model)):
                parts = [part for part in (words, label(model), f"{number} features" if number else "", note) if part]
                yield Way(steps, learner, ", ".join(parts) if grid else note, words, label(model), number)


def _numbered(chain: tuple[Choice, ...], number: int | None) -> tuple[Choice, ...] | None:
    """Return the chain with its last step keeping this many features, or None where it takes no number."""
    if number is None:
        return chain
    if not chain:
        return None
    name = choices.name_of(chain[-1])
    key = next((key for key in NUMBERS if key in choices.options(SELECTORS[name])), None)
    return None if key is None else (*chain[:-1], {name: {**(chain[-1][name] or {}), key: number}})


def _options(plan: Plan, steps: tuple[Choice, ...]) -> Iterator[tuple[tuple[Choice, ...], Choice, str]]:
    """Yield each combination of the options that the nested design tunes, filled into selectors and model."""
    name = choices.name_of(plan.design)
    own = (plan.design[name] or {}).get("grid") if name == "nested" else None
    grid = own or (DEFAULT_GRID if name == "nested" and not plan.grid else {})
    registries = [SELECTORS] * (len(steps) - 1) + [MODELS]
    known = [choices.options(registry[choices.name_of(step)]) for registry, step in zip(registries, steps, strict=True)]
    lost = [key for key in grid if not any(key in options for options in known)]
    if lost and own and not plan.grid:
        raise RadnbError(f"design.nested.grid: neither selector nor model takes {', '.join(lost)}. "
                         f"Tune {', '.join(sorted(set(itertools.chain(*known)))) or 'nothing'}.", code="E_CONFIG")
    keys = [key for key in grid if key not in lost]
    for values in itertools.product(*(grid[key] for key in keys)):
        given = dict(zip(keys, values, strict=True))
        filled = [{choices.name_of(step): {**(step[choices.name_of(step)] or {}),
                                           **{k: v for k, v in given.items() if k in options}}}
                  for step, options in zip(steps, known, strict=True)]
        yield tuple(filled[:-1]), filled[-1], ", ".join(f"{k}={v}" for k, v in given.items())


def _text(chain: Sequence[Choice]) -> str:
    return json.dumps(list(chain), sort_keys=True, default=str)


def _families(chains: list[tuple[Choice, ...]], seed: int) -> list[tuple[int, int | None]]:
    """Return for each chain its family, and the largest number of features that is asked of the family."""
    keys = []
    for chain in chains:
        last = chain[-1] if chain else {}
        name = choices.name_of(last) if chain else ""
        given = dict((last.get(name) or {}) if chain else {})
        k = given.pop("k", None)
        shared = k is not None and choices.pick(SELECTORS, last, "selector", seed=seed)().ordered
        keys.append((_text([*chain[:-1], {name: given}]) if shared else _text(chain), k if shared else None))
    names = list(dict.fromkeys(key for key, _ in keys))
    asked = {name: [k for key, k in keys if key == name and k is not None] for name in names}
    return [(names.index(key), max(asked[key]) if len(asked[key]) > 1 else None) for key, _ in keys]


def _chain(chain: tuple[Choice, ...], family: int, most: int | None, seed: int) -> Chain:
    steps, k = chain, None
    if most is not None:
        name = choices.name_of(chain[-1])
        k = chain[-1][name]["k"]
        steps = (*chain[:-1], {name: {**chain[-1][name], "k": most}})
    return Chain(tuple(choices.pick(SELECTORS, step, "selector", seed=seed) for step in steps), family, k)
