"""Kill an extraction again and again, finish it, and compare what it leaves with that of an undisturbed run.

    .venv/bin/python benchmarks/kills.py                     300 cases of mixed sizes, ten kills
    .venv/bin/python benchmarks/kills.py --cases 40 --kills 4

Each kill is a SIGKILL of the whole process group at a random moment, so that nothing can tidy up.  Compared are the
hash over all keys and values of the store, the bytes of its Parquet files and the bytes of the exported table.
"""

from __future__ import annotations

import argparse
import hashlib
import os
import random
import signal
import subprocess
import sys
import tempfile
import time
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pandas as pd
import SimpleITK as sitk

SETTINGS = "demo"


@dataclass(frozen=True)
class Left:
    """What a run leaves: the hash of its store, of the store's files and of the exported table."""

    store: str
    files: str
    table: str


def make_cohort(folder: Path, n: int, *, seed: int = 7, largest: int = 40) -> Path:
    """Write images with ellipsoid regions, most of them small and a few large, and return their table of cases."""
    rng, rows = np.random.default_rng(seed), []
    folder.mkdir(parents=True)
    for number in range(n):
        half = np.array([5 + int((largest - 5) * rng.random() ** 4) for _ in range(3)])
        grid = np.ogrid[tuple(slice(-size - 2, size + 3) for size in half)]
        inside = sum((axis / size) ** 2 for axis, size in zip(grid, half, strict=True)) <= 1
        voxels = rng.normal(40 + number % 7, 30, inside.shape).astype(np.int16)
        paths = {name: folder / f"{number:04d}_{name}.nii.gz" for name in ("image", "mask")}
        for name, array in (("image", voxels), ("mask", inside.astype(np.uint8))):
            image = sitk.GetImageFromArray(array)
            image.SetSpacing((1.0, 1.0, 2.0))
            sitk.WriteImage(image, str(paths[name]), True)
        rows.append({"patient_id": f"{number:04d}", "roi": "tumour", "phase": "", "timepoint": "baseline",
                     "reader": "R1", **{name: str(path) for name, path in paths.items()}, "label": 1})
    cases = folder / "cases.csv"
    pd.DataFrame(rows).to_csv(cases, index=False)
    return cases


def extract_once(cases: Path, store: Path, workers: int, engine: str | None) -> None:
    """Extract in this process; what the processes that are killed do."""
    from radnb.features.export import export
    from radnb.features.extraction import extract
    from radnb.features.settings import settings

    table = pd.read_csv(cases, dtype={"patient_id": str}, keep_default_na=False)
    found = extract(table, settings=settings(SETTINGS), store=store, workers=workers, engine=engine, verify="none")
    if len(found.failures):
        raise SystemExit(found.failures.head().to_string())
    export(found.features, store / "table.csv")


def start(cases: Path, store: Path, workers: int, engine: str | None) -> subprocess.Popen[bytes]:
    """Start an extraction in a process group of its own."""
    words = [sys.executable, __file__, "--once", str(cases), str(store), "--workers", str(workers)]
    environment = {**os.environ, "RADNB_PROGRESS": "0", "PYTHONPATH": str(Path(__file__).resolve().parents[1])}
    return subprocess.Popen([*words, *(["--engine", engine] if engine else [])], start_new_session=True,
                            env=environment)


def results(store: Path) -> int:
    """Return how many results the store holds, by themselves or merged (both, for a moment, while they are merged)."""
    import pyarrow.parquet as pq

    alone = {path.stem for path in store.glob("*/shards/*/*.parquet")}
    merged = {key for path in store.glob("*/part-*.parquet")
              for key in pq.read_table(path, columns=["key"])["key"].to_pylist()}
    return len(alone | merged)


def kill_at_random(cases: Path, store: Path, workers: int, engine: str | None, longest: float,
                   rng: random.Random) -> int:
    """Start a run, kill it with all its processes at a random moment of its work, and return the results so far."""
    before, process = results(store), start(cases, store, workers, engine)
    while process.poll() is None and results(store) == before:  # its libraries are loaded, the work has begun
        time.sleep(0.01)
    moment = time.monotonic() + rng.uniform(0, longest)
    while process.poll() is None and time.monotonic() < moment:
        time.sleep(0.01)
    if process.poll() is None:
        os.killpg(process.pid, signal.SIGKILL)
    process.wait()
    return results(store)


def finish(cases: Path, store: Path, workers: int, engine: str | None) -> float:
    """Run to the end and return the seconds it took."""
    began = time.monotonic()
    if start(cases, store, workers, engine).wait() != 0:
        raise SystemExit("the undisturbed run failed")
    return time.monotonic() - began


def left_by(store: Path) -> Left:
    """Hash what a run has left."""
    from radnb.features.store import Store

    kept = Store(store)
    content = "".join(kept.sha256(group) for group in kept.groups())
    parts = b"".join(path.name.encode() + path.read_bytes() for path in kept.parts())
    return Left(content, hashlib.sha256(parts).hexdigest(),
                hashlib.sha256((store / "table.csv").read_bytes()).hexdigest())


def prove(folder: Path, *, cases: int, kills: int, workers: int, seed: int = 7, largest: int = 40,
          engine: str | None = None) -> tuple[Left, Left, list[int]]:
    """Return what an undisturbed run and one killed many times have left, and how far each kill let it come."""
    table, rng = make_cohort(folder / "cohort", cases, seed=seed, largest=largest), random.Random(seed)
    seconds = finish(table, folder / "undisturbed", workers, engine)
    came = [kill_at_random(table, folder / "killed", workers, engine, seconds / (kills + 1), rng)
            for _ in range(kills)]
    finish(table, folder / "killed", workers, engine)
    return left_by(folder / "undisturbed"), left_by(folder / "killed"), came


def main() -> None:
    """Run the proof and print it."""
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--cases", type=int, default=300)
    parser.add_argument("--kills", type=int, default=10)
    parser.add_argument("--workers", type=int, default=2)
    parser.add_argument("--seed", type=int, default=7)
    parser.add_argument("--engine")
    parser.add_argument("--once", nargs=2, metavar=("CASES", "STORE"), help=argparse.SUPPRESS)
    given = parser.parse_args()
    if given.once:
        extract_once(Path(given.once[0]), Path(given.once[1]), given.workers, given.engine)
        return
    with tempfile.TemporaryDirectory() as folder:
        plain, killed, came = prove(Path(folder), cases=given.cases, kills=given.kills, workers=given.workers,
                                    seed=given.seed, engine=given.engine)
    print(f"{given.cases} cases, {given.kills} kills, with so many results kept: {', '.join(map(str, came))}")
    for name in ("store", "files", "table"):
        same = getattr(plain, name) == getattr(killed, name)
        print(f"{name:<6} {'same' if same else 'DIFFERS'}  {getattr(plain, name)[:16]}  {getattr(killed, name)[:16]}")
    sys.exit(0 if plain == killed else 1)


if __name__ == "__main__":
    main()
