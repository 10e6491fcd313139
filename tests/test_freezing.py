"""From a finished run to a frozen model, and from the model to new patients: nothing is refitted, little is guessed."""

from __future__ import annotations

import json
import re
import shutil
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
import yaml

import radnb
import radnb.workbook
from radnb.cohort.synth import SYNTH
from radnb.errors import RadnbError
from radnb.evaluation.evaluation import evaluate
from radnb.features.settings import settings
from radnb.freezing import freeze, predict, score
from radnb.learning import frozen
from radnb.learning.pipeline import MISSING
from radnb.study import list_studies, load_study

FAST = {"inference.bootstraps": 0, "inference.permutations": 0, "design": {"repeated_kfold": {"repeats": 1}},
        "controls": {"on": False}, "extraction": "demo"}


def _run(study: str, cohort: Path, out: Path, **changes: Any) -> Path:
    """Do what a notebook does, without the notebook."""
    run = radnb.open_run(study, manifest=str(cohort), overrides=FAST | changes, out_dir=out)
    measured = radnb.measure(run)
    patients = radnb.assemble(run, measured)
    trained = radnb.train(run, patients, measured)
    radnb.finish(radnb.tell(run, measured, patients, trained, radnb.evaluate(run, patients, trained)), trained)
    return out


@pytest.fixture(scope="module")
def finished(feature_cohort: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    return _run("demo-grading", feature_cohort, tmp_path_factory.mktemp("run") / "a run")


@pytest.fixture(scope="module")
def model(finished: Path, feature_cohort: Path) -> Path:
    return freeze(finished, manifest=str(feature_cohort))[1]


@pytest.fixture(scope="module")
def _elsewhere(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("elsewhere") / "cohort"
    SYNTH["pancreas"](folder, seed=8, n=60, images=False)
    return folder


@pytest.fixture
def elsewhere(_elsewhere: Path, tmp_path: Path) -> Path:
    """Give a copy of another hospital's cohort, to be changed."""
    return Path(shutil.copytree(_elsewhere, tmp_path / "cohort"))


def _card(folder: Path, change: Callable[[dict[str, Any]], None]) -> None:
    path = folder / "manifest.yaml"
    card = yaml.safe_load(path.read_text(encoding="utf-8"))
    change(card)
    path.write_text(yaml.safe_dump(card, allow_unicode=True), encoding="utf-8")


def test_the_frozen_model_is_the_final_one_of_the_run(finished: Path, model: Path, feature_cohort: Path) -> None:
    made = frozen.load(model)
    run = radnb.open_run("demo-grading", manifest=str(feature_cohort), overrides=FAST)
    measured = radnb.measure(run)
    final = radnb.train(run, radnb.assemble(run, measured), measured).final["combined"]
    assert list(made.thresholds) == final["thresholds"] and made.about.patients == final["patients"]
    assert set(made.names) == set(final["features"]) and made.scale == final["scale"]
    metrics = pd.read_csv(finished / "metrics.csv")
    auc = metrics[(metrics["model"] == "combined") & (metrics["metric"] == "auc")].iloc[0]
    assert {m.metric: m.value for m in made.about.performance}["auc"] == auc["value"]


def test_no_patient_and_no_path_of_the_machine_is_in_the_folder(model: Path, feature_cohort: Path) -> None:
    ids = pd.read_csv(feature_cohort.parent / "clinical.csv", dtype=str)["patient_id"]
    for path in model.iterdir():
        text = path.read_text(encoding="utf-8")
        assert str(feature_cohort.parent) not in text and not [one for one in ids if f'"{one}"' in text]


def _by_hand(page: str, table: pd.DataFrame) -> np.ndarray:
    """Compute the score from nothing but the table of the page."""
    rows = [[cell.strip().strip("`") for cell in line.strip("| ").split(" | ")]
            for line in page.splitlines() if re.match(r"\| (1|`[^`]+`) \| -?\d", line) and line.count("|") == 4]
    total = np.zeros(len(table))
    for name, coefficient, *fill in rows:
        if name == "1":
            total += float(coefficient)
        elif name.endswith(MISSING):
            total += float(coefficient) * table[name.removesuffix(MISSING)].isna()
        else:
            total += float(coefficient) * table[name].fillna(float(fill[0]))
    return np.asarray(1 / (1 + np.exp(-total)))


def test_the_score_can_be_computed_by_hand_from_the_page(model: Path, elsewhere: Path, tmp_path: Path) -> None:
    done, _ = predict(model, str(elsewhere), out=tmp_path / "out")
    features = pd.read_csv(elsewhere / "features.csv", dtype={"patient_id": str})
    clinical = pd.read_csv(elsewhere / "clinical.csv", dtype={"patient_id": str})
    table = features[features["phase"] == "arterial"].merge(clinical, on="patient_id")
    table["sex=male"] = (table["sex"] == "male").astype(float).mask(table["sex"].isna())
    page = (model / frozen.PAGE).read_text(encoding="utf-8")
    by_hand = pd.Series(_by_hand(page, table), index=table["patient_id"])
    scores = done.predictions.set_index("patient_id")["score"]
    np.testing.assert_allclose(scores, by_hand[scores.index], rtol=1e-9)


def test_the_page_speaks_both_languages_and_keeps_to_research(model: Path) -> None:
    page = (model / frozen.PAGE).read_text(encoding="utf-8")
    assert "Research use only" in page and "仅供科研" in page and settings("demo").sha256 in page
    assert not re.search(r"\b(accurate|significant|validated)\b", page)


def test_freezing_twice_gives_the_same_bytes(finished: Path, model: Path, feature_cohort: Path,
                                             tmp_path: Path) -> None:
    _, again = freeze(finished, manifest=str(feature_cohort), out=tmp_path / "again")
    assert [(p.name, p.read_bytes()) for p in sorted(again.iterdir())] == [
        (p.name, p.read_bytes()) for p in sorted(model.iterdir())]


def test_another_model_set_and_a_survival_model_can_be_frozen(finished: Path, feature_cohort: Path,
                                                              tmp_path: Path) -> None:
    clinical, where = freeze(finished, model="clinical", manifest=str(feature_cohort))
    assert where.name == "model-clinical" and set(clinical.names) == {"age", "sex=male", "tumour_size_mm"}
    run = _run("demo-survival", feature_cohort, tmp_path / "run")
    cox, folder = freeze(run, manifest=str(feature_cohort))
    done, _ = predict(folder, str(feature_cohort), out=tmp_path / "scores")
    assert cox.scale == "risk" and set(done.predictions["class"]) == {"low", "high"}
    assert done.predictions["time_months"].notna().any()
    with pytest.raises(RadnbError, match="Did you mean 'combined'"):
        freeze(finished, model="combine", manifest=str(feature_cohort))


def test_changed_inputs_are_named(finished: Path, feature_cohort: Path, tmp_path: Path) -> None:
    cohort = shutil.copytree(feature_cohort.parent, tmp_path / "cohort")
    path = cohort / "clinical.csv"
    path.write_text(path.read_text(encoding="utf-8").replace("male", "female", 1), encoding="utf-8")
    with pytest.raises(RadnbError, match=r"clinical\.csv is not what the run used"):
        freeze(finished, manifest=str(cohort))
    with pytest.raises(RadnbError, match=r"used the manifest manifest\.yaml, not demo\.yaml.*--manifest"):
        freeze(finished, manifest=str(_renamed(cohort)))


def _renamed(cohort: Path) -> Path:
    return Path(shutil.move(cohort / "manifest.yaml", cohort / "demo.yaml"))


@pytest.mark.parametrize("text", [None, "{", "{}", '{"status": "complete"}'])
def test_a_folder_without_a_finished_run_is_refused(tmp_path: Path, text: str | None) -> None:
    if text is not None:
        (tmp_path / "run.json").write_text(text, encoding="utf-8")
    with pytest.raises(RadnbError, match="no folder of a finished run"):
        freeze(tmp_path)


def test_changed_metrics_are_not_frozen(finished: Path, feature_cohort: Path, tmp_path: Path) -> None:
    run = shutil.copytree(finished, tmp_path / "run")
    record = json.loads((run / "run.json").read_text(encoding="utf-8"))
    (run / "run.json").write_text(json.dumps(record | {"files": {"metrics.csv": "0" * 64}}), encoding="utf-8")
    with pytest.raises(RadnbError, match=r"metrics\.csv is missing or was changed"):
        freeze(run, manifest=str(feature_cohort))


def test_warnings_tell_range_gaps_and_strangers(model: Path, elsewhere: Path, tmp_path: Path) -> None:
    made = frozen.load(model)
    far = next(name for name in made.names if name.startswith("original_firstorder"))
    path = elsewhere / "features.csv"
    table = pd.read_csv(path, dtype={"patient_id": str})
    who = table["patient_id"].drop_duplicates().tolist()
    table.loc[table["patient_id"] == who[0], far] = 1e6
    table.loc[table["patient_id"] == who[1], far] = np.nan
    table.to_csv(path, index=False)
    _card(elsewhere, lambda card: card["clinical"]["columns"]["centre"].update(
        levels=["Centre A", "Centre B", "Centre D"], map={"Centre C": "Centre D"}, level_labels={}))
    done, _ = predict(model, str(elsewhere), out=tmp_path / "en")
    said = done.predictions.set_index("patient_id")
    assert f"farthest: {far}" in said.loc[who[0], "warnings"] and said.loc[who[0], "outside"] >= 1
    assert f"1 missing values were filled as for the training patients: {far}" in said.loc[who[1], "warnings"]
    assert said["warnings"].str.contains("centre “Centre D” was not among the training patients").any()
    assert said["warnings"].str.contains("not made for patients with diagnosis “PDAC”").any()
    assert set(said["use"]) == {"research use only / 仅供科研"} and "Research use only" in done.told[-1]
    chinese, _ = predict(model, str(elsewhere), out=tmp_path / "zh", language="zh")
    assert chinese.predictions["warnings"].str.contains("超出训练范围").any()


def test_levels_in_another_order_and_unknown_ones_do_not_change_the_meaning(model: Path, elsewhere: Path,
                                                                            tmp_path: Path) -> None:
    before, _ = predict(model, str(elsewhere), out=tmp_path / "a")
    _card(elsewhere, lambda card: card["clinical"]["columns"]["sex"].update(levels=["male", "female"]))
    after, _ = predict(model, str(elsewhere), out=tmp_path / "b")
    pd.testing.assert_series_equal(before.predictions["score"], after.predictions["score"])
    _card(elsewhere, lambda card: card["clinical"]["columns"]["sex"].update(
        levels=["male", "female", "other"], map={"female": "other"}))
    strange, _ = predict(model, str(elsewhere), out=tmp_path / "c")
    assert strange.predictions["warnings"].str.contains("sex=male").any()


def _rename(folder: Path, table: str, old: str, new: str) -> None:
    path = folder / table
    pd.read_csv(path, dtype=str).rename(columns={old: new}).to_csv(path, index=False)


def test_a_renamed_column_is_refused_with_the_nearest_name(model: Path, elsewhere: Path, tmp_path: Path) -> None:
    name = next(name for name in frozen.load(model).names if name.startswith("original_"))
    _rename(elsewhere, "features.csv", name, f"{name}_x")
    with pytest.raises(RadnbError, match=rf"have no '{name}'.*Did you mean '{name}_x'"):
        predict(model, str(elsewhere), out=tmp_path / "out")


@pytest.mark.parametrize(("change", "mend"), [
    ({"unit": "months"}, "Convert the values"), ({"known": "after_surgery"}, "known only after surgery")])
def test_a_clinical_column_of_another_kind_is_refused(model: Path, elsewhere: Path, tmp_path: Path,
                                                      change: dict[str, str], mend: str) -> None:
    _card(elsewhere, lambda card: card["clinical"]["columns"]["age"].update(change))
    with pytest.raises(RadnbError, match=mend):
        predict(model, str(elsewhere), out=tmp_path / "out")


def test_other_extraction_settings_are_refused_and_unknown_ones_told(model: Path, elsewhere: Path,
                                                                     tmp_path: Path) -> None:
    unknown, _ = predict(model, str(elsewhere), out=tmp_path / "a")
    assert "does not tell its extraction settings" in " ".join(unknown.told)
    record = elsewhere / "extraction.json"
    record.write_text(json.dumps({"settings_sha256": settings("demo").sha256}), encoding="utf-8")
    assert predict(model, str(elsewhere), out=tmp_path / "b")[0].notes == ()
    record.write_text(json.dumps({"settings_sha256": settings("ct").sha256}), encoding="utf-8")
    with pytest.raises(RadnbError, match="other extraction settings than the model"):
        predict(model, str(elsewhere), out=tmp_path / "c")
    record.write_text("{", encoding="utf-8")
    with pytest.raises(RadnbError, match=r"cannot be read. Extract the table again"):
        predict(model, str(elsewhere), out=tmp_path / "d")


def test_new_images_are_measured_with_the_frozen_settings(model: Path, tmp_path: Path) -> None:
    pytest.importorskip("radiomics")
    SYNTH["pancreas"](tmp_path / "cohort", seed=4, n=6, extra_readers=0)
    done, _ = predict(model, str(tmp_path / "cohort"), out=tmp_path / "out")
    assert len(done.predictions) == 6 and done.predictions["score"].notna().all()
    assert "trained on a finished feature table" in " ".join(done.notes)
    from radnb.extracting import extract_cohort

    extract_cohort(str(tmp_path / "cohort"), "demo", out=tmp_path / "cohort" / "measured.csv")
    _card(tmp_path / "cohort", lambda card: [card.pop("images"), card.pop("make", None),
                                             card.update(features={"file": "measured.csv"})])
    table, _ = predict(model, str(tmp_path / "cohort"), out=tmp_path / "again")
    assert table.notes == ()
    pd.testing.assert_series_equal(done.predictions["score"], table.predictions["score"], rtol=1e-12)


def test_patients_without_outcome_are_scored_and_a_folder_of_others_is_left_alone(model: Path, elsewhere: Path,
                                                                                  tmp_path: Path) -> None:
    _card(elsewhere, lambda card: [card["clinical"]["columns"].pop(name) for name in ("ki67", "mitoses")])
    done, folder = predict(model, str(elsewhere), out=tmp_path / "out")
    assert done.predictions["truth"].isna().all() and done.predictions["score"].notna().all()
    assert {path.name for path in folder.iterdir()} == {"predictions.csv", "predictions.json", "exclusions.csv",
                                                        "failures.csv"}
    (tmp_path / "out" / "thesis.docx").write_text("mine")
    with pytest.raises(RadnbError, match="Choose an empty folder"):
        predict(model, str(elsewhere), out=tmp_path / "out")


def _signature(path: Path, **changes: Any) -> Path:
    card = {"name": "made-up", "reference": "Nobody 2020", "outcome": {"g1_vs_g23": {}}, "link": "logistic",
            "intercept": -1.0, "features": {"original_glcm_JointEntropy": 0.8, "age": 0.01}, "cut_off": 0.5,
            "clinical": ["age"], "images": {"phases": ["arterial"]}, "extraction": "demo"}
    path.write_text(yaml.safe_dump(card | changes), encoding="utf-8")
    return path


def test_a_signature_is_applied_and_its_rows_can_be_evaluated(elsewhere: Path, tmp_path: Path) -> None:
    signature = _signature(tmp_path / "s.yaml")
    done, _ = score(signature, str(elsewhere), out=tmp_path / "out")
    rows = done.predictions
    features = pd.read_csv(elsewhere / "features.csv", dtype={"patient_id": str})
    values = features[features["phase"] == "arterial"].set_index("patient_id")["original_glcm_JointEntropy"]
    ages = pd.read_csv(elsewhere / "clinical.csv", dtype={"patient_id": str}).set_index("patient_id")["age"]
    by_hand = 1 / (1 + np.exp(-(-1.0 + 0.8 * values + 0.01 * ages)))
    np.testing.assert_allclose(rows["score"], by_hand[rows["patient_id"]], rtol=1e-12)
    known = rows[rows["truth"].notna() & rows["score"].notna()]
    assert set(known["set"]) == {"external"} and set(known["target"]) == {"G2-3"}
    outcome = radnb.assemble(*_opened("demo-grading", elsewhere)).outcome
    found = evaluate(known, None, outcome=outcome, primary="made-up", comparator=None, decision=(0.2, 0.8))
    auc = found.metrics[found.metrics["metric"] == "auc"].iloc[0]
    assert auc["method"] == "delong" and auc["n"] == len(known)


def _opened(study: str, cohort: Path) -> tuple[Any, Any]:
    run = radnb.open_run(study, manifest=str(cohort))
    return run, radnb.measure(run)


def test_a_signature_fills_nothing_in(elsewhere: Path, tmp_path: Path) -> None:
    path = elsewhere / "clinical.csv"
    table = pd.read_csv(path, dtype=str)
    table.loc[0, "age"] = ""
    table.to_csv(path, index=False)
    done, _ = score(_signature(tmp_path / "s.yaml"), str(elsewhere), out=tmp_path / "out")
    row = done.predictions.set_index("patient_id").loc[table.loc[0, "patient_id"]]
    assert np.isnan(row["score"]) and row["class"] == "" and "no score, for a value is missing: age" in row["warnings"]
    missing = _signature(tmp_path / "t.yaml", features={"original_glcm_JointEntropi": 1.0}, clinical=[])
    with pytest.raises(RadnbError, match="Did you mean 'original_glcm_JointEntropy'"):
        score(missing, str(elsewhere), out=tmp_path / "more")


def _external(model: object, cohort: Path, **changes: Any) -> Any:
    return radnb.open_run("example-external-validation", manifest=str(cohort), overrides={"frozen": model, **changes})


def test_an_external_validation_takes_over_what_the_model_decides(model: Path, finished: Path, elsewhere: Path,
                                                                  feature_cohort: Path) -> None:
    both = [str(model), str(freeze(finished, model="clinical", manifest=str(feature_cohort))[1])]
    run = _external(both, elsewhere)
    assert run.study.primary.model == "combined" and run.study.primary.comparator == "clinical"
    assert run.study.images.phases == ["arterial"] and run.settings[""].sha256 == settings("demo").sha256
    models = radnb.frozen_models(run)
    measured = radnb.measure(run)
    cohort = radnb.new_patients(run, models, measured)
    found = radnb.validate(run, models, cohort)
    evaluation = radnb.evaluate(run, cohort, found.trained)
    rows = evaluation.metrics.set_index(["model", "metric"])
    assert rows.loc[("combined", "auc"), "method"] == "delong"
    assert rows.loc[("combined - clinical", "auc_difference"), "method"] == "delong_paired"
    story = radnb.tell(run, measured, cohort, found.trained, evaluation)
    assert len(radnb.transfer_table(story).shown) >= 3 and len(radnb.range_table(story, models, found.scored).shown)
    assert radnb.then_and_now(story, models).shown["Measure"].iloc[0] == "AUC"
    assert "Clinical" in radnb.external_methods(story, found.models, found.notes).plain()


@pytest.mark.parametrize(("changes", "mend"), [
    ({"model": {"svm": {}}}, "model: the frozen model decides this"),
    ({"images.phases": ["portal_venous"]}, "images: the frozen model decides this"),
    ({"extraction": "ct"}, "extraction: the frozen model decides this"),
    ({"frozen": "nothing-like-it"}, "neither a model folder, nor a signature, nor a study")])
def test_a_card_cannot_change_what_is_frozen(model: Path, elsewhere: Path, changes: dict[str, Any],
                                             mend: str) -> None:
    with pytest.raises(RadnbError, match=mend):
        radnb.open_run("example-external-validation", manifest=str(elsewhere),
                       overrides={"frozen": str(model), **changes})


def test_another_outcome_than_the_models_is_refused(model: Path, elsewhere: Path) -> None:
    run = _external(str(model), elsewhere, outcome={"g12_vs_g3": {}})
    models = radnb.frozen_models(run)
    with pytest.raises(RadnbError, match="same classes in the same order"):
        radnb.new_patients(run, models, radnb.measure(run))


def test_a_signature_is_a_frozen_model_too(elsewhere: Path, tmp_path: Path) -> None:
    run = _external(str(_signature(tmp_path / "s.yaml")), elsewhere)
    models = radnb.frozen_models(run)
    cohort = radnb.new_patients(run, models, radnb.measure(run))
    found = radnb.validate(run, models, cohort)
    rows = found.trained.predictions
    assert set(rows["model"]) == {"made-up"} and len(rows) == len(cohort.table)


def test_the_example_card_freezes_its_study_by_itself() -> None:
    card = load_study("example-external-validation")
    assert card.frozen == ["demo-grading"] and card.primary.comparator == "clinical"


@pytest.fixture
def home(feature_cohort: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Give a workbook of its own with one study."""
    card = yaml.safe_load((radnb.workbook.workspace().studies / "grading" / "demo-grading.yaml").read_text("utf-8"))
    folder = tmp_path / "home" / "notebooks" / "studies" / "grading"
    folder.mkdir(parents=True)
    card |= {"id": "small", "manifest": str(feature_cohort)}
    (folder / "small.yaml").write_text(yaml.safe_dump(card, allow_unicode=True), encoding="utf-8")
    given = {"id": "elsewhere", "family": "grading", "notebook": "external_validation", "manifest": "anything",
             "question": {"en": "Does it hold?", "zh": "是否成立?"}, "frozen": "small"}
    (folder / "elsewhere.yaml").write_text(yaml.safe_dump(given, allow_unicode=True), encoding="utf-8")
    monkeypatch.setenv("RADNB_HOME", str(tmp_path / "home"))
    return folder


def test_a_study_may_stand_for_its_own_model(home: Path, elsewhere: Path) -> None:
    run = radnb.open_run("elsewhere", manifest=str(elsewhere / "manifest.yaml"))
    models = radnb.frozen_models(run)
    assert [one.name for one in models] == ["combined", "clinical"] and models[0].about.performance == []
    assert [one.sha256 for one in radnb.frozen_models(run)] == [one.sha256 for one in models]
    assert "frozen small" in radnb.workbook.input_hashes(run)


def test_cards_are_listed_though_a_frozen_model_is_gone(home: Path) -> None:
    path = home / "elsewhere.yaml"
    path.write_text(path.read_text("utf-8").replace("frozen: small", "frozen: reports/gone/model"), encoding="utf-8")
    assert {row["id"] for row in list_studies()} == {"small", "elsewhere"}
    with pytest.raises(RadnbError, match="neither a model folder"):
        load_study("elsewhere")


def _radnb(*words: str) -> subprocess.CompletedProcess[str]:
    done = subprocess.run([sys.executable, "-m", "radnb", *words], capture_output=True, text=True, encoding="utf-8",
                          check=False, timeout=300)
    assert "Traceback" not in done.stderr + done.stdout
    return done


def test_the_commands_end_with_their_exit_codes(finished: Path, feature_cohort: Path, elsewhere: Path,
                                                tmp_path: Path) -> None:
    made = _radnb("freeze", str(finished), "--manifest", str(feature_cohort), "-o", str(tmp_path / "m"))
    assert made.returncode == 0 and "Research use only" in made.stdout
    done = _radnb("predict", str(tmp_path / "m"), str(elsewhere), "-o", str(tmp_path / "p"))
    assert done.returncode == 0 and "60 patients scored" in done.stdout and "Research use only" in done.stdout
    (tmp_path / "m" / frozen.PAGE).write_text("changed", encoding="utf-8")
    spoilt = _radnb("predict", str(tmp_path / "m"), str(elsewhere), "-o", str(tmp_path / "q"))
    assert spoilt.returncode == 2 and "MODEL.md is not as it was frozen" in spoilt.stderr
    scored = _radnb("score", str(_signature(tmp_path / "s.yaml")), str(elsewhere), "-o", str(tmp_path / "s"))
    assert scored.returncode == 0 and (tmp_path / "s" / "predictions.csv").is_file()
