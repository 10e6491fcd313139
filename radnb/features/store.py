"""Features on disk, each computed once: whole Parquet shards, named by what they were computed from."""

from __future__ import annotations

import contextlib
import functools
import hashlib
import json
import operator
import re
import socket
import time
from collections.abc import Iterable, Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq

from radnb.errors import RadnbError
from radnb.imaging.volumes import files_of, sha256_image
from radnb.work.claims import claim
from radnb.work.files import TEMPORARY, atomic_path, sha256_json, unwritable, write_bytes, write_json

if TYPE_CHECKING:
    import pandas as pd

_UNSURE_NS = 2_000_000_000  # a file younger than this may change again within one tick of its clock
_HASHES = "hashes*.jsonl"  # one for each machine: lines that two machines append to one shared file may be lost
_CLAIMS = "claims"
_SIGNATURE = b"radnb"
_SPARE = 1000  # lines of the hashes that may be out of date before they are written anew
_BLOCK = 2000  # cases that are merged into one part, and held in memory at once
Note = dict[str, Any]
Block = tuple[tuple[str, ...], list[str], np.ndarray]  # names, keys, a row of values for each key


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
        return {key: dict(zip(names, row.tolist(), strict=True))
                for names, found, matrix in self._blocks(group, set(keys))
                for key, row in zip(found, matrix, strict=True)}

    def table(self, group: str, keys: Iterable[str]) -> pd.DataFrame:
        """Return the same with a row for each key (its index) and a column for each feature."""
        import pandas as pd  # here, for the processes that measure do without it

        wanted = sorted(set(keys))
        place = {key: at for at, key in enumerate(wanted)}
        found: dict[tuple[str, ...], tuple[np.ndarray, np.ndarray]] = {}
        for names, here, matrix in self._blocks(group, set(wanted)):
            values, there = found.setdefault(names, (np.empty((len(wanted), len(names))), np.zeros(len(wanted), bool)))
            rows = [place[key] for key in here]
            values[rows], there[rows] = matrix, True
        frames = [pd.DataFrame(values if there.all() else values[there], columns=list(names),
                               index=pd.Index(np.array(wanted, dtype=object)[there]))
                  for names, (values, there) in sorted(found.items())]
        if len(frames) == 1:
            return frames[0]  # the usual case, without a copy
        return pd.concat(frames).sort_index() if frames else pd.DataFrame(index=pd.Index([], dtype=object))

    def holds(self, group: str, key: str) -> bool:
        """Say whether a key is there, without reading its features."""
        return self._shard(group, key).is_file() or any(key in self._keys_of(path) for path in self.parts(group))

    def parts(self, group: str = "*") -> list[Path]:
        """List the files that hold merged features, of one group or of all."""
        return sorted(self.folder.glob(f"{group}/part-*.parquet"))

    def groups(self) -> list[str]:
        """List the groups: settings, engine and version that anything was measured with."""
        return sorted(path.parent.name for path in self.folder.glob("*/settings.json"))

    def claim(self, group: str, name: str, *, wait_seconds: float = 0) -> contextlib.AbstractContextManager[bool]:
        """Claim what is to be measured, so that no other process measures it too; yields whether that succeeded."""
        return claim(self._group(group) / _CLAIMS, name, wait_seconds=wait_seconds)

    def sha256(self, group: str) -> str:
        """Return one hash over all keys, names and values of a group, however they lie in files."""
        shards = [path.stem for path in self._group(group).glob("shards/*/*.parquet") if path.name[0] != "."]
        keys = {*shards, *(key for path in self.parts(group) for key in _keys_of(path))}
        digest = hashlib.sha256()
        rows = ((key, names, row) for names, found, matrix in self._blocks(group, keys)
                for key, row in zip(found, matrix, strict=True))
        for key, names, row in sorted(rows, key=operator.itemgetter(0)):
            digest.update(json.dumps([key, list(names)]).encode() + row.astype("<f8").tobytes())
        return digest.hexdigest()

    def put(self, group: str, key: str, features: Mapping[str, float]) -> None:
        """Keep one result; it is on disk when this returns."""
        columns = [_strings(list(features)), _doubles(np.array([*features.values()], float))]
        _write(self._shard(group, key), pa.Table.from_arrays(columns, ["feature", "value"]))

    def consolidate(self, group: str) -> None:
        """Merge the shards of a group into parts, a row for each key, which read many times faster."""
        with self.claim(group, "consolidate", wait_seconds=600):
            shards = sorted(path for path in self._group(group).glob("shards/*/*.parquet")
                            if not path.name.startswith(TEMPORARY))
            merged = {key for path in self.parts(group) if shards for key in self._keys_of(path)}
            for names, keys, matrix in self._shard_blocks([path for path in shards if path.stem not in merged]):
                values = [pa.array(matrix[:, place]) for place in range(len(names))]
                part = pa.Table.from_arrays([pa.array(keys, pa.string()), *values], ["key", *names])
                _write(self._group(group) / f"part-{sha256_json([names, keys])[:16]}.parquet", part)
            for path in shards:
                with contextlib.suppress(OSError):  # open elsewhere (Windows): it stays, harmless
                    path.unlink()

    def hashes(self, paths: Sequence[str]) -> tuple[dict[str, str], set[str]]:
        """Return the SHA-256 of every readable file and the paths whose content has changed since last time.

        A file is read again unless its size and times are those that were noted when it was last read.
        """
        known, states = self.noted(), look(paths)
        fresh = {path: state for path, state in states.items() if not same(known.get(path), state)}
        with ThreadPoolExecutor(4) as pool:
            read = dict(zip(fresh, pool.map(_sha256, fresh), strict=True))
        notes = {path: signed(fresh[path], sha256) for path, sha256 in read.items() if sha256}
        if notes:
            self.note(notes)
        changed = {path for path, note in notes.items() if path in known and known[path]["sha256"] != note["sha256"]}
        return {path: (notes.get(path) or known[path])["sha256"] for path in states
                if path in notes or path not in fresh}, changed

    def noted(self) -> dict[str, Note]:
        """Return, for each file ever read, its size, times and hash; a damaged line counts as not there."""
        notes: dict[str, Note] = {}
        for path in sorted(self.folder.glob(_HASHES)):
            for name, note in self._noted_in(path).items():
                if name not in notes or _age(notes[name]) <= _age(note):
                    notes[name] = note
        return notes

    def _noted_in(self, path: Path) -> dict[str, Note]:
        try:
            lines = path.read_bytes().splitlines()
        except OSError:
            return {}
        notes = dict(filter(None, map(_line, lines)))
        if len(lines) > 2 * len(notes) + _SPARE and path == self._notes_of_this_machine:
            write_bytes(path, b"".join(_lines(notes)))
        return notes

    @property
    def _notes_of_this_machine(self) -> Path:
        host = re.sub(r"[^A-Za-z0-9.-]", "_", socket.gethostname())
        return self.folder / _HASHES.replace("*", f"-{host}")

    def note(self, notes: Mapping[str, Note]) -> None:
        """Keep what was learnt of files; at once, so that a killed run need not read them again."""
        path = self._notes_of_this_machine
        try:
            path.parent.mkdir(parents=True, exist_ok=True)
            with path.open("ab") as stream:
                stream.write(b"".join(_lines(notes)))
        except OSError as error:
            raise unwritable(path, error) from error

    def _group(self, group: str) -> Path:
        return self.folder / group

    def _shard(self, group: str, key: str) -> Path:
        return self._group(group) / "shards" / key[:2] / f"{key}.parquet"

    def _blocks(self, group: str, wanted: set[str]) -> Iterator[Block]:
        """Give each wanted key once, some thousands at a time: 100,000 cases are more than fit as Python's numbers."""
        left = set(wanted)
        shards = [path for key in sorted(wanted) if (path := self._shard(group, key)).is_file()]
        for names, keys, matrix in self._shard_blocks(shards):
            left.difference_update(keys)
            yield names, keys, matrix
        for path in self.parts(group):  # after the shards: a neighbour may merge some
            here = left & self._keys_of(path)
            if here and (table := self._read(path)) is not None:
                left -= here
                rows = table if len(here) == len(table) else table.filter(
                    pa.array([key in here for key in table["key"].to_pylist()]))
                values = rows.drop_columns(["key"])
                matrix = np.column_stack([column.to_numpy() for column in values.columns])
                yield tuple(values.column_names), rows["key"].to_pylist(), matrix

    def _shard_blocks(self, paths: Sequence[Path]) -> Iterator[Block]:
        """Read shards into blocks of equal feature names, in the order of the paths."""
        for start in range(0, len(paths), _BLOCK):
            rows: dict[tuple[str, ...], dict[str, np.ndarray]] = {}
            column: pa.ChunkedArray | None = None
            names: tuple[str, ...] = ()
            for path in paths[start:start + _BLOCK]:
                if (table := self._read(path)) is None:
                    continue
                if column is None or not table["feature"].equals(column):
                    column, names = table["feature"], tuple(table["feature"].to_pylist())
                rows.setdefault(names, {})[path.stem] = table["value"].to_numpy()
            for names, found in rows.items():
                yield names, list(found), np.stack(list(found.values()))

    def _keys_of(self, path: Path) -> frozenset[str]:
        """Return the keys of a part; none where it is damaged, which is told and mended as for any other file."""
        try:
            return _keys_of(path)
        except (OSError, ValueError, KeyError, pa.ArrowException):
            self._read(path)
            return frozenset()

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


def _doubles(values: np.ndarray) -> pa.Array:
    """Return a column of numbers; made from its bytes, because pa.array() would load pandas into every process."""
    return pa.Array.from_buffers(pa.float64(), len(values), [None, pa.py_buffer(np.ascontiguousarray(values))])


def _strings(words: Sequence[str]) -> pa.Array:
    """Return a column of words, made from its bytes for the same reason."""
    coded = [word.encode() for word in words]
    ends = np.cumsum([0, *map(len, coded)], dtype=np.int32)
    return pa.Array.from_buffers(pa.string(), len(words), [None, pa.py_buffer(ends), pa.py_buffer(b"".join(coded))])


def _signature(table: pa.Table) -> bytes:
    """Return a hash of the columns' names and types, which Parquet's own checksums do not cover."""
    return sha256_json([[field.name, str(field.type)] for field in table.schema]).encode("ascii")


@functools.lru_cache(maxsize=4096)
def _keys_of(path: Path) -> frozenset[str]:
    """Return the keys of a part, which never changes."""
    return frozenset(pq.read_table(path, columns=["key"], page_checksum_verification=True)["key"].to_pylist())


def look(paths: Sequence[str]) -> dict[str, Note]:
    """Return size and times of every file that is there."""
    with ThreadPoolExecutor(8) as pool:
        states = zip(paths, pool.map(_state, paths), strict=True)
    return {path: state for path, state in states if state is not None}


def same(note: Note | None, state: Note) -> bool:
    """Say whether a file still has the size and times that were noted with its hash."""
    return note is not None and {**note, **state} == note


def signed(state: Note, sha256: str) -> Note:
    """Return what is to be noted of a file that had this state when it was read."""
    unsure = time.time_ns() - state["mtime_ns"] < _UNSURE_NS
    return {**state, "sha256": sha256} | ({"mtime_ns": -1} if unsure else {})  # then it is read again next time


def _state(path: str) -> Note | None:
    try:
        found = [file.stat() for file in files_of(path)]
    except OSError:
        return None
    return {"size": sum(one.st_size for one in found), "mtime_ns": max(one.st_mtime_ns for one in found),
            "ctime_ns": max(one.st_ctime_ns for one in found)}


def _sha256(path: str) -> str:
    try:
        return sha256_image(path)
    except (OSError, RadnbError):
        return ""


def _lines(notes: Mapping[str, Note]) -> Iterator[bytes]:
    return (json.dumps([path, note]).encode() + b"\n" for path, note in notes.items())


def _age(note: Note) -> tuple[int, int]:
    return note.get("ctime_ns", 0), note.get("mtime_ns", 0)


def _line(line: bytes) -> tuple[str, Note] | None:
    try:
        path, note = json.loads(line)
        return (path, note) if note["sha256"] and "size" in note else None
    except (ValueError, TypeError, KeyError):
        return None


def _sweep_old(folder: Path) -> None:
    """Remove what killed writers left behind an hour ago or more; younger leftovers may belong to a live process."""
    for left in folder.glob(f"**/{TEMPORARY}*"):
        with contextlib.suppress(OSError):
            if time.time() - left.stat().st_mtime > 3600:
                left.unlink()
