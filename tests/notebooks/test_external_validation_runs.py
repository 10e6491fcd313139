"""The notebook of external validations runs headlessly, with the models that its card names."""

from __future__ import annotations

import json
from pathlib import Path

import pandas as pd
import pytest
import yaml

from radnb.cohort.synth import SYNTH
from radnb.running import Job, run
from radnb.workbook import fingerprint, open_run


@pytest.fixture
def card(tmp_path: Path) -> Path:
    """Write a card with a published signature, and the signature beside it."""
    signature = {"name": "made-up", "reference": "Nobody 2020", "outcome": {"g1_vs_g23": {}}, "link": "logistic",
                 "intercept": -1.0, "features": {"original_glcm_JointEntropy": 0.8, "age": 0.01}, "cut_off": 0.5,
                 "clinical": ["age"], "images": {"phases": ["arterial"]}, "extraction": "demo"}
    (tmp_path / "signature.yaml").write_text(yaml.safe_dump(signature), encoding="utf-8")
    given = {"id": "tried-elsewhere", "family": "grading", "notebook": "external_validation", "manifest": "demo",
             "question": {"en": "Does it hold?", "zh": "是否成立?"}, "frozen": "signature.yaml",
             "patients": {"diagnosis": ["PNET"]}}
    (tmp_path / "tried-elsewhere.yaml").write_text(yaml.safe_dump(given, allow_unicode=True), encoding="utf-8")
    return tmp_path / "tried-elsewhere.yaml"


def test_an_external_validation_runs_whole(card: Path, tmp_path: Path) -> None:
    SYNTH["pancreas"](tmp_path / "cohort", seed=8, n=60, images=False)
    cohort = str(tmp_path / "cohort" / "manifest.yaml")
    report = run(Job(str(card), tmp_path / "out", cohort, language="zh")).read_text(encoding="utf-8")
    assert "仅供科研" in report and "Nobody 2020" in report and str(tmp_path) not in report
    metrics = pd.read_csv(tmp_path / "out" / "metrics.csv")
    assert set(metrics["set"]) == {"external"} and "delong" in set(metrics["method"])
    record = json.loads((tmp_path / "out" / "run.json").read_text(encoding="utf-8"))
    assert record["status"] == "complete" and "frozen signature.yaml" in record["inputs_sha256"]
    before = fingerprint(open_run(str(card), manifest=cohort))
    signature = card.with_name("signature.yaml")
    signature.write_text(signature.read_text(encoding="utf-8").replace("0.8", "0.9"), encoding="utf-8")
    assert fingerprint(open_run(str(card), manifest=cohort)) != before
