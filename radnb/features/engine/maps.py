"""Feature maps, for pictures: every feature in a small window around each voxel, as PyRadiomics' voxel-based mode."""

from __future__ import annotations

import functools
import itertools
import math
from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, TypeAlias

import numpy as np
import SimpleITK as sitk

from radnb.errors import RadnbError, similar
from radnb.features.catalogue import FEATURES, ON_REQUEST, filters
from radnb.features.engine import native
from radnb.features.engine.discretise import bin_edges
from radnb.features.engine.filters import FILTERS
from radnb.features.engine.grid import Box, crop_box, resampled_grid, unchanged, wanted_spacing
from radnb.features.engine.preprocess import PAD_DISTANCE, prepare_image
from radnb.features.engine.roi import directions, weights
from radnb.features.engine.texture import TABLES
from radnb.features.refusals import refuse_image, refuse_too_many
from radnb.features.wanted import Settings
from radnb.imaging.faults import ImageFault, short
from radnb.imaging.regions import MINIMUM_VOXELS, Pair, region, region_of
from radnb.imaging.volumes import read_volume
from radnb.work.files import atomic_path
from radnb.work.progress import progress

_BATCH = 4096  # windows between two movements of the progress bar
Source: TypeAlias = "sitk.Image | Path | str"  # in quotes: SimpleITK is loaded later
Advance = Callable[[int], Any]  # told how many windows are done


def feature_maps(image: Source, mask: Source, settings: Settings, *, label: int = 1, kernel_radius: int = 1,
                 masked: bool = True, init_value: float = 0.0, features: Collection[str] | None = None,
                 out: Path | None = None) -> Iterator[tuple[str, sitk.Image]]:
    """Compute one map after another: the feature's column, and an image of the region's box and `kernel_radius` around.

    The window reaches `kernel_radius` voxels to every side; if `masked`, its voxels outside the region do not count.
    Outside the region a map holds `init_value`.  `features` names the columns wanted (None: all of the settings but
    shape); with `out`, each map is written there as well.  One map differs from PyRadiomics': if a single window has no
    pair along some angle, PyRadiomics fails to compute MCC for all; here such an angle is left out, as for the others.
    """
    if kernel_radius < 1:
        raise RadnbError(f"kernel_radius={kernel_radius}: a window must reach one voxel at least. Set 1 or more.",
                         code="E_CONFIG")
    wanted = _wanted(settings, features)
    pair = _pair(image, mask, label, settings.setting)
    refuse_image(pair.image, settings)
    frames = _frames(pair, _only(settings, wanted), kernel_radius, masked)
    return _computed(frames, settings, wanted, init_value, out)


def _computed(frames: Iterator[tuple[str, Frame]], settings: Settings, wanted: Collection[str], init_value: float,
              out: Path | None) -> Iterator[tuple[str, sitk.Image]]:
    first = next(frames)
    matrices = {tuple(column.split("_")[:2]) for column in wanted}
    with progress(total=len(matrices) * len(first[1].centres), label="Feature maps", unit="window") as bar:
        for name, frame in itertools.chain([first], frames):
            for column, values in _maps(name, frame, settings.classes, wanted, bar.update):
                found = frame.picture(values, init_value)
                if out is not None:
                    write_map(found, Path(out) / f"{column}.nii.gz")
                yield column, found


def write_map(image: sitk.Image, path: Path) -> None:
    """Write a map (NIfTI, or what the file's name says) under its final name only when it is whole."""
    with atomic_path(path) as temporary:
        try:
            sitk.WriteImage(image, str(temporary), useCompression=True)
            read_volume(temporary, limit_gb=math.inf)  # on a full disk ITK writes what it can and does not say so
        except (RuntimeError, ImageFault) as error:
            raise RadnbError(f"{path} cannot be written whole. Free some space or choose a folder of your own.",
                             code="E_WRITE") from error


def _wanted(settings: Settings, features: Collection[str] | None) -> frozenset[str]:
    possible = mappable(settings)
    if not possible:
        raise RadnbError(f"Settings {settings.name!r} have no feature that can be mapped: maps are made of "
                         f"PyRadiomics' classes {', '.join(MEASURES)}. Add one of them.", code="E_CONFIG")
    for unknown in [column for column in features or () if column not in possible]:
        raise RadnbError(f"There is no map of {unknown!r}: {_why_not(unknown, possible, settings)}", code="E_CONFIG")
    return frozenset(possible if features is None else features)


def _why_not(unknown: str, possible: Collection[str], settings: Settings) -> str:
    if "_shape" in unknown:
        return "shape is one number per region. Name a column of another class."
    if unknown in settings.columns:
        return "only features of PyRadiomics are mapped. Name another column."
    return f"the settings do not compute it. {similar(unknown, possible, 'Name a column of the settings.')}"


def mappable(settings: Settings) -> list[str]:
    """List the columns of the settings that have a map: no shape, which is one number, nor what is radnb's own."""
    if settings.ibsi:
        return []
    named = [(column, *column.split("_")[1:]) for column in settings.columns]
    return [column for column, kind, feature in named
            if kind in MEASURES and feature in {*FEATURES[kind], *ON_REQUEST.get(kind, ())}]


def _only(settings: Settings, wanted: Collection[str]) -> Settings:
    """Return the settings without the image types that no map is wanted of."""
    images = {column.split("_")[0] for column in wanted}
    kept = {kind: options for kind, options in settings.image_types.items()
            if images & {*filters(kind, {**settings.setting, **options})}}
    return replace(settings, image_types=kept)


def _pair(image: Source, mask: Source, label: int, setting: Mapping[str, Any]) -> Pair:
    volume, name = (image, "in memory") if isinstance(image, sitk.Image) else (read_volume(image), short(Path(image)))
    least = int(setting.get("minimumROISize") or MINIMUM_VOXELS)
    if not isinstance(mask, sitk.Image):
        return region(volume, Path(mask), label, name=name, minimum_voxels=least)
    return region_of(volume, mask, label, name=name, mask_name="in memory", minimum_voxels=least)


# ---- the images that windows are laid over


@dataclass(frozen=True)
class Frame:
    """One image, cut to the region's box and a margin, with what all windows share; arrays in z, y, x."""

    values: np.ndarray
    inside: np.ndarray  # the region
    spacing: tuple[float, float, float]
    setting: Mapping[str, Any]
    grid: sitk.Image  # whose first voxel is the first of these
    radius: int
    masked: bool

    @property
    def counted(self) -> np.ndarray:
        """Return which voxels count within a window."""
        return self.inside if self.masked else np.ones_like(self.inside)

    @property
    def flat_axis(self) -> int | None:
        """Return the axis that windows do not reach along, under force2D."""
        return int(self.setting.get("force2Ddimension", 0)) if self.setting.get("force2D") else None

    @property
    def reach(self) -> np.ndarray:
        """Return how far windows reach along each axis."""
        return np.array([0 if axis == self.flat_axis else self.radius for axis in range(3)], np.int64)

    @functools.cached_property
    def levels(self) -> np.ndarray:
        """Return the grey levels, from 1 (0: not counted)."""
        return grey_levels(self.values, self.counted, self.setting)

    def padded(self, values: np.ndarray) -> np.ndarray:
        """Return an array with a margin of zeros, so that no window leaves it."""
        return np.ascontiguousarray(np.pad(values, [(int(n), int(n)) for n in self.reach]))

    @functools.cached_property
    def centres(self) -> np.ndarray:
        """Return the flat places of the region's voxels in a padded array."""
        size = np.array(self.inside.shape) + 2 * self.reach
        places = tuple(np.argwhere(self.inside).T + self.reach[:, None])
        return np.ravel_multi_index(places, tuple(size)).astype(np.int64)

    def angles(self, distances: Sequence[int]) -> np.ndarray:
        """Return the steps to neighbours, in PyRadiomics' order; of two opposite steps, the forward one."""
        return directions(self.inside.shape, distances, self.flat_axis)

    def weights(self, angles: np.ndarray, *, decay: bool) -> np.ndarray | None:
        """Return the weight of each angle by its length, or None where angles stay apart."""
        return weights(angles, self.spacing, self.setting.get("weightingNorm"), decay=decay)

    def picture(self, values: np.ndarray, init_value: float) -> sitk.Image:
        """Return the values of the region's voxels as an image."""
        filled = np.full(self.inside.shape, init_value, float)
        filled[self.inside] = values
        found = sitk.GetImageFromArray(filled)
        found.SetSpacing(self.grid.GetSpacing())
        found.SetOrigin(self.grid.GetOrigin())
        found.SetDirection(self.grid.GetDirection())
        return found


def _frames(pair: Pair, settings: Settings, radius: int, masked: bool) -> Iterator[tuple[str, Frame]]:
    """Prepare and filter the image, and cut each result to the region's box and a margin."""
    found = prepare_image(pair.image, settings.setting).region(pair)
    wide = replace(found, cut=crop_box(found.volume.shape, found.box, radius))
    grid = _grid(pair, settings.setting, found.spacing, wide.box)
    inside = np.ascontiguousarray(found.mask[wide.box])
    for kind, own in settings.image_types.items():
        setting = {**settings.setting, **own}
        for name, values in FILTERS[kind](wide, setting):
            if not masked and not np.isfinite(values).all():
                raise ImageFault("Voxels around the region have no finite value, and windows that are not masked read "
                                 "them.", "Fill them, or set maskedKernel: true.", code="E_NONFINITE")
            yield name, Frame(values, inside, found.spacing, setting, grid, radius, masked)


def _grid(pair: Pair, setting: Mapping[str, Any], spacing: Sequence[float], box: Box) -> sitk.Image:
    """Return an empty image whose first voxel is that of a box of the prepared volume."""
    grid = sitk.Image([1, 1, 1], sitk.sitkUInt8)
    grid.SetSpacing(spacing[::-1])
    grid.SetDirection(pair.image.GetDirection())
    grid.SetOrigin(_corner(pair, setting))
    grid.SetOrigin(grid.TransformIndexToPhysicalPoint([span.start for span in box[::-1]]))
    return grid


def _corner(pair: Pair, setting: Mapping[str, Any]) -> tuple[float, ...]:
    """Return where the first voxel of the prepared volume lies: preprocess.py resamples or crops around the region."""
    image, pad = pair.image, setting.get("padDistance", PAD_DISTANCE)
    if setting.get("resampledPixelSpacing") is None and not setting.get("preCrop"):
        return tuple(image.GetOrigin())
    spacing = wanted_spacing(image, pair.size, setting.get("resampledPixelSpacing") or (0, 0, 0))
    if not unchanged(image, spacing):
        return resampled_grid(image, pair.lower, pair.size, spacing, pad).origin
    return tuple(image.TransformIndexToPhysicalPoint([max(first - pad, 0) for first in pair.lower]))


# ---- the maps of one image


def _maps(name: str, frame: Frame, wanted: Mapping[str, Sequence[str]], columns: Collection[str],
          advance: Advance) -> Iterator[tuple[str, np.ndarray]]:
    for kind, features in wanted.items():
        asked = [feature for feature in features if f"{name}_{kind}_{feature}" in columns]
        if asked and kind in MEASURES:
            found = MEASURES[kind](frame, asked, advance)
            yield from ((f"{name}_{kind}_{feature}", found[feature]) for feature in asked)


def grey_levels(values: np.ndarray, counted: np.ndarray, setting: Mapping[str, Any]) -> np.ndarray:
    """Return grey levels from 1 (0: not counted): PyRadiomics' bins, in the values' own scalar type."""
    inside = values[counted]
    refuse_too_many(float(inside.min()), float(inside.max()), setting)
    levels = np.zeros(values.shape, np.int32)
    levels[counted] = np.digitize(inside, bin_edges(inside.min(), inside.max(), setting))
    return levels


def _run(kernel: str, frame: Frame, levels: np.ndarray, rows: int, advance: Advance, *arguments: Any,
         ahead: tuple[np.ndarray, ...] = (), beside: np.ndarray | None = None) -> np.ndarray:
    """Call a kernel batch by batch and return its features, a row each; `beside` is filled with a row per window."""
    padded, centres = frame.padded(levels), frame.centres
    features = np.empty((rows, len(centres)))
    for first in range(0, len(centres), _BATCH):
        batch = centres[first:first + _BATCH]
        found = np.empty((rows, len(batch)))
        more = () if beside is None else (beside[first:first + len(batch)],)
        native.call(kernel, *ahead, padded, int(levels.max()), *padded.shape[1:], batch, len(batch), frame.reach,
                    *arguments, *more, found)
        features[:, first:first + len(batch)] = found
        advance(len(batch))
    return features


def _firstorder(frame: Frame, features: Sequence[str], advance: Advance) -> dict[str, np.ndarray]:
    """Measure the grey values; PyRadiomics makes their bins from doubles here, unlike elsewhere."""
    values, counted = frame.values.astype(float), frame.counted
    extent = np.ptp(np.argwhere(counted), axis=0) + 1
    near = [range(-int(r), int(r) + 1) for r in np.minimum(frame.reach, extent - 1)]
    steps = np.array([s for s in itertools.product(*(tuple(reversed(n)) for n in near)) if any(s)] + [(0, 0, 0)])
    _, ny, nx = np.array(values.shape) + 2 * frame.reach
    offsets = np.ascontiguousarray((steps[:, 0] * ny + steps[:, 1]) * nx + steps[:, 2], np.int64)
    names = (*FEATURES["firstorder"], *ON_REQUEST["firstorder"])
    found = _run("maps_firstorder", frame, grey_levels(values, counted, frame.setting), len(names), advance, offsets,
                 len(offsets), float(frame.setting.get("voxelArrayShift", 0)),
                 float(np.multiply.reduce(frame.spacing[::-1])), ahead=(frame.padded(values),))
    return dict(zip(names, found, strict=True))


def _glcm(frame: Frame, features: Sequence[str], advance: Advance) -> dict[str, np.ndarray]:
    angles = frame.angles(frame.setting.get("distances", [1]))
    by_angle = frame.weights(angles, decay=True)
    filled = np.zeros((int(frame.inside.sum()), len(angles)), np.uint8)
    found = _run("maps_glcm", frame, frame.levels, len(FEATURES["glcm"]), advance, angles, len(angles),
                 angles if by_angle is None else by_angle, int(by_angle is not None),
                 int(frame.setting.get("symmetricalGLCM", True)), int("MCC" in features), beside=filled)
    maps = dict(zip(FEATURES["glcm"], found, strict=True))
    if frame.levels[frame.counted].min() == frame.levels.max():  # flat: PyRadiomics' values, in empty windows too
        maps["MCC"][:] = 1
    if frame.levels.max() == 1:
        maps["InverseVariance"][:] = 0
    if by_angle is None:  # its mean over angles does not leave out angles without a pair, as all others do
        maps["JointAverage"][~filled[:, filled.any(axis=0)].all(axis=1)] = np.nan
    return maps


def _glrlm(frame: Frame, features: Sequence[str], advance: Advance) -> dict[str, np.ndarray]:
    angles = frame.angles([1])
    by_angle = frame.weights(angles, decay=False)
    found = _run("maps_glrlm", frame, frame.levels, len(TABLES["glrlm"]), advance, angles, len(angles),
                 angles if by_angle is None else by_angle, int(by_angle is not None))
    return dict(zip(TABLES["glrlm"], found, strict=True))


def _glszm(frame: Frame, features: Sequence[str], advance: Advance) -> dict[str, np.ndarray]:
    angles = frame.angles([1])
    found = _run("maps_glszm", frame, frame.levels, len(TABLES["glszm"]), advance, angles, len(angles))
    return dict(zip(TABLES["glszm"], found, strict=True))


def _gldm(frame: Frame, features: Sequence[str], advance: Advance) -> dict[str, np.ndarray]:
    angles = frame.angles(frame.setting.get("distances", [1]))
    found = _run("maps_gldm", frame, frame.levels, len(TABLES["gldm"]), advance, angles, len(angles),
                 int(frame.setting.get("gldm_a", 0)))
    return dict(zip(TABLES["gldm"], found, strict=True))


def _ngtdm(frame: Frame, features: Sequence[str], advance: Advance) -> dict[str, np.ndarray]:
    angles = frame.angles(frame.setting.get("distances", [1]))
    found = _run("maps_ngtdm", frame, frame.levels, len(FEATURES["ngtdm"]), advance, angles, len(angles))
    return dict(zip(FEATURES["ngtdm"], found, strict=True))


MEASURES: dict[str, Callable[[Frame, Sequence[str], Advance], dict[str, np.ndarray]]] = {
    "firstorder": _firstorder, "glcm": _glcm, "gldm": _gldm, "glrlm": _glrlm, "glszm": _glszm,
    "ngtdm": _ngtdm}
