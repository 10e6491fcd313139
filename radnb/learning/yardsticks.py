"""What a study's own model is held against beside chance: the tumour's volume alone, the clinical facts alone."""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import replace
from typing import TYPE_CHECKING

import numpy as np

from radnb.errors import nearest
from radnb.learning.fusion import Blocks, blocks_of
from radnb.learning.learners.learner import Learner
from radnb.learning.learners.logistic import Logistic
from radnb.learning.learners.survivors import CoxModel
from radnb.learning.problem import Candidate, Problem

if TYPE_CHECKING:  # workers need no tables
    from radnb.features.assemble import Cohort
    from radnb.learning.plan import Plan

VOLUME, CLINICAL = "volume_only", "clinical_only"
VOLUMES = ("original_shape_MeshVolume", "original_shape_VoxelVolume")
SIZE = re.compile(r"(^|_)(volume|size|diameter)(_|$)")
BESIDE = "clinical"  # the block of clinical facts
RIDGE = 1e-3


def volume_column(cohort: Cohort, plan: Plan) -> str | None:
    """Return the column of the tumour's volume: the declared one, a measured volume, or a clinical size."""
    if plan.controls.volume is not None:
        return plan.controls.volume
    columns = [c for names in cohort.blocks.values() for c in names]
    measured = [c for ending in VOLUMES for c in columns if c.endswith(ending) and c in cohort.table]
    clinical = [c for c in cohort.blocks.get(BESIDE, ()) if SIZE.search(c.lower())]
    return next(iter((*measured, *clinical)), None)


def control_problems(cohort: Cohort, plan: Plan) -> list[str]:
    """List what is wrong with the controls of a plan."""
    name = plan.controls.volume
    if name is None or name in _numbers(cohort):
        return []
    return [f"controls.volume: the table has no column of numbers {name!r}. {nearest(name, _numbers(cohort))}"]


def _numbers(cohort: Cohort) -> list[str]:
    return [str(c) for c in cohort.table.select_dtypes("number") if c not in ("outcome", "time_months", "event")]


def with_yardsticks(problem: Problem, cohort: Cohort, plan: Plan) -> Problem:
    """Add to a problem the blocks that its controls need and no model set uses."""
    column, facts = volume_column(cohort, plan), cohort.blocks.get(BESIDE, ())
    blocks: dict[str, tuple[str, ...]] = {}
    if column is not None:
        blocks[VOLUME] = (column,)
    if facts and not any(alone(problem, name) for name in problem.sets):
        blocks[CLINICAL] = tuple(facts)
    values = {b: np.ascontiguousarray(cohort.table[list(c)].to_numpy(float)) for b, c in blocks.items()}
    return replace(problem, blocks={**problem.blocks, **values}, columns={**problem.columns, **blocks},
                   prespecified=(*problem.prespecified, *blocks), samples={})


def alone(problem: Problem, model: str) -> bool:
    """Say whether a model set is the clinical facts and nothing else."""
    return blocks_of(problem.sets[model]) == (BESIDE,)


def yardstick(problem: Problem, kind: str) -> Problem:
    """Return the problem whose one model set is a control: volume by plain regression, clinical facts as the card's."""
    sets: dict[str, Blocks] = {kind: (kind,)}
    if kind == CLINICAL:
        return replace(problem, sets=sets, grid=False, samples={})
    plain = Candidate(0, _logistic if problem.classes else _cox, note=problem.columns[VOLUME][0])
    return replace(problem, sets=sets, candidates=(plain,), grid=False, oversample=None, samples={})


def _logistic() -> Learner:
    return Logistic(RIDGE)


def _cox() -> Learner:
    return CoxModel(RIDGE)


def complete(problem: Problem) -> np.ndarray[tuple[int], np.dtype[np.bool_]]:
    """Say which rows have no gap in any column that a model set uses; columns without any value do not count."""
    used: Iterable[str] = dict.fromkeys(b for one in problem.sets.values() for b in blocks_of(one))
    x = problem.raw(tuple(used))
    missing = np.isnan(x)
    return np.asarray(~missing[:, ~missing.all(0)].any(1))
