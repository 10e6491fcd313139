"""The doctor names every part, never raises, and recomputes numbers that the field agreed on."""

from __future__ import annotations

import builtins
import json
import sys
from collections import namedtuple
from collections.abc import Callable
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import pandas as pd
import pytest

from radnb.features import doctor
from radnb.features.engine import native

Usage = namedtuple("Usage", "total used free")
needs_pyradiomics = pytest.mark.skipif(find_spec("radiomics") is None, reason="PyRadiomics could not be built here")


@pytest.fixture
def without_pyradiomics(monkeypatch: pytest.MonkeyPatch) -> None:
    """Let every import of radiomics fail, as where it could not be built."""
    genuine: Callable[..., Any] = builtins.__import__

    def refuse(name: str, *rest: Any, **more: Any) -> Any:
        if name.partition(".")[0] == "radiomics":
            raise ModuleNotFoundError("No module named 'radiomics'")
        return genuine(name, *rest, **more)

    for module in [name for name in sys.modules if name.partition(".")[0] == "radiomics"]:
        monkeypatch.delitem(sys.modules, module)
    monkeypatch.setattr(builtins, "__import__", refuse)


@needs_pyradiomics
def test_every_ibsi_reference_value_is_met() -> None:
    table = doctor.digital_phantom()
    assert list(table.columns) == ["feature", "ibsi_code", "value", "reference", "tolerance", "ok", "note"]
    assert table["ok"].sum() == len(table) == 102


@needs_pyradiomics
@pytest.mark.parametrize(("feature", "reference"), [  # IBSI reference manual v11, tables of the digital phantom
    ("firstorder_Variance", 3.05), ("firstorder_Kurtosis", -0.355), ("glcm_JointEntropy", 2.40),
    ("glszm_LargeAreaEmphasis", 550), ("ngtdm_Busyness", 6.54), ("shape_MajorAxisLength", 11.4)])
def test_a_value_equals_the_manual_to_three_digits(feature: str, reference: float) -> None:
    values = doctor.digital_phantom().set_index("feature")["value"]
    assert float(f"{values[feature]:.3g}") == reference


@needs_pyradiomics
def test_another_definition_is_said_beside_its_value() -> None:
    notes = doctor.digital_phantom().set_index("feature")["note"]
    assert "3 was subtracted" in notes["firstorder_Kurtosis"]
    assert (notes != "").sum() == len(doctor.OTHER_DEFINITION)


def test_a_tolerance_of_zero_means_equal_in_three_digits() -> None:
    value = pd.Series([3.0549, 3.0551, -0.35549, 1494.6, 1495.4, float("nan"), 560.4, 560.6])
    reference = pd.Series([3.05, 3.05, -0.355, 1490, 1490, 1, 556, 556])
    tolerance = pd.Series([0, 0, 0, 0, 0, 0, 4, 4])
    assert doctor.agrees(value, reference, tolerance).tolist() == [True, False, True, True, False, False, True, False]


def test_without_pyradiomics_the_phantom_is_a_table_that_says_so(without_pyradiomics: None) -> None:
    table = doctor.digital_phantom()
    assert len(table) == 102 and not table["ok"].any()
    assert table["note"].str.contains("PyRadiomics cannot be loaded").all()


def test_every_part_has_a_state_and_every_fault_a_mend(tmp_path: Path) -> None:
    table = doctor.diagnose(tmp_path)
    assert list(table.columns) == ["part", "state", "ok", "mend"]
    assert table["part"].is_unique
    assert (table["state"] != "").all()
    assert ((table["mend"] == "") == table["ok"]).all()


def test_a_missing_pyradiomics_is_a_row_with_the_set_ups_own_reason(
        without_pyradiomics: None, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    stamp = {"without_extraction": "no C compiler was found; install gcc", "tools": ["", True]}
    (tmp_path / "radnb-stamp").write_text(json.dumps(stamp), encoding="utf-8")
    monkeypatch.setattr(sys, "prefix", str(tmp_path))
    row = doctor.diagnose(tmp_path).set_index("part").loc["PyRadiomics"]
    assert not row["ok"]
    assert "no C compiler was found; install gcc" in row["state"]
    assert "repeat `python3 run.py doctor`" in row["mend"]


def test_missing_kernels_are_a_row_with_the_set_ups_own_reason(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    (tmp_path / "radnb-stamp").write_text(json.dumps({"without_kernels": "no C compiler was found"}), encoding="utf-8")
    monkeypatch.setattr(sys, "prefix", str(tmp_path))
    monkeypatch.setattr(native, "LIBRARY", tmp_path / "_kernels.so")
    native._library.cache_clear()
    row = doctor.diagnose(tmp_path).set_index("part").loc["Extraction kernels"]
    native._library.cache_clear()
    assert not row["ok"]
    assert "PyRadiomics extracts, more slowly: no C compiler was found" in row["state"]
    assert "repeat `python3 run.py doctor`" in row["mend"]


def test_a_package_of_another_version_than_locked_is_named(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    lock = tmp_path / "requirements.lock"
    lock.write_text("numpy==1.0 \\\n    --hash=sha256:00\nnever-heard-of==2.0 ; sys_platform == 'plan9' \\\n", "utf-8")
    monkeypatch.setattr(doctor, "LOCK", lock)
    row = doctor.diagnose(tmp_path).set_index("part").loc["Packages"]
    assert not row["ok"]
    assert "(locked: 1.0)" in row["state"]
    assert "never-heard-of" not in row["state"]
    assert "repeat `python3 run.py doctor`" in row["mend"]


def test_a_full_disk_and_a_folder_of_somebody_else_are_rows(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setattr(doctor.shutil, "disk_usage", lambda folder: Usage(9e9, 8e9, 1e9))
    table = doctor.diagnose(tmp_path / "absent").set_index("part")
    assert not table.loc["Disk", "ok"]
    assert table.loc["Disk", "state"] == "1.0 GB free"
    assert not table.loc["Workspace", "ok"]
    assert "Change to a folder of your own" in table.loc["Workspace", "mend"]
