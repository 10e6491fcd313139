"""Which rows belong to one centre or scanner, what harmonising may look at, and who may teach it a new batch."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from radnb.errors import RadnbError, nearest
from radnb.features.assemble import Cohort
from radnb.learning.folds import IntArray
from radnb.learning.harmonise import UNNAMED, Harmoniser, calibration_rows
from radnb.learning.kinds import SURVIVAL
from radnb.learning.splits import Split
from radnb.statistics.families import Array

Flag = tuple[str, str, dict[str, Any]]
OUTCOME = ("outcome", "time_months", "event")
FEWEST_IN_REFERENCE = 10
FEWEST_PER_BATCH = 3  # patients for each batch, on average: a column with more values tells patients apart
LIKELY = 0.05
YES = ("1", "1.0", "true", "yes", "calibration")
NO = ("0", "0.0", "false", "no", "")


def batches(cohort: Cohort, name: str) -> tuple[IntArray, tuple[str, ...]]:
    """Return each row's batch as a code, and the batches' names in that order; rows that name none have code -1."""
    cells = _column(cohort, name, "batch")
    words = cells.astype("string").str.strip().str.replace(r"\.0$", "", regex=True).fillna("")
    words = words.mask(words.isin(["unknown", "all"]) & (name == "centre"), "")
    names = sorted(set(words) - {""})
    if not names:
        raise RadnbError(f"harmonise.batch: nobody has a {name}. Declare the column in the manifest, or leave "
                         "harmonise out.", code="E_BATCH")
    if len(names) * FEWEST_PER_BATCH > len(words):
        raise RadnbError(f"harmonise.batch: {name} has {len(names)} values for {len(words)} patients, so it tells "
                         "patients apart and not batches. Name a centre or scanner column, or group its values.",
                         code="E_BATCH")
    codes = {word: code for code, word in enumerate(names)} | {"": UNNAMED}
    return words.map(codes).to_numpy(np.intp), tuple(names)


def covariates(cohort: Cohort, names: Sequence[str]) -> Array:
    """Return covariates as columns of numbers (NaN: missing); a category becomes indicators of all but one level."""
    parts = [_numbers(cohort, name) for name in dict.fromkeys(names)]
    return np.hstack(parts) if parts else np.empty((len(cohort.table), 0))


def _numbers(cohort: Cohort, name: str) -> Array:
    encoded = [c for c in cohort.table if str(c).startswith(f"{name}=")]
    if name not in cohort.table and encoded:
        return cohort.table[encoded].to_numpy(float)
    cells = _column(cohort, name, "covariates")
    if pd.api.types.is_numeric_dtype(cells) or pd.to_numeric(cells.dropna(), errors="coerce").notna().all():
        return pd.to_numeric(cells).to_numpy(float, na_value=np.nan)[:, None]
    levels = sorted(cells.dropna().astype(str).unique())
    known = np.where(cells.isna(), np.nan, 1.0)[:, None]
    return np.asarray((cells.astype(str).to_numpy()[:, None] == np.array(levels[1:], object)) * known, float)


def _column(cohort: Cohort, name: str, key: str) -> pd.Series:
    features = {c for block, names in cohort.blocks.items() if block != "clinical" for c in names}
    if name in OUTCOME or name == cohort.outcome.name:
        raise RadnbError(f"harmonise.{key}: {name} is the outcome, which harmonising must not see. Name another "
                         "column.", code="E_BATCH")
    if name in cohort.table and name not in features and name != "patient_id":
        return cohort.table[name]
    if name in cohort.clinical and name != "patient_id":
        known = cohort.clinical.drop_duplicates("patient_id").set_index("patient_id")[name]
        return cohort.table["patient_id"].map(known)
    valid = {*cohort.table.columns, *cohort.clinical.columns} - features - {*OUTCOME, "patient_id"}
    raise RadnbError(f"harmonise.{key}: the cohort has no clinical column {name!r}. {nearest(name, map(str, valid))}",
                     code="E_BATCH")


def calibration_of(cohort: Cohort, made: Harmoniser) -> int | NDArray[np.bool_]:
    """Return how many patients of a new batch serve as its calibration sample, or which rows the column declares."""
    if isinstance(made.calibration, int):
        return made.calibration
    words = _column(cohort, made.calibration, "calibration").astype("string").str.strip().str.lower().fillna("")
    strange = sorted(set(words) - {*YES, *NO})
    if strange:
        raise RadnbError(f"harmonise.calibration: {made.calibration} says {', '.join(strange[:5])}. Write yes for the "
                         "patients of the calibration sample and no for all others.", code="E_BATCH")
    return words.isin(YES).to_numpy(bool)


def problems(cohort: Cohort, made: Harmoniser, splits: Sequence[Split] = (), *,
             known: Mapping[str, str] | None = None, seed: int = 0) -> list[str]:
    """List what forbids harmonising, before any fit; `known` tells when each clinical column is known."""
    if made.estimate is None:
        return []
    late = {name: when for name in (made.batch, *made.covariates)
            if (when := (known or {}).get(name, "before_surgery")) != "before_surgery"}
    if late:
        return [f"harmonise: {name} is known {'as the outcome' if when == 'outcome' else 'only after surgery'}, and "
                "new patients are harmonised before. Name another column." for name, when in late.items()]
    try:
        (batch, names), given = batches(cohort, made.batch), covariates(cohort, made.covariates)
        made, sample = made.named(names), calibration_of(cohort, made) if made.unseen == "calibrate" else 0
    except RadnbError as error:
        return [str(error)]
    return [*_outcome_problems(cohort, made, batch, given), *_batch_problems(cohort, made, batch, names),
            *_split_problems(made, (batch, names), splits, (_groups(cohort), sample, seed))]


def _outcome_problems(cohort: Cohort, made: Harmoniser, batch: IntArray, given: Array) -> list[str]:
    truth = _truth(cohort)
    found = [f"harmonise.covariates: {', '.join(made.covariates)} tell the outcome {cohort.outcome.name} exactly, and "
             "harmonising must not see it. Leave them out." for column in given.T if _same(column, truth)][:1]
    named = batch != UNNAMED
    if any(_follows(column[named], batch[named]) for column in given.T):
        found.append(f"harmonise.covariates: {', '.join(made.covariates)} follow from {made.batch}, so that nobody can "
                     "tell the effect of one from that of the other. Leave such a covariate out.")
    if len(np.unique(batch[named])) > 1 and len(np.unique(truth)) > 1 and _alone(batch[named], truth[named]):
        found.append(f"harmonise: every {made.batch} has patients of one outcome only, so harmonising would take the "
                     "outcome out of the features. Leave harmonise out, and test across centres instead.")
    return found


def _batch_problems(cohort: Cohort, made: Harmoniser, batch: IntArray, names: Sequence[str]) -> list[str]:
    if len(names) < 2:
        return [f"harmonise: all patients have the {made.batch} {names[0]}, so there is nothing to harmonise. "
                "Leave harmonise out."]
    if made.home is None:
        return []
    size = len(np.unique(_groups(cohort)[batch == made.home]))
    return [] if size >= FEWEST_IN_REFERENCE else [
        f"harmonise.reference: {made.reference} has {size} patients, too few to refer all others to. Name a larger "
        f"{made.batch}, or leave reference out."]


def _split_problems(made: Harmoniser, named: tuple[IntArray, Sequence[str]], splits: Sequence[Split],
                    sample: tuple[IntArray, int | NDArray[np.bool_], int]) -> list[str]:
    (batch, names), (groups, calibration, seed) = named, sample
    lost, untested, homeless = set[str](), set[str](), False
    for split in splits:
        new = np.setdiff1d(batch[split.test], [*batch[split.train], UNNAMED])
        lost |= {names[b] for b in new}
        homeless |= made.home is not None and made.home not in batch[split.train]
        if made.unseen == "calibrate":
            taken = calibration_rows(batch, groups, split.train, calibration=calibration, seed=seed)
            untested |= {names[b] for b in new if not 1 < (batch[taken] == b).sum() < (batch == b).sum()}
    found = []
    if lost and made.unseen == "refuse":
        found.append(f"harmonise.unseen: the design tests {made.batch} {', '.join(sorted(lost))} without training on "
                     "it, which `refuse` forbids. Choose unharmonised or calibrate, or another design.")
    if untested:
        found.append(f"harmonise.calibration: {made.batch} {', '.join(sorted(untested))} needs at least two patients "
                     "to calibrate and others to test. Take fewer patients, or choose unseen: unharmonised.")
    if homeless:
        found.append(f"harmonise.reference: the design also trains without {made.reference}. Leave reference out, or "
                     "choose a design that trains on it always.")
    return found


def notes(cohort: Cohort, made: Harmoniser, splits: Sequence[Split] = ()) -> list[Flag]:
    """Return what a reader must know of the batches: code, severity and the parameters of the sentence."""
    if made.estimate is None:
        return []
    batch, names = batches(cohort, made.batch)
    found, (p, strength) = list[Flag](), association(batch, cohort)
    if p < LIKELY:
        found.append(("batch_predicts_outcome", "warning", {"batch": made.batch, "p": p, "cramers_v": strength}))
    if (batch == UNNAMED).any():
        found.append(("batch_unnamed", "warning", {"batch": made.batch, "patients": int((batch == UNNAMED).sum())}))
    groups, single, unseen = _groups(cohort), set[str](), set[str]()
    for train, test in [(s.train, s.test) for s in splits] or [(np.arange(len(batch)), np.arange(0))]:
        cases = {b: len(np.unique(groups[train][batch[train] == b])) for b in range(len(names))}
        single |= {names[b] for b, count in cases.items() if count == 1}
        unseen |= {names[b] for b in np.setdiff1d(batch[test], [UNNAMED]) if cases[b] == 0}
    if single:
        found.append(("batch_one_case", "warning", {"batch": made.batch, "names": ", ".join(sorted(single))}))
    if unseen:
        found.append(("batch_unseen", "info", {"batch": made.batch, "names": ", ".join(sorted(unseen)),
                                               "policy": made.unseen}))
    return found


def association(batch: IntArray, cohort: Cohort) -> tuple[float, float]:
    """Return the p of batch against outcome (chi-square; log-rank for survival) and Cramer's V (NaN for survival)."""
    named = batch != UNNAMED
    if len(np.unique(batch[named])) < 2:
        return 1.0, 0.0
    if cohort.outcome.kind == SURVIVAL:
        from radnb.statistics.survival import logrank  # loads scipy.stats, and few runs need it

        table = cohort.table[named]
        return float(logrank(table["time_months"], table["event"], batch[named]).p), float("nan")
    from scipy.stats import chi2_contingency  # as above

    table = pd.crosstab(batch[named], _truth(cohort)[named])
    if table.shape[1] < 2:
        return 1.0, 0.0
    found = chi2_contingency(table.to_numpy(), correction=False)
    return float(found.pvalue), float(np.sqrt(found.statistic / (named.sum() * (min(table.shape) - 1))))


def _truth(cohort: Cohort) -> Array:
    return cohort.table["event" if cohort.outcome.kind == SURVIVAL else "outcome"].to_numpy(float)


def _groups(cohort: Cohort) -> IntArray:
    return np.unique(cohort.table["patient_id"].to_numpy(str), return_inverse=True)[1].astype(np.intp)


def _alone(batch: IntArray, truth: Array) -> bool:
    return all(np.ptp(truth[batch == b]) == 0 for b in np.unique(batch))


def _follows(column: Array, batch: IntArray) -> bool:
    """Say whether a covariate that differs between patients is the same for everybody of one batch."""
    seen = np.isfinite(column)
    column, batch = column[seen], batch[seen]
    return len(np.unique(column)) > 1 and _alone(batch, column)


def _same(column: Array, truth: Array) -> bool:
    """Say whether a column holds the outcome under other names."""
    seen = np.isfinite(column)
    pairs = np.unique(np.stack([column[seen], truth[seen]]), axis=1).shape[1]
    return pairs == len(np.unique(column[seen])) == len(np.unique(truth)) > 1
