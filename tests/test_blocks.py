"""A card's blocks reach the cohort: time points, signs, finished tables, and modalities with settings of their own."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
import SimpleITK as sitk
import yaml

from radnb import workbook
from radnb.errors import RadnbError
from radnb.reporting.methods import paragraphs

SETS = {"clinical": ["clinical"], "delta": ["delta"], "deep": ["deep"],
        "all": ["clinical", "signs", "delta", "deep"],
        "nomogram": {"late": {"scores": ["delta", "deep"], "beside": ["clinical", "signs"]}}}
CARD: dict[str, Any] = {
    "images": {"phases": ["arterial"], "timepoint": ["baseline", "week_8"], "delta": ["absolute", "relative"]},
    "clinical": ["age", "tumour_size_mm"], "blocks": {"signs": {"columns": ["margin"]}, "deep": {"table": "deep"}},
    "model_sets": SETS, "primary": {"model": "all", "comparator": "clinical"}, "subgroups": {"sex": {}}}


@pytest.fixture
def followed(feature_cohort: Path, tmp_path: Path) -> Path:
    """Return the manifest of the synthetic cohort with a second time point, of which five patients have none, and a
    deep table that lacks the sixth."""
    source, folder = feature_cohort.parent, tmp_path / "随访 队列"
    folder.mkdir()
    first = pd.read_csv(source / "features.csv", dtype={"patient_id": str})
    names = [name for name in first if str(name).startswith("original_")]
    later = first[first["patient_id"] > "P005"].assign(timepoint="week_8", **{n: 1.5 * first[n] for n in names})
    pd.concat([first, later]).to_csv(folder / "features.csv", index=False)
    (folder / "clinical.csv").write_bytes((source / "clinical.csv").read_bytes())
    patients = sorted(set(first["patient_id"]) - {"P006"})
    values = np.random.default_rng(0).normal(size=(len(patients), 3))
    deep = pd.DataFrame(values, columns=["0", "1", "2"]).assign(ID=patients)
    deep.to_csv(folder / "deep.csv", index=False)
    manifest = yaml.safe_load(feature_cohort.read_text(encoding="utf-8"))
    manifest["tables"] = {"deep": {"file": "deep.csv", "known": "before_surgery", "columns": {"patient_id": "ID"}}}
    (folder / "manifest.yaml").write_text(yaml.safe_dump(manifest, allow_unicode=True), encoding="utf-8")
    return folder / "manifest.yaml"


def test_the_blocks_of_a_card_are_those_of_its_cohort(followed: Path) -> None:
    run = workbook.open_run("demo-grading", manifest=str(followed), overrides=CARD)
    workbook.check_run(run)
    cohort = workbook.assemble(run, workbook.measure(run))
    assert {"clinical", "signs", "delta", "delta:relative", "radiomics:week_8", "deep"} <= set(cohort.blocks)
    assert cohort.blocks["signs"] == ("margin=ill_defined",) and cohort.blocks["deep"] == ("deep_0", "deep_1", "deep_2")
    relative = cohort.table[list(cohort.blocks["delta:relative"])].to_numpy()
    before = cohort.table[list(cohort.blocks["radiomics:baseline"])].to_numpy()
    assert np.allclose(relative, 0.5 * np.sign(before)) and not np.isnan(relative).any()
    reasons = cohort.exclusions.set_index("patient_id")["reason"]
    images = {f"P00{number}" for number in range(1, 6)} & set(reasons[~reasons.str.startswith("not_pnet")].index)
    assert images and set(reasons[[*images]]) <= {"missing_timepoint", "missing_indices", "g3_unresolved"}
    assert "missing_timepoint" in set(reasons[[*images]])
    assert "P006" in reasons.index and set(run.study.blocks_of["nomogram"]) == {"delta", "deep", "clinical", "signs"}
    assert run.study.entered_whole == ("clinical", "signs")
    assert "deep.csv" in workbook.input_hashes(run)


def test_a_late_fusion_of_blocks_is_trained_and_told(followed: Path) -> None:
    quick = {"inference.bootstraps": 2, "inference.permutations": 0, "controls.on": False,
             "design": {"repeated_kfold": {"folds": 2, "repeats": 1}}}
    run = workbook.open_run("demo-grading", manifest=str(followed), overrides=CARD | quick)
    measured = workbook.measure(run)
    cohort = workbook.assemble(run, measured)
    trained = workbook.train(run, cohort, measured)
    assert set(trained.predictions["model"]) == set(SETS)
    story = workbook.tell(run, measured, cohort, trained, workbook.evaluate(run, cohort, trained))
    assert set(story.facts["fusions"]) == {"nomogram"} and story.facts["changes_from_nothing"] == {}
    said = " ".join(paragraphs(story))
    for words in ("time points were compared: baseline and week 8", "signs (tumour margin on CT)",
                  "deep (3 features of a finished table)", "In the model nomogram, the changes between time points"):
        assert words in said


@pytest.mark.parametrize(("change", "mend"), [
    ({"blocks.deep.table": "dep"}, "blocks.deep.table: .*Did you mean 'deep'"),
    ({"blocks.signs.columns": ["margn"]}, "blocks.signs.columns 'margn': .*Did you mean 'margin'"),
    ({"blocks.signs.columns": ["ki67"]}, "blocks.signs.columns 'ki67': Ki-67 is known only after surgery"),
    ({"subgroups": {"sx": {}}}, "subgroups.sx: .*Did you mean 'sex'"),
    ({"subgroups": {"sex": 20}}, "subgroups.sex: this column is of kind category"),
    ({"subgroups": {"tumour_size_mm": {}}}, "kind number. Write the number"),
    ({"subgroups": {"os_event": {}}}, "subgroups.os_event: this column is an outcome"),
    ({"design": {"temporal": {"name": "surgery_day"}}}, "design.temporal.name: .*no column 'surgery_day'")])
def test_a_card_that_its_cohort_cannot_answer_is_refused(followed: Path, change: dict[str, Any], mend: str) -> None:
    with pytest.raises(RadnbError, match=mend):
        workbook.check_run(workbook.open_run("demo-grading", manifest=str(followed), overrides=CARD | change))


def test_a_table_known_after_surgery_is_no_predictor_before_it(followed: Path) -> None:
    followed.write_text(followed.read_text(encoding="utf-8").replace("file: deep.csv\n    known: before_surgery",
                                                                     "file: deep.csv\n    known: after_surgery"),
                        encoding="utf-8")
    with pytest.raises(RadnbError, match="'deep' is known only after surgery"):
        workbook.check_run(workbook.open_run("demo-grading", manifest=str(followed), overrides=CARD))


@pytest.fixture
def two_modalities(tmp_path: Path) -> Path:
    """Return the card of ten patients with CT and PET on grids of their own, each with its settings."""
    rows = []
    for number in range(10):
        for phase, size in (("ct", 16), ("pet", 10)):
            voxels = np.random.default_rng(number).normal(40, 20, (size, size, size)).astype(np.int16)
            mask = np.zeros_like(voxels, dtype=np.uint8)
            mask[3:8, 3:8, 3:8] = 1
            for name, array in ((f"{phase}{number}.nii.gz", voxels), (f"{phase}{number}_mask.nii.gz", mask)):
                sitk.WriteImage(sitk.GetImageFromArray(array), str(tmp_path / name))
            rows.append([f"{number:03d}", phase, f"{phase}{number}.nii.gz", f"{phase}{number}_mask.nii.gz"])
    images = pd.DataFrame(rows[:-1], columns=["patient_id", "phase", "image", "mask"])
    images.to_csv(tmp_path / "images.csv", index=False)
    answers = "".join(f"{number:03d},{'no' if number < 5 else 'yes'}\n" for number in range(10))
    (tmp_path / "clinical.csv").write_text(f"patient_id,response\n010,yes\n{answers}", encoding="utf-8")
    pd.DataFrame({"patient_id": [f"{number:03d}" for number in range(11)], "nse": range(11)}).to_csv(
        tmp_path / "lab.csv", index=False)
    column = {"kind": "category", "known": "outcome", "levels": ["no", "yes"]}
    manifest = {"name": "x", "images": {"file": "images.csv"},
                "tables": {"lab": {"file": "lab.csv", "known": "before_surgery"}},
                "clinical": {"file": "clinical.csv", "columns": {"response": column}}}
    (tmp_path / "manifest.yaml").write_text(yaml.safe_dump(manifest), encoding="utf-8")
    for phase, card in (("ct", {"binWidth": 25}), ("pet", {"binCount": 8})):
        kinds = {"firstorder": ["Mean"]} if phase == "ct" else {"firstorder": ["Mean"], "glcm": ["Contrast"]}
        (tmp_path / f"{phase}.yaml").write_text(yaml.safe_dump({"featureClass": kinds, "setting": card}), "utf-8")
    words = {"en": "x", "zh": "x"}
    card = {"id": "pet-ct", "family": "treatment_response", "notebook": "grading", "question": words,
            "manifest": "manifest.yaml", "images": {"phases": ["ct", "pet"]},
            "extraction": {"ct": "ct.yaml", "pet": "pet.yaml"},
            "outcome": {"two_values": {"column": "response", "negative": ["no"], "positive": ["yes"]}},
            "blocks": {"lab": {"table": "lab"}}, "primary": {"model": "both"},
            "model_sets": {"pet": ["radiomics:pet"], "both": ["radiomics"], "all": ["radiomics", "lab"]},
            "model": {"ridge_logistic": {}}}
    (tmp_path / "pet-ct.yaml").write_text(yaml.safe_dump(card, allow_unicode=True), encoding="utf-8")
    return tmp_path / "pet-ct.yaml"


def test_two_modalities_with_their_own_settings_and_a_finished_table_become_one_row(two_modalities: Path) -> None:
    run = workbook.open_run(str(two_modalities))
    measured = workbook.measure(run)
    cohort = workbook.assemble(run, measured)
    mean, contrast = "original_firstorder_Mean", "original_glcm_Contrast"
    assert cohort.blocks == {
        "radiomics": (f"ct_{mean}", f"pet_{mean}", f"pet_{contrast}"), "radiomics:ct": (f"ct_{mean}",),
        "radiomics:pet": (f"pet_{mean}", f"pet_{contrast}"), "lab": ("lab_nse",)}
    assert not cohort.table[list(cohort.blocks["radiomics"])].isna().any(axis=None)
    assert cohort.exclusions.to_numpy().tolist() == [["009", "images", "missing_phase"], ["010", "images", "no_image"]]
    voxels = sitk.GetArrayFromImage(sitk.ReadImage(str(two_modalities.parent / "pet3.nii.gz")))[3:8, 3:8, 3:8]
    assert cohort.table[f"pet_{mean}"].iloc[3] == pytest.approx(voxels.mean(), rel=1e-12)
    assert measured.sentence.startswith("ct: 10 cases: 10 measured now") and "pet: 9 cases" in measured.sentence
    assert set(measured.record["by_settings"]) == {"ct", "pet"}
    assert "0 measured now, 10 found" in workbook.measure(run).sentence
