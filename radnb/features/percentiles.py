"""Percentiles of any number as features of the class firstorder, as in `25Percentile` or `97.5Percentile`."""

from __future__ import annotations

from collections.abc import Iterable

import numpy as np

from radnb.features.catalogue import PERCENTILE


def is_percentile(feature: str) -> bool:
    """Say whether a feature is a percentile between 0 and 100, written in the one way that names it."""
    found = PERCENTILE.fullmatch(feature)
    return found is not None and 0 < float(found[1]) < 100 and f"{float(found[1]):g}" == found[1]


def extra_percentiles(values: np.ndarray, features: Iterable[str]) -> dict[str, float]:
    """Return those of the features that are percentiles of the grey values of a region, by linear interpolation as in
    PyRadiomics, whose own (10 and 90) come out the same."""
    wanted = [feature for feature in features if is_percentile(feature)]
    if not wanted:
        return {}
    found = np.percentile(values.astype(float), [float(feature.removesuffix("Percentile")) for feature in wanted])
    return dict(zip(wanted, map(float, found), strict=True))
