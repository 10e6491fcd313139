"""What a NIfTI, NRRD or MetaImage file says of itself, read before any voxel is."""

from __future__ import annotations

import math
import re
import struct
import zlib
from collections.abc import Callable, Iterable
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np

from radnb.imaging.faults import ImageFault, short

_FIRST = 1 << 16  # bytes in which a header must end
_NIFTI_TYPES = {2: "u1", 4: "i2", 8: "i4", 16: "f4", 64: "f8", 256: "i1", 512: "u2", 768: "u4", 1024: "i8", 1280: "u8"}
_META_TYPES = {"MET_CHAR": "i1", "MET_UCHAR": "u1", "MET_SHORT": "i2", "MET_USHORT": "u2", "MET_INT": "i4",
               "MET_UINT": "u4", "MET_LONG": "i4", "MET_ULONG": "u4", "MET_LONG_LONG": "i8", "MET_ULONG_LONG": "u8",
               "MET_FLOAT": "f4", "MET_DOUBLE": "f8"}
_NRRD_TYPES = {
    "i1": "signed char|int8|int8_t", "u1": "uchar|unsigned char|uint8|uint8_t",
    "i2": "short|short int|signed short|signed short int|int16|int16_t",
    "u2": "ushort|unsigned short|unsigned short int|uint16|uint16_t", "i4": "int|signed int|int32|int32_t",
    "u4": "uint|unsigned int|uint32|uint32_t",
    "i8": "longlong|long long|long long int|signed long long|signed long long int|int64|int64_t",
    "u8": "ulonglong|unsigned long long|unsigned long long int|uint64|uint64_t", "f4": "float", "f8": "double"}


@dataclass(frozen=True)
class Header:
    """The claims of an image file: size along x, y, z, voxel type with byte order, and where the voxels are."""

    size: tuple[int, ...]
    dtype: np.dtype
    payload: Path
    start: int = 0  # position in the file where the voxels, or their compressed stream, begin
    skip: int = 0  # bytes to pass over in the decompressed stream
    compressed: bool = False
    scaled: bool = False  # values need a slope and intercept
    spacing: tuple[float, ...] = (1.0, 1.0, 1.0)  # mm, as a first estimate: ITK's reading is what counts
    translated: bytes = b""  # the same header in NIfTI-1, for a NIfTI-2 file, which ITK does not know

    @property
    def nbytes(self) -> int:
        """Return how many bytes the voxels take."""
        return math.prod(self.size) * self.dtype.itemsize


def read_header(path: Path) -> Header:
    """Read the header of a .nii, .nii.gz, .nrrd, .nhdr, .mha or .mhd file, or say why it is none."""
    if not path.is_file():
        raise ImageFault(f"{short(path)} is not there.", "Correct the path in the manifest.", code="E_MISSING")
    kind = next((suffix for suffix in READERS if path.name.lower().endswith(suffix)), "")
    try:
        with path.open("rb") as stream:
            first = stream.read(_FIRST)
    except OSError as error:
        raise ImageFault(f"{short(path)} cannot be read: {error.strerror or error}.",
                         "Make the file readable.", code="E_MISSING") from error
    _refuse_what_is_no_image(path, first, kind)
    return READERS[kind](path, first)


def _refuse_what_is_no_image(path: Path, first: bytes, kind: str) -> None:
    start = first[:512].lstrip().lower()
    if not first:
        raise _no_format(path, "is empty (0 bytes)", "Export or copy it again.")
    if start.startswith((b"<!doctype", b"<html", b"<?xml", b"<head")):
        raise _no_format(path, "is a web page, not an image (often a login page saved under the image's name)",
                         "Download it again while logged in.")
    if first[128:132] == b"DICM":
        raise _no_format(path, "is a DICOM file", "Convert its series to NIfTI first.")
    if first[:4] == b"PK\x03\x04":
        raise _no_format(path, "is a ZIP archive", "Unpack it and name the image inside.")
    if not kind:
        raise _no_format(path, "is of no kind that is read here", f"Convert it to one of {', '.join(READERS)}.")


def _no_format(path: Path, problem: str, mend: str) -> ImageFault:
    return ImageFault(f"{short(path)} {problem}.", mend, code="E_FORMAT")


def _corrupt(path: Path, problem: str) -> ImageFault:
    return ImageFault(f"{short(path)}: {problem}.", "Export or copy it again.", code="E_CORRUPT")


def three_dimensional(path: Path, sizes: list[int], components: int = 1) -> tuple[int, ...]:
    """Return the size along x, y, z, or refuse colours, time series and single pictures."""
    while len(sizes) > 3 and sizes[-1] == 1:
        sizes = sizes[:-1]
    if any(size < 1 for size in sizes):
        raise _corrupt(path, f"its header claims the size {sizes}")
    if components > 1 or len(sizes) != 3:
        found = f"{components} components per voxel" if components > 1 else f"{len(sizes)} dimensions ({sizes})"
        raise ImageFault(f"{short(path)} has {found}; one grey value per voxel in three dimensions is needed.",
                         "Save the frame or channel you mean as a 3-D image of its own.", code="E_DIM")
    return tuple(sizes)


def _nifti(path: Path, first: bytes) -> Header:
    compressed = path.name.lower().endswith(".gz")
    if (first[:2] == b"\x1f\x8b") != compressed:
        raise _no_format(path, "is gzip-compressed" if not compressed else "is not gzip-compressed, as its name says",
                         f"Rename it to end in {'.nii' if compressed else '.nii.gz'} if it is a NIfTI image, "
                         "otherwise export it again.")
    head = _inflated(path, first) if compressed else first
    order = next((o for o in "<>" if len(head) >= 348 and struct.unpack_from(o + "i", head)[0] in (348, 540)), "")
    if not order:
        raise _no_format(path, "is no NIfTI image", "Export it again as NIfTI.")
    second = struct.unpack_from(order + "i", head)[0] == 540
    magic = head[4:8] if second else head[344:348]
    if magic[:3] not in (b"n+1", b"n+2") or len(head) < (540 if second else 348):
        raise _no_format(path, "is no single-file NIfTI image", "Save image and header together as .nii.gz.")
    dims = struct.unpack_from(order + ("8q" if second else "8h"), head, 16 if second else 40)
    code = struct.unpack_from(order + "h", head, 12 if second else 70)[0]
    offset = struct.unpack_from(order + ("q" if second else "f"), head, 168 if second else 108)[0]
    slope, intercept = struct.unpack_from(order + ("2d" if second else "2f"), head, 176 if second else 112)
    if not 1 <= dims[0] <= 7 or not (math.isfinite(offset) and 0 <= offset <= 1 << 24):
        raise _corrupt(path, "its header contradicts itself")
    size = three_dimensional(path, list(dims[1:dims[0] + 1]), {128: 3, 2304: 4, 32: 2, 1792: 2}.get(code, 1))
    if code not in _NIFTI_TYPES:
        raise _no_format(path, f"has the unusual voxel type {code}", "Save it as 16-bit integers or 32-bit floats.")
    steps = struct.unpack_from(order + ("3d" if second else "3f"), head, 112 if second else 80)
    return Header(size, np.dtype(order + _NIFTI_TYPES[code]), path, spacing=_positive(steps),
                  skip=max(int(offset), 544 if second else 352),
                  compressed=compressed, scaled=slope not in (0, 1) or intercept != 0,
                  translated=_as_nifti_1(path, head, order) if second else b"")


def _as_nifti_1(path: Path, head: bytes, order: str) -> bytes:
    """Write the grid, type and scaling of a NIfTI-2 header as a NIfTI-1 header."""
    dims, older = struct.unpack_from(order + "8q", head, 16), bytearray(352)
    if max(dims) > 32767:
        raise _no_format(path, "is a NIfTI-2 image with more than 32767 voxels along one axis", "Crop it.")
    struct.pack_into(order + "i", older, 0, 348)
    struct.pack_into(order + "8h", older, 40, *dims)
    struct.pack_into(order + "2h", older, 70, *struct.unpack_from(order + "2h", head, 12))
    struct.pack_into(order + "8f", older, 76, *struct.unpack_from(order + "8d", head, 104))
    struct.pack_into(order + "3f", older, 108, 352.0, *struct.unpack_from(order + "2d", head, 176))
    struct.pack_into("B", older, 123, struct.unpack_from(order + "i", head, 500)[0] & 255)
    struct.pack_into(order + "2h18f", older, 252, *struct.unpack_from(order + "2i18d", head, 344))
    older[344:348] = b"n+1\0"
    return bytes(older)


def _inflated(path: Path, first: bytes) -> bytes:
    try:
        return zlib.decompressobj(47).decompress(first, 1024)
    except zlib.error as error:
        raise _corrupt(path, "its compressed data are damaged") from error


def _fields(path: Path, text: bytes, separator: str) -> dict[str, str]:
    lines = text.decode("utf-8", errors="replace").replace("\r", "").split("\n")
    pairs = (line.split(separator, 1) for line in lines if separator in line and not line.startswith("#"))
    return {key.strip().lower(): value.strip() for key, value in pairs}


def _integers(path: Path, text: str) -> list[int]:
    if not re.fullmatch(r"\s*\d+(\s+\d+)*\s*", text):
        raise _corrupt(path, f"its header claims the size {text!r}")
    return [int(word) for word in text.split()]


def _positive(steps: Iterable[float]) -> tuple[float, ...]:
    """Return three distances in mm; 1 mm stands for whatever is none."""
    found = [abs(step) if math.isfinite(step) and step else 1.0 for step in steps]
    return tuple([*found, 1.0, 1.0, 1.0][:3])


def _steps(text: str) -> tuple[float, ...]:
    """Read `1 1 3` or NRRD's `(1,0,0) (0,1,0) (0,0,3)` as distances between voxels."""
    vectors = re.findall(r"\(([^)]*)\)", text) or text.split()
    try:
        return _positive(math.hypot(*map(float, vector.split(","))) for vector in vectors)
    except ValueError:
        return _positive(())


def _count(path: Path, fields: dict[str, str], *names: str, default: int = 0) -> int:
    text = next((fields[name] for name in names if name in fields), str(default))
    if not re.fullmatch(r"[+-]?\d{1,18}", text):
        raise _corrupt(path, f"its header says {names[0]} = {text!r}")
    return int(text)


def _nrrd(path: Path, first: bytes) -> Header:
    if not first.startswith(b"NRRD000"):
        raise _no_format(path, "is no NRRD image", "Export it again as NRRD.")
    blank = re.search(rb"\r?\n\r?\n", first)
    if blank is None and path.suffix.lower() == ".nrrd":
        raise _corrupt(path, "its header does not end")
    fields = _fields(path, first[:blank.start()] if blank else first, ":")
    code = next((c for c, names in _NRRD_TYPES.items() if fields.get("type", "").lower() in names.split("|")), "")
    encoding = fields.get("encoding", "").lower()
    if not code or encoding not in ("raw", "gzip", "gz") or fields.get("line skip", fields.get("lineskip", "0")) != "0":
        raise _no_format(path, f"is a NRRD image of type {fields.get('type')!r} in encoding {encoding!r}",
                         "Save it again with gzip encoding.")
    kinds = fields.get("kinds", "").lower().split()
    if any(kind not in ("domain", "space", "time", "none", "???") for kind in kinds):
        three_dimensional(path, [1, 1, 1], components=2)
    size = three_dimensional(path, _integers(path, fields.get("sizes", "")))
    order = {"little": "<", "big": ">"}.get(fields.get("endian", "").lower(), "<" if code[1] == "1" else "")
    if not order:
        raise _corrupt(path, "its header names no byte order")
    apart = fields.get("data file", fields.get("datafile"))
    if apart is None and blank is None:
        raise _corrupt(path, "its header names no data file")
    header = Header(size, np.dtype(order + code), _beside(path, apart) if apart else path,
                    spacing=_steps(fields.get("space directions", fields.get("spacings", ""))),
                    start=0 if apart or blank is None else blank.end(), compressed=encoding != "raw")
    return _skipping(header, _count(path, fields, "byte skip", "byteskip"))


def _skipping(header: Header, skip: int) -> Header:
    if skip < 0:  # the voxels are the last bytes of the file
        return replace(header, start=max(header.payload.stat().st_size - header.nbytes, 0), compressed=False)
    return replace(header, skip=skip) if header.compressed else replace(header, start=header.start + skip)


def _beside(path: Path, name: str) -> Path:
    found = (path.parent / name).resolve()
    if name.upper().startswith("LIST") or "%" in name:
        raise _no_format(path, "keeps its voxels in many files", "Save it as one file.")
    if not found.is_relative_to(path.parent.resolve()):
        raise ImageFault(f"{short(path)} points to a data file outside its folder.",
                         "Put the data file beside its header.", code="E_PATH")
    if not found.is_file():
        raise ImageFault(f"{short(path)} names the data file {name!r}, which is not there.",
                         "Put the data file beside its header.", code="E_MISSING")
    return found


def _metaimage(path: Path, first: bytes) -> Header:
    end = re.search(rb"(?im)^ElementDataFile\s*=\s*([^\r\n]*?)[ \t]*\r?(\n|$)", first)
    if end is None:
        raise _no_format(path, "is no MetaImage", "Export it again as .mha.")
    fields, apart = _fields(path, first[:end.start()], "="), end.group(1).decode("utf-8", errors="replace")
    code = _META_TYPES.get(fields.get("elementtype", "").upper().removesuffix("_ARRAY"), "")
    if not code or fields.get("binarydata", "true").lower() != "true":
        raise _no_format(path, f"is a MetaImage of type {fields.get('elementtype')!r}",
                         "Save it again with binary voxels of a common type.")
    channels = _count(path, fields, "elementnumberofchannels", default=1)
    size = three_dimensional(path, _integers(path, fields.get("dimsize", "")), channels)
    big = fields.get("binarydatabyteordermsb", fields.get("elementbyteordermsb", "false")).lower() == "true"
    local = apart.upper() == "LOCAL"
    header = Header(size, np.dtype((">" if big else "<") + code), path if local else _beside(path, apart),
                    spacing=_steps(fields.get("elementspacing", fields.get("elementsize", ""))),
                    start=end.end() if local else 0, compressed=fields.get("compresseddata", "").lower() == "true")
    return header if local else _skipping(header, _count(path, fields, "headersize"))


READERS: dict[str, Callable[[Path, bytes], Header]] = {
    ".nii.gz": _nifti, ".nii": _nifti, ".nrrd": _nrrd, ".nhdr": _nrrd, ".mha": _metaimage, ".mhd": _metaimage}
