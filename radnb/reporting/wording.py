"""Codes of the evaluation put into words: metrics, methods of intervals, methodological flags."""

from __future__ import annotations

import functools
import re
from collections.abc import Mapping
from typing import Any

from radnb.evaluation.grades import JOINT, VERSUS
from radnb.reporting import numbers
from radnb.reporting.story import Story, bare, inline, sentence
from radnb.reporting.texts import catalogue, has

TOKENS = ((re.compile(r"cv(\d+)x(\d+)"), "method.cv"), (re.compile(r"bootstrap(\d+)x(\d+)"), "method.bootstrap"),
          (re.compile(r"halfsample(\d+)x(\d+)"), "method.halfsample"),
          (re.compile(r"recalibrated(\d+)x(\d+)"), "method.recalibrated"),
          (re.compile(r"permuted(\d+)"), "method.permuted"),
          (re.compile(r"added(\d+)"), "method.added"))
DEFAULTS = {"folds": 5, "repeats": 20, "fraction": 0.3, "at": 0.9, "value": 0.5, "k": 10, "samples": 100, "name": ""}
PARTS = {"base": "learner", "bases": "learner", "first": "learner", "second": "learner",
         "first_selector": "selector", "second_selector": "selector"}  # options that name other choices
SILENT = frozenset({"counts", "logit", "plain", "patients", "fold", "median"})


def metric_label(story: Story, name: str) -> str:
    """Return the readable name of a metric, with its class or group where it has one (`sensitivity[G1]`)."""
    code, _, of = name.rstrip("]").partition("[")
    timed = re.fullmatch(r"survival_([\d.]+)m", code)
    label = story.known("metric", code)
    if timed:
        label = sentence(story.text("metric.survival_at", months=timed[1], without=story.without))
    if not of:
        return label
    if VERSUS in of:
        return story.text("metric.of", metric=label, of=_versus(story, of))
    whose = story.text(f"group.{of}") if story.survival and has(f"group.{of}") else story.label(of)
    return story.text("metric.of", metric=label, of=inline(whose))


def _versus(story: Story, of: str) -> str:
    """Write groups of classes set against one another, as in `G1+G2 | G3`."""
    groups = [functools.reduce(lambda a, b: story.text("metric.together", first=a, second=b),
                               [inline(story.label(name)) for name in group.split(JOINT)])
              for group in of.split(VERSUS)]
    return functools.reduce(lambda a, b: story.text("metric.versus", first=a, second=b), groups)


def method_words(story: Story, code: object) -> str:
    """Put the code of a method into words, as in `cv20x5_bootstrap50x2_logit`; or say why there is no interval."""
    said = str(code).replace("permuted_added", "added")
    if said.startswith("none: "):
        return story.text("method.none", why=story.known("why", said.removeprefix("none: ")))
    parts = [_token(story, token) for token in said.split("_") if token not in SILENT]
    return story.text("comma").join(parts)


def _token(story: Story, token: str) -> str:
    for pattern, key in TOKENS:
        if found := pattern.fullmatch(token):
            return story.text(key, a=found[1], b=found[2] if pattern.groups > 1 else "")
    return story.known("method", token)


def flag_words(story: Story, code: str, parameters: Mapping[str, Any]) -> str:
    """Return the sentence of a methodological flag."""
    if not has(f"flag.{code}"):
        return story.known("flag", code)
    return story.text(f"flag.{code}", **{key: _shown(story, key, value) for key, value in parameters.items()})


def _shown(story: Story, key: str, value: Any) -> str:
    if key == "model":
        return story.model(str(value))
    if key == "metric":
        return metric_label(story, str(value))
    if key == "target":
        return story.event if story.survival else story.label(value)
    if key in ("why", "policy"):
        return story.known(key, value)
    if key in ("lowest", "highest", "share"):
        return numbers.percent(float(value))
    return numbers.number(value) if isinstance(value, float) else str(value)


def choice_words(story: Story, fact: str, *, family: str = "") -> str:
    """Put a choice of the card (design, threshold, model) into words, its options included."""
    choice = story.facts.get(fact)
    return one_choice(story, family or fact, choice) if choice else story.text(f"{family or fact}.unstated")


def one_choice(story: Story, family: str, choice: Mapping[str, Any]) -> str:
    """Put one `{name: {option: value}}` into words; what the card leaves open has the function's own default."""
    name, given = next(iter(choice.items()))
    values = {**DEFAULTS, **(given or {})}
    said = story.known(family, name, **{k: _percent_or_plain(story, k, v) for k, v in values.items()})
    if not given or family == "design" or (has(f"{family}.{name}") and "{" in catalogue()[f"{family}.{name}"]["en"]):
        return said
    if family == "selector" and set(given) == {"k"} and given["k"]:
        return story.text("selector.best", name=said, k=given["k"])
    listed = story.text("comma").join(f"{key} = {_part(story, key, value)}" for key, value in given.items())
    return said + story.text("brackets", inside=listed)


def _part(story: Story, option: str, value: Any) -> str:
    """Put the value of an option into words; models and selectors within a model by their own names."""
    if option not in PARTS or not value:
        return str(value)
    parts = value if isinstance(value, list | tuple) else [value]
    return story.joined([one_choice(story, PARTS[option], {part: {}} if isinstance(part, str) else part)
                         for part in parts])


def _percent_or_plain(story: Story, option: str, value: Any) -> str:
    if option in ("at", "fraction", "value"):
        return numbers.percent(float(value))
    if option == "name" and value:
        return bare(story.label(value))
    return story.joined([str(one) for one in value]) if isinstance(value, list | tuple) else str(value)
