"""From images and masks to one row of features per region: in processes, resumable, one bad case never the end."""

from __future__ import annotations

import functools
import time
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pandas as pd

from radnb.errors import RadnbError
from radnb.features import bins, memory, verification
from radnb.features.engines import ENGINES, REFERENCE, Choice, Engine, choose
from radnb.features.index import KEYS, write_index
from radnb.features.measuring import Done, Result, Task, key_of, measure_image
from radnb.features.reference import known_part
from radnb.features.store import Store, look, same
from radnb.features.values import LEVELS
from radnb.features.verification import Candidate, Verification
from radnb.features.wanted import Settings
from radnb.imaging.faults import short
from radnb.work.files import sha256_json
from radnb.work.parallel import Failure, Needs, cluster, cores, map_cases
from radnb.work.progress import progress

if TYPE_CHECKING:
    from radnb.work.cluster import Cluster

__all__ = ["ENGINES", "FAILURE_COLUMNS", "KEYS", "Counts", "Engine", "Extraction", "extract"]
FAILURE_COLUMNS = [*KEYS, "stage", "code", "message"]
_OF_THE_FILES = {"E_MISSING", "E_FORMAT", "E_CORRUPT", "E_TOO_BIG", "E_DIM", "E_PATH", "E_GEOM", "E_LABEL",
                 "E_MASK_EMPTY", "E_MASK_SOFT", "E_MASK_FULL", "E_ROI_SMALL", "E_NONFINITE"}
WAIT_SECONDS = 600  # for another run that measures the same region at the same time
LATE_SECONDS = 30  # after which a network file system tells what another machine has written
_OF_THE_PROCESS = ("E_CRASH", "E_TIMEOUT", "E_MEMORY")


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
    """Long features (key columns, then one column per feature), failures with their stage and code, counts, warnings
    about bins, the comparison with the reference engine, and sentences about how the work was done."""

    features: pd.DataFrame
    failures: pd.DataFrame
    counts: Counts
    engine: str
    version: str
    warnings: pd.DataFrame
    verification: Verification
    handed_over: list[str]
    notes: list[str]

    @property
    def record(self) -> dict[str, Any]:
        """Return what run.json keeps of how the features came about."""
        return {"engine": self.engine, "version": self.version, "handed_over": self.handed_over,
                "verification": self.verification.record, "notes": self.notes,
                "bin_warnings": self.warnings["message"].tolist()}


@dataclass(frozen=True)
class _How:
    """What all tasks of a run share."""

    settings: Settings
    store: Store
    workers: int
    timeout: float
    free: int  # bytes; 0 where every machine looks for itself
    cluster: Cluster | None


def extract(cases: pd.DataFrame, *, settings: Settings, store: Store | Path | str, engine: str | None = None,
            workers: int | None = None, timeout: float = 600, verify: str = "some", cohort: str = "") -> Extraction:
    """Return the features of every case, computing only what the store does not hold.

    A failed case becomes a row of `failures` and is tried again next time.  The tables do not depend on the number
    of workers or the order of work.  `timeout` is in seconds per region; `verify` says how much is compared with the
    reference engine; `cohort` is the name under which queries find these cases.
    """
    verification.check_mode(verify)
    store = store if isinstance(store, Store) else Store(store)
    with cluster("" if workers == 0 else None) as machines:
        how = _How(settings, store, cores() if workers is None else workers, timeout,
                   0 if machines else memory.free_bytes(), machines)
        return _extract(cases, choose(engine, settings), how, verify, cohort)


def _extract(cases: pd.DataFrame, chosen: Choice, how: _How, verify: str, cohort: str) -> Extraction:
    began, settings, store = time.monotonic(), how.settings, how.store
    cases, group = cases.sort_values(KEYS, kind="stable", ignore_index=True), _opened(chosen, settings, store)
    keys, failures = _known_keys(cases, store)
    found = store.table(group, set(keys.values()))
    stored = {at for at, key in keys.items() if key in found.index}
    todo = [at for at in range(len(cases)) if at not in stored and at not in failures]
    how, said = _within_memory(how, cases.loc[todo], chosen)
    work = _work(cases, todo, chosen, group, how)
    rows, failures = {**{at: keys[at] for at in stored}, **work.keys}, {**failures, **work.failures}
    found = pd.concat([found, work.values.drop(index=found.index, errors="ignore")])
    write_index(store, group, cohort, cases, rows)
    checked = _verify(verify, chosen, cases, rows, found, [*work.measured.values()], how, time.monotonic() - began)
    counts = Counts(len(cases), len(rows) - len(stored | work.stored), len(stored | work.stored), len(failures),
                    work.changed, store.damaged)
    return Extraction(_feature_table(cases, rows, found, settings), _failure_table(cases, failures), counts,
                      chosen.name, chosen.version, bins.warnings(_levels(found, rows), settings), checked,
                      chosen.engine.handed_over(settings), [text for text in (chosen.reason, said) if text])


def _opened(chosen: Choice, settings: Settings, store: Store) -> str:
    about = {"engine": chosen.name, "version": chosen.version, "settings": settings.card}
    group = sha256_json(about)[:16]
    store.open_group(group, {**about, "name": settings.name})
    return group


def _known_keys(cases: pd.DataFrame, store: Store) -> tuple[dict[int, str], dict[int, Failure]]:
    """Name each case whose files are as they were last read; a case whose files are not there fails here."""
    states = look(sorted({*cases["image"].astype(str), *cases["mask"].astype(str)}))
    known = {path: note["sha256"] for path, note in store.noted().items()
             if path in states and same(note, states[path])}
    keys: dict[int, str] = {}
    failures: dict[int, Failure] = {}
    for at, (image, mask, label) in enumerate(_files(cases)):
        gone = [short(Path(path)) for path in (image, mask) if path not in states]
        if gone:
            failures[at] = Failure("E_MISSING", f"{' and '.join(gone)} cannot be read. Correct the path in the "
                                                "manifest, or make the file readable.")
        elif image in known and mask in known:
            keys[at] = key_of(known[image], known[mask], label)
    return keys, failures


def _files(cases: pd.DataFrame) -> Iterator[tuple[str, str, int]]:
    for image, mask, label in zip(cases["image"], cases["mask"], cases["label"], strict=True):
        yield str(image), str(mask), int(label)


def _within_memory(how: _How, cases: pd.DataFrame, chosen: Choice) -> tuple[_How, str]:
    """Use as many processes as the largest case allows."""
    images = sorted(set(cases["image"].astype(str)))
    if how.workers < 2 or not images or how.cluster:
        return how, ""
    needed = memory.largest(images, how.settings, chosen.engine.bytes_per_voxel,
                            in_boxes=chosen.engine.boxes_only(how.settings))
    workers, said = memory.fitting(min(how.workers, len(images)), needed, how.free)
    return (replace(how, workers=workers), said) if said else (how, "")


@dataclass
class _Work:
    """What the tasks of a run gave, by row of the cases, and the values by key."""

    values: pd.DataFrame
    keys: dict[int, str] = field(default_factory=dict)
    failures: dict[int, Failure] = field(default_factory=dict)
    measured: dict[str, Candidate] = field(default_factory=dict)
    stored: set[int] = field(default_factory=set)
    changed: int = 0


def _work(cases: pd.DataFrame, todo: Sequence[int], chosen: Choice, group: str, how: _How,
          label: str = "extract features") -> _Work:
    """Measure some rows of the cases; what turns out to be damaged in the store is measured once more."""
    before, found, left = how.store.noted(), Result(), list(todo)
    for _ in range(2):
        new = _run(_tasks(cases, left, chosen, group, how), how, label)
        found.outcomes.update(_for_equals(cases, left, new.outcomes))
        found.notes.update(new.notes)
        how.store.consolidate(group)
        keys = {at: outcome.key for at, outcome in found.outcomes.items() if isinstance(outcome, Done)}
        values = how.store.table(group, set(keys.values()))
        left = [at for at, key in keys.items() if key not in values.index]
        if not left:
            break
        time.sleep(LATE_SECONDS if how.cluster else 0)
    unread = Failure("E_STORE", "Its features were written but cannot be read back. Check the disk of the store.")
    work = _Work(values, changed=sum(path in before and before[path]["sha256"] != note["sha256"]
                                     for path, note in found.notes.items()))
    for at, outcome in {**found.outcomes, **dict.fromkeys(left, unread)}.items():
        if isinstance(outcome, Failure):
            work.failures[at] = outcome
            continue
        work.keys[at] = outcome.key
        if outcome.state == "stored":
            work.stored.add(at)
        else:
            work.measured[outcome.key] = Candidate(outcome.key, outcome.voxels, outcome.filtered)
    return work


def _tasks(cases: pd.DataFrame, todo: Sequence[int], chosen: Choice, group: str, how: _How) -> list[Task]:
    """Group what is missing by image, most work first; rows of equal files are measured once."""
    files = dict(enumerate(_files(cases)))
    once = {files[at]: at for at in reversed(todo)}
    images: dict[str, list[tuple[int, str, int]]] = {}
    for (image, mask, label), at in sorted(once.items(), key=lambda item: item[1]):
        images.setdefault(image, []).append((at, mask, label))
    bytes_of = {path: state["size"] for path, state in look([*images, *{mask for _, mask, _ in once}]).items()}
    tasks = [Task(image, tuple(regions), how.settings, chosen.name, str(how.store.folder.absolute()), group, how.free,
                  work=sum(bytes_of.get(path, 0) for path in (image, *(mask for _, mask, _ in regions))))
             for image, regions in images.items()]
    return sorted(tasks, key=lambda task: (task.work, task.image), reverse=True)


def _for_equals(cases: pd.DataFrame, todo: Sequence[int], outcomes: Mapping[int, Done | Failure]
                ) -> dict[int, Done | Failure]:
    """Give every row the outcome of the row with the same files."""
    files = dict(enumerate(_files(cases)))
    found = {files[at]: outcome for at, outcome in outcomes.items()}
    return {at: found[files[at]] for at in todo if files[at] in found}


def _run(tasks: Sequence[Task], how: _How, label: str) -> Result:
    """Measure all tasks.  The regions of a task whose process died or hung are then tried one by one; what another run
    measures at the same time is looked for again at the end."""
    found, total, done = Result(), sum(len(task.regions) for task in tasks), 0.0
    work = sum(task.work for task in tasks) or 1.0
    if not tasks:
        return found  # nothing to show a progress bar for
    with progress(total=total, label=label, unit="case") as bar:
        while tasks:
            again: list[Task] = []
            for task, result in _results(tasks, how):
                left = _left_over(task, result)
                again += left
                found.outcomes.update(_outcomes(task, result))
                if isinstance(result, Result):
                    found.notes.update(result.notes)
                    how.store.note(result.notes)
                done += task.work - sum(one.work for one in left)
                bar.share = done / work
                bar.update(len(task.regions) - sum(len(one.regions) for one in left))
            tasks = again
    return found


def _results(tasks: Sequence[Task], how: _How) -> Iterator[tuple[Task, Result | Failure]]:
    longest = max(len(task.regions) for task in tasks) + (2 if tasks[0].wait_seconds else 0)
    needs = Needs(folders=(tasks[0].store,), files=(tasks[0].image, tasks[0].regions[0][1]),
                  versions=functools.partial(_engine_version, tasks[0].engine))
    for at, result in map_cases(measure_image, tasks, workers=how.workers, label=None, timeout=how.timeout * longest,
                                cluster=how.cluster, needs=needs):
        yield tasks[at], result


def _engine_version(name: str) -> dict[str, str]:
    return {"engine": ENGINES[name].version()}


def _left_over(task: Task, result: Result | Failure) -> list[Task]:
    """Return what is to be tried again: the regions of a lost process one by one, and those busy elsewhere."""
    if isinstance(result, Failure):
        alone = result.code in _OF_THE_PROCESS and len(task.regions) > 1
        return [_part(task, (one,)) for one in task.regions] if alone else []
    busy = tuple(one for one in task.regions if _busy(result.outcomes[one[0]]))
    return [_part(task, busy, WAIT_SECONDS)] if busy and not task.wait_seconds else []


def _part(task: Task, regions: tuple[tuple[int, str, int], ...], wait_seconds: float = 0) -> Task:
    return replace(task, regions=regions, wait_seconds=wait_seconds,
                   work=task.work * len(regions) / len(task.regions))


def _busy(outcome: Done | Failure) -> bool:
    return isinstance(outcome, Done) and outcome.state == "busy"


def _outcomes(task: Task, result: Result | Failure) -> dict[int, Done | Failure]:
    if isinstance(result, Failure):
        return {at: result for at, _, _ in task.regions}
    busy = Failure("E_LOCKED", f"Another run has been measuring this region for {task.wait_seconds:g} s. "
                               "Wait for it to end, then run this again.")
    return {at: busy if _busy(outcome) else outcome for at, outcome in result.outcomes.items()}


def _verify(mode: str, chosen: Choice, cases: pd.DataFrame, rows: Mapping[int, str], found: pd.DataFrame,
            measured: Sequence[Candidate], how: _How, seconds: float) -> Verification:
    """Measure some regions with the reference engine too, keep that, and compare all that both have measured."""
    if mode == "none" or chosen.name == REFERENCE:
        return Verification(mode, "")
    known = known_part(how.settings)
    if known is None:
        return Verification(mode, "", reason="The reference engine knows nothing of these settings.")
    try:
        reference = choose(REFERENCE)
    except RadnbError as error:
        return Verification(mode, "", note=f"Nothing was verified. {error}")
    how, group = replace(how, settings=known), _opened(reference, known, how.store)
    held = how.store.table(group, set(rows.values()))
    places = {key: at for at, key in reversed([*rows.items()])}
    fitting = verification.choose(measured, known, seconds=seconds, bytes_per_voxel=reference.engine.bytes_per_voxel)
    picked = set(places) if mode == "all" else {one.key for one in fitting}
    if mode == "some":  # too little work for processes of its own
        how = replace(how, workers=0, cluster=None)
    work = _work(cases, sorted(places[key] for key in picked - set(held.index)), reference, group, how,
                 "verify features")
    names = {key: ", ".join(str(cases.at[at, name]) for name in KEYS if cases.at[at, name])
             for key, at in places.items()}
    return verification.compare(found.reindex(columns=known.columns), pd.concat([held, work.values]), mode=mode,
                                reference=f"{reference.name} ({reference.version})", names=names,
                                note=_unverified(work.failures),
                                reason="The run was too short for a comparison within 5 % of its time.")


def _unverified(failures: Mapping[int, Failure]) -> str:
    if not failures:
        return ""
    first = next(iter(failures.values()))
    return f"{len(failures)} could not be measured by the reference engine ({first.code}: {first.message})"


def _levels(found: pd.DataFrame, rows: Mapping[int, str]) -> pd.DataFrame:
    levels = found.loc[sorted(set(rows.values())), [name for name in found if str(name).startswith(LEVELS)]]
    return levels.rename(columns=lambda name: name.removeprefix(LEVELS))


def _feature_table(cases: pd.DataFrame, rows: Mapping[int, str], found: pd.DataFrame,
                   settings: Settings) -> pd.DataFrame:
    places = sorted(rows)
    values = found.reindex(index=[rows[at] for at in places], columns=list(settings.columns)).astype(float)
    return pd.concat([cases.loc[places, KEYS].reset_index(drop=True), values.reset_index(drop=True)], axis=1)


def _failure_table(cases: pd.DataFrame, failures: Mapping[int, Failure]) -> pd.DataFrame:
    rows = [[*cases.loc[at, KEYS], "read" if failure.code in _OF_THE_FILES else "extract", failure.code,
             failure.message] for at, failure in sorted(failures.items())]
    return pd.DataFrame(rows, columns=FAILURE_COLUMNS)
