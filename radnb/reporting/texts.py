"""The one catalogue of everything that a report says, in English and Chinese."""

from __future__ import annotations

import functools
from collections.abc import Mapping
from pathlib import Path

import yaml

from radnb.errors import RadnbError, nearest

CATALOGUE = Path(__file__).parent / "texts.yaml"
BANNED = {"en": ("accurate", "significant", "ai recommends", "validated"),
          "zh": ("AI建议", "显著", "准确", "已验证", "经验证")}


@functools.lru_cache(maxsize=1)
def catalogue() -> Mapping[str, Mapping[str, str]]:
    """Return all texts by key and language."""
    found: Mapping[str, Mapping[str, str]] = yaml.safe_load(CATALOGUE.read_text(encoding="utf-8"))
    return found


def has(key: str) -> bool:
    """Say whether the catalogue knows a key."""
    return key in catalogue()


def text(key: str, language: str, **values: object) -> str:
    """Return a text in a language with its placeholders filled."""
    if key not in catalogue():
        raise RadnbError(f"texts.yaml has no text {key!r}. {nearest(key, catalogue())}", code="E_TEXT")
    if language not in catalogue()[key]:
        raise RadnbError(f"language {language!r} is unknown. Use en or zh.", code="E_CONFIG")
    return catalogue()[key][language].format(**values)
