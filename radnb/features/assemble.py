"""From long features, clinical table and label scheme to one frozen table with one row per patient."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

import numpy as np
import pandas as pd

from radnb.cohort.labels import Labels, SurvivalLabels
from radnb.errors import RadnbError, nearest, raise_all
from radnb.features import joining
from radnb.features.joining import VOLUME, Blocks, Layout

__all__ = ["VOLUME", "Cohort", "Layout", "Outcome", "assemble", "included", "table_layout"]
EXCLUSIONS = ["patient_id", "stage", "reason"]
RESERVED = ("patient_id", "centre", "outcome", "time_months", "event")


@dataclass(frozen=True)
class Outcome:
    """What is predicted: classes (negative first) or a time to an event."""

    kind: str  # "classes" or "survival"
    name: str  # e.g. "g1_vs_g23" or "overall_survival"
    classes: tuple[str, ...] = ()  # codes, e.g. ("G1", "G2-3"); the last one is the event of a binary outcome
    ordered: bool = False  # more than two classes from low to high, as grades are

    @property
    def binary(self) -> bool:
        """Say whether there are exactly two classes."""
        return self.kind == "classes" and len(self.classes) == 2


@dataclass(frozen=True)
class Cohort:
    """One row per patient: `patient_id`, `centre`, the blocks' columns as floats (NaN: missing), and the outcome.

    A class outcome is the column `outcome` (integer position in `outcome.classes`); a survival outcome is
    `time_months` and `event` (0/1).  `blocks` names the columns of each feature block (categories are already
    indicator columns by declared levels); a column may belong to several, as to `radiomics` and `radiomics:arterial`.
    `clinical` keeps the readable clinical table of the same patients for Table 1.  `exclusions` has the columns
    patient_id, stage, reason (a code).
    """

    table: pd.DataFrame
    blocks: Mapping[str, tuple[str, ...]]
    outcome: Outcome
    clinical: pd.DataFrame
    exclusions: pd.DataFrame


def assemble(clinical: pd.DataFrame, labels: Labels | SurvivalLabels, *, features: pd.DataFrame | None = None,
             failures: pd.DataFrame | None = None, predictors: pd.DataFrame | Mapping[str, pd.DataFrame] | None = None,
             layout: Layout | None = None, tables: Mapping[str, pd.DataFrame] | None = None,
             include: Mapping[str, Sequence[str]] | None = None, centre: str | None = None) -> Cohort:
    """Join what is known of each patient; everybody in the clinical table is in the result or among the exclusions.

    `labels` and `predictors` are indexed like `clinical` (or like the rows of it that `include` keeps); `predictors`
    is the block `clinical`, or several by their names.  `tables` are finished features by block, with the column
    patient_id.  The columns of images are named `<time point>_<region>_<phase>_<feature>`, as far as there are several
    of each.  A patient who lacks a phase, a region, a time point or a row of a table is left out, never imputed.
    """
    clinical = clinical.sort_values("patient_id", kind="stable")
    raise_all(_twice(clinical), code="E_DUP")
    images, blocks, lacking = _images(features, failures, clinical["patient_id"], layout or Layout())
    further = {block: _further(table, block) for block, table in (tables or {}).items()}
    excluded = _excluded(clinical, labels, include or {}, lacking, further)
    kept = clinical[excluded["reason"].isna()]
    if kept.empty:
        raise RadnbError(f"No patient is left: {_counted(excluded)}. Check `patients`, `outcome`, `images` and "
                         "`blocks` of the study card.", code="E_EMPTY")
    known = {"clinical": predictors} if isinstance(predictors, pd.DataFrame) else dict(predictors or {})
    measured, known_blocks = _measured(known, kept)
    _check_names({"clinical predictors": [*measured], "image features": [*images],
                  **{f"table {block}": [*table] for block, table in further.items()}})
    parts = [kept["patient_id"].reset_index(drop=True), _centres(kept, centre), measured.reset_index(drop=True),
             *(table.loc[kept["patient_id"]].reset_index(drop=True)
               for table in ([images] if blocks else []) + [*further.values()]),
             _outcome_columns(labels, kept)]
    blocks = {**known_blocks, **blocks, **{block: tuple(table) for block, table in further.items()}}
    exclusions = excluded.dropna(subset="reason")[EXCLUSIONS].reset_index(drop=True)
    return Cohort(pd.concat(parts, axis=1), blocks, _outcome(labels), kept.reset_index(drop=True), exclusions)


def included(clinical: pd.DataFrame, include: Mapping[str, Sequence[str]]) -> pd.DataFrame:
    """Return the rows that the inclusion criteria keep; an unknown column or value is refused."""
    out = [_not_included(clinical, column, list(values)).notna() for column, values in include.items()]
    return clinical[~np.logical_or.reduce(out)] if out else clinical


def _twice(clinical: pd.DataFrame) -> list[str]:
    again = clinical["patient_id"][clinical["patient_id"].duplicated()].unique()
    return [f"patient {name} has several rows in the clinical table. Keep one row per patient." for name in again]


def _outcome(labels: Labels | SurvivalLabels) -> Outcome:
    if isinstance(labels, Labels):
        return Outcome("classes", labels.scheme, labels.classes, labels.ordered)
    return Outcome("survival", labels.scheme)


def _outcome_columns(labels: Labels | SurvivalLabels, kept: pd.DataFrame) -> pd.DataFrame:
    if isinstance(labels, Labels):
        places = {code: place for place, code in enumerate(labels.classes)}
        columns = {"outcome": labels.values.reindex(kept.index).map(places).astype("int64")}
    else:
        columns = {"time_months": labels.time_months.reindex(kept.index).astype(float),
                   "event": labels.event.reindex(kept.index).astype("int64")}
    return pd.DataFrame(columns).reset_index(drop=True)


def _excluded(clinical: pd.DataFrame, labels: Labels | SurvivalLabels, include: Mapping[str, Sequence[str]],
              lacking: pd.Series, further: Mapping[str, pd.DataFrame]) -> pd.DataFrame:
    """Give every patient the first reason to be left out, in the order inclusion, outcome, images, tables; or none."""
    table = pd.DataFrame({"patient_id": clinical["patient_id"], "stage": pd.NA, "reason": pd.NA}, dtype="object")
    for column, values in include.items():
        _note(table, "inclusion", _not_included(clinical, column, list(values)))
    labelled = labels.values if isinstance(labels, Labels) else labels.time_months
    reasons = labels.reasons.reindex(clinical.index).astype("object")
    none = labelled.reindex(clinical.index).isna()
    _note(table, "outcome", reasons.where(reasons.notna() | ~none, "missing_outcome").where(none))
    _note(table, "images", clinical["patient_id"].map(lacking))
    for block, values in further.items():
        absent = ~clinical["patient_id"].isin(values.index)
        _note(table, block, pd.Series("not_in_table", index=clinical.index, dtype="object").where(absent))
    return table


def _note(table: pd.DataFrame, stage: str, reasons: pd.Series) -> None:
    new = table["reason"].isna() & reasons.notna()
    table.loc[new, "stage"] = stage
    table.loc[new, "reason"] = reasons[new]


def _not_included(clinical: pd.DataFrame, column: str, values: list[str]) -> pd.Series:
    if column not in clinical:
        raise RadnbError(f"patients.{column}: the clinical table has no such column. "
                         f"{nearest(column, map(str, clinical.columns))}", code="E_COLUMN")
    cells = clinical[column].astype("string")
    wanted = [str(value) for value in values]
    raise_all([f"patients.{column}: no patient has the value {value!r}. {nearest(value, cells.dropna().unique())}"
               for value in wanted if not (cells == value).any()], code="E_CONFIG")
    code = re.sub(r"[\s-]+", "_", "not_" + "_or_".join(wanted)).lower()
    reasons = pd.Series(np.where(cells.isna(), f"missing_{column}", code), index=clinical.index, dtype="object")
    return reasons.where(~cells.isin(wanted).fillna(False).astype(bool))


def _counted(excluded: pd.DataFrame) -> str:
    counts = excluded["reason"].value_counts().sort_index()
    return ", ".join(f"{reason} {n}" for reason, n in counts.items())


def _centres(kept: pd.DataFrame, centre: str | None) -> pd.Series:
    if centre is None:
        return pd.Series([""] * len(kept), name="centre", dtype="object")
    if centre not in kept:
        raise RadnbError(f"centre: the clinical table has no column {centre!r}. "
                         f"{nearest(centre, map(str, kept.columns))}", code="E_COLUMN")
    return kept[centre].astype("string").fillna("unknown").astype("object").rename("centre").reset_index(drop=True)


def _measured(known: Mapping[str, pd.DataFrame], kept: pd.DataFrame) -> tuple[pd.DataFrame, Blocks]:
    """Return the columns of clinical blocks, each column once, and the blocks."""
    tables = {block: table.drop(columns="patient_id", errors="ignore").reindex(kept.index).astype(float)
              for block, table in known.items()}
    columns = {name: table[name] for table in tables.values() for name in table}
    return pd.DataFrame(columns, index=kept.index), {block: tuple(table) for block, table in tables.items()}


def _further(table: pd.DataFrame, block: str) -> pd.DataFrame:
    """Return a finished table by patient; a row without any value is no row."""
    values = table.set_index("patient_id").astype(float).replace([np.inf, -np.inf], np.nan).dropna(how="all")
    raise_all([f"table {block}: patient {name} has several rows. Keep one row per patient."
               for name in values.index[values.index.duplicated()].unique()], code="E_DUP")
    return values


def _check_names(columns: Mapping[str, Sequence[str]]) -> None:
    counts = Counter(name for names in columns.values() for name in names)
    where = {name: " and ".join(of for of, names in columns.items() if name in names)
             for name, n in counts.items() if n > 1}
    found = [f"{name}: {of} share this name. Rename one, or give the table a `prefix` in the manifest."
             for name, of in where.items()]
    raise_all(found + [f"{name}: a predictor may not be called so. Rename the column."
                       for name in counts if name in RESERVED], code="E_COLUMN")


def _images(features: pd.DataFrame | None, failures: pd.DataFrame | None, patients: pd.Series,
            layout: Layout) -> tuple[pd.DataFrame, Blocks, pd.Series]:
    """Return one row of features per patient who has all that is wanted, the blocks, and why the others have none."""
    if features is None:
        return pd.DataFrame(), {}, pd.Series(dtype="object")
    layout = table_layout(layout, features)
    rows = joining.one_lesion(joining.picked(features, layout), layout)
    table, blocks = joining.joined(rows, layout)
    return table, blocks, joining.lacking(patients, rows, table.index, joining.failed(failures, layout), layout)


def table_layout(layout: Layout, features: pd.DataFrame) -> Layout:
    """Return the layout with the phases that the features have, where it names none."""
    if layout.phases:
        return layout
    ours = (features["roi"].isin(layout.rois) & features["timepoint"].isin(layout.timepoints)
            & (features["reader"] == layout.reader))
    return replace(layout, phases=tuple(sorted(features.loc[ours, "phase"].unique())))
