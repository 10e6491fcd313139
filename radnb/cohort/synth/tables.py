"""The clinical table as a hospital would hand it over: units, words, gaps, censoring, and pathology by WHO 2022."""

from __future__ import annotations

import numpy as np
import pandas as pd

from radnb.cohort.synth import biology as bio

CENTRES = ("Centre A", "Centre B", "Centre C")
CENTRE_SHARE = (0.45, 0.32, 0.23)
SCANNERS = {"Centre A": ("Aurora 64", 3.0, "standard"), "Centre B": ("Borealis 128", 4.0, "smooth"),
            "Centre C": ("Cirrus 320", 5.0, "sharp")}
FIRST_SURGERY = {"Centre A": "2014-01-01", "Centre B": "2015-06-01", "Centre C": "2016-01-01"}
LAST_SURGERY, CLOSING_DATE = "2021-12-31", "2023-12-31"
CA199_MISSING = {"Centre A": 0.05, "Centre B": 0.08, "Centre C": 0.30}
BIOPSY_ONLY, NODES_NOT_TAKEN, MITOSES_NOT_COUNTED = 0.08, 0.05, 0.02
DAYS_PER_MONTH = 30.4375


def predictors(rng: np.random.Generator, hidden: bio.Hidden) -> pd.DataFrame:
    """Return what is known before surgery: one row per patient, ids as text, with missing values."""
    seen, n = hidden.observed, len(hidden.observed)
    centre = rng.choice(CENTRES, n, p=CENTRE_SHARE)
    axis = 6.5 * np.exp(0.35 * seen["node_axis"])
    table = pd.DataFrame({
        "patient_id": [f"P{number:0{max(3, len(str(n)))}d}" for number in range(1, n + 1)],
        "centre": centre,
        "age": np.clip(np.round(58 + 11 * seen["age"]), 18, 92).astype(int),
        "sex": np.where(rng.random(n) < 0.52, "male", "female"),
        "location": [rng.choice(list(bio.LOCATION[name]), p=list(bio.LOCATION[name].values()))
                     for name in hidden.diagnosis],
        "tumour_size_mm": np.round(bio.SHOWN["log_size"].value(seen["size_read"])).astype(int),
        "ca199": np.round(np.maximum(17 * np.exp(1.1 * seen["log_ca199"]), 0.6), 1),
        "margin": np.where(seen["margin_read"] > bio.MARGIN_CUT, "ill_defined", "clear"),
        "node_short_axis_mm": np.round(axis, 1),
        "cn": np.where(axis >= 10, "N1", "N0"),
        "scanner": [SCANNERS[name][0] for name in centre],
        "slice_thickness_mm": [SCANNERS[name][1] for name in centre],
        "kernel": [SCANNERS[name][2] for name in centre]})
    return _with_gaps(rng, table)


def _with_gaps(rng: np.random.Generator, table: pd.DataFrame) -> pd.DataFrame:
    n = len(table)
    table["ca199"] = table["ca199"].mask(rng.random(n) < table["centre"].map(CA199_MISSING))
    table["margin"] = table["margin"].mask(rng.random(n) < 0.03)
    unread = rng.random(n) < np.where(table["age"] > 65, 0.06, 0.02)
    return table.assign(node_short_axis_mm=table["node_short_axis_mm"].mask(unread), cn=table["cn"].mask(unread))


def outcomes(rng: np.random.Generator, hidden: bio.Hidden, centre: np.ndarray) -> pd.DataFrame:
    """Return what surgery, pathology and follow-up tell, one row per patient in the order of `hidden`."""
    net = hidden.diagnosis == "PNET"
    pathology = _pathology(rng, hidden, net)
    nodes = _nodes(rng, hidden, net, (pathology["specimen"] == "biopsy").to_numpy())
    return pd.concat([pathology, nodes, _follow_up(rng, hidden, centre)], axis=1)


def _pathology(rng: np.random.Generator, hidden: bio.Hidden, net: np.ndarray) -> pd.DataFrame:
    n, growth = len(net), hidden.biology["proliferation"].to_numpy()
    biopsy = rng.random(n) < BIOPSY_ONLY
    ki67 = np.exp(bio.log_ki67(growth) + bio.KI67_SD * rng.standard_normal(n))
    ki67 = np.clip(np.where(ki67 < 5, np.round(ki67 * 2) / 2, np.round(ki67)), 0.5, 90)
    mitoses = pd.Series(rng.poisson(np.minimum(bio.mitoses_mean(growth), 80))).astype("Int64")
    uncounted = biopsy | (rng.random(n) < MITOSES_NOT_COUNTED)
    words = np.where(rng.random(n) < 0.4, "poor", "well")
    glandular = np.select([growth > 0.8, growth > -0.8], ["poor", "moderate"], "well")
    differentiation = np.where(net, np.where(ki67 > 20, words, "well"), glandular)
    table = pd.DataFrame({
        "diagnosis": hidden.diagnosis, "specimen": np.where(biopsy, "biopsy", "resection"),
        "ki67": np.where(net & (rng.random(n) >= 0.02), ki67, np.nan),
        "mitoses": mitoses.mask(uncounted | ~net),
        "differentiation": pd.Series(differentiation).mask(rng.random(n) < 0.04)})
    return table.assign(grade_reported=_reported(rng, table),
                        resection_margin=_resection_margin(rng, hidden, biopsy))


def _resection_margin(rng: np.random.Generator, hidden: bio.Hidden, biopsy: np.ndarray) -> pd.Series:
    close = 0.5 * hidden.biology["invasiveness"] + rng.standard_normal(len(biopsy)) > 1.0
    return pd.Series(np.where(close, "R1", "R0")).mask(biopsy)


def who_2022(ki67: float, mitoses: float, differentiation: object) -> str | None:
    """Return the WHO 2022 grade of one neuroendocrine tumour; None where it cannot be told or is not graded (NEC)."""
    if differentiation == "poor" or (np.isnan(ki67) and np.isnan(mitoses)):
        return None
    if ki67 > 20 or mitoses > 20:
        return "G3" if differentiation == "well" else None
    return "G2" if ki67 >= 3 or mitoses >= 2 else "G1"


def _reported(rng: np.random.Generator, table: pd.DataFrame) -> pd.Series:
    """Return the grade in the report: WHO 2022, but in some reports by Ki-67 alone."""
    ki67, mitoses = table["ki67"], table["mitoses"].astype(float)
    mitoses = mitoses.mask(rng.random(len(table)) < 0.06)
    graded = [who_2022(*row) for row in zip(ki67, mitoses, table["differentiation"], strict=True)]
    return pd.Series(graded, dtype=object).where(table["diagnosis"] == "PNET")


def _nodes(rng: np.random.Generator, hidden: bio.Hidden, net: np.ndarray, biopsy: np.ndarray) -> pd.DataFrame:
    n = len(net)
    index = hidden.biology.to_numpy() @ bio.NODE_DRIVERS.to_numpy()
    risk = np.where(net, bio.node_risk(index, "PNET"), bio.node_risk(index, "PDAC"))
    found = rng.random(n) < risk
    unknown = biopsy | (rng.random(n) < NODES_NOT_TAKEN)
    examined = np.where(unknown, 0, 1 + rng.negative_binomial(4, np.where(net, 0.25, 0.19)))
    more = rng.binomial(np.maximum(examined - 1, 0), rng.beta(1.2, 7.0, n))
    positive = np.where(found, 1 + more, 0)
    return pd.DataFrame({"nodes_examined": examined,
                         "nodes_positive": pd.Series(positive, dtype="Int64").mask(unknown),
                         "pn": np.where(unknown, "Nx", np.where(found, "N1", "N0"))})


def _follow_up(rng: np.random.Generator, hidden: bio.Hidden, centre: np.ndarray) -> pd.DataFrame:
    n = len(centre)
    first = pd.to_datetime(pd.Series(centre).map(FIRST_SURGERY))
    surgery = first + pd.to_timedelta(np.floor(rng.random(n) * (pd.Timestamp(LAST_SURGERY) - first).dt.days), unit="D")
    recurrence, death = _event_months(rng, hidden)
    followed = np.minimum((pd.Timestamp(CLOSING_DATE) - surgery).dt.days / DAYS_PER_MONTH, rng.exponential(150, n))
    relapse, dead = recurrence <= np.minimum(death, followed), death <= followed
    first_event = np.select([relapse, dead], ["recurrence", "death"], "censored")
    table = pd.DataFrame({
        "surgery_date": surgery.dt.strftime("%Y-%m-%d"),
        "os_months": _months(np.minimum(death, followed)), "os_event": dead.astype(int),
        "rfs_months": _months(np.minimum(np.minimum(recurrence, death), followed)),
        "rfs_event": (relapse | dead).astype(int), "recurrence_event": relapse.astype(int),
        "first_event": first_event}).astype({"os_event": "Int64", "rfs_event": "Int64", "recurrence_event": "Int64"})
    lost = rng.random(n) < 0.02
    follow_up = [name for name in table.columns if name != "surgery_date"]
    return table.assign(**{name: table[name].mask(lost) for name in follow_up})


def _months(months: np.ndarray) -> np.ndarray:
    return np.round(np.maximum(months, 0.1), 1)


def _event_months(rng: np.random.Generator, hidden: bio.Hidden) -> tuple[np.ndarray, np.ndarray]:
    """Return the months to recurrence (infinite if death comes first) and to death."""
    n, age = len(hidden.diagnosis), hidden.observed["age"].to_numpy()
    index = hidden.biology.to_numpy() @ bio.HAZARD_DRIVERS.to_numpy() + bio.FRAILTY_SD * rng.standard_normal(n)
    both = {name: np.stack(bio.hazards(index, age, name)) for name in bio.DIAGNOSES}
    hazard = np.where(hidden.diagnosis == "PDAC", both["PDAC"], both["PNET"])
    to_relapse, to_other, relapse_to_death = rng.exponential(1.0, (3, n)) / hazard
    death = np.where(to_relapse < to_other, to_relapse + relapse_to_death, to_other)
    months = 36.0 * np.stack([to_relapse, death]) ** (1 / bio.TIME_SHAPE)
    return np.where(to_relapse < to_other, months[0], np.inf), months[1]
