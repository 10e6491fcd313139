"""A study card is checked whole: every fault at once, with its key, its place and its mend."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
import yaml

from radnb.errors import RadnbError
from radnb.study import Workspace, check_card, find_card, list_studies, load_study, parse_overrides, workspace

CARDS = sorted(p for p in (workspace().studies).glob("**/*.yaml"))


def _raw() -> dict[str, Any]:
    return yaml.safe_load((workspace().studies / "grading" / "demo-grading.yaml").read_text(encoding="utf-8"))


@pytest.mark.parametrize("path", CARDS, ids=lambda p: p.stem)
def test_every_card_of_the_workbook_is_valid(path: Path) -> None:
    study = load_study(path)
    assert study.primary.model in study.model_sets


def test_a_card_has_the_name_of_its_id_and_the_demo_has_four() -> None:
    rows = list_studies()
    assert all(Path(row["card"]).stem == row["id"] for row in rows)
    assert {row["family"] for row in rows if row["id"].startswith("demo-")} == {
        "differential_diagnosis", "grading", "lymph_node_metastasis", "survival"}
    assert json.dumps(rows)


@pytest.mark.parametrize(("change", "mend"), [
    ({"modle": {}}, "Did you mean 'model'"),
    ({"selector": {"anvoa": {}}}, "Did you mean 'anova'"),
    ({"selector": {"anova": {"kk": 3}}}, "Did you mean 'k'"),
    ({"model": {"ridge_logistc": {}}}, "Did you mean 'ridge_logistic'"),
    ({"design": {"repeated_kfold": {"folds": "five"}}}, "design.repeated_kfold.folds"),
    ({"outcome": {"g1_vs_g3": {}}}, "g1_vs_g23"),
    ({"threshold": {"yoden": {}}}, "Did you mean 'youden'"),
    ({"prepare": {"imput": "median"}}, "Did you mean 'impute'"),
    ({"model_sets": {"clinical": ["clincal"]}, "primary": {"model": "clinical"}}, "Did you mean 'clinical'"),
    ({"primary": {"model": "combind"}}, "Did you mean 'combined'"),
    ({"primary": {"model": "combined", "comparator": "combined"}}, "comparator"),
    ({"images": {"phase": ["arterial"]}}, "Did you mean 'phases'"),
    ({"decision": {"low": 0.5, "high": 0.2, "reason": {"en": "x", "zh": "x"}}}, "low must lie below high"),
    ({"question": {"en": "only English"}}, "question.zh"),
    ({"horizons_months": [12]}, "only a survival outcome has it"),
    ({"outcome": {"survival": {"time": "os_months", "event": "os_event"}}}, "time_zero"),
    ({"model": {"ridge_cox": {}}}, "ridge_cox"),
    ({"model_sets": {"combined": ["radiomics", "radiomics:arterial"], "clinical": ["clinical"]}},
     "radiomics and radiomics:arterial hold the same columns"),
    ({"blocks": {"signs": {"columns": ["margin"], "table": "deep"}}}, "blocks.signs: name either clinical columns"),
    ({"blocks": {"delta": {"table": "deep"}}}, "blocks.delta: this name is radnb's own"),
    ({"prespecified": ["clincal"]}, "prespecified: block 'clincal' is unknown. Did you mean 'clinical'"),
    ({"images": {"phases": ["arterial"], "delta": ["absolute"]}}, r"delta: .* as in `timepoint: \[baseline, week_8\]`"),
    ({"images": {"phases": ["arterial"], "several_rois": "join"}}, "several_rois: join puts several regions"),
    ({"images": {"phases": ["arterial"], "timepoint": ["arterial", "late"]}}, "'arterial' names two things"),
    ({"images": {"phases": ["arterial"], "timepoint": 8}}, "images.timepoint: '8' will not do. Write a text"),
    ({"extraction": {"arteral": "ct"}}, "extraction.arteral: .*Did you mean 'arterial'"),
    ({"harmonise": {"nonne": {}}}, "harmonise: 'nonne' is unknown. Did you mean 'none'"),
    ({"imbalance": {"nonne": {}}}, "imbalance: 'nonne' is unknown. Did you mean 'none'"),
    ({"grid": {"selectors": [{"anova": {}}, [{"wilcoxn": {}}, {"anova": {}}]]}}, "grid.selectors.1: .*'wilcoxon'"),
    ({"grid": {"models": [{"ridge_cox": {}}]}}, "grid.models.0: 'ridge_cox' is unknown"),
    ({"grid": {"features": [0]}}, "grid.features: 0 is no number of features"),
    ({"controls": {"learning_curve": [1.2]}}, "controls.learning_curve.0: '1.2' will not do"),
    ({"subgroups": {"sex": {"male": 1}}}, "subgroups.sex: write the number"),
])
def test_a_faulty_card_is_refused_with_its_mend(change: dict[str, Any], mend: str) -> None:
    with pytest.raises(RadnbError, match=mend):
        check_card(_raw() | change, "card.yaml")


@pytest.mark.parametrize(("fusion", "mend"), [
    ({"lat": {"scores": ["radiomics"]}}, "model_sets.nomogram: 'lat' is unknown. Did you mean 'late'"),
    ({"late": {"score": ["radiomics"]}}, "nomogram.late.score: unknown option. Did you mean 'scores'"),
    ({"late": {"scores": ["clinical", ["radiomics", "radiomix"]]}}, "late.scores.1: .*Did you mean 'radiomics'"),
    ({"late": {"scores": ["radiomics"], "beside": ["clincal"]}}, "nomogram.late.beside: .*Did you mean 'clinical'"),
    ({"late": {"scores": []}}, "nomogram.late: name at least one block under `scores`"),
    ({"late": {"scores": ["radiomics"], "beside": ["clinical"], "by": "mean"}}, "Use `by: regression`"),
    ({}, "model_sets.nomogram: name at least one block"), ("radiomics", "Write a list")])
def test_a_faulty_fusion_is_refused_with_its_mend(fusion: Any, mend: str) -> None:
    with pytest.raises(RadnbError, match=mend):
        check_card(_raw() | {"model_sets": _raw()["model_sets"] | {"nomogram": fusion}}, "card.yaml")


def test_a_card_knows_the_blocks_that_its_models_use_and_which_enter_whole() -> None:
    late = {"nomogram": {"late": {"scores": ["radiomics"], "beside": ["clinical", "signs"]}}}
    card = _raw() | {"blocks": {"signs": {"columns": ["margin"]}, "deep": {"table": "deep"}},
                     "model_sets": _raw()["model_sets"] | late}
    study = check_card(card, "card.yaml")
    assert study.blocks_of["nomogram"] == ("radiomics", "clinical", "signs")
    assert study.entered_whole == ("clinical", "signs") and study.table_blocks == {}
    assert check_card(card | {"prespecified": []}, "card.yaml").entered_whole == ()
    alone = card | {"model_sets": {"deep": ["deep"]}, "primary": {"model": "deep"}}
    assert not check_card(alone, "card.yaml").needs_images


def test_all_faults_are_listed_at_once() -> None:
    with pytest.raises(RadnbError, match="3 problems") as caught:
        check_card(_raw() | {"selector": {"x": {}}, "model": {"y": {}}, "threshold": {"z": {}}}, "card.yaml")
    assert all(name in str(caught.value) for name in ("selector", "model", "threshold"))


def test_overrides_reach_deep_keys_and_are_checked_like_the_card() -> None:
    changed = load_study("demo-grading", overrides=parse_overrides(["selector.anova.k=5", "seed=11"]))
    assert changed.selectors == [{"anova": {"k": 5}}] and changed.seed == 11
    with pytest.raises(RadnbError, match="Did you mean 'k'"):
        load_study("demo-grading", overrides={"selector.anova.kk": 5})
    with pytest.raises(RadnbError, match="write key=value"):
        parse_overrides(["selector"])


def test_an_override_never_changes_what_it_was_given() -> None:
    given = {"blocks": {"signs": {"columns": ["margin"]}}, "blocks.signs.columns": ["location"]}
    assert load_study("demo-grading", overrides=given).blocks["signs"].columns == ["location"]
    assert given["blocks"] == {"signs": {"columns": ["margin"]}}


def test_an_unknown_study_or_manifest_names_the_nearest(tmp_path: Path) -> None:
    with pytest.raises(RadnbError, match="Did you mean 'demo-grading'"):
        find_card("demo-gradin", workspace())
    with pytest.raises(RadnbError, match="Did you mean 'demo'"):
        workspace().manifest("dmo")


def test_a_manifest_is_found_by_its_folder_and_beside_its_card(tmp_path: Path) -> None:
    (tmp_path / "队列").mkdir()
    path = tmp_path / "队列" / "manifest.yaml"
    path.touch()
    assert workspace().manifest(str(tmp_path / "队列")) == path
    assert workspace().manifest("队列", beside=tmp_path) == workspace().manifest(".", beside=path.parent) == path


@pytest.mark.parametrize("name", ["../outside", "/etc/x", "a b", ""])
def test_a_card_names_a_notebook_of_the_workbook_only(name: str) -> None:
    with pytest.raises(RadnbError, match=r"notebook: .*Latin letters, digits"):
        check_card(_raw() | {"notebook": name}, "card.yaml")


def test_a_folder_without_a_workbook_says_so(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("RADNB_HOME", str(tmp_path))
    with pytest.raises(RadnbError, match="RADNB_HOME"):
        workspace()
    assert isinstance(Workspace(tmp_path).cache, Path)


def test_a_card_without_a_model_gets_the_default_recipe() -> None:
    raw = {key: value for key, value in _raw().items() if key not in ("model", "selector", "prepare")}
    study = check_card(raw, "card")
    assert (study.model, study.selectors) == ({"blend": {}}, [{"none": {}}])
    assert study.prepare == {"correlation": None, "scale": "bounded"}
    assert check_card({**raw, "selector": {"anova": {}}}, "card").selectors == [{"anova": {}}]
    assert check_card(_raw(), "card").prepare == {}
