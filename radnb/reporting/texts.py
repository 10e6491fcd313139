"""The one catalogue of everything that a report says, in English and Chinese."""

from __future__ import annotations

import functools
import re
from collections.abc import Mapping
from pathlib import Path

import yaml

from radnb.errors import RadnbError, nearest

WIDE = {ord(half): ord(half) + 0xFEE0 for half in ",:;()~?"}  # the full-width forms of Unicode
CATALOGUE = Path(__file__).parent / "texts.yaml"
BANNED = {"en": ("accurate", "significant", "ai recommends", "validated"),
          "zh": ("AI建议", "显著", "准确", "已验证", "经验证")}


@functools.lru_cache(maxsize=1)
def catalogue() -> Mapping[str, Mapping[str, str]]:
    """Return all texts by key and language."""
    found: Mapping[str, Mapping[str, str]] = yaml.safe_load(CATALOGUE.read_text(encoding="utf-8"))
    return {key: {language: full_width(said) if language == "zh" else said for language, said in words.items()}
            for key, words in found.items()}


def full_width(words: str) -> str:
    """Give Chinese words the punctuation of Chinese; numbers such as 1:2 keep theirs."""
    wide = re.sub(r"(?<!\d)[,:;()~?]|[,:;()~?](?!\d)", lambda found: found.group().translate(WIDE), words)
    return re.sub("[ ]*([\uff08\uff09\uff0c\uff1a\uff1b])[ ]*", r"\1", wide)


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
