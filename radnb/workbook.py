"""What a notebook calls: the road from a study card to a story, one step a function, each step kept for reuse."""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pandas as pd

import radnb
from radnb.cohort.check import check
from radnb.cohort.clinical import clinical, predictors
from radnb.cohort.labels import SCHEMES
from radnb.cohort.manifest import Manifest, cases, load_manifest
from radnb.cohort.synth import SYNTH
from radnb.errors import RadnbError
from radnb.evaluation.evaluation import Evaluation
from radnb.evaluation.evaluation import evaluate as evaluate_tables
from radnb.features.assemble import Cohort
from radnb.features.assemble import assemble as assemble_tables
from radnb.features.extraction import Extraction
from radnb.features.extraction import extract as extract_cases
from radnb.features.settings import settings as load_settings
from radnb.features.store import Store
from radnb.imaging.regions import inspect
from radnb.learning.training import Plan, Trained
from radnb.learning.training import train as train_models
from radnb.reporting.story import Story
from radnb.study import Study, Workspace, load_study, workspace
from radnb.work import choices, files


@dataclass(frozen=True)
class Run:
    """One opened study: its checked card, its cohort's manifest, where results go, and the reader's language."""

    study: Study
    manifest: Manifest
    manifest_path: Path
    out_dir: Path
    language: str
    space: Workspace


def open_run(study: str, *, manifest: str | None = None, overrides: Mapping[str, Any] | None = None,
             out_dir: str | Path | None = None, language: str = "en") -> Run:
    """Check the card whole and find its cohort; a synthetic cohort that is not there yet is made."""
    space = workspace()
    card = load_study(study, overrides=overrides, space=space)
    if language not in ("en", "zh"):
        raise RadnbError(f"language {language!r}: choose 'en' or 'zh'.", code="E_CONFIG")
    path, read = open_manifest(manifest or card.manifest, space)
    folder = Path(out_dir) if out_dir else space.root / "reports" / card.id
    return Run(card, read, path, folder.resolve(), language, space)


def open_manifest(name: str, space: Workspace | None = None) -> tuple[Path, Manifest]:
    """Find and check a manifest; a synthetic cohort that is not there yet is made."""
    path = (space or workspace()).manifest(name)
    read = load_manifest(path)
    if read.make:
        options = dict(read.make[choices.name_of(read.make)] or {})
        SYNTH[choices.name_of(read.make)](read.folder, **options)
    return path, read


def check_cohort(name: str, *, images: bool) -> pd.DataFrame:
    """List every problem of a cohort, its images included if wanted."""
    _, read = open_manifest(name)
    return check(read, cases_check=inspect if images and read.images else None)


def store(space: Workspace | None = None) -> Store:
    """Open the feature store of the workbook."""
    return Store((space or workspace()).cache / "features")


@dataclass(frozen=True)
class Measured:
    """Features of the cohort's cases, the cases that failed, and one sentence about the work done."""

    features: pd.DataFrame
    failures: pd.DataFrame
    sentence: str
