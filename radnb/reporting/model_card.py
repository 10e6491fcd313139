"""The page of a frozen model that people read, in two languages: its purpose, formula, ranges and limits."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence

import numpy as np
import yaml

from radnb.features.names import explain
from radnb.learning.frozen import About, probe_table
from radnb.learning.pipeline import MISSING, Formula, Pipeline, formula
from radnb.learning.shelf import holds_patients
from radnb.reporting.texts import has, text

BOTH = ("en", "zh")


def page(about: About, pipeline: Pipeline) -> str:
    """Return the page in English and Chinese; numbers of the formula are written so that no digit is lost."""
    study = about.study
    question = study["question"]
    research = " ".join(f"**{text('first.research', language)}**" for language in BOTH)
    parts = [f"# {study['id']} · {about.model}", research,
             *([_both("first.synthetic")] if about.synthetic else []), f"{question['en']}\n\n{question['zh']}",
             _head("patients"), _patients(about), _head("formula"), _formula(about, pipeline),
             _head("features"), _features(about), _head("preparation"), _preparation(about),
             _head("extraction"), _extraction(about), _head("performance"), _performance(about),
             _head("limits"), _limits(about, pipeline), _head("use"), "```\nradnb predict FOLDER MANIFEST\n```"]
    return "\n\n".join(parts) + "\n"


def _both(key: str, **values: object) -> str:
    return "\n\n".join(text(key, language, **values) for language in BOTH)


def _head(name: str) -> str:
    return "## " + " · ".join(text(f"card.{name}", language) for language in BOTH)


def _table(head: Sequence[str], rows: Iterable[Sequence[object]]) -> str:
    lines = [head, ["---"] * len(head), *rows]
    return "\n".join("| " + " | ".join(str(cell).replace("|", "\\|") for cell in line) + " |" for line in lines)


def _pair(key: str) -> str:
    return " / ".join(text(key, language) for language in BOTH)


def _patients(about: About) -> str:
    chosen = "; ".join(f"{name}: {', '.join(values)}" for name, values in about.study["patients"].items())
    classes = ", ".join(about.outcome["classes"]) or about.outcome["name"]
    seen = "; ".join(f"{name}: {', '.join(values)}" for name, values in about.seen.items())
    words = {"n": about.patients, "events": about.events, "outcome": about.outcome["name"], "classes": classes,
             "chosen": chosen or "–", "seen": seen or "–"}
    return _both("card.patients.said", **words)


def _formula(about: About, pipeline: Pipeline) -> str:
    found = formula(pipeline.model, probe_table(about.probes.values, pipeline.model.names))
    thresholds = ", ".join(f"{target}: {'–' if t is None else repr(t)}"
                           for target, t in zip(about.targets, pipeline.thresholds, strict=True))
    ends = [_recalibration(pipeline), _both("card.threshold", thresholds=thresholds, scale=about.scale)]
    if found is None:
        return "\n\n".join([_both("card.no_formula"), *filter(None, ends)])
    return "\n\n".join([_both(f"card.link.{found.link}"), _terms(found), *filter(None, ends)])


def _terms(found: Formula) -> str:
    """Write one column of coefficients for each L."""
    several = len(found.intercept) > 1
    heads = [_pair("card.term"), *([f"L{t + 1}" for t in range(len(found.intercept))] if several else ["L"]),
             _pair("card.filled")]
    rows: list[list[object]] = [["1", *map(repr, found.intercept.tolist()), ""]]
    for i, name in enumerate(found.names):
        fill = text("card.flag", "en") if name.endswith(MISSING) else repr(found.fills[i])
        rows.append([f"`{name}`", *map(repr, found.coefficients[:, i].tolist()), fill])
    return _table(heads, rows)


def _recalibration(pipeline: Pipeline) -> str:
    if pipeline.recalibration is None:
        return ""
    said = "; ".join(f"a = {a!r}, b = {b!r}" for a, b in np.asarray(pipeline.recalibration, float).tolist())
    return _both("card.recalibration", numbers=said)


def _features(about: About) -> str:
    rows = [[f"`{one.name}`", *(_meaning(one.name, about, language) for language in BOTH), f"{one.low:.5g}",
             f"{one.p1:.5g}", f"{one.p99:.5g}", f"{one.high:.5g}", f"{100 * one.missing:.0f}%"] for one in about.ranges]
    return _table([_pair("column.exact"), "English", "中文", "min", "1%", "99%", "max", _pair("column.missing")], rows)


def _meaning(name: str, about: About, language: str) -> str:
    base, _, level = name.partition("=")
    known: Mapping[str, str] = about.clinical[base].label if base in about.clinical else {}
    if base not in about.clinical:
        return explain(name, language)
    unit = f" ({about.clinical[base].unit})" if about.clinical[base].unit else ""
    return (known.get(language) or base.replace("_", " ")) + (f": {level}" if level else unit)


def _preparation(about: About) -> str:
    study = about.study
    given = {key: study[key] for key in ("prepare", "selector", "model", "threshold", "imbalance", "harmonise")
             if study.get(key)}
    return _both("card.preparation.said") + f"\n\n```yaml\n{_yaml(given)}```"


def _extraction(about: About) -> str:
    known = about.extraction
    said = _both(f"card.source.{known.source}", engine=known.version or "–")
    if known.source == "none":
        return said
    parts = [f"`{phase or 'all'}`: {one.preset}, SHA-256 `{one.sha256}`\n\n```yaml\n{_yaml(one.settings)}```"
             for phase, one in known.phases.items()]
    return "\n\n".join([said, f"```yaml\n{_yaml({'images': about.study['images']})}```", *parts])


def _yaml(value: object) -> str:
    return str(yaml.safe_dump(value, allow_unicode=True, sort_keys=False, width=110))


def _performance(about: About) -> str:
    if not about.performance:
        return _both("card.no_performance")
    rows = [[one.set, _metric(one.metric), _number(one.value),
             "–" if one.low is None or one.high is None else f"{_number(one.low)} – {_number(one.high)}",
             f"{one.n} / {one.events}", one.method] for one in about.performance]
    return _table(["set", _pair("column.metric"), _pair("column.value"), "95%", _pair("column.n_events"),
                   _pair("column.method")], rows)


def _metric(name: str) -> str:
    return _pair(f"metric.{name}") if has(f"metric.{name}") else name


def _number(value: float | None) -> str:
    return "–" if value is None else f"{value:.3f}"


def _limits(about: About, pipeline: Pipeline) -> str:
    own = f"limits.{about.study['family']}"
    keys = ["limits.always", *([own] if has(own) else []), "limits.internal", "card.limits.new",
            *(["card.limits.rows"] if holds_patients(pipeline) else [])]
    return "\n".join(f"- {text(key, language)}" for language in BOTH for key in keys)
