"""A choice on a card, `{anova: {k: 20}}`, checked against a dict of functions and their signatures."""

from __future__ import annotations

import functools
import inspect
from collections.abc import Callable, Mapping
from typing import Any, get_type_hints

from pydantic import TypeAdapter, ValidationError

from radnb.errors import nearest, raise_all

Registry = Mapping[str, Callable[..., Any]]
Choice = Mapping[str, Mapping[str, Any] | None]


def options(function: Callable[..., Any]) -> dict[str, inspect.Parameter]:
    """List what a card may set: the keyword-only parameters of the function but its seed."""
    parameters = inspect.signature(function).parameters.values()
    return {p.name: p for p in parameters if p.kind is p.KEYWORD_ONLY and p.name != "seed"}


def problems(registry: Registry, choice: Any, where: str) -> list[str]:
    """List, as sentences, everything that keeps `choice` from naming one entry with valid options."""
    if not isinstance(choice, Mapping) or len(choice) != 1:
        return [f"{where}: name exactly one, as in `{next(iter(registry))}: {{}}`. {nearest('', registry)}"]
    (name, given), = choice.items()
    if name not in registry:
        return [f"{where}: {name!r} is unknown. {nearest(name, registry)}"]
    if not isinstance(given or {}, Mapping):
        return [f"{where}.{name}: the options must be a mapping, as in `{{}}`."]
    return _option_problems(registry[name], given or {}, f"{where}.{name}")


def _option_problems(function: Callable[..., Any], given: Mapping[str, Any], where: str) -> list[str]:
    known, hints, found = options(function), get_type_hints(function, include_extras=True), []
    for key, value in given.items():
        if key not in known:
            found.append(f"{where}.{key}: unknown option. {nearest(key, known) if known else 'It takes none.'}")
            continue
        try:
            TypeAdapter(hints.get(key, Any)).validate_python(value)
        except ValidationError as error:
            found.append(f"{where}.{key}: {value!r} will not do: {error.errors()[0]['msg']}.")
    missing = [k for k, p in known.items() if p.default is p.empty and k not in given]
    return found + [f"{where}.{key}: this option is required. Add it." for key in missing]


def pick(registry: Registry, choice: Choice, where: str = "choice", **more: Any) -> Callable[..., Any]:
    """Return the chosen function with its options bound; `more` (a seed) is bound where it is taken."""
    raise_all(problems(registry, choice, where), code="E_CONFIG")
    (name, given), = choice.items()
    function, bound = registry[name], dict(given or {})
    taken = inspect.signature(function).parameters
    hints = get_type_hints(function, include_extras=True)
    bound = {k: TypeAdapter(hints.get(k, Any)).validate_python(v) for k, v in bound.items()}
    return functools.partial(function, **bound, **{k: v for k, v in more.items() if k in taken})


def name_of(choice: Choice) -> str:
    """Return the name that a choice picks."""
    return next(iter(choice))
