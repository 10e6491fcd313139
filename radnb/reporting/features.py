"""Plain names of features: never a raw name where a reader looks."""

from __future__ import annotations

from radnb.features.names import explain, short_name
from radnb.reporting.story import Story


def feature_name(story: Story, feature: str) -> str:
    """Return the plain name of a feature, the phase it was measured in included."""
    return story.label(feature) if feature in story.labels else short_name(feature, story.language)


def feature_meaning(story: Story, feature: str) -> str:
    """Return one sentence on what a feature measures."""
    return story.text("feature.clinical") if feature in story.labels else explain(feature, story.language)
