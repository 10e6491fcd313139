"""Dealing patients into folds."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

IntArray = NDArray[np.intp]


def deal(groups: IntArray, strata: IntArray, folds: int, rng: np.random.Generator) -> IntArray:
    """Deal patients (rows of equal `groups`) into folds, evenly by stratum and size; return each row's fold.

    A patient belongs to the highest stratum of its rows. Every patient goes where the fewest rows of its stratum lie.
    """
    _, member, copies = np.unique(groups, return_inverse=True, return_counts=True)
    stratum = np.full(len(copies), np.iinfo(np.intp).min)
    np.maximum.at(stratum, member, strata)
    shuffled, names = rng.permutation(len(copies)), rng.permutation(folds)
    total, fold = [0] * folds, np.empty(len(copies), np.intp)
    for value in np.unique(stratum):
        inside = shuffled[stratum[shuffled] == value]
        here = [0] * folds
        for patient in inside[np.argsort(-copies[inside], kind="stable")]:
            best = min(range(folds), key=lambda f: (here[f], total[f]))
            fold[patient], size = best, int(copies[patient])
            here[best] += size
            total[best] += size
    return np.asarray(names[fold][member], np.intp)
