"""The answer in one sentence, in the only three ways that it may be given."""

from __future__ import annotations

from collections.abc import Sequence

from radnb.reporting import numbers
from radnb.reporting.story import Story
from radnb.reporting.texts import has

KINDS = ("improved", "not_shown", "too_few")
FEW = ("too_few_events", "too_few_resamples", "no_spread", "identical_scores")
USUAL = 0.1  # the smallest difference that matters, as the evaluation takes it where the card is silent


def verdict_kind(story: Story) -> str:
    """Return improved, not_shown or too_few; anything else counts as not shown."""
    kind = str(story.evaluation.verdict.kind)
    return kind if kind in KINDS else "not_shown"


def because(story: Story) -> list[str]:
    """Return, in sentences, what the answer rests on."""
    declared = (story.facts.get("inference") or {}).get("relevant_difference")
    margin = f"{USUAL if declared is None else declared:g}"
    return [story.text(f"because.{code}", margin=margin) for code in story.evaluation.verdict.reasons
            if has(f"because.{code}")]


def adds(story: Story) -> bool:
    """Say whether the primary model holds everything that its comparator holds, and more."""
    sets = story.facts.get("model_sets") or {}
    return set(sets.get(story.comparator, ())) <= set(sets.get(story.primary, ()))


def shade(story: Story) -> str:
    """Return the look of the answer; one that does no better than its controls never looks like a gain."""
    kind = verdict_kind(story)
    return "not_shown" if kind == "improved" and story.evaluation.verdict.unbeaten else kind


def unbeaten_sentence(story: Story) -> str:
    """Say which controls the primary model was not shown to do better than, or nothing."""
    lost = [story.text(f"unbeaten.{name}") for name in story.evaluation.verdict.unbeaten]
    return story.text("verdict.unbeaten", primary=story.model(story.primary),
                      controls=numbers.either(lost, story.language)) if lost else ""


def untold(story: Story) -> bool:
    """Say whether the design, and not the number of patients, keeps the answer open."""
    return by_design(story.evaluation.verdict.reasons)


def by_design(reasons: Sequence[str]) -> bool:
    """Say whether these reasons keep an answer open for another cause than few patients."""
    return len(reasons) > 1 and reasons[0] == "no_interval" and reasons[1] not in FEW


def verdict_sentence(story: Story) -> str:
    """Return the answer: adding image features improved, was not shown to improve, or too few to tell."""
    way = "alone" if not story.comparator else "adding" if adds(story) else "instead"
    kind = "no_interval" if untold(story) else verdict_kind(story)
    return story.text(f"verdict.{way}.{kind}", predictors=story.predictors,
                      primary=story.model(story.primary),
                      comparator=story.model(story.comparator) if story.comparator else "")
