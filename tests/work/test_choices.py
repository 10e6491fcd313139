"""A choice on a card is checked against names and signatures, all faults at once."""

from __future__ import annotations

from typing import Literal

import pytest

from radnb.errors import RadnbError
from radnb.work.choices import pick, problems


def anova(*, seed: int, k: int = 10, rule: Literal["min", "1se"] = "min") -> tuple[int, int, str]:
    return seed, k, rule


def needy(*, column: str) -> str:
    return column


REGISTRY = {"anova": anova, "needy": needy}


def test_a_choice_binds_its_options_and_the_seed() -> None:
    assert pick(REGISTRY, {"anova": {"k": 20}}, seed=7)() == (7, 20, "min")
    assert pick(REGISTRY, {"anova": None}, seed=7)() == (7, 10, "min")


@pytest.mark.parametrize(("choice", "mend"), [
    ({"anvoa": {}}, "Did you mean 'anova'"),
    ({"anova": {"kk": 3}}, "Did you mean 'k'"),
    ({"anova": {"k": "many"}}, "will not do"),
    ({"anova": {"rule": "best"}}, "'min' or '1se'"),
    ({"anova": {"seed": 3}}, "unknown option"),
    ({"needy": {}}, "is required"),
    ({"anova": {}, "needy": {}}, "name exactly one"),
    ("anova", "name exactly one"),
    ({"anova": [3]}, "must be a mapping"),
])
def test_a_faulty_choice_is_refused_with_its_mend(choice: object, mend: str) -> None:
    assert any(mend in sentence for sentence in problems(REGISTRY, choice, "selector"))
    with pytest.raises(RadnbError):
        pick(REGISTRY, choice, "selector", seed=1)  # type: ignore[arg-type]


def test_all_faults_are_listed_at_once() -> None:
    assert len(problems(REGISTRY, {"anova": {"k": "x", "rul": 1}}, "selector")) == 2
