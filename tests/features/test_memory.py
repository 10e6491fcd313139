"""Memory is estimated from headers, processes are as many as fit, and what fits nowhere is refused with the mend."""

from __future__ import annotations

import gzip
import struct
from pathlib import Path

import numpy as np
import pytest

from radnb.features import memory
from radnb.features.engines import ENGINES
from radnb.features.extraction import extract
from radnb.features.settings import checked, settings
from radnb.imaging.headers import Header, read_header

WHOLE = checked({"imageType": {"Wavelet": {}}, "featureClass": {"firstorder": ["Mean"]}}, name="whole")


def test_filters_without_resampling_run_over_the_whole_image_and_else_over_the_region() -> None:
    assert memory.filtered_voxels((512, 512, 160), (0.8, 0.8, 2.5), WHOLE, (50, 50, 20)) == 512 * 512 * 160
    card = settings("ct")
    assert memory.filtered_voxels((512, 512, 160), (0.8, 0.8, 2.5), card, (50, 50, 20)) == pytest.approx(60 * 60 * 70)


def test_pyradiomics_on_a_whole_field_of_view_is_estimated_near_what_was_measured(tmp_path) -> None:
    """Measured: 6.3 GB for 512 x 512 x 160 with LoG and wavelets on the native grid."""
    head = bytearray(352)
    struct.pack_into("<i", head, 0, 348)
    struct.pack_into("<8h", head, 40, 3, 512, 512, 160, 1, 1, 1, 1)
    struct.pack_into("<2h", head, 70, 4, 16)
    struct.pack_into("<3f", head, 108, 352.0, 1, 0)
    head[344:348] = b"n+1\0"
    (tmp_path / "a.nii.gz").write_bytes(gzip.compress(bytes(head)))
    assert 5e9 < memory.case_bytes(read_header(tmp_path / "a.nii.gz"), WHOLE, 160) < 9e9


def test_radnb_s_engine_filters_boxes_and_its_estimate_lies_above_what_was_measured() -> None:
    """Measured on 512 x 512 x 60 (int16, wavelets, a box of 482 x 482 x 60): 1.51 GB; small regions add nothing."""
    engine, spacing = ENGINES["radnb"], (0.8, 0.8, 1.0)
    assert engine.boxes_only(WHOLE) and not ENGINES["pyradiomics"].boxes_only(WHOLE)
    assert not engine.boxes_only(checked({"setting": {"definitions": "ibsi"}}, name="ibsi"))
    large, small = (memory.filtered_voxels((512, 512, 60), spacing, WHOLE, box, in_boxes=True)
                    for box in ((482, 482, 60), (50, 50, 50)))
    read = 512 * 512 * 60 * (2 * memory.COPIES + 1)
    assert 1.51e9 * 1.05 < memory.PROCESS + read + large * engine.bytes_per_voxel < 1.51e9 * 1.3
    assert small * engine.bytes_per_voxel < 2e7


def test_a_normalised_image_is_held_in_doubles_unless_it_is_resampled_or_cropped_first() -> None:
    header = Header((100, 100, 100), np.dtype(np.int16), Path("a.nii"))
    plain, whole, cropped = (memory.case_bytes(header, checked({"setting": more}, name="n"), 80, in_boxes=True)
                             for more in ({}, {"normalize": True}, {"normalize": True, "preCrop": True}))
    assert whole - plain == 8_000_000 and cropped == plain


@pytest.mark.parametrize(("free", "workers", "said"), [
    (64e9, 8, ""), (8e9, 2, "2 of 8 processes are used: the largest case takes about 3.0 GB"), (1e9, 1, "1 of 8")])
def test_processes_are_as_many_as_fit(free, workers, said) -> None:
    found = memory.fitting(8, int(3e9), int(free))
    assert found[0] == workers and found[1].startswith(said)


def test_a_case_that_fits_nowhere_is_refused_before_it_is_measured(cases, quick, tmp_path, monkeypatch) -> None:
    monkeypatch.setenv("RADNB_MEMORY_GB", "0.1")
    found = extract(cases, settings=quick, store=tmp_path, workers=0)
    assert found.failures["code"].tolist() == ["E_MEMORY"] * 4
    assert "needs about 0.3 GB of memory, and 0.1 GB are free. Resample" in found.failures["message"].iloc[0]


def test_fewer_processes_are_told_in_one_sentence(cases, quick, tmp_path, monkeypatch) -> None:
    pytest.importorskip("radiomics")
    monkeypatch.setenv("RADNB_MEMORY_GB", "0.5")
    found = extract(cases, settings=quick, store=tmp_path, workers=3)
    assert found.notes == ["1 of 3 processes are used: the largest case takes about 0.3 GB of memory, and 0.5 GB "
                           "are free."]
    assert found.counts.computed == 4 and np.isfinite(found.features[list(quick.columns)]).all(axis=None)
