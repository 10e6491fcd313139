"""The command line: every command checks first, shows progress, and ends with a clear sentence and exit code.

0 all good, 1 a fault of radnb, 2 bad input as a whole, 3 finished with failed cases, 4 the folder is in use.
Heavy libraries are imported inside the commands, so that `radnb --help` answers at once.
"""

from __future__ import annotations

import atexit
import gc
import os
import sys
import traceback
from collections import Counter
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from radnb import __version__
from radnb.errors import RadnbError

if TYPE_CHECKING:
    import pandas as pd

    from radnb.freezing import Applied

app = typer.Typer(no_args_is_help=True, add_completion=False, pretty_exceptions_enable=False,
                  context_settings={"help_option_names": ["-h", "--help"]},
                  help="Reproducible radiomics research workbook: from images to honest clinical reports.")
Out = Annotated[Path | None, typer.Option("-o", "--out", help="Folder for the results.")]
Workers = Annotated[int | None, typer.Option(min=1, help="Processes at once (default: one per core).")]
Set = Annotated[list[str] | None, typer.Option("--set", help="Change a key of the card: key=value, repeatable.")]
ALIKE = 8  # findings of one kind that are shown
STOPPED = 130  # the exit code of Ctrl-C
NEW_OBJECTS = 20_000  # between two searches for garbage: loading libraries makes very many that stay
Language = Annotated[str, typer.Option(help="Language of the report: en or zh.")]


def _version(wanted: bool) -> None:
    if wanted:
        typer.echo(f"radnb {__version__}")
        raise typer.Exit


@app.callback()
def _root(version: Annotated[bool, typer.Option("--version", callback=_version, is_eager=True)] = False) -> None:
    pass


@app.command()
def demo(out: Out = None, workers: Workers = None) -> None:
    """Make a synthetic cohort, check it, measure it, run the four notebooks in two languages."""
    from radnb.demo import run_demo

    _use(workers)
    index, failed = run_demo(out, say=_say)
    _say(f"\nOpen the reports: {index}")
    raise typer.Exit(3 if failed else 0)


@app.command()
def synth(kind: Annotated[str, typer.Argument(help="What to make: pancreas.")],
          out: Annotated[Path, typer.Option("-o", "--out", help="Folder for the cohort.")],
          n: Annotated[int, typer.Option("--n", min=6, max=100_000, help="Number of patients.")] = 120,
          seed: Annotated[int, typer.Option(min=0)] = 7,
          null: Annotated[bool, typer.Option("--null", help="Outcomes independent of everything.")] = False,
          features_only: Annotated[bool, typer.Option("--features-only", help="A feature table, no images.")] = False,
          extra_readers: Annotated[int, typer.Option(min=0, help="Cases that further readers outline.")] = 30,
          workers: Workers = None) -> None:
    """Make a synthetic cohort whose truth is known."""
    from radnb.cohort.synth import SYNTH
    from radnb.errors import nearest

    if kind not in SYNTH:
        raise RadnbError(f"{kind!r} cannot be made. {nearest(kind, SYNTH)}")
    SYNTH[kind](out, seed=seed, n=n, null=null, images=not features_only, extra_readers=extra_readers,
                workers=workers)
    _say(f"{n} patients are in {out.resolve()}; what was put in stands in truth.json and truth.csv.")


@app.command()
def check(manifest: Annotated[str, typer.Argument(help="A manifest: name under data_manifests, or path.")],
          images: Annotated[bool, typer.Option(help="Read every image and mask too.")] = True,
          settings: Annotated[str | None, typer.Option(help="The extraction settings you will use.")] = None,
          modality: Annotated[str | None, typer.Option(help="ct, mr or pet: check the grey values too.")] = None,
          out: Annotated[Path | None, typer.Option("-o", "--out", help="Write the list as CSV too.")] = None,
          workers: Workers = None) -> None:
    """List every problem of a cohort at once, with row, column and mend."""
    from radnb.workbook import check_cohort

    _use(workers)
    if modality not in (None, "ct", "mr", "pet"):
        raise RadnbError(f"--modality {modality!r}: choose ct, mr or pet.")
    found = check_cohort(manifest, images=images, preset=settings, modality=modality)
    _say_problems(found)
    if out:
        from radnb.work.files import write_csv

        write_csv(out, found)
    raise typer.Exit(2 if (found["severity"] == "error").any() else 0)


@app.command()
def init(folder: Annotated[Path, typer.Argument(help="A folder of NIfTI, NRRD or MHA files.")],
         out: Annotated[Path | None, typer.Option("-o", "--out", help="Where the draft goes.")] = None) -> None:
    """Draft a manifest from a folder of images and masks."""
    from radnb.cohort.draft import draft

    _say(draft(folder, output=out))


features = typer.Typer(no_args_is_help=True, help="Measure features, ask the store about them, compare tables.")
app.add_typer(features, name="features")


@app.command()
@features.command()
def extract(manifest: Annotated[str, typer.Argument(help="A manifest: name under data_manifests, or path.")],
            settings: Annotated[str, typer.Option(help="A preset (ct, mr, pet, demo) or a settings YAML.")] = "ct",
            out: Annotated[Path | None, typer.Option("-o", "--out", help="The table: CSV, XLSX, Parquet.")] = None,
            engine: Annotated[str | None, typer.Option(help="radnb or pyradiomics (default: the faster).")] = None,
            verify: Annotated[str, typer.Option(help="What PyRadiomics measures again: some, all, none.")] = "some",
            workers: Workers = None,
            timeout: Annotated[float, typer.Option(min=1, help="Seconds allowed for one region.")] = 600,
            cluster: Annotated[str | None, typer.Option(help="A dask scheduler (tcp://host:8786 or its file), or a "
                                                             "card of SLURM options (.yaml).")] = None,
            only: Annotated[str | None, typer.Option(help="Measure one chunk of the images: 3/200.")] = None) -> None:
    """Measure features of every case into a table, with failures.csv beside it; nothing is measured twice."""
    from radnb.work.parallel import ahead

    _use(workers, cluster)
    with ahead("radnb.features.measuring"):
        from radnb.extracting import extract_cohort

        done = extract_cohort(manifest, settings, out=out, timeout=timeout, engine=engine, verify=verify, only=only)
    _say("\n".join(done.told))
    raise typer.Exit(3 if len(done.failures) else 0)


@features.command()
def query(sql: Annotated[str, typer.Argument(help="A question in SQL, as in: select * from features")],
          out: Annotated[Path | None, typer.Option("-o", "--out", help="Write the answer: CSV, XLSX, Parquet.")] = None,
          ) -> None:
    """Ask the store in SQL: tables features, features_long, levels, cases, settings."""
    from radnb import extracting
    from radnb.features.export import export, refuse_target

    if out:
        refuse_target(out)
    answer = extracting.query(sql)
    if out:
        export(answer, out)
    _say(f"{len(answer)} rows are in {out}." if out else answer.to_string(index=False, max_rows=60))


@features.command()
def diff(a: Annotated[Path, typer.Argument(help="A table of features: CSV, XLSX, Parquet.")],
         b: Annotated[Path, typer.Argument(help="Another one.")],
         tolerance: Annotated[float, typer.Option(min=0, help="Relative deviation that counts as equal.")] = 1e-9,
         key: Annotated[list[str] | None, typer.Option(help="A column that names the rows, repeatable.")] = None,
         ) -> None:
    """Compare two tables of features: names, rows, values; exit code 3 where they differ."""
    from radnb.extracting import compare_tables

    found = compare_tables(a, b, tolerance=tolerance, keys=key or [])
    _say("\n".join(found.told))
    raise typer.Exit(0 if found.equal else 3)


@features.command()
def maps(image: Annotated[Path, typer.Argument(help="An image: NIfTI, NRRD or MHA.")],
         mask: Annotated[Path, typer.Argument(help="Its mask, on the same grid.")],
         out: Annotated[Path, typer.Option("-o", "--out", help="Folder for the maps.")],
         settings: Annotated[str, typer.Option(help="A preset (ct, mr, pet, demo) or a settings YAML.")] = "ct",
         label: Annotated[int, typer.Option(min=1, help="The region's number in the mask.")] = 1,
         radius: Annotated[int | None, typer.Option(min=1, max=20, help="How many voxels a window reaches to every "
                                                                        "side (default: as in the settings, or 1).")
                           ] = None,
         feature: Annotated[list[str] | None, typer.Option(help="A column, or a pattern as in 'original_glcm_*'; "
                                                                "repeatable (default: all).")] = None,
         pictures: Annotated[bool, typer.Option("--pictures", help="Draw each map over the image too.")] = False,
         ) -> None:
    """Map features over a region: their values in a small window around each voxel, as NIfTI images."""
    from radnb.extracting import make_maps

    made = make_maps(image, mask, settings, out=out, label=label, radius=radius, wanted=feature or (),
                     pictures=pictures)
    _say(f"{len(made)} maps{' and their pictures' * pictures} are in {out}; maps.json says how they were made.")


@features.command()
def snakefile(manifest: Annotated[str, typer.Argument(help="A manifest: name under data_manifests, or path.")],
              out: Annotated[Path, typer.Option("-o", "--out", help="Folder for the Snakefile and its results.")],
              settings: Annotated[str, typer.Option(help="A preset (ct, mr, pet, demo) or a settings YAML.")] = "ct",
              chunks: Annotated[int, typer.Option(min=1, help="Into how many chunks the images are split.")] = 100,
              engine: Annotated[str | None, typer.Option(help="radnb or pyradiomics (default: the faster).")] = None,
              timeout: Annotated[float, typer.Option(min=1, help="Seconds allowed for one region.")] = 600) -> None:
    """Write a Snakefile that measures a large cohort in chunks with the ordinary command."""
    from radnb.extracting import write_snakefile

    path = write_snakefile(manifest, settings, out=out, chunks=chunks, timeout=timeout, engine=engine)
    _say(f"{path}\nRun it: cd {path.parent} && snakemake --cores 8")


@app.command()
def lock(study: Annotated[str, typer.Argument(help="A study card: id, or path.")],
         late: Annotated[bool, typer.Option("--late", help="Lock after a first look; the report says so.")] = False,
         ) -> None:
    """Lock a card's plan before its results are first looked at: what it says then is confirmatory."""
    from radnb.looks import lock_card
    from radnb.study import find_card, load_study
    from radnb.work.workspace import workspace

    space = workspace()
    path = find_card(study, space)
    card = load_study(path, space=space)
    written = lock_card(path, card.model_dump(mode="json"), space.cache / "looks", late=late)
    _say(f"Locked: {written}. Commit it with the card; a card that changes after this is exploratory.")


@app.command()
def studies(as_json: Annotated[bool, typer.Option("--json", help="For programs.")] = False) -> None:
    """List the study cards: id, family, question, manifest."""
    import json

    from radnb.study import list_studies

    rows = list_studies()
    if as_json:
        _say(json.dumps(rows, ensure_ascii=False, indent=2))
        return
    for row in rows:
        _say(f"{row['id']:<28} {row['family']:<24} {row['manifest']}\n    {row['question']}\n    {row['question_zh']}")


@app.command()
def run(study: Annotated[str, typer.Argument(help="A study's id, or the path of a card.")],
        out: Out = None, manifest: Annotated[str | None, typer.Option(help="Another cohort's manifest.")] = None,
        overrides: Set = None, language: Language = "en", workers: Workers = None,
        again: Annotated[bool, typer.Option("--again", help="Repeat a finished run.")] = False) -> None:
    """Run one study card headlessly into a folder with report.html."""
    from radnb.running import Job, check_job, prepare
    from radnb.running import run as run_job
    from radnb.study import load_study, parse_overrides
    from radnb.work.workspace import workspace

    _use(workers)
    changes = parse_overrides(overrides or [])
    card = load_study(study, overrides=changes)
    job = Job(study, out or workspace().root / "reports" / card.id, manifest, changes, _language(language), again)
    check_job(job)
    failed = prepare([job], say=_say)
    _say(f"Report: {run_job(job)}")
    raise typer.Exit(3 if failed else 0)


@app.command()
def batch(cards: Annotated[list[str], typer.Argument(help="Study ids or paths of cards.")],
          out: Annotated[Path, typer.Option("-o", "--out", help="Folder for the run folders.")],
          manifest: Annotated[list[str] | None, typer.Option(help="A manifest, repeatable.")] = None,
          overrides: Set = None,
          language: Annotated[list[str] | None, typer.Option(help="en or zh, repeatable.")] = None,
          workers: Workers = None) -> None:
    """Run many cards, or one card over many manifests; finished runs are kept, missing ones are made."""
    from radnb.reporting.index import write_index
    from radnb.running import batch as run_batch
    from radnb.running import jobs_for
    from radnb.study import parse_overrides

    _use(workers)
    languages = [_language(name) for name in language or ["en"]]
    jobs = jobs_for(cards, out, manifests=manifest or [], languages=languages,
                    overrides=parse_overrides(overrides or []))
    ended = run_batch(jobs, workers=workers, say=_say)
    bad = [(job, result) for job, result in ended.runs if not isinstance(result, Path)]
    for job, failure in bad:
        _say(f"{job.study} -> {job.out_dir}: {failure.message}", error=True)
    _say(f"{len(jobs) - len(bad)} of {len(jobs)} runs are complete: {write_index(out)}")
    in_use = bad and all(failure.code == "E_LOCKED" for _, failure in bad)
    raise typer.Exit(4 if in_use else 3 if bad or ended.failed_cases else 0)


@app.command()
def freeze(run: Annotated[Path, typer.Argument(help="The folder of a finished run, as in reports/my-study.")],
           out: Annotated[Path | None, typer.Option("-o", "--out", help="Folder for the model (default: `model` in the "
                                                                        "run's folder).")] = None,
           model: Annotated[str | None, typer.Option(help="A model set of the card (default: the primary).")] = None,
           manifest: Annotated[str | None, typer.Option(help="The run's cohort, where its card does not lead to it.")
                               ] = None) -> None:
    """Freeze the model of a finished run into a folder: refitted on all training patients, hashed, without pickle."""
    from radnb.freezing import freeze as freeze_run

    made, folder = freeze_run(run, model=model, out=out, manifest=manifest)
    about = made.about
    _say(f"{folder}: {about.model} of {about.study['id']}, {about.patients} patients, {about.events} events, "
         f"{len(made.names)} columns; MODEL.md says the rest.\nResearch use only; not for deciding treatment.")


@app.command()
def predict(model: Annotated[Path, typer.Argument(help="A model folder that `radnb freeze` made.")],
            manifest: Annotated[str, typer.Argument(help="New patients: a name under data_manifests, or a path.")],
            out: Out = None, language: Language = "en", workers: Workers = None) -> None:
    """Score new patients with a frozen model, from images or a feature table; a table for researchers."""
    from radnb.freezing import predict as predict_patients

    _use(workers)
    _told(*predict_patients(model, manifest, out=out, language=_language(language)))


@app.command()
def score(signature: Annotated[Path, typer.Argument(help="A published signature (YAML; see docs/frozen_models.md).")],
          manifest: Annotated[str, typer.Argument(help="Patients: a name under data_manifests, or a path.")],
          out: Out = None, language: Language = "en", workers: Workers = None) -> None:
    """Score patients with a published signature, exactly as it was published."""
    from radnb.freezing import score as score_patients

    _use(workers)
    _told(*score_patients(signature, manifest, out=out, language=_language(language)))


def _told(done: Applied, folder: Path) -> None:
    _say("\n".join([*done.told, f"{folder / 'predictions.csv'}"]))
    raise typer.Exit(3 if len(done.failures) else 0)


@app.command()
def report(notebook: Annotated[Path, typer.Argument(help="An executed notebook.")],
           out: Annotated[Path | None, typer.Option("-o", "--out", help="The HTML file.")] = None,
           language: Annotated[str | None, typer.Option(help="en or zh (default: as the notebook was run).")] = None,
           ) -> None:
    """Turn a notebook that you ran yourself into the one-file HTML report."""
    from radnb.running import report_of

    _say(f"Report: {report_of(notebook, out, language and _language(language))}")


@app.command()
def index(folder: Annotated[Path, typer.Argument(help="A folder of run folders.")]) -> None:
    """Write index.html over the run folders below a folder."""
    from radnb.reporting.index import write_index

    if not folder.is_dir():
        raise RadnbError(f"{folder}: there is no such folder. Name a folder of run folders.", code="E_FILE")
    _say(f"Index: {write_index(folder)}")


@app.command()
def doctor() -> None:
    """Print the state of the installation and recompute IBSI's reference values (RADNB_DATA: the CT phantom's too)."""
    from radnb.features.doctor import diagnose, digital_phantom
    from radnb.features.ibsi.compliance import compliance, left_out, verdict

    state, standard, phantom = diagnose(), compliance(), digital_phantom()
    for row in state.itertuples():
        _say(f"{'ok  ' if row.ok else 'MEND'}  {row.part}: {row.state}" + ("" if row.ok else f"\n      {row.mend}"))
    for table in (standard, phantom):
        for row in table[~table["ok"].astype(bool)].itertuples():
            _say(f"      {row.feature}: {row.value} against {row.reference} ({row.note})")
    _say(" ".join(filter(None, [f"{verdict(standard)}.", left_out()])))
    _say(f"{int(phantom['ok'].sum())} of {len(phantom)} with PyRadiomics' definitions (digital phantom).")
    raise typer.Exit(0 if state["ok"].all() else 2)


@app.command()
def lab(port: Annotated[int, typer.Option(min=1024, max=65535)] = 8888,
        browser: Annotated[bool, typer.Option(help="Open the browser.")] = True) -> None:
    """Start JupyterLab on the workbook: this machine only, with a token, without news."""
    from radnb.lab import start

    raise typer.Exit(start(port=port, browser=browser))


def _use(workers: int | None, cluster: str | None = None) -> None:
    if workers:
        os.environ["RADNB_WORKERS"] = str(workers)
    if cluster:
        os.environ["RADNB_CLUSTER"] = cluster


def _language(name: str) -> str:
    if name not in ("en", "zh"):
        raise RadnbError(f"--language {name!r}: choose en or zh.")
    return name


def _say(text: str, *, error: bool = False) -> None:
    typer.echo(text, err=error)


def _say_problems(found: pd.DataFrame) -> None:
    same = ["severity", "code", "where", "column", "problem", "mend"]
    alike: Counter[tuple[str, str]] = Counter()
    for (severity, code, where, column, problem, mend), rows in found.groupby(same, sort=False, dropna=False)["row"]:
        alike[code, column] += 1
        if alike[code, column] > ALIKE:
            continue
        named = [str(row) for row in rows if row]
        shown = ", ".join(named[:ALIKE]) + (f" and {len(named) - ALIKE} more" if len(named) > ALIKE else "")
        parts = (str(where), f"row{'s' * (len(named) > 1)} {shown}" if named else "", str(column))
        place = ", ".join(part for part in parts if part)
        _say(f"{severity.upper():<8}{code:<14}{place}: {problem} {mend}")
    if hidden := sum(max(n - ALIKE, 0) for n in alike.values()):
        _say(f"... and {hidden} more like these; --out FILE.csv writes them all.")
    errors = int((found["severity"] == "error").sum())
    _say(f"{errors} errors, {len(found) - errors} warnings.")


def main() -> None:
    """Run the command line; a fault ends in one sentence and its exit code, never in a traceback."""
    gc.set_threshold(NEW_OBJECTS)
    atexit.register(gc.freeze)  # no last look at all that was loaded
    for stream in (sys.stdout, sys.stderr):
        if hasattr(stream, "reconfigure"):
            stream.reconfigure(encoding="utf-8", errors="replace")
    try:
        app(prog_name="radnb")
    except RadnbError as error:
        _say(f"radnb: {error}", error=True)
        sys.exit({"E_LOCKED": 4, "E_INTERNAL": 1}.get(error.code, 2))
    except OSError as error:  # a full disk or a missing right, at a place nobody thought of
        _say(f"radnb: {error.filename or 'A file'} cannot be used: {error.strerror or error}. "
             "Free some space, or check who may read and write there.", error=True)
        sys.exit(2)
    except SystemExit as done:
        if done.code == STOPPED:  # typer has swallowed the KeyboardInterrupt
            _say("\nradnb: Stopped; the same command goes on from here.", error=True)
        raise
    except Exception as error:  # the last line of defence: no traceback reaches a user
        _say(f"radnb: {_internal(error)}", error=True)
        sys.exit(1)


def _internal(error: Exception) -> str:
    if os.environ.get("RADNB_DEBUG") == "1":
        return traceback.format_exc()
    return (f"A fault of radnb ({type(error).__name__}: {error}). Please report it; "
            "RADNB_DEBUG=1 before the command shows where.")
