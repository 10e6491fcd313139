"""Table 1: who the patients are, by outcome group, with missing values and standardised differences."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
import pandas as pd
from pandas.api.types import is_numeric_dtype

from radnb.reporting import numbers
from radnb.reporting.story import Story, bare, inline, sentence
from radnb.reporting.tables import LEVEL, Table, table

KEYS = frozenset({"patient_id", "outcome", "time_months", "event", "group"})
MANY = 12  # levels above which a column is never said to follow from the outcome
FEW_VALUES = 3  # a numeric column with fewer distinct values (0 and 1, say) is shown as categories


def table_one(story: Story) -> Table:
    """Show patients overall and by class: median [quartiles] or n (%), missing values, largest SMD."""
    clinical, members = story.cohort.clinical.reset_index(drop=True), groups(story)
    columns = [c for c in story.facts.get("table_one") or clinical.columns if c in clinical and c not in KEYS]
    shown_columns, left = _telling(story, columns, clinical)
    rows = [row for column in shown_columns for row in _rows(story, column, clinical[column], members)]
    heads = {name: f"{name}\n{story.text('counted.n', n=int(m.sum()))}" for name, m in members.items()}
    shown = pd.DataFrame(rows).rename(columns=heads)
    note = story.text("table.one.note" if len(members) > 1 else "table.one.note_overall")
    if left:
        names = story.joined([bare(story.label(column)) for column in left])
        note += ("" if story.language == "zh" else " ") + story.text("table.one.left_out", names=names)
    return table(story, "one", shown, part="patients", note=note)


def _telling(story: Story, columns: list[str], clinical: pd.DataFrame) -> tuple[list[str], list[str]]:
    """Part columns into those that tell something and those that one value, the outcome or the centre fixes."""
    asked = {"centre", *story.facts.get("clinical_predictors", ())}
    left = [c for c in columns if c not in asked and _told_elsewhere(story, clinical[c], clinical)]
    return [column for column in columns if column not in left], left


def _told_elsewhere(story: Story, values: pd.Series, clinical: pd.DataFrame) -> bool:
    if values.nunique() < 2:
        return True
    if "centre" in clinical and _follows(clinical["centre"], values) and _follows(values, clinical["centre"]):
        return True
    if story.survival or is_numeric_dtype(values) or values.nunique() > MANY:
        return False
    return _follows(values, clinical["patient_id"].map(story.cohort.table.set_index("patient_id")["outcome"]))


def _follows(cause: pd.Series, effect: pd.Series) -> bool:
    """Say whether each value of one column goes with a single value of the other, wherever both are known."""
    both = pd.DataFrame({"cause": cause.to_numpy(), "effect": effect.to_numpy()}).dropna()
    return len(both) > 0 and bool((both.groupby("cause")["effect"].nunique() == 1).all())


def groups(story: Story) -> dict[str, np.ndarray]:
    """Return who belongs to which column of Table 1: everybody, then each class."""
    clinical = story.cohort.clinical
    members = {story.text("column.all"): np.ones(len(clinical), dtype=bool)}
    if story.survival:
        return members
    outcome = clinical["patient_id"].map(story.cohort.table.set_index("patient_id")["outcome"])
    return members | {story.label(name): (outcome == code).to_numpy()
                      for code, name in enumerate(story.cohort.outcome.classes)}


def _rows(story: Story, column: str, values: pd.Series, members: Mapping[str, np.ndarray]) -> list[dict[str, str]]:
    numeric = is_numeric_dtype(values) and values.dropna().nunique() >= FEW_VALUES
    missing = int(values.isna().sum())
    ends = {story.text("column.missing"): str(missing) if missing else "0"}
    classes = list(members.values())[1:]
    if len(classes) > 1:
        ends[story.text("column.smd")] = numbers.number(largest_smd(values, classes, numeric=numeric), 2)
    if numeric:
        label = story.text("table.one.median", name=sentence(story.label(column)))
        whole = not np.mod(values.dropna().to_numpy(float), 1).any()  # ages and counts need no decimals
        cells = {name: _median(values[mask], story, whole=whole) for name, mask in members.items()}
        return [{story.text("column.characteristic"): label, **cells, **ends}]
    levels = _ordered(story, column, values)
    if len(levels) == 2:
        shown = inline(level_label(story, column, levels[1]))
        label = story.text("table.one.pair", name=sentence(story.label(column)), level=shown)
        cells = {name: _share(values[mask], levels[1]) for name, mask in members.items()}
        return [{story.text("column.characteristic"): label, **cells, **ends}]
    head = {story.text("column.characteristic"): story.text("table.one.count", name=sentence(story.label(column))),
            **dict.fromkeys(members, ""), **ends}
    return [head, *({story.text("column.characteristic"): f"{LEVEL}{level_label(story, column, level)}",
                     **{name: _share(values[mask], level) for name, mask in members.items()},
                     **dict.fromkeys(ends, "")} for level in levels)]


def _ordered(story: Story, column: str, values: pd.Series) -> list[object]:
    """List the levels of a column in the order in which its labels declare them, the others sorted behind."""
    declared = [name for name in story.labels if name.startswith(f"{column}=")]
    place = {name.removeprefix(f"{column}="): position for position, name in enumerate(declared)}
    return sorted(values.dropna().unique(), key=lambda v: (place.get(_code(v), len(place)), isinstance(v, str), v))


def _code(level: object) -> str:
    return f"{level:g}" if isinstance(level, float) else str(level)


def level_label(story: Story, column: str, level: object) -> str:
    """Return the readable name of a category: by column, by itself, or as it stands."""
    shown = _code(level)
    key = f"{column}={shown}"
    return story.label(key) if key in story.labels else story.label(shown)


def _median(values: pd.Series, story: Story, *, whole: bool) -> str:
    known = values.dropna().to_numpy(float)
    if not len(known):
        return numbers.NONE
    low, middle, high = np.quantile(known, [0.25, 0.5, 0.75])
    digits = 0 if max(abs(high), abs(low)) >= 100 or whole else 1
    to = "\uff5e" if story.language == "zh" else " to "
    return f"{numbers.number(middle, digits)} [{numbers.number(low, digits)}{to}{numbers.number(high, digits)}]"


def _share(values: pd.Series, level: object) -> str:
    known = int(values.notna().sum())
    n = int((values == level).sum())
    return f"{n} ({numbers.percent(n / known)})" if known else numbers.NONE


def largest_smd(values: pd.Series, classes: list[np.ndarray], *, numeric: bool) -> float:
    """Return the largest standardised mean difference between two classes (Yang and Dalton 2012)."""
    pairs = [(a, b) for i, a in enumerate(classes) for b in classes[i + 1:]]
    found = [_smd_numeric(values[a], values[b]) if numeric else _smd_levels(values[a], values[b]) for a, b in pairs]
    finite = [f for f in found if np.isfinite(f)]
    return max(finite) if finite else float("nan")


def _smd_numeric(left: pd.Series, right: pd.Series) -> float:
    spread = np.sqrt((left.var() + right.var()) / 2)
    return float(abs(left.mean() - right.mean()) / spread) if spread > 0 else float("nan")


def _smd_levels(left: pd.Series, right: pd.Series) -> float:
    levels = sorted(set(left.dropna()) | set(right.dropna()), key=str)[1:]
    if not levels or not left.notna().any() or not right.notna().any():
        return float("nan")
    p, q = (np.array([(side.dropna() == level).mean() for level in levels]) for side in (left, right))
    spread = (np.diag(p) - np.outer(p, p) + np.diag(q) - np.outer(q, q)) / 2
    inverse, gap = np.linalg.pinv(spread), p - q
    if not np.allclose(spread @ inverse @ gap, gap):
        return float("nan")  # a level that one class alone has, and wholly: no finite distance
    return float(np.sqrt(gap @ inverse @ gap))
