"""Survival learners: Cox models of several kinds, boosted trees, forests; a high score means an early event."""

from __future__ import annotations

import functools
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Annotated, Any, ClassVar, Literal

import numpy as np
from annotated_types import Ge, Gt, Le

from radnb.learning.folds import IntArray
from radnb.learning.forests import survival_ensembles
from radnb.learning.kinds import SURVIVAL
from radnb.learning.learners.learner import PENALTIES, Learner, Linear
from radnb.learning.linear import Fit, fit_cox
from radnb.learning.penalised import Ties, chosen_path, inner_folds
from radnb.statistics.families import Array, Cox
from radnb.statistics.screening import cox_statistic

if TYPE_CHECKING:
    import xgboost

Count = Annotated[int, Gt(0)]
Positive = Annotated[float, Gt(0)]
Share = Annotated[float, Gt(0), Le(1)]
MOST_ROUNDS = 300  # of boosting, when their number is chosen in inner folds
SHORTEST = 0.005  # a time of zero has no logarithm: of the median time
LEAST_SHARE = 0.2  # of the training patients on either side of a cut-off


@dataclass
class CoxModel(Linear):
    """Cox regression with a ridge, Efron's ties; the penalty may be chosen in inner folds."""

    kind: ClassVar[str] = SURVIVAL
    scale: ClassVar[str] = "risk"
    penalty: float | None = 1.0
    seed: int = 0

    def fit(self, x: Array, y: Array, *, classes: int = 0, groups: IntArray | None = None) -> CoxModel:
        """Fit, after choosing the penalty where none was given."""
        penalty = self._inner(x, y, groups) if self.penalty is None else self.penalty
        self.fit_ = fit_cox(x, y[:, 0], y[:, 1], penalty)
        self.converged_ = self.fit_.converged
        return self

    def scores(self, x: Array) -> Array:
        """Return log relative hazards, 0 for the mean training patient."""
        return self.fit_.scores(x)

    def _inner(self, x: Array, y: Array, groups: IntArray | None) -> float:
        fold = inner_folds(y[:, 1] > 0, groups, 5, self.seed)
        if fold is None:
            return 1.0
        whole, loss = Cox(y[:, 0], y[:, 1], "efron"), np.zeros(len(PENALTIES))
        for f in range(fold.max() + 1):
            inside = fold != f
            part = Cox(y[inside, 0], y[inside, 1], "efron")
            for i, penalty in enumerate(PENALTIES):
                eta = fit_cox(x[inside], y[inside, 0], y[inside, 1], penalty).scores(x)[:, 0]
                loss[i] += whole.deviance(eta) - part.deviance(eta[inside])
        return PENALTIES[int(np.argmin(loss))]


@dataclass
class LassoCox(Linear):
    """A LASSO or elastic-net Cox model with true zeros, its penalty from inner folds."""

    kind: ClassVar[str] = SURVIVAL
    scale: ClassVar[str] = "risk"
    rule: Literal["min", "1se"] = "min"
    ties: Ties = "efron"
    seed: int = 0
    alpha: float = 1.0

    def fit(self, x: Array, y: Array, *, classes: int = 0, groups: IntArray | None = None) -> LassoCox:
        """Fit the path and choose from it."""
        found = chosen_path(x, y, groups=groups, rule=self.rule, folds=5, seed=self.seed, ties=self.ties,
                            alpha=self.alpha)[0]
        self.fit_ = Fit(np.array([-float(x.mean(0) @ found.coef)]), found.coef[None, :], found.converged)
        self.converged_ = found.converged
        return self

    def scores(self, x: Array) -> Array:
        """Return log relative hazards, 0 for the mean training patient."""
        return self.fit_.scores(x)


@dataclass
class SumOfSingles(Linear):
    """A weighted sum whose weights are the coefficients of each column alone, divided by their number.

    Tukey's compound covariate (Control Clin Trials 1993;14:266) with Cox coefficients: nothing is fitted jointly, so
    correlated columns share the signal instead of taking it from one another.
    """

    kind: ClassVar[str] = SURVIVAL
    scale: ClassVar[str] = "risk"

    def fit(self, x: Array, y: Array, *, classes: int = 0, groups: IntArray | None = None) -> SumOfSingles:
        """Fit one Cox model for each column."""
        fits = [fit_cox(x[:, [j]], y[:, 0], y[:, 1], 1e-3) for j in range(x.shape[1])]
        coef = np.array([fit.coef[0, 0] for fit in fits]) / len(fits)
        self.converged_ = all(fit.converged for fit in fits)
        self.fit_ = Fit(np.array([-float(x.mean(0) @ coef)]), coef[None, :], self.converged_)
        return self

    def scores(self, x: Array) -> Array:
        """Return the weighted sums, 0 for the mean training patient."""
        return self.fit_.scores(x)


@dataclass
class SingleCut(Learner):
    """The most telling column, cut where the log-rank statistic is largest: 1 on the side of early events, else 0."""

    kind: ClassVar[str] = SURVIVAL
    scale: ClassVar[str] = "risk"
    column_: int = field(init=False, repr=False)
    cut_: float = field(init=False, repr=False)
    above_: bool = field(init=False, repr=False)
    columns_: int = field(init=False, repr=False)

    def fit(self, x: Array, y: Array, *, classes: int = 0, groups: IntArray | None = None) -> SingleCut:
        """Take the column with the largest Cox score statistic, and try every cut that leaves enough on either side."""
        self.columns_, self.cut_, self.above_ = x.shape[1], np.inf, True
        self.column_ = int(np.argmax(np.round(cox_statistic(x, y[:, 0], y[:, 1]), 10)))
        cuts = _cuts(x[:, self.column_])
        if len(cuts):
            high = (x[:, [self.column_]] >= cuts).astype(float)
            at = int(np.argmax(np.round(cox_statistic(high, y[:, 0], y[:, 1]), 10)))  # of a 0/1 column: log-rank
            self.cut_, self.above_ = float(cuts[at]), _earlier(high[:, at] > 0, y)
        return self

    def scores(self, x: Array) -> Array:
        """Return 1 for the side of early events, 0 for the other."""
        high = x[:, self.column_] >= self.cut_
        return np.asarray(high if self.above_ else ~high, float)[:, None] * np.isfinite(self.cut_)

    def weights(self) -> Array:
        """Return 1 or -1 for the column that is cut, 0 for all others."""
        out = np.zeros(self.columns_)
        out[self.column_] = (1.0 if self.above_ else -1.0) * np.isfinite(self.cut_)
        return out


def _cuts(values: Array) -> Array:
    """Return the midpoints between neighbouring values that leave enough patients on either side."""
    distinct = np.unique(values)
    middle = (distinct[1:] + distinct[:-1]) / 2
    below = np.searchsorted(np.sort(values), middle)
    least = max(LEAST_SHARE * len(values), 1)
    return np.asarray(middle[(below >= least) & (len(values) - below >= least)])


def _earlier(high: np.ndarray[Any, Any], y: Array) -> bool:
    """Say whether these patients have more events than expected."""
    return float(Cox(y[:, 0], y[:, 1]).grad(np.zeros(len(y)))[high].sum()) > 0


@dataclass
class Boosted(Learner):
    """Boosted trees of XGBoost: a Cox model, or accelerated failure time. One thread, so that bytes repeat."""

    kind: ClassVar[str] = SURVIVAL
    scale: ClassVar[str] = "risk"
    loss: Literal["cox", "aft"] = "cox"
    rounds: int | None = 100  # None: chosen in inner folds
    settings: tuple[tuple[str, Any], ...] = ()
    seed: int = 0
    booster_: xgboost.Booster = field(init=False, repr=False)
    level_: float = field(init=False, repr=False)

    def fit(self, x: Array, y: Array, *, classes: int = 0, groups: IntArray | None = None) -> Boosted:
        """Grow the trees, after choosing their number where none was given."""
        rounds = self._inner(x, y, groups) if self.rounds is None else self.rounds
        self.booster_, self.level_ = self._train(x, y, rounds), 0.0
        self.level_ = float(self.scores(x).mean())
        return self

    def scores(self, x: Array) -> Array:
        """Return log relative hazards, or minus the log of the expected time; 0 on average in training."""
        import xgboost  # takes a second to load, and few runs need it

        margin = self.booster_.predict(xgboost.DMatrix(x, nthread=1), output_margin=True).astype(float)
        return np.asarray((margin if self.loss == "cox" else -margin) - self.level_)[:, None]

    def weights(self) -> Array:
        """Return each column's share of the gain in all splits."""
        gain = self.booster_.get_score(importance_type="total_gain")
        out = np.array([gain.get(f"f{j}", 0.0) for j in range(self.booster_.num_features())], float)
        return np.asarray(out / (out.sum() or 1.0))

    def _train(self, x: Array, y: Array, rounds: int, held: tuple[Array, Array] | None = None,
               history: dict[str, dict[str, list[float]]] | None = None) -> xgboost.Booster:
        import xgboost

        settings = {"objective": f"survival:{self.loss}", "nthread": 1, "seed": self.seed, "verbosity": 0,
                    "tree_method": "hist", **dict(self.settings)}
        unit = _middle_time(y)
        evals = [] if held is None else [(self._matrix(*held, unit), "held")]
        return xgboost.train(settings, self._matrix(x, y, unit), rounds, evals=evals, evals_result=history,
                             verbose_eval=False)

    def _matrix(self, x: Array, y: Array, unit: float) -> xgboost.DMatrix:
        import xgboost

        time, event = y[:, 0], y[:, 1] > 0
        if self.loss == "cox":  # only the order of times counts; a sign tells the censored, so times start at 1
            rank = np.unique(time, return_inverse=True)[1] + 1.0
            return xgboost.DMatrix(x, label=np.where(event, rank, -rank), nthread=1)
        matrix, positive = xgboost.DMatrix(x, nthread=1), np.maximum(time / unit, SHORTEST)
        matrix.set_float_info("label_lower_bound", positive)
        matrix.set_float_info("label_upper_bound", np.where(event, positive, np.inf))
        return matrix

    def _inner(self, x: Array, y: Array, groups: IntArray | None) -> int:
        """Return the number of rounds with the smallest mean loss of held-out inner folds."""
        fold = inner_folds(y[:, 1] > 0, groups, 5, self.seed)
        if fold is None:
            return MOST_ROUNDS // 3
        losses = []
        for f in range(fold.max() + 1):
            inside, history = fold != f, dict[str, dict[str, list[float]]]()
            self._train(x[inside], y[inside], MOST_ROUNDS, (x[~inside], y[~inside]), history)
            losses.append(next(iter(history["held"].values())))
        return 1 + int(np.argmin(np.mean(losses, axis=0)))


def _middle_time(y: Array) -> float:
    """Return the median of the positive times, for a scale on which times are about 1."""
    positive = y[y[:, 0] > 0, 0]
    return float(np.median(positive)) if positive.size else 1.0


@dataclass
class Grown(Learner):
    """A survival ensemble of scikit-survival, made by `make` (a picklable call)."""

    kind: ClassVar[str] = SURVIVAL
    scale: ClassVar[str] = "risk"
    make: Callable[[], Any] = object
    model_: Any = field(init=False, repr=False)
    level_: float = field(init=False, repr=False)

    def fit(self, x: Array, y: Array, *, classes: int = 0, groups: IntArray | None = None) -> Grown:
        """Grow the trees."""
        truth = np.array(list(zip(y[:, 1] > 0, y[:, 0], strict=True)), dtype=[("event", bool), ("time", float)])
        self.model_, self.level_ = self.make().fit(x, truth), 0.0
        self.level_ = float(self.scores(x).mean())
        return self

    def scores(self, x: Array) -> Array:
        """Return the log hazard of boosting, or a forest's expected events; 0 on average in training."""
        return np.asarray(self.model_.predict(x), float)[:, None] - self.level_

    def weights(self) -> Array | None:
        """Return importances where the ensemble has any: a survival forest has none."""
        try:
            return np.asarray(self.model_.feature_importances_, float)
        except (AttributeError, NotImplementedError):
            return None


def _make_forest(*, trees: int, leaf: int, seed: int) -> Any:
    return survival_ensembles().RandomSurvivalForest(n_estimators=trees, min_samples_leaf=leaf, random_state=seed,
                                                      min_samples_split=2 * leaf, n_jobs=1, low_memory=True)


def _make_boosted(*, rounds: int, rate: float, depth: int, share: float, seed: int) -> Any:
    return survival_ensembles().GradientBoostingSurvivalAnalysis(
        loss="coxph", n_estimators=rounds, learning_rate=rate, max_depth=depth, subsample=share, random_state=seed)


def cox(*, penalty: Annotated[float, Ge(0)] = 1e-3) -> CoxModel:
    """Cox regression with just enough ridge to be stable."""
    return CoxModel(penalty)


def ridge_cox(*, penalty: Annotated[float, Ge(0)] | Literal["inner"] = 1.0, seed: int) -> CoxModel:
    """Cox regression with a ridge penalty, given or chosen in inner folds."""
    return CoxModel(None if penalty == "inner" else float(penalty), seed)


def lasso_cox(*, rule: Literal["min", "1se"] = "min", ties: Ties = "efron", seed: int) -> LassoCox:
    """LASSO-Cox regression with its penalty chosen in inner folds."""
    return LassoCox(rule, ties, seed)


def elastic_net_cox(*, alpha: Share = 0.5, rule: Literal["min", "1se"] = "min", ties: Ties = "efron",
                    seed: int) -> LassoCox:
    """Elastic-net Cox regression (`alpha` is the LASSO's share), its penalty chosen in inner folds."""
    return LassoCox(rule, ties, seed, alpha)


def radiomics_score_cox(*, weights: Literal["lasso", "single"] = "lasso", rule: Literal["min", "1se"] = "min",
                        seed: int) -> LassoCox | SumOfSingles:
    """Radiomics score: a sum weighted by LASSO-Cox coefficients, or by those of each column alone; with its formula."""
    return LassoCox(rule, "efron", seed) if weights == "lasso" else SumOfSingles()


def single_feature_cox() -> SingleCut:
    """One feature cut in two where the log-rank statistic of the training patients is largest."""
    return SingleCut()


def xgboost_cox(*, rounds: Count | Literal["inner"] = 100, depth: Count = 2, rate: Share = 0.1, share: Share = 0.8,
                ridge: Annotated[float, Ge(0)] = 1.0, seed: int) -> Boosted:
    """Boosted trees with Cox's loss (XGBoost); the number of rounds is given or chosen in inner folds."""
    return _boosted("cox", rounds, seed, max_depth=depth, eta=rate, subsample=share, reg_lambda=ridge)


def xgboost_aft(*, rounds: Count | Literal["inner"] = 100, depth: Count = 2, rate: Share = 0.1, share: Share = 0.8,
                ridge: Annotated[float, Ge(0)] = 1.0, spread: Positive = 1.0,
                distribution: Literal["normal", "logistic", "extreme"] = "normal", seed: int) -> Boosted:
    """Boosted trees of log times, accelerated failure time (XGBoost); rounds given or chosen in inner folds."""
    return _boosted("aft", rounds, seed, max_depth=depth, eta=rate, subsample=share, reg_lambda=ridge,
                    aft_loss_distribution=distribution, aft_loss_distribution_scale=spread)


def _boosted(loss: Literal["cox", "aft"], rounds: int | str, seed: int, **settings: object) -> Boosted:
    return Boosted(loss, None if rounds == "inner" else int(rounds), tuple(settings.items()), seed)


def gradient_boosted_cox(*, rounds: Count = 100, depth: Count = 2, rate: Share = 0.1, share: Share = 0.8,
                         seed: int) -> Grown:
    """Gradient boosting with Cox's loss (scikit-survival: `pip install 'radnb[forests]'`)."""
    return Grown(functools.partial(_make_boosted, rounds=rounds, rate=rate, depth=depth, share=share, seed=seed))


def random_survival_forest(*, trees: Count = 200, leaf: Count = 5, seed: int) -> Grown:
    """Random survival forest (scikit-survival: `pip install 'radnb[forests]'`)."""
    return Grown(functools.partial(_make_forest, trees=trees, leaf=leaf, seed=seed))


FORESTS = ("gradient_boosted_cox", "random_survival_forest")  # what asks for the extra
