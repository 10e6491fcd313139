"""Images read whole or not at all: SimpleITK fills what a truncated file lacks with zeros and says nothing."""

from __future__ import annotations

import hashlib
import io
import math
import os
import tempfile
from dataclasses import dataclass, replace
from pathlib import Path
from typing import BinaryIO

import numpy as np
import SimpleITK as sitk
from isal import isal_zlib

from radnb.imaging.faults import ImageFault, short
from radnb.imaging.headers import Header, read_header
from radnb.work.files import sha256_file, sha256_json

LIMIT_GB = 2.0  # voxels of one image in memory; RADNB_IMAGE_LIMIT_GB raises it
_SLACK = 1 << 20  # bytes that may follow the voxels
_CHUNK = 1 << 20
_DEFLATE_AT_MOST = 1032  # deflate never shrinks anything further
TWO_FILES = (".nhdr", ".mhd")  # headers whose voxels lie in a file of their own


@dataclass(frozen=True)
class Loaded:
    """An image file in memory, read once: what its header claims, its bytes as they are on disk, and their hash."""

    path: Path
    header: Header
    content: bytes  # of the file that holds the voxels, compressed or not
    sha256: str  # of the file; of both, where header and voxels are two files


def load(path: Path | str, *, limit_gb: float | None = None) -> Loaded:
    """Read a file whole and hash it in the same pass, after its header has shown that it can be an image."""
    path = Path(path)
    header = read_header(path)
    _refuse_too_big(path, header, limit_gb)
    refuse_false_claim(path, header)
    try:
        content = header.payload.read_bytes()
    except OSError as error:
        raise ImageFault(f"{short(header.payload)} cannot be read: {error.strerror or error}.",
                         "Make the file readable.", code="E_MISSING") from error
    return Loaded(path, header, content, _sha256(header, path, hashlib.sha256(content).hexdigest()))


def files_of(path: Path | str) -> list[Path]:
    """Return the file, and the one that holds its voxels where that is another."""
    path = Path(path)
    try:
        payload = read_header(path).payload if path.suffix.lower() in TWO_FILES else path
    except (ImageFault, OSError):  # its turn will tell
        return [path]
    return [path] if payload == path else [path, payload]


def sha256_image(path: Path | str) -> str:
    """Return the hash that `load` gives, of a file whose voxels nobody needs."""
    path = Path(path)
    if path.suffix.lower() not in TWO_FILES:
        return sha256_file(path)
    header = read_header(path)
    return _sha256(header, path, sha256_file(header.payload))


def _sha256(header: Header, path: Path, payload: str) -> str:
    return payload if header.payload == path else sha256_json([sha256_file(path), payload])


def read_volume(source: Loaded | Path | str, *, limit_gb: float | None = None) -> sitk.Image:
    """Read a 3-D grey image after checking, in the same pass, that the file holds every voxel it promises."""
    loaded = source if isinstance(source, Loaded) else load(source, limit_gb=limit_gb)
    path, header = loaded.path, loaded.header
    _refuse_wrong_length(path, header, len(loaded.content))  # again: it may have changed while it was read
    voxels = np.frombuffer(_voxels(path, header, loaded.content), dtype=header.dtype, count=math.prod(header.size))
    return _image(path, header, voxels.reshape(header.size[::-1]))


def _refuse_too_big(path: Path, header: Header, limit_gb: float | None) -> None:
    limit = limit_gb or float(os.environ.get("RADNB_IMAGE_LIMIT_GB") or LIMIT_GB)
    if header.nbytes > limit * 1e9:
        raise ImageFault(f"{short(path)}: its header claims {' x '.join(map(str, header.size))} voxels, "
                         f"{header.nbytes / 1e9:.1f} GB, more than the limit of {limit:g} GB.",
                         "Crop or resample it, or set RADNB_IMAGE_LIMIT_GB higher if it is real.", code="E_TOO_BIG")


def refuse_false_claim(path: Path, header: Header) -> None:
    """Refuse a file whose size shows that it cannot hold what its header promises."""
    _refuse_wrong_length(path, header, header.payload.stat().st_size)


def _refuse_wrong_length(path: Path, header: Header, size: int) -> None:
    """Refuse a file too short, or far too long, for the voxels that it promises, before it is read."""
    on_disk = size - header.start
    most = on_disk * _DEFLATE_AT_MOST if header.compressed else on_disk - header.skip
    if most < header.nbytes:
        raise _incomplete(path, header, most)
    _refuse_surplus(path, on_disk - header.skip - header.nbytes * (1.01 if header.compressed else 1))


def _voxels(path: Path, header: Header, content: bytes) -> bytearray | memoryview:
    if not header.compressed:
        return memoryview(content)[header.start + header.skip:]
    voxels, stream = bytearray(header.nbytes), io.BytesIO(content)
    stream.seek(header.start)
    _inflate(path, header, stream, memoryview(voxels))
    return voxels


def _inflate(path: Path, header: Header, stream: BinaryIO, voxels: memoryview) -> None:
    """Decompress to the end, checksum included, and never more than the header allows."""
    inflater, waiting, done, total = isal_zlib.decompressobj(47), b"", -header.skip, len(voxels)
    try:
        while chunk := waiting or stream.read(_CHUNK):
            if inflater.eof:  # a further member of the same gzip file, or padding
                if chunk[:2] != b"\x1f\x8b":
                    break
                inflater = isal_zlib.decompressobj(47)
            piece = inflater.decompress(chunk, _CHUNK)
            waiting = inflater.unused_data if inflater.eof else inflater.unconsumed_tail
            piece_start, done = done, done + len(piece)
            wanted = piece[max(0, -piece_start):max(0, total - piece_start)]
            at = max(0, piece_start)
            voxels[at:at + len(wanted)] = wanted
            _refuse_surplus(path, done - total)
    except isal_zlib.error as error:  # type: ignore[misc]  # its stub declares an instance
        raise ImageFault(f"{short(path)}: its compressed data are damaged.", "Export or copy it again.",
                         code="E_CORRUPT") from error
    if done < total or not inflater.eof:
        raise _incomplete(path, header, max(done, 0))


def _incomplete(path: Path, header: Header, found: int) -> ImageFault:
    return ImageFault(f"{short(path)} is cut off: its header promises {header.nbytes} bytes of voxels, "
                      f"the file holds at most {max(found, 0)}.", "Export or copy it again.", code="E_CORRUPT")


def _refuse_surplus(path: Path, surplus: float) -> None:
    if surplus > _SLACK:
        raise ImageFault(f"{short(path)} holds far more data than its header promises.",
                         "Export it again.", code="E_CORRUPT")


def _image(path: Path, header: Header, voxels: np.ndarray) -> sitk.Image:
    """Give the voxels ITK's own reading of the header; where a slope is to be applied, let ITK read them too."""
    if header.translated:
        with tempfile.TemporaryDirectory() as folder:
            older = Path(folder) / "image.nii"
            older.write_bytes(header.translated + voxels.tobytes())
            return _image(older, replace(header, translated=b"", scaled=True), voxels)
    reader = sitk.ImageFileReader()
    reader.SetFileName(str(path))
    try:
        reader.ReadImageInformation()
        image = sitk.GetImageFromArray(voxels.astype(header.dtype.newbyteorder("="), copy=False))
        same = reader.GetSize() == image.GetSize() and reader.GetPixelID() == image.GetPixelID()
        if header.scaled or not same:
            image = reader.Execute()
    except RuntimeError as error:
        raise _itk_fault(path, str(error)) from error
    if image.GetDimension() == 4:
        image = image[:, :, :, 0]
    elif same and not header.scaled:
        image.SetOrigin(reader.GetOrigin()[:3])
        image.SetSpacing(reader.GetSpacing()[:3])
        image.SetDirection(reader.GetDirection()[:9])
    return _with_nan(image, voxels) if header.scaled else image


def _with_nan(image: sitk.Image, voxels: np.ndarray) -> sitk.Image:
    """Put back the voxels without a finite value: ITK's reading of NIfTI makes them 0, which nobody would notice."""
    if np.isfinite(voxels).all():
        return image
    values = sitk.GetArrayFromImage(image)
    values[~np.isfinite(voxels)] = np.nan
    found = sitk.GetImageFromArray(values)
    found.CopyInformation(image)
    return found


def _itk_fault(path: Path, text: str) -> ImageFault:
    if "orthonormal" in text or "direction" in text.lower():
        return ImageFault(f"{short(path)}: the orientation in its header is not a rotation (gantry tilt or shear).",
                          "Resample it onto a straight grid with the software that made it.", code="E_GEOM")
    reason = text.strip().splitlines()[-1][:200] if text.strip() else "no reason given"
    return ImageFault(f"{short(path)} cannot be read ({reason}).", "Export it again.", code="E_FORMAT")
