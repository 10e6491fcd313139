"""Lymph-node labels: N0 or N+, by the pathologist's category and by counted nodes."""

from __future__ import annotations

from typing import Literal

import pandas as pd

from radnb.cohort.labelling import Labels, blank, cell_texts, numbers, settle, who
from radnb.errors import RadnbError


def n0_vs_nplus(table: pd.DataFrame, *, pn: str | None = "pn", nodes_examined: str | None = None,
                nodes_positive: str | None = None, minimum_examined: int = 0,
                neoadjuvant: Literal["exclude", "keep"] = "exclude") -> Labels:
    """Tell pN0 from pN+ by the pathologist's category, by counted nodes, or by both, which must agree.

    Nx (no or unassessable nodes) is left out and never counts as N0; cN never labels; ypN (after neoadjuvant
    treatment) is left out unless kept; N0 from fewer than `minimum_examined` nodes is left out.
    Source: UICC TNM 8th edition (Brierley, Gospodarowicz, Wittekind, 2017): NX, N0, N1 and N2 are pathological when
    written with p; a pN0 needs lymph nodes that were examined.
    """
    if pn is None and (nodes_examined is None or nodes_positive is None):
        raise RadnbError("outcome n0_vs_nplus: name the column `pn`, or both `nodes_examined` and `nodes_positive`.",
                         code="E_CONFIG")
    if minimum_examined > 0 and nodes_examined is None:
        raise RadnbError("outcome n0_vs_nplus: `minimum_examined` needs `nodes_examined`. Name its column.",
                         code="E_CONFIG")
    values, reasons = _stated_nodes(table, pn, neoadjuvant) if pn else (blank(table), blank(table))
    examined = numbers(table, nodes_examined, option="nodes_examined") if nodes_examined else None
    found = numbers(table, nodes_positive, option="nodes_positive") if nodes_positive else None
    counted = _counted_nodes(table, examined, found)
    disagree = values.notna() & counted.notna() & (values != counted).fillna(False)
    values = values.mask(values.isna() & reasons.isna(), counted).mask(disagree)
    reasons = reasons.mask(disagree, "discordant_nodes")
    if examined is not None:
        reasons = reasons.mask(values.isna() & reasons.isna() & (examined == 0), "nx")
    few = _few_nodes(values, examined, minimum_examined)
    values, reasons = values.mask(few), reasons.mask(few, "too_few_nodes")
    reasons = reasons.mask(values.isna() & reasons.isna(), "missing_outcome")
    notes = {"discordant": int(disagree.sum()), "too_few_nodes": int(few.sum()), "nx": int((reasons == "nx").sum())}
    return settle("n0_vs_nplus", values, reasons, ("N0", "N+"), notes=notes,
                  source="UICC TNM classification, 8th edition (Brierley et al. 2017).")


def _stated_nodes(table: pd.DataFrame, pn: str, neoadjuvant: str) -> tuple[pd.Series, pd.Series]:
    words = cell_texts(table, pn, option="n0_vs_nplus.pn").str.lower().str.replace(r"[\s()]", "", regex=True)
    parts = words.str.extract(r"^(?P<prefix>c|p|yp|yc|)n?(?P<stage>x|[0-3][a-c]?(?:mi|i[+-]|sn)?|\+|-)$")
    unread = words.notna() & parts["stage"].isna()
    if unread.any():
        raise RadnbError(f"outcome n0_vs_nplus: {pn} is not a node category for {who(table, unread)} "
                         f"({', '.join(sorted(words[unread].unique())[:5])}). "
                         "Write pN0, pN1, pN2 or pNx, or translate the words by `map` in the manifest.", code="E_CELL")
    stage, prefix = parts["stage"], parts["prefix"]
    values, reasons = blank(table), blank(table)
    values[stage.notna()] = "N+"
    values[stage.str.match(r"^(0|-)", na=False)] = "N0"
    values[stage == "x"], reasons[stage == "x"] = pd.NA, "nx"
    if neoadjuvant == "exclude":
        treated = (prefix == "yp").fillna(False)
        values[treated], reasons[treated] = pd.NA, "after_neoadjuvant"
    seen = prefix.isin(["c", "yc"])
    values[seen], reasons[seen] = pd.NA, "clinical_stage_only"
    return values, reasons


def _counted_nodes(table: pd.DataFrame, examined: pd.Series | None, found: pd.Series | None) -> pd.Series:
    values = blank(table)
    if found is None:
        return values
    if examined is not None and (wrong := found > examined).any():
        raise RadnbError(f"outcome n0_vs_nplus: more positive than examined nodes for {who(table, wrong)}. "
                         "Correct the counts.", code="E_RANGE")
    values[found > 0] = "N+"
    if examined is not None:
        values[(found == 0) & (examined > 0)] = "N0"
    return values


def _few_nodes(values: pd.Series, examined: pd.Series | None, minimum: int) -> pd.Series:
    """Mark N0 that rests on too few nodes: fewer than asked for, none at all, or, when a number is asked, unknown."""
    if examined is None:
        return pd.Series(False, index=values.index)
    few = (examined < max(minimum, 1)) | (examined.isna() & (minimum > 0))
    return few & (values == "N0").fillna(False).astype(bool)
