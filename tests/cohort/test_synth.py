"""The synthetic cohort: whole, the same everywhere, true to its truth, and null when asked."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
import SimpleITK as sitk
import yaml
from lifelines.utils import concordance_index
from scipy.stats import chi2_contingency
from sklearn.linear_model import LogisticRegression
from sklearn.metrics import roc_auc_score
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

from radnb.cohort.synth import SYNTH, biology, cohort, describe, features, oracle, pancreas, tables, truth
from radnb.cohort.synth.scan import Task, scan
from radnb.errors import RadnbError
from radnb.work.files import sha256_file


@pytest.fixture(scope="module")
def small(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("synth") / "small"
    pancreas(folder, seed=3, n=4, extra_readers=2, workers=0)
    return folder


@pytest.fixture(scope="module")
def large(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("synth") / "large"
    pancreas(folder, seed=5, n=4000, images=False)
    return folder


@pytest.fixture(scope="module")
def null(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("synth") / "null"
    pancreas(folder, seed=5, n=2000, images=False, null=True)
    return folder


def clinical(folder: Path) -> pd.DataFrame:
    return pd.read_csv(folder / "clinical.csv", dtype={"patient_id": str})


def hashes(folder: Path) -> dict[str, str]:
    return {path.relative_to(folder).as_posix(): sha256_file(path) for path in folder.rglob("*") if path.is_file()}


def test_the_same_bytes_come_out_whatever_the_number_of_workers(small: Path, tmp_path: Path) -> None:
    pancreas(tmp_path / "again", seed=3, n=4, extra_readers=2, workers=2)
    assert hashes(tmp_path / "again") == hashes(small)


def test_another_seed_gives_other_patients(tmp_path: Path) -> None:
    for seed in (1, 2):
        pancreas(tmp_path / str(seed), seed=seed, n=6, images=False)
    assert hashes(tmp_path / "1")["clinical.csv"] != hashes(tmp_path / "2")["clinical.csv"]


def test_a_second_call_with_the_same_parameters_does_nothing(small: Path) -> None:
    before = {path: path.stat().st_mtime_ns for path in small.rglob("*")}
    SYNTH["pancreas"](small, seed=3, n=4, extra_readers=2, workers=0)
    assert {path: path.stat().st_mtime_ns for path in small.rglob("*")} == before


def test_other_parameters_for_the_same_folder_are_refused(small: Path) -> None:
    with pytest.raises(RadnbError, match=r"seed=3 \(asked: 9\).*Choose another folder, or delete this one"):
        pancreas(small, seed=9, n=4, extra_readers=2)


def test_a_folder_that_holds_something_else_is_refused(tmp_path: Path) -> None:
    (tmp_path / "letter.txt").write_text("mine", encoding="utf-8")
    with pytest.raises(RadnbError, match="Choose another folder, or empty this one"):
        pancreas(tmp_path, seed=1, n=4, images=False)


@pytest.mark.parametrize("faulty", [{"n": 2}, {"seed": -1}, {"extra_readers": -3}])
def test_impossible_parameters_are_refused(tmp_path: Path, faulty: dict[str, int]) -> None:
    with pytest.raises(RadnbError, match=r"Ask for more|Give 0 or a positive"):
        pancreas(tmp_path / "none", **({"seed": 1, "n": 8} | faulty), images=False)
    assert not (tmp_path / "none").exists()


def test_a_failure_halfway_leaves_nothing_behind(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def broken(task: Task) -> list[dict[str, object]]:
        raise ValueError(task.patient_id)

    monkeypatch.setattr(cohort, "scan", broken)
    with pytest.raises(RadnbError, match="P001: the scan could not be made"):
        pancreas(tmp_path / "half", seed=1, n=4, workers=0)
    assert list(tmp_path.iterdir()) == []


def test_masks_lie_on_the_grid_of_their_image_and_hold_a_tumour(small: Path) -> None:
    rows = pd.read_csv(small / "images.csv", dtype=str)
    assert not rows.duplicated(["patient_id", "roi", "phase", "timepoint", "reader"]).any()
    assert rows["phase"].value_counts().to_dict() == dict.fromkeys(("plain", "arterial", "portal_venous"), 8)
    for row in rows.itertuples():
        image, mask = sitk.ReadImage(str(small / row.image)), sitk.ReadImage(str(small / row.mask))
        assert image.GetPixelID() == sitk.sitkInt16
        assert (image.GetSize(), image.GetSpacing(), image.GetOrigin(), image.GetDirection()) == (
            mask.GetSize(), mask.GetSpacing(), mask.GetOrigin(), mask.GetDirection())
        inside = sitk.GetArrayFromImage(image)[sitk.GetArrayFromImage(mask) == 1]
        assert inside.size > 30
        assert -20 < np.median(inside) < 220


def test_phases_have_grids_of_their_own(small: Path) -> None:
    origins = {sitk.ReadImage(str(small / f"images/P001/{phase}.nii.gz")).GetOrigin()
               for phase in ("plain", "arterial", "portal_venous")}
    assert len(origins) == 3


def test_readers_differ_but_agree_on_most_of_the_tumour(small: Path) -> None:
    rows = pd.read_csv(small / "images.csv", dtype=str)
    assert rows.groupby("patient_id")["reader"].nunique().value_counts().to_dict() == {3: 2, 1: 2}
    thrice = rows[rows["reader"] == "R3"]
    for row in thrice.itertuples():
        one, two, three = (sitk.GetArrayFromImage(sitk.ReadImage(str(small / row.mask.replace("R3", name)))) > 0
                           for name in ("R1", "R2", "R3"))
        for other in (two, three):
            assert 0.6 < 2 * (one & other).sum() / (one.sum() + other.sum()) < 0.98


def test_one_standard_unit_of_enhancement_is_seen_as_22_hu(tmp_path: Path) -> None:
    means = []
    for units in (-1.0, 1.0):
        seen = dict.fromkeys(biology.IMAGE, 0.0) | {"enhancement_arterial": units, "necrosis": -3.0, "log_size": 1.0}
        (row,) = [row for row in scan(Task(
            folder=str(tmp_path / str(units)), patient_id="P1", seed=np.random.SeedSequence(4), seen=seen, age=60,
            location="body", kernel="standard", slice_mm=3.0, dilated_duct=False, readers=("R1",)))
            if row["phase"] == "arterial"]
        image, mask = (sitk.GetArrayFromImage(sitk.ReadImage(str(tmp_path / str(units) / str(row[key]))))
                       for key in ("image", "mask"))
        means.append(image[mask == 1].mean())
    assert means[1] - means[0] == pytest.approx(2 * 22, abs=5)


def test_tables_look_like_a_hospitals(small: Path, large: Path) -> None:
    assert (small / "clinical.csv").read_text(encoding="utf-8").splitlines()[1].startswith("P001,Centre ")
    table = clinical(large)
    assert list(table.columns) == ["patient_id", *describe.COLUMNS]
    assert table["patient_id"].is_unique
    gaps = table["ca199"].isna().groupby(table["centre"]).mean()
    assert gaps["Centre C"] > 3 * gaps["Centre A"]
    biopsies = table[table["specimen"] == "biopsy"]
    assert biopsies[["mitoses", "nodes_positive", "resection_margin"]].isna().all().all()
    assert 0.01 < table["os_months"].isna().mean() < 0.04
    assert 0.2 < 1 - table["os_event"].mean() < 0.8


def test_nodes_positive_examined_and_pn_agree(large: Path) -> None:
    table = clinical(large)
    unknown = table["pn"] == "Nx"
    assert (table.loc[unknown, "nodes_examined"] == 0).all() and table.loc[unknown, "nodes_positive"].isna().all()
    known = table[~unknown]
    assert ((known["nodes_positive"] > 0) == (known["pn"] == "N1")).all()
    assert (known["nodes_positive"] <= known["nodes_examined"]).all() and (known["nodes_examined"] > 0).all()


def test_times_and_events_agree(large: Path) -> None:
    table = clinical(large).dropna(subset=["os_months"])
    assert (table["rfs_months"] <= table["os_months"]).all()
    assert ((table["rfs_event"] == 1) == (table["first_event"] != "censored")).all()
    assert ((table["recurrence_event"] == 1) == (table["first_event"] == "recurrence")).all()
    assert (table.loc[table["os_event"] == 1, "rfs_event"] == 1).all()
    died_first = table[table["first_event"] == "death"]
    assert (died_first["os_months"] == died_first["rfs_months"]).all() and (died_first["os_event"] == 1).all()


@pytest.mark.parametrize(("ki67", "mitoses", "differentiation", "grade"), [
    (2.9, 1, "well", "G1"), (3.0, 1, "well", "G2"), (2.0, 2, "well", "G2"), (20.0, 20, "well", "G2"),
    (21.0, 1, "well", "G3"), (5.0, 21, "well", "G3"), (60.0, 40, "poor", None), (21.0, 1, np.nan, None),
    (np.nan, 1, "well", "G1"), (2.0, np.nan, "well", "G1"), (np.nan, np.nan, "well", None)])
def test_grades_follow_who_2022(ki67: float, mitoses: float, differentiation: object, grade: str | None) -> None:
    # WHO Classification of Tumours, 5th edition, endocrine and neuroendocrine tumours (2022)
    assert tables.who_2022(ki67, mitoses, differentiation) == grade


def test_reported_grades_are_who_grades_with_rare_exceptions(large: Path) -> None:
    table = clinical(large)
    assert table.loc[table["diagnosis"] == "PDAC", ["ki67", "mitoses", "grade_reported"]].isna().all().all()
    both = pd.DataFrame({"who": describe.grades(table), "reported": table["grade_reported"]}).dropna()
    assert 0.0 < (both["who"] != both["reported"]).mean() < 0.05
    assert 0.4 < (both["who"] != "G1").mean() < 0.6
    assert ((table["diagnosis"] == "PNET") & (table["differentiation"] == "poor")).sum() > 10


def test_the_oracle_does_as_well_as_truth_states(large: Path) -> None:
    stated, risks = truth(large)
    table = clinical(large)
    pdac = (table["diagnosis"] == "PDAC").astype(int)
    here = stated["outcomes"]["diagnosis"]
    assert roc_auc_score(pdac, risks["diagnosis"]) == pytest.approx(here["this_cohort"]["full"], abs=0.001)
    for outcome, words in (stated["outcomes"] | stated["within_one_diagnosis"]).items():
        for kind in ("full", "clinical_only"):
            assert words["this_cohort"][kind] == pytest.approx(words["expected"][kind], abs=0.05), outcome


def test_images_add_where_truth_says_so(large: Path) -> None:
    for outcome, words in truth(large)[0]["outcomes"].items():
        gain = words["expected"]["full"] - words["expected"]["clinical_only"]
        assert (gain > 0.1) == words["images_add"], outcome
        assert words["images_add"] or gain < 0.04


@pytest.mark.parametrize(("column", "event"), [
    ("diagnosis", lambda t: t["diagnosis"] == "PDAC"), ("nodes", lambda t: (t["pn"] == "N1").where(t["pn"] != "Nx")),
    ("grade", lambda t: (describe.grades(t) != "G1").where(describe.grades(t).notna())),
    ("overall_survival", lambda t: (t["os_months"] < 36).where((t["os_event"] == 1) | (t["os_months"] >= 36)))])
@pytest.mark.parametrize("kind", ["", "clinical_"])
def test_oracle_risks_are_calibrated(large: Path, column: str, event: object, kind: str) -> None:
    table, risks = clinical(large), truth(large)[1][kind + column]
    seen = event(table).astype(float)  # type: ignore[operator]
    known = seen.notna()
    fifths = pd.qcut(risks[known], 5, labels=False)
    stated, found = risks[known].groupby(fifths).mean(), seen[known].groupby(fifths).mean()
    tolerance = 0.15 if column == "overall_survival" else 0.06  # those censored before 36 months are left out
    assert (stated - found).abs().max() < tolerance


def test_a_simple_model_finds_the_signal_in_the_feature_table(large: Path) -> None:
    table, found = clinical(large), pd.read_csv(large / "features.csv")
    arterial = found[found["phase"] == "arterial"].reset_index(drop=True)
    grade = describe.grades(table)
    kept, held = grade.notna() & (table.index < 1500), grade.notna() & (table.index >= 1500)
    size = table[["age", "tumour_size_mm"]]
    images = arterial.filter(like="original_")
    scores = []
    for block in (size, images):
        model = make_pipeline(StandardScaler(), LogisticRegression(C=0.01, max_iter=500))
        model.fit(block[kept], grade[kept] != "G1")
        scores.append(roc_auc_score(grade[held] != "G1", model.decision_function(block[held])))
    assert scores[1] > scores[0] + 0.15
    assert scores[1] < truth(large)[0]["outcomes"]["grade"]["this_cohort"]["full"] + 0.02


def test_null_outcomes_depend_on_nothing(null: Path) -> None:
    table, found = clinical(null), pd.read_csv(null / "features.csv")
    images = found[found["phase"] == "arterial"].reset_index(drop=True).filter(like="original_")
    grade = describe.grades(table)
    outcomes = pd.DataFrame({
        "pdac": (table["diagnosis"] == "PDAC").astype(float),
        "high": (grade != "G1").where(grade.notna()).astype(float),
        "positive": (table["pn"] == "N1").where(table["pn"] != "Nx").astype(float), "death": table["os_event"],
        "months": table["rfs_months"]})
    for name, outcome in outcomes.items():
        limit = 4.5 / np.sqrt(outcome.notna().sum())
        assert images.corrwith(outcome).abs().max() < limit, name
        numbers = table[["age", "tumour_size_mm", "ca199", "node_short_axis_mm"]].assign(
            ill=table["margin"] == "ill_defined", cn=table["cn"] == "N1", head=table["location"] == "head")
        assert numbers.astype(float).corrwith(outcome).abs().max() < limit, name
    for column in ("diagnosis", "pn", "grade_reported", "os_event", "surgery_date"):
        values = table[column] if column != "surgery_date" else table[column].str[:4]
        assert chi2_contingency(pd.crosstab(table["centre"], values)).pvalue > 0.001, column


def test_the_null_truth_says_that_nothing_can_be_known(null: Path) -> None:
    stated, risks = truth(null)
    assert stated["null"] and not any(words["images_add"] for words in stated["outcomes"].values())
    assert {words["this_cohort"]["full"] for words in stated["outcomes"].values()} == {0.5}
    assert (risks.drop(columns="patient_id").nunique() == 1).all()


def test_truth_of_a_folder_without_a_cohort_is_refused(tmp_path: Path) -> None:
    with pytest.raises(RadnbError, match="radnb synth pancreas"):
        truth(tmp_path)


def test_the_manifest_names_every_table_and_column(small: Path, large: Path) -> None:
    for folder, part in ((small, "images"), (large, "features")):
        card = yaml.safe_load((folder / "manifest.yaml").read_text(encoding="utf-8"))
        assert card["synthetic"] is True and (folder / card[part]["file"]).is_file()
        table = pd.read_csv(folder / card["clinical"]["file"], dtype=str)
        assert set(table.columns) == {"patient_id", *card["clinical"]["columns"]}
        for name, column in card["clinical"]["columns"].items():
            assert set(column["label"]) == {"en", "zh"}
            if column["kind"] == "category":
                assert set(table[name].dropna()) <= set(column["levels"]), name
            if column["kind"] == "number":
                assert pd.to_numeric(table[name]).dropna().between(*column["range"]).all(), name


def test_what_is_known_later_is_declared_so() -> None:
    known = {name: column["known"] for name, column in describe.COLUMNS.items()}
    assert {known[name] for name in ("ki67", "mitoses", "pn", "resection_margin", "diagnosis")} == {"after_surgery"}
    assert {known[name] for name in ("age", "cn", "margin", "ca199")} == {"before_surgery"}


def test_feature_names_are_pyradiomics_own(large: Path) -> None:
    radiomics = pytest.importorskip("radiomics", reason="pyradiomics is not installed")
    real = {f"original_{family}_{name}" for family, words in features.NAMES.items() for name in words.split()}
    classes = radiomics.getFeatureClasses()
    for family in features.NAMES:
        theirs = {f"original_{family}_{name}" for name, old in classes[family].getFeatureNames().items() if not old}
        assert {name for name in real if f"_{family}_" in name} <= theirs | {"original_firstorder_StandardDeviation"}
    assert real <= set(pd.read_csv(large / "features.csv", nrows=1).columns)


def test_auc_and_concordance_equal_those_of_other_libraries() -> None:
    rng = np.random.default_rng(1)
    score, truth_ = np.round(rng.normal(size=60), 1), rng.integers(0, 2, 60)
    months, event = rng.exponential(20, 60), rng.integers(0, 2, 60)
    assert oracle.auc(truth_, score) == pytest.approx(roc_auc_score(truth_, score))
    assert oracle.concordance(months, event, score) == pytest.approx(concordance_index(months, -score, event))


def test_the_marker_holds_the_parameters(small: Path) -> None:
    marker = json.loads((small / "synth.json").read_text(encoding="utf-8"))
    assert (marker["seed"], marker["n"], marker["version"]) == (3, 4, describe.VERSION)
