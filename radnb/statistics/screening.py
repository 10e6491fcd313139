"""One test per feature, all features at once: F, Kruskal-Wallis, the Cox score test, and the false discovery rate."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray
from scipy.special import chdtrc, fdtrc

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
    f, groups = f_statistic(x, codes), len(np.unique(codes))
    return f, np.where(f == 0, 1.0, fdtrc(max(groups - 1, 1), max(len(x) - groups, 1), f))


def f_statistic(x: Array, codes: NDArray[np.intp]) -> Array:
    """Return the F statistic of each column between classes; 0 for a constant column."""
    n, present = len(x), np.unique(codes)
    member = (codes[:, None] == present).astype(float)
    mean, counts = x.mean(0), member.sum(0)
    centred = x - mean
    between = ((member.T @ centred) ** 2 / counts[:, None]).sum(0)
    total = np.einsum("ij,ij->j", centred, centred)
    within = np.maximum(total - between, 0.0)
    df1, df2 = len(present) - 1, n - len(present)
    flat = total <= 1e-20 * np.maximum(1.0, mean**2) * n
    return np.asarray(np.where(flat, 0.0, between / max(df1, 1) / np.maximum(within / max(df2, 1), TINY)))


def kruskal_test(x: Array, codes: NDArray[np.intp]) -> tuple[Array, Array]:
    """Return Kruskal-Wallis H of each column, tie-corrected, and its p-value.

    With two classes this is the Wilcoxon rank-sum test without continuity correction.
    """
    h = kruskal_statistic(x, codes)
    return h, np.where(h == 0, 1.0, chdtrc(max(len(np.unique(codes)) - 1, 1), h))


def kruskal_statistic(x: Array, codes: NDArray[np.intp]) -> Array:
    """Return Kruskal-Wallis H of each column, tie-corrected; 0 for a constant column."""
    n, present = len(x), np.unique(codes)
    ranks, sizes = average_ranks(np.ascontiguousarray(x.T))
    member = (codes[:, None] == present).astype(float)
    between = ((ranks @ member - (n + 1) / 2 * member.sum(0)) ** 2 / member.sum(0)).sum(1)
    spread = (n**3 - n - (sizes**2 - 1).sum(1)) / (12 * (n - 1.0))  # tie-corrected n(n+1)/12
    flat = spread <= 1e-12
    return np.asarray(np.where(flat, 0.0, between / np.where(flat, 1.0, spread)))


def cox_score_test(x: Array, time: Array, event: Array) -> tuple[Array, Array]:
    """Return the score chi-square of each column alone in a Cox model (Efron's ties) and its p-value."""
    chi2 = cox_statistic(x, time, event)
    return chi2, np.where(chi2 == 0, 1.0, chdtrc(1, chi2))


def cox_statistic(x: Array, time: Array, event: Array) -> Array:
    """Return the score chi-square of each column alone in a Cox model (Efron's ties); 0 for a constant column."""
    family, mean = Cox(time, event, "efron"), x.mean(0)
    centred = x - mean
    even = np.zeros(len(x))
    score = family.grad(even) @ centred
    ones = family.sums(np.ones(len(x)))[:, None]
    first, second = family.sums(centred) / ones, family.sums(centred**2) / ones
    information = np.maximum((second - first**2).sum(0), 0.0)
    flat = information <= 1e-12 * np.maximum(1.0, mean**2)
    return np.asarray(np.where(flat, 0.0, score**2 / np.where(flat, 1.0, information)))


def false_discovery(p: Array) -> Array:
    """Return Benjamini-Hochberg adjusted p-values, as R's p.adjust(method="BH")."""
    order = np.argsort(-p, kind="stable")
    adjusted = np.minimum.accumulate(p[order] * len(p) / np.arange(len(p), 0, -1)) if len(p) else p
    out = np.empty(len(p))
    out[order] = np.minimum(adjusted, 1.0)
    return out


def holm(p: Array) -> Array:
    """Return p-values corrected for their number (Holm, Scand J Stat 1979;6:65): p.adjust(p, "holm")."""
    order = np.argsort(p, kind="stable")
    steps = np.maximum.accumulate((len(p) - np.arange(len(p))) * p[order])
    found = np.empty(len(p))
    found[order] = np.minimum(steps, 1.0)
    return found
