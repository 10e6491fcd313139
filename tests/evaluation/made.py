"""Predictions and resamples as the learning floor writes them, made quickly from a hidden score."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
import pandas as pd

from radnb.features.assemble import Outcome

BINARY = Outcome("classes", "g1_vs_g23", ("G1", "G2-3"))
THREE = Outcome("classes", "grade", ("G1", "G2", "G3"))
SURVIVAL = Outcome("survival", "overall_survival")
MODELS = {"clinical": 0.6, "radiomics": 0.8, "combined": 2.4}


class Made:
    """One made study; `strength` is how far the hidden score moves a class, in its standard deviations."""

    def __init__(self, outcome: Outcome = BINARY, *, n: int = 80, events: float = 0.4, seed: int = 1,
                 models: Mapping[str, float] = MODELS, folds: int = 5) -> None:
        self.outcome, self.n, self.folds, self.models = outcome, n, folds, dict(models)
        self.rng = np.random.default_rng(seed)
        self.ids = np.array([f"P{k:03d}" for k in range(n)])
        kinds = max(len(outcome.classes), 2)
        self.label = np.minimum((np.arange(n) / n / events).astype(int), 1) ^ 1 if kinds == 2 else np.arange(n) % kinds
        self.time = self.rng.exponential(30, n).round(1) + 0.1
        self.event = (np.arange(n) % 5 < 3).astype(float)
        noise = {m: self.rng.normal(size=n) for m in models}
        lead = -np.log(self.time) if outcome.kind == "survival" else (self.label - self.label.mean())
        self.hidden = {m: strength * lead + noise[m] for m, strength in models.items()}

    def split(self, drawn: np.ndarray, label: np.ndarray) -> np.ndarray:
        """Put patients into folds by class; all copies of a patient share one."""
        fold = np.zeros(self.n, dtype=int)
        for c in np.unique(label):
            patients = self.rng.permutation(np.unique(drawn[label == c]))
            fold[patients] = np.arange(len(patients)) % self.folds
        return fold[drawn]

    def rows(self, name: str = "internal", *, drawn: np.ndarray | None = None, order: np.ndarray | None = None,
             repeat: int = 0, frozen: bool = False, **more: object) -> pd.DataFrame:
        drawn = np.arange(self.n) if drawn is None else drawn
        taken = drawn if order is None else order[drawn]
        stratum = self.event if self.outcome.kind == "survival" else self.label
        fold = self.split(drawn, stratum[taken])
        parts = [self._target(m, t, name, drawn, taken) for m in self.models for t in self._targets()]
        folds = pd.array(np.tile(fold, len(parts)), dtype="Int64")
        table = pd.concat(parts, ignore_index=True).assign(repeat=repeat, fold=pd.NA if frozen else folds, **more)
        return table.astype({"fold": "Int64"})

    def _targets(self) -> tuple[str, ...]:
        if self.outcome.kind == "survival":
            return ("risk",)
        return self.outcome.classes[1:] if self.outcome.binary else self.outcome.classes

    def _target(self, model: str, target: str, name: str, drawn: np.ndarray, taken: np.ndarray) -> pd.DataFrame:
        score = self.hidden[model][drawn] + 0.4 * self.rng.normal(size=len(drawn))
        timed = self.outcome.kind == "survival"
        if not timed:
            k = self.outcome.classes.index(target)
            score = score if self.outcome.binary else -np.abs(score - (k - 1) * 1.2)
        table = pd.DataFrame({"patient_id": self.ids[drawn], "model": model, "set": name, "target": target})
        if timed:
            return table.assign(truth=np.nan, time_months=self.time[taken], event=self.event[taken], score=score,
                                scale="risk", threshold=float(np.median(self.hidden[model])))
        truth = (self.label[taken] == self.outcome.classes.index(target)).astype(float)
        return table.assign(truth=truth, time_months=np.nan, event=np.nan, score=1 / (1 + np.exp(-score)),
                            scale="probability", threshold=0.5)

    def predictions(self, repeats: int = 4) -> pd.DataFrame:
        return pd.concat([self.rows(repeat=r) for r in range(repeats)], ignore_index=True)

    def frozen(self, name: str = "external") -> pd.DataFrame:
        table = self.rows(name, frozen=True)
        return table.assign(patient_id="E" + table["patient_id"])

    def resamples(self, bootstraps: int = 25, splits: int = 2, permutations: int = 19) -> pd.DataFrame:
        half = self.outcome.kind == "survival"
        kind, parts = "half_sample" if half else "bootstrap", []
        for b in range(bootstraps):
            drawn = self._half() if half else self._copies()
            parts += [self.rows(drawn=drawn, kind=kind, replicate=b, split=s) for s in range(splits)]
        for p in range(permutations):
            parts.append(self.rows(order=self.rng.permutation(self.n), kind="permutation", replicate=p, split=0))
        return pd.concat(parts, ignore_index=True)

    def _copies(self) -> np.ndarray:
        parts = [np.flatnonzero(self.label == c) for c in np.unique(self.label)]
        return np.sort(np.concatenate([self.rng.choice(p, len(p)) for p in parts]))

    def _half(self) -> np.ndarray:
        return np.sort(self.rng.permutation(self.n)[: self.n // 2])
