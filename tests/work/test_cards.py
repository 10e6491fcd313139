"""A YAML card is read without surprises, and a broken one is told in one sentence with its line."""

from __future__ import annotations

from pathlib import Path

import pytest

from radnb.errors import RadnbError
from radnb.work.cards import read_card


def test_words_that_yaml_would_twist_stay_words(tmp_path: Path) -> None:
    path = tmp_path / "卡 片.yaml"
    path.write_text("\ufefflevels: [no, on, 007, 12:30, 2024-01-31]\nflag: true\nn: 5\nx: 0.5\nnone: ~\n",
                    encoding="utf-8")
    assert read_card(path) == {"levels": ["no", "on", "007", "12:30", "2024-01-31"], "flag": True, "n": 5, "x": 0.5,
                               "none": None}


@pytest.mark.parametrize(("text", "said"), [
    ("a: &x [1]\nb: *x\n", "line 2: aliases"),
    ("a: 1\nb:\n  c: 1\n  c: 2\n", "line 4: the key 'c' stands here twice"),
    ("a: 1\n\tb: 2\n", "line 2: a tab stands"),
    ("a: b: c\n", "line 1: this is not valid YAML"),
    ("a: [1, 2\n", "this is not valid YAML"),
    ("a: !!python/object/apply:os.system [ls]\n", "line 1: tags such as"),
    ("<<: {a: 1}\n", "a key must be a plain word"),
    ("- a\n- b\n", "Start from the commented template"),
    ("[" * 5000, "nested too deeply"),
    ("a: " + "x" * 1_100_000, "larger than 1 MB"),
])
def test_a_broken_or_hostile_card_is_refused(tmp_path: Path, text: str, said: str) -> None:
    path = tmp_path / "card.yaml"
    path.write_text(text, encoding="utf-8")
    with pytest.raises(RadnbError, match=said):
        read_card(path)


def test_text_in_another_encoding_and_a_mistyped_path_are_told(tmp_path: Path) -> None:
    path = tmp_path / "card.yaml"
    path.write_bytes("name: 队列".encode("gbk"))
    with pytest.raises(RadnbError, match="Save the file as UTF-8"):
        read_card(path)
    with pytest.raises(RadnbError, match=r"Did you mean 'card.yaml'"):
        read_card(tmp_path / "crad.yaml")
