"""Features on disk, each computed once: whole Parquet shards, named by what they were computed from."""

from __future__ import annotations

import contextlib
import json
import time
from collections.abc import Iterable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq

from radnb.work.files import TEMPORARY, atomic_path, sha256_file, sha256_json, write_json

_UNSURE_NS = 2_000_000_000  # a file younger than this may change again within one tick of its clock
_HASHES = "hashes.json"


class Store:
    """A folder of features; `group` stands for one settings and engine, `key` for one image, mask and label.

    A result is first a shard of its own (so that a killed run loses nothing), then part of a `part-*.parquet`; both
    only ever appear whole, and never change, so that several processes may read and write at once.
    """

    def __init__(self, folder: Path | str) -> None:
        self.folder = Path(folder)
        self.damaged = 0  # files found unreadable, to be computed again

    def open_group(self, group: str, about: Mapping[str, Any]) -> None:
        """Make sure that the group can be written, and say in it what its values were computed with."""
        path = self._group(group) / "settings.json"
        if not path.is_file():
            write_json(path, dict(about))
        _sweep_old(self._group(group))

    def get(self, group: str, keys: Iterable[str]) -> dict[str, dict[str, float]]:
        """Return the stored features of those keys that are there; what cannot be read counts as not there."""
        wanted = set(keys)
        found: dict[str, dict[str, float]] = {}
        shards = [path for key in sorted(wanted) if (path := self._shard(group, key)).is_file()]
        for path in [*shards, *self._parts(group)]:  # shards first: another process may be merging them into a part
            found.update(self._rows(path, wanted))
        return found

    def put(self, group: str, key: str, features: Mapping[str, float]) -> None:
        """Keep one result; it is on disk when this returns."""
        _write(self._shard(group, key), [key], [features])

    def consolidate(self, group: str) -> None:
        """Merge the shards of a group into one part, which reads many times faster."""
        shards = sorted(self._group(group).glob("shards/*/*.parquet"))
        rows: dict[str, dict[str, float]] = {}
        for path in shards:
            rows.update(self._rows(path, None))
        for columns, keys in _by_columns(rows).items():
            name = f"part-{sha256_json([columns, keys])[:16]}.parquet"
            _write(self._group(group) / name, keys, [rows[key] for key in keys])
        for path in shards:
            with contextlib.suppress(OSError):  # open elsewhere (Windows): it stays, harmless
                path.unlink()

    def hashes(self, paths: Sequence[str]) -> tuple[dict[str, str], set[str]]:
        """Return the SHA-256 of every readable file and the paths whose content has changed since last time.

        A file is read again unless its size and times are those that were noted when it was last read.
        """
        known = self._known_hashes()
        with ThreadPoolExecutor(4) as pool:
            fresh = dict(zip(paths, pool.map(lambda path: _fingerprint(path, known.get(path)), paths), strict=True))
        found = {path: note for path, note in fresh.items() if note is not None}
        changed = {path for path, note in found.items() if path in known and known[path]["sha256"] != note["sha256"]}
        if any(known.get(path) != note for path, note in found.items()):
            write_json(self.folder / _HASHES, {**self._known_hashes(), **found})
        return {path: note["sha256"] for path, note in found.items()}, changed

    def _known_hashes(self) -> dict[str, dict[str, Any]]:
        try:
            known = json.loads((self.folder / _HASHES).read_text(encoding="utf-8"))
        except (OSError, ValueError):
            return {}
        return known if isinstance(known, dict) else {}

    def _group(self, group: str) -> Path:
        return self.folder / group

    def _shard(self, group: str, key: str) -> Path:
        return self._group(group) / "shards" / key[:2] / f"{key}.parquet"

    def _parts(self, group: str) -> list[Path]:
        return sorted(self._group(group).glob("part-*.parquet"))

    def _rows(self, path: Path, wanted: set[str] | None) -> dict[str, dict[str, float]]:
        try:
            table = pq.ParquetFile(path, page_checksum_verification=True).read()
            keys = table.column("key").to_pylist()
        except FileNotFoundError:
            return {}  # merged into a part meanwhile, which is read later
        except (OSError, pa.ArrowException, KeyError):
            self.damaged += 1
            with contextlib.suppress(OSError):
                path.unlink()
            return {}
        values = table.drop_columns(["key"]).to_pandas().to_numpy(dtype=float)
        names = [name for name in table.column_names if name != "key"]
        return {key: dict(zip(names, row.tolist(), strict=True)) for key, row in zip(keys, values, strict=True)
                if wanted is None or key in wanted}


def _write(path: Path, keys: Sequence[str], rows: Sequence[Mapping[str, float]]) -> None:
    columns = list(rows[0])
    arrays = [pa.array(list(keys), pa.string()),
              *(pa.array([row[column] for row in rows], pa.float64(), from_pandas=False) for column in columns)]
    with atomic_path(path) as temporary:
        pq.write_table(pa.Table.from_arrays(arrays, ["key", *columns]), temporary, use_dictionary=False,
                       write_statistics=False, compression="none" if len(keys) == 1 else "zstd",
                       write_page_checksum=True)


def _by_columns(rows: Mapping[str, Mapping[str, float]]) -> dict[tuple[str, ...], list[str]]:
    groups: dict[tuple[str, ...], list[str]] = {}
    for key in sorted(rows):
        groups.setdefault(tuple(rows[key]), []).append(key)
    return groups


def _fingerprint(path: str, known: dict[str, Any] | None) -> dict[str, Any] | None:
    try:
        state = Path(path).stat()
        note: dict[str, Any] = {"size": state.st_size, "mtime_ns": state.st_mtime_ns, "ctime_ns": state.st_ctime_ns}
        if known is not None and {**known, **note} == known:
            return known
        note["sha256"] = sha256_file(Path(path))
    except OSError:
        return None
    if time.time_ns() - state.st_mtime_ns < _UNSURE_NS:
        note["mtime_ns"] = -1  # read it again next time
    return note


def _sweep_old(folder: Path) -> None:
    """Remove what killed writers left behind an hour ago or more; younger leftovers may belong to a live process."""
    for left in folder.glob(f"**/{TEMPORARY}*"):
        with contextlib.suppress(OSError):
            if time.time() - left.stat().st_mtime > 3600:
                left.unlink()
