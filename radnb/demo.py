"""The demonstration: a synthetic cohort walks the whole road, in both languages."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

from radnb.reporting.index import write_index
from radnb.running import batch, jobs_for
from radnb.study import list_studies, workspace
from radnb.workbook import check_cohort, extract_cohort

PREFIX = "demo-"


def run_demo(out_dir: Path | None, *, say: Callable[[str], None]) -> tuple[Path, int]:
    """Make, check and measure the demo cohort, run its cards, and return the index and the number of failures."""
    folder = Path(out_dir or workspace().root / "reports" / "demo").resolve()
    cards = [row for row in list_studies() if row["id"].startswith(PREFIX)]
    manifest = cards[0]["manifest"]
    say("1/4  The cohort: 120 synthetic patients of three hospitals")
    found = check_cohort(manifest, images=True, preset="demo", modality="ct")
    say(f"2/4  Checked: {(found['severity'] == 'error').sum()} errors, {(found['severity'] == 'warning').sum()} warnings")
    done = extract_cohort(manifest, "demo")
    say(f"3/4  {done.sentence}")
    say("4/4  Four questions, two languages")
    ended = batch(jobs_for([row["id"] for row in cards], folder, languages=("en", "zh")), say=lambda text: None)
    for job, result in ended.runs:
        if not isinstance(result, Path):
            say(f"     {job.study}: {result.message}")
    return write_index(folder), len(done.failures) + sum(not isinstance(r, Path) for _, r in ended.runs)
