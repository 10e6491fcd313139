"""The store keeps whole results only, reads fast, and survives damage and company."""

from __future__ import annotations

import os

import pytest

from radnb.errors import RadnbError
from radnb.features.store import Store

ROW = {"original_firstorder_Mean": 0.1 + 0.2, "original_glcm_MCC": float("nan")}


@pytest.fixture
def store(tmp_path) -> Store:
    found = Store(tmp_path / "特征 库")
    found.open_group("g", {"engine": "test"})
    return found


def test_what_was_put_is_got_back_exactly_before_and_after_consolidating(store) -> None:
    store.put("g", "aa11", ROW)
    store.put("g", "bb22", {"other": 1.0})
    for _ in range(2):
        found = store.get("g", ["bb22", "aa11", "cc33"])
        assert found["aa11"]["original_firstorder_Mean"] == 0.1 + 0.2
        assert found["aa11"]["original_glcm_MCC"] != found["aa11"]["original_glcm_MCC"]
        assert found["bb22"] == {"other": 1.0} and set(found) == {"aa11", "bb22"}
        store.consolidate("g")
    assert not list(store.folder.glob("**/shards/*/*.parquet"))


def test_groups_are_kept_apart(store) -> None:
    store.put("g", "aa11", ROW)
    assert store.get("h", ["aa11"]) == {}


def test_four_hundred_shards_and_their_part_hold_the_same(store) -> None:
    keys = [f"{n:02x}{n:06d}" for n in range(420)]
    row = {f"original_glcm_feature{n}": n / 7 for n in range(200)}
    for key in keys:
        store.put("g", key, row)
    shards = store.get("g", keys)
    store.consolidate("g")
    assert store.get("g", keys) == shards == dict.fromkeys(keys, row)


@pytest.mark.parametrize("merged", [False, True])
def test_no_flipped_bit_nor_missing_byte_ever_changes_a_value(store, merged) -> None:
    row = {f"f{n}": n / 3 for n in range(3)}
    store.put("g", "aa11", row)
    if merged:
        store.consolidate("g")
    path, = store.folder.glob("g/part-*.parquet" if merged else "g/shards/aa/*.parquet")
    good = path.read_bytes()
    for place in range(0, len(good), 3):
        path.write_bytes(good[:place] + bytes([good[place] ^ 1 << place % 8]) + good[place + 1:])
        assert store.get("g", ["aa11"]) in ({}, {"aa11": row})
    for kept in (0, 20, len(good) - 1):
        path.write_bytes(good[:kept])
        assert store.get("g", ["aa11"]) == {} and not path.exists()
    assert store.damaged > 100


def test_a_half_written_file_is_never_read(store) -> None:
    store.put("g", "aa11", ROW)
    shard, = store.folder.glob("g/shards/aa/*.parquet")
    (shard.parent / ".radnb-tmp-xy.parquet").write_bytes(b"half")
    store.consolidate("g")
    assert set(store.get("g", ["aa11"])) == {"aa11"} and store.damaged == 0


def test_two_processes_may_consolidate_and_read_at_once(store) -> None:
    other = Store(store.folder)
    store.put("g", "aa11", ROW)
    other.consolidate("g")
    store.put("g", "bb22", ROW)
    store.consolidate("g")
    store.put("g", "aa11", ROW)  # computed by both
    other.consolidate("g")
    assert set(other.get("g", ["aa11", "bb22"])) == {"aa11", "bb22"}


def test_a_file_is_hashed_again_only_when_its_size_or_times_change(store, tmp_path, monkeypatch) -> None:
    file = tmp_path / "图.nii"
    file.write_bytes(b"one")
    os.utime(file, (1, 1))
    first, _ = store.hashes([str(file)])
    read = []
    monkeypatch.setattr("radnb.features.store.sha256_image", lambda path: read.append(path) or "new")
    assert store.hashes([str(file)]) == (first, set()) and not read
    file.write_bytes(b"two")
    assert store.hashes([str(file)]) == ({str(file): "new"}, {str(file)}) and len(read) == 1


def test_machines_note_what_they_read_apart_and_know_it_together(store, tmp_path, monkeypatch) -> None:
    file = tmp_path / "图.nii"
    for host, content in (("node z", b"one"), ("node a", b"two")):  # changed between, and read again by another machine
        monkeypatch.setattr("socket.gethostname", lambda host=host: host)
        file.write_bytes(content)
        os.utime(file, (1, 1))
        found, _ = store.hashes([str(file)])
    assert len(list(store.folder.glob("hashes-*.jsonl"))) == 2
    monkeypatch.setattr("radnb.features.store._sha256", lambda path: "read again")
    assert store.hashes([str(file)]) == (found, set())


def test_more_cases_than_a_block_are_merged_into_several_parts(store, monkeypatch) -> None:
    monkeypatch.setattr("radnb.features.store._BLOCK", 3)
    keys = [f"{n:02x}{n:06d}" for n in range(8)]
    for n, key in enumerate(keys):
        store.put("g", key, {"a": n, "b": n / 3})
    before = store.table("g", keys)
    store.consolidate("g")
    assert len(store.parts("g")) == 3 and store.table("g", keys).equals(before)
    assert before["a"].tolist() == [*range(8)] and list(before.index) == keys


def test_a_file_written_this_moment_is_hashed_again_next_time(store, tmp_path, monkeypatch) -> None:
    file = tmp_path / "young.nii"
    file.write_bytes(b"one")
    store.hashes([str(file)])
    monkeypatch.setattr("radnb.features.store.sha256_image", lambda path: "read again")
    assert store.hashes([str(file)])[0] == {str(file): "read again"}


def test_missing_files_have_no_hash_and_a_broken_index_is_made_anew(store, tmp_path) -> None:
    (store.folder / "hashes.jsonl").write_text("{broken", encoding="utf-8")
    assert store.hashes([str(tmp_path / "none")]) == ({}, set())


def test_a_folder_that_cannot_be_written_is_told_before_any_work(tmp_path) -> None:
    (tmp_path / "file").write_text("", encoding="utf-8")
    with pytest.raises(RadnbError, match="folder of your own") as caught:
        Store(tmp_path / "file" / "store").open_group("g", {})
    assert caught.value.code == "E_WRITE"


def test_what_killed_writers_left_long_ago_is_swept(store) -> None:
    old, young = store.folder / "g" / ".radnb-tmp-old", store.folder / "g" / ".radnb-tmp-young"
    for left in (old, young):
        left.write_bytes(b"")
    os.utime(old, (1, 1))
    store.open_group("g", {})
    assert young.exists() and not old.exists()
