"""The first screen, for a surgeon: eight things in a fixed order, and nothing that misleads."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np

from radnb.learning.splits import ARROW
from radnb.reporting import numbers
from radnb.reporting.display import Piece, escape, image, whole
from radnb.reporting.figures import counted
from radnb.reporting.figures_patients import exclusion_reasons, key_png, people_png
from radnb.reporting.figures_survival import at_horizon, groups
from radnb.reporting.per_100 import KINDS, Per100, high_risk_share, per_100
from radnb.reporting.story import Story, bare, inline, sentence
from radnb.reporting.texts import has
from radnb.reporting.verdict import because, shade, unbeaten_sentence, verdict_sentence
from radnb.reporting.wording import choice_words


def first_screen(story: Story) -> Piece:
    """Return the first screen: use, question, patients, answer, evidence, per 100, limits, contact."""
    parts = (_research(story), _question(story), _patients(story), _answer(story), _evidence(story),
             _of_100(story), _do_not_conclude(story), _imprint(story))
    return Piece("".join(parts), "", "", "first-screen", "first")


def _research(story: Story) -> str:
    synthetic = f" <b>{escape(story.text('first.synthetic'))}</b>" if story.facts.get("synthetic") else ""
    return f'<p class="research">{escape(story.text("first.research"))}{synthetic}</p>'


def _question(story: Story) -> str:
    return f"<h1>{whole(story.say(story.facts.get('question')))}</h1>"


def _patients(story: Story) -> str:
    n, events = len(story.cohort.table), story.events
    reasons = exclusion_reasons(story)
    left = int(reasons["n"].sum())
    centres = story.cohort.table["centre"].nunique() if "centre" in story.cohort.table else 0
    where = story.text("first.where", source=story.say(story.facts.get("source")) or story.text("first.no_source"),
                       centres=story.text("first.centres", n=centres) if centres > 1 else "")
    why = story.text("separator").join(story.text("reason_count", reason=inline(r.reason), n=r.n)
                                       for r in reasons.itertuples())
    cells = [(story.text("first.studied"), str(n), where),
             (story.text("first.with_outcome"), str(events),
              sentence(story.text("first.share", share=numbers.percent(events / n if n else None), event=story.event))),
             (story.text("first.excluded"), str(left), why or story.text("first.nobody")),
             (story.text("first.not_studied"), "", story.say(story.facts.get("not_studied"))
              or story.text("first.not_studied.none"))]
    return f'<dl class="who">{"".join(_cell(*cell) for cell in cells)}</dl>'


def _cell(term: str, big: str, small: str) -> str:
    strong = f"<b>{escape(big)}</b>" if big else ""
    return f"<div><dt>{escape(term)}</dt><dd>{strong}<span>{whole(sentence(small))}</span></dd></div>"


def _answer(story: Story) -> str:
    """Answer in one sentence; where the model does no better than its controls, a sentence before it says so."""
    parts = filter(None, (unbeaten_sentence(story), verdict_sentence(story)))
    said = ("" if story.language == "zh" else " ").join(parts)
    return (f'<p class="answer {shade(story)}"><small>{escape(story.text("first.answer"))}</small>'
            f"{whole(said)}</p>")


def _evidence(story: Story) -> str:
    rows = [(story.model(name), story.metric(name, story.headline), 0.5)
            for name in (story.primary, story.comparator) if name]
    if story.comparator:
        rows.append((story.text("first.difference"), story.difference(), 0.0))
    cells = "".join(_measure(story, *row) for row in rows + _other_hospital(story))
    notes = [" ".join(because(story)), choice_words(story, "design"),
             story.text(f"first.{story.headline}_means", event=bare(story.event), other=story.other)]
    between = {name for name in story.evaluation.metrics["set"] if ARROW in name}
    tested = story.text(f"first.tested.{_elsewhere(story)}", direction=story.set, directions=len(between))
    said = f'<p class="tested">{escape(tested)}</p>'
    said += "".join(f"<p>{whole(note)}</p>" for note in notes)
    return (f"<h2>{escape(story.text('first.evidence'))}</h2>"
            f'<div class="measures">{cells}</div><div class="small">{said}</div>')


def _other_hospital(story: Story) -> list[tuple[str, Mapping[str, Any] | None, float]]:
    """Return the measures in another hospital's patients, where they stand beside the study's own."""
    if not story.evaluation.verdict.external or story.set != "internal":
        return []
    rows = [(story.text("first.elsewhere", what=story.model(name)),
             story.metric(name, story.headline, where="external"), 0.5)
            for name in (story.primary, story.comparator) if name]
    if story.comparator:
        rows.append((story.text("first.elsewhere", what=story.text("first.difference")),
                     story.difference(where="external"), 0.0))
    return rows


def _elsewhere(story: Story) -> str:
    if ARROW in story.set:
        return "between"
    if story.evaluation.verdict.external:
        return "yes"
    if "same_patients" in set(story.evaluation.flags["code"]):
        return "shared"
    return "by_centre" if "by_centre" in (story.facts.get("design") or {}) else "no"


def _measure(story: Story, name: str, row: Mapping[str, Any] | None, nothing: float) -> str:
    if row is None:
        return _cell_measure(name, numbers.NONE, "", "", "")
    metric = str(row["metric"])
    signed = metric.endswith("_difference")
    digits = numbers.digits_of(metric, row["value"], row["low"], row["high"])
    value = numbers.number(row["value"], digits, sign=signed)
    low, high = (numbers.number(row[end], digits, sign=signed) for end in ("low", "high"))
    span = story.text("first.interval", low=low, high=high) if numbers.NONE not in (low, high) else ""
    count = story.text("counted", n=int(row["n"]), events=int(row["events"]))
    return _cell_measure(name, f"{story.text(f'metric.short.{metric}')} {value}", span, count,
                         _bar(row["value"], row["low"], row["high"], nothing))


def _cell_measure(name: str, big: str, span: str, count: str, bar: str) -> str:
    return (f'<div class="measure"><p class="name">{escape(name)}</p><p class="value">{escape(big)}</p>{bar}'
            f'<p class="span">{escape(span)}</p><p class="count">{escape(count)}</p></div>')


def _bar(value: float, low: float, high: float, nothing: float) -> str:
    """Draw an interval as a bar on a scale where `nothing` (no use at all) is marked."""
    start, end = (0.3, 1.0) if nothing else (-0.5, 0.5)
    if not np.isfinite([value, low, high]).all():
        return ""
    at = [round(100 * (min(max(v, start), end) - start) / (end - start), 1) for v in (low, high, value, nothing)]
    return (f'<div class="bar" aria-hidden="true"><s style="left:{at[3]}%"></s>'
            f'<i style="left:{at[0]}%;width:{round(at[1] - at[0], 1)}%"></i><b style="left:{at[2]}%"></b></div>')


def _of_100(story: Story) -> str:
    found = per_100(story)
    head = f"<h2>{escape(story.text('first.per_100.survival' if story.survival else 'first.per_100'))}</h2>"
    if found is None:
        return head + f"<p>{escape(story.text('first.no_per_100'))}</p>"
    array = image(people_png(found.counts), found.sentence(story), 116)
    keys = "".join(_key(story, found, kind) for kind in KINDS)
    note = _groups_note(story) if story.survival else story.text("first.threshold",
                                                                 threshold=choice_words(story, "threshold"))
    return (f'{head}<div class="people"><div class="array">{array}</div><ul>{keys}</ul></div>'
            f'<p class="small">{escape(note)} {escape(counted(story))}{escape(story.text("stop"))}</p>')


def _key(story: Story, found: Per100, kind: str) -> str:
    _, low, high = found.values[kind]
    span = numbers.span(numbers.number(low, 0), numbers.number(high, 0), story.language)
    return (f'<li>{image(key_png(kind), "", 5)}<span><b>{found.counts[kind]}</b>{escape(span)} '
            f"{whole(found.words(story, kind))}</span></li>")


def _groups_note(story: Story) -> str:
    high, n = high_risk_share(story)
    words = {}
    for group in groups(story.of(story.evaluation.kaplan_meier, model=story.primary)):
        free, low, up = at_horizon(story, group)
        words[group] = numbers.percent(1 - free) + numbers.span(numbers.percent(1 - up), numbers.percent(1 - low),
                                                                story.language)
    return story.text("first.groups", n_high=high, n_low=n - high, high=words.get("high", numbers.NONE),
                      low=words.get("low", numbers.NONE), event=story.event,
                      months=story.months)


def _do_not_conclude(story: Story) -> str:
    own = f"limits.{story.facts.get('family', '')}"
    lines = [story.text("limits.always"), story.text(own) if has(own) else "",
             story.text("limits.internal") if _elsewhere(story) in ("no", "shared") else ""]
    said = "".join(f"<li>{escape(line)}</li>" for line in lines if line)
    return f'<div class="limits"><h2>{escape(story.text("first.limits"))}</h2><ul>{said}</ul></div>'


def _imprint(story: Story) -> str:
    facts = story.facts
    parts = [story.text("first.contact", contact=story.say(facts.get("contact")) or numbers.NONE),
             story.text("first.date", date=facts.get("date", numbers.NONE)),
             story.text("first.version", version=facts.get("version", numbers.NONE), id=facts.get("id", numbers.NONE))]
    return f'<p class="imprint">{" <i>·</i> ".join(escape(part) for part in parts)}</p>'
