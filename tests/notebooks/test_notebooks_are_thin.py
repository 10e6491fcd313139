"""Notebooks tell the order of the road and nothing else; the same file serves a person and the headless run."""

from __future__ import annotations

import ast
import itertools
from pathlib import Path
from typing import Any

import nbformat
import pytest

FOLDER = Path(__file__).resolve().parents[2] / "notebooks"
NOTEBOOKS = sorted(FOLDER.glob("*.ipynb"))
PARAMETERS = {"study", "manifest", "overrides", "out_dir", "language"}
BANNED = (ast.FunctionDef, ast.AsyncFunctionDef, ast.ClassDef, ast.Lambda, ast.Try, ast.For, ast.While, ast.ListComp)


def _cells(path: Path) -> list[Any]:
    return list(nbformat.read(path, as_version=4).cells)


def test_the_four_questions_have_a_notebook_each() -> None:
    assert {p.stem for p in NOTEBOOKS} >= {"differential_diagnosis", "grading", "lymph_node_metastasis", "survival"}


@pytest.mark.parametrize("path", NOTEBOOKS, ids=lambda p: p.stem)
def test_one_cell_of_parameters_and_no_knob_elsewhere(path: Path) -> None:
    tagged = [c for c in _cells(path) if "parameters" in c.metadata.get("tags", [])]
    assert len(tagged) == 1
    assigned = {t.id for node in ast.parse(tagged[0].source).body if isinstance(node, ast.Assign)
                for t in node.targets if isinstance(t, ast.Name)}
    assert assigned == PARAMETERS


@pytest.mark.parametrize("path", NOTEBOOKS, ids=lambda p: p.stem)
def test_code_cells_are_short_and_define_nothing(path: Path) -> None:
    for cell in _cells(path):
        if cell.cell_type != "code":
            continue
        assert len(cell.source.strip().splitlines()) <= 10, cell.source
        assert not [node for node in ast.walk(ast.parse(cell.source)) if isinstance(node, BANNED)], cell.source
        names = [n.value for n in ast.walk(ast.parse(cell.source)) if isinstance(n, ast.Constant)
                 and isinstance(n.value, str)]
        assert not [n for n in names if "/" in n or n.endswith((".csv", ".html", ".png"))], "file names belong to cards"


@pytest.mark.parametrize("path", NOTEBOOKS, ids=lambda p: p.stem)
def test_a_sentence_for_a_clinician_stands_before_each_code_cell(path: Path) -> None:
    cells = _cells(path)
    for before, cell in itertools.pairwise(cells):
        if cell.cell_type == "code":
            assert before.cell_type == "markdown" and len(before.source) > 20, cell.source


@pytest.mark.parametrize("path", NOTEBOOKS, ids=lambda p: p.stem)
def test_notebooks_are_committed_without_outputs(path: Path) -> None:
    for cell in _cells(path):
        if cell.cell_type == "code":
            assert not cell.outputs and cell.execution_count is None, "Edit > Clear Outputs of All Cells, then save"


@pytest.mark.parametrize("path", NOTEBOOKS, ids=lambda p: p.stem)
def test_papermill_finds_a_kernel_name_and_language(path: Path) -> None:
    spec = nbformat.read(path, as_version=4).metadata["kernelspec"]
    assert spec["name"] == "python3" and spec["language"] == "python"
