"""Compute PyRadiomics' values of the sarcoma matrix once, because they take minutes: `references.npz` keeps them.

`RADNB_DATA=... python -m tests.features.engine.make_references` from the root of the repository; a stopped run goes on.
"""

from __future__ import annotations

import sys
import time
import warnings

import numpy as np
import SimpleITK as sitk

from tests.features.engine import sarcoma, scenes
from tests.features.engine.conftest import sph_harm


def main() -> None:
    """Fill in what is missing, smallest regions first."""
    import scipy.special

    scipy.special.sph_harm = sph_harm
    warnings.simplefilter("ignore")
    sitk.ProcessObject.SetGlobalDefaultNumberOfThreads(1)
    wanted = {case.key: case for case in sarcoma.cases()}
    done = {key: outcome for key, outcome in sarcoma.stored().items() if key in wanted}
    missing = sorted((key for key in wanted if key not in done), key=lambda key: sarcoma.SMALL_FIRST.index(
        wanted[key].patient))
    for at, key in enumerate(missing, start=1):
        start, case = time.perf_counter(), wanted[key]
        found = scenes.outcome("pyradiomics", case.pair(), case.card)
        done[key] = found if isinstance(found, str) else np.array(list(found.values()))
        sys.stderr.write(f"{at}/{len(missing)} {key} {time.perf_counter() - start:.1f} s, "
                         f"{found if isinstance(found, str) else len(found)}: {case.told}\n")
        if at % 10 == 0:
            sarcoma.store(done)
    sarcoma.store({key: done[key] for key in wanted})


if __name__ == "__main__":
    main()
