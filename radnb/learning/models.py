"""The learners a study card may name: one dict for classes, one for survival."""

from __future__ import annotations

from collections.abc import Callable

from radnb.learning.blend import blend, guided_ridge
from radnb.learning.classifiers import BASES
from radnb.learning.learners import CLASSES, SCALES, SURVIVAL, Learner
from radnb.learning.survivors import cox, lasso_cox, ridge_cox

CLASSIFIERS: dict[str, Callable[..., Learner]] = {
    **BASES,
    "guided_ridge": guided_ridge,
    "blend": blend,
}
SURVIVORS: dict[str, Callable[..., Learner]] = {
    "cox": cox,
    "ridge_cox": ridge_cox,
    "lasso_cox": lasso_cox,
}
MODELS = CLASSIFIERS | SURVIVORS

__all__ = ["CLASSES", "CLASSIFIERS", "MODELS", "SCALES", "SURVIVAL", "SURVIVORS", "Learner"]
