"""Write choices.md: every name that a study card may choose, with its options, read from the code itself."""

from __future__ import annotations

import inspect
import json
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import yaml

from radnb.cohort.labels import SCHEMES
from radnb.features.settings import presets
from radnb.learning.fusion import FUSIONS
from radnb.learning.harmonise import HARMONISERS
from radnb.learning.imbalance import OVERSAMPLERS
from radnb.learning.models import CLASSIFIERS, SURVIVORS
from radnb.learning.prepare import prepare
from radnb.learning.selection import SELECTORS
from radnb.learning.signature import TRANSFORMS
from radnb.learning.splits import DESIGNS
from radnb.learning.thresholds import SURVIVAL_THRESHOLDS, THRESHOLDS
from radnb.work.choices import options

PAGE = Path(__file__).with_name("choices.md")
TABLES: dict[str, tuple[str, Mapping[str, Callable[..., Any]]]] = {
    "outcome": ("Outcomes. A scheme reads clinical columns by the names it shows as defaults; name yours otherwise.",
                SCHEMES),
    "model_sets": ("How a model brings blocks together, where they are not simply joined (`combined: [clinical, "
                   "radiomics]`): `nomogram: {late: {scores: [radiomics], beside: [clinical]}}`.", FUSIONS),
    "design": ("How patients are set apart for testing.", DESIGNS),
    "prepare": ("What happens to columns inside each fold; on a card without the name: `prepare: {correlation: 0.8}`. "
                "`impute` takes median, median_indicator, mean, knn, iterative, or refuse: no value may be missing.",
                {"prepare": prepare}),
    "harmonise": ("Differences between centres or scanners, taken out inside each fold after imputation and before the "
                  "filters. A batch or a covariate is a column known before surgery, never the outcome. A batch with "
                  "one training patient stays as it is. `unseen` is for batches without training patients: "
                  "`unharmonised`, `refuse`, or `calibrate` with a number of their patients, or a yes/no column, who "
                  "are then never tested.", HARMONISERS),
    "selector": ("Feature selection, one or a chain.", SELECTORS),
    "model": ("Models for classes.", CLASSIFIERS),
    "model, survival": ("Models for times to an event.", SURVIVORS),
    "transforms": ("Of a published signature (`radnb score`): what the paper did to a feature before its coefficient.",
                   TRANSFORMS),
    "imbalance": ("What training rows of rare classes become, inside the fold; scores are recalibrated after it.",
                  OVERSAMPLERS),
    "threshold": (f"Rules for the cut-off; survival studies take {', '.join(SURVIVAL_THRESHOLDS)}.", THRESHOLDS),
}


def page() -> str:
    """Return the page as Markdown."""
    head = ["# What a study card may choose", "",
            "Made by `.venv/bin/python docs/choices.py` from the code; a test keeps it true. On a card, a choice is a "
            "name and its options: `selector: {anova: {k: 5}}`; options left out take the value shown here.", ""]
    presets_line = f"`extraction` takes a preset ({', '.join(presets())}) or the path of a settings YAML."
    return "\n".join([*head, *(line for key in TABLES for line in _table(key)), presets_line, ""])


def _table(key: str) -> list[str]:
    said, registry = TABLES[key]
    rows = [f"| `{name}` | {_first_sentence(function)} | {_options(function)} |" for name, function in registry.items()]
    return [f"## {key}", "", said, "", "| name | what it does | options |", "|---|---|---|", *rows, ""]


def _first_sentence(function: Callable[..., Any]) -> str:
    return " ".join((inspect.getdoc(function) or "").split("\n\n")[0].split()).replace("|", "\\|")


def _options(function: Callable[..., Any]) -> str:
    return ", ".join(f"`{name}`" if option.default is option.empty else f"`{name}: {_yaml(option.default)}`"
                     for name, option in options(function).items())


def _yaml(value: Any) -> str:
    plain = isinstance(value, str) and yaml.safe_load(value) == value
    return value if plain else json.dumps(value, ensure_ascii=False)  # "2022" in quotes stays a text


if __name__ == "__main__":
    PAGE.write_text(page(), encoding="utf-8", newline="\n")
