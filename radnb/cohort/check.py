"""Everything that is wrong with a cohort, at once: one row per problem with place and mend."""

from __future__ import annotations

from collections.abc import Callable, Mapping

import pandas as pd

from radnb.cohort.cases import find_cases
from radnb.cohort.clinical import find_clinical
from radnb.cohort.finished import find_features, find_further
from radnb.cohort.manifest import Column, Manifest, label
from radnb.cohort.problems import ORDER, Problem, as_table
from radnb.errors import nearest

PER_CENTRE = 5
UNIT_RATIO = 10.0


def check(manifest: Manifest, *, cases_check: Callable[[pd.DataFrame], pd.DataFrame] | None = None) -> pd.DataFrame:
    """List every problem (severity, code, where, row, column, problem, mend), errors first.

    `cases_check` takes the cases whose files are there and returns rows of the same columns: what a higher floor
    finds inside the images.
    """
    found_cases, problems = find_cases(manifest)
    features, more = find_features(manifest)
    table, even_more = find_clinical(manifest)
    further = {name: find_further(manifest, name) for name in manifest.tables}
    problems = [*problems, *more, *(p for _, found in further.values() for p in found), *even_more]
    frames = {f"tables.{name}": frame for name, (frame, _) in further.items()}
    problems += _between_tables({"images": found_cases, "features": features, **frames, "clinical": table})
    problems += [*_phases(manifest, found_cases), *_clinical_oddities(manifest, table)]
    rows = [as_table(problems)]
    if cases_check is not None and len(found_cases):
        broken = {p.row for p in problems if p.column in ("image", "mask") and p.severity == "error"}
        rows.append(cases_check(found_cases[~found_cases["row"].isin(broken)].reset_index(drop=True))[ORDER])
    filled = [part for part in rows if len(part)]
    if not filled:
        return rows[0]
    return pd.concat(filled, ignore_index=True).sort_values("severity", kind="stable", ignore_index=True)


def _between_tables(frames: Mapping[str, pd.DataFrame]) -> list[Problem]:
    ids = {name: list(dict.fromkeys(frame["patient_id"])) for name, frame in frames.items() if len(frame)}
    if "clinical" not in ids:
        return []
    problems = []
    for name in (n for n in ids if n != "clinical"):
        problems += _two_lists(name, ids[name], ids["clinical"])
    return problems


def _two_lists(name: str, ours: list[str], clinical: list[str]) -> list[Problem]:
    if not set(ours) & set(clinical):
        return [Problem("E_ID", name, f"no patient id is also in the clinical table ({ours[0]!r} here, {clinical[0]!r} "
                        "there).", "Write the ids in one way in both tables.", 0, "patient_id")]
    problems = []
    folded = {other.casefold(): other for other in clinical}
    for patient in (p for p in ours if p not in set(clinical)):
        other = folded.get(patient.casefold())
        if other:
            problems.append(Problem("E_ID", name, f"patient {patient!r} is written {other!r} in the clinical table.",
                                    "Write the id in one way.", 0, "patient_id"))
        else:
            near = nearest(patient, clinical) if _near(patient, clinical) else "Add the patient there."
            problems.append(Problem("W_ONLY", name, f"patient {patient!r} is not in the clinical table.", near, 0,
                                    "patient_id"))
    mine = {patient.casefold() for patient in ours}
    return problems + [Problem("W_ONLY", "clinical", f"patient {patient!r} is not in {name}.",
                               "The patient is left out of models that need it.", 0, "patient_id")
                       for patient in clinical if patient.casefold() not in mine]


def _near(name: str, others: list[str]) -> bool:
    """Say whether an id differs from another only by leading zeros."""
    return any(name.lstrip("0") == other.lstrip("0") for other in others)


def _phases(manifest: Manifest, found_cases: pd.DataFrame) -> list[Problem]:
    if manifest.images is None or found_cases.empty:
        return []
    everyone = found_cases["patient_id"].nunique()
    have = found_cases.groupby("phase", sort=True)["patient_id"].nunique()
    return [Problem("W_PHASE", manifest.images.file, f"{everyone - n} of {everyone} patients have no image of phase "
                    f"{phase!r}.", "They are left out of studies that use it; a missing phase is never imputed.", 0,
                    "phase") for phase, n in have.items() if n < everyone]


def _clinical_oddities(manifest: Manifest, table: pd.DataFrame) -> list[Problem]:
    if manifest.clinical is None or table.empty:
        return []
    where, problems = manifest.clinical.file, []
    for name, column in manifest.columns().items():
        n = int(table[name].isna().sum())
        if n:
            problems.append(Problem("W_MISSING", where, f"{label(manifest, name)} is missing in {n} of {len(table)} "
                                    "patients.", f"Fill in what the records hold. {_fate(column)}", 0, name))
        if column.kind == "category":
            problems += [Problem("W_LEVEL", where, f"no patient has the level {level!r}.",
                                 "Remove it, or check `map` in the manifest.", 0, name)
                         for level in column.levels if not (table[name] == level).any()]
    return problems + _both_groups(manifest, table, where) + _units(manifest, table, where)


def _fate(column: Column) -> str:
    if column.known == "before_surgery":
        return "As a predictor, the rest is imputed inside the folds."
    return "Patients without it are left out where an outcome needs it; outcomes are never imputed."


def _both_groups(manifest: Manifest, table: pd.DataFrame, where: str) -> list[Problem]:
    again = table[table["patient_id"].str.casefold().duplicated(keep=False)]
    problems = []
    for name, column in manifest.columns().items():
        if column.kind != "category":
            continue
        for patient, rows in again.groupby("patient_id", sort=False):
            groups = sorted(rows[name].dropna().astype(str).unique())
            if len(groups) > 1:
                problems.append(Problem("E_LEAK", where, f"patient {patient!r} stands in several groups of {name}: "
                                        f"{', '.join(groups)}.", "Keep one row per patient.", 0, name))
    return problems


def _units(manifest: Manifest, table: pd.DataFrame, where: str) -> list[Problem]:
    """Suspect another unit where the medians of two centres differ tenfold."""
    if manifest.centre is None:
        return []
    problems = []
    for name, column in manifest.columns().items():
        if column.kind != "number":
            continue
        groups = table.dropna(subset=[name]).groupby(manifest.centre, observed=True)[name]
        medians = groups.median()[groups.size() >= PER_CENTRE]
        medians = medians[medians > 0]
        if len(medians) > 1 and medians.max() >= UNIT_RATIO * medians.min():
            problems.append(Problem("W_UNIT", where, f"the median is {medians.max():g} in {medians.idxmax()} and "
                                    f"{medians.min():g} in {medians.idxmin()}: another unit?",
                                    "Compare the units of the centres and convert one of them.", 0, name))
    return problems
