/* Cubic B-spline interpolation with the arithmetic of ITK's BSplineInterpolateImageFunction, step for step.
 *
 * M. Unser, A. Aldroubi, M. Eden: B-spline signal processing, IEEE Trans. Signal Processing 41 (1993) 821-848.
 * Integer images are truncated after resampling, so that the last bit decides whether 100 stays 100 or becomes 99:
 * sums are therefore taken in ITK's order, whatever another order would save. */
#include "lines.h"

static const double TOLERANCE = 1e-10;  /* of ITK, where it cuts the sum over mirrored samples */

/* The coefficient before the first sample's recursion: a geometric sum over the mirrored line. */
INLINE void start_causal(double *rows, int64_t n, double pole)
{
    const int64_t horizon = (int64_t)ceil(log(TOLERANCE) / log(fabs(pole)));
    double sum[LANES], power = pole;
    for (int lane = 0; lane < LANES; lane++) sum[lane] = rows[lane];
    if (horizon < n) {
        for (int64_t i = 1; i < horizon; i++) {
            for (int lane = 0; lane < LANES; lane++) sum[lane] += power * rows[i * LANES + lane];
            power *= pole;
        }
    } else {
        const double inverse = 1.0 / pole;
        double mirrored = pow(pole, (double)(n - 1));
        for (int lane = 0; lane < LANES; lane++) sum[lane] = rows[lane] + mirrored * rows[(n - 1) * LANES + lane];
        mirrored *= mirrored * inverse;
        for (int64_t i = 1; i <= n - 2; i++) {
            for (int lane = 0; lane < LANES; lane++) sum[lane] += (power + mirrored) * rows[i * LANES + lane];
            power *= pole;
            mirrored *= inverse;
        }
        for (int lane = 0; lane < LANES; lane++) sum[lane] /= 1.0 - power * power;
    }
    for (int lane = 0; lane < LANES; lane++) rows[lane] = sum[lane];
}

/* The same as scipy.ndimage sums it, both ways around at once and to the end. */
INLINE void start_causal_scipy(double *rows, int64_t n, double pole)
{
    const double far = pow(pole, (double)(n - 1));
    double power = pole;
    for (int lane = 0; lane < LANES; lane++) rows[lane] += far * rows[(n - 1) * LANES + lane];
    for (int64_t i = 1; i < n - 1; i++) {
        for (int lane = 0; lane < LANES; lane++)
            rows[lane] += power * (rows[i * LANES + lane] + far * rows[(n - 1 - i) * LANES + lane]);
        power *= pole;
    }
    for (int lane = 0; lane < LANES; lane++) rows[lane] /= 1.0 - far * far;
}

INLINE void samples_to_coefficients(double *rows, int64_t n, int scipy)
{
    const double pole = scipy ? -0.267949192431122706472553658494127633 : sqrt(3.0) - 2.0;  /* differ in the last bits */
    const double gain = (1.0 - pole) * (1.0 - 1.0 / pole);
    for (int64_t k = 0; k < n * LANES; k++) rows[k] *= gain;
    if (scipy) start_causal_scipy(rows, n, pole);
    else start_causal(rows, n, pole);
    for (int64_t i = 1; i < n; i++)
        for (int lane = 0; lane < LANES; lane++) rows[i * LANES + lane] += pole * rows[(i - 1) * LANES + lane];
    double *last = rows + (n - 1) * LANES;
    for (int lane = 0; lane < LANES; lane++)
        last[lane] = scipy ? (pole * last[lane - LANES] + last[lane]) * pole / (pole * pole - 1.0)
                           : pole / (pole * pole - 1.0) * (pole * last[lane - LANES] + last[lane]);
    for (int64_t i = n - 2; i >= 0; i--)
        for (int lane = 0; lane < LANES; lane++)
            rows[i * LANES + lane] = pole * (rows[(i + 1) * LANES + lane] - rows[i * LANES + lane]);
}

/* Turn samples into coefficients along one axis, in place, with the borders of ITK or of scipy.ndimage. */
WIDE int64_t spline_coefficients(double *volume, int64_t sz, int64_t sy, int64_t sx, int64_t axis, int64_t scipy)
{
    const int64_t size[3] = {sz, sy, sx}, stride[3] = {sy * sx, sx, 1};
    const int64_t n = size[axis], step = stride[axis], lines = sz * sy * sx / n;
    if (n == 1) return 0;
    double *rows = malloc((size_t)n * LANES * sizeof *rows);
    if (!rows) return -1;
    for (int64_t first = 0; first < lines; first += LANES) {
        const Block block = block_of(size, stride, (int)axis, first);
        load_lines(volume, FLOAT64, &block, step, 0, n, rows);
        samples_to_coefficients(rows, n, (int)scipy);
        for (int64_t i = 0; i < n; i++) {
            double *target = volume + i * step;
            if (block.together)
                for (int lane = 0; lane < LANES; lane++) target[block.at[0] + lane] = rows[i * LANES + lane];
            else
                for (int64_t lane = 0; lane < block.lanes; lane++) target[block.at[lane]] = rows[i * LANES + lane];
        }
    }
    free(rows);
    return 0;
}

/* Continuous indices along one output line run from its start toward its end, as ITK's ResampleImageFilter walks. */
INLINE void walk(const double *start, const double *end, int axis, int64_t columns, int64_t n, double *t)
{
    const double from = start[axis], length = end[axis] - start[axis];
    for (int64_t i = 0; i < n; i++) t[i] = from + (double)i / (double)columns * length;
}

/* A voxel is inside as long as its centre is less than half a voxel beyond the outermost centres. */
INLINE int is_inside(double t, int64_t n) { return t >= -0.5 && t < (double)n - 0.5; }

/* First of the four coefficients and their weights; ITK takes the floor of the single-precision index. */
INLINE void weigh(const double *restrict t, int64_t n, int64_t *restrict base, double *restrict weights)
{
    double *restrict first = weights, *restrict second = first + n, *restrict third = second + n;
    double *restrict fourth = third + n;
    for (int64_t i = 0; i < n; i++) {
        const double floor_t = (double)floorf((float)t[i]), w = t[i] - floor_t;
        const double w3 = 1.0 / 6.0 * w * w * w, w0 = 1.0 / 6.0 + 0.5 * w * (w - 1.0) - w3, w2 = w + w0 - 2.0 * w3;
        base[i] = (int64_t)floor_t - 1;
        first[i] = w0;
        second[i] = 1.0 - w0 - w2 - w3;
        third[i] = w2;
        fourth[i] = w3;
    }
}

/* Where a coefficient beyond the image is found: mirrored at the outermost centres, within the part that we hold. */
INLINE int64_t mirrored(int64_t index, int64_t n, int64_t offset, int64_t held)
{
    if (n == 1) return 0;
    if (index < 0) index = -index;
    if (index >= n) index = 2 * (n - 1) - index;
    index -= offset;
    return index < 0 ? 0 : index >= held ? held - 1 : index;
}

/* Rows of coefficients, gathered at the four taps of every output column; kept while output lines need them again. */
typedef struct {
    const double *coefficients;
    const int64_t *full, *held, *offset;  /* sizes (z, y, x) of image and held part, and where that part begins */
    int64_t columns, *base, *taps, *tags;  /* first coefficient of each column; places of all four; what is kept */
    double *rows;
} Shelf;

enum { PLANES = 8 };

INLINE const double *gathered(Shelf *shelf, int64_t z, int64_t y)
{
    const int64_t sy = shelf->held[1], sx = shelf->held[2], n = shelf->columns, place = z % PLANES * sy + y;
    double *row = shelf->rows + place * 4 * n;
    if (shelf->tags[place] == z) return row;
    shelf->tags[place] = z;
    const double *source = shelf->coefficients + (z * sy + y) * sx;
    for (int64_t i = 0; i < 4 * n; i++) row[i] = source[shelf->taps[i]];
    return row;
}

INLINE void clear(Shelf *shelf, const int64_t *base)
{
    const int64_t n = shelf->columns;
    memcpy(shelf->base, base, (size_t)n * sizeof *base);
    for (int64_t tap = 0; tap < 4; tap++)
        for (int64_t i = 0; i < n; i++)
            shelf->taps[tap * n + i] = mirrored(base[i] + tap, shelf->full[2], shelf->offset[2], shelf->held[2]);
    for (int64_t k = 0; k < PLANES * shelf->held[1]; k++) shelf->tags[k] = -1;
}

/* Add one row of coefficients: weights are multiplied in the order x, y, z and terms added with x fastest. */
INLINE void add_row(double *restrict sum, const double *restrict wx, const double *restrict wy,
                    const double *restrict wz, const double *restrict row, int64_t n, int64_t first, int64_t last)
{
    for (int64_t i = first; i < last; i++) {
        double s = sum[i];
        s += wx[i] * wy[i] * wz[i] * row[i];
        s += wx[n + i] * wy[i] * wz[i] * row[n + i];
        s += wx[2 * n + i] * wy[i] * wz[i] * row[2 * n + i];
        s += wx[3 * n + i] * wy[i] * wz[i] * row[3 * n + i];
        sum[i] = s;
    }
}

/* Interpolate at every voxel of the output grid; outside the image it is 0.
 * `starts` and `ends` hold the continuous index (x, y, z) at both ends of each output line.  Rows are worked on up to a
 * whole number of vectors: what lies beyond their end is computed and dropped. */
WIDE int64_t spline_resample(const double *coefficients, const int64_t *full, const int64_t *held,
                             const int64_t *offset, const double *starts, const double *ends, int64_t lines,
                             int64_t columns, double *out)
{
    const int64_t places = PLANES * held[1], n = (columns + 7) / 8 * 8;
    double *work = malloc((size_t)(n * 16 + places * 4 * n) * sizeof *work);
    int64_t *bases = malloc((size_t)(n * 8 + places) * sizeof *bases);
    if (!work || !bases) { free(work); free(bases); return -1; }
    double *t[3] = {work, work + n, work + 2 * n}, *weights[3] = {work + 3 * n, work + 7 * n, work + 11 * n};
    double *sum = work + 15 * n;
    int64_t *base[3] = {bases, bases + n, bases + 2 * n};
    Shelf shelf = {coefficients, full, held, offset, n, bases + 3 * n, bases + 4 * n, bases + 8 * n,
                   work + 16 * n};
    for (int64_t line = 0; line < lines; line++) {
        for (int axis = 0; axis < 3; axis++) {
            const double *from = starts + line * 3, *to = ends + line * 3;
            if (line > 0 && from[axis] == from[axis - 3] && to[axis] == to[axis - 3]) continue;
            walk(from, to, axis, columns, n, t[axis]);
            weigh(t[axis], n, base[axis], weights[axis]);
        }
        if (line == 0 || memcmp(base[0], shelf.base, (size_t)n * sizeof *bases)) clear(&shelf, base[0]);
        memset(sum, 0, (size_t)n * sizeof *sum);
        for (int64_t first = 0, last; first < columns; first = last) {
            for (last = first + 1; last < columns && base[1][last] == base[1][first]
                                   && base[2][last] == base[2][first];) last++;
            const int64_t stop = first == 0 && last == columns ? n : last;
            for (int dz = 0; dz < 4; dz++)
                for (int dy = 0; dy < 4; dy++)
                    add_row(sum, weights[0], weights[1] + dy * n, weights[2] + dz * n,
                            gathered(&shelf, mirrored(base[2][first] + dz, full[0], offset[0], held[0]),
                                     mirrored(base[1][first] + dy, full[1], offset[1], held[1])), n, first, stop);
        }
        for (int64_t i = 0; i < columns; i++)
            out[line * columns + i] = is_inside(t[0][i], full[2]) && is_inside(t[1][i], full[1])
                                      && is_inside(t[2][i], full[0]) ? sum[i] : 0.0;
    }
    free(work);
    free(bases);
    return 0;
}

INLINE int64_t clamped(int64_t index, int64_t n) { return index < 0 ? 0 : index >= n ? n - 1 : index; }

/* Linear interpolation, first along x, then y, then z, as ITK's LinearInterpolateImageFunction does. */
WIDE int64_t linear_resample(const double *volume, const int64_t *full, const int64_t *held, const int64_t *offset,
                             const double *starts, const double *ends, int64_t lines, int64_t n, double *out)
{
    const int64_t sy = held[2], sz = held[1] * held[2];
    double *t = malloc((size_t)n * 3 * sizeof *t);
    if (!t) return -1;
    for (int64_t line = 0; line < lines; line++) {
        for (int axis = 0; axis < 3; axis++) walk(starts + line * 3, ends + line * 3, axis, n, n, t + axis * n);
        for (int64_t i = 0; i < n; i++) {
            double d[3], v[4];
            int64_t low[3], high[3];
            int inside = 1;
            for (int axis = 0; axis < 3; axis++) {
                const double at = t[axis * n + i];
                const int64_t below = (int64_t)floor(at) < 0 ? 0 : (int64_t)floor(at);
                inside &= is_inside(at, full[2 - axis]);
                d[axis] = at - (double)below > 0.0 ? at - (double)below : 0.0;
                low[axis] = clamped(clamped(below, full[2 - axis]) - offset[2 - axis], held[2 - axis]);
                high[axis] = clamped(clamped(below + 1, full[2 - axis]) - offset[2 - axis], held[2 - axis]);
            }
            for (int k = 0; k < 4; k++) {
                const double *row = volume + (k & 2 ? high[2] : low[2]) * sz + (k & 1 ? high[1] : low[1]) * sy;
                v[k] = row[low[0]] + (row[high[0]] - row[low[0]]) * d[0];
            }
            const double front = v[0] + (v[1] - v[0]) * d[1], back = v[2] + (v[3] - v[2]) * d[1];
            out[line * n + i] = inside ? front + (back - front) * d[2] : 0.0;
        }
    }
    free(t);
    return 0;
}

/* The number of the nearest voxel (half rounds up) in the whole image, or -1 outside. */
WIDE int64_t nearest_voxels(const int64_t *full, const double *starts, const double *ends, int64_t lines, int64_t n,
                            int64_t *out)
{
    double *t = malloc((size_t)n * 3 * sizeof *t);
    if (!t) return -1;
    for (int64_t line = 0; line < lines; line++) {
        for (int axis = 0; axis < 3; axis++) walk(starts + line * 3, ends + line * 3, axis, n, n, t + axis * n);
        for (int64_t i = 0; i < n; i++) {
            int64_t number = 0;
            for (int axis = 2; axis >= 0; axis--) {
                const double at = t[axis * n + i];
                const int64_t size = full[2 - axis];
                number = number < 0 || !is_inside(at, size) ? -1
                                                            : number * size + clamped((int64_t)floor(at + 0.5), size);
            }
            out[line * n + i] = number;
        }
    }
    free(t);
    return 0;
}
