"""The leak certificate passes where nothing leaks, and speaks where something does."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import fields, replace
from typing import Any

import numpy as np
import pandas as pd
import pytest

from radnb.errors import RadnbError
from radnb.features.assemble import Cohort
from radnb.learning import certificate as guard
from radnb.learning.arrays import make_problem, patients, used_blocks
from radnb.learning.certificate import Learned, certificate, certify, learned
from radnb.learning.folds import IntArray
from radnb.learning.fusion import Blocks
from radnb.learning.plan import Plan
from radnb.learning.problem import Problem, Sample, Table
from radnb.learning.ready import Ready
from radnb.learning.selection import SELECTORS
from radnb.learning.selectors.screens import Univariable
from radnb.learning.selectors.selector import Given
from radnb.learning.splits import DESIGNS
from radnb.learning.training import train
from radnb.statistics.families import Array
from radnb.work import choices
from tests.learning import small

Maker = Callable[..., Any]


def readers(cohort: Cohort) -> pd.DataFrame:
    columns = list(cohort.blocks["radiomics"])
    second = cohort.table[["patient_id", *columns]].assign(reader="R2").iloc[::2].copy()
    second[columns] += 0.3 * np.random.default_rng(1).normal(size=second[columns].shape)
    return second


def issued(cohort: Cohort, plan: Plan, extra: pd.DataFrame | None = None) -> dict[str, Any]:
    splits = choices.pick(DESIGNS, plan.design, "design", seed=plan.seed)(patients(cohort))
    return certificate(cohort, plan, used_blocks(cohort, plan), splits, extra)


@pytest.mark.usefixtures("quick_fits")
@pytest.mark.parametrize("name", DESIGNS)
def test_every_design_passes(name: str, make_cohort: Maker, make_plan: Maker) -> None:
    found = issued(make_cohort(), make_plan(design=small.design(name)))
    assert found["passed"] and found["models"] == 3 and found["steps"]["model"]["times"] >= 3


def test_late_fusion_and_several_rows_of_a_patient_pass(make_cohort: Maker, make_plan: Maker) -> None:
    cohort = make_cohort()
    name = cohort.table["patient_id"].to_numpy().copy()
    name[1::3] = name[::3]
    late = {"late": {"scores": ["radiomics"], "beside": ["clinical"]}}
    found = issued(replace(cohort, table=cohort.table.assign(patient_id=name)),
                   make_plan(sets={"combined": late, "clinical": ("clinical",)}))
    assert found["passed"] and found["trained"] + found["held_out"] == 40 and "fusion" in found["steps"]


@pytest.mark.parametrize("fold", range(3))
def test_harmonising_learns_rare_centres_from_declared_patients_only(fold: int, make_cohort: Maker,
                                                                     make_plan: Maker) -> None:
    """Found by the certificate: an inner fold without a rare centre took its calibration sample from the test fold."""
    cohort = make_cohort(patients=90)
    centre = np.array(["north"] * 45 + ["south"] * 30 + ["few"] * 12 + ["rare"] * 3, object)
    np.random.default_rng(3).shuffle(centre)
    cohort = replace(cohort, table=cohort.table.assign(centre=centre))
    plan = make_plan(design={"repeated_kfold": {"folds": 3, "repeats": 1}}, seed=11, model={"svm": {}},
                     harmonise={"combat": {"unseen": "calibrate", "calibration": 4}})
    splits = choices.pick(DESIGNS, plan.design, "design", seed=plan.seed)(patients(cohort))
    assert certificate(cohort, plan, used_blocks(cohort, plan), [splits[fold]])["passed"]


def test_a_run_carries_its_certificate_and_what_it_cost(make_cohort: Maker, make_plan: Maker) -> None:
    found = train(make_cohort(), make_plan(bootstraps=0, permutations=0), workers=0)
    assert found.certificate["passed"] and found.certificate["steps"]["prepare"]["overlap"] == 0
    assert found.costs["certificate"]["fits"] == 12


def caught(cohort: Cohort, plan: Plan, *words: str) -> None:
    with pytest.raises(RadnbError, match="A leak") as error:
        train(cohort, plan, workers=0)
    assert error.value.code == "E_LEAK"
    assert all(word in str(error.value) for word in words)


def test_preparing_on_all_rows_is_caught(make_cohort: Maker, make_plan: Maker,
                                         monkeypatch: pytest.MonkeyPatch) -> None:
    def leaky(self: Sample, blocks: Blocks) -> Table:
        raw = self.problem.raw(blocks)
        made = replace(self.problem.preparation).fit(raw)
        return Table(made.transform(raw), made.names(self.problem.names(blocks)), raw.shape[1], made,
                     np.arange(raw.shape[1]))

    monkeypatch.setattr(Sample, "_prepare", leaky)
    caught(make_cohort(), make_plan(), "combined (prepare, ")


def test_a_selector_that_peeks_through_a_global_is_caught(make_cohort: Maker, make_plan: Maker,
                                                          monkeypatch: pytest.MonkeyPatch) -> None:
    window: dict[str, Problem] = {}

    class Peeking(Univariable):
        def choose(self, x: Any, y: Any, given: Given) -> Any:
            problem = window["problem"]
            whole = np.nan_to_num(problem.blocks["radiomics"])
            best = np.argsort(-np.abs(np.corrcoef(whole.T, problem.y)[-1, :-1]), kind="stable")
            return np.array([i for i in best if i < x.shape[1]][: self.k])

    def peeking() -> Univariable:
        """Peek."""
        return Peeking(k=3)

    def watched(*given: Any) -> Problem:
        window["problem"] = make_problem(*given)
        return window["problem"]

    monkeypatch.setitem(SELECTORS, "peeking", peeking)
    monkeypatch.setattr(guard, "make_problem", watched)
    caught(make_cohort(), make_plan(selector=({"peeking": {}},)), "radiomics (select, ")


def test_harmonising_on_all_rows_is_caught(make_cohort: Maker, make_plan: Maker,
                                           monkeypatch: pytest.MonkeyPatch) -> None:
    plain = Problem.raw

    def without_centres(self: Problem, blocks: Blocks) -> Any:
        x = plain(self, blocks)
        for centre in np.unique(self.centres):
            x[self.centres == centre] -= np.nanmean(x[self.centres == centre], axis=0)
        return x

    monkeypatch.setattr(Problem, "raw", without_centres)
    caught(make_cohort(), make_plan())


def test_a_step_that_takes_more_rows_than_its_own_is_named(make_cohort: Maker, make_plan: Maker,
                                                           monkeypatch: pytest.MonkeyPatch) -> None:
    plain = Sample.see

    def greedy(self: Sample, step: str) -> Any:
        rows = plain(self, step)
        if step == "threshold":
            self.seen[step] = np.arange(len(self.problem.groups))
        return rows

    monkeypatch.setattr(Sample, "see", greedy)
    caught(make_cohort(), make_plan(), "looked at by threshold")


def own_pipeline(columns: Callable[[Cohort], list[str]]) -> Callable[[Cohort, Any], Learned]:
    """Make a pipeline as a user may write it: choose columns, then average them by class on training rows."""
    def fit(cohort: Cohort, extra: Any) -> Learned:
        chosen = columns(cohort)
        part = cohort.table.iloc[TRAIN]
        return Learned({("mine", "select"): chosen, ("mine", "model"): part.groupby("outcome")[chosen].mean()
                        .to_numpy()})
    return fit


TRAIN = np.arange(0, 45)


def best(table: pd.DataFrame, cohort: Cohort) -> list[str]:
    x = table[list(cohort.blocks["radiomics"])]
    return list(x.corrwith(table["outcome"]).abs().nlargest(4).index)


def test_selection_before_the_split_is_caught_in_anybodys_pipeline(make_cohort: Maker) -> None:
    cohort = make_cohort()
    fine = own_pipeline(lambda one: best(one.table.iloc[TRAIN], one))
    assert certify(fine, cohort, TRAIN, seed=1)["passed"]
    with pytest.raises(RadnbError, match=r"mine \(select, model\)"):
        certify(own_pipeline(lambda one: best(one.table, one)), cohort, TRAIN, seed=1)


def test_a_pipeline_that_learns_nothing_gets_no_certificate(make_cohort: Maker) -> None:
    with pytest.raises(RadnbError, match="proves nothing"):
        certify(lambda cohort, extra: Learned({("mine", "model"): 1.0}), make_cohort(), TRAIN, seed=1)


def test_chance_is_not_mistaken_for_a_leak(make_cohort: Maker) -> None:
    rng = np.random.default_rng(0)
    with pytest.raises(RadnbError, match="two results") as error:
        certify(lambda cohort, extra: Learned({("mine", "model"): rng.random()}), make_cohort(), TRAIN, seed=1)
    assert error.value.code == "E_SEED"


def test_readings_of_held_out_patients_are_corrupted_too(make_cohort: Maker, make_plan: Maker,
                                                         monkeypatch: pytest.MonkeyPatch) -> None:
    cohort, plan = make_cohort(), make_plan(selector=({"robust": {}}, {"anova": {"k": 3}}))
    assert issued(cohort, plan, readers(cohort))["steps"]["agreement"]["overlap"] == 0
    plain = Sample._agreed

    def everybody(self: Sample, blocks: Blocks, columns: int) -> Any:
        return plain(replace(self, train=np.arange(len(self.problem.groups))), blocks, columns)

    monkeypatch.setattr(Sample, "_agreed", everybody)
    with pytest.raises(RadnbError, match="A leak"):
        issued(cohort, plan, readers(cohort))


def test_the_same_rows_teach_the_same_state(make_cohort: Maker, make_plan: Maker) -> None:
    cohort = make_cohort()
    problem = make_problem(cohort, make_plan(), dict(cohort.blocks))
    assert learned(problem, TRAIN).states == learned(replace(problem, samples={}), TRAIN).states
    assert learned(problem, TRAIN).states != learned(problem, TRAIN[1:]).states


def test_scores_turned_round_by_the_outcomes_of_the_tested_are_caught(make_cohort: Maker, make_plan: Maker,
                                                                      monkeypatch: pytest.MonkeyPatch) -> None:
    honest = guard.make_ready

    class Peeking(Ready):
        """A ready model that looks at the outcomes of those whom it scores, and turns its scores where they are bad."""

        def scores(self, rows: IntArray) -> Array:
            own, y = super().scores(rows), self.__dict__["y"][rows]
            return 1 - own if own[y > 0].mean() < own[y < 1].mean() else own

    def peeking(sample: Sample, layout: Any) -> Ready:
        made = Peeking(**{one.name: getattr(honest(sample, layout), one.name) for one in fields(Ready)})
        made.__dict__["y"] = sample.problem.y
        return made

    monkeypatch.setattr(guard, "make_ready", peeking)
    with pytest.raises(RadnbError, match="scoring held-out patients"):
        issued(make_cohort(), make_plan())
