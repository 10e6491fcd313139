"""A whole report of a made-up story, through a notebook without a kernel."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import nbformat

from radnb.reporting import figures, figures_honesty, figures_patients, figures_survival, record, tables
from radnb.reporting.display import Piece
from radnb.reporting.first_screen import first_screen
from radnb.reporting.report import render
from radnb.reporting.story import Story
from radnb.reporting.table_one import table_one

CLASSES = (figures.roc, figures_patients.score_distribution, tables.confusion_table, tables.per_100_table,
           figures.calibration, figures.decision_curve)


def pieces(story: Story) -> list[Piece]:
    """Return every piece of a report in the order of the notebooks."""
    middle = (figures_survival.kaplan_meier, figures_patients.score_distribution) if story.survival else CLASSES
    steps = (first_screen, figures_patients.flow, table_one, tables.performance_table, figures.forest,
             tables.comparison_table, *middle, figures_patients.icon_array, figures_patients.stability,
             tables.feature_table, tables.flags_table, figures_honesty.honesty_panel,
             figures_honesty.leak_certificate, record.methods_text, tables.exclusions_table,
             tables.failures_table, record.word_tables, record.provenance)
    return [step(story) for step in steps]


def cell(shown: Any, *tags: str) -> nbformat.NotebookNode:
    """Return a code cell whose output is what a piece shows."""
    data, marks = shown._repr_mimebundle_()
    output = nbformat.v4.new_output("execute_result", data=data, metadata=marks, execution_count=1)
    return nbformat.v4.new_code_cell("secret_code()", outputs=[output], metadata={"tags": list(tags)})


def report(story: Story, folder: Path, *, shown: Sequence[Piece] = (),
           extra: tuple[nbformat.NotebookNode, ...] = ()) -> Path:
    """Write the report of a story and return its path."""
    notebook = nbformat.v4.new_notebook(cells=[nbformat.v4.new_markdown_cell("# for Lab only", id="m0"),
                                               *map(cell, shown or pieces(story)), *extra])
    folder.mkdir(parents=True, exist_ok=True)
    nbformat.write(notebook, folder / "executed.ipynb")
    return render(folder / "executed.ipynb", folder / "report.html", title=story.say(story.facts["question"]),
                  language=story.language)
