"""Every listed choice analysed on the same patients, the card's own first."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from radnb.cohort.synth import SYNTH
from radnb.errors import RadnbError
from radnb.evaluation.multiverse import told
from radnb.multiverse import multiverse, specify, wording
from radnb.reporting.multiverse import specification_curve, specification_table
from radnb.reporting.story import Story
from radnb.study import load_study
from radnb.workbook import Run, assemble, data_key, evaluate, measure, open_run, tell, train

CHOICES: dict[str, Any] = {
    "images.phases": [["arterial"], ["portal_venous"]], "prepare.correlation": [0.8, 0.9],
    "model": [{"ridge_logistic": {}}, {"lda": {}}]}
QUICK = {"design": {"repeated_kfold": {"folds": 3, "repeats": 2}},
         "inference": {"bootstraps": 0, "splits": 2, "permutations": 0}, "controls": {"on": False},
         "model_sets": {"clinical": ["clinical"], "combined": ["clinical", "radiomics"]}}


@pytest.fixture(scope="module")
def run(tmp_path_factory: pytest.TempPathFactory) -> Run:
    folder = tmp_path_factory.mktemp("multiverse")
    SYNTH["pancreas"](folder / "cohort", n=60, seed=3, images=False)
    return open_run("demo-grading", manifest=str(folder / "cohort" / "manifest.yaml"), out_dir=folder / "out",
                    overrides={**QUICK, "multiverse": CHOICES})


@pytest.fixture(scope="module")
def story(run: Run) -> Story:
    measured = measure(run)
    cohort = assemble(run, measured)
    trained = train(run, cohort, measured)
    return tell(run, measured, cohort, trained, evaluate(run, cohort, trained))


def test_the_cards_own_specification_is_first_and_no_combination_stands_twice(run: Run) -> None:
    possible, found = specify(run)
    assert (possible, len(found)) == (8, 8)
    assert dict(found[0].words) == {"images.phases": "arterial", "prepare.correlation": "0.9",
                                    "model": "ridge_logistic"}
    assert len({tuple(one.words.values()) for one in found}) == 8


@pytest.mark.parametrize(("choices", "mend"), [
    ({"model": [{"lda": {}}, {"lda": {}}]}, "at least two choices, each once"),
    ({"seed": [*range(400)], "selector": [{"anova": {"k": k}} for k in range(1, 301)]}, "120,000 combinations.*fewer")])
def test_choices_that_make_no_map_are_refused(run: Run, choices: dict[str, Any], mend: str) -> None:
    with pytest.raises(RadnbError, match=mend):
        specify(replace(run, study=run.study.model_copy(update={"multiverse": choices})))


def test_all_specifications_stand_on_the_same_patients_and_are_kept(run: Run, story: Story) -> None:
    first = multiverse(run, workers=0)
    assert first.table["n"].nunique() == 1
    assert first.table["own"].sum() == 1
    assert first.table["value"].is_monotonic_increasing
    kept = {path: path.stat().st_mtime_ns for path in (run.space.cache / "multiverse").glob("*.parquet")}
    assert len(kept) >= 8
    assert multiverse(run, workers=2).table.equals(first.table)
    assert all(path.stat().st_mtime_ns == when for path, when in kept.items())
    found = told(first)
    assert found["low"] <= found["median"] <= found["high"] and found["count"] == 8


def test_a_corrected_date_or_a_reader_added_is_never_answered_from_what_was_kept(run: Run) -> None:
    dated = replace(run, study=run.study.model_copy(update={"design": {"temporal": {"name": "surgery_date"}}}))
    measured = measure(dated)
    cohort = assemble(dated, measured)
    turned = cohort.clinical.assign(surgery_date=cohort.clinical["surgery_date"].to_numpy()[::-1])
    tested = [set(train(dated, one, measured).predictions["patient_id"])
              for one in (cohort, replace(cohort, clinical=turned))]
    assert tested[0] != tested[1]
    again = cohort.table[["patient_id"]].assign(reader="B")
    others = (replace(cohort, clinical=turned), replace(cohort, blocks={**cohort.blocks, "clinical": ()}))
    keys = [data_key(one, None) for one in (cohort, *others)] + [data_key(cohort, again)]
    assert len(set(keys)) == 4


def test_no_specification_harmonises_within_what_is_known_only_after_surgery(run: Run) -> None:
    late = [{"none": {}}, {"combat": {"covariates": ["ki67"]}}]
    with pytest.raises(RadnbError, match="ki67 is known"):
        multiverse(replace(run, study=run.study.model_copy(update={"multiverse": {"harmonise": late}})), workers=0)


def test_the_curve_and_the_table_are_told(run: Run, story: Story) -> None:
    universe = multiverse(run, workers=0)
    picture, table = specification_curve(story, universe), specification_table(story, universe)
    assert len(picture.png) > 10_000
    assert "8 specifications" in picture.alt and "exploratory" in picture.caption
    assert len(table.shown) == 6
    assert np.isfinite(table.values["value"]).all()


@pytest.mark.parametrize(("listed", "mend"), [
    ({}, "lists no choices"), ({"model": [{"lda": {}}]}, "at least two"),
    ({"model": [{"lda": {}}, {"ldaa": {}}]}, "Did you mean 'lda'"), ({"modle": [1, 2]}, "Did you mean 'model'"),
    ({"inference.permutations": [9, 99]}, "changes no figure"), ({"id": ["a", "b"]}, "Vary one of patients")])
def test_faulty_choices_are_refused_before_any_fit(run: Run, listed: dict[str, Any], mend: str) -> None:
    wrong = replace(run, study=run.study.model_copy(update={"multiverse": listed}))
    with pytest.raises(RadnbError, match=mend):
        specify(wrong)


def test_choices_are_written_as_a_person_would() -> None:
    assert wording([{"wilcoxon": {"q": 0.1}}, {"mrmr": {}}]) == "wilcoxon (q=0.1) + mrmr"
    assert wording(None) == "none"
    assert wording(["arterial", "portal_venous"]) == "arterial + portal_venous"


def test_the_example_card_lists_choices_of_its_own_keys() -> None:
    study = load_study("example-multiverse")
    assert Path(study.manifest).name == "demo"
    assert set(study.multiverse) == {"images.phases", "prepare.correlation", "selector", "model"}
