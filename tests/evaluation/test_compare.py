"""The verdict: three kinds, and what external patients may change."""

from __future__ import annotations

import numpy as np
import pytest

from radnb.evaluation.compare import Compared, from_chance, verdict
from radnb.evaluation.honesty import Figure, alone

ASKED = {"model": "combined", "comparator": "clinical", "metric": "auc", "relevant": 0.1}


def compared(value, low, high, name="internal"):
    figure = Figure(value, low, high, "m") if np.isfinite(low) else alone(value, "too few events")
    return Compared(figure, name, 100, 40, 0.01, 0.02)


@pytest.mark.parametrize(("value", "low", "high", "kind", "reason"), [
    (0.10, 0.02, 0.18, "improved", "interval_above_zero"),
    (0.02, -0.05, 0.09, "not_shown", "relevant_difference_excluded"),
    (0.04, -0.08, 0.16, "too_few", "relevant_difference_not_excluded"),
    (-0.2, -0.3, -0.1, "not_shown", "interval_below_zero"),
    (0.10, np.nan, np.nan, "too_few", "no_interval"),
])
def test_the_kind_follows_the_interval_and_the_relevant_difference(value, low, high, kind, reason):
    found = verdict([compared(value, low, high)], **ASKED)
    assert (found.kind, found.reasons[0], found.external) == (kind, reason, False)


@pytest.mark.parametrize(("low", "high", "kind", "reason"), [
    (0.01, 0.2, "improved", "external_agrees"),
    (-0.1, 0.2, "improved", "external_not_shown"),
    (-0.3, -0.1, "not_shown", "external_contradicts"),
    (np.nan, np.nan, "improved", "external_too_few"),
])
def test_external_patients_confirm_or_contradict_but_do_not_decide(low, high, kind, reason):
    found = verdict([compared(0.1, 0.05, 0.15), compared(0.0, low, high, "external")], **ASKED)
    assert (found.kind, found.reasons[-1], found.external, found.set) == (kind, reason, True, "internal")


def test_external_patients_alone_decide():
    found = verdict([compared(0.1, 0.05, 0.15, "external")], **ASKED)
    assert (found.kind, found.external, found.set) == ("improved", True, "external")


def test_without_a_comparator_the_model_is_held_against_chance():
    found = verdict([Compared(from_chance(Figure(0.7, 0.6, 0.8, "m")), "internal", 9, 3, 0.1, 0.1)],
                    **{**ASKED, "comparator": None})
    assert (found.kind, found.reasons[-1]) == ("improved", "no_comparator")
    assert found.low == pytest.approx(0.1)


@pytest.mark.parametrize(("low", "high", "kind"), [(0.01, 0.2, "improved"), (-0.05, 0.09, "not_shown"),
                                                   (np.nan, np.nan, "too_few")])
def test_of_directions_between_hospitals_the_least_favourable_decides(low, high, kind):
    both = [compared(0.1, 0.05, 0.15, "A → B"), compared(0.05, low, high, "B → A"), compared(0.3, 0.2, 0.4, "C → A")]
    for order in (both, both[::-1]):
        found = verdict(order, **ASKED)
        assert (found.kind, found.set, found.external) == (kind, "B → A", True)
