"""What chance, size and plain facts would have given: the controls beside the primary model, and fewer patients.

Everything is of one repeat: the model's own figure beside each control is that of its first repeat, on the same folds.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd

from radnb.evaluation.grid import QUICK
from radnb.evaluation.honesty import LEAST_EVENTS_CV, LEAST_EVENTS_FROZEN, NONE, STOP
from radnb.evaluation.scored import Rows, Scored, refitted
from radnb.learning.plan import Trained
from radnb.statistics.agreement import nogueira
from radnb.statistics.inputs import Z95, Floats
from radnb.statistics.intervals import around, besag_clifford
from radnb.statistics.learning_curve import inverse_power

CONTROLS = ("control", "what", "value", "low", "high", "own", "difference", "difference_low", "difference_high", "p",
            "beaten", "runs", "fits", "seconds", "n", "method")
LEARNING = ("share", "patients", "value", "low", "high", "draws", "measured", "width")
PERMUTED, RANDOM, VOLUME, CLINICAL = "permuted_labels", "random_features", "volume_only", "clinical_only"
DECIDING = (VOLUME, CLINICAL, RANDOM, PERMUTED)  # in the order in which a report names them
ALMOST = 0.05
FEWEST = 19  # permutations that can reach it
MORE = (1.5, 2.0)
LEAST_FITS = 25  # the limits of the stability of fewer cover far less than they say (75 % of 5)
NOTHING = float("nan")


@dataclass(frozen=True)
class Own:
    """The primary model in the patients that decide, and what else training left."""

    targets: tuple[Scored, ...]
    resamples: pd.DataFrame
    trained: Trained | None

    @property
    def model(self) -> str:
        """Return the model's name."""
        return self.targets[0].model

    @property
    def factor(self) -> float:
        """Return by how much an influence standard error is too small: in cross-validation, not on frozen scores."""
        return 1.0 if self.targets[0].frozen else QUICK

    @property
    def first(self) -> list[Rows]:
        """Return the rows of the first repeat, by target."""
        return self.beside(self.targets)

    def beside(self, targets: Sequence[Scored]) -> list[Rows]:
        """Return the rows of the first repeat of a model, of the patients whom the controls score.

        These are all, but for designs with several frozen splits, of which the controls take the first.
        """
        rows = [one.rows.only(0) for one in targets]
        kinds = [kind for kind in (RANDOM, VOLUME, CLINICAL) if (self.resamples["kind"] == kind).any()]
        if not kinds:
            return rows
        scored = self.resamples.loc[self.resamples["kind"] == kinds[0], "patient_id"].astype(str).unique()
        tested = np.isin(self.targets[0].patients, scored)
        return [one.where(np.asarray(tested[one.member])) for one in rows]

    def refits(self, kind: str, model: str) -> list[Rows]:
        """Return the rows of a kind of refit, by target; nothing where it did not run."""
        found = [refitted(self.resamples, kind, one, model=model) for one in self.targets]
        return [] if any(rows is None for rows in found) else [rows for rows in found if rows is not None]

    def fits(self, kind: str) -> pd.DataFrame:
        """Return what is on record of the fits of a kind."""
        table = pd.DataFrame(columns=["kind"]) if self.trained is None else self.trained.fits
        return table[table["kind"] == kind]

    def cost(self, *kinds: str) -> dict[str, float]:
        """Return how many fits and processor seconds some kinds took."""
        costs = {} if self.trained is None else self.trained.costs
        return {name: sum(float(costs.get(kind, {}).get(name, 0.0)) for kind in kinds) for name in ("fits", "seconds")}


def mean_value(rows: Sequence[Rows]) -> Floats:
    """Return the AUC or C of every unit, the mean over targets."""
    return np.asarray(np.mean([one.discrimination() for one in rows], axis=0))


def _influence(rows: Sequence[Rows], members: int) -> Floats:
    return np.asarray(np.mean([r.pairs.influence(r.unit, r.units, r.member, members) for r in rows], axis=0))


def controls(own: Own, *, clinical: Sequence[Scored] = (), candidates: Mapping[str, int] | None = None) -> pd.DataFrame:
    """Return one row per control; low and high are the 5th and 95th percentile of refits that are drawn (permuted
    labels, random features), else a quick 95 % interval. `beaten` is yes, no, unclear or empty (it decides nothing).

    `clinical` is the study's own model set of the clinical facts alone, by target, where it has one.
    """
    rows = [*_permuted(own), *_random(own), *_single(own, VOLUME), *_clinical(own, clinical), *_complete(own),
            *_stability(own), *_per_event(own, candidates or {})]
    return pd.DataFrame([{**dict.fromkeys(CONTROLS, NOTHING), "what": "", "beaten": "", **row} for row in rows],
                        columns=list(CONTROLS))


def unbeaten(table: pd.DataFrame) -> tuple[str, ...]:
    """Return the controls that the primary model did no better than."""
    lost = set(table.loc[table["beaten"] == "no", "control"])
    return tuple(name for name in DECIDING if name in lost)


def _drawn(own: Own, control: str, values: Floats, *kinds: str) -> dict[str, Any]:
    low, middle, high = np.quantile(values, [0.05, 0.5, 0.95])
    first = own.first
    return {"control": control, "value": float(middle), "low": float(low), "high": float(high), "runs": len(values),
            "own": float(mean_value(first)[0]), "n": len(np.unique(first[0].member)), **own.cost(*kinds)}


def clouds(own: Own) -> pd.DataFrame:
    """Return the figure of every refit that is drawn: control, value."""
    permuted = [one.permuted for one in own.targets if one.permuted is not None]
    found = {PERMUTED: permuted if len(permuted) == len(own.targets) else [], RANDOM: own.refits(RANDOM, own.model)}
    parts = [pd.DataFrame({"control": name, "value": mean_value(rows)}) for name, rows in found.items() if rows]
    return pd.concat(parts, ignore_index=True) if parts else pd.DataFrame({"control": [], "value": []})


def _permuted(own: Own) -> Iterator[dict[str, Any]]:
    found = [one.permuted for one in own.targets if one.permuted is not None]
    if len(found) < len(own.targets):
        frozen = own.targets[0].frozen
        yield {"control": PERMUTED, "method": NONE + ("frozen scores need no permutation" if frozen else
                                                      "no permutations")}
        return
    row = _drawn(own, PERMUTED, mean_value(found), "permutation")
    p = besag_clifford(row["own"], mean_value(found), stop=STOP)
    lost = "no" if row["runs"] >= FEWEST else "unclear"
    yield row | {"p": p.p, "beaten": "yes" if p.p <= ALMOST else lost, "method": f"control_permuted{p.used}"}


def _takes_all(own: Own) -> bool:
    """Say whether every feature that preparation left entered the model, so that nothing can be drawn blindly."""
    if own.trained is None or not {"features", "prepared"} <= set(own.trained.fits):
        return False
    fits = own.trained.fits[own.trained.fits["kind"].isin(["cv", "frozen"]) & (own.trained.fits["model"] == own.model)]
    return len(fits) > 0 and bool((fits["features"] == fits["prepared"]).all())


def _random(own: Own) -> Iterator[dict[str, Any]]:
    found = own.refits(RANDOM, own.model)
    if not found:
        yield {"control": RANDOM, "method": NONE + ("no features were selected" if _takes_all(own) else "not run")}
        return
    values = mean_value(found)
    row = _drawn(own, RANDOM, values, RANDOM)
    many = own.fits(RANDOM)
    what = f"{many['selected'].mean():.0f}" if len(many) else ""
    yield row | {"beaten": "yes" if row["own"] > row["high"] else "no", "what": what,
                 "method": f"control_random{len(values)}"}


def _single(own: Own, kind: str) -> Iterator[dict[str, Any]]:
    found = own.refits(kind, kind)
    if not found:
        yield {"control": kind, "method": NONE + ("no volume" if kind == VOLUME else "no clinical facts")}
        return
    noted = own.fits(kind)
    what = str(noted["tuned"].iloc[0]) if len(noted) and kind == VOLUME else ""
    yield _beside(own, kind, found) | {"what": what, **own.cost(kind)}


def _beside(own: Own, kind: str, found: Sequence[Rows]) -> dict[str, Any]:
    """Compare the model's first repeat with one other score on the same patients and folds, paired."""
    n, first = own.targets[0].n, own.first
    patients = len(np.unique(first[0].member))
    value, mine = float(mean_value(found)[0]), float(mean_value(first)[0])
    gap, half = mine - value, Z95 * _error(own, _influence(first, n) - _influence(found, n), found)
    low, high = _limits(own, value, found)
    return {"control": kind, "value": value, "low": low, "high": high, "own": mine, "difference": gap,
            "difference_low": gap - half, "difference_high": gap + half, "runs": 1, "n": patients,
            "method": "control_single",
            "beaten": "no" if gap <= 0 else "yes" if gap > half else "unclear"}


def _limits(own: Own, value: float, rows: Sequence[Rows]) -> tuple[float, float]:
    error = _error(own, _influence(rows, own.targets[0].n), rows)
    low, high = around(value, error, scale="plain" if own.targets[0].survival else "logit")
    return float(low), float(high)


def _error(own: Own, influence: Floats, rows: Sequence[Rows]) -> float:
    """Return a quick standard error, or NaN where there are fewer events than it was simulated for."""
    events = min(int(one.event.sum()) for one in rows)
    others = events if own.targets[0].survival else min(len(one.event) - int(one.event.sum()) for one in rows)
    least = LEAST_EVENTS_FROZEN if own.targets[0].frozen else LEAST_EVENTS_CV
    return NOTHING if min(events, others) < least else own.factor * float(np.sqrt(np.sum(influence**2)))


def _clinical(own: Own, same: Sequence[Scored]) -> Iterator[dict[str, Any]]:
    """Take the study's own model set of clinical facts where it has one, else the control's fit."""
    if len(same) != len(own.targets) or not np.array_equal(same[0].patients, own.targets[0].patients):
        yield from _single(own, CLINICAL)
        return
    row = _beside(own, CLINICAL, own.beside(same))
    yield row | {"what": same[0].model, "fits": 0.0, "seconds": 0.0}


def _complete(own: Own) -> Iterator[dict[str, Any]]:
    """Compare with the same model on patients without gaps: both figures are of these patients."""
    kind = "complete_cases"
    found = own.refits(kind, own.model)
    if not found:
        yield {"control": kind, "method": NONE + "no gaps, or too few patients without"}
        return
    members = np.unique(found[0].member)
    mine = [rows.where(np.isin(rows.member, members)) for rows in own.first]
    value = float(mean_value(found)[0])
    low, high = _limits(own, value, found)
    yield {"control": kind, "value": value, "low": low, "high": high, "own": float(mean_value(mine)[0]), "runs": 1,
           "n": len(members), "method": "control_complete", **own.cost(kind)}


def _stability(own: Own) -> Iterator[dict[str, Any]]:
    chosen = _chosen(own)
    single = chosen is not None and len(chosen) < 2
    row: dict[str, Any] = {"control": "stability", "method": NONE + ("one fit only" if single else
                                                                     "no features were selected")}
    if chosen is not None and not single:
        found = nogueira(chosen)
        low, high = (found.low, found.high) if len(chosen) >= LEAST_FITS else (np.nan, np.nan)
        row |= {"value": found.value, "low": low, "high": high, "runs": len(chosen),
                "method": "control_stability", "n": own.targets[0].n}
    yield row


def _chosen(own: Own) -> np.ndarray[Any, Any] | None:
    """Return which fit (row) chose which of the features there were to choose from (columns)."""
    if own.trained is None or own.trained.selections.empty:
        return None
    fixed = own.trained.final.get(own.model, {}).get("prespecified", [])
    table = own.trained.selections[own.trained.selections["model"] == own.model]
    table = table[~table["feature"].isin(fixed) & ~table["feature"].str.startswith("score:")]
    fits = own.trained.fits[own.trained.fits["kind"].isin(["cv", "frozen"]) & (own.trained.fits["model"] == own.model)]
    made = table["feature"].str.match(r"component_\d+$")
    if table.empty or made.any() or fits.empty:
        return None
    many = max(int(fits["candidates"].max()) - len(fixed), table["feature"].nunique())
    place = fits[["repeat", "fold"]].fillna(-1).drop_duplicates().reset_index(drop=True)
    row = pd.Series(place.index, index=pd.MultiIndex.from_frame(place.astype(int)))
    keys = pd.MultiIndex.from_frame(table[["repeat", "fold"]].fillna(-1).astype(int))
    chosen = np.zeros((len(place), many), bool)
    chosen[row.reindex(keys).to_numpy(int), pd.factorize(table["feature"], sort=True)[0]] = True
    return chosen


def _per_event(own: Own, candidates: Mapping[str, int]) -> Iterator[dict[str, Any]]:
    many, rarer = candidates.get(own.model, 0), min(one.rarer for one in own.targets)
    if many and rarer:
        yield {"control": "candidates_per_event", "value": many / rarer, "n": own.targets[0].n, "what": str(many),
               "method": "control_per_event"}


def learning(own: Own, width: float) -> pd.DataFrame:
    """Return the figure by number of training patients, measured and expected from half as many more and twice as many.

    `width` is that of the model's interval now; expected ones shrink with the root of the number of patients. low and
    high are the lowest and highest draw.
    """
    found = own.resamples if own.resamples.empty else own.resamples[own.resamples["kind"] == "learning_curve"]
    if found.empty or own.trained is None:
        return pd.DataFrame(columns=list(LEARNING))
    fits, rows = own.fits("learning_curve"), []
    for percent, part in found.groupby("split", sort=True):
        each = mean_value(Own(own.targets, part, own.trained).refits("learning_curve", own.model))
        many = float(fits.loc[fits["split"] == percent, "patients"].mean())
        rows.append((float(str(percent)) / 100, many, each.mean(), each.min(), each.max(), len(each), True, NOTHING))
    whole = own.fits("frozen" if own.targets[0].frozen else "cv")
    whole = whole[(whole["model"] == own.model) & (whole["repeat"] == 0)]
    mine, now = float(mean_value(own.first)[0]), float(whole["patients"].mean())
    rows.append((1.0, now, mine, NOTHING, NOTHING, 1, True, width))
    law = inverse_power([row[1] for row in rows], [row[2] for row in rows])
    rows += [(k, k * now, float(law.at(k * now)), NOTHING, NOTHING, 0, False, width / np.sqrt(k)) for k in MORE]
    return pd.DataFrame(rows, columns=list(LEARNING))
