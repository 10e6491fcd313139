"""When a card was locked and when its results were first looked at: what tells confirmatory from exploratory."""

from __future__ import annotations

import time
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

from radnb.errors import RadnbError
from radnb.work import files

APPEARANCE = ("contact", "figure_formats", "multiverse", "not_studied")  # keys that decide on no number
Status = Literal["locked", "changed", "late", "unlocked"]


@dataclass(frozen=True)
class Locked:
    """Whether a card still is what was locked before the first look, with the dates of both."""

    status: Status
    locked: str = ""
    looked: str = ""
    sha256: str = ""


def plan_hash(card: Mapping[str, Any]) -> str:
    """Return the hash of everything on a card that decides on a number."""
    return files.sha256_json({key: value for key, value in card.items() if key not in APPEARANCE})


def lock_path(card: Path) -> Path:
    """Return where the lock of a card lies: beside it, to be committed with it."""
    return card.with_suffix(".lock.json")


def lock_card(card: Path, content: Mapping[str, Any], looks: Path, *, late: bool = False) -> Path:
    """Write the card's hash and the time beside it; after a first look only with `late`, and the report will say so."""
    looked = first_look(looks, str(content["id"]))
    path = lock_path(card)
    if path.is_file():
        raise RadnbError(f"{path.name}: this card was locked already. A changed plan deserves a new id and a new lock.",
                         code="E_LOCKED")
    if looked and not late:
        raise RadnbError(f"{card.name}: its results were first looked at on {looked}, so that a lock now would come "
                         "too late. Lock a card before its first run, or write --late and the report will say so.",
                         code="E_LOCKED")
    files.write_json(path, {"study": content["id"], "sha256": plan_hash(content), "locked": _now()})
    return path


def look(looks: Path, card: Mapping[str, Any]) -> None:
    """Write down the first time that results of this study were computed; later looks change nothing."""
    path = looks / f"{card['id']}.json"
    if not path.is_file():
        files.write_json(path, {"first": _now(), "sha256": plan_hash(card)})


def first_look(looks: Path, name: str) -> str:
    """Return when the results of a study were first computed on this machine, or nothing."""
    try:
        return str(files.read_json(looks / f"{name}.json")["first"])
    except (OSError, ValueError, KeyError):
        return ""


def status(card: Path, content: Mapping[str, Any], looks: Path) -> Locked:
    """Return whether the card is the one that was locked before the first look."""
    looked, own = first_look(looks, str(content["id"])), plan_hash(content)
    try:
        kept = files.read_json(lock_path(card))
        locked, sha256 = str(kept["locked"]), str(kept["sha256"])
    except FileNotFoundError:
        return Locked("unlocked", looked=looked, sha256=own)
    except (OSError, ValueError, KeyError) as error:
        raise RadnbError(f"{lock_path(card).name} cannot be read. Restore it from version control, or delete it and "
                         "count the study as exploratory.", code="E_LOCKED") from error
    if sha256 != own:
        return Locked("changed", locked, looked, own)
    return Locked("late" if looked and looked < locked else "locked", locked, looked, own)


def _now() -> str:
    return time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime())
