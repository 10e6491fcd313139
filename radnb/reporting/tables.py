"""Tables of results as pieces of the report, each also written as XLSX."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import pandas as pd

from radnb.reporting import numbers
from radnb.reporting.display import Piece, escape, whole
from radnb.reporting.features import feature_meaning, feature_name
from radnb.reporting.figures_patients import exclusion_reasons, selection_shares
from radnb.reporting.per_100 import KINDS, per_100
from radnb.reporting.story import Story, inline, sentence
from radnb.reporting.table_files import write_xlsx
from radnb.reporting.wording import choice_words, flag_words, method_words, metric_label

ELSEWHERE = r"_difference$|_p$"  # differences and p-values stand in the table of comparisons
LEVEL = "\u2003"  # marks a category below its characteristic
ORDER = ("auc_macro", "ordinal_c", "auc", "c_index", "first_stage", "second_stage", "correct_class", "within_one_grade",
         "weighted_kappa", "sensitivity", "specificity", "ppv", "npv", "accuracy", "balanced_accuracy",
         "f1", "mcc", "brier", "brier_scaled", "calibration_intercept", "calibration_slope")


@dataclass(frozen=True, eq=False)
class Table(Piece):
    """A table as shown, with its title and note, and the plain numbers behind it."""

    shown: pd.DataFrame = field(default_factory=pd.DataFrame)
    values: pd.DataFrame = field(default_factory=pd.DataFrame)
    note: str = ""


def table(story: Story, name: str, shown: pd.DataFrame, *, part: str, values: pd.DataFrame | None = None,
          note: str = "", left_out: bool = False) -> Table:
    """Turn a frame of texts into a table of the report, and write it with its numbers into `tables/`.

    One that is left out has nothing to tell in this study: it is not written, and only Lab shows its note.
    """
    heading, values = story.text(f"table.{name}"), shown if values is None else values
    if story.out_dir and not left_out:
        write_xlsx(story.out_dir / "tables" / f"{name}.xlsx", {"table": shown, "values": values}, title=heading)
    nothing = "" if left_out else f"<p>{escape(story.text('none.stop'))}</p>"
    body = html_table(shown) if len(shown) else nothing
    body += f'<p class="note">{escape(note)}</p>' if note else ""
    return Table(body, heading, part, name, "table", left_out, shown=shown, values=values, note=note)


def html_table(shown: pd.DataFrame) -> str:
    """Write a frame of texts as an HTML table that scrolls on narrow screens; words stand left, numbers right."""
    words = [position == 0 or _wordy(shown.iloc[:, position]) for position in range(shown.shape[1])]
    marks = [' class="text"' if wordy else "" for wordy in words]
    head = "".join(f'<th scope="col"{mark}>{_lines(c)}</th>' for c, mark in zip(shown.columns, marks, strict=True))
    rows = []
    for first, *others in shown.itertuples(index=False):
        level = ' class="level"' if str(first).startswith(LEVEL) else ""
        cells = "".join(f"<td{mark}>{_lines(v)}</td>" for v, mark in zip(others, marks[1:], strict=True))
        rows.append(f'<tr><th scope="row"{level}>{_lines(str(first).removeprefix(LEVEL))}</th>{cells}</tr>')
    return (f'<div class="scroll" tabindex="0"><table><thead><tr>{head}</tr></thead>'
            f"<tbody>{''.join(rows)}</tbody></table></div>")


def _wordy(column: pd.Series) -> bool:
    """Say whether most of a column's cells begin with a word."""
    cells = [str(value) for value in column if str(value).strip()]
    return sum(cell[:1].isalpha() or cell[:1] == "\u201c" for cell in cells) > len(cells) / 2


def _lines(value: object) -> str:
    return whole(value).replace("\n", "<br>")


def metric_names(story: Story, models: Sequence[str]) -> list[str]:
    """List the metrics that the models have, in reading order; permutation p and differences stand elsewhere."""
    rows = story.metrics
    found = [str(m) for m in pd.unique(rows.loc[rows["model"].isin(models), "metric"])
             if not re.search(ELSEWHERE, str(m))]
    return sorted(found, key=lambda m: (_rank(m), found.index(m)))


def _n_events(rows: Iterable[Mapping[str, Any]]) -> str:
    """Write n and events where all models agree on them, else nothing."""
    found = {f"{int(row['n'])} / {int(row['events'])}" for row in rows}
    return found.pop() if len(found) == 1 else ""


def _cell(story: Story, row: Mapping[str, Any] | None, shared: str) -> str:
    """Write a metric, with its own n and events below where the models differ in them."""
    if row is None:
        return numbers.NONE
    said = story.metric_text(row)
    if said == numbers.NONE and str(row["metric"]).startswith("median_survival"):
        said = story.text("not_reached")
    return said if shared else f"{said}\n({int(row['n'])} / {int(row['events'])})"


def _rank(metric: str) -> int:
    bare = metric.split("[")[0]
    return ORDER.index(bare) if bare in ORDER else len(ORDER)


def performance_table(story: Story) -> Table:
    """Show every metric of every model with interval, patients and events."""
    models, rows = story.models, []
    for name in metric_names(story, models):
        found = {m: row for m in models if (row := story.metric(m, name)) is not None}
        shared = _n_events(found.values())
        rows.append({story.text("column.metric"): metric_label(story, name),
                     **{story.model(m): _cell(story, found.get(m), shared) for m in models},
                     story.text("column.n_events"): shared})
    values = story.metrics[story.metrics["model"].isin(models)].reset_index(drop=True)
    return table(story, "performance", pd.DataFrame(rows), part="evidence", values=values,
                 note=story.text("table.performance.note" + (".survival" if story.survival else ""),
                                 set=story.whose))


def comparison_table(story: Story) -> Table:
    """Show the primary difference first, every other one, then each permutation p."""
    rows, metrics = [], story.metrics
    chosen = metrics[metrics["metric"].str.contains(ELSEWHERE) & metrics["value"].notna()]
    locked = chosen["model"] != f"{story.primary} - {story.comparator}"
    chosen = chosen.assign(p=chosen["metric"].str.endswith("_p"), later=locked)
    chosen = chosen.sort_values(["p", "later"], kind="stable").drop(columns=["p", "later"])
    for row in chosen.to_dict("records"):
        first, *others = [story.model(m) for m in str(row["model"]).split(" - ")]
        rows.append({story.text("column.comparison"): story.text("minus").join([first, *map(inline, others)]),
                     story.text("column.metric"): metric_label(story, str(row["metric"])),
                     story.text("column.value"): story.metric_text({str(k): v for k, v in row.items()}),
                     story.text("column.n_events"): f"{int(row['n'])} / {int(row['events'])}",
                     story.text("column.method"): method_words(story, row["method"])})
    note = story.text("table.comparison.note", primary=story.model(story.primary),
                      comparator=story.model(story.comparator) if story.comparator else numbers.NONE)
    return table(story, "comparison", pd.DataFrame(rows), part="evidence", values=chosen.reset_index(drop=True),
                 note=note)


def confusion_table(story: Story) -> Table:
    """Count, for each class of the primary model at its threshold, who was found, missed, wrongly flagged, cleared."""
    counts, models = story.evaluation.confusion, story.models
    counts = story.of(counts[counts["model"].isin(models)])
    shown = [{story.text("column.model"): story.model(r.model), story.text("column.class"): story.label(r.target),
              **{story.text(f"column.{kind}"): numbers.number(value, 0 if float(value).is_integer() else 1)
                 for kind, value in (("found", r.tp), ("missed", r.fn), ("wrongly_flagged", r.fp),
                                     ("correctly_cleared", r.tn))}}
             for r in sorted(counts.itertuples(), key=lambda r: (models.index(r.model), str(r.target)))]
    return table(story, "confusion", pd.DataFrame(shown), part="evidence", values=counts.reset_index(drop=True),
                 note=story.text("table.confusion.note", threshold=choice_words(story, "threshold")))


def class_table(story: Story) -> Table:
    """Count the primary model's patients by true and most probable class, of three classes or more."""
    counts, order = story.of(story.evaluation.classes, model=story.primary), story.cohort.outcome.classes
    if not len(counts):
        code = "two" if story.survival or story.cohort.outcome.binary else "scores"
        return table(story, "classes", pd.DataFrame(), part="evidence", note=story.text(f"table.classes.{code}"),
                     left_out=True)
    wide = counts.pivot_table(index="truth", columns="predicted", values="patients").loc[list(order), list(order)]
    shown = [{story.text("column.true_class"): story.label(truth),
              **{story.text("column.put_into", name=story.label(c)): _patients(row[c]) for c in order},
              story.text("column.all"): _patients(row.sum())} for truth, row in wide.iterrows()]
    found = {name: story.metric(story.primary, name) for name in ("correct_class", "within_one_grade",
                                                                  "weighted_kappa")}
    measures = story.text("separator").join(f"{metric_label(story, name)} {story.metric_text(row)}"
                                            for name, row in found.items() if row is not None)
    return table(story, "classes", pd.DataFrame(shown), part="evidence", values=counts.reset_index(drop=True),
                 note=story.text("table.classes.note", model=story.model(story.primary), measures=measures))


def _patients(value: float) -> str:
    return numbers.number(value, 0 if abs(value - round(value)) < 1e-9 else 1)


def per_100_table(story: Story) -> Table:
    """Show what 100 patients would meet with each model at its threshold."""
    found = {m: per_100(story, m) for m in story.models if not story.survival or m == story.primary}
    first = next((f for f in found.values() if f is not None), None)
    rows = [] if first is None else [
        {story.text("column.of_100"): first.words(story, kind),
         **{story.model(m): f.number(story, kind) for m, f in found.items() if f is not None}} for kind in KINDS]
    return table(story, "per_100", pd.DataFrame(rows), part="evidence",
                 note=story.text("table.per_100.note", threshold=choice_words(story, "threshold")))


def feature_table(story: Story, *, top: int = 15) -> Table:
    """Show the features chosen most often: plain name, what it measures, how often, direction, exact name."""
    shares = selection_shares(story).head(top)
    rows = [{story.text("column.feature"): feature_name(story, r.feature),
             story.text("column.meaning"): feature_meaning(story, r.feature),
             story.text("column.exact"): r.feature,
             story.text("column.share"): numbers.percent(r.share),
             story.text("column.weight"): numbers.number(r.weight, 2, sign=True)} for r in shares.itertuples()]
    return table(story, "features", pd.DataFrame(rows), part="features", values=shares,
                 note=story.text("table.features.note", model=story.model(story.primary)))


def exclusions_table(story: Story) -> Table:
    """Show how many patients were excluded and why."""
    reasons = exclusion_reasons(story)
    frame = pd.DataFrame({story.text("column.reason"): [sentence(r) for r in reasons["reason"]],
                          story.text("column.patients"): reasons["n"]})
    note = story.text("table.exclusions.note") if len(frame) else ""
    return table(story, "exclusions", frame, part="record", note=note)


def failures_table(story: Story) -> Table:
    """Show how many images failed at which stage and why, without naming patients."""
    failed = story.failures
    if failed is None or not len(failed):
        return table(story, "failures", pd.DataFrame(), part="record")
    grouped = failed.groupby(["stage", "code"], sort=True).size().reset_index(name="n")
    frame = pd.DataFrame({story.text("column.stage"): [sentence(story.known("stage", s)) for s in grouped["stage"]],
                          story.text("column.reason"): [sentence(story.known("code", c)) for c in grouped["code"]],
                          story.text("column.images"): grouped["n"]})
    return table(story, "failures", frame, part="record", note=story.text("table.failures.note"))


def flags_table(story: Story) -> Table:
    """Show what a careful reader should know about method and data, the gravest first."""
    flags = story.evaluation.flags
    if flags is None or not len(flags):
        return table(story, "flags", pd.DataFrame(), part="methods")
    gravity = [sentence(story.known("severity", s)) for s in flags["severity"]]
    frame = pd.DataFrame({story.text("column.severity"): gravity,
                          story.text("column.flag"): [flag_words(story, r.code, r.parameters)
                                                      for r in flags.itertuples()]}).drop_duplicates()
    return table(story, "flags", frame, part="methods", note=story.text("table.flags.note"),
                 values=flags.assign(parameters=flags["parameters"].astype(str)))
