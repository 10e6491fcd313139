"""The bar tells cases by the minute and the time left, in a terminal and in a notebook."""

from __future__ import annotations

import io
import re
import sys

import pytest

from radnb.work import progress as module
from radnb.work.progress import progress


def test_a_terminal_shows_cases_per_minute_and_the_time_left(monkeypatch) -> None:
    monkeypatch.setenv("RADNB_PROGRESS", "1")
    screen = io.StringIO()
    monkeypatch.setattr(sys, "stderr", screen)
    with progress(total=300, label="extract features", unit="case") as bar:
        bar.start_t -= 30  # half a minute ago
        bar.update(60)
        shown = str(bar)
    assert re.fullmatch(r"extract features:  20%\|.*\| 60/300 \[00:30<02:00, 120 case/min\]", shown)


def test_the_time_left_follows_the_work_where_items_differ(monkeypatch) -> None:
    monkeypatch.setenv("RADNB_PROGRESS", "1")
    monkeypatch.setattr(sys, "stderr", io.StringIO())
    with progress(total=300, label="x", unit="case") as bar:
        bar.start_t -= 30
        bar.share = 0.75
        bar.update(60)
        assert "[00:30<00:10, 120 case/min]" in str(bar)


def test_no_label_and_no_wish_show_nothing(monkeypatch, capsys) -> None:
    monkeypatch.setenv("RADNB_PROGRESS", "1")
    with progress(total=2, label=None) as bar:
        bar.update(2)
    monkeypatch.setenv("RADNB_PROGRESS", "0")
    with progress(total=2, label="x") as bar:
        bar.update(2)
    assert capsys.readouterr().err == ""


def test_a_notebook_shows_the_same(monkeypatch) -> None:
    notebook = pytest.importorskip("tqdm.notebook")
    bar = type("Bar", (module._PerMinute, notebook.tqdm), {})(total=4, desc="x", unit="case", display=False,
                                                               bar_format=module._FORMAT)
    bar.start_t -= 60
    bar.update(2)
    assert "2 case/min" in bar.format_meter(**bar.format_dict)
    bar.close()
