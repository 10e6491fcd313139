/* Grey-level co-occurrences, runs and equal neighbours of a region at distance 1, found in one pass.
 *
 * `volume` holds grey levels 1, 2, ... inside the region and 0 outside, padded by a plane, a row and a column of zeros.
 * For every voxel and direction one counter is raised: under the neighbour's level where the two differ, else under the
 * voxel's position in its run.  The rest follows: the diagonal of the GLCM is the sum of the positions from 2 on, and
 * the runs of length >= r are the positions r.  Zones and dependences need to know which neighbours have the voxel's
 * level (`same`, one bit per direction).
 *
 * counter of (level a, column c, direction d): tables[(a * width + c) * SIDE + d],
 *   c = b            for a neighbour, one step back, of level b != a (0: outside the region)
 *   c = n_levels + r for position r >= 2 in a run */
#include "inline.h"
#include "radnb.h"

enum { BLOCK = 16, CHUNK = 128, MOST = 13, SIDE = 16 }; /* SIDE: the directions' counters share a cache line */

typedef struct {
    const uint16_t *volume;
    int64_t nz, ny, nx; /* padded size; nx is the pitch of a row */
    int64_t n_directions, step[MOST], dz[MOST], dy[MOST], dx[MOST];
    const int64_t *row_runs, *runs; /* of row (z, y): runs row_runs[row] to row_runs[row + 1] */
    int64_t n_levels, width;
    uint16_t *planes; /* run positions of the rows of two planes, per direction but the last */
    uint16_t *same;
    uint32_t *tables;
} Plan;

/* A run of the mask, and what lies one step back from its first voxel. */
typedef struct {
    const uint16_t *here, *back[MOST], *run_back[MOST];
    uint16_t *run[MOST], *same;
    int64_t length;
} Row;

/* Rows are handled in whole blocks, which compilers turn into wide operations; what lies past the end nobody reads.
 * n: number of directions; the last, when `along`, goes along the row, where a position needs the one before. */
#define PASS(NAME, BIN)                                                                                                \
    INLINE void NAME##_step(const uint16_t *restrict here, const uint16_t *restrict back,                              \
                            const uint16_t *restrict run_back, uint16_t *restrict run, BIN *restrict column,           \
                            uint16_t *restrict same, BIN width, BIN n_levels, uint16_t bit, int64_t n) {               \
        for (int64_t start = 0; start < n; start += BLOCK)                                                             \
            for (int64_t i = start; i < start + BLOCK; i++) {                                                          \
                const uint16_t a = here[i], b = back[i], longer = (uint16_t)(run_back[i] + 1);                         \
                const uint16_t r = a == b ? longer : 1;                                                                \
                run[i] = r;                                                                                            \
                column[i] = (BIN)((BIN)(a * width) + (a == b ? (BIN)(n_levels + r) : (BIN)b));                         \
                same[i] = (uint16_t)(same[i] + bit * (a == b)); /* no branch: a masked store is slow */                \
            }                                                                                                          \
    }                                                                                                                  \
    INLINE void NAME##_chunks(const Row *row, BIN width, BIN n_levels, uint32_t *tables, int64_t n, int64_t along) {   \
        BIN columns[MOST][CHUNK], position = 1;                                                                        \
        const int64_t across = n - along;                                                                              \
        for (int64_t start = 0; start < row->length; start += CHUNK) {                                                 \
            const uint16_t *here = row->here + start;                                                                  \
            uint16_t *same = row->same + start;                                                                        \
            const int64_t length = row->length - start < CHUNK ? row->length - start : CHUNK;                          \
            memset(same, 0, (size_t)((length + BLOCK - 1) / BLOCK * BLOCK) * sizeof *same);                            \
            for (int64_t d = 0; d < across; d++)                                                                       \
                NAME##_step(here, row->back[d] + start, row->run_back[d] + start, row->run[d] + start, columns[d],     \
                            same, width, n_levels, (uint16_t)(1u << d), length);                                       \
            for (int64_t i = 0; i < (along ? length : 0); i++) {                                                       \
                const uint16_t a = here[i], b = here[i - 1];                                                           \
                position = a == b ? (BIN)(position + 1) : 1;                                                           \
                columns[across][i] = (BIN)((BIN)(a * width) + (a == b ? (BIN)(n_levels + position) : (BIN)b));         \
                same[i] |= (uint16_t)((a == b) << across);                                                             \
            }                                                                                                          \
            for (int64_t i = 0; i < (tables ? length : 0); i++)                                                        \
                for (int64_t d = 0; d < n; d++) tables[(int64_t)columns[d][i] * SIDE + d]++;                           \
        }                                                                                                              \
    }                                                                                                                  \
    WIDE void NAME##_run(const Plan *plan, const Row *row) {                                                           \
        const int64_t n = plan->n_directions, along = !plan->dz[n - 1] && !plan->dy[n - 1];                            \
        const BIN width = (BIN)plan->width, n_levels = (BIN)plan->n_levels;                                            \
        if (n == 13) NAME##_chunks(row, width, n_levels, plan->tables, 13, 1);                                         \
        else NAME##_chunks(row, width, n_levels, plan->tables, n, along);                                              \
    }

PASS(narrow, uint16_t)
PASS(broad, uint32_t)

static void place(const Plan *plan, int64_t z, int64_t y, int64_t run, Row *row) {
    const int64_t first = plan->runs[3 * run + 1], x = first - (z * plan->ny + y) * plan->nx;
    row->here = plan->volume + first;
    row->same = plan->same + first;
    row->length = plan->runs[3 * run + 2];
    for (int64_t d = 0; d < plan->n_directions; d++) {
        uint16_t *planes = plan->planes + d * 2 * plan->ny * plan->nx;
        const int64_t plane_back = (z - plan->dz[d]) & 1, row_back = y - plan->dy[d];
        row->back[d] = row->here - plan->step[d];
        row->run_back[d] = planes + (plane_back * plan->ny + row_back) * plan->nx + x - plan->dx[d];
        row->run[d] = planes + ((z & 1) * plan->ny + y) * plan->nx + x;
    }
}

/* n_levels may be 0, when only `same` is wanted. */
KERNEL int64_t count_pairs_and_runs(const uint16_t *volume, int64_t nz, int64_t ny, int64_t nx,
                                    const int64_t *directions, int64_t n_directions, const int64_t *row_runs,
                                    const int64_t *runs, int64_t n_levels, int64_t longest, uint16_t *planes,
                                    uint16_t *same, uint32_t *tables) {
    Plan plan = {.volume = volume, .nz = nz, .ny = ny, .nx = nx, .n_directions = n_directions, .row_runs = row_runs,
                 .runs = runs, .n_levels = n_levels, .width = n_levels + longest + 1, .planes = planes, .same = same,
                 .tables = n_levels ? tables : NULL};
    for (int64_t d = 0; d < n_directions; d++) {
        plan.dz[d] = directions[3 * d];
        plan.dy[d] = directions[3 * d + 1];
        plan.dx[d] = directions[3 * d + 2];
        plan.step[d] = (plan.dz[d] * ny + plan.dy[d]) * nx + plan.dx[d];
    }
    const int narrow = (n_levels + 1) * plan.width <= UINT16_MAX;
    Row row;
    for (int64_t z = 1; z < nz - 1; z++)
        for (int64_t y = 1; y < ny - 1; y++)
            for (int64_t run = row_runs[z * ny + y]; run < row_runs[z * ny + y + 1]; run++) {
                place(&plan, z, y, run, &row);
                if (narrow) narrow_run(&plan, &row);
                else broad_run(&plan, &row);
            }
    return 0;
}

/* The longest run that was counted. */
KERNEL int64_t longest_run(const uint32_t *tables, int64_t n_levels, int64_t longest, const int64_t *present,
                           int64_t n) {
    const int64_t width = n_levels + longest + 1;
    int64_t found = 1;
    for (int64_t i = 0; i < n; i++)
        for (int64_t r = longest; r > found; r--)
            for (int64_t d = 0; d < SIDE; d++)
                if (tables[(present[i] * width + n_levels + r) * SIDE + d]) found = r;
    return found;
}

/* pairs[d][i][j]: how often a voxel of present level i has one of level j one step ahead (plus the reverse, where
 * symmetric); runs[d][i][r - 1]: runs of length r, up to the longest counted.  (IBSI manual 3.6 and 3.7) */
KERNEL int64_t unpack(const uint32_t *tables, int64_t n_directions, int64_t n_levels, int64_t longest,
                      const int64_t *present, const int64_t *counts, int64_t n, int64_t symmetric, int64_t most,
                      double *pairs, double *runs) {
    const int64_t width = n_levels + longest + 1;
    for (int64_t i = 0; i < n; i++) {
        const uint32_t *here = tables + present[i] * width * SIDE;
        for (int64_t j = 0; j < n; j++) {
            const uint32_t *ahead = tables + (present[j] * width + present[i]) * SIDE, *back = here + present[j] * SIDE;
            for (int64_t d = 0; d < n_directions; d++)
                pairs[(d * n + i) * n + j] = symmetric ? (double)ahead[d] + back[d] : ahead[d];
        }
        for (int64_t d = 0; d < n_directions; d++) {
            const uint32_t *reached = here + n_levels * SIDE + d;
            double *of_length = runs + (d * n + i) * most - 1, later = 0;
            for (int64_t r = most; r >= 2; r--) {
                of_length[r] = (double)reached[r * SIDE] - (r < most ? (double)reached[(r + 1) * SIDE] : 0);
                later += reached[r * SIDE];
            }
            of_length[1] = (double)counts[i] - later - (most > 1 ? (double)reached[2 * SIDE] : 0);
            pairs[(d * n + i) * n + i] = symmetric ? 2 * later : later;
        }
    }
    return 0;
}
