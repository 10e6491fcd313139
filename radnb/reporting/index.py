"""The list of reports: what each finished run below a folder asked, and what it found."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pandas as pd

from radnb.reporting import numbers
from radnb.reporting.display import escape
from radnb.reporting.report import LANG, page
from radnb.reporting.texts import has, text
from radnb.reporting.verdict import by_design
from radnb.work.files import write_text

HEADLINES = ("auc", "auc_macro", "c_index")


@dataclass(frozen=True)
class Entry:
    """One finished run: its folder below the index, its record and its metrics."""

    folder: str
    record: Mapping[str, Any]
    metrics: pd.DataFrame
    failures: int

    @property
    def language(self) -> str:
        """Return the language of the run's report."""
        return str(self.record.get("language", "en"))

    @property
    def card(self) -> Mapping[str, Any]:
        """Return the study card of the run."""
        card = self.record.get("study")
        return card if isinstance(card, Mapping) else {}

    @property
    def key(self) -> tuple[str, str]:
        """Return what runs of one study on one cohort share, whatever their language."""
        return str(self.card.get("id", self.folder)), str(self.record.get("manifest", self.card.get("manifest", "")))


def write_index(folder: Path, *, language: str = "en") -> Path:
    """Write `index.html` (and `index.zh.html`, each pointing to the other) over the runs below a folder."""
    folder = Path(folder).resolve()
    found = entries(folder)
    groups: dict[tuple[str, str], list[Entry]] = {}
    for entry in found:
        groups.setdefault(entry.key, []).append(entry)
    other = "zh" if language == "en" else "en"
    names = {language: "index.html", other: f"index.{other}.html"}
    for spoken, name in names.items():
        beyond = names["zh" if spoken == "en" else "en"]
        body = _body(list(groups.values()), spoken, beyond)
        write_text(folder / name, page(title=text("index.title", spoken), language=spoken, first=body))
    return folder / "index.html"


def entries(folder: Path) -> list[Entry]:
    """Return the finished runs below a folder, by their path."""
    found = []
    for path in sorted(folder.glob("**/run.json")):
        record = _read(path)
        if record.get("status") == "complete" and (path.parent / "metrics.csv").is_file():
            found.append(Entry(path.parent.relative_to(folder).as_posix(), record,
                               pd.read_csv(path.parent / "metrics.csv"), _failures(path.parent)))
    return found


def _read(path: Path) -> dict[str, Any]:
    try:
        record = json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return {}
    return record if isinstance(record, dict) else {}


def _failures(run: Path) -> int:
    path = run / "failures.csv"
    return max(len(path.read_text(encoding="utf-8").splitlines()) - 1, 0) if path.is_file() else 0


def _body(groups: list[list[Entry]], language: str, beyond: str) -> str:
    head = (f'<p class="research">{escape(text("index.research", language))}</p>'
            f'<h1>{escape(text("index.title", language))}</h1>'
            f'<p class="switch"><a href="{beyond}" lang="{LANG["zh" if language == "en" else "en"]}">'
            f'{escape(text("other_language", language))}</a></p>')
    cards = "".join(_card(group, language) for group in groups)
    return f'<section class="radnb index">{head}{cards or _empty(language)}</section>'


def _empty(language: str) -> str:
    return f"<p>{escape(text('index.empty', language))}</p>"


def _card(group: list[Entry], language: str) -> str:
    entry = next((e for e in group if e.language == language), group[0])
    card, judged = entry.card, entry.record.get("verdict") or {}
    kind = str(judged.get("kind", ""))
    said = text(f"index.verdict.{kind}", language) if has(f"index.verdict.{kind}") else numbers.NONE
    if by_design(judged.get("reasons") or ()):
        said = text("index.no_interval", language)
    if judged.get("unbeaten"):
        said, kind = text("index.unbeaten", language), "not_shown"
    question = _say(card.get("question", entry.record.get("question", "")), language)
    links = " ".join(f'<a href="{escape(e.folder)}/report.html" lang="{LANG.get(e.language, "en")}">'
                     f'{escape(text("index.open", e.language if e.language in LANG else "en"))}</a>' for e in group)
    return (f'<article><h2>{escape(question)}</h2><p class="kind {escape(kind)}">{escape(said)}</p>'
            f'<div class="measures">{"".join(_measures(entry, language))}</div>'
            f'<p class="imprint">{escape(_small(entry, language))}</p><p class="links">{links}</p></article>')


def _say(words: Any, language: str) -> str:
    return str(words.get(language) or next(iter(words.values()), "")) if isinstance(words, Mapping) else str(words)


def _small(entry: Entry, language: str) -> str:
    study = entry.key[0]
    parts = [text("index.study", language) + text("colon", language) + study]
    if entry.folder.removesuffix(f"-{entry.language}") != study:
        parts.append(entry.folder)
    if entry.failures:
        parts.append(text("index.failures", language) + text("colon", language) + str(entry.failures))
    return " · ".join(parts)


def _measures(entry: Entry, language: str) -> list[str]:
    primary = entry.card.get("primary") or ""
    locked = primary if isinstance(primary, Mapping) else {**entry.card, "model": primary}
    model, comparator = str(locked.get("model", "")), str(locked.get("comparator") or "")
    rows = [("index.primary", model, HEADLINES), ("index.comparator", comparator, HEADLINES),
            ("index.difference", f"{model} - {comparator}", tuple(f"{name}_difference" for name in HEADLINES))]
    metrics = entry.metrics[entry.metrics["set"] != "train"]
    sets = sorted(metrics["set"].unique(), key=lambda name: name != "internal")
    shown = []
    for key, name, wanted in rows:
        found = metrics[(metrics["model"] == name) & metrics["metric"].isin(wanted) & metrics["set"].isin(sets[:1])]
        if len(found):
            named = f"model.{name}"
            title = text(key, language) + (text("colon", language) + text(named, language) if has(named) else "")
            shown.append(_measure(title, found.iloc[0], language))
    return shown


def _measure(title: str, row: pd.Series, language: str) -> str:
    metric, signed = str(row["metric"]), str(row["metric"]).endswith("_difference")
    digits = numbers.digits_of(metric, row["value"], row["low"], row["high"])
    value, low, high = (numbers.number(row[c], digits, sign=signed) for c in ("value", "low", "high"))
    span = text("first.interval", language, low=low, high=high) if numbers.NONE not in (low, high) else ""
    count = text("counted", language, n=int(row["n"]), events=int(row["events"]))
    return (f'<div class="measure"><p class="name">{escape(title)}</p>'
            f'<p class="value">{escape(text(f"metric.short.{metric}", language))} {escape(value)}</p>'
            f'<p class="span">{escape(span)}</p><p class="count">{escape(count)}</p></div>')
