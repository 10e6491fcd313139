"""How a model set brings its blocks together: joined columns, or a score of some blocks beside others."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Literal

from radnb.errors import RadnbError
from radnb.work import choices

Blocks = tuple[str, ...]


@dataclass(frozen=True)
class Late:
    """Late fusion: each of `scores` gets a model of its own, whose score enters a regression beside other blocks.

    The regression learns from inner out-of-fold scores, as the score of a patient who taught the model says too much.
    """

    scores: tuple[Blocks, ...]
    beside: Blocks
    by: Literal["regression", "mean"]


Layout = Blocks | Late


def late(*, scores: list[str | list[str]], beside: list[str] | None = None,
         by: Literal["regression", "mean"] = "regression") -> Late:
    """Give blocks (or joined blocks) models of their own and combine their scores, beside blocks that enter whole."""
    parts = tuple((one,) if isinstance(one, str) else tuple(one) for one in scores)
    if not parts or not all(parts):
        raise RadnbError("late: name at least one block under `scores`, as in `scores: [radiomics]`.", code="E_CONFIG")
    if len({*map(frozenset, parts)}) < len(parts):
        raise RadnbError("late: two of the scores come from the same blocks. Name each under `scores` once.",
                         code="E_CONFIG")
    if by == "mean" and beside:
        raise RadnbError(f"late: a mean of scores takes no block beside them ({', '.join(beside)}). "
                         "Use `by: regression`, or give these blocks a score too.", code="E_CONFIG")
    return Late(parts, tuple(beside or ()), by)


FUSIONS: dict[str, Callable[..., Late]] = {"late": late}


def layout(blocks: Sequence[str] | Mapping[str, Any]) -> Layout:
    """Return the layout of a model set as a card gives it: a list of blocks, or a choice of FUSIONS."""
    if isinstance(blocks, Mapping):
        made: Late = choices.pick(FUSIONS, blocks, "model_sets")()
        return made
    return tuple(blocks)


def blocks_of(one: Layout) -> Blocks:
    """Return every block that a layout uses, in its order."""
    if isinstance(one, Late):
        return tuple(dict.fromkeys((*(block for part in one.scores for block in part), *one.beside)))
    return one
