"""Every value that IBSI-1 agreed on, within its tolerance."""

from __future__ import annotations

import functools
import os
from pathlib import Path

import pandas as pd
import pytest

from radnb.features.ibsi import compliance, standard

DATA = Path(os.environ.get("RADNB_DATA", ""))
needs_data = pytest.mark.skipif(not os.environ.get("RADNB_DATA") or not compliance.reference_file(DATA).is_file(),
                                reason="RADNB_DATA names no folder with IBSI's phantom and reference values")


@functools.cache
def everything() -> pd.DataFrame:
    return compliance.compliance(DATA if DATA.name else Path("absent"))


@functools.cache
def phantom() -> pd.DataFrame:
    return compliance.compliance(Path("absent"))


@pytest.mark.parametrize("kind", standard.KINDS)
def test_every_value_of_the_digital_phantom_is_met(kind: str) -> None:
    table = phantom()
    rows = table[table["feature"].str.startswith(f"{kind}_")]
    agreed = {name for name in standard.FEATURES[kind]
              if standard.WORDS[standard.KINDS[kind][0], name].code not in standard.NOT_STANDARDISED}
    assert {feature.rpartition("_")[2] for feature in rows["feature"]} == agreed
    assert rows["ok"].all(), rows[~rows["ok"]]


@pytest.mark.parametrize(("feature", "value"), [  # by hand from the phantom's picture in the manual
    ("ibsi-statistics_Mean", 159 / 74), ("ibsi-statistics_Energy", 567.0), ("ibsi-histogram_Mode", 1.0),
    ("ibsi-morphology_VolumeVoxelCounting", 592.0), ("ibsi-ivh_VolumeAt10Intensity", 24 / 74),
    ("ibsi-glszm-3D_ZonePercentage", 5 / 74)])
def test_a_value_equals_what_one_counts(feature: str, value: float) -> None:
    assert phantom().set_index("feature")["value"][feature] == pytest.approx(value, rel=1e-12)


def test_what_is_left_out_is_told_with_its_mend(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("RADNB_DATA", raising=False)
    assert "they need the CT phantom. Set RADNB_DATA" in compliance.left_out()
    monkeypatch.setenv("RADNB_DATA", str(tmp_path))
    assert f"{tmp_path} holds no CT phantom" in compliance.left_out()


def test_the_verdict_is_a_sentence() -> None:
    assert compliance.verdict(phantom()) == "482 of 482 IBSI reference values within tolerance (digital phantom)"


def test_the_standard_has_169_features_and_five_without_a_common_value() -> None:
    names = {(feature.family, feature.name) for feature in standard.STANDARD}
    assert len(names) == len(standard.STANDARD) == 174
    assert sum(feature.code not in standard.NOT_STANDARDISED for feature in standard.STANDARD) == 169


def test_a_count_is_compared_in_all_its_digits() -> None:
    value, reference = pd.Series([125256.4, 125257, 1.494, 0.0, 0.1]), pd.Series([125256.0, 125256, 1.49, 0, 0])
    assert compliance.agrees(value, reference, reference * 0).tolist() == [True, False, True, True, False]


@needs_data
@pytest.mark.parametrize("letter", compliance.CONFIGURATIONS)
def test_every_value_of_a_configuration_is_met(letter: str) -> None:
    table = everything()
    rows = table[table["configuration"] == f"configuration {letter.upper()}"]
    stated = pd.read_csv(compliance.reference_file(DATA))
    assert len(rows) == stated.loc[stated["config"] == f"config_{letter.upper()}", "reference_value"].count()
    assert rows.loc[rows["note"] == "", "ok"].all(), rows[~rows["ok"] & (rows["note"] == "")]


@needs_data
def test_the_numbers_that_come_with_radnb_are_the_published_ones() -> None:
    stated = pd.read_csv(compliance.reference_file(DATA)).dropna(subset="reference_value")
    stated = stated[stated["config"] == "digital_phantom"]
    kept = compliance.digital_phantom_reference().set_index("feature")
    assert kept.index.tolist() == [standard.column(tag) for tag in stated["tag"]]
    assert kept["reference"].tolist() == stated["reference_value"].tolist()
    assert kept["tolerance"].tolist() == stated["tolerance"].tolist()


@needs_data
def test_the_codes_are_the_published_ones() -> None:
    stated = pd.read_csv(compliance.reference_file(DATA)).dropna(subset="ibsi_code")
    stated = stated[~stated["tag"].isin(["ih_p10", "ih_p90"])]  # the file has these two one line off
    codes = {feature.tag: feature.code for feature in standard.STANDARD}
    assert stated["tag_base"].map(codes).tolist() == stated["ibsi_code"].tolist()
