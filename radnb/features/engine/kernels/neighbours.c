/* Neighbourhoods at distance 1: grey-tone differences (NGTDM) and dependences (GLDM).  (IBSI manual 3.10 and 3.11) */
#include "inline.h"
#include "radnb.h"

enum { BLOCK = 16 };

/* sums[at] = sum of `volume` over the box around `at` that spans one step along the axes with reach 1. */
typedef struct {
    int64_t nz, ny, nx, reach[3];
} Box;

WIDE void add_rows(const uint16_t *restrict a, const uint16_t *restrict b, const uint16_t *restrict c,
                   uint16_t *restrict sum, int64_t n) {
    for (int64_t i = 0; i < n; i++) sum[i] = (uint16_t)(a[i] + b[i] + c[i]);
}

static void box_sums(const uint16_t *volume, const Box *box, int64_t z, uint16_t *plane, uint16_t *rows,
                     uint16_t *sums) {
    const int64_t nx = box->nx, area = box->ny * nx;
    const uint16_t *middle = volume + z * area;
    if (box->reach[0]) add_rows(middle - area, middle, middle + area, plane, area);
    else memcpy(plane, middle, (size_t)area * sizeof *plane);
    if (box->reach[1]) add_rows(plane, plane + nx, plane + 2 * nx, rows + nx, area - 2 * nx);
    else memcpy(rows, plane, (size_t)area * sizeof *rows);
    if (box->reach[2]) add_rows(rows + nx - 1, rows + nx, rows + nx + 1, sums + nx, area - 2 * nx);
    else memcpy(sums, rows, (size_t)area * sizeof *sums);
}

/* How many neighbours of each voxel of a padded mask (0 or 1) lie within it. */
KERNEL int64_t count_neighbours(const uint16_t *mask, int64_t nz, int64_t ny, int64_t nx, int64_t reach_z,
                                int64_t reach_y, int64_t reach_x, uint8_t *counts) {
    const Box box = {nz, ny, nx, {reach_z, reach_y, reach_x}};
    const int64_t area = ny * nx;
    uint16_t *buffer = calloc((size_t)(3 * area), sizeof *buffer);
    if (!buffer) return -1;
    for (int64_t z = 1; z < nz - 1; z++) {
        box_sums(mask, &box, z, buffer, buffer + area, buffer + 2 * area);
        for (int64_t i = nx; i < area - nx; i++)
            counts[z * area + i] = (uint8_t)(buffer[2 * area + i] - mask[z * area + i]);
    }
    free(buffer);
    return 0;
}

/* differences[a * 32 + c] = sum of |c * a - sum of the c neighbours| over the voxels of level a with c neighbours; an
 * exact integer, which divided by c is the grey-tone difference.  Levels up to 2427 (the sums fit 16 bits). */
KERNEL int64_t sum_differences(const uint16_t *volume, const uint8_t *counts, int64_t nz, int64_t ny, int64_t nx,
                               int64_t reach_z, int64_t reach_y, int64_t reach_x, const int64_t *row_runs,
                               const int64_t *runs, int64_t *differences) {
    const Box box = {nz, ny, nx, {reach_z, reach_y, reach_x}};
    const int64_t area = ny * nx;
    uint16_t *buffer = calloc((size_t)(3 * area), sizeof *buffer);
    if (!buffer) return -1;
    for (int64_t z = 1; z < nz - 1; z++) {
        box_sums(volume, &box, z, buffer, buffer + area, buffer + 2 * area);
        const uint16_t *sums = buffer + 2 * area - z * area;
        for (int64_t run = row_runs[z * ny]; run < row_runs[(z + 1) * ny]; run++)
            for (int64_t at = runs[3 * run + 1]; at < runs[3 * run + 1] + runs[3 * run + 2]; at++) {
                const int32_t a = volume[at], c = counts[at], around = sums[at] - a;
                differences[a * 32 + c] += abs(a * c - around);
            }
    }
    free(buffer);
    return 0;
}

/* How many of the neighbours behind a voxel (its own bits `same`, see texture.c) and ahead of it (theirs) are equal. */
INLINE void equal_neighbours(const uint16_t *restrict same, const int64_t *step, int64_t n, uint16_t *restrict equal) {
    for (int i = 0; i < BLOCK; i++) {
        uint16_t bits = same[i];
        bits = (uint16_t)((bits & 0x5555) + (bits >> 1 & 0x5555));
        bits = (uint16_t)((bits & 0x3333) + (bits >> 2 & 0x3333));
        bits = (uint16_t)((bits & 0x0f0f) + (bits >> 4 & 0x0f0f));
        equal[i] = (uint16_t)((bits & 0xff) + (bits >> 8));
    }
    for (int64_t d = 0; d < n; d++)
        for (int i = 0; i < BLOCK; i++) equal[i] = (uint16_t)(equal[i] + (same[i + step[d]] >> d & 1));
}

INLINE void count_run(const uint16_t *level, const uint16_t *same, const int64_t *step, int64_t n_directions, int64_t n,
                      uint32_t *table) {
    for (int64_t start = 0; start < n; start += BLOCK) {
        uint16_t equal[BLOCK];
        equal_neighbours(same + start, step, n_directions, equal);
        for (int64_t i = 0; i < (n - start < BLOCK ? n - start : BLOCK); i++)
            table[(level[start + i] * 32 + equal[i]) * 2 + (i & 1)]++; /* two tables: neighbours often share a cell */
    }
}

WIDE void dependences_of_run(const uint16_t *level, const uint16_t *same, const int64_t *step, int64_t n_directions,
                             int64_t n, uint32_t *table) {
    if (n_directions == 13) count_run(level, same, step, 13, n, table);
    else count_run(level, same, step, n_directions, n, table);
}

/* dependences[a * 32 + k]: voxels of level a with k equal neighbours. */
KERNEL int64_t count_dependences(const uint16_t *volume, const uint16_t *same, int64_t ny, int64_t nx,
                                 const int64_t *directions, int64_t n_directions, const int64_t *runs, int64_t n_runs,
                                 int64_t n_cells, int64_t *dependences) {
    int64_t step[16];
    uint32_t *table = calloc((size_t)n_cells, 2 * sizeof *table);
    if (!table) return -1;
    for (int64_t d = 0; d < n_directions; d++)
        step[d] = (directions[3 * d] * ny + directions[3 * d + 1]) * nx + directions[3 * d + 2];
    for (int64_t run = 0; run < n_runs; run++) {
        const int64_t first = runs[3 * run + 1];
        dependences_of_run(volume + first, same + first, step, n_directions, runs[3 * run + 2], table);
    }
    for (int64_t cell = 0; cell < n_cells; cell++) dependences[cell] = (int64_t)table[2 * cell] + table[2 * cell + 1];
    free(table);
    return 0;
}
