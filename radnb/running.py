"""Run study cards headlessly: one, or many in parallel; whole results or none, resumable."""

from __future__ import annotations

import contextlib
import os
import shutil
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import nbformat
from nbformat.sign import NotebookNotary

from radnb.errors import RadnbError
from radnb.kernels import check_executed, execute, language_of
from radnb.reporting.report import render
from radnb.study import load_study
from radnb.work import files
from radnb.work.parallel import Failure, attempt, cores, map_cases
from radnb.workbook import Run, check_run, fingerprint, measure, open_run

RECORD = "run.json"
STAGE = ".running"
KEPT_ON_FAILURE = "failed.ipynb"
OURS = {"metrics.csv", "predictions.csv", "resamples.parquet"}  # all three, where the record is damaged


@dataclass(frozen=True)
class Job:
    """One run of one card: where its results go and what is changed on the card."""

    study: str
    out_dir: Path
    manifest: str | None = None
    overrides: Mapping[str, Any] = field(default_factory=dict)
    language: str = "en"
    again: bool = False


def run(job: Job) -> Path:
    """Run a card's notebook into `out_dir` and return the path of its report; a finished run is not repeated."""
    out_dir = Path(job.out_dir).resolve()
    opened = _open(job)
    _check_folder(out_dir)
    check_run(opened)
    key = fingerprint(opened)
    if not job.again and is_finished(out_dir, key):
        return out_dir / "report.html"
    with files.lock(out_dir):
        stage = out_dir / STAGE
        shutil.rmtree(stage, ignore_errors=True)
        stage.mkdir()
        started = time.time()
        _execute(opened.notebook, stage, out_dir, _parameters(job, stage))
        _finish(stage, out_dir, opened.notebook.name, key, started, job.language)
    return out_dir / "report.html"


def _parameters(job: Job, stage: Path) -> dict[str, Any]:
    given = {"study": job.study, "out_dir": str(stage), "language": job.language}
    return given | ({"manifest": job.manifest} if job.manifest else {}) | (
        {"overrides": dict(job.overrides)} if job.overrides else {})


def _execute(notebook: Path, stage: Path, out_dir: Path, parameters: Mapping[str, Any]) -> None:
    try:
        execute(notebook, stage / notebook.name, parameters)
    except RadnbError:
        if (stage / notebook.name).is_file():
            os.replace(stage / notebook.name, out_dir / KEPT_ON_FAILURE)
        shutil.rmtree(stage, ignore_errors=True)
        raise


def _finish(stage: Path, out_dir: Path, name: str, key: str, started: float, language: str) -> None:
    """Render the report, then move everything to its final name, the record last."""
    if not (stage / RECORD).is_file():
        raise RadnbError(f"{name}: the notebook ends without a record. Add `radnb.finish(story, trained)` as its last "
                         "cell.", code="E_NOTEBOOK")
    record = files.read_json(stage / RECORD)
    _trust(stage / name)
    render(stage / name, stage / "report.html", title=record["question"][language], language=language)
    contents = sorted(p.relative_to(stage).as_posix() for p in stage.rglob("*") if p.is_file())
    record |= {"status": "complete", "fingerprint": key, "notebook": name,
               "files": {p: files.sha256_file(stage / p) for p in contents if p != RECORD},
               "seconds": round(time.time() - started, 1),
               "finished": time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime())}
    (out_dir / RECORD).unlink(missing_ok=True)
    for old in ("figures", "tables", KEPT_ON_FAILURE):
        _remove(out_dir / old)
    for path in contents:
        if path != RECORD:
            (out_dir / path).parent.mkdir(parents=True, exist_ok=True)
            os.replace(stage / path, out_dir / path)
    files.write_json(out_dir / RECORD, record)
    shutil.rmtree(stage)  # last, so that a folder is ours at every moment


def _trust(notebook: Path) -> None:
    """Sign the notebook as its user's own work, so that JupyterLab shows it as it was made."""
    with contextlib.suppress(OSError):  # a home that cannot be written to: Lab then asks
        notary = NotebookNotary()
        with contextlib.closing(notary.store):
            notary.sign(nbformat.read(notebook, as_version=4))


def _remove(path: Path) -> None:
    shutil.rmtree(path) if path.is_dir() else path.unlink(missing_ok=True)


def _check_folder(out_dir: Path) -> None:
    found = {path.name for path in out_dir.iterdir()} if out_dir.is_dir() else set()
    ours = found & {STAGE, files.LOCK, KEPT_ON_FAILURE} or found >= OURS or "status" in _record(out_dir)
    if out_dir.is_file() or (found and not ours):
        raise RadnbError(f"{out_dir} exists and is no run folder of radnb. Choose an empty folder with -o.",
                         code="E_FOLDER")


def is_finished(out_dir: Path, key: str) -> bool:
    """Say whether the folder holds a whole run of exactly these inputs, every file as it was written."""
    record = _record(out_dir)
    try:
        return (record.get("status") == "complete" and record.get("fingerprint") == key
                and all(files.sha256_file(out_dir / name) == digest for name, digest in record["files"].items()))
    except (OSError, KeyError):
        return False


def _record(out_dir: Path) -> dict[str, Any]:
    try:
        record = files.read_json(out_dir / RECORD)
    except (OSError, ValueError):
        return {}
    return record if isinstance(record, dict) else {}


def check_job(job: Job) -> None:
    """Raise what is wrong with a job's card, clinical table, outcome or predictors, before anything is measured."""
    check_run(_open(job))


@dataclass(frozen=True)
class Batch:
    """How a batch ended: each job with its report or failure, and the cases that could not be measured."""

    runs: list[tuple[Job, Path | Failure]]
    failed_cases: int


def batch(jobs: Sequence[Job], *, workers: int | None = None, say: Callable[[str], None]) -> Batch:
    """Check every card, measure what is missing with all cores, then run the jobs in parallel."""
    failed = prepare(jobs, say=say)
    at_once = max(1, min(workers or cores(), len(jobs)))
    before = os.environ.get("RADNB_WORKERS")
    os.environ["RADNB_WORKERS"] = str(max(1, (workers or cores()) // at_once))
    try:
        ended = dict(map_cases(run, jobs, workers=at_once, label="Running notebooks", unit="notebook"))
    finally:
        os.environ.pop("RADNB_WORKERS") if before is None else os.environ.update({"RADNB_WORKERS": before})
    return Batch([(job, ended[position]) for position, job in enumerate(jobs)], failed)


def prepare(jobs: Sequence[Job], *, say: Callable[[str], None]) -> int:
    """Check every card before any starts, and measure what is not in the store; return the failed cases.

    Nothing is measured for a study that its cohort cannot answer: its run says why.
    """
    failed, seen = 0, set()
    for opened in [_open(job) for job in jobs]:
        _check_folder(opened.out_dir)
        files.refuse_folder(opened.out_dir)
        key = (opened.manifest.path, str(opened.study.extraction), opened.study.images.model_dump_json())
        if key in seen or opened.manifest.images is None or isinstance(attempt(check_run, opened), Failure):
            continue
        seen.add(key)
        done = measure(opened)
        failed += len(done.failures)
        said = "\n".join(done.told)
        say(f"{opened.study.id}: {said}" if len(jobs) > 1 else said)
    return failed


def _open(job: Job) -> Run:
    return open_run(job.study, manifest=job.manifest, overrides=dict(job.overrides),
                    out_dir=Path(job.out_dir).resolve(), language=job.language)


def report_of(notebook: Path, out: Path | None = None, language: str | None = None) -> Path:
    """Render a notebook that a person ran, in its own language unless another is given; refuse a half-run one."""
    if not notebook.is_file():
        raise RadnbError(f"{notebook}: no such notebook. Name an executed .ipynb file.", code="E_NOTEBOOK")
    check_executed(notebook)
    out = out or notebook.with_suffix(".html")
    render(notebook, out, title=notebook.stem, language=language or language_of(notebook))
    return out.resolve()


def jobs_for(studies: Sequence[str], out_dir: Path, *, manifests: Sequence[str] = (),
             languages: Sequence[str] = ("en",), overrides: Mapping[str, Any] | None = None) -> list[Job]:
    """Cross cards, manifests and languages into jobs, one folder each."""
    made = []
    for name in studies:
        card = load_study(name)
        for manifest in manifests or [None]:  # type: ignore[list-item]
            for language in languages:
                folder = card.id + (f"--{_cohort_name(manifest)}" if manifest else "")
                folder += "" if language == languages[0] else f"-{language}"
                made.append(Job(name, Path(out_dir) / folder, manifest, overrides or {}, language))
    doubled = {str(job.out_dir) for job in made if sum(j.out_dir == job.out_dir for j in made) > 1}
    if doubled:
        raise RadnbError(f"Two runs would share a folder: {', '.join(sorted(doubled))}. Give the cards or manifests "
                         "different names.", code="E_FOLDER")
    return made


def _cohort_name(manifest: str) -> str:
    """Return what a run folder calls a cohort: the manifest's name, or its folder's where that says nothing."""
    path = Path(manifest)
    return path.resolve().parent.name if path.stem == "manifest" else path.stem
