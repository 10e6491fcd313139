"""From a cohort and a plan to the plain arrays that designs and fits work on."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from radnb.errors import RadnbError
from radnb.features.assemble import Cohort
from radnb.learning.batches import batches, calibration_of, covariates
from radnb.learning.folds import IntArray
from radnb.learning.fusion import blocks_of, layout
from radnb.learning.grid import candidates
from radnb.learning.harmonise import HARMONISERS, Harmoniser
from radnb.learning.imbalance import OVERSAMPLERS, Oversampler
from radnb.learning.kinds import SURVIVAL
from radnb.learning.plan import Plan
from radnb.learning.prepare import PREPARE
from radnb.learning.problem import Problem
from radnb.learning.selection import SELECTORS
from radnb.learning.selectors.screens import Robust
from radnb.learning.thresholds import THRESHOLDS
from radnb.statistics.families import Array
from radnb.work import choices

OFTEN_EMPTY = 0.1  # above it a feature is told by its gaps to agree with nobody, and costs no patient of the others


def patients(cohort: Cohort) -> pd.DataFrame:
    """Return what a design may look at: patient_id, centre, stratum, label, and the declared columns of the table."""
    features = {c for names in cohort.blocks.values() for c in names}
    table = cohort.table.drop(columns=[c for c in cohort.table if c in features])
    extra = [c for c in cohort.clinical if c not in table and c != "patient_id"]
    if extra and "patient_id" in cohort.clinical:
        known = cohort.clinical.drop_duplicates("patient_id").set_index("patient_id")[extra]
        table = table.join(known, on="patient_id")
    centre = table["centre"].astype(str) if "centre" in table else "all"
    strata = stratum(cohort)
    words = np.array(("event",) if cohort.outcome.kind == SURVIVAL else cohort.outcome.classes, object)
    return table.assign(centre=centre, stratum=strata, label=np.where(strata < 0, "censored", words[strata]))


def stratum(cohort: Cohort) -> IntArray:
    """Return the class, or for survival 0 for an event and -1 for a censored patient."""
    if cohort.outcome.kind == SURVIVAL:
        return np.asarray(cohort.table["event"].to_numpy(float), np.intp) - 1
    return np.asarray(cohort.table["outcome"].to_numpy(float), np.intp)


def used_blocks(cohort: Cohort, plan: Plan) -> dict[str, tuple[str, ...]]:
    """Return the blocks that the plan's model sets use, with their columns."""
    names = dict.fromkeys(b for blocks in plan.sets.values() for b in blocks_of(layout(blocks)))
    return {b: tuple(cohort.blocks[b]) for b in names}


def make_problem(cohort: Cohort, plan: Plan, used: Mapping[str, tuple[str, ...]],
                 repeat_measurements: pd.DataFrame | None = None) -> Problem:
    """Turn cohort and plan into the plain arrays that fits work on."""
    table, survival = cohort.table, cohort.outcome.kind == SURVIVAL
    y = table[["time_months", "event"] if survival else "outcome"].to_numpy(float)
    chains, ways = candidates(plan)
    chain = [choices.pick(SELECTORS, choice, "selector", seed=plan.seed) for choice in plan.selector]
    robust = tuple(made for made in (make() for make in chain) if isinstance(made, Robust))
    ids, numbers = np.unique(table["patient_id"].to_numpy(str), return_inverse=True)
    values, who = _repeated(cohort, used, plan, repeat_measurements) if robust else ({}, ids[:0])
    centres = table["centre"].astype(str).to_numpy() if "centre" in table else np.full(len(table), "all")
    harmoniser, batch, known, calibration = _harmonising(cohort, plan)
    return Problem(
        blocks={b: np.ascontiguousarray(table[list(c)].to_numpy(float)) for b, c in used.items()}, columns=used,
        y=y, classes=0 if survival else len(cohort.outcome.classes), groups=numbers.astype(np.intp),
        strata=stratum(cohort), centres=np.unique(centres, return_inverse=True)[1].astype(np.intp),
        sets={name: layout(blocks) for name, blocks in plan.sets.items()},
        prespecified=tuple(b for b in plan.prespecified if b in used),
        preparation=replace(choices.pick(PREPARE, {"prepare": plan.prepare})(), harmoniser=harmoniser),
        chains=chains, candidates=ways, robust=robust,
        threshold=choices.pick(THRESHOLDS, plan.threshold, "threshold")(), seed=plan.seed, grid=bool(plan.grid),
        oversample=_oversampler(plan), batches=batch, covariates=known, calibration=calibration,
        repeated=values, repeated_groups=np.asarray(np.searchsorted(ids, who), np.intp))


def harmoniser_of(plan: Plan) -> Harmoniser:
    """Return the harmoniser that a plan names."""
    made: Harmoniser = choices.pick(HARMONISERS, plan.harmonise, "harmonise")()
    return made


def _harmonising(cohort: Cohort, plan: Plan
                 ) -> tuple[Harmoniser | None, IntArray | None, Array | None, int | NDArray[np.bool_]]:
    """Return what harmonises features, each row's batch and covariates, and who may teach a new batch."""
    made = harmoniser_of(plan)
    if made.estimate is None:
        return None, None, None, 0
    batch, names = batches(cohort, made.batch)
    calibration = calibration_of(cohort, made) if made.unseen == "calibrate" else 0
    return made.named(names), batch, covariates(cohort, made.covariates), calibration


def _oversampler(plan: Plan) -> Oversampler | None:
    """Return what changes the training rows of rare classes, or nothing."""
    made: Oversampler = choices.pick(OVERSAMPLERS, plan.imbalance, "imbalance", seed=plan.seed)()
    return made if made.changes else None


def _repeated(cohort: Cohort, used: Mapping[str, tuple[str, ...]], plan: Plan,
              extra: pd.DataFrame | None) -> tuple[dict[str, Array], np.ndarray[Any, Any]]:
    """Return, for patients measured by every reader, the values (patients, readers, features) of each block."""
    blocks = [b for b in used if b not in plan.prespecified]
    columns = list(dict.fromkeys(c for b in blocks for c in used[b]))
    if extra is None or not {"patient_id", "reader", *columns} <= set(extra.columns):
        raise RadnbError("selector robust: it needs the features of further readers (patient_id, reader and every "
                         "feature column). Add rows of a second reader to the image manifest, or leave robust out.",
                         code="E_REPEATS")
    own = cohort.table.drop_duplicates("patient_id").assign(reader="")
    both = pd.concat([own[["patient_id", "reader", *columns]], extra[["patient_id", "reader", *columns]]])
    usual = [c for c in columns if both[c].isna().mean() <= OFTEN_EMPTY]
    both = both.assign(patient_id=both["patient_id"].astype(str)).dropna(subset=usual)
    both = both[both["patient_id"].isin(own["patient_id"].astype(str))].drop_duplicates(["patient_id", "reader"])
    wide = both.groupby("patient_id").filter(lambda rows: len(rows) == both["reader"].nunique())
    wide = wide.sort_values(["patient_id", "reader"], kind="stable")
    readers = both["reader"].nunique()
    if readers < 2 or len(wide) < 2 * readers:
        raise RadnbError("selector robust: no patients were measured by every reader. Give the same cases to all "
                         "readers, or leave robust out.", code="E_REPEATS")
    values = {b: wide[list(used[b])].to_numpy(float).reshape(-1, readers, len(used[b])) for b in blocks}
    return values, wide["patient_id"].to_numpy(str)[::readers]
