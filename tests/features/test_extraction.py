"""Extraction computes each region once, records what fails, and gives the same bytes however it is run."""

from __future__ import annotations

import os
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
import SimpleITK as sitk

from radnb.errors import RadnbError
from radnb.features import extraction
from radnb.features.extraction import Engine, extract
from radnb.features.settings import settings

pytest.importorskip("radiomics")


def bytes_of(table: pd.DataFrame) -> bytes:
    return table.to_csv(index=False, lineterminator="\n").encode("utf-8")


def test_each_case_gives_one_row_in_order_of_its_keys(cases, quick, tmp_path) -> None:
    found = extract(cases.iloc[::-1], settings=quick, store=tmp_path / "库", workers=0)
    assert list(found.features) == [*extraction.KEYS, *quick.columns]
    assert found.features[["patient_id", "reader"]].to_numpy().tolist() == [
        ["000", "R1"], ["000", "R2"], ["001", "R1"], ["002", "R1"]]
    assert found.features["original_firstorder_Mean"].between(35, 55).all()
    assert (found.counts.cases, found.counts.computed, found.counts.failed) == (4, 4, 0)
    assert found.failures.empty and list(found.failures) == extraction.FAILURE_COLUMNS


def test_a_second_run_computes_nothing_and_gives_the_same_bytes(cases, quick, tmp_path) -> None:
    first = extract(cases, settings=quick, store=tmp_path, workers=0)
    second = extract(cases, settings=quick, store=tmp_path, workers=0)
    assert second.counts.computed == 0 and second.counts.stored == 4
    assert bytes_of(first.features) == bytes_of(second.features)


def test_the_bytes_do_not_depend_on_workers_or_order(cases, quick, tmp_path) -> None:
    one = extract(cases, settings=quick, store=tmp_path / "1", workers=0)
    two = extract(cases.sample(frac=1, random_state=1), settings=quick, store=tmp_path / "2", workers=2)
    assert bytes_of(one.features) == bytes_of(two.features)


def test_an_interrupted_run_is_resumed_with_what_is_missing(cases, quick, tmp_path) -> None:
    extract(cases.iloc[:2], settings=quick, store=tmp_path, workers=0)
    assert extract(cases, settings=quick, store=tmp_path, workers=0).counts.computed == 2


def test_a_shard_left_by_a_killed_run_is_used(cases, quick, tmp_path, monkeypatch) -> None:
    monkeypatch.setattr("radnb.features.store.Store.consolidate", lambda self, group: None)
    extract(cases, settings=quick, store=tmp_path, workers=0)
    assert extract(cases, settings=quick, store=tmp_path, workers=0).counts.stored == 4


def test_a_case_whose_content_changed_is_computed_again_and_told(cases, quick, tmp_path, save) -> None:
    extract(cases, settings=quick, store=tmp_path, workers=0)
    save(np.random.default_rng(9).normal(90, 5, (14, 24, 24)).astype(np.int16), Path(cases["image"].iloc[3]))
    found = extract(cases, settings=quick, store=tmp_path, workers=0)
    assert (found.counts.computed, found.counts.stored, found.counts.changed) == (1, 3, 1)
    assert found.features["original_firstorder_Mean"].iloc[3] > 80


@pytest.mark.parametrize("ending", [".mhd", ".nhdr"])
def test_an_image_in_two_files_is_known_by_both(cases, quick, tmp_path, save, ending) -> None:
    voxels = np.random.default_rng(9).normal(90, 5, (14, 24, 24)).astype(np.int16)
    image = tmp_path / f"图{ending}"
    sitk.WriteImage(sitk.ReadImage(str(save(voxels, tmp_path / "a.nii"))), str(image), False)
    one = cases.iloc[[3]].assign(image=str(image))
    raw = next(path for path in tmp_path.glob("图*raw"))
    for _ in range(2):
        found = extract(one, settings=quick, store=tmp_path / "s", workers=0)
        assert found.counts.computed == 1
        raw.write_bytes((voxels + 50).tobytes())
        os.utime(raw, (5, 5))
    assert found.features["original_firstorder_Mean"].iloc[0] > 130


def test_other_settings_are_computed_apart(cases, quick, tmp_path) -> None:
    extract(cases, settings=quick, store=tmp_path, workers=0)
    from radnb.features.settings import checked

    other = checked({"featureClass": {"shape": ["VoxelVolume"]}}, name="other")
    assert extract(cases, settings=other, store=tmp_path, workers=0).counts.computed == 4


def test_equal_content_is_computed_once(cases, quick, tmp_path) -> None:
    twin = cases.iloc[[0]].assign(patient_id="009")
    found = extract(pd.concat([cases, twin]), settings=quick, store=tmp_path, workers=0)
    assert len(found.features) == 5
    assert len(list(tmp_path.glob("*/part-*.parquet"))) == 1


def test_a_failure_is_recorded_with_its_stage_and_the_rest_goes_on_and_it_is_tried_again(
        cases, quick, tmp_path, save, sphere) -> None:
    broken = Path(cases["image"].iloc[2])
    content = broken.read_bytes()
    broken.write_bytes(content[:len(content) // 2])
    empty = Path(cases["mask"].iloc[3])
    save(sphere(6) * 0, empty)
    gone = cases.iloc[[0]].assign(patient_id="007", mask=str(tmp_path / "无.nii.gz"))
    found = extract(pd.concat([cases, gone]), settings=quick, store=tmp_path / "s", workers=0)
    assert found.failures[["patient_id", "stage", "code"]].to_numpy().tolist() == [
        ["001", "read", "E_CORRUPT"], ["002", "read", "E_MASK_EMPTY"], ["007", "read", "E_MISSING"]]
    assert found.features["patient_id"].tolist() == ["000", "000"]
    broken.write_bytes(content)
    again = extract(cases, settings=quick, store=tmp_path / "s", workers=0)
    assert (again.counts.computed, again.counts.stored, again.counts.failed) == (1, 2, 1)


def test_one_region_s_failure_spares_the_others_of_its_image(cases, quick, tmp_path, save, sphere) -> None:
    save(sphere(6) * 0, Path(cases["mask"].iloc[1]))
    found = extract(cases, settings=quick, store=tmp_path, workers=0)
    assert found.failures["reader"].tolist() == ["R2"]
    assert found.features["patient_id"].tolist() == ["000", "001", "002"]


def test_damage_in_the_store_is_repaired_and_told(cases, quick, tmp_path) -> None:
    first = extract(cases, settings=quick, store=tmp_path, workers=0)
    part, = tmp_path.glob("*/part-*.parquet")
    part.write_bytes(part.read_bytes()[:100])
    found = extract(cases, settings=quick, store=tmp_path, workers=0)
    assert (found.counts.damaged, found.counts.computed) == (1, 4)
    assert bytes_of(found.features) == bytes_of(first.features)


def test_an_unknown_engine_is_refused(cases, quick, tmp_path) -> None:
    with pytest.raises(RadnbError, match="Did you mean 'pyradiomics'"):
        extract(cases, settings=quick, store=tmp_path, engine="pyradiomic")


def test_without_pyradiomics_nothing_begins(cases, quick, tmp_path, monkeypatch) -> None:
    monkeypatch.setattr("importlib.util.find_spec", lambda name: None)
    with pytest.raises(RadnbError) as caught:
        extract(cases, settings=quick, store=tmp_path / "s", workers=0, engine="pyradiomics")
    assert caught.value.code == "E_NO_PYRADIOMICS" and not (tmp_path / "s").exists()


def test_a_killed_worker_costs_only_its_region(cases, quick, tmp_path, monkeypatch) -> None:
    tasks = []

    def in_turn(function, items, **more):
        """Stand in for processes: the first engine that would kill one gives what `map_cases` gives then."""
        for position, task in enumerate(items):
            tasks.append(len(task.regions))
            died = any("R2" in mask for _, mask, _ in task.regions)
            yield position, extraction.Failure("E_CRASH", "ended twice") if died else function(task)

    monkeypatch.setattr(extraction, "map_cases", in_turn)
    found = extract(cases, settings=quick, store=tmp_path)
    assert found.failures[["patient_id", "reader", "code"]].to_numpy().tolist() == [["000", "R2", "E_CRASH"]]
    assert found.features["reader"].tolist() == ["R1", "R1", "R1"]
    assert sorted(tasks) == [1, 1, 1, 1, 2]  # the pair once together, then each alone


def test_a_process_that_dies_is_recorded_and_the_rest_is_computed(cases, quick, tmp_path, monkeypatch) -> None:
    """Kill a real worker: an image whose reading ends the process."""
    poison = tmp_path / "毒.nii.gz"
    poison.write_bytes(Path(cases["image"].iloc[3]).read_bytes())
    monkeypatch.setenv("RADNB_TEST_POISON", str(poison))
    monkeypatch.setattr(extraction, "measure_image", poisoned)
    found = extract(cases.assign(image=[*cases["image"].iloc[:3], str(poison)]), settings=quick,
                    store=tmp_path / "s", workers=1)
    assert found.failures[["patient_id", "code"]].to_numpy().tolist() == [["002", "E_CRASH"]]
    assert found.features["patient_id"].tolist() == ["000", "000", "001"]


def poisoned(task):
    if task.image == os.environ["RADNB_TEST_POISON"]:
        os._exit(9)
    return EXTRACT(task)


EXTRACT = extraction.measure_image


@pytest.mark.parametrize("name", extraction.ENGINES)
def test_an_engine_says_what_its_values_depend_on(name, quick) -> None:
    engine = extraction.ENGINES[name]
    assert isinstance(engine, Engine) and name in engine.version() and "SimpleITK" in engine.version()
    assert engine.handed_over(quick) == []


@pytest.mark.skipif("RADNB_DATA" not in os.environ, reason="RADNB_DATA names no folder with the sarcoma images")
def test_real_sarcoma_images_give_every_feature(tmp_path) -> None:
    root = Path(os.environ["RADNB_DATA"]) / "sts"
    table = pd.read_csv(root / "manifest.csv", dtype=str, encoding="utf-8")
    table = table[(table["modality"] == "CT") & table["patient_id"].isin(["STS_019", "STS_025"])]
    cases = pd.DataFrame({"patient_id": table["patient_id"], "roi": "tumour", "phase": "", "timepoint": "baseline",
                          "reader": "R1", "image": [str(root / name) for name in table["image"]],
                          "mask": [str(root / name) for name in table["mask"]], "label": 1})
    found = extract(cases, settings=settings("demo"), store=tmp_path, workers=0)
    assert found.counts.computed == 2 and found.features.notna().all(axis=None)
    assert found.features["original_shape_VoxelVolume"].between(10_000, 40_000).all()  # 17 and 30 cubic cm
