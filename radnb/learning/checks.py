"""What makes a cohort or a plan unfit for training, said before any fit."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
import pandas as pd

from radnb.errors import RadnbError, nearest
from radnb.features.assemble import Cohort, Outcome
from radnb.learning.forests import NO_FORESTS, forests_missing
from radnb.learning.fusion import FUSIONS, blocks_of, layout
from radnb.learning.giveaways import giveaway_problems
from radnb.learning.grid import grid_problems
from radnb.learning.imbalance import OVERSAMPLERS
from radnb.learning.impute import gaps
from radnb.learning.kinds import SURVIVAL
from radnb.learning.learners.learner import Learner
from radnb.learning.learners.survivors import FORESTS
from radnb.learning.models import CLASSIFIERS, MODELS, ORDINAL, SURVIVORS
from radnb.learning.plan import LARGEST_SEED, Plan
from radnb.learning.prepare import PREPARE
from radnb.learning.selection import SELECTORS
from radnb.learning.splits import DESIGNS
from radnb.learning.suspects import Note, column_notes, identifier_problems
from radnb.learning.thresholds import SURVIVAL_THRESHOLDS, THRESHOLDS
from radnb.statistics.families import Array
from radnb.work import choices

FEWEST_EVENTS = 5
LARGEST = 1e100  # no measurement comes near, and squares of larger numbers overflow


def plan_problems(plan: Plan, cohort: Cohort) -> list[str]:
    """List what is wrong with the plan: unknown names and options, blocks, and learners of the wrong kind."""
    found = choices.problems(DESIGNS, plan.design, "design") + choices.problems(MODELS, plan.model, "model")
    found += choices.problems(THRESHOLDS, plan.threshold, "threshold")
    found += choices.problems(OVERSAMPLERS, plan.imbalance, "imbalance")
    found += choices.problems(PREPARE, {"prepare": dict(plan.prepare)}, "card")
    for number, choice in enumerate(plan.selector):
        found += choices.problems(SELECTORS, choice, f"selector {number + 1}" if len(plan.selector) > 1 else "selector")
    for name, blocks in plan.sets.items():
        fusing = choices.problems(FUSIONS, blocks, f"model_sets.{name}") if isinstance(blocks, Mapping) else []
        found += fusing or [f"model_sets.{name}: there is no block {block!r}. {nearest(block, cohort.blocks)}"
                            for block in blocks_of(layout(blocks)) if block not in cohort.blocks]
    found += grid_problems(plan.grid)
    if not 0 <= plan.seed <= LARGEST_SEED:
        found.append(f"seed: {plan.seed} will not do. Choose a whole number from 0 to {LARGEST_SEED}.")
    found += [f"model_sets.{name}: name at least one block." for name, blocks in plan.sets.items() if not blocks]
    found += [f"primary: there is no model set {name!r}. {nearest(name, plan.sets)}"
              for name in (plan.primary, plan.comparator) if name is not None and name not in plan.sets]
    return found or _kind_problems(plan, cohort)


def _kind_problems(plan: Plan, cohort: Cohort) -> list[str]:
    kind = cohort.outcome.kind
    survival, found = kind == SURVIVAL, []
    fit, outcome = (SURVIVORS, "a survival") if survival else (CLASSIFIERS, "a class")
    for model in (plan.model, *plan.grid.get("models", ())):
        if choices.name_of(model) not in fit:
            found.append(f"model: {choices.name_of(model)} does not suit {outcome} outcome. "
                         f"Choose one of {', '.join(fit)}.")
        elif not survival:
            found += _faults(model, len(cohort.outcome.classes)) + _order_faults(model, cohort.outcome)
    asked = {choices.name_of(model) for model in (plan.model, *plan.grid.get("models", ()))}
    found += [NO_FORESTS] if asked & set(FORESTS) and forests_missing() else []
    chains = [one if isinstance(one, list | tuple) else [one] for one in plan.grid.get("selectors", ())]
    used = dict.fromkeys(block for blocks in plan.sets.values() for block in blocks_of(layout(blocks)))
    names = tuple(column for block in used for column in cohort.blocks[block])
    for choice in (step for chain in (plan.selector, *chains) for step in chain):
        selector = choices.pick(SELECTORS, choice, seed=0)()
        found += [fault for fault in selector.faults(names) if fault not in found]
        if kind not in selector.kinds:
            fitting = [n for n in SELECTORS if kind in choices.pick(SELECTORS, {n: {}}, seed=0)().kinds]
            found.append(f"selector: {choices.name_of(choice)} does not suit {outcome} outcome. "
                         f"Choose one of {', '.join(fitting)}.")
    if survival and choices.name_of(plan.imbalance) != "none":
        found.append("imbalance: a survival outcome has no classes to even out. Leave `imbalance` out.")
    if survival and choices.name_of(plan.threshold) not in SURVIVAL_THRESHOLDS:
        found.append(f"threshold: {choices.name_of(plan.threshold)} does not suit a survival outcome. "
                     f"Choose {' or '.join(SURVIVAL_THRESHOLDS)}.")
    return found


def _faults(model: Mapping[str, Any], classes: int) -> list[str]:
    """Say why a model cannot be made as the card wants it, or not for this many classes."""
    try:
        made: Learner = choices.pick(MODELS, model, "model", seed=0)()
    except RadnbError as error:
        return [str(error)]
    return made.faults(classes)


def _order_faults(model: Mapping[str, Any], outcome: Outcome) -> list[str]:
    name = choices.name_of(model)
    return [] if name not in ORDINAL or outcome.ordered or len(outcome.classes) < 3 else [
        f"model: {name} needs classes that stand from low to high, and {', '.join(outcome.classes)} do not. Add "
        "`ordered: true` to the outcome if they do, or choose another model, as ridge_logistic."]


def cohort_problems(cohort: Cohort, used: Mapping[str, tuple[str, ...]]) -> list[str]:
    """List what is wrong with the outcome and with the columns of the blocks in use."""
    found = _survival_problems(cohort.table) if cohort.outcome.kind == SURVIVAL else _class_problems(cohort)
    for block, columns in used.items():
        absent = [c for c in columns if c not in cohort.table]
        if absent:
            found.append(f"block {block}: the table has no column {_some(absent)}. Assemble the cohort anew.")
            continue
        found += _value_problems(block, cohort.table[list(columns)].to_numpy(float), columns)
    return found or identifier_problems(cohort.table, used) + giveaway_problems(cohort, used)


def gap_problems(cohort: Cohort, plan: Plan, used: Mapping[str, tuple[str, ...]]) -> list[str]:
    """List missing values where the plan's imputation refuses them."""
    if dict(plan.prepare).get("impute") != "refuse":
        return []
    columns = list(dict.fromkeys(column for names in used.values() for column in names))
    return [said] if (said := gaps(cohort.table[columns].to_numpy(float), columns)) else []


def cohort_notes(cohort: Cohort, used: Mapping[str, tuple[str, ...]]) -> list[Note]:
    """Return what is told and not refused, as flags (code, severity, parameters): repeated columns, calendar years."""
    return column_notes(cohort.table, used)


def _class_problems(cohort: Cohort) -> list[str]:
    names, outcome = cohort.outcome.classes, cohort.table["outcome"]
    if outcome.isna().any():
        return [f"outcome {cohort.outcome.name}: {int(outcome.isna().sum())} patients have none. "
                "Exclude them when the cohort is assembled."]
    counts = np.bincount(outcome.to_numpy(int), minlength=len(names))
    told = ", ".join(f"{name} {count}" for name, count in zip(names, counts, strict=True))
    if np.count_nonzero(counts) < 2:
        return [f"outcome {cohort.outcome.name}: all patients are of one class ({told}). "
                "Widen the inclusion criteria, or choose another label scheme."]
    if counts.min() < 2:
        return [f"outcome {cohort.outcome.name}: a class has fewer than two patients ({told}). "
                "Join it with a neighbouring class, or leave it out."]
    return []


def _survival_problems(table: pd.DataFrame) -> list[str]:
    time, event = table["time_months"].to_numpy(float), table["event"].to_numpy(float)
    found = []
    bad = ~np.isfinite(time) | (time < 0)
    if bad.any():
        who = table.loc[bad, "patient_id"].astype(str).tolist()
        found.append(f"survival: {int(bad.sum())} patients have a missing or negative time ({_some(who)}). "
                     "Correct the dates, or exclude them.")
    if not np.isin(event, (0, 1)).all():
        found.append("survival: the event must be 0 or 1 for everybody. Declare the event codes on the card.")
    elif event.sum() < FEWEST_EVENTS:
        found.append(f"survival: {int(event.sum())} events among {len(event)} patients are too few to learn from. "
                     "Wait for longer follow-up, or choose a composite endpoint.")
    elif np.ptp(time[event > 0]) == 0 and np.ptp(time) == 0:
        found.append("survival: all times are equal. Check the unit and the dates of the time column.")
    return found


def _value_problems(block: str, x: Array, columns: tuple[str, ...]) -> list[str]:
    infinite = [columns[i] for i in np.flatnonzero(np.isinf(x).any(axis=0))]
    if infinite:
        return [f"block {block}: infinite values in {_some(infinite)}. Replace them by empty cells, or leave the "
                "columns out."]
    seen = ~np.isnan(x)
    if giant := [columns[i] for i in np.flatnonzero((np.abs(np.where(seen, x, 0.0)) > LARGEST).any(axis=0))]:
        return [f"block {block}: values beyond {LARGEST:g} in {_some(giant)}, which nothing measures. Correct these "
                "cells, or leave the columns out."]
    low, high = np.where(seen, x, np.inf).min(0, initial=np.inf), np.where(seen, x, -np.inf).max(0, initial=-np.inf)
    if not (high > low).any():
        return [f"block {block}: every column is constant or empty. Check the table this block was read from."]
    return []


def _some(names: list[str]) -> str:
    return ", ".join(names[:5]) + (f" and {len(names) - 5} more" if len(names) > 5 else "")
