/* Laplacian of Gaussian with the arithmetic of ITK's LaplacianRecursiveGaussianImageFilter: double within a line,
 * single precision between passes.
 *
 * R. Deriche: Recursively implementing the Gaussian and its derivatives, INRIA research report 1893 (1993).
 * G. Farneback, C.-F. Westin: Improving Deriche-style recursive Gaussian filters, J Math Imaging Vis 26 (2006) 293. */
#include "lines.h"

/* Coefficients of one recursion: n of the causal input, m of the anticausal, d of both outputs, bn and bm of the
 * outputs that are assumed beyond the borders. */
typedef struct { double n[4], d[4], m[4], bn[4], bm[4]; } Deriche;

INLINE void forward(const double *data, double *out, int64_t end, const Deriche *c)
{
    for (int64_t i = 0; i < end && i < 4; i++)
        for (int lane = 0; lane < LANES; lane++) {
            const double border = data[lane];
            double in[4], past[4];
            for (int64_t k = 0; k < 4; k++) {
                in[k] = (i - k >= 0 ? data[(i - k) * LANES + lane] : border) * c->n[k];
                past[k] = i - k > 0 ? out[(i - k - 1) * LANES + lane] * c->d[k] : border * c->bn[k];
            }
            out[i * LANES + lane] = (in[0] + in[1] + in[2] + in[3]) - (past[0] + past[1] + past[2] + past[3]);
        }
    for (int64_t i = 4; i < end; i++) {
        const double *restrict x = data + i * LANES;
        double *restrict y = out + i * LANES;
        const double *p = out + (i - 1) * LANES, *q = p - LANES, *r = q - LANES, *s = r - LANES;
        for (int lane = 0; lane < LANES; lane++)
            y[lane] = (x[lane] * c->n[0] + x[lane - LANES] * c->n[1] + x[lane - 2 * LANES] * c->n[2]
                       + x[lane - 3 * LANES] * c->n[3])
                      - (p[lane] * c->d[0] + q[lane] * c->d[1] + r[lane] * c->d[2] + s[lane] * c->d[3]);
    }
}

/* Walk back from the line's end and add to what the forward walk left, down to `begin`. */
INLINE void backward(const double *data, double *out, int64_t begin, int64_t end, int64_t n, const Deriche *c)
{
    double ring[4][LANES];
    const double *last = data + (n - 1) * LANES;
    for (int64_t i = n - 1; i >= begin; i--) {
        double *y = ring[i & 3];
        const double *p = ring[(i + 1) & 3], *q = ring[(i + 2) & 3], *r = ring[(i + 3) & 3];
        const double *x = data + i * LANES;
        if (i + 4 < n)
            for (int lane = 0; lane < LANES; lane++)  /* y, not yet written, still holds output i + 4 */
                y[lane] = (x[lane + LANES] * c->m[0] + x[lane + 2 * LANES] * c->m[1] + x[lane + 3 * LANES] * c->m[2]
                           + x[lane + 4 * LANES] * c->m[3])
                          - (p[lane] * c->d[0] + q[lane] * c->d[1] + r[lane] * c->d[2] + y[lane] * c->d[3]);
        else
            for (int lane = 0; lane < LANES; lane++) {
                double in[4], past[4];
                for (int64_t k = 0; k < 4; k++) {
                    in[k] = (i + k + 1 < n ? data[(i + k + 1) * LANES + lane] : last[lane]) * c->m[k];
                    past[k] = i + k + 1 < n ? ring[(i + k + 1) & 3][lane] * c->d[k] : last[lane] * c->bm[k];
                }
                y[lane] = (in[0] + in[1] + in[2] + in[3]) - (past[0] + past[1] + past[2] + past[3]);
            }
        if (i < end)
            for (int lane = 0; lane < LANES; lane++) out[i * LANES + lane] += y[lane];
    }
}

INLINE void store(float *voxel, double value, double scale)
{
    *voxel = scale == 0.0 ? (float)value : (float)((double)*voxel + (double)(float)value * scale);
}

/* Write samples first ... last - 1 of the lanes, or add them multiplied by `scale`. */
INLINE void store_lines(const double *rows, const Block *to, int64_t step, int64_t first, int64_t last, double scale,
                        float *out)
{
    int64_t i = first;
    if (step == 1)
        for (; i + TILE <= last; i += TILE)
            for (int64_t lane = 0; lane < to->lanes; lane++)
                for (int k = 0; k < TILE; k++)
                    store(out + to->at[lane] + i - first + k, rows[(i + k) * LANES + lane], scale);
    for (; i < last; i++) {
        const double *row = rows + i * LANES;
        float *target = out + (i - first) * step;
        if (to->together && scale == 0.0)
            for (int lane = 0; lane < LANES; lane++) target[to->at[0] + lane] = (float)row[lane];
        else if (to->together)
            for (int lane = 0; lane < LANES; lane++) store(target + to->at[0] + lane, row[lane], scale);
        else
            for (int64_t lane = 0; lane < to->lanes; lane++) store(target + to->at[lane], row[lane], scale);
    }
}

/* Filter all lines along `axis` of a part of a volume (beginning at `begin`, of size and strides given in voxels) and
 * write samples first ... last - 1 of each.  With `scale` they are multiplied and added to what `out` holds. */
WIDE int64_t gaussian_pass(const void *volume, int64_t type, const int64_t *begin, const int64_t *size,
                           const int64_t *stride, int64_t axis, const Deriche *c, int64_t first, int64_t last,
                           double scale, float *out)
{
    const int64_t n = size[axis], step = stride[axis], lines = size[0] * size[1] * size[2] / n;
    int64_t to_size[3] = {size[0], size[1], size[2]};
    to_size[axis] = last - first;
    const int64_t to_stride[3] = {to_size[1] * to_size[2], to_size[2], 1};
    const int64_t origin = begin[0] * stride[0] + begin[1] * stride[1] + begin[2] * stride[2];
    double *data = malloc((size_t)n * LANES * 2 * sizeof *data), *sum = data + n * LANES;
    if (!data) return -1;
    for (int64_t line = 0; line < lines; line += LANES) {
        Block from = block_of(size, stride, (int)axis, line);
        const Block to = block_of(to_size, to_stride, (int)axis, line);
        for (int lane = 0; lane < LANES; lane++) from.at[lane] += origin;
        load_lines(volume, (int)type, &from, step, 0, n, data);
        forward(data, sum, last, c);
        backward(data, sum, first, last, n, c);
        store_lines(sum, &to, to_stride[axis], first, last, scale, out);
    }
    free(data);
    return 0;
}
