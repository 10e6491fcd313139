"""Locks and looks: what tells a confirmatory analysis from an exploratory one."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from radnb.errors import RadnbError
from radnb.looks import lock_card, lock_path, look, plan_hash, status

CARD: dict[str, Any] = {"id": "try", "model": {"svm": {}}, "contact": "somebody"}


def place(folder: Path) -> tuple[Path, Path]:
    return folder / "try.yaml", folder / "looks"


def test_a_card_locked_before_the_first_look_is_confirmatory(tmp_path: Path) -> None:
    card, looks = place(tmp_path)
    assert status(card, CARD, looks).status == "unlocked"
    lock_card(card, CARD, looks)
    look(looks, CARD)
    found = status(card, CARD, looks)
    assert found.status == "locked"
    assert found.locked <= found.looked


def test_a_changed_card_is_exploratory_but_a_new_contact_changes_nothing(tmp_path: Path) -> None:
    card, looks = place(tmp_path)
    lock_card(card, CARD, looks)
    assert status(card, {**CARD, "contact": "somebody else"}, looks).status == "locked"
    assert status(card, {**CARD, "model": {"knn": {}}}, looks).status == "changed"
    assert plan_hash(CARD) != plan_hash({**CARD, "seed": 8})


def test_a_lock_after_the_first_look_is_refused_or_told(tmp_path: Path) -> None:
    card, looks = place(tmp_path)
    looks.mkdir()
    (looks / "try.json").write_text(json.dumps({"first": "2020-01-01T00:00:00Z", "sha256": ""}), encoding="utf-8")
    with pytest.raises(RadnbError, match="--late"):
        lock_card(card, CARD, looks)
    lock_card(card, CARD, looks, late=True)
    assert status(card, CARD, looks).status == "late"


def test_a_lock_is_made_once_and_a_broken_one_is_told(tmp_path: Path) -> None:
    card, looks = place(tmp_path)
    lock_card(card, CARD, looks)
    with pytest.raises(RadnbError, match="new id"):
        lock_card(card, CARD, looks)
    lock_path(card).write_text("{", encoding="utf-8")
    with pytest.raises(RadnbError, match="version control"):
        status(card, CARD, looks)


def test_only_the_first_look_counts(tmp_path: Path) -> None:
    looks = place(tmp_path)[1]
    look(looks, CARD)
    first = (looks / "try.json").read_text(encoding="utf-8")
    look(looks, {**CARD, "seed": 9})
    assert (looks / "try.json").read_text(encoding="utf-8") == first
