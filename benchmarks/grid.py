"""How long does a grid of 5 selectors by 9 models take, against the same 45 pipelines one by one?

`RADNB_DATA=FOLDER python benchmarks/grid.py` compares, on 180 patients with 851 features and 5 x 5 folds, three ways:

- naive: 45 pipelines of scikit-learn's parts, each fold scaling, selecting and fitting for itself;
- shared: the very same parts in radnb's views of a sample, which scale and select once a fold (scores must be equal);
- radnb: its own selectors and models, two processes.

Naive and shared are measured on some folds and scaled up to all; LASSO, the same for its nine models, is timed once a
fold and counted nine times where nobody shares it. Processor seconds of one thread. Writes grid.md beside this file.
"""

from __future__ import annotations

import os

os.environ |= dict.fromkeys(("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS"), "1")

import argparse
import functools
import multiprocessing
import platform
import time
import warnings
from collections.abc import Callable
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
from feature_selectors import boosting_peer, lasso_peer, mrmr_peer, rank_sum_peer, rfe_svm_peer, table
from sklearn.discriminant_analysis import LinearDiscriminantAnalysis
from sklearn.ensemble import AdaBoostClassifier, RandomForestClassifier
from sklearn.linear_model import LassoCV, LogisticRegression
from sklearn.naive_bayes import GaussianNB
from sklearn.neighbors import KNeighborsClassifier
from sklearn.svm import SVC
from sklearn.tree import DecisionTreeClassifier
from xgboost import XGBClassifier

from radnb.features.assemble import Cohort, Outcome
from radnb.learning.arrays import make_problem, patients
from radnb.learning.fitting import fit, view
from radnb.learning.learners.learner import Learner
from radnb.learning.plan import Plan
from radnb.learning.problem import Candidate, Chain, Problem, Sample
from radnb.learning.selectors.selector import Given, Selector
from radnb.learning.splits import repeated_kfold
from radnb.statistics.families import Array

PAGE = Path(__file__).with_suffix(".md")
SEED, K, WORKERS = 7, 10, 2
BLOCKS = ("radiomics",)
Peer = Callable[[Array, Array], set[int]]


def gaussian_lasso(x: Array, y: np.ndarray) -> set[int]:
    """Choose as most published pipelines do: LassoCV on the class numbers."""
    return set(np.flatnonzero(LassoCV(cv=5, max_iter=5000).fit(x, y).coef_).tolist())


PEERS: dict[str, Peer] = {"wilcoxon": rank_sum_peer, "mrmr": mrmr_peer, "rfe": rfe_svm_peer,
                          "gradient_boosting_importance": boosting_peer, "lasso": gaussian_lasso}
MODELS: dict[str, Callable[[], Any]] = {
    "logistic": lambda: LogisticRegression(C=1e6, max_iter=5000),
    "svm": lambda: SVC(kernel="linear", probability=False),
    "random_forest": lambda: RandomForestClassifier(200, min_samples_leaf=3, random_state=SEED),
    "decision_tree": lambda: DecisionTreeClassifier(min_samples_leaf=5, random_state=SEED),
    "knn": KNeighborsClassifier, "naive_bayes": GaussianNB, "lda": LinearDiscriminantAnalysis,
    "xgboost": lambda: XGBClassifier(n_estimators=100, max_depth=2, learning_rate=0.1, subsample=0.8, n_jobs=1,
                                     random_state=SEED, verbosity=0),
    "adaboost": lambda: AdaBoostClassifier(n_estimators=50, random_state=SEED)}
OWN = {"selectors": [{name: {} if name == "lasso" else {"k": K}} for name in PEERS],
       "models": [{name: {}} for name in MODELS]}


def scores_of(model: Any, x: Array) -> Array:
    """Return decision values or probabilities of the second class."""
    return np.asarray(model.decision_function(x) if hasattr(model, "decision_function")
                      else model.predict_proba(x)[:, 1])


@dataclass
class PeerSelector(Selector):
    """One of scikit-learn's (or scipy's) ways to select, as radnb calls a selector."""

    name: str = ""

    def choose(self, x: Array, y: Array, given: Given) -> np.ndarray:
        """Return the columns that the peer chooses."""
        return np.array(sorted(PEERS[self.name](x, y.astype(int))), dtype=np.intp)


@dataclass
class PeerModel(Learner):
    """One of scikit-learn's classifiers with its usual options, as radnb calls a learner."""

    name: str = ""
    model_: Any = field(init=False, repr=False)

    def fit(self, x: Array, y: Array, *, classes: int = 2, groups: np.ndarray | None = None) -> PeerModel:
        """Fit it."""
        self.model_ = MODELS[self.name]().fit(x, y.astype(int))
        return self

    def scores(self, x: Array) -> Array:
        """Return its scores."""
        return scores_of(self.model_, x)[:, None]


def problem_of(x: Array, y: np.ndarray, **changes: Any) -> tuple[Problem, pd.DataFrame]:
    """Return the arrays of a table as radnb works on them, standardised and unfiltered, and its patients."""
    names = tuple(f"f{i}" for i in range(x.shape[1]))
    frame = pd.DataFrame(x, columns=list(names)).assign(patient_id=[f"P{i:03d}" for i in range(len(y))], outcome=y)
    none = pd.DataFrame(columns=["patient_id", "stage", "reason"])
    cohort = Cohort(frame, {"radiomics": names}, Outcome("classes", "target", ("0", "1")), frame[["patient_id"]], none)
    plan = Plan(sets={"radiomics": BLOCKS}, model={"logistic": {}}, primary="radiomics", seed=SEED,
                prepare={"near_constant": 1.0, "correlation": None}, **changes)
    return make_problem(cohort, plan, dict(cohort.blocks)), patients(cohort)


def naive(x: Array, y: np.ndarray, train: np.ndarray, test: np.ndarray) -> tuple[dict[tuple[str, str], Array], float]:
    """Fit all 45 pipelines of a fold, each for itself; LASSO is chosen once and counted nine times."""
    found, more = {}, 0.0
    start = time.process_time()
    for name, peer in PEERS.items():
        kept: list[int] | None = None
        for model, make in MODELS.items():
            middle, spread = x[train].mean(0), x[train].std(0)
            inside, outside = ((x[rows] - middle) / spread for rows in (train, test))
            begun = time.process_time()
            if kept is None or name != "lasso":
                kept = sorted(peer(inside, y[train]))
                more += (len(MODELS) - 1) * (time.process_time() - begun) if name == "lasso" else 0.0
            found[name, model] = scores_of(make().fit(inside[:, kept], y[train]), outside[:, kept])
    return found, time.process_time() - start + more


def shared(problem: Problem, train: np.ndarray, test: np.ndarray) -> tuple[dict[tuple[str, str], Array], float]:
    """Fit the same parts as candidates of one sample, which share scaling and selection."""
    start, seen = time.process_time(), view(Sample(problem, train))
    found = {(one.selector, one.learner): fit(seen, BLOCKS, number).scores(test, {})[:, 0]
             for number, one in enumerate(problem.candidates)}
    return found, time.process_time() - start


def with_peers(problem: Problem) -> Problem:
    """Return the problem with the peers as its candidates."""
    chains = tuple(Chain((functools.partial(PeerSelector, name),), number) for number, name in enumerate(PEERS))
    ways = tuple(Candidate(number, functools.partial(PeerModel, model), selector=name, learner=model)
                 for number, name in enumerate(PEERS) for model in MODELS)
    return replace(problem, chains=chains, candidates=ways)


def own_fold(problem: Problem, rows: tuple[np.ndarray, np.ndarray]) -> float:
    """Fit radnb's own 45 ways on one fold; return the processor seconds."""
    return shared(problem, *rows)[1]


def main() -> None:
    """Measure and write the page."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--folds", type=int, default=2, help="folds on which naive and shared are measured")
    wanted = parser.parse_args()
    warnings.filterwarnings("ignore")
    x, y, name = table()
    problem, people = problem_of(x, y)
    splits = repeated_kfold(people, folds=5, repeats=5, seed=SEED)
    equal, slow, fast, binomial = [], 0.0, 0.0, 0.0
    for split in splits[: wanted.folds]:
        mine, cost = naive(x, y, split.train, split.test)
        theirs, less = shared(with_peers(problem), split.train, split.test)
        slow, fast = slow + cost, fast + less
        equal += [np.allclose(mine[key], theirs[key], rtol=0, atol=1e-9) for key in mine]
        begun, inside = time.process_time(), (x[split.train] - x[split.train].mean(0)) / x[split.train].std(0)
        lasso_peer(inside, y[split.train])
        binomial += time.process_time() - begun
        print(f"fold: naive {cost:.1f} s, shared {less:.1f} s, LASSO by saga {binomial:.1f} s so far", flush=True)
    own, _ = problem_of(x, y, grid=OWN)
    begun = time.perf_counter()
    rows = [(split.train, split.test) for split in splits]
    with ProcessPoolExecutor(WORKERS, mp_context=multiprocessing.get_context("fork")) as pool:
        seconds = sum(pool.map(functools.partial(own_fold, own), rows))
    wall = time.perf_counter() - begun
    per, all_folds = len(splits) / wanted.folds, len(splits)
    lines = [
        "# A grid of 5 selectors by 9 models", "",
        f"Made by `benchmarks/grid.py` on {name}: {len(y)} patients, {x.shape[1]} features, 5 x 5 folds, {K} features "
        f"where a number is asked for. Processor seconds; naive and shared measured on {wanted.folds} folds and scaled "
        f"up. Python {platform.python_version()}.", "",
        "| way | seconds, 25 folds | ratio |", "|---|---:|---:|",
        f"| 45 scikit-learn pipelines, each for itself (LASSO: LassoCV) | {slow * per:.0f} | 1 |",
        f"| the same parts in radnb's shared views of a fold | {fast * per:.0f} | 1/{slow / fast:.1f} |",
        f"| selectors and models of radnb | {seconds:.0f} | 1/{slow * per / seconds:.0f} |", "",
        f"Shared views: {sum(equal)} of {len(equal)} score vectors equal to the naive ones within 1e-9. radnb's own, "
        f"on {WORKERS} processes: {wall:.0f} s on the clock for {all_folds} folds. The binomial LASSO that radnb "
        f"solves takes scikit-learn's saga {binomial / wanted.folds:.0f} s a fit; which selections are equal stands "
        "in feature_selectors.md.", ""]
    PAGE.write_text("\n".join(lines), encoding="utf-8", newline="\n")
    print("\n".join(lines))


if __name__ == "__main__":
    main()
