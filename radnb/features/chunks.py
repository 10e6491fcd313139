"""A cohort measured in chunks, without a scheduler of ours: one chunk of its images, and a Snakefile over them all."""

from __future__ import annotations

import re
import sys
from pathlib import Path

import pandas as pd

from radnb.errors import RadnbError
from radnb.work.files import write_text

MOST = 10_000


def part_of(text: str) -> tuple[int, int]:
    """Read `3/200`, the third of two hundred chunks."""
    found = re.fullmatch(r"(\d{1,5})/(\d{1,5})", text.strip())
    number, of = (int(found[1]), int(found[2])) if found else (0, 0)
    if not 1 <= number <= of <= MOST:
        raise RadnbError(f"--only {text!r}: write CHUNK/OF, as in 3/200 for the third of 200 chunks "
                         f"(at most {MOST:,}).")
    return number, of


def chunk(cases: pd.DataFrame, number: int, of: int) -> pd.DataFrame:
    """Return the cases of one chunk: every `of`-th image with all its regions, so that no image is read twice."""
    turn = pd.factorize(cases["image"])[0] % of
    return cases[turn == number - 1].reset_index(drop=True)


def snakefile(folder: Path, *, manifest: Path, settings: str, chunks: int, home: Path, cache: Path,
              timeout: float, engine: str | None = None) -> Path:
    """Write a Snakefile that measures a cohort in chunks and gathers the table; each rule is the ordinary command."""
    if not 1 <= chunks <= MOST:
        raise RadnbError(f"--chunks {chunks}: from 1 to {MOST:,}. Take some 100 images a chunk.")
    preset = str(Path(settings).resolve()) if Path(settings).is_file() else settings
    command = [sys.executable, "-m", "radnb", "extract", str(manifest), "--settings", preset,
               "--timeout", f"{timeout:g}", *(["--engine", engine] if engine else [])]
    write_text(folder / "Snakefile", TEMPLATE.format(chunks=chunks, command=command, home=str(home), cache=str(cache)))
    return folder / "Snakefile"


TEMPLATE = '''\
# Written by `radnb features snakefile`. On one machine:  snakemake --cores 8
# With SLURM:  pip install snakemake-executor-plugin-slurm;  snakemake --executor slurm --jobs 100
# A failed case never fails its chunk (exit code 3): it stands in failures.csv, and is tried once more at the end.
import os
import shlex

CHUNKS = {chunks}
RADNB = shlex.join({command})
os.environ["RADNB_HOME"] = {home!r}
os.environ["RADNB_CACHE"] = {cache!r}  # the store: a folder that all machines see
os.environ.pop("RADNB_CLUSTER", None)


rule all:
    input:
        "features.csv",
        "failures.csv",


rule chunk:
    output:
        touch("chunks/{{number}}.done"),
    log:
        "chunks/{{number}}.log",
    threads: 1
    resources:
        mem_mb=4000,
        runtime=240,
    shell:
        "{{RADNB}} --only {{wildcards.number}}/{{CHUNKS}} --workers {{threads}} > {{log}} 2>&1 || test $? -eq 3"


rule gather:
    input:
        expand("chunks/{{number}}.done", number=range(1, CHUNKS + 1)),
    output:
        "features.csv",
        "failures.csv",
    log:
        "gather.log",
    threads: 4
    resources:
        mem_mb=8000,
        runtime=240,
    shell:
        "{{RADNB}} --workers {{threads}} -o features.csv > {{log}} 2>&1 || test $? -eq 3"
'''
