"""Small made-up images and regions with everything that goes wrong: flat, at the border, in pieces, with holes."""

from __future__ import annotations

import numpy as np
import SimpleITK as sitk

from radnb.errors import RadnbError
from radnb.features.extraction import ENGINES
from radnb.features.settings import Settings
from radnb.imaging.regions import Pair

SHAPE = (13, 16, 18)  # z, y, x
TYPES = {"int16": np.int16, "float32": np.float32, "float64": np.float64, "uint8": np.uint8}
GRIDS = {"unit": ((1.0, 1.0, 1.0), 0.0), "anisotropic": ((0.8, 0.9, 1.9), 0.0), "oblique": ((1.1, 0.95, 1.4), 0.4)}
REGIONS = ("ball", "flat z", "flat y", "flat x", "border", "pieces", "holes", "sprinkled", "tiny", "box")


def voxels(kind: str, seed: int = 0) -> np.ndarray:
    """Return a grey image (z, y, x) with some structure, mean 100, in some scalar type."""
    noise = np.random.default_rng(seed).normal(0, 1, tuple(n + 2 for n in SHAPE))
    smooth = sum(np.roll(noise, step, axis) for axis in range(3) for step in (-1, 0, 1))[1:-1, 1:-1, 1:-1]
    grey = 100 + 13 * smooth + 8 * noise[1:-1, 1:-1, 1:-1]
    return (grey if kind.startswith("float") else grey.clip(1, 250)).astype(TYPES[kind])


def inside(region: str) -> np.ndarray:
    """Return a region (z, y, x) by its name."""
    z, y, x = (axis - n // 2 for axis, n in zip(np.indices(SHAPE), SHAPE, strict=True))
    ball = (z / 4.2) ** 2 + (y / 4.8) ** 2 + (x / 5.3) ** 2 < 1
    chance = np.random.default_rng(5).random(SHAPE)
    found = {
        "ball": ball, "flat z": ball & (z == 1), "flat y": ball & (y == -1), "flat x": ball & (x == 0),
        "border": (z < -2) & (y < -3) & (x > 2),
        "pieces": (ball & ((x < -2) | (x > 1) | (z == 3))), "holes": ball & (chance > 0.12) & ((z != 0) | (x != 0)),
        "sprinkled": ball & (chance > 0.6), "tiny": (abs(z) < 2) & (abs(y) < 2) & (x > 0) & (x < 4) & (z + y < 2),
        "box": (abs(z) < 4) & (abs(y) < 3) & (abs(x) < 5)}
    return found[region]


def pair_of(grey: np.ndarray, mask: np.ndarray, spacing: tuple[float, float, float] = (1.0, 1.0, 1.0),
            turn: float = 0.0, origin: tuple[float, float, float] = (-12.5, 7.25, 30.1)) -> Pair:
    """Return the pair that reading two files would give; spacing in x, y, z, turned about two axes (radians)."""
    image, drawn = sitk.GetImageFromArray(grey), sitk.GetImageFromArray(mask.astype(np.uint8))
    image.SetSpacing(spacing)
    image.SetOrigin(origin)
    c, s = np.cos(turn), np.sin(turn)
    direction = np.array([[c, -s, 0], [s, c, 0], [0, 0, 1]]) @ np.array([[1, 0, 0], [0, c, -s], [0, s, c]])
    image.SetDirection(direction.ravel().tolist())
    drawn.CopyInformation(image)
    filled = np.argwhere(mask)
    lower, upper = filled.min(0)[::-1].tolist(), filled.max(0)[::-1].tolist()
    size = tuple(last - first + 1 for first, last in zip(lower, upper, strict=True))
    return Pair(image, drawn, tuple(lower), size)


def outcome(engine: str, pair: Pair, settings: Settings) -> dict[str, float] | str:
    """Return the values that an engine gives, or the code of its refusal."""
    try:
        return ENGINES[engine].prepare(pair.image, settings)(pair)
    except RadnbError as error:
        return error.code
