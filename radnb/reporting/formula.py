"""The formula of the primary model, where it is a weighted sum: terms in words, coefficients and constant."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

import pandas as pd

from radnb.reporting.features import feature_name
from radnb.reporting.story import Story, sentence
from radnb.reporting.tables import LEVEL, Table, table

TERM = re.compile(r" ([+-]) (\S+) × (.+?)(?= [+-] \S+ × |$)")
SCORE, COMPONENT = "score:", re.compile(r"component_(\d+)$")


def formula(story: Story) -> Table:
    """Show the weighted sum that the primary model refitted on all training patients is; left out for other models."""
    sums = list(_sums(story, story.final.get(story.primary, {})))
    rows = [row for title, terms in sums for row in _rows(story, title, terms, len(sums) > 1)]
    note = _note(story) if rows else story.text("formula.none", model=story.model(story.primary))
    return table(story, "formula", pd.DataFrame(rows), part="features", note=note, left_out=not rows)


def _sums(story: Story, final: Mapping[str, Any]) -> Iterator[tuple[str, Sequence[str]]]:
    """Yield every weighted sum: the model's own, or a fusion's and then those of the scores that it joins."""
    if "fusion" in final:
        if final["fusion"] != ["mean"]:
            yield sentence(story.model(story.primary)), final["fusion"]
        for name, part in final["parts"].items():
            if part.get("formula"):
                yield sentence(_name(story, name)), part["formula"]
    elif final.get("formula") and not final.get("no_information"):
        yield sentence(story.model(story.primary)), final["formula"]


def _rows(story: Story, title: str, sums: Sequence[str], several: bool) -> list[dict[str, str]]:
    """Write one line per term, with a column of coefficients for each sum (one, or one per class)."""
    heads = _heads(story, len(sums))
    constants = [said.partition(" ")[0] for said in sums]
    terms: dict[str, dict[int, str]] = {}
    for place, said in enumerate(sums):
        for sign, size, name in TERM.findall(said):
            terms.setdefault(name, {})[place] = f"{'' if sign == '+' else '−'}{size}"
    mark = LEVEL if several else ""
    lines = [(mark + story.text("formula.constant"), "", [value.replace("-", "−") for value in constants])]
    lines += [(mark + _name(story, name), "" if name.startswith(SCORE) else name,
               [found.get(place, "0") for place in range(len(sums))]) for name, found in terms.items()]
    lines = [*([(title, "", [""] * len(sums))] if several else []), *lines]
    return [{story.text("column.term"): said, **dict(zip(heads, values, strict=True)),
             story.text("column.exact"): exact} for said, exact, values in lines]


def _heads(story: Story, many: int) -> list[str]:
    word, classes = story.text("column.coefficient"), story.cohort.outcome.classes
    if many == 1:
        return [word]
    names = [story.label(c) for c in classes] if many == len(classes) else [str(k + 1) for k in range(many)]
    return [story.text("metric.of", metric=word, of=name) for name in names]


def _name(story: Story, name: str) -> str:
    """Write a term in words: a feature, a clinical fact, a component or the score of a block."""
    if name.startswith(SCORE):
        blocks = " + ".join(story.known("block", block) for block in name.removeprefix(SCORE).split("+"))
        return story.text("formula.score", blocks=blocks)
    if made := COMPONENT.fullmatch(name):
        return story.text("formula.component", number=made[1])
    return story.label(name) if "=" in name else feature_name(story, name)


def _note(story: Story) -> str:
    final = story.final[story.primary]
    again = story.text("formula.recalibrated") if final.get("recalibration") else ""
    said = story.text("formula.note", n=final.get("patients", len(story.cohort.table)), research=story.text(
        "first.research"), use=story.text("formula.survival" if story.survival else "formula.classes"))
    harmonised = story.text("formula.harmonised") if final.get("harmonised") else ""
    return ("" if story.language == "zh" else " ").join(part for part in (said, again, harmonised) if part)
