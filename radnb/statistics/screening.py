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


def chi_square_test(x: Array, codes: NDArray[np.intp], *, bins: int = 5) -> tuple[Array, Array]:
    """Return Pearson's chi-square of each column, cut at its quantiles, with the classes, and its p-value."""
    chi2, df = _chi_square(x, codes, bins)
    return chi2, np.where(df > 0, chdtrc(np.maximum(df, 1), chi2), 1.0)


def chi_square_order(x: Array, codes: NDArray[np.intp], *, bins: int = 5) -> Array:
    """Return a number that rises as the p-value of `chi_square_test` falls, and never underflows.

    Wilson and Hilferty's normal deviate: ties leave columns with different degrees of freedom.
    """
    chi2, df = _chi_square(x, codes, bins)
    part = 2 / (9 * np.maximum(df, 1))
    return np.asarray(np.where(df > 0, (np.cbrt(chi2 / np.maximum(df, 1)) - 1 + part) / np.sqrt(part), -np.inf))


def _chi_square(x: Array, codes: NDArray[np.intp], bins: int) -> tuple[Array, Array]:
    """Return the statistic and its degrees of freedom; a bin that ties leave empty does not count."""
    cuts = np.quantile(x, np.arange(1, bins) / bins, axis=0)
    place = (x > cuts[:, None, :]).sum(0)
    member = (codes[:, None] == np.unique(codes)).astype(float)
    share, n = member.mean(0), len(x)
    chi2, filled = np.zeros(x.shape[1]), np.zeros(x.shape[1])
    for b in range(bins):
        seen = member.T @ (place == b)
        size = seen.sum(0)
        expected = share[:, None] * size
        chi2 += ((seen - expected) ** 2 / np.maximum(expected, TINY)).sum(0) * (size > 0)
        filled += size > 0
    return np.asarray(chi2), (filled - 1) * (len(share) - 1) * (n > 0)


def variance_inflation(x: Array, weight: Array | None = None) -> Array:
    """Return each column's variance inflation among the others, infinite where they determine it.

    With the weights p(1-p) of a logistic model this is car::vif of that model.
    """
    weight = np.ones(len(x)) if weight is None else weight
    root = np.sqrt(weight)[:, None]
    centred = (x - np.average(x, axis=0, weights=weight)) * root
    length = np.sqrt(np.einsum("ij,ij->j", centred, centred))
    unit = centred / np.where(length > 0, length, 1.0)
    correlation = unit.T @ unit
    correlation[np.diag_indices_from(correlation)] = 1.0
    values, vectors = np.linalg.eigh(correlation)
    sound = values > 1e-12 * len(values)
    free = np.abs(vectors[:, ~sound]).max(1, initial=0.0) > 1e-8
    return np.where(free, np.inf, (vectors[:, sound] ** 2 / values[sound]).sum(1))


def without_inflation(x: Array, limit: float) -> NDArray[np.intp]:
    """Return the columns that stay when none may be inflated above `limit` by the others that stay.

    The column with the smallest mean absolute correlation comes first; each next one stays unless it would lift its
    own inflation, or that of one that stayed, above the limit. This also works with more columns than patients, where
    every inflation is infinite at the outset.
    """
    centred = x - x.mean(0)
    length = np.sqrt(np.einsum("ij,ij->j", centred, centred))
    unit = centred / np.where(length > 0, length, 1.0)
    correlation = unit.T @ unit
    order = np.argsort(np.round(np.abs(correlation).mean(0), 12), kind="stable")
    kept: list[int] = []
    inverse = np.empty((0, 0))
    for column in order[length[order] > 0].tolist():
        along = correlation[kept, column]
        moved = inverse @ along
        rest = 1.0 - float(along @ moved)
        if rest * limit < 1.0:
            continue
        grown = inverse + np.outer(moved, moved) / rest
        if len(kept) and grown.diagonal().max() > limit:
            continue
        inverse = np.block([[grown, -moved[:, None] / rest], [-moved[None, :] / rest, np.array([[1.0 / rest]])]])
        kept.append(column)
    return np.sort(np.array(kept, np.intp))
