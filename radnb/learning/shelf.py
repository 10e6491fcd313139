"""Fitted models as plain JSON and back: classes that are named here, and never a name or code from the file.

Estimators of scikit-learn, XGBoost and LightGBM go through skops, each type of them named in `estimators`.
"""

from __future__ import annotations

import dataclasses
import functools
import itertools
import json
from collections.abc import Callable, Iterator, Mapping
from typing import Any

import numpy as np
from numpy.typing import NDArray

from radnb.errors import RadnbError, nearest
from radnb.learning.estimators import frozen_type, keep_rows
from radnb.learning.harmonise import Harmoniser
from radnb.learning.impute import ChainedRidge, NearestRows, NoGaps, TypicalValues
from radnb.learning.learners.learner import Learner
from radnb.learning.linear import Fit
from radnb.learning.models import MODELS
from radnb.learning.pipeline import Columns, Fusion, Joined, Pipeline
from radnb.learning.prepare import Preparation
from radnb.statistics.combat import Combat

ROOTS: tuple[type, ...] = (Learner,)  # with all that radnb derives from them
OURS: tuple[type, ...] = (Fit, Preparation, TypicalValues, NoGaps, NearestRows, ChainedRidge, Harmoniser, Combat,
                          Columns, Joined, Fusion, Pipeline)
KINDS = {"float64": "f", "int64": "iu", "bool": "b", "str": "U"}  # of arrays: the name in the file and numpy's kinds


@functools.lru_cache(maxsize=1)
def known() -> Mapping[str, type]:
    """Return every class of ours that a frozen model may hold, by name."""
    assert MODELS  # their module loads every learner that there is
    derived: Iterator[type[Any]] = itertools.chain.from_iterable(map(_below, ROOTS))
    return {made.__name__: made for made in (*derived, *OURS)}


def _below(kind: type) -> Iterator[type[Any]]:
    child: type[Any]
    for child in kind.__subclasses__():
        if child.__module__.startswith("radnb."):
            yield child
        yield from _below(child)


def holds_patients(value: Any) -> bool:
    """Say whether a fitted model keeps values of its training patients, as neighbours and kernels do."""
    parts: list[Any] = []
    return "NearestRows" in json.dumps(pack(value, parts)) or keep_rows(parts)


def pack(value: Any, estimators: list[Any], where: str = "model") -> Any:
    """Return a value as JSON; estimators are put into the list and their place is written down."""
    if value is None or isinstance(value, bool | str):
        return value
    for kinds, write in _WRITERS:
        if isinstance(value, kinds):
            return write(value, estimators, where)
    if known().get(type(value).__name__) is type(value):
        return _pack_ours(value, estimators, where)
    if frozen_type(value):
        estimators.append(value)
        return {"estimator": len(estimators) - 1}
    if callable(value):  # how a model was made is not needed to use it
        return None
    raise RadnbError(f"{where}: a {type(value).__module__}.{type(value).__qualname__} cannot be frozen. Choose another "
                     "model, or add its class to radnb.learning.shelf.", code="E_MODEL")


def _pack_number(value: Any, estimators: list[Any], where: str) -> Any:
    plain = value.item() if isinstance(value, np.generic) else value
    if not np.isfinite(plain):
        raise RadnbError(f"{where}: {plain} is no finite number, so the model cannot be frozen. Look at its training "
                         "features for constant or huge values.", code="E_MODEL")
    return plain


def _pack_array(value: NDArray[Any], estimators: list[Any], where: str) -> Any:
    kind = next((name for name, kinds in KINDS.items() if value.dtype.kind in kinds), None)
    if kind is None:
        raise RadnbError(f"{where}: an array of {value.dtype} cannot be frozen. Choose another model.", code="E_MODEL")
    if kind == "float64":
        _pack_number(np.abs(value).max(initial=0.0), estimators, where)
        value = value.astype(np.float64)
    return {"array": kind, "shape": list(value.shape), "values": value.ravel().tolist()}


def _pack_many(value: Any, estimators: list[Any], where: str) -> Any:
    name = "tuple" if isinstance(value, tuple) else "list"
    return {name: [pack(one, estimators, f"{where}[{i}]") for i, one in enumerate(value)]}


def _pack_map(value: Mapping[Any, Any], estimators: list[Any], where: str) -> Any:
    pairs = [[pack(key, estimators, where), pack(one, estimators, f"{where}[{key}]")] for key, one in value.items()]
    return {"map": pairs}


def _pack_ours(value: Any, estimators: list[Any], where: str) -> Any:
    names = {field.name for field in dataclasses.fields(value)}
    stray = [name for name in vars(value) if name not in names]
    if stray:
        raise RadnbError(f"{where}: {type(value).__name__} keeps {', '.join(stray)} outside its fields, so it cannot "
                         "be frozen. Declare them as fields of the class.", code="E_MODEL")
    fields = {name: pack(one, estimators, f"{where}.{name}") for name, one in vars(value).items()}
    return {"class": type(value).__name__, "fields": fields}


_WRITERS: tuple[tuple[Any, Callable[[Any, list[Any], str], Any]], ...] = (
    ((int, float, np.generic), _pack_number), (np.ndarray, _pack_array), ((list, tuple), _pack_many),
    (dict, _pack_map))


def unpack(given: Any, estimators: list[Any], where: str = "model") -> Any:
    """Return what was packed; whatever does not fit is refused with its place."""
    if given is None or isinstance(given, bool | str | int | float):
        return given if not isinstance(given, float) else _finite(given, where)
    if not isinstance(given, dict):
        raise _broken(where, "a list stands where a value was frozen")
    read = next((read for key, read in _READERS.items() if key in given), None)
    if read is None:
        raise _broken(where, "nothing tells what this is")
    return read(given, estimators, where)


def _finite(value: float, where: str) -> float:
    if not np.isfinite(value):
        raise _broken(where, f"{value} is no finite number")
    return value


def _broken(where: str, why: str) -> RadnbError:
    return RadnbError(f"{where}: {why}. The file is damaged or was changed: freeze the run again.", code="E_MODEL")


def _unpack_array(given: Mapping[str, Any], estimators: list[Any], where: str) -> NDArray[Any]:
    kind, shape, values = given.get("array"), given.get("shape"), given.get("values")
    if not isinstance(kind, str) or kind not in KINDS or not isinstance(values, list) or not isinstance(shape, list):
        raise _broken(where, "this is no array")
    if not all(type(n) is int and n >= 0 for n in shape) or int(np.prod(shape, dtype=object)) != len(values):
        raise _broken(where, f"{len(values)} values do not fit the shape {shape}")
    allowed = {"float64": (float, int), "int64": (int,), "bool": (bool,), "str": (str,)}[kind]
    if any(type(one) not in allowed for one in values):
        raise _broken(where, f"the array holds something else than {kind}")
    made: NDArray[Any] = np.array(values, dtype=kind if kind != "str" else None).reshape(shape)
    if kind == "float64" and not np.isfinite(made).all():
        raise _broken(where, "the array holds values that are no finite numbers")
    return made


def _unpack_many(given: Mapping[str, Any], estimators: list[Any], where: str) -> Any:
    name = "tuple" if "tuple" in given else "list"
    if not isinstance(given[name], list):
        raise _broken(where, f"this is no {name}")
    found = [unpack(one, estimators, f"{where}[{i}]") for i, one in enumerate(given[name])]
    return tuple(found) if name == "tuple" else found


def _unpack_map(given: Mapping[str, Any], estimators: list[Any], where: str) -> dict[Any, Any]:
    pairs = given["map"]
    if not isinstance(pairs, list) or not all(isinstance(pair, list) and len(pair) == 2 for pair in pairs):
        raise _broken(where, "this is no mapping")
    return {unpack(key, estimators, where): unpack(one, estimators, where) for key, one in pairs}


def _unpack_estimator(given: Mapping[str, Any], estimators: list[Any], where: str) -> Any:
    place = given["estimator"]
    if type(place) is not int or not 0 <= place < len(estimators):
        raise _broken(where, f"there is no estimator {place!r}")
    return estimators[place]


def _unpack_ours(given: Mapping[str, Any], estimators: list[Any], where: str) -> Any:
    name, values = given["class"], given.get("fields")
    if not isinstance(name, str) or name not in known():
        raise RadnbError(f"{where}: the class {name!r} is unknown to this radnb, so the model is refused. "
                         f"{nearest(str(name), known())}", code="E_MODEL")
    fields = {field.name: field for field in dataclasses.fields(known()[name])}
    if not isinstance(values, dict) or set(values) - set(fields):
        raise _broken(where, f"{name} has other fields")
    made: Any = object.__new__(known()[name])
    for field in fields.values():
        if field.name in values:
            object.__setattr__(made, field.name, unpack(values[field.name], estimators, f"{where}.{field.name}"))
        elif field.default is not dataclasses.MISSING:
            object.__setattr__(made, field.name, field.default)
    return made


_READERS: dict[str, Callable[[Mapping[str, Any], list[Any], str], Any]] = {
    "array": _unpack_array, "tuple": _unpack_many, "list": _unpack_many, "map": _unpack_map,
    "estimator": _unpack_estimator, "class": _unpack_ours}
