"""Everything that one report tells, in one frozen object that all figures, tables and texts take."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pandas as pd

from radnb.cohort.label_texts import LABEL_TEXTS
from radnb.features.assemble import Cohort
from radnb.learning.splits import ARROW
from radnb.reporting import numbers
from radnb.reporting.texts import full_width, has, text

Words = str | Mapping[str, str]
CHINESE = re.compile("[\u4e00-\u9fff]")
UNIT = re.compile(r"\s*[(\uff08][^()\uff08\uff09]*[)\uff09]$")


WORD = re.compile(r"[A-Z][a-z]+(-[a-z]+)*(?=$|[\s,;:.(/])")
LOOSE_PERCENT = re.compile(r"(?<=\d)\s+%")


def inline(label: str) -> str:
    """Write a label as it stands within a sentence: small, unless it is an abbreviation or a name like Ki-67."""
    return label[:1].lower() + label[1:] if WORD.match(label) else label


def sentence(words: str) -> str:
    """Begin words with a capital, as a sentence or a table's cell does."""
    return words[:1].upper() + words[1:] if re.match(r"[a-z]+(-[a-z]+)*(?=$|[\s,;:.(])", words) else words


def bare(label: str) -> str:
    """Write a label within a sentence and without what stands in brackets at its end."""
    return inline(UNIT.sub("", label))


@dataclass(frozen=True)
class Story:
    """The facts of the card, the cohort, its evaluation and what happened on the way, in one language."""

    facts: Mapping[str, Any]
    cohort: Cohort
    evaluation: Any
    selections: pd.DataFrame = field(default_factory=pd.DataFrame)
    exclusions: pd.DataFrame = field(default_factory=pd.DataFrame)
    failures: pd.DataFrame = field(default_factory=pd.DataFrame)
    provenance: Mapping[str, Any] = field(default_factory=dict)
    labels: Mapping[str, Words] = field(default_factory=dict)
    language: str = "en"
    out_dir: Path | None = None
    formats: tuple[str, ...] = ("pdf",)
    certificate: Mapping[str, Any] = field(default_factory=dict)
    final: Mapping[str, Mapping[str, Any]] = field(default_factory=dict)

    def text(self, key: str, **values: object) -> str:
        """Return a text of the catalogue in the report's language."""
        return text(key, self.language, **values)

    def say(self, words: Words | None) -> str:
        """Return words given once or per language in the report's language."""
        said = words or ""
        if isinstance(said, Mapping):
            said = str(said.get(self.language) or next(iter(said.values()), ""))
        said = LOOSE_PERCENT.sub("%", str(said))
        return full_width(said) if self.language == "zh" and CHINESE.search(said) else said

    def label(self, name: object) -> str:
        """Return the readable name of a column, class or level, its unit in the report's language."""
        if str(name) not in self.labels:
            return self.known("word", name)
        said = self.say(self.labels[str(name)])
        unit = UNIT.search(said)
        if unit is None:
            return said
        own = unit.group().strip(" ()\uff08\uff09")
        shown = self.text("brackets", inside=self.known("unit", own))
        return UNIT.sub("", said) + shown if has(f"unit.{own}") or self.language == "zh" else said

    def known(self, family: str, code: object, **values: object) -> str:
        """Return the catalogue's word for a code, or the code without underscores."""
        key = f"{family}.{code}"
        if has(key):
            return self.text(key, **values)
        return self.say(LABEL_TEXTS.get(str(code), str(code).replace("_", " ")))

    def joined(self, words: Sequence[str]) -> str:
        """List words as the language does."""
        return numbers.joined(words, self.language)

    def model(self, name: str) -> str:
        """Return the readable name of a model set."""
        if name in self.labels:
            return self.say(self.labels[name])
        return self.known("model", name)

    @property
    def models(self) -> list[str]:
        """List the models, the primary first, its comparator second, the others in the card's order."""
        first = [name for name in (self.primary, self.comparator) if name]
        return first + [name for name in self.facts.get("models", ()) if name not in first]

    @property
    def primary(self) -> str:
        """Return the model that the card declared primary."""
        return str(self.facts["primary"])

    @property
    def comparator(self) -> str:
        """Return the model that the primary one is compared with, or nothing."""
        return str(self.facts.get("comparator") or "")

    @property
    def survival(self) -> bool:
        """Say whether the outcome is a time to an event."""
        return self.cohort.outcome.kind == "survival"

    @property
    def headline(self) -> str:
        """Return the metric that the first screen shows."""
        if self.survival:
            return "c_index"
        return "auc" if self.cohort.outcome.binary else "auc_macro"

    @property
    def set(self) -> str:
        """Return the set that the verdict rests on: the study's own patients, or external ones alone."""
        return str(self.evaluation.verdict.set)

    @property
    def whose(self) -> str:
        """Say in words whose scores the report's set holds."""
        between = ARROW in self.set
        return self.text("set.between", direction=self.set) if between else self.text(f"set.{self.set}")

    @property
    def target(self) -> str:
        """Return the class that counts as the event, as the evaluation names it."""
        return "risk" if self.survival else str(self.cohort.outcome.classes[-1])

    @property
    def horizon(self) -> float:
        """Return the horizon of a survival study in months (0: none declared)."""
        declared = self.facts.get("horizons_months") or [0.0]
        return float(declared[0])

    @property
    def months(self) -> str:
        """Write the horizon in months."""
        return f"{self.horizon:g}"

    @property
    def event(self) -> str:
        """Return what counts as the event, in words."""
        if self.facts.get("event_label"):
            return self.say(self.facts["event_label"])
        if self.survival:
            return self.text("word.event")
        return self.label(self.cohort.outcome.classes[-1])

    @property
    def other(self) -> str:
        """Return what is not the event, in words: the other class, or (of several) not the last one."""
        classes = self.cohort.outcome.classes
        if len(classes) == 2 and not self.facts.get("event_label"):
            return bare(self.label(classes[0]))
        return self.text("word.not_event", event=bare(self.event))

    @property
    def happened(self) -> str:
        """Return the event as something that a patient met (died)."""
        return self._of_event("happened")

    @property
    def spared(self) -> str:
        """Return the event as something that a patient did not meet (did not die)."""
        return self._of_event("spared")

    @property
    def without(self) -> str:
        """Return the state of patients who have not met the event (alive)."""
        return self._of_event("without")

    def _of_event(self, family: str) -> str:
        label = self.facts.get("event_label") or ""
        own = f"{family}.{label.get('en') if isinstance(label, Mapping) else label}"
        return self.text(own) if has(own) else self.text(family, event=bare(self.event))

    @property
    def predictors(self) -> str:
        """Return the clinical predictors as a list in words, without their units."""
        names = [bare(self.label(name)) for name in self.facts.get("clinical_predictors", ())]
        return self.joined(names) or self.text("model.clinical")

    @property
    def metrics(self) -> pd.DataFrame:
        """Return the metrics of the set that the report is about."""
        return self.of(self.evaluation.metrics)

    def of(self, table: pd.DataFrame | None, **where: object) -> pd.DataFrame:
        """Keep the rows of the report's set (where the table has sets) that hold the given values."""
        if table is None or not len(table):
            return pd.DataFrame() if table is None else table
        kept = table[table["set"] == self.set] if "set" in table else table
        for column, value in where.items():
            kept = kept[kept[column] == value]
        return kept

    def metric(self, model: str, name: str, *, where: str = "") -> Mapping[str, Any] | None:
        """Return one row of the metrics, of the report's set or of another one, or None."""
        rows = self.metrics if not where else self.evaluation.metrics[self.evaluation.metrics["set"] == where]
        rows = rows[(rows["model"] == model) & (rows["metric"] == name)]
        return None if rows.empty else {str(k): v for k, v in rows.iloc[0].items()}

    def metric_text(self, row: Mapping[str, Any] | None) -> str:
        """Write a row of the metrics as value and interval."""
        if row is None:
            return numbers.NONE
        return numbers.metric_text(str(row["metric"]), row["value"], row["low"], row["high"], self.language)

    def difference(self, *, where: str = "") -> Mapping[str, Any] | None:
        """Return the row of the primary difference, or None where nothing is compared."""
        metric = "c_index_difference" if self.survival else "auc_difference"
        return self.metric(f"{self.primary} - {self.comparator}", metric, where=where)

    @property
    def events(self) -> int:
        """Count the patients with the event (for three classes and more: with the last class)."""
        table = self.cohort.table
        if self.survival:
            return int(table["event"].sum())
        return int((table["outcome"] == len(self.cohort.outcome.classes) - 1).sum())
