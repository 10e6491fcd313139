"""The upper abdomen around the pancreas, painted as labels on the master grid."""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np

from radnb.cohort.synth.space import MASTER, Array, smooth_field

PHASES = ("plain", "arterial", "portal_venous")
TISSUES: dict[str, tuple[float, float, float]] = {  # HU plain, arterial, portal-venous
    "fat": (-102, -100, -98), "skin_fat": (-108, -107, -106), "muscle": (52, 58, 64), "liver": (56, 68, 112),
    "spleen": (46, 122, 118), "cortex": (34, 170, 175), "medulla": (32, 78, 160), "gut_wall": (38, 82, 84),
    "fluid": (12, 12, 13), "gas": (-870, -870, -870), "faeces": (-10, -8, -8), "pancreas": (42, 104, 88),
    "aorta": (43, 315, 155), "artery": (43, 285, 148), "cava": (41, 92, 142), "vein": (42, 128, 176),
    "bile": (6, 6, 8), "duct": (12, 14, 14), "cortical_bone": (430, 435, 440), "marrow": (165, 175, 185),
    "disc": (82, 84, 88), "calcium": (620, 640, 620)}
NUMBER = {name: position for position, name in enumerate(TISSUES)}
# The pancreas' middle line, from head to tail, and its half-thickness there (mm).
LINE = np.array([[-27, 6, -20, 11], [-26, 4, -12, 12], [-22, 1, -4, 10.5], [-13, -5, 1, 8], [-3, -10, 4, 7.5],
                 [8, -12, 7, 8.5], [20, -8, 10, 9], [31, -1, 13, 8.5], [41, 8, 16, 8], [48, 14, 18, 6.5]],
                dtype=np.float32)
PLACE = {"head": 0.13, "body": 0.55, "tail": 0.82}


@dataclass
class Body:
    """Labels on the master grid, and the bent coordinates in which organs are painted."""

    rng: np.random.Generator
    x: Array
    y: Array
    z: Array
    labels: Array = field(init=False)

    def __post_init__(self) -> None:
        self.labels = np.zeros(self.x.shape, dtype=np.uint8)

    def paint(self, tissue: str, where: Array, box: tuple[slice, slice, slice] | None = None) -> None:
        """Give a tissue to the voxels of a box (or of all) where the condition holds."""
        view = self.labels if box is None else self.labels[box]
        view[where] = NUMBER[tissue]

    def ellipsoid(self, centre: tuple[float, float, float], half: tuple[float, float, float], *, bent: bool = True,
                  power: float = 2.0) -> tuple[Array, tuple[slice, slice, slice]]:
        """Return the level (1 on the surface) of an ellipsoid and the box in which it was computed."""
        reach = np.asarray(half) * 1.35 + 8
        box = MASTER.box(np.asarray(centre) - reach, np.asarray(centre) + reach)
        x, y, z = (self.x[box], self.y[box], self.z[box]) if bent else MASTER.points(box)
        parts = [np.abs((value - c) / h) for value, c, h in zip((x, y, z), centre, half, strict=True)]
        level = parts[0] ** 2 + parts[1] ** 2 + parts[2] ** power
        return level, box


def point_on_line(share: float) -> Array:
    """Return x, y, z and half-thickness of the pancreas at a share of its length from head to tail."""
    steps = np.concatenate([[0], np.cumsum(np.linalg.norm(np.diff(LINE[:, :3], axis=0), axis=1))])
    return np.array([np.interp(share * steps[-1], steps, LINE[:, column]) for column in range(4)])


def body(rng: np.random.Generator, *, lesion: Array, radius: float, share: float, age: float,
         dilated_duct: bool) -> Array:
    """Return the label volume of one patient whose organs give way to a tumour at `lesion` (mm)."""
    found = Body(rng, *_bent(rng, lesion, radius))
    _wall(found)
    _solid_organs(found)
    _gut(found)
    _mesentery(found)
    _pancreas(found, age=age, share=share, dilated_duct=dilated_duct)
    _vessels(found, age=age)
    _spine(found)
    return found.labels


def _bent(rng: np.random.Generator, lesion: Array, radius: float) -> tuple[Array, Array, Array]:
    """Return the coordinates, bent by individual shape and pushed aside by the tumour."""
    axes = MASTER.axis(0), MASTER.axis(1), MASTER.axis(2)
    plain = axes[0][None, None, :], axes[1][None, :, None], axes[2][:, None, None]
    bent = [(value + 2.6 * smooth_field(rng, axes, 22.0)).astype(np.float32) for value in plain]
    box = MASTER.box(lesion - 3.5 * radius, lesion + 3.5 * radius)
    away = [value - float(c) for value, c in zip(MASTER.points(box), lesion, strict=True)]
    distance = np.sqrt(sum(part * part for part in away)) + 0.1
    push = 0.5 * radius * np.exp(-(((distance - radius) / radius) ** 2)) / distance
    for value, part in zip(bent, away, strict=True):
        value[box] -= push * part
    return bent[0], bent[1], bent[2]


def _wall(found: Body) -> None:
    depth = found.rng.uniform(-46, -43)
    curve = found.y - depth - 0.0032 * found.x ** 2
    found.paint("skin_fat", curve < -5)
    found.paint("muscle", (curve < 0) & (curve > -7.5) & (np.abs(found.x) > 2.5))


def _solid_organs(found: Body) -> None:
    rng = found.rng
    level, box = found.ellipsoid((-66 + rng.uniform(-3, 3), -14, 16 + rng.uniform(-6, 6)), (34, 40, 62))
    found.paint("liver", level < 1, box)
    level, box = found.ellipsoid((-30, -36, 48 + rng.uniform(-4, 6)), (40, 14, 30))
    found.paint("liver", level < 1, box)
    level, box = found.ellipsoid((62, 16, 40 + rng.uniform(-6, 6)), (18, 34, 36))
    found.paint("spleen", level < 1, box)
    level, box = found.ellipsoid((-39 + rng.uniform(-2, 2), -22, -18), (10, 13, 20))
    found.paint("gut_wall", level < 1.18, box)
    found.paint("bile", level < 1, box)
    for side, height in ((48, -14), (-47, -22)):
        _kidney(found, side, height + rng.uniform(-5, 5))


def _kidney(found: Body, side: float, height: float) -> None:
    level, box = found.ellipsoid((side, 43, height), (20, 22, 46))
    found.paint("cortex", level < 1, box)
    wave = np.cos(0.42 * found.z[box]) * np.cos(5 * np.arctan2(found.y[box] - 43, found.x[box] - side))
    found.paint("medulla", (level < 0.62 + 0.12 * wave), box)
    inner, box = found.ellipsoid((side * 0.86, 41, height), (10, 8, 26))
    found.paint("fat", inner < 1, box)


def _gut(found: Body) -> None:
    rng = found.rng
    level, box = found.ellipsoid((25 + rng.uniform(-3, 3), -25, 36), (33, 14, 37))
    found.paint("gut_wall", level < 1, box)
    found.paint("fluid", level < 0.72, box)
    found.paint("gas", (level < 0.72) & (found.y[box] < -30 + rng.uniform(-3, 3)), box)
    level, box = found.ellipsoid((-42, 8, -16), (8.5, 8.5, 34))
    found.paint("gut_wall", level < 1, box)
    found.paint("fluid", level < 0.42, box)
    found.paint("gas", (level < 0.2) & (found.y[box] < 6), box)
    for x in np.arange(-50, 56, 17):
        _colon(found, x + rng.uniform(-3, 3), -30 + rng.uniform(-3, 3), -26 - 0.006 * x * x + rng.uniform(-3, 3))
    for _ in range(9):
        _jejunum(found, rng.uniform(14, 54), rng.uniform(-22, 18), rng.uniform(-62, -14))


def _colon(found: Body, x: float, y: float, z: float) -> None:
    level, box = found.ellipsoid((x, y, z), (11, 10, 12))
    found.paint("gut_wall", level < 1, box)
    found.paint("faeces", level < 0.75, box)
    found.paint("gas", (level < 0.7) & (found.y[box] < y + found.rng.uniform(-6, 4)), box)


def _jejunum(found: Body, x: float, y: float, z: float) -> None:
    level, box = found.ellipsoid((x, y, z), (11, 8, 9))
    found.paint("gut_wall", level < 1, box)
    folds = np.sin(1.5 * found.x[box] + 0.6 * found.z[box]) > 0.1
    found.paint("fluid", (level < 0.5) & folds, box)


def _mesentery(found: Body) -> None:
    """Small vessels that wander through the fat."""
    rng, fat = found.rng, found.labels == NUMBER["fat"]
    for number in range(34):
        x, y, dx, dy = rng.uniform(-50, 52), rng.uniform(-36, 26), *rng.uniform(-0.5, 0.5, 2)
        start, length = int(rng.integers(0, MASTER.size[2])), int(rng.integers(8, 22))
        for step, z in enumerate(range(start, min(start + length, MASTER.size[2]))):
            column, row = round(x + 2 * dx * step + 60), round(y + 2 * dy * step + 54)
            disc = slice(max(row - 1, 0), max(row + 1, 0)), slice(max(column - 1, 0), max(column + 1, 0))
            view = found.labels[z][disc]
            view[fat[z][disc]] = NUMBER["vein" if number % 3 else "artery"]


def _pancreas(found: Body, *, age: float, share: float, dilated_duct: bool) -> None:
    box = MASTER.box(LINE[:, :3].min(axis=0) - 18, LINE[:, :3].max(axis=0) + 18)
    x, y, z = found.x[box], found.y[box], found.z[box]
    points = np.array([point_on_line(part) for part in np.linspace(0, 1, 34)], dtype=np.float32)
    level = np.full(x.shape, np.inf, dtype=np.float32)
    duct = np.full(x.shape, np.inf, dtype=np.float32)
    for part, (px, py, pz, half) in zip(np.linspace(0, 1, 34), points, strict=True):
        square = (x - px) ** 2 + (y - py) ** 2 + (0.8 * (z - pz)) ** 2
        np.minimum(level, square / (half * half), out=level)
        if dilated_duct and part > share:
            np.minimum(duct, square, out=duct)
    axes = MASTER.axis(0)[box[2]], MASTER.axis(1)[box[1]], MASTER.axis(2)[box[0]]
    lobules = smooth_field(found.rng, axes, 3.6)
    shrunk = 1.0 - 0.0045 * max(age - 50, 0) - (0.12 if dilated_duct else 0.0)
    found.paint("pancreas", np.sqrt(level) + (0.10 + 0.0022 * max(age - 40, 0)) * lobules < shrunk, box)
    found.paint("duct", duct < 2.4 ** 2, box)


def _tube(found: Body, tissue: str, points: list[tuple[float, float, float, float]], *, bent: bool = True) -> None:
    path = np.asarray(points, dtype=np.float32)
    length = np.linalg.norm(np.diff(path[:, :3], axis=0), axis=1)
    steps = np.concatenate([[0], np.cumsum(length)])
    for share in np.arange(0, steps[-1] + 0.1, max(1.5, 0.55 * float(path[:, 3].min()))):
        px, py, pz, half = (float(np.interp(share, steps, path[:, column])) for column in range(4))
        box = MASTER.box(np.array([px, py, pz]) - half - 9, np.array([px, py, pz]) + half + 9)
        x, y, z = (found.x[box], found.y[box], found.z[box]) if bent else MASTER.points(box)
        found.paint(tissue, (x - px) ** 2 + (y - py) ** 2 + (z - pz) ** 2 < half * half, box)


def _column(found: Body, tissue: str, x: float, y: float, half: tuple[float, float]) -> Array:
    """Paint an upright vessel through all slices and return where it is."""
    here = ((found.x - x) / half[0]) ** 2 + ((found.y - y) / half[1]) ** 2 < 1
    found.paint(tissue, here)
    return here


def _vessels(found: Body, *, age: float) -> None:
    rng = found.rng
    _tube(found, "vein", [(46, 17, 20, 3.6), (30, 7, 14, 3.8), (14, -1, 9, 4.2), (2, -2, 4, 4.6), (-8, -2, 1, 6)])
    _tube(found, "vein", [(-5, -4, -62, 5), (-7, -4, -30, 5.5), (-8, -2, 0, 6.5), (-17, 2, 16, 6.5), (-30, 2, 34, 6.5)])
    _tube(found, "artery", [(7, 16, 2, 3.8), (5, 6, -6, 3.6), (4, 3, -24, 3.4), (3, 0, -60, 3)])
    _tube(found, "artery", [(8, 15, 16, 3.6), (9, 4, 18, 3.4), (-4, 0, 20, 2.6), (-18, -2, 24, 2.4)])
    _tube(found, "bile", [(-29, 8, -18, 2.6), (-25, 10, -2, 2.8), (-24, 6, 16, 2.8), (-32, 0, 34, 2.8)])
    _column(found, "cava", -15 + rng.uniform(-1, 1), 25, (11.5, 8.5))
    _column(found, "muscle", 18, 32, (4, 9))
    _column(found, "muscle", -3, 31, (4.5, 6))
    x, half = 9 + rng.uniform(-1.5, 1.5), rng.uniform(8.5, 10.5) + 0.03 * max(age - 60, 0)
    here = _column(found, "aorta", x, 25, (half, half))
    if age > 62:
        rim = ~(((found.x - x) / (half - 1.3)) ** 2 + ((found.y - 25) / (half - 1.3)) ** 2 < 1)
        spots = smooth_field(rng, (MASTER.axis(0), MASTER.axis(1), MASTER.axis(2)), 6.0) > 1.7 - 0.012 * (age - 62)
        found.paint("calcium", here & rim & spots)


def _spine(found: Body) -> None:
    x, y, z = MASTER.points((slice(None), slice(None), slice(None)))
    for side in (-1, 1):
        muscle = ((found.x - 33 * side) / 13) ** 2 + ((found.y - 56) / 15) ** 2 < 1
        found.paint("muscle", muscle & (z < 18))
    level = (x / 22) ** 2 + ((y - 53) / 17.5) ** 2 + 0 * z
    height = (z - found.rng.uniform(0, 34)) % 36
    body_ = height < 28
    found.paint("disc", (level < 0.98) & ~body_)
    waist = 1 - 0.10 * np.sin(np.pi * height / 28)
    found.paint("cortical_bone", (level < waist) & body_)
    found.paint("marrow", (level < waist * 0.86) & body_ & (height > 1.9) & (height < 26.1))
