"""Batches and covariates of a cohort, what forbids harmonising, and who may teach a new batch."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import Any

import numpy as np
import pytest

from radnb.errors import RadnbError
from radnb.features.assemble import Cohort
from radnb.learning.arrays import make_problem, patients, used_blocks
from radnb.learning.batches import (
    association,
    batches,
    calibration_of,
    covariates,
    notes,
    problems,
)
from radnb.learning.harmonise import calibration_rows, combat, none, zscore
from radnb.learning.plan import Plan
from radnb.learning.problem import Sample
from radnb.learning.splits import Split, by_centre, repeated_kfold
from radnb.learning.training import train

Make = Callable[..., Cohort]


def with_columns(cohort: Cohort, **columns: Any) -> Cohort:
    return replace(cohort, clinical=cohort.clinical.assign(**columns))


def test_batches_are_codes_and_names_and_gaps_have_none(make_cohort: Make) -> None:
    cohort = with_columns(make_cohort(), scanner=[2.0, 1.0, np.nan] * 20)
    codes, names = batches(cohort, "centre")
    assert names == ("east", "north", "south") and codes[:3].tolist() == [1, 2, 0]
    codes, names = batches(cohort, "scanner")
    assert names == ("1", "2") and codes[:3].tolist() == [1, 0, -1]


@pytest.mark.parametrize(("name", "mend"), [
    ("scaner", "Did you mean 'scanner'"), ("outcome", "is the outcome"), ("grade", "is the outcome"),
    ("f1", "no clinical column"), ("patient_id", "no clinical column"), ("empty", "nobody has a empty"),
    ("age", "tells patients apart")])
def test_what_is_no_batch_is_refused(make_cohort: Make, name: str, mend: str) -> None:
    with pytest.raises(RadnbError, match=mend):
        batches(with_columns(make_cohort(), scanner="A", empty=[None] * 60), name)


def test_a_cohort_without_centres_has_no_batches(make_cohort: Make) -> None:
    cohort = make_cohort()
    with pytest.raises(RadnbError, match="Declare the column in the manifest"):
        batches(replace(cohort, table=cohort.table.assign(centre="")), "centre")


def test_covariates_become_numbers_and_categories_indicators(make_cohort: Make) -> None:
    cohort = with_columns(make_cohort(), sex=["f", "m", None] * 20, size_class=["1", "2", "3"] * 20)
    cohort.table["stage=II"], cohort.table["stage=III"] = 1.0, 0.0
    found = covariates(cohort, ["age", "sex", "size_class", "stage"])
    assert found.shape == (60, 5)
    assert np.array_equal(found[:, 0], cohort.table["age"])
    assert found[:3, 1].tolist()[:2] == [0, 1] and np.isnan(found[2, 1])
    assert found[:3, 2].tolist() == [1, 2, 3] and found[0, 3:].tolist() == [1, 0]
    assert covariates(cohort, []).shape == (60, 0)


def test_what_harmonising_must_not_see_is_refused(make_cohort: Make) -> None:
    cohort = make_cohort()
    copy = with_columns(cohort, tumour=np.where(cohort.table["outcome"] == 1, "high", "low"))
    assert "tell the outcome grade exactly" in problems(copy, combat(covariates=("tumour",)))[0]
    assert "is the outcome" in problems(cohort, combat(covariates=("outcome",)))[0]
    late = problems(cohort, combat(covariates=("age",)), known={"age": "outcome"})
    assert late and "known as the outcome" in late[0]
    assert "only after surgery" in problems(cohort, combat(covariates=("age",)), known={"age": "after_surgery"})[0]
    assert problems(cohort, combat(covariates=("age",)), known={"age": "before_surgery"}) == []
    vendor = with_columns(cohort, vendor=cohort.table["centre"].map({"north": "x", "south": "x", "east": "y"}))
    assert "follow from centre" in problems(vendor, combat(covariates=("vendor",)))[0]
    assert problems(with_columns(cohort, sex="f"), combat(covariates=("sex",))) == []


def test_batches_that_are_the_outcome_or_one_alone_are_refused(make_cohort: Make) -> None:
    cohort = make_cohort()
    same = replace(cohort, table=cohort.table.assign(centre=cohort.table["outcome"].map({0: "a", 1: "b"})))
    assert "patients of one outcome only" in problems(same, combat())[0]
    alone = replace(cohort, table=cohort.table.assign(centre="north"))
    assert "nothing to harmonise" in problems(alone, zscore())[0]
    assert problems(alone, none()) == [] == problems(cohort, combat())


def test_a_small_or_absent_reference_is_refused(make_cohort: Make) -> None:
    cohort = make_cohort()
    few = with_columns(cohort, scanner=["A"] * 5 + ["B"] * 55)
    assert "A has 5 patients" in problems(few, combat(batch="scanner", reference="A"))[0]
    assert "Did you mean 'north'" in problems(cohort, combat(reference="nord"))[0]
    left_out = by_centre(patients(cohort), seed=0)
    assert "trains without north" in problems(cohort, combat(reference="north"), left_out)[0]


@pytest.mark.parametrize(("options", "mend"), [
    ({"unseen": "unharmonised"}, None), ({"unseen": "refuse"}, "which `refuse` forbids"),
    ({"unseen": "calibrate", "calibration": 8}, None), ({"unseen": "calibrate"}, "Take fewer patients"),
    ({"unseen": "calibrate", "calibration": "shown"}, None),
    ({"unseen": "calibrate", "calibration": "cohort"}, "Write yes for the patients")])
def test_the_design_is_asked_what_becomes_of_unseen_batches(make_cohort: Make, options: dict[str, Any],
                                                            mend: str | None) -> None:
    cohort = with_columns(make_cohort(), shown=["yes"] * 12 + ["no"] * 48)
    told = problems(cohort, combat(**options), by_centre(patients(cohort), seed=0))
    assert (told == []) if mend is None else (len(told) == 1 and mend in told[0])
    if options["unseen"] == "refuse":
        assert problems(cohort, combat(**options), repeated_kfold(patients(cohort), repeats=1, seed=0)) == []


def test_notes_tell_of_confounding_single_and_unseen_batches(make_cohort: Make) -> None:
    cohort = make_cohort()
    outcome = cohort.table["outcome"].to_numpy()
    scanner = np.where(np.arange(60) % 10 == 0, 1 - outcome, outcome).astype(str).astype(object)
    scanner[:3] = ["new", None, "1"]
    mixed = with_columns(cohort, scanner=scanner)
    split = Split(0, None, "internal", np.arange(20, 60), np.arange(20), frozen=True)
    found = {code: given for code, _, given in notes(mixed, combat(batch="scanner"), [split])}
    assert set(found) == {"batch_predicts_outcome", "batch_unnamed", "batch_unseen"}
    assert found["batch_predicts_outcome"]["p"] < 1e-6 and found["batch_predicts_outcome"]["cramers_v"] > 0.7
    assert found["batch_unseen"]["names"] == "new" and found["batch_unnamed"]["patients"] == 1
    alone = {code: given for code, _, given in notes(mixed, combat(batch="scanner"))}
    assert alone["batch_one_case"]["names"] == "new"
    assert notes(cohort, combat()) == [] == notes(mixed, none())


def test_the_association_is_that_of_a_table_with_a_known_chi_square(make_cohort: Make) -> None:
    cohort = make_cohort()
    table = cohort.table.assign(outcome=[0] * 30 + [1] * 30)
    batch = np.array(([0] * 20 + [1] * 10) + ([0] * 10 + [1] * 20))  # chi-square 60 * (400 - 100)^2 / 30^4
    p, strength = association(batch, replace(cohort, table=table))
    assert strength == pytest.approx(1 / 3) and p == pytest.approx(0.009823274507519235)  # R: 1 - pchisq(20/3, 1)


def test_survival_is_compared_by_the_log_rank_test(make_cohort: Make) -> None:
    cohort = make_cohort(classes=0)
    early = (cohort.table["time_months"] < cohort.table["time_months"].median()).to_numpy(np.intp)
    p, strength = association(early, cohort)
    assert p < 0.001 and np.isnan(strength)


def test_the_calibration_sample_is_the_same_in_every_split_and_whole_patients() -> None:
    batch, groups = np.repeat([0, 1, 2], 40), np.arange(120) // 2
    rows = [calibration_rows(batch, groups, train, calibration=6, seed=3)
            for train in (np.flatnonzero(batch == 0), np.flatnonzero(batch != 2))]
    assert len(rows[0]) == 24 and len(rows[1]) == 12 and set(batch[rows[1]]) == {2}
    assert set(rows[1]) == set(rows[0][batch[rows[0]] == 2])
    assert (np.unique(groups[rows[0]], return_counts=True)[1] == 2).all()
    assert set(rows[0]) != set(calibration_rows(batch, groups, np.flatnonzero(batch == 0), calibration=6, seed=4))
    assert not len(calibration_rows(batch, groups, np.arange(0, 120, 3), calibration=6, seed=3))


def test_a_declared_sample_counts_in_unseen_batches_only(make_cohort: Make) -> None:
    cohort = with_columns(make_cohort(), shown=["1", "0", "1"] * 20)
    made = combat(unseen="calibrate", calibration="shown")
    codes, names = batches(cohort, "centre")
    rows = calibration_rows(codes, np.arange(60), np.flatnonzero(codes != names.index("north")),
                            calibration=calibration_of(cohort, made), seed=0)
    assert rows.tolist() == list(range(0, 60, 3))


def test_a_batch_that_only_an_inner_fold_lacks_is_not_taught_by_tested_patients(
        make_cohort: Make, make_plan: Callable[..., Plan]) -> None:
    cohort = with_columns(make_cohort(), scanner=["A", "B"] * 25 + ["C"] * 10)
    plan = make_plan(harmonise={"combat": {"batch": "scanner", "unseen": "calibrate", "calibration": 4}})
    problem = make_problem(cohort, plan, used_blocks(cohort, plan))
    outer = Sample(problem, np.arange(51))  # one patient of C trains, nine are tested
    fitted = [inside.table(("radiomics",)).preparation.harmoniser_ for inside, _ in outer.inner()]
    seen = [set(made.learned_.batches.tolist()) for made in fitted if made is not None and made.learned_ is not None]
    assert seen == [{0, 1}] * 5
    new = Sample(problem, np.arange(50))
    assert len(new.taught()) == 4 and (new.taught() >= 50).all()
    inner = new.inner()[0][0].table(("radiomics",)).preparation.harmoniser_
    assert inner is not None and inner.learned_ is not None and inner.learned_.batches.tolist() == [0, 1, 2]


def test_a_run_with_a_calibration_sample_tests_nobody_of_it_and_is_certified(
        make_cohort: Make, make_plan: Callable[..., Plan]) -> None:
    cohort = make_cohort()
    plan = make_plan(harmonise={"combat": {"unseen": "calibrate", "calibration": 5}}, design={"by_centre": {}},
                     bootstraps=0, permutations=0)
    found = train(cohort, plan, workers=0)
    assert found.certificate["passed"] and found.certificate["steps"]["calibrate"]["patients"] == 5
    assert found.predictions.groupby("model")["patient_id"].nunique().eq(45).all()
