"""Is one model better than another, and what may be said about it: differences and the verdict."""

from __future__ import annotations

from dataclasses import dataclass

from radnb.evaluation.honesty import NONE, Figure
from radnb.learning.splits import ARROW


@dataclass(frozen=True)
class Verdict:
    """The answer to the study's locked comparison, in one of three kinds, and what it rests on.

    kind: improved (the interval of the difference lies above 0), not_shown (it includes 0 and excludes a relevant
    improvement, or other patients contradict), too_few (it includes both, or there is no interval).  Without a
    comparator the difference is that from chance (0.5).  `reasons` are codes for the report's texts.
    """

    kind: str
    reasons: tuple[str, ...]
    model: str
    comparator: str | None
    metric: str
    set: str
    value: float
    low: float
    high: float
    p_any: float  # by permutation: is there any signal in the model?
    p_added: float  # by permutation: do the blocks that the comparator lacks add anything?
    n: int
    events: int
    external: bool
    external_value: float = float("nan")
    external_low: float = float("nan")
    external_high: float = float("nan")
    unbeaten: tuple[str, ...] = ()  # controls that the model did no better than


@dataclass(frozen=True)
class Compared:
    """A difference in one set of patients, with its size and the permutation p of the primary model and its gain."""

    figure: Figure
    set: str
    n: int
    events: int
    p_any: float
    p_added: float


def from_chance(figure: Figure) -> Figure:
    """Return an AUC or C as its distance from 0.5."""
    return Figure(figure.value - 0.5, figure.low - 0.5, figure.high - 0.5, figure.method)


def verdict(found: list[Compared], *, model: str, comparator: str | None, metric: str,
            relevant: float) -> Verdict:
    """Judge the primary comparison: internal patients decide, external ones confirm or contradict.

    Of directions between centres (sets named "A → B") the least favourable decides: what holds in one direction
    alone is not shown.
    """
    between = sorted((c for c in found if ARROW in c.set),
                     key=lambda c: (c.figure.low if c.figure.judged else -2.0, c.set))
    internal = [c for c in found if c.set not in ("external", "train") and ARROW not in c.set]
    external = [c for c in found if c.set == "external"] or between
    main = (internal or external or found)[0]
    kind, reasons = _kind(main.figure, relevant)
    other = external[0].figure if external and internal else None
    if other is not None:
        kind, reasons = _with_external(kind, reasons, other)
    if comparator is None:
        reasons = (*reasons, "no_comparator")
    nothing = float("nan")
    return Verdict(kind, reasons, model, comparator, metric, main.set, main.figure.value, main.figure.low,
                   main.figure.high, main.p_any, main.p_added, main.n, main.events, bool(external),
                   *((other.value, other.low, other.high) if other is not None else (nothing, nothing, nothing)))


def _kind(figure: Figure, relevant: float) -> tuple[str, tuple[str, ...]]:
    if not figure.judged:
        return "too_few", ("no_interval", figure.method.removeprefix(NONE).replace(" ", "_"))
    if figure.low > 0:
        return "improved", ("interval_above_zero",)
    if figure.high < 0:
        return "not_shown", ("interval_below_zero",)
    if figure.high < relevant:
        return "not_shown", ("relevant_difference_excluded",)
    return "too_few", ("relevant_difference_not_excluded",)


def _with_external(kind: str, reasons: tuple[str, ...], other: Figure) -> tuple[str, tuple[str, ...]]:
    if not other.judged:
        return kind, (*reasons, "external_too_few")
    if other.high < 0:
        return "not_shown", (*reasons, "external_contradicts")
    return kind, (*reasons, "external_agrees" if other.low > 0 else "external_not_shown")
