/* Feature maps: the features of a small window around every voxel of a region.
 *
 * The definitions are those of PyRadiomics 3.0.1 in its voxel-based mode (base.py, firstorder.py, glcm.py, glrlm.py,
 * glszm.py, gldm.py, ngtdm.py), named as there.  A window holds few grey levels, so that its matrices are kept small:
 * rows are the levels that occur in it, and entries that are zero are not visited.
 *
 * Every kernel takes grey levels (0: not in the region) with a border of zeros as wide as the window reaches, the flat
 * indices of n windows' centres, and the reach of a window along z, y and x; angles are rows of steps that point forward,
 * one of two opposite ones.  It writes features[feature * n + window]. */
#include "inline.h"
#include "radnb.h"

/* ---- a window ---------------------------------------------------------------------------------------------------- */
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

static int64_t longest(const Window *window)
{
    const int64_t *s = window->size, two = s[0] > s[1] ? s[0] : s[1];
    return two > s[2] ? two : s[2];
}

static int window_allocate(Window *window, const int64_t *reach, int64_t ny, int64_t nx, int64_t levels)
{
    memset(window, 0, sizeof *window);
    window->ny = ny, window->nx = nx, window->levels_at_most = (int32_t)levels, window->cells = 1;
    for (int d = 0; d < 3; d++) {
        window->size[d] = 2 * reach[d] + 1;
        window->from[d] = -reach[d];
        window->cells *= window->size[d];
    }
    const size_t cells = (size_t)window->cells, of_levels = (size_t)levels + 1;
    char *memory = window->memory = calloc(1, cells * (sizeof(double) + 2 * sizeof(int32_t)) + (of_levels + 1) * sizeof(int32_t));
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
static void window_look(Window *window, const int32_t *level, int64_t centre)
{
    const int32_t *first = level + centre + (window->from[0] * window->ny + window->from[1]) * window->nx + window->from[2];
    int32_t *to = window->level;
    for (int64_t z = 0; z < window->size[0]; z++)
        for (int64_t y = 0; y < window->size[1]; y++) {
            memcpy(to, first + (z * window->ny + y) * window->nx, (size_t)window->size[2] * sizeof(int32_t));
            to += window->size[2];
        }
}

/* Find the levels of the window, in rising order, and every cell's row. */
static void window_rank(Window *window)
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

/* ---- neighbours within a window ------------------------------------------------------------------------------------ */
typedef struct { /* pairs of cells one angle apart; those of an angle lie in a row */
    int32_t *from, *to;
    int64_t *start; /* of each angle, and the end of the last */
    void *memory;
} Pairs;

/* List the pairs for angles that point forward (their step in memory is positive, or they are none's opposite). */
static int pairs_allocate(Pairs *pairs, const Window *window, const int64_t *angles, int64_t n_angles)
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

/* ---- entropies ------------------------------------------------------------------------------------------------------ */
typedef struct { /* p log2(p + EPS) for p = count / total, kept once computed */
    double *kept;
    int64_t most;
} Entropies;

static int entropies_allocate(Entropies *entropies, int64_t most)
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

/* ---- first order ------------------------------------------------------------------------------------------------- */
enum { P10, P90, ENERGY, ENTROPY, INTERQUARTILE_RANGE, KURTOSIS, MAXIMUM, MEAN_ABSOLUTE_DEVIATION, MEAN, MEDIAN, MINIMUM,
       RANGE, ROBUST_MEAN_ABSOLUTE_DEVIATION, ROOT_MEAN_SQUARED, SKEWNESS, TOTAL_ENERGY, UNIFORMITY, VARIANCE,
       STANDARD_DEVIATION, FIRSTORDER_FEATURES };

/* Add as numpy does along a contiguous axis, so that a flat window has the same rounding in its mean. */
static double sum_of(const double *x, int64_t n)
{
    if (n < 8) {
        double sum = 0;
        for (int64_t i = 0; i < n; i++)
            sum += x[i];
        return sum;
    }
    if (n > 128) {
        const int64_t half = n / 2 - n / 2 % 8;
        return sum_of(x, half) + sum_of(x + half, n - half);
    }
    double r[8];
    memcpy(r, x, sizeof r);
    int64_t i = 8;
    for (; i < n - n % 8; i += 8)
        for (int k = 0; k < 8; k++)
            r[k] += x[i + k];
    double sum = ((r[0] + r[1]) + (r[2] + r[3])) + ((r[4] + r[5]) + (r[6] + r[7]));
    for (; i < n; i++)
        sum += x[i];
    return sum;
}

static void sort_doubles(double *x, int64_t n) /* Shell's sort: windows are small */
{
    for (int64_t gap = n > 40 ? 40 : 1; gap > 0; gap = gap == 40 ? 13 : gap == 13 ? 4 : gap == 4 ? 1 : 0)
        for (int64_t i = gap; i < n; i++) {
            const double here = x[i];
            int64_t j = i;
            for (; j >= gap && x[j - gap] > here; j -= gap)
                x[j] = x[j - gap];
            x[j] = here;
        }
}

/* Return a percentile of sorted values, interpolated as numpy does. */
static double percentile(const double *sorted, int64_t n, double part)
{
    const double place = (double)(n - 1) * part, below = floor(place), t = place - below;
    const double a = sorted[(int64_t)below], b = sorted[(int64_t)below + 1 < n ? (int64_t)below + 1 : n - 1];
    return t < 0.5 ? a + (b - a) * t : b - (b - a) * (1 - t);
}

/* Return the mean of (x - centre)^power over the valid cells; `work` takes the powers. */
static double moment(const double *x, const uint8_t *valid, int64_t cells, int64_t n, double centre, int power, double *work)
{
    for (int64_t i = 0; i < cells; i++) {
        const double d = valid[i] ? x[i] - centre : 0, square = d * d;
        work[i] = power == 1 ? fabs(d) : power == 2 ? square : power == 3 ? square * d : square * square;
    }
    return sum_of(work, cells) / (double)n;
}

static double robust_mean_absolute_deviation(const double *sorted, int64_t n, double p10, double p90, double *work)
{
    int64_t kept = 0;
    double sum = 0;
    for (int64_t i = 0; i < n; i++)
        if (!(sorted[i] - p10 < 0) && !(sorted[i] - p90 > 0))
            work[kept++] = sorted[i], sum += sorted[i];
    const double mean = sum / (double)kept;
    sum = 0;
    for (int64_t i = 0; i < kept; i++)
        sum += fabs(work[i] - mean);
    return sum / (double)kept;
}

/* Entropy and uniformity of the levels within the window. */
static void level_statistics(const Window *window, const Entropies *entropies, double *count, double *entropy,
                             double *uniformity)
{
    memset(count, 0, (size_t)window->rows * sizeof(double));
    for (int64_t i = 0; i < window->cells; i++)
        if (window->level[i])
            count[window->row[i]] += 1;
    *entropy = *uniformity = 0;
    for (int64_t r = 0; r < window->rows; r++) {
        const double p = count[r] / (double)window->voxels;
        *entropy -= entropy_term(entropies, count[r], (double)window->voxels);
        *uniformity += p * p;
    }
}

/* values: the image, in the same frame as level; offsets: a window's cells relative to its centre, in PyRadiomics' order
 * (flat); shift: voxelArrayShift; volume: of a voxel in mm3. */
WIDE int64_t maps_firstorder(const double *values, const int32_t *level, int64_t levels, int64_t ny, int64_t nx,
                             const int64_t *centre, int64_t n, const int64_t *reach, const int64_t *offsets,
                             int64_t cells, double shift, double volume, double *features)
{
    Window window;
    Entropies entropies = {0};
    double *x = malloc((size_t)cells * (3 * sizeof(double) + 1));
    if (!window_allocate(&window, reach, ny, nx, levels) || !entropies_allocate(&entropies, window.cells) || !x) {
        free(window.memory), free(entropies.kept), free(x);
        return -1;
    }
    double *sorted = x + cells, *work = sorted + cells;
    uint8_t *valid = (uint8_t *)(work + cells);
    for (int64_t w = 0; w < n; w++) {
        double f[FIRSTORDER_FEATURES];
        int64_t count = 0;
        for (int64_t i = 0; i < cells; i++) {
            const int64_t at = centre[w] + offsets[i];
            valid[i] = level[at] != 0;
            x[i] = valid[i] ? values[at] : 0;
            if (valid[i])
                sorted[count++] = x[i];
            work[i] = valid[i] ? (x[i] + shift) * (x[i] + shift) : 0;
        }
        f[ENERGY] = sum_of(work, cells);
        f[TOTAL_ENERGY] = f[ENERGY] * volume;
        f[ROOT_MEAN_SQUARED] = sqrt(f[ENERGY] / (double)count);
        f[MEAN] = sum_of(x, cells) / (double)count;
        f[MEAN_ABSOLUTE_DEVIATION] = moment(x, valid, cells, count, f[MEAN], 1, work);
        const double m2 = moment(x, valid, cells, count, f[MEAN], 2, work), scale = m2 == 0 ? 1 : m2;
        f[SKEWNESS] = moment(x, valid, cells, count, f[MEAN], 3, work) / pow(scale, 1.5);
        f[KURTOSIS] = moment(x, valid, cells, count, f[MEAN], 4, work) / (scale * scale);
        f[STANDARD_DEVIATION] = sqrt(m2);
        f[VARIANCE] = f[STANDARD_DEVIATION] * f[STANDARD_DEVIATION];
        sort_doubles(sorted, count);
        f[MINIMUM] = sorted[0];
        f[MAXIMUM] = sorted[count - 1];
        f[RANGE] = f[MAXIMUM] - f[MINIMUM];
        f[MEDIAN] = (sorted[(count - 1) / 2] + sorted[count / 2]) / 2;
        f[P10] = percentile(sorted, count, 0.1);
        f[P90] = percentile(sorted, count, 0.9);
        f[INTERQUARTILE_RANGE] = percentile(sorted, count, 0.75) - percentile(sorted, count, 0.25);
        f[ROBUST_MEAN_ABSOLUTE_DEVIATION] = robust_mean_absolute_deviation(sorted, count, f[P10], f[P90], work);
        window_look(&window, level, centre[w]);
        window_rank(&window);
        level_statistics(&window, &entropies, work, &f[ENTROPY], &f[UNIFORMITY]);
        for (int i = 0; i < FIRSTORDER_FEATURES; i++)
            features[i * n + w] = f[i];
    }
    free(window.memory), free(entropies.kept), free(x);
    return 0;
}

/* ---- co-occurrence ------------------------------------------------------------------------------------------------ */
enum { AUTOCORRELATION, CLUSTER_PROMINENCE, CLUSTER_SHADE, CLUSTER_TENDENCY, CONTRAST, CORRELATION, DIFFERENCE_AVERAGE,
       DIFFERENCE_ENTROPY, DIFFERENCE_VARIANCE, ID, IDM, IDMN, IDN, IMC1, IMC2, INVERSE_VARIANCE, JOINT_AVERAGE,
       JOINT_ENERGY, JOINT_ENTROPY, MCC, MAXIMUM_PROBABILITY, SUM_AVERAGE, SUM_ENTROPY, SUM_SQUARES, GLCM_FEATURES };

typedef struct { /* a normalised co-occurrence matrix and what its features share */
    int64_t n, ng; /* rows; the highest level of the whole region */
    const double *grey;
    double *p;                  /* n x n */
    double *px, *py;            /* marginals */
    double *by_difference, *by_sum; /* of levels: all zero between matrices */
    double *work;               /* for three matrices */
    double total, ux, uy;
    Entropies entropies;
} Glcm;

/* Count the pairs of levels along one angle. */
static void count_pairs(const Window *window, const Pairs *pairs, int64_t angle, double weight, double *table)
{
    for (int64_t i = pairs->start[angle]; i < pairs->start[angle + 1]; i++) {
        const int32_t a = window->row[pairs->from[i]], b = window->row[pairs->to[i]];
        if (a >= 0 && b >= 0)
            table[a * window->rows + b] += weight;
    }
}

static void make_symmetrical(double *table, int64_t n)
{
    for (int64_t i = 0; i < n; i++)
        for (int64_t j = 0; j <= i; j++)
            table[i * n + j] = table[j * n + i] = table[i * n + j] + table[j * n + i];
}

/* Sum up the counts and the marginals; return 0 if nothing was counted. */
static int add_up(Glcm *m)
{
    const int64_t n = m->n;
    memset(m->px, 0, (size_t)n * sizeof(double));
    memset(m->py, 0, (size_t)n * sizeof(double));
    m->total = 0;
    for (int64_t i = 0; i < n; i++)
        for (int64_t j = 0; j < n; j++)
            m->px[i] += m->p[i * n + j], m->py[j] += m->p[i * n + j];
    for (int64_t i = 0; i < n; i++)
        m->total += m->px[i];
    return m->total != 0;
}

/* Turn counts into probabilities; find the means, and the joint and the two marginal entropies.  The means are summed in
 * PyRadiomics' order: in a flat row, their rounding decides whether its correlation is 1. */
static void normalise(Glcm *m, double *hxy, double *hx, double *hy)
{
    *hxy = *hx = *hy = m->ux = m->uy = 0;
    for (int64_t i = 0; i < m->n; i++)
        for (int64_t j = 0; j < m->n; j++) {
            double *p = m->p + i * m->n + j;
            if (*p == 0)
                continue;
            *hxy -= entropy_term(&m->entropies, *p, m->total);
            *p /= m->total;
            m->ux += m->grey[i] * *p, m->uy += m->grey[j] * *p;
        }
    for (int64_t i = 0; i < m->n; i++) {
        *hx -= entropy_term(&m->entropies, m->px[i], m->total);
        *hy -= entropy_term(&m->entropies, m->py[i], m->total);
        m->px[i] /= m->total, m->py[i] /= m->total;
    }
}

/* Features that are sums over all pairs of levels. */
static void features_of_pairs(Glcm *m, double *f)
{
    double correlation = 0, variance_x = 0, variance_y = 0;
    for (int64_t i = 0; i < m->n; i++)
        for (int64_t j = 0; j < m->n; j++) {
            const double p = m->p[i * m->n + j];
            if (p == 0)
                continue;
            const double a = m->grey[i], b = m->grey[j], s = a + b - m->ux - m->uy, dx = a - m->ux, dy = b - m->uy;
            f[AUTOCORRELATION] += p * (a * b);
            f[CLUSTER_TENDENCY] += p * (s * s);
            f[CLUSTER_SHADE] += p * (s * s * s);
            f[CLUSTER_PROMINENCE] += p * (s * s * s * s);
            f[CONTRAST] += p * ((a - b) * (a - b));
            f[JOINT_ENERGY] += p * p;
            f[MAXIMUM_PROBABILITY] = p > f[MAXIMUM_PROBABILITY] ? p : f[MAXIMUM_PROBABILITY];
            variance_x += p * (dx * dx), variance_y += p * (dy * dy), correlation += p * dx * dy;
            m->by_difference[(int64_t)fabs(a - b)] += p * m->total;
            m->by_sum[(int64_t)(a + b)] += p * m->total;
        }
    const double sigma = sqrt(variance_x) * sqrt(variance_y);
    f[CORRELATION] = sigma == 0 ? 1 : correlation / (sigma + EPS);
    f[SUM_SQUARES] = variance_x;
    f[JOINT_AVERAGE] = m->ux;
}

/* Features of the distributions of differences and sums of levels, which are emptied again. */
static void features_of_differences_and_sums(Glcm *m, double *f)
{
    const double ng = (double)m->ng;
    const int64_t least = (int64_t)m->grey[0], most = (int64_t)m->grey[m->n - 1];
    for (int64_t k = 0; k <= most - least; k++)
        f[DIFFERENCE_AVERAGE] += (double)k * m->by_difference[k] / m->total;
    for (int64_t k = 0; k <= most - least; k++) {
        if (m->by_difference[k] == 0)
            continue;
        const double p = m->by_difference[k] / m->total, d = (double)k, away = d - f[DIFFERENCE_AVERAGE];
        f[DIFFERENCE_ENTROPY] -= entropy_term(&m->entropies, m->by_difference[k], m->total);
        f[DIFFERENCE_VARIANCE] += p * (away * away);
        f[ID] += p / (1 + d);
        f[IDM] += p / (1 + d * d);
        f[IDN] += p / (1 + d / ng);
        f[IDMN] += p / (1 + d * d / (ng * ng));
        f[INVERSE_VARIANCE] += k ? p / (d * d) : 0;
        m->by_difference[k] = 0;
    }
    for (int64_t k = 2 * least; k <= 2 * most; k++) {
        if (m->by_sum[k] == 0)
            continue;
        f[SUM_AVERAGE] += (double)k * m->by_sum[k] / m->total;
        f[SUM_ENTROPY] -= entropy_term(&m->entropies, m->by_sum[k], m->total);
        m->by_sum[k] = 0;
    }
}

/* Sum up -p log2(px py) with the joint p, and with the product px py for p: the marginals, too, term by term in
 * PyRadiomics' order. */
static void cross_entropies(const Glcm *m, double *hxy, double *hxy1, double *hxy2)
{
    double *px = m->work, *py = px + m->n;
    memset(px, 0, (size_t)(2 * m->n) * sizeof(double));
    for (int64_t i = 0; i < m->n; i++)
        for (int64_t j = 0; j < m->n; j++)
            px[i] += m->p[i * m->n + j], py[j] += m->p[i * m->n + j];
    *hxy = *hxy1 = *hxy2 = 0;
    for (int64_t i = 0; i < m->n; i++)
        for (int64_t j = 0; j < m->n; j++) {
            const double p = m->p[i * m->n + j], independent = px[i] * py[j];
            if (independent == 0)
                continue;
            const double logarithm = log2(independent + EPS);
            *hxy -= p * log2(p + EPS);
            *hxy1 -= p * logarithm;
            *hxy2 -= independent * logarithm;
        }
}

/* Informational measures of correlation.  Both cross entropies are HX + HY; only where the levels are independent of each
 * other, and the difference to HXY is nothing but rounding or exactly 0, the sums are made as PyRadiomics makes them. */
static void informational_correlations(const Glcm *m, double hx, double hy, double *f)
{
    const double largest = hx > hy ? hx : hy;
    double hxy = f[JOINT_ENTROPY], hxy1 = hx + hy, hxy2 = hx + hy;
    if (fabs(hxy2 - hxy) < 1e-7)
        cross_entropies(m, &hxy, &hxy1, &hxy2);
    f[IMC1] = largest == 0 ? 0 : (hxy - hxy1) / largest;
    f[IMC2] = hxy2 == hxy ? 0 : sqrt(1 - exp(-2 * (hxy2 - hxy)));
}

/* Count the parts of the graph that joins row i and column j where p(i, j) > 0. */
static int64_t parts(const Glcm *m, double *work)
{
    const int64_t n = m->n;
    int32_t *root = (int32_t *)work; /* rows, then columns */
    for (int64_t i = 0; i < 2 * n; i++)
        root[i] = (int32_t)i;
    int64_t count = 0;
    for (int64_t i = 0; i < n; i++)
        count += (m->px[i] != 0) + (m->py[i] != 0);
    for (int64_t i = 0; i < n; i++)
        for (int64_t j = 0; j < n; j++) {
            if (m->p[i * n + j] == 0)
                continue;
            int32_t a = (int32_t)i, b = (int32_t)(n + j);
            while (root[a] != a)
                a = root[a] = root[root[a]];
            while (root[b] != b)
                b = root[b] = root[root[b]];
            if (a != b)
                root[a] = b, count--;
        }
    return count;
}

/* product = a b, all of n rows `wide` apart.  Inlined with a constant width, the inner loop is a few wide operations. */
INLINE void multiply_rows(const double *restrict a, const double *restrict b, double *restrict product, int64_t n, const int64_t wide)
{
    for (int64_t i = 0; i < n; i++) {
        double *restrict row = product + i * wide;
        for (int64_t j = 0; j < wide; j++)
            row[j] = 0;
        for (int64_t k = 0; k < n; k++) {
            const double factor = a[i * wide + k];
            for (int64_t j = 0; j < wide; j++)
                row[j] += factor * b[k * wide + j];
        }
    }
}

INLINE void multiply(const double *a, const double *b, double *product, int64_t n, int64_t wide)
{
    if (wide == 8)
        multiply_rows(a, b, product, n, 8);
    else if (wide == 16)
        multiply_rows(a, b, product, n, 16);
    else
        multiply_rows(a, b, product, n, wide);
}

/* Return the largest eigenvalue of a positive matrix m: its powers m^2, m^4, m^8 ... turn into the projection on the
 * eigenvector, whose Rayleigh quotient is the eigenvalue.  Where two eigenvalues are so near that this takes long, either
 * will do. */
INLINE double largest_eigenvalue(const double *m, double *power, double *next, int64_t n, int64_t wide)
{
    double concentration = 0;
    memcpy(power, m, (size_t)(n * wide) * sizeof(double));
    for (int round = 0; round < 40; round++) {
        double trace = 0, squares = 0;
        for (int64_t i = 0; i < n; i++)
            trace += power[i * wide + i];
        if (!(trace > 0))
            return 0;
        for (int64_t i = 0; i < n * wide; i++)
            power[i] /= trace, squares += power[i] * power[i];
        if (squares > 1 - 1e-14 || (round > 12 && fabs(squares - concentration) < 1e-13))
            break;
        concentration = squares;
        multiply(power, power, next, n, wide);
        double *swap = power;
        power = next, next = swap;
    }
    int64_t best = 0;
    for (int64_t i = 1; i < n; i++)
        best = power[i * wide + i] > power[best * wide + best] ? i : best;
    const double *v = power + best * wide; /* a multiple of the eigenvector */
    double above = 0, below = 0;
    for (int64_t i = 0; i < n; i++) {
        double mv = 0;
        for (int64_t j = 0; j < n; j++)
            mv += m[i * wide + j] * v[j];
        above += v[i] * mv, below += v[i] * v[i];
    }
    return above / below;
}

/* Maximal correlation coefficient: the second singular value of p(i, j) / sqrt(px(i) py(j)).  The first is 1, with the
 * vectors sqrt(px) and sqrt(py); a graph of two parts or more has another 1.  (PyRadiomics takes the second eigenvalue of
 * Q, which is this one's square; its epsilon in Q is too small to matter in a window.) */
INLINE double maximal_correlation(const Glcm *m)
{
    const int64_t n = m->n;
    if (parts(m, m->work) > 1)
        return 1;
    if (n < 2)
        return 0;
    const int64_t wide = (n + 7) / 8 * 8, size = n * wide;
    double *b = m->work, *transposed = b + size, *square = transposed + size;
    memset(b, 0, (size_t)(2 * size) * sizeof(double));
    for (int64_t i = 0; i < n; i++)
        for (int64_t j = 0; j < n; j++)
            if (m->px[i] != 0 && m->py[j] != 0) {
                const double root = sqrt(m->px[i] * m->py[j]);
                b[i * wide + j] = transposed[j * wide + i] = m->p[i * n + j] / root - root;
            }
    multiply(b, transposed, square, n, wide);
    const double largest = largest_eigenvalue(square, b, transposed, n, wide);
    return largest > 0 ? sqrt(largest) : 0;
}

/* Add the features of one matrix to sums, leaving out what is no number, as numpy.nanmean does. */
INLINE int add_glcm_features(Glcm *m, double *sums, double *counts, int64_t with_mcc)
{
    double f[GLCM_FEATURES] = {0}, hx, hy;
    if (!add_up(m))
        return 0;
    normalise(m, &f[JOINT_ENTROPY], &hx, &hy);
    features_of_pairs(m, f);
    features_of_differences_and_sums(m, f);
    informational_correlations(m, hx, hy, f);
    if (with_mcc)
        f[MCC] = maximal_correlation(m);
    for (int i = 0; i < GLCM_FEATURES; i++)
        if (!isnan(f[i]))
            sums[i] += f[i], counts[i] += 1;
    return 1;
}

/* angles: a row each; weights: one each, or none (weighted = 0).  filled[window * n_angles + angle]: was there a pair. */
WIDE int64_t maps_glcm(const int32_t *level, int64_t levels, int64_t ny, int64_t nx, const int64_t *centre, int64_t n,
                       const int64_t *reach, const int64_t *angles, int64_t n_angles, const double *weights,
                       int64_t weighted, int64_t symmetrical, int64_t with_mcc, uint8_t *filled, double *features)
{
    Window window;
    Glcm m = {0};
    Pairs pairs = {0};
    if (!window_allocate(&window, reach, ny, nx, levels))
        return -1;
    const int64_t most = window.cells < levels ? window.cells : levels;
    double *memory = calloc((size_t)(most * most + 3 * most * (most + 8) + 2 * most + 3 * levels + 4), sizeof(double));
    if (!memory || !entropies_allocate(&m.entropies, 2 * window.cells) ||
        !pairs_allocate(&pairs, &window, angles, n_angles)) {
        free(window.memory), free(memory), free(m.entropies.kept);
        return -1;
    }
    m.ng = levels, m.grey = window.grey, m.p = memory, m.work = m.p + most * most, m.px = m.work + 3 * most * (most + 8);
    m.py = m.px + most, m.by_difference = m.py + most, m.by_sum = m.by_difference + levels + 1;
    for (int64_t w = 0; w < n; w++) {
        double sums[GLCM_FEATURES] = {0}, counts[GLCM_FEATURES] = {0};
        window_look(&window, level, centre[w]);
        window_rank(&window);
        m.n = window.rows;
        for (int64_t a = 0; a < n_angles; a++) {
            if (!weighted || a == 0)
                memset(m.p, 0, (size_t)(m.n * m.n) * sizeof(double));
            count_pairs(&window, &pairs, a, weighted ? weights[a] : 1, m.p);
            if (weighted && a < n_angles - 1)
                continue;
            if (symmetrical)
                make_symmetrical(m.p, m.n);
            filled[w * n_angles + a] = (uint8_t)add_glcm_features(&m, sums, counts, with_mcc);
        }
        for (int i = 0; i < GLCM_FEATURES; i++)
            features[i * n + w] = sums[i] / counts[i];
    }
    free(window.memory), free(memory), free(m.entropies.kept), free(pairs.memory);
    return 0;
}

/* ---- runs, zones, dependences: tables of levels by sizes ----------------------------------------------------------- */
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

/* ---- neighbouring grey tones --------------------------------------------------------------------------------------- */
enum { BUSYNESS, COARSENESS, COMPLEXITY, NGTDM_CONTRAST, STRENGTH, NGTDM_FEATURES };

/* count[row]: voxels; difference[row]: sum of |level - mean level of the neighbours| over them. */
static void tone_differences(const Window *window, const Pairs *pairs, int64_t n_angles, int32_t *neighbours, int32_t *sum,
                             double *count, double *difference)
{
    memset(neighbours, 0, (size_t)window->cells * sizeof(int32_t));
    memset(sum, 0, (size_t)window->cells * sizeof(int32_t));
    for (int64_t i = 0; i < pairs->start[n_angles]; i++) {
        const int32_t a = pairs->from[i], b = pairs->to[i];
        sum[a] += window->level[b], sum[b] += window->level[a];
        neighbours[a] += window->level[b] != 0, neighbours[b] += window->level[a] != 0;
    }
    memset(count, 0, (size_t)window->rows * sizeof(double));
    memset(difference, 0, (size_t)window->rows * sizeof(double));
    for (int64_t cell = 0; cell < window->cells; cell++)
        if (window->level[cell]) {
            count[window->row[cell]] += 1;
            if (neighbours[cell])
                difference[window->row[cell]] += fabs(window->level[cell] - (double)sum[cell] / neighbours[cell]);
        }
}

static void ngtdm_features(const double *i, const double *count, const double *s, int64_t rows, double voxels, double *f)
{
    double ps = 0, sum_s = 0, contrast = 0, busy = 0, complexity = 0, strength = 0;
    for (int64_t a = 0; a < rows; a++) {
        const double p = count[a] / voxels;
        ps += p * s[a], sum_s += s[a];
        for (int64_t b = 0; b < a; b++) {
            const double q = count[b] / voxels, d = i[a] - i[b];
            contrast += 2 * (p * q * (d * d));
            busy += 2 * fabs(i[a] * p - i[b] * q);
            complexity += 2 * (fabs(d) * (p * s[a] + q * s[b]) / (p + q));
            strength += 2 * ((p + q) * (d * d));
        }
    }
    f[COARSENESS] = ps == 0 ? 1e6 : 1 / ps;
    f[BUSYNESS] = busy == 0 ? 0 : ps / busy;
    f[COMPLEXITY] = complexity / voxels;
    f[NGTDM_CONTRAST] = rows < 2 ? 0 : contrast * sum_s / voxels / (double)(rows * (rows - 1));
    f[STRENGTH] = sum_s == 0 ? 0 : strength / sum_s;
}

WIDE int64_t maps_ngtdm(const int32_t *level, int64_t levels, int64_t ny, int64_t nx, const int64_t *centre, int64_t n,
                        const int64_t *reach, const int64_t *angles, int64_t n_angles, double *features)
{
    Window window;
    Pairs pairs = {0};
    double *memory = NULL;
    const int ready = window_allocate(&window, reach, ny, nx, levels) &&
                      pairs_allocate(&pairs, &window, angles, n_angles) &&
                      (memory = malloc((size_t)window.cells * (2 * sizeof(double) + 2 * sizeof(int32_t))));
    for (int64_t w = 0; ready && w < n; w++) {
        double f[NGTDM_FEATURES], *difference = memory + window.cells;
        int32_t *neighbours = (int32_t *)(difference + window.cells), *sum = neighbours + window.cells;
        window_look(&window, level, centre[w]);
        window_rank(&window);
        tone_differences(&window, &pairs, n_angles, neighbours, sum, memory, difference);
        ngtdm_features(window.grey, memory, difference, window.rows, (double)window.voxels, f);
        for (int i = 0; i < NGTDM_FEATURES; i++)
            features[i * n + w] = f[i];
    }
    free(window.memory), free(pairs.memory), free(memory);
    return ready ? 0 : -1;
}
