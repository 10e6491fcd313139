"""Files that are whole or absent: atomic writes, hashes, deterministic tables and a lock."""

from __future__ import annotations

import contextlib
import hashlib
import json
import os
import socket
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any

from radnb.errors import RadnbError

if TYPE_CHECKING:
    import pandas as pd

TEMPORARY = ".radnb-tmp-"
SIGNED_WITHIN_SECONDS = 5  # between making a lock and writing the holder into it lies an instant
LOCK = ".radnb-lock"


@contextlib.contextmanager
def atomic_path(path: Path) -> Iterator[Path]:
    """Yield a temporary path in the same folder that takes the final name only when the block ends well."""
    path = Path(path)
    temporary = Path()
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        handle, name = tempfile.mkstemp(prefix=TEMPORARY, suffix=path.name[-40:], dir=path.parent)
        os.close(handle)
        temporary = Path(name)
        yield temporary
        with temporary.open("rb+") as written:
            os.fsync(written.fileno())
        os.chmod(temporary, 0o644)
        os.replace(temporary, path)
    except OSError as error:
        raise unwritable(path, error) from error
    finally:
        if temporary.name:
            temporary.unlink(missing_ok=True)


def unwritable(path: Path, error: OSError) -> RadnbError:
    """Return the error that says why a file cannot be written, and what to do."""
    return RadnbError(f"{path} cannot be written: {error.strerror or error}. "
                      "Free some space or choose a folder of your own.", code="E_WRITE")


def write_bytes(path: Path, content: bytes) -> None:
    """Write bytes under the final name only when all of them are on disk."""
    with atomic_path(path) as temporary:
        temporary.write_bytes(content)


def write_text(path: Path, text: str) -> None:
    """Write UTF-8 text with Unix line ends, atomically."""
    write_bytes(path, text.encode("utf-8"))


def write_json(path: Path, value: Any) -> None:
    """Write sorted, indented JSON, atomically."""
    write_text(path, json.dumps(value, indent=2, ensure_ascii=False, sort_keys=True, default=str) + "\n")


def read_json(path: Path) -> Any:
    """Read a JSON file."""
    return json.loads(Path(path).read_text(encoding="utf-8"))


def write_csv(path: Path, table: pd.DataFrame) -> None:
    """Write a table as UTF-8 CSV with the shortest exact floats, so that equal tables give equal bytes."""
    write_text(path, table.to_csv(index=False, lineterminator="\n"))


def write_parquet(path: Path, table: pd.DataFrame) -> None:
    """Write a table as Parquet, atomically."""
    with atomic_path(path) as temporary:
        table.to_parquet(temporary, index=False)


def refuse_folder(folder: Path) -> None:
    """Refuse a folder that cannot be written to, before the work for it is done; nothing is left in it."""
    there = next(place for place in [folder.absolute(), *folder.absolute().parents] if place.exists())
    try:
        with tempfile.TemporaryFile(dir=there) as probe:
            probe.write(b"0")
    except OSError as error:
        raise unwritable(folder, error) from error


def sha256_file(path: Path) -> str:
    """Return the SHA-256 of a file's bytes."""
    with Path(path).open("rb") as stream:
        return hashlib.file_digest(stream, "sha256").hexdigest()


def sha256_json(value: Any) -> str:
    """Return the SHA-256 of a value's canonical JSON."""
    text = json.dumps(value, sort_keys=True, ensure_ascii=False, separators=(",", ":"), default=str)
    return hashlib.sha256(text.encode("utf-8")).hexdigest()


def sweep(folder: Path) -> None:
    """Remove what an interrupted write left behind."""
    for left in Path(folder).glob(f"**/{TEMPORARY}*"):
        left.unlink(missing_ok=True)


@contextlib.contextmanager
def lock(folder: Path, *, wait_seconds: float = 0) -> Iterator[None]:
    """Hold a folder for one run; another waits as long as it is told to, then learns who holds it."""
    path, me = folder / LOCK, {"pid": os.getpid(), "host": socket.gethostname()}
    deadline = time.monotonic() + wait_seconds
    while True:
        try:
            folder.mkdir(parents=True, exist_ok=True)
            handle = os.open(path, os.O_CREAT | os.O_EXCL | os.O_WRONLY)
            break
        except FileExistsError as error:
            if not folder.is_dir():
                raise unwritable(folder, error) from error
            _pass_over_the_dead(path, waiting=time.monotonic() < deadline)
        except OSError as error:
            raise unwritable(folder, error) from error
    try:
        with os.fdopen(handle, "w", encoding="utf-8") as stream:
            json.dump(me, stream)
        yield
    finally:
        path.unlink(missing_ok=True)


def _pass_over_the_dead(path: Path, *, waiting: bool) -> None:
    """Remove the lock of a process that ended, let a living one work on while waiting, or say who it is."""
    try:
        just_made = time.time() - path.stat().st_mtime < SIGNED_WITHIN_SECONDS
        holder = json.loads(path.read_text(encoding="utf-8"))
    except FileNotFoundError:
        return
    except (OSError, ValueError):
        holder = {}
    if holder.get("host") == socket.gethostname() and not _alive(int(holder.get("pid", 0))):
        path.unlink(missing_ok=True)
    elif waiting or (just_made and not holder):
        time.sleep(0.2)
    else:
        raise RadnbError(f"{path.parent} is in use by process {holder.get('pid', '?')} on {holder.get('host', '?')}. "
                         f"Wait for it, choose another folder, or delete {path.name} there if it has ended.",
                         code="E_LOCKED")


def _alive(pid: int) -> bool:
    import psutil

    return psutil.pid_exists(pid)
