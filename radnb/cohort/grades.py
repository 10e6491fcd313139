"""Grades of neuroendocrine tumours: the editions of the WHO classification and the groupings made from them."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

import pandas as pd

from radnb.cohort.labelling import Labels, blank, cell_texts, numbers, settle, who
from radnb.errors import RadnbError

Edition = Literal["2022", "2019", "2017", "2010"]


@dataclass(frozen=True)
class EditionRules:
    """What an edition says: the Ki-67 limit of G1, whether that limit still is G1, and whether carcinomas have a G3."""

    source: str
    ki67_g1: float
    limit_is_g1: bool
    carcinoma_is_g3: bool


EDITIONS: dict[str, EditionRules] = {
    "2022": EditionRules(
        "WHO Classification of Endocrine and Neuroendocrine Tumours, 5th edition (Rindi et al., Endocr Pathol 2022; "
        "33:115-154).", 3.0, False, False),
    "2019": EditionRules(
        "WHO Classification of Tumours of the Digestive System, 5th edition, 2019 (Nagtegaal et al., Histopathology "
        "2020; 76:182-188).", 3.0, False, False),
    "2017": EditionRules(
        "WHO Classification of Tumours of Endocrine Organs, 4th edition, 2017 (Lloyd et al., IARC): pancreas only.",
        3.0, False, False),
    "2010": EditionRules(
        "WHO Classification of Tumours of the Digestive System, 4th edition, 2010 (Bosman et al., IARC).",
        2.0, True, True),
}
ENETS = "ENETS 2023 guidance (Sorbye et al., J Neuroendocrinol 2023; 35:e13249)."
WELL = ("well", "well differentiated", "well-differentiated")
MODERATE = ("moderate", "moderately differentiated")  # an old word for G2, or a carcinoma of another kind
POOR = ("poor", "poorly differentiated", "poorly-differentiated")
NEC = ("nec", "scnec", "lcnec", "small cell nec", "large cell nec", "neuroendocrine carcinoma")
MINEN = ("minen", "manec")
GROUPS: dict[str, dict[str, str]] = {
    "three_grades": {"G1": "G1", "G2": "G2", "G3": "G3"},
    "g1_vs_g23": {"G1": "G1", "G2": "G2-3", "G3": "G2-3"},
    "g12_vs_g3": {"G1": "G1-2", "G2": "G1-2", "G3": "G3"},
    "g1_vs_g2": {"G1": "G1", "G2": "G2"},
}


@dataclass(frozen=True)
class Graded:
    """Grade or NA per row, the reason of each NA, the counts, and a hint when the numbers look odd."""

    values: pd.Series
    reasons: pd.Series
    notes: dict[str, int]
    source: str
    hint: str = ""


def grades(table: pd.DataFrame, *, edition: Edition = "2022", ki67: str = "ki67", mitoses: str | None = "mitoses",
           differentiation: str | None = "differentiation", histology: str | None = None,
           specimen: str | None = None) -> Graded:
    """Grade each patient by the higher of Ki-67 (%) and mitoses (per 2 mm2); see `who_grade` for the editions."""
    rules = EDITIONS[edition]
    percent = numbers(table, ki67, option="ki67", high=100)
    counted = numbers(table, mitoses, option="mitoses") if mitoses else pd.Series(float("nan"), index=table.index)
    by_ki67, by_mitoses = _by_ki67(percent, rules), _by_mitoses(counted)
    rank = pd.concat([by_ki67, by_mitoses], axis=1).max(axis=1)
    values, reasons = rank.map({1.0: "G1", 2.0: "G2", 3.0: "G3"}).astype("string"), blank(table)
    reasons[values.isna()] = "missing_indices"
    words, named = _differentiation(table, differentiation), _histology(table, histology)
    for code, rows in _not_graded(values, words, named, rules):
        values, reasons = values.mask(rows), reasons.mask(rows, code)
    kept, both = values.notna(), by_ki67.notna() & by_mitoses.notna()
    notes = {"discordant": int((kept & both & (by_ki67 != by_mitoses)).sum()), "one_index": int((kept & ~both).sum())}
    if edition == "2010":
        notes["ki67_between_2_and_3"] = int((kept & percent.between(2, 3, inclusive="neither")).sum())
    if specimen:
        words = cell_texts(table, specimen, option="specimen").str.casefold()
        notes["biopsy_only"] = int((kept & (words == "biopsy").fillna(False)).sum())
    return Graded(values, reasons, notes, rules.source, _fraction_hint(percent))


def _differentiation(table: pd.DataFrame, column: str | None) -> pd.Series:
    if column is None:
        return blank(table)
    words = cell_texts(table, column, option="differentiation").str.casefold()
    unread = words.notna() & ~words.isin([*WELL, *MODERATE, *POOR])
    if unread.any():
        raise RadnbError(f"outcome: differentiation: {column} is neither 'well' nor 'poor' for {who(table, unread)} "
                         f"({', '.join(sorted(words[unread].unique())[:5])}). "
                         "Translate the words by `map` in the manifest, or leave them empty.", code="E_CELL")
    return words.where(~words.isin(POOR), "poor").where(~words.isin(WELL), "well")


def _histology(table: pd.DataFrame, column: str | None) -> pd.Series:
    return cell_texts(table, column, option="histology").str.casefold() if column else blank(table)


def _by_ki67(percent: pd.Series, rules: EditionRules) -> pd.Series:
    first = percent <= rules.ki67_g1 if rules.limit_is_g1 else percent < rules.ki67_g1
    rank = pd.Series(2.0, index=percent.index).mask(first, 1.0).mask(percent > 20, 3.0)
    return rank.where(percent.notna())


def _by_mitoses(count: pd.Series) -> pd.Series:
    rank = pd.Series(2.0, index=count.index).mask(count < 2, 1.0).mask(count > 20, 3.0)
    return rank.where(count.notna())


def _not_graded(values: pd.Series, words: pd.Series, named: pd.Series,
                rules: EditionRules) -> list[tuple[str, pd.Series]]:
    """List reasons with their rows, the strongest last."""
    mixed = named.isin(MINEN)
    if rules.carcinoma_is_g3:
        return [("minen", mixed)]
    unresolved = (values == "G3").fillna(False) & ~words.isin(["well"])
    carcinoma = words.isin(["poor"]) | named.isin(NEC)
    return [("g3_unresolved", unresolved), ("nec", carcinoma), ("minen", mixed)]


def _fraction_hint(percent: pd.Series) -> str:
    known = percent.dropna()
    if len(known) >= 10 and known.max() <= 1:
        return f" The largest Ki-67 is {known.max():g}: are these fractions? Write percent."
    return ""


def who_grade(table: pd.DataFrame, *, edition: Edition = "2022", ki67: str = "ki67", mitoses: str | None = "mitoses",
              differentiation: str | None = "differentiation", histology: str | None = None,
              specimen: str | None = None) -> Labels:
    """Grade neuroendocrine tumours as G1, G2 or G3 by an edition of the WHO classification.

    The higher of Ki-67 (%) and mitoses (per 2 mm2, formerly 10 high-power fields) wins and disagreement is counted;
    with one index missing the other decides and is counted.  `differentiation` holds well or poor, `histology` may
    hold NEC or MiNEN, `specimen` resection or biopsy (counted).
    2022 (5th ed. endocrine), 2019 (5th ed. digestive system, all its organs) and 2017 (4th ed. endocrine, pancreas
    only): G1 below 3 % and below 2 mitoses, G2 3-20 % or 2-20, G3 above 20 % or 20 if well differentiated; a poorly
    differentiated carcinoma (NEC; still written "NEC G3" in 2017) and mixed neoplasms (MiNEN) are not graded, and
    above 20 without a stated differentiation is unresolved.
    2010 (4th ed. digestive system): G1 up to 2 %, G2 3-20 %, and everything above 20 is G3, a carcinoma whatever its
    differentiation; that edition leaves 2-3 % open, which is called G2 here and counted; mixed ones (MANEC) are out.
    """
    found = grades(table, edition=edition, ki67=ki67, mitoses=mitoses, differentiation=differentiation,
                   histology=histology, specimen=specimen)
    return _grouped("three_grades", found, scheme="who_grade")


def three_grades(table: pd.DataFrame, *, edition: Edition = "2022", ki67: str = "ki67", mitoses: str | None = "mitoses",
                 differentiation: str | None = "differentiation", histology: str | None = None,
                 specimen: str | None = None) -> Labels:
    """Predict G1, G2 and G3 apart, as `who_grade` does (the same labels under the study's name)."""
    found = grades(table, edition=edition, ki67=ki67, mitoses=mitoses, differentiation=differentiation,
                   histology=histology, specimen=specimen)
    return _grouped("three_grades", found)


def g1_vs_g23(table: pd.DataFrame, *, edition: Edition = "2022", ki67: str = "ki67", mitoses: str | None = "mitoses",
              differentiation: str | None = "differentiation", histology: str | None = None,
              specimen: str | None = None) -> Labels:
    """Tell G1 from G2 and G3 together; the grades are those of `who_grade`."""
    found = grades(table, edition=edition, ki67=ki67, mitoses=mitoses, differentiation=differentiation,
                   histology=histology, specimen=specimen)
    return _grouped("g1_vs_g23", found)


def g12_vs_g3(table: pd.DataFrame, *, edition: Edition = "2022", ki67: str = "ki67", mitoses: str | None = "mitoses",
              differentiation: str | None = "differentiation", histology: str | None = None,
              specimen: str | None = None) -> Labels:
    """Tell G1 and G2 together from well-differentiated G3; the grades are those of `who_grade`, NEC is left out."""
    found = grades(table, edition=edition, ki67=ki67, mitoses=mitoses, differentiation=differentiation,
                   histology=histology, specimen=specimen)
    return _grouped("g12_vs_g3", found)


def g1_vs_g2(table: pd.DataFrame, *, edition: Edition = "2022", ki67: str = "ki67", mitoses: str | None = "mitoses",
             differentiation: str | None = "differentiation", histology: str | None = None,
             specimen: str | None = None) -> Labels:
    """Tell G1 from G2, G3 left out; the grades are those of `who_grade`."""
    found = grades(table, edition=edition, ki67=ki67, mitoses=mitoses, differentiation=differentiation,
                   histology=histology, specimen=specimen)
    return _grouped("g1_vs_g2", found)


def enets_high_low(table: pd.DataFrame, *, edition: Edition = "2022", ki67: str = "ki67",
                   mitoses: str | None = "mitoses", differentiation: str | None = "differentiation",
                   histology: str | None = None, specimen: str | None = None) -> Labels:
    """Tell low grade (G1 or G2) from high grade (NET G3 or NEC), the prognostic groups that ENETS uses.

    Unlike `g12_vs_g3`, carcinomas count as high grade, and so does above 20 of unknown differentiation; mixed
    neoplasms (MiNEN) are left out.
    Source: ENETS 2023 guidance paper for digestive neuroendocrine carcinoma (Sorbye et al., J Neuroendocrinol 2023;
    35:e13249), where high grade means NET G3 and NEC; the grades are those of `who_grade`.
    """
    found = grades(table, edition=edition, ki67=ki67, mitoses=mitoses, differentiation=differentiation,
                   histology=histology, specimen=specimen)
    high = (found.values == "G3").fillna(False) | found.reasons.isin(["nec", "g3_unresolved"])
    values = found.values.map({"G1": "low", "G2": "low"}).astype("string").mask(high, "high")
    notes = {**found.notes, "nec": int((found.reasons == "nec").sum())}
    return settle("enets_high_low", values, found.reasons.mask(values.notna()), ("low", "high"), notes=notes,
                  source=f"{ENETS} Grades: {found.source}", hint=found.hint)


def _grouped(group: str, found: Graded, *, scheme: str = "") -> Labels:
    names = GROUPS[group]
    values = found.values.map(names).astype("string")
    reasons = found.reasons.mask(values.isna() & found.values.notna(), "other_grade")
    return settle(scheme or group, values, reasons, tuple(dict.fromkeys(names.values())), source=found.source,
                  notes=found.notes, hint=found.hint, ordered=True)
