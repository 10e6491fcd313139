"""Survival labels mean what the card declares, and nothing that lifelines would fit in silence passes."""

from __future__ import annotations

from typing import Any

import pandas as pd
import pytest

from radnb.cohort.follow_up import Meaning, survival
from radnb.errors import RadnbError

CARD: dict[str, Any] = {"time": "t", "event": "e", "unit": "months", "time_zero": "surgery",
                        "endpoint": {"en": "death", "zh": "死亡"}}


def frame(times: list[Any], events: list[Any]) -> pd.DataFrame:
    times, events = [*times, *range(1, 11)], [*events, *[events[0] if events else 1] * 5, *[0] * 5]
    return pd.DataFrame({"patient_id": [f"P{n}" for n in range(len(times))], "t": pd.Series(times, dtype=float),
                         "e": events, "start": pd.Timestamp("2020-01-01")})


def test_days_and_years_become_months() -> None:
    # 365.25 days are one year and 12 months
    found = survival(frame([365.25], [1]), **{**CARD, "unit": "days"})
    assert found.time_months[0] == pytest.approx(12.0) and found.event[0] == 1.0
    assert survival(frame([2], [1]), **{**CARD, "unit": "years"}).time_months[0] == pytest.approx(24.0)
    assert found.endpoint["zh"] == "死亡" and found.time_zero == {"en": "surgery", "zh": "surgery"}
    assert found.warnings == ("few_events",)


def test_missing_time_or_status_leave_the_patient_out() -> None:
    found = survival(frame([3, None, 4], [1, 1, None]), **CARD)
    assert found.reasons[:3].fillna("").tolist() == ["", "missing_time", "missing_event"]
    assert found.time_months[1:3].isna().all() and found.event[1:3].isna().all()


def test_codes_other_than_0_and_1_need_their_meaning() -> None:
    with pytest.raises(RadnbError, match="Say what each means") as caught:
        survival(frame([3], [2]).replace({"e": {0: 1}}), **CARD)
    assert caught.value.code == "E_EVENT"
    table = frame([3], ["死亡"]).replace({"e": {0: "存活"}})
    found = survival(table, **CARD, event_codes={"死亡": "event", "存活": "censored"})
    assert found.event.sum() == 6
    with pytest.raises(RadnbError, match="'2', which event_codes does not name"):
        survival(frame([3], [2]), **CARD, event_codes={0: "censored", 1: "event"})


def test_a_competing_death_is_counted_only_as_the_card_says() -> None:
    codes: dict[str | int | bool, Meaning] = {0: "censored", 1: "event", 2: "competing"}
    table = frame([3, 4], [1, 2])
    with pytest.raises(RadnbError, match="recurrence-free survival counts death"):
        survival(table, **CARD, event_codes=codes)
    assert survival(table, **CARD, event_codes=codes, competing="event").event[1] == 1.0
    apart = survival(table, **CARD, event_codes=codes, competing="censored")
    assert apart.event[1] == 0.0 and apart.notes == {"competing": 1}


def test_follow_up_after_the_closing_date_is_censored_there() -> None:
    table = frame([40, 5, 6, 6], [1, 1, 1, 1])
    table.loc[2, "start"], table.loc[3, "start"] = pd.Timestamp("2022-02-01"), pd.NaT
    found = survival(table, **CARD, start_date="start", closing_date="2021-12-31")
    assert found.time_months[0] == pytest.approx(730 / 30.4375) and found.event[0] == 0.0
    assert found.event[1] == 1.0 and found.notes == {"closed": 1}
    assert found.reasons[2:4].tolist() == ["after_closing", "missing_start"]
    with pytest.raises(RadnbError, match="needs a closing_date such as"):
        survival(table, **CARD, start_date="start", closing_date="31.12.2021")
    with pytest.raises(RadnbError, match="kind: date"):
        survival(table, **CARD, start_date="t", closing_date="2021-12-31")


def test_zero_times_need_a_decision() -> None:
    table = frame([0], [1])
    with pytest.raises(RadnbError, match=r"zero for patient P0. Correct it, or set `zero_times"):
        survival(table, **CARD)
    assert survival(table, **CARD, zero_times="half_day").time_months[0] == pytest.approx(0.5 / 30.4375)
    assert survival(table, **CARD, zero_times="exclude").reasons[0] == "zero_time"


@pytest.mark.parametrize(("table", "code", "mend"), [
    (frame([-1], [1]), "E_TIME", "negative for patient P0. Correct the dates"),
    (frame([4000], [1]), "E_TIME", "Is it in days"),
    (frame([3], [0]), "E_NO_EVENTS", "follow the patients longer"),
    (frame([3], [1]).assign(e=lambda t: (t.index < 3).astype(int)), "E_TOO_FEW", "only 3 events"),
    (frame([3], [1]).assign(t=0.0), "E_TIME", "no time above zero"),
    (frame([3], [1]).rename(columns={"e": "evt"}), "E_COLUMN", "survival.event"),
])
def test_follow_up_that_cannot_be_is_refused(table: pd.DataFrame, code: str, mend: str) -> None:
    with pytest.raises(RadnbError, match=mend) as caught:
        survival(table, **CARD)
    assert caught.value.code == code
