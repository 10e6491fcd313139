"""PyRadiomics driven well: unmodified, a pool of its own, one case per task, largest first; the caller caps threads.

`pool.py CARD JOBS OUT IMAGE MASK [IMAGE MASK ...]` writes JSON: features, CPU seconds and peak memory of each case.
"""

import functools
import json
import logging
import multiprocessing
import resource
import sys
import time
from pathlib import Path

import SimpleITK as sitk
from radiomics import featureextractor

sitk.ProcessObject.SetGlobalDefaultNumberOfThreads(1)
logging.getLogger("radiomics").setLevel(logging.CRITICAL)


@functools.lru_cache
def extractor(card):
    """Return the extractor of a parameter file, made once per process."""
    return featureextractor.RadiomicsFeatureExtractor(card)


def one(task):
    """Return one case's values and what they cost."""
    card, image, mask = task
    made, start = extractor(card), time.process_time()
    values = {name: float(value) for name, value in made.execute(image, mask).items() if not name.startswith("diag")}
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    return {"image": image, "mask": mask, "values": values, "cpu": time.process_time() - start, "peak_kb": peak}


def main():
    """Measure all cases."""
    card, jobs, out, *paths = sys.argv[1:]
    tasks = [(card, *pair) for pair in zip(paths[::2], paths[1::2], strict=True)]
    tasks.sort(key=lambda task: -Path(task[2]).stat().st_size)
    if int(jobs) > 1:
        with multiprocessing.Pool(int(jobs)) as pool:
            found = list(pool.imap_unordered(one, tasks, chunksize=1))
    else:
        found = [one(task) for task in tasks]
    Path(out).write_text(json.dumps(found), encoding="utf-8")


if __name__ == "__main__":
    main()
