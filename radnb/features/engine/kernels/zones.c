/* Zones of one grey level (GLSZM): union-find over the neighbours that the pass of texture.c found equal.
 * https://en.wikipedia.org/wiki/Connected-component_labeling (two-pass; the parent is the zone met first). */
#include "inline.h"
#include "radnb.h"

enum { MOST = 13, NONE = 1 << MOST }; /* NONE: a step of nothing, to the voxel itself */

/* Of the equal neighbours of a voxel, those that touch each other are one zone already: for every set of directions,
 * keep one direction of each group. */
KERNEL int64_t representatives(const int64_t *directions, int64_t n, uint16_t *kept) {
    unsigned touching[16] = {0};
    for (int64_t i = 0; i < n; i++)
        for (int64_t j = 0; j < n; j++) {
            int64_t farthest = 0;
            for (int64_t axis = 0; axis < 3; axis++) {
                const int64_t apart = llabs(directions[3 * i + axis] - directions[3 * j + axis]);
                if (apart > farthest) farthest = apart;
            }
            if (farthest <= 1) touching[i] |= 1u << j;
        }
    for (unsigned set = 0; set < 1u << n; set++) {
        unsigned left = set, chosen = 0;
        for (int64_t i = n - 1; i >= 0; i--) {
            if (!(left >> i & 1)) continue;
            unsigned group = 1u << i, before = 0;
            while (group != before) {
                before = group;
                for (int64_t j = 0; j < n; j++)
                    if (group >> j & 1) group |= touching[j] & left;
            }
            left &= ~group;
            chosen |= 1u << i;
        }
        kept[set] = (uint16_t)chosen;
    }
    return 0;
}

INLINE uint32_t root_of(uint32_t *parent, uint32_t zone) {
    while (parent[zone] != zone) {
        parent[zone] = parent[parent[zone]];
        zone = parent[zone];
    }
    return zone;
}

/* Room for as many zones as voxels; the provisional zones of one zone are linked to the lowest of them. */
typedef struct {
    uint32_t *parent, *size;
    uint16_t *level;
    uint32_t n;
} Zones;

INLINE uint32_t joined(Zones *zones, uint32_t a, uint32_t b) {
    a = root_of(zones->parent, a);
    b = root_of(zones->parent, b);
    if (a == b) return a;
    zones->parent[a < b ? b : a] = a < b ? a : b;
    return a < b ? a : b;
}

/* Label one run of the mask.  A voxel starts a zone (written to the next free place in any case, which saves a branch
 * that cannot be predicted), takes the label of an equal neighbour, or joins the zones of several. */
static void label_run(Zones *zones, const uint16_t *volume, const uint16_t *same, const uint16_t *kept,
                      const int64_t *step, uint32_t *label, int64_t n) {
    for (int64_t at = 0; at < n; at++) {
        unsigned met = kept[same[at]];
        const uint32_t next = zones->n;
        zones->parent[next] = next;
        zones->size[next] = 0;
        zones->level[next] = volume[at];
        label[at] = next;
        zones->n += !met;
        uint32_t zone = label[at - step[lowest_bit(met | NONE)]];
        for (met &= met - 1; met & (NONE - 1); met &= met - 1) {
            const uint32_t other = label[at - step[lowest_bit(met)]];
            if (other != zone) zone = joined(zones, zone, other);
        }
        label[at] = zone;
        zones->size[zone]++;
    }
}

/* small[level * n_small + size]: zones of sizes below n_small; larger zones as (level, size) in `large`.  Returns the
 * number of large zones. */
static int64_t tally(const Zones *zones, int64_t n_small, int64_t *small, int64_t *large) {
    int64_t n_large = 0;
    for (uint32_t zone = zones->n; zone-- > 0;) {
        const int64_t size = zones->size[zone], level = zones->level[zone];
        if (zones->parent[zone] != zone) zones->size[zones->parent[zone]] += zones->size[zone];
        else if (size < n_small) small[level * n_small + size]++;
        else {
            large[2 * n_large] = level;
            large[2 * n_large++ + 1] = size;
        }
    }
    return n_large;
}

KERNEL int64_t find_zones(const uint16_t *volume, const uint16_t *same, int64_t ny, int64_t nx,
                          const int64_t *directions, int64_t n_directions, const uint16_t *kept, const int64_t *runs,
                          int64_t n_runs, int64_t n_voxels, uint32_t *label, int64_t n_small, int64_t *small,
                          int64_t *large) {
    const size_t room = (size_t)n_voxels + 1;
    Zones zones = {malloc(room * sizeof *zones.parent), malloc(room * sizeof *zones.size),
                   malloc(room * sizeof *zones.level), 0};
    int64_t step[MOST + 1] = {0}, n_large = -1;
    if (zones.parent && zones.size && zones.level) {
        for (int64_t d = 0; d < n_directions; d++)
            step[d] = (directions[3 * d] * ny + directions[3 * d + 1]) * nx + directions[3 * d + 2];
        for (int64_t run = 0; run < n_runs; run++) {
            const int64_t first = runs[3 * run + 1];
            label_run(&zones, volume + first, same + first, kept, step, label + first, runs[3 * run + 2]);
        }
        n_large = tally(&zones, n_small, small, large);
    }
    free(zones.parent);
    free(zones.size);
    free(zones.level);
    return n_large;
}
