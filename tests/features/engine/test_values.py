"""radnb's engine gives PyRadiomics' values for every pair of options, and refuses what PyRadiomics cannot measure."""

from __future__ import annotations

import functools
from collections.abc import Mapping

import numpy as np
import pandas as pd
import pytest

from radnb.features.deviation import deviations
from radnb.features.verification import TOLERANCE
from tests.features.engine import allpairs, matrix, scenes
from tests.features.engine.agreement import PATTERNS, Agreement, natural_scale, near, relative
from tests.features.engine.allpairs import Row

pytest.importorskip("radiomics")
pytestmark = [pytest.mark.usefixtures("lbp3d"), *(pytest.mark.filterwarnings(f"ignore::{kind}") for kind in (
    "RuntimeWarning", "DeprecationWarning", "UserWarning"))]  # of PyRadiomics and of what its filters import
OURS = "radnb" if "radnb" in scenes.ENGINES else "pyradiomics"
FACTORS = {"type": tuple(matrix.TYPES), "region": scenes.REGIONS, "grey": tuple(scenes.TYPES),
           "grid": tuple(scenes.GRIDS), **{factor: tuple(levels) for factor, levels in matrix.SETTING.items()}}


@functools.cache
def sample() -> tuple[Row, ...]:
    """Return the rows of the matrix: each pair of options, regions and images at least once."""
    return tuple(allpairs.rows(FACTORS, matrix.allowed))


def name(row: Row) -> str:
    return ", ".join(f"{factor} {level}" for factor, level in row.items())


@functools.cache
def pair(region: str, grey: str, grid: str) -> scenes.Pair:
    return scenes.pair_of(scenes.voxels(grey), scenes.inside(region), *scenes.GRIDS[grid])


@pytest.mark.parametrize("kind", matrix.TYPES)
def test_values_and_refusals_are_those_of_pyradiomics(kind: str) -> None:
    found, refused, rows = Agreement(), [], [row for row in sample() if row["type"] == kind]
    for row in rows:
        card, here = matrix.card(row), pair(row["region"], row["grey"], row["grid"])
        ours, theirs = (scenes.outcome(engine, here, card) for engine in (OURS, "pyradiomics"))
        if isinstance(ours, str) or isinstance(theirs, str):
            refused += [] if ours == theirs else [f"{name(row)}: {_short(ours)} instead of {_short(theirs)}"]
        else:
            found.add(name(row), ours, theirs)
            refused += [f"{name(row)}: a run's own comparison would sound the alarm: {columns}" for columns in [
                alarms(ours, theirs)] if columns]
    assert not refused, "\n".join(refused)
    found.refuse()
    assert found.values > 60 * len(rows), "most rows must give values"


def alarms(ours: Mapping[str, float], theirs: Mapping[str, float]) -> list[str]:
    """Name the columns that a run's own comparison with the reference would take for a fault of the engine."""
    apart = deviations(pd.DataFrame([ours]), pd.DataFrame([theirs])).iloc[0]
    return [column for column in apart.index[apart > TOLERANCE] if not PATTERNS.fullmatch(column)]


def _short(outcome: dict[str, float] | str) -> str:
    return outcome if isinstance(outcome, str) else "values"


def test_each_pair_of_options_is_in_the_sample() -> None:
    wanted = set(allpairs.pairs(FACTORS, matrix.allowed))
    covered = {pair for row in sample() for pair in allpairs._pairs_of(row)}
    assert wanted <= covered and all(matrix.allowed(row) for row in sample())
    assert len(sample()) < 260


def test_the_sample_is_the_same_everywhere() -> None:
    few = {"a": ("1", "2", "3"), "b": ("x", "y"), "c": ("u", "v")}
    found = allpairs.rows(few, lambda row: not (row.get("a") == "2" and row.get("b") == "y"))
    assert [" ".join(row.values()) for row in found] == FEW


FEW = ["1 x u", "1 y v", "2 x v", "3 x v", "3 y u", "2 x u"]


BRIGHT = {"original_firstorder_Minimum": -900.0, "original_firstorder_Maximum": 300.0}
JUDGED = [("original_firstorder_Mean", 1e-7, 2e-7, BRIGHT, True),
          ("original_firstorder_Mean", 1e-5, 2e-5, BRIGHT, False),
          ("original_glcm_MCC", 3e-9, 0.0, {}, True),
          ("original_glcm_Contrast", 1e-12, 0.0, {}, False),
          ("original_shape_LeastAxisLength", 2e-8, 0.0, {"original_shape_MajorAxisLength": 12.0}, True),
          ("original_glcm_ClusterShade", 1e-8, -1e-8, {"original_glcm_ClusterProminence": 1e4}, True),
          ("original_firstorder_Skewness", np.nan, 0.0, BRIGHT, False)]


@pytest.mark.parametrize(("column", "ours", "value", "theirs", "right"), JUDGED)
def test_what_is_near_is_judged_on_the_natural_scale(column, ours, value, theirs, right) -> None:
    assert near(column, ours, value, theirs) is right
    assert natural_scale(column, theirs) >= 0
    assert relative(ours, value) > 1e-6


def test_the_judge_sees_one_wrong_value_a_missing_column_and_too_many_small_deviations() -> None:
    theirs = {f"original_glcm_Feature{n}": float(n + 1) for n in range(500)}
    for ours in (theirs | {"original_glcm_Feature7": 8.00001}, dict(list(theirs.items())[1:]),
                 {column: value * (1 + 1e-8) for column, value in theirs.items()}):
        found = Agreement()
        found.add("here", ours, theirs)
        with pytest.raises(AssertionError):
            found.refuse()
    found = Agreement()
    found.add("here", theirs | {"original_glcm_Feature7": 8.0 * (1 + 1e-11)}, theirs)
    found.refuse()
