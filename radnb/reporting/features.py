"""Plain names of features: never a raw name where a reader looks."""

from __future__ import annotations

import importlib
import re

from radnb.reporting.story import Story
from radnb.reporting.texts import has, text


def feature_name(story: Story, feature: str) -> str:
    """Return the plain name of a feature, the phase it was measured in first."""
    if feature in story.labels:
        return story.label(feature)
    phase = next((p for p in story.facts.get("images", {}).get("phases", ()) if feature.startswith(f"{p}_")), "")
    bare = feature.removeprefix(f"{phase}_") if phase else feature
    named = _plain(bare, story.language)
    return story.text("feature.in_phase", phase=story.known("phase", phase), feature=named) if phase else named


def feature_meaning(story: Story, feature: str) -> str:
    """Return one sentence on what a feature measures."""
    if feature in story.labels:
        return story.text("feature.clinical")
    phase = next((p for p in story.facts.get("images", {}).get("phases", ()) if feature.startswith(f"{p}_")), "")
    return _explained(feature.removeprefix(f"{phase}_") if phase else feature, story.language)


def _plain(feature: str, language: str) -> str:
    return _named(feature, language)[0]


def _explained(feature: str, language: str) -> str:
    return _named(feature, language)[1]


def _named(feature: str, language: str) -> tuple[str, str]:
    """Return plain name and meaning: from the features floor, or from the class of the feature alone."""
    try:
        names = importlib.import_module("radnb.features.names")
    except ModuleNotFoundError:
        family = next((f for f in feature.split("_") if has(f"feature_class.{f}")), "")
        what = text(f"feature_class.{family}", language) if family else feature
        words = re.sub(r"(?<=[a-z])(?=[A-Z])", " ", feature.rsplit("_", 1)[-1]).lower()
        return text("feature.named", language, what=what, which=words), text("feature.unknown", language)
    return names.short(feature, language), names.explain(feature, language)
