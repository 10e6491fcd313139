"""Percentiles of any number as features of the class firstorder, as in `25Percentile` or `97.5Percentile`."""

from __future__ import annotations

import re

PERCENTILE = re.compile(r"(\d+(?:\.\d+)?)Percentile")


def is_percentile(feature: str) -> bool:
    """Say whether a feature is a percentile between 0 and 100, written in the one way that names it."""
    found = PERCENTILE.fullmatch(feature)
    return found is not None and 0 < float(found[1]) < 100 and f"{float(found[1]):g}" == found[1]
