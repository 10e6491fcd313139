"""A manifest is checked whole, and its paths never lead out of the data root."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from radnb.cohort.manifest import Manifest, label, level_label, load_manifest
from radnb.errors import RadnbError

HERE = Path(__file__).parents[2] / "data_manifests"


def test_every_fault_is_told_at_once_with_its_key_and_the_nearest_name(write: Callable[..., Manifest]) -> None:
    with pytest.raises(RadnbError) as caught:
        write("nmae: x\nimages: {file: a.csv, colums: {}}\nclinical:\n  file: b.csv\n  columns:\n"
              "    age: {kind: numbr, known: before}\n    sex: {kind: category}\n"
              "    t: {kind: text, known: outcome, range: [2, 1]}\n    年龄: {kind: number, known: outcome}\n")
    text = str(caught.value)
    for said in ("nmae: unknown key. Did you mean 'name'", "name: this key is required", "images.colums: unknown key. "
                 "Did you mean 'columns'", "clinical.columns.age.kind: 'numbr' will not do. Did you mean 'number'",
                 "clinical.columns.age.known: 'before' will not do.", "clinical.columns.sex.known: this key is "
                 "required", "clinical.columns.t: `range` is for numbers"):
        assert said in text
    assert caught.value.code == "E_CONFIG"


@pytest.mark.parametrize(("body", "mend"), [
    ("name: x\n", "name at least one table"),
    ("name: x\nimages: {file: a.csv}\ncentre: c\n", "there is no `clinical` part"),
    ("name: x\nclinical: {file: a.csv, columns: {centre: {kind: category, known: before_surgery}}}\ncentre: center\n",
     "Did you mean 'centre'"),
    ("name: x\nclinical: {file: a.csv, columns: {s: {kind: category, known: outcome, levels: [f, m], map: {女: w}}}}",
     "'w' is not among the levels"),
    ("name: x\nclinical: {file: a.csv, columns: {s: {kind: category, known: outcome, levels: [f, f]}}}",
     "stands twice"),
    ("name: x\nclinical: {file: a.csv, columns: {年龄: {kind: number, known: outcome}}}", "ASCII name"),
    ("name: x\nimages: {file: a.csv}\ndata_root: nowhere\n", "Write the folder that holds"),
    ("name: x\nimages: {file: a.csv}\ndata_root: ${RADNB_UNSET}\n", "RADNB_UNSET is not set"),
    ("name: x\nimages: {file: a.csv, columns: {phse: x}}\n", r"images.columns.phse: 'phse' will not do. Did you mean"),
    ("name: x\nimages: a.csv\n", r"images: 'a.csv' will not do. Write `key: value` pairs"),
    ("name: [x]\nimages: {file: a.csv}\n", r"^[^\n]*name: .* will not do. Write a text"),
    ("name: x\nsynthetic: maybe\nimages: {file: a.csv}\n", "Write true or false"),
    ("name: x\nclinical: {file: a.csv, columns: {a: {kind: number, known: outcome, range: [0]}}}\n", r"as in \[0, 120"),
    ("name: x\nclinical: {file: a.csv, columns: {patient_id: {colunm: a}}}\n", r"write `patient_id: \{column: ID\}`"),
])
def test_a_manifest_that_contradicts_itself_is_refused(write: Callable[..., Manifest], body: str, mend: str) -> None:
    with pytest.raises(RadnbError, match=mend):
        write(body).root.as_posix()


def test_numbers_and_yes_in_levels_and_maps_are_words(write: Callable[..., Manifest]) -> None:
    manifest = write("name: x\nclinical: {file: a.csv, columns: {s: {kind: category, known: outcome, levels: [0, 1], "
                     "map: {no: 0, yes: 1}, level_labels: {0: {en: No}}}}}\n")
    assert manifest.columns()["s"].levels == ("0", "1")
    assert manifest.columns()["s"].map == {"no": "0", "yes": "1"}
    assert level_label(manifest, "s", "0", "zh") == "No"


def test_the_data_root_takes_environment_variables(write: Callable[..., Manifest], folder: Path,
                                                   monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("RADNB_DATA", str(folder))
    (folder / "数据").mkdir()
    assert write("name: x\ndata_root: ${RADNB_DATA}/数据\nimages: {file: a.csv}\n").root == (folder / "数据").resolve()


def test_a_table_is_found_below_the_root_or_beside_the_manifest_only(write: Callable[..., Manifest],
                                                                     folder: Path) -> None:
    (folder / "data").mkdir()
    manifest = write("name: x\ndata_root: data\nimages: {file: images.csv}\n", images="x\n1\n")
    assert manifest.table_path("images.csv", where="images").name == "images.csv"
    for outside in ("../secret.csv", "/etc/passwd", "//host/share/a.csv", "C:\\a.csv", "a\0b.csv"):
        with pytest.raises(RadnbError, match=r"lies outside|there is no") as caught:
            manifest.table_path(outside, where="images")
        assert caught.value.code == "E_PATH"
    with pytest.raises(RadnbError, match=r"Did you mean 'images.csv'"):
        manifest.table_path("image.csv", where="images")
    (folder / "data" / "clinical.csv").touch()
    assert manifest.table_path("clinical.csv", where="clinical").parent.name == "data"
    (folder / "clinical.csv").touch()
    assert manifest.table_path("clinical.csv", where="clinical").parent == folder.resolve()


def test_labels_speak_both_languages(write: Callable[..., Manifest]) -> None:
    manifest = write("name: {en: Mine, zh: 我的}\nclinical: {file: a.csv, columns: {"
                     "age: {kind: number, known: before_surgery, unit: years, label: {en: Age, zh: 年龄}}, "
                     "sex: {kind: category, known: before_surgery, levels: [female, male], label: {en: Sex, zh: 性别}, "
                     "level_labels: {male: {en: Male, zh: 男}}}, ki67: {kind: number, known: after_surgery}}}\n")
    assert [manifest.title(code) for code in ("en", "zh", "zh-CN")] == ["Mine", "我的", "我的"]
    assert label(manifest, "age", "en", with_unit=True) == "Age (years)"
    assert label(manifest, "sex=male", "en") == "Sex: Male"
    assert label(manifest, "sex=male", "zh") == "性别：男"
    assert label(manifest, "ki67") == "ki67"
    assert label(manifest, "not_declared") == "not declared"


@pytest.mark.parametrize("name", ["template.yaml", "demo.yaml"])
def test_the_shipped_manifests_are_valid(name: str) -> None:
    manifest = load_manifest(HERE / name)
    assert manifest.clinical is not None and manifest.centre in manifest.columns()


def test_the_demo_manifest_declares_what_the_synthetic_cohort_writes() -> None:
    describe = pytest.importorskip("radnb.cohort.synth.describe", reason="the synthetic cohort is not here yet")
    demo = load_manifest(HERE / "demo.yaml")
    made = Manifest.model_validate({"name": "x", "clinical": {"file": "clinical.csv", "columns": describe.COLUMNS}})
    assert demo.columns() == made.columns()
    assert demo.synthetic and demo.make == {"pancreas": {"n": 120, "seed": 7}}
