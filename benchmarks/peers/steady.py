"""Seconds of processor that radnb's engine takes for each case, start-up left out; each further mask on its own.

`steady.py ENGINE CARD OUT IMAGE MASK [MASK ...] [-- IMAGE MASK ...]`; the first image warms up and is not counted.
"""

from __future__ import annotations

import json
import sys
import time
from pathlib import Path

import SimpleITK as sitk

from radnb.features.extraction import ENGINES
from radnb.features.settings import settings
from radnb.imaging.regions import region
from radnb.imaging.volumes import read_volume

sitk.ProcessObject.SetGlobalDefaultNumberOfThreads(1)


def main() -> None:
    """Measure each image with its masks, reading included."""
    engine, card, out, *words = sys.argv[1:]
    groups = [group.split("\n") for group in "\n".join(words).split("\n--\n")]
    made, found = settings(card), []
    for at, (image, *masks) in enumerate(groups):
        start = time.process_time()
        volume = read_volume(image)
        compute = ENGINES[engine].prepare(volume, made)
        for mask in masks:
            values = compute(region(volume, Path(mask), 1, name="image"))
            end = time.process_time()
            if at:
                found.append({"image": image, "mask": mask, "values": values, "cpu": end - start})
            start = end
    Path(out).write_text(json.dumps(found), encoding="utf-8")


if __name__ == "__main__":
    main()
