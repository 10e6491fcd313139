"""The demonstration: a synthetic cohort walks the whole road, in both languages."""

from __future__ import annotations

import importlib.util
from collections.abc import Callable
from pathlib import Path

from radnb.cohort.synth import SYNTH
from radnb.extracting import WAIT_SECONDS, extract_cohort
from radnb.reporting.index import write_index
from radnb.running import batch, jobs_for
from radnb.study import list_studies
from radnb.work import files
from radnb.work.workspace import workspace
from radnb.workbook import check_cohort

PREFIX = "demo-"
PATIENTS, SEED = 120, 7


def run_demo(out_dir: Path | None, *, say: Callable[[str], None]) -> tuple[Path, int]:
    """Make, check and measure the demo cohort, run its cards, and return the index and the number of failures."""
    folder = Path(out_dir or workspace().root / "reports" / "demo").resolve()
    cards = [row for row in list_studies() if row["id"].startswith(PREFIX)]
    measurable = importlib.util.find_spec("radiomics") is not None
    manifest = cards[0]["manifest"] if measurable else _feature_cohort(say)
    say(f"1/4  The cohort: {PATIENTS} synthetic patients of three hospitals")
    found = check_cohort(manifest, images=measurable, preset="demo", modality="ct")
    severities = found["severity"].value_counts()
    say(f"2/4  Checked: {severities.get('error', 0)} errors, {severities.get('warning', 0)} warnings "
        f"(listed by: run.py check {manifest})")
    failed = _measure(manifest, measurable, say)
    say(f"4/4  {len(cards)} questions, two languages")
    jobs = jobs_for([row["id"] for row in cards], folder, manifests=[] if measurable else [manifest],
                    languages=("en", "zh"))
    ended = batch(jobs, say=lambda text: None)
    bad = [(job, result) for job, result in ended.runs if not isinstance(result, Path)]
    for job, failure in bad:
        say(f"     {job.study}, {job.language}: {failure.message}")
    return write_index(folder), failed + len(bad)


def _measure(manifest: str, measurable: bool, say: Callable[[str], None]) -> int:
    if not measurable:
        say("3/4  Nothing to measure: the feature table is finished")
        return 0
    done = extract_cohort(manifest, "demo")
    say(f"3/4  {done.sentence}")
    return len(done.failures)


def _feature_cohort(say: Callable[[str], None]) -> str:
    """Make the same patients as a finished feature table, where PyRadiomics is not installed."""
    say("PyRadiomics is not installed here, so the demo starts from a feature table instead of images.")
    folder = workspace().cache / "demo-features"
    with files.lock(folder.parent / "making demo-features", wait_seconds=WAIT_SECONDS):
        SYNTH["pancreas"](folder, n=PATIENTS, seed=SEED, images=False)
    return str(folder / "manifest.yaml")
