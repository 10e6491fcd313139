"""The default recipe: what a card gets that names no model. How it was found stands in docs/recipe.md."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

PREPARE = {"correlation": None, "scale": "bounded"}
RECIPE: Mapping[str, Any] = {"prepare": PREPARE, "selector": {"none": {}}, "model": {"blend": {}}}
FOR_SURVIVAL: Mapping[str, Any] = {**RECIPE, "model": {"ridge_cox": {"penalty": "inner"}}}


def with_recipe(card: Mapping[str, Any]) -> dict[str, Any]:
    """Return a card whose learning is named: as it is where it names a model, else with the recipe's parts."""
    if card.get("model") is not None:
        return dict(card)
    outcome = card.get("outcome")
    survival = isinstance(outcome, Mapping) and "survival" in outcome
    given = {key: value for key, value in card.items() if value is not None}
    return {**(FOR_SURVIVAL if survival else RECIPE), **given}
