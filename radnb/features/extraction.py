"""From images and masks to one row of features per region: in processes, resumable, one bad case never the end."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import pandas as pd
import SimpleITK as sitk

from radnb.errors import RadnbError, nearest
from radnb.features import reference
from radnb.features.settings import Settings
from radnb.features.store import Store
from radnb.imaging.faults import short
from radnb.imaging.regions import MINIMUM_VOXELS, TOLERANCE_MM, Pair, region
from radnb.imaging.volumes import read_volume
from radnb.work.files import sha256_json
from radnb.work.parallel import Failure, attempt, map_cases

KEYS = ["patient_id", "roi", "phase", "timepoint", "reader"]
FAILURE_COLUMNS = [*KEYS, "stage", "code", "message"]
_OF_THE_FILES = {"E_MISSING", "E_FORMAT", "E_CORRUPT", "E_TOO_BIG", "E_DIM", "E_PATH", "E_GEOM", "E_LABEL",
                 "E_MASK_EMPTY", "E_MASK_SOFT", "E_MASK_FULL", "E_ROI_SMALL", "E_NONFINITE"}
_OF_THE_PROCESS = ("E_CRASH", "E_TIMEOUT", "E_MEMORY")


@dataclass(frozen=True)
class Engine:
    """A way to compute features: what its values depend on, and a function of image and settings that gives one of a
    region (so that what an image's regions share is done once)."""

    version: Callable[[], str]
    prepare: Callable[[sitk.Image, Settings], Callable[[Pair], dict[str, float]]]


ENGINES: dict[str, Engine] = {"pyradiomics": Engine(reference.version, reference.prepare)}


@dataclass(frozen=True)
class Counts:
    """How the cases of one run ended: computed now, found in the store, failed; and why some were computed again."""

    cases: int
    computed: int
    stored: int
    failed: int
    changed: int = 0  # images or masks whose content is not that of the last run
    damaged: int = 0  # files of the store that could not be read


@dataclass(frozen=True)
class Extraction:
    """Long features (key columns, then one column per feature), failures with their stage and code, and counts."""

    features: pd.DataFrame
    failures: pd.DataFrame
    counts: Counts
    engine: str


@dataclass(frozen=True)
class _Task:
    """One image with all its regions that are still to be computed: (key, mask, label)."""

    image: str
    regions: tuple[tuple[str, str, int], ...]
    settings: Settings
    engine: str
    store: str
    group: str


def extract(cases: pd.DataFrame, *, settings: Settings, store: Store | Path | str, engine: str = "pyradiomics",
            workers: int | None = None, timeout: float = 600) -> Extraction:
    """Return the features of every case, computing only what the store does not hold.

    A failed case becomes a row of `failures` and is tried again next time.  The tables do not depend on the number
    of workers or the order of work.  `timeout` is in seconds per region.
    """
    if engine not in ENGINES:
        raise RadnbError(f"engine: {engine!r} is unknown. {nearest(engine, ENGINES)}", code="E_CONFIG")
    version = ENGINES[engine].version()
    about = {"engine": engine, "version": version, "settings": settings.card}
    group, store = sha256_json(about)[:16], store if isinstance(store, Store) else Store(store)
    store.open_group(group, about)
    cases = cases.sort_values(KEYS, kind="stable", ignore_index=True)
    keys, failures, changed = _keys(cases, store)
    wanted = set(keys.values())
    found = store.get(group, wanted)
    stored = sum(key in found for key in keys.values())
    tasks = _tasks(cases, {at: key for at, key in keys.items() if key not in found}, settings, engine, store, group)
    fresh = _run(tasks, workers, timeout)
    store.consolidate(group)
    failures |= {at: failure for at, key in keys.items() if isinstance(failure := fresh.get(key), Failure)}
    found |= {key: outcome for key, outcome in fresh.items() if not isinstance(outcome, Failure)}
    rows = {at: found[key] for at, key in keys.items() if key in found}
    counts = Counts(len(cases), len(rows) - stored, stored, len(failures), changed, store.damaged)
    return Extraction(_feature_table(cases, rows, settings), _failure_table(cases, failures), counts, version)


def _keys(cases: pd.DataFrame, store: Store) -> tuple[dict[int, str], dict[int, Failure], int]:
    """Name each case by its content; a case whose files cannot be read fails here."""
    paths = sorted({*cases["image"].astype(str), *cases["mask"].astype(str)})
    hashes, changed = store.hashes(paths)
    keys: dict[int, str] = {}
    failures: dict[int, Failure] = {}
    for at, (image, mask, label) in enumerate(zip(cases["image"], cases["mask"], cases["label"], strict=True)):
        gone = [short(Path(path)) for path in (image, mask) if str(path) not in hashes]
        if gone:
            failures[at] = Failure("E_MISSING", f"{' and '.join(gone)} cannot be read. Correct the path in the "
                                                "manifest, or make the file readable.")
        else:
            keys[at] = sha256_json([hashes[str(image)], hashes[str(mask)], int(label)])
    return keys, failures, len(changed)


def _tasks(cases: pd.DataFrame, keys: Mapping[int, str], settings: Settings, engine: str, store: Store,
           group: str) -> list[_Task]:
    """Group what is missing by image, most work first; equal content is computed once."""
    regions: dict[str, dict[str, tuple[str, str, int]]] = {}
    seen: set[str] = set()
    for at, key in keys.items():
        if key not in seen:
            seen.add(key)
            mask, label = str(cases["mask"].iloc[at]), int(cases["label"].iloc[at])
            regions.setdefault(str(cases["image"].iloc[at]), {})[key] = (key, mask, label)
    tasks = [_Task(image, tuple(found.values()), settings, engine, str(store.folder), group)
             for image, found in regions.items()]
    return sorted(tasks, key=_work, reverse=True)


def _work(task: _Task) -> tuple[int, str]:
    return sum(Path(mask).stat().st_size for _, mask, _ in task.regions), task.image


def _run(tasks: Sequence[_Task], workers: int | None, timeout: float) -> dict[str, Any]:
    """Compute all tasks; the regions of a task whose process died or hung are then tried one by one."""
    found: dict[str, Any] = {}
    again: list[_Task] = []
    longest = max((len(task.regions) for task in tasks), default=1)
    for task, outcome in _outcomes(tasks, workers, timeout * longest):
        if not isinstance(outcome, Failure):
            found.update(outcome)
        elif outcome.code in _OF_THE_PROCESS and len(task.regions) > 1:
            again += [replace(task, regions=(one,)) for one in task.regions]
        else:
            found.update({key: outcome for key, _, _ in task.regions})
    return found | _run(again, workers, timeout) if again else found


def _outcomes(tasks: Sequence[_Task], workers: int | None, timeout: float) -> Iterator[tuple[_Task, Any]]:
    if not tasks:
        return  # nothing to show a progress bar for
    for at, outcome in map_cases(_extract_image, tasks, workers=workers, label="extract features", unit="image",
                                 timeout=timeout):
        yield tasks[at], outcome


def _extract_image(task: _Task) -> dict[str, Any]:
    """Read one image and compute its regions; each success is on disk before this returns."""
    sitk.ProcessObject.SetGlobalWarningDisplay(False)
    sitk.ProcessObject.SetGlobalDefaultNumberOfThreads(1)
    image, store = read_volume(task.image), Store(task.store)
    compute = ENGINES[task.engine].prepare(image, task.settings)

    def one(found: tuple[str, str, int]) -> dict[str, float]:
        key, mask, label = found
        features = compute(_pair(image, task, mask, label))
        store.put(task.group, key, features)
        return features

    return {found[0]: attempt(one, found) for found in task.regions}


def _pair(image: sitk.Image, task: _Task, mask: str, label: int) -> Pair:
    setting = task.settings.setting
    tolerance = max(TOLERANCE_MM, setting.get("geometryTolerance", 0) * image.GetSpacing()[0])
    return region(image, Path(mask), label, name=short(Path(task.image)), tolerance_mm=tolerance,
                  minimum_voxels=setting.get("minimumROISize", MINIMUM_VOXELS))


def _feature_table(cases: pd.DataFrame, rows: Mapping[int, Mapping[str, float]], settings: Settings) -> pd.DataFrame:
    places = sorted(rows)
    values = pd.DataFrame([rows[at] for at in places], columns=list(settings.columns), dtype=float)
    return pd.concat([cases.loc[places, KEYS].reset_index(drop=True), values], axis=1)


def _failure_table(cases: pd.DataFrame, failures: Mapping[int, Failure]) -> pd.DataFrame:
    rows = [[*cases.loc[at, KEYS], "read" if failure.code in _OF_THE_FILES else "extract", failure.code,
             failure.message] for at, failure in sorted(failures.items())]
    return pd.DataFrame(rows, columns=FAILURE_COLUMNS)
