"""A published signature: features, coefficients and cut-off from a paper, applied as they are, never refitted."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Annotated, Any, Literal

import numpy as np
import pandas as pd
from annotated_types import Gt
from pydantic import BaseModel, ConfigDict, Field, ValidationError, model_validator
from scipy.special import expit

from radnb.cohort.labels import SCHEMES
from radnb.errors import nearest, raise_all
from radnb.features.settings import Settings, settings
from radnb.learning.frozen import Range
from radnb.statistics.families import Array
from radnb.work import choices, files
from radnb.work.cards import card_problems, read_card

Finite = Annotated[float, Field(allow_inf_nan=False)]
Transform = Callable[[Array], Array]
SCALES: dict[str, Literal["probability", "risk", "linear"]] = {"logistic": "probability", "cox": "risk",
                                                               "none": "linear"}


def log(*, base: Literal["e", "2", "10"] = "e") -> Transform:
    """Take the logarithm; a patient whose value is not above zero has no score."""
    divisor = {"e": 1.0, "2": np.log(2.0), "10": np.log(10.0)}[base]
    return lambda x: np.log(np.where(x > 0, x, np.nan)) / divisor


def z(*, mean: Finite, sd: Annotated[Finite, Gt(0)]) -> Transform:
    """Subtract the mean and divide by the standard deviation that the publication gives."""
    return lambda x: (x - mean) / sd


def clip(*, low: Finite, high: Finite) -> Transform:
    """Move values beyond these ends to them."""
    return lambda x: np.clip(x, low, high)


TRANSFORMS: dict[str, Callable[..., Transform]] = {"log": log, "z": z, "clip": clip}


class _Part(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True, str_strip_whitespace=True)


class Where(_Part):
    """Which images the signature is measured on, in the words of the cohort's manifest."""

    phases: list[str] = []
    roi: str = "tumour"
    timepoint: str = "baseline"
    reader: str = "R1"
    several_rois: Literal["refuse", "largest", "mean"] = "refuse"


class SignatureCard(_Part):
    """A signature as it was published."""

    name: str = Field(pattern=r"^[A-Za-z0-9][A-Za-z0-9._-]{0,79}$")
    reference: str = Field(min_length=1)
    outcome: dict[str, dict[str, Any] | None]
    link: Literal["logistic", "cox", "none"]
    intercept: Finite = 0.0
    features: dict[str, Finite] = Field(min_length=1)
    transforms: dict[str, list[dict[str, dict[str, Any] | None]]] = {}
    cut_off: Finite | None = None
    clinical: list[str] = []
    images: Where = Where()
    extraction: str
    model_time: Literal["before_surgery", "after_surgery"] = "before_surgery"

    @model_validator(mode="before")
    @classmethod
    def _one_transform(cls, given: Any) -> Any:
        steps = given.get("transforms") if isinstance(given, Mapping) else None
        if not isinstance(steps, Mapping):
            return given
        return {**given, "transforms": {name: [one] if isinstance(one, Mapping) else one
                                        for name, one in steps.items()}}

    @property
    def survival(self) -> bool:
        """Say whether the outcome is a time to an event."""
        return "survival" in self.outcome


@dataclass(frozen=True)
class Signature:
    """A checked signature, ready to score patients who bring every feature."""

    card: SignatureCard
    settings: Mapping[str, Settings]
    sha256: str
    path: Path
    ranges: Mapping[str, Range] = field(default_factory=dict)  # a publication seldom tells them

    @property
    def name(self) -> str:
        """Return the signature's name."""
        return self.card.name

    @property
    def names(self) -> tuple[str, ...]:
        """Return the raw columns that a patient must bring."""
        return tuple(self.card.features)

    @property
    def scale(self) -> str:
        """Say what the score is: probability, risk or linear."""
        return SCALES[self.card.link]

    @property
    def thresholds(self) -> tuple[float | None, ...]:
        """Return the published cut-off."""
        return (self.card.cut_off,)

    @property
    def outcome(self) -> None:
        """Return nothing: a publication's classes are those of the label scheme that the card names."""
        return None

    def study(self, manifest: str) -> dict[str, Any]:
        """Return the signature as a study card that fits nothing."""
        return card_of(self.card) | {
            "id": self.name, "family": "biomarker", "notebook": "external_validation", "manifest": manifest,
            "question": {"en": self.card.reference, "zh": self.card.reference}}

    def scores(self, table: pd.DataFrame) -> Array:
        """Return the score (n, 1) of patients; NaN where a value is missing or has no logarithm."""
        total = np.full(len(table), self.card.intercept)
        for name, coefficient in self.card.features.items():
            x = table[name].to_numpy(float)
            for step in self.card.transforms.get(name, ()):
                x = choices.pick(TRANSFORMS, step, f"transforms.{name}")()(x)
            total = total + coefficient * x
        return np.asarray(expit(total) if self.card.link == "logistic" else total)[:, None]


def load_signature(path: Path | str) -> Signature:
    """Read a signature and check it whole; every fault is told at once with the nearest valid name."""
    path = Path(path)
    given = read_card(path)
    try:
        card = SignatureCard.model_validate(given)
    except ValidationError as error:
        raise_all(card_problems(error, SignatureCard, where=str(path)), code="E_CONFIG")
        raise
    raise_all([f"{path}: {fault}" for fault in _faults(card)], code="E_CONFIG")
    beside = path.parent / card.extraction
    chosen = settings(beside if beside.is_file() else card.extraction)
    return Signature(card, {"": chosen}, files.sha256_file(path), path.resolve())


def card_of(card: SignatureCard) -> dict[str, Any]:
    """Return what a signature decides of the study card that applies it."""
    measured = [name for name in card.features if name.partition("=")[0] not in card.clinical]
    blocks = [*(["clinical"] if card.clinical else []), *(["radiomics"] if measured else [])]
    return {"outcome": card.outcome, "images": card.images.model_dump(), "extraction": card.extraction,
            "clinical": card.clinical, "model_time": card.model_time, "model_sets": {card.name: blocks},
            "primary": {"model": card.name}, "selector": {"none": {}},
            "model": {"cox": {}} if card.survival else {"logistic": {}},
            "threshold": {"median": {}} if card.survival else {"fixed": {}}}


def _faults(card: SignatureCard) -> list[str]:
    found = choices.problems(SCHEMES, card.outcome, "outcome")
    if card.survival and card.link == "logistic":
        found.append("link: a survival outcome has no probability without a time. Write cox or none.")
    if not card.survival and card.link == "cox":
        found.append("link: cox belongs to a survival outcome. Write logistic or none.")
    if card.link == "logistic" and card.cut_off is not None and not 0 < card.cut_off < 1:
        found.append(f"cut_off: {card.cut_off:g} is no probability. Give the cut-off of the probability, between 0 "
                     "and 1, or write link: none where it is one of the weighted sum.")
    for name, steps in card.transforms.items():
        if name not in card.features:
            found.append(f"transforms.{name}: this is no feature of the signature. {nearest(name, card.features)}")
        for step in steps:
            found += choices.problems(TRANSFORMS, step, f"transforms.{name}") or _clip_faults(step, name)
    return found


def _clip_faults(step: Mapping[str, Any], name: str) -> list[str]:
    given = step.get("clip") or {}
    return [] if not given or float(given["low"]) < float(given["high"]) else [
        f"transforms.{name}.clip: low must lie below high, or everybody gets the same value. Swap them."]
