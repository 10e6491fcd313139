/* Zones of one grey level (GLSZM): union-find over the neighbours that the pass of texture.c found equal.
 * https://en.wikipedia.org/wiki/Connected-component_labeling (two-pass; the parent is the zone met first). */
#include "inline.h"
#include "radnb.h"

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

/* small[level * n_small + size]: zones of sizes below n_small; larger zones as (level, size) in `large`.  Returns the
 * number of large zones. */
KERNEL int64_t find_zones(const uint16_t *volume, const uint16_t *same, int64_t ny, int64_t nx,
                          const int64_t *directions, int64_t n_directions, const uint16_t *kept, const int64_t *runs,
                          int64_t n_runs, int64_t n_voxels, uint32_t *label, int64_t n_small, int64_t *small,
                          int64_t *large) {
    uint32_t *parent = malloc(((size_t)n_voxels + 1) * sizeof *parent);
    uint32_t *size = malloc(((size_t)n_voxels + 1) * sizeof *size);
    uint16_t *level = malloc(((size_t)n_voxels + 1) * sizeof *level);
    int64_t step[16], n_large = 0;
    uint32_t n_zones = 0;
    if (!parent || !size || !level) {
        free(parent);
        free(size);
        free(level);
        return -1;
    }
    for (int64_t d = 0; d < n_directions; d++)
        step[d] = (directions[3 * d] * ny + directions[3 * d + 1]) * nx + directions[3 * d + 2];
    for (int64_t run = 0; run < n_runs; run++) {
        const int64_t first = runs[3 * run + 1];
        for (int64_t at = first; at < first + runs[3 * run + 2]; at++) {
            unsigned met = kept[same[at]];
            if (!met) {
                parent[n_zones] = n_zones;
                size[n_zones] = 1;
                level[n_zones] = volume[at];
                label[at] = n_zones++;
                continue;
            }
            int64_t d = 0;
            while (!(met >> d & 1)) d++;
            uint32_t zone = root_of(parent, label[at - step[d]]);
            for (met &= met - 1; met; met &= met - 1) {
                while (!(met >> d & 1)) d++;
                const uint32_t other = root_of(parent, label[at - step[d]]);
                if (other == zone) continue;
                const uint32_t low = other < zone ? other : zone, high = other < zone ? zone : other;
                parent[high] = low;
                size[low] += size[high];
                zone = low;
            }
            size[zone]++;
            label[at] = zone;
        }
    }
    for (uint32_t zone = 0; zone < n_zones; zone++) {
        if (parent[zone] != zone) continue;
        if (size[zone] < n_small) small[level[zone] * n_small + size[zone]]++;
        else {
            large[2 * n_large] = level[zone];
            large[2 * n_large++ + 1] = size[zone];
        }
    }
    free(parent);
    free(size);
    free(level);
    return n_large;
}
