"""The cohort described: its manifest in two languages, and the truth that was put in."""

from __future__ import annotations

import dataclasses
import functools
from typing import Any

import numpy as np
import pandas as pd
import yaml

from radnb.cohort.synth import biology as bio
from radnb.cohort.synth import oracle, tables

VERSION = 1
BEFORE, AFTER, OUTCOME = "before_surgery", "after_surgery", "outcome"
EXPECTED_N, EXPECTED_SEED = 3000, 20240

BIOLOGY_WORDS = {
    "proliferation": "growth fraction of the tumour; sets Ki-67, mitoses and so the grade",
    "vascularity": "density of small vessels; sets enhancement",
    "hypoxia": "hypoxia, stroma and necrosis; sets necrosis and the coarseness of texture",
    "invasiveness": "invasive growth; sets an irregular outline, a blurred margin and involved resection margins",
    "nodal_spread": "spread to lymph nodes; hardly visible in the tumour itself, only in the nodes' size"}
IMAGE_WORDS = {
    "enhancement_arterial": "mean rise in HU from the plain to the arterial phase",
    "enhancement_portal": "mean rise in HU from the plain to the portal-venous phase",
    "heterogeneity": "amplitude in HU of the texture inside the tumour (grows with enhancement phases)",
    "coarseness": "length scale in mm of the texture",
    "irregularity": "height of the lobules on the tumour's surface, relative to its radius",
    "margin_blur": "width in mm of the passage from tumour to pancreas",
    "log_size": "logarithm of the tumour's diameter",
    "necrosis": "share of the tumour that does not enhance, at its core"}
CLINICAL_WORDS = {
    "age": "column age (58 + 11 z years); raises deaths without recurrence",
    "log_ca199": "column ca199, its logarithm",
    "node_axis": "columns node_short_axis_mm and cn (N1 from 10 mm), the sign that tells of nodes",
    "size_read": "column tumour_size_mm: log_size with a reader's error",
    "margin_read": "column margin: margin_blur with a reader's error, ill-defined above a cut"}


def _number(known: str, en: str, zh: str, *, high: float, unit: str = "") -> dict[str, Any]:
    column = {"kind": "number", "known": known, "label": {"en": en, "zh": zh}, "range": [0, high]}
    return column | {"unit": unit} if unit else column


def _category(known: str, en: str, zh: str, levels: dict[str, tuple[str, str]]) -> dict[str, Any]:
    return {"kind": "category", "known": known, "levels": list(levels), "label": {"en": en, "zh": zh},
            "level_labels": {level: {"en": one, "zh": two} for level, (one, two) in levels.items()}}


NO_YES = {"0": ("No", "否"), "1": ("Yes", "是")}
COLUMNS: dict[str, dict[str, Any]] = {
    "centre": _category(BEFORE, "Centre", "中心", {"Centre A": ("Centre A", "中心A"), "Centre B": ("Centre B", "中心B"),
                                                 "Centre C": ("Centre C", "中心C")}),
    "age": _number(BEFORE, "Age", "年龄", unit="years", high=120),
    "sex": _category(BEFORE, "Sex", "性别", {"female": ("Female", "女"), "male": ("Male", "男")}),
    "location": _category(BEFORE, "Location in the pancreas", "肿瘤部位", {
        "head": ("Head", "胰头"), "body": ("Body", "胰体"), "tail": ("Tail", "胰尾")}),
    "tumour_size_mm": _number(BEFORE, "Tumour size on CT", "CT肿瘤最大径", unit="mm", high=300),
    "ca199": _number(BEFORE, "CA19-9", "CA19-9", unit="U/mL", high=100000),
    "margin": _category(BEFORE, "Tumour margin on CT", "CT肿瘤边缘", {
        "clear": ("Clear", "清晰"), "ill_defined": ("Ill-defined", "模糊")}),
    "node_short_axis_mm": _number(BEFORE, "Short axis of the largest node on CT", "CT最大淋巴结短径", unit="mm",
                                  high=100),
    "cn": _category(BEFORE, "Node status on CT (cN)", "CT淋巴结状态(cN)", {"N0": ("cN0", "cN0"), "N1": ("cN+", "cN+")}),
    "scanner": _category(BEFORE, "Scanner", "扫描仪", {name: (name, name) for name, _, _ in tables.SCANNERS.values()}),
    "slice_thickness_mm": _number(BEFORE, "Slice thickness", "层厚", unit="mm", high=10),
    "kernel": _category(BEFORE, "Reconstruction kernel", "重建核", {
        "standard": ("Standard", "标准"), "smooth": ("Smooth", "平滑"), "sharp": ("Sharp", "锐利")}),
    "diagnosis": _category(AFTER, "Diagnosis", "病理诊断", {
        "PNET": ("Pancreatic NET", "胰腺神经内分泌肿瘤"),
        "PDAC": ("Pancreatic ductal adenocarcinoma", "胰腺导管腺癌")}),
    "specimen": _category(AFTER, "Specimen", "标本", {
        "resection": ("Resection", "手术切除"), "biopsy": ("Biopsy", "活检")}),
    "ki67": _number(AFTER, "Ki-67", "Ki-67指数", unit="%", high=100),
    "mitoses": _number(AFTER, "Mitoses", "核分裂象", unit="per 2 mm²", high=500),
    "differentiation": _category(AFTER, "Differentiation", "分化程度", {
        "well": ("Well", "高分化"), "moderate": ("Moderate", "中分化"), "poor": ("Poor", "低分化")}),
    "grade_reported": _category(AFTER, "Grade in the pathology report", "病理报告分级", {
        "G1": ("G1", "G1"), "G2": ("G2", "G2"), "G3": ("G3", "G3")}),
    "resection_margin": _category(AFTER, "Resection margin", "切缘", {"R0": ("R0", "R0"), "R1": ("R1", "R1")}),
    "nodes_examined": _number(AFTER, "Nodes examined", "检出淋巴结数", high=200),
    "nodes_positive": _number(AFTER, "Nodes positive", "阳性淋巴结数", high=200),
    "pn": _category(AFTER, "Pathological node status (pN)", "病理淋巴结状态(pN)", {
        "N0": ("pN0", "pN0"), "N1": ("pN+", "pN+"), "Nx": ("Nx (none examined)", "Nx(未检)")}),
    "surgery_date": {"kind": "date", "known": AFTER, "label": {"en": "Date of surgery", "zh": "手术日期"}},
    "os_months": _number(OUTCOME, "Overall survival", "总生存时间", unit="months", high=600),
    "os_event": _category(OUTCOME, "Death", "死亡", NO_YES),
    "rfs_months": _number(OUTCOME, "Recurrence-free survival", "无复发生存时间", unit="months", high=600),
    "rfs_event": _category(OUTCOME, "Recurrence or death", "复发或死亡", NO_YES),
    "recurrence_event": _category(OUTCOME, "Recurrence", "复发", NO_YES),
    "first_event": _category(OUTCOME, "First event", "首发事件", {
        "censored": ("None until last contact", "末次随访未发生"), "recurrence": ("Recurrence", "复发"),
        "death": ("Death without recurrence", "未复发死亡")})}


def manifest_text(*, images: bool) -> str:
    """Return the cohort manifest as YAML: the tables by name, every clinical column in English and Chinese."""
    card: dict[str, Any] = {"name": {"en": "Synthetic pancreas CT cohort", "zh": "模拟胰腺CT队列"}, "synthetic": True,
                            "data_root": "."}
    card |= {"images": {"file": "images.csv"}} if images else {"features": {"file": "features.csv"}}
    card |= {"clinical": {"file": "clinical.csv", "columns": COLUMNS}, "centre": "centre"}
    return yaml.safe_dump(card, allow_unicode=True, sort_keys=False, width=120, default_flow_style=None)


OUTCOME_WORDS: dict[str, dict[str, Any]] = {
    "diagnosis": {"question": "PDAC against PNET", "patients": "all", "metric": "auc", "images_add": True},
    "grade": {"question": "G2-3 against G1 by WHO 2022", "patients": "PNET with a grade (NEC is not graded)",
              "metric": "auc", "images_add": True, "drivers": bio.GRADE_DRIVERS, "within": "PNET"},
    "nodes": {"question": "pN+ against pN0", "patients": "all with nodes examined (Nx excluded)", "metric": "auc",
              "images_add": False, "drivers": bio.NODE_DRIVERS},
    "overall_survival": {"question": "death from any cause", "patients": "all", "metric": "c_index",
                         "images_add": True, "drivers": bio.HAZARD_DRIVERS},
    "recurrence_free_survival": {"question": "recurrence or death", "patients": "all", "metric": "c_index",
                                 "images_add": True, "drivers": bio.HAZARD_DRIVERS}}


def measured(table: pd.DataFrame, oracles: pd.DataFrame) -> dict[str, dict[str, Any]]:
    """Score every oracle column on a clinical table: n, events and the AUC or C of the full and the clinical one."""
    found = {}
    for column in oracle.ORACLES:
        rows, truth, months = _outcome(table, column)
        kept = {name: oracles.loc[rows, name].to_numpy() for name in (column, f"clinical_{column}")}
        score = {name: oracle.auc(truth, values) if months is None else oracle.concordance(months, truth, values)
                 for name, values in kept.items()}
        found[column] = {"n": int(rows.sum()), "events": int(truth.sum()), "full": _short(score[column]),
                         "clinical_only": _short(score[f"clinical_{column}"])}
    return found


def _short(value: float) -> float | None:
    return None if np.isnan(value) else round(float(value), 3) + 0.0


def _outcome(table: pd.DataFrame, column: str) -> tuple[np.ndarray, np.ndarray, np.ndarray | None]:
    """Return who counts, the event (0/1) and, for survival, the months."""
    outcome, _, within = column.partition("_in_")
    rows = (table["diagnosis"] == within.upper()).to_numpy() if within else np.ones(len(table), dtype=bool)
    if outcome == "diagnosis":
        return rows, (table["diagnosis"] == "PDAC").to_numpy().astype(int), None
    if outcome == "grade":
        grade = grades(table)
        rows = grade.notna().to_numpy()
        return rows, (grade[rows] != "G1").to_numpy().astype(int), None
    if outcome == "nodes":
        rows &= (table["pn"] != "Nx").to_numpy()
        return rows, (table.loc[rows, "pn"] == "N1").to_numpy().astype(int), None
    prefix = {"overall_survival": "os", "recurrence_free_survival": "rfs"}[outcome]
    rows &= table[f"{prefix}_months"].notna().to_numpy()
    chosen = table[rows]
    return rows, chosen[f"{prefix}_event"].to_numpy(dtype=int), chosen[f"{prefix}_months"].to_numpy(dtype=float)


def grades(table: pd.DataFrame) -> pd.Series:
    """Return the WHO 2022 grade of every patient with a gradable PNET, missing for the others."""
    columns = zip(table["diagnosis"], table["ki67"], table["mitoses"].astype(float), table["differentiation"],
                  strict=True)
    return pd.Series([tables.who_2022(*row) if name == "PNET" else None for name, *row in columns], dtype=object,
                     index=table.index)


def truth(table: pd.DataFrame, oracles: pd.DataFrame, *, seed: int, null: bool, images: bool) -> dict[str, Any]:
    """Return what was put in, in words and numbers, and how well the oracle does on this cohort and in the long run."""
    here, long_run = measured(table, oracles), None if null else expected()
    return {
        "what": "A synthetic cohort. " + ("All outcomes are independent of images, of every preoperative column and of "
                                          "the centre." if null else "Hidden biology drives images and outcomes."),
        "version": VERSION, "seed": seed, "n": len(table), "null": null, "images": images,
        "scale": "All effects are per standard unit of a latent Gaussian variable.",
        "hidden_biology": {name: {"what": words, "shift_in_pdac": _short(float(bio.BIOLOGY_SHIFT["PDAC"][place]))}
                           for place, (name, words) in enumerate(BIOLOGY_WORDS.items())},
        "biology_correlation": bio.BIOLOGY_CORRELATION.tolist(),
        "observables": {name: _observable(name) for name in bio.OBSERVED},
        "outcomes": {name: _outcome_truth(name, null=null) | {
            "this_cohort": here[name], "expected": long_run[name] if long_run else {"full": 0.5, "clinical_only": 0.5}}
            for name in oracle.OUTCOMES},
        "within_one_diagnosis": {name: {"this_cohort": here[name], "expected": long_run[name] if long_run else
                                        {"full": 0.5, "clinical_only": 0.5}}
                                 for name in oracle.ORACLES if "_in_" in name},
        "truth_csv": "Probability of the outcome given all that is visible before surgery (survival: of the event "
                     "within 36 months, recurrence-free survival 24 months); clinical_<outcome>: given the clinical "
                     "columns only; <outcome>_in_pnet: if the diagnosis were known to be PNET."}


def _observable(name: str) -> dict[str, Any]:
    loads = bio.LOADINGS.loc[name]
    shown = {"on_ct": dataclasses.asdict(bio.SHOWN[name])} if name in bio.SHOWN else {}
    return shown | {
            "what": IMAGE_WORDS.get(name) or CLINICAL_WORDS[name],
            "biology": {key: float(value) for key, value in loads[loads != 0].items()},
            "noise_sd": float(bio.NOISE[name]), "shift_in_pdac": float(bio.PDAC_SHIFT[name])}


def _outcome_truth(name: str, *, null: bool) -> dict[str, Any]:
    words = OUTCOME_WORDS[name]
    facts = {key: words[key] for key in ("question", "patients", "metric")}
    if null:
        return facts | {"images_add": False, "biology": {}, "effects": {}}
    drivers = words.get("drivers")
    biology = {} if drivers is None else {key: float(value) for key, value in drivers[drivers != 0].items()}
    return facts | {"images_add": words["images_add"], "biology": biology,
                    "effects": {key: _short(value) for key, value in _effects(drivers).items()}}


def _effects(drivers: pd.Series | None) -> dict[str, float]:
    """Return the weight of each observable in the oracle's index (diagnosis: in the log odds)."""
    columns = list(oracle.FULL)
    if drivers is not None:
        return dict(zip(columns, drivers.to_numpy() @ oracle.gain(columns), strict=True))
    within = bio.covariance_of_observed().loc[columns, columns].to_numpy()
    apart = (bio.mean_of_observed("PDAC") - bio.mean_of_observed("PNET"))[columns].to_numpy()
    return dict(zip(columns, np.linalg.solve(within, apart), strict=True))


def oracles(hidden: bio.Hidden, seen: pd.DataFrame) -> pd.DataFrame:
    """Return the oracle's columns and `clinical_` ones for patients as drawn, with the gaps of the clinical table."""
    observed = hidden.observed.copy()
    observed["log_ca199"] = observed["log_ca199"].mask(seen["ca199"].isna())
    observed["node_axis"] = observed["node_axis"].mask(seen["cn"].isna())
    location = seen["location"].to_numpy()
    margin = seen["margin"].map({"clear": 0.0, "ill_defined": 1.0}).to_numpy(dtype=float)
    full = oracle.risks(observed[list(oracle.FULL)], location=location)
    clinical = oracle.risks(observed[list(oracle.CLINICAL)], location=location, margin=margin)
    return pd.concat([full, clinical.add_prefix("clinical_")], axis=1)


@functools.cache
def expected() -> dict[str, dict[str, Any]]:
    """Return how the oracle does on a large cohort of the same kind."""
    rng = np.random.default_rng(EXPECTED_SEED)
    hidden = bio.draw(rng, EXPECTED_N)
    seen = tables.predictors(rng, hidden)
    told = tables.outcomes(rng, hidden, seen["centre"].to_numpy())
    return measured(pd.concat([seen, told], axis=1), oracles(hidden, seen))
