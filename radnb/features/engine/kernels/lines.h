/* Recursive filters walk along lines.  LANES lines are walked side by side, so that each step is done for all at once:
 * row i of a block holds sample i of every lane. */
#ifndef RADNB_LINES_H
#define RADNB_LINES_H

#include "radnb.h"

#if defined(__GNUC__)
#define INLINE static inline __attribute__((always_inline))
#else
#define INLINE static __forceinline
#endif

enum { LANES = 32 };

/* What a volume's voxels are: the codes of preprocess.CODES. */
enum { FLOAT32, FLOAT64, INT16, UINT16, UINT8 };

/* Where the lanes of a block begin, in voxels from the volume's start; short blocks repeat their last lane. */
typedef struct {
    int64_t at[LANES];
    int64_t lanes;
    int together;  /* the lanes are neighbours in memory */
} Block;

/* The lines along one axis of a (part of a) volume are numbered through its two other axes. */
INLINE Block block_of(const int64_t *size, const int64_t *stride, int axis, int64_t first)
{
    const int outer = axis == 0 ? 1 : 0, inner = axis == 2 ? 1 : 2;
    const int64_t lines = size[outer] * size[inner];
    Block block = {.lanes = lines - first < LANES ? lines - first : LANES, .together = 0};
    for (int64_t lane = 0; lane < LANES; lane++) {
        const int64_t line = first + (lane < block.lanes ? lane : block.lanes - 1);
        block.at[lane] = line / size[inner] * stride[outer] + line % size[inner] * stride[inner];
    }
    if (block.lanes == LANES && axis != 2) {
        block.together = 1;
        for (int64_t lane = 1; lane < LANES; lane++) block.together &= block.at[lane] == block.at[0] + lane;
    }
    return block;
}

enum { TILE = 8 };

/* Lines of neighbours in memory are turned tile by tile, so that every access but one runs along memory. */
#define LOAD_TILES(TYPE, SOURCE)                                                                                       \
    for (; i + TILE <= last; i += TILE)                                                                                \
        for (int lane = 0; lane < LANES; lane++) {                                                                     \
            const TYPE *source = (const TYPE *)(SOURCE) + block->at[lane] + i;                                         \
            for (int k = 0; k < TILE; k++) rows[(i + k) * LANES + lane] = (double)source[k];                           \
        }

#define LOAD_ROWS(TYPE, SOURCE)                                                                                        \
    do {                                                                                                               \
        int64_t i = first;                                                                                             \
        if (step == 1) LOAD_TILES(TYPE, SOURCE)                                                                        \
        for (; i < last; i++) {                                                                                        \
            double *row = rows + i * LANES;                                                                            \
            const TYPE *source = (const TYPE *)(SOURCE) + i * step;                                                    \
            if (block->together) {                                                                                     \
                source += block->at[0];                                                                                \
                for (int lane = 0; lane < LANES; lane++) row[lane] = (double)source[lane];                             \
            } else {                                                                                                   \
                for (int lane = 0; lane < LANES; lane++) row[lane] = (double)source[block->at[lane]];                  \
            }                                                                                                          \
        }                                                                                                              \
    } while (0)

/* Copy samples first ... last - 1 of the lanes into rows, as double. */
INLINE void load_lines(const void *volume, int type, const Block *block, int64_t step, int64_t first, int64_t last,
                       double *rows)
{
    switch (type) {
    case FLOAT32: LOAD_ROWS(float, volume); break;
    case FLOAT64: LOAD_ROWS(double, volume); break;
    case INT16: LOAD_ROWS(int16_t, volume); break;
    case UINT16: LOAD_ROWS(uint16_t, volume); break;
    default: LOAD_ROWS(uint8_t, volume); break;
    }
}

#endif
