"""Regions, phases and time points stand side by side, and changes are computed as anybody would by hand."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

from radnb.errors import RadnbError
from radnb.features.joining import Layout, block_cells, joined, lacking, one_lesion, picked, undefined_changes
from radnb.features.readings import readings

MEAN, VOLUME = "original_firstorder_Mean", "original_shape_MeshVolume"


def rows(*given: tuple[object, ...], reader: str = "R1") -> pd.DataFrame:
    """Return long features from (patient, roi, phase, time point, mean, volume)."""
    table = pd.DataFrame(given, columns=["patient_id", "roi", "phase", "timepoint", MEAN, VOLUME])
    return table.assign(reader=reader)


TWO_TIMES = rows(("1", "tumour", "A", "baseline", 10, 100), ("1", "tumour", "A", "week_8", 15, 50),
                 ("2", "tumour", "A", "baseline", -20, 100), ("2", "tumour", "A", "week_8", -30, 100),
                 ("3", "tumour", "A", "baseline", 40, 100))
CHANGE = Layout(phases=("A",), timepoints=("baseline", "week_8"), delta=("absolute", "relative"))


def test_changes_are_later_minus_earlier_and_that_over_the_size_of_the_earlier() -> None:
    table, blocks = joined(picked(TWO_TIMES, CHANGE), CHANGE)
    assert table.index.tolist() == ["1", "2"]  # 3 has no second image
    assert table[f"delta_absolute_{MEAN}"].tolist() == [5, -10]
    assert table[f"delta_relative_{MEAN}"].tolist() == [0.5, -0.5]
    assert table[f"delta_relative_{VOLUME}"].tolist() == [-0.5, 0]
    assert blocks["radiomics:week_8"] == (f"week_8_{MEAN}", f"week_8_{VOLUME}")
    assert blocks["delta"] == tuple(f"delta_{kind}_{name}" for kind in CHANGE.delta for name in (MEAN, VOLUME))
    assert blocks["delta:absolute"] == blocks["delta"][:2] and blocks["radiomics"] == tuple(table)[:4]


@pytest.mark.parametrize(("earlier", "later", "change"), [
    (0.0, 5.0, np.nan), (0.0, 0.0, np.nan), (1e-9, 5.0, np.nan), (1e-3, 5.0, 4999.0), (1e-9, 2e-9, 1.0),
    (np.nan, 1.0, np.nan), (1.0, np.nan, np.nan)])
def test_a_relative_change_from_nothing_is_empty_and_counted(earlier: float, later: float, change: float) -> None:
    table, blocks = joined(rows(("1", "tumour", "A", "baseline", earlier, 1), ("1", "tumour", "A", "week_8", later, 1)),
                           CHANGE)
    assert table[f"delta_relative_{MEAN}"].tolist() == pytest.approx([change], nan_ok=True)
    from_nothing = np.isnan(change) and not np.isnan(earlier) and not np.isnan(later)
    assert undefined_changes(table, blocks, CHANGE) == ({f"delta_relative_{MEAN}": 1} if from_nothing else {})


def test_several_times_phases_and_changes_cross() -> None:
    layout = Layout(phases=("A", "V"), timepoints=("t0", "t1", "t2"), delta=("absolute",))
    given = rows(*[("1", "tumour", phase, f"t{time}", 10 ** time + (phase == "V"), 1)
                   for phase in "AV" for time in range(3)])
    table, blocks = joined(given, layout)
    assert blocks["delta:absolute"] == blocks["delta"] and blocks["delta:absolute:t2:V"] == blocks["delta:t2:V"]
    assert blocks["delta:t2:V"] == (f"delta_absolute_t2_V_{MEAN}", f"delta_absolute_t2_V_{VOLUME}")
    assert table[f"delta_absolute_t2_V_{MEAN}"].tolist() == [99] and table[f"t1_V_{MEAN}"].tolist() == [11]
    assert blocks["radiomics:t1"] == tuple(f"t1_{phase}_{name}" for phase in "AV" for name in (MEAN, VOLUME))
    assert set(blocks) == set(block_cells(layout)) and len(blocks["radiomics:A"]) == 6


def test_joined_regions_have_blocks_of_their_own_and_a_missing_one_is_never_imputed() -> None:
    layout = Layout(phases=("A",), rois=("tumour", "peritumour"), lesions="join")
    given = rows(("1", "tumour", "A", "baseline", 1, 1), ("1", "peritumour", "A", "baseline", 2, 1),
                 ("2", "tumour", "A", "baseline", 3, 1))
    found = one_lesion(picked(given, layout), layout)
    table, blocks = joined(found, layout)
    assert table.index.tolist() == ["1"] and table[f"peritumour_{MEAN}"].tolist() == [2]
    assert blocks["radiomics:peritumour"] == (f"peritumour_{MEAN}", f"peritumour_{VOLUME}")
    assert {"radiomics", "radiomics:tumour", "radiomics:A", "radiomics:tumour:A"} <= set(blocks)
    why = lacking(pd.Series(["1", "2", "3"]), found, table.index, set(), layout)
    assert why.to_dict() == {"2": "missing_region", "3": "no_image"}


def test_a_patient_without_a_time_point_is_told_as_such() -> None:
    found = picked(TWO_TIMES, CHANGE)
    assert lacking(pd.Series(["3", "4"]), found, ["1", "2"], {"4"}, CHANGE).to_dict() == {
        "3": "missing_timepoint", "4": "extraction_failed"}


def test_the_largest_lesion_is_followed_from_the_first_time_point() -> None:
    layout = Layout(phases=("A",), rois=("a", "b"), timepoints=("t0", "t1"), lesions="largest")
    given = rows(("1", "a", "A", "t0", 1, 100), ("1", "b", "A", "t0", 2, 300),
                 ("1", "a", "A", "t1", 3, 900), ("1", "b", "A", "t1", 4, 30))
    table, _ = joined(one_lesion(given, layout), layout)
    assert table[[f"t0_{MEAN}", f"t1_{MEAN}"]].iloc[0].tolist() == [2, 4]
    mean = Layout(phases=("A",), rois=("a", "b"), timepoints=("t0", "t1"), lesions="mean")
    table, _ = joined(one_lesion(given, mean), mean)
    assert table[[f"t0_{MEAN}", f"t1_{MEAN}"]].iloc[0].tolist() == [1.5, 3.5]


def test_each_phase_keeps_the_features_of_its_own_settings() -> None:
    given = rows(("1", "tumour", "ct", "baseline", 1, np.nan), ("1", "tumour", "pet", "baseline", np.nan, 2))
    layout = Layout(phases=("ct", "pet"), columns={"ct": (MEAN,), "pet": (VOLUME,)})
    table, blocks = joined(given, layout)
    assert list(table) == [f"ct_{MEAN}", f"pet_{VOLUME}"] and blocks["radiomics:pet"] == (f"pet_{VOLUME}",)


def test_other_readers_are_named_and_joined_in_the_same_way() -> None:
    second = TWO_TIMES.assign(reader="R2", **{MEAN: TWO_TIMES[MEAN] + 1})
    found = readings(pd.concat([TWO_TIMES, second]), CHANGE)
    table, _ = joined(picked(TWO_TIMES, CHANGE), CHANGE)
    assert found[["patient_id", "reader"]].to_numpy().tolist() == [["1", "R2"], ["2", "R2"]]
    assert set(found) == {"patient_id", "reader", *table} and found[f"week_8_{MEAN}"].tolist() == [16, -29]
    assert readings(TWO_TIMES, CHANGE).empty


@pytest.mark.parametrize(("layout", "mend"), [
    (Layout(timepoints=("baseline", "week_9")), r"images.timepoint: .* no timepoint 'week_9'. Did you mean 'week_8'"),
    (Layout(rois=("tumour", "peri"), lesions="join"), "images.roi: the cohort has no roi 'peri'"),
    (Layout(rois=("tumor",)), "There are: tumour, baseline, R1; tumour, week_8, R1")])
def test_what_the_cohort_does_not_have_is_refused(layout: Layout, mend: str) -> None:
    with pytest.raises(RadnbError, match=mend):
        picked(TWO_TIMES, layout)
