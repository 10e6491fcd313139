"""What is to be fitted, and what comes of it: plain data on both sides of the training."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import pandas as pd

Choice = Mapping[str, Any]  # {name: {option: value}}
LARGEST_SEED = 2**31 - 1  # above it some of the libraries behind the learners take none


@dataclass(frozen=True)
class Controls:
    """What stands beside the figures to show what luck alone would give; each costs refits in one repeat."""

    random_features: int = 50
    learning_curve: tuple[float, ...] = (0.4, 0.6, 0.8, 1.0)
    volume: str | None = None  # the column of the tumour's volume; none: the one that is found
    on: bool = True


@dataclass(frozen=True)
class Plan:
    """What is fitted and how often, as plain data: the learning part of a study card."""

    sets: Mapping[str, Sequence[str] | Choice]  # blocks that are joined, or a fusion: {"late": {...}}
    model: Choice
    primary: str
    comparator: str | None = None
    design: Choice = field(default_factory=lambda: {"repeated_kfold": {}})
    prepare: Mapping[str, Any] = field(default_factory=dict)
    harmonise: Choice = field(default_factory=lambda: {"none": {}})
    selector: tuple[Choice, ...] = ({"anova": {}},)
    imbalance: Choice = field(default_factory=lambda: {"none": {}})
    grid: Mapping[str, Any] = field(default_factory=dict)  # selectors, models, features: crossed
    threshold: Choice = field(default_factory=lambda: {"youden": {}})
    prespecified: tuple[str, ...] = ("clinical",)
    bootstraps: int = 50
    splits: int = 2
    permutations: int = 999
    stop_after: int = 10
    controls: Controls = field(default_factory=Controls)
    seed: int = 7


@dataclass(frozen=True)
class Trained:
    """What training leaves behind: tables of rows, and the final models by name.

    predictions, resamples: see tables.py; selections: features of each outer fold with weights; fits: one row per
    outer fit; candidates: scores of every candidate of a grid; splits: who trained and was tested where; certificate:
    what corrupted held-out patients changed (nothing); costs: fits and seconds of each kind of refit; notes: what a
    reader must know of the data (code, severity, parameters of the sentence).
    """

    predictions: pd.DataFrame
    resamples: pd.DataFrame
    selections: pd.DataFrame
    fits: pd.DataFrame
    final: Mapping[str, Mapping[str, Any]]
    candidates: pd.DataFrame = field(default_factory=pd.DataFrame)
    splits: pd.DataFrame = field(default_factory=pd.DataFrame)
    certificate: Mapping[str, Any] = field(default_factory=dict)
    costs: Mapping[str, Mapping[str, float]] = field(default_factory=dict)
    notes: tuple[tuple[str, str, Mapping[str, Any]], ...] = ()
