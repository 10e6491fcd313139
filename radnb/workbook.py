"""What a notebook calls: the road from a study card to a story, one step a function, each step kept for reuse."""

from __future__ import annotations

import dataclasses
import functools
import time
from collections.abc import Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import pandas as pd

from radnb import __version__, looks
from radnb.cohort.cases import cases
from radnb.cohort.check import check
from radnb.cohort.clinical import ORDER, SAID, clinical, predictors
from radnb.cohort.finished import finished_features, further_table
from radnb.cohort.label_texts import LABEL_TEXTS
from radnb.cohort.labels import SCHEMES, Labels, SurvivalLabels
from radnb.cohort.manifest import Manifest
from radnb.errors import RadnbError, nearest, raise_all
from radnb.evaluation.evaluation import Evaluation, tried_on_others
from radnb.evaluation.evaluation import evaluate as evaluate_tables
from radnb.evaluation.subgroups import subgroups
from radnb.evaluation.transfer import apart
from radnb.extracting import Measured, measure_cases, open_manifest, store, together, version_of, versions
from radnb.features.assemble import Cohort, included, table_layout
from radnb.features.assemble import assemble as assemble_tables
from radnb.features.engines import choose
from radnb.features.export import inert
from radnb.features.extraction import FAILURE_COLUMNS
from radnb.features.joining import Layout, undefined_changes
from radnb.features.readings import readings
from radnb.features.settings import Settings, settings
from radnb.imaging.inspection import inspect
from radnb.learning.arrays import harmoniser_of
from radnb.learning.arrays import patients as described
from radnb.learning.batches import problems as batch_problems
from radnb.learning.frozen import SUMS, about_of, settings_of
from radnb.learning.plan import Controls, Plan, Trained
from radnb.learning.signature import load_signature
from radnb.learning.training import train as train_models
from radnb.reporting.story import Story
from radnb.study import CLINICAL, Study, find_card, frozen_path, load_study
from radnb.work import choices, files
from radnb.work.workspace import Workspace, workspace

DEFAULT_DECISION = (0.05, 0.95)


@dataclass(frozen=True)
class Run:
    """One opened study: its checked card, its cohort's manifest, where results go, and the reader's language."""

    study: Study
    manifest: Manifest
    out_dir: Path
    language: str
    space: Workspace
    card: Path
    frozen_settings: Mapping[str, Settings] | None = None  # those of a frozen model, which no file may change

    @property
    def notebook(self) -> Path:
        """Return the path of the card's notebook."""
        return self.space.root / "notebooks" / f"{self.study.notebook}.ipynb"

    @property
    def settings(self) -> dict[str, Settings]:
        """Return the extraction settings of each phase that has its own, else those of all under an empty name."""
        if self.frozen_settings is not None:
            return dict(self.frozen_settings)
        given = self.study.extraction
        names = {"": given} if isinstance(given, str) else given
        return {phase: self._settings(name) for phase, name in names.items()}

    def _settings(self, name: str) -> Settings:
        """Return a preset, a file, or a file beside the card."""
        beside = self.card.parent / name
        return settings(beside if beside.is_file() else name)

    @property
    def layout(self) -> Layout:
        """Return how the measured regions of a patient stand side by side."""
        own = {phase: chosen.columns for phase, chosen in self.settings.items() if phase}
        return replace(self.study.images.layout, columns=own if _measures(self) else {})


def open_run(study: str, *, manifest: str | None = None, overrides: Mapping[str, Any] | None = None,
             out_dir: str | Path | None = None, language: str = "en") -> Run:
    """Check the card whole and find its cohort; a synthetic cohort that is not there yet is made."""
    space = workspace()
    path = find_card(study, space)
    card = load_study(path, overrides=overrides, space=space)
    if language not in ("en", "zh"):
        raise RadnbError(f"language {language!r}: choose 'en' or 'zh'.", code="E_CONFIG")
    folder = Path(out_dir) if out_dir else space.root / "reports" / card.id
    cohort = open_manifest(manifest or card.manifest, beside=None if manifest else path.parent)
    return Run(card, cohort, folder.resolve(), language, space, path, _frozen_settings(card, path, space))


def _frozen_settings(card: Study, path: Path, space: Workspace) -> dict[str, Settings] | None:
    """Return the extraction settings of the card's first frozen model; a study's own are those of its card."""
    if not card.frozen:
        return None
    source = frozen_path(card.frozen[0], path, space)
    if source is None:
        return open_run(card.frozen[0]).settings
    return dict(load_signature(source).settings) if source.is_file() else settings_of(about_of(source))


def check_cohort(name: str, *, images: bool, preset: str | None = None, modality: str | None = None) -> pd.DataFrame:
    """List every problem of a cohort, its images included if wanted, as the extraction settings would meet them."""
    manifest = open_manifest(name)
    look = functools.partial(inspect, modality=modality, resampled=settings(preset).resampled if preset else True)
    return check(manifest, cases_check=look if images and manifest.images else None)


def measure(run: Run) -> Measured:
    """Return the features of the study's images, or the cohort's finished feature table."""
    if not run.study.needs_images:
        return Measured(None, pd.DataFrame(columns=FAILURE_COLUMNS), "No model of this study uses image features.")
    if run.manifest.features:
        table = finished_features(run.manifest)
        return Measured(table, pd.DataFrame(columns=FAILURE_COLUMNS),
                        f"{len(table)} rows of a finished feature table.")
    table, by_settings = _wanted(run), dict[str, tuple[Settings, list[str]]]()
    for phase, chosen in run.settings.items():
        by_settings.setdefault(chosen.sha256, (chosen, []))[1].append(phase)
    return together([(chosen.name, measure_cases(table if phases == [""] else table[table["phase"].isin(phases)],
                                                 chosen, run.manifest, engine=run.study.engine))
                     for chosen, phases in by_settings.values()])


def _measures(run: Run) -> bool:
    """Say whether this study reads images at all."""
    return run.study.needs_images and not run.manifest.features


def _wanted(run: Run) -> pd.DataFrame:
    """Pick the cases of the card's phases, regions and time points; other readers only where agreement is asked for."""
    layout, table = run.study.images.layout, cases(run.manifest)
    steps = [step for chain in (run.study.selectors, *(run.study.grid.get("selectors") or ())) for step in
             (chain if isinstance(chain, list) else [chain])]
    every_reader = any(choices.name_of(step) == "robust" for step in steps)
    wanted = {"roi": layout.rois, "timepoint": layout.timepoints, "phase": layout.phases,
              "reader": () if every_reader else (layout.reader,)}
    for column, values in wanted.items():
        known = table[column].unique()
        unknown = [f"{run.study.id}, images: no image has the {column} {value!r}. {nearest(value, known)}"
                   for value in values if value not in known]
        if unknown:
            raise RadnbError("\n".join(unknown), code="E_CONFIG")
        table = table[table[column].isin(values)] if values else table
    return table.reset_index(drop=True)


def assemble(run: Run, measured: Measured) -> Cohort:
    """Return one row per patient with the card's outcome; everybody left out stands among the exclusions."""
    table, labels, inputs = _patients(run)
    further = {block: further_table(run.manifest, name) for block, name in run.study.table_blocks.items()}
    return assemble_tables(table, labels, features=measured.features, failures=measured.failures, predictors=inputs,
                           layout=run.layout, tables=further, include=run.study.patients, centre=run.manifest.centre)


def check_run(run: Run) -> None:
    """Refuse a study that its cohort cannot answer, before anything is measured."""
    if not run.notebook.is_file():
        known = [path.stem for path in run.notebook.parent.glob("*.ipynb")]
        raise RadnbError(f"{run.study.id}, notebook: there is no {run.study.notebook!r} among the notebooks. "
                         f"{nearest(run.study.notebook, known)}", code="E_NOTEBOOK")
    faults = [*_table_faults(run), *_subgroup_faults(run), *_design_faults(run)]
    raise_all([f"{run.study.id}, {fault}" for fault in faults], code="E_CONFIG")
    looks.status(run.card, run.study.model_dump(mode="json"), run.space.cache / "looks")  # a broken lock is told now
    _patients(run)
    if _measures(run):
        _wanted(run)


def _table_faults(run: Run) -> list[str]:
    """List finished tables that the manifest does not declare, or that are known too late."""
    tables, found = run.manifest.tables, []
    for block, name in run.study.table_blocks.items():
        where = f"blocks.{block}.table"
        if name not in tables:
            mend = nearest(name, tables) if tables else "Declare it there under `tables`."
            found.append(f"{where}: the manifest {run.manifest.path} has no table {name!r}. {mend}")
        elif ORDER[tables[name].known] > ORDER[run.study.model_time]:
            found.append(f"{where}: the table {name!r} is {SAID[tables[name].known]}; a model for the time "
                         f"{run.study.model_time!r} cannot know it. Remove the block.")
    return found


def _subgroup_faults(run: Run) -> list[str]:
    """List subgroups whose column is unknown, or divided as another kind of column is."""
    columns, found = run.manifest.columns(), []
    for name, given in run.study.subgroups.items():
        if name not in columns:
            found.append(f"subgroups.{name}: the manifest declares no such column. {nearest(name, columns)}")
        elif columns[name].known == "outcome":
            found.append(f"subgroups.{name}: this column is an outcome, and a subgroup must not be chosen by what is "
                         "predicted. Remove it.")
        elif columns[name].kind != ("number" if isinstance(given, float) else "category"):
            found.append(f"subgroups.{name}: this column is of kind {columns[name].kind}. Write the number that "
                         "divides a column of numbers, or {} for a category.")
    return found


def _design_faults(run: Run) -> list[str]:
    """Say that the column which divides the patients is unknown, before anything is measured."""
    (design, options), = run.study.design.items()
    name, columns = (options or {}).get("name"), {*run.manifest.columns(), "centre"}
    return [] if name is None or name in columns else [
        f"design.{design}.name: the manifest declares no column {name!r}. {nearest(name, columns)}"]


def _patients(run: Run) -> tuple[pd.DataFrame, Labels | SurvivalLabels, dict[str, pd.DataFrame]]:
    """Return the clinical table, the outcome of those included and the predictors by block, as the card asks."""
    study, table = run.study, clinical(run.manifest)
    inside = included(table, study.patients)
    inputs = {block: predictors(table, run.manifest, names, model_time=study.model_time,
                                where="clinical predictor" if block == CLINICAL else f"blocks.{block}.columns")
              for block, names in study.column_blocks.items()}
    return table, choices.pick(SCHEMES, study.outcome, "outcome")(inside), inputs


def train(run: Run, cohort: Cohort, measured: Measured) -> Trained:
    """Return predictions and resamples of every model set; a training done before with equal inputs is read back."""
    plan, further = plan_of(run.study), repeated(run, measured, cohort)
    raise_all(harmonise_problems(run, cohort, plan), code="E_BATCH")
    folder = run.space.cache / "trained" / training_key(data_key(cohort, further), plan)[:24]
    kept = _read_trained(folder)
    looks.look(run.space.cache / "looks", run.study.model_dump(mode="json"))
    if kept is None:
        kept = train_models(cohort, plan, repeat_measurements=further)
        _keep_trained(folder, kept)
    return kept


def harmonise_problems(run: Run, cohort: Cohort, plan: Plan) -> list[str]:
    """List what forbids harmonising, given when the manifest says that each column is known."""
    known = {name: str(column.known) for name, column in run.manifest.columns().items()}
    return batch_problems(cohort, harmoniser_of(plan), known=known, seed=plan.seed)


def data_key(cohort: Cohort, further: pd.DataFrame | None) -> str:
    """Return one hash over all data that decide on a training, and the code that does it.

    The clinical table is part of it: designs, harmonising and calibration samples read columns that no block holds.
    """
    return files.sha256_json([code_hash("learning", "statistics"), versions(), digest(cohort.table),
                              digest(cohort.clinical),
                              dict(cohort.blocks), dataclasses.asdict(cohort.outcome),
                              None if further is None else digest(further)])


def training_key(data: str, plan: Plan) -> str:
    """Return one hash over everything that decides on a training: what `data_key` returns, and the plan."""
    return files.sha256_json([data, dataclasses.asdict(plan)])


def plan_of(study: Study) -> Plan:
    """Return the learning part of a card."""
    sets = {name: tuple(members) if isinstance(members, list) else members
            for name, members in study.model_sets.items()}
    controls = study.controls.model_dump() | {"learning_curve": tuple(study.controls.learning_curve)}
    return Plan(sets=sets, design=study.design, prepare=study.prepare, harmonise=study.harmonise,
                selector=tuple(study.selectors), imbalance=study.imbalance,
                grid=study.grid, model=study.model, threshold=study.threshold,
                prespecified=study.entered_whole, bootstraps=study.inference.bootstraps,
                splits=study.inference.splits, permutations=study.inference.permutations,
                controls=Controls(**controls), primary=study.primary.model, comparator=study.primary.comparator,
                seed=study.seed)


def repeated(run: Run, measured: Measured, cohort: Cohort) -> pd.DataFrame | None:
    """Return what further readers give; columns of finished tables do not depend on who outlines."""
    if measured.features is None or measured.features["reader"].nunique() < 2:
        return None
    found = readings(measured.features, table_layout(run.layout, measured.features))
    same = [column for block in run.study.table_blocks for column in cohort.blocks[block]]
    return found.merge(cohort.table[["patient_id", *same]], on="patient_id") if same else found


def digest(table: pd.DataFrame) -> str:
    """Return one hash over a table's columns and values."""
    return files.sha256_json([list(table.columns), pd.util.hash_pandas_object(table, index=False).astype(str).tolist()])


_TABLES = ("predictions", "resamples", "selections", "fits", "candidates", "splits")
_FACTS = ("final", "certificate", "costs", "notes")


def _read_trained(folder: Path) -> Trained | None:
    """Return what was kept whole in a folder, or None."""
    try:
        whole = files.read_json(folder / "whole.json")
        if any(files.sha256_file(folder / f"{name}.parquet") != whole[name] for name in _TABLES):
            return None
        return Trained(**{name: pd.read_parquet(folder / f"{name}.parquet") for name in _TABLES},
                       **{name: whole[name] for name in _FACTS})
    except (OSError, ValueError, KeyError):
        return None


def _keep_trained(folder: Path, trained: Trained) -> None:
    """Keep every table, and last the hashes that make them whole."""
    for name in _TABLES:
        files.write_parquet(folder / f"{name}.parquet", getattr(trained, name))
    hashes = {name: files.sha256_file(folder / f"{name}.parquet") for name in _TABLES}
    files.write_json(folder / "whole.json", hashes | {name: getattr(trained, name) for name in _FACTS})


def evaluate(run: Run, cohort: Cohort, trained: Trained) -> Evaluation:
    """Return every table of the evaluation, recomputed from predictions and resamples without refitting."""
    study, decision = run.study, run.study.decision
    found = evaluate_tables(trained.predictions, trained.resamples, outcome=cohort.outcome, primary=study.primary.model,
                            comparator=study.primary.comparator,
                            decision=(decision.low, decision.high) if decision else DEFAULT_DECISION,
                            horizons_months=study.horizons_months or None,
                            relevant_difference=study.inference.relevant_difference,
                            patients=cohort.table[["patient_id", "centre"]] if "centre" in cohort.table else None,
                            ways=trained.candidates, splits=trained.splits, trained=trained,
                            clinical=_clinical_alone(study), cut=_cut(study),
                            candidates=None if study.frozen else {
                                name: sum(len(cohort.blocks[b]) for b in blocks)
                                for name, blocks in study.blocks_of.items()})
    if not study.subgroups:
        return found
    return replace(found, subgroups=_subgroups(study, cohort, trained))


def _subgroups(study: Study, cohort: Cohort, trained: Trained) -> pd.DataFrame:
    """Return the two locked models in the subgroups of the card; each direction between centres stays alone."""
    known, models = described(cohort), [study.primary.model, study.primary.comparator]
    rows = apart(trained.predictions, known, trained.splits)
    table = subgroups(rows, trained.resamples, known, study.subgroups, outcome=cohort.outcome,
                      models=[name for name in models if name])
    return tried_on_others(table, trained.notes)


def _cut(study: Study) -> int | None:
    """Return where a model in two stages divides the classes, if the card says so."""
    given = (study.model.get("two_stage") or {}).get("cut")
    return None if given is None else int(given)


def _clinical_alone(study: Study) -> str | None:
    """Return the model set that is the clinical facts and nothing else."""
    return next((name for name, blocks in study.model_sets.items() if list(blocks) == ["clinical"]), None)


def tell(run: Run, measured: Measured, cohort: Cohort, trained: Trained, evaluation: Evaluation) -> Story:
    """Bring card, cohort, evaluation and provenance together for the reader."""
    return Story(facts=_facts(run, measured, cohort), cohort=cohort, evaluation=evaluation,
                 selections=trained.selections, exclusions=cohort.exclusions, failures=measured.failures,
                 provenance=_provenance(run, cohort), labels=_labels(run.manifest, cohort), language=run.language,
                 out_dir=run.out_dir, formats=tuple(run.study.figure_formats),
                 certificate=trained.certificate, final=trained.final)


def _clinical_predictors(study: Study) -> list[str]:
    """Return the clinical columns that the primary model is compared upon: those of its comparator's blocks."""
    blocks = study.blocks_of.get(study.primary.comparator or study.primary.model, ())
    found = [column for block in blocks for column in study.column_blocks.get(block, ())]
    return list(dict.fromkeys(found)) or study.clinical


def _extraction(run: Run) -> dict[str, Any]:
    """Return the preset and its settings, or those of each phase that has its own."""
    if isinstance(run.study.extraction, str):
        return {"preset": run.study.extraction, "settings": run.settings[""].card}
    by_phase = {phase: {"preset": name, "settings": run.settings[phase].card}
                for phase, name in run.study.extraction.items()}
    return {"preset": ", ".join(dict.fromkeys(run.study.extraction.values())), "by_phase": by_phase}


def _undefined(run: Run, measured: Measured, cohort: Cohort) -> dict[str, int]:
    """Count the relative changes that are empty because they began at nothing, by column."""
    if measured.features is None:
        return {}
    return undefined_changes(cohort.table, cohort.blocks, table_layout(run.layout, measured.features))


def _facts(run: Run, measured: Measured, cohort: Cohort) -> dict[str, Any]:
    study, manifest = run.study, run.manifest
    survival = (study.outcome.get("survival") or {}) if study.is_survival else {}
    facts = study.model_dump(mode="json")
    return facts | {
        "card": facts,
        "models": list(study.model_sets), "primary": study.primary.model, "comparator": study.primary.comparator,
        "selector": study.selectors, "source": {"en": manifest.title("en"), "zh": manifest.title("zh")},
        "synthetic": manifest.synthetic, "clinical_predictors": _clinical_predictors(study),
        "model_sets": study.blocks_of,
        "fusions": {name: members for name, members in study.model_sets.items() if not isinstance(members, list)},
        "extraction": {**_extraction(run), "pyradiomics": version_of("pyradiomics"), **measured.record},
        "changes_from_nothing": _undefined(run, measured, cohort),
        "table_one": [name for name, column in manifest.columns().items()
                      if column.kind in ("number", "category") and column.known != "outcome"],
        "plan": dataclasses.asdict(looks.status(run.card, study.model_dump(mode="json"), run.space.cache / "looks")),
        "horizon_months": study.horizons_months[0] if study.horizons_months else None,
        **({"design": {"frozen": {}}, "threshold": {"frozen": {}}} if study.frozen else {}),
        "event_label": facts["event_name"] or survival.get("endpoint"), "version": __version__, "versions": versions(),
        "date": time.strftime("%Y-%m-%d", time.gmtime()),
    } | {key: survival.get(key) for key in ("endpoint", "time_zero", "closing_date")}


def _labels(manifest: Manifest, cohort: Cohort) -> dict[str, Any]:
    found: dict[str, Any] = dict(LABEL_TEXTS)
    for name, column in manifest.columns().items():
        unit = f" ({column.unit})" if column.unit else ""
        found[name] = {language: text + unit for language, text in column.label.items()} or name.replace("_", " ")
        found |= {f"{name}={level}": texts for level, texts in column.level_labels.items() if texts}
        if name in cohort.clinical:
            found |= {level: texts for level, texts in column.level_labels.items() if texts and level not in found}
    return found


def _provenance(run: Run, cohort: Cohort) -> dict[str, Any]:
    return {"study_id": run.study.id, "manifest": run.manifest.path.name,
            "card_sha256": files.sha256_json(run.study.model_dump(mode="json")),
            "inputs_sha256": input_hashes(run), "cohort_sha256": digest(cohort.table),
            "extraction_sha256": settings_sha256(run), "seed": run.study.seed,
            "versions": versions()}


def settings_sha256(run: Run) -> str:
    """Return the hash of the extraction settings, of all phases together where they have their own."""
    hashes = {phase: chosen.sha256 for phase, chosen in run.settings.items()}
    return hashes[""] if "" in hashes else files.sha256_json(hashes)


def input_hashes(run: Run) -> dict[str, str]:
    """Return the SHA-256 of the manifest and its tables, and one over all images and masks of the study."""
    manifest = run.manifest
    found = {manifest.path.name: files.sha256_file(manifest.path)}
    sections = {part: getattr(manifest, part) for part in ("clinical", "images", "features")}
    sections |= {f"tables.{name}": manifest.tables[name] for name in run.study.table_blocks.values()}
    for part, section in sections.items():
        if section:
            found[section.file] = files.sha256_file(manifest.table_path(section.file, where=part))
    for source in run.study.frozen:
        found[f"frozen {Path(source).name}"] = _frozen_sha256(source, run)
    if manifest.images and _measures(run):
        table = _wanted(run)
        hashes, _ = store().hashes(sorted({*table["image"].astype(str), *table["mask"].astype(str)}))
        found["images and masks"] = files.sha256_json(sorted(hashes.values()))
    return found


def _frozen_sha256(source: str, run: Run) -> str:
    """Return the hash of a frozen model, a signature, or of all that a study's own model is made from."""
    path = frozen_path(source, run.card, run.space)
    if path is None:
        other = open_run(source)
        return files.sha256_json([other.study.model_dump(mode="json"), input_hashes(other)])
    return files.sha256_file(path if path.is_file() else path / SUMS)


def fingerprint(run: Run) -> str:
    """Return one hash over everything that a run's results depend on."""
    engine = choose(run.study.engine).version if _measures(run) else ""
    return files.sha256_json([versions(), engine, code_hash(), run.language, run.study.model_dump(mode="json"),
                              input_hashes(run), settings_sha256(run), _steps(run.notebook)])


def _steps(notebook: Path) -> list[list[Any]]:
    """Return what a notebook does, without the outputs that a person's JupyterLab saves into it."""
    return [["".join(cell["source"]), cell["metadata"].get("tags")] for cell in files.read_json(notebook)["cells"]]


def code_hash(*floors: str) -> str:
    """Return one hash over the code of some floors (or the whole package), so that no result outlives its method."""
    package = Path(__file__).parent
    sources = [path for floor in floors or (".",) for path in sorted((package / floor).rglob("*.py"))]
    return files.sha256_json([[path.relative_to(package).as_posix(), files.sha256_file(path)] for path in sources])


def finish(story: Story, trained: Trained) -> pd.DataFrame:
    """Write the run's tables and record beside its figures, and list the files."""
    folder, evaluation = story.out_dir, story.evaluation
    if folder is None:
        raise RadnbError("This story has no folder. Open the run with an out_dir.", code="E_FOLDER")
    tables = {"predictions": trained.predictions, "metrics": evaluation.metrics, "failures": story.failures,
              "exclusions": story.exclusions}
    for name, table in tables.items():
        files.write_csv(folder / f"{name}.csv", inert(table))
    files.write_parquet(folder / "resamples.parquet", trained.resamples)
    facts = {key: value for key, value in story.facts.items() if key not in ("versions", "extraction")}
    files.write_json(folder / "run.json", {
        "status": "tables", "id": facts["id"], "family": facts["family"], "question": story.facts["question"],
        "language": story.language, "study": facts, "extraction": story.facts["extraction"],
        "verdict": dataclasses.asdict(evaluation.verdict), "failed_cases": len(story.failures),
        "written": time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime()), **story.provenance})
    listed = sorted(path for path in folder.rglob("*") if path.is_file() and not path.name.startswith("."))
    return pd.DataFrame({"file": [path.relative_to(folder).as_posix() for path in listed]})
