from __future__ import annotations

import dataclasses
from pathlib import Path

import numpy as np
import openpyxl
import pandas as pd
import pytest
from docx import Document

from radnb.reporting import tables
from radnb.reporting.display import whole
from radnb.reporting.record import methods_text, provenance, word_tables
from radnb.reporting.story import inline
from radnb.reporting.table_files import write_xlsx
from radnb.reporting.table_one import largest_smd, table_one
from tests.reporting.stories import story


def test_table_one_shows_groups_counts_and_missing_values() -> None:
    shown = table_one(story("improved")).shown.set_index("Characteristic")
    assert list(shown.columns) == ["All patients\nn = 130", "G1\nn = 75", "G2–3\nn = 55", "Missing", "SMD"] or \
        shown.columns[1].startswith("G1")
    ca199 = story("improved").cohort.clinical["ca199"]
    low, middle, high = np.nanpercentile(ca199, [25, 50, 75])
    assert shown.loc["CA19-9 (U/mL), median [quartiles]"].iloc[0] == f"{middle:.1f} [{low:.1f} to {high:.1f}]"
    assert shown.loc["CA19-9 (U/mL), median [quartiles]", "Missing"] == str(int(ca199.isna().sum()))


def test_standardised_differences_agree_with_the_published_formula() -> None:
    """Yang and Dalton (SAS Global Forum 2012, paper 335) and, for means, Cohen's d with the mean of the variances."""
    values, first = pd.Series([1.0, 2, 3, 4, 3, 4, 5, 6]), np.arange(8) < 4
    assert largest_smd(values, [first, ~first], numeric=True) == pytest.approx(2 / np.sqrt(5 / 3))
    binary = pd.Series(["a"] * 6 + ["b"] * 4 + ["a"] * 3 + ["b"] * 7)
    half = np.arange(20) < 10
    expected = 0.3 / np.sqrt((0.6 * 0.4 + 0.3 * 0.7) / 2)
    assert largest_smd(binary, [half, ~half], numeric=False) == pytest.approx(expected)
    apart = pd.Series(["a"] * 10 + ["b"] * 10)
    assert np.isnan(largest_smd(apart, [half, ~half], numeric=False))


def test_tableone_counts_the_same_patients() -> None:
    from tableone import TableOne

    told = story("improved")
    other = TableOne(told.cohort.clinical[["sex"]], categorical=["sex"], pval=False, decimals=0).tableone
    ours = table_one(told).shown.set_index("Characteristic")
    male = other.loc[("sex, n (%)", "male")].iloc[-1]
    assert ours.loc["Sex: male, n (%)"].iloc[0].split(" ")[0] == str(male).split(" ", maxsplit=1)[0]


def test_table_one_leaves_out_what_the_centre_or_the_outcome_fixes() -> None:
    told = story("improved")
    outcome = told.cohort.clinical["patient_id"].map(told.cohort.table.set_index("patient_id")["outcome"])
    more = told.cohort.clinical.assign(scanner=told.cohort.clinical["centre"].map(lambda c: f"scanner of {c}"),
                                       grade=outcome.map({0: "G1", 1: "G2"}), organ="pancreas")
    made = table_one(dataclasses.replace(told, cohort=dataclasses.replace(told.cohort, clinical=more)))
    assert not made.shown["Characteristic"].str.contains("Scanner|Grade|Organ").any()
    assert "follow from the outcome or the centre: scanner, grade and organ." in made.note


def test_units_speak_the_language_of_the_report() -> None:
    labels = {"age": {"en": "Age (years)", "zh": "年龄 (years)"}}
    assert dataclasses.replace(story("improved", "zh"), labels=labels).label("age") == "年龄（岁）"
    assert dataclasses.replace(story("improved"), labels=labels).label("age") == "Age (years)"


def test_the_declared_difference_stands_first_and_every_p_last() -> None:
    shown = tables.comparison_table(story("improved")).shown
    assert shown["Models"].iloc[0] == "Clinical data and image features minus clinical data alone"
    p = shown["Measure"].str.contains("p$").tolist()
    assert p == sorted(p)


@pytest.mark.parametrize("term", ["G2-3", "G2–3", "C-index", "Ki-67", "CA19-9", "5-fold"])
def test_short_hyphened_terms_never_break(term: str) -> None:
    assert whole(f"of {term} tumours") == f'of <span class="whole">{term}</span> tumours'


def test_long_names_may_break() -> None:
    name = "log-sigma-2-0-mm-3D_glcm_Imc1 in cross-validation"
    assert whole(name) == name


@pytest.mark.parametrize(("label", "within"), [
    ("Age", "age"), ("Tumour size on CT (mm)", "tumour size on CT (mm)"), ("Ki-67 (%)", "Ki-67 (%)"), ("CT", "CT"),
    ("G2–3", "G2–3"), ("Ill-defined", "ill-defined"), ("MiNEN", "MiNEN"), ("肿瘤大小", "肿瘤大小")])
def test_labels_are_small_within_a_sentence(label: str, within: str) -> None:
    assert inline(label) == within


def test_performance_shows_value_interval_patients_and_events() -> None:
    shown = tables.performance_table(story("improved")).shown.set_index("Measure")
    row = story("improved").metric("combined", "auc")
    assert row is not None
    assert shown.loc["AUC", "Clinical data and image features"] == \
        f"{row['value']:.2f} ({row['low']:.2f} to {row['high']:.2f})"
    assert shown.loc["AUC", "n\u00a0/\u00a0events"] == "130 / 55"


def test_comparisons_say_how_each_interval_was_made() -> None:
    shown = tables.comparison_table(story("improved")).shown
    assert any("bootstrap of the whole procedure (25\u00a0×\u00a02)" in words for words in shown["Method"])
    assert not shown["Method"].str.contains("_").any()


@pytest.mark.parametrize("kind", ["improved", "too_few", "survival", "three", "external"])
@pytest.mark.parametrize("language", ["en", "zh"])
def test_no_code_of_the_evaluation_is_left_unsaid(kind: str, language: str) -> None:
    told = story(kind, language)
    for made in (tables.performance_table(told), tables.comparison_table(told), tables.flags_table(told)):
        words = made.shown.to_csv(index=False)
        assert "_" not in words and "{" not in words


def test_failures_are_counted_without_naming_patients_or_paths() -> None:
    said = tables.failures_table(story("improved")).plain()
    assert "Image and outline do not fit" in said
    assert "P003" not in said and "secret-path" not in said


def test_features_are_explained_beside_their_exact_names() -> None:
    shown = tables.feature_table(story("improved")).shown
    assert shown["Exact name"].iloc[0] == "arterial_original_firstorder_Mean"
    assert "original_" not in " ".join(shown["Feature"] + shown["What it measures"])


@pytest.mark.parametrize("other", ["age", "sex=male", "score:radiomics"])
def test_clinical_predictors_and_scores_are_not_told_as_chosen_image_features(other: str) -> None:
    told = dataclasses.replace(story("improved"), labels={"sex": "Sex"})
    extra = told.selections.drop_duplicates(["repeat", "fold"]).assign(feature=other)
    more = dataclasses.replace(told, selections=pd.concat([told.selections, extra], ignore_index=True))
    assert list(tables.feature_table(more).shown["Chosen"]) == list(tables.feature_table(told).shown["Chosen"])


def test_exclusions_are_counted_by_reason() -> None:
    shown = tables.exclusions_table(story("improved")).shown
    assert list(shown["Reason"]) == ["Another diagnosis", "Outcome missing", "Image could not be measured"]
    assert list(shown["Patients"]) == [5, 3, 1]


@pytest.mark.parametrize("text", ["=1+1", "+SUM(A1)", "-2", "@cmd", "\t=1", "=HYPERLINK(\"http://x\")"])
def test_a_text_never_becomes_a_formula(tmp_path: Path, text: str) -> None:
    write_xlsx(tmp_path / "a.xlsx", {"table": pd.DataFrame({text: [text, 1.5]})})
    cells = openpyxl.load_workbook(tmp_path / "a.xlsx")["table"]
    assert cells["A2"].data_type == cells["A1"].data_type == "s"
    assert cells["A3"].value == 1.5


def test_equal_tables_give_equal_files(tmp_path: Path) -> None:
    for folder in ("a", "b"):
        word_tables(dataclasses.replace(story("improved"), out_dir=tmp_path / folder))
    names = sorted(path.name for path in (tmp_path / "a" / "tables").iterdir())
    assert "tables.docx" in names and "one.xlsx" in names
    for name in names:
        assert (tmp_path / "a" / "tables" / name).read_bytes() == (tmp_path / "b" / "tables" / name).read_bytes()


def test_the_word_document_holds_every_table(tmp_path: Path) -> None:
    word_tables(dataclasses.replace(story("improved", "zh"), out_dir=tmp_path))
    document = Document(str(tmp_path / "tables" / "tables.docx"))
    assert len(document.tables) == 6
    assert document.tables[0].cell(0, 0).text == "特征"


@pytest.mark.parametrize("language", ["en", "zh"])
@pytest.mark.parametrize("kind", ["improved", "survival", "three"])
def test_methods_state_what_the_card_says(kind: str, language: str) -> None:
    said = methods_text(story(kind, language)).plain()
    wanted = ["130", "PyRadiomics 3.0.1", "radnb 0.1.0", "1 × 1 × 1 mm", "scikit-learn 1.9.1"]
    assert [words for words in wanted if words not in said] == []
    assert "{" not in said and "sitk" not in said
    assert ("below a risk of 10%" in said or "风险低于10%" in said) == (kind != "survival")


@pytest.mark.parametrize(("language", "wanted"), [
    ("en", ["with the extraction engine of radnb 0.1.0, which reproduces the feature definitions of PyRadiomics 3.0.1",
            "PyRadiomics 3.0.1 itself computed: LBP3D.",
            "measured 5 of the regions again; the largest relative deviation was 8e-13"]),
    ("zh", ["radnb 0.1.0的特征提取引擎", "LBP3D", "重新测量了5个区域；最大相对偏差为8e-13"])])
def test_methods_say_which_engine_measured_and_how_well_it_agreed(language: str, wanted: list[str]) -> None:
    made = story("improved", language)
    extraction = made.facts["extraction"] | {"engine": "radnb", "handed_over": ["LBP3D"],
                                             "verification": {"regions": 5, "largest": 8.2e-13}}
    said = methods_text(dataclasses.replace(made, facts={**made.facts, "extraction": extraction})).plain()
    assert [words for words in wanted if words not in said] == []


def test_provenance_shows_every_key_once_and_escapes_it() -> None:
    told = dataclasses.replace(story("improved"), provenance={"inputs": {"<b>.csv": "ab" * 32}, "seed": 7})
    body = provenance(told).body
    assert "inputs: &lt;b&gt;.csv" in body and "ab" * 32 in body
