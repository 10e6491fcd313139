"""The assembled cohort has one row per patient, and says of everybody else why not."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pandas as pd
import pytest

from radnb.cohort.labels import Labels, SurvivalLabels
from radnb.errors import RadnbError
from radnb.features.assemble import VOLUME, Layout, assemble

MEAN = "original_firstorder_Mean"
ARTERIAL, PLAIN = Layout(phases=("arterial",)), Layout(phases=("plain",))
BOTH = Layout(phases=("arterial", "plain"))


@pytest.fixture
def clinical() -> pd.DataFrame:
    return pd.DataFrame({"patient_id": ["007", "003", "001", "002", "005", "004", "006"],
                         "diagnosis": ["PNET", "PNET", "PNET", "PDAC", None, "PNET", "PNET"],
                         "age": [50.0, 61.0, np.nan, 70.0, 44.0, 58.0, 39.0],
                         "centre": ["A", "B", "A", "B", "A", None, "A"]}, index=[8, 4, 2, 3, 6, 5, 7])


@pytest.fixture
def labels(clinical) -> Labels:
    values = pd.Series(["G1", "G1", "G2-3", "G2-3", "G1", "G2-3", pd.NA], index=clinical.index, dtype="string")
    reasons = pd.Series([pd.NA] * 6 + ["no_ki67"], index=clinical.index, dtype="string")
    return Labels("g1_vs_g23", values, ("G1", "G2-3"), reasons, "WHO")


@pytest.fixture
def features() -> pd.DataFrame:
    rows = [{"patient_id": name, "roi": "tumour", "phase": phase, "timepoint": "baseline", "reader": reader,
             "diagnostics_Image": 1.0, MEAN: 10.0 * int(name) + (phase == "plain") + 0.5 * (reader == "R2"),
             VOLUME: 100.0}
            for name in ("001", "002", "003", "004", "007") for phase in ("arterial", "plain")
            for reader in ("R1", "R2") if (name, phase) != ("003", "plain")]
    return pd.DataFrame(rows)


def test_one_phase_keeps_the_features_names(clinical, labels, features) -> None:
    found = assemble(clinical, labels, features=features, layout=ARTERIAL, centre="centre")
    assert found.table["patient_id"].tolist() == ["001", "002", "003", "004", "007"]
    assert list(found.table) == ["patient_id", "centre", MEAN, VOLUME, "outcome"]
    assert found.table["outcome"].tolist() == [1, 1, 0, 1, 0]
    assert found.table["centre"].tolist() == ["A", "B", "B", "unknown", "A"]
    assert found.table[MEAN].tolist() == [10, 20, 30, 40, 70]
    assert found.blocks == {"radiomics": (MEAN, VOLUME), "radiomics:arterial": (MEAN, VOLUME)}
    assert found.outcome.binary and found.outcome.name == "g1_vs_g23"
    assert found.clinical["patient_id"].tolist() == found.table["patient_id"].tolist()


def test_several_phases_are_joined_and_a_missing_one_is_never_imputed(clinical, labels, features) -> None:
    found = assemble(clinical, labels, features=features, layout=BOTH)
    assert found.table["patient_id"].tolist() == ["001", "002", "004", "007"]
    assert found.blocks["radiomics:plain"] == (f"plain_{MEAN}", f"plain_{VOLUME}")
    assert found.table[f"plain_{MEAN}"].tolist() == [11, 21, 41, 71]
    assert found.exclusions.to_numpy().tolist() == [
        ["003", "images", "missing_phase"], ["005", "images", "no_image"], ["006", "outcome", "no_ki67"]]


def test_everybody_is_in_the_table_or_among_the_exclusions(clinical, labels, features) -> None:
    found = assemble(clinical, labels, features=features, include={"diagnosis": ["PNET"]}, layout=PLAIN)
    assert sorted([*found.table["patient_id"], *found.exclusions["patient_id"]]) == sorted(clinical["patient_id"])
    reasons = found.exclusions.set_index("patient_id")["reason"].to_dict()
    assert reasons == {"002": "not_pnet", "003": "no_image", "005": "missing_diagnosis", "006": "no_ki67"}


def test_a_failed_extraction_is_its_own_reason(clinical, labels, features) -> None:
    failures = pd.DataFrame({"patient_id": ["005", "003"], "roi": "tumour", "phase": "plain",
                             "timepoint": "baseline", "reader": ["R1", "R2"], "stage": "extract", "code": "E_GEOM"})
    found = assemble(clinical, labels, features=features, failures=failures, layout=BOTH)
    reasons = found.exclusions.set_index("patient_id")["reason"].to_dict()
    assert reasons["005"] == "extraction_failed" and reasons["003"] == "missing_phase"


def test_labels_of_the_included_rows_alone_will_do(clinical, labels, features) -> None:
    kept = clinical["diagnosis"] == "PNET"
    part = Labels(labels.scheme, labels.values[kept], labels.classes, labels.reasons[kept], labels.source)
    found = assemble(clinical, part, features=features, include={"diagnosis": ["PNET"]}, layout=ARTERIAL)
    assert found.table["patient_id"].tolist() == ["001", "003", "004", "007"]


def test_clinical_predictors_are_a_block_and_their_gaps_stay(clinical, labels, features) -> None:
    predictors = pd.DataFrame({"age": clinical["age"], "sex=male": 1}, index=clinical.index)
    found = assemble(clinical, labels, features=features, predictors=predictors, layout=ARTERIAL)
    assert found.blocks["clinical"] == ("age", "sex=male")
    assert np.isnan(found.table["age"].iloc[0]) and found.table["age"].iloc[1] == 70
    assert found.table["sex=male"].dtype == float
    alone = assemble(clinical, labels, predictors=predictors)
    assert set(alone.blocks) == {"clinical"} and len(alone.table) == 6


def test_survival_gives_time_and_event(clinical, features) -> None:
    times = pd.Series([12.0, 3.0, 24.0, 8.0, 1.0, 2.0, np.nan], index=clinical.index)
    event = pd.Series([0.0, 1.0, 0.0, 1.0, 1.0, 0.0, np.nan], index=clinical.index)
    reasons = pd.Series([pd.NA] * 6 + ["missing_time"], index=clinical.index, dtype="string")
    survival = SurvivalLabels("survival", times, event, reasons, {}, {}, "", "")
    found = assemble(clinical, survival, features=features, layout=ARTERIAL)
    assert found.table["time_months"].tolist() == [24, 8, 3, 2, 12]
    assert found.table["event"].tolist() == [0, 1, 1, 0, 0] and found.outcome.kind == "survival"
    assert ["006", "outcome", "missing_time"] in found.exclusions.to_numpy().tolist()


def test_infinite_features_become_missing(clinical, labels, features) -> None:
    features.loc[features["patient_id"] == "001", MEAN] = np.inf
    assert np.isnan(assemble(clinical, labels, features=features, layout=ARTERIAL).table[MEAN].iloc[0])


def test_several_regions_are_refused_unless_the_card_says_what_stands_for_the_patient(
        clinical, labels, features) -> None:
    second = features[features["patient_id"] == "001"].assign(roi="tumour 2", **{MEAN: 90.0, VOLUME: 300.0})
    both = pd.concat([features, second])
    regions = ("tumour", "tumour 2")
    with pytest.raises(RadnbError, match="several_rois: largest") as caught:
        assemble(clinical, labels, features=both, layout=Layout(phases=("arterial",), rois=regions))
    assert caught.value.code == "E_ROI_AMBIGUOUS"
    both_phases = Layout(phases=("arterial", "plain"), rois=regions, lesions="largest")
    largest = assemble(clinical, labels, features=both, layout=both_phases)
    assert largest.table[[f"arterial_{MEAN}", f"plain_{MEAN}"]].iloc[0].tolist() == [90, 90]
    mean = assemble(clinical, labels, features=both, layout=Layout(phases=("arterial",), rois=regions, lesions="mean"))
    assert mean.table[MEAN].tolist() == [50, 20, 30, 40, 70]
    assert mean.blocks == {"radiomics": (MEAN, VOLUME), "radiomics:arterial": (MEAN, VOLUME)}


@pytest.mark.parametrize(("more", "mend"), [
    ({"layout": Layout(phases=("arteriel",))}, "Did you mean 'arterial'"),
    ({"layout": Layout(reader="R9")}, "There are: tumour, baseline, R1"),
    ({"include": {"diagnose": ["PNET"]}}, "Did you mean 'diagnosis'"),
    ({"include": {"diagnosis": ["PNT"]}}, "Did you mean 'PNET'"), ({"centre": "center"}, "Did you mean 'centre'")])
def test_a_wrong_name_is_refused_with_the_nearest(clinical, labels, features, more, mend) -> None:
    with pytest.raises(RadnbError, match=mend):
        assemble(clinical, labels, **{"features": features, **more})


def test_a_patient_with_two_rows_and_a_cohort_of_nobody_are_refused(clinical, labels, features) -> None:
    with pytest.raises(RadnbError, match="Keep one row per patient"):
        assemble(pd.concat([clinical, clinical.iloc[[0]]]), labels)
    with pytest.raises(RadnbError, match=r"No patient is left: .*no_image"):
        assemble(clinical[clinical["patient_id"].isin(["005"])].assign(diagnosis="PNET"), labels, features=features)


def test_a_predictor_may_not_share_a_feature_s_name(clinical, labels, features) -> None:
    with pytest.raises(RadnbError, match="Rename one"):
        assemble(clinical, labels, features=features, layout=PLAIN, predictors=clinical[["age"]].set_axis(
            [MEAN], axis=1))


def test_blocks_of_columns_may_share_one_and_the_table_holds_it_once(clinical, labels) -> None:
    signs = pd.DataFrame({"age": clinical["age"], "margin=unclear": 1.0}, index=clinical.index)
    found = assemble(clinical, labels, predictors={"clinical": clinical[["age"]], "signs": signs})
    assert found.blocks == {"clinical": ("age",), "signs": ("age", "margin=unclear")}
    assert list(found.table) == ["patient_id", "centre", "age", "margin=unclear", "outcome"]


def test_a_finished_table_is_a_block_and_who_is_not_in_it_is_left_out(clinical, labels, features) -> None:
    deep = pd.DataFrame({"patient_id": ["007", "002", "001", "003", "999"], "deep_1": [7.0, np.inf, 1.0, np.nan, 9.0],
                         "deep_2": [70.0, 2.0, 10.0, np.nan, 90.0]})
    found = assemble(clinical, labels, features=features, layout=ARTERIAL, tables={"deep": deep})
    assert found.table["patient_id"].tolist() == ["001", "002", "007"]
    assert found.table["deep_2"].tolist() == [10, 2, 70] and np.isnan(found.table["deep_1"].iloc[1])
    assert found.blocks["deep"] == ("deep_1", "deep_2")
    gone = found.exclusions[found.exclusions["stage"] == "deep"]
    assert gone["patient_id"].tolist() == ["003", "004"] and set(gone["reason"]) == {"not_in_table"}
    assert sorted([*found.table["patient_id"], *found.exclusions["patient_id"]]) == sorted(clinical["patient_id"])


def test_a_finished_table_with_two_rows_of_a_patient_or_a_taken_name_is_refused(clinical, labels, features) -> None:
    twice = pd.DataFrame({"patient_id": ["001", "001"], "x": [1.0, 2.0]})
    with pytest.raises(RadnbError, match=r"table deep: patient 001 has several rows\. Keep one"):
        assemble(clinical, labels, tables={"deep": twice})
    taken = pd.DataFrame({"patient_id": ["001"], MEAN: [1.0], "outcome": [1.0]})
    with pytest.raises(RadnbError, match=r"(?s)image features and table deep share this name.*prefix.*may not be"):
        assemble(clinical, labels, features=features, layout=ARTERIAL, tables={"deep": taken})


@pytest.mark.parametrize("ordered", [True, False])
def test_the_outcome_says_whether_its_classes_are_ordered(clinical, labels, ordered) -> None:
    assert assemble(clinical, replace(labels, ordered=ordered)).outcome.ordered is ordered
