/* Feature maps: the features of a small window around every voxel of a region.
 *
 * The definitions are those of PyRadiomics 3.0.1 in its voxel-based mode (base.py and each class), named as there.  A
 * window holds few grey levels, so that its matrices are kept small: rows are the levels that occur in it, and entries
 * that are zero are not visited.  That is why these formulas are not those of formulas.c, whose matrices are whole.
 *
 * Every kernel of maps_*.c takes grey levels (0: not in the region) with a border of zeros as wide as the window
 * reaches, the flat indices of n windows' centres, and the reach of a window along z, y and x; angles are rows of steps
 * that point forward, one of two opposite ones.  It writes features[feature * n + window]. */
#ifndef RADNB_WINDOW_H
#define RADNB_WINDOW_H

#include "inline.h"
#include "radnb.h"

typedef struct {
    int64_t size[3], cells, from[3]; /* from: the first cell, relative to the centre */
    int32_t *level;                  /* of each cell, 0 outside the region */
    int32_t *row;                    /* of each cell: the place of its level among those of the window, or -1 */
    int32_t *row_of, levels_at_most; /* of each level (all zero between windows) */
    double *grey;                    /* of each row: its level */
    int64_t rows, voxels;
    int64_t ny, nx; /* of the whole */
    void *memory;
} Window;

static inline int64_t longest(const Window *window)
{
    const int64_t *s = window->size, two = s[0] > s[1] ? s[0] : s[1];
    return two > s[2] ? two : s[2];
}

static inline int window_allocate(Window *window, const int64_t *reach, int64_t ny, int64_t nx, int64_t levels)
{
    memset(window, 0, sizeof *window);
    window->ny = ny, window->nx = nx, window->levels_at_most = (int32_t)levels, window->cells = 1;
    for (int d = 0; d < 3; d++) {
        window->size[d] = 2 * reach[d] + 1;
        window->from[d] = -reach[d];
        window->cells *= window->size[d];
    }
    const size_t cells = (size_t)window->cells, of_levels = (size_t)levels + 1;
    const size_t bytes = cells * (sizeof(double) + 2 * sizeof(int32_t)) + (of_levels + 1) * sizeof(int32_t);
    char *memory = window->memory = calloc(1, bytes);
    if (!memory)
        return 0;
    window->grey = (double *)memory;
    window->level = (int32_t *)(window->grey + cells);
    window->row = window->level + cells;
    window->row[cells] = -1; /* a cell outside, for lines that end */
    window->row_of = window->row + cells + 1;
    return 1;
}

/* Copy the window around a centre. */
static inline void window_look(Window *window, const int32_t *level, int64_t centre)
{
    const int64_t *from = window->from;
    const int32_t *first = level + centre + (from[0] * window->ny + from[1]) * window->nx + from[2];
    int32_t *to = window->level;
    for (int64_t z = 0; z < window->size[0]; z++)
        for (int64_t y = 0; y < window->size[1]; y++) {
            memcpy(to, first + (z * window->ny + y) * window->nx, (size_t)window->size[2] * sizeof(int32_t));
            to += window->size[2];
        }
}

/* Find the levels of the window, in rising order, and every cell's row. */
static inline void window_rank(Window *window)
{
    int32_t low = INT32_MAX, high = 0;
    window->voxels = window->rows = 0;
    for (int64_t i = 0; i < window->cells; i++) {
        const int32_t g = window->level[i];
        if (!g)
            continue;
        window->voxels++;
        window->row_of[g] = 1;
        low = g < low ? g : low;
        high = g > high ? g : high;
    }
    for (int32_t g = low; g <= high; g++)
        if (window->row_of[g]) {
            window->grey[window->rows] = g;
            window->row_of[g] = (int32_t)window->rows++;
        }
    for (int64_t i = 0; i < window->cells; i++)
        window->row[i] = window->level[i] ? window->row_of[window->level[i]] : -1;
    for (int64_t r = 0; r < window->rows; r++)
        window->row_of[(int32_t)window->grey[r]] = 0;
}

/* ---- neighbours within a window ---------------------------------------------------------------------------------- */
typedef struct { /* pairs of cells one angle apart; those of an angle lie in a row */
    int32_t *from, *to;
    int64_t *start; /* of each angle, and the end of the last */
    void *memory;
} Pairs;

/* List the pairs for angles that point forward (their step in memory is positive, or they are none's opposite). */
static inline int pairs_allocate(Pairs *pairs, const Window *window, const int64_t *angles, int64_t n_angles)
{
    const int64_t *size = window->size, most = window->cells * n_angles;
    int64_t count = 0;
    pairs->memory = malloc((size_t)(n_angles + 1) * sizeof(int64_t) + (size_t)most * 2 * sizeof(int32_t));
    if (!pairs->memory)
        return 0;
    pairs->start = pairs->memory;
    pairs->from = (int32_t *)(pairs->start + n_angles + 1);
    pairs->to = pairs->from + most;
    for (int64_t a = 0; a < n_angles; a++) {
        const int64_t *angle = angles + 3 * a;
        pairs->start[a] = count;
        for (int64_t cell = 0; cell < window->cells; cell++) {
            const int64_t x = cell % size[2] + angle[2], y = cell / size[2] % size[1] + angle[1];
            const int64_t z = cell / size[2] / size[1] + angle[0];
            if (z < 0 || y < 0 || x < 0 || z >= size[0] || y >= size[1] || x >= size[2])
                continue;
            pairs->from[count] = (int32_t)cell;
            pairs->to[count++] = (int32_t)((z * size[1] + y) * size[2] + x);
        }
    }
    pairs->start[n_angles] = count;
    return 1;
}

/* ---- entropies --------------------------------------------------------------------------------------------------- */
typedef struct { /* p log2(p + EPS) for p = count / total, kept once computed */
    double *kept;
    int64_t most;
} Entropies;

static inline int entropies_allocate(Entropies *entropies, int64_t most)
{
    entropies->most = most <= 1024 ? most : 0;
    const int64_t n = (entropies->most + 1) * (entropies->most + 1);
    entropies->kept = malloc((size_t)n * sizeof(double));
    for (int64_t i = 0; entropies->kept && i < n; i++)
        entropies->kept[i] = 1; /* no term is positive */
    return entropies->kept != NULL;
}

static inline double entropy_term(const Entropies *entropies, double count, double total)
{
    const int64_t c = (int64_t)count, t = (int64_t)total;
    if (t > entropies->most || (double)c != count || (double)t != total) { /* weighted counts */
        const double p = count / total;
        return p * log2(p + EPS);
    }
    double *kept = entropies->kept + t * (entropies->most + 1) + c;
    if (*kept > 0.5) {
        const double p = count / total;
        *kept = p * log2(p + EPS);
    }
    return *kept;
}

#endif
