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

__all__ = ["LABEL_TEXTS", "SCHEMES", "Labels", "SurvivalLabels", "label_text", "several_values", "two_values"]


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


def several_values(table: pd.DataFrame, *, column: str, classes: dict[str, list[str]], ordered: bool = False) -> Labels:
    """Tell three or more groups of values of one clinical column apart, e.g. low, intermediate and high risk.

    `classes` names each class and its values, in their order; `ordered` says that they stand from low to high, which
    ordinal models need.  Other values are left out.
    """
    cells = cell_texts(table, column, option="several_values.column")
    raise_all([f"outcome several_values: {fault}" for fault in _class_faults(cells, column, classes)], code="E_CLASS")
    values = cells.map({value: name for name, members in classes.items() for value in members}).astype("string")
    reasons = blank(table)
    reasons[cells.isna()] = "missing_outcome"
    reasons[values.isna() & cells.notna()] = "other_value"
    return settle("several_values", values, reasons, tuple(classes), ordered=ordered,
                  source=f"The clinical column {column}, as recorded.")


def _class_faults(cells: pd.Series, column: str, classes: dict[str, list[str]]) -> list[str]:
    values = [value for members in classes.values() for value in members]
    present = sorted(cells.dropna().unique())
    found = [f"the value {value!r} stands in two classes. Remove one." for value in dict.fromkeys(values)
             if values.count(value) > 1]
    found += [f"the class {name!r} has no values. Name some, or remove it." for name, members in classes.items()
              if not members]
    if len(classes) < 3:
        found.append("name three classes or more; for two take two_values.")
    return found + [f"no patient has the value {value!r} in {column}. {nearest(value, present)}"
                    for value in values if value not in present and present]


SCHEMES: dict[str, Callable[..., Labels | SurvivalLabels]] = {
    "who_grade": who_grade,
    "three_grades": three_grades,
    "g1_vs_g23": g1_vs_g23,
    "g12_vs_g3": g12_vs_g3,
    "g1_vs_g2": g1_vs_g2,
    "enets_high_low": enets_high_low,
    "n0_vs_nplus": n0_vs_nplus,
    "two_values": two_values,
    "several_values": several_values,
    "survival": survival,
}


def label_text(code: str, language: str = "en") -> str:
    """Return what a reader calls a scheme, class, reason, count or warning; an unknown code stands for itself."""
    return LABEL_TEXTS.get(code, {}).get("zh" if language.startswith("zh") else "en", code)
