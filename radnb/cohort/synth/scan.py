"""One patient's scans: three phases on their own grids, with the blur and noise of the centre's scanner, and masks."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import numpy as np
import SimpleITK as sitk
from scipy.ndimage import gaussian_filter1d

from radnb.cohort.synth import anatomy, lesion, readers
from radnb.cohort.synth.space import MASTER, Array, Grid, sampling, smooth_field, weigh


@dataclass(frozen=True)
class Scanner:
    """What a centre's protocol does to an image."""

    pixel_mm: float
    slices: int
    blur_mm: float
    noise_hu: float
    grain: float  # width in pixels of the noise's smoothing
    edge: float  # share of the smoothed noise that a sharp kernel takes away


SCANNERS = {"standard": Scanner(0.90, 36, 0.75, 11.0, 0.75, 0.0), "smooth": Scanner(0.94, 28, 1.05, 8.5, 1.1, 0.0),
            "sharp": Scanner(0.86, 24, 0.55, 13.0, 0.55, 0.5)}


@dataclass(frozen=True)
class Task:
    """What is needed to make one patient's files, wherever that is done."""

    folder: str
    patient_id: str
    seed: np.random.SeedSequence
    seen: dict[str, float]
    age: float
    location: str
    kernel: str
    slice_mm: float
    dilated_duct: bool
    readers: tuple[str, ...]


def scan(task: Task) -> list[dict[str, object]]:
    """Write one patient's images and masks, and return their rows of images.csv."""
    body_seed, lesion_seed, *phase_seeds = task.seed.spawn(2 + len(anatomy.PHASES))
    rng = np.random.default_rng(lesion_seed)
    share = float(np.clip(anatomy.PLACE[task.location] + rng.uniform(-0.08, 0.08), 0.05, 0.92))
    found = lesion.lesion(rng, task.seen, share)
    painted = lesion.paint(rng, found)
    labels = anatomy.body(np.random.default_rng(body_seed), lesion=found.centre, radius=found.radius, share=share,
                          age=task.age, dilated_duct=task.dilated_duct)
    circulation = 1 + 0.08 * rng.standard_normal()
    rows = []
    for phase, seed in zip(anatomy.PHASES, phase_seeds, strict=True):
        rng = np.random.default_rng(seed)
        grid, breath = _grid(rng, task, phase), _breath(rng, phase)
        values = _contrast(rng, labels, phase, circulation)
        values[painted.box] += painted.share * (painted.hu[phase] - values[painted.box])
        image = _acquire(rng, values, grid, breath, SCANNERS[task.kernel], task.slice_mm)
        rows += _write(task, phase, grid, image, readers.masks(rng, found, grid, breath, task.readers))
    return rows


def _grid(rng: np.random.Generator, task: Task, phase: str) -> Grid:
    scanner = SCANNERS[task.kernel]
    wider = 4 if phase == "portal_venous" else 0
    pixel = scanner.pixel_mm + (0.02 if phase == "portal_venous" else 0.0)
    size = 112 + wider, 96 + wider, scanner.slices - (2 if phase == "plain" else 0)
    spacing = pixel, pixel, task.slice_mm
    shift = np.round(rng.uniform(-1.5, 1.5, 3), 2)
    origin = [round(float(-step * (count - 1) / 2 + move), 3) for step, count, move in
              zip(spacing, size, shift, strict=True)]
    return Grid((origin[0], origin[1], origin[2]), spacing, size)


def _breath(rng: np.random.Generator, phase: str) -> Array:
    """Return how far the organs moved in this breath-hold, in mm."""
    moved = np.clip(rng.standard_normal(3), -2, 2) * [0.5, 0.8, 2.0]
    return np.zeros(3) if phase == "arterial" else moved


def _contrast(rng: np.random.Generator, labels: Array, phase: str, circulation: float) -> Array:
    """Return HU on the master grid, with each tissue a little different in each patient and phase."""
    hu = np.array(list(anatomy.TISSUES.values()), dtype=np.float32)
    column = anatomy.PHASES.index(phase)
    rise = (hu[:, column] - hu[:, 0]) * circulation * (1 + 0.05 * rng.standard_normal(len(hu)))
    table = (hu[:, 0] + rise + rng.normal(0, 2.0, len(hu))).astype(np.float32)
    mottle = smooth_field(rng, (MASTER.axis(0), MASTER.axis(1), MASTER.axis(2)), 5.0)
    return table[labels] + 3.0 * mottle


def _acquire(rng: np.random.Generator, values: Array, grid: Grid, breath: Array, scanner: Scanner,
             slice_mm: float) -> Array:
    along = [sampling(grid.axis(k) - np.float32(breath[k]), MASTER.axis(k), blur_mm=scanner.blur_mm) for k in (0, 1)]
    through = sampling(grid.axis(2) - np.float32(breath[2]), MASTER.axis(2), blur_mm=1.0, box_mm=slice_mm)
    sharp = weigh(values, along[0], along[1], through)
    noisy = sharp + scanner.noise_hu * (1 + 0.08 * rng.standard_normal()) * _noise(rng, sharp.shape, scanner)
    return np.clip(np.round(noisy), -1024, 3071).astype(np.int16)


def _noise(rng: np.random.Generator, shape: tuple[int, ...], scanner: Scanner) -> Array:
    white = rng.standard_normal(shape, dtype=np.float32)
    grainy = _blur(white, scanner.grain)
    if scanner.edge:
        grainy = grainy - scanner.edge * _blur(grainy, 1.6)
    return grainy / grainy.std()


def _blur(values: Array, sigma: float) -> Array:
    return gaussian_filter1d(gaussian_filter1d(values, sigma, axis=1, truncate=3), sigma, axis=2, truncate=3)


def _write(task: Task, phase: str, grid: Grid, image: Array, masks: dict[str, Array]) -> list[dict[str, object]]:
    name = f"images/{task.patient_id}/{phase}.nii.gz"
    _save(Path(task.folder) / name, image, grid)
    rows: list[dict[str, object]] = []
    for reader, mask in masks.items():
        drawn = f"masks/{task.patient_id}/{phase}_{reader}.nii.gz"
        _save(Path(task.folder) / drawn, mask, grid)
        rows.append({"patient_id": task.patient_id, "roi": "tumour", "phase": phase, "timepoint": "baseline",
                     "reader": reader, "image": name, "mask": drawn, "label": 1})
    return rows


def _save(path: Path, values: Array, grid: Grid) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    image = sitk.GetImageFromArray(values)
    image.SetOrigin(grid.origin)
    image.SetSpacing(grid.spacing)
    sitk.WriteImage(image, str(path), useCompression=True, compressionLevel=1)
