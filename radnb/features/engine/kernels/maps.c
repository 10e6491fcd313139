/* Feature maps: the features of a small window around every voxel of a region.
 *
 * The definitions are those of PyRadiomics 3.0.1 in its voxel-based mode (base.py, firstorder.py, glcm.py, glrlm.py,
 * glszm.py, gldm.py, ngtdm.py), named as there.  A window holds few grey levels, so that its matrices are kept small:
 * rows are the levels that occur in it, and entries that are zero are not visited.
 *
 * Every kernel takes grey levels (0: not in the region) with a border of zeros as wide as the window reaches, the flat
 * indices of n windows' centres, and the reach of a window along z, y and x.  It writes features[feature * n + window],
 * the features in the order of the catalogue. */
#include "radnb.h"

static const double EPSILON = 2.220446049250313e-16; /* numpy.spacing(1), which PyRadiomics adds within logarithms */

/* ---- a window ---------------------------------------------------------------------------------------------------- */
typedef struct {
    int64_t size[3], cells, from[3]; /* from: the first cell, relative to the centre */
    int32_t *level;                  /* of each cell, 0 outside the region */
    int32_t *row;                    /* of each cell: the place of its level among those of the window */
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
    char *memory = window->memory = calloc(1, cells * (sizeof(double) + 2 * sizeof(int32_t)) + of_levels * sizeof(int32_t));
    if (!memory)
        return 0;
    window->grey = (double *)memory;
    window->level = (int32_t *)(window->grey + cells);
    window->row = window->level + cells;
    window->row_of = window->row + cells;
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
static void level_statistics(const Window *window, double *count, double *entropy, double *uniformity)
{
    memset(count, 0, (size_t)window->rows * sizeof(double));
    for (int64_t i = 0; i < window->cells; i++)
        if (window->level[i])
            count[window->row[i]] += 1;
    *entropy = *uniformity = 0;
    for (int64_t r = 0; r < window->rows; r++) {
        const double p = count[r] / (double)window->voxels;
        *entropy -= p * log2(p + EPSILON);
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
    double *x = malloc((size_t)cells * (3 * sizeof(double) + 1));
    if (!window_allocate(&window, reach, ny, nx, levels) || !x) {
        free(window.memory), free(x);
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
        level_statistics(&window, work, &f[ENTROPY], &f[UNIFORMITY]);
        for (int i = 0; i < FIRSTORDER_FEATURES; i++)
            features[i * n + w] = f[i];
    }
    free(window.memory), free(x);
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
    double *work;               /* 2 n x n */
    double ux, uy;
} Glcm;

/* Add a table over all pairs of cells one angle apart. */
static void count_pairs(const Window *window, const int64_t *angle, double weight, double *table)
{
    int64_t first[3], last[3];
    const int64_t *size = window->size, step = (angle[0] * size[1] + angle[1]) * size[2] + angle[2];
    for (int d = 0; d < 3; d++) {
        first[d] = angle[d] < 0 ? -angle[d] : 0;
        last[d] = angle[d] > 0 ? size[d] - angle[d] : size[d];
    }
    for (int64_t z = first[0]; z < last[0]; z++)
        for (int64_t y = first[1]; y < last[1]; y++)
            for (int64_t x = first[2]; x < last[2]; x++) {
                const int32_t *row = window->row + (z * size[1] + y) * size[2] + x;
                if (row[0] >= 0 && row[step] >= 0)
                    table[row[0] * window->rows + row[step]] += weight;
            }
}

static void make_symmetrical(double *table, int64_t n)
{
    for (int64_t i = 0; i < n; i++)
        for (int64_t j = 0; j <= i; j++)
            table[i * n + j] = table[j * n + i] = table[i * n + j] + table[j * n + i];
}

/* Divide by the total and sum up the marginals; return 0 if nothing was counted. */
static int normalise(Glcm *m)
{
    const int64_t n = m->n;
    double total = 0;
    for (int64_t i = 0; i < n * n; i++)
        total += m->p[i];
    if (total == 0)
        return 0;
    memset(m->px, 0, (size_t)n * sizeof(double));
    memset(m->py, 0, (size_t)n * sizeof(double));
    m->ux = m->uy = 0;
    for (int64_t i = 0; i < n; i++)
        for (int64_t j = 0; j < n; j++)
            if (m->p[i * n + j] != 0) {
                const double p = m->p[i * n + j] /= total;
                m->px[i] += p, m->py[j] += p;
                m->ux += m->grey[i] * p, m->uy += m->grey[j] * p;
            }
    return 1;
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
            f[JOINT_ENTROPY] -= p * log2(p + EPSILON);
            f[MAXIMUM_PROBABILITY] = p > f[MAXIMUM_PROBABILITY] ? p : f[MAXIMUM_PROBABILITY];
            variance_x += p * (dx * dx), variance_y += p * (dy * dy), correlation += p * dx * dy;
            m->by_difference[(int64_t)fabs(a - b)] += p;
            m->by_sum[(int64_t)(a + b)] += p;
        }
    const double sigma = sqrt(variance_x) * sqrt(variance_y);
    f[CORRELATION] = sigma == 0 ? 1 : correlation / (sigma + EPSILON);
    f[SUM_SQUARES] = variance_x;
    f[JOINT_AVERAGE] = m->ux;
}

/* Features of the distributions of differences and sums of levels, which are emptied again. */
static void features_of_differences_and_sums(Glcm *m, double *f)
{
    const double ng = (double)m->ng;
    const int64_t least = (int64_t)m->grey[0], most = (int64_t)m->grey[m->n - 1];
    for (int64_t k = 0; k <= most - least; k++)
        f[DIFFERENCE_AVERAGE] += (double)k * m->by_difference[k];
    for (int64_t k = 0; k <= most - least; k++) {
        const double p = m->by_difference[k], d = (double)k;
        if (p == 0)
            continue;
        f[DIFFERENCE_ENTROPY] -= p * log2(p + EPSILON);
        f[DIFFERENCE_VARIANCE] += p * ((d - f[DIFFERENCE_AVERAGE]) * (d - f[DIFFERENCE_AVERAGE]));
        f[ID] += p / (1 + d);
        f[IDM] += p / (1 + d * d);
        f[IDN] += p / (1 + d / ng);
        f[IDMN] += p / (1 + d * d / (ng * ng));
        f[INVERSE_VARIANCE] += k ? p / (d * d) : 0;
        m->by_difference[k] = 0;
    }
    for (int64_t k = 2 * least; k <= 2 * most; k++) {
        const double p = m->by_sum[k];
        if (p == 0)
            continue;
        f[SUM_AVERAGE] += (double)k * p;
        f[SUM_ENTROPY] -= p * log2(p + EPSILON);
        m->by_sum[k] = 0;
    }
}

/* Informational measures of correlation.  The sums run in PyRadiomics' order: where the levels are independent of each
 * other, HXY2 - HXY is nothing but rounding, or exactly 0. */
static void informational_correlations(const Glcm *m, double *f)
{
    const int64_t n = m->n;
    double hx = 0, hy = 0, hxy1 = 0, hxy2 = 0;
    for (int64_t i = 0; i < n; i++) {
        hx -= m->px[i] * log2(m->px[i] + EPSILON);
        hy -= m->py[i] * log2(m->py[i] + EPSILON);
        for (int64_t j = 0; j < n; j++) {
            const double p = m->p[i * n + j], independent = m->px[i] * m->py[j];
            if (independent == 0)
                continue;
            const double log_independent = log2(independent + EPSILON);
            hxy1 -= p * log_independent;
            hxy2 -= independent * log_independent;
        }
    }
    const double largest = hx > hy ? hx : hy, hxy = f[JOINT_ENTROPY];
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

/* Return the largest eigenvalue of a symmetric matrix by Jacobi's rotations (the matrix is used up). */
static double largest_eigenvalue(double *a, int64_t n)
{
    for (int sweep = 0; sweep < 60; sweep++) {
        double off = 0, on = 0;
        for (int64_t i = 0; i < n; i++) {
            on += a[i * n + i] * a[i * n + i];
            for (int64_t j = 0; j < i; j++)
                off += a[i * n + j] * a[i * n + j];
        }
        if (off <= 1e-32 * on || off == 0)
            break;
        for (int64_t p = 0; p < n; p++)
            for (int64_t q = p + 1; q < n; q++) {
                if (a[p * n + q] == 0)
                    continue;
                const double theta = (a[q * n + q] - a[p * n + p]) / (2 * a[p * n + q]);
                const double t = (theta >= 0 ? 1 : -1) / (fabs(theta) + sqrt(theta * theta + 1));
                const double c = 1 / sqrt(t * t + 1), s = t * c;
                for (int64_t k = 0; k < n; k++) {
                    const double u = a[k * n + p], v = a[k * n + q];
                    a[k * n + p] = c * u - s * v, a[k * n + q] = s * u + c * v;
                }
                for (int64_t k = 0; k < n; k++) {
                    const double u = a[p * n + k], v = a[q * n + k];
                    a[p * n + k] = c * u - s * v, a[q * n + k] = s * u + c * v;
                }
            }
    }
    double largest = a[0];
    for (int64_t i = 1; i < n; i++)
        largest = a[i * n + i] > largest ? a[i * n + i] : largest;
    return largest;
}

/* Maximal correlation coefficient: the second singular value of p(i, j) / sqrt(px(i) py(j)).  The first is 1, with the
 * vectors sqrt(px) and sqrt(py); a graph of two parts or more has another 1.  (PyRadiomics takes the second eigenvalue of
 * Q, which is this one's square; its epsilon in Q is too small to matter in a window.) */
static double maximal_correlation(const Glcm *m)
{
    const int64_t n = m->n;
    if (parts(m, m->work) > 1)
        return 1;
    double *b = m->work, *product = b + n * n;
    int64_t rows = 0, columns = 0;
    for (int64_t i = 0; i < n; i++) {
        if (m->px[i] == 0)
            continue;
        columns = 0;
        for (int64_t j = 0; j < n; j++)
            if (m->py[j] != 0) {
                const double root = sqrt(m->px[i] * m->py[j]);
                b[rows * n + columns++] = m->p[i * n + j] / root - root;
            }
        rows++;
    }
    if (rows < 2 || columns < 2)
        return 0;
    for (int64_t i = 0; i < rows; i++)
        for (int64_t k = 0; k <= i; k++) {
            double sum = 0;
            for (int64_t j = 0; j < columns; j++)
                sum += b[i * n + j] * b[k * n + j];
            product[i * rows + k] = product[k * rows + i] = sum;
        }
    const double largest = largest_eigenvalue(product, rows);
    return largest > 0 ? sqrt(largest) : 0;
}

/* Add the features of one matrix to sums, leaving out what is no number, as numpy.nanmean does. */
static int add_glcm_features(Glcm *m, double *sums, double *counts, int64_t with_mcc)
{
    double f[GLCM_FEATURES] = {0};
    if (!normalise(m))
        return 0;
    features_of_pairs(m, f);
    features_of_differences_and_sums(m, f);
    informational_correlations(m, f);
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
    if (!window_allocate(&window, reach, ny, nx, levels))
        return -1;
    const int64_t most = window.cells < levels ? window.cells : levels;
    double *memory = calloc((size_t)(3 * most * most + 2 * most + 3 * levels + 4), sizeof(double));
    if (!memory) {
        free(window.memory);
        return -1;
    }
    m.ng = levels, m.grey = window.grey, m.p = memory, m.work = m.p + most * most, m.px = m.work + 2 * most * most;
    m.py = m.px + most, m.by_difference = m.py + most, m.by_sum = m.by_difference + levels + 1;
    for (int64_t w = 0; w < n; w++) {
        double sums[GLCM_FEATURES] = {0}, counts[GLCM_FEATURES] = {0};
        window_look(&window, level, centre[w]);
        window_rank(&window);
        m.n = window.rows;
        for (int64_t a = 0; a < n_angles; a++) {
            if (!weighted || a == 0)
                memset(m.p, 0, (size_t)(m.n * m.n) * sizeof(double));
            count_pairs(&window, angles + 3 * a, weighted ? weights[a] : 1, m.p);
            if (weighted && a < n_angles - 1)
                continue;
            if (symmetrical)
                make_symmetrical(m.p, m.n);
            filled[w * n_angles + a] = (uint8_t)add_glcm_features(&m, sums, counts, with_mcc);
        }
        for (int i = 0; i < GLCM_FEATURES; i++)
            features[i * n + w] = sums[i] / counts[i];
    }
    free(window.memory), free(memory);
    return 0;
}

/* ---- runs, zones, dependences: tables of levels by sizes ----------------------------------------------------------- */
enum { SMALL, LARGE, LEVEL_NONUNIFORMITY, LEVEL_NONUNIFORMITY_NORMALISED, SIZE_NONUNIFORMITY, SIZE_NONUNIFORMITY_NORMALISED,
       PERCENTAGE, LEVEL_VARIANCE, SIZE_VARIANCE, SIZE_ENTROPY, LOW, HIGH, SMALL_LOW, SMALL_HIGH, LARGE_LOW, LARGE_HIGH,
       SIZE_FEATURES };

typedef struct {
    int64_t key; /* row * (largest size + 1) + size */
    double count;
} Entry;

typedef struct {
    Entry *entry;
    int64_t n, sizes; /* entries; largest size + 1 */
    double *by_size, *by_row; /* all zero between windows */
} Table;

static int table_allocate(Table *table, int64_t entries, int64_t rows, int64_t largest)
{
    table->n = 0, table->sizes = largest + 1;
    table->entry = malloc((size_t)entries * sizeof(Entry));
    table->by_size = calloc((size_t)(table->sizes + rows), sizeof(double));
    table->by_row = table->by_size ? table->by_size + table->sizes : NULL;
    return table->entry && table->by_size;
}

static void table_free(Table *table) { free(table->entry), free(table->by_size); }

static inline void table_add(Table *table, int64_t row, int64_t size, double count)
{
    table->entry[table->n].key = row * table->sizes + size;
    table->entry[table->n++].count = count;
}

/* Order the entries by level and size, and make one of those that are equal. */
static void table_order(Table *table)
{
    Entry *entry = table->entry;
    for (int64_t gap = table->n > 40 ? 40 : 1; gap > 0; gap = gap == 40 ? 13 : gap == 13 ? 4 : gap == 4 ? 1 : 0)
        for (int64_t i = gap; i < table->n; i++) {
            const Entry here = entry[i];
            int64_t j = i;
            for (; j >= gap && entry[j - gap].key > here.key; j -= gap)
                entry[j] = entry[j - gap];
            entry[j] = here;
        }
    int64_t kept = 0;
    for (int64_t i = 0; i < table->n; i++)
        if (kept && entry[kept - 1].key == entry[i].key)
            entry[kept - 1].count += entry[i].count;
        else
            entry[kept++] = entry[i];
    table->n = kept;
}

static double variance_of(const double *p, const double *value, int64_t n, double total)
{
    double mean = 0, variance = 0;
    for (int64_t i = 0; i < n; i++)
        mean += p[i] / total * (value ? value[i] : (double)i);
    for (int64_t i = 0; i < n; i++) {
        const double d = (value ? value[i] : (double)i) - mean;
        variance += p[i] / total * (d * d);
    }
    return variance;
}

/* Compute all features of a table; it is emptied.  Return 0 if it holds nothing. */
static int size_features(Table *table, const double *grey, int64_t rows, double *f)
{
    double total = 0, voxels = 0;
    table_order(table);
    memset(f, 0, SIZE_FEATURES * sizeof(double));
    for (int64_t e = 0; e < table->n; e++)
        total += table->entry[e].count;
    if (total == 0)
        return 0;
    for (int64_t e = 0; e < table->n; e++) {
        const int64_t row = table->entry[e].key / table->sizes, size = table->entry[e].key % table->sizes;
        const double c = table->entry[e].count, p = c / total, s = (double)(size * size), g = grey[row] * grey[row];
        voxels += c * (double)size;
        table->by_row[row] += c;
        table->by_size[size] += c;
        f[SMALL] += c / s, f[LARGE] += c * s, f[LOW] += c / g, f[HIGH] += c * g;
        f[SMALL_LOW] += c / (g * s), f[SMALL_HIGH] += c * g / s, f[LARGE_LOW] += c * s / g, f[LARGE_HIGH] += c * (s * g);
        f[SIZE_ENTROPY] -= p * log2(p + EPSILON);
    }
    for (int64_t row = 0; row < rows; row++)
        f[LEVEL_NONUNIFORMITY] += table->by_row[row] * table->by_row[row];
    for (int64_t size = 0; size < table->sizes; size++)
        f[SIZE_NONUNIFORMITY] += table->by_size[size] * table->by_size[size];
    f[LEVEL_NONUNIFORMITY_NORMALISED] = f[LEVEL_NONUNIFORMITY] / (total * total);
    f[SIZE_NONUNIFORMITY_NORMALISED] = f[SIZE_NONUNIFORMITY] / (total * total);
    f[LEVEL_VARIANCE] = variance_of(table->by_row, grey, rows, total);
    f[SIZE_VARIANCE] = variance_of(table->by_size, NULL, table->sizes, total);
    const int per_entry[] = {SMALL, LARGE, LOW, HIGH, SMALL_LOW, SMALL_HIGH, LARGE_LOW, LARGE_HIGH, LEVEL_NONUNIFORMITY,
                             SIZE_NONUNIFORMITY};
    for (size_t i = 0; i < sizeof per_entry / sizeof *per_entry; i++)
        f[per_entry[i]] /= total;
    f[PERCENTAGE] = total / voxels;
    memset(table->by_row, 0, (size_t)rows * sizeof(double));
    memset(table->by_size, 0, (size_t)table->sizes * sizeof(double));
    table->n = 0;
    return 1;
}

/* Add the runs along one angle: every line starts at a cell whose predecessor lies outside the window.  Return whether
 * some line crosses two voxels of the region; PyRadiomics leaves out an angle without. */
static int add_runs(const Window *window, const int64_t *angle, double weight, Table *table)
{
    const int64_t *size = window->size, step = (angle[0] * size[1] + angle[1]) * size[2] + angle[2];
    int crossed = 0;
    for (int64_t z = 0; z < size[0]; z++)
        for (int64_t y = 0; y < size[1]; y++)
            for (int64_t x = 0; x < size[2]; x++) {
                const int64_t at[3] = {z, y, x};
                int64_t cells = INT64_MAX;
                int starts = 0;
                for (int d = 0; d < 3; d++)
                    if (angle[d]) {
                        starts |= angle[d] > 0 ? at[d] == 0 : at[d] == size[d] - 1;
                        const int64_t left = angle[d] > 0 ? size[d] - at[d] : at[d] + 1;
                        cells = left < cells ? left : cells;
                    }
                if (!starts)
                    continue;
                const int32_t *row = window->row + (z * size[1] + y) * size[2] + x;
                int64_t run = 0, voxels = 0;
                for (int64_t i = 0; i < cells; i++, row += step) {
                    voxels += *row >= 0;
                    run++;
                    if (*row >= 0 && (i == cells - 1 || row[step] != *row))
                        table_add(table, *row, run, weight), run = 0;
                    else if (*row < 0)
                        run = 0;
                }
                crossed |= voxels > 1;
            }
    return crossed;
}

WIDE int64_t maps_glrlm(const int32_t *level, int64_t levels, int64_t ny, int64_t nx, const int64_t *centre, int64_t n,
                        const int64_t *reach, const int64_t *angles, int64_t n_angles, const double *weights,
                        int64_t weighted, double *features)
{
    Window window;
    Table table = {0};
    const int ready = window_allocate(&window, reach, ny, nx, levels) &&
                      table_allocate(&table, window.cells * n_angles, window.cells, longest(&window));
    for (int64_t w = 0; ready && w < n; w++) {
        double sums[SIZE_FEATURES] = {0}, f[SIZE_FEATURES], count = 0;
        window_look(&window, level, centre[w]);
        window_rank(&window);
        for (int64_t a = 0; a < n_angles; a++) {
            const int64_t before = table.n;
            if (!add_runs(&window, angles + 3 * a, weighted ? weights[a] : 1, &table))
                table.n = before;
            if ((weighted && a < n_angles - 1) || !size_features(&table, window.grey, window.rows, f))
                continue;
            count += 1;
            for (int i = 0; i < SIZE_FEATURES; i++)
                sums[i] += f[i];
        }
        for (int i = 0; i < SIZE_FEATURES; i++)
            features[i * n + w] = sums[i] / count;
    }
    free(window.memory), table_free(&table);
    return ready ? 0 : -1;
}

/* Add the zones: cells of one level that touch, across faces, edges and corners. */
static void add_zones(const Window *window, int32_t *row, int32_t *stack, Table *table)
{
    const int64_t *size = window->size;
    memcpy(row, window->row, (size_t)window->cells * sizeof(int32_t));
    for (int64_t first = 0; first < window->cells; first++) {
        const int32_t own = row[first];
        if (own < 0)
            continue;
        int64_t top = 0, zone = 0;
        stack[top++] = (int32_t)first, row[first] = -1;
        while (top > 0) {
            const int64_t cell = stack[--top], x = cell % size[2], y = cell / size[2] % size[1], z = cell / size[2] / size[1];
            zone++;
            for (int64_t u = z > 0 ? z - 1 : 0; u <= z + 1 && u < size[0]; u++)
                for (int64_t v = y > 0 ? y - 1 : 0; v <= y + 1 && v < size[1]; v++)
                    for (int64_t t = x > 0 ? x - 1 : 0; t <= x + 1 && t < size[2]; t++) {
                        const int64_t neighbour = (u * size[1] + v) * size[2] + t;
                        if (row[neighbour] == own)
                            stack[top++] = (int32_t)neighbour, row[neighbour] = -1;
                    }
        }
        table_add(table, own, zone, 1);
    }
}

WIDE int64_t maps_glszm(const int32_t *level, int64_t levels, int64_t ny, int64_t nx, const int64_t *centre, int64_t n,
                        const int64_t *reach, double *features)
{
    Window window;
    Table table = {0};
    int32_t *buffer = NULL;
    const int ready = window_allocate(&window, reach, ny, nx, levels) &&
                      table_allocate(&table, window.cells, window.cells, window.cells) &&
                      (buffer = malloc((size_t)window.cells * 2 * sizeof(int32_t)));
    for (int64_t w = 0; ready && w < n; w++) {
        double f[SIZE_FEATURES];
        window_look(&window, level, centre[w]);
        window_rank(&window);
        add_zones(&window, buffer, buffer + window.cells, &table);
        size_features(&table, window.grey, window.rows, f);
        for (int i = 0; i < SIZE_FEATURES; i++)
            features[i * n + w] = f[i];
    }
    free(window.memory), table_free(&table), free(buffer);
    return ready ? 0 : -1;
}

/* Visit the cells of a window, and of each the cells at the given angles that lie in the window and the region. */
static inline int64_t neighbour(const Window *window, int64_t z, int64_t y, int64_t x, const int64_t *angle)
{
    const int64_t u = z + angle[0], v = y + angle[1], t = x + angle[2];
    if (u < 0 || v < 0 || t < 0 || u >= window->size[0] || v >= window->size[1] || t >= window->size[2])
        return -1;
    const int64_t cell = (u * window->size[1] + v) * window->size[2] + t;
    return window->level[cell] ? cell : -1;
}

/* A voxel depends on a neighbour whose level differs by `alpha` at most; its size is 1 + the number of those.
 * angles: both directions. */
WIDE int64_t maps_gldm(const int32_t *level, int64_t levels, int64_t ny, int64_t nx, const int64_t *centre, int64_t n,
                       const int64_t *reach, const int64_t *angles, int64_t n_angles, int64_t alpha, double *features)
{
    Window window;
    Table table = {0};
    const int ready = window_allocate(&window, reach, ny, nx, levels) &&
                      table_allocate(&table, window.cells, window.cells, n_angles + 1);
    for (int64_t w = 0; ready && w < n; w++) {
        double f[SIZE_FEATURES];
        window_look(&window, level, centre[w]);
        window_rank(&window);
        for (int64_t cell = 0; cell < window.cells; cell++) {
            if (!window.level[cell])
                continue;
            const int64_t x = cell % window.size[2], y = cell / window.size[2] % window.size[1];
            const int64_t z = cell / window.size[2] / window.size[1];
            int64_t size = 1;
            for (int64_t a = 0; a < n_angles; a++) {
                const int64_t other = neighbour(&window, z, y, x, angles + 3 * a);
                size += other >= 0 && llabs((long long)window.level[cell] - window.level[other]) <= alpha;
            }
            table_add(&table, window.row[cell], size, 1);
        }
        size_features(&table, window.grey, window.rows, f);
        for (int i = 0; i < SIZE_FEATURES; i++)
            features[i * n + w] = f[i];
    }
    free(window.memory), table_free(&table);
    return ready ? 0 : -1;
}

/* ---- neighbouring grey tones --------------------------------------------------------------------------------------- */
enum { BUSYNESS, COARSENESS, COMPLEXITY, NGTDM_CONTRAST, STRENGTH, NGTDM_FEATURES };

/* count[row]: voxels; difference[row]: sum of |level - mean level of the neighbours| over them. */
static void tone_differences(const Window *window, const int64_t *angles, int64_t n_angles, double *count, double *difference)
{
    memset(count, 0, (size_t)window->rows * sizeof(double));
    memset(difference, 0, (size_t)window->rows * sizeof(double));
    for (int64_t cell = 0; cell < window->cells; cell++) {
        if (!window->level[cell])
            continue;
        const int64_t x = cell % window->size[2], y = cell / window->size[2] % window->size[1];
        const int64_t z = cell / window->size[2] / window->size[1];
        double neighbours = 0, sum = 0;
        for (int64_t a = 0; a < n_angles; a++) {
            const int64_t other = neighbour(window, z, y, x, angles + 3 * a);
            if (other >= 0)
                neighbours += 1, sum += window->level[other];
        }
        count[window->row[cell]] += 1;
        difference[window->row[cell]] += neighbours == 0 ? 0 : fabs((double)window->level[cell] - sum / neighbours);
    }
}

static void ngtdm_features(const double *i, const double *count, const double *s, int64_t rows, double voxels, double *f)
{
    double ps = 0, sum_s = 0, contrast = 0, busy = 0, complexity = 0, strength = 0;
    for (int64_t a = 0; a < rows; a++) {
        const double p = count[a] / voxels;
        ps += p * s[a], sum_s += s[a];
        for (int64_t b = 0; b < rows; b++) {
            const double q = count[b] / voxels, d = i[a] - i[b];
            contrast += p * q * (d * d);
            busy += fabs(i[a] * p - i[b] * q);
            complexity += fabs(d) * (p * s[a] + q * s[b]) / (p + q);
            strength += (p + q) * (d * d);
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
    double *memory = NULL;
    const int ready = window_allocate(&window, reach, ny, nx, levels) &&
                      (memory = malloc((size_t)window.cells * 2 * sizeof(double)));
    for (int64_t w = 0; ready && w < n; w++) {
        double f[NGTDM_FEATURES], *difference = memory + window.cells;
        window_look(&window, level, centre[w]);
        window_rank(&window);
        tone_differences(&window, angles, n_angles, memory, difference);
        ngtdm_features(window.grey, memory, difference, window.rows, (double)window.voxels, f);
        for (int i = 0; i < NGTDM_FEATURES; i++)
            features[i * n + w] = f[i];
    }
    free(window.memory), free(memory);
    return ready ? 0 : -1;
}
