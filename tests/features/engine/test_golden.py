"""No value of the engine changes unnoticed: the store would mix old values with new ones."""

from __future__ import annotations

import pandas as pd
import pytest

from radnb.features.engine import engine, native
from tests.features.engine import golden

pytestmark = pytest.mark.skipif(not native.available(), reason="the kernels of these sources are not built here")


@pytest.fixture(scope="module")
def ours() -> pd.DataFrame:
    return golden.measured()


def test_values_change_only_with_their_number(ours: pd.DataFrame) -> None:
    number, stored = golden.kept()
    assert number == engine.VALUES, "VALUES was raised: `python -m tests.features.engine.golden` writes the new values"
    assert golden.changed(ours, stored) == [], "if this is meant, raise VALUES in radnb/features/engine/engine.py"


def test_a_small_change_and_a_lost_column_are_noticed(ours: pd.DataFrame) -> None:
    other = ours.assign(value=ours["value"].where(ours.index != 100, ours["value"] * (1 + 1e-11)))
    assert len(golden.changed(other, ours)) == 1
    assert golden.changed(ours.drop(index=100), ours)
    assert golden.changed(ours, ours.drop(index=100))
