"""Survival labels: time zero, endpoint, event codes and closing date, declared and checked."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Literal

import pandas as pd

from radnb.cohort.labelling import FEW, MINIMUM, blank, cell_texts, need, numbers, who
from radnb.errors import RadnbError, raise_all

Meaning = Literal["event", "censored", "competing"]
DAYS = {"days": 1.0, "months": 365.25 / 12, "years": 365.25}
LONGEST_MONTHS = 1200.0


@dataclass(frozen=True)
class SurvivalLabels:
    """Time in months and event (0/1) per row or NaN, why a row has none, and what the card declares."""

    scheme: str
    time_months: pd.Series
    event: pd.Series  # 1.0 event, 0.0 censored, NaN left out
    reasons: pd.Series  # code of the exclusion where the time is NaN, else NA
    endpoint: Mapping[str, str]
    time_zero: Mapping[str, str]
    closing_date: str
    source: str
    notes: Mapping[str, int] = field(default_factory=dict)
    warnings: tuple[str, ...] = ()


def survival(table: pd.DataFrame, *, time: str, event: str, unit: Literal["days", "months", "years"],
             time_zero: str | dict[str, str], endpoint: str | dict[str, str],
             event_codes: dict[str | int | bool, Meaning] | None = None,
             competing: Literal["refuse", "event", "censored"] = "refuse",
             zero_times: Literal["refuse", "half_day", "exclude"] = "refuse",
             start_date: str | None = None, closing_date: str | None = None) -> SurvivalLabels:
    """Label follow-up with time in months and event, as the card declares them.

    Codes other than 0/1 need `event_codes`, e.g. {1: censored, 2: event}.  A death without recurrence is an event of
    recurrence-free survival (`competing: event`); recurrence alone is a competing-risks question, for which
    `competing: censored` gives the cause-specific event and a Kaplan-Meier curve would mislead.  With `start_date`
    (the column that holds the date of time zero) follow-up after `closing_date` is censored there.
    Source: definitions as declared on the card; months of 365.25 / 12 days.
    """
    months = numbers(table, time, option="survival.time", low=-float("inf")) * (DAYS[unit] / DAYS["months"])
    _refuse_impossible(table, months, time, unit)
    meaning = _meanings(table, event, event_codes)
    happened, notes = _events(meaning, competing)
    reasons = blank(table).mask(happened.isna(), "missing_event").mask(months.isna(), "missing_time")
    months, happened, reasons, closed = _close(table, months, happened, reasons, start_date, closing_date)
    months, reasons, zeros = _zeros(table, months, reasons, time, zero_times)
    kept = reasons.isna()
    months, happened = months.where(kept), happened.where(kept)
    warnings = _enough(happened, reasons, event)
    return SurvivalLabels("survival", months, happened, reasons, _both(endpoint), _both(time_zero), closing_date or "",
                          "Time zero, endpoint and event codes as declared on the card.",
                          {**notes, **closed, **zeros}, warnings)


def _refuse_impossible(table: pd.DataFrame, months: pd.Series, time: str, unit: str) -> None:
    problems = []
    if (negative := months < 0).any():
        problems.append(f"outcome survival: {time} is negative for {who(table, negative)}. Correct the dates.")
    if (long := months > LONGEST_MONTHS).any():
        problems.append(f"outcome survival: {time} exceeds 100 years in {unit} for {who(table, long)}. "
                        "Is it in days? Set `unit` right.")
    if (months.dropna() == 0).all():
        problems.append(f"outcome survival: {time} holds no time above zero. Name the column of follow-up times.")
    raise_all(problems, code="E_TIME")


def _meanings(table: pd.DataFrame, event: str, codes: Mapping[str | int | bool, Meaning] | None) -> pd.Series:
    cells = cell_texts(table, event, option="survival.event").str.casefold()
    found = sorted(cells.dropna().unique())
    if codes is None:
        if set(found) <= {"0", "1"}:
            return cells.map({"1": "event", "0": "censored"})
        raise RadnbError(f"outcome survival: {event} holds {', '.join(found[:8])}, not 0 and 1. Say what each means: "
                         f"`event_codes: {{{', '.join(f'{code}: censored' for code in found[:3])}, ...}}` with event, "
                         "censored or competing.", code="E_EVENT")
    known = {str(code).casefold(): meaning for code, meaning in codes.items()}
    unknown = [code for code in found if code not in known]
    raise_all([f"outcome survival: {event} holds {code!r}, which event_codes does not name. Add it, or correct the "
               "cells." for code in unknown], code="E_EVENT")
    return cells.map(known)


def _events(meaning: pd.Series, competing: str) -> tuple[pd.Series, dict[str, int]]:
    others = int((meaning == "competing").sum())
    if others and competing == "refuse":
        raise RadnbError(f"outcome survival: {others} patients had a competing event. Set `competing: event` to count "
                         "it (recurrence-free survival counts death), or `competing: censored` for a cause-specific "
                         "analysis.", code="E_COMPETING")
    value = {"event": 1.0, "censored": 0.0, "competing": 1.0 if competing == "event" else 0.0}
    return meaning.map(value).astype("float64"), {"competing": others} if others else {}


def _close(table: pd.DataFrame, months: pd.Series, happened: pd.Series, reasons: pd.Series, start_date: str | None,
           closing_date: str | None) -> tuple[pd.Series, pd.Series, pd.Series, dict[str, int]]:
    if start_date is None:
        return months, happened, reasons, {}
    closing = pd.to_datetime(closing_date, format="%Y-%m-%d", errors="coerce")
    if closing_date is None or pd.isna(closing):
        raise RadnbError(f"outcome survival: start_date needs a closing_date such as 2024-06-30, not {closing_date!r}. "
                         "Add it.", code="E_DATE")
    starts = need(table, start_date, option="survival.start_date")
    if not pd.api.types.is_datetime64_any_dtype(starts):
        raise RadnbError(f"outcome survival: start_date: {start_date} does not hold dates. Declare it in the manifest "
                         "with `kind: date`.", code="E_DATE")
    room = (closing - starts).dt.days / DAYS["months"]
    over = (months > room) & (room > 0)
    reasons = reasons.mask(reasons.isna() & starts.isna(), "missing_start")
    reasons = reasons.mask(reasons.isna() & (room <= 0), "after_closing")
    return months.mask(over, room), happened.mask(over & happened.notna(), 0.0), reasons, {"closed": int(over.sum())}


def _zeros(table: pd.DataFrame, months: pd.Series, reasons: pd.Series, time: str,
           zero_times: str) -> tuple[pd.Series, pd.Series, dict[str, int]]:
    zero = (months == 0) & reasons.isna()
    if not zero.any():
        return months, reasons, {}
    if zero_times == "refuse":
        raise RadnbError(f"outcome survival: {time} is zero for {who(table, zero)}. Correct it, or set "
                         "`zero_times: half_day` or `zero_times: exclude`.", code="E_TIME")
    if zero_times == "exclude":
        return months, reasons.mask(zero, "zero_time"), {}
    return months.mask(zero, 0.5 / DAYS["months"]), reasons, {"half_day": int(zero.sum())}


def _enough(happened: pd.Series, reasons: pd.Series, event: str) -> tuple[str, ...]:
    events, n = int((happened == 1).sum()), int(happened.notna().sum())
    excluded = ", ".join(f"{code}: {count}" for code, count in reasons.value_counts().sort_index().items())
    left_out = f" Left out: {excluded}." if excluded else ""
    if events == 0:
        raise RadnbError(f"outcome survival: none of {n} patients has an event in {event}.{left_out} Check "
                         "event_codes, or follow the patients longer.", code="E_NO_EVENTS")
    if events < MINIMUM:
        raise RadnbError(f"outcome survival: only {events} events among {n} patients; at least {MINIMUM} are needed "
                         f"for any estimate.{left_out} Add patients or follow-up.", code="E_TOO_FEW")
    return ("few_events",) if events < FEW else ()


def _both(text: str | dict[str, str]) -> dict[str, str]:
    return {"en": text, "zh": text} if isinstance(text, str) else dict(text)
