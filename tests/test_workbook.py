"""The steps of the workbook: what was measured, what failed and where it is told."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pandas as pd
import pytest
import SimpleITK as sitk

from radnb.errors import RadnbError
from radnb.extracting import extract_cohort

TABLE = """patient_id,image,mask,phase
=1+1,1.nii.gz,m1.nii.gz,A
002,2.nii.gz,m2.nii.gz,A
003,none.nii.gz,m3.nii.gz,A
"""


@pytest.fixture
def images(tmp_path: Path) -> Path:
    folder = tmp_path / "影像 队列"
    folder.mkdir()
    voxels = np.random.default_rng(0).normal(40, 20, (12, 16, 16)).astype(np.int16)
    mask = np.zeros_like(voxels, dtype=np.uint8)
    mask[3:9, 4:12, 4:12] = 1
    for name, array in (("1", voxels), ("2", voxels + 1), ("m1", mask), ("m2", mask), ("m3", mask)):
        sitk.WriteImage(sitk.GetImageFromArray(array), str(folder / f"{name}.nii.gz"))
    (folder / "images.csv").write_text(TABLE, encoding="utf-8")
    (folder / "manifest.yaml").write_text("name: x\nimages: {file: images.csv}\n", encoding="utf-8")
    (folder / "mine.yaml").write_text("imageType: {Original: {}}\nfeatureClass: {firstorder: [Mean]}\n",
                                      encoding="utf-8")
    return folder


def test_a_failed_case_is_named_and_kept_beside_the_table(images: Path, tmp_path: Path) -> None:
    pytest.importorskip("radiomics")
    out = tmp_path / "out" / "features.csv"
    done = extract_cohort(str(images), str(images / "mine.yaml"), out=out)
    assert done.told[0] == "3 cases: 2 measured now, 0 found in the store, 1 failed."
    assert done.told[1].startswith("  failed: 003, tumour, A, baseline, R1: 影像 队列/none.nii.gz")
    assert pd.read_csv(out, dtype=str)["patient_id"].tolist() == ["002", "'=1+1"]
    assert pd.read_csv(out.parent / "failures.csv", dtype=str)["code"].tolist() == ["E_MISSING"]
    sitk.WriteImage(sitk.ReadImage(str(images / "2.nii.gz")) + 1, str(images / "1.nii.gz"))
    assert extract_cohort(str(images), str(images / "mine.yaml")).sentence.endswith(
        "1 images or masks have changed since they were last read.")


def test_a_table_that_cannot_be_written_is_refused_before_measuring(images: Path) -> None:
    for out in (images / "features.doc", images / "1.nii.gz" / "features.csv"):
        with pytest.raises(RadnbError, match=r"Choose one of these endings|choose a folder of your own"):
            extract_cohort("no such cohort", "ct", out=out)
