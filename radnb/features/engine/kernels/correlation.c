/* The second largest eigenvalue of Q, whose root is the maximal correlation coefficient (GLCM feature 16):
 *   Q[i][j] = sum over k of p[i][k] p[j][k] / (px[i] py[k] + eps).
 * With S[i][k] = p[i][k] / sqrt(px[i] py[k]) and f[i][k] = 1 / (1 + eps / (px[i] py[k])), Q is similar to
 *   (f o S) S' = S S' + E,   E = ((f - 1) o S) S'.
 * S S' is symmetric.  Levels that never meet make separate parts; sqrt(px) of each part is an eigenvector of value 1.
 * Lanczos' method beside these vectors gives the next eigenpair (l, u); perturbation theory, u' E u, what PyRadiomics'
 * eps adds to it: up to 2e-4 where levels are rare.  With several parts, it decides between their ones.
 * Golub and Van Loan, Matrix Computations, 7.2 and 10.1. */
#include "inline.h"
#include "radnb.h"

enum { LANES = 8, MOST_STEPS = 150 };

typedef struct {
    int64_t n, room;           /* room: n in whole lanes; all vectors end in zeros */
    double *s, *excess;        /* S and (f - 1) o S */
    double *basis;             /* sqrt(px) of each part, then Lanczos' vectors */
    int64_t n_parts;
    double *row;               /* scratch */
    double diagonal[MOST_STEPS], beside[MOST_STEPS];
} Problem;

INLINE double dot(const double *a, const double *b, int64_t room) {
    double lanes[LANES] = {0};
    for (int64_t i = 0; i < room; i += LANES)
        for (int lane = 0; lane < LANES; lane++) lanes[lane] += a[i + lane] * b[i + lane];
    return ((lanes[0] + lanes[1]) + (lanes[2] + lanes[3])) + ((lanes[4] + lanes[5]) + (lanes[6] + lanes[7]));
}

INLINE void add(double *to, double factor, const double *a, int64_t room) {
    for (int64_t i = 0; i < room; i++) to[i] += factor * a[i];
}

/* out = left * (right' * v) */
INLINE void apply(const Problem *q, const double *left, const double *right, const double *v, double *out) {
    for (int64_t j = 0; j < q->room; j++) q->row[j] = 0;
    for (int64_t i = 0; i < q->n; i++) add(q->row, v[i], right + i * q->room, q->room);
    for (int64_t i = 0; i < q->n; i++) out[i] = dot(left + i * q->room, q->row, q->room);
    for (int64_t i = q->n; i < q->room; i++) out[i] = 0;
}

/* Number of eigenvalues of the tridiagonal matrix above x (Sturm sequence). */
static int64_t above(const Problem *q, int64_t m, double x) {
    int64_t count = 0;
    double pivot = 1;
    for (int64_t k = 0; k < m; k++) {
        pivot = q->diagonal[k] - x - (k ? q->beside[k - 1] * q->beside[k - 1] / pivot : 0);
        if (pivot == 0) pivot = 1e-300;
        count += pivot > 0;
    }
    return count;
}

/* Largest eigenvalue of the tridiagonal matrix: Laguerre's iteration falls to it from above. */
static double largest(const Problem *q, int64_t m) {
    double x = 1 + 1e-6;
    for (int iteration = 0; iteration < 60; iteration++) {
        double g = 0, h = 0, pivot = 1, first = 0, second = 0;
        for (int64_t k = 0; k < m; k++) {
            const double b2 = k ? q->beside[k - 1] * q->beside[k - 1] : 0;
            const double r = 1 / pivot, r2 = r * r;
            const double next = q->diagonal[k] - x - b2 * r;
            second = b2 * (second * r2 - 2 * first * first * r2 * r);
            first = -1 + b2 * first * r2;
            pivot = next;
            if (!(pivot < 0)) return x;
            g += first / pivot;
            h += first / pivot * (first / pivot) - second / pivot;
        }
        const double inside = (double)(m - 1) * ((double)m * h - g * g);
        const double step = (double)m / (g + sqrt(inside > 0 ? inside : 0));
        if (!(step > 1e-15)) return x;
        x -= step;
    }
    return x;
}

/* Eigenvector of the tridiagonal matrix for its largest eigenvalue: inverse iteration from just above. */
static void ritz_vector(const Problem *q, int64_t m, double value, double *y) {
    double pivot[MOST_STEPS];
    const double x = value + 2e-15;
    for (int64_t k = 0; k < m; k++) {
        pivot[k] = q->diagonal[k] - x - (k ? q->beside[k - 1] * q->beside[k - 1] / pivot[k - 1] : 0);
        if (pivot[k] > -1e-16) pivot[k] = -1e-16;
        y[k] = 1;
    }
    for (int pass = 0; pass < 3; pass++) {
        double norm = 0;
        for (int64_t k = 1; k < m; k++) y[k] -= q->beside[k - 1] / pivot[k - 1] * y[k - 1];
        for (int64_t k = m - 1; k >= 0; k--) y[k] = (y[k] - (k < m - 1 ? q->beside[k] * y[k + 1] : 0)) / pivot[k];
        for (int64_t k = 0; k < m; k++) norm += y[k] * y[k];
        norm = 1 / sqrt(norm);
        for (int64_t k = 0; k < m; k++) y[k] *= norm;
    }
}

INLINE void prepare(Problem *q, const double *p, double *px, double *py) {
    for (int64_t i = 0; i < q->n; i++) px[i] = py[i] = 0;
    for (int64_t i = 0; i < q->n; i++)
        for (int64_t j = 0; j < q->n; j++) {
            px[i] += p[i * q->n + j];
            py[j] += p[i * q->n + j];
        }
    for (int64_t i = 0; i < q->n; i++)
        for (int64_t j = 0; j < q->room; j++) {
            const double cell = j < q->n ? p[i * q->n + j] : 0;
            const double product = cell > 0 ? px[i] * py[j] : 1;
            q->s[i * q->room + j] = cell / sqrt(product);
            q->excess[i * q->room + j] = cell / sqrt(product) * (-EPS / (product + EPS));
        }
}

/* Which levels meet, directly or through others; one vector for each part. */
static void find_parts(Problem *q, const double *px, double *part) {
    for (int64_t i = 0; i < 2 * q->n; i++) part[i] = (double)i; /* rows, then columns of S */
    for (int64_t i = 0; i < q->n; i++)
        for (int64_t k = 0; k < q->n; k++) {
            if (q->s[i * q->room + k] == 0 || part[i] == part[q->n + k]) continue;
            const double gone = part[i], stays = part[q->n + k];
            for (int64_t node = 0; node < 2 * q->n; node++)
                if (part[node] == gone) part[node] = stays;
        }
    q->n_parts = 0;
    for (int64_t i = 0; i < q->n; i++) {
        int seen = px[i] == 0;
        for (int64_t before = 0; before < i && !seen; before++) seen = part[before] == part[i];
        if (seen) continue;
        double *vector = q->basis + q->n_parts++ * q->room, total = 0;
        for (int64_t level = 0; level < q->room; level++) {
            vector[level] = level < q->n && part[level] == part[i] ? sqrt(px[level]) : 0;
            total += vector[level] * vector[level];
        }
        for (int64_t level = 0; level < q->room; level++) vector[level] /= sqrt(total);
    }
}

INLINE double orthogonalised(const Problem *q, double *w, int64_t m) {
    for (int pass = 0; pass < 2; pass++)
        for (int64_t k = 0; k < m; k++) {
            const double *v = q->basis + k * q->room;
            add(w, -dot(w, v, q->room), v, q->room);
        }
    return sqrt(dot(w, w, q->room));
}

/* Lanczos' method: the largest eigenvalue of S S' beside the parts' ones, its vector u, and its distance to the next
 * below.  Returns the number of steps, or 0 where it did not converge. */
INLINE int64_t lanczos(Problem *q, double *y, double *value, double *u, double *gap) {
    const int64_t room = q->room, left = q->n - q->n_parts, most = left < MOST_STEPS ? left : MOST_STEPS;
    double *first = q->basis + q->n_parts * room;
    uint64_t noise = 88172645463325252u; /* Marsaglia's xorshift: a start that favours no eigenvector */
    for (int64_t i = 0; i < room; i++) {
        noise ^= noise << 13;
        noise ^= noise >> 7;
        noise ^= noise << 17;
        first[i] = i < q->n ? (double)(noise >> 40) / 16777216.0 - 0.5 : 0;
    }
    double norm = orthogonalised(q, first, q->n_parts);
    for (int64_t i = 0; i < room; i++) first[i] /= norm;
    for (int64_t m = 0, check = 6;;) {
        double *v = first + m * room, *w = v + room;
        apply(q, q->s, q->s, v, w);
        q->diagonal[m] = dot(v, w, room);
        norm = orthogonalised(q, w, q->n_parts + m + 1);
        q->beside[m++] = norm;
        const int whole = m == left || norm < 1e-13;
        if (m == check || whole || m == most) {
            check = m + m / 3;
            *value = largest(q, m);
            ritz_vector(q, m, *value, y);
            if (whole || norm * fabs(y[m - 1]) < 1e-9) {
                for (int64_t i = 0; i < room; i++) u[i] = 0;
                for (int64_t k = 0; k < m; k++) add(u, y[k], first + k * room, room);
                *gap = *value;
                for (int k = 0; k < 40 && above(q, m, *value - *gap) > 1; k++) *gap *= 0.5;
                return m;
            }
            if (m == most) return 0;
        }
        for (int64_t i = 0; i < room; i++) w[i] /= norm;
    }
}

/* What eps adds to the eigenvalue of u to first order, and a bound of the rest. */
INLINE double perturbation(const Problem *q, const double *u, double gap, double *scratch, double *rest) {
    apply(q, q->excess, q->s, u, scratch);
    apply(q, q->s, q->excess, u, scratch + q->room);
    const double ahead = dot(scratch, scratch, q->room), behind = dot(scratch + q->room, scratch + q->room, q->room);
    *rest = 2 * sqrt(ahead * behind) / (gap > 1e-12 ? gap : 1e-12);
    return dot(u, scratch, q->room);
}

/* found = {eigenvalue, bound of what perturbation theory leaves out (infinite without convergence), distance to the
 * other eigenvalues}. */
WIDE void second_eigenvalue(Problem *q, const double *p, double *px, double *py, double *y, double *found) {
    double value = 0, gap = 1, *u = y + MOST_STEPS, *scratch = u + q->room;
    found[0] = found[2] = 0;
    found[1] = INFINITY;
    prepare(q, p, px, py);
    find_parts(q, px, scratch);
    if (q->n_parts < q->n && !lanczos(q, y, &value, u, &gap)) return;
    if (q->n_parts == 1) {
        found[2] = gap < 1 - value ? gap : 1 - value;
        found[0] = value + perturbation(q, u, found[2], scratch, found + 1);
        return;
    }
    double highest = -INFINITY, second = -INFINITY, most_rest = 0, rest;
    for (int64_t part = 0; part < q->n_parts; part++) {
        const double one = 1 + perturbation(q, q->basis + part * q->room, 1 - value, scratch, &rest);
        second = one > highest ? highest : one > second ? one : second;
        highest = one > highest ? one : highest;
        most_rest = rest > most_rest ? rest : most_rest;
    }
    double size = 0; /* no eigenvalue moves farther */
    for (int64_t k = 0; k < q->n * q->room; k++) size += fabs(q->excess[k]);
    if (1 - value < 4 * size) return; /* it might come before one of them */
    found[0] = second;
    found[1] = most_rest;
}

KERNEL int64_t second_eigenvalues(const double *p, int64_t n_directions, int64_t n, double *found) {
    const int64_t room = (n + LANES - 1) / LANES * LANES;
    const int64_t vectors = 2 * n + n + MOST_STEPS + 1, scratch = 3 + 1 + 2 + 2; /* parts need 2 n numbers */
    double *memory = malloc((size_t)((vectors + scratch) * room + MOST_STEPS) * sizeof *memory);
    if (!memory) return -1;
    Problem q = {.n = n, .room = room, .s = memory, .excess = memory + n * room, .basis = memory + 2 * n * room};
    q.row = memory + vectors * room;
    for (int64_t d = 0; d < n_directions; d++)
        second_eigenvalue(&q, p + d * n * n, q.row + room, q.row + 2 * room, q.row + 3 * room, found + 3 * d);
    free(memory);
    return 0;
}
