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
_SIGNATURE = b"radnb"


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
        found = self._read_shards([path for key in sorted(wanted) if (path := self._shard(group, key)).is_file()])
        for path in sorted(self._group(group).glob("part-*.parquet")):  # after the shards: a neighbour may merge some
            found.update({key: row for key, row in self._read_part(path).items() if key in wanted})
        return found

    def put(self, group: str, key: str, features: Mapping[str, float]) -> None:
        """Keep one result; it is on disk when this returns."""
        table = pa.table({"feature": list(features), "value": pa.array(features.values(), pa.float64())})
        _write(self._shard(group, key), table)

    def consolidate(self, group: str) -> None:
        """Merge the shards of a group into one part, a row for each key, which reads many times faster."""
        shards = sorted(path for path in self._group(group).glob("shards/*/*.parquet")
                        if not path.name.startswith(TEMPORARY))
        rows = self._read_shards(shards)
        for columns, keys in _by_columns(rows).items():
            values = [pa.array([rows[key][column] for key in keys], pa.float64()) for column in columns]
            part = pa.Table.from_arrays([pa.array(keys, pa.string()), *values], ["key", *columns])
            _write(self._group(group) / f"part-{sha256_json([columns, keys])[:16]}.parquet", part)
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

    def _read_shards(self, paths: Sequence[Path]) -> dict[str, dict[str, float]]:
        tables = {path.stem: self._read(path) for path in paths}
        return {key: dict(zip(table["feature"].to_pylist(), table["value"].to_pylist(), strict=True))
                for key, table in tables.items() if table is not None}

    def _read_part(self, path: Path) -> dict[str, dict[str, float]]:
        if (table := self._read(path)) is None:
            return {}
        values = table.drop_columns(["key"])
        rows = zip(*(column.to_pylist() for column in values.columns), strict=True)
        return {key: dict(zip(values.column_names, row, strict=True))
                for key, row in zip(table["key"].to_pylist(), rows, strict=True)}

    def _read(self, path: Path) -> pa.Table | None:
        """Return a file's table, or None when another process has merged it meanwhile or it is damaged."""
        try:
            table = pq.ParquetFile(path, page_checksum_verification=True).read()
            if (table.schema.metadata or {}).get(_SIGNATURE) == _signature(table):
                return table
        except FileNotFoundError:
            return None
        except (OSError, ValueError, pa.ArrowException):
            pass
        self.damaged += 1
        with contextlib.suppress(OSError):
            path.unlink()
        return None


def _write(path: Path, table: pa.Table) -> None:
    table = table.replace_schema_metadata({_SIGNATURE: _signature(table)})
    with atomic_path(path) as temporary:
        pq.write_table(table, temporary, use_dictionary=False, write_statistics=False, write_page_checksum=True)


def _signature(table: pa.Table) -> bytes:
    """Return a hash of the columns' names and types, which Parquet's own checksums do not cover."""
    return sha256_json([[field.name, str(field.type)] for field in table.schema]).encode("ascii")


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
