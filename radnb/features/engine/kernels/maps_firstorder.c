/* First-order statistics of the windows around voxels; see window.h. */
#include "window.h"

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
static double moment(const double *x, const uint8_t *valid, int64_t cells, int64_t n, double centre, int power,
                     double *work)
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
