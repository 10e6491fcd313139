"""The compiled kernels: found, checked against their sources, and called with arrays and numbers."""

from __future__ import annotations

import ctypes
import functools
import hashlib
import os
from pathlib import Path

import numpy as np

from radnb.errors import RadnbError

KERNELS = Path(__file__).with_name("kernels")
LIBRARY = Path(__file__).with_name("_kernels" + (".dll" if os.name == "nt" else ".so"))
Argument = np.ndarray | int | float


def require() -> None:
    """Refuse, with the mend, where the kernels of exactly these sources are not here."""
    _library()


def available() -> bool:
    """Say whether the kernels of exactly these sources are here."""
    try:
        require()
    except RadnbError:
        return False
    return True


def processor() -> str:
    """Name the processors that the kernels make use of here: AVX-512, AVX2, or any processor."""
    function = _library().radnb_processor
    function.restype = ctypes.c_char_p
    return str(function().decode())


def call(name: str, *arguments: Argument) -> int:
    """Call a kernel: arrays go as they are (contiguous ones), numbers as int64 or double; -1 means no memory."""
    outcome = int(_kernel(name)(*map(_passed, arguments)))
    if outcome < 0:
        raise MemoryError(name)
    return outcome


def variant(name: str, values: np.ndarray) -> str:
    """Return the name of a kernel's variant for float32 or float64 values."""
    return f"{name}_{'f32' if values.dtype == np.float32 else 'f64'}"


def _passed(argument: Argument) -> ctypes.c_void_p | ctypes.c_int64 | ctypes.c_double:
    if isinstance(argument, np.ndarray):
        if not argument.flags.c_contiguous:
            raise ValueError("a kernel takes contiguous arrays only")
        return ctypes.c_void_p(argument.ctypes.data)
    if isinstance(argument, float | np.floating):
        return ctypes.c_double(argument)
    return ctypes.c_int64(argument)


@functools.cache
def _kernel(name: str) -> ctypes._NamedFuncPointer:
    function = getattr(_library(), name)
    function.restype = ctypes.c_int64
    return function


@functools.cache
def _library() -> ctypes.CDLL:
    mend = "Run the set-up of the README again (it builds them), or set `engine: pyradiomics` on the card."
    try:
        library = ctypes.CDLL(str(LIBRARY))
        library.radnb_digest.restype = ctypes.c_char_p
        built_from = library.radnb_digest().decode()
    except (OSError, AttributeError) as error:
        raise RadnbError(f"The compiled kernels of the extraction engine are missing ({LIBRARY.name}). {mend}",
                         code="E_NO_KERNELS") from error
    if built_from != _digest():
        raise RadnbError("The compiled kernels of the extraction engine are of another version than their sources. "
                         f"{mend}", code="E_NO_KERNELS")
    return library


def _digest() -> str:
    """Return the name that setup.py gives a build, made from the sources."""
    sources = [*sorted(KERNELS.glob("*.c")), *sorted(KERNELS.glob("*.h"))]
    return hashlib.sha256(b"\0".join(path.read_bytes() for path in sources)).hexdigest()[:16]
