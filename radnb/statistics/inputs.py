"""What every statistic asks of its arrays before it counts: equal lengths, no gaps, both classes, times from 0 on."""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np
from numpy.typing import ArrayLike, NDArray

from radnb.errors import RadnbError, raise_all

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]
Bools = NDArray[np.bool_]

Z95 = 1.959963984540054  # the 97.5 % point of the normal distribution


class Estimate(NamedTuple):
    """A number with its 95 % interval and standard error."""

    value: float
    low: float
    high: float
    se: float = float("nan")


class Comparison(NamedTuple):
    """A difference with its 95 % interval, test statistic and two-sided p."""

    value: float
    low: float
    high: float
    se: float
    statistic: float
    p: float


def floats(values: ArrayLike, name: str) -> Floats:
    """Return one column of finite numbers, or say how many are missing."""
    array = np.asarray(values, dtype=float)
    bad = int(np.sum(~np.isfinite(array)))
    if bad:
        raise RadnbError(f"{name}: {bad} of {array.size} values are missing or infinite. "
                         "Leave those patients out, or mend the values.", code="E_MISSING")
    return array


def codes(values: ArrayLike) -> tuple[Ints, NDArray[Any]]:
    """Number labels 0, 1, … in sorted order; return the numbers and the labels."""
    labels, numbers = np.unique(np.asarray(values), return_inverse=True)
    return numbers.astype(np.int64).reshape(-1), labels


def binary(score: ArrayLike, truth: ArrayLike) -> tuple[Floats, Bools]:
    """Return scores and truths that fit each other and hold both classes."""
    scores, classes = floats(score, "score"), floats(truth, "truth")
    problems = []
    if scores.shape[:1] != classes.shape[:1]:
        problems.append(f"score has {len(scores)} rows and truth {len(classes)}. Give one of each per patient.")
    if not np.all(np.isin(classes, (0.0, 1.0))):
        problems.append("truth holds values other than 0 and 1. Code the event as 1, its absence as 0.")
    raise_all(problems)
    if np.all(classes == classes.flat[0] if classes.size else True):
        raise RadnbError("truth holds one class only, so nothing can be told apart. "
                         "Use patients with and without the outcome.", code="E_CLASS")
    return scores, classes == 1


def survival(time: ArrayLike, event: ArrayLike) -> tuple[Floats, Bools]:
    """Return times and events that fit each other, with no negative time and events coded 0 and 1."""
    times, events = floats(time, "time"), floats(event, "event")
    problems = []
    if times.shape != events.shape:
        problems.append(f"time has {times.size} rows and event {events.size}. Give one of each per patient.")
    if np.any(times < 0):
        problems.append(f"time: {int(np.sum(times < 0))} values are negative. "
                        "Count every time from the same time zero onwards.")
    if not np.all(np.isin(events, (0.0, 1.0))):
        problems.append("event holds values other than 0 and 1. Code the event as 1, censoring as 0.")
    raise_all(problems, code="E_TIME")
    return times, events == 1


def probabilities(probability: ArrayLike, truth: ArrayLike) -> tuple[Floats, Bools]:
    """Return probabilities within 0 and 1 with truths that fit them."""
    values, classes = binary(probability, truth)
    outside = int(np.sum((values < 0) | (values > 1)))
    if outside:
        raise RadnbError(f"probability: {outside} of {values.size} values lie outside 0 to 1. "
                         "Recalibrate the scores inside the folds before calibration or a decision curve.",
                         code="E_PROBABILITY")
    return values, classes
