"""From long features to one row per patient: phases, regions and time points side by side, and what changed between."""

from __future__ import annotations

import itertools
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace

import numpy as np
import pandas as pd

from radnb.errors import RadnbError, nearest, raise_all

KEYS = ("patient_id", "roi", "phase", "timepoint", "reader")
RADIOMICS, DELTA = "radiomics", "delta"
CHANGES = ("absolute", "relative")
JOIN = "join"
LESIONS = ("largest", "mean", JOIN)
VOLUME = "original_shape_MeshVolume"
NEAR_ZERO = 1e-6  # of the later value: a change beyond the million-fold says nothing but that it began at nothing
Blocks = dict[str, tuple[str, ...]]


@dataclass(frozen=True)
class Layout:
    """Which measured regions stand for a patient and how they stand side by side; the first time point is the earlier.

    `lesions` says what several regions of a patient become: the `largest`, their `mean`, or all side by side (`join`).
    `columns` names the features of a phase, where phases are measured with different settings.
    """

    phases: tuple[str, ...] = ()
    rois: tuple[str, ...] = ("tumour",)
    timepoints: tuple[str, ...] = ("baseline",)
    reader: str = "R1"
    lesions: str | None = None
    delta: tuple[str, ...] = ()
    columns: Mapping[str, Sequence[str]] = field(default_factory=dict)

    @property
    def side_by_side(self) -> tuple[str, ...]:
        """Return the regions that have columns of their own; one empty name where one region stands for a patient."""
        return self.rois if self.lesions == JOIN else ("",)

    @property
    def said(self) -> str:
        """Say which measurements these are."""
        return f"region {', '.join(self.rois)}, time point {', '.join(self.timepoints)}, reader {self.reader}"


@dataclass(frozen=True)
class Cell:
    """One measurement of a patient that becomes columns: of a time point, region and phase, or a change in them."""

    timepoint: str
    roi: str
    phase: str
    change: str = ""


def block_cells(layout: Layout) -> dict[str, tuple[Cell, ...]]:
    """Return what each block of image features holds: all, each phase, region and time point, and their crossings."""
    return {**_crossed(RADIOMICS, cells(layout), layout), **_crossed(DELTA, changes(layout), layout)}


def cells(layout: Layout) -> list[Cell]:
    """Return what is measured of each patient, in the order of its columns."""
    return [Cell(*each) for each in
            itertools.product(layout.timepoints, layout.side_by_side, layout.phases or ("",))]


def changes(layout: Layout) -> list[Cell]:
    """Return what is said to change from the first time point, in the order of its columns."""
    return [Cell(time, roi, phase, kind) for kind in layout.delta for time, roi, phase in
            itertools.product(layout.timepoints[1:], layout.side_by_side, layout.phases or ("",))]


def _crossed(kind: str, found: list[Cell], layout: Layout) -> dict[str, tuple[Cell, ...]]:
    if not found:
        return {}
    marks = {cell: _marks(cell, layout) for cell in found}
    names: dict[tuple[str, ...], str] = {(): kind}
    for size in range(1, max(map(len, marks.values())) + 1):
        names |= {part: ":".join([kind, *part]) for cell in found for part in itertools.combinations(marks[cell], size)}
    return {name: tuple(cell for cell in found if set(part) <= set(marks[cell])) for part, name in names.items()}


def _marks(cell: Cell, layout: Layout) -> tuple[str, ...]:
    """Return the words that tell a cell from others in the name of a block."""
    return tuple(filter(None, (cell.change, _time(cell, layout), cell.roi, cell.phase)))


def _time(cell: Cell, layout: Layout) -> str:
    return cell.timepoint if len(layout.timepoints) > (2 if cell.change else 1) else ""


def _prefix(cell: Cell, layout: Layout) -> str:
    """Return what stands before a feature's name, so that no two columns are called alike."""
    roi, phase = cell.roi if len(layout.rois) > 1 else "", cell.phase if len(layout.phases) > 1 else ""
    change = f"{DELTA}_{cell.change}" if cell.change else ""
    return "".join(f"{word}_" for word in (change, _time(cell, layout), roi, phase) if word)


def joined(rows: pd.DataFrame, layout: Layout) -> tuple[pd.DataFrame, Blocks]:
    """Return one row per patient who has every measurement, and the columns of each block.

    `rows` holds one reader's long features, one row per patient, phase, time point and, side by side, region.
    A change is later - earlier (`absolute`), or that divided by |earlier| (`relative`), which is left empty where
    |earlier| is (near) zero.
    """
    parts = {cell: _columns(rows, cell, layout) for cell in cells(layout)}
    table = pd.concat(parts.values(), axis=1, join="inner").sort_index()
    held = {cell: tuple(part.columns) for cell, part in parts.items()}
    made = {cell: _changed(table, held, cell, layout) for cell in changes(layout)}
    held |= {cell: tuple(part.columns) for cell, part in made.items()}
    blocks = {name: tuple(column for cell in of for column in held[cell]) for name, of in block_cells(layout).items()}
    return pd.concat([table, *made.values()], axis=1), blocks


def _columns(rows: pd.DataFrame, cell: Cell, layout: Layout) -> pd.DataFrame:
    own = (rows["phase"] == cell.phase) & (rows["timepoint"] == cell.timepoint)
    if cell.roi:
        own &= rows["roi"] == cell.roi
    part = rows[own].drop(columns=list(KEYS[1:])).set_index("patient_id")
    if cell.phase in layout.columns:
        part = part[[name for name in layout.columns[cell.phase] if name in part]]
    return part.add_prefix(_prefix(cell, layout))


def _ends(cell: Cell, layout: Layout) -> tuple[Cell, Cell]:
    """Return the earlier and the later measurement behind a change."""
    return Cell(layout.timepoints[0], cell.roi, cell.phase), Cell(cell.timepoint, cell.roi, cell.phase)


def _changed(table: pd.DataFrame, held: Mapping[Cell, tuple[str, ...]], cell: Cell, layout: Layout) -> pd.DataFrame:
    first, last = _ends(cell, layout)
    earlier, later = (table[list(held[end])].to_numpy(float) for end in (first, last))
    change = later - earlier
    if cell.change == "relative":
        change = change / np.where(_from_nothing(earlier, later), np.nan, np.abs(earlier))
    names = [name.removeprefix(_prefix(first, layout)) for name in held[first]]
    return pd.DataFrame(change, table.index, names).add_prefix(_prefix(cell, layout))


def _from_nothing(earlier: np.ndarray, later: np.ndarray) -> np.ndarray:
    """Say where a relative change has no meaning; a rule of each patient alone, so that none learns of the others."""
    size = np.abs(earlier)
    return np.asarray(size <= NEAR_ZERO * np.fmax(size, np.abs(later)))


def undefined_changes(table: pd.DataFrame, blocks: Mapping[str, Sequence[str]], layout: Layout) -> dict[str, int]:
    """Count, by column, the patients whose relative change is empty because it began at (nearly) nothing."""
    found: dict[str, int] = {}
    for cell in (each for each in changes(layout) if each.change == "relative"):
        earlier, later = (table[list(blocks[_block(of, layout)])].to_numpy(float) for of in _ends(cell, layout))
        empty = (_from_nothing(earlier, later) & np.isfinite(later)).sum(axis=0)
        found |= {name: int(n) for name, n in zip(blocks[_block(cell, layout)], empty, strict=True) if n}
    return found


def _block(cell: Cell, layout: Layout) -> str:
    """Return the block that holds this cell alone."""
    return ":".join([DELTA if cell.change else RADIOMICS, *_marks(cell, layout)])


def picked(features: pd.DataFrame, layout: Layout) -> pd.DataFrame:
    """Return the layout's rows of long features; names that the cohort does not know are refused."""
    rows = rows_of(features, replace(layout, phases=()))
    if rows.empty:
        there = features[["roi", "timepoint", "reader"]].drop_duplicates().head(10)
        listed = "; ".join(", ".join(map(str, row)) for row in there.itertuples(index=False))
        raise RadnbError(f"images: there are no features for {layout.said}. There are: "
                         f"{listed or 'none at all (see the failures)'}.", code="E_CONFIG")
    wanted = {"roi": layout.rois, "timepoint": layout.timepoints, "phase": layout.phases}
    raise_all([_unknown(name, value, rows if name == "phase" else features, layout) for name, values in wanted.items()
               for value in values if value not in set(rows[name])], code="E_CONFIG")
    return rows_of(rows, layout)


def rows_of(features: pd.DataFrame, layout: Layout) -> pd.DataFrame:
    """Return the layout's rows, values as plain numbers (infinite ones as missing), without diagnostics."""
    rows = features[features["roi"].isin(layout.rois) & features["timepoint"].isin(layout.timepoints)
                    & (features["reader"] == layout.reader)]
    if layout.phases:
        rows = rows[rows["phase"].isin(layout.phases)]
    values = [name for name in rows if name not in KEYS and not str(name).startswith("diagnostics_")]
    return pd.concat([rows[list(KEYS)], rows[values].astype(float).replace([np.inf, -np.inf], np.nan)], axis=1)


def _unknown(name: str, value: str, rows: pd.DataFrame, layout: Layout) -> str:
    key = "phases" if name == "phase" else name
    of = f" for {layout.said}" if name == "phase" else ""
    return (f"images.{key}: the cohort has no {name} {value!r}{of}. "
            f"{nearest(value, map(str, rows[name].unique()))}")


def one_lesion(rows: pd.DataFrame, layout: Layout) -> pd.DataFrame:
    """Return one row per patient, phase and time point where several regions stand for one; the largest is that of the
    first time point and phase, and is followed through the others."""
    same = ["patient_id", "phase", "timepoint"]
    several = rows[rows.duplicated(same, keep=False)]["patient_id"].unique()
    if layout.lesions == JOIN or not len(several):
        return rows
    if layout.lesions not in LESIONS:
        raise RadnbError(f"images: {len(several)} patients have several regions ({', '.join(several[:5])} ...). "
                         "Say what stands for the patient: `several_rois: largest` or `several_rois: mean`; "
                         "`several_rois: join` puts regions that everybody has side by side.", code="E_ROI_AMBIGUOUS")
    if layout.lesions == "mean":
        means = rows.groupby(same, sort=True).mean(numeric_only=True).reset_index()
        return means.assign(roi="", reader="")
    if VOLUME not in rows:
        raise RadnbError(f"images.several_rois: without the feature {VOLUME} the largest region is unknown. "
                         "Extract it, or take the mean.", code="E_CONFIG")
    return _largest(rows, layout)


def _largest(rows: pd.DataFrame, layout: Layout) -> pd.DataFrame:
    order = rows.assign(_phase=_places(rows["phase"], layout.phases),
                        _time=_places(rows["timepoint"], layout.timepoints))
    order = order.sort_values(["patient_id", "_time", "_phase", VOLUME, "roi"],
                              ascending=[True, True, True, False, True], kind="stable")
    largest = order.drop_duplicates("patient_id").set_index("patient_id")["roi"]
    kept = order[order["roi"] == order["patient_id"].map(largest)]
    return kept.drop_duplicates(["patient_id", "phase", "timepoint"]).drop(columns=["_phase", "_time"])


def _places(values: pd.Series, known: Iterable[str]) -> pd.Series:
    return values.map({name: place for place, name in enumerate(known)})


def lacking(patients: pd.Series, rows: pd.DataFrame, there: Iterable[str], failed: set[str],
            layout: Layout) -> pd.Series:
    """Return why each patient without a joined row has none."""
    known, seen = set(there), rows.groupby("patient_id")
    have = {str(name): part for name, part in seen[["timepoint", "roi"]]}
    return pd.Series({name: "extraction_failed" if name in failed else _why(have.get(name), layout)
                      for name in patients if name not in known}, dtype="object")


def _why(rows: pd.DataFrame | None, layout: Layout) -> str:
    if rows is None:
        return "no_image"
    if not set(layout.timepoints) <= set(rows["timepoint"]):
        return "missing_timepoint"
    if layout.lesions == JOIN and not set(layout.rois) <= set(rows["roi"]):
        return "missing_region"
    return "missing_phase"


def failed(failures: pd.DataFrame | None, layout: Layout) -> set[str]:
    """Return the patients one of whose wanted regions could not be measured."""
    if failures is None:
        return set()
    ours = (failures["roi"].isin(layout.rois) & failures["phase"].isin(layout.phases)
            & failures["timepoint"].isin(layout.timepoints) & (failures["reader"] == layout.reader))
    return set(failures.loc[ours, "patient_id"])
