"""The extra with survival forests, for whoever chooses one: not needed and not loaded otherwise."""

from __future__ import annotations

import importlib.util
from typing import Any

from radnb.errors import RadnbError

NO_FORESTS = ("model: this survival model needs scikit-survival, which is not installed (its licence, GPL, keeps it "
              "out of the core). Run `pip install 'radnb[forests]'`, or choose xgboost_cox.")


def forests_missing() -> bool:
    """Say whether the extra with scikit-survival is not installed."""
    return importlib.util.find_spec("sksurv") is None


def survival_ensembles() -> Any:
    """Load scikit-survival's ensembles (GPL: an extra, loaded only when chosen), and undo what that changes elsewhere.

    Its import adds three methods to scikit-learn's Pipeline, which would change the pipelines of everybody else.
    """
    from sklearn.pipeline import Pipeline

    if forests_missing():
        raise RadnbError(NO_FORESTS, code="E_EXTRA")
    before = dict(vars(Pipeline))
    from sksurv import ensemble

    for name in [name for name in vars(Pipeline) if name not in before]:
        delattr(Pipeline, name)
    return ensemble
