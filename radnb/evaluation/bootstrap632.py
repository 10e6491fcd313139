"""The .632+ rule: patients left out of bootstrap samples tell too little, training patients too much; both combined.

Efron and Tibshirani, J Am Stat Assoc 1997;92:548.  The out-of-bag estimate leans low (63 % distinct patients train);
the more the model overfits, from its apparent performance down to that of no information, the more it counts.  No
interval is offered: the influence interval of .632+ covered 65-94 % where 95 % was said (simulated, n=80 and 130).
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from radnb.evaluation.honesty import Draws, Figure, alone
from radnb.evaluation.scored import Scored

RULE = "bootstrap .632+"
NO_INFORMATION = 0.5  # the AUC and C of a score that knows nothing


def combine(apparent: float, out_of_bag: float, nothing: float = NO_INFORMATION) -> float:
    """Return the .632+ estimate; `nothing` is the figure of a model that knows nothing (works for errors as well)."""
    room = nothing - apparent
    overfitting = float(np.clip((out_of_bag - apparent) / room, 0.0, 1.0)) if room else 0.0
    weight = 0.632 / (1 - 0.368 * overfitting)
    return float((1 - weight) * apparent + weight * out_of_bag)


def no_information_error(flagged: float, events: float) -> float:
    """Return the error rate when flags and events, of these shares, have nothing to do with each other."""
    return float(flagged * (1 - events) + events * (1 - flagged))


def of_headline(figure: Figure, drawn: Draws, one: Scored, apparent: Draws | None) -> Figure:
    """Return the .632+ estimate of an AUC or C scored out of bag; any other figure as it is."""
    if not one.out_of_bag or apparent is None:
        return figure
    return alone(combine(apparent.value, drawn.value), RULE)


def difference(mine: Figure, other: Figure) -> Figure | None:
    """Return the difference of two .632+ estimates, or nothing when they are none."""
    both = mine.method == other.method == alone(0.0, RULE).method
    return alone(mine.value - other.value, RULE) if both else None


def of_patients(one: Scored, apparent: Scored | None) -> dict[str, Figure]:
    """Return the .632+ estimates of Brier score and accuracy of scores out of bag; nothing for any other."""
    if not one.out_of_bag or apparent is None or one.survival:
        return {}
    found = {"brier": brier(one, apparent)} if one.scale == "probability" else {}
    return found | ({"accuracy": accuracy(one, apparent)} if one.rows.thresholded and apparent.rows.thresholded else {})


def accuracy(one: Scored, apparent: Scored) -> Figure:
    """Return the .632+ estimate of the share of right decisions at the thresholds carried from training."""
    wrong = one.rows.flagged != one.rows.event
    out = float(one.rows.mean_by_member(wrong.astype(float), one.n).mean())
    rows = apparent.rows
    nothing = no_information_error(float(rows.flagged.mean()), float(rows.event.mean()))
    return alone(1 - combine(float((rows.flagged != rows.event).mean()), out, nothing), RULE)


def brier(one: Scored, apparent: Scored) -> Figure:
    """Return the .632+ estimate of the Brier score."""
    squared = (one.rows.score - one.rows.event) ** 2
    out = float(one.rows.mean_by_member(squared, one.n).mean())
    p, share = apparent.rows.score, float(apparent.rows.event.mean())
    nothing = float(np.mean(share * (p - 1) ** 2 + (1 - share) * p**2))
    return alone(combine(float(np.mean((p - apparent.rows.event) ** 2)), out, nothing), RULE)


def apparent_of(one: Scored, series: Sequence[Scored]) -> Scored | None:
    """Return the same model's scores of its own training patients."""
    return next((other for other in series if other.set == "train" and one.set != "train"
                 and (other.model, other.target) == (one.model, one.target)), None)
