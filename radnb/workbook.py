"""What a notebook calls: the road from a study card to a story, one step a function, each step kept for reuse."""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pandas as pd

from radnb.cohort import labels as label_schemes
from radnb.cohort.clinical import clinical, predictors
from radnb.cohort.manifest import Manifest, cases, load_manifest
from radnb.cohort.synth import SYNTH
from radnb.features import assemble
from radnb.features.assemble import Cohort
from radnb.learning.training import Plan, Trained
from radnb.study import Study, Workspace, load_study, workspace
from radnb.work import choices
