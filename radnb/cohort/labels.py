"""Label schemes: from the clinical table to one class, or a time and event, per patient."""

from __future__ import annotations

from collections.abc import Callable

import pandas as pd

from radnb.cohort.follow_up import SurvivalLabels, survival
from radnb.cohort.grades import enets_high_low, g1_vs_g2, g1_vs_g23, g12_vs_g3, three_grades, who_grade
from radnb.cohort.label_texts import LABEL_TEXTS
from radnb.cohort.labelling import Labels, blank, cell_texts, settle
from radnb.cohort.nodes import n0_vs_nplus
from radnb.errors import RadnbError, nearest, raise_all

__all__ = ["LABEL_TEXTS", "ORDERED", "SCHEMES", "Labels", "SurvivalLabels", "label_text", "two_values"]


def two_values(table: pd.DataFrame, *, column: str, negative: list[str], positive: list[str],
               negative_name: str = "", positive_name: str = "") -> Labels:
    """Compare two groups of values of one clinical column, e.g. PNET with PDAC; other values are left out.

    The class codes are the values themselves (joined by + when several) unless names are given.
    """
    both = sorted(set(negative) & set(positive))
    if both or not negative or not positive:
        raise RadnbError(f"outcome two_values: {'a value stands on both sides: ' + both[0] if both else 'a side is'}"
                         f"{'' if both else ' empty'}. Give `negative` and `positive` different values.",
                         code="E_CONFIG")
    cells = cell_texts(table, column, option="two_values.column")
    present = sorted(cells.dropna().unique())
    raise_all([f"outcome two_values: no patient has the value {value!r} in {column}. {nearest(value, present)}"
               for value in [*negative, *positive] if value not in present and present], code="E_CLASS")
    classes = (negative_name or "+".join(negative), positive_name or "+".join(positive))
    values, reasons = blank(table), blank(table)
    values[cells.isin(negative)], values[cells.isin(positive)] = classes
    reasons[cells.isna()] = "missing_outcome"
    reasons[values.isna() & cells.notna()] = "other_value"
    return settle("two_values", values, reasons, classes, source=f"The clinical column {column}, as recorded.")


SCHEMES: dict[str, Callable[..., Labels | SurvivalLabels]] = {
    "who_grade": who_grade,
    "three_grades": three_grades,
    "g1_vs_g23": g1_vs_g23,
    "g12_vs_g3": g12_vs_g3,
    "g1_vs_g2": g1_vs_g2,
    "enets_high_low": enets_high_low,
    "n0_vs_nplus": n0_vs_nplus,
    "two_values": two_values,
    "survival": survival,
}


ORDERED = ("who_grade", "three_grades")  # schemes whose classes stand from low to high


def label_text(code: str, language: str = "en") -> str:
    """Return what a reader calls a scheme, class, reason, count or warning; an unknown code stands for itself."""
    return LABEL_TEXTS.get(code, {}).get("zh" if language.startswith("zh") else "en", code)
