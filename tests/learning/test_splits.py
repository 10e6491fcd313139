"""Designs: who trains, who is tested."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

from radnb.errors import RadnbError
from radnb.learning.splits import DESIGNS

OPTIONS = {"repeated_kfold": {"folds": 3, "repeats": 2}, "nested": {"folds": 3, "repeats": 1},
           "column": {"name": "cohort"}}


def lesions(count: int = 36) -> pd.DataFrame:
    """Make a table in which every third patient has two rows."""
    ids = np.repeat([f"P{i:02d}" for i in range(count)], [2 if i % 3 == 0 else 1 for i in range(count)])
    number = np.array([int(i[1:]) for i in ids])
    return pd.DataFrame({"patient_id": ids, "centre": np.array(["A", "B", "C"])[number % 3],
                         "stratum": (number // 3 % 2), "label": np.array(["N0", "N+"])[number // 3 % 2],
                         "cohort": np.select([number % 3 == 2, number > 19], ["external", "internal"], "train")})


@pytest.mark.parametrize("name", DESIGNS)
def test_a_patient_is_never_on_both_sides(name: str) -> None:
    table = lesions()
    ids = table["patient_id"].to_numpy()
    splits = DESIGNS[name](table, seed=3, **OPTIONS.get(name, {}))
    assert splits
    for split in splits:
        assert not set(ids[split.train]) & set(ids[split.test])
        assert split.frozen == (split.fold is None)
        assert {0, 1} <= set(table["stratum"].to_numpy()[split.train])


@pytest.mark.parametrize("name", DESIGNS)
def test_the_same_seed_gives_the_same_split(name: str) -> None:
    one, two = (DESIGNS[name](lesions(), seed=5, **OPTIONS.get(name, {})) for _ in range(2))
    assert all((a.train == b.train).all() and (a.test == b.test).all() for a, b in zip(one, two, strict=True))


def test_folds_hold_every_patient_once_and_the_classes_in_proportion() -> None:
    table = pd.DataFrame({"patient_id": [str(i) for i in range(50)], "stratum": [1] * 15 + [0] * 35})
    splits = DESIGNS["repeated_kfold"](table, folds=5, repeats=3, seed=1)
    assert len(splits) == 15
    for repeat in range(3):
        own = [s for s in splits if s.repeat == repeat]
        assert sorted(np.concatenate([s.test for s in own])) == list(range(50))
        assert [(table["stratum"].to_numpy()[s.test]).sum() for s in own] == [3] * 5
    assert not np.array_equal(splits[0].test, splits[5].test)


def test_leave_one_centre_out_tests_each_centre() -> None:
    table = lesions()
    tested = [set(table["centre"].to_numpy()[s.test]) for s in DESIGNS["by_centre"](table, seed=1)]
    assert tested == [{"A"}, {"B"}, {"C"}]


def test_a_holdout_is_stratified() -> None:
    table = pd.DataFrame({"patient_id": [str(i) for i in range(40)], "stratum": [1] * 10 + [0] * 30})
    split, = DESIGNS["holdout"](table, fraction=0.3, seed=1)
    assert len(split.test) == 12
    assert table["stratum"].to_numpy()[split.test].sum() == 3


@pytest.mark.parametrize(("name", "change", "mend"), [
    ("repeated_kfold", {"stratum": [1] * 3 + [0] * 45}, "Use 2 folds at most"),
    ("by_centre", {"centre": "A"}, "Name the centre column"),
    ("column", {"cohort": "train"}, "Correct this column"),
    ("column", {"cohort": ["train", "external"] * 24}, "Give all rows of a patient the same value"),
    ("holdout", {"stratum": [1] * 2 + [0] * 46}, "Change the fraction"),
])
def test_an_impossible_design_is_refused(name: str, change: dict[str, object], mend: str) -> None:
    with pytest.raises(RadnbError, match=mend):
        DESIGNS[name](lesions().assign(**change), seed=1, **({"name": "cohort"} if name == "column" else {}))


def test_a_misspelt_column_is_named() -> None:
    with pytest.raises(RadnbError, match="Did you mean 'cohort'"):
        DESIGNS["column"](lesions(), name="cohrt", seed=1)


def test_named_centres_are_tested_and_all_others_train() -> None:
    table = lesions()
    split, = DESIGNS["column"](table, name="centre", external=["C"], seed=1)
    centre = table["centre"].to_numpy()
    assert (set(centre[split.train]), set(centre[split.test])) == ({"A", "B"}, {"C"})
    assert split.set == "external" and split.frozen


@pytest.mark.parametrize(("options", "mend"), [
    ({"name": "centre", "external": ["D"]}, "nobody has centre 'D'. Valid: A, B, C"),
    ({"name": "centre", "external": []}, "leave others to train on"),
    ({"name": "centre", "external": ["A", "B", "C"]}, "leave others to train on"),
    ({"name": "mixed"}, "call these patients internal"),
])
def test_external_means_another_hospital(options: dict[str, object], mend: str) -> None:
    table = lesions().assign(mixed=lambda t: np.where(t["patient_id"] < "P20", "train", "external"))
    with pytest.raises(RadnbError, match=mend):
        DESIGNS["column"](table, seed=1, **options)


def test_censored_patients_need_not_be_in_every_fold() -> None:
    table = pd.DataFrame({"patient_id": [str(i) for i in range(20)], "stratum": [-1, -1] + [0] * 18})
    assert len(DESIGNS["repeated_kfold"](table, folds=5, repeats=1, seed=1)) == 5
