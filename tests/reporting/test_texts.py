from __future__ import annotations

import re
import string
from pathlib import Path

import pytest

from radnb.errors import RadnbError
from radnb.learning.harmonise import HARMONISERS
from radnb.learning.imbalance import OVERSAMPLERS
from radnb.learning.impute import IMPUTERS
from radnb.learning.models import CLASSIFIERS, SURVIVORS
from radnb.learning.selection import SELECTORS
from radnb.learning.splits import DESIGNS
from radnb.learning.thresholds import THRESHOLDS
from radnb.reporting.style import FONTS
from radnb.reporting.texts import BANNED, CATALOGUE, catalogue, full_width, text
from radnb.reporting.wording import one_choice
from tests.reporting.stories import story

SOURCE = Path(__file__).parents[2] / "radnb" / "reporting"


def placeholders(words: str) -> set[str]:
    return {name for _, name, _, _ in string.Formatter().parse(words) if name is not None}


def test_every_text_has_both_languages_and_the_same_placeholders() -> None:
    assert [key for key, words in catalogue().items() if set(words) != {"en", "zh"}] == []
    assert [key for key, words in catalogue().items() if placeholders(words["en"]) != placeholders(words["zh"])] == []


@pytest.mark.parametrize("language", ["en", "zh"])
def test_no_text_uses_a_banned_word(language: str) -> None:
    found = [(key, word) for key, words in catalogue().items() for word in BANNED[language]
             if word in words[language].lower().replace("ai建议", "AI建议")]
    assert not found


def test_chinese_texts_use_full_width_punctuation() -> None:
    halves = re.compile(r"[\u4e00-\u9fff]\s*[,;:?()]|[,;:?(]\s*[\u4e00-\u9fff]")
    assert [key for key, words in catalogue().items() if halves.search(words["zh"])] == []
    assert full_width("科研,不得(用于)决策:1:2") == "科研\uff0c不得\uff08用于\uff09决策\uff1a1:2"


def test_the_shipped_font_has_every_sign_of_the_catalogue() -> None:
    from fontTools.ttLib import TTFont

    known = set(map(chr, TTFont(FONTS / "radnbSansSC-Regular.ttf").getBestCmap()))
    used = {sign for words in catalogue().values() for sign in words["en"] + words["zh"]}
    assert used - known == set()


def test_every_key_that_the_code_names_is_in_the_catalogue() -> None:
    named = {key for path in SOURCE.glob("*.py")
             for key in re.findall(r'\btext\(\s*"([a-z0-9_.]+)"', path.read_text(encoding="utf-8"))}
    assert len(named) > 60
    assert named - set(catalogue()) == set()


def test_an_unknown_text_is_refused_with_the_nearest_key() -> None:
    with pytest.raises(RadnbError, match=r"first\.research"):
        text("first.reserch", "en")


def test_an_unknown_language_is_refused() -> None:
    with pytest.raises(RadnbError, match="Use en or zh"):
        text("stop", "fr")


def test_the_words_of_the_first_screen_are_those_of_the_inference_page() -> None:
    assert text("first.research", "en") == "Research use only; not for deciding treatment."
    assert text("first.research", "zh").replace("\uff0c", ",") == "仅供科研,不得用于治疗决策。"
    assert text("limits.always", "en") == "This does not show that surgery or dissection can be avoided."
    assert text("limits.always", "zh") == "不能据此认为可免手术或免清扫。"
    for language, words in (("en", "was not shown to improve"), ("zh", "未显示改善")):
        assert words in text("verdict.adding.not_shown", language, predictors="age", primary="", comparator="")


def test_a_model_made_of_others_names_them_in_words() -> None:
    made = {"voting": {"bases": ["lda", {"svm": {"kernel": "rbf"}}], "average": "rank"}}
    said = one_choice(story("improved"), "learner", made)
    assert "bases = linear discriminant analysis" in said and "a support vector machine (kernel = rbf)" in said
    staged = {"two_stage": {"cut": 2, "first_selector": [{"anova": {"k": 5}}]}}
    assert "first_selector = analysis of variance (the 5 best features)" in one_choice(story(), "learner", staged)


FAMILIES = {"selector": SELECTORS, "learner": CLASSIFIERS | SURVIVORS, "design": DESIGNS, "harmonise": HARMONISERS,
            "imbalance": OVERSAMPLERS, "threshold": THRESHOLDS, "way": IMPUTERS,
            "short": SELECTORS | CLASSIFIERS | SURVIVORS}


@pytest.mark.parametrize("key", [f"{family}.{name}" for family, names in FAMILIES.items() for name in names])
def test_every_choice_of_a_card_has_words(key: str) -> None:
    assert key in catalogue(), f"texts.yaml lacks {key}: say in both languages what it is"


@pytest.mark.parametrize("name", [*SELECTORS, *CLASSIFIERS, *SURVIVORS])
def test_short_names_fit_a_figure(name: str) -> None:
    assert len(text(f"short.{name}", "en")) <= 20 and len(text(f"short.{name}", "zh")) <= 12


def test_no_key_stands_twice_in_the_catalogue() -> None:
    keys = re.findall(r"^([^\s#][^:\n]*(?::[^ \n][^:\n]*)*): \{", CATALOGUE.read_text(encoding="utf-8"), re.MULTILINE)
    assert len(keys) == len(catalogue()), sorted({key for key in keys if keys.count(key) > 1})
