"""A frozen model in a folder: plain JSON with hashes, no pickle; read back whole and unchanged, or not at all."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

import numpy as np
import pandas as pd
from pydantic import BaseModel, ConfigDict, ValidationError

from radnb.errors import RadnbError, nearest, raise_all
from radnb.features.assemble import Cohort, Outcome
from radnb.features.settings import Settings, checked
from radnb.learning import estimators, shelf
from radnb.learning.pipeline import Pipeline
from radnb.statistics.families import Array
from radnb.work import files
from radnb.work.cards import card_problems

FORMAT = 1
MODEL, PAGE, ESTIMATORS, SUMS = "model.json", "MODEL.md", "estimators.skops", "SHA256SUMS"
UNREAD = frozenset({".DS_Store", "Thumbs.db", "desktop.ini"})  # what file managers leave in every folder
PICKLED = (".pkl", ".pickle", ".joblib", ".sav", ".dill", ".pt", ".pth")
LARGEST_BYTES = 500_000_000
TOLERANCE = 1e-9  # relative to 1 or the score's own size, on any machine


class _Part(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)


class Range(_Part):
    """What a raw column looked like among the training patients."""

    name: str
    block: str
    low: float
    high: float
    p1: float
    p99: float
    missing: float

    @property
    def spread(self) -> float:
        """Return the width of the middle 98 %, or of the whole where that is nothing."""
        return (self.p99 - self.p1) or (self.high - self.low) or 1.0

    @property
    def middle(self) -> float:
        """Return the middle of the middle 98 %."""
        return (self.p1 + self.p99) / 2


class Measured(_Part):
    """Extraction settings under their name, whole and with their hash."""

    preset: str
    settings: dict[str, Any]
    sha256: str


class Extraction(_Part):
    """How the training patients' images were measured; `source` is images, table (finished elsewhere) or none."""

    phases: dict[str, Measured]  # an empty name stands for all phases
    engine: str | None = None
    version: str | None = None
    source: Literal["images", "table", "none"]


class Clinical(_Part):
    """A clinical column as the training cohort declared it."""

    kind: str
    unit: str = ""
    levels: list[str] = []
    label: dict[str, str] = {}


class Metric(_Part):
    """One row of the run's metrics of this model."""

    set: str
    metric: str
    value: float | None
    low: float | None
    high: float | None
    n: int
    events: int
    method: str


class Probes(_Part):
    """Made-up patients and the scores that they had when the model was frozen."""

    values: list[list[float | None]]
    scores: list[list[float]]


class About(_Part):
    """Everything that is known of a frozen model but the numbers that it computes with."""

    kind: Literal["radnb frozen model"] = "radnb frozen model"
    format: int = FORMAT
    model: str
    blocks: list[str]
    outcome: dict[str, Any]
    targets: list[str]
    scale: Literal["probability", "risk", "linear"]
    study: dict[str, Any]
    extraction: Extraction
    clinical: dict[str, Clinical]
    ranges: list[Range]
    seen: dict[str, list[str]]  # centre, scanner: the values among the training patients
    synthetic: bool = False
    patients: int
    events: int
    performance: list[Metric]
    probes: Probes
    provenance: dict[str, Any]


@dataclass(frozen=True)
class Frozen:
    """A frozen model: what is known of it, what it computes with, and the hash of its folder's files."""

    about: About
    pipeline: Pipeline
    sha256: str = ""

    @property
    def name(self) -> str:
        """Return the name of its model set."""
        return self.about.model

    @property
    def names(self) -> tuple[str, ...]:
        """Return the raw columns that a new patient must bring."""
        return self.pipeline.model.names

    @property
    def targets(self) -> tuple[str, ...]:
        """Return what the scores are of: the event's class, every class, or risk."""
        return tuple(self.about.targets)

    @property
    def scale(self) -> str:
        """Say what the scores are: probability, risk or linear."""
        return self.about.scale

    @property
    def thresholds(self) -> tuple[float | None, ...]:
        """Return the threshold of each target, None where none was learned."""
        return self.pipeline.thresholds

    @property
    def outcome(self) -> Outcome:
        """Return the outcome that it predicts."""
        given = self.about.outcome
        return Outcome(given["kind"], given["name"], tuple(given["classes"]))

    @property
    def ranges(self) -> Mapping[str, Range]:
        """Return the training range of each raw column."""
        return {one.name: one for one in self.about.ranges}

    @property
    def settings(self) -> dict[str, Settings]:
        """Return the extraction settings of each phase (an empty name: of all), checked anew."""
        return settings_of(self.about)

    def scores(self, table: pd.DataFrame) -> Array:
        """Return the scores (n, targets) of patients who bring every column, NaN where a value is missing."""
        return self.pipeline.scores(table)


def settings_of(about: About) -> dict[str, Settings]:
    """Return the extraction settings of each phase (an empty name: of all), checked anew."""
    return {phase: checked(one.settings, name=one.preset, where=MODEL)
            for phase, one in about.extraction.phases.items()}


def write(folder: Path, about: About, pipeline: Pipeline, page: str) -> Frozen:
    """Write a model folder, its hashes last; a folder that holds something else is refused."""
    folder = Path(folder)
    found = {path.name for path in folder.iterdir()} - UNREAD if folder.is_dir() else set()
    if folder.is_file() or (found and not {MODEL, PAGE} <= found <= {MODEL, PAGE, ESTIMATORS, SUMS}):
        raise RadnbError(f"{folder} exists and is no model folder of radnb. Choose an empty folder with -o.",
                         code="E_FOLDER")
    parts: list[Any] = []
    packed = shelf.pack(pipeline, parts)
    content = {"about": about.model_dump(mode="json"), "pipeline": packed}
    text = json.dumps(content, sort_keys=True, ensure_ascii=False, allow_nan=False, indent=1) + "\n"
    made = {MODEL: text.encode(), PAGE: page.encode()} | ({ESTIMATORS: estimators.dump(parts)} if parts else {})
    for name in sorted(found):
        (folder / name).unlink()
    for name, body in made.items():
        files.write_bytes(folder / name, body)
    sums = "".join(f"{files.sha256_file(folder / name)}  {name}\n" for name in sorted(made))
    files.write_text(folder / SUMS, sums)
    return load(folder)


def load(folder: Path) -> Frozen:
    """Read a model folder; whatever is missing, added, changed, pickled, unknown or of a newer format is refused."""
    folder = Path(folder)
    names = _hashed(folder)
    given = _json(folder / MODEL)
    about = _about(given.get("about"), folder / MODEL)
    parts = estimators.load((folder / ESTIMATORS).read_bytes(), str(folder / ESTIMATORS)) if ESTIMATORS in names else []
    pipeline = shelf.unpack(given.get("pipeline"), parts, "pipeline")
    found = Frozen(about, pipeline, files.sha256_file(folder / SUMS))
    _fits_together(found, folder)
    return found


def about_of(folder: Path) -> About:
    """Read what is known of a frozen model, its files checked but its numbers left alone."""
    _hashed(Path(folder))
    return _about(_json(Path(folder) / MODEL).get("about"), Path(folder) / MODEL)


def _hashed(folder: Path) -> set[str]:
    """Return the files of a model folder that are exactly as they were written."""
    if folder.is_file() or not folder.is_dir():
        pickled = " Pickled and joblib files are never read, since they can run code." * (folder.suffix in PICKLED)
        raise RadnbError(f"{folder}: this is no model folder.{pickled} Name a folder that `radnb freeze` made.",
                         code="E_MODEL")
    if not (folder / SUMS).is_file():
        raise RadnbError(f"{folder}: there is no {SUMS}, so this is no whole model folder. Freeze the run again.",
                         code="E_MODEL")
    lines = (folder / SUMS).read_text("utf-8", errors="replace").splitlines()
    wanted = {name: digest for digest, name in map(_sum, lines)}
    there = {path.name for path in folder.iterdir()} - UNREAD - {SUMS}
    problems = [f"{folder}: {name} is missing. Copy the whole folder again." for name in wanted if name not in there]
    problems += [f"{folder}: {name} does not belong to the model. {_why_not(name)}"
                 for name in sorted(there - set(wanted))]
    problems += [f"{folder}: {name} is not as it was frozen (its SHA-256 differs). Copy the folder again, or freeze "
                 "the run again." for name in wanted if name in there and _digest(folder / name) != wanted[name]]
    unknown = set(wanted) - {MODEL, PAGE, ESTIMATORS}
    problems += [f"{folder}: {name} is no file of a frozen model. {_why_not(name)}" for name in sorted(unknown)]
    problems += [f"{folder}: {name} stands in no line of {SUMS}. Freeze the run again."
                 for name in (MODEL, PAGE) if name not in wanted]
    raise_all(list(dict.fromkeys(problems)), code="E_MODEL")
    return set(wanted)


def _sum(line: str) -> tuple[str, str]:
    digest, _, name = line.partition("  ")
    return digest, name


def _digest(path: Path) -> str:
    return files.sha256_file(path) if path.is_file() and not path.is_symlink() else ""


def _why_not(name: str) -> str:
    return ("Pickled and joblib files are never read, since they can run code: delete it."
            if name.endswith(PICKLED) else "Delete it, or copy the folder again.")


def _json(path: Path) -> Mapping[str, Any]:
    if path.stat().st_size > LARGEST_BYTES:
        raise RadnbError(f"{path}: larger than {LARGEST_BYTES // 10**6} MB, so it is refused.", code="E_MODEL")
    try:
        given = json.loads(path.read_text("utf-8"), parse_constant=_no_number, object_pairs_hook=_once)
    except (ValueError, RecursionError) as error:
        raise RadnbError(f"{path}: this cannot be read ({error}). Freeze the run again.", code="E_MODEL") from None
    if not isinstance(given, dict) or set(given) != {"about", "pipeline"}:
        raise RadnbError(f"{path}: this is no frozen model. Freeze the run again.", code="E_MODEL")
    return given


def _no_number(text: str) -> float:
    raise ValueError(f"{text} is no finite number")


def _once(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    if len({key for key, _ in pairs}) < len(pairs):
        raise ValueError("a key stands twice")
    return dict(pairs)


def _about(given: Any, path: Path) -> About:
    form = given.get("format") if isinstance(given, dict) else None
    if type(form) is int and form > FORMAT:
        raise RadnbError(f"{path}: this model has format {form}, and this radnb reads formats up to {FORMAT}. "
                         "Update radnb.", code="E_VERSION")
    try:
        return About.model_validate(given)
    except ValidationError as error:
        raise_all(card_problems(error, About, where=str(path)), code="E_MODEL")
        raise


def probe(pipeline: Pipeline, ranges: Sequence[Range]) -> Probes:
    """Score made-up patients: all at the low end, at 1 %, in the middle, at 99 %, at the high end, and unknown."""
    known = {one.name: one for one in ranges}
    names = pipeline.model.names
    values: list[list[float | None]] = [[getattr(known[name], end) for name in names]
                                        for end in ("low", "p1", "middle", "p99", "high")]
    values.append([None] * len(names))
    return Probes(values=values, scores=pipeline.scores(probe_table(values, names)).tolist())


def probe_table(values: list[list[float | None]], names: Sequence[str]) -> pd.DataFrame:
    return pd.DataFrame(np.array(values, float).reshape(len(values), len(names)), columns=list(names))


def _fits_together(found: Frozen, folder: Path) -> None:
    """Score the made-up patients again: other scores mean that the parts, or the libraries, are not those frozen."""
    about = found.about
    try:
        if not isinstance(found.pipeline, Pipeline) or set(found.ranges) < set(found.names):
            raise ValueError("the columns have no ranges")
        wanted = np.array(about.probes.scores, float).reshape(len(about.probes.values), len(about.targets))
        scores = found.scores(probe_table(about.probes.values, found.names))
        if scores.shape != wanted.shape or np.shape(np.asarray(found.thresholds, float)) != (len(about.targets),):
            raise ValueError("scores and targets differ in number")
    except (AttributeError, TypeError, ValueError, IndexError, KeyError) as error:
        raise RadnbError(f"{folder}: the parts of the model do not fit together ({error}). The files were changed: "
                         "freeze the run again.", code="E_MODEL") from None
    off = np.abs(scores - wanted) / np.maximum(1.0, np.abs(wanted))
    if not (off <= TOLERANCE).all():
        raise RadnbError(f"{folder}: the model does not give the scores that it was frozen with (they differ by up to "
                         f"{np.nanmax(off, initial=0.0):.1g}). Its numbers were changed, or other versions of its "
                         f"libraries are installed ({_versions(about)}): install those, or freeze the run again.",
                         code="E_MODEL")


def _versions(about: About) -> str:
    given = about.provenance.get("versions") or {}
    return ", ".join(f"{name} {version}" for name, version in given.items()) or "unknown"


def ranges(table: pd.DataFrame, blocks: Mapping[str, Sequence[str]], names: Sequence[str]) -> list[Range]:
    """Return how each raw column lay among the training patients; the values of no single patient but the ends."""
    block = {column: name for name, columns in reversed(list(blocks.items())) for column in columns}
    found = []
    for name in names:
        x = table[name].to_numpy(float)
        seen = x[~np.isnan(x)]
        ends = np.quantile(seen, [0, 0.01, 0.99, 1]).tolist() if len(seen) else [0.0] * 4
        found.append(Range(name=name, block=block[name], low=ends[0], p1=ends[1], p99=ends[2], high=ends[3],
                           missing=float(np.isnan(x).mean())))
    return found


def absent(names: Sequence[str], table: pd.DataFrame, where: str) -> list[str]:
    """List, with the nearest names, the columns that a model needs and the patients do not have."""
    have = [str(column) for column in table.columns]
    return [f"{where}: the patients have no {name!r}, which the model needs. {nearest(name, have)}"
            for name in names if name not in table]


def refuse_other_outcome(wanted: Outcome, cohort: Cohort, where: str) -> None:
    """Refuse a cohort whose outcome is not the one that the model predicts."""
    mine = cohort.outcome
    if mine.kind != wanted.kind or (wanted.kind == "classes" and mine.classes != wanted.classes):
        told = [f"{one.name} ({', '.join(one.classes) or 'time and event'})" for one in (wanted, mine)]
        raise RadnbError(f"{where}: the model predicts {told[0]}, and the card's outcome is {told[1]}. Give the card "
                         "an outcome with the same classes in the same order, or take another model.", code="E_OUTCOME")
