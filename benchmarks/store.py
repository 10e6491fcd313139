"""What does the store cost? Bytes for each case, and seconds to put, merge and read, on synthetic rows.

`python benchmarks/store.py --rows 10000` prints one line for each step, and what it comes to for
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
import pandas as pd
import pyarrow as pa

from radnb.features import extraction
from radnb.features.engines import choose
from radnb.features.measuring import key_of
from radnb.features.settings import checked
from radnb.features.store import _BLOCK, Store, _write, look

SETTINGS = checked({"imageType": {"Original": {}, "LoG": {"sigma": [1, 2, 3, 4, 5]}, "Wavelet": {}},
                    "setting": {"binWidth": 25, "resampledPixelSpacing": [1, 1, 1]}}, name="benchmark")


def group(store: Store) -> str:
    """Return the group of the store that the settings and the engine have."""
    about = choose(None, SETTINGS)
    return extraction._opened(about, SETTINGS, store)


def keys(rows: int) -> list[str]:
    """Return one key for each case."""
    return [key_of(f"image {n}", f"mask {n}", 1) for n in range(rows)]


def put(store: Store, rows: int) -> None:
    """Keep every case as workers do, one shard each."""
    values, here = np.random.default_rng(7), group(store)
    for key in keys(rows):
        numbers = values.normal(size=len(SETTINGS.columns)).tolist()
        store.put(here, key, dict(zip(SETTINGS.columns, numbers, strict=True)))


def write_parts(store: Store, rows: int) -> None:
    """Write what merging gives, without the shards."""
    values, here, names, known = np.random.default_rng(7), group(store), SETTINGS.columns, sorted(keys(rows))
    for start in range(0, rows, _BLOCK):
        some = known[start:start + _BLOCK]
        matrix = values.normal(size=(len(some), len(names)))
        part = pa.Table.from_arrays([pa.array(some), *map(pa.array, matrix.T)], ["key", *names])
        _write(store.folder / here / f"part-{start:016d}.parquet", part)


def merge(store: Store, rows: int) -> None:
    """Merge the shards."""
    store.consolidate(group(store))


def table(store: Store, rows: int) -> None:
    """Read all of them as a table."""
    assert store.table(group(store), keys(rows)).shape == (rows, len(SETTINGS.columns))


def look_up(store: Store, rows: int) -> None:
    """Ask for each of 1,000 keys whether it is there, as workers do."""
    here = group(store)
    assert all(store.holds(here, key) for key in keys(min(rows, 1000)))


def gather(store: Store, rows: int) -> float:
    """Run the whole extraction over files that are known and measured already: what a resumed run does first."""
    images, notes = store.folder.parent / "images", {}
    images.mkdir()
    for n in range(rows):
        for kind in ("image", "mask"):
            (images / f"{kind} {n}").touch()
            notes[str(images / f"{kind} {n}")] = f"{kind} {n}"
    store.note({path: {**state, "sha256": notes[path]} for path, state in look([*notes]).items()})
    cases = pd.DataFrame({"patient_id": [f"{n:06d}" for n in range(rows)], "roi": "tumour", "phase": "",
                          "timepoint": "baseline", "reader": "R1", "label": 1,
                          "image": [str(images / f"image {n}") for n in range(rows)],
                          "mask": [str(images / f"mask {n}") for n in range(rows)]})
    began = time.perf_counter()
    found = extraction.extract(cases, settings=SETTINGS, store=store, verify="none", workers=0)
    assert found.counts.stored == rows
    return time.perf_counter() - began  # without what this benchmark had to prepare


STEPS: dict[str, Callable[[Store, int], float | None]] = {
    "put, one by one": put, "table from shards": table, "merge": merge, "table from parts": table,
    "1,000 looks for a key": look_up, "extract, all of it in the store": gather}
READING = {"parts at once": write_parts, **dict(list(STEPS.items())[3:])}  # for cohorts that take long to put


def measured(step: str, folder: Path, rows: int) -> tuple[float, float]:
    """Return seconds and the peak of memory in MB of one step in a process of its own."""
    with multiprocessing.get_context("spawn").Pool(1) as pool:
        return pool.apply(_timed, (step, folder, rows))


def _timed(step: str, folder: Path, rows: int) -> tuple[float, float]:
    began = time.perf_counter()
    seconds = {**STEPS, **READING}[step](Store(folder), rows) or time.perf_counter() - began
    return seconds, resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024


def size(folder: Path) -> tuple[int, int]:
    """Return the bytes on disk, in whole blocks, and the number of files."""
    found = [path.stat().st_blocks * 512 for path in folder.rglob("*") if path.is_file()]
    return sum(found), len(found)


def main() -> None:
    """Measure and print."""
    parser: Any = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--rows", type=int, default=10_000)
    parser.add_argument("--project", type=int, default=100_000)
    parser.add_argument("--reading", action="store_true", help="only read: the parts are written at once")
    parser.add_argument("--folder", type=Path, help="where the store is made (default: the system's temporary folder)")
    given = parser.parse_args()
    times = given.project / given.rows
    print(f"| step | {given.rows:,} cases x {len(SETTINGS.columns):,} | ms a case | for {given.project:,} | peak MB | "
          "bytes a case | files |\n|---|---|---|---|---|---|---|")
    with tempfile.TemporaryDirectory(dir=given.folder) as place:
        folder = Path(place) / "store"
        for step in READING if given.reading else STEPS:
            seconds, peak = measured(step, folder, given.rows)
            total, files = size(folder)
            print(f"| {step} | {seconds:.1f} s | {1000 * seconds / given.rows:.2f} | {seconds * times:.0f} s | "
                  f"{peak:.0f} | {total / given.rows:,.0f} | {files:,} |", flush=True)


if __name__ == "__main__":
    main()
