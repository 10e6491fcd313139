"""Stories to tell in tests: made-up scores through the real evaluation, in five kinds."""

from __future__ import annotations

import functools
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from radnb.evaluation.evaluation import Evaluation, evaluate
from radnb.features.assemble import Cohort, Outcome
from radnb.learning.plan import Trained
from radnb.reporting.story import Story

KINDS = ("improved", "too_few", "null", "survival", "three", "external")
MODELS = ("clinical", "radiomics", "combined")
FEATURES = ("original_firstorder_Mean", "original_shape_Sphericity", "original_glcm_JointEntropy",
            "log-sigma-3-0-mm-3D_glszm_ZoneEntropy", "original_gldm_DependenceVariance",
            "log-sigma-3-0-mm-3D_firstorder_90Percentile", "original_ngtdm_Coarseness")
OUTCOMES = {"three": Outcome("classes", "three_grades", ("G1", "G2", "G3")),
            "survival": Outcome("survival", "overall_survival")}
GRADING = Outcome("classes", "g1_vs_g23", ("G1", "G2-3"))
STRENGTH: Mapping[str, Mapping[str, float]] = {
    "improved": {"clinical": 0.6, "radiomics": 1.9, "combined": 2.3}, "null": dict.fromkeys(MODELS, 0.0),
    "too_few": {"clinical": 0.8, "radiomics": 1.0, "combined": 1.2}, "three": {"clinical": 0.6, "radiomics": 1.4,
                                                                             "combined": 1.7},
    "survival": {"clinical": 0.5, "radiomics": 0.8, "combined": 1.1}, "external": {"clinical": 0.8, "radiomics": 1.5,
                                                                                  "combined": 2.2}}
LABELS = {"age": {"en": "age", "zh": "年龄"}, "sex": {"en": "sex", "zh": "性别"},
          "tumour_size_mm": {"en": "tumour size (mm)", "zh": "肿瘤大小（mm）"}, "ca199": {"en": "CA19-9 (U/mL)",
                                                                                "zh": "CA19-9（U/mL）"}}


def ids(n: int) -> list[str]:
    return [f"P{i:03d}" for i in range(n)]


def rows(kind: str, rng: np.random.Generator, *, n: int, name: str = "internal", repeats: int = 4) -> pd.DataFrame:
    """Make predictions of all models on n patients (internal: four repeats of five folds; external: frozen)."""
    truth = _truth(kind, n)
    parts = []
    for model in MODELS:
        for target, hit in truth.items():
            base = STRENGTH[kind][model] * (hit["z"] - hit["z"].mean()) + rng.normal(size=n)
            for repeat in range(repeats if name == "internal" else 1):
                score = base + rng.normal(scale=0.3, size=n)
                parts.append(_frame(kind, model, name, target, hit, score, repeat, rng, n))
    return pd.concat(parts, ignore_index=True)


def _truth(kind: str, n: int) -> dict[str, dict[str, np.ndarray]]:
    rng = np.random.default_rng(11)
    if kind == "survival":
        z = rng.normal(size=n)
        time, censored = rng.exponential(48 * np.exp(-0.9 * z)), rng.uniform(6, 90, n)
        return {"risk": {"z": z, "time": np.minimum(time, censored), "event": (time <= censored).astype(float)}}
    if kind == "three":
        grade = rng.permutation(np.repeat([0, 1, 2], [n // 2, n // 3, n - n // 2 - n // 3]))
        return {name: {"z": (grade == k).astype(float), "truth": (grade == k).astype(float), "grade": grade}
                for k, name in enumerate(("G1", "G2", "G3"))}
    event = rng.permutation((np.arange(n) < round(0.42 * n)).astype(float))
    return {"G2-3": {"z": event, "truth": event}}


def _frame(kind: str, model: str, name: str, target: str, hit: dict[str, np.ndarray], score: np.ndarray, repeat: int,
           rng: np.random.Generator, n: int) -> pd.DataFrame:
    survival, internal = kind == "survival", name == "internal"
    probability = 1 / (1 + np.exp(-score))
    fold = pd.array(rng.permutation(np.arange(n) % 5) if internal else [pd.NA] * n, dtype="Int64")
    return pd.DataFrame({
        "patient_id": ids(n) if internal else [f"E{i:03d}" for i in range(n)], "model": model, "set": name,
        "repeat": repeat, "fold": fold, "target": target, "truth": np.nan if survival else hit["truth"],
        "time_months": hit["time"] if survival else np.nan,
        "event": hit["event"] if survival else np.nan, "score": score if survival else probability,
        "scale": "risk" if survival else "probability", "threshold": 0.0 if survival else 0.5})


def resamples(predictions: pd.DataFrame, kind: str, rng: np.random.Generator) -> pd.DataFrame:
    """Draw patients (25 times, two splits) and shuffle outcomes (30 times), without any refitting."""
    first = predictions[(predictions["set"] == "internal") & (predictions["repeat"] == 0)]
    people, parts = sorted(first["patient_id"].unique()), []
    for replicate in range(25):
        survival = kind == "survival"
        drawn = rng.choice(people, len(people) // 2 if survival else len(people), replace=not survival)
        for split in range(2):
            folds = dict(zip(people, rng.integers(0, 3, len(people)), strict=True))
            part = first.set_index("patient_id").groupby(["model", "target"], group_keys=False)[
                list(first.columns.drop("patient_id"))].apply(lambda t, d=drawn: t.loc[d]).reset_index()
            parts.append(part.assign(kind="half_sample" if survival else "bootstrap", replicate=replicate, split=split,
                                     fold=part["patient_id"].map(folds).astype("Int64")))
    columns = ["truth", "time_months", "event"]
    for replicate in range(30):
        shuffled = dict(zip(people, rng.permutation(len(people)), strict=True))
        one = first.sort_values(["model", "target", "patient_id"], kind="stable")
        values = one.groupby(["model", "target"], sort=True)[columns].apply(
            lambda t, s=shuffled: t.iloc[[s[p] for p in people]].reset_index(drop=True))
        parts.append(one.assign(kind="permutation", replicate=replicate, split=0,
                                **{c: values[c].to_numpy() for c in columns}))
    return pd.concat(parts, ignore_index=True)


def refits(predictions: pd.DataFrame, rng: np.random.Generator) -> pd.DataFrame:
    """Make the controls: size alone is as good as the clinical model, blind features a little worse."""
    first = predictions[(predictions["repeat"] == 0) & (predictions["set"] == "internal")]
    clinical, own = (first[first["model"] == model] for model in ("clinical", "combined"))

    def noisy(table: pd.DataFrame, noise: float) -> np.ndarray:
        score = table["score"] + rng.normal(scale=noise, size=len(table)) * table["score"].std()
        return score.clip(0, 1).to_numpy() if table["scale"].iloc[0] == "probability" else score.to_numpy()

    parts = [clinical.assign(model="volume_only", kind="volume_only", replicate=0, split=0, score=noisy(clinical, 1.0))]
    parts += [clinical.assign(model="combined", kind="random_features", replicate=b, split=0,
                              score=noisy(clinical, 0.8)) for b in range(30)]
    parts += [own.assign(kind="learning_curve", replicate=b, split=share, score=noisy(own, 100 / share - 0.6))
              for b in range(3) for share in (40, 60, 80)]
    return pd.concat(parts, ignore_index=True)


def training(n: int) -> Trained:
    """Return what training leaves beside its rows, as far as the controls look at it."""
    fit = {"kind": "cv", "model": "combined", "repeat": 0, "fold": 0, "split": 0, "patients": round(0.8 * n),
           "candidates": 108, "selected": 5, "tuned": ""}
    fits = [{**fit, "repeat": r, "fold": f} for r in range(4) for f in range(5)]
    fits += [{**fit, "kind": "learning_curve", "split": s, "patients": round(0.008 * s * n)} for s in (40, 60, 80)]
    fits += [{**fit, "kind": "random_features"}, {**fit, "kind": "volume_only", "tuned": "tumour_size_mm"}]
    costs = {"permutation": {"fits": 150, "seconds": 0.4}, "random_features": {"fits": 150, "seconds": 0.61},
             "volume_only": {"fits": 5, "seconds": 0.01}, "learning_curve": {"fits": 45, "seconds": 0.5}}
    nothing = pd.DataFrame()
    return Trained(nothing, nothing, selections(), pd.DataFrame(fits), {"combined": {"prespecified": ["age"]}},
                   certificate=CERTIFICATE, costs=costs)


CERTIFICATE: Mapping[str, Any] = {
    "repeat": 2, "fold": 3, "set": "internal", "trained": 104, "held_out": 26, "states": 27, "models": 3, "changed": 0,
    "overlap": 0, "noticed": 14, "passed": True, "steps": {
        name: {"times": times, "patients": 104, "overlap": 0}
        for name, times in (("prepare", 12), ("select", 12), ("model", 18), ("threshold", 3))}}


@functools.lru_cache(maxsize=8)
def evaluation(kind: str, n: int) -> Evaluation:
    rng = np.random.default_rng(5)
    base = rows(kind, rng, n=n)
    if kind == "external":
        base = pd.concat([base, rows(kind, rng, n=60, name="external")], ignore_index=True)
    outcome = OUTCOMES.get(kind, GRADING)
    patients = pd.DataFrame({"patient_id": ids(n), "centre": [f"C{i % 3}" for i in range(n)]})
    again = pd.concat([resamples(base, kind, rng), refits(base, np.random.default_rng(6))], ignore_index=True)
    return evaluate(base, again, trained=training(n), clinical="clinical", outcome=outcome, primary="combined",
                    comparator="clinical", decision=(0.1, 0.6), patients=patients,
                    horizons_months=[36.0] if kind == "survival" else None,
                    candidates={"combined": 108, "radiomics": 105, "clinical": 3})


def cohort(kind: str, n: int) -> Cohort:
    rng, truth = np.random.default_rng(3), _truth(kind, n)
    hit = next(iter(truth.values()))
    outcome = {"time_months": hit["time"], "event": hit["event"].astype(int)} if kind == "survival" else {
        "outcome": hit["grade"] if kind == "three" else hit["truth"].astype(int)}
    table = pd.DataFrame({"patient_id": ids(n), "centre": [f"C{i % 3}" for i in range(n)], **outcome,
                          **{f: rng.normal(size=n) for f in FEATURES}})
    clinical = pd.DataFrame({"patient_id": ids(n), "age": rng.normal(58, 11, n).round(), "sex":
                             rng.choice(["female", "male"], n), "tumour_size_mm": rng.gamma(4, 6, n).round(1),
                             "ca199": np.where(rng.random(n) < 0.1, np.nan, rng.lognormal(3, 1, n).round(1)),
                             "centre": table["centre"]})
    exclusions = pd.DataFrame({"patient_id": [f"X{i}" for i in range(9)], "stage": "label",
                               "reason": ["not_pnet"] * 5 + ["missing_outcome"] * 3 + ["extraction_failed"]})
    blocks = {"clinical": ("age",), "radiomics": FEATURES}
    return Cohort(table, blocks, OUTCOMES.get(kind, GRADING), clinical, exclusions)


def facts(kind: str, **more: Any) -> dict[str, Any]:
    survival = kind == "survival"
    question = {"en": "Before surgery, can CT tell G1 from G2-3 pancreatic NET?",
                "zh": "术前CT能否区分胰腺NET G1与G2–3级？"}
    if survival:
        question = {"en": "Before surgery, does CT tell who survives longer after resection?",
                    "zh": "术前CT能否预测切除术后生存？"}
    event = {"en": "death", "zh": "死亡"} if survival else {"en": "G3", "zh": "G3级"} if kind == "three" else {
        "en": "G2–3", "zh": "G2–3级"}
    return {
        "id": f"demo-{kind}", "family": "survival" if survival else "grading", "question": question,
        "model_time": "before_surgery", "models": list(MODELS), "primary": "combined", "comparator": "clinical",
        "model_sets": {"clinical": ["clinical"], "radiomics": ["radiomics"], "combined": ["clinical", "radiomics"]},
        "clinical_predictors": ["age", "sex", "tumour_size_mm"], "event_label": event,
        "decision": {"low": 0.1, "high": 0.6, "reason": {
            "en": "Below a risk of 10 % most teams would watch a small tumour; above 60 % they would operate anyway.",
            "zh": "风险低于10%时多数团队会随访小肿瘤；高于60%时无论如何都会手术。"}},
        "design": {"repeated_kfold": {"folds": 5, "repeats": 20}}, "threshold": {"youden": {}},
        "prepare": {"impute": "median", "near_constant": 0.95, "correlation": 0.9}, "selector": [{"anova": {"k": 10}}],
        "model": {"ridge_cox": {}} if survival else {"ridge_logistic": {}},
        "inference": {"bootstraps": 50, "splits": 2, "permutations": 999},
        "horizons_months": [36.0] if survival else [],
        "extraction": {"preset": "ct", "pyradiomics": "3.0.1", "settings": {
            "imageType": {"Original": {}, "LoG": {"sigma": [3.0]}},
            "setting": {"binWidth": 25, "resampledPixelSpacing": [1, 1, 1], "interpolator": "sitkBSpline"}}},
        "images": {"phases": ["arterial", "portal_venous"], "roi": "tumour", "timepoint": "baseline", "reader": "R1"},
        "seed": 7, "contact": "A. Radiologist, a.radiologist@hospital.example", "version": "0.1.0",
        "date": "2026-11-20",
        "synthetic": True, "source": {"en": "synthetic demonstration cohort", "zh": "模拟演示队列"},
        "versions": {"python": "3.11.7", "PyRadiomics": "3.0.1", "scikit-learn": "1.9.1"},
        "not_studied": {"en": "Patients without surgery, with hereditary syndromes, or with unreadable CT.",
                        "zh": "未手术、遗传综合征或CT不可评价的患者。"},
        "time_zero": {"en": "the day of surgery", "zh": "手术日"},
        "endpoint": {"en": "death of any cause", "zh": "全因死亡"},
        "closing_date": "2025-12-31", **more}


def selections() -> pd.DataFrame:
    rng, found = np.random.default_rng(8), []
    for repeat in range(4):
        for fold in range(5):
            found += [{"model": "combined", "repeat": repeat, "fold": fold, "feature": f"arterial_{feature}",
                       "weight": round(float(rng.normal(1 - k / 4, 0.2)), 3)}
                      for k, feature in enumerate(FEATURES) if rng.random() < 0.95 - 0.13 * k]
    return pd.DataFrame(found)


def story(kind: str = "improved", language: str = "en", out_dir: Path | None = None, **more: Any) -> Story:
    """Return a story of one kind; `more` changes its facts."""
    n = 40 if kind == "too_few" else 130
    failures = pd.DataFrame({"patient_id": ["X8", "P003"], "roi": "tumour", "phase": "arterial",
                             "timepoint": "baseline", "reader": ["R1", "R2"],
                             "stage": "extraction", "code": ["E_GEOM", "E_CORRUPT"],
                             "message": "secret-path/P003.nii.gz is truncated"})
    made = cohort(kind, n)
    return Story(facts(kind, **more), made, evaluation(kind, n), selections(), made.exclusions, failures,
                 {"study": facts(kind)["id"], "seed": 7,
                  "inputs": {"clinical.csv": "0f" * 32, "images.csv": "a1" * 32},
                  "versions": {"python": "3.11.7", "radnb": "0.1.0"}}, LABELS, language, out_dir,
                 certificate=CERTIFICATE)
