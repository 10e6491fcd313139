"""Published signatures: applied as printed, checked whole, never refitted."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
import yaml

from radnb.errors import RadnbError
from radnb.learning.signature import TRANSFORMS, load_signature
from radnb.work import choices

CARD: dict[str, Any] = {
    "name": "made-up-score", "reference": "Nobody, Journal of Nothing 2020;1:1", "outcome": {"g1_vs_g23": {}},
    "link": "logistic", "intercept": -0.5, "features": {"original_glcm_JointEntropy": 1.5, "age": 0.02},
    "transforms": {"original_glcm_JointEntropy": {"z": {"mean": 4.0, "sd": 0.5}}, "age": [{"log": {"base": "2"}}]},
    "cut_off": 0.4, "clinical": ["age"], "extraction": "demo"}

SURVIVAL = {"survival": {"time": "os_months", "event": "os_event", "unit": "months", "time_zero": "day of surgery",
                         "endpoint": "death", "closing_date": "2023-12-31", "event_codes": {"1": "event"}}}


@pytest.fixture
def write(tmp_path: Path) -> Callable[..., Path]:
    def written(**changes: Any) -> Path:
        path = tmp_path / "signature.yaml"
        card = {key: value for key, value in {**CARD, **changes}.items() if value is not None}
        path.write_text(yaml.safe_dump(card), encoding="utf-8")
        return path

    return written


def test_the_score_is_the_one_computed_by_hand(write: Callable[..., Path]) -> None:
    table = pd.DataFrame({"original_glcm_JointEntropy": [4.5, 4.0, np.nan], "age": [64.0, 32.0, 50.0]})
    made = load_signature(write())
    by_hand = [-0.5 + 1.5 * 1.0 + 0.02 * 6.0, -0.5 + 0.02 * 5.0]
    np.testing.assert_allclose(made.scores(table)[:2, 0], 1 / (1 + np.exp(-np.array(by_hand))), rtol=1e-14)
    assert np.isnan(made.scores(table)[2, 0]) and made.scale == "probability" and made.thresholds == (0.4,)
    assert set(made.settings) == {""} and made.settings[""].name == "demo"


@pytest.mark.parametrize(("link", "outcome", "scale"), [("none", {"g1_vs_g23": {}}, "linear"),
                                                        ("cox", SURVIVAL, "risk")])
def test_other_links_leave_the_weighted_sum(write: Callable[..., Path], link: str, outcome: Any, scale: str) -> None:
    made = load_signature(write(link=link, outcome=outcome, transforms={}, cut_off=7.0))
    table = pd.DataFrame({"original_glcm_JointEntropy": [4.0], "age": [50.0]})
    assert made.scores(table)[0, 0] == pytest.approx(-0.5 + 6.0 + 1.0) and made.scale == scale


@pytest.mark.parametrize("choice", [{"log": {}}, {"log": {"base": "10"}}, {"z": {"mean": 1.0, "sd": 2.0}},
                                    {"clip": {"low": 0.0, "high": 3.0}}])
def test_transforms_do_what_they_say(choice: dict[str, Any]) -> None:
    name, given = next(iter(choice.items()))
    expected = {"log": lambda x: np.log(x) if not given else np.log10(x), "z": lambda x: (x - 1) / 2,
                "clip": lambda x: np.minimum(np.maximum(x, 0), 3)}[name]
    x = np.array([0.5, 1.0, 10.0])
    np.testing.assert_allclose(choices.pick(TRANSFORMS, choice)()(x), expected(x), rtol=1e-14)


def test_every_transform_is_tested() -> None:
    assert set(TRANSFORMS) == {"log", "z", "clip"}


def test_nothing_has_a_logarithm_below_zero(write: Callable[..., Path]) -> None:
    made = load_signature(write())
    scores = made.scores(pd.DataFrame({"original_glcm_JointEntropy": [4.0, 4.0], "age": [0.0, -1.0]}))
    assert np.isnan(scores).all()


@pytest.mark.parametrize(("changes", "mend"), [
    ({"refrence": "x"}, "Did you mean 'reference'"),
    ({"link": "logit"}, "Did you mean 'logistic'"),
    ({"features": {}}, "features"),
    ({"features": {"age": "old"}}, "Write a number"),
    ({"features": {"age": float("nan")}}, "finite"),
    ({"transforms": {"agee": {"log": {}}}}, "Did you mean 'age'"),
    ({"transforms": {"age": {"lgo": {}}}}, "Did you mean 'log'"),
    ({"transforms": {"age": {"z": {"mean": 1, "sd": 0}}}}, "greater than 0"),
    ({"transforms": {"age": {"clip": {"low": 90, "high": 1}}}}, "low must lie below high"),
    ({"outcome": {"g1_vs_g2_3": {}}}, "Did you mean 'g1_vs_g23'"),
    ({"link": "cox"}, "belongs to a survival outcome"),
    ({"outcome": SURVIVAL}, "no probability without a time"),
    ({"cut_off": 2.5}, "is no probability"),
    ({"extraction": "dmeo"}, "Did you mean 'demo'"),
    ({"name": "../x"}, "Latin letters")])
def test_a_faulty_signature_is_refused_with_its_mend(write: Callable[..., Path], changes: dict[str, Any],
                                                     mend: str) -> None:
    with pytest.raises(RadnbError, match=mend):
        load_signature(write(**changes))


def test_all_faults_are_told_at_once(write: Callable[..., Path]) -> None:
    with pytest.raises(RadnbError, match=r"(?s)2 problems.*link.*cut_off"):
        load_signature(write(link="logistic", outcome=SURVIVAL, cut_off=2.0))


def test_the_template_is_a_valid_signature() -> None:
    path = Path(__file__).parents[2] / "docs" / "signature_template.yaml"
    assert load_signature(path).card.features
