"""radnb's engine gives PyRadiomics' values on sarcomas in CT, PET and MR; PyRadiomics' own are stored, being slow."""

from __future__ import annotations

import functools
import os

import numpy as np
import pytest

from tests.features.engine import allpairs, sarcoma, scenes
from tests.features.engine.agreement import BINNED_PATTERNS, Agreement

pytest.importorskip("radiomics")
OURS = "radnb" if "radnb" in scenes.ENGINES else "pyradiomics"
needs_data = pytest.mark.skipif("RADNB_DATA" not in os.environ,
                                reason="RADNB_DATA names no folder with the sarcoma images")
pytestmark = [pytest.mark.usefixtures("lbp3d"), *(pytest.mark.filterwarnings(f"ignore::{kind}") for kind in (
    "RuntimeWarning", "DeprecationWarning", "UserWarning"))]


@functools.cache
def references() -> dict[str, sarcoma.Outcome]:
    return sarcoma.stored()


@needs_data
@pytest.mark.parametrize("modality", sarcoma.MODALITIES)
@pytest.mark.parametrize("patient", sarcoma.SMALL_FIRST)
def test_values_are_those_of_pyradiomics(patient: str, modality: str) -> None:
    found = Agreement(BINNED_PATTERNS)
    for case in sarcoma.cases():
        if (case.patient, case.modality) != (patient, modality):
            continue
        ours, theirs = scenes.outcome(OURS, case.pair(), case.card), references()[case.key]
        if isinstance(ours, str) or isinstance(theirs, str):
            assert ours == theirs, f"{case.told}: {case.key}"
        else:
            found.add(case.told, ours, dict(zip(case.card.columns, theirs.tolist(), strict=True)))
    found.refuse()
    assert found.values > 500


def test_every_case_has_its_reference_and_each_pair_of_options_values() -> None:
    wanted = {case.key for case in sarcoma.cases()}
    assert wanted == set(references())
    assert sum(isinstance(outcome, np.ndarray) for outcome in references().values()) >= 0.98 * len(wanted)
    assert sarcoma.REFERENCES.stat().st_size < 1.5e6


def test_each_pair_of_options_stands_in_a_case_that_has_values() -> None:
    told = {case.told: references()[case.key] for case in sarcoma.cases()}
    rows = [row for row in sarcoma.sample() if not isinstance(told[", ".join(row.values())], str)]
    covered = {pair for row in rows for pair in allpairs._pairs_of(row)}
    assert set(allpairs.pairs(sarcoma.FACTORS, sarcoma.allowed)) <= covered
