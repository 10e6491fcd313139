"""Agreement between readers, and of feature selections with one another, with their limits."""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np
from scipy import stats


class Agreement(NamedTuple):
    """An intraclass correlation and its confidence limits."""

    value: Any
    low: Any
    high: Any


def icc_a1(ratings: np.ndarray, *, level: float = 0.95) -> Agreement:
    """Return ICC(A,1), called ICC(2,1) by Shrout and Fleiss: two-way, absolute agreement, one reader.

    `ratings` has subjects along the first axis and readers along the second; a third axis holds further quantities,
    each with its own result.  Limits: McGraw and Wong, Psychol Methods 1996;1:30-46, table 7.  All ratings equal
    gives NaN; perfect agreement gives 1 with limits 1.
    """
    ratings = np.asarray(ratings, dtype=float)
    n, k = ratings.shape[:2]
    if n < 2 or k < 2:
        raise ValueError("agreement needs at least two subjects and two readers")
    rows, columns, error = _mean_squares(ratings)
    with np.errstate(divide="ignore", invalid="ignore"):
        value = (rows - error) / (rows + (k - 1) * error + k * (columns - error) / n)
        a = k * value / (n * (1 - value))
        b = 1 + k * value * (n - 1) / (n * (1 - value))
        freedom = (a * columns + b * error) ** 2 / (
            (a * columns) ** 2 / (k - 1) + (b * error) ** 2 / ((n - 1) * (k - 1)))
        tail = (1 + level) / 2
        lower, upper = stats.f.ppf(tail, n - 1, freedom), stats.f.ppf(tail, freedom, n - 1)
        spread = k * columns + (k * n - k - n) * error
        low = n * (rows - lower * error) / (lower * spread + n * rows)
        high = n * (upper * rows - error) / (spread + n * upper * rows)
    perfect = (error == 0) & (columns == 0) & (rows > 0)
    return Agreement(*(np.where(perfect, 1.0, number)[()] for number in (value, low, high)))


def _mean_squares(ratings: np.ndarray) -> tuple[Any, Any, Any]:
    """Return the mean squares of subjects, readers and residual of a two-way table without replication."""
    n, k = ratings.shape[:2]
    centred = ratings - ratings.mean(axis=(0, 1), keepdims=True)
    of_rows, of_columns = centred.mean(axis=1, keepdims=True), centred.mean(axis=0, keepdims=True)
    residual = centred - of_rows - of_columns
    return (k * (of_rows ** 2).sum(axis=(0, 1)) / (n - 1), n * (of_columns ** 2).sum(axis=(0, 1)) / (k - 1),
            (residual ** 2).sum(axis=(0, 1)) / ((n - 1) * (k - 1)))


def weighted_kappa(counts: np.ndarray) -> Any:
    """Return Cohen's kappa with quadratic weights (Cohen, Psychol Bull 1968;70:213) of square tables of counts.

    The last two axes are the table; where chance alone would agree fully, the result is NaN.
    """
    table = np.asarray(counts, dtype=float)
    places = np.arange(table.shape[-1])
    apart = np.subtract.outer(places, places) ** 2
    rows, columns = table.sum(axis=-1), table.sum(axis=-2)
    expected = (rows[..., :, None] * columns[..., None, :] * apart).sum(axis=(-2, -1)) / table.sum(axis=(-2, -1))
    with np.errstate(divide="ignore", invalid="ignore"):
        return np.where(expected > 0, 1 - (table * apart).sum(axis=(-2, -1)) / expected, np.nan)[()]


def nogueira(chosen: np.ndarray, *, level: float = 0.95) -> Agreement:
    """Return the stability of feature sets: 1 for always the same one, 0 for sets drawn blindly, NaN for none or all.

    `chosen` says for each fit (row) which features (columns) it chose.  Nogueira, Sechidis and Brown, J Mach Learn Res
    2018;18(174):1-54, definition 4 and theorem 7; the limits take the fits for independent.
    """
    z = np.asarray(chosen, dtype=float)
    fits, features = z.shape
    if fits < 2:
        raise ValueError("stability needs at least two fits")
    share, sizes = z.mean(axis=0), z.sum(axis=1)
    mean = float(share.sum())
    chance = mean / features * (1 - mean / features)
    if not chance > 0:
        return Agreement(np.nan, np.nan, np.nan)
    value = 1 - fits / (fits - 1) * float(np.mean(share * (1 - share))) / chance
    each = (z @ share / features - sizes * mean / features**2
            + value / 2 * (2 * sizes * mean / features**2 - sizes / features - mean / features + 1)) / chance
    error = 2 / fits * float(np.sqrt(np.sum((each - each.mean()) ** 2)))
    half = float(stats.norm.ppf((1 + level) / 2)) * error
    return Agreement(value, value - half, value + half)
