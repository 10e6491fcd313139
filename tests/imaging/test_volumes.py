"""An image is read whole, exactly as SimpleITK would, or refused with the mend."""

from __future__ import annotations

import gzip
import struct
from pathlib import Path

import numpy as np
import pytest
import SimpleITK as sitk

from radnb.errors import RadnbError
from radnb.imaging.headers import read_header
from radnb.imaging.volumes import read_volume

FORMATS = ("图.nii", "图.nii.gz", "图.nrrd", "图.nhdr", "图.mha", "图.mhd")


def same(one: sitk.Image, other: sitk.Image) -> bool:
    grids = all(getattr(one, name)() == getattr(other, name)() for name in
                ("GetSize", "GetSpacing", "GetOrigin", "GetDirection", "GetPixelID"))
    return grids and np.array_equal(sitk.GetArrayFromImage(one), sitk.GetArrayFromImage(other))


def code_of(path: Path, **more: float) -> str:
    with pytest.raises(RadnbError) as caught:
        read_volume(path, **more)
    return caught.value.code


@pytest.mark.parametrize("kind", ["u1", "i2", "u2", "i4", "f4", "f8"])
@pytest.mark.parametrize("name", FORMATS)
def test_every_format_and_type_reads_as_simpleitk_reads_it(write, scan, name, kind) -> None:
    path = write(np.clip(scan, 0, 255).astype(kind), name)
    assert same(read_volume(path), sitk.ReadImage(str(path)))


def test_voxels_without_a_value_stay_so_where_itk_applies_a_slope(write) -> None:
    """ITK reads NaN in a NIfTI file as 0."""
    voxels = np.arange(60, dtype="f4").reshape(3, 4, 5)
    voxels[1, 2, 3] = np.nan
    content = bytearray((path := write(voxels, "slope.nii")).read_bytes())
    struct.pack_into("<2f", content, 112, 2.0, 1.0)
    path.write_bytes(content)
    found = sitk.GetArrayFromImage(read_volume(path))
    assert np.isnan(found[1, 2, 3]) and np.isnan(found).sum() == 1 and found[2, 3, 4] == 2 * 59 + 1


def nifti_1(voxels: np.ndarray, *, order: str = "<", slope: float = 0.0) -> bytes:
    head = bytearray(352)
    struct.pack_into(order + "i", head, 0, 348)
    struct.pack_into(order + "8h", head, 40, 3, *voxels.shape[::-1], 1, 1, 1, 1)
    struct.pack_into(order + "2h", head, 70, 4, 16)
    struct.pack_into(order + "8f", head, 76, 1.0, 0.8, 0.9, 3.0, 0, 0, 0, 0)
    struct.pack_into(order + "3f", head, 108, 352.0, slope, -5.0 * bool(slope))
    struct.pack_into(order + "2h", head, 252, 1, 0)
    head[344:348] = b"n+1\0"
    return bytes(head) + voxels.astype(order + "i2").tobytes()


def nifti_2(voxels: np.ndarray) -> bytes:
    head = bytearray(544)
    struct.pack_into("<i8s2h", head, 0, 540, b"n+2\0\r\n\x1a\n", 4, 16)
    struct.pack_into("<8q", head, 16, 3, *voxels.shape[::-1], 1, 1, 1, 1)
    struct.pack_into("<8d", head, 104, 1.0, 0.8, 0.9, 3.0, 0, 0, 0, 0)
    struct.pack_into("<q", head, 168, 544)
    struct.pack_into("<2i", head, 344, 1, 0)
    return bytes(head) + voxels.astype("<i2").tobytes()


@pytest.mark.parametrize("make", [nifti_1, lambda v: nifti_1(v, order=">"), lambda v: nifti_1(v, slope=2.0)],
                         ids=["little", "big-endian", "scaled"])
def test_handmade_nifti_reads_as_simpleitk_reads_it(folder, scan, make) -> None:
    path = folder / "手.nii.gz"
    path.write_bytes(gzip.compress(make(scan), mtime=0))
    assert same(read_volume(path), sitk.ReadImage(str(path)))


def test_nifti_2_which_itk_does_not_know_reads_as_its_nifti_1_twin(folder, scan) -> None:
    (folder / "one.nii").write_bytes(nifti_1(scan))
    (folder / "two.nii").write_bytes(nifti_2(scan))
    assert same(read_volume(folder / "two.nii"), sitk.ReadImage(str(folder / "one.nii")))


def test_a_slope_is_applied(folder, scan) -> None:
    path = folder / "scaled.nii"
    path.write_bytes(nifti_1(scan, slope=2.0))
    assert np.allclose(sitk.GetArrayFromImage(read_volume(path)), scan * 2.0 - 5)


@pytest.mark.parametrize("name", FORMATS)
@pytest.mark.parametrize("kept", [0.5, 0.9, 0.999])
def test_a_truncated_image_is_refused(write, scan, name, kept) -> None:
    path = read_header(write(scan, name)).payload
    path.write_bytes(path.read_bytes()[:int(path.stat().st_size * kept)])
    with pytest.raises(RadnbError, match="copy it again"):
        read_volume(path.with_name(name))


def test_a_truncated_image_has_a_stable_code_and_tells_both_lengths(write, scan) -> None:
    path = write(scan, "t.nii")
    path.write_bytes(path.read_bytes()[:-100])
    assert code_of(path) == "E_CORRUPT"
    with pytest.raises(RadnbError, match=f"promises {scan.nbytes} bytes of voxels, the file holds at most "
                                         f"{scan.nbytes - 100}"):
        read_volume(path)


def test_a_gzip_file_that_lacks_only_its_checksum_is_refused(write, scan) -> None:
    path = write(scan, "t.nii.gz")
    path.write_bytes(path.read_bytes()[:-8])
    assert code_of(path) == "E_CORRUPT"


@pytest.mark.parametrize("name", ["t.nii.gz", "t.nrrd", "t.mha"])
def test_a_flipped_bit_is_noticed_by_the_checksum(write, scan, name) -> None:
    path = write(scan, name)
    content = bytearray(path.read_bytes())
    content[len(content) * 2 // 3] ^= 4
    path.write_bytes(content)
    assert code_of(path) == "E_CORRUPT"


@pytest.mark.parametrize(("name", "content", "mend"), [
    ("a.nii.gz", b"", "0 bytes"),
    ("a.nii.gz", b"\n<!DOCTYPE html><html><body>Sign in</body></html>", "login page.*while logged in"),
    ("a.nrrd", b"<html>no</html>", "web page"),
    ("a.nii", b"\0" * 128 + b"DICM" + b"\0" * 400, "Convert its series"),
    ("a.nii", b"PK\x03\x04" + b"\0" * 400, "Unpack"),
    ("a.nii", b"\1" * 400, "no NIfTI image"),
    ("a.nii.gz", b"\1" * 400, r"Rename it to end in \.nii"),
    ("a.nii", gzip.compress(b"\1" * 400, mtime=0), r"Rename it to end in \.nii\.gz"),
    ("a.png", b"\x89PNG", "Convert it to one of"),
    ("a.nrrd", b"NRRD0004\ntype: short\nencoding: ascii\n\n1 2", "gzip encoding"),
    ("a.mha", b"NDims = 3\n", "no MetaImage"),
])
def test_what_is_no_image_is_refused_with_the_mend(folder, name, content, mend) -> None:
    path = folder / name
    path.write_bytes(content)
    assert code_of(path) == "E_FORMAT"
    with pytest.raises(RadnbError, match=mend):
        read_volume(path)


def test_a_missing_file_is_told(folder) -> None:
    assert code_of(folder / "没有.nii.gz") == "E_MISSING"


def test_time_series_and_colours_are_refused(write, scan) -> None:
    assert code_of(write(np.stack([scan, scan]), "4d.nii.gz", isVector=False)) == "E_DIM"
    assert code_of(write(np.stack([scan.astype(np.uint8)] * 3, axis=-1), "rgb.nii.gz", isVector=True)) == "E_DIM"
    assert code_of(write(np.stack([scan.astype(np.uint8)] * 3, axis=-1), "rgb.nrrd", isVector=True)) == "E_DIM"
    assert code_of(write(np.stack([scan.astype(np.uint8)] * 3, axis=-1), "rgb.mha", isVector=True)) == "E_DIM"
    assert code_of(write(scan[0], "2d.nii.gz")) == "E_DIM"


def test_a_fourth_dimension_of_one_is_no_fourth_dimension(write, scan) -> None:
    path = write(scan[None], "4d.nii.gz", isVector=False)
    assert np.array_equal(sitk.GetArrayFromImage(read_volume(path)), scan)


def test_a_header_that_claims_too_much_is_refused_before_any_memory_is_taken(folder, scan, monkeypatch) -> None:
    content = bytearray(nifti_1(scan))
    struct.pack_into("<8h", content, 40, 3, 30000, 30000, 30000, 1, 1, 1, 1)
    path = folder / "bomb.nii.gz"
    path.write_bytes(gzip.compress(bytes(content), mtime=0))
    assert code_of(path) == "E_TOO_BIG"
    monkeypatch.setenv("RADNB_IMAGE_LIMIT_GB", "100000")
    assert code_of(path) == "E_CORRUPT"  # no gzip file of this size can hold as much


def test_the_limit_can_be_set(write, scan) -> None:
    path = write(scan)
    assert code_of(path, limit_gb=1e-6) == "E_TOO_BIG"
    assert read_volume(path, limit_gb=1.0).GetSize() == (22, 24, 10)


def test_a_decompression_bomb_is_stopped(folder, scan) -> None:
    path = folder / "bomb.nii.gz"
    path.write_bytes(gzip.compress(nifti_1(scan) + bytes(50_000_000)))
    assert code_of(path) == "E_CORRUPT"


def test_several_gzip_members_and_a_short_tail_are_read(folder, scan) -> None:
    content, path = nifti_1(scan), folder / "members.nii.gz"
    members = gzip.compress(content[:1000], mtime=0) + gzip.compress(content[1000:] + b"tail", mtime=0)
    path.write_bytes(members + bytes(16))
    assert np.array_equal(sitk.GetArrayFromImage(read_volume(path)), scan)


def test_a_header_may_not_lead_out_of_its_folder(write, scan, folder) -> None:
    path = write(scan, "in.mhd")
    path.write_text(path.read_text(encoding="utf-8").replace("in.raw", "../../etc/passwd"), encoding="utf-8")
    assert code_of(path) == "E_PATH"


@pytest.mark.parametrize("cut", [60, 200, 300])
def test_a_header_cut_short_is_refused(folder, scan, cut) -> None:
    path = folder / "short.nii"
    path.write_bytes(nifti_1(scan)[:cut])
    assert code_of(path) == "E_FORMAT"
