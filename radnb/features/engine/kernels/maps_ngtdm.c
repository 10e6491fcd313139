/* Neighbouring grey tones in the windows around voxels; see window.h. */
#include "window.h"

enum { BUSYNESS, COARSENESS, COMPLEXITY, NGTDM_CONTRAST, STRENGTH, NGTDM_FEATURES };

/* count[row]: voxels; difference[row]: sum of |level - mean level of the neighbours| over them. */
static void tone_differences(const Window *window, const Pairs *pairs, int64_t n_angles, int32_t *neighbours,
                             int32_t *sum, double *count, double *difference)
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
