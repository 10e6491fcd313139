"""One hash over everything that a fit has learned: equal states give equal hashes, in any process."""

from __future__ import annotations

import functools
import hashlib
import types
from collections.abc import Mapping, Set
from typing import Any

import numpy as np

from radnb.errors import RadnbError
from radnb.learning.folds import IntArray
from radnb.learning.problem import Table

PLAIN = (type(None), bool, int, str, bytes, type(Ellipsis))
WRITERS = {"xgboost": "save_raw", "lightgbm": "model_to_string"}  # their boosters hold addresses beside the trees


def state_hash(value: Any, rows: IntArray | None = None) -> str:
    """Return a SHA-256 over a fitted object: arrays, numbers, words, dataclasses, estimators, whatever they hold.

    Of a prepared table, which holds all rows of the cohort, the training rows alone are learned: `rows`. Nothing is
    left out in silence: what cannot be read is refused.
    """
    return _digest(value, rows, ()).hex()


def _digest(value: Any, rows: IntArray | None, above: tuple[int, ...]) -> bytes:
    """Hash the kind of a value and each of its parts, a part that holds its own whole by its distance."""
    if id(value) in above:
        return hashlib.sha256(b"cycle %d" % above[::-1].index(id(value))).digest()
    kind, parts = _parts(value, rows)
    each = [part if isinstance(part, bytes) else _digest(part, rows, (*above, id(value))) for part in parts]
    made = hashlib.sha256(f"{kind} {len(each)} {[*map(len, each)]} ".encode())
    for part in sorted(each) if isinstance(value, Mapping | Set) else each:
        made.update(part)
    return made.digest()


def _parts(value: Any, rows: IntArray | None) -> tuple[str, list[Any]]:
    """Return the kind of a value, and what it consists of: bytes, or values of their own."""
    if isinstance(value, PLAIN):
        return type(value).__name__, [repr(value).encode()]
    if isinstance(value, float | complex):
        return type(value).__name__, [np.array(value).tobytes()]
    if isinstance(value, np.ndarray | np.generic):
        return _array(np.asarray(value))
    if isinstance(value, Mapping):
        return _name(type(value)), [[key, item] for key, item in value.items()]
    if isinstance(value, list | tuple):
        return type(value).__name__, [*value]
    if isinstance(value, Set):
        return type(value).__name__, [*value]
    if isinstance(value, functools.partial):
        return "partial", [value.func, value.args, value.keywords]
    if callable(value) and hasattr(value, "__qualname__"):
        return _name(value), _inside(value)
    return _object(value, rows)


def _object(value: Any, rows: IntArray | None) -> tuple[str, list[Any]]:
    kind = _name(type(value))
    writer = WRITERS.get(kind.split(".")[0])
    if writer and hasattr(value, writer):
        return kind, [getattr(value, writer)()]
    if isinstance(value, Table) and rows is not None:
        return kind, [{**vars(value), "values": value.values[rows]}]
    if hasattr(value, "__dict__") and "__reduce__" not in vars(type(value)):
        return kind, [vars(value)]
    try:
        made = value.__reduce_ex__(4)
    except (TypeError, ValueError, AttributeError) as error:
        raise RadnbError(f"The state of {kind} cannot be read: {error}. Keep what is learned in plain attributes.",
                         code="E_STATE") from error
    return kind, [made if isinstance(made, str) else [part for part in made[1:] if part is not None]]


def _array(values: np.ndarray[Any, Any]) -> tuple[str, list[Any]]:
    kind = f"array {values.dtype.str} {values.shape}"
    if values.dtype.names:  # between the fields of a record lie bytes that mean nothing
        return kind, [[name, values[name]] for name in values.dtype.names]
    return (kind, [values.tolist()]) if values.dtype.hasobject else (kind, [np.ascontiguousarray(values).tobytes()])


def _inside(function: Any) -> list[Any]:
    """Return what a function carries beside its name: its defaults, the object it is bound to, its closure."""
    if isinstance(function, types.MethodType):
        return [function.__self__]
    cells = [cell.cell_contents for cell in getattr(function, "__closure__", None) or ()]
    return [getattr(function, "__defaults__", None), *cells] if isinstance(function, types.FunctionType) else []


def _name(thing: Any) -> str:
    return f"{getattr(thing, '__module__', '')}.{thing.__qualname__}"
