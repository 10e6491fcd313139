/* Local binary patterns with the arithmetic of scikit-image's local_binary_pattern.
 *
 * T. Ojala, M. Pietikainen, T. Maenpaa, IEEE Trans. Pattern Analysis and Machine Intelligence 24 (2002) 971-987. */
#include "lines.h"

enum { DEFAULT, ROR, UNIFORM, VAR };

/* Sample one neighbour of each voxel of a row.  Between rows and columns it is interpolated bilinearly; positions are
 * those in the whole image, since their rounding hangs on it. */
INLINE void sample_row(const double *image, int64_t width, int64_t margin, double at_row, double at_column,
                       int64_t row, int64_t first_row, int64_t first_column, int64_t columns, double *restrict out)
{
    const double r = (double)(first_row + row) + at_row, dr = r - floor(r);
    const int64_t up = (int64_t)floor(r) - first_row + margin, down = (int64_t)ceil(r) - first_row + margin;
    const int64_t left = (int64_t)floor(at_column) + margin, right = (int64_t)ceil(at_column) + margin;
    const double *restrict a = image + up * width + left, *restrict b = image + up * width + right;
    const double *restrict c = image + down * width + left, *restrict d = image + down * width + right;
    for (int64_t i = 0; i < columns; i++) {
        const double place = (double)(first_column + i) + at_column, dc = place - floor(place);
        const double top = (1.0 - dc) * a[i] + dc * b[i], bottom = (1.0 - dc) * c[i] + dc * d[i];
        out[i] = (1.0 - dr) * top + dr * bottom;
    }
}

INLINE double pattern_of(const double *samples, int64_t columns, int64_t n, double centre, int64_t method)
{
    if (method == VAR) {
        double sum = 0.0, squares = 0.0;
        for (int64_t i = 0; i < n; i++) {
            sum += samples[i * columns];
            squares += samples[i * columns] * samples[i * columns];
        }
        const double variance = (squares - sum * sum / (double)n) / (double)n;
        return variance != 0.0 ? variance : NAN;
    }
    uint32_t bits = 0;
    int64_t ones = 0, changes = 0;
    int before = 0;
    for (int64_t i = 0; i < n; i++) {
        const int one = samples[i * columns] - centre >= 0.0;
        changes += i > 0 && one != before;
        ones += one;
        if (i < 32) bits |= (uint32_t)one << i;
        before = one;
    }
    if (method == UNIFORM) return (double)(changes <= 2 ? ones : n + 1);
    int32_t least = (int32_t)bits;
    if (method == ROR)
        for (int64_t i = 1, turned = bits; i < n; i++) {
            turned = (turned >> 1) | ((turned & 1) << (n - 1));
            if (turned < least) least = (int32_t)turned;
        }
    return (double)least;
}

/* `image` holds slices of (rows + 2 margin) x (columns + 2 margin) voxels, 0 outside the whole image. */
WIDE int64_t local_binary_patterns(const double *image, int64_t slices, int64_t rows, int64_t columns, int64_t margin,
                                   int64_t first_row, int64_t first_column, const double *at_rows,
                                   const double *at_columns, int64_t n, int64_t method, double *out)
{
    const int64_t width = columns + 2 * margin, height = rows + 2 * margin;
    double *samples = malloc((size_t)(columns * n) * sizeof *samples);
    if (!samples) return -1;
    for (int64_t line = 0; line < slices * rows; line++) {
        const int64_t slice = line / rows, row = line % rows;
        const double *plane = image + slice * height * width, *centre = plane + (row + margin) * width + margin;
        for (int64_t i = 0; i < n; i++)
            sample_row(plane, width, margin, at_rows[i], at_columns[i], row, first_row, first_column, columns,
                       samples + i * columns);
        for (int64_t i = 0; i < columns; i++)
            out[line * columns + i] = pattern_of(samples + i, columns, n, centre[i], method);
    }
    free(samples);
    return 0;
}
