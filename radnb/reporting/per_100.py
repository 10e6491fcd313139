"""What 100 patients like these would meet at the declared threshold: counts, intervals and words."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
import pandas as pd

from radnb.reporting import numbers
from radnb.reporting.figures_survival import at_horizon
from radnb.reporting.story import Story, bare

KINDS = ("found", "missed", "wrongly_flagged", "correctly_cleared")


@dataclass(frozen=True)
class Per100:
    """Values per 100 patients by kind, as (value, low, high), and the whole numbers that add up to 100."""

    values: Mapping[str, tuple[float, float, float]]
    counts: dict[str, int]

    def words(self, story: Story, kind: str) -> str:
        """Return what a kind means for the outcome of this study."""
        key = f"per_100.survival.{kind}" if story.survival else f"per_100.{kind}"
        return story.text(key, event=bare(story.event), other=story.other, happened=story.happened,
                          spared=story.spared, months=story.months)

    def number(self, story: Story, kind: str) -> str:
        """Write the count of a kind with its interval."""
        _, low, high = self.values[kind]
        return str(self.counts[kind]) + numbers.span(numbers.number(low, 0), numbers.number(high, 0), story.language)

    def line(self, story: Story, kind: str) -> str:
        """Return one line: the count, its interval and what it means."""
        return story.text("per_100.line", number=self.number(story, kind), words=self.words(story, kind))

    def sentence(self, story: Story) -> str:
        """Return all kinds in one sentence, which is also the picture's alternative text."""
        parts = [self.line(story, kind) for kind in KINDS]
        return story.text("per_100.sentence", parts=story.text("semicolon").join(parts))


def per_100(story: Story, model: str = "") -> Per100 | None:
    """Return what 100 patients would meet, from the evaluation or (survival) from the Kaplan-Meier curves."""
    model = model or story.primary
    rows = story.of(story.evaluation.per_100, model=model, target=story.target)
    values = _from_curves(story) if story.survival and rows.empty else _from_rows(rows)
    if values is None:
        return None
    whole = numbers.shares([max(values[kind][0], 0.0) for kind in KINDS])
    return Per100(values, dict(zip(KINDS, whole, strict=True)))


def _from_rows(rows: pd.DataFrame) -> dict[str, tuple[float, float, float]] | None:
    if rows.empty:
        return None
    named = {str(r["measure"]): (float(r["value"]), float(r["low"]), float(r["high"])) for _, r in rows.iterrows()}
    return named if set(KINDS) <= set(named) else None


def high_risk_share(story: Story) -> tuple[int, int]:
    """Return how many patients are in the high-risk group, and how many there are."""
    rows = story.of(story.evaluation.at_risk, model=story.primary)
    if rows.empty:
        return 0, 0
    start = rows[rows["time"] == rows["time"].min()]
    return int(start.loc[start["group"].astype(str) == "high", "at_risk"].sum()), int(start["at_risk"].sum())


def _from_curves(story: Story) -> dict[str, tuple[float, float, float]] | None:
    high, n = high_risk_share(story)
    if not n:
        return None
    found: dict[str, tuple[float, float, float]] = {}
    for group, share, hit, miss in (("high", high / n, "found", "wrongly_flagged"),
                                    ("low", 1 - high / n, "missed", "correctly_cleared")):
        free = np.array(at_horizon(story, group))
        event = 100 * share * (1 - free)
        found[hit] = (float(event[0]), float(event[2]), float(event[1]))
        found[miss] = (float(100 * share * free[0]), float(100 * share * free[1]), float(100 * share * free[2]))
    return found
