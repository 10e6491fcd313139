"""How much memory a case takes, estimated from headers before anything is read, and how many fit at once."""

from __future__ import annotations

import math
import os
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

from radnb.features.wanted import Settings
from radnb.imaging.faults import ImageFault
from radnb.imaging.headers import Header, read_header

PROCESS = 250_000_000  # a worker with its libraries, before it has read anything
NORMALISED = 8  # bytes of a voxel, a double, of an image that is normalised and not resampled
COPIES = 3  # of the voxels as they are stored, while an image is read and handed to ITK
BOX_SHARE = 0.1  # of an image's volume that the box of a region takes at most, where no header can tell
USABLE = 0.9  # of what is free: the rest is for the system and its caches
_CGROUP = Path("/sys/fs/cgroup")


def free_bytes() -> int:
    """Return the memory that may still be taken: RADNB_MEMORY_GB, or what system and container leave."""
    if given := os.environ.get("RADNB_MEMORY_GB"):
        return int(float(given) * 1e9)
    import psutil

    return min(psutil.virtual_memory().available, _left_in_container())


def _left_in_container() -> int:
    try:
        most, now = ((_CGROUP / name).read_text(encoding="ascii").strip() for name in ("memory.max", "memory.current"))
        return int(most) - int(now)
    except (OSError, ValueError):  # no container, or one without a limit
        return 1 << 62


def case_bytes(header: Header, settings: Settings, bytes_per_voxel: int, *, in_boxes: bool = False) -> int:
    """Estimate what one process needs at its peak for a region of an image with this header."""
    read = header.nbytes * COPIES + math.prod(header.size)  # and its mask
    if settings.setting.get("normalize") and _on_the_whole_grid(settings):
        read += NORMALISED * math.prod(header.size)
    filtered = filtered_voxels(header.size, header.spacing, settings, in_boxes=in_boxes)
    return PROCESS + int(read + filtered * bytes_per_voxel)


def _on_the_whole_grid(settings: Settings) -> bool:
    return not settings.resampled and not settings.setting.get("preCrop")


def filtered_voxels(size: Sequence[int], spacing: Sequence[float], settings: Settings,
                    box: Sequence[int] | None = None, *, in_boxes: bool = False) -> float:
    """Estimate how many voxels the filters run over: the whole image, or the region's box, resampled or not.

    An engine that filters `in_boxes` never runs over the whole image.
    """
    if set(settings.image_types) != {"Original"} and _on_the_whole_grid(settings) and not in_boxes:
        return math.prod(size)
    pad = settings.setting.get("padDistance", 5)
    target = [new or old for new, old in zip(settings.setting.get("resampledPixelSpacing") or spacing, spacing,
                                             strict=True)]
    if box is None:
        return BOX_SHARE * math.prod(n * old / new for n, old, new in zip(size, spacing, target, strict=True))
    return math.prod(n * old / new + 2 * pad for n, old, new in zip(box, spacing, target, strict=True))


def refuse_too_large(needed: int, free: int, name: str) -> None:
    """Refuse what cannot fit even alone, before it takes the machine's memory."""
    if needed > free:
        raise ImageFault(f"{name} needs about {needed / 1e9:.1f} GB of memory, and {free / 1e9:.1f} GB are free.",
                         "Resample to larger voxels, set preCrop: true, crop the image around the region, or use a "
                         "machine with more memory.", code="E_MEMORY")


def largest(paths: Sequence[str], settings: Settings, bytes_per_voxel: int, *, in_boxes: bool = False) -> int:
    """Return the estimate for the largest of some images, as far as their headers can be read."""
    def one(path: str) -> int:
        try:
            return case_bytes(read_header(Path(path)), settings, bytes_per_voxel, in_boxes=in_boxes)
        except (ImageFault, OSError):
            return 0  # its turn will tell

    with ThreadPoolExecutor(8) as pool:
        return max(PROCESS, *pool.map(one, paths), 0)


def fitting(workers: int, needed: int, free: int) -> tuple[int, str]:
    """Return how many processes fit into the free memory, and a sentence where these are fewer than wanted."""
    fit = max(1, min(workers, int(free * USABLE // needed)))
    if fit == workers:
        return workers, ""
    return fit, (f"{fit} of {workers} processes are used: the largest case takes about {needed / 1e9:.1f} GB of "
                 f"memory, and {free / 1e9:.1f} GB are free.")
