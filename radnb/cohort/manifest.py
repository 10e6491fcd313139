"""The cohort manifest: which tables hold the patients, what their columns are called and when each is known."""

from __future__ import annotations

import os
import re
from collections.abc import Mapping
from pathlib import Path
from typing import Annotated, Any, Literal

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field, PrivateAttr, ValidationError, model_validator

from radnb.errors import RadnbError, nearest, raise_all, similar
from radnb.work.cards import as_words, card_problems, read_card

KEYS = ("patient_id", "roi", "phase", "timepoint", "reader")
DEFAULTS = {"roi": "tumour", "phase": "", "timepoint": "baseline", "reader": "R1", "label": "1"}
MISSING = ("", "NA", "N/A", "#N/A", "NaN", "null", "None", "-", "--", ".", "?", "unknown",
           "不详", "未知", "未查", "缺失", "无数据")

Known = Literal["before_surgery", "after_surgery", "outcome"]
Language = Literal["en", "zh"]
Words = Annotated[dict[str, str], BeforeValidator(as_words)]
WordList = Annotated[tuple[str, ...], BeforeValidator(as_words)]
Texts = Annotated[dict[Language, str], BeforeValidator(as_words)]
Word = Annotated[str, BeforeValidator(as_words)]


class Part(BaseModel):
    """A part of a manifest: unknown keys are refused, nothing changes after reading."""

    model_config = ConfigDict(extra="forbid", frozen=True)


class Column(Part):
    """A clinical column: what it is, when it is known, and how it is shown."""

    kind: Literal["number", "category", "text", "date"]
    known: Known
    column: Word | None = None
    unit: str = ""
    range: tuple[float, float] | None = None
    levels: WordList = ()
    map: Words = Field(default_factory=dict)
    label: Texts = Field(default_factory=dict)
    level_labels: dict[str, Texts] = Field(default_factory=dict)

    @model_validator(mode="before")
    @classmethod
    def _words_as_levels(cls, given: Any) -> Any:
        if isinstance(given, Mapping) and isinstance(given.get("level_labels"), Mapping):
            labels = given["level_labels"]
            return {**given, "level_labels": {as_words(level): texts for level, texts in labels.items()}}
        return given

    @model_validator(mode="after")
    def _options_fit_the_kind(self) -> Column:
        raise_values([*self._kind_faults(), *self._level_faults()])
        return self

    def _kind_faults(self) -> list[str]:
        faults = []
        if self.range and self.kind != "number":
            faults.append(f"`range` is for numbers, this column is of kind {self.kind}. Remove it.")
        if self.range and self.range[0] > self.range[1]:
            faults.append("`range` runs from the larger to the smaller number. Swap them.")
        if self.unit and self.kind != "number":
            faults.append(f"`unit` is for numbers, this column is of kind {self.kind}. Remove it.")
        if (self.levels or self.level_labels) and self.kind != "category":
            faults.append(f"`levels` are for categories, this column is of kind {self.kind}. Remove them.")
        return faults

    def _level_faults(self) -> list[str]:
        faults = [f"the level {level!r} stands twice. Remove one."
                  for level in dict.fromkeys(self.levels) if self.levels.count(level) > 1]
        if self.levels and self.kind == "category":
            for word in dict.fromkeys([*self.map.values(), *self.level_labels]):
                if word not in self.levels:
                    faults.append(f"{word!r} is not among the levels. {nearest(word, self.levels)}")
        return faults


class Clinical(Part):
    """The clinical table, one row per patient; column `patient_id` is named apart, for it has no kind."""

    file: str
    sheet: Word | None = None
    patient_id: Word = "patient_id"
    columns: dict[str, Column] = Field(default_factory=dict)

    @model_validator(mode="before")
    @classmethod
    def _patient_id_apart(cls, given: Any) -> Any:
        if not isinstance(given, Mapping) or not isinstance(given.get("columns"), Mapping):
            return given
        columns = dict(given["columns"])
        named = columns.pop("patient_id", None)
        if named is None:
            return given
        if isinstance(named, Mapping):
            if set(named) - {"column", "kind", "known", "label"}:
                raise ValueError("columns.patient_id takes only `column`: write `patient_id: {column: ID}`.")
            named = named.get("column") or "patient_id"
        return {**given, "columns": columns, "patient_id": named}

    @model_validator(mode="after")
    def _names_are_plain(self) -> Clinical:
        faults = [f"columns.{name}: give the column an ASCII name (letters, digits, _) and its own name as "
                  f"`{{column: {name}}}`." for name in self.columns if not re.fullmatch(r"[A-Za-z]\w*", name, re.ASCII)]
        raise_values(faults)
        return self


class Images(Part):
    """The table of images and masks: one row per patient, roi, phase, timepoint and reader."""

    file: str
    sheet: Word | None = None
    columns: dict[Literal["patient_id", "roi", "phase", "timepoint", "reader", "image", "mask", "label"], Word] = (
        Field(default_factory=dict))

    @property
    def names(self) -> dict[str, str]:
        """Return the user's column name of each of ours that is named."""
        return {str(ours): theirs for ours, theirs in self.columns.items()}


class FeatureTable(Part):
    """A finished feature table: long with key columns, or wide with one row per patient."""

    file: str
    sheet: Word | None = None
    columns: dict[Literal["patient_id", "roi", "phase", "timepoint", "reader"], Word] = Field(default_factory=dict)
    roi: Word | None = None
    phase: Word | None = None
    timepoint: Word | None = None
    reader: Word | None = None
    drop: WordList = ()

    @property
    def names(self) -> dict[str, str]:
        """Return the user's name of each key column."""
        return {key: self.columns.get(key, key) for key in KEYS}  # type: ignore[call-overload]

    @property
    def constants(self) -> dict[str, str]:
        """Return the keys that are the same for every row of the table."""
        return {key: value for key in KEYS[1:] if (value := getattr(self, key)) is not None}


class FurtherTable(Part):
    """A table of further finished features (deep, genomic …), one row per patient, and when these are known."""

    file: str
    known: Literal["before_surgery", "after_surgery"]
    sheet: Word | None = None
    columns: dict[Literal["patient_id"], Word] = Field(default_factory=dict)
    prefix: Word | None = None
    drop: WordList = ()

    @property
    def names(self) -> dict[str, str]:
        """Return the user's name of the key column."""
        return {"patient_id": self.columns.get("patient_id", "patient_id")}


class Manifest(Part):
    """A checked manifest; its tables are found below `root`."""

    name: Word | Texts
    make: dict[str, Any] | None = None
    synthetic: bool = False
    data_root: str = "."
    images: Images | None = None
    features: FeatureTable | None = None
    tables: dict[str, FurtherTable] = Field(default_factory=dict)
    clinical: Clinical | None = None
    missing: WordList = MISSING
    centre: str | None = None
    _path: Path = PrivateAttr(default=Path("manifest.yaml"))

    @model_validator(mode="after")
    def _parts_fit_together(self) -> Manifest:
        faults = []
        if not (self.images or self.features or self.clinical or self.tables):
            faults.append("name at least one table: `images`, `features`, `tables` or `clinical`.")
        faults += [f"tables.{name}: give the table a plain name (letters, digits, _)."
                   for name in self.tables if not re.fullmatch(r"[A-Za-z]\w*", name, re.ASCII)]
        if self.centre and self.clinical is None:
            faults.append("`centre` names a clinical column, but there is no `clinical` part. Add it.")
        elif self.centre and self.clinical and self.centre not in self.clinical.columns:
            known = self.clinical.columns
            mend = nearest(self.centre, known) if known else "Declare it under clinical.columns."
            faults.append(f"centre: {self.centre!r} is not a declared clinical column. {mend}")
        raise_values(faults)
        return self

    @property
    def path(self) -> Path:
        """Return the manifest's own path."""
        return self._path

    @property
    def root(self) -> Path:
        """Return the data root as an absolute path, environment variables filled in."""
        return (self._path.parent / Path(expand(self.data_root, where=str(self._path))).expanduser()).resolve()

    def title(self, language: str = "en") -> str:
        """Return the cohort's name in a language."""
        return self.name if isinstance(self.name, str) else _text(self.name, language)

    def columns(self) -> dict[str, Column]:
        """Return the declared clinical columns, `patient_id` not among them."""
        return dict(self.clinical.columns) if self.clinical else {}

    def clinical_names(self) -> list[str]:
        """Return what the clinical table itself calls its declared columns."""
        return [column.column or name for name, column in self.columns().items()]

    def table_path(self, file: str, *, where: str) -> Path:
        """Return the absolute path of a table: beside the manifest, else below the data root, and nowhere else."""
        folders = dict.fromkeys([self._path.parent.resolve(), self.root])
        found = [path for folder in folders if (path := inside(folder, file)) is not None]
        if not found:
            raise RadnbError(f"{self._path}: {where}.file: {file!r} lies outside the data root {self.root}. "
                             "Move the table there, or set data_root to a folder that holds it.", code="E_PATH")
        there = [path for path in found if path.is_file()]
        if not there:
            near = [p.name for folder in folders if folder.is_dir() for p in folder.iterdir() if p.is_file()]
            mend = "Make the cohort first." if self.make else "Check data_root and the name."
            raise RadnbError(f"{self._path}: {where}.file: there is no {' nor '.join(map(str, found))}. "
                             f"{similar(Path(file).name, near, mend)}", code="E_FILE")
        return there[0]


def load_manifest(path: Path | str) -> Manifest:
    """Read and check a manifest whole; every fault is told at once with its key and the nearest valid name."""
    path = Path(path)
    given = read_card(path)
    try:
        manifest = Manifest.model_validate(given)
    except ValidationError as error:
        raise_all(card_problems(error, Manifest, where=str(path)), code="E_CONFIG")
        raise
    manifest._path = path.resolve()
    if not manifest.make and not manifest.root.is_dir():
        raise RadnbError(f"{path}: data_root: there is no folder {manifest.root}. "
                         "Write the folder that holds the images and tables.", code="E_PATH")
    return manifest


def inside(root: Path, name: str) -> Path | None:
    """Return the resolved path of `name` below `root`, or None when it leads outside (links are followed)."""
    text = name if os.name == "nt" else name.replace("\\", "/")
    if "\0" in text or text.startswith("//") or (os.name != "nt" and re.match(r"[A-Za-z]:", text)):
        return None
    try:
        path = (root / text).resolve()
    except (OSError, RuntimeError, ValueError):
        return None
    return path if path.is_relative_to(root.resolve()) else None


def expand(text: str, *, where: str) -> str:
    """Fill in `${NAME}` from the environment; an unset name is refused."""
    unset = [name for name in re.findall(r"\$\{(\w+)\}", text) if not os.environ.get(name)]
    if unset:
        raise RadnbError(f"{where}: data_root: the environment variable {unset[0]} is not set. "
                         f"Set it to a folder, or write the folder in place of ${{{unset[0]}}}.", code="E_CONFIG")
    return re.sub(r"\$\{(\w+)\}", lambda found: os.environ[found[1]], text)


def label(manifest: Manifest, name: str, language: str = "en", *, with_unit: bool = False) -> str:
    """Return what a reader calls a clinical column or an indicator such as `sex=male`."""
    base, _, level = name.partition("=")
    column = manifest.columns().get(base)
    text = _text(column.label if column else {}, language) or base.replace("_", " ")
    if level:
        return f"{text}{'：' if _code(language) == 'zh' else ': '}{level_label(manifest, base, level, language)}"
    return f"{text} ({column.unit})" if with_unit and column and column.unit else text


def level_label(manifest: Manifest, name: str, level: str, language: str = "en") -> str:
    """Return what a reader calls one level of a category."""
    column = manifest.columns().get(name)
    return _text(column.level_labels.get(level, {}) if column else {}, language) or level


def _text(texts: Mapping[Any, str], language: str) -> str:
    return texts.get(_code(language)) or texts.get("en") or next(iter(texts.values()), "")


def _code(language: str) -> str:
    return "zh" if language.startswith("zh") else "en"


def raise_values(faults: list[str]) -> None:
    """Raise pydantic's kind of error with all faults of one part."""
    if faults:
        raise ValueError(" ".join(faults))
