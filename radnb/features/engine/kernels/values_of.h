/* First-order kernels for values of one scalar type; values.c includes this for float and for double. */

KERNEL WIDE int64_t OF(extremes)(const REAL *values, int64_t n, REAL *found) {
    REAL low[16], high[16];
    for (int lane = 0; lane < 16; lane++) low[lane] = high[lane] = values[0];
    int64_t i = 0;
    for (; i + 16 <= n; i += 16)
        for (int lane = 0; lane < 16; lane++) {
            low[lane] = values[i + lane] < low[lane] ? values[i + lane] : low[lane];
            high[lane] = values[i + lane] > high[lane] ? values[i + lane] : high[lane];
        }
    for (; i < n; i++) {
        low[0] = values[i] < low[0] ? values[i] : low[0];
        high[0] = values[i] > high[0] ? values[i] : high[0];
    }
    for (int lane = 1; lane < 16; lane++) {
        low[0] = low[lane] < low[0] ? low[lane] : low[0];
        high[0] = high[lane] > high[0] ? high[lane] : high[0];
    }
    found[0] = low[0];
    found[1] = high[0];
    return 0;
}

/* numpy's pairwise sum of COUNT terms of each value x, which BODY computes. */
#define PAIRWISE(NAME, COUNT, BODY)                                                                                    \
    INLINE void OF(NAME##_leaf)(const REAL *values, int64_t n, const About *about, double *sums) {                     \
        double lanes[COUNT][LANES], rest[COUNT];                                                                       \
        int64_t i = 0;                                                                                                 \
        for (int t = 0; t < COUNT; t++) sums[t] = 0;                                                                   \
        if (n >= LANES) {                                                                                              \
            for (int lane = 0; lane < LANES; lane++) {                                                                 \
                double term[COUNT];                                                                                    \
                const double x = (double)values[lane];                                                                 \
                BODY;                                                                                                  \
                for (int t = 0; t < COUNT; t++) lanes[t][lane] = term[t];                                              \
            }                                                                                                          \
            for (i = LANES; i + LANES <= n; i += LANES)                                                                \
                for (int lane = 0; lane < LANES; lane++) {                                                             \
                    double term[COUNT];                                                                                \
                    const double x = (double)values[i + lane];                                                         \
                    BODY;                                                                                              \
                    for (int t = 0; t < COUNT; t++) lanes[t][lane] += term[t];                                         \
                }                                                                                                      \
            for (int t = 0; t < COUNT; t++)                                                                            \
                sums[t] = ((lanes[t][0] + lanes[t][1]) + (lanes[t][2] + lanes[t][3])) +                                \
                          ((lanes[t][4] + lanes[t][5]) + (lanes[t][6] + lanes[t][7]));                                 \
        }                                                                                                              \
        for (; i < n; i++) {                                                                                           \
            double *term = rest;                                                                                       \
            const double x = (double)values[i];                                                                        \
            BODY;                                                                                                      \
            for (int t = 0; t < COUNT; t++) sums[t] += term[t];                                                        \
        }                                                                                                              \
    }                                                                                                                  \
    WIDE void OF(NAME##_block)(const REAL *values, int64_t n, const About *about, double *sums) {               \
        OF(NAME##_leaf)(values, n, about, sums);                                                                       \
    }                                                                                                                  \
    static void OF(NAME##_tree)(const REAL *values, int64_t n, const About *about, double *sums) {                     \
        if (n <= LEAF) {                                                                                               \
            OF(NAME##_block)(values, n, about, sums);                                                                  \
            return;                                                                                                    \
        }                                                                                                              \
        double right[COUNT];                                                                                           \
        int64_t half = n / 2;                                                                                          \
        half -= half % LANES;                                                                                          \
        OF(NAME##_tree)(values, half, about, sums);                                                                    \
        OF(NAME##_tree)(values + half, n - half, about, right);                                                        \
        for (int t = 0; t < COUNT; t++) sums[t] += right[t];                                                           \
    }

PAIRWISE(totals, 2, {
    const double shifted = x + about->shift;
    term[0] = x;
    term[1] = shifted * shifted;
})

/* Central moments, absolute deviation, and the sum and count of the values within [low, high]. */
PAIRWISE(moments, 6, {
    const double from_mean = x - about->mean;
    const double square = from_mean * from_mean;
    const double within = (x >= about->low) & (x <= about->high) ? 1.0 : 0.0;
    term[0] = square;
    term[1] = square * from_mean;
    term[2] = square * square;
    term[3] = fabs(from_mean);
    term[4] = x * within;
    term[5] = within;
})

PAIRWISE(robust, 1, {
    const double within = (x >= about->low) & (x <= about->high) ? 1.0 : 0.0;
    term[0] = fabs(x - about->centre) * within;
})

KERNEL int64_t OF(totals)(const REAL *values, int64_t n, double shift, double *sums) {
    const About about = {.shift = shift};
    OF(totals_tree)(values, n, &about, sums);
    return 0;
}

KERNEL int64_t OF(moments)(const REAL *values, int64_t n, double mean, double low, double high, double *sums) {
    About about = {.mean = mean, .low = low, .high = high};
    OF(moments_tree)(values, n, &about, sums);
    about.centre = sums[4] / sums[5];
    OF(robust_tree)(values, n, &about, sums + 6);
    return 0;
}

/* The bucket of a value grows with the value, so that only the buckets of the wanted ranks need a look inside. */
WIDE void OF(buckets)(const REAL *restrict values, int64_t n, REAL low, REAL scale, uint16_t *restrict bucket) {
    for (int64_t i = 0; i < n; i++) {
        const REAL place = (values[i] - low) * scale;
        bucket[i] = (uint16_t)(int32_t)(place < FINE - 1 ? place : FINE - 1);
    }
}

static REAL OF(nth)(REAL *values, int64_t n, int64_t rank) { /* Hoare's selection */
    int64_t left = 0, right = n - 1;
    while (left < right) {
        const REAL pivot = values[left + (right - left) / 2];
        int64_t i = left, j = right;
        while (i <= j) {
            while (values[i] < pivot) i++;
            while (values[j] > pivot) j--;
            if (i <= j) {
                const REAL swap = values[i];
                values[i++] = values[j];
                values[j--] = swap;
            }
        }
        if (rank <= j) right = j;
        else if (rank >= i) left = i;
        else return values[rank];
    }
    return values[rank];
}

/* The values of the given ascending ranks (0 = lowest) as doubles. */
KERNEL int64_t OF(ranked)(const REAL *values, int64_t n, double low, double high, const int64_t *ranks, int64_t n_ranks,
                          double *found) {
    uint16_t *bucket = malloc((size_t)n * sizeof *bucket + 64);
    REAL *inside = malloc((size_t)n * sizeof *inside + 64);
    int64_t outcome = -1;
    if (bucket && inside && high > low) {
        int64_t start[FINE + 1] = {0}, wanted_from[FINE + 1];
        char wanted[FINE] = {0};
        REAL scale = (REAL)((FINE - 1) / (high - low));
        if (!(scale < (REAL)1e30)) scale = (REAL)1e30;
        OF(buckets)(values, n, (REAL)low, scale, bucket);
        uint32_t count[4][FINE] = {{0}};
        int64_t i = 0;
        for (; i + 4 <= n; i += 4)
            for (int lane = 0; lane < 4; lane++) count[lane][bucket[i + lane]]++;
        for (; i < n; i++) count[0][bucket[i]]++;
        for (int b = 0; b < FINE; b++)
            start[b + 1] = start[b] + count[0][b] + count[1][b] + count[2][b] + count[3][b];
        for (int64_t r = 0, b = 0; r < n_ranks; r++) {
            while (start[b + 1] <= ranks[r]) b++;
            wanted[b] = 1;
        }
        int64_t room = 0;
        for (int b = 0; b < FINE; b++) {
            wanted_from[b] = room;
            if (wanted[b]) room += start[b + 1] - start[b];
        }
        for (i = 0; i < n; i++)
            if (wanted[bucket[i]]) inside[wanted_from[bucket[i]]++] = values[i];
        for (int64_t r = 0, b = 0; r < n_ranks; r++) {
            while (start[b + 1] <= ranks[r]) b++;
            const int64_t size = start[b + 1] - start[b];
            found[r] = (double)OF(nth)(inside + wanted_from[b] - size, size, ranks[r] - start[b]);
        }
        outcome = 0;
    } else if (bucket && inside) {
        for (int64_t r = 0; r < n_ranks; r++) found[r] = low;
        outcome = 0;
    }
    free(bucket);
    free(inside);
    return outcome;
}

/* numpy.digitize: the level of a value is the number of edges that are not above it.  Where the edges are
 * first + k * width exactly, a division guesses the level and two comparisons with the edges correct it. */
KERNEL WIDE int64_t OF(even_levels)(const REAL *restrict values, int64_t n, double first, double width,
                                    uint16_t *restrict levels) {
    const double per_width = 1 / width;
    for (int64_t i = 0; i < n; i++) {
        const double x = (double)values[i];
        const int32_t guess = (int32_t)((x - first) * per_width);
        const int32_t low = x < first + (double)guess * width;
        const int32_t high = x >= first + (double)(guess + 1) * width;
        levels[i] = (uint16_t)(guess + 1 - low + high);
    }
    return 0;
}

/* The same for any ascending edges: the guess supposes even ones, and steps to the right place. */
KERNEL int64_t OF(any_levels)(const REAL *values, int64_t n, const double *edges, int64_t n_edges, int32_t *levels) {
    const double first = n_edges ? edges[0] : 0;
    const double width = n_edges > 1 ? (edges[n_edges - 1] - first) / (double)(n_edges - 1) : 1;
    for (int64_t i = 0; i < n; i++) {
        const double x = (double)values[i], guess = (x - first) / width;
        int64_t level = guess < 0 ? 0 : guess < (double)n_edges ? (int64_t)guess : n_edges;
        while (level > 0 && x < edges[level - 1]) level--;
        while (level < n_edges && x >= edges[level]) level++;
        levels[i] = (int32_t)level;
    }
    return 0;
}
