"""Freezing a finished run's model, and scoring new patients with it or with a published signature, never refitting."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
from threadpoolctl import threadpool_limits

from radnb.cohort.clinical import clinical, predictors
from radnb.cohort.finished import further_table
from radnb.cohort.labels import SCHEMES, Labels, SurvivalLabels
from radnb.cohort.manifest import Manifest
from radnb.errors import RadnbError, nearest, raise_all
from radnb.extracting import Measured, open_manifest, versions
from radnb.features.assemble import Cohort, included
from radnb.features.assemble import assemble as assemble_tables
from radnb.features.engines import choose
from radnb.features.export import inert
from radnb.learning import applied, frozen
from radnb.learning.applied import USE
from radnb.learning.arrays import make_problem, patients, used_blocks
from radnb.learning.batches import batches
from radnb.learning.frozen import About, Clinical, Extraction, Frozen, Metric
from radnb.learning.fusion import blocks_of
from radnb.learning.pipeline import Fusion, Pipeline, pipeline
from radnb.learning.plan import Trained
from radnb.learning.problem import Problem, Sample
from radnb.learning.ready import Ready, make_ready
from radnb.learning.signature import Signature, load_signature
from radnb.learning.splits import DESIGNS
from radnb.learning.tables import PREDICTIONS, RESAMPLES, SELECTIONS
from radnb.learning.training import final_rows
from radnb.reporting.model_card import page
from radnb.reporting.texts import text
from radnb.study import CLINICAL, Study, check_card, frozen_path
from radnb.work import choices, files
from radnb.work.workspace import Workspace, workspace
from radnb.workbook import (
    Run,
    assemble,
    code_hash,
    digest,
    input_hashes,
    measure,
    open_run,
    plan_of,
    repeated,
    settings_sha256,
)

RECORD = "run.json"
SEEN = ("centre", "scanner", "manufacturer", "vendor", "device")  # clinical columns that say where an image was made
SAME = 1e-9
NOBODY = "unknown"


def freeze(folder: Path, *, model: str | None = None, out: Path | None = None,
           manifest: str | None = None) -> tuple[Frozen, Path]:
    """Refit the primary model (or another model set) of a finished run on all its training patients, and freeze it.

    The run's inputs must be as they were; `manifest` says where the cohort lies, if not where the card says.
    """
    folder = Path(folder)
    record = _record(folder)
    run = _reopened(record, folder, manifest)
    name = _model_of(run.study, model)
    target = out or folder / ("model" if name == run.study.primary.model else f"model-{name}")
    files.refuse_folder(target)
    _refuse_changed(run, record, folder)
    measured = measure(run)
    cohort = assemble(run, measured)
    if digest(cohort.table) != record["cohort_sha256"]:
        raise RadnbError(f"{folder}: the patients or features are no longer those of the run (another engine, or "
                         "another version of radnb). Run the study again, then freeze it.", code="E_CHANGED")
    about, made = _frozen(run, measured, cohort, name, performance=_performance(folder, record, name))
    return frozen.write(target, about, made, page(about, made)), target


def _model_of(study: Study, model: str | None) -> str:
    name = model or study.primary.model
    if name not in study.model_sets:
        raise RadnbError(f"--model {name!r}: the run has no such model set. {nearest(name, study.model_sets)}",
                         code="E_CONFIG")
    return name


def _record(folder: Path) -> dict[str, Any]:
    """Return the record of a finished run."""
    try:
        record = files.read_json(folder / RECORD)
        card = record["study"]["card"]
        whole = record["status"] in ("complete", "tables") and isinstance(card, dict)
        whole = whole and isinstance(record["inputs_sha256"], dict) and "extraction_sha256" in record
    except (OSError, ValueError, KeyError, TypeError):
        whole = False
    if not whole:
        raise RadnbError(f"{folder}: this is no folder of a finished run (no {RECORD}, or one of an older radnb). Name "
                         "a folder that `radnb run` made, as in reports/my-study.", code="E_FOLDER")
    return dict(record)


def _reopened(record: Mapping[str, Any], folder: Path, manifest: str | None) -> Run:
    """Open the study as the record has it: its card is not read again, so that later changes to it do not matter."""
    space, where = workspace(), f"{folder / RECORD}"
    study = check_card(record["study"]["card"], where)
    known = {path.stem: path for path in space.studies.glob("**/*.yaml")}
    card = known.get(study.id, space.studies / study.family / f"{study.id}.yaml")
    cohort = open_manifest(manifest or study.manifest, beside=card.parent)
    return Run(study, cohort, folder.resolve(), str(record.get("language", "en")), space, card)


def _refuse_changed(run: Run, record: Mapping[str, Any], folder: Path) -> None:
    """List the inputs that are not what the run used."""
    was, now = dict(record["inputs_sha256"]), input_hashes(run)
    found = [f"{folder}: {name} is not what the run used. Put it back, or run the study again."
             for name in {**was, **now} if was.get(name) != now.get(name)]
    if found and run.manifest.path.name != record.get("manifest"):
        found = [f"{folder}: the run used the manifest {record.get('manifest')}, not {run.manifest.path.name}. Name "
                 "its path with --manifest."]
    if settings_sha256(run) != record["extraction_sha256"]:
        found.append(f"{folder}: the extraction settings {run.study.extraction!r} have changed since the run. Put "
                     "them back, or run the study again.")
    raise_all(found, code="E_CHANGED")


def _performance(folder: Path, record: Mapping[str, Any], model: str) -> list[Metric]:
    """Return the run's metrics of this model, as they were written."""
    path, known = folder / "metrics.csv", (record.get("files") or {}).get("metrics.csv")
    if not path.is_file() or (known and files.sha256_file(path) != known):
        raise RadnbError(f"{path} is missing or was changed. Run the study again.", code="E_CHANGED")
    table = pd.read_csv(path)
    rows = table[(table["model"] == model) & (table["set"] != "train")]
    return [Metric(**{str(k): None if isinstance(v, float) and not np.isfinite(v) else v for k, v in row.items()
                      if k != "model"}) for row in rows.to_dict("records")]


def _frozen(run: Run, measured: Measured, cohort: Cohort, name: str, *,
            performance: Sequence[Metric]) -> tuple[About, Pipeline]:
    """Refit a model set on all training patients, and take out of it what new patients need."""
    plan = plan_of(run.study)
    problem = make_problem(cohort, plan, used_blocks(cohort, plan), repeated(run, measured, cohort))
    rows = final_rows(choices.pick(DESIGNS, plan.design, "design", seed=plan.seed)(patients(cohort)), len(cohort.table))
    with threadpool_limits(1):
        ready = make_ready(Sample(problem, rows), problem.sets[name])
        made = pipeline(problem, ready, problem.sets[name], _batches(cohort, problem)[1])
    _refuse_other_scores(ready, made, _batched(cohort, made))
    trained = cohort.table.iloc[rows]
    blocks = {block: cohort.blocks[block] for block in blocks_of(problem.sets[name])}
    spans = frozen.ranges(trained, blocks, made.model.names)
    about = About(model=name, blocks=list(blocks), targets=_targets(cohort), scale=ready.scale, ranges=spans,
                  outcome={"kind": cohort.outcome.kind, "name": cohort.outcome.name,
                           "classes": list(cohort.outcome.classes)},
                  study=run.study.model_dump(mode="json"), extraction=_extraction(run, measured),
                  clinical=_clinical(run, blocks), seen=_seen(run.manifest, cohort, trained),
                  synthetic=run.manifest.synthetic, patients=len(trained), events=_events(cohort, problem, rows),
                  performance=list(performance), probes=frozen.probe(made, spans), provenance=_provenance(run, cohort))
    return about, made


def _batches(cohort: Cohort, problem: Problem) -> tuple[str, tuple[str, ...]]:
    """Return the column of the batches and their names, where the study harmonises."""
    made = problem.preparation.harmoniser
    return (made.batch, batches(cohort, made.batch)[1]) if made is not None and made.batch else ("", ())


def _batched(cohort: Cohort, made: Pipeline) -> pd.DataFrame:
    """Return the cohort's table with the column that names each patient's batch, where the model harmonises."""
    parts = made.model.parts if isinstance(made.model, Fusion) else (made.model,)
    names = {half.batch for part in parts for half in part.halves} - {"", *cohort.table.columns}
    known = cohort.clinical.set_index("patient_id")
    return cohort.table.assign(**{name: cohort.table["patient_id"].map(known[name]) for name in names if name in known})


def _refuse_other_scores(ready: Ready, made: Pipeline, table: pd.DataFrame) -> None:
    """Compare the frozen model with the one it was made from, on every patient: they must score alike."""
    off = np.abs(made.scores(table) - ready.scores(np.arange(len(table)))).max(initial=0.0)
    if not off <= SAME:
        raise RadnbError(f"The frozen model scores differently from the fitted one (by up to {off:.1g}), so it was not "
                         "written. Please report this.", code="E_INTERNAL")


def _targets(cohort: Cohort) -> list[str]:
    if cohort.outcome.kind == "survival":
        return ["risk"]
    return list(cohort.outcome.classes[-1:] if cohort.outcome.binary else cohort.outcome.classes)


def _events(cohort: Cohort, problem: Problem, rows: np.ndarray[Any, Any]) -> int:
    y = problem.y[rows]
    return int(y[:, 1].sum() if y.ndim == 2 else (y == len(cohort.outcome.classes) - 1).sum())


def _extraction(run: Run, measured: Measured) -> Extraction:
    source = "none" if not run.study.needs_images else "table" if run.manifest.features else "images"
    record = measured.record if source == "images" else {}
    return Extraction(phases={phase: frozen.Measured(preset=one.name, settings=one.card, sha256=one.sha256)
                              for phase, one in run.settings.items()},
                      engine=record.get("engine"), version=record.get("version"), source=source)


def _clinical(run: Run, blocks: Mapping[str, Sequence[str]]) -> dict[str, Clinical]:
    columns = run.manifest.columns()
    names = dict.fromkeys(name for block, own in run.study.column_blocks.items() if block in blocks for name in own)
    return {name: Clinical(kind=columns[name].kind, unit=columns[name].unit, levels=list(columns[name].levels),
                           label={str(k): v for k, v in columns[name].label.items()}) for name in names}


def _seen(manifest: Manifest, cohort: Cohort, trained: pd.DataFrame) -> dict[str, list[str]]:
    """Return the centres and scanners of the training patients."""
    found = {"centre": trained["centre"].astype(str)} if manifest.centre else {}
    own = cohort.clinical[cohort.clinical["patient_id"].isin(trained["patient_id"])]
    found |= {name: own[name].dropna().astype(str) for name in SEEN if name in own and name not in found}
    return {name: sorted(values.unique()) for name, values in found.items()}


def _provenance(run: Run, cohort: Cohort) -> dict[str, Any]:
    return {"study_id": run.study.id, "card_sha256": files.sha256_json(run.study.model_dump(mode="json")),
            "cohort_sha256": digest(cohort.table), "inputs_sha256": input_hashes(run), "versions": versions()}


@dataclass(frozen=True)
class Applied:
    """New patients scored by models that were not refitted: one row per patient and target, and what was noticed.

    predictions: the columns of the predictions table (truth empty where unknown), class, imputed, outside, warnings.
    exclusions and failures: who has no score, and why; notes: what holds for the whole cohort.
    """

    predictions: pd.DataFrame
    exclusions: pd.DataFrame
    failures: pd.DataFrame
    notes: tuple[str, ...]
    sentence: str

    @property
    def told(self) -> list[str]:
        """Return what a person should read: counts, notes, and that this is research."""
        rows = self.predictions.drop_duplicates("patient_id")
        warned = int((rows["warnings"] != "").sum())
        left = f" {len(self.exclusions)} patients have no score (exclusions.csv)." if len(self.exclusions) else ""
        return [self.sentence, f"{len(rows)} patients scored, {warned} of them with warnings.{left}",
                *(f"  warning: {note}" for note in self.notes), "Research use only; not for deciding treatment."]


def predict(model: Path, manifest: str, *, out: Path | None = None, language: str = "en") -> tuple[Applied, Path]:
    """Score the patients of a manifest with a frozen model, from their images or a finished feature table."""
    made = frozen.load(Path(model))
    study = check_card(made.about.study, f"{model}: study")
    return _apply(made, study, manifest, out, language, made.sha256, str(model))


def score(signature: Path, manifest: str, *, out: Path | None = None, language: str = "en") -> tuple[Applied, Path]:
    """Score the patients of a manifest with a published signature, exactly as it was published."""
    made = load_signature(Path(signature))
    study = check_card(made.study(manifest), str(signature))
    return _apply(made, study, manifest, out, language, made.sha256, str(signature))


def _apply(made: Frozen | Signature, study: Study, manifest: str, out: Path | None, language: str, sha256: str,
           where: str) -> tuple[Applied, Path]:
    space, cohort = workspace(), open_manifest(manifest)
    run = _run(made, study, cohort, space, language)
    folder = Path(out) if out else space.root / "reports" / f"{study.id}-{made.name}--{_name(manifest)}"
    _refuse_target(folder)
    found = apply(made, run, where=where)
    tables = {"predictions": found.predictions, "exclusions": found.exclusions, "failures": found.failures}
    for name, table in tables.items():
        files.write_csv(folder / f"{name}.csv", inert(table))
    files.write_json(folder / "predictions.json", {
        "use": USE, "model": made.name, "model_sha256": sha256, "manifest": cohort.path.name, "notes": found.notes,
        "patients": found.predictions["patient_id"].nunique(), "versions": versions()})
    return found, folder


def _name(manifest: str) -> str:
    path = Path(manifest)
    return path.resolve().parent.name if path.stem == "manifest" else path.stem or path.resolve().name


def _refuse_target(folder: Path) -> None:
    found = {path.name for path in folder.iterdir()} if folder.is_dir() else set()
    ours = {"predictions.csv", "predictions.json", "exclusions.csv", "failures.csv"}
    if folder.is_file() or not found <= ours:
        raise RadnbError(f"{folder} exists and holds other files. Choose an empty folder with -o.", code="E_FOLDER")
    files.refuse_folder(folder)


def _run(made: Frozen | Signature, study: Study, cohort: Manifest, space: Workspace, language: str) -> Run:
    if language not in ("en", "zh"):
        raise RadnbError(f"language {language!r}: choose 'en' or 'zh'.", code="E_CONFIG")
    lean = study.model_copy(update={"selector": [{"none": {}}], "engine": _engine(made) or study.engine})
    return Run(lean, cohort, space.root, language, space, space.studies / "card.yaml", made.settings)


def _engine(made: Frozen | Signature) -> str | None:
    return made.about.extraction.engine if isinstance(made, Frozen) else None


def apply(made: Frozen | Signature, run: Run, *, where: str) -> Applied:
    """Measure, assemble and score the patients of an opened cohort, whether or not their outcome is known."""
    notes = source_notes(made, run)
    measured = measure(run)
    table = known_patients(run, measured)
    nobody = Labels(NOBODY, pd.Series(NOBODY, index=table.index, dtype="object"), (NOBODY,),
                    pd.Series(pd.NA, index=table.index, dtype="object"), NOBODY)
    cohort = assembled(made, run, measured, table, nobody)
    raise_all(frozen.absent(made.names, cohort.table, where), code="E_COLUMN")
    return Applied(scored(made, run, cohort, _outcome(made, run, cohort), model=made.name), cohort.exclusions,
                   measured.failures, tuple(notes), measured.sentence)


def known_patients(run: Run, measured: Measured) -> pd.DataFrame:
    """Return the clinical table, or where there is none the patients who were measured."""
    if run.manifest.clinical:
        return clinical(run.manifest)
    if measured.features is None:
        raise RadnbError(f"{run.manifest.path}: the model needs clinical columns, and there is no `clinical` part. Add "
                         "one.", code="E_MANIFEST")
    names = [*measured.features["patient_id"], *measured.failures["patient_id"]]
    return pd.DataFrame({"patient_id": sorted(dict.fromkeys(map(str, names)))})


def assembled(made: Frozen | Signature, run: Run, measured: Measured, table: pd.DataFrame,
              labels: Labels | SurvivalLabels, include: Mapping[str, Sequence[str]] | None = None) -> Cohort:
    """Return one row per patient with every column that the model may need."""
    study = run.study
    inputs = {block: aligned(made, run, table, names, block) for block, names in study.column_blocks.items()
              if block in study.used}
    further = {block: further_table(run.manifest, name) for block, name in study.table_blocks.items()}
    return assemble_tables(table, labels, features=measured.features, failures=measured.failures, predictors=inputs,
                           layout=run.layout, tables=further, include=include or {}, centre=run.manifest.centre)


def aligned(made: Frozen | Signature, run: Run, table: pd.DataFrame, names: Sequence[str], block: str) -> pd.DataFrame:
    """Return clinical predictors as the model knows them: another cohort may list its levels in another order.

    A level that the training cohort did not have counts as missing; another unit or kind is refused.
    """
    where = "clinical predictor" if block == CLINICAL else f"blocks.{block}.columns"
    found = predictors(table, run.manifest, names, model_time=run.study.model_time, where=where)
    trained = made.about.clinical if isinstance(made, Frozen) else {}
    raise_all([fault for name in names if name in trained for fault in _unlike(name, trained[name], run)],
              code="E_COLUMN")
    for name in names:
        levels = run.manifest.columns()[name].levels if run.manifest.columns()[name].kind == "category" else ()
        strange = table[name].isna() | ~table[name].isin(trained[name].levels if name in trained else levels)
        for level in levels:
            found[f"{name}={level}"] = (table[name] == level).astype(float).mask(strange)
    return found


def _unlike(name: str, trained: Clinical, run: Run) -> list[str]:
    column, where = run.manifest.columns()[name], f"{run.manifest.path}: clinical.columns.{name}"
    if column.kind != trained.kind:
        return [f"{where}: this is a {column.kind}, and the model was trained on a {trained.kind}. Declare it alike."]
    if column.unit != trained.unit:
        return [f"{where}: the unit is {column.unit or 'not declared'!r}, and the model was trained on "
                f"{trained.unit or 'none'!r}. Convert the values and declare the model's unit."]
    return []


def source_notes(made: Frozen | Signature, run: Run) -> list[str]:
    """Return what is unsure about how new patients are measured; other extraction settings are refused."""
    if not run.study.needs_images:
        return []
    if run.manifest.features:
        return _table_notes(made, run)
    if isinstance(made, Signature):
        return []
    extraction = made.about.extraction
    version = choose(run.study.engine, next(iter(run.settings.values()))).version
    notes = [text("applied.trained_on_table", run.language)] if extraction.source == "table" else []
    if extraction.version not in (None, version):
        notes.append(text("applied.engine", run.language, was=extraction.version, now=version))
    return notes


def _table_notes(made: Frozen | Signature, run: Run) -> list[str]:
    """Compare the settings that a finished table was measured with, where a record beside it tells them."""
    assert run.manifest.features is not None
    path = run.manifest.table_path(run.manifest.features.file, where="features")
    record = path.parent / "extraction.json"
    known = _settings_of_table(record) if record.is_file() else None
    if known is None:
        return [text("applied.unknown_settings", run.language, table=path.name)]
    if known not in {one.sha256 for one in made.settings.values()}:
        names = ", ".join(dict.fromkeys(one.name for one in made.settings.values()))
        raise RadnbError(f"{path}: this table was measured with other extraction settings than the model ({names}). "
                         "Give a manifest with an `images` part: radnb then measures with the model's settings.",
                         code="E_SETTINGS")
    return []


def _settings_of_table(record: Path) -> str | None:
    try:
        told = files.read_json(record).get("settings_sha256")
    except (ValueError, AttributeError, OSError):
        raise RadnbError(f"{record}: this record of an extraction cannot be read. Extract the table again, or delete "
                         "the file if nobody knows the settings.", code="E_SETTINGS") from None
    return None if told is None else str(told)


def scored(made: Frozen | Signature, run: Run, cohort: Cohort, labels: Labels | SurvivalLabels | None, *,
           model: str) -> pd.DataFrame:
    """Return one row per patient and target: score, class at the frozen threshold, what was noticed, and the truth."""
    table = _batched(cohort, made.pipeline) if isinstance(made, Frozen) else cohort.table
    scores = made.scores(table)
    targets, names = _words(made, labels)
    far, gaps = applied.outside(made, table), applied.missing(made, table)
    rows = pd.DataFrame({
        "patient_id": table["patient_id"].astype(str), "model": model, "set": "external", "repeat": 0, "fold": pd.NA,
        "class": applied.classes_of(made, scores, names), "imputed": gaps.sum(axis=1),
        "outside": (far > 0).sum(axis=1), "warnings": _warnings(made, run, cohort, far, gaps, scores), "use": USE})
    parts = [rows.assign(target=target, score=scores[:, t], scale=made.scale,
                         threshold=np.nan if made.thresholds[t] is None else made.thresholds[t],
                         **_truth(labels, target, len(rows))) for t, target in enumerate(targets)]
    found = pd.concat(parts, ignore_index=True).astype({"repeat": "Int64", "fold": "Int64"})
    first = ["patient_id", "model", "target", "score", "class", "warnings"]
    return found[first + [name for name in (*PREDICTIONS, "imputed", "outside", "use") if name not in first]]


def _words(made: Frozen | Signature, labels: Labels | SurvivalLabels | None) -> tuple[tuple[str, ...], tuple[str, ...]]:
    """Return the targets of the scores, and what the two sides of the threshold (or the classes) are called."""
    if isinstance(made, Frozen):
        return made.targets, made.outcome.classes if made.outcome.kind == "classes" else ("low", "high")
    if isinstance(labels, Labels):
        return labels.classes[-1:], labels.classes
    return ("risk",) if made.card.survival else ("positive",), ("low", "high")


def _outcome(made: Frozen | Signature, run: Run, cohort: Cohort) -> Labels | SurvivalLabels | None:
    """Return the true outcome of the patients where the cohort knows it; a model needs none to score them."""
    try:
        found = choices.pick(SCHEMES, run.study.outcome, "outcome")(cohort.clinical)
    except (RadnbError, KeyError):
        return None
    if isinstance(made, Frozen) and isinstance(found, Labels) and found.classes != made.outcome.classes:
        return None
    return found if isinstance(found, SurvivalLabels) or len(found.classes) == 2 or isinstance(made, Frozen) else None


def _truth(labels: Labels | SurvivalLabels | None, target: str, rows: int) -> dict[str, Any]:
    none = np.full(rows, np.nan)
    if labels is None:
        return {"truth": none, "time_months": none, "event": none}
    if isinstance(labels, SurvivalLabels):
        return {"truth": none, "time_months": labels.time_months.to_numpy(float, na_value=np.nan),
                "event": labels.event.to_numpy(float, na_value=np.nan)}
    known = labels.values.notna().to_numpy()
    return {"truth": np.where(known, (labels.values == target).fillna(False).to_numpy(bool), np.nan),
            "time_months": none, "event": none}


def _warnings(made: Frozen | Signature, run: Run, cohort: Cohort, far: pd.DataFrame, gaps: pd.DataFrame,
              scores: np.ndarray[Any, Any]) -> list[str]:
    """Put into words, patient by patient, where the model knows too little."""
    language, found = run.language, []
    strange = _strangers(made, run, cohort)
    for i in range(len(cohort.table)):
        said = []
        lost = [str(name) for name in gaps.columns[gaps.iloc[i].to_numpy(bool)]]
        if np.isnan(scores[i]).any():
            why = ", ".join(lost) or text("applied.no_logarithm", language)
            said.append(text("applied.no_score", language, names=why))
        elif lost:
            said.append(text("applied.imputed", language, n=len(lost), names=", ".join(lost[:applied.WORST])))
        if worst := applied.worst(far.iloc[i]):
            said.append(text("applied.outside", language, n=int((far.iloc[i] > 0).sum()), names=", ".join(worst)))
        found.append(text("separator", language).join([*said, *strange[i]]))
    return found


def _strangers(made: Frozen | Signature, run: Run, cohort: Cohort) -> list[list[str]]:
    """Tell, patient by patient, of a centre or scanner unknown in training, and of who the model was not made for."""
    told: list[list[str]] = [[] for _ in range(len(cohort.table))]
    if isinstance(made, Signature):
        return told
    known, language = cohort.clinical.astype(object), run.language
    if run.manifest.centre:
        known = known.assign(centre=cohort.table["centre"].to_numpy())
    checks = [("applied.new", name, values) for name, values in made.about.seen.items()]
    checks += [("applied.not_made_for", name, values) for name, values in run.study.patients.items()]
    for key, name, values in checks:
        for i, value in enumerate(known[name].astype("string") if name in known else ()):
            if pd.notna(value) and value not in values:
                told[i].append(text(key, language, name=name, value=value))
    return told


def frozen_models(run: Run) -> list[Frozen | Signature]:
    """Return the models that the card names under `frozen`; a study's own are frozen now, on its own cohort."""
    found: list[Frozen | Signature] = []
    for source in run.study.frozen:
        path = frozen_path(source, run.card, run.space)
        if path is None:
            found += _of_study(source, run.space)
        elif path.suffix in (".yaml", ".yml"):
            found.append(load_signature(path))
        else:
            found.append(frozen.load(path))
    return found


def _of_study(name: str, space: Workspace) -> list[Frozen | Signature]:
    """Freeze the primary model of a study and its comparator, without the run that would judge them."""
    other = open_run(name)
    key = files.sha256_json([other.study.model_dump(mode="json"), input_hashes(other), versions(), code_hash()])
    models = [model for model in (other.study.primary.model, other.study.primary.comparator) if model]
    folder = space.cache / "frozen" / key[:24]
    if not all((folder / model / frozen.SUMS).is_file() for model in models):
        measured = measure(other)
        cohort = assemble(other, measured)
        for model in models:
            about, made = _frozen(other, measured, cohort, model, performance=[])
            frozen.write(folder / model, about, made, page(about, made))
    return [frozen.load(folder / model) for model in models]


def new_patients(run: Run, models: Sequence[Frozen | Signature], measured: Measured) -> Cohort:
    """Return one row per patient of another cohort with the card's outcome, as the frozen models need them."""
    for made in models:
        source_notes(made, run)
    table = known_patients(run, measured)
    labels = choices.pick(SCHEMES, run.study.outcome, "outcome")(included(table, run.study.patients))
    cohort = assembled(models[0], run, measured, table, labels, run.study.patients)
    for made in models:
        raise_all(frozen.absent(made.names, cohort.table, made.name), code="E_COLUMN")
        if isinstance(made, Frozen):
            frozen.refuse_other_outcome(made.outcome, cohort, made.name)
    return cohort


@dataclass(frozen=True)
class Validation:
    """Frozen models on another cohort: the predictions that the evaluation takes, and what was noticed of patients."""

    trained: Trained
    scored: pd.DataFrame
    models: tuple[Frozen | Signature, ...]
    notes: tuple[str, ...]


def validate(run: Run, models: Sequence[Frozen | Signature], cohort: Cohort) -> Validation:
    """Score another cohort with frozen models; nothing is fitted, so its patients are wholly untouched."""
    parts = []
    for made in models:
        labels = choices.pick(SCHEMES, run.study.outcome, "outcome")(cohort.clinical)
        parts.append(scored(made, run, cohort, labels, model=made.name))
    rows = pd.concat(parts, ignore_index=True)
    known = rows[rows["score"].notna()].reset_index(drop=True)
    raise_all(["No patient could be scored: every one lacks a feature of the signature. Look at the feature table."]
              if known.empty else [], code="E_EMPTY")
    trained = Trained(known[list(PREDICTIONS)], pd.DataFrame(columns=list(RESAMPLES)),
                      pd.DataFrame(columns=list(SELECTIONS)), pd.DataFrame(columns=["model", "kind"]), {},
                      splits=_one_split(models[0], known))
    notes = tuple(dict.fromkeys(note for made in models for note in source_notes(made, run)))
    return Validation(trained, rows, tuple(models), notes)


def _one_split(made: Frozen | Signature, rows: pd.DataFrame) -> pd.DataFrame:
    """Return the one split of an external validation: who trained the model, and who met it untouched."""
    about = made.about if isinstance(made, Frozen) else None
    tested = rows[rows["model"] == made.name].drop_duplicates("patient_id", keep="last")
    return pd.DataFrame({"repeat": [0], "fold": pd.array([pd.NA], dtype="Int64"), "set": "external", "name": "",
                         "frozen": True, "train_patients": about.patients if about else 0,
                         "train_events": about.events if about else 0, "test_patients": len(tested),
                         "test_events": int(tested[["truth", "event"]].max(axis=1).sum())})
