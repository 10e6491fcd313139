/* Co-occurrences of grey levels in the windows around voxels; see window.h. */
#include "window.h"

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

/* Informational measures of correlation.  Both cross entropies are HX + HY; only where the levels are independent of
 * each other, and the difference to HXY is nothing but rounding or exactly 0, the sums are made as PyRadiomics makes
 * them. */
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
INLINE void multiply_rows(const double *restrict a, const double *restrict b, double *restrict product, int64_t n,
                          const int64_t wide)
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

/* Return the largest eigenvalue of a positive matrix m: its powers m^2, m^4, m^8 ...  turn into the projection on
 * the eigenvector, whose Rayleigh quotient is the eigenvalue.  Where two eigenvalues are so near that this takes
 * long, either will do. */
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

/* Maximal correlation coefficient: the second singular value of p(i, j) / sqrt(px(i) py(j)).  The first is 1, with
 * the vectors sqrt(px) and sqrt(py); a graph of two parts or more has another 1.  (PyRadiomics takes the second
 * eigenvalue of Q, which is this one's square; its epsilon in Q is too small to matter in a window.) */
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

/* angles: a row each; weights: one each, or none (weighted = 0).  filled[window * n_angles + angle]: was there a
 * pair. */
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
