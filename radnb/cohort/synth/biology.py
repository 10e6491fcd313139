"""Hidden biology and what CT and clinic show of it: one linear Gaussian model per diagnosis, so the oracle is exact.

biology | diagnosis        ~ N(shift, BIOLOGY_CORRELATION)
observables | biology      = LOADINGS @ biology + direct shift + noise     (all on a scale of standard units)
outcomes | biology         see `grade_risk`, `node_risk`, `death_risk`, `event_risk` and radnb.cohort.synth.clinical
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import pandas as pd
from scipy.special import ndtr, pdtr

BIOLOGY = ("proliferation", "vascularity", "hypoxia", "invasiveness", "nodal_spread")
IMAGE = ("enhancement_arterial", "enhancement_portal", "heterogeneity", "coarseness", "irregularity", "margin_blur",
         "log_size", "necrosis")
PREOPERATIVE = ("age", "log_ca199", "node_axis", "size_read", "margin_read")  # margin_read is seen as two words only
OBSERVED = IMAGE + PREOPERATIVE
DIAGNOSES = ("PNET", "PDAC")
PDAC_SHARE = 1 / 3
HORIZON_MONTHS = {"overall_survival": 36.0, "recurrence_free_survival": 24.0}
TIME_SHAPE = 1.15
MARGIN_CUT = 0.3  # a margin_read above it is called ill-defined
LOCATION = {"PNET": {"head": 0.40, "body": 0.25, "tail": 0.35}, "PDAC": {"head": 0.62, "body": 0.20, "tail": 0.18}}

BIOLOGY_CORRELATION = np.array([
    #  prol   vasc   hypo   inva   nodal
    [1.00, -0.35, 0.35, 0.35, 0.15],
    [-0.35, 1.00, -0.40, -0.20, -0.05],
    [0.35, -0.40, 1.00, 0.35, 0.10],
    [0.35, -0.20, 0.35, 1.00, 0.30],
    [0.15, -0.05, 0.10, 0.30, 1.00]])
BIOLOGY_SHIFT = {"PNET": np.zeros(5), "PDAC": np.array([0.0, -0.55, 0.35, 0.30, 0.30])}

LOADINGS = pd.DataFrame(
    [[-0.40, 0.75, -0.10, 0.00, 0.00],
     [-0.20, 0.60, -0.10, -0.15, 0.00],
     [0.80, 0.00, 0.25, 0.00, 0.00],
     [0.10, 0.00, 0.65, 0.00, 0.00],
     [0.10, 0.00, 0.00, 0.85, 0.00],
     [0.00, 0.00, 0.00, 0.70, 0.00],
     [0.12, 0.00, 0.05, 0.15, 0.00],
     [0.30, 0.00, 0.65, 0.00, 0.00],
     [0.00, 0.00, 0.00, 0.10, 0.00],
     [0.00, 0.00, 0.10, 0.20, 0.10],
     [0.00, 0.00, 0.00, 0.15, 0.75],
     [0.12, 0.00, 0.05, 0.15, 0.00],
     [0.00, 0.00, 0.00, 0.70, 0.00]], index=list(OBSERVED), columns=list(BIOLOGY))
NOISE = pd.Series({"enhancement_arterial": 0.40, "enhancement_portal": 0.55, "heterogeneity": 0.45, "coarseness": 0.65,
                   "irregularity": 0.45, "margin_blur": 0.60, "log_size": 0.85, "necrosis": 0.50, "age": 1.0,
                   "log_ca199": 0.95, "node_axis": 0.90, "size_read": 0.15, "margin_read": 0.55})
# size_read and margin_read repeat an image property with a reader's error: their noise is added to that property.
REPEATS = {"size_read": "log_size", "margin_read": "margin_blur"}
PDAC_SHIFT = pd.Series({"enhancement_arterial": -1.10, "enhancement_portal": -0.35, "margin_blur": 0.30,
                        "irregularity": 0.15, "age": 0.25, "log_ca199": 0.40, "log_size": 0.15, "size_read": 0.15,
                        "margin_read": 0.30}).reindex(list(OBSERVED), fill_value=0.0)



@dataclass(frozen=True)
class Shown:
    """How an image property in standard units z looks on CT, between `low` and `high`."""

    base: float
    gain: float
    unit: str
    low: float
    high: float
    form: str  # "linear": base + gain z; "exponential": base exp(gain z); "share": base times the normal share below

    def value(self, units: pd.Series | float) -> np.ndarray:
        """Return the measure for values in standard units."""
        z = np.asarray(units, dtype=float)
        if self.form == "share":
            return np.clip(self.base * ndtr(self.gain * (z - 1)), self.low, self.high)
        found = self.base + self.gain * z if self.form == "linear" else self.base * np.exp(self.gain * z)
        return np.clip(found, self.low, self.high)


SHOWN = {
    "enhancement_arterial": Shown(62, 22, "HU over plain", 6, 180, "linear"),
    "enhancement_portal": Shown(54, 15, "HU over plain", 8, 150, "linear"),
    "heterogeneity": Shown(30, 0.58, "HU, standard deviation of the texture in the arterial phase", 6, 100,
                           "exponential"),
    "coarseness": Shown(1.8, 0.25, "mm, size of the grains", 1.0, 3.5, "exponential"),
    "irregularity": Shown(0.10, 0.42, "of the radius, standard deviation of the outline", 0.02, 0.35, "exponential"),
    "margin_blur": Shown(0.55, 0.45, "mm, width of the margin", 0.1, 3.0, "exponential"),
    "log_size": Shown(22.5, 0.38, "mm, diameter", 9, 56, "exponential"),
    "necrosis": Shown(0.32, 1.2, "of the volume, unenhanced core", 0, 0.32, "share")}

GRADE_DRIVERS = pd.Series({"proliferation": 1.0}).reindex(list(BIOLOGY), fill_value=0.0)
NODE_DRIVERS = pd.Series({"nodal_spread": 1.0, "invasiveness": 0.20}).reindex(list(BIOLOGY), fill_value=0.0)
HAZARD_DRIVERS = pd.Series({"proliferation": 0.75, "vascularity": -0.25, "hypoxia": 0.75, "invasiveness": 0.75,
                            "nodal_spread": 0.10}).reindex(list(BIOLOGY), fill_value=0.0)
FRAILTY_SD = 0.35
HAZARD_LEVEL = {"PNET": -1.25, "PDAC": -0.40}
NODE_LEVEL = {"PNET": -0.35, "PDAC": 0.35}
MITOSES_UNKNOWN = 0.10


@dataclass(frozen=True)
class Hidden:
    """One row per patient: the diagnosis, the biology and the observables in standard units."""

    diagnosis: np.ndarray
    biology: pd.DataFrame
    observed: pd.DataFrame


def draw(rng: np.random.Generator, n: int) -> Hidden:
    """Draw hidden patients; the share of PDAC is fixed, its order is not."""
    pdac = rng.permutation(np.arange(n) < round(n * PDAC_SHARE))
    normal = np.einsum("ij,kj->ik", rng.standard_normal((n, len(BIOLOGY))), np.linalg.cholesky(BIOLOGY_CORRELATION))
    biology = normal + np.where(pdac[:, None], BIOLOGY_SHIFT["PDAC"], BIOLOGY_SHIFT["PNET"])
    noise = pd.DataFrame(rng.standard_normal((n, len(OBSERVED))) * NOISE.to_numpy(), columns=list(OBSERVED))
    for read, shown in REPEATS.items():
        noise[read] += noise[shown]
    observed = (np.einsum("ij,kj->ik", biology, LOADINGS.to_numpy()) + noise.to_numpy()
                + pdac[:, None] * PDAC_SHIFT.to_numpy())
    return Hidden(np.where(pdac, "PDAC", "PNET"), pd.DataFrame(biology, columns=list(BIOLOGY)),
                  pd.DataFrame(observed, columns=list(OBSERVED)))


def mean_of_observed(diagnosis: str) -> pd.Series:
    """Return the observables' means in one diagnosis."""
    direct = PDAC_SHIFT if diagnosis == "PDAC" else PDAC_SHIFT * 0.0
    return direct + LOADINGS.to_numpy() @ BIOLOGY_SHIFT[diagnosis]


def covariance_of_observed() -> pd.DataFrame:
    """Return the observables' covariance within a diagnosis."""
    noise = np.diag(NOISE.to_numpy() ** 2)
    for read, shown in REPEATS.items():
        one, two = OBSERVED.index(read), OBSERVED.index(shown)
        noise[one, one] += noise[two, two]
        noise[one, two] = noise[two, one] = noise[two, two]
    load = LOADINGS.to_numpy()
    return pd.DataFrame(load @ BIOLOGY_CORRELATION @ load.T + noise, index=list(OBSERVED), columns=list(OBSERVED))


def log_ki67(proliferation: np.ndarray) -> np.ndarray:
    """Return the expected log Ki-67 in percent of a neuroendocrine tumour."""
    return np.log(2.85) + 0.85 * proliferation + 0.28 * np.maximum(proliferation, 0) ** 2


KI67_SD = 0.25


def mitoses_mean(proliferation: np.ndarray) -> np.ndarray:
    """Return the expected mitoses per 2 mm²."""
    return np.exp(-0.75 + 0.95 * proliferation)


def grade_risk(proliferation: np.ndarray) -> np.ndarray:
    """Return the probability of G2-3 by WHO 2022: Ki-67 from 3 % (recorded so from 2.75 on) or 2 mitoses."""
    low_ki67 = ndtr((np.log(2.75) - log_ki67(proliferation)) / KI67_SD)
    few_mitoses = pdtr(1, mitoses_mean(proliferation))
    return 1 - low_ki67 * (MITOSES_UNKNOWN + (1 - MITOSES_UNKNOWN) * few_mitoses)


def node_risk(spread: np.ndarray, diagnosis: str) -> np.ndarray:
    """Return the probability that nodes are found positive, for the index NODE_DRIVERS @ biology."""
    return ndtr((spread + NODE_LEVEL[diagnosis]) / 0.5) * 0.95


def hazards(index: np.ndarray, age: np.ndarray, diagnosis: str) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Return the hazards of recurrence, of death without it and of death after it, per 36 months' transformed time."""
    recurrence = np.exp(HAZARD_LEVEL[diagnosis] + index)
    other = np.exp(-3.6 + 0.45 * age)
    after = {"PNET": 0.55, "PDAC": 2.2}[diagnosis] * np.exp(0.55 * index) + other
    return recurrence, other, after


def transformed(months: np.ndarray | float) -> np.ndarray:
    """Return the time on which the hazards are constant (1 at 36 months)."""
    return (np.asarray(months) / 36.0) ** TIME_SHAPE


def event_risk(index: np.ndarray, age: np.ndarray, diagnosis: str) -> np.ndarray:
    """Return the probability of recurrence or death before the horizon of recurrence-free survival."""
    recurrence, other, _ = hazards(index, age, diagnosis)
    return 1 - np.exp(-(recurrence + other) * transformed(HORIZON_MONTHS["recurrence_free_survival"]))


def death_risk(index: np.ndarray, age: np.ndarray, diagnosis: str) -> np.ndarray:
    """Return the probability of death before the horizon of overall survival (illness-death model, closed form)."""
    recurrence, other, after = hazards(index, age, diagnosis)
    u = transformed(HORIZON_MONTHS["overall_survival"])
    leaving = recurrence + other
    gap = np.where(np.abs(leaving - after) < 1e-6, 1e-6, leaving - after)
    return 1 - np.exp(-leaving * u) - recurrence / gap * (np.exp(-after * u) - np.exp(-leaving * u))
