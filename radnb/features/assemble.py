"""From long features, clinical table and label scheme to one frozen table with one row per patient."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import pandas as pd

from radnb.cohort.labels import Labels, SurvivalLabels
from radnb.errors import RadnbError, nearest, raise_all

EXCLUSIONS = ["patient_id", "stage", "reason"]
LESIONS = ("largest", "mean")
VOLUME = "original_shape_MeshVolume"
_NOT_FEATURES = ("patient_id", "roi", "phase", "timepoint", "reader")


@dataclass(frozen=True)
class Outcome:
    """What is predicted: classes (negative first) or a time to an event."""

    kind: str  # "classes" or "survival"
    name: str  # e.g. "g1_vs_g23" or "overall_survival"
    classes: tuple[str, ...] = ()  # codes, e.g. ("G1", "G2-3"); the last one is the event of a binary outcome

    @property
    def binary(self) -> bool:
        """Say whether there are exactly two classes."""
        return self.kind == "classes" and len(self.classes) == 2


@dataclass(frozen=True)
class Cohort:
    """One row per patient: `patient_id`, `centre`, the blocks' columns as floats (NaN: missing), and the outcome.

    A class outcome is the column `outcome` (integer position in `outcome.classes`); a survival outcome is
    `time_months` and `event` (0/1).  `blocks` names the columns of each feature block (categories are already
    indicator columns by declared levels).  `clinical` keeps the readable clinical table of the same patients for
    Table 1.  `exclusions` has the columns patient_id, stage, reason (a code).
    """

    table: pd.DataFrame
    blocks: Mapping[str, tuple[str, ...]]
    outcome: Outcome
    clinical: pd.DataFrame
    exclusions: pd.DataFrame


def assemble(clinical: pd.DataFrame, labels: Labels | SurvivalLabels, *, features: pd.DataFrame | None = None,
             failures: pd.DataFrame | None = None, predictors: pd.DataFrame | None = None,
             phases: Sequence[str] = (), roi: str | Sequence[str] = "tumour", timepoint: str = "baseline",
             reader: str = "R1", lesions: str | None = None, include: Mapping[str, Sequence[str]] | None = None,
             centre: str | None = None) -> Cohort:
    """Join what is known of each patient; everybody in the clinical table is in the result or among the exclusions.

    `labels` and `predictors` are indexed like `clinical` (or like the rows of it that `include` keeps).  With several
    `phases` the feature columns are named `<phase>_<feature>`, and a patient who lacks one phase is left out, never
    imputed.  With several regions per patient (`roi` a list) `lesions` says what stands for the patient: the
    `largest` by mesh volume in the first phase, or the `mean` of each feature.
    """
    clinical = clinical.sort_values("patient_id", kind="stable")
    raise_all(_twice(clinical), code="E_DUP")
    images, blocks, lacking = _images(features, failures, clinical["patient_id"], list(phases),
                                      [roi] if isinstance(roi, str) else list(roi), timepoint, reader, lesions)
    excluded = _excluded(clinical, labels, include or {}, lacking)
    kept = clinical[excluded["reason"].isna()]
    if kept.empty:
        raise RadnbError(f"No patient is left: {_counted(excluded)}. Check `patients`, `outcome` and `images` "
                         "of the study card.", code="E_EMPTY")
    measured = _measured(predictors, kept)
    raise_all([f"{column}: a clinical predictor and an image feature share this name. Rename one."
               for column in measured if column in images], code="E_COLUMN")
    parts = [kept["patient_id"].reset_index(drop=True), _centres(kept, centre), measured.reset_index(drop=True),
             images.loc[kept["patient_id"]].reset_index(drop=True) if blocks else pd.DataFrame(index=range(len(kept))),
             _outcome_columns(labels, kept)]
    if predictors is not None:
        blocks = {"clinical": tuple(measured.columns), **blocks}
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
        return Outcome("classes", labels.scheme, labels.classes)
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
              lacking: pd.Series) -> pd.DataFrame:
    """Give every patient the first reason to be left out, in the order inclusion, outcome, images; or none."""
    table = pd.DataFrame({"patient_id": clinical["patient_id"], "stage": pd.NA, "reason": pd.NA}, dtype="object")
    for column, values in include.items():
        _note(table, "inclusion", _not_included(clinical, column, list(values)))
    labelled = labels.values if isinstance(labels, Labels) else labels.time_months
    reasons = labels.reasons.reindex(clinical.index).astype("object")
    none = labelled.reindex(clinical.index).isna()
    _note(table, "outcome", reasons.where(reasons.notna() | ~none, "missing_outcome").where(none))
    _note(table, "images", clinical["patient_id"].map(lacking))
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


def _measured(predictors: pd.DataFrame | None, kept: pd.DataFrame) -> pd.DataFrame:
    if predictors is None:
        return pd.DataFrame(index=kept.index)
    return predictors.drop(columns="patient_id", errors="ignore").reindex(kept.index).astype(float)


def _images(features: pd.DataFrame | None, failures: pd.DataFrame | None, patients: pd.Series, phases: list[str],
            rois: list[str], timepoint: str, reader: str,
            lesions: str | None) -> tuple[pd.DataFrame, dict[str, tuple[str, ...]], pd.Series]:
    """Return one row of features per patient who has all phases, the blocks, and why the others have none."""
    if features is None:
        return pd.DataFrame(), {}, pd.Series(dtype="object")
    rows = _picked(features, rois, timepoint, reader)
    phases = phases or sorted(rows["phase"].unique())
    raise_all([f"images.phases: the cohort has no phase {phase!r} for region {', '.join(rois)}, time point "
               f"{timepoint}, reader {reader}. {nearest(phase, map(str, rows['phase'].unique()))}"
               for phase in phases if phase not in set(rows["phase"])], code="E_CONFIG")
    rows = _one_lesion(rows[rows["phase"].isin(phases)], phases, lesions)
    tables = {phase: part.drop(columns=list(_NOT_FEATURES[1:])).set_index("patient_id")
              for phase, part in rows.groupby("phase")}
    if len(phases) > 1:
        tables = {phase: table.add_prefix(f"{phase}_") for phase, table in tables.items()}
    joined = pd.concat([tables[phase] for phase in phases], axis=1, join="inner").sort_index()
    blocks = {"radiomics": tuple(joined.columns)}
    blocks |= {f"radiomics:{phase}": tuple(tables[phase].columns) for phase in phases if phase}
    return joined, blocks, _lacking(patients, rows, joined, _failed(failures, phases, rois, timepoint, reader))


def _picked(features: pd.DataFrame, rois: list[str], timepoint: str, reader: str) -> pd.DataFrame:
    rows = features[features["roi"].isin(rois) & (features["timepoint"] == timepoint)
                    & (features["reader"] == reader)]
    if rows.empty:
        there = features[["roi", "timepoint", "reader"]].drop_duplicates().head(10)
        listed = "; ".join(", ".join(map(str, row)) for row in there.itertuples(index=False))
        raise RadnbError(f"images: there are no features for region {', '.join(rois)}, time point {timepoint}, "
                         f"reader {reader}. There are: {listed or 'none at all (see the failures)'}.", code="E_CONFIG")
    rows = rows.drop(columns=[name for name in rows if str(name).startswith("diagnostics_")])
    values = rows.columns.difference(_NOT_FEATURES, sort=False)
    return pd.concat([rows[list(_NOT_FEATURES)], rows[values].astype(float).replace([np.inf, -np.inf], np.nan)],
                     axis=1)


def _one_lesion(rows: pd.DataFrame, phases: list[str], lesions: str | None) -> pd.DataFrame:
    several = rows[rows.duplicated(["patient_id", "phase"], keep=False)]["patient_id"].unique()
    if not len(several):
        return rows
    if lesions not in LESIONS:
        raise RadnbError(f"images: {len(several)} patients have several regions ({', '.join(several[:5])} ...). "
                         "Say what stands for the patient: `lesions: largest` or `lesions: mean`.",
                         code="E_ROI_AMBIGUOUS")
    if lesions == "mean":
        return rows.groupby(["patient_id", "phase"], sort=True).mean(numeric_only=True).reset_index().assign(
            roi="", timepoint="", reader="")
    if VOLUME not in rows:
        raise RadnbError(f"images.lesions: without the feature {VOLUME} the largest region is unknown. "
                         "Extract it, or take the mean.", code="E_CONFIG")
    order = rows.assign(_phase=rows["phase"].map({phase: place for place, phase in enumerate(phases)}))
    order = order.sort_values(["patient_id", "_phase", VOLUME, "roi"], ascending=[True, True, False, True],
                              kind="stable")
    largest = order.drop_duplicates("patient_id").set_index("patient_id")["roi"]
    return order[order["roi"] == order["patient_id"].map(largest)].drop_duplicates(["patient_id", "phase"]).drop(
        columns="_phase")


def _failed(failures: pd.DataFrame | None, phases: list[str], rois: list[str], timepoint: str,
            reader: str) -> set[str]:
    if failures is None:
        return set()
    ours = (failures["roi"].isin(rois) & failures["phase"].isin(phases) & (failures["timepoint"] == timepoint)
            & (failures["reader"] == reader))
    return set(failures.loc[ours, "patient_id"])


def _lacking(patients: pd.Series, rows: pd.DataFrame, joined: pd.DataFrame, failed: set[str]) -> pd.Series:
    some = set(rows["patient_id"])
    reasons = {name: "extraction_failed" if name in failed else "missing_phase" if name in some else "no_image"
               for name in patients if name not in joined.index}
    return pd.Series(reasons, dtype="object")
