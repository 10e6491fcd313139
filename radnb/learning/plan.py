"""What is to be fitted, and what comes of it: plain data on both sides of the training."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

import pandas as pd

Choice = Mapping[str, Any]  # {name: {option: value}}


@dataclass(frozen=True)
class Plan:
    """What is fitted and how often, as plain data: the learning part of a study card."""

    sets: Mapping[str, tuple[str, ...]]
    model: Choice
    primary: str
    comparator: str | None = None
    design: Choice = field(default_factory=lambda: {"repeated_kfold": {}})
    prepare: Mapping[str, Any] = field(default_factory=dict)
    selector: tuple[Choice, ...] = ({"anova": {}},)
    threshold: Choice = field(default_factory=lambda: {"youden": {}})
    prespecified: tuple[str, ...] = ("clinical",)
    bootstraps: int = 50
    splits: int = 2
    permutations: int = 999
    stop_after: int = 10
    seed: int = 7


@dataclass(frozen=True)
class Trained:
    """Tables predictions, resamples, selections and fits (one row per outer fit), and the final models by name."""

    predictions: pd.DataFrame
    resamples: pd.DataFrame
    selections: pd.DataFrame
    fits: pd.DataFrame
    final: Mapping[str, Mapping[str, Any]]
