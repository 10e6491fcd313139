/* Grey levels: how often each occurs, and their places in a padded volume. */
#include "radnb.h"

KERNEL int64_t count_levels(const uint16_t *levels, int64_t n, int64_t n_counts, int64_t *counts) {
    uint32_t *four = calloc((size_t)(4 * n_counts), sizeof *four); /* neighbours often share a level: four tables */
    if (!four) return -1;
    int64_t i = 0;
    for (; i + 4 <= n; i += 4)
        for (int lane = 0; lane < 4; lane++) four[lane * n_counts + levels[i + lane]]++;
    for (; i < n; i++) four[levels[i]]++;
    for (int64_t level = 0; level < n_counts; level++)
        counts[level] = (int64_t)four[level] + four[n_counts + level] + four[2 * n_counts + level] +
                        four[3 * n_counts + level];
    free(four);
    return 0;
}

KERNEL int64_t scatter(const uint16_t *levels, const int64_t *runs, int64_t n_runs, uint16_t *volume) {
    for (int64_t run = 0; run < n_runs; run++) {
        const int64_t length = runs[3 * run + 2];
        memcpy(volume + runs[3 * run + 1], levels, (size_t)length * sizeof *levels);
        levels += length;
    }
    return 0;
}
