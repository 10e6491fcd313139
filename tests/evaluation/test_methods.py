"""Every method has its sentence in both languages, and its R call where there is one."""

from __future__ import annotations

import re

import pytest

from radnb.errors import RadnbError
from radnb.evaluation.methods import FIGURES, METHODS, REFUSALS, method, sentences


def test_numbers_of_a_code_fill_its_sentence():
    found = method("cv20x5_bootstrap50x2_logit")
    assert "20 repeats of 5-fold" in found.en and "50 bootstrap samples" in found.en and "x 2 fold splits" in found.en
    assert "20次重复5折" in found.zh


@pytest.mark.parametrize("code", [*METHODS, *FIGURES, *(f"none: {why}" for why in REFUSALS)])
def test_both_languages_use_the_same_numbers_and_end_as_sentences(code):
    found = method(code.replace("#", "7"))
    assert found.en.endswith(".") and found.zh.endswith("。")
    assert re.search(r"[一-鿿]", found.zh) and not re.search(r"[一-鿿]", found.en)
    assert "{" not in found.en + found.zh
    known = METHODS.get(code)
    if known:
        assert set(re.findall(r"\{\d\}", known.en)) == set(re.findall(r"\{\d\}", known.zh))


def test_sentences_are_said_once_with_their_r_call():
    found = sentences(["delong", "delong", "permuted37"])
    assert len(found) == 2
    assert found[0].endswith("(R: pROC::ci.auc(method='delong'))")
    assert "37" in sentences(["permuted37"], "zh")[0]


def test_an_unknown_code_is_refused():
    with pytest.raises(RadnbError, match="Did you mean 'delong'"):
        method("delongs")
