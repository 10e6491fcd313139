"""How long does one fit of each classifier take, on 10 selected and on all 851 columns of 180 patients?

Prints a table: processor seconds per fit with the default options, the median of a few, on one thread.  A study fits
each model (folds x repeats) x 6 times, the 6 being the fit itself and its five inner folds.

    python benchmarks/models.py --rounds 3 --only lda svm
"""

from __future__ import annotations

import argparse
import statistics
import sys
import time
from collections.abc import Sequence

import numpy as np
from threadpoolctl import threadpool_limits

from radnb.learning.models import CLASSIFIERS
from radnb.work.choices import pick

PATIENTS, WIDTHS = 180, (10, 851)


def rows(columns: int, classes: int) -> tuple[np.ndarray, np.ndarray]:
    """Make patients whose first columns tell something of the class; columns correlate as features do."""
    rng = np.random.default_rng(1)
    common = rng.normal(size=(PATIENTS, max(columns // 10, 1)))
    x = 0.8 * common[:, np.arange(columns) % common.shape[1]] + 0.6 * rng.normal(size=(PATIENTS, columns))
    told = x[:, 0] + 0.5 * x[:, 1] + rng.logistic(size=PATIENTS)
    return x, np.digitize(told, np.quantile(told, np.arange(1, classes) / classes)).astype(float)


def seconds(name: str, columns: int, classes: int, rounds: int) -> float:
    """Return the median time of one fit, libraries loaded beforehand."""
    x, y = rows(columns, classes)
    make, times = pick(CLASSIFIERS, {name: {}}, seed=1), []
    make().fit(x[:40, :5], y[:40], classes=classes, groups=np.arange(40))
    for _ in range(rounds):
        start = time.process_time()
        make().fit(x, y, classes=classes, groups=np.arange(PATIENTS))
        times.append(time.process_time() - start)
    return statistics.median(times)


def main(arguments: Sequence[str]) -> None:
    """Print the table."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--only", nargs="*", default=list(CLASSIFIERS))
    chosen = parser.parse_args(arguments)
    print("| classifier | 180 x 10 | 180 x 851 | three classes, 180 x 10 |\n|---|---:|---:|---:|")
    for name in chosen.only:
        with threadpool_limits(1):
            found = [seconds(name, width, 2, chosen.rounds) for width in WIDTHS]
            found.append(seconds(name, WIDTHS[0], 3, chosen.rounds))
        print(f"| {name} | " + " | ".join(f"{value:.4f} s" for value in found) + " |", flush=True)


if __name__ == "__main__":
    main(sys.argv[1:])
