"""One image and its regions, in a process of its own: read once, named by content, measured unless somebody has."""

from __future__ import annotations

import functools
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Literal

import SimpleITK as sitk

from radnb.features import memory
from radnb.features.bins import refuse_one_level
from radnb.features.engines import ENGINES
from radnb.features.settings import Settings
from radnb.features.store import Note, Store, look, signed
from radnb.features.values import Values
from radnb.imaging.faults import ImageFault, short
from radnb.imaging.headers import read_header
from radnb.imaging.regions import MINIMUM_VOXELS, TOLERANCE_MM, Pair, region
from radnb.imaging.volumes import Loaded, load, read_volume
from radnb.work.files import sha256_json
from radnb.work.parallel import Failure, attempt

Compute = Callable[[Pair], Mapping[str, float]]


@dataclass(frozen=True)
class Task:
    """One image with all its regions that are still to be measured: (row of the cases, mask, label)."""

    image: str
    regions: tuple[tuple[int, str, int], ...]
    settings: Settings
    engine: str
    store: str
    group: str
    memory: int  # bytes that one process may take; 0 for what is free where it runs
    wait_seconds: float = 0  # for another run that measures the same region now


@dataclass(frozen=True)
class Done:
    """How a region ended: measured here, found in the store, or busy in another run; its key, and its voxels."""

    key: str
    state: Literal["measured", "stored", "busy"]
    voxels: float = 0  # as they are resampled
    filtered: float = 0  # of the volume that the filters run over


@dataclass(frozen=True)
class Result:
    """The outcome of each region by its row, and what was learnt of the files that were read."""

    outcomes: dict[int, Done | Failure] = field(default_factory=dict)
    notes: dict[str, Note] = field(default_factory=dict)


def key_of(image_sha256: str, mask_sha256: str, label: int) -> str:
    """Name a region by its content."""
    return sha256_json([image_sha256, mask_sha256, int(label)])


def measure_image(task: Task) -> Result:
    """Read one image and measure its regions; each success is on disk before this returns."""
    sitk.ProcessObject.SetGlobalWarningDisplay(False)
    sitk.ProcessObject.SetGlobalDefaultNumberOfThreads(1)
    engine, header, result = ENGINES[task.engine], read_header(Path(task.image)), Result()
    needed, most = memory.case_bytes(header, task.settings, 0), task.memory or memory.free_bytes()
    memory.refuse_too_large(needed, most, short(Path(task.image)))
    waiting = [_load(task.image, result.notes)]
    sha256, store = waiting[0].sha256, Store(task.store)

    @functools.cache
    def opened() -> tuple[sitk.Image, Compute] | Failure:
        return attempt(_open, waiting.pop())

    def _open(loaded: Loaded) -> tuple[sitk.Image, Compute]:
        image = read_volume(loaded)
        return image, engine.prepare(image, task.settings)

    def one(found: tuple[int, str, int]) -> Done | Failure:
        _, mask_path, label = found
        mask = _load(mask_path, result.notes, of_mask=True)
        key = key_of(sha256, mask.sha256, label)
        with store.claim(task.group, key, wait_seconds=task.wait_seconds) as mine:
            if store.holds(task.group, key):
                return Done(key, "stored")
            if not mine:
                return Done(key, "busy")
            if isinstance(ready := opened(), Failure):
                return ready
            image, compute = ready
            pair = _pair(image, task, mask, label)
            done = _seen(key, pair, task.settings)
            memory.refuse_too_large(needed + int(done.filtered * engine.bytes_per_voxel), most,
                                    short(Path(task.image)))
            store.put(task.group, key, _checked(compute(pair), task.settings))
            return done

    result.outcomes.update({found[0]: attempt(one, found) for found in task.regions})
    return result


def _load(path: str, notes: dict[str, Note], *, of_mask: bool = False) -> Loaded:
    """Read a file and note what it held, with the size and times that it had before."""
    state = look([path])
    try:
        loaded = load(path)
    except ImageFault as fault:
        raise ImageFault(fault.problem, fault.mend, code=fault.code, column="mask" if of_mask else "image") from fault
    if path in state:
        notes[path] = signed(state[path], loaded.sha256)
    return loaded


def _pair(image: sitk.Image, task: Task, mask: Loaded, label: int) -> Pair:
    setting = task.settings.setting
    tolerance = max(TOLERANCE_MM, setting.get("geometryTolerance", 0) * image.GetSpacing()[0])
    return region(image, mask, label, name=short(Path(task.image)), tolerance_mm=tolerance,
                  minimum_voxels=setting.get("minimumROISize", MINIMUM_VOXELS))


def _seen(key: str, pair: Pair, settings: Settings) -> Done:
    spacing, size = pair.image.GetSpacing(), pair.image.GetSize()
    target = settings.setting.get("resampledPixelSpacing") or spacing
    voxels = float(sitk.GetArrayViewFromImage(pair.mask).sum(dtype=float))
    for old, new in zip(spacing, target, strict=True):
        voxels *= old / (new or old)
    return Done(key, "measured", voxels, memory.filtered_voxels(size, spacing, settings, pair.size))


def _checked(values: Mapping[str, float], settings: Settings) -> Mapping[str, float]:
    if not isinstance(values, Values):
        return values
    refuse_one_level(values.levels, settings)
    return values.stored
