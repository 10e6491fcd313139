"""What a report on frozen models adds: where new patients leave the training range, then and now, recalibration."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
import pandas as pd

from radnb.learning.frozen import Frozen, Metric
from radnb.learning.signature import Signature
from radnb.reporting import numbers
from radnb.reporting.display import Picture, Piece, escape
from radnb.reporting.features import feature_name
from radnb.reporting.figures import roc
from radnb.reporting.figures_survival import kaplan_meier
from radnb.reporting.story import Story
from radnb.reporting.tables import Table, metric_names, table
from radnb.reporting.wording import metric_label

SHOWN = 15
THEN = ("auc", "auc_macro", "c_index", "sensitivity", "specificity", "brier", "calibration_intercept",
        "calibration_slope")


def range_table(story: Story, models: Sequence[Frozen | Signature], scored: pd.DataFrame) -> Table:
    """Count, feature by feature, the new patients below and above the training range; nobody is named."""
    known = {name: one for made in models for name, one in made.ranges.items()}
    rows: list[dict[str, Any]] = []
    here = story.cohort.table
    for name, one in known.items():
        x = here[name].to_numpy(float)
        below, above = int((x < one.low).sum()), int((x > one.high).sum())
        middle = np.nanmedian(x) if np.isfinite(x).any() else np.nan
        rows.append({story.text("column.feature"): feature_name(story, name), story.text("column.exact"): name,
                     story.text("column.training_range"): f"{one.low:.4g} – {one.high:.4g}",
                     story.text("column.median_here"): numbers.NONE if np.isnan(middle) else f"{middle:.4g}",
                     story.text("column.below"): below, story.text("column.above"): above,
                     story.text("column.missing"): int(np.isnan(x).sum())})
    rows.sort(key=lambda row: -row[story.text("column.below")] - row[story.text("column.above")])
    people = scored.groupby("patient_id")[["outside", "imputed"]].max()
    note = story.text("table.ranges.note", n=len(people), outside=int((people["outside"] > 0).sum()),
                      imputed=int((people["imputed"] > 0).sum()))
    return table(story, "ranges", pd.DataFrame(rows[:SHOWN]), part="patients", values=pd.DataFrame(rows), note=note)


def then_and_now(story: Story, models: Sequence[Frozen | Signature]) -> Table:
    """Show what the model reached when it was made beside what it reaches in these patients."""
    made = next((one for one in models if one.name == story.primary), None)
    then = {one.metric: one for one in (made.about.performance if isinstance(made, Frozen) else ())}
    rows = []
    for name in metric_names(story, [story.primary]):
        now = story.metric(story.primary, name)
        if name.split("[")[0] in THEN and now is not None:
            rows.append({story.text("column.metric"): metric_label(story, name),
                         story.text("column.then"): _then(story, then.get(name)),
                         story.text("column.now"): story.metric_text(now)})
    return table(story, "then_and_now", pd.DataFrame(rows), part="evidence",
                 note=story.text("table.then_and_now.note"))


def _then(story: Story, row: Metric | None) -> str:
    if row is None:
        return numbers.NONE
    return story.metric_text({key: np.nan if value is None else value for key, value in row.model_dump().items()})


def told_apart(story: Story) -> Picture:
    """Draw the ROC curve, or where the outcome is a time the survival of the frozen risk groups."""
    return kaplan_meier(story) if story.survival else roc(story)


def external_methods(story: Story, models: Sequence[Frozen | Signature], notes: Sequence[str]) -> Piece:
    """Return the methods section: which frozen models, on whom, and that nothing was refitted."""
    names = story.joined([story.model(made.name) for made in models])
    said = [story.text("methods.frozen", n=len(story.cohort.table), events=story.events, models=names,
                       source=story.say(story.facts.get("source"))), *(_model(story, made) for made in models),
            story.text("methods.external_statistics"), *notes]
    body = "".join(f"<p>{escape(sentence)}</p>" for sentence in said)
    return Piece(f'<div class="paste">{body}</div>', story.text("methods"), "methods", "methods", "methods")


def _model(story: Story, made: Frozen | Signature) -> str:
    if isinstance(made, Signature):
        return story.text("methods.signature", name=made.name, reference=made.card.reference, sha256=made.sha256)
    about = made.about
    return story.text("methods.frozen_model", name=story.model(made.name), study=about.study["id"],
                      patients=about.patients, events=about.events, sha256=made.sha256)
