/* One level of the stationary wavelet transform along one axis, with the arithmetic of PyWavelets' periodised
 * convolution: sums run over the taps in its order, which differs where the filter passes the end of the line. */
#include "lines.h"

enum { BREADTH = 32 };

/* `source` holds outputs + taps - 1 samples along the axis; output o is the sum of filter[j] * source[o + taps - 1 - j].
 * The volume is seen as outer x samples x inner; `order` gives the taps of each output in the order of summation. */
#define PASS(NAME, TYPE)                                                                                               \
    WIDE int64_t NAME(const TYPE *source, int64_t outer, int64_t outputs, int64_t inner, int64_t taps,                 \
                      const int64_t *order, const TYPE *low, const TYPE *high, TYPE *low_out, TYPE *high_out)          \
    {                                                                                                                  \
        for (int64_t block = 0; block < outer; block++)                                                                \
            for (int64_t o = 0; o < outputs; o++) {                                                                    \
                const TYPE *begin = source + (block * (outputs + taps - 1) + o) * inner;                               \
                const int64_t at = (block * outputs + o) * inner;                                                      \
                for (int64_t i = 0; i < inner; i += BREADTH) {                                                         \
                    const int64_t n = inner - i < BREADTH ? inner - i : BREADTH;                                       \
                    TYPE l[BREADTH] = {0}, h[BREADTH] = {0};                                                           \
                    for (int64_t t = 0; t < taps; t++) {                                                               \
                        const int64_t j = order[o * taps + t];                                                         \
                        const TYPE *x = begin + (taps - 1 - j) * inner + i, lj = low[j], hj = high[j];                 \
                        if (n == BREADTH)                                                                              \
                            for (int k = 0; k < BREADTH; k++) { l[k] += lj * x[k]; h[k] += hj * x[k]; }                \
                        else                                                                                           \
                            for (int64_t k = 0; k < n; k++) { l[k] += lj * x[k]; h[k] += hj * x[k]; }                  \
                    }                                                                                                  \
                    memcpy(low_out + at + i, l, (size_t)n * sizeof(TYPE));                                             \
                    memcpy(high_out + at + i, h, (size_t)n * sizeof(TYPE));                                            \
                }                                                                                                      \
            }                                                                                                          \
        return 0;                                                                                                      \
    }

/* The same along the last axis, where neighbouring outputs share their order but at the end of the line. */
#define ROWS(NAME, TYPE)                                                                                               \
    WIDE int64_t NAME(const TYPE *source, int64_t lines, int64_t outputs, int64_t taps, const int64_t *order,          \
                      const int64_t *plain, const TYPE *low, const TYPE *high, TYPE *low_out, TYPE *high_out)          \
    {                                                                                                                  \
        for (int64_t line = 0; line < lines; line++) {                                                                 \
            const TYPE *begin = source + line * (outputs + taps - 1);                                                  \
            TYPE *low_row = low_out + line * outputs, *high_row = high_out + line * outputs;                           \
            for (int64_t o = 0; o < outputs; o += BREADTH) {                                                           \
                const int64_t n = outputs - o < BREADTH ? outputs - o : BREADTH;                                       \
                TYPE l[BREADTH] = {0}, h[BREADTH] = {0};                                                               \
                for (int64_t j = 0; j < taps; j++) {                                                                   \
                    const TYPE *x = begin + o + taps - 1 - j, lj = low[j], hj = high[j];                               \
                    if (n == BREADTH)                                                                                  \
                        for (int k = 0; k < BREADTH; k++) { l[k] += lj * x[k]; h[k] += hj * x[k]; }                    \
                    else                                                                                               \
                        for (int64_t k = 0; k < n; k++) { l[k] += lj * x[k]; h[k] += hj * x[k]; }                      \
                }                                                                                                      \
                memcpy(low_row + o, l, (size_t)n * sizeof(TYPE));                                                      \
                memcpy(high_row + o, h, (size_t)n * sizeof(TYPE));                                                     \
            }                                                                                                          \
            for (int64_t o = 0; o < outputs; o++) {                                                                    \
                if (plain[o]) continue;                                                                                \
                TYPE l = 0, h = 0;                                                                                     \
                for (int64_t t = 0; t < taps; t++) {                                                                   \
                    const int64_t j = order[o * taps + t];                                                             \
                    l += low[j] * begin[o + taps - 1 - j];                                                             \
                    h += high[j] * begin[o + taps - 1 - j];                                                            \
                }                                                                                                      \
                low_row[o] = l;                                                                                        \
                high_row[o] = h;                                                                                       \
            }                                                                                                          \
        }                                                                                                              \
        return 0;                                                                                                      \
    }

PASS(wavelet_pass_f32, float)
PASS(wavelet_pass_f64, double)
ROWS(wavelet_rows_f32, float)
ROWS(wavelet_rows_f64, double)
