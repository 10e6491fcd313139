"""Which public function of radnb answers to which R quantity: id pattern -> (inputs, settings, *groups) -> numbers."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from typing import Any

import numpy as np
import pandas as pd

from radnb.learning.linear import fit_cox, fit_logistic
from radnb.statistics import agreement, calibration, combat, cutoffs, discrimination, screening, survival, usefulness
from radnb.statistics.families import Array, Binomial, Cox, Family
from radnb.statistics.paths import CrossValidation, Path, cross_validate, fit_path

Inputs = Callable[[str], pd.DataFrame]
Settings = Mapping[str, Any]
THRESHOLDS = 0.01 + np.arange(99) * 0.01


def _estimate(found: Any, names: tuple[str, str, str] = ("auc", "lo", "hi")) -> dict[str, float]:
    return dict(zip(names, found[:3], strict=True))


def _delong_ci(read: Inputs, settings: Settings, name: str) -> Any:
    d = read("roc")
    return _estimate(discrimination.delong_interval(d[name], d["y"]))


def _delong_negative(read: Inputs, settings: Settings, name: str) -> Any:
    d = read("roc")
    return _estimate(discrimination.delong_interval(-d[name], d["y"]))


def _delong_var(read: Inputs, settings: Settings, name: str) -> Any:
    d = read("roc")
    return discrimination.delong(d[name], d["y"])[1][0, 0]


def _delong_paired(read: Inputs, settings: Settings, a: str, b: str) -> Any:
    d = read("roc")
    found = discrimination.delong_test(d[a], d[b], d["y"])
    return {"z": found.statistic, "p": found.p}


def _delong_paired_ci(read: Inputs, settings: Settings, a: str, b: str) -> Any:
    d = read("roc")
    found = discrimination.delong_test(d[a], d[b], d["y"])
    return {"lo": found.low, "hi": found.high}


def _unpaired(read: Inputs) -> Any:
    d = read("roc")
    a, b = d[d["group"] == "A"], d[d["group"] == "B"]
    return discrimination.delong_test_unpaired(a["m1"], a["y"], b["m1"], b["y"])


def _delong_unpaired(read: Inputs, settings: Settings) -> Any:
    found, df = _unpaired(read)
    return {"D": found.statistic, "df": df, "p_t": found.p}


def _delong_unpaired_normal(read: Inputs, settings: Settings) -> Any:
    from scipy import stats

    return 2 * stats.norm.sf(abs(_unpaired(read)[0].statistic))


def _bootstrap(read: Inputs, settings: Settings, name: str) -> Any:
    d, rng, times = read("roc"), np.random.default_rng(1), 4000
    where = [np.flatnonzero(d["y"] == c) for c in (0, 1)]
    drawn = np.concatenate([np.concatenate([rng.choice(w, len(w)) for w in where]) for _ in range(times)])
    found = discrimination.auc_within(d[name].to_numpy()[drawn], d["y"].to_numpy()[drawn], np.zeros(len(drawn)),
                                      replicate=np.repeat(np.arange(times), len(d)))
    return dict(zip(("lo", "hi"), np.quantile(found, (0.025, 0.975)), strict=True))


def _partial(read: Inputs, settings: Settings, name: str) -> Any:
    d = read("roc")
    return cutoffs.partial_auc(d[name], d["y"], specificity=0.8)


def _youden(read: Inputs, settings: Settings) -> Any:
    p = read("pred")
    cut = cutoffs.youden(p["p_b"], p["y"])
    return {"threshold_midpoint": cut.midpoint, "threshold_observed_ge": cut.threshold, "sens": cut.sensitivity,
            "spec": cut.specificity, "youden_j": cut.sensitivity + cut.specificity - 1}


def _counts(read: Inputs) -> cutoffs.Counts:
    p = read("pred")
    return cutoffs.confusion(p["p_b"] >= cutoffs.youden(p["p_b"], p["y"]).threshold, p["y"])


def _confusion(read: Inputs, settings: Settings) -> Any:
    return _counts(read)._asdict()


NAMES = {"sens": "sensitivity", "spec": "specificity", "ppv": "ppv", "npv": "npv", "acc": "accuracy", "f1": "f1",
         "bal_acc": "balanced_accuracy", "kappa": "kappa"}


def _rates(read: Inputs, settings: Settings) -> Any:
    found = cutoffs.rates(_counts(read))
    return {short: found[name] for short, name in NAMES.items()}


def _mcc(read: Inputs, settings: Settings) -> Any:
    return cutoffs.rates(_counts(read))["mcc"]


def _ratios(read: Inputs, settings: Settings) -> Any:
    found = cutoffs.rates(_counts(read))
    return {"lr_pos": found["lr_positive"], "lr_neg": found["lr_negative"]}


def _proportion_ci(read: Inputs, settings: Settings, kind: str) -> Any:
    interval = {"wilson": cutoffs.wilson, "clopper_pearson": cutoffs.clopper_pearson}[kind]
    parts = cutoffs.proportions(_counts(read))
    found = {}
    for short in ("sens", "spec", "ppv", "npv", "acc"):
        found[f"{short}.lo"], found[f"{short}.hi"] = interval(*map(float, parts[NAMES[short]]))
    return found


def _one_versus_rest(read: Inputs) -> tuple[np.ndarray, np.ndarray, list[str]]:
    m = read("multi")
    labels = sorted(m["y"].unique())
    return m[[f"p_{k}" for k in labels]].to_numpy(), m["y"].to_numpy()[:, None] == np.array(labels), labels


def _ovr(read: Inputs, settings: Settings, kind: str) -> Any:
    p, truth, labels = _one_versus_rest(read)
    each = np.array([discrimination.auc(p[:, k], truth[:, k]) for k in range(len(labels))])
    return {"each": dict(zip(labels, each, strict=True)), "macro": each.mean(),
            "weighted": float(each @ truth.mean(axis=0)), "micro": discrimination.auc(p.ravel(), truth.ravel())}[kind]


def _hand_till(read: Inputs, settings: Settings) -> Any:
    p, truth, _ = _one_versus_rest(read)
    return discrimination.hand_till(p, truth.argmax(axis=1))


def _brier(read: Inputs, settings: Settings, name: str) -> Any:
    p = read("pred")
    found = calibration.brier(p[f"p_{name}"], p["y"])
    return {"brier": found.brier, "brier_null": found.null, "scaled": found.scaled}


def _line(read: Inputs, settings: Settings, name: str) -> Any:
    p = read("pred")
    line = calibration.calibration_line(p[f"p_{name}"], p["y"])
    return {"intercept": line.intercept.value, "slope": line.slope.value, "citl": line.in_the_large.value,
            "se_intercept": line.intercept.se, "se_slope": line.slope.se, "se_citl": line.in_the_large.se}


def _loess(read: Inputs, settings: Settings, direct: str, name: str) -> Any:
    p = read("pred")
    return calibration.calibration_errors(p[f"p_{name}"], p["y"],
                                          surface="direct" if direct else "interpolate")._asdict()


def _net_benefit(read: Inputs, settings: Settings, name: str) -> Any:
    p = read("pred")
    found = usefulness.net_benefit(p[name if name.startswith("p_") else "p_a"], p["y"], THRESHOLDS)
    return {"all": found.treat_all, "none": found.treat_none}.get(name, found.model)


def _avoided(read: Inputs, settings: Settings, name: str) -> Any:
    p = read("pred")
    return usefulness.interventions_avoided(p[name], p["y"], THRESHOLDS)


def _survival_benefit(read: Inputs, settings: Settings, name: str) -> Any:
    td, horizon = read("td_test"), float(settings["surv_dca_time"])
    found = usefulness.survival_net_benefit(1 - td[f"S_b_{horizon:.1f}"], td["time"], td["event"], THRESHOLDS,
                                            horizon=horizon)
    return found.treat_all if name == "all" else found.model


def _curve(read: Inputs, scale: str = "log-log") -> survival.KaplanMeier:
    s = read("surv")
    return survival.kaplan_meier(s["time"], s["event"], scale=scale)


def _numbered(name: str, values: Any) -> dict[str, float]:
    return {f"{name}{k}": v for k, v in enumerate(values, 1)}


def _km(read: Inputs, settings: Settings, kind: str) -> Any:
    at = _curve(read, "log" if kind == "surv_log_ci" else "log-log").at(settings["km_times"])
    limits = {**_numbered("lo", at.low), **_numbered("hi", at.high)}
    return {"surv_loglog": {**_numbered("surv", at.survival), **limits}, "surv_log_ci": limits,
            "greenwood_se": at.se, "n_at_risk": at.at_risk}[kind]


def _median(read: Inputs, settings: Settings, kind: str) -> Any:
    curve = _curve(read, "log" if kind == "log_default" else "log-log")
    return _estimate(survival.median_survival(curve), ("median", "lo", "hi"))


def _median_by_group(read: Inputs, settings: Settings) -> Any:
    parts = [survival.kaplan_meier(part["time"], part["event"]) for _, part in read("surv").groupby("grp2")]
    return [number for curve in parts for number in survival.median_survival(curve)[:3]]


def _rmst(read: Inputs, settings: Settings) -> Any:
    found = survival.restricted_mean(_curve(read), settings["rmst_tau"])
    return {"rmst": found.value, "se": found.se}


def _logrank(read: Inputs, settings: Settings, group: str) -> Any:
    s = read("surv")
    found = survival.logrank(s["time"], s["event"], s[group])
    return {"chi2": found.statistic, "df": found.df, "p": found.p}


def _logrank_peto(read: Inputs, settings: Settings) -> Any:
    s = read("surv")
    found = survival.logrank(s["time"], s["event"], s["grp2"], rho=1)
    return {"chi2": found.statistic, "p": found.p}


def _logrank_strata(read: Inputs, settings: Settings) -> Any:
    s = read("surv")
    found = survival.logrank(s["time"], s["event"], s["grp2"], stratum=s["grp3"])
    return {"chi2": found.statistic, "p": found.p}


def _logrank_pairwise(read: Inputs, settings: Settings) -> Any:
    s = read("surv")
    names = sorted(s["grp3"].unique())
    pairs = [(a, b) for k, a in enumerate(names) for b in names[k + 1:]]
    parts = [s[s["grp3"].isin(pair)] for pair in pairs]
    return [survival.logrank(part["time"], part["event"], part["grp3"]).p for part in parts]


def _harrell(read: Inputs, settings: Settings, name: str) -> Any:
    td = read("td_test")
    found = discrimination.concordance(td[name], td["time"], td["event"])
    return {"c": found.value, "se": found.se, "lo": found.low, "hi": found.high}


def _rcorr(read: Inputs, settings: Settings, name: str) -> Any:
    found = _harrell(read, settings, name)
    return {"c": found["c"], "dxy": 2 * found["c"] - 1, "sd_dxy": 2 * found["se"]}


def _paired_concordance(read: Inputs, settings: Settings) -> Any:
    td = read("td_test")
    found = discrimination.concordance_test(td["lp_b"], td["lp_a"], td["time"], td["event"])
    return {"diff_b_minus_a": found.value, "se": found.se, "z": found.statistic, "p": found.p}


def _censoring(read: Inputs, settings: Settings) -> Any:
    td = read("td_test")
    return survival.kaplan_meier(td["time"], 1 - td["event"]).at(settings["td_times"]).survival


def _corrected(read: Inputs, settings: Settings, kind: str) -> Any:
    return {"BH": screening.false_discovery, "holm": screening.holm}[kind](read("pvals")["p"].to_numpy())


def _kruskal(read: Inputs, settings: Settings, column: str) -> tuple[float, float]:
    table = read("two_ties")
    groups = np.unique(table[column], return_inverse=True)[1]
    statistic, p = screening.kruskal_test(table[["v"]].to_numpy(float), groups)
    return float(statistic[0]), float(p[0])


def _kruskal_by_category(read: Inputs, settings: Settings) -> Any:
    return dict(zip(("H", "p"), _kruskal(read, settings, "cat"), strict=True))


def _wilcoxon(read: Inputs, settings: Settings) -> Any:
    return _kruskal(read, settings, "g")[1]


def _cox(read: Inputs, settings: Settings) -> Any:
    s, names = read("surv"), ["x1", "x2", "x3", "x4"]
    fit = fit_cox(s[names].to_numpy(float), s["time"].to_numpy(float), s["event"].to_numpy(float), 0.0)
    return dict(zip(names, fit.coef[0], strict=True))


def _readers(read: Inputs, settings: Settings) -> Any:
    table = read("icc_features")
    names = [name for name in table if name not in ("subject", "reader")]
    ratings = np.stack([table[table["reader"] == r][names].to_numpy(float) for r in ("R1", "R2")], axis=1)
    found = agreement.icc_a1(ratings)
    return {f"{name}_{word}": values[k] for k, name in enumerate(names)
            for word, values in zip(("icc", "lo", "hi"), found, strict=True)}


PENALISED = {"lasso": 2, "coxnet": 3}  # table -> number of columns before the features


def _penalised(read: Inputs, name: str) -> tuple[Array, np.ndarray, Callable[[np.ndarray], Family]]:
    table = read(name)
    x = table.iloc[:, PENALISED[name]:].to_numpy(float)
    if name == "lasso":
        y = table["y"].to_numpy(float)
        return x, table["foldid"].to_numpy(), lambda rows: Binomial(y[rows])
    time, event = table["time"].to_numpy(float), table["event"].to_numpy(float)
    return x, table["foldid"].to_numpy(), lambda rows: Cox(time[rows], event[rows])


CROSS_VALIDATED: dict[tuple[int, str, str], CrossValidation] = {}


def _validated(read: Inputs, name: str, kind: str = "") -> CrossValidation:
    key = (id(read), name, kind)
    if key not in CROSS_VALIDATED:
        x, fold, family = _penalised(read, name)
        measure = "concordance" if kind in ("auc", "C") else "deviance"
        CROSS_VALIDATED[key] = cross_validate(x, family, fold, own_paths=kind != "userlambda", ratio=0.01,
                                              measure=measure)  # type: ignore[arg-type]
    return CROSS_VALIDATED[key]


def _at(path: Path, lam: float, name: str) -> np.ndarray:
    k = int(np.argmin(np.abs(path.lam - lam)))
    return np.r_[path.intercept[k], path.coef[k]] if name == "lasso" else path.coef[k]


def _path(read: Inputs, settings: Settings, name: str, kind: str) -> Any:
    lam = _validated(read, name).path.lam
    return lam[0] if kind == "max" else lam


def _chosen_lambda(read: Inputs, settings: Settings, name: str, kind: str | None) -> Any:
    found = _validated(read, name, kind or "")
    return {"min": found.lam_min, "1se": found.lam_1se}


def _chosen_coefficients(read: Inputs, settings: Settings, name: str, kind: str | None, rule: str) -> Any:
    found = _validated(read, name, kind or "")
    return _at(found.path, found.lam_min if rule == "min" else found.lam_1se, name)


def _number_chosen(read: Inputs, settings: Settings, name: str) -> Any:
    return {rule: np.count_nonzero(_chosen_coefficients(read, settings, name, None, rule)[1:])
            for rule in ("min", "1se")}


def _curve_of(read: Inputs, settings: Settings, name: str, kind: str) -> Any:
    found = _validated(read, name, "userlambda")
    return found.loss if kind == "cvm" else found.error


def _best_auc(read: Inputs, settings: Settings) -> Any:
    return 1 - _validated(read, "lasso", "auc").loss.min()


def _exact_coefficients(read: Inputs, settings: Settings, name: str, probe: str) -> Any:
    x, _, family = _penalised(read, name)
    lam, grid = float(settings["probe_lambda"][int(probe) - 1]), _validated(read, name).path.lam
    return _at(fit_path(x, family(np.arange(len(x))), np.append(grid[grid > lam], lam)), lam, name)


def _elastic_net(read: Inputs, settings: Settings, mix: str) -> Any:
    x, _, family = _penalised(read, "lasso")
    lam = float(settings["probe_lambda"][1])
    return _at(fit_path(x, family(np.arange(len(x))), np.array([lam]), alpha=float(mix), tol=1e-9), lam, "lasso")


def _inflation(read: Inputs, settings: Settings, kind: str) -> Any:
    table, names = read("dev"), ["age", "sex", "size", "radscore"]
    x, y, weight = table[names].to_numpy(float), table["y"].to_numpy(float), None
    if kind == "glm_car":
        p = 1 / (1 + np.exp(-fit_logistic(x, y, 0.0).scores(x)[:, 0]))
        weight = p * (1 - p)
    return dict(zip(names, screening.variance_inflation(x, weight), strict=True))


COMBAT = {"par": {}, "nonpar": {"estimate": "nonparametric"}, "meanonly": {"mean_only": True}}


def _combat(read: Inputs, settings: Settings, kind: str, covariates: str, reference: str) -> Any:
    table = read("combat")
    batch = np.unique(table["batch"], return_inverse=True)
    x = table.filter(regex=r"^f\d+$").to_numpy(float)
    given = table[["y", "age"]].to_numpy(float) if covariates else None  # R's call, which radnb's cards refuse
    home = int(np.searchsorted(batch[0], settings["combat_ref"])) if reference else None
    found = combat.fit(x, batch[1], given, reference=home, **COMBAT[kind])
    return combat.apply(found, x, batch[1], given)[:10, :3].ravel(order="F")


QUANTITIES: dict[str, Callable[..., Any]] = {
    r"roc\.auc_delong_ci\.(m\d)": _delong_ci,
    r"roc\.auc_delong_ci\.(m\d)_negative": _delong_negative,
    r"roc\.auc_var_delong\.(m\d)": _delong_var,
    r"roc\.delong_paired\.(m\d)_(m\d)": _delong_paired,
    r"roc\.delong_paired_diff_ci\.(m\d)_(m\d)": _delong_paired_ci,
    r"roc\.delong_unpaired\.m1_groupA_vs_B": _delong_unpaired,
    r"roc\.delong_unpaired_normal_p": _delong_unpaired_normal,
    r"roc\.bootstrap_stratified_ci\.(m\d)": _bootstrap,
    r"roc\.partial_auc_spec_1_0\.8\.(m\d)": _partial,
    r"cut\.youden": _youden,
    r"cut\.confusion": _confusion,
    r"cut\.metrics": _rates,
    r"cut\.mcc": _mcc,
    r"cut\.lr": _ratios,
    r"cut\.(wilson|clopper_pearson)_ci": _proportion_ci,
    r"multi\.ovr_(each|macro|weighted|micro)": _ovr,
    r"multi\.hand_till": _hand_till,
    r"cal\.brier\.(a|b)": _brier,
    r"cal\.intercept_slope_citl\.(a|b)": _line,
    r"cal\.ici_loess(_direct)?\.(a|b)": _loess,
    r"dca\.net_benefit\.(p_a|p_b|all|none)(?:_check_formula)?": _net_benefit,
    r"dca\.net_intervention_avoided\.(p_b)": _avoided,
    r"dca\.surv_net_benefit\.(model|all)": _survival_benefit,
    r"km\.(surv_loglog|surv_log_ci|greenwood_se|n_at_risk)": _km,
    r"km\.median_(loglog|log_default)": _median,
    r"km\.median_by_grp2_loglog": _median_by_group,
    r"km\.rmst": _rmst,
    r"logrank\.(grp2|grp3)": _logrank,
    r"logrank\.peto_rho1_grp2": _logrank_peto,
    r"logrank\.strat_grp2_by_grp3": _logrank_strata,
    r"logrank\.pairwise_grp3_raw": _logrank_pairwise,
    r"cindex\.harrell\.(lp_a|lp_b)": _harrell,
    r"cindex\.rcorr_cens\.(lp_b)": _rcorr,
    r"cindex\.paired_concordance": _paired_concordance,
    r"padj\.(BH|holm)": _corrected,
    r"test\.kruskal": _kruskal_by_category,
    r"test\.wilcoxon_asymp_nocc": _wilcoxon,
    r"cox\.efron\.coef": _cox,
    r"icc\.features_2_1": _readers,
    r"tdauc\.timeROC_km_cens_at_times": _censoring,
    r"(lasso|coxnet)\.lambda_(path|max)": _path,
    r"(lasso|coxnet)\.cv_(?:(userlambda)_|(?=lambda))(?:lambda_)?min_1se": _chosen_lambda,
    r"(lasso)\.cv_(auc)_lambda": _chosen_lambda,
    r"(coxnet)\.cv_(C)_lambda_min_1se": _chosen_lambda,
    r"(lasso|coxnet)\.(?:cv_(userlambda)_)?coef_(?:lambda_)?(min|1se)": _chosen_coefficients,
    r"(lasso)\.n_nonzero": _number_chosen,
    r"(lasso|coxnet)\.cv_userlambda_(cvm|cvsd)": _curve_of,
    r"lasso\.cv_auc_cvm_max": _best_auc,
    r"(lasso|coxnet)\.coef_exact_probe(\d)": _exact_coefficients,
    r"lasso\.elastic_net_alpha([\d.]+)_coef": _elastic_net,
    r"vif\.(lm|glm_car)": _inflation,
    r"combat\.(par|nonpar|meanonly)(?:_nocov)?(_cov)?(_ref)?": _combat,
}


def answer(identity: str) -> Callable[[Inputs, Settings], Any] | None:
    """Return the call that answers to an id, or nothing when radnb does not offer it yet."""
    for pattern, function in QUANTITIES.items():
        if found := re.fullmatch(pattern, identity):
            return lambda read, settings: function(read, settings, *found.groups())
    return None
