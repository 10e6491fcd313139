"""How long does each selector take beside its usual counterpart, and do both choose the same features?

`RADNB_DATA=FOLDER python benchmarks/feature_selectors.py` runs both on the training rows of repeated 5-fold splits of
180 patients with 851 features (Dong2022 of the radMLBench tables; without it, a simulated table), one thread, each
fold scaled. It prints processor seconds and agreement, and writes feature_selectors.md beside this file.
"""

from __future__ import annotations

import os

os.environ |= dict.fromkeys(("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS"), "1")

import argparse
import platform
import time
import warnings
from collections.abc import Callable, Iterator
from importlib.metadata import version
from pathlib import Path

import numpy as np
import pandas as pd
from sklearn.ensemble import GradientBoostingClassifier, RandomForestClassifier
from sklearn.feature_selection import RFE, SelectKBest, f_classif, mutual_info_classif
from sklearn.linear_model import LassoCV, LogisticRegression, LogisticRegressionCV
from sklearn.model_selection import RepeatedStratifiedKFold
from sklearn.svm import SVC

from radnb.learning.penalised import inner_folds
from radnb.learning.selection import SELECTORS
from radnb.learning.selectors.selector import Given
from radnb.work.choices import pick

PAGE = Path(__file__).with_suffix(".md")
PATIENTS, FEATURES, K = 180, 851, 10
Chosen = set[int]
Peer = Callable[[np.ndarray, np.ndarray], Chosen]


def table() -> tuple[np.ndarray, np.ndarray, str]:
    """Return features, classes and the name of the table."""
    rng, path = np.random.default_rng(0), Path(os.environ.get("RADNB_DATA", "")) / "radmlbench" / "Dong2022.csv"
    if not path.is_file():
        hidden = rng.normal(size=(PATIENTS, 30))
        x = hidden @ rng.normal(size=(30, FEATURES)) + 2 * rng.normal(size=(PATIENTS, FEATURES))
        return x, (hidden[:, 0] + rng.logistic(size=PATIENTS) > 0).astype(int), "simulated"
    whole = pd.read_csv(path)
    numbers = whole.drop(columns=[c for c in ("Target", "ID") if c in whole]).select_dtypes("number")
    rows = rng.permutation(len(whole))[:PATIENTS]
    x = numbers.to_numpy(float)[rows]
    x = x[:, x.std(0) > 1e-12]
    return x[:, rng.permutation(x.shape[1])[:FEATURES]], pd.factorize(whole["Target"].iloc[rows])[0], "Dong2022"


def folds(x: np.ndarray, y: np.ndarray, number: int) -> Iterator[tuple[np.ndarray, np.ndarray]]:
    """Yield the scaled training rows of the first folds of 5 x 5."""
    for train, _ in list(RepeatedStratifiedKFold(n_splits=5, n_repeats=5, random_state=0).split(x, y))[:number]:
        part = x[train]
        sd = part.std(0)
        yield (part - part.mean(0)) / np.where(sd > 0, sd, 1.0), y[train]


def best(value: np.ndarray) -> Chosen:
    return set(np.argsort(-np.nan_to_num(value), kind="stable")[:K].tolist())


def supported(selector: RFE) -> Chosen:
    return set(selector.get_support(True).tolist())


def f_peer(x: np.ndarray, y: np.ndarray) -> Chosen:
    return set(SelectKBest(f_classif, k=K).fit(x, y).get_support(True).tolist())


def rank_sum_peer(x: np.ndarray, y: np.ndarray) -> Chosen:
    from scipy.stats import mannwhitneyu

    p = [mannwhitneyu(x[y == 0, j], x[y == 1, j], use_continuity=False, method="asymptotic").pvalue
         for j in range(x.shape[1])]
    return best(-np.array(p))


def kruskal_peer(x: np.ndarray, y: np.ndarray) -> Chosen:
    from scipy.stats import kruskal

    return best(np.array([kruskal(x[y == 0, j], x[y == 1, j]).statistic for j in range(x.shape[1])]))


def chi_square_peer(x: np.ndarray, y: np.ndarray) -> Chosen:
    from scipy.stats import chi2_contingency

    p = [chi2_contingency(pd.crosstab(pd.qcut(x[:, j], 5, labels=False, duplicates="drop"), y), correction=False).pvalue
         for j in range(x.shape[1])]
    return best(-np.array(p))


def information_peer(x: np.ndarray, y: np.ndarray) -> Chosen:
    return best(mutual_info_classif(x, y, random_state=1))


def mrmr_peer(x: np.ndarray, y: np.ndarray) -> Chosen:
    """Choose as the popular package does: pandas' corrwith at every step, F over the mean correlation."""
    frame, f = pd.DataFrame(x), np.nan_to_num(f_classif(x, y)[0])
    chosen, rest = [int(f.argmax())], [j for j in range(x.shape[1]) if j != int(f.argmax())]
    redundancy = pd.DataFrame(0.0, index=frame.columns, columns=frame.columns)
    while len(chosen) < K:
        redundancy.loc[rest, chosen[-1]] = frame[rest].corrwith(frame[chosen[-1]]).abs().fillna(np.inf)
        score = f[rest] / np.maximum(redundancy.loc[rest, chosen].mean(axis=1).to_numpy(), 1e-3)
        chosen.append(rest.pop(int(np.argmax(score))))
    return set(chosen)


def relief_peer(x: np.ndarray, y: np.ndarray) -> Chosen:
    """Follow the published loop over patients."""
    unit, weight = (x - x.min(0)) / np.where(np.ptp(x, axis=0) > 0, np.ptp(x, axis=0), 1), np.zeros(x.shape[1])
    for i in range(len(x)):
        away = np.abs(unit - unit[i]).sum(1)
        away[i] = np.inf
        for label in (0, 1):
            near = np.argsort(np.where(y == label, away, np.inf), kind="stable")[:10]
            weight += (-1 if label == y[i] else 1) * np.abs(unit[near] - unit[i]).mean(0)
    return best(weight)


def rfe_svm_peer(x: np.ndarray, y: np.ndarray) -> Chosen:
    return supported(RFE(SVC(kernel="linear"), n_features_to_select=K, step=1).fit(x, y))


def rfe_svm_tight(x: np.ndarray, y: np.ndarray) -> Chosen:
    return supported(RFE(SVC(kernel="linear", tol=1e-9), n_features_to_select=K, step=1).fit(x, y))


def rfe_logistic_peer(x: np.ndarray, y: np.ndarray) -> Chosen:
    return supported(RFE(LogisticRegression(max_iter=1000), n_features_to_select=K, step=1).fit(x, y))


def rfe_logistic_tight(x: np.ndarray, y: np.ndarray) -> Chosen:
    return supported(RFE(LogisticRegression(max_iter=5000, tol=1e-10), n_features_to_select=K, step=1).fit(x, y))


def lasso_gaussian_peer(x: np.ndarray, y: np.ndarray) -> Chosen:
    return set(np.flatnonzero(LassoCV(cv=5, max_iter=1000).fit(x, y).coef_).tolist())


def lasso_grid(x: np.ndarray, y: np.ndarray, tol: float) -> Chosen:
    """Solve the same binomial problem at the same lambdas in the same inner folds, by scikit-learn's saga."""
    fold = inner_folds(y == 1, None, 5, 1)
    largest = np.abs(x.T @ (y - y.mean())).max() / len(y)
    lam = largest * 0.05 ** (np.arange(50) / 49)
    split = [(np.flatnonzero(fold != f), np.flatnonzero(fold == f)) for f in range(5)]
    model = LogisticRegressionCV(Cs=1 / (lam * len(y)), cv=split, l1_ratios=(1.0,), solver="saga", max_iter=2000,
                                 scoring="neg_log_loss", tol=tol, use_legacy_attributes=False, random_state=0)
    return set(np.flatnonzero(model.fit(x, y).coef_[0]).tolist())


def lasso_peer(x: np.ndarray, y: np.ndarray) -> Chosen:
    return lasso_grid(x, y, 1e-4)


def boruta_peer(x: np.ndarray, y: np.ndarray) -> Chosen:
    from boruta import BorutaPy

    forest = RandomForestClassifier(max_depth=5, n_jobs=1, random_state=1)
    found = BorutaPy(forest, n_estimators=100, max_iter=50, random_state=1).fit(x, y)
    return set(np.flatnonzero(found.support_).tolist())


def forest_peer(x: np.ndarray, y: np.ndarray) -> Chosen:
    forest = RandomForestClassifier(n_estimators=200, min_samples_leaf=3, random_state=1)
    return best(forest.fit(x, y).feature_importances_)


def boosting_peer(x: np.ndarray, y: np.ndarray) -> Chosen:
    return best(GradientBoostingClassifier(random_state=1).fit(x, y).feature_importances_)


CASES: tuple[tuple[str, dict[str, object], str, Peer | None], ...] = (
    ("anova", {}, "SelectKBest(f_classif)", f_peer),
    ("wilcoxon", {}, "scipy mannwhitneyu, feature by feature", rank_sum_peer),
    ("kruskal", {}, "scipy kruskal, feature by feature", kruskal_peer),
    ("chi_square", {}, "pandas qcut, scipy chi2_contingency", chi_square_peer),
    ("mutual_information", {}, "mutual_info_classif", information_peer),
    ("mrmr", {}, "pandas corrwith at each step", mrmr_peer),
    ("relieff", {}, "the published loop in numpy", relief_peer),
    ("rfe", {}, "RFE(SVC(linear)), default tolerance", rfe_svm_peer),
    ("rfe", {}, "RFE(SVC(linear, tol=1e-9))", rfe_svm_tight),
    ("rfe", {"learner": "logistic"}, "RFE(LogisticRegression), default tolerance", rfe_logistic_peer),
    ("rfe", {"learner": "logistic"}, "RFE(LogisticRegression(tol=1e-10))", rfe_logistic_tight),
    ("lasso", {}, "LogisticRegressionCV(saga), same lambdas and folds", lasso_peer),
    ("lasso", {}, "LassoCV(cv=5): least squares, another problem", lasso_gaussian_peer),
    ("boruta", {}, "boruta package", boruta_peer),
    ("random_forest_importance", {}, "RandomForestClassifier", forest_peer),
    ("gradient_boosting_importance", {}, "GradientBoostingClassifier", boosting_peer),
    ("xgboost_importance", {}, "", None),
    ("lightgbm_importance", {}, "", None),
    ("elastic_net", {}, "", None),
    ("stability_selection", {}, "", None),
    ("pca", {}, "", None),
    ("variance", {}, "", None),
    ("correlation", {}, "", None),
    ("vif", {}, "", None),
)
SLOW = (lasso_peer, lasso_gaussian_peer, rfe_svm_tight, rfe_logistic_tight, boruta_peer)


def timed(work: Callable[[], Chosen]) -> tuple[Chosen, float]:
    begun = time.process_time()
    found = work()
    return found, time.process_time() - begun


def row(name: str, options: dict[str, object], told: str, peer: Peer | None,
        parts: list[tuple[np.ndarray, np.ndarray]]) -> str:
    """Run one selector and its counterpart in turn over the folds and return a row of the page."""
    own_time, peer_time, same, common = [], [], 0, []
    for number, (x, y) in enumerate(parts):
        given = Given(np.arange(len(y)))
        make = pick(SELECTORS, {name: options}, seed=1)
        if not number:
            make().fit(x[:, :40], y.astype(float), given)  # imports
        mine, seconds = timed(lambda make=make, x=x, y=y, given=given:
                              set(make().fit(x, y.astype(float), given).support_.tolist()))
        own_time.append(seconds)
        if peer:
            with warnings.catch_warnings():
                warnings.simplefilter("ignore")  # the peers' notices of unfinished convergence are their own
                theirs, seconds = timed(lambda x=x, y=y: peer(x, y))
            peer_time.append(seconds)
            same += mine == theirs
            common.append(f"{len(mine & theirs)}/{max(len(mine), len(theirs))}")
    label = name + "".join(f", {k} {v}" for k, v in options.items())
    own = float(np.median(own_time))
    if not peer:
        return f"| {label} | {own:.3f} | | | | |"
    other = float(np.median(peer_time))
    shared = "all" if same == len(parts) else "; ".join(common[:5])
    return (f"| {label} | {own:.3f} | {told} | {other:.3f} | {other / max(own, 1e-4):.0f} x | "
            f"{same} of {len(parts)}{'' if same == len(parts) else f' (common: {shared})'} |")


def main() -> None:
    """Measure and write the page."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--folds", type=int, default=10)
    parser.add_argument("--slow-folds", type=int, default=3, help="folds for the counterparts that take seconds")
    parser.add_argument("--only", nargs="*", help="selectors, all by default")
    parser.add_argument("--patient", action="store_true", help="also the counterpart that takes many minutes")
    wanted = parser.parse_args()
    x, y, name = table()
    parts = list(folds(x, y, max(wanted.folds, wanted.slow_folds)))
    lines = [f"# Selectors: how fast, and the same choice?\n\nMade by `benchmarks/feature_selectors.py` on {name}: "
             f"training rows of 5-fold splits of {len(y)} patients, {x.shape[1]} features, {K} chosen where a number "
             f"is asked for; processor seconds of one thread, medians. Python {platform.python_version()}, numpy "
             f"{version('numpy')}, scikit-learn {version('scikit-learn')}.\n",
             "| selector | seconds | counterpart | its seconds | ratio | same features in |",
             "|---|---:|---|---:|---:|---|"]
    print("\n".join(lines))
    for case in CASES:
        if (not wanted.only or case[0] in wanted.only) and (wanted.patient or case[3] is not lasso_peer):
            lines.append(row(*case, parts[: wanted.slow_folds if case[3] in SLOW else wanted.folds]))
            print(lines[-1], flush=True)
    if not wanted.only:
        PAGE.write_text("\n".join(lines) + "\n" + NOTES, encoding="utf-8", newline="\n")


NOTES = """
Why some choices differ:

- `rfe`: radnb solves every model exactly (active set, Newton) and so eliminates in the order that scikit-learn does
  when its tolerance is tightened; at its default tolerance scikit-learn's own order depends on where the solver
  stopped, for among hundreds of correlated columns the smallest weights are nearly equal.
- `lasso`: LassoCV fits least squares to the class labels; radnb fits the binomial likelihood, as glmnet does (equal
  to R in `tests/reference`), with inner folds of patients stratified by class. That is another problem, so other
  columns may be chosen. `--patient` adds scikit-learn's solver of the same problem.
- `boruta`: the method is random. Where the evidence is strong the accepted columns agree
  (`tests/learning/test_selection_oracles.py`); columns near the border depend on the seed in both.
- `gradient_boosting_importance` and `random_forest_importance` are scikit-learn's own; sharing one fit among all
  models and numbers of features is what saves time there.
"""


if __name__ == "__main__":
    main()
