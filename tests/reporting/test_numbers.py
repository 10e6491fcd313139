from __future__ import annotations

import pytest

from radnb.reporting.numbers import joined, metric_text, number, p_value, percent, shares


@pytest.mark.parametrize(("value", "digits", "shown"), [
    (0.8149, 2, "0.81"), (-0.456, 2, "−0.46"), (-0.001, 2, "0.00"), (float("nan"), 2, "–"), (None, 2, "–")])
def test_numbers_have_fixed_digits_and_a_true_minus(value: float | None, digits: int, shown: str) -> None:
    assert number(value, digits) == shown


def test_differences_carry_their_sign() -> None:
    assert number(0.064, 2, sign=True) == "+0.06"
    assert metric_text("auc_difference", 0.064, -0.011, 0.14, "en") == "+0.06 (−0.01 to +0.14)"


def test_rounding_never_hides_on_which_side_of_zero_an_interval_ends() -> None:
    assert metric_text("auc_difference", 0.18, 0.002, 0.36, "en") == "+0.180 (+0.002 to +0.360)"


def test_metrics_are_written_as_their_readers_expect() -> None:
    assert metric_text("auc", 0.812, 0.724, 0.891, "en") == "0.81 (0.72 to 0.89)"
    assert metric_text("auc", 0.812, 0.724, 0.891, "zh") == "0.81\uff080.72\uff5e0.89\uff09"
    assert metric_text("sensitivity[G1]", 0.815, 0.7, 0.9, "en") == "82% (70% to 90%)"
    assert metric_text("permutation_p", 0.0012, float("nan"), float("nan"), "en") == "0.001"


def test_a_missing_interval_is_left_out() -> None:
    assert metric_text("auc", 0.8, float("nan"), float("nan"), "en") == "0.80"


def test_a_p_value_is_never_zero() -> None:
    assert p_value(0.0) == "<0.001"


def test_shares_add_up_to_a_hundred() -> None:
    assert shares([37.6, 4.6, 11.2, 46.6]) == [38, 5, 11, 46]
    assert sum(shares([1, 1, 1])) == 100


def test_lists_are_joined_as_the_language_does() -> None:
    assert joined(["age", "sex", "size"], "en") == "age, sex and size"
    assert joined(["年龄", "性别", "大小"], "zh") == "年龄、性别和大小"
    assert joined([], "en") == joined([], "zh") == ""


def test_percentages_have_a_true_minus() -> None:
    assert percent(-0.031) == "−3%"
