/* Features from texture matrices, as PyRadiomics 3.0.1 defines them; the IBSI code of each stands beside it.
 * https://pyradiomics.readthedocs.io/en/v3.0.1/features.html; https://arxiv.org/abs/1612.07003 */
#include "inline.h"
#include "radnb.h"

INLINE double squared(double x) { return x * x; }
INLINE double surprise(double p) { return -log2(p + EPS); }

enum { GLCM_FEATURES = 24, TABLE_FEATURES = 16 };

/* One direction.  p: the matrix, turned into probabilities here; i, j: the grey levels; scratch: 4 n + 3 n_levels + 1
 * numbers.  found[23] is HXY2 - HXY, on which Imc2 depends; MCC is computed elsewhere. */
static void glcm(double *p, const double *level, int64_t n, int64_t n_levels, double *scratch, double *found) {
    double *px = scratch, *py = px + n, *difference = py + n, *sum = difference + n_levels;
    double total = 0, highest = 0, energy = 0, auto_correlation = 0, ux = 0, uy = 0;
    memset(scratch, 0, (size_t)(2 * n + 3 * n_levels + 1) * sizeof *scratch);
    for (int64_t k = 0; k < n * n; k++) total += p[k];
    for (int64_t i = 0; i < n; i++)
        for (int64_t j = 0; j < n; j++) {
            double *cell = p + i * n + j;
            if (*cell == 0) continue;
            *cell /= total;
            px[i] += *cell;
            py[j] += *cell;
            difference[llabs((int64_t)level[i] - (int64_t)level[j])] += *cell;
            sum[(int64_t)level[i] + (int64_t)level[j]] += *cell;
            auto_correlation += *cell * level[i] * level[j];
            energy += *cell * *cell;
            if (*cell > highest) highest = *cell;
        }
    double hx = 0, hy = 0;
    for (int64_t i = 0; i < n; i++) {
        ux += level[i] * px[i];
        uy += level[i] * py[i];
        hx += px[i] * surprise(px[i]);
        hy += py[i] * surprise(py[i]);
    }
    double hxy = 0, hxy1 = 0, hxy2 = 0, covariance = 0, variance_x = 0, variance_y = 0;
    for (int64_t i = 0; i < n; i++) {
        variance_x += px[i] * squared(level[i] - ux);
        variance_y += py[i] * squared(level[i] - uy);
        for (int64_t j = 0; j < n; j++) {
            const double cell = p[i * n + j], independent = px[i] * py[j];
            if (independent == 0) continue;
            const double bits = surprise(independent);
            hxy2 += independent * bits;
            if (cell == 0) continue;
            hxy1 += cell * bits;
            hxy += cell * surprise(cell);
            covariance += cell * (level[i] - ux) * (level[j] - uy);
        }
    }
    double prominence = 0, shade = 0, tendency = 0, sum_average = 0, sum_entropy = 0;
    for (int64_t k = 2; k <= 2 * n_levels; k++) {
        if (sum[k] == 0) continue;
        const double from_mean = (double)k - ux - uy;
        prominence += sum[k] * squared(squared(from_mean));
        shade += sum[k] * squared(from_mean) * from_mean;
        tendency += sum[k] * squared(from_mean);
        sum_average += sum[k] * (double)k;
        sum_entropy += sum[k] * surprise(sum[k]);
    }
    double contrast = 0, average = 0, entropy = 0, id = 0, idm = 0, idmn = 0, idn = 0, inverse_variance = 0;
    for (int64_t k = 0; k < n_levels; k++) {
        if (difference[k] == 0) continue;
        const double apart = (double)k, share = (double)k / (double)n_levels;
        contrast += difference[k] * squared(apart);
        average += difference[k] * apart;
        entropy += difference[k] * surprise(difference[k]);
        id += difference[k] / (1 + apart);
        idm += difference[k] / (1 + squared(apart));
        idmn += difference[k] / (1 + squared(apart) / squared((double)n_levels));
        idn += difference[k] / (1 + share);
        if (k) inverse_variance += difference[k] / squared(apart);
    }
    double difference_variance = 0;
    for (int64_t k = 0; k < n_levels; k++) difference_variance += difference[k] * squared((double)k - average);
    const double deviations = sqrt(variance_x) * sqrt(variance_y), larger = hx > hy ? hx : hy;
    const double dependence = 1 - exp(-2 * (hxy2 - hxy));
    *found++ = auto_correlation;                                             /* QWB0 */
    *found++ = prominence;                                                   /* AE86 */
    *found++ = shade;                                                        /* 7NFM */
    *found++ = tendency;                                                     /* DG8W */
    *found++ = contrast;                                                     /* ACUI */
    *found++ = deviations == 0 ? 1 : covariance / (deviations + EPS);        /* NI2N */
    *found++ = average;                                                      /* TF7R */
    *found++ = entropy;                                                      /* NTRS */
    *found++ = difference_variance;                                          /* D3YU */
    *found++ = id;                                                           /* IB1Z */
    *found++ = idm;                                                          /* WF0Z */
    *found++ = idmn;                                                         /* 1QCO */
    *found++ = idn;                                                          /* NDRX */
    *found++ = larger == 0 ? 0 : (hxy - hxy1) / larger;                      /* R8DG */
    *found++ = hxy2 == hxy ? 0 : dependence < 0 ? NAN : sqrt(dependence);    /* JN9H */
    *found++ = inverse_variance;                                             /* E8JP */
    *found++ = ux;                                                           /* 60VM */
    *found++ = energy;                                                       /* 8ZQL */
    *found++ = hxy;                                                          /* TU9B */
    *found++ = highest;                                                      /* GYBY */
    *found++ = sum_average;                                                  /* ZGXS */
    *found++ = sum_entropy;                                                  /* P6QZ */
    *found++ = variance_x;                                                   /* UR99 */
    *found++ = hxy2 - hxy;
}

KERNEL int64_t glcm_features(double *pairs, int64_t n_directions, const double *levels, int64_t n, int64_t n_levels,
                             double *found) {
    double *scratch = malloc((size_t)(2 * n + 3 * n_levels + 1) * sizeof *scratch);
    if (!scratch) return -1;
    for (int64_t d = 0; d < n_directions; d++)
        glcm(pairs + d * n * n, levels, n, n_levels, scratch, found + d * GLCM_FEATURES);
    free(scratch);
    return 0;
}

/* Runs, zones and dependences are tables of (grey level i, size j); one set of formulas serves all three.
 * IBSI codes: GLRLM / GLSZM / GLDM. */
static void table(const double *count, const double *level, int64_t n, const double *size, int64_t n_sizes,
                  double *of_size, double *found) {
    double total = 0, voxels = 0, small = 0, large = 0, low = 0, high = 0, small_low = 0, small_high = 0, large_low = 0;
    double large_high = 0, level_square = 0, size_square = 0, level_mean = 0, size_mean = 0, entropy = 0;
    double level_variance = 0, size_variance = 0;
    for (int64_t j = 0; j < n_sizes; j++) of_size[j] = 0;
    for (int64_t k = 0; k < n * n_sizes; k++) total += count[k];
    for (int64_t i = 0; i < n; i++) {
        const double i2 = squared(level[i]);
        double of_level = 0;
        for (int64_t j = 0; j < n_sizes; j++) {
            const double c = count[i * n_sizes + j], j2 = squared(size[j]);
            if (c == 0) continue;
            of_level += c;
            of_size[j] += c;
            small_low += c / (i2 * j2);
            small_high += c * i2 / j2;
            large_low += c * j2 / i2;
            large_high += c * i2 * j2;
            entropy += c / total * surprise(c / total);
        }
        low += of_level / i2;
        high += of_level * i2;
        level_square += squared(of_level);
        level_mean += of_level / total * level[i];
    }
    for (int64_t j = 0; j < n_sizes; j++) {
        small += of_size[j] / squared(size[j]);
        large += of_size[j] * squared(size[j]);
        size_square += squared(of_size[j]);
        size_mean += of_size[j] / total * size[j];
        voxels += of_size[j] * size[j];
    }
    for (int64_t j = 0; j < n_sizes; j++) size_variance += of_size[j] / total * squared(size[j] - size_mean);
    for (int64_t i = 0; i < n; i++) {
        double of_level = 0;
        for (int64_t j = 0; j < n_sizes; j++) of_level += count[i * n_sizes + j];
        level_variance += of_level / total * squared(level[i] - level_mean);
    }
    *found++ = level_square / total;          /* R5YN / JNSA / FP8K */
    *found++ = level_square / squared(total); /* OVBL / Y1RO / 5Z8B */
    *found++ = level_variance;                /* 8CE5 / BYLV / 1PR7 */
    *found++ = high / total;                  /* G3QZ / 5GN9 / K26C */
    *found++ = large / total;                 /* W4KF / 48P8 / IMOQ */
    *found++ = large_high / total;            /* 3KUM / J17V / KLTH */
    *found++ = large_low / total;             /* IVPO / YH51 / A7WM */
    *found++ = low / total;                   /* V3SW / XMSY / VAIA */
    *found++ = entropy;                       /* HJ9O / GU8N / GBDU */
    *found++ = size_square / total;           /* W92Y / 4JP3 / Z87G */
    *found++ = size_square / squared(total);  /* IC23 / VB3A / OKJI */
    *found++ = total / voxels;                /* 9ZK5 / P30P / - */
    *found++ = size_variance;                 /* SXLW / 3NSA / DNX2 */
    *found++ = small / total;                 /* 22OV / 5QRC / SODN */
    *found++ = small_high / total;            /* GD3A / HW1V / EQ0S */
    *found++ = small_low / total;             /* HTZT / 5RAI / RUVG */
}

KERNEL int64_t table_features(const double *counts, int64_t n_tables, const double *levels, int64_t n,
                              const double *sizes, int64_t n_sizes, double *found) {
    double *of_size = malloc((size_t)n_sizes * sizeof *of_size + 8);
    if (!of_size) return -1;
    for (int64_t t = 0; t < n_tables; t++)
        table(counts + t * n * n_sizes, levels, n, sizes, n_sizes, of_size, found + t * TABLE_FEATURES);
    free(of_size);
    return 0;
}

/* p: share of the voxels with each level; s: sum of the grey-tone differences of each level. */
KERNEL int64_t ngtdm_features(const double *levels, const double *p, const double *s, int64_t n, double voxels,
                              double *found) {
    double weighted = 0, differences = 0, busy = 0, complex = 0, contrast = 0, strong = 0;
    for (int64_t i = 0; i < n; i++) {
        weighted += p[i] * s[i];
        differences += s[i];
        for (int64_t j = 0; j < n; j++) {
            const double apart = fabs(levels[i] - levels[j]);
            busy += fabs(levels[i] * p[i] - levels[j] * p[j]);
            complex += apart * (p[i] * s[i] + p[j] * s[j]) / (p[i] + p[j]);
            contrast += p[i] * p[j] * squared(apart);
            strong += (p[i] + p[j]) * squared(apart);
        }
    }
    found[0] = busy == 0 ? 0 : weighted / busy;                                                        /* NQ30 */
    found[1] = weighted == 0 ? 1e6 : 1 / weighted;                                                     /* QCDE */
    found[2] = complex / voxels;                                                                       /* HDEZ */
    found[3] = n < 2 ? 0 : contrast * differences / voxels / ((double)n * (double)(n - 1));            /* 65HE */
    found[4] = differences == 0 ? 0 : strong / differences;                                            /* 1X9X */
    return 0;
}
