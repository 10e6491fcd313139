"""Who trains and who is tested: designs that keep a patient on one side and the classes in proportion."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Annotated, Any, Literal

import numpy as np
import pandas as pd
from annotated_types import Gt, Lt
from numpy.typing import NDArray

from radnb.errors import RadnbError, nearest, raise_all
from radnb.learning.folds import IntArray, deal

Set = Literal["train", "internal", "external"]
Unit = Annotated[float, Gt(0), Lt(1)]
Folds = Annotated[int, Gt(1)]


@dataclass(frozen=True)
class Split:
    """Row positions that train and row positions that are scored; a frozen split's patients are wholly untouched."""

    repeat: int
    fold: int | None
    set: Set
    train: IntArray
    test: IntArray
    frozen: bool = False
    name: str = ""  # e.g. Centre A → Centre B


def patient_strata(patients: pd.DataFrame) -> tuple[IntArray, IntArray]:
    """Return each row's patient number and stratum from the columns patient_id and stratum.

    Strata from 0 upwards are outcomes that every training part needs; negative ones (the censored) are balanced only.
    """
    groups = np.unique(patients["patient_id"].to_numpy(str), return_inverse=True)[1]
    return groups.astype(np.intp), patients["stratum"].to_numpy(np.intp)


def repeated_kfold(patients: pd.DataFrame, *, folds: Folds = 5, repeats: Annotated[int, Gt(0)] = 20,
                   seed: int) -> list[Split]:
    """Cross-validate in stratified folds of patients, several times with new folds."""
    groups, strata = patient_strata(patients)
    _enough(patients, folds)
    found = []
    for repeat in range(repeats):
        fold = deal(groups, strata, folds, np.random.default_rng([seed, 1, repeat]))
        found += _crossed(fold, folds, repeat)
    return found


def nested(patients: pd.DataFrame, *, folds: Folds = 5, repeats: Annotated[int, Gt(0)] = 20,
           grid: dict[str, list[Any]] | None = None, seed: int) -> list[Split]:
    """Cross-validate as repeated_kfold; options of selector and model listed in `grid` are tuned inside each fold.

    Without a grid, the number of features is chosen among 5, 10 and 20 where the selector takes `k`.
    """
    return repeated_kfold(patients, folds=folds, repeats=repeats, seed=seed)


def by_centre(patients: pd.DataFrame, *, seed: int) -> list[Split]:
    """Leave each centre out in turn; the fold is the centre's position in alphabetical order."""
    _, strata = patient_strata(patients)
    names, fold = np.unique(patients["centre"].to_numpy(str), return_inverse=True)
    if len(names) < 2:
        raise RadnbError(f"design by_centre: all patients come from one centre ({', '.join(names) or 'none'}). "
                         "Name the centre column in the manifest, or choose repeated_kfold.", code="E_DESIGN")
    _one_side(patients, fold, "design by_centre: these patients appear in several centres")
    found = _crossed(fold.astype(np.intp), len(names), 0)
    raise_all([f"design by_centre: without centre {names[s.fold or 0]} nobody with {_label(patients, missing)} is left "
               "to train on. Join small centres in the manifest, or choose repeated_kfold."
               for s in found for missing in sorted(_needed(strata) - set(strata[s.train].tolist()))],
              code="E_DESIGN")
    return found


def holdout(patients: pd.DataFrame, *, fraction: Unit = 0.3, seed: int) -> list[Split]:
    """Set aside a stratified share of the patients, untouched until one frozen model scores them."""
    groups, strata = patient_strata(patients)
    parts = 1000
    rng = np.random.default_rng([seed, 1, 0])
    first, member = np.unique(groups, return_inverse=True)
    test, stratum = np.zeros(len(first), bool), np.full(len(first), np.iinfo(np.intp).min)
    np.maximum.at(stratum, member, strata)
    for value in np.unique(stratum):
        inside = rng.permutation(np.flatnonzero(stratum == value))
        test[inside[:(round(fraction * parts) * len(inside) + parts // 2) // parts]] = True
    side = test[member]
    split = Split(0, None, "internal", np.flatnonzero(~side), np.flatnonzero(side), frozen=True)
    _both_sides(patients, split, "design holdout", "Change the fraction, or choose repeated_kfold.")
    return [split]


def column(patients: pd.DataFrame, *, name: str, external: list[str | int] | None = None, seed: int) -> list[Split]:
    """Train and test as a column of the table says: train, internal or external.

    With `external`, values of that column (`{name: centre, external: [Centre C]}`): these patients are tested, all
    others train.
    """
    if name not in patients:
        known = [c for c in patients.columns if c not in ("patient_id", "stratum", "label")]
        raise RadnbError(f"design column: the table has no column {name!r}. {nearest(name, known)}", code="E_DESIGN")
    value = _said(patients[name], name) if external is None else _named(patients[name], name, external)
    _one_side(patients, np.unique(value, return_inverse=True)[1],
              f"design column: these patients stand on both sides in {name}")
    _elsewhere(patients, value)
    train = np.flatnonzero(value == "train")
    sets: tuple[Set, ...] = ("internal", "external")
    found = [Split(0, None, s, train, np.flatnonzero(value == s), frozen=True) for s in sets if s in value]
    for split in found:
        _both_sides(patients, split, f"design column ({name})", "Move patients between the sets before looking.")
    return found


DESIGNS: dict[str, Callable[..., list[Split]]] = {
    "holdout": holdout,
    "repeated_kfold": repeated_kfold,
    "nested": nested,
    "by_centre": by_centre,
    "column": column,
}


def _said(column: pd.Series, name: str) -> NDArray[Any]:
    """Return a column that says train, internal or external."""
    value = column.astype(str).str.strip().str.lower().to_numpy()
    wrong = sorted(set(value) - {"train", "internal", "external"})
    if wrong or "train" not in value or set(value) == {"train"}:
        raise RadnbError(f"design column: {name} must say train, and internal or external, for each patient"
                         f"{f' (found: {chr(44).join(wrong[:5])})' if wrong else ''}. Correct this column of the "
                         "clinical table, or name the values that are tested, as in external: [Centre C].",
                         code="E_DESIGN")
    return np.asarray(value)


def _named(column: pd.Series, name: str, external: Sequence[str | int]) -> NDArray[Any]:
    """Return external for the named values of a column, train for all others."""
    value, wanted = column.astype(str).str.strip(), [str(one).strip() for one in external]
    raise_all([f"design column: nobody has {name} {one!r}. {nearest(one, set(value))}" for one in wanted
               if one not in set(value)], code="E_DESIGN")
    if not wanted or set(value) == set(wanted):
        raise RadnbError(f"design column: external names {'nobody' if not wanted else 'everybody'}. Name some values "
                         f"of {name} ({', '.join(sorted(set(value)))}) and leave others to train on.", code="E_DESIGN")
    return np.where(value.isin(wanted), "external", "train")


def _elsewhere(patients: pd.DataFrame, value: NDArray[Any]) -> None:
    """Refuse to call patients external whose centre trains, for the report says: tested in another hospital."""
    centre = patients["centre"].astype(str) if "centre" in patients else pd.Series("", index=patients.index)
    both = sorted(set(centre[value == "train"]) & set(centre[value == "external"]) - {"", "all", "unknown"})
    if both:
        raise RadnbError(f"design column: patients of {', '.join(both)} both train and are called external. External "
                         "means another hospital: call these patients internal, or take the whole centre out of "
                         "training.", code="E_DESIGN")


def _crossed(fold: IntArray, folds: int, repeat: int) -> list[Split]:
    return [Split(repeat, f, "internal", np.flatnonzero(fold != f), np.flatnonzero(fold == f)) for f in range(folds)]


def _needed(strata: IntArray) -> set[int]:
    return {int(value) for value in np.unique(strata) if value >= 0}


def _label(patients: pd.DataFrame, stratum: int) -> str:
    """Return the word for an outcome: the column `label` where there is one."""
    words = patients["label"] if "label" in patients else patients["stratum"]
    return f"outcome {words[patients['stratum'] == stratum].iloc[0]}"


def _enough(patients: pd.DataFrame, folds: int) -> None:
    counts = patients[patients["stratum"] >= 0].groupby("stratum", sort=True)["patient_id"].nunique()
    if len(counts) and counts.min() < folds:
        fewest, count = int(counts.idxmin()), int(counts.min())
        mend = f"Use {count} folds at most" if count > 1 else "Join it with another class"
        raise RadnbError(f"design: {folds} folds need {folds} patients of each outcome, but {_label(patients, fewest)} "
                         f"has {count}. {mend}, or collect more patients.", code="E_DESIGN")


def _both_sides(patients: pd.DataFrame, split: Split, where: str, mend: str) -> None:
    strata = patients["stratum"].to_numpy(np.intp)
    for side, rows in (("train", split.train), (split.set, split.test)):
        missing = [_label(patients, value) for value in sorted(_needed(strata) - set(strata[rows].tolist()))]
        if missing:
            raise RadnbError(f"{where}: the {side} patients include nobody with {', '.join(missing)}. {mend}",
                             code="E_DESIGN")


def _one_side(patients: pd.DataFrame, side: Sequence[int] | IntArray, fault: str) -> None:
    sides = patients.assign(_side=np.asarray(side)).groupby("patient_id", sort=True)["_side"].nunique()
    both = sides.index[sides > 1].astype(str).tolist()
    if both:
        raise RadnbError(f"{fault}: {', '.join(both[:5])}{' …' if len(both) > 5 else ''}. "
                         "Give all rows of a patient the same value.", code="E_DESIGN")
