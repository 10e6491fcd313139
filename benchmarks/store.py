"""What does the store cost? Bytes for each case, and seconds to put, merge and read, on synthetic rows.

`python benchmarks/store.py --rows 10000 --columns 1316` prints one line for each step, and what it comes to for
`--project 100000` cases; the peak of memory is that of the step's own process.
"""

from __future__ import annotations

import argparse
import multiprocessing
import resource
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np

from radnb.features.store import Store
from radnb.work.files import sha256_json

GROUP = "benchmark"


def names(columns: int) -> list[str]:
    """Return feature names as long as real ones."""
    images = ("original", "log-sigma-1-0-mm-3D", "wavelet-LLH", "wavelet-HHH")
    return [f"{images[n % 4]}_glcm_JointEntropy{n:04d}" for n in range(columns)]


def keys(rows: int) -> list[str]:
    """Return one key for each case."""
    return [sha256_json(n) for n in range(rows)]


def put(store: Store, rows: int, columns: int) -> None:
    """Keep every case as workers do, one shard each."""
    values, known = np.random.default_rng(7), names(columns)
    for key in keys(rows):
        store.put(GROUP, key, dict(zip(known, values.normal(size=columns).tolist(), strict=True)))


def merge(store: Store, rows: int, columns: int) -> None:
    """Merge the shards."""
    store.consolidate(GROUP)


def table(store: Store, rows: int, columns: int) -> None:
    """Read all of them as a table."""
    found = store.table(GROUP, keys(rows))
    assert found.shape == (rows, columns)


def look(store: Store, rows: int, columns: int) -> None:
    """Ask for each of 1,000 keys whether it is there, as workers do."""
    assert all(store.holds(GROUP, key) for key in keys(min(rows, 1000)))


STEPS: dict[str, Callable[[Store, int, int], None]] = {
    "put, one by one": put, "table from shards": table, "merge": merge, "table from parts": table,
    "1,000 looks for a key": look}


def measured(step: str, folder: Path, rows: int, columns: int) -> tuple[float, float]:
    """Return seconds and the peak of memory in MB of one step in a process of its own."""
    with multiprocessing.get_context("spawn").Pool(1) as pool:
        return pool.apply(_timed, (step, folder, rows, columns))


def _timed(step: str, folder: Path, rows: int, columns: int) -> tuple[float, float]:
    began = time.perf_counter()
    STEPS[step](Store(folder), rows, columns)
    return time.perf_counter() - began, resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024


def size(folder: Path) -> tuple[int, int]:
    """Return the bytes on disk, in whole blocks, and the number of files."""
    found = [path.stat().st_blocks * 512 for path in folder.rglob("*") if path.is_file()]
    return sum(found), len(found)


def main() -> None:
    """Measure and print."""
    parser: Any = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--rows", type=int, default=10_000)
    parser.add_argument("--columns", type=int, default=1316)
    parser.add_argument("--project", type=int, default=100_000)
    parser.add_argument("--folder", type=Path, help="where the store is made (default: the system's temporary folder)")
    given = parser.parse_args()
    times = given.project / given.rows
    print(f"| step | {given.rows:,} cases x {given.columns:,} | ms a case | for {given.project:,} | peak MB | "
          "bytes a case | files |\n|---|---|---|---|---|---|---|")
    with tempfile.TemporaryDirectory(dir=given.folder) as place:
        folder = Path(place) / "store"
        for step in STEPS:
            seconds, peak = measured(step, folder, given.rows, given.columns)
            total, files = size(folder)
            print(f"| {step} | {seconds:.1f} s | {1000 * seconds / given.rows:.2f} | {seconds * times:.0f} s | "
                  f"{peak:.0f} | {total / given.rows:,.0f} | {files:,} |", flush=True)


if __name__ == "__main__":
    main()
