/* Grey-level co-occurrences, runs and dependences of a region at distance 1, counted in one pass.
 *
 * `volume` holds grey levels 1, 2, ... inside the region and 0 outside, padded by a plane, a row and a column of zeros.
 * For every voxel and direction one counter is raised: under the neighbour's level where the two differ, else under the
 * voxel's position in its run.  The rest follows: the diagonal of the GLCM is the sum of the positions from 2 on, and
 * the runs of length >= r are the positions r.  Zones and dependences need to know which neighbours have the voxel's
 * level (`same`, one bit per direction).
 *
 * counter of (direction d, level a, column c): tables[(d * (n_levels + 1) + a) * width + c],
 *   c = b            for a neighbour, one step back, of level b != a (0: outside the region)
 *   c = n_levels + r for position r >= 2 in a run */
#include "inline.h"
#include "radnb.h"

enum { BLOCK = 16, MOST = 13 };

typedef struct {
    const uint16_t *volume;
    int64_t nz, ny, nx; /* padded size; nx is the pitch of a row */
    int64_t n_directions, step[MOST], dz[MOST], dy[MOST], dx[MOST];
    const int64_t *row_runs, *runs; /* of row (z, y): runs row_runs[row] to row_runs[row + 1] */
    int64_t n_levels, width;
    uint16_t *planes; /* run positions of the rows of two planes, per direction */
    void *columns;    /* of one row, per direction */
    uint16_t *same;
    uint32_t *tables;
} Plan;

/* Compare a row with the row one step back along a direction; rows are handled in whole blocks, past their end. */
#define COMPARE(NAME, BIN)                                                                                             \
    INLINE void NAME(const Plan *plan, const uint16_t *restrict here, const uint16_t *restrict back,                   \
                     const uint16_t *restrict run_back, uint16_t *restrict run, BIN *restrict column,                  \
                     uint16_t *restrict same, uint16_t bit, int64_t n) {                                               \
        const BIN width = (BIN)plan->width, after = (BIN)plan->n_levels;                                               \
        for (int64_t start = 0; start < n; start += BLOCK)                                                             \
            for (int64_t i = start; i < start + BLOCK; i++) {                                                          \
                const uint16_t a = here[i], b = back[i], longer = (uint16_t)(run_back[i] + 1);                         \
                const uint16_t r = a == b ? longer : 1;                                                                \
                run[i] = r;                                                                                            \
                column[i] = (BIN)((BIN)((BIN)a * width) + (a == b ? (BIN)(after + r) : (BIN)b));                       \
                same[i] |= a == b ? bit : 0;                                                                           \
            }                                                                                                          \
    }

/* The same along the row, where a run's position needs the one before. */
#define COMPARE_ALONG(NAME, BIN)                                                                                       \
    INLINE void NAME(const Plan *plan, const uint16_t *restrict here, BIN *restrict column, uint16_t *restrict same,   \
                     uint16_t bit, int64_t n) {                                                                        \
        const BIN width = (BIN)plan->width, after = (BIN)plan->n_levels;                                               \
        BIN r = 1;                                                                                                     \
        uint16_t b = here[-1];                                                                                         \
        for (int64_t i = 0; i < n; i++) {                                                                              \
            const uint16_t a = here[i];                                                                                \
            r = a == b ? (BIN)(r + 1) : 1;                                                                             \
            column[i] = (BIN)((BIN)((BIN)a * width) + (a == b ? (BIN)(after + r) : (BIN)b));                           \
            same[i] |= a == b ? bit : 0;                                                                               \
            b = a;                                                                                                     \
        }                                                                                                              \
    }

#define COUNT(NAME, BIN)                                                                                               \
    INLINE void NAME(const Plan *plan, const BIN *columns, int64_t shift, int64_t run, int64_t end, int64_t n) {       \
        const int64_t nx = plan->nx, stride = (plan->n_levels + 1) * plan->width;                                      \
        for (; run < end; run++) {                                                                                     \
            const BIN *column = columns + (plan->runs[3 * run + 1] - shift);                                           \
            for (int64_t i = 0; i < plan->runs[3 * run + 2]; i++)                                                      \
                for (int64_t d = 0; d < n; d++) plan->tables[d * stride + column[d * nx + i]]++;                       \
        }                                                                                                              \
    }

#define PASS(NAME, BIN)                                                                                                \
    COMPARE(NAME##_compare, BIN)                                                                                       \
    COMPARE_ALONG(NAME##_along, BIN)                                                                                   \
    COUNT(NAME##_count, BIN)                                                                                           \
    WIDE void NAME##_row(const Plan *plan, int64_t z, int64_t y) {                                                     \
        const int64_t row = z * plan->ny + y, run = plan->row_runs[row], end = plan->row_runs[row + 1];                \
        if (run == end) return;                                                                                        \
        const int64_t nx = plan->nx, first = plan->runs[3 * run + 1];                                                  \
        const int64_t n = plan->runs[3 * (end - 1) + 1] + plan->runs[3 * (end - 1) + 2] - first, x = first - row * nx; \
        const uint16_t *here = plan->volume + first;                                                                   \
        uint16_t *same = plan->same + first;                                                                           \
        BIN *columns = plan->columns;                                                                                  \
        for (int64_t i = 0; i < n + BLOCK; i++) same[i] = 0;                                                           \
        for (int64_t d = 0; d < plan->n_directions; d++) {                                                             \
            const uint16_t bit = (uint16_t)(1u << d);                                                                  \
            if (!plan->dz[d] && !plan->dy[d]) {                                                                        \
                NAME##_along(plan, here, columns + d * nx, same, bit, n);                                              \
                continue;                                                                                              \
            }                                                                                                          \
            uint16_t *planes = plan->planes + d * 2 * plan->ny * nx;                                                   \
            const int64_t plane_back = (z - plan->dz[d]) & 1, row_back = y - plan->dy[d];                              \
            NAME##_compare(plan, here, here - plan->step[d],                                                           \
                           planes + (plane_back * plan->ny + row_back) * nx + x - plan->dx[d],                         \
                           planes + ((z & 1) * plan->ny + y) * nx + x, columns + d * nx, same, bit, n);                \
        }                                                                                                              \
        if (!plan->tables) return;                                                                                     \
        if (plan->n_directions == 13) NAME##_count(plan, columns, first, run, end, 13);                                \
        else NAME##_count(plan, columns, first, run, end, plan->n_directions);                                         \
    }

PASS(narrow, uint16_t)
PASS(broad, uint32_t)

/* tables may be of size 0 (n_levels 0), when only `same` is wanted. */
KERNEL int64_t count_pairs_and_runs(const uint16_t *volume, int64_t nz, int64_t ny, int64_t nx,
                                    const int64_t *directions, int64_t n_directions, const int64_t *row_runs,
                                    const int64_t *runs, int64_t n_levels, int64_t longest, uint16_t *planes,
                                    uint32_t *columns, uint16_t *same, uint32_t *tables) {
    Plan plan = {.volume = volume, .nz = nz, .ny = ny, .nx = nx, .n_directions = n_directions, .row_runs = row_runs,
                 .runs = runs, .n_levels = n_levels, .width = n_levels + longest + 1, .planes = planes,
                 .columns = columns, .same = same, .tables = n_levels ? tables : NULL};
    for (int64_t d = 0; d < n_directions; d++) {
        plan.dz[d] = directions[3 * d];
        plan.dy[d] = directions[3 * d + 1];
        plan.dx[d] = directions[3 * d + 2];
        plan.step[d] = (plan.dz[d] * ny + plan.dy[d]) * nx + plan.dx[d];
    }
    const int narrow = (n_levels + 1) * plan.width <= UINT16_MAX;
    for (int64_t z = 1; z < nz - 1; z++)
        for (int64_t y = 1; y < ny - 1; y++) {
            if (narrow) narrow_row(&plan, z, y);
            else broad_row(&plan, z, y);
        }
    return 0;
}

/* pairs[d][i][j]: how often a voxel of present level i has one of level j one step ahead (plus the reverse, where
 * symmetric); runs[d][i][r - 1]: runs of length r.  (IBSI manual 3.6 and 3.7) */
KERNEL int64_t unpack(const uint32_t *tables, int64_t n_directions, int64_t n_levels, int64_t longest,
                      const int64_t *present, const int64_t *counts, int64_t n, int64_t symmetric, double *pairs,
                      double *runs) {
    const int64_t width = n_levels + longest + 1;
    for (int64_t d = 0; d < n_directions; d++, tables += (n_levels + 1) * width, pairs += n * n, runs += n * longest)
        for (int64_t i = 0; i < n; i++) {
            const uint32_t *here = tables + present[i] * width, *reached = here + n_levels;
            double later = 0;
            for (int64_t r = longest; r >= 2; r--) {
                runs[i * longest + r - 1] = (double)reached[r] - (r < longest ? (double)reached[r + 1] : 0);
                later += reached[r];
            }
            runs[i * longest] = (double)counts[i] - later - (longest > 1 ? (double)reached[2] : 0);
            for (int64_t j = 0; j < n; j++) {
                const double ahead = tables[present[j] * width + present[i]];
                pairs[i * n + j] = symmetric ? ahead + here[present[j]] : ahead;
            }
            pairs[i * n + i] = symmetric ? 2 * later : later;
        }
    return 0;
}
