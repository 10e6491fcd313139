"""One test per feature, all features at once: F, Kruskal-Wallis, the Cox score test, and the false discovery rate."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray
from scipy.special import chdtrc, fdtrc, fdtri

from radnb.statistics.families import Array, Cox

TINY = 1e-300


def average_ranks(columns: Array) -> tuple[Array, Array]:
    """Return the average ranks along each *row* of `columns` (features by patients) and the tied-group sizes.

    The sizes say how many patients share each patient's value.
    """
    order = np.argsort(columns, axis=1)
    ordered = np.take_along_axis(columns, order, axis=1)
    n = columns.shape[1]
    place = np.arange(n)
    new = np.ones(columns.shape, bool)
    new[:, 1:] = ordered[:, 1:] != ordered[:, :-1]
    first = np.maximum.accumulate(np.where(new, place, 0), axis=1)
    closing = np.ones(columns.shape, bool)
    closing[:, :-1] = new[:, 1:]
    last = np.minimum.accumulate(np.where(closing, place, n)[:, ::-1], axis=1)[:, ::-1]
    ranks, sizes = np.empty(columns.shape), np.empty(columns.shape)
    np.put_along_axis(ranks, order, (first + last) / 2 + 1, axis=1)
    np.put_along_axis(sizes, order, last - first + 1.0, axis=1)
    return ranks, sizes


def f_test(x: Array, codes: NDArray[np.intp]) -> tuple[Array, Array]:
    """Return the F statistic of each column between classes, and its p-value (as R's oneway.test, equal variances)."""
    n, present = len(x), np.unique(codes)
    member = (codes[:, None] == present).astype(float)
    centred = x - x.mean(0)
    counts = member.sum(0)
    between = ((member.T @ centred) ** 2 / counts[:, None]).sum(0)
    total = np.einsum("ij,ij->j", centred, centred)
    within = np.maximum(total - between, 0.0)
    df1, df2 = len(present) - 1, n - len(present)
    flat = total <= 1e-20 * np.maximum(1.0, np.abs(x).max(0)) ** 2 * n
    f = np.where(flat, 0.0, between / max(df1, 1) / np.maximum(within / max(df2, 1), TINY))
    return f, np.where(flat, 1.0, fdtrc(max(df1, 1), max(df2, 1), f))


def kruskal_test(x: Array, codes: NDArray[np.intp]) -> tuple[Array, Array]:
    """Return Kruskal-Wallis H of each column, tie-corrected, and its p-value.

    With two classes this is the Wilcoxon rank-sum test without continuity correction.
    """
    n, present = len(x), np.unique(codes)
    ranks, sizes = average_ranks(np.ascontiguousarray(x.T))
    member = (codes[:, None] == present).astype(float)
    between = ((ranks @ member - (n + 1) / 2 * member.sum(0)) ** 2 / member.sum(0)).sum(1)
    spread = (n**3 - n - (sizes**2 - 1).sum(1)) / (12 * (n - 1.0))  # tie-corrected n(n+1)/12
    flat = spread <= 1e-12
    h = np.where(flat, 0.0, between / np.where(flat, 1.0, spread))
    return h, np.where(flat, 1.0, chdtrc(max(len(present) - 1, 1), h))


def cox_score_test(x: Array, time: Array, event: Array) -> tuple[Array, Array]:
    """Return the score chi-square of each column alone in a Cox model (Efron's ties) and its p-value."""
    family, centred = Cox(time, event, "efron"), x - x.mean(0)
    even = np.zeros(len(x))
    score = family.grad(even) @ centred
    ones = family.sums(np.ones(len(x)))[:, None]
    first, second = family.sums(centred) / ones, family.sums(centred**2) / ones
    information = np.maximum((second - first**2).sum(0), 0.0)
    flat = information <= 1e-12 * np.maximum(1.0, np.abs(x).max(0)) ** 2
    chi2 = np.where(flat, 0.0, score**2 / np.where(flat, 1.0, information))
    return chi2, np.where(flat, 1.0, chdtrc(1, chi2))


def false_discovery(p: Array) -> Array:
    """Return Benjamini-Hochberg adjusted p-values, as R's p.adjust(method="BH")."""
    order = np.argsort(-p, kind="stable")
    adjusted = np.minimum.accumulate(p[order] * len(p) / np.arange(len(p), 0, -1)) if len(p) else p
    out = np.empty(len(p))
    out[order] = np.minimum(adjusted, 1.0)
    return out


def icc_a1_lower(values: Array, *, level: float = 0.95) -> Array:
    """Return the lower confidence limit of ICC(A,1) (ICC(2,1), absolute agreement) of many features at once.

    `values` has the shape (patients, readers, features) without gaps; McGraw and Wong 1996, table 7.
    """
    n, k, _ = values.shape
    mean = values.mean((0, 1))
    rows = k * ((values.mean(1) - mean) ** 2).sum(0) / (n - 1)
    columns = n * ((values.mean(0) - mean) ** 2).sum(0) / (k - 1)
    total = ((values - mean) ** 2).sum((0, 1))
    error = np.maximum(total - (n - 1) * rows - (k - 1) * columns, 0.0) / ((n - 1) * (k - 1))
    flat = total <= 1e-20 * np.maximum(1.0, np.abs(mean)) ** 2
    exact = error + columns <= 1e-14 * rows  # readers agree to the last digit
    rows, error = np.where(flat | exact, 1.0, rows), np.where(flat | exact, 1.0, error)
    below = rows + (k - 1) * error + k / n * (columns - error)
    icc = np.minimum((rows - error) / below, 1 - 1e-12)
    a, b = k * icc / (n * (1 - icc)), 1 + k * icc * (n - 1) / (n * (1 - icc))
    df = (a * columns + b * error) ** 2 / ((a * columns) ** 2 / (k - 1) + (b * error) ** 2 / ((n - 1) * (k - 1)))
    f = fdtri(n - 1, df, 1 - (1 - level) / 2)
    low = n * (rows - f * error) / (f * (k * columns + (k * n - k - n) * error) + n * rows)
    return np.asarray(np.where(flat, np.nan, np.where(exact, 1.0, low)))
