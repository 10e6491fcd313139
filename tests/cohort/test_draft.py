"""A folder of images becomes a draft that loads, and what was not understood is told."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from radnb.cohort.cases import cases
from radnb.cohort.draft import draft
from radnb.cohort.manifest import load_manifest
from radnb.cohort.recognise import Reading, read_name
from radnb.errors import RadnbError


@pytest.mark.parametrize(("name", "reading"), [
    ("P001_arterial", Reading(phase="arterial", rest="P001")),
    ("P001_A_mask_R2", Reading(mask=True, phase="arterial", reader="R2", rest="P001")),
    ("007-portal_venous-seg", Reading(mask=True, phase="portal_venous", rest="007")),
    ("张三_动脉期_勾画_医生甲", Reading(mask=True, phase="arterial", reader="R1", rest="张三")),
    ("008静脉期", Reading(phase="portal_venous", rest="008")),
    ("008门静脉期肿瘤分割", Reading(mask=True, phase="portal_venous", roi="tumour", rest="008")),
    ("case-3 平扫 图像", Reading(phase="plain", rest="case_3")),
    ("P2_T2WI_label2", Reading(mask=True, phase="T2", reader="R2", rest="P2")),
    ("P2_ADC_reader_B_roi", Reading(mask=True, phase="ADC", reader="RB", rest="P2")),
    ("A_12", Reading(rest="A_12")),
])
def test_names_are_read(name: str, reading: Reading) -> None:
    assert read_name(name, letters=True) == reading


def make(folder: Path, *names: str) -> Path:
    for name in names:
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).touch()
    return folder


LAYOUTS = {
    "flat": ["007_A.nii.gz", "007_A_mask.nii.gz", "007_V.nii.gz", "007_V_mask.nii.gz", "NA_A.nrrd", "NA_A_mask.nrrd"],
    "by patient": ["007/arterial.nii.gz", "007/arterial seg.nii.gz", "007/venous.nii.gz", "007/venous seg.nii.gz",
                   "NA/动脉期.mha", "NA/动脉期勾画.mha"],
    "by patient and phase": ["007/动脉期/ct.nii.gz", "007/动脉期/mask.nii.gz", "007/门脉期/ct.nii.gz",
                             "007/门脉期/mask.nii.gz", "NA/动脉期/ct.nii.gz", "NA/动脉期/mask.nii.gz"],
    "images and masks apart": ["images/007_A.nii.gz", "masks/007_A.nii.gz", "images/007_V.nii.gz",
                               "masks/007_V.nii.gz", "images/NA_A.nii.gz", "masks/NA_A.nii.gz"],
    "below centres": ["甲医院/007/A_img.nii.gz", "甲医院/007/A_img_mask.nii.gz", "甲医院/007/x_V.nii.gz",
                      "甲医院/007/x_V_mask.nii.gz", "乙医院/NA/x_A.nii.gz", "乙医院/NA/x_A_mask.nii.gz"],
    "flat below centres": ["C1/007_A.nii.gz", "C1/007_A_mask.nii.gz", "C1/007_V.nii.gz", "C1/007_V_mask.nii.gz",
                           "C1/NA_A.nii.gz", "C1/NA_A_mask.nii.gz"],
}


@pytest.mark.parametrize("layout", LAYOUTS)
def test_usual_layouts_give_patients_phases_and_pairs(tmp_path: Path, layout: str) -> None:
    folder = make(tmp_path / "我的 队列", *LAYOUTS[layout])
    said = draft(folder)
    table = cases(load_manifest(folder / "manifest.yaml"))
    assert sorted(set(table["patient_id"])) == ["007", "NA"], said
    assert len(table) == 3 and "Not understood" not in said
    if layout != "below centres":
        assert table[["patient_id", "phase"]].to_numpy().tolist() == [
            ["007", "arterial"], ["007", "portal_venous"], ["NA", "arterial"]]


def test_readers_share_an_image_and_a_region_name_without_the_word_mask_is_a_mask(tmp_path: Path) -> None:
    folder = make(tmp_path, "P1_A.nii.gz", "P1_A_mask_R1.nii.gz", "P1_A_mask_R2.nii.gz", "P2_A.nii.gz",
                  "P2_A_tumor.nii.gz")
    draft(folder)
    table = cases(load_manifest(folder / "manifest.yaml"))
    assert table[["patient_id", "reader", "roi"]].to_numpy().tolist() == [
        ["P1", "R1", "tumour"], ["P1", "R2", "tumour"], ["P2", "R1", "tumour"]]


def test_nnunet_folders_and_equal_ids_of_two_centres_are_told_apart(tmp_path: Path) -> None:
    folder = make(tmp_path / "nn", "imagesTr/case_01_0000.nii.gz", "labelsTr/case_01.nii.gz")
    assert "1 patients, 1 pairs" in draft(folder)
    folder = make(tmp_path / "two", "C1/001/ct.nii.gz", "C1/001/mask.nii.gz", "C2/001/ct.nii.gz", "C2/001/mask.nii.gz")
    draft(folder)
    assert cases(load_manifest(folder / "manifest.yaml"))["patient_id"].tolist() == ["C1-001", "C2-001"]


def test_what_is_not_understood_is_told_and_names_of_persons_are_warned_of(tmp_path: Path) -> None:
    folder = make(tmp_path, "李四_A.nii.gz", "李四_A_mask.nii.gz", "P2_A.nii.gz", "P3_V_mask.nii.gz")
    said = draft(folder)
    assert "P2_A.nii.gz: no mask found" in said and "P3_V_mask.nii.gz: no image of patient 'P3'" in said
    assert "replace them by study numbers" in said


def test_a_modality_names_the_phase_where_others_are_named(tmp_path: Path) -> None:
    folder = make(tmp_path, *(f"P1/{name}_{kind}.nii.gz" for name in ("CT", "PET", "MR_T1")
                              for kind in ("image", "mask")))
    draft(folder)
    assert cases(load_manifest(folder / "manifest.yaml"))["phase"].tolist() == ["CT", "PET", "T1"]


def test_the_clinical_table_is_found_among_others(tmp_path: Path) -> None:
    folder = make(tmp_path, "P1_A.nii.gz", "P1_A_mask.nii.gz")
    table = "id,when,note\nP1,2024-01-31,x\nP2,2024-02-01,y\nP3,,z\n"
    (folder / "clinical_2024.csv").write_text(table, encoding="utf-8")
    (folder / "scanner.csv").write_text("id\nP1\n", encoding="utf-8")
    draft(folder)
    text = (folder / "manifest.yaml").read_text(encoding="utf-8")
    assert 'file: "clinical_2024.csv"' in text and "kind: date" in text and "kind: text" in text


def test_the_draft_may_stand_elsewhere_and_proposes_clinical_columns(tmp_path: Path) -> None:
    folder = make(tmp_path / "data", "P1_A.nii.gz", "P1_A_mask.nii.gz")
    rows = [f"P{n},{50 + n},{'男女'[n % 2]},2020-01-0{n % 9 + 1},{n % 2},备注{n},M" for n in range(1, 9)]
    (folder / "临床.csv").write_text("\n".join(["编号,Age,性别,手术日期,死亡,备注,gender", *rows]), encoding="utf-8")
    draft(folder, output=tmp_path / "study")
    path = tmp_path / "study" / "manifest.yaml"
    text = path.read_text(encoding="utf-8")
    assert 'patient_id: {column: "编号"}' in text
    assert 'sex: {column: "性别", kind: category, levels: ["女", "男"], known: CHOOSE}' in text
    opened = "\n".join(re.sub("^# (?=clinical:| )", "", line) for line in text.splitlines())
    path.write_text(opened, encoding="utf-8")
    with pytest.raises(RadnbError, match="Valid: after_surgery, before_surgery, outcome"):
        load_manifest(path)
    path.write_text(opened.replace("CHOOSE", "outcome"), encoding="utf-8")
    columns = load_manifest(path).columns()
    assert {name: column.kind for name, column in columns.items()} == {
        "age": "number", "sex": "category", "surgery_date": "date", "column_4": "category", "column_5": "text",
        "column_6": "text"}
    assert len(cases(load_manifest(path))) == 1


def test_an_empty_folder_and_an_existing_draft_are_refused(tmp_path: Path) -> None:
    with pytest.raises(RadnbError, match="Convert DICOM to NIfTI first"):
        draft(tmp_path)
    with pytest.raises(RadnbError, match="Check the path"):
        draft(tmp_path / "nowhere")
    draft(make(tmp_path, "P1_A.nii.gz", "P1_A_mask.nii.gz"))
    with pytest.raises(RadnbError, match="already exist"):
        draft(tmp_path)
