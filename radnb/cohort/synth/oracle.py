"""The best attainable score: each outcome's probability given everything that can be seen before surgery."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np
import pandas as pd
from scipy.special import expit, logit, ndtr, ndtri

from radnb.cohort.synth import biology as bio

QUADRATURE = 25
MARGIN_NODES = 15
OUTCOMES = ("diagnosis", "grade", "nodes", "overall_survival", "recurrence_free_survival")
WITHIN = ("nodes", "overall_survival", "recurrence_free_survival")
ORACLES = (*OUTCOMES, *(f"{outcome}_in_{name.lower()}" for outcome in WITHIN for name in bio.DIAGNOSES))
CLINICAL = ("age", "log_ca199", "node_axis", "size_read")
FULL = (*bio.IMAGE, "age", "log_ca199", "node_axis", "size_read")


@dataclass(frozen=True)
class Posterior:
    """Of one diagnosis: log likelihood (patients), means of the biology (patients, nodes, biology), covariance."""

    log_likelihood: np.ndarray
    mean: np.ndarray
    covariance: np.ndarray


def posterior(observed: pd.DataFrame, diagnosis: str, *, margin: np.ndarray | None = None) -> Posterior:
    """Condition the biology on the columns of `observed`, and on the margin sign (1 ill-defined, 0 clear) if given."""
    columns = list(observed.columns)
    mean, covariance = bio.mean_of_observed(diagnosis), bio.covariance_of_observed()
    within = covariance.loc[columns, columns].to_numpy()
    deviation = observed.to_numpy() - mean[columns].to_numpy()
    log_likelihood = -0.5 * (np.einsum("ij,ij->i", deviation, np.linalg.solve(within, deviation.T).T)
                             + np.linalg.slogdet(within)[1])
    if margin is None:
        return Posterior(log_likelihood, _biology(columns, deviation[:, None, :], diagnosis), _spread(columns))
    gain = np.linalg.solve(within, covariance.loc[columns, "margin_read"].to_numpy())
    centre = mean["margin_read"] + deviation @ gain
    sd = np.sqrt(covariance.loc["margin_read", "margin_read"] - covariance.loc["margin_read", columns] @ gain)
    nodes, log_side = _truncated(centre, sd, margin)
    joint = np.concatenate([np.repeat(deviation[:, None, :], MARGIN_NODES, axis=1),
                            (nodes - mean["margin_read"])[:, :, None]], axis=2)
    both = [*columns, "margin_read"]
    return Posterior(log_likelihood + log_side, _biology(both, joint, diagnosis), _spread(both))


def _truncated(centre: np.ndarray, sd: float, above: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Return equally likely values of a normal cut in two (kept above or below), and the log of the kept share."""
    below = ndtr((bio.MARGIN_CUT - centre) / sd)
    low, high = np.where(above == 1, below, 0.0), np.where(above == 1, 1.0, below)
    share = (np.arange(MARGIN_NODES) + 0.5) / MARGIN_NODES
    quantiles = low[:, None] + (high - low)[:, None] * share
    return centre[:, None] + sd * ndtri(np.clip(quantiles, 1e-9, 1 - 1e-9)), np.log(np.maximum(high - low, 1e-12))


def gain(columns: Sequence[str]) -> np.ndarray:
    """Return the weights (biology, columns) by which observed deviations move the mean of the biology."""
    within = bio.covariance_of_observed().loc[list(columns), list(columns)].to_numpy()
    return np.linalg.solve(within, bio.LOADINGS.loc[list(columns)].to_numpy() @ bio.BIOLOGY_CORRELATION).T


def _biology(columns: Sequence[str], deviation: np.ndarray, diagnosis: str) -> np.ndarray:
    return bio.BIOLOGY_SHIFT[diagnosis] + deviation @ gain(columns).T


def _spread(columns: Sequence[str]) -> np.ndarray:
    cross = bio.LOADINGS.loc[list(columns)].to_numpy() @ bio.BIOLOGY_CORRELATION
    return bio.BIOLOGY_CORRELATION - gain(columns) @ cross


def expect(found: Posterior, drivers: pd.Series, risk: Callable[[np.ndarray], np.ndarray],
           extra_sd: float = 0.0) -> np.ndarray:
    """Average `risk` over what is not known of the index drivers @ biology."""
    points, weights = np.polynomial.hermite_e.hermegauss(QUADRATURE)
    sd = np.sqrt(drivers.to_numpy() @ found.covariance @ drivers.to_numpy() + extra_sd ** 2)
    index = (found.mean @ drivers.to_numpy())[:, :, None] + sd * points
    return (risk(index) @ (weights / weights.sum())).mean(axis=1)


def risks(observed: pd.DataFrame, *, location: np.ndarray, margin: np.ndarray | None = None) -> pd.DataFrame:
    """Return one column per oracle; `observed` and `margin` may hold gaps, which are averaged over.

    `observed` holds columns of biology.OBSERVED, `location` the part of the pancreas, `margin` 1 for ill-defined.
    """
    prior = np.array([np.log(bio.LOCATION["PDAC"][part] / bio.LOCATION["PNET"][part]) for part in location])
    table = pd.DataFrame(np.nan, index=observed.index, columns=[*ORACLES])
    pattern = observed.isna().assign(margin=True if margin is None else np.isnan(margin))
    for kept, rows in pattern.groupby(list(pattern.columns), sort=True).groups.items():
        gaps = pd.Series(kept, index=pattern.columns)
        part = observed.loc[rows, [c for c in observed.columns if not gaps[c]]]
        place = observed.index.get_indexer(rows)
        side = None if margin is None or gaps["margin"] else margin[place]
        table.loc[rows] = _risks(part, side, prior[place] + logit(bio.PDAC_SHARE)).to_numpy()
    return table


def _risks(observed: pd.DataFrame, margin: np.ndarray | None, prior: np.ndarray) -> pd.DataFrame:
    found = {name: posterior(observed, name, margin=margin) for name in bio.DIAGNOSES}
    log_odds = found["PDAC"].log_likelihood - found["PNET"].log_likelihood
    pdac = expit(log_odds + prior)
    given = {name: _given(found[name], name, observed["age"].to_numpy()) for name in bio.DIAGNOSES}
    columns = {"diagnosis": pdac, "grade": given["PNET"]["grade"]}
    for outcome in WITHIN:
        columns[outcome] = pdac * given["PDAC"][outcome] + (1 - pdac) * given["PNET"][outcome]
        columns |= {f"{outcome}_in_{name.lower()}": given[name][outcome] for name in bio.DIAGNOSES}
    return pd.DataFrame(columns, index=observed.index)[list(ORACLES)]


def _given(found: Posterior, diagnosis: str, age: np.ndarray) -> dict[str, np.ndarray]:
    years = age[:, None, None]
    return {
        "grade": expect(found, bio.GRADE_DRIVERS, bio.grade_risk),
        "nodes": expect(found, bio.NODE_DRIVERS, lambda index: bio.node_risk(index, diagnosis)),
        "overall_survival": expect(found, bio.HAZARD_DRIVERS, lambda index: bio.death_risk(index, years, diagnosis),
                                   bio.FRAILTY_SD),
        "recurrence_free_survival": expect(found, bio.HAZARD_DRIVERS,
                                           lambda index: bio.event_risk(index, years, diagnosis), bio.FRAILTY_SD)}


def auc(truth: np.ndarray, score: np.ndarray) -> float:
    """Return the share of pairs, one with and one without the outcome, that the score orders rightly."""
    events = truth == 1
    n, m = int(events.sum()), int((~events).sum())
    if n == 0 or m == 0:
        return float("nan")
    return float((pd.Series(score).rank().to_numpy()[events].sum() - n * (n + 1) / 2) / (n * m))


def concordance(months: np.ndarray, event: np.ndarray, score: np.ndarray) -> float:
    """Return Harrell's C of a risk score."""
    usable = (event[:, None] == 1) & (months[:, None] < months[None, :])
    right = (score[:, None] > score[None, :]) + 0.5 * (score[:, None] == score[None, :])
    return float(right[usable].mean()) if usable.any() else float("nan")
