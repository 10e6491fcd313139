"""Cases have whole keys, absolute paths inside the data root, and every fault is told with its row."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from radnb.cohort.cases import COLUMNS, cases, find_cases
from radnb.cohort.manifest import Manifest
from radnb.errors import RadnbError

Write = Callable[..., Manifest]
Make = Callable[[str], str]
CARD = "name: x\nimages: {file: images.csv}\n"
GOOD = """patient_id,phase,image,mask,label
007,arterial,图 像/007 A.nii.gz,图 像/007 A mask.nii.gz,
NA,arterial,图 像/NA A.nii.gz,图 像/NA A mask.nii.gz,2
"""


def test_left_out_columns_take_their_defaults_and_paths_become_absolute(write: Write, images: Make,
                                                                        folder: Path) -> None:
    table = cases(write(CARD, images=images(GOOD)))
    assert list(table.columns) == COLUMNS
    assert table.loc[0, ["patient_id", "roi", "phase", "timepoint", "reader", "label", "row"]].tolist() == [
        "007", "tumour", "arterial", "baseline", "R1", 1, 2]
    assert table["label"].tolist() == [1, 2] and table["patient_id"].tolist() == ["007", "NA"]
    assert table.loc[0, "image"] == str(folder.resolve() / "图 像" / "007 A.nii.gz")


def test_columns_may_have_the_users_own_names_and_windows_paths(write: Write, images: Make) -> None:
    images(GOOD)
    card = ("name: x\nimages: {file: images.csv, "
            "columns: {patient_id: 编号, image: 图像, mask: 勾画, reader: 医生（读片）}}\n")
    table = cases(write(card, images="编号,图像,勾画,医生(读片)\n7,图 像\\007 A.nii.gz,图 像\\007 A mask.nii.gz,王\n"))
    assert table.loc[0, ["patient_id", "reader"]].tolist() == ["7", "王"]
    assert Path(table.loc[0, "image"]).is_file()


@pytest.mark.parametrize(("row", "code", "mend"), [
    ("1,a,../x.nii.gz,m.nii.gz,1", "E_PATH", r"row 2, column image.*outside the data root"),
    ("1,a,/etc/hostname,m.nii.gz,1", "E_PATH", "outside the data root"),
    ("1,a,//host/share/x.nii.gz,m.nii.gz,1", "E_PATH", "outside the data root"),
    ("1,a,i.nii.gz,,1", "E_CELL", r"column mask.*Write its path, or delete the row"),
    ("1,a,i.dcm,m.nii.gz,1", "E_FORMAT", "convert DICOM to NIfTI"),
    ("1,a,i.nii.gz,m.nii.gz,0", "E_CELL", "the label '0' is not a whole number from 1"),
    ("1,a,i.nii.gz,m.nii.gz,1.5", "E_CELL", "Write the number that the tumour has"),
    ("1,a,i.nii.gz,i.nii.gz,1", "E_CELL", "Write the path of the mask"),
    (",a,i.nii.gz,m.nii.gz,1", "E_ID", "the patient id is empty"),
    ("1E+05,a,i.nii.gz,m.nii.gz,1", "E_ID", "Format the column as text"),
    ("1,a,i.nii.gz,m.nii.gz,1\n1,a,j.nii.gz,n.nii.gz,1", "E_DUP", r"rows 2, 3 are the same case"),
    ("p1,a,i.nii.gz,m.nii.gz,1\nP1,b,j.nii.gz,n.nii.gz,1", "E_DUP", "differ only in case"),
    ("1,a,i.nii.gz,m.nii.gz,1\n2,a,i.nii.gz,n.nii.gz,1", "E_LEAK", r"belongs to several patients: '1', '2'"),
])
def test_a_contradictory_row_is_refused_with_place_and_mend(write: Write, images: Make, row: str, code: str,
                                                            mend: str) -> None:
    manifest = write(CARD, images=images(f"patient_id,phase,image,mask,label\n{row}\n"))
    with pytest.raises(RadnbError, match=mend) as caught:
        cases(manifest)
    assert caught.value.code == code


def test_links_that_leave_the_root_are_not_followed(write: Write, images: Make, folder: Path, tmp_path: Path) -> None:
    (tmp_path / "secret.nii.gz").touch()
    manifest = write(CARD, images=images("patient_id,image,mask\n1,i.nii.gz,m.nii.gz\n"))
    (folder / "i.nii.gz").unlink()
    try:
        (folder / "i.nii.gz").symlink_to(tmp_path / "secret.nii.gz")
    except OSError:
        pytest.skip("this system does not let us make links")
    with pytest.raises(RadnbError, match="a link out of it is refused"):
        cases(manifest)


def test_one_missing_file_is_left_to_the_extraction_but_all_missing_stop_at_once(write: Write, images: Make) -> None:
    text = "patient_id,image,mask\n1,i.nii.gz,m.nii.gz\n2,MISSING_i.nii.gz,m2.nii.gz\n"
    manifest = write(CARD, images=images(text))
    assert len(cases(manifest)) == 2
    assert [(p.code, p.row) for p in find_cases(manifest)[1]] == [("E_FILE", 3)]
    with pytest.raises(RadnbError, match="The same holds for every row: check data_root"):
        cases(write(CARD, images="patient_id,image,mask\n1,MISSING.nii.gz,m.nii.gz\n"))


def test_a_missing_column_is_named_with_its_nearest_and_a_near_name_is_not_silently_ignored(write: Write) -> None:
    with pytest.raises(RadnbError, match=r"no column 'image' for image. Did you mean 'imgae'"):
        cases(write(CARD, images="patient_id,imgae,mask\n1,i.nii.gz,m.nii.gz\n"))
    _, problems = find_cases(write(CARD, images="patient_id,pahse,image,mask\n1,A,i.nii.gz,m.nii.gz\n"))
    assert [p.column for p in problems if p.code == "W_COLUMN"] == ["pahse"]
