"""Oversampling of rare outcomes, on training rows only."""

from __future__ import annotations

from dataclasses import dataclass

from radnb.learning.folds import IntArray
from radnb.statistics.families import Array


@dataclass
class Oversampler:
    """A way to make rare classes count more by adding or dropping training rows."""

    def resample(self, x: Array, y: IntArray, groups: IntArray) -> tuple[Array, IntArray, IntArray]:
        """Return training rows anew; every new row carries the patient number of a parent."""
        raise NotImplementedError
