"""Equal states give equal hashes, and whatever was learned counts."""

from __future__ import annotations

import functools
from dataclasses import dataclass
from typing import Any

import numpy as np
import pytest

from radnb.errors import RadnbError
from radnb.learning.state import state_hash


@dataclass
class Made:
    """Something fitted."""

    weights: Any
    note: str = ""


def scaled(x: float, *, by: float = 1.0) -> float:
    return x * by


def closed(over: float) -> Any:
    def inner() -> float:
        return over
    return inner


DIFFERENT = [1, 1.0, True, None, "1", b"1", [1], (1,), {1}, {"a": 1}, {"a": 2}, np.array([1]), np.array([1.0]),
             np.array([[1.0]]), np.array([1.0, np.nan]), np.array(["a"], object), np.float32(1), Made(1), Made(2),
             Made(1, "x"), scaled, functools.partial(scaled, by=2.0), functools.partial(scaled, by=3.0), closed(1.0),
             closed(2.0), Made, np.random.default_rng(1), np.random.default_rng(2), np.random.RandomState(1), 0.0, -0.0]


def test_different_things_have_different_hashes() -> None:
    assert len({state_hash(thing) for thing in DIFFERENT}) == len(DIFFERENT)


def test_order_of_keys_layout_in_memory_and_identity_do_not_count() -> None:
    table = np.arange(6.0).reshape(2, 3)
    assert state_hash({"a": 1, "b": 2}) == state_hash({"b": 2, "a": 1})
    assert state_hash(table) == state_hash(np.asfortranarray(table))
    assert state_hash([table, table]) == state_hash([table, table.copy()])
    assert state_hash(Made([1, 2])) == state_hash(Made([1, 2]))


def test_bytes_between_the_fields_of_records_do_not_count() -> None:
    kind = np.dtype([("a", "u1"), ("b", "f8")], align=True)
    clean, dirty = np.zeros(1, kind), np.zeros(1, kind)
    dirty.view(np.uint8)[3] = 255
    assert clean.tobytes() != dirty.tobytes()
    assert state_hash(clean) == state_hash(dirty)


def test_a_thing_that_holds_itself_has_a_hash() -> None:
    one, other = Made([]), Made([])
    one.weights.append(one)
    other.weights.append(other)
    assert state_hash(one) == state_hash(other)


def test_what_cannot_be_read_is_refused() -> None:
    with pytest.raises(RadnbError, match="cannot be read"):
        state_hash(i for i in range(3))


def estimators() -> dict[str, Any]:
    from sklearn.ensemble import RandomForestClassifier
    from sklearn.gaussian_process import GaussianProcessClassifier
    from sklearn.naive_bayes import GaussianNB
    from sklearn.neighbors import KNeighborsClassifier
    from sklearn.neural_network import MLPClassifier
    from sklearn.svm import SVC

    return {"forest": lambda: RandomForestClassifier(5, random_state=1), "knn": KNeighborsClassifier,
            "svm": lambda: SVC(C=2.0), "bayes": GaussianNB, "process": GaussianProcessClassifier,
            "network": lambda: MLPClassifier((3,), solver="lbfgs", max_iter=5000, random_state=1, alpha=1.0)}


@pytest.mark.parametrize("name", ["forest", "knn", "svm", "bayes", "process", "network", "xgboost", "lightgbm"])
def test_a_library_s_estimator_is_read_whole(name: str) -> None:
    rng = np.random.default_rng(0)
    x = rng.normal(size=(60, 4))
    y = (x[:, 0] + rng.normal(size=60) > 0).astype(int)

    def fitted(rows: slice) -> str:
        if name == "xgboost":
            from xgboost import XGBClassifier

            return state_hash(XGBClassifier(n_estimators=3, n_jobs=1, random_state=1).fit(x[rows], y[rows]))
        if name == "lightgbm":
            from lightgbm import LGBMClassifier

            made = LGBMClassifier(n_estimators=3, n_jobs=1, random_state=1, verbose=-1, min_child_samples=2)
            return state_hash(made.fit(x[rows], y[rows]))
        return state_hash(estimators()[name]().fit(x[rows], y[rows]))

    assert fitted(slice(0, 40)) == fitted(slice(0, 40))
    assert fitted(slice(0, 40)) != fitted(slice(20, 60))
