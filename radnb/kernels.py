"""Execute a notebook with this very interpreter, whatever kernels are registered on the machine."""

from __future__ import annotations

import ast
import logging
import multiprocessing
import os
import shutil
import sys
import tempfile
import weakref
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import nbformat
import papermill
from jupyter_client.kernelspec import KernelSpec, KernelSpecManager
from jupyter_client.manager import AsyncKernelManager
from papermill.exceptions import PapermillExecutionError

from radnb.errors import RadnbError, nearest

DONE = "completed"


class _OwnKernelSpecs(KernelSpecManager):
    """Answers every kernel name with the running interpreter."""

    def get_kernel_spec(self, kernel_name: str) -> KernelSpec:
        command = [sys.executable, "-m", "ipykernel_launcher", "--log-level=CRITICAL", "--IPKernelApp.ignore_cwd=True",
                   "-f", "{connection_file}"]  # a user's own random.py never stands in for Python's
        return KernelSpec(argv=command, display_name=kernel_name, language="python")


class _OwnKernels(AsyncKernelManager):
    """Starts a kernel that no other user of the machine can listen to."""

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        if sys.platform != "win32":
            # The folder must be given: the default lies in the current folder, where two kernels would meet.
            folder = tempfile.mkdtemp(prefix="radnb-")
            weakref.finalize(self, shutil.rmtree, folder, ignore_errors=True)
            self.transport, self.ip = "ipc", f"{folder}/k"
        self.kernel_spec_manager = _OwnKernelSpecs(parent=self)


def check_parameters(notebook: Path, given: Mapping[str, Any]) -> None:
    """Refuse parameters that the notebook does not have; papermill would only warn."""
    known = papermill.inspect_notebook(str(notebook))
    unknown = [f"{notebook.name}: parameter {name!r} is unknown. {nearest(name, known)}" for name in given
               if name not in known]
    if unknown:
        raise RadnbError("\n".join(unknown), code="E_PARAMETER")


def execute(notebook: Path, output: Path, parameters: Mapping[str, Any], *, cell_timeout: int = 4 * 3600) -> None:
    """Run every cell; a fault in a cell becomes one sentence, and the notebook so far is kept at `output`.

    The kernel works in the current folder, so that a relative path means there what it means here.
    """
    check_parameters(notebook, parameters)
    logging.getLogger("papermill").setLevel(logging.ERROR)
    own = {"RADNB_HEADLESS": "1", "MPLBACKEND": "agg", "PYDEVD_DISABLE_FILE_VALIDATION": "1"}
    with tempfile.TemporaryDirectory(prefix="radnb-ipython-") as profile, _environment(own | {"IPYTHONDIR": profile}):
        try:
            papermill.execute_notebook(
                str(notebook), str(output), parameters=dict(parameters), cwd=str(Path.cwd()),
                kernel_manager_class=_OwnKernels, progress_bar=_bar(notebook.name), request_save_on_cell_execute=False,
                execution_timeout=cell_timeout, start_timeout=120)
        except PapermillExecutionError as error:
            raise _plain(error, notebook) from error
        except RuntimeError as error:
            raise RadnbError(f"{notebook.name}: the kernel stopped: {error}. Out of memory, or stopped from outside? "
                             "Run it again; what was finished is reused.", code="E_KERNEL") from error
    check_complete(output)


def _bar(name: str) -> dict[str, str] | bool:
    """Show the cells of a single run; many runs have one bar of their own."""
    alone = multiprocessing.parent_process() is None and os.environ.get("RADNB_PROGRESS") != "0"
    return {"desc": f"Running {name}"} if alone else False


def _plain(error: PapermillExecutionError, notebook: Path) -> RadnbError:
    if error.ename == "RadnbError":
        return RadnbError(str(error.evalue), code="E_STUDY_RUN")
    return RadnbError(f"{notebook.name}, cell {error.exec_count}: {error.ename}: {error.evalue}. "
                      "This is a fault of radnb: please report it with the notebook that was kept.", code="E_INTERNAL")


def check_complete(path: Path) -> None:
    """Refuse an executed notebook whose cells did not all end well."""
    book = nbformat.read(path, as_version=4)
    for number, cell in enumerate(book.cells, 1):
        status = cell.metadata.get("papermill", {}).get("status")
        if cell.cell_type == "code" and status != DONE:
            raise RadnbError(f"{path}: cell {number} is {status or 'not run'}. Run the study again.", code="E_HALF")


def check_executed(path: Path) -> None:
    """Refuse a notebook, run by a person or by papermill, with cells that failed or were not run to their end."""
    bad = [str(number) for number, cell in enumerate(_code_cells(path), 1)
           if cell.source.strip() and (
               cell.execution_count is None or cell.metadata.get("papermill", {}).get("status", DONE) != DONE
               or any(output.output_type == "error" for output in cell.outputs))]
    if bad:
        raise RadnbError(f"{path}: code cell{'s' * (len(bad) > 1)} {', '.join(bad)} did not run to the end. "
                         "Run all cells, save the notebook, then make the report.", code="E_HALF")


def language_of(path: Path) -> str:
    """Return the language that an executed notebook was given; what papermill injected stands last and wins."""
    found = [ast.literal_eval(line.value) for cell in _code_cells(path)
             if {"parameters", "injected-parameters"} & set(cell.metadata.get("tags", []))
             for line in ast.parse(cell.source).body
             if isinstance(line, ast.Assign) and ast.unparse(line.targets[0]) == "language"]
    return "zh" if found and found[-1] == "zh" else "en"


def _code_cells(path: Path) -> list[Any]:
    try:
        return [cell for cell in nbformat.read(path, as_version=4).cells if cell.cell_type == "code"]
    except (OSError, ValueError) as error:
        raise RadnbError(f"{path} cannot be read as a notebook: {error}. Run it again.", code="E_NOTEBOOK") from error


class _environment:
    """Environment variables that hold for a block."""

    def __init__(self, values: Mapping[str, str]) -> None:
        self.values, self.before = values, {name: os.environ.get(name) for name in values}

    def __enter__(self) -> None:
        os.environ.update(self.values)

    def __exit__(self, *exception: object) -> None:
        for name, value in self.before.items():
            os.environ.pop(name, None) if value is None else os.environ.update({name: value})
