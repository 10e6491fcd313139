"""How numbers are written: sensible digits, true minus signs, intervals in the reader's language."""

from __future__ import annotations

import math
from collections.abc import Sequence

PERCENT = frozenset({"sensitivity", "specificity", "ppv", "npv", "accuracy", "balanced_accuracy",
                     "correct_class", "within_one_grade"})
DIGITS = {"brier": 3, "net_benefit": 3, "median_survival_months": 1}
NONE = "–"


def number(value: float | None, digits: int = 2, *, sign: bool = False) -> str:
    """Write a number with a fixed number of digits, a true minus, and a dash where there is none."""
    if value is None or not math.isfinite(value):
        return NONE
    text = f"{value:+.{digits}f}" if sign else f"{value:.{digits}f}"
    bare = text.lstrip("+-")
    if not bare.strip("0."):
        return bare
    return text.replace("-", "−")


def digits_of(metric: str, *values: float) -> int:
    """Return how many digits a metric is shown with: one more where rounding would hide the sign of a difference."""
    digits = DIGITS.get(metric.split("[")[0], 2)
    hidden = any(0 < abs(value) < 0.5 * 10**-digits for value in values)
    return digits + (metric.endswith("_difference") and hidden)


def p_value(value: float | None) -> str:
    """Write a p with three digits, and never as zero."""
    if value is None or not math.isfinite(value):
        return NONE
    return "<0.001" if value < 0.001 else f"{value:.3f}"


def percent(value: float | None, digits: int = 0) -> str:
    """Write a share as a percentage."""
    return NONE if value is None or not math.isfinite(value) else f"{number(100 * value, digits)}%"


def span(low: str, high: str, language: str) -> str:
    """Write the two ends of an interval, or nothing where one is missing."""
    if NONE in (low, high):
        return ""
    return f"\uff08{low}\uff5e{high}\uff09" if language == "zh" else f" ({low} to {high})"


def metric_text(metric: str, value: float, low: float, high: float, language: str) -> str:
    """Write a metric with its interval, as a percentage where that is usual."""
    name = metric.split("[")[0]
    if name.endswith("_p"):
        return p_value(value)
    signed = name.endswith("_difference")
    if name in PERCENT or name.startswith("survival_"):
        parts = [percent(v) for v in (value, low, high)]
    else:
        parts = [number(v, digits_of(name, value, low, high), sign=signed) for v in (value, low, high)]
    return parts[0] + span(parts[1], parts[2], language)


def joined(words: Sequence[str], language: str) -> str:
    """Join words as the language lists them."""
    if language == "zh":
        return "、".join(words[:-1]) + ("和" if len(words) > 1 else "") + words[-1] if words else ""
    return ", ".join(words[:-1]) + (" and " if len(words) > 1 else "") + words[-1] if words else ""


def either(words: Sequence[str], language: str) -> str:
    """List words of which each one holds: a, b or c."""
    if language == "zh":
        return "、".join(words[:-1]) + ("或" if len(words) > 1 else "") + words[-1] if words else ""
    return ", ".join(words[:-1]) + (" or " if len(words) > 1 else "") + words[-1] if words else ""


def shares(values: Sequence[float], total: int = 100) -> list[int]:
    """Round shares to whole numbers that add up to the total (largest remainders)."""
    whole = sum(values) or 1.0
    exact = [total * value / whole for value in values]
    floors = [math.floor(value + 1e-9) for value in exact]
    order = sorted(range(len(exact)), key=lambda i: (round(floors[i] - exact[i], 9), i))
    for position in order[: total - sum(floors)]:
        floors[position] += 1
    return floors
