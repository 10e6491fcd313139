"""What a selector is, and what it may know of the training rows."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Annotated, ClassVar

import numpy as np
from annotated_types import Gt, Le

from radnb.learning.folds import IntArray
from radnb.learning.kinds import CLASSES, SURVIVAL
from radnb.statistics.families import Array

Count = Annotated[int, Gt(0)]
Rate = Annotated[float, Gt(0), Le(1)]


@dataclass(frozen=True)
class Given:
    """What a selector may know of the training rows beside their values and outcome.

    `groups` are patient numbers (copies of a patient stay together in inner folds); `names` those of the columns;
    `agreement` is the lower limit of the ICC of each column between readers, NaN where unknown.
    """

    groups: IntArray | None = None
    names: tuple[str, ...] = ()
    agreement: Array | None = None


NOTHING = Given()


@dataclass
class Selector:
    """A choice of columns; `y` is class codes (n,) or time and event (n, 2).

    Where `ordered` is true, `order_` holds the chosen columns with the best first, and the choice of fewer columns
    is the beginning of that of more: one fit serves every number of features. A selector that makes new columns from
    those it chose leaves their weights in `rotation_` (columns chosen x columns made), and stands last in its chain.
    """

    kinds: ClassVar[tuple[str, ...]] = (CLASSES, SURVIVAL)
    needs_repeats: ClassVar[bool] = False
    ordered: ClassVar[bool] = False
    support_: IntArray = field(init=False, repr=False)
    order_: IntArray = field(init=False, repr=False)
    rotation_: Array | None = field(default=None, init=False, repr=False)
    converged_: bool = field(default=True, init=False, repr=False)

    def faults(self, names: tuple[str, ...]) -> list[str]:
        """List, before any fit, what keeps this selector from working on columns of these names."""
        return []

    def fit(self, x: Array, y: Array, given: Given = NOTHING) -> Selector:
        """Choose columns from training rows."""
        found = self.choose(x, y, given) if x.shape[1] else np.empty(0, np.intp)
        self.order_, self.support_ = found, np.sort(found)
        return self

    def choose(self, x: Array, y: Array, given: Given) -> IntArray:
        """Return the chosen column numbers, the best first where they are ordered."""
        raise NotImplementedError

    def transform(self, x: Array) -> Array:
        """Return the chosen columns, or those made from them."""
        chosen = x[:, self.support_]
        return chosen if self.rotation_ is None else chosen @ self.rotation_


@dataclass
class Ranking(Selector):
    """Keep the k columns with the largest value above nothing."""

    kinds: ClassVar[tuple[str, ...]] = (CLASSES,)
    ordered: ClassVar[bool] = True
    k: int = 10

    def values(self, x: Array, y: Array, given: Given) -> Array:
        """Return one value per column, the more useful the larger; a column at zero or below is of no use."""
        raise NotImplementedError

    def choose(self, x: Array, y: Array, given: Given) -> IntArray:
        """Return the columns with the largest values."""
        value = self.values(x, y, given)
        order = np.argsort(-value, kind="stable")
        return order[value[order] > 0][: self.k]
