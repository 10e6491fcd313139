/* Runs, zones and dependences in the windows around voxels: tables of levels by sizes; see window.h. */
#include "window.h"

enum { LEVEL_NONUNIFORMITY, LEVEL_NONUNIFORMITY_NORMALISED, LEVEL_VARIANCE, HIGH, LARGE, LARGE_HIGH, LARGE_LOW, LOW,
       SIZE_ENTROPY, SIZE_NONUNIFORMITY, SIZE_NONUNIFORMITY_NORMALISED, PERCENTAGE, SIZE_VARIANCE, SMALL, SMALL_HIGH,
       SMALL_LOW, SIZE_FEATURES };

typedef struct { /* counts by level and size */
    double *count;          /* rows x sizes */
    double *by_row, *by_size;
    int32_t *used;          /* the entries that are not zero */
    int64_t n, sizes, rows; /* entries used; columns (largest size + 1); rows */
    Entropies entropies;
} Table;

static int table_allocate(Table *table, const Window *window, int64_t largest, int64_t entries)
{
    const int64_t rows = window->cells < window->levels_at_most ? window->cells : window->levels_at_most;
    table->n = 0, table->rows = rows, table->sizes = largest + 1;
    table->count = calloc((size_t)(rows * table->sizes + rows + table->sizes), sizeof(double));
    table->by_row = table->count ? table->count + rows * table->sizes : NULL;
    table->by_size = table->count ? table->by_row + rows : NULL;
    table->used = malloc((size_t)entries * sizeof(int32_t));
    return entropies_allocate(&table->entropies, window->cells) && table->count && table->used;
}

static void table_free(Table *table) { free(table->count), free(table->used), free(table->entropies.kept); }

static inline void table_add(Table *table, int64_t row, int64_t size, double count)
{
    const int64_t place = row * table->sizes + size;
    if (table->count[place] == 0)
        table->used[table->n++] = (int32_t)place;
    table->count[place] += count;
}

static void table_clear(Table *table)
{
    for (int64_t e = 0; e < table->n; e++)
        table->count[table->used[e]] = 0;
    table->n = 0;
}

/* Return the sum of squares of a marginal and its variance, and empty it. */
static double marginal(double *p, const double *value, int64_t n, double total, double *variance)
{
    double squares = 0, mean = 0;
    for (int64_t i = 0; i < n; i++) {
        squares += p[i] * p[i];
        mean += p[i] * (value ? value[i] : (double)i);
    }
    mean /= total, *variance = 0;
    for (int64_t i = 0; i < n; i++) {
        const double d = (value ? value[i] : (double)i) - mean;
        *variance += p[i] * (d * d);
        p[i] = 0;
    }
    *variance /= total;
    return squares;
}

/* Compute all features of a table, and empty it.  Return 0 if it holds nothing. */
static int size_features(Table *table, const double *grey, int64_t rows, double *f)
{
    double total = 0, voxels = 0;
    int64_t longest = 0;
    memset(f, 0, SIZE_FEATURES * sizeof(double));
    for (int64_t e = 0; e < table->n; e++)
        total += table->count[table->used[e]];
    if (total == 0)
        return 0;
    for (int64_t e = 0; e < table->n; e++) {
        const int64_t row = table->used[e] / table->sizes, size = table->used[e] - row * table->sizes;
        const double c = table->count[table->used[e]], s = (double)(size * size), g = grey[row] * grey[row];
        const double per_s = 1 / s, per_g = 1 / g;
        longest = size > longest ? size : longest;
        voxels += c * (double)size;
        table->by_row[row] += c;
        table->by_size[size] += c;
        f[SMALL] += c * per_s, f[LARGE] += c * s, f[LOW] += c * per_g, f[HIGH] += c * g;
        f[SMALL_LOW] += c * per_s * per_g, f[SMALL_HIGH] += c * per_s * g;
        f[LARGE_LOW] += c * s * per_g, f[LARGE_HIGH] += c * s * g;
        f[SIZE_ENTROPY] -= entropy_term(&table->entropies, c, total);
    }
    f[LEVEL_NONUNIFORMITY] = marginal(table->by_row, grey, rows, total, &f[LEVEL_VARIANCE]);
    f[SIZE_NONUNIFORMITY] = marginal(table->by_size, NULL, longest + 1, total, &f[SIZE_VARIANCE]);
    f[LEVEL_NONUNIFORMITY_NORMALISED] = f[LEVEL_NONUNIFORMITY] / (total * total);
    f[SIZE_NONUNIFORMITY_NORMALISED] = f[SIZE_NONUNIFORMITY] / (total * total);
    static const int per_entry[] = {SMALL, LARGE, LOW, HIGH, SMALL_LOW, SMALL_HIGH, LARGE_LOW, LARGE_HIGH,
                                    LEVEL_NONUNIFORMITY, SIZE_NONUNIFORMITY};
    for (size_t i = 0; i < sizeof per_entry / sizeof *per_entry; i++)
        f[per_entry[i]] /= total;
    f[PERCENTAGE] = total / voxels;
    table_clear(table);
    return 1;
}

/* Say whether some line along an angle crosses two voxels of the region; PyRadiomics leaves out an angle without.
 * after: the next cell of each on its line, or the number of cells; line: how many voxels a line has had. */
static int crosses(const Window *window, const int32_t *after, int32_t *line)
{
    memset(line, 0, (size_t)(window->cells + 1) * sizeof(int32_t));
    for (int64_t cell = 0; cell < window->cells; cell++) {
        line[cell] += window->row[cell] >= 0;
        if (line[cell] > 1)
            return 1;
        line[after[cell]] = line[cell];
    }
    return 0;
}

/* Add the runs along one angle.  run: how long the run before each cell is. */
static void add_runs(const Window *window, const int32_t *after, double weight, int32_t *run, Table *table)
{
    memset(run, 0, (size_t)(window->cells + 1) * sizeof(int32_t));
    for (int64_t cell = 0; cell < window->cells; cell++) {
        const int32_t next = after[cell], row = window->row[cell];
        if (row < 0)
            continue;
        if (window->row[next] == row)
            run[next] = run[cell] + 1;
        else
            table_add(table, row, run[cell] + 1, weight);
    }
}

WIDE int64_t maps_glrlm(const int32_t *level, int64_t levels, int64_t ny, int64_t nx, const int64_t *centre, int64_t n,
                        const int64_t *reach, const int64_t *angles, int64_t n_angles, const double *weights,
                        int64_t weighted, double *features)
{
    Window window;
    Table table = {0};
    Pairs pairs = {0};
    int32_t *after = NULL;
    const int ready = window_allocate(&window, reach, ny, nx, levels) &&
                      table_allocate(&table, &window, longest(&window), window.cells * n_angles) &&
                      pairs_allocate(&pairs, &window, angles, n_angles) &&
                      (after = malloc((size_t)((n_angles + 2) * (window.cells + 1)) * sizeof(int32_t)));
    int32_t *run = after + n_angles * (window.cells + 1), *line = run + window.cells + 1;
    for (int64_t a = 0; ready && a < n_angles; a++) {
        for (int64_t cell = 0; cell < window.cells; cell++)
            after[a * (window.cells + 1) + cell] = (int32_t)window.cells;
        for (int64_t i = pairs.start[a]; i < pairs.start[a + 1]; i++)
            after[a * (window.cells + 1) + pairs.from[i]] = pairs.to[i];
    }
    for (int64_t w = 0; ready && w < n; w++) {
        double sums[SIZE_FEATURES] = {0}, f[SIZE_FEATURES], count = 0;
        window_look(&window, level, centre[w]);
        window_rank(&window);
        for (int64_t a = 0; a < n_angles; a++) {
            const int32_t *next = after + a * (window.cells + 1);
            if (crosses(&window, next, line))
                add_runs(&window, next, weighted ? weights[a] : 1, run, &table);
            if ((weighted && a < n_angles - 1) || !size_features(&table, window.grey, window.rows, f))
                continue;
            count += 1;
            for (int i = 0; i < SIZE_FEATURES; i++)
                sums[i] += f[i];
        }
        for (int i = 0; i < SIZE_FEATURES; i++)
            features[i * n + w] = sums[i] / count;
    }
    free(window.memory), table_free(&table), free(pairs.memory), free(after);
    return ready ? 0 : -1;
}

/* Add the zones: voxels of one level that are joined by pairs, found by joining the trees that grow over them. */
static void add_zones(const Window *window, const Pairs *pairs, int32_t *root, int32_t *size, Table *table)
{
    for (int64_t cell = 0; cell < window->cells; cell++)
        root[cell] = (int32_t)cell, size[cell] = 1;
    for (int64_t i = 0; i < pairs->start[1]; i++) {
        int32_t a = pairs->from[i], b = pairs->to[i];
        if (window->level[a] != window->level[b] || !window->level[a])
            continue;
        while (root[a] != a)
            a = root[a] = root[root[a]];
        while (root[b] != b)
            b = root[b] = root[root[b]];
        if (a != b)
            root[b] = a, size[a] += size[b];
    }
    for (int64_t cell = 0; cell < window->cells; cell++)
        if (window->level[cell] && root[cell] == cell)
            table_add(table, window->row[cell], size[cell], 1);
}

/* Bring the pairs of all angles together. */
static void join_angles(Pairs *pairs, int64_t n_angles) { pairs->start[1] = pairs->start[n_angles]; }

WIDE int64_t maps_glszm(const int32_t *level, int64_t levels, int64_t ny, int64_t nx, const int64_t *centre, int64_t n,
                        const int64_t *reach, const int64_t *angles, int64_t n_angles, double *features)
{
    Window window;
    Table table = {0};
    Pairs pairs = {0};
    int32_t *buffer = NULL;
    const int ready = window_allocate(&window, reach, ny, nx, levels) &&
                      table_allocate(&table, &window, window.cells, window.cells) &&
                      pairs_allocate(&pairs, &window, angles, n_angles) &&
                      (buffer = malloc((size_t)window.cells * 2 * sizeof(int32_t)));
    if (ready)
        join_angles(&pairs, n_angles);
    for (int64_t w = 0; ready && w < n; w++) {
        double f[SIZE_FEATURES];
        window_look(&window, level, centre[w]);
        window_rank(&window);
        add_zones(&window, &pairs, buffer, buffer + window.cells, &table);
        size_features(&table, window.grey, window.rows, f);
        for (int i = 0; i < SIZE_FEATURES; i++)
            features[i * n + w] = f[i];
    }
    free(window.memory), table_free(&table), free(pairs.memory), free(buffer);
    return ready ? 0 : -1;
}

/* A voxel depends on a neighbour whose level differs by `alpha` at most; its size is 1 + the number of those. */
WIDE int64_t maps_gldm(const int32_t *level, int64_t levels, int64_t ny, int64_t nx, const int64_t *centre, int64_t n,
                       const int64_t *reach, const int64_t *angles, int64_t n_angles, int64_t alpha, double *features)
{
    Window window;
    Table table = {0};
    Pairs pairs = {0};
    int32_t *size = NULL;
    const int ready = window_allocate(&window, reach, ny, nx, levels) &&
                      table_allocate(&table, &window, 2 * n_angles + 1, window.cells) &&
                      pairs_allocate(&pairs, &window, angles, n_angles) &&
                      (size = malloc((size_t)window.cells * sizeof(int32_t)));
    for (int64_t w = 0; ready && w < n; w++) {
        double f[SIZE_FEATURES];
        window_look(&window, level, centre[w]);
        window_rank(&window);
        for (int64_t cell = 0; cell < window.cells; cell++)
            size[cell] = 1;
        for (int64_t i = 0; i < pairs.start[n_angles]; i++) {
            const int32_t a = window.level[pairs.from[i]], b = window.level[pairs.to[i]];
            const int32_t dependent = (a != 0) & (b != 0) & (abs(a - b) <= alpha);
            size[pairs.from[i]] += dependent, size[pairs.to[i]] += dependent;
        }
        for (int64_t cell = 0; cell < window.cells; cell++)
            if (window.level[cell])
                table_add(&table, window.row[cell], size[cell], 1);
        size_features(&table, window.grey, window.rows, f);
        for (int i = 0; i < SIZE_FEATURES; i++)
            features[i * n + w] = f[i];
    }
    free(window.memory), table_free(&table), free(pairs.memory), free(size);
    return ready ? 0 : -1;
}
