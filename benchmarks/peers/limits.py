"""What one core can do at most: copy, count into a histogram, multiply and add (numba comes with pictologics)."""

import json
import time

import numpy as np
from numba import njit


def best(function, times=5):
    """Return the shortest of several runs, in seconds."""
    spent = []
    for _ in range(times):
        start = time.perf_counter()
        function()
        spent.append(time.perf_counter() - start)
    return min(spent)


@njit
def count(places, histogram, times):
    for _ in range(times):
        for at in range(places.size):
            histogram[places[at]] += np.int32(1)


@njit(fastmath=True)
def dot(values, times):
    total = 0.0
    for _ in range(times):
        for at in range(values.size):
            total += values[at] * values[at]
    return total


large = np.ones(50_000_000, np.float32)
copy = np.empty_like(large)
places = np.random.default_rng(0).integers(0, 13 * 14 * 14, 100_000).astype(np.uint32)
histogram, values = np.zeros(13 * 300, np.int32), np.ones(2000)
count(places, histogram, 1)
dot(values, 1)
print(json.dumps({"bytes_per_s": 2 * large.nbytes / best(lambda: np.copyto(copy, large)),
                  "increments_per_s": 1e7 / best(lambda: count(places, histogram, 100)),
                  "flop_per_s": 2 * 2000 * 50_000 / best(lambda: dot(values, 50_000))}))
