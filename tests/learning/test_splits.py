"""Designs: who trains, who is tested."""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd
import pytest

from radnb.errors import RadnbError
from radnb.learning.splits import DESIGNS, Split, shared_patients
from radnb.work.choices import problems

OPTIONS = {"repeated_kfold": {"folds": 3, "repeats": 2}, "nested": {"folds": 3, "repeats": 1},
           "column": {"name": "cohort"}, "bootstrap": {"samples": 5}, "between_centres": {"least": 3},
           "temporal": {"name": "year"}, "transfer": {"name": "ward", "train": ["a", "b"], "test": ["c"]}}


def lesions(count: int = 36) -> pd.DataFrame:
    """Make a table in which every third patient has two rows."""
    ids = np.repeat([f"P{i:02d}" for i in range(count)], [2 if i % 3 == 0 else 1 for i in range(count)])
    number = np.array([int(i[1:]) for i in ids])
    return pd.DataFrame({"patient_id": ids, "centre": np.array(["A", "B", "C"])[number % 3],
                         "stratum": (number // 3 % 2), "label": np.array(["N0", "N+"])[number // 3 % 2],
                         "cohort": np.select([number % 3 == 2, number > 19], ["external", "internal"], "train"),
                         "year": 2010 + number // 4, "ward": np.array(["a", "b", "c"])[number % 5 % 3],
                         "station": np.where(pd.Series(ids).duplicated(), 4.0, 3.0)})


@pytest.mark.parametrize("name", DESIGNS)
def test_a_patient_is_never_on_both_sides(name: str) -> None:
    table = lesions()
    ids = table["patient_id"].to_numpy()
    splits = DESIGNS[name](table, seed=3, **OPTIONS.get(name, {}))
    assert splits
    for split in splits:
        assert split.set == "train" or not set(ids[split.train]) & set(ids[split.test])
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
    ("by_centre", {"centre": list("AAB" * 16)}, "these patients appear in several centres"),
    ("by_centre", {"patient_id": range(48), "centre": list("AB" * 24)}, "A and B, .* Choose between_centres"),
    ("between_centres", {"centre": "A"}, "Name the centre column"),
    ("between_centres", {"patient_id": range(48), "centre": ["A"] * 4 + ["B"] * 44},
     r"fewer than two centres have 3 patients of each outcome \(A: outcome N0 4, outcome N\+ 0; B: .* lower `least`"),
    ("temporal", {"year": 2015}, "all patients have the same year, 2015-01-01"),
    ("temporal", {"year": ["in May"] + [2015] * 47}, "year holds no date for P00. Write years"),
    ("temporal", {"year": list(range(1990, 2014)) * 2}, "these patients have dates on both sides in year"),
    ("temporal", {"stratum": [0] * 24 + [1] * 24, "patient_id": range(48)}, "move `start`"),
    ("transfer", {"ward": list("abc" * 16)}, "patients stand in both groups: P03, P06.* `same_patients: train`"),
    ("transfer", {"ward": "a"}, "nobody has ward 'b'"),
    ("column", {"cohort": "train"}, "Correct this column"),
    ("column", {"cohort": ["train", "external"] * 24}, "Give all rows of a patient the same value"),
    ("holdout", {"stratum": [1] * 2 + [0] * 46}, "Change the fraction"),
])
def test_an_impossible_design_is_refused(name: str, change: dict[str, object], mend: str) -> None:
    with pytest.raises(RadnbError, match=mend):
        options = OPTIONS[name] if name in ("column", "between_centres", "temporal", "transfer") else {}
        DESIGNS[name](lesions().assign(**change), seed=1, **options)


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


def test_bootstrap_samples_keep_size_and_classes_and_leave_a_third_of_the_patients_out() -> None:
    table = pd.DataFrame({"patient_id": [str(i) for i in range(200)], "stratum": [1] * 50 + [0] * 150})
    *samples, apparent = DESIGNS["bootstrap"](table, samples=40, seed=1)
    assert [s.repeat for s in samples] == list(range(40))
    for split in samples:
        assert np.bincount(table["stratum"].to_numpy()[split.train]).tolist() == [150, 50]
        assert sorted({*split.train, *split.test}) == list(range(200))
    assert np.mean([len(s.test) for s in samples]) == pytest.approx(200 * np.exp(-1), abs=2)
    assert apparent.set == "train"
    assert apparent.train.tolist() == apparent.test.tolist() == list(range(200))


def test_copies_of_a_patient_bring_all_of_its_rows() -> None:
    table = lesions()
    for split in DESIGNS["bootstrap"](table, samples=5, seed=1)[:-1]:
        times = np.bincount(split.train, minlength=len(table))
        assert (pd.Series(times).groupby(table["patient_id"]).nunique() == 1).all()


def test_tiny_classes_are_on_both_sides_of_every_bootstrap_sample() -> None:
    table = pd.DataFrame({"patient_id": [str(i) for i in range(20)], "stratum": [1] * 3 + [0] * 17})
    for split in DESIGNS["bootstrap"](table, samples=50, seed=1)[:-1]:
        strata = table["stratum"].to_numpy()
        assert len({*split.train[strata[split.train] == 1]}) == 2
        assert 1 in strata[split.test]


def test_each_ordered_pair_of_large_enough_centres_is_a_frozen_test_of_its_own() -> None:
    centre = np.repeat(["A", "B", "C"], [12, 8, 3])
    table = pd.DataFrame({"patient_id": range(23), "centre": centre, "stratum": np.arange(23) % 2})
    found = DESIGNS["between_centres"](table, least=4, seed=1)
    assert [(s.name, s.repeat, s.set, s.frozen) for s in found] == [("A → B", 0, "external", True),
                                                                   ("B → A", 1, "external", True)]
    assert set(centre[found[0].train]) == {"A"} and set(centre[found[0].test]) == {"B"}


def years(values: list[object], **more: object) -> pd.DataFrame:
    return pd.DataFrame({"patient_id": [f"P{i}" for i in range(len(values))], "day": values,
                         "stratum": np.arange(len(values)) % 2, "label": "x", **more})


@pytest.mark.parametrize("write", [lambda d: d, lambda d: f"{d}", lambda d: f"{d}-05-01", lambda d: f"{d}/5/1",
                                   lambda d: int(f"{d}0501"), lambda d: f"{d}.05.01", lambda d: float(d),
                                   lambda d: pd.Timestamp(f"{d}-05-01")])
def test_the_past_trains_and_the_future_is_tested(write: Any) -> None:
    dates = [2012, 2010, 2011, 2013, 2012, 2010, 2013, 2011, 2012, 2012]
    split, = DESIGNS["temporal"](years([write(d) for d in dates]), name="day", start=2012, seed=1)
    assert [dates[i] for i in split.test] == [2012, 2013, 2012, 2013, 2012, 2012]
    assert (split.set, split.frozen) == ("internal", True)
    assert split.name == "before 2012-01-01 → from 2012-01-01"


def test_without_a_start_the_latest_share_is_tested_and_a_date_stays_whole() -> None:
    table = years([2010] * 5 + [2011] * 4 + [2012] * 4)
    split, = DESIGNS["temporal"](table, name="day", fraction=0.4, seed=1)
    assert split.test.tolist() == [9, 10, 11, 12]
    split, = DESIGNS["temporal"](table, name="day", fraction=0.6, seed=1)
    assert split.test.tolist() == list(range(5, 13))


@pytest.mark.parametrize("word", ["soon", "2019.5", "1.5.2019", "2019-13-01", 120, "", float("nan"), 2019051])
def test_what_may_be_read_two_ways_is_no_date(word: object) -> None:
    with pytest.raises(RadnbError, match="holds no date for P0"):
        DESIGNS["temporal"](years([word, *[2010] * 8, *[2015] * 8]), name="day", seed=1)


def test_a_later_test_in_other_hospitals_is_external() -> None:
    table = years([2010] * 6 + [2012] * 6, centre=["A"] * 6 + ["B"] * 6)
    assert DESIGNS["temporal"](table, name="day", seed=1)[0].set == "external"
    assert DESIGNS["temporal"](table.assign(centre="unknown"), name="day", seed=1)[0].set == "internal"


def stations(same: object) -> Split:
    split, = DESIGNS["transfer"](lesions(), name="station", train=[3], test=["4"], same_patients=same, seed=1)
    return split


def test_a_model_of_one_station_is_tested_at_another() -> None:
    table = lesions()
    alone = table[~table["patient_id"].isin(table.loc[table["station"] == 4, "patient_id"]) | (table["station"] == 4)]
    alone = alone.reset_index(drop=True).assign(centre="A")
    split, = DESIGNS["transfer"](alone, name="station", train=[3], test=[4], seed=1)
    assert (len(split.train), len(split.test), split.set) == (24, 12, "internal")
    assert split.name == "station 3 → station 4"


def test_a_patient_with_both_stations_stays_on_the_declared_side() -> None:
    ids, station = (lesions()[c].to_numpy() for c in ("patient_id", "station"))
    with pytest.raises(RadnbError, match=r"12 patients stand in both groups: P00, P03.* or declare"):
        stations(False)
    with pytest.raises(RadnbError, match="include nobody with"):
        stations("train")  # every patient of station 4 also has station 3
    kept = stations("test")
    assert not {*ids[kept.train]} & {*ids[kept.test]}
    assert {*station[kept.test]} == {4.0}
    both = stations(True)
    assert (len(both.train), len(both.test)) == (36, 12)


def test_patients_on_both_sides_are_named_for_the_report() -> None:
    assert shared_patients(lesions(), [stations("test")]) == []
    assert shared_patients(lesions(), [stations(True)])[:2] == ["P00", "P03"]
    assert shared_patients(lesions(), DESIGNS["bootstrap"](lesions(), samples=2, seed=1)) == []


@pytest.mark.parametrize(("options", "mend"), [
    ({"name": "ward", "train": [], "test": ["c"]}, "name at least one value of ward"),
    ({"name": "ward", "train": ["a"], "test": ["a"]}, "Name it once"),
    ({"name": "wart", "train": ["a"], "test": ["b"]}, "Did you mean 'ward'"),
    ({"name": "ward", "train": ["a"], "test": ["d"]}, "nobody has ward 'd'"),
])
def test_a_transfer_that_cannot_be_is_refused(options: dict[str, Any], mend: str) -> None:
    with pytest.raises(RadnbError, match=mend):
        DESIGNS["transfer"](lesions(), seed=1, **options)


@pytest.mark.parametrize(("card", "fault"), [
    ({"temporal": {"name": "day", "start": "2019-05-01"}}, ""), ({"temporal": {"name": "day", "start": 2019}}, ""),
    ({"temporal": {}}, "required"), ({"temporal": {"name": "day", "fraction": 1}}, "less than 1"),
    ({"transfer": {"name": "s", "train": [3], "test": ["4"], "same_patients": True}}, ""),
    ({"transfer": {"name": "s", "train": [3], "test": ["4"], "same_patients": "both"}}, "'both' will not do"),
    ({"between_centres": {"least": 1}}, "greater than or equal to 2"), ({"bootstrap": {"samples": 1}}, "greater"),
])
def test_a_card_names_designs_and_their_options(card: dict[str, Any], fault: str) -> None:
    found = problems(DESIGNS, card, "design")
    assert len(found) == bool(fault) and all(fault in sentence for sentence in found)


def test_a_start_that_is_no_date_is_refused() -> None:
    with pytest.raises(RadnbError, match=r"'May' is no date\. Write a year"):
        DESIGNS["temporal"](lesions(), name="year", start="May", seed=1)
