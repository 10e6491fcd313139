/* The matrices for any distance, tolerance and number of levels, written as defined.
 * `volume` holds 0 outside the region and is padded by the largest distance, so that no step leaves it. */
#include "radnb.h"

/* pairs[d][i][j]: voxels of level i with a voxel of level j ahead (levels 1 to n). */
KERNEL int64_t plain_pairs(const int32_t *volume, int64_t n_voxels, const int64_t *voxels, const int64_t *steps,
                           int64_t n_steps, int64_t n_levels, double *pairs) {
    for (int64_t d = 0; d < n_steps; d++, pairs += n_levels * n_levels)
        for (int64_t v = 0; v < n_voxels; v++) {
            const int32_t i = volume[voxels[v]], j = volume[voxels[v] + steps[d]];
            if (j) pairs[(i - 1) * n_levels + j - 1]++;
        }
    return 0;
}

/* dependences[(rank - 1) * n_columns + k]: voxels with k neighbours that differ by no more than the tolerance. */
KERNEL int64_t plain_dependences(const int32_t *volume, int64_t n_voxels, const int64_t *voxels, const int64_t *steps,
                                 int64_t n_steps, int64_t tolerance, const int32_t *ranks, int64_t n_columns,
                                 double *dependences) {
    for (int64_t v = 0; v < n_voxels; v++) {
        const int64_t level = volume[voxels[v]];
        int64_t k = 0;
        for (int64_t d = 0; d < n_steps; d++) {
            const int64_t other = volume[voxels[v] + steps[d]];
            if (other && llabs(level - other) <= tolerance) k++;
        }
        dependences[(ranks[v] - 1) * n_columns + k]++;
    }
    return 0;
}

/* differences[rank - 1]: sum of |level - mean of the neighbours|. */
KERNEL int64_t plain_differences(const int32_t *volume, int64_t n_voxels, const int64_t *voxels, const int64_t *steps,
                                 int64_t n_steps, const int32_t *ranks, double *differences) {
    for (int64_t v = 0; v < n_voxels; v++) {
        int64_t sum = 0, count = 0;
        for (int64_t d = 0; d < n_steps; d++) {
            const int64_t other = volume[voxels[v] + steps[d]];
            sum += other;
            count += other != 0;
        }
        if (count) differences[ranks[v] - 1] += fabs((double)volume[voxels[v]] - (double)sum / (double)count);
    }
    return 0;
}
