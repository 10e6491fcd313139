"""Selectors by forests and boosted trees: importances, Boruta, permutation importance of a survival forest."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, ClassVar

import numpy as np
from numpy.typing import NDArray
from scipy.special import bdtr, bdtrc

from radnb.errors import RadnbError
from radnb.learning.folds import IntArray
from radnb.learning.forests import forests_missing, survival_ensembles
from radnb.learning.kinds import CLASSES, SURVIVAL
from radnb.learning.selectors.selector import Given, Ranking, Selector
from radnb.statistics.families import Array
from radnb.statistics.screening import false_discovery

Maker = Callable[[int, int], Any]  # (classes, 0 for survival; seed) -> an estimator of scikit-learn's shape
NO_FORESTS = ("selector.survival_forest_importance: it needs scikit-survival, which is not installed (its licence, "
              "GPL, keeps it out of radnb). Run `pip install 'radnb[forests]'`, or choose univariable_cox.")


@dataclass
class Importance(Ranking):
    """Keep the k columns that an ensemble of trees uses to most effect; a column it does not use is left out."""

    make: Maker | None = None
    survival: bool = False
    seed: int = 0

    @property
    def kinds(self) -> tuple[str, ...]:  # type: ignore[override]
        """Say which outcomes the ensemble suits."""
        return (CLASSES, SURVIVAL) if self.survival else (CLASSES,)

    def values(self, x: Array, y: Array, given: Given) -> Array:
        """Return the importances."""
        assert self.make is not None
        if y.ndim == 2:
            model = self.make(0, self.seed).fit(x, np.where(y[:, 1] > 0, y[:, 0], -y[:, 0]))
        else:
            codes = np.unique(y, return_inverse=True)[1]
            if codes.max() < 1:
                return np.zeros(x.shape[1])
            model = self.make(int(codes.max()) + 1, self.seed).fit(x, codes)
        return np.asarray(model.feature_importances_, float)


@dataclass
class Boruta(Selector):
    """Keep the columns that beat the best of shuffled columns in a forest more often than chance would.

    Kursa and Rudnicki, J Stat Softw 2010;36(11), with the two corrections of the Python package: false discovery
    rate over columns, Bonferroni over rounds. Columns neither accepted nor rejected are left out.
    """

    kinds: ClassVar[tuple[str, ...]] = (CLASSES,)
    ordered: ClassVar[bool] = True
    k: int | None = None
    rounds: int = 50
    trees: int = 100
    depth: int = 5
    alpha: float = 0.05
    seed: int = 0

    def choose(self, x: Array, y: Array, given: Given) -> IntArray:
        """Return the accepted columns, the most often better than chance first."""
        codes = np.unique(y, return_inverse=True)[1]
        verdict, hits = np.zeros(x.shape[1], int), np.zeros(x.shape[1], int)  # verdict 1: accepted, -1: rejected
        rng = np.random.default_rng([self.seed, 13])
        for number in range(1, self.rounds + 1):
            if codes.max(initial=0) < 1 or not (verdict == 0).any():
                break
            alive = np.flatnonzero(verdict >= 0)
            own, best = self._importances(x[:, alive], codes, rng)
            hits[alive] += own > best
            self._judge(verdict, hits, alive, number)
        accepted = np.flatnonzero(verdict == 1)
        return accepted[np.argsort(-hits[accepted], kind="stable")][: self.k]

    def _importances(self, x: Array, codes: IntArray, rng: np.random.Generator) -> tuple[Array, float]:
        """Return the importance of each column, and the largest one of shuffled copies (at least five)."""
        shadow = rng.permuted(np.tile(x, -(-5 // x.shape[1])), axis=0)
        model = _forest(trees=self.trees, depth=self.depth, leaf=1, seed=int(rng.integers(2**31)))
        found = model.fit(np.hstack([x, shadow]), codes).feature_importances_
        return found[: x.shape[1]], float(found[x.shape[1]:].max())

    def _judge(self, verdict: IntArray, hits: IntArray, alive: IntArray, number: int) -> None:
        """Accept and reject where the hits of so many rounds are too many or too few for a fair coin."""
        above = np.where(hits[alive] > 0, bdtrc(np.maximum(hits[alive] - 1, 0), number, 0.5), 1.0)
        below = bdtr(hits[alive], number, 0.5)
        open_ = verdict[alive] == 0
        for p, word in ((above, 1), (below, -1)):
            sure = (false_discovery(p) <= self.alpha) & (p <= self.alpha / number) & open_
            verdict[alive[sure]] = word


@dataclass
class SurvivalForest(Ranking):
    """Keep the k columns whose shuffling costs a random survival forest most out-of-bag concordance (Ishwaran 2008).

    A tree is asked again only for the columns it splits on; patients of whom a tree has seen a copy are not among
    those it is judged by.
    """

    kinds: ClassVar[tuple[str, ...]] = (SURVIVAL,)
    trees: int = 200
    leaf: int = 5
    seed: int = 0

    def faults(self, names: tuple[str, ...]) -> list[str]:
        """Say where scikit-survival is absent."""
        return [NO_FORESTS] if forests_missing() else []

    def values(self, x: Array, y: Array, given: Given) -> Array:
        """Return the loss of out-of-bag concordance."""
        if found := self.faults(given.names):
            raise RadnbError(found[0], code="E_EXTRA")
        truth = np.array(list(zip(y[:, 1] > 0, y[:, 0], strict=True)), dtype=[("event", bool), ("time", float)])
        make = survival_ensembles().RandomSurvivalForest
        forest = make(n_estimators=self.trees, min_samples_leaf=self.leaf, min_samples_split=2 * self.leaf,
                      low_memory=True, n_jobs=1, random_state=self.seed).fit(x, truth)
        groups = np.arange(len(x)) if given.groups is None else given.groups
        seen = [np.isin(groups, groups[bag]) for bag in forest.estimators_samples_]
        return _lost(forest.estimators_, seen, x.astype(np.float32), y, np.random.default_rng([self.seed, 17]))


def _lost(trees: list[Any], seen: list[NDArray[np.bool_]], x: NDArray[np.float32], y: Array,
          rng: np.random.Generator) -> Array:
    """Return how much concordance the forest loses, on rows its trees have not seen, by each column shuffled."""
    total, asked = np.zeros(len(x)), np.zeros(len(x))
    change: dict[int, Array] = {}
    for tree, known in zip(trees, seen, strict=True):
        rows = np.flatnonzero(~known)
        if not len(rows):
            continue
        told = _risk(tree, x[rows])
        total[rows] += told
        asked[rows] += 1
        for column in np.unique(tree.tree_.feature[tree.tree_.feature >= 0]).tolist():
            shuffled = x[rows]
            shuffled[:, column] = rng.permutation(shuffled[:, column])
            change.setdefault(column, np.zeros(len(x)))[rows] += _risk(tree, shuffled) - told
    lost, use = np.zeros(x.shape[1]), asked > 0
    pairs = _pairs(y[use])
    kept = _concordance((total[use] / asked[use]), pairs)
    for column, moved in change.items():
        lost[column] = kept - _concordance((total + moved)[use] / asked[use], pairs)
    return lost


def _risk(tree: Any, x: NDArray[np.float32]) -> Array:
    return np.asarray(tree.predict(x, check_input=False), float).reshape(len(x))


def _pairs(y: Array) -> tuple[IntArray, IntArray]:
    """Return the pairs of patients of whom the first is known to have had the event earlier."""
    time, event = y[:, 0], y[:, 1] > 0
    first, second = np.nonzero(event[:, None] & ((time[:, None] < time) | ((time[:, None] == time) & ~event)))
    return first, second


def _concordance(score: Array, pairs: tuple[IntArray, IntArray]) -> float:
    """Return Harrell's C from pairs prepared once, for it is asked once per column."""
    ahead = score[pairs[0]] - score[pairs[1]]
    return float(((ahead > 0) + 0.5 * (ahead == 0)).mean()) if len(ahead) else 0.5


def _forest(*, trees: int, depth: int | None, leaf: int, seed: int) -> Any:
    from sklearn.ensemble import RandomForestClassifier  # scikit-learn takes seconds to load, and few runs need it

    return RandomForestClassifier(n_estimators=trees, max_depth=depth, min_samples_leaf=leaf, n_jobs=1,
                                  random_state=seed)


def make_forest(classes: int, seed: int, *, trees: int, leaf: int) -> Any:
    """Return a random forest."""
    return _forest(trees=trees, depth=None, leaf=leaf, seed=seed)


def make_boosting(classes: int, seed: int, *, trees: int, depth: int, rate: float) -> Any:
    """Return scikit-learn's gradient boosting."""
    from sklearn.ensemble import GradientBoostingClassifier  # scikit-learn takes seconds to load

    return GradientBoostingClassifier(n_estimators=trees, max_depth=depth, learning_rate=rate, random_state=seed)


def make_xgboost(classes: int, seed: int, *, trees: int, depth: int, rate: float) -> Any:
    """Return XGBoost; for survival its Cox loss, which takes the times of censored patients as negative."""
    import xgboost  # takes seconds to load, and few runs need it

    usual = {"n_estimators": trees, "max_depth": depth, "learning_rate": rate, "n_jobs": 1, "random_state": seed,
             "importance_type": "total_gain"}
    return xgboost.XGBClassifier(**usual) if classes else xgboost.XGBRegressor(objective="survival:cox", **usual)


def make_lightgbm(classes: int, seed: int, *, trees: int, depth: int, rate: float) -> Any:
    """Return LightGBM, whose leaves are small enough for a hundred patients."""
    import lightgbm  # takes seconds to load, and few runs need it

    return lightgbm.LGBMClassifier(n_estimators=trees, max_depth=depth, learning_rate=rate, n_jobs=1,
                                   random_state=seed, min_child_samples=5, importance_type="gain", verbose=-1,
                                   deterministic=True, force_row_wise=True)
