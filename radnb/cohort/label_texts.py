"""What schemes, classes, reasons, counts and warnings of the label schemes are called in a report."""

from __future__ import annotations

LABEL_TEXTS: dict[str, dict[str, str]] = {
    # schemes
    "who_grade": {"en": "WHO grade (G1, G2, G3)", "zh": "WHO分级(G1、G2、G3)"},
    "three_grades": {"en": "Grade (G1, G2, G3)", "zh": "分级(G1、G2、G3)"},
    "g1_vs_g23": {"en": "G1 or G2-3", "zh": "G1与G2–3级"},
    "g12_vs_g3": {"en": "G1-2 or G3", "zh": "G1–2与G3级"},
    "g1_vs_g2": {"en": "G1 or G2", "zh": "G1与G2级"},
    "enets_high_low": {"en": "Low or high grade (NET G3 or NEC)", "zh": "低级别与高级别(NET G3或NEC)"},
    "n0_vs_nplus": {"en": "Lymph-node metastasis (pN0 or pN+)", "zh": "淋巴结转移(pN0与pN+)"},
    "two_values": {"en": "Two groups", "zh": "两组"},
    "survival": {"en": "Time to event", "zh": "生存时间"},
    # classes
    "G1": {"en": "G1", "zh": "G1"},
    "G2": {"en": "G2", "zh": "G2"},
    "G3": {"en": "G3", "zh": "G3"},
    "G2-3": {"en": "G2-3", "zh": "G2–3"},
    "G1-2": {"en": "G1-2", "zh": "G1–2"},
    "low": {"en": "Low grade", "zh": "低级别"},
    "high": {"en": "High grade", "zh": "高级别"},
    "N0": {"en": "No node metastasis (pN0)", "zh": "无淋巴结转移(pN0)"},
    "N+": {"en": "Node metastasis (pN+)", "zh": "有淋巴结转移(pN+)"},
    # reasons of exclusion
    "missing_outcome": {"en": "Outcome not recorded", "zh": "结局缺失"},
    "missing_indices": {"en": "Neither Ki-67 nor mitoses recorded", "zh": "Ki-67与核分裂象均缺失"},
    "nec": {"en": "Neuroendocrine carcinoma (not graded)", "zh": "神经内分泌癌(不分级)"},
    "minen": {"en": "Mixed neoplasm, MiNEN (not graded)", "zh": "混合性肿瘤MiNEN(不分级)"},
    "g3_unresolved": {"en": "Above 20 % or 20 mitoses, differentiation not recorded",
                      "zh": "Ki-67或核分裂象>20,分化程度未记录"},
    "other_grade": {"en": "Grade outside this comparison", "zh": "分级不在比较范围内"},
    "other_value": {"en": "Belongs to neither group", "zh": "不属于任一组"},
    "nx": {"en": "Nodes not assessed (Nx)", "zh": "淋巴结未评估(Nx)"},
    "clinical_stage_only": {"en": "Clinical node stage only (cN)", "zh": "仅有临床分期(cN)"},
    "after_neoadjuvant": {"en": "Nodes staged after neoadjuvant treatment (ypN)", "zh": "新辅助治疗后分期(ypN)"},
    "discordant_nodes": {"en": "Node category and node counts disagree", "zh": "pN与淋巴结计数不一致"},
    "too_few_nodes": {"en": "N0 from too few or uncounted examined nodes", "zh": "N0但检出淋巴结过少或数目不详"},
    "missing_time": {"en": "Follow-up time not recorded", "zh": "随访时间缺失"},
    "missing_event": {"en": "Event status not recorded", "zh": "事件状态缺失"},
    "zero_time": {"en": "Follow-up time of zero", "zh": "随访时间为零"},
    "after_closing": {"en": "Time zero not before the closing date", "zh": "起点不早于截止日期"},
    "missing_start": {"en": "Date of time zero not recorded", "zh": "起点日期缺失"},
    # counts
    "discordant": {"en": "The two indices disagree", "zh": "两项指标不一致"},
    "one_index": {"en": "Graded by one index only", "zh": "仅凭一项指标分级"},
    "ki67_between_2_and_3": {"en": "Ki-67 above 2 % and below 3 %", "zh": "Ki-67在2%与3%之间"},
    "biopsy_only": {"en": "Graded on biopsy", "zh": "依据活检分级"},
    "closed": {"en": "Censored at the closing date", "zh": "于截止日期删失"},
    "competing": {"en": "Competing events", "zh": "竞争事件"},
    "half_day": {"en": "Zero times counted as half a day", "zh": "零时间按半天计"},
    # warnings
    "few_in_class": {"en": "Fewer than 20 patients in a class: estimates are unstable.",
                     "zh": "某一类别少于20例,估计不稳定。"},
    "few_events": {"en": "Fewer than 20 events: estimates are unstable.", "zh": "事件少于20例,估计不稳定。"},
}
