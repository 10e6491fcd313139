"""One image and its regions, in a process of its own: read once, named by content, measured unless somebody has."""

from __future__ import annotations

import contextlib
import functools
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Literal

import SimpleITK as sitk

from radnb.features import memory
from radnb.features.bins import refuse_one_level
from radnb.features.engines import ENGINES
from radnb.features.store import Note, Store, look, signed
from radnb.features.values import Compute, Values
from radnb.features.wanted import Settings
from radnb.imaging.faults import ImageFault, short
from radnb.imaging.headers import read_header
from radnb.imaging.regions import MINIMUM_VOXELS, TOLERANCE_MM, Pair, region
from radnb.imaging.volumes import Loaded, load, read_volume, refuse_false_claim
from radnb.work.files import sha256_json
from radnb.work.parallel import Failure, attempt


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
    work: float = 0  # bytes of the files, which is all that is known of the work beforehand


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
    with _one_quiet_thread():
        image = _Image(task)
        return Result({found[0]: attempt(image.region, found) for found in task.regions}, image.notes)


class _Image:
    """An image in memory as its file, read and prepared when the first region needs it, once for all of them."""

    def __init__(self, task: Task) -> None:
        self.task, self.engine, self.store = task, ENGINES[task.engine], Store(task.store)
        self.name, self.notes = short(Path(task.image)), dict[str, Note]()
        header = read_header(Path(task.image))
        refuse_false_claim(Path(task.image), header)
        self.bytes = memory.case_bytes(header, task.settings, 0)
        self._refuse_too_large(self.bytes)
        loaded = _load(task.image, self.notes)
        self.sha256, self.waiting = loaded.sha256, [loaded]
        self._mask = functools.lru_cache(maxsize=1)(lambda path: _load(path, self.notes, of_mask=True))

    def _refuse_too_large(self, needed: float) -> None:
        memory.refuse_too_large(int(needed), self.task.memory or memory.free_bytes(), self.name)

    @functools.cached_property
    def opened(self) -> tuple[sitk.Image, Compute] | Failure:
        """The image and what measures a region of it, or why there is neither."""
        return attempt(self._open, self.waiting.pop())  # the bytes of the file are needed no more

    def _open(self, loaded: Loaded) -> tuple[sitk.Image, Compute]:
        image = read_volume(loaded)
        return image, self.engine.prepare(image, self.task.settings)

    def region(self, found: tuple[int, str, int]) -> Done | Failure:
        """Measure one region, unless it is in the store or another process measures it."""
        _, path, label = found
        mask: Loaded = self._mask(path)
        key = key_of(self.sha256, mask.sha256, label)
        with self.store.claim(self.task.group, key, wait_seconds=self.task.wait_seconds) as mine:
            if self.store.holds(self.task.group, key):
                return Done(key, "stored")
            return self._measured(key, mask, label) if mine else Done(key, "busy")

    def _measured(self, key: str, mask: Loaded, label: int) -> Done | Failure:
        if isinstance(self.opened, Failure):
            return self.opened
        image, compute = self.opened
        pair = _pair(image, self.task, mask, label)
        done = _seen(key, pair, self.task.settings)
        filtered = _filtered(pair, self.task.settings, in_boxes=self.engine.boxes_only(self.task.settings))
        self._refuse_too_large(self.bytes + filtered * self.engine.bytes_per_voxel)
        self.store.put(self.task.group, key, _checked(compute(pair), self.task.settings))
        return done


@contextlib.contextmanager
def _one_quiet_thread() -> Iterator[None]:
    """Keep ITK to one thread and without warnings, since processes are what runs at once; a notebook gets both back."""
    process = sitk.ProcessObject
    before = process.GetGlobalDefaultNumberOfThreads(), process.GetGlobalWarningDisplay()
    process.SetGlobalDefaultNumberOfThreads(1)
    process.SetGlobalWarningDisplay(False)
    try:
        yield
    finally:
        process.SetGlobalDefaultNumberOfThreads(before[0])
        process.SetGlobalWarningDisplay(before[1])


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
    spacing = pair.image.GetSpacing()
    target = settings.setting.get("resampledPixelSpacing") or spacing
    voxels = float(pair.voxels)
    for old, new in zip(spacing, target, strict=True):
        voxels *= old / (new or old)
    return Done(key, "measured", voxels, _filtered(pair, settings))


def _filtered(pair: Pair, settings: Settings, *, in_boxes: bool = False) -> float:
    image = pair.image
    return memory.filtered_voxels(image.GetSize(), image.GetSpacing(), settings, pair.size, in_boxes=in_boxes)


def _checked(values: Mapping[str, float], settings: Settings) -> Mapping[str, float]:
    if not isinstance(values, Values):
        return values
    refuse_one_level(values.levels, settings)
    return values.stored
