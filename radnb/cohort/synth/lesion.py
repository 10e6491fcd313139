"""The tumour: an irregular solid with texture, a necrotic core and a more or less blurred margin."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from scipy.ndimage import gaussian_filter
from scipy.special import expit

from radnb.cohort.synth import biology as bio
from radnb.cohort.synth.anatomy import PHASES, point_on_line
from radnb.cohort.synth.space import MASTER, Array, Grid

LOBULES = 14
TEXTURE_SHARE = {"plain": 0.40, "arterial": 1.0, "portal_venous": 0.85}


@dataclass(frozen=True)
class Lesion:
    """The tumour's measures in mm and HU, made from image properties in standard units."""

    centre: Array
    radius: float
    stretch: Array
    lobules: Array  # one row per lobule: direction (3), frequency, phase
    irregularity: float
    blur_mm: float
    texture_hu: float
    texture_mm: float
    necrosis: float
    hu: dict[str, float]


def lesion(rng: np.random.Generator, seen: dict[str, float], share: float) -> Lesion:
    """Return the tumour of one patient at a share of the pancreas' length, moved so that it stays in the picture."""
    on_ct = {name: float(shown.value(seen[name])) for name, shown in bio.SHOWN.items()}
    direction = rng.standard_normal((LOBULES, 3))
    direction /= np.linalg.norm(direction, axis=1, keepdims=True)
    lobules = np.column_stack([direction, rng.uniform(2.5, 8.0, LOBULES), rng.uniform(0, 2 * np.pi, LOBULES)])
    stretch, radius, plain = np.exp(rng.normal(0, 0.09, 3)), on_ct["log_size"] / 2, 38 + rng.normal(0, 2)
    return Lesion(
        _centre(rng, share, radius), radius, stretch / np.prod(stretch) ** (1 / 3), lobules,
        irregularity=on_ct["irregularity"], blur_mm=on_ct["margin_blur"], texture_hu=on_ct["heterogeneity"],
        texture_mm=on_ct["coarseness"], necrosis=on_ct["necrosis"],
        hu={"plain": plain, "arterial": plain + on_ct["enhancement_arterial"],
            "portal_venous": plain + on_ct["enhancement_portal"]})


def _centre(rng: np.random.Generator, share: float, radius: float) -> Array:
    x, y, z, half = point_on_line(share)
    out = max(radius - 0.6 * half, 0)
    moved = np.array([x + rng.normal(0, 1.5), y - 0.75 * out + rng.normal(0, 1), z + rng.normal(0, 2)])
    room = np.array([50.0, 40.0, 44.0]) - 1.15 * radius
    return np.clip(moved, -room, room)


def distance(found: Lesion, grid: Grid, *, shift: Array,
             reach: float = 1.5) -> tuple[Array, tuple[slice, slice, slice]]:
    """Return the signed distance (mm, about) to the surface, negative inside, and the box in which it is given."""
    centre = found.centre + shift
    box = grid.box(centre - reach * found.radius - 6, centre + reach * found.radius + 6)
    parts = [(value - float(c)) / float(s) for value, c, s in zip(grid.points(box), centre, found.stretch, strict=True)]
    length = np.sqrt(parts[0] ** 2 + parts[1] ** 2 + parts[2] ** 2) + np.float32(1e-3)
    bumps = np.zeros_like(length)
    for dx, dy, dz, frequency, phase in found.lobules.astype(np.float32):
        cosine = (dx * parts[0] + dy * parts[1] + dz * parts[2]) / length
        bumps += np.cos(frequency * cosine + phase)
    surface = found.radius * (1 + found.irregularity * bumps * np.float32(np.sqrt(2 / LOBULES)))
    return length - surface, box


@dataclass(frozen=True)
class Painted:
    """The tumour on the master grid: its share of each voxel and its HU per phase."""

    box: tuple[slice, slice, slice]
    share: Array
    hu: dict[str, Array]


def paint(rng: np.random.Generator, found: Lesion) -> Painted:
    """Return the tumour on the master grid, the same texture in every phase, weaker where less contrast arrives."""
    away, box = distance(found, MASTER, shift=np.zeros(3), reach=1.7)
    inside = away < 0
    texture = _grains(rng, inside, (found.texture_mm, found.texture_mm, 1.6 * found.texture_mm))
    patches = _grains(rng, inside, (max(found.radius / 4, 1.5),) * 3)
    depth = -away / found.radius  # 0 on the surface, about 1 in the centre
    core = expit((depth + 0.16 * patches - (1 - np.cbrt(found.necrosis))) / 0.05) if found.necrosis > 0.005 else 0.0
    return Painted(box, expit(-away / found.blur_mm), {
        phase: (1 - core) * (found.hu[phase] + TEXTURE_SHARE[phase] * found.texture_hu * texture)
        + core * (24 + 0.15 * found.texture_hu * texture) for phase in PHASES})


def _grains(rng: np.random.Generator, inside: Array, scale_mm: tuple[float, float, float]) -> Array:
    """Return a random field with grains of this size along x, y and z, of mean 0 and variance 1 in the tumour."""
    sigma = [scale / step for scale, step in zip(reversed(scale_mm), reversed(MASTER.spacing), strict=True)]
    values = gaussian_filter(rng.standard_normal(inside.shape).astype(np.float32), sigma)
    return (values - values[inside].mean()) / values[inside].std()
