"""Is the extraction fast? radnb and what a user would pick instead, in turn, on the same images, in one run.

    .venv/bin/python benchmarks/extraction.py --data DIR

`DIR` holds `sts/manifest.csv` with the sarcoma images.  Times are those of whole processes, start-up and store
included, on two cores; each figure is the median of runs made A B A B.  The peers get environments of their own
(`--environments`, made once).  The table goes to `benchmarks/extraction.md`.
"""

from __future__ import annotations

import argparse
import functools
import json
import os
import platform
import statistics
import subprocess
import sys
import tempfile
import time
import zlib
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from importlib.metadata import version
from pathlib import Path

import numpy as np
import pandas as pd
import psutil
import SimpleITK as sitk
import yaml

ROOT = Path(__file__).resolve().parents[1]
sys.path.insert(0, str(ROOT))
from benchmarks.peers.environments import environment  # noqa: E402

PEERS = ROOT / "benchmarks" / "peers"
TWELVE = ["002", "006", "008", "012", "015", "018", "019", "024", "025", "028", "032", "035"]
SIX = ["008", "015", "018", "019", "025", "035"]
LARGE = ["032", "018", "050", "028", "006", "038"]  # 111,000 to 426,000 voxels at 1 mm
CARD = {"imageType": {"Original": {}, "LoG": {"sigma": [1.0, 2.0, 3.0, 4.0, 5.0]}, "Wavelet": {}},
        "setting": {"binWidth": 25, "interpolator": "sitkBSpline", "resampledPixelSpacing": [1, 1, 1]}}
IMAGES, DIRECTIONS, FEATURES = 14, 13, 1316
ONE_THREAD = dict.fromkeys(("OPENBLAS_NUM_THREADS", "OMP_NUM_THREADS", "MKL_NUM_THREADS", "NUMBA_NUM_THREADS"), "1")
Region = tuple[Path, Path]


@dataclass(frozen=True)
class Spent:
    """What a process and its children took: seconds by the clock and of the processors, the largest one's memory."""

    wall: float
    cpu: float
    peak_mb: float


@dataclass(frozen=True)
class Row:
    """One line of the table; `theirs` is missing where nothing is compared."""

    what: str
    against: str
    ours: float
    theirs: float | None
    unit: str
    gate: float | None = None
    aim: float | None = None

    @property
    def value(self) -> float:
        """Return what gate and aim speak of: the ratio, or our own figure."""
        return self.ours / self.theirs if self.theirs else self.ours

    def verdict(self) -> str:
        """Say whether gate and aim are met."""
        words = [f"{name} {'met' if self.value <= bound else 'NOT met'}"
                 for name, bound in (("gate", self.gate), ("aim", self.aim)) if bound is not None]
        return ", ".join(words)


@dataclass(frozen=True)
class Bench:
    """Where things lie, which cases run, and how often."""

    data: Path
    environments: Path
    scratch: Path
    rounds: int
    newer: str | None
    only: tuple[str, ...]
    details: list[str]

    def regions(self, names: Sequence[str]) -> list[Region]:
        """Return image and mask of CT cases; `--cases` leaves only some."""
        kept = [name for name in names if not self.only or name in self.only] or [*self.only]
        return [(self._file(name, "image"), self._file(name, "mask")) for name in kept]

    def _file(self, name: str, kind: str) -> Path:
        table = pd.read_csv(self.data / "sts" / "manifest.csv", dtype=str, encoding="utf-8")
        row = table[(table["patient_id"] == f"STS_{name}") & (table["modality"] == "CT")].iloc[0]
        return self.data / "sts" / row[kind]

    @property
    def card(self) -> Path:
        """Write the extraction settings that all share."""
        path = self.scratch / "card.yaml"
        path.write_text(yaml.safe_dump(CARD, sort_keys=False), encoding="utf-8")
        return path

    def python(self, peer: str) -> Path:
        """Return the peer's own Python."""
        return environment(peer, self.environments, newer=self.newer)


def spend(command: Sequence[object], **more: str) -> Spent:
    """Run a command to its end and return what it took; its last words are told if it fails."""
    with tempfile.TemporaryFile() as said:
        start = time.perf_counter()
        process = subprocess.Popen([str(word) for word in command], cwd=ROOT, stdout=said, stderr=subprocess.STDOUT,
                                   env={**os.environ, **more})
        _, status, usage = os.wait4(process.pid, 0)
        wall, process.returncode = time.perf_counter() - start, os.waitstatus_to_exitcode(status)
        said.seek(0)
        if process.returncode:
            raise SystemExit(f"{' '.join(map(str, command[:4]))} ended with {process.returncode}:\n"
                             + said.read().decode(errors="replace")[-2000:])
    return Spent(wall, usage.ru_utime + usage.ru_stime, usage.ru_maxrss / 1024)


def in_turn(ours: Callable[[], Spent], theirs: Callable[[], Spent], rounds: int) -> tuple[Spent, Spent]:
    """Run A B A B and return the medians."""
    runs = [(ours(), theirs()) for _ in range(rounds)]
    return median([run[0] for run in runs]), median([run[1] for run in runs])


def median(runs: Sequence[Spent]) -> Spent:
    """Return the median of each figure."""
    return Spent(*(statistics.median(getattr(run, name) for run in runs) for name in ("wall", "cpu", "peak_mb")))


def radnb(bench: Bench, regions: Sequence[Region], workers: int) -> Spent:
    """Extract as the user does: the command line, an empty store, a table at the end."""
    with tempfile.TemporaryDirectory(dir=bench.scratch) as folder:
        table = pd.DataFrame({"patient_id": [f"{at:03}" for at in range(len(regions))],
                              "image": [os.path.relpath(image, bench.data) for image, _ in regions],
                              "mask": [os.path.relpath(mask, bench.data) for _, mask in regions]})
        table.to_csv(Path(folder) / "images.csv", index=False, encoding="utf-8")
        manifest = Path(folder) / "manifest.yaml"
        manifest.write_text(yaml.safe_dump({"name": "benchmark", "data_root": str(bench.data),
                                            "images": {"file": "images.csv"}}), encoding="utf-8")
        out = bench.scratch / "radnb.csv"
        return spend([sys.executable, "-m", "radnb", "extract", manifest, "--settings", bench.card, "--out", out,
                      "--workers", workers], RADNB_CACHE=f"{folder}/cache")


def stock(bench: Bench, regions: Sequence[Region]) -> Spent:
    """Run PyRadiomics' own command line."""
    table = bench.scratch / "cases.csv"
    pd.DataFrame(regions, columns=["Image", "Mask"]).to_csv(table, index=False)
    command = bench.python("pyradiomics").with_name("pyradiomics")
    return spend([command, table, "-p", bench.card, "-f", "csv", "-o", bench.scratch / "stock.csv", "--jobs", "2",
                  "-v", "1"])


def pool(bench: Bench, regions: Sequence[Region], jobs: int = 2) -> Spent:
    """Run PyRadiomics driven well."""
    return spend([bench.python("pyradiomics"), PEERS / "pool.py", bench.card, jobs, bench.scratch / "pool.json",
                  *(path for region in regions for path in region)], **ONE_THREAD)


def cohort(bench: Bench) -> Iterator[Row]:
    """Twelve cases on two cores, against PyRadiomics' command line and PyRadiomics driven well."""
    regions = bench.regions(TWELVE)
    name = f"{len(regions)} cases, {FEATURES} features, 2 cores"
    ours, theirs = in_turn(lambda: radnb(bench, regions, 2), lambda: stock(bench, regions), bench.rounds)
    yield Row(name, "stock pyradiomics 3.0.1, `--jobs 2`", ours.wall, theirs.wall, "s", 0.08, 0.05)
    ours, theirs = in_turn(lambda: radnb(bench, regions, 2), lambda: pool(bench, regions), bench.rounds)
    yield Row(name, "pyradiomics 3.0.1 driven well", ours.wall, theirs.wall, "s", 0.11, 0.07)
    yield Row(f"{name}: largest process", "pyradiomics 3.0.1 driven well", ours.peak_mb, theirs.peak_mb, "MB", 0.7)
    bench.details.append(agreement(bench))


def agreement(bench: Bench) -> str:
    """Say how many of the values just computed are PyRadiomics'."""
    table = pd.read_csv(bench.scratch / "radnb.csv", dtype={"patient_id": str}).sort_values("patient_id")
    found = {case["image"]: case["values"] for case in json.loads((bench.scratch / "pool.json").read_text())}
    images = [str(image) for image, _ in bench.regions(TWELVE)]
    columns = list(found[images[0]])
    theirs = np.array([[found[image][column] for column in columns] for image in images])
    ours = table[columns].to_numpy(float)
    apart = np.abs(ours - theirs) / np.where(theirs == 0, 1, np.abs(theirs))
    return (f"Values: {int((apart <= 1e-9).sum())} of {apart.size} within 1e-9 of PyRadiomics' (relative), the "
            f"largest deviation {apart.max():.1e}.")


def peers(bench: Bench) -> Iterator[Row]:
    """Six cases in one process, against the fast peers, whose definitions differ."""
    regions = bench.regions(SIX)
    paths = [path for region in regions for path in region]
    name = f"{len(regions)} cases, {IMAGES} images, one process"
    commands = {"pictologics 0.9": ("pictologics", ["pictologics_cases.py", *paths], 0.40, 0.30),
                "flash-radiomics 1.0": ("flash", ["flash_cases.py", bench.scratch, *paths], 0.10, None)}
    for peer, (place, (script, *words), gate, aim) in commands.items():
        command = [bench.python(place), PEERS / script, *words]
        other = functools.partial(spend, command, **ONE_THREAD)
        other()  # what a peer compiles at first is not counted
        ours, theirs = in_turn(lambda: radnb(bench, regions, 1), other, bench.rounds)
        yield Row(name, f"{peer}, nearest settings", ours.wall, theirs.wall, "s", gate, aim)


def large(bench: Bench) -> Iterator[Row]:
    """Large regions without start-up: real ones, one stretched and one mirrored to about 800,000 voxels."""
    made = [] if bench.only else [stretched(bench, "038", 800_000), mirrored(bench, "015")]
    regions = [*bench.regions(LARGE), *made]
    ours, theirs, spent = steadily(bench, [[region] for region in regions])
    sizes = [voxels(mask) for _, mask in regions]
    chosen = [at for at, size in enumerate(sizes) if size >= 100_000 or bench.only]
    yield Row(f"{len(chosen)} regions of 100,000 to 800,000 voxels, processor, start-up left out",
              "pyradiomics 3.0.1, one thread", sum(ours[at] for at in chosen), sum(theirs[at] for at in chosen), "s",
              0.05, 0.033)
    yield Row("the same: largest process", "pyradiomics 3.0.1, one thread", spent[0].peak_mb, spent[1].peak_mb, "MB",
              0.7)
    least = [limit(bench, *region) for region in regions]
    yield Row("the same regions, processor", "the arithmetic limit (below)", sum(ours), sum(least), "s", None, 3)
    yield Row("for comparison: pyradiomics 3.0.1", "the arithmetic limit", sum(theirs), sum(least), "s")
    bench.details.extend(["", "| voxels at 1 mm | radnb, s | pyradiomics, s | ratio | limit, s | radnb / limit |",
                          "|---:|---:|---:|---:|---:|---:|"])
    bench.details.extend(f"| {size:,} | {our:.2f} | {their:.2f} | {our / their:.3f} | {bound:.3f} | {our / bound:.1f} |"
                         for size, our, their, bound in sorted(zip(sizes, ours, theirs, least, strict=True)))


def field(bench: Bench) -> Iterator[Row]:
    """A full field of view (512 x 512 x 160, 16 bit) with one region, and with three more."""
    image, masks = full_field(bench, bench.only[0] if bench.only else "015")
    ours, theirs, spent = steadily(bench, [[(image, mask) for mask in masks]])
    name = "512 x 512 x 160 voxels, 16 bit"
    yield Row(f"{name}: one region, processor", "pyradiomics 3.0.1, one thread", ours[0], theirs[0], "s", 0.06)
    yield Row(f"{name}: each further region", "pyradiomics 3.0.1, one thread", statistics.mean(ours[1:]),
              statistics.mean(theirs[1:]), "s", 0.04)
    yield Row(f"{name}: largest process", "pyradiomics 3.0.1", spent[0].peak_mb, spent[1].peak_mb, "MB", 0.7)


def startup(bench: Bench) -> Iterator[Row]:
    """How long the command line takes to answer."""
    runs = [spend([sys.executable, "-m", "radnb", "--version"]).wall for _ in range(3 * bench.rounds)]
    yield Row("`radnb --version`, whole process", "", statistics.median(runs), None, "s", 0.5)


def steadily(bench: Bench, groups: Sequence[Sequence[Region]]) -> tuple[list[float], list[float],
                                                                        tuple[Spent, Spent]]:
    """Return each region's processor seconds by both engines (medians, in turn), and what the processes took."""
    warm = bench.regions(["019"])[:1]
    words = [[warm[0][0], warm[0][1]]] + [[group[0][0], *(mask for _, mask in group)] for group in groups]
    joined = [word for group in words for word in ("--", *group)][1:]
    flat = [region for group in groups for region in group]
    out, other = bench.scratch / "steady.json", bench.scratch / "pool.json"
    from radnb.features.extraction import ENGINES

    engine = "radnb" if "radnb" in ENGINES else "pyradiomics"
    found: tuple[list[list[float]], list[list[float]]] = [], []
    spent: tuple[list[Spent], list[Spent]] = [], []
    for _ in range(bench.rounds):
        spent[0].append(spend([sys.executable, PEERS / "steady.py", engine, bench.card, out, *joined],
                              PYTHONPATH=str(ROOT), **ONE_THREAD))
        found[0].append([case["cpu"] for case in json.loads(out.read_text())])
        spent[1].append(pool(bench, [*warm, *flat], jobs=1))
        cpu = {(case["image"], case["mask"]): case["cpu"] for case in json.loads(other.read_text())}
        found[1].append([cpu[str(image), str(mask)] for image, mask in flat])
    ours, theirs = ([statistics.median(runs) for runs in zip(*side, strict=True)] for side in found)
    return ours, theirs, (median(spent[0]), median(spent[1]))


def voxels(mask: Path) -> int:
    """Return how many voxels of 1 mm a region fills."""
    drawn = sitk.ReadImage(str(mask))
    return round(float((sitk.GetArrayViewFromImage(drawn) == 1).sum() * np.prod(drawn.GetSpacing())))


def stretched(bench: Bench, name: str, size: int) -> Region:
    """Write a case with larger voxels, so that its region has `size` voxels at 1 mm."""
    (image, mask), = bench.regions([name])
    factor = (size / voxels(mask)) ** (1 / 3)
    return _write(bench, "stretched", *(_stretch(sitk.ReadImage(str(path)), factor) for path in (image, mask)))


def _stretch(image: sitk.Image, factor: float) -> sitk.Image:
    image.SetSpacing([length * factor for length in image.GetSpacing()])
    return image


def mirrored(bench: Bench, name: str) -> Region:
    """Write a case repeated twice along each axis, as in a mirror: eight regions in one."""
    (image, mask), = bench.regions([name])
    return _write(bench, "mirrored", *(_padded(sitk.ReadImage(str(path)), [(0, n) for n in reversed(
        sitk.ReadImage(str(path)).GetSize())]) for path in (image, mask)))


def _padded(image: sitk.Image, widths: Sequence[tuple[int, int]], kind: type | None = None) -> sitk.Image:
    array = np.pad(sitk.GetArrayFromImage(image), widths, "symmetric")
    found = sitk.GetImageFromArray(array.astype(kind) if kind else array)
    found.SetSpacing(image.GetSpacing())
    return found


def _write(bench: Bench, name: str, image: sitk.Image, *masks: sitk.Image) -> Region:
    paths = [bench.scratch / f"{name}_{kind}.nii.gz" for kind in ("image", "mask")]
    for path, written in zip(paths, (image, *masks), strict=True):
        sitk.WriteImage(written, str(path), True)
    return paths[0], paths[1]


def full_field(bench: Bench, name: str, shape: tuple[int, int, int] = (160, 512, 512)) -> tuple[Path, list[Path]]:
    """Write a case mirrored out to a full field of view, and four masks: the region and three of its reflections."""
    image, mask = (sitk.ReadImage(str(path)) for path in bench.regions([name])[0])
    size = image.GetSize()[::-1]
    before = [(whole - n) // 2 for whole, n in zip(shape, size, strict=True)]
    widths = [(first, whole - n - first) for first, whole, n in zip(before, shape, size, strict=True)]
    paths = [bench.scratch / "field_image.nii.gz"]
    sitk.WriteImage(_padded(image, widths, np.int16), str(paths[0]), True)
    drawn = sitk.GetArrayFromImage(_padded(mask, widths, np.uint8))
    for at, (y, x) in enumerate(((0, 0), (-1, 0), (0, -1), (0, 1))):
        kept = np.zeros_like(drawn)
        box = tuple(slice(max(0, first + step * n), first + step * n + n) for first, step, n in zip(
            before, (0, y, x), size, strict=True))
        kept[box] = drawn[box]
        written = sitk.GetImageFromArray(kept)
        written.SetSpacing(image.GetSpacing())
        paths.append(bench.scratch / f"field_mask_{at}.nii.gz")
        sitk.WriteImage(written, str(paths[-1]), True)
    return paths[0], paths[1:]


def limit(bench: Bench, image: Path, mask: Path) -> float:
    """Return the seconds below which one core cannot do this work, from its measured speed.

    Each of 14 images asks for 13 counts per voxel (co-occurrence and run lengths in one pass); LoG for 45 recursive
    passes of 30 operations over the padded box; the wavelet for 14 passes of 8 bytes; bins, zones, dependence and
    first order for 20 passes of 4 bytes over the region; resampling and shape for 30 of 8 bytes over the box; and the
    file for its decompression.
    """
    can = speed(bench)
    drawn = sitk.ReadImage(str(mask))
    filled = np.argwhere(sitk.GetArrayViewFromImage(drawn) == 1)
    sides = (np.ptp(filled, axis=0) + 1) * np.array(drawn.GetSpacing()[::-1]) + 10
    inside, box, start = voxels(mask), float(np.prod(sides)), time.process_time()
    zlib.decompress(image.read_bytes(), 47)
    read = time.process_time() - start
    counts = IMAGES * DIRECTIONS * inside / can["increments_per_s"]
    log = 45 * 30 * box / can["flop_per_s"]
    moved = 14 * 8 * box + 20 * 4 * IMAGES * inside + 30 * 8 * box
    return counts + log + moved / can["bytes_per_s"] + read


def speed(bench: Bench) -> dict[str, float]:
    """Measure, once, what one core can do."""
    path = bench.scratch / "limits.json"
    if not path.is_file():
        path.write_text(subprocess.run([bench.python("pictologics"), PEERS / "limits.py"], check=True, text=True,
                                       capture_output=True).stdout, encoding="utf-8")
        can = json.loads(path.read_text())
        bench.details.append(
            f"One core copies {can['bytes_per_s'] / 1e9:.1f} GB/s, counts in {1e9 / can['increments_per_s']:.2f} ns "
            f"and multiplies and adds {can['flop_per_s'] / 1e9:.0f} GFlop/s; the limit is what the work would take at "
            "these speeds: 13 counts per voxel and image, 45 passes for five LoG images, 14 for the wavelet, some 20 "
            "for the rest.")
    return dict(json.loads(path.read_text()))


def machine() -> str:
    """Describe the machine, without its name."""
    models = [line.split(":")[1].strip() for line in _lines(Path("/proc/cpuinfo")) if line.startswith("model name")]
    parts = ", ".join(f"{name} {version(name)}" for name in ("numpy", "SimpleITK", "PyWavelets"))
    return (f"{models[0] if models else platform.machine()}, 2 cores used, {psutil.virtual_memory().total >> 30} GB, "
            f"{platform.system()}, Python {platform.python_version()}, {parts}; load before the run "
            f"{os.getloadavg()[0]:.1f}.")


def _lines(path: Path) -> list[str]:
    return path.read_text(encoding="utf-8").splitlines() if path.is_file() else []


def written(rows: Sequence[Row], about: str, bench: Bench) -> str:
    """Return the table as Markdown."""
    lines = ["# Extraction: how fast", "",
             "Made by `benchmarks/extraction.py`: radnb and its peers in turn (A B A B), medians of "
             f"{bench.rounds} rounds. Sarcoma CT resampled to 1 mm (B-spline), bins of 25, original, LoG 1 to 5 and "
             "wavelet; radnb as its user runs it, with an empty store.", "", about, "",
             "| what | against | radnb | other | ratio | gate | aim | |", "|---|---|---:|---:|---:|---:|---:|---|"]
    for row in rows:
        other = f"{row.theirs:.2f} {row.unit}" if row.theirs else ""
        ratio = f"{row.value:.3f}" if row.theirs else ""
        bounds = [f"{bound:g}" if bound is not None else "" for bound in (row.gate, row.aim)]
        lines.append(f"| {row.what} | {row.against} | {row.ours:.2f} {row.unit} | {other} | {ratio} | "
                     f"{' | '.join(bounds)} | {row.verdict()} |")
    return "\n".join([*lines, "", *bench.details, ""])


ROWS = {"cohort": cohort, "peers": peers, "large": large, "field": field, "startup": startup}


def main() -> None:
    """Run the benchmark."""
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--data", type=Path, required=True, help="folder with sts/manifest.csv")
    parser.add_argument("--environments", type=Path, default=ROOT / ".peers", help="where the peers are installed")
    parser.add_argument("--newer-python", help="a Python of 3.12 or later, for pictologics")
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--rows", nargs="+", choices=ROWS, default=list(ROWS))
    parser.add_argument("--cases", nargs="+", default=(), help="only these (for trials)")
    parser.add_argument("--out", type=Path, default=ROOT / "benchmarks" / "extraction.md")
    given = parser.parse_args()
    if hasattr(os, "sched_setaffinity"):
        os.sched_setaffinity(0, sorted(os.sched_getaffinity(0))[:2])
    with tempfile.TemporaryDirectory(prefix="radnb-benchmark-") as scratch:
        bench = Bench(given.data.resolve(), given.environments.resolve(), Path(scratch), given.rounds,
                      given.newer_python, tuple(given.cases), [])
        about, rows = machine(), []
        for name in given.rows:
            for row in ROWS[name](bench):
                rows.append(row)
                print(f"{row.what} | {row.against}: {row.ours:.2f} {row.unit}, {row.value:.3f} {row.verdict()}",
                      flush=True)
        given.out.write_text(written(rows, about, bench), encoding="utf-8")


if __name__ == "__main__":
    main()
