/* Grey values on a small sphere around each voxel, interpolated as scipy.ndimage.map_coordinates does (cubic spline,
 * 0 outside the image), and the power of their signs in spherical harmonics.
 *
 * J. Banerjee et al., 3D LBP-based rotationally invariant region description, ACCV 2012 Workshops, LNCS 7728. */
#include "lines.h"

INLINE void weigh_cubic(double x, double *w)
{
    const double y = x - floor(x), z = 1.0 - y;
    w[1] = (y * y * (y - 2.0) * 3.0 + 4.0) / 6.0;
    w[2] = (z * z * (z - 2.0) * 3.0 + 4.0) / 6.0;
    w[0] = z * z * z / 6.0;
    w[3] = 1.0 - w[0] - w[1] - w[2];
}

/* Add the 64 terms for columns first ... last - 1, whose coefficients lie side by side; weights follow z, y, x. */
INLINE void add_terms(const double *corner, int64_t sy, int64_t sz, const double *wz, const double *wy,
                      const double *restrict wx, int64_t n, int64_t first, int64_t last, double *restrict sum)
{
    for (int dz = 0; dz < 4; dz++)
        for (int dy = 0; dy < 4; dy++) {
            const double *restrict c = corner + dz * sz + dy * sy;
            const double z = wz[dz], y = wy[dy];
            for (int64_t i = first; i < last; i++) {
                double s = sum[i];
                s += c[i - first] * z * y * wx[i];
                s += c[i - first + 1] * z * y * wx[n + i];
                s += c[i - first + 2] * z * y * wx[2 * n + i];
                s += c[i - first + 3] * z * y * wx[3 * n + i];
                sum[i] = s;
            }
        }
}

/* Sample one slice of a box: voxels (z, y0 ... y1 - 1, x0 ... x1 - 1), each at `points` offsets (z, y, x).  The
 * coefficients cover `held` voxels from `offset` on, of an image of `full` voxels.  `out` is points x rows x columns. */
WIDE int64_t sphere_samples(const double *coefficients, const int64_t *full, const int64_t *held,
                            const int64_t *offset, int64_t z, int64_t y0, int64_t y1, int64_t x0, int64_t x1,
                            const double *offsets, int64_t points, double *out)
{
    const int64_t n = x1 - x0, sy = held[2], sz = held[1] * held[2];
    double *weights = malloc((size_t)n * 4 * sizeof *weights);
    int64_t *base = malloc((size_t)n * sizeof *base);
    if (!weights || !base) { free(weights); free(base); return -1; }
    for (int64_t point = 0; point < points; point++) {
        const double *at = offsets + 3 * point, zz = (double)z + at[0];
        double wz[4], wy[4], w[4];
        weigh_cubic(zz, wz);
        for (int64_t i = 0; i < n; i++) {
            const double xx = (double)(x0 + i) + at[2];
            base[i] = (int64_t)floor(xx) - 1 - offset[2];
            weigh_cubic(xx, w);
            for (int tap = 0; tap < 4; tap++) weights[tap * n + i] = w[tap];
        }
        for (int64_t y = y0; y < y1; y++) {
            double *sum = out + (point * (y1 - y0) + y - y0) * n;
            const double yy = (double)y + at[1];
            memset(sum, 0, (size_t)n * sizeof *sum);
            if (zz < 0.0 || zz > (double)(full[0] - 1) || yy < 0.0 || yy > (double)(full[1] - 1)) continue;
            weigh_cubic(yy, wy);
            const double *row = coefficients + ((int64_t)floor(zz) - 1 - offset[0]) * sz
                                + ((int64_t)floor(yy) - 1 - offset[1]) * sy;
            for (int64_t first = 0, last; first < n; first = last) {
                for (last = first + 1; last < n && base[last] == base[first] + last - first;) last++;
                add_terms(row + base[first], sy, sz, wz, wy, weights, n, first, last, sum);
            }
            for (int64_t i = 0; i < n; i++) {
                const double xx = (double)(x0 + i) + at[2];
                if (xx < 0.0 || xx > (double)(full[2] - 1)) sum[i] = 0.0;
            }
        }
    }
    free(weights);
    free(base);
    return 0;
}

/* Complex products are fused as numpy fuses them: voxels whose patterns are turned copies of each other are equal but for
 * the last bit, and a percentile that cuts between them sees that bit. */
INLINE double product_real(double a, double b, double c, double d) { return fma(a, c, -(b * d)); }
INLINE double product_imaginary(double a, double b, double c, double d) { return fma(a, d, b * c); }

/* Of each voxel's signs at `points`, find the coefficients in `harmonics` functions, then for each level the sum over
 * the points of the square of what its functions make of them (complex, as PyRadiomics computes it).
 * `first` tells where the functions of each level begin, and at its end how many there are. */
WIDE int64_t harmonic_powers(const uint8_t *signs, int64_t voxels, int64_t points, const double *real,
                             const double *imaginary, int64_t harmonics, const int64_t *first, int64_t levels,
                             double *out)
{
    double *c = malloc((size_t)harmonics * 2 * sizeof *c), *d = c + harmonics;
    if (!c) return -1;
    for (int64_t voxel = 0; voxel < voxels; voxel++) {
        memset(c, 0, (size_t)harmonics * 2 * sizeof *c);
        for (int64_t p = 0; p < points; p++) {
            if (!signs[voxel * points + p]) continue;
            for (int64_t k = 0; k < harmonics; k++) {
                c[k] += real[p * harmonics + k];
                d[k] += imaginary[p * harmonics + k];
            }
        }
        for (int64_t level = 0; level < levels; level++) {
            double whole = 0.0, wholly_imaginary = 0.0;
            for (int64_t p = 0; p < points; p++) {
                double re = 0.0, im = 0.0;
                for (int64_t k = first[level]; k < first[level + 1]; k++) {
                    const double a = real[p * harmonics + k], b = imaginary[p * harmonics + k];
                    re += product_real(c[k], d[k], a, b);
                    im += product_imaginary(c[k], d[k], a, b);
                }
                whole += product_real(re, im, re, im);
                wholly_imaginary += product_imaginary(re, im, re, im);
            }
            out[(voxel * levels + level) * 2] = whole;
            out[(voxel * levels + level) * 2 + 1] = wholly_imaginary;
        }
    }
    free(c);
    return 0;
}
