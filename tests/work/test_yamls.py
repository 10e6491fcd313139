"""YAML from strangers is read safely, and every fault says its line and mend."""

from __future__ import annotations

from pathlib import Path

import pytest

from radnb.errors import RadnbError
from radnb.work.yamls import LIMIT, read_yaml


def test_plain_yaml_is_read_with_chinese_and_a_byte_order_mark(tmp_path: Path) -> None:
    path = tmp_path / "卡.yaml"
    path.write_bytes("﻿name: 甲医院\nlist: [1, 2]\n".encode())
    assert read_yaml(path) == {"name": "甲医院", "list": [1, 2]}


@pytest.mark.parametrize(("text", "mend"), [
    ("a: 1\na: 2\n", "line 2.*twice"),
    ("a: &x [1]\nb: *x\n", "line 2.*aliases"),
    ("a: !!python/object:os.system {}\n", "line 1"),
    ("a: [1, 2\nb: 3\n", "line 2"),
    ("a: \"" + "x" * LIMIT + "\"", "too many"),
])
def test_dangerous_or_broken_yaml_is_refused(tmp_path: Path, text: str, mend: str) -> None:
    path = tmp_path / "card.yaml"
    path.write_text(text, encoding="utf-8")
    with pytest.raises(RadnbError, match=mend):
        read_yaml(path)


def test_a_file_that_is_no_utf8_says_so(tmp_path: Path) -> None:
    path = tmp_path / "card.yaml"
    path.write_bytes("名: 值".encode("gb18030"))
    with pytest.raises(RadnbError, match="Save it as UTF-8"):
        read_yaml(path)
