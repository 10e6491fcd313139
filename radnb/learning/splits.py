"""Who trains and who is tested: designs that keep a patient on one side and the classes in proportion."""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Annotated, Any, Literal

import numpy as np
import pandas as pd
from annotated_types import Ge, Gt, Le, Lt
from numpy.typing import NDArray

from radnb.errors import RadnbError, nearest, raise_all
from radnb.learning.folds import IntArray, deal

Set = Literal["train", "internal", "external"]
Unit = Annotated[float, Gt(0), Lt(1)]
Folds = Annotated[int, Gt(1)]
Repeats = Annotated[int, Gt(0), Le(1000)]


ARROW = " → "  # in the name of a split: from whom to whom


@dataclass(frozen=True)
class Split:
    """Row positions that train and row positions that are scored; a frozen split's patients are wholly untouched.

    Training rows may repeat (a bootstrap sample). `name` tells splits of one design apart, as in "Centre A → Centre B".
    """

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


def repeated_kfold(patients: pd.DataFrame, *, folds: Folds = 5, repeats: Repeats = 20,
                   seed: int) -> list[Split]:
    """Cross-validate in stratified folds of patients, several times with new folds."""
    groups, strata = patient_strata(patients)
    _enough(patients, folds)
    found = []
    for repeat in range(repeats):
        fold = deal(groups, strata, folds, np.random.default_rng([seed, 1, repeat]))
        found += _crossed(fold, folds, repeat)
    return found


def nested(patients: pd.DataFrame, *, folds: Folds = 5, repeats: Repeats = 20,
           grid: dict[str, list[Any]] | None = None, seed: int) -> list[Split]:
    """Cross-validate as repeated_kfold; options of selector and model listed in `grid` are tuned inside each fold.

    Without a grid, the number of features is chosen among 5, 10 and 20 where the selector takes `k`.
    """
    return repeated_kfold(patients, folds=folds, repeats=repeats, seed=seed)


def bootstrap(patients: pd.DataFrame, *, samples: Annotated[int, Gt(1), Le(10_000)] = 100, seed: int) -> list[Split]:
    """Train on bootstrap samples of the patients, test on those left out, and combine with apparent scores (.632+).

    The last split trains and scores everybody (set "train"). No interval of a .632+ estimate covers as it says, so
    none is given; repeated_kfold has one.
    """
    groups, strata = patient_strata(patients)
    _enough(patients, 2)
    found = []
    for sample in range(samples):
        rows = _with_copies(groups, strata, np.random.default_rng([seed, 1, sample]))
        left = np.flatnonzero(~np.isin(groups, groups[rows]))
        found.append(Split(sample, 0, "internal", rows, left))
    everyone = np.arange(len(groups))
    return [*found, Split(samples, 0, "train", everyone, everyone)]


def by_centre(patients: pd.DataFrame, *, seed: int) -> list[Split]:
    """Leave each of three or more centres out in turn; the fold is the centre's position in alphabetical order."""
    _, strata = patient_strata(patients)
    names, fold = _centres(patients, "by_centre")
    if len(names) < 3:
        raise RadnbError(f"design by_centre: there are two centres, {' and '.join(names)}, and two say nothing about "
                         "hospitals in general. Choose between_centres, which reports each direction alone, or "
                         "repeated_kfold.", code="E_DESIGN")
    found = _crossed(fold, len(names), 0)
    raise_all([f"design by_centre: without centre {names[s.fold or 0]} nobody with {_label(patients, missing)} is left "
               "to train on. Join small centres in the manifest, or choose repeated_kfold."
               for s in found for missing in sorted(_needed(strata) - set(strata[s.train].tolist()))],
              code="E_DESIGN")
    return found


def between_centres(patients: pd.DataFrame, *, least: Annotated[int, Ge(2)] = 10, seed: int) -> list[Split]:
    """Train on one centre and test on another, for each ordered pair; frozen, and never pooled over pairs.

    A centre takes part with at least `least` patients of each outcome; splits of one training centre share `repeat`.
    """
    groups, strata = patient_strata(patients)
    names, centre = _centres(patients, "between_centres")
    sizes = {(c, s): len(np.unique(groups[(centre == c) & (strata == s)]))
             for c in range(len(names)) for s in sorted(_needed(strata))}
    usable = [c for c in range(len(names)) if all(n >= least for (at, _), n in sizes.items() if at == c)]
    if len(usable) < 2:
        told = "; ".join(f"{names[c]}: " + ", ".join(f"{_label(patients, s)} {sizes[c, s]}" for s in
                                                     sorted(_needed(strata))) for c in range(len(names)))
        raise RadnbError(f"design between_centres: fewer than two centres have {least} patients of each outcome "
                         f"({told}). Join small centres in the manifest, lower `least`, or choose repeated_kfold.",
                         code="E_DESIGN")
    return [Split(a, None, "external", np.flatnonzero(centre == a), np.flatnonzero(centre == b), frozen=True,
                  name=f"{names[a]}{ARROW}{names[b]}") for a in usable for b in usable if a != b]


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
    _known_column(patients, name, "column")
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


def temporal(patients: pd.DataFrame, *, name: str, start: str | int | None = None, fraction: Unit = 0.3,
             seed: int) -> list[Split]:
    """Train on earlier patients and test a frozen model on later ones, by a column of dates or years.

    Tested are those from `start` on, or without it the latest `fraction`; patients of one date stay together.
    """
    _known_column(patients, name, "temporal")
    when = _dates(patients, name)
    first = _cut_date(when, fraction, name) if start is None else _date(start)
    if first is None:
        raise RadnbError(f"design temporal.start: {start!r} is no date. Write a year or yyyy-mm-dd, as in 2019-05-01.",
                         code="E_DESIGN")
    later = when >= first
    _one_side(patients, later.astype(np.intp), f"design temporal: these patients have dates on both sides in {name}")
    train, test = np.flatnonzero(~later), np.flatnonzero(later)
    day = str(first)
    split = Split(0, None, _elsewhere_set(patients, train, test), train, test, frozen=True,
                  name=f"before {day}{ARROW}from {day}")
    _both_sides(patients, split, f"design temporal ({name}, tested from {day})",
                f"The dates run from {when.min()} to {when.max()}: move `start`, or choose repeated_kfold.")
    return [split]


def transfer(patients: pd.DataFrame, *, name: str, train: list[str | int], test: list[str | int],
             same_patients: Literal[False, True, "train", "test"] = False, seed: int) -> list[Split]:
    """Freeze a model on one group and test it on another, by values of a column; rows of neither are left out.

    Rows may be node stations of one patient. A patient in both groups is refused, or stays with `same_patients: train`
    or `test` on that side, or with `true` on both: then training and test are not independent, and the report says so.
    """
    _known_column(patients, name, "transfer")
    value = _plain(patients[name])
    wanted = {"train": [str(one).strip() for one in train], "test": [str(one).strip() for one in test]}
    problems = [f"design transfer.{side}: nobody has {name} {one!r}. {nearest(one, set(value))}"
                for side, ones in wanted.items() for one in ones if one not in set(value)]
    problems += [f"design transfer.{side}: name at least one value of {name}." for side in wanted if not wanted[side]]
    problems += [f"design transfer: {one!r} both trains and is tested. Name it once."
                 for one in sorted(set(wanted["train"]) & set(wanted["test"]))]
    raise_all(problems, code="E_DESIGN")
    learns, is_tested = _sides(patients, np.isin(value, wanted["train"]), np.isin(value, wanted["test"]),
                               f"design transfer ({name})", same_patients)
    rows, tested = np.flatnonzero(learns), np.flatnonzero(is_tested)
    split = Split(0, None, _elsewhere_set(patients, rows, tested), rows, tested, frozen=True,
                  name=f"{name} {', '.join(wanted['train'])}{ARROW}{name} {', '.join(wanted['test'])}")
    _both_sides(patients, split, f"design transfer ({split.name})", "Name further values, or choose repeated_kfold.")
    return [split]


def shared_patients(patients: pd.DataFrame, splits: Sequence[Split]) -> list[str]:
    """Return the patients who both train and are tested, as `transfer` with `same_patients: true` allows."""
    ids = patients["patient_id"].to_numpy(str)
    return sorted({who for s in splits if s.set != "train" for who in np.intersect1d(ids[s.train], ids[s.test])})


DESIGNS: dict[str, Callable[..., list[Split]]] = {
    "holdout": holdout,
    "repeated_kfold": repeated_kfold,
    "nested": nested,
    "bootstrap": bootstrap,
    "by_centre": by_centre,
    "between_centres": between_centres,
    "temporal": temporal,
    "transfer": transfer,
    "column": column,
}


def _with_copies(groups: IntArray, strata: IntArray, rng: np.random.Generator) -> IntArray:
    """Draw patients with replacement within strata, until both samples hold two patients of each needed stratum."""
    _, member = np.unique(groups, return_inverse=True)
    stratum = np.full(member.max() + 1, np.iinfo(np.intp).min)
    np.maximum.at(stratum, member, strata)
    rows_of = np.split(np.argsort(member, kind="stable"), np.cumsum(np.bincount(member))[:-1])
    pools = [np.flatnonzero(stratum == value) for value in np.unique(stratum)]
    needed = [pool for pool in pools if stratum[pool[0]] >= 0]
    for _ in range(1000):
        taken = np.concatenate([rng.choice(pool, len(pool), replace=True) for pool in pools])
        inside = np.isin(np.arange(len(stratum)), taken)
        if all(inside[pool].sum() >= min(2, len(pool) - 1) and not inside[pool].all() for pool in needed):
            break
    return np.concatenate([rows_of[patient] for patient in taken])


def _centres(patients: pd.DataFrame, design: str) -> tuple[list[str], IntArray]:
    """Return the names of the centres and the centre of each row; one centre, or a patient in two, is refused."""
    names, centre = np.unique(patients["centre"].to_numpy(str), return_inverse=True)
    if len(names) < 2:
        raise RadnbError(f"design {design}: all patients come from one centre ({', '.join(names) or 'none'}). "
                         "Name the centre column in the manifest, or choose repeated_kfold.", code="E_DESIGN")
    _one_side(patients, centre, f"design {design}: these patients appear in several centres")
    return names.tolist(), centre.astype(np.intp)


def _dates(patients: pd.DataFrame, name: str) -> NDArray[np.datetime64]:
    """Return each row's date; a column that is not all dates is refused."""
    read = [_date(value) for value in _plain(patients[name])]
    bad = [str(who) for who, when in zip(patients["patient_id"], read, strict=True) if when is None]
    if bad:
        raise RadnbError(f"design temporal: {name} holds no date for {_first(bad)}. Write years or yyyy-mm-dd, and "
                         "exclude patients without a date.", code="E_DESIGN")
    return np.array(read, "datetime64[D]")


def _date(value: str | int) -> np.datetime64 | None:
    """Read a year, yyyy-mm, yyyy-mm-dd, yyyy/mm/dd or yyyymmdd (with or without a time of day)."""
    found = re.fullmatch(r"((?:19|20)\d\d)(?:([-/.]?)(\d\d?)(?:\2(\d\d?))?)?(?:[T ].*)?", str(value).strip())
    if found is None:
        return None
    year, mark, month, day = found.groups()
    if (mark == "." and day is None) or (mark == "" and len(month + (day or "")) not in (2, 4)):
        return None  # 2019.5 may be May or summer
    try:
        return np.datetime64(f"{year}-{int(month or 1):02d}-{int(day or 1):02d}", "D")
    except ValueError:
        return None


def _cut_date(when: NDArray[np.datetime64], fraction: float, name: str) -> np.datetime64:
    """Return the first date of those tested, where their share is nearest to the fraction."""
    days = np.unique(when)[1:]
    if not len(days):
        raise RadnbError(f"design temporal: all patients have the same {name}, {when[0]}. Name a column of dates.",
                         code="E_DESIGN")
    share = np.array([(when >= day).mean() for day in days])
    return np.datetime64(days[int(np.argmin(np.round(np.abs(share - fraction), 12)))])


def _sides(patients: pd.DataFrame, train: NDArray[np.bool_], test: NDArray[np.bool_], where: str,
           same: bool | str) -> tuple[NDArray[np.bool_], NDArray[np.bool_]]:
    """Put patients who stand in both groups on one side, or refuse them where nothing was declared."""
    ids = patients["patient_id"].to_numpy(str)
    both = np.isin(ids, np.intersect1d(ids[train], ids[test]))
    if both.any() and same is False:
        names = np.unique(ids[both]).tolist()
        raise RadnbError(f"{where}: {len(names)} patients stand in both groups: {_first(names)}. Keep them on one side "
                         "with `same_patients: train` or `test`, or declare `same_patients: true`: the test is then "
                         "not independent.", code="E_DESIGN")
    return train & ~(both & (same == "test")), test & ~(both & (same == "train"))


def _elsewhere_set(patients: pd.DataFrame, train: IntArray, test: IntArray) -> Set:
    """Return external where no tested patient's hospital trains, and every hospital is known; else internal."""
    if "centre" not in patients:
        return "internal"
    centre = patients["centre"].astype(str).str.strip().to_numpy()
    here, there = set(centre[train]), set(centre[test])
    return "internal" if here & there or (here | there) & {"", "all", "unknown", "nan"} else "external"


def _known_column(patients: pd.DataFrame, name: str, design: str) -> None:
    if name not in patients:
        known = [c for c in patients.columns if c not in ("patient_id", "stratum", "label")]
        raise RadnbError(f"design {design}: the table has no column {name!r}. {nearest(name, known)}", code="E_DESIGN")


def _plain(column: pd.Series) -> NDArray[Any]:
    """Return a column as words; a whole number that gaps have turned into 3.0 reads 3."""
    return np.array([str(int(v)) if isinstance(v, float) and v.is_integer() else str(v).strip() for v in column],
                    object)


def _first(names: list[str]) -> str:
    return ", ".join(names[:5]) + (" …" if len(names) > 5 else "")


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
        raise RadnbError(f"{fault}: {_first(both)}. Give all rows of a patient the same value.", code="E_DESIGN")
