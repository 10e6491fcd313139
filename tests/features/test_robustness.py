"""Agreement across readers, per feature, from the long table."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

from radnb.errors import RadnbError
from radnb.features.robustness import COLUMNS, reader_agreement
from radnb.statistics.agreement import icc_a1


@pytest.fixture
def features() -> pd.DataFrame:
    rng = np.random.default_rng(5)
    rows = [{"patient_id": f"{n:03}", "roi": "tumour", "phase": phase, "timepoint": "baseline", "reader": reader,
             "steady": n + rng.normal(0, 0.1), "loose": rng.normal()}
            for n in range(20) for phase in ("arterial", "plain") for reader in ("R1", "R2", "R3")]
    table = pd.DataFrame(rows)
    return table[~((table["patient_id"] >= "015") & (table["reader"] == "R3"))]


def test_a_steady_feature_agrees_and_noise_does_not(features) -> None:
    found = reader_agreement(features).set_index("feature")
    assert list(found.reset_index()) == COLUMNS
    assert found.loc["arterial_steady", "low"] > 0.99
    assert found.loc["plain_loose", "low"] < 0.75
    assert found["n"].eq(15).all() and found["readers"].eq(3).all()


def test_two_readers_and_chosen_patients_can_be_taken(features) -> None:
    found = reader_agreement(features, phases=["plain"], readers=["R1", "R2"], patients=[f"{n:03}" for n in range(18)])
    assert found["feature"].tolist() == ["steady", "loose"] and found["n"].eq(18).all()
    part = features[(features["phase"] == "plain") & (features["patient_id"] < "018")]
    ratings = np.stack([part.loc[part["reader"] == reader, "loose"] for reader in ("R1", "R2")], axis=1)
    assert found["icc"].iloc[1] == pytest.approx(icc_a1(ratings).value)


def test_one_reader_or_two_patients_are_refused(features) -> None:
    with pytest.raises(RadnbError, match="Add the other readers' masks"):
        reader_agreement(features[features["reader"] == "R1"])
    with pytest.raises(RadnbError, match="At least 3 are needed"):
        reader_agreement(features, patients=["000", "001"])
