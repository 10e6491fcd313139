"""How a figure grows with the number of patients: an inverse power law, for looking a little beyond what was seen."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from numpy.typing import ArrayLike

from radnb.statistics.inputs import Floats

POWERS = np.linspace(0.1, 2.0, 191)


class PowerLaw(NamedTuple):
    """value(n) = limit - drop * n ** -power, with limit at most `most` and drop at least 0."""

    limit: float
    drop: float
    power: float

    def at(self, patients: ArrayLike) -> Floats:
        """Return the value at some numbers of patients."""
        return np.asarray(self.limit - self.drop * np.asarray(patients, dtype=float) ** -self.power)


def inverse_power(patients: ArrayLike, value: ArrayLike, *, most: float = 1.0) -> PowerLaw:
    """Fit an inverse power law by least squares (Figueroa et al., BMC Med Inform Decis Mak 2012;12:8).

    A curve that does not rise is a constant. The power is searched on a grid, so that equal points give equal fits.
    """
    n, v = np.asarray(patients, dtype=float), np.asarray(value, dtype=float)
    if len(n) < 3 or len(np.unique(n)) < 3:
        return PowerLaw(float("nan"), float("nan"), float("nan"))
    best, least = PowerLaw(float(v.mean()), 0.0, 1.0), float(np.sum((v - v.mean()) ** 2))
    for power in POWERS:
        made = _line(n**-power, v, most, float(power))
        error = float(np.sum((v - made.at(n)) ** 2))
        if error < least - 1e-15:
            best, least = made, error
    return best


def _line(x: Floats, v: Floats, most: float, power: float) -> PowerLaw:
    centred = x - x.mean()
    drop = -float(centred @ v / (centred @ centred))
    limit = float(v.mean() + drop * x.mean())
    if limit > most:
        limit, drop = most, float(x @ (most - v) / (x @ x))
    return PowerLaw(limit, drop, power) if drop > 0 else PowerLaw(float(v.mean()), 0.0, power)
