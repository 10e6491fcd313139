"""One checked study card: the only configuration of a study."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Annotated, Any, Literal, get_args

import yaml
from pydantic import BaseModel, ConfigDict, Field, ValidationError, field_validator, model_validator

from radnb.cohort.labels import SCHEMES
from radnb.errors import RadnbError, nearest, raise_all
from radnb.features.engines import ENGINES
from radnb.learning.grid import grid_problems
from radnb.learning.models import CLASSIFIERS, SURVIVORS
from radnb.learning.prepare import prepare
from radnb.learning.selection import SELECTORS
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
RADIOMICS = "radiomics"
CLINICAL = "clinical"


class _Part(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True, str_strip_whitespace=True)


class Words(_Part):
    """A sentence for people, in both languages."""

    en: str = Field(min_length=1)
    zh: str = Field(min_length=1)


class Images(_Part):
    """Which of the cohort's images are measured."""

    phases: list[str] = []
    roi: str = "tumour"
    timepoint: str = "baseline"
    reader: str = "R1"
    several_rois: Literal["refuse", "largest", "mean"] = "refuse"


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
    model_time: Literal["before_surgery", "after_surgery"] = "before_surgery"
    patients: dict[str, list[str]] = {}
    outcome: Choice
    images: Images = Images()
    extraction: str = "ct"
    engine: str | None = None
    clinical: list[str] = []
    model_sets: dict[str, list[str]]
    primary: Primary
    design: Choice = {"repeated_kfold": {}}
    prepare: dict[str, Any] = {}
    selector: Choice | list[Choice] = {"anova": {}}
    model: Choice
    threshold: Choice = {"youden": {}}
    event_name: Words | None = None
    horizons_months: list[Annotated[float, Field(gt=0)]] = []
    decision: Decision | None = None
    inference: Inference = Inference()
    grid: dict[str, list[Any]] = {}
    multiverse: dict[str, list[Any]] = {}
    seed: int = Field(7, ge=0)
    contact: str | Words = ""
    figure_formats: list[Literal["pdf", "tiff"]] = ["pdf"]
    not_studied: Words | None = None

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
    def phases(self) -> tuple[str, ...]:
        """The phases measured; one empty name where the cohort knows no phases."""
        return tuple(self.images.phases) or ("",)


def load_study(name: str | Path, *, overrides: Mapping[str, Any] | None = None,
               space: Workspace | None = None) -> Study:
    """Read a card by its id or path, apply overrides (dotted keys), and check it whole."""
    path = find_card(str(name), space or workspace())
    raw = read_card(path)
    for key, value in (overrides or {}).items():
        _set(raw, key, value, path)
    return check_card(raw, str(path))


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
    for number, selector in enumerate(study.selectors):
        where = "selector" if len(study.selectors) == 1 else f"selector.{number}"
        found += choices.problems(SELECTORS, selector, where)
    found += choices.problems(SURVIVORS if study.is_survival else CLASSIFIERS, study.model, "model")
    found += choices.problems(_thresholds(study), study.threshold, "threshold")
    found += grid_problems(study.grid)
    found += [fault.removeprefix("card.")
              for fault in choices.problems({"prepare": prepare}, {"prepare": study.prepare}, "card")]
    if study.engine is not None and study.engine not in ENGINES:
        found.append(f"engine: {study.engine!r} is unknown. {nearest(study.engine, ENGINES)}")
    return found + _set_faults(study) + (_survival_faults(study) if not found else [])


def _thresholds(study: Study) -> dict[str, Any]:
    return {name: rule for name, rule in THRESHOLDS.items() if (name in SURVIVAL_THRESHOLDS) or not study.is_survival}


def _set_faults(study: Study) -> list[str]:
    blocks = {RADIOMICS, *([CLINICAL] if study.clinical else []), *(f"{RADIOMICS}:{p}" for p in study.images.phases)}
    found = [f"model_sets.{name}: block {block!r} is unknown. {nearest(block, blocks)}"
             for name, members in study.model_sets.items() for block in members if block not in blocks]
    found += [f"model_sets.{name}: name at least one block." for name, blocks_of in study.model_sets.items()
              if not blocks_of]
    for key, value in (("model", study.primary.model), ("comparator", study.primary.comparator)):
        if value is not None and value not in study.model_sets:
            found.append(f"primary.{key}: {value!r} is no model set. {nearest(value, study.model_sets)}")
    if study.primary.comparator == study.primary.model:
        found.append("primary.comparator: it is the model itself. Name another model set, or leave it out.")
    return found


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
        study = load_study(path, space=space)
        rows.append({"id": study.id, "family": study.family, "question": study.question.en,
                     "question_zh": study.question.zh, "manifest": study.manifest, "notebook": study.notebook,
                     "card": path.relative_to(space.root).as_posix()})
    return rows


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
