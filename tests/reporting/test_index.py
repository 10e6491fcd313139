from __future__ import annotations

import dataclasses
import json
import re
from pathlib import Path

import pytest

from radnb.reporting.index import entries, write_index
from radnb.work.files import write_csv
from tests.reporting.stories import Story, story


def finished(told: Story, folder: Path, *, status: str = "complete") -> None:
    folder.mkdir(parents=True)
    record = {"status": status, "study": dict(told.facts), "language": told.language,
              "verdict": dataclasses.asdict(told.evaluation.verdict)}
    (folder / "run.json").write_text(json.dumps(record, ensure_ascii=False), encoding="utf-8")
    write_csv(folder / "metrics.csv", told.evaluation.metrics)
    write_csv(folder / "failures.csv", told.failures)


@pytest.fixture
def runs(tmp_path: Path) -> Path:
    finished(story("improved"), tmp_path / "demo-improved")
    finished(story("improved", "zh"), tmp_path / "demo-improved-zh")
    finished(story("survival"), tmp_path / "demo-survival")
    finished(story("null"), tmp_path / "half", status="tables")
    return tmp_path


def test_the_index_shows_question_figures_verdict_and_both_languages(runs: Path) -> None:
    page = write_index(runs).read_text(encoding="utf-8")
    assert page.count("<article>") == 2
    assert "Before surgery, can CT tell G1" in page and "improved" in page
    assert 'href="demo-improved/report.html"' in page and 'href="demo-improved-zh/report.html"' in page
    row = story("improved").metric("combined", "auc")
    assert row is not None and f"AUC {row['value']:.2f}" in page
    assert "Failed cases: 2" in page


def test_the_chinese_index_stands_beside_the_english_one(runs: Path) -> None:
    write_index(runs)
    page = (runs / "index.zh.html").read_text(encoding="utf-8")
    assert "术前CT能否区分胰腺NET" in page and 'href="index.html"' in page and 'lang="zh-CN"' in page


def test_unfinished_and_damaged_runs_are_left_out(runs: Path) -> None:
    (runs / "broken").mkdir()
    (runs / "broken" / "run.json").write_text('{"status": "comp', encoding="utf-8")
    assert [entry.folder for entry in entries(runs)] == ["demo-improved", "demo-improved-zh", "demo-survival"]


def test_an_empty_folder_gives_a_page_that_says_so(tmp_path: Path) -> None:
    assert "No finished run" in write_index(tmp_path).read_text(encoding="utf-8")


def test_words_from_a_record_cannot_become_markup(tmp_path: Path) -> None:
    finished(story("improved", question={"en": "<script>x</script>", "zh": "x"}), tmp_path / "a")
    page = write_index(tmp_path).read_text(encoding="utf-8")
    assert not re.search("<script", page)


def test_equal_runs_give_equal_pages(runs: Path) -> None:
    assert write_index(runs).read_bytes() == write_index(runs).read_bytes()


def test_a_design_without_an_interval_is_not_called_a_lack_of_patients(tmp_path: Path) -> None:
    told = story("too_few")
    for reason, said in (("too_few_events", "too few patients to tell"), ("rule_632", "gives no interval")):
        judged = dataclasses.replace(told.evaluation.verdict, kind="too_few", reasons=("no_interval", reason),
                                     unbeaten=())
        evaluation = dataclasses.replace(told.evaluation, verdict=judged)
        finished(dataclasses.replace(told, evaluation=evaluation), tmp_path / reason / "run")
        assert said in write_index(tmp_path / reason).read_text(encoding="utf-8")
