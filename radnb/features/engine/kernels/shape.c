/* The geometry of a mask: counts of marching cubes, face centres, moments, diameters.
 *
 * PyRadiomics (3.0.1, shape.py) lays a triangle mesh through the mask by marching cubes (Lorensen & Cline, SIGGRAPH
 * 1987) and takes as diameter the largest distance between two vertices of the mesh.  A mask is 0 or 1 everywhere, so
 * the mesh within a cube depends on the cube's eight corners alone: one histogram of corner patterns (with the sums of
 * their positions) stands for the whole mesh.  And each vertex lies half-way between a voxel and its neighbour outside:
 * it is the centre of a voxel face.  Masks are bytes of 0 and 1 with a border of zeros. */
#include "radnb.h"

/* The corners of the cube at (z, y, x), as bits:     0 ------- 1
 * 0 is its origin, 1 lies beyond it in x,            |\         \        -> x
 * 3 in y, 4 in z; 2 and 6 close the squares.         | 3 ------- 2       \ y
 *                                                    4 |.......5 |       | z
 *                                                     \7 ------- 6  */
enum { CORNER0 = 1, CORNER3 = 8, CORNER4 = 16, CORNER7 = 128 };
enum { INSIDE = 255, CHUNK = 32 };

/* Return the patterns of the nx - 1 cubes along one line of cubes. */
static inline void patterns_of_line(const uint8_t *restrict mask, int64_t ny, int64_t nx, int64_t z, int64_t y,
                                    uint8_t *restrict pattern)
{
    const uint8_t *m0 = mask + (z * ny + y) * nx, *m3 = m0 + nx, *m4 = m0 + ny * nx, *m7 = m4 + nx;
    for (int64_t x = 0; x < nx - 1; x++)
        pattern[x] = (uint8_t)(m0[x] | m0[x + 1] << 1 | m3[x + 1] << 2 | m3[x] << 3 |
                               m4[x] << 4 | m4[x + 1] << 5 | m7[x + 1] << 6 | m7[x] << 7);
}

/* Step over cubes that lie wholly inside or outside, eight at a time; return the next that holds a piece of surface. */
static inline int64_t next_surface(const uint8_t *pattern, int64_t x, int64_t n)
{
    for (; x < n; x++) {
        uint64_t eight;
        while (x + 8 <= n && (memcpy(&eight, pattern + x, 8), eight == 0 || eight == UINT64_MAX))
            x += 8;
        if (x < n && pattern[x] != 0 && pattern[x] != INSIDE)
            return x;
    }
    return n;
}

/* cells[pattern] += (1, z, y, x) for every cube with this pattern of corners. */
WIDE int64_t shape_cells(const uint8_t *mask, int64_t nz, int64_t ny, int64_t nx, int64_t *cells)
{
    uint8_t *pattern = malloc((size_t)nx);
    if (!pattern)
        return -1;
    for (int64_t z = 0; z < nz - 1; z++)
        for (int64_t y = 0; y < ny - 1; y++) {
            patterns_of_line(mask, ny, nx, z, y, pattern);
            for (int64_t x = next_surface(pattern, 0, nx - 1); x < nx - 1; x = next_surface(pattern, x + 1, nx - 1)) {
                int64_t *cell = cells + 4 * pattern[x];
                cell[0] += 1, cell[1] += z, cell[2] += y, cell[3] += x;
            }
        }
    free(pattern);
    return 0;
}

/* List the centres of the faces between the mask and the outside, in half voxels: at[0..n) holds z, then y, then x.
 * The cube behind each voxel knows its faces: those on its edges 7-6, 7-4 and 7-3. */
WIDE int64_t shape_faces(const uint8_t *mask, int64_t nz, int64_t ny, int64_t nx, int32_t *at, int64_t n)
{
    uint8_t *pattern = malloc((size_t)nx);
    if (!pattern)
        return -1;
    int32_t *at_z = at, *at_y = at + n, *at_x = at + 2 * n;
    int64_t found = 0;
    for (int64_t z = 0; z < nz - 1; z++)
        for (int64_t y = 0; y < ny - 1; y++) {
            patterns_of_line(mask, ny, nx, z, y, pattern);
            for (int64_t x = next_surface(pattern, 0, nx - 1); x < nx - 1; x = next_surface(pattern, x + 1, nx - 1)) {
                const int c = pattern[x], own = c >> 7;
                const int differs[3] = {own != (c >> 3 & 1), own != (c >> 4 & 1), own != (c >> 6 & 1)};
                for (int axis = 0; axis < 3; axis++)
                    if (differs[axis]) { /* the voxel is at (z + 1, y + 1, x), its neighbour one step along the axis */
                        at_z[found] = (int32_t)(2 * (z + 1) - (axis == 0));
                        at_y[found] = (int32_t)(2 * (y + 1) - (axis == 1));
                        at_x[found++] = (int32_t)(2 * x + (axis == 2));
                    }
            }
        }
    free(pattern);
    return found;
}

/* sums = count, z, y, x, zz, yy, xx, zy, zx, yx of the indices of all voxels: exact, as they are integers. */
WIDE int64_t shape_moments(const uint8_t *mask, int64_t nz, int64_t ny, int64_t nx, int64_t *sums)
{
    for (int64_t z = 0; z < nz; z++)
        for (int64_t y = 0; y < ny; y++) {
            const uint8_t *row = mask + (z * ny + y) * nx;
            int64_t count = 0, sum = 0, square = 0;
            for (int64_t x = 0; x < nx; x++) {
                count += row[x];
                sum += row[x] * x;
                square += row[x] * x * x;
            }
            const int64_t adds[10] = {count, z * count, y * count, sum, z * z * count, y * y * count, square,
                                      z * y * count, z * sum, y * sum};
            for (int i = 0; i < 10; i++)
                sums[i] += adds[i];
        }
    return 0;
}

/* ---- Diameters ---------------------------------------------------------------------------------------------------
 * Exact, and the very floating-point numbers of PyRadiomics, which measures all pairs.  Only pairs are left out that
 * cannot exceed the largest distance known: every rounded operation below is monotone, so that a bound computed from
 * coordinates further apart is never smaller than the distance computed from nearer ones. */
typedef struct {
    int64_t n;
    int32_t *at[3]; /* in half voxels */
} Points;

static int points_allocate(Points *points, int64_t n)
{
    points->n = n;
    points->at[0] = malloc((size_t)(3 * n + 1) * sizeof(int32_t));
    points->at[1] = points->at[0] + n;
    points->at[2] = points->at[1] + n;
    return points->at[0] != NULL;
}

static int points_copy(Points *to, const Points *from)
{
    if (!points_allocate(to, from->n))
        return 0;
    for (int axis = 0; axis < 3; axis++)
        memcpy(to->at[axis], from->at[axis], (size_t)from->n * sizeof(int32_t));
    return 1;
}

/* Keep the two ends of every line along one axis: the distance to any point is convex along a line, so that a largest
 * distance is reached at an end.  `extent` bounds the coordinates. */
static int keep_ends(Points *points, int axis, const int64_t *extent)
{
    const int u = axis == 0, v = axis == 2 ? 1 : 2;
    const int64_t lines = extent[u] * extent[v];
    int32_t *ends = malloc((size_t)lines * 2 * sizeof(int32_t));
    if (!ends)
        return 0;
    for (int64_t i = 0; i < lines; i++)
        ends[2 * i] = INT32_MAX, ends[2 * i + 1] = -1;
    for (int64_t i = 0; i < points->n; i++) {
        int32_t *end = ends + 2 * (points->at[u][i] * extent[v] + points->at[v][i]), here = points->at[axis][i];
        end[0] = here < end[0] ? here : end[0];
        end[1] = here > end[1] ? here : end[1];
    }
    int64_t kept = 0;
    for (int64_t i = 0; i < points->n; i++) {
        const int32_t *end = ends + 2 * (points->at[u][i] * extent[v] + points->at[v][i]), here = points->at[axis][i];
        if (here != end[0] && here != end[1])
            continue;
        for (int d = 0; d < 3; d++)
            points->at[d][kept] = points->at[d][i];
        kept++;
    }
    points->n = kept;
    free(ends);
    return 1;
}

/* Order points by a key below `keys` (counting sort); start[key] tells where each key's points begin. */
static int order_by(Points *points, const int32_t *key, int64_t keys, int64_t *start)
{
    Points old;
    if (!points_copy(&old, points))
        return 0;
    memset(start, 0, (size_t)(keys + 1) * sizeof(int64_t));
    for (int64_t i = 0; i < old.n; i++)
        start[key[i] + 1]++;
    for (int64_t k = 0; k < keys; k++)
        start[k + 1] += start[k];
    for (int64_t i = 0; i < old.n; i++) {
        const int64_t place = start[key[i]]++;
        for (int d = 0; d < 3; d++)
            points->at[d][place] = old.at[d][i];
    }
    for (int64_t k = keys; k > 0; k--) /* each start has moved to the next */
        start[k] = start[k - 1];
    start[0] = 0;
    free(old.at[0]);
    return 1;
}

/* A chunk of points that lie near each other, in mm, and the box around them; the last chunk repeats its last point. */
typedef struct {
    double at[3][CHUNK], low[3], high[3];
} Chunk;

static void fill_chunk(Chunk *chunk, const Points *points, int64_t first, int64_t end, const double *spacing)
{
    for (int d = 0; d < 3; d++) {
        for (int64_t j = 0; j < CHUNK; j++) {
            const int64_t i = first + j < end ? first + j : end - 1;
            chunk->at[d][j] = 0.5 * points->at[d][i] * spacing[d];
        }
        chunk->low[d] = chunk->high[d] = chunk->at[d][0];
        for (int j = 1; j < CHUNK; j++) {
            const double here = chunk->at[d][j];
            chunk->low[d] = here < chunk->low[d] ? here : chunk->low[d];
            chunk->high[d] = here > chunk->high[d] ? here : chunk->high[d];
        }
    }
}

/* Return the squared distance that no pair of points from two chunks exceeds. */
static double bound(const Chunk *a, const Chunk *b)
{
    double far[3];
    for (int d = 0; d < 3; d++) {
        const double one = fabs(a->high[d] - b->low[d]), other = fabs(b->high[d] - a->low[d]);
        far[d] = one > other ? one : other;
        far[d] *= far[d];
    }
    return far[0] + far[1] + far[2];
}

static inline double farthest_in_chunk(const Chunk *restrict chunk, double z, double y, double x, double best,
                                       int *restrict which)
{
    double squared[CHUNK];
    for (int j = 0; j < CHUNK; j++) {
        const double dz = z - chunk->at[0][j], dy = y - chunk->at[1][j], dx = x - chunk->at[2][j];
        squared[j] = dz * dz + dy * dy + dx * dx;
    }
    for (int j = 0; j < CHUNK; j++)
        if (squared[j] > best)
            best = squared[j], *which = j;
    return best;
}

/* Return the largest squared distance between points of two chunks, or `best` if that is larger. */
static inline double farthest_pair(const Chunk *restrict a, const Chunk *restrict b, double best)
{
    double most[CHUNK];
    for (int j = 0; j < CHUNK; j++)
        most[j] = best;
    for (int i = 0; i < CHUNK; i++)
        for (int j = 0; j < CHUNK; j++) {
            const double dz = a->at[0][i] - b->at[0][j], dy = a->at[1][i] - b->at[1][j], dx = a->at[2][i] - b->at[2][j];
            const double squared = dz * dz + dy * dy + dx * dx;
            most[j] = squared > most[j] ? squared : most[j];
        }
    for (int j = 0; j < CHUNK; j++)
        best = most[j] > best ? most[j] : best;
    return best;
}

/* A distance that is nearly the largest: go from some point to the farthest, and thrice from there again. */
static inline double nearly_largest(const Chunk *chunks, int64_t n)
{
    double best = 0, from[3] = {chunks[0].at[0][0], chunks[0].at[1][0], chunks[0].at[2][0]};
    for (int round = 0; round < 4; round++) {
        const Chunk *there = NULL;
        int which = 0;
        for (int64_t c = 0; c < n; c++) {
            const double further = farthest_in_chunk(chunks + c, from[0], from[1], from[2], best, &which);
            if (further > best)
                best = further, there = chunks + c;
        }
        if (!there)
            break;
        for (int d = 0; d < 3; d++)
            from[d] = there->at[d][which];
    }
    return best;
}

/* Return the largest squared distance among points [first, end), or `best` if that is larger; `chunks` is a buffer. */
static inline double largest_squared(const Points *points, int64_t first, int64_t end, const double *spacing,
                                     Chunk *chunks, double best)
{
    const int64_t n = (end - first + CHUNK - 1) / CHUNK;
    for (int64_t c = 0; c < n; c++)
        fill_chunk(chunks + c, points, first + c * CHUNK, end, spacing);
    const double near = n ? nearly_largest(chunks, n) : 0;
    best = near > best ? near : best;
    for (int64_t a = 0; a < n; a++)
        for (int64_t b = 0; b <= a; b++)
            if (bound(chunks + a, chunks + b) > best)
                best = farthest_pair(chunks + a, chunks + b, best);
    return best;
}

/* Return a buffer of chunks for n points. */
static Chunk *chunks_for(int64_t n) { return malloc((size_t)(n / CHUNK + 1) * sizeof(Chunk)); }

/* Return the diameter among all points: those near each other are brought together first.  -1: no memory. */
static inline double diameter_in_space(Points *points, const int64_t *extent, const double *spacing)
{
    enum { CELLS = 24 }; /* along each axis */
    int32_t *cell = malloc((size_t)(points->n + 1) * sizeof(int32_t));
    int64_t *start = malloc((CELLS * CELLS * CELLS + 1) * sizeof(int64_t));
    Chunk *chunks = chunks_for(points->n);
    double squared = -1;
    if (cell && start && chunks) {
        for (int64_t i = 0; i < points->n; i++) {
            cell[i] = 0;
            for (int d = 0; d < 3; d++)
                cell[i] = (int32_t)(cell[i] * CELLS + points->at[d][i] * CELLS / extent[d]);
        }
        if (order_by(points, cell, CELLS * CELLS * CELLS, start))
            squared = largest_squared(points, 0, points->n, spacing, chunks, 0);
    }
    free(cell), free(start), free(chunks);
    return squared < 0 ? -1 : sqrt(squared);
}

/* Return the largest distance of two points within one plane across `axis`.  -1: no memory. */
static inline double diameter_in_planes(Points *points, int axis, const int64_t *extent, const double *spacing)
{
    int32_t *plane = malloc((size_t)(points->n + 1) * sizeof(int32_t));
    int64_t *start = malloc((size_t)(extent[axis] + 1) * sizeof(int64_t));
    Chunk *chunks = chunks_for(points->n);
    double squared = -1;
    if (plane && start && chunks) {
        memcpy(plane, points->at[axis], (size_t)points->n * sizeof(int32_t));
        if (order_by(points, plane, extent[axis], start)) {
            squared = 0;
            for (int64_t p = 0; p < extent[axis]; p++)
                squared = largest_squared(points, start[p], start[p + 1], spacing, chunks, squared);
        }
    }
    free(plane), free(start), free(chunks);
    return squared < 0 ? -1 : sqrt(squared);
}

static inline double ends_then_diameter(const Points *all, int first, int second, int across, const int64_t *extent,
                                        const double *spacing)
{
    Points points;
    double diameter = -1;
    if (points_copy(&points, all) && keep_ends(&points, first, extent) && keep_ends(&points, second, extent))
        diameter = across >= 0 ? diameter_in_planes(&points, across, extent, spacing)
                   : keep_ends(&points, 3 - first - second, extent) ? diameter_in_space(&points, extent, spacing)
                                                                    : -1;
    free(points.at[0]);
    return diameter;
}

/* diameters = the largest distances (mm) of two face centres with the same z, the same y, the same x, and of any two.
 * `at` is what shape_faces lists, all coordinates below extent_z, extent_y, extent_x. */
WIDE int64_t shape_diameters(int32_t *at, int64_t n, int64_t extent_z, int64_t extent_y, int64_t extent_x,
                             double spacing_z, double spacing_y, double spacing_x, double *diameters)
{
    const Points all = {n, {at, at + n, at + 2 * n}};
    const int64_t extent[3] = {extent_z, extent_y, extent_x};
    const double spacing[3] = {spacing_z, spacing_y, spacing_x};
    diameters[0] = ends_then_diameter(&all, 2, 1, 0, extent, spacing);
    diameters[1] = ends_then_diameter(&all, 2, 0, 1, extent, spacing);
    diameters[2] = ends_then_diameter(&all, 1, 0, 2, extent, spacing);
    diameters[3] = ends_then_diameter(&all, 2, 1, -1, extent, spacing);
    for (int i = 0; i < 4; i++)
        if (diameters[i] < 0)
            return -1;
    return 0;
}
