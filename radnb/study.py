"""One checked study card: the only configuration of a study."""

from __future__ import annotations

import copy
import re
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import Annotated, Any, Literal, get_args

import yaml
from pydantic import BaseModel, ConfigDict, Field, ValidationError, field_validator, model_validator

from radnb.cohort.labels import SCHEMES
from radnb.errors import RadnbError, nearest, raise_all
from radnb.features.engines import ENGINES
from radnb.features.joining import DELTA, JOIN, RADIOMICS, Layout, block_cells
from radnb.learning import fusion
from radnb.learning.frozen import about_of
from radnb.learning.grid import grid_problems
from radnb.learning.harmonise import HARMONISERS
from radnb.learning.imbalance import OVERSAMPLERS
from radnb.learning.models import CLASSIFIERS, SURVIVORS
from radnb.learning.plan import LARGEST_SEED
from radnb.learning.prepare import prepare
from radnb.learning.recipe import with_recipe
from radnb.learning.selection import SELECTORS
from radnb.learning.signature import card_of, load_signature
from radnb.learning.splits import DESIGNS
from radnb.learning.thresholds import SURVIVAL_THRESHOLDS, THRESHOLDS
from radnb.work import choices
from radnb.work.cards import card_problems, read_card
from radnb.work.workspace import Workspace, workspace

Choice = dict[str, dict[str, Any] | None]
NAME = r"^[A-Za-z0-9][A-Za-z0-9._-]{0,79}$"
Family = Literal["differential_diagnosis", "grading", "lymph_node_metastasis", "survival",
                 "other_biological_behaviour", "treatment_response", "risk_stratification", "biomarker"]
FAMILIES: tuple[str, ...] = get_args(Family)
CLINICAL = "clinical"


class _Part(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True, str_strip_whitespace=True)


class Words(_Part):
    """A sentence for people, in both languages."""

    en: str = Field(min_length=1)
    zh: str = Field(min_length=1)


class Images(_Part):
    """Which of the cohort's images are measured, and how several of a patient stand side by side."""

    phases: list[str] = []
    roi: str | list[str] = "tumour"
    timepoint: str | list[str] = "baseline"
    reader: str = "R1"
    several_rois: Literal["refuse", "largest", "mean", "join"] = "refuse"
    delta: list[Literal["absolute", "relative"]] = []

    @property
    def layout(self) -> Layout:
        """Return the same as plain data for assembling."""
        return Layout(phases=tuple(self.phases), rois=_several(self.roi), timepoints=_several(self.timepoint),
                      reader=self.reader, delta=tuple(self.delta),
                      lesions=None if self.several_rois == "refuse" else self.several_rois)

    @model_validator(mode="after")
    def _parts_fit_together(self) -> Images:
        found = _image_faults(self)
        if found:
            raise ValueError(" ".join(found))
        return self


def _several(value: str | list[str]) -> tuple[str, ...]:
    return (value,) if isinstance(value, str) else tuple(value)


def _image_faults(images: Images) -> list[str]:
    named = {"phases": tuple(images.phases), "roi": _several(images.roi), "timepoint": _several(images.timepoint)}
    found = [f"{key}: {name!r} is named twice. Remove one." for key, names in named.items()
             for name in dict.fromkeys(names) if names.count(name) > 1]
    found += [f"{key}: name at least one." for key in ("roi", "timepoint") if not named[key]]
    if images.delta and len(named["timepoint"]) < 2:
        found.append("delta: a change needs two time points. Name them, the earlier first, as in "
                     "`timepoint: [baseline, week_8]`.")
    if images.several_rois == JOIN and len(named["roi"]) < 2:
        found.append("several_rois: join puts several regions side by side. Name them, as in "
                     "`roi: [tumour, peritumour]`.")
    marks = [name for key, names in named.items() if key == "phases" or len(names) > 1 for name in dict.fromkeys(names)]
    return found + [f"{name!r} names two things, so that its block would be unclear. Rename one in the image table."
                    for name in dict.fromkeys(marks) if marks.count(name) > 1]


class Block(_Part):
    """A further block of features: some clinical columns, or a finished table of the manifest."""

    columns: list[str] = []
    table: str | None = None

    @model_validator(mode="after")
    def _one_of_both(self) -> Block:
        if bool(self.columns) == (self.table is not None):
            raise ValueError("name either clinical columns, as in `columns: [margin]`, or a table of the manifest, as "
                             "in `table: deep`.")
        return self


class Controls(_Part):
    """What stands beside the figures to show what luck alone would give."""

    random_features: int = Field(50, ge=0, le=1000)
    learning_curve: list[Annotated[float, Field(gt=0, le=1)]] = [0.4, 0.6, 0.8, 1.0]
    volume: str | None = None
    on: bool = True


class Primary(_Part):
    """The locked question: which model set is judged, and against which."""

    model: str
    comparator: str | None = None


class Decision(_Part):
    """The threshold range of the decision curve, with its clinical reason, fixed before unblinding."""

    low: float = Field(gt=0, lt=1)
    high: float = Field(gt=0, lt=1)
    reason: Words

    @model_validator(mode="after")
    def _ordered(self) -> Decision:
        if self.low >= self.high:
            raise ValueError("low must lie below high. Swap them.")
        return self


class Inference(_Part):
    """How much refitting stands behind the intervals and the p-value."""

    bootstraps: int = Field(50, ge=0, le=2000)
    splits: int = Field(2, ge=2, le=10)
    permutations: int = Field(999, ge=0, le=9999)
    relevant_difference: float = Field(0.1, gt=0, lt=0.5)


class Study(_Part):
    """A study card: question, patients, outcome, predictors, design, models and the locked comparison."""

    id: str = Field(pattern=NAME)
    family: Family
    notebook: str = Field(pattern=NAME)
    question: Words
    manifest: str
    frozen: list[str] = []
    model_time: Literal["before_surgery", "after_surgery"] = "before_surgery"
    patients: dict[str, list[str]] = {}
    outcome: Choice
    images: Images = Images()
    extraction: str | dict[str, str] = "ct"
    engine: str | None = None
    clinical: list[str] = []
    blocks: dict[str, Block] = {}
    prespecified: list[str] | None = None
    model_sets: dict[str, list[str] | Choice]
    primary: Primary
    design: Choice = {"repeated_kfold": {}}
    prepare: dict[str, Any] = {}
    harmonise: Choice = {"none": {}}
    imbalance: Choice = {"none": {}}
    subgroups: dict[str, Annotated[float, Field(allow_inf_nan=False)] | dict[str, Any] | None] = {}
    controls: Controls = Controls()
    selector: Choice | list[Choice] = {"anova": {}}
    model: Choice
    threshold: Choice = {"youden": {}}
    event_name: Words | None = None
    horizons_months: list[Annotated[float, Field(gt=0)]] = []
    decision: Decision | None = None
    inference: Inference = Inference()
    grid: dict[str, list[Any]] = {}
    multiverse: dict[str, list[Any]] = {}
    seed: int = Field(7, ge=0, le=LARGEST_SEED)
    contact: str | Words = ""
    figure_formats: list[Literal["pdf", "tiff"]] = ["pdf"]
    not_studied: Words | None = None

    @model_validator(mode="before")
    @classmethod
    def _named(cls, raw: Any) -> Any:
        return with_recipe(raw) if isinstance(raw, dict) else raw

    @field_validator("frozen", mode="before")
    @classmethod
    def _one_or_several(cls, value: Any) -> Any:
        return [value] if isinstance(value, str) else value

    @field_validator("selector")
    @classmethod
    def _chain(cls, value: Choice | list[Choice]) -> list[Choice]:
        return value if isinstance(value, list) else [value]

    @property
    def selectors(self) -> list[Choice]:
        """The chain of selectors, first to last."""
        return self.selector if isinstance(self.selector, list) else [self.selector]

    @property
    def is_survival(self) -> bool:
        """Say whether the outcome is a time to an event."""
        return "survival" in self.outcome

    @property
    def blocks_of(self) -> dict[str, tuple[str, ...]]:
        """The blocks that each model set uses, joined or fused."""
        return {name: fusion.blocks_of(fusion.layout(members)) for name, members in self.model_sets.items()}

    @property
    def used(self) -> frozenset[str]:
        """The blocks that any model set uses."""
        return frozenset(block for blocks in self.blocks_of.values() for block in blocks)

    @property
    def column_blocks(self) -> dict[str, list[str]]:
        """The blocks that are made of clinical columns, with these."""
        own = {CLINICAL: self.clinical} if self.clinical else {}
        return own | {name: block.columns for name, block in self.blocks.items() if block.columns}

    @property
    def table_blocks(self) -> dict[str, str]:
        """The blocks that are finished tables of the manifest, with the tables' names, as far as a model uses them."""
        return {name: block.table for name, block in self.blocks.items() if block.table and name in self.used}

    @property
    def entered_whole(self) -> tuple[str, ...]:
        """The blocks that enter models as they are; of the others, features are selected."""
        declared = [CLINICAL, *self.column_blocks] if self.prespecified is None else self.prespecified
        return tuple(dict.fromkeys(declared))

    @property
    def needs_images(self) -> bool:
        """Say whether any model uses image features."""
        return any(block.split(":")[0] in (RADIOMICS, DELTA) for block in self.used)


def load_study(name: str | Path, *, overrides: Mapping[str, Any] | None = None,
               space: Workspace | None = None) -> Study:
    """Read a card by its id or path, apply overrides (dotted keys), and check it whole."""
    path = find_card(str(name), space or workspace())
    raw = read_card(path)
    for key, value in (overrides or {}).items():
        _set(raw, key, copy.deepcopy(value), path)  # the next override may reach into it
    return check_card(inherited(raw, path, space or workspace()), str(path))


def find_card(name: str, space: Workspace) -> Path:
    """Find a card by its path or by its id under notebooks/studies."""
    if Path(name).suffix in (".yaml", ".yml"):
        for path in (Path(name), space.root / name):
            if path.is_file():
                return path.resolve()
    known = {path.stem: path for path in sorted(space.studies.glob("**/*.yaml")) if path.stem != "template"}
    if name in known:
        return known[name]
    raise RadnbError(f"study {name!r}: no such card in {space.studies}. {nearest(name, known)}", code="E_STUDY")


def frozen_path(source: str, card: Path, space: Workspace) -> Path | None:
    """Find a model folder or a signature from where the card lies, or below the workbook; None stands for a study."""
    places = [place / source for place in (card.parent, space.root, Path())]
    found = [place.resolve() for place in places if place.is_dir() or (place.is_file() and place.suffix != ".md")]
    if found:
        return found[0]
    if source in {path.stem for path in space.studies.glob("**/*.yaml")}:
        return None
    raise RadnbError(f"{card}: frozen: {source!r} is neither a model folder, nor a signature, nor a study. Freeze a "
                     "run with `radnb freeze`, or correct the path.", code="E_STUDY")


def inherited(raw: Mapping[str, Any], card: Path, space: Workspace) -> dict[str, Any]:
    """Return the card of an external validation with all that its frozen models decide; others come back as given."""
    sources = raw.get("frozen") or []
    given = [_decided(source, card, space) for source in ([sources] if isinstance(sources, str) else list(sources))]
    if not given:
        return dict(raw)
    raise_all([f"{card}: {key}: the frozen model decides this. Remove it." for key in DECIDED if key in raw],
              code="E_CONFIG")
    sets = {name: members for one in given for name, members in one["model_sets"].items()}
    names = [*sets][:2]
    raise_all([f"{card}: frozen: two of the models are called {names[0]!r}. Freeze one of them under another name."]
              if len(given) > 1 and len(sets) < len(given) else [], code="E_CONFIG")
    primary = given[0]["primary"] if len(given) == 1 else dict(zip(("model", "comparator"), names, strict=False))
    kept = {key: value for key, value in given[0].items() if key in DECIDED or key in SUGGESTED}
    return {**kept, "model_sets": sets, "primary": primary, **raw}


DECIDED = ("images", "extraction", "engine", "clinical", "blocks", "prespecified", "model_time", "model_sets",
           "primary", "design", "prepare", "harmonise", "imbalance", "grid", "selector", "model", "threshold", "seed")
SUGGESTED = ("outcome", "patients", "event_name", "horizons_months", "decision", "not_studied")


def _decided(source: str, card: Path, space: Workspace) -> dict[str, Any]:
    """Return what a frozen model, a signature or a study's own model decides of a card that applies it."""
    path = frozen_path(str(source), card, space)
    if path is None:
        given: dict[str, Any] = dict(read_card(find_card(str(source), space)))
        locked = [name for name in (given.get("primary") or {}).values() if name]
    elif path.is_file():
        return card_of(load_signature(path).card)
    else:
        about = about_of(path)
        given, locked = dict(about.study), [about.model]
    sets = {name: given["model_sets"][name] for name in locked}
    primary = {"model": locked[0], "comparator": locked[1] if len(locked) > 1 else None}
    return {**given, "model_sets": sets, "primary": primary}


def _set(raw: dict[str, Any], key: str, value: Any, path: Path) -> None:
    *parents, last = key.split(".")
    part = raw
    for name in parents:
        part = part.setdefault(name, {}) if part.get(name) is None else part[name]
        if not isinstance(part, dict):
            raise RadnbError(f"{path}, override {key}: {name} holds no keys. Override {name} as a whole.",
                             code="E_CONFIG")
    part[last] = value


def check_card(raw: Mapping[str, Any], where: str) -> Study:
    """Return the card as a Study, or raise one error that lists every fault."""
    try:
        study = Study.model_validate(raw)
    except ValidationError as error:
        raise_all(card_problems(error, Study, where=where), code="E_CONFIG")
        raise
    raise_all([f"{where}: {fault}" for fault in _faults(study)], code="E_CONFIG")
    return study


def _faults(study: Study) -> list[str]:
    found = choices.problems(SCHEMES, study.outcome, "outcome") + choices.problems(DESIGNS, study.design, "design")
    found += _learning_faults(study)
    found += [fault.removeprefix("card.")
              for fault in choices.problems({"prepare": prepare}, {"prepare": study.prepare}, "card")]
    if study.engine is not None and study.engine not in ENGINES:
        found.append(f"engine: {study.engine!r} is unknown. {nearest(study.engine, ENGINES)}")
    found += [*_extraction_faults(study), *_block_faults(study), *_set_faults(study), *_subgroup_faults(study)]
    return found + (_survival_faults(study) if not found else [])


def _learning_faults(study: Study) -> list[str]:
    models = SURVIVORS if study.is_survival else CLASSIFIERS
    found = _chain_faults(study.selectors, "selector") + choices.problems(models, study.model, "model")
    found += grid_problems(study.grid) or [fault for number, model in enumerate(study.grid.get("models") or ())
                                           for fault in choices.problems(models, model, f"grid.models.{number}")]
    found += choices.problems(HARMONISERS, study.harmonise, "harmonise")
    found += choices.problems(OVERSAMPLERS, study.imbalance, "imbalance")
    return found + choices.problems(_thresholds(study), study.threshold, "threshold")


def _chain_faults(chain: list[Choice], where: str) -> list[str]:
    return [fault for number, step in enumerate(chain)
            for fault in choices.problems(SELECTORS, step, where if len(chain) == 1 else f"{where}.{number}")]


def _extraction_faults(study: Study) -> list[str]:
    if isinstance(study.extraction, str):
        return []
    phases = study.images.phases
    found = [f"extraction.{name}: images.phases has no such phase. {nearest(name, phases)}"
             for name in study.extraction if name not in phases]
    return found + [f"extraction: the phase {name!r} has no settings here. Add them, as in `{name}: ct`."
                    for name in phases if name not in study.extraction]


def _subgroup_faults(study: Study) -> list[str]:
    return [f"subgroups.{name}: write the number that divides a column of numbers, or {{}} for a category."
            for name, given in study.subgroups.items() if given and isinstance(given, dict)]


def _thresholds(study: Study) -> dict[str, Any]:
    return {name: rule for name, rule in THRESHOLDS.items() if (name in SURVIVAL_THRESHOLDS) or not study.is_survival}


def _groups(members: list[str] | Choice) -> list[tuple[str, Sequence[str]]]:
    """Return the blocks that enter one model together, each list with its place on the card."""
    made = fusion.layout(members)
    if isinstance(made, tuple):
        return [("", made)]
    where = f".{choices.name_of(members)}"  # type: ignore[arg-type]
    return [*((f"{where}.scores.{number}", part) for number, part in enumerate(made.scores)),
            (f"{where}.beside", made.beside)]


def _holdings(study: Study) -> dict[str, set[object]]:
    """Return what each block that a model may use holds, so that two can be told to overlap."""
    found: dict[str, set[object]] = {name: set(cells) for name, cells in block_cells(study.images.layout).items()}
    found |= {name: set(columns) for name, columns in study.column_blocks.items()}
    return found | {name: {(name, "table")} for name, block in study.blocks.items() if block.table}


def _block_faults(study: Study) -> list[str]:
    taken = {CLINICAL, RADIOMICS, DELTA}
    found = [f"blocks.{name}: this name is radnb's own. Choose another." for name in study.blocks if name in taken]
    found += [f"blocks.{name}: use Latin letters, digits, dots, dashes and underscores only."
              for name in study.blocks if not re.fullmatch(NAME, name)]
    known = _holdings(study)
    return found + [f"prespecified: block {name!r} is unknown. {nearest(name, known)}"
                    for name in study.prespecified or [] if name not in known]


def _set_faults(study: Study) -> list[str]:
    known = _holdings(study)
    found = [fault for name, members in study.model_sets.items()
             for fault in _members_faults(members, f"model_sets.{name}", known)]
    for key, value in (("model", study.primary.model), ("comparator", study.primary.comparator)):
        if value is not None and value not in study.model_sets:
            found.append(f"primary.{key}: {value!r} is no model set. {nearest(value, study.model_sets)}")
    if study.primary.comparator == study.primary.model:
        found.append("primary.comparator: it is the model itself. Name another model set, or leave it out.")
    return found


def _members_faults(members: list[str] | Choice, where: str, known: Mapping[str, set[object]]) -> list[str]:
    if not members:
        return [f"{where}: name at least one block."]
    if not isinstance(members, list) and (found := choices.problems(fusion.FUSIONS, members, where)):
        return found
    try:
        groups = _groups(members)
    except RadnbError as error:
        return [f"{where}.{error}"]
    found = [f"{where}{place}: block {block!r} is unknown. {nearest(block, known)}"
             for place, blocks in groups for block in blocks if block not in known]
    return found or [fault for place, blocks in groups for fault in _overlaps(blocks, where + place, known)]


def _overlaps(blocks: Sequence[str], where: str, known: Mapping[str, set[object]]) -> list[str]:
    """List blocks of one model that hold the same columns, which would enter twice."""
    return [f"{where}: {one} and {other} hold the same columns. Remove one, or name blocks that share nothing."
            for place, one in enumerate(blocks) for other in blocks[place + 1:] if known[one] & known[other]]


def _survival_faults(study: Study) -> list[str]:
    if not study.is_survival:
        given_here = {"horizons_months": study.horizons_months, "event_name": study.event_name}
        return [f"{key}: only a survival outcome has it. Remove it." for key, value in given_here.items() if value]
    given = study.outcome["survival"] or {}
    needed = ("time", "event", "time_zero", "endpoint", "closing_date", "event_codes")
    return [f"outcome.survival.{key}: a survival card declares it. Add it." for key in needed if key not in given]


def list_studies(space: Workspace | None = None) -> list[dict[str, str]]:
    """List id, family, question, manifest and path of every card, for people and machines."""
    space = space or workspace()
    rows = []
    for path in sorted(space.studies.glob("**/*.yaml")):
        if path.stem == "template":
            continue
        study = _listed(path, space)
        rows.append({"id": study.id, "family": study.family, "question": study.question.en,
                     "question_zh": study.question.zh, "manifest": study.manifest, "notebook": study.notebook,
                     "card": path.relative_to(space.root).as_posix()})
    return rows


def _listed(path: Path, space: Workspace) -> Study:
    """Return a card for the list; that of an external validation without its model, which may be elsewhere by now."""
    raw = read_card(path)
    if not raw.get("frozen"):
        return load_study(path, space=space)
    stand_in = {"outcome": {}, "model_sets": {}, "primary": {"model": ""}, "model": {}}
    try:
        return Study.model_validate({**stand_in, **raw})
    except ValidationError as error:
        raise_all(card_problems(error, Study, where=str(path)), code="E_CONFIG")
        raise


def parse_overrides(pairs: Iterable[str]) -> dict[str, Any]:
    """Turn `key=value` words of a command line into overrides; values are read as YAML."""
    found: dict[str, Any] = {}
    for pair in pairs:
        key, equals, value = pair.partition("=")
        if not equals or not key.strip():
            raise RadnbError(f"--set {pair!r}: write key=value, as in --set selector.anova.k=5.", code="E_CONFIG")
        try:
            found[key.strip()] = yaml.safe_load(value)
        except yaml.YAMLError as error:
            raise RadnbError(f"--set {pair!r}: the value is no YAML. Quote it.", code="E_CONFIG") from error
    return found
