"""The command line: clear sentences, stable exit codes, and never a traceback."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
import SimpleITK as sitk

from radnb import cli
from radnb.cohort.synth import SYNTH
from radnb.imaging.volumes import read_volume


def _radnb(*words: str) -> subprocess.CompletedProcess[str]:
    done = subprocess.run([sys.executable, "-m", "radnb", *words], capture_output=True, text=True, encoding="utf-8",
                          check=False, timeout=300)
    assert "Traceback" not in done.stderr + done.stdout
    return done


def test_help_answers_without_loading_the_heavy_libraries() -> None:
    loaded = subprocess.run([sys.executable, "-X", "importtime", "-m", "radnb", "--help"], capture_output=True,
                            text=True, encoding="utf-8", check=True).stderr
    assert not [name for name in ("pandas", "sklearn", "SimpleITK", "matplotlib") if f" {name}\n" in loaded]


def test_every_command_has_a_sentence_of_help() -> None:
    shown = _radnb("--help").stdout
    assert all(name in shown for name in ("demo", "synth", "check", "init", "extract", "run", "batch", "studies",
                                          "report", "index", "doctor", "lab"))


def test_studies_are_listed_for_programs() -> None:
    rows = json.loads(_radnb("studies", "--json").stdout)
    assert {"id", "family", "question", "manifest"} <= set(rows[0])
    assert sum(row["id"].startswith("demo-") for row in rows) == 4


@pytest.mark.parametrize(("words", "mend"), [
    (("run", "demo-gradin"), "Did you mean 'demo-grading'"),
    (("run", "demo-grading", "--set", "selector.anova.kk=3"), "Did you mean 'k'"),
    (("run", "demo-grading", "--language", "fr"), "choose en or zh"),
    (("check", "no-such-cohort"), "Valid"),
    (("synth", "liver", "-o", "somewhere"), "pancreas"),
    (("index", "no-such-folder"), "Name a folder of run folders"),
])
def test_bad_input_ends_with_a_mend_and_exit_code_2(words: tuple[str, ...], mend: str) -> None:
    done = _radnb(*words)
    assert done.returncode == 2 and mend in done.stderr


def test_check_lists_problems_and_says_by_its_exit_code_whether_to_start(tmp_path: Path) -> None:
    SYNTH["pancreas"](tmp_path / "c", seed=5, n=30, images=False)
    good = _radnb("check", str(tmp_path / "c" / "manifest.yaml"))
    assert good.returncode == 0 and "0 errors" in good.stdout
    table = (tmp_path / "c" / "clinical.csv").read_text(encoding="utf-8").splitlines()
    (tmp_path / "c" / "clinical.csv").write_text("\n".join([*table, table[1]]), encoding="utf-8")
    bad = _radnb("check", str(tmp_path / "c" / "manifest.yaml"))
    assert bad.returncode == 2 and "E_DUP" in bad.stdout


def test_a_manifest_is_found_by_its_folder_and_alike_problems_share_a_line(tmp_path: Path) -> None:
    SYNTH["pancreas"](tmp_path / "c", seed=5, n=30, images=False)
    header, *rows = (tmp_path / "c" / "clinical.csv").read_text(encoding="utf-8").splitlines()
    place = header.split(",").index("age")
    cells = [row.split(",") for row in rows]
    spoilt = [",".join([*row[:place], "old", *row[place + 1:]]) for row in cells[:3]]
    (tmp_path / "c" / "clinical.csv").write_text("\n".join([header, *spoilt, *rows[3:]]), encoding="utf-8")
    done = _radnb("check", str(tmp_path / "c"))
    assert "rows 2, 3, 4, age: 'old'" in done.stdout and done.stdout.count("'old'") == 1
    assert "3 errors" in done.stdout


@pytest.mark.parametrize(("fault", "code", "mend"), [
    (KeyboardInterrupt(), 130, "the same command goes on from here"),
    (PermissionError(13, "Permission denied", "/data/表.csv"), 2, "/data/表.csv cannot be used: Permission denied"),
    (ZeroDivisionError("x"), 1, "Please report it"),
])
def test_whatever_happens_ends_in_a_sentence(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str],
                                             fault: BaseException, code: int, mend: str) -> None:
    def failing(*given: object) -> None:
        raise fault

    monkeypatch.setattr("radnb.study.list_studies", failing)
    monkeypatch.setattr(sys, "argv", ["radnb", "studies"])
    with pytest.raises(SystemExit) as ended:
        cli.main()
    assert ended.value.code == code and mend in capsys.readouterr().err


def test_a_check_shows_the_first_findings_of_a_kind_and_writes_them_all(tmp_path: Path) -> None:
    lines = "\n".join(f"P{number},x{number}" for number in range(30))
    (tmp_path / "clinical.csv").write_text(f"patient_id,age\n{lines}\n", encoding="utf-8")
    (tmp_path / "manifest.yaml").write_text("name: x\nclinical: {file: clinical.csv, columns: {age: {kind: number, "
                                            "known: before_surgery}}}\n", encoding="utf-8")
    done = _radnb("check", str(tmp_path), "-o", str(tmp_path / "all.csv"))
    assert done.stdout.count("ERROR") == cli.ALIKE and "... and 22 more like these" in done.stdout
    assert len((tmp_path / "all.csv").read_text(encoding="utf-8").splitlines()) == 32  # header, cells, missing


def test_two_tables_are_compared_with_an_exit_code(tmp_path: Path) -> None:
    (tmp_path / "a.csv").write_text("patient_id,original_shape_MeshVolume\nP1,100\n", encoding="utf-8")
    (tmp_path / "b.csv").write_text("patient_id,original_shape_MeshVolume\nP1,100.001\n", encoding="utf-8")
    differ = _radnb("features", "diff", str(tmp_path / "a.csv"), str(tmp_path / "b.csv"))
    assert differ.returncode == 3 and "P1, original_shape_MeshVolume: 100.0 against 100.001 (1e-05)" in differ.stdout
    same = _radnb("features", "diff", str(tmp_path / "a.csv"), str(tmp_path / "b.csv"), "--tolerance", "1e-4")
    assert same.returncode == 0 and same.stdout.endswith("The tables agree.\n")


@pytest.fixture
def one_case(tmp_path: Path) -> list[str]:
    image, mask = np.random.default_rng(0).normal(100, 40, (6, 14, 16)), np.zeros((6, 14, 16), np.uint8)
    mask[1:5, 3:11, 4:12] = 2
    names = [str(tmp_path / f"{name} 图.nii.gz") for name in ("image", "mask")]
    for voxels, name in zip((image, mask), names, strict=True):
        sitk.WriteImage(sitk.GetImageFromArray(voxels), name)
    return names


def test_features_are_mapped_with_pictures_and_a_record(one_case: list[str], tmp_path: Path) -> None:
    (tmp_path / "card.yaml").write_text("featureClass: {glcm: [Contrast, Id], shape: }\nsetting: {binWidth: 20}\n"
                                        "voxelSetting: {kernelRadius: 2, initValue: nan}\n", encoding="utf-8")
    done = _radnb("features", "maps", *one_case, "--settings", str(tmp_path / "card.yaml"), "--label", "2",
                  "--feature", "original_glcm_*", "--pictures", "-o", str(tmp_path / "maps"))
    assert done.returncode == 0 and "2 maps and their pictures" in done.stdout
    names = [f"original_glcm_{name}.{kind}" for name in ("Contrast", "Id") for kind in ("nii.gz", "png")]
    assert sorted(path.name for path in (tmp_path / "maps").iterdir()) == ["maps.json", *names]
    said = json.loads((tmp_path / "maps" / "maps.json").read_text(encoding="utf-8"))
    assert said["kernel_radius"] == 2 and said["label"] == 2 and said["init_value"] == "nan"
    found = read_volume(tmp_path / "maps" / names[0])  # ITK itself would read NaN as 0
    assert found.GetSize() == (12, 12, 6) and np.isnan(found[0, 0, 0]) and found[5, 5, 3] > 0  # the box, 2 around


@pytest.mark.parametrize(("words", "mend"), [
    (("--label", "5"), "Set label=2"), (("--feature", "original_glcm_Contrats", "--label", "2"),
                                            "Did you mean 'original_glcm_Contr"),
    (("--feature", "original_shape_*", "--label", "2"), "Name a column of another class"),
    (("--settings", "cct"), "neither a preset nor a file")])
def test_maps_that_cannot_be_made_are_refused_with_a_mend(one_case: list[str], tmp_path: Path, words: tuple[str, ...],
                                                          mend: str) -> None:
    done = _radnb("features", "maps", *one_case, *words, "-o", str(tmp_path / "maps"))
    assert done.returncode == 2 and mend in done.stderr and not (tmp_path / "maps").exists()


def test_a_question_in_sql_is_answered_or_its_fault_told() -> None:
    answer = _radnb("features", "query", "select count(*) n from features where cohort = 'none'")
    assert answer.returncode == 0 and answer.stdout.split() == ["n", "0"]
    fault = _radnb("features", "query", "select nothing from features")
    assert fault.returncode == 2 and "There are the tables features, features_long" in fault.stderr
