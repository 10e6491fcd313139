"""A first manifest drafted from a folder of images and masks, to be corrected by a person."""

from __future__ import annotations

import dataclasses
import json
import os
import re
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path, PurePosixPath

import pandas as pd

from radnb.cohort.cases import EXTENSIONS
from radnb.cohort.manifest import MISSING, load_manifest
from radnb.cohort.recognise import Reading, read_name
from radnb.cohort.tables import clean, read_table
from radnb.errors import RadnbError
from radnb.work.files import write_csv, write_text

LISTED = 20
MOST_FILES = 200_000
TABLES = (".csv", ".tsv", ".xlsx")
MOST_LEVELS, MOSTLY = 6, 0.8
OURS = {  # a usual heading -> the name that the label schemes and the template cards read
    "年龄": "age", "性别": "sex", "gender": "sex", "医院": "hospital", "中心": "centre", "center": "centre",
    "诊断": "diagnosis", "病理诊断": "diagnosis", "ki-67": "ki67", "ki67指数": "ki67", "ki-67指数": "ki67",
    "核分裂象": "mitoses", "核分裂": "mitoses", "分化": "differentiation", "分化程度": "differentiation",
    "标本": "specimen", "pn分期": "pn", "病理n分期": "pn", "ca19-9": "ca199", "手术日期": "surgery_date",
}


@dataclass(frozen=True)
class Found:
    """One image or mask file: its path below the folder, its patient and what its name says."""

    path: str
    patient: str
    reading: Reading


def draft(folder: Path, *, output: Path | None = None) -> str:
    """Write images.csv and manifest.yaml for a folder of NIfTI, NRRD or MHA files and say what was understood."""
    folder = Path(folder).resolve()
    target = Path(output).resolve() if output else folder
    if not folder.is_dir():
        raise RadnbError(f"{folder}: there is no such folder. Check the path.", code="E_FILE")
    if there := [name for name in ("images.csv", "manifest.yaml") if (target / name).exists()]:
        raise RadnbError(f"{target}: {' and '.join(there)} already exist. Choose another folder by -o, or move them "
                         "away.", code="E_EXISTS")
    files = sorted(_files(folder))
    if not files:
        raise RadnbError(f"{folder}: no NIfTI, NRRD or MHA file was found ({', '.join(EXTENSIONS)}). "
                         "Convert DICOM to NIfTI first.", code="E_FORMAT")
    table, lost = _pairs(_patients(files))
    table = _with_modalities(table)
    write_csv(target / "images.csv", table)
    write_text(target / "manifest.yaml", _manifest_text(folder, target))
    load_manifest(target / "manifest.yaml")
    return _summary(target, table, lost)


def _files(folder: Path) -> Iterator[str]:
    count = 0
    for where, folders, names in os.walk(folder):
        folders[:] = sorted(name for name in folders if not name.startswith("."))
        for name in sorted(names):
            if name.lower().endswith(EXTENSIONS) and not name.startswith("."):
                count += 1
                if count > MOST_FILES:
                    raise RadnbError(f"{folder}: more than {MOST_FILES} images. Name a smaller folder.",
                                     code="E_TOO_BIG")
                yield (Path(where) / name).relative_to(folder).as_posix()


def _stem(path: str) -> str:
    name = PurePosixPath(path).name
    ending = max((e for e in EXTENSIONS if name.lower().endswith(e)), key=len)
    stem = name[:-len(ending)]
    channel = any(part.lower() in ("imagestr", "imagests") for part in PurePosixPath(path).parts)  # as in nnU-Net
    return re.sub(r"_000\d$", "", stem) if channel else stem


def _patients(files: list[str]) -> list[Found]:
    """Take the patient from the folder where each folder holds one patient, else from the file name."""
    groups: dict[str, list[str]] = {}
    for path in files:
        groups.setdefault(_own_folder(path), []).append(path)
    found: list[Found] = []
    for own, paths in groups.items():
        by_folder = [Found(path, PurePosixPath(own).name, _reading(path)) for path in paths]
        keys = Counter(dataclasses.replace(f.reading, rest="") for f in by_folder)
        if own and max(keys.values()) == 1:
            found += [dataclasses.replace(f, patient=own) for f in by_folder]
        else:
            found += [Found(path, "/".join(filter(None, (own, _reading(path).rest))), _reading(path)) for path in paths]
    return _short_names(found)


def _short_names(found: list[Found]) -> list[Found]:
    """Name a patient by the last part of its place unless two places end alike."""
    places = {f.patient for f in found}
    ends = Counter(PurePosixPath(place).name for place in places)
    def name(place: str) -> str:
        end = PurePosixPath(place).name
        return end if ends[end] == 1 else place.replace("/", "-")
    return [dataclasses.replace(f, patient=clean(name(f.patient)) or "1") for f in found]


def _own_folder(path: str) -> str:
    """Return the folders of a path that are not mere words for phase, image or mask."""
    return "/".join(part for part in PurePosixPath(path).parts[:-1] if read_name(part, letters=False).rest)


def _reading(path: str) -> Reading:
    """Join what the file name and its folders say; the file name wins."""
    parts = PurePosixPath(path).parts[:-1]
    own = read_name(_stem(path), letters=True)
    for part in reversed(parts):
        said = read_name(part, letters=False)
        if said.rest:
            continue
        own = Reading(own.mask or said.mask, own.phase or said.phase, own.roi or said.roi, own.reader or said.reader,
                      own.rest)
    return own


def _pairs(found: list[Found]) -> tuple[pd.DataFrame, list[str]]:
    """Join each mask to its patient's image of the same phase; return the rows and what found no partner."""
    plain = {f.patient for f in found if not (f.reading.mask or f.reading.roi)}
    masks = [f for f in found if f.reading.mask or (f.reading.roi and f.patient in plain)]
    is_mask = set(masks)
    images: dict[str, list[Found]] = {}
    for image in (f for f in found if f not in is_mask):
        images.setdefault(image.patient, []).append(image)
    rows, used, lost = [], set(), []
    for mask in masks:
        partners = images.get(mask.patient, [])
        same = [i for i in partners if i.reading.phase == mask.reading.phase] or (
            partners if len(partners) == 1 and not (mask.reading.phase and partners[0].reading.phase) else [])
        if len(same) != 1:
            lost.append(f"{mask.path}: {'no image' if not same else 'several images'} of patient {mask.patient!r}"
                        f"{' and phase ' + mask.reading.phase if mask.reading.phase else ''} to go with this mask")
            continue
        used.add(same[0].path)
        rows.append({"patient_id": mask.patient, "roi": mask.reading.roi or "tumour", "phase": same[0].reading.phase
                     or mask.reading.phase, "reader": mask.reading.reader or "R1", "image": same[0].path,
                     "mask": mask.path, "label": 1})
    lost += [f"{i.path}: no mask found" for group in images.values() for i in group if i.path not in used]
    columns = ["patient_id", "roi", "phase", "reader", "image", "mask", "label"]
    table = pd.DataFrame(rows, columns=columns).sort_values(columns, kind="stable", ignore_index=True)
    again = table.duplicated(columns[:4], keep="first")
    lost += [f"{path}: a second mask of the same patient, roi, phase and reader" for path in table.loc[again, "mask"]]
    return table[~again].reset_index(drop=True), lost


def _with_modalities(table: pd.DataFrame) -> pd.DataFrame:
    """Name a phase that stays empty beside named ones by its modality, as in CT beside PET."""
    if table["phase"].nunique() < 2:
        return table
    words = table["image"].map(lambda path: set(re.split(r"[^a-z]+", path.lower())))
    said = words.map(lambda found: next((name for name in ("CT", "MR") if name.lower() in found), ""))
    return table.assign(phase=table["phase"].where(table["phase"] != "", said))


def _manifest_text(folder: Path, target: Path) -> str:
    try:
        root = Path(os.path.relpath(folder, target)).as_posix()
    except ValueError:  # another drive
        root = folder.as_posix()
    lines = ["# A draft by `radnb init`: look through images.csv, then fill in the clinical table.",
             "# 由 radnb init 生成的草稿:请先核对 images.csv,再填写临床表。",
             f"name: {json.dumps(folder.name, ensure_ascii=False)}",
             f"data_root: {json.dumps(root, ensure_ascii=False)}   # paths in images.csv are relative to it 图像根目录",
             "images: {file: images.csv}"]
    return "\n".join(lines + _clinical_lines(folder)) + "\n"


def _clinical_table(folder: Path) -> str:
    """Return the name of the one table that is likely to be the clinical one, or nothing."""
    tables = sorted(p.name for p in folder.iterdir() if p.suffix.lower() in TABLES and p.name[0] not in ".~")
    named = [name for name in tables if re.search("clinic|临床", name.lower())]
    likely = named or tables
    return likely[0] if len(likely) == 1 else ""


def _clinical_lines(folder: Path) -> list[str]:
    """Draft the clinical part as comments, for only a person knows when each column is known."""
    name = _clinical_table(folder)
    lines = ["", "# One row per patient. Remove each #, correct what was guessed, and replace CHOOSE by when the value",
             "# is known: before_surgery, after_surgery or outcome. A preoperative model refuses the later ones.",
             "# 每例患者一行。去掉 #,核对类型,并把 CHOOSE 改为",
             "# before_surgery(术前)、after_surgery(术后)或 outcome(结局)。",
             "# clinical:", f"#   file: {json.dumps(name or 'clinical.xlsx', ensure_ascii=False)}", "#   columns:"]
    try:
        table = read_table(folder / name) if name else pd.DataFrame()
    except RadnbError:
        table = pd.DataFrame()
    if table.columns.empty:
        return [*lines, "#     patient_id: {column: ID}", "#     age: {column: Age, kind: number, known: CHOOSE}"]
    for ours, theirs in zip(_names(table.columns), table.columns, strict=True):
        said = "" if ours == "patient_id" else f", {_kind(table[theirs])}, known: CHOOSE"
        lines.append(f"#     {ours}: {{column: {json.dumps(theirs, ensure_ascii=False)}{said}}}")
    return lines


def _names(headings: pd.Index) -> list[str]:
    """Give each heading a plain name of its own; the first is taken for the patients' numbers."""
    names = ["patient_id"]
    for place, heading in enumerate(headings[1:], 1):
        plain = heading.lower() if heading.isascii() and heading.isidentifier() else f"column_{place}"
        name = OURS.get(heading.casefold(), plain)
        names.append(f"column_{place}" if name in names else name)
    return names


def _kind(cells: pd.Series) -> str:
    """Guess what a column is from its cells; few different words make a category with its levels."""
    words = cells.astype("string").map(clean, na_action="ignore")
    words = words[words.notna() & ~words.isin(MISSING)]
    levels = sorted(words.unique())
    if len(words) and words.str.fullmatch(r"\d{4}-\d{1,2}-\d{1,2}.*").all():
        return "kind: date"
    if len(words) and pd.to_numeric(words, errors="coerce").notna().mean() > MOSTLY and len(levels) > 2:
        return "kind: number"
    if 1 < len(levels) <= MOST_LEVELS < len(words):
        return f"kind: category, levels: {json.dumps(levels, ensure_ascii=False)}"
    return "kind: text"


def _summary(target: Path, table: pd.DataFrame, lost: list[str]) -> str:
    def listed(column: str) -> str:
        return ", ".join(f"{value or '(none)'} {n}" for value, n in table[column].value_counts().sort_index().items())
    lines = [f"{table['patient_id'].nunique()} patients, {len(table)} pairs of image and mask.",
             *(f"  {column}: {listed(column)}" for column in ("phase", "roi", "reader") if len(table)),
             f"Written: {target / 'manifest.yaml'}", f"         {target / 'images.csv'}"]
    if lost:
        lines.append(f"Not understood ({len(lost)}):")
        lines += [f"  {line}" for line in lost[:LISTED]]
        lines += [f"  ... and {len(lost) - LISTED} more"] if len(lost) > LISTED else []
    if any("\u4e00" <= letter <= "\u9fff" for letter in "".join(table["patient_id"])):
        lines.append("Some patient ids hold Chinese characters: if they are names, replace them by study numbers.")
    return "\n".join([*lines, "Next: look through images.csv, fill in `clinical` in manifest.yaml, then run "
                               f'`radnb check "{target}"`.'])
