"""Every notebook runs headlessly on a small cohort, three ways with the same file, and leaves a whole run folder."""

from __future__ import annotations

import json
from pathlib import Path

import nbformat
import pandas as pd
import pytest

from radnb.errors import RadnbError
from radnb.kernels import check_complete, check_parameters, execute
from radnb.running import Job, batch, is_finished, jobs_for, report_of, run
from radnb.study import load_study
from radnb.work.parallel import Failure
from radnb.workbook import fingerprint, open_run

NOTEBOOKS = Path(__file__).resolve().parents[2] / "notebooks"
FAST = {"inference.bootstraps": 25, "inference.permutations": 19, "design": {"repeated_kfold": {"repeats": 2}}}
FILES = {"report.html", "predictions.csv", "metrics.csv", "failures.csv", "exclusions.csv", "resamples.parquet",
         "run.json"}
STUDIES = {"demo-differential-diagnosis": "en", "demo-grading": "zh", "demo-lymph-node-metastasis": "zh",
           "demo-survival": "en"}


def _job(study: str, out: Path, cohort: Path, language: str = "en", **changes: object) -> Job:
    return Job(study, out, str(cohort), FAST | changes, language)


@pytest.fixture(scope="module")
def finished(tmp_path_factory: pytest.TempPathFactory, feature_cohort: Path) -> Path:
    out = tmp_path_factory.mktemp("runs")
    jobs = [_job(study, out / study, feature_cohort, language) for study, language in STUDIES.items()]
    ended = batch(jobs, workers=2, say=lambda text: None)
    assert [result for _, result in ended.runs if isinstance(result, Failure)] == []
    return out


@pytest.mark.parametrize("study", STUDIES)
def test_a_run_folder_is_whole(finished: Path, study: str) -> None:
    folder = finished / study
    record = json.loads((folder / "run.json").read_text(encoding="utf-8"))
    assert {path.name for path in folder.iterdir()} >= FILES | {"figures", "tables", record["notebook"]}
    assert record["status"] == "complete" and record["id"] == study
    assert {p.suffix for p in (folder / "figures").iterdir()} == {".png", ".svg", ".pdf"}
    metrics = pd.read_csv(folder / "metrics.csv")
    assert list(metrics) == ["model", "set", "metric", "value", "low", "high", "n", "events", "method"]
    headline = metrics[(metrics["model"] == "combined") & metrics["metric"].isin(["auc", "c_index"])]
    assert len(headline) == 1 and 0 <= headline["low"].iloc[0] <= headline["high"].iloc[0] <= 1


@pytest.mark.parametrize("study", STUDIES)
def test_a_run_leaves_no_path_of_the_machine_and_no_half_written_file(finished: Path, study: str) -> None:
    folder = finished / study
    assert not [p for p in folder.rglob("*") if p.name.startswith(".")]
    for name in ("run.json", "report.html"):
        assert str(finished) not in (folder / name).read_text(encoding="utf-8")


def test_a_finished_run_is_not_repeated_and_a_damaged_one_is(finished: Path, feature_cohort: Path) -> None:
    folder = finished / "demo-grading"
    job = _job("demo-grading", folder, feature_cohort, "zh")
    opened = open_run(job.study, manifest=job.manifest, overrides=job.overrides, out_dir=folder, language="zh")
    before = (folder / "run.json").stat().st_mtime_ns
    metrics = (folder / "metrics.csv").read_bytes()
    run(job)
    assert (folder / "run.json").stat().st_mtime_ns == before
    (folder / "grading.ipynb").write_text("{", encoding="utf-8")
    assert not is_finished(folder, fingerprint(opened))
    (folder / "run.json").write_text('{"status":', encoding="utf-8")
    run(job)
    assert is_finished(folder, fingerprint(opened)) and (folder / "metrics.csv").read_bytes() == metrics


def test_another_number_of_workers_gives_the_same_metrics(finished: Path, feature_cohort: Path, tmp_path: Path,
                                                          monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("RADNB_WORKERS", "1")
    monkeypatch.setenv("RADNB_CACHE", str(tmp_path / "empty"))
    run(_job("demo-survival", tmp_path / "alone", feature_cohort))
    for name in ("metrics.csv", "predictions.csv"):
        assert (tmp_path / "alone" / name).read_bytes() == (finished / "demo-survival" / name).read_bytes()


def test_plain_papermill_parameters_work_and_the_report_can_be_made_later(feature_cohort: Path, tmp_path: Path,
                                                                          monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(feature_cohort.parents[1])  # the kernel understands a path as the command line does
    out = tmp_path / "by hand"
    out.mkdir()
    execute(NOTEBOOKS / "grading.ipynb", out / "mine.ipynb",
            {"study": "demo-grading", "manifest": "cohort/manifest.yaml", "overrides": FAST, "out_dir": str(out),
             "language": "zh"})
    assert '<html lang="zh-CN">' in report_of(out / "mine.ipynb").read_text(encoding="utf-8")
    half = nbformat.read(out / "mine.ipynb", as_version=4)
    half.cells[-1].metadata["papermill"]["status"] = "running"
    nbformat.write(half, out / "half.ipynb")
    with pytest.raises(RadnbError, match="Run the study again"):
        check_complete(out / "half.ipynb")
    with pytest.raises(RadnbError, match="Run all cells"):
        report_of(out / "half.ipynb")


def test_unknown_parameters_are_refused() -> None:
    with pytest.raises(RadnbError, match="Did you mean 'study'"):
        check_parameters(NOTEBOOKS / "grading.ipynb", {"studdy": 1})


def test_one_bad_job_never_stops_a_batch(feature_cohort: Path, tmp_path: Path) -> None:
    few = _job("demo-grading", tmp_path / "bad", feature_cohort, patients={"diagnosis": ["PDAC"]})
    ended = batch([few], workers=1, say=lambda text: None)
    assert isinstance(ended.runs[0][1], Failure)
    assert not (tmp_path / "bad" / "report.html").exists() and not (tmp_path / "bad" / ".running").exists()


def test_a_folder_that_is_not_ours_is_never_written_to(feature_cohort: Path, tmp_path: Path) -> None:
    for name in ("report.html", "run.json", "figures/1.png"):
        (tmp_path / name).parent.mkdir(exist_ok=True)
        (tmp_path / name).write_text("mine")
    with pytest.raises(RadnbError, match="Choose an empty folder"):
        run(_job("demo-grading", tmp_path, feature_cohort))
    assert (tmp_path / "figures" / "1.png").read_text() == "mine"


@pytest.mark.parametrize(("changes", "mend"), [
    ({"patients": {"diagnosis": ["PNETT"]}}, "Did you mean 'PNET'"),
    ({"patients": {"diagnosis": ["PDAC"]}}, "no patient belongs to"),
    ({"clinical": ["ki67"]}, "known only after surgery"),
    ({"notebook": "gradin"}, "Did you mean 'grading'"),
])
def test_a_study_that_its_cohort_cannot_answer_is_refused_before_any_work(
        feature_cohort: Path, tmp_path: Path, changes: dict[str, object], mend: str) -> None:
    with pytest.raises(RadnbError, match=mend):
        run(_job("demo-grading", tmp_path / "out", feature_cohort, **changes))
    assert not (tmp_path / "out").exists()


def test_jobs_cross_cards_manifests_and_languages(tmp_path: Path) -> None:
    jobs = jobs_for(["demo-grading", "demo-survival"], tmp_path, languages=("en", "zh"))
    assert [job.out_dir.name for job in jobs] == ["demo-grading", "demo-grading-zh", "demo-survival",
                                                  "demo-survival-zh"]
    assert load_study(jobs[0].study).id == "demo-grading"
    with pytest.raises(RadnbError, match="share a folder"):
        jobs_for(["demo-grading", "demo-grading"], tmp_path)
