"""radnb: a reproducible radiomics research workbook. The names that a notebook uses, loaded when first used."""

from __future__ import annotations

import importlib
from typing import Any

from radnb.work.later import load_later

load_later("SimpleITK")  # 90 MB, of which the process that hands out the work uses nothing
__version__ = "0.1.0"

_FACE = {
    "radnb.workbook": ("open_run", "measure", "assemble", "train", "evaluate", "tell", "finish"),
    "radnb.freezing": ("frozen_models", "new_patients", "validate"),
    "radnb.multiverse": ("multiverse",),
    "radnb.extracting": ("query",),
    "radnb.reporting.first_screen": ("first_screen",),
    "radnb.reporting.figures": ("roc", "calibration", "decision_curve", "forest"),
    "radnb.reporting.figures_patients": ("flow", "score_distribution", "stability"),
    "radnb.reporting.figures_survival": ("kaplan_meier",),
    "radnb.reporting.figures_honesty": ("honesty_panel", "leak_certificate"),
    "radnb.reporting.table_one": ("table_one",),
    "radnb.reporting.tables": ("performance_table", "comparison_table", "confusion_table", "class_table",
                               "feature_table", "exclusions_table", "failures_table", "flags_table"),
    "radnb.reporting.figures_subgroups": ("subgroup_table", "subgroup_forest"),
    "radnb.reporting.figures_transfer": ("transfer_matrix", "transfer_calibration", "transfer_table"),
    "radnb.reporting.formula": ("formula",),
    "radnb.reporting.external": ("range_table", "then_and_now", "told_apart", "external_methods"),
    "radnb.reporting.grid": ("grid_table", "grid_map", "grid_order"),
    "radnb.reporting.multiverse": ("specification_curve", "specification_table"),
    "radnb.reporting.record": ("methods_text", "provenance", "word_tables"),
    "radnb.errors": ("RadnbError",),
}
_HOME = {name: module for module, names in _FACE.items() for name in names}
__all__ = [*_HOME]


def __getattr__(name: str) -> Any:
    if name in _HOME:
        return getattr(importlib.import_module(_HOME[name]), name)
    raise AttributeError(f"radnb has no {name!r}")


def __dir__() -> list[str]:
    return sorted([*_HOME, "__version__"])
