"""Plain names of features: never a raw name where a reader looks."""

from __future__ import annotations

from radnb.features.names import explain, short_name
from radnb.reporting.story import Story


def feature_name(story: Story, feature: str) -> str:
    """Return the short plain name of a feature, for figures and tables."""
    if feature in story.labels:
        return story.label(feature)
    return short_name(feature, story.language)


def feature_meaning(story: Story, feature: str) -> str:
    """Return one sentence on what a feature measures."""
    if feature in story.labels:
        return story.text("feature.clinical")
    said = explain(feature, story.language)
    return said[:1].upper() + said[1:] + story.text("stop")
