// Products of bytes: y (n,out) = x (n,in) W' + bias + added (n,out), or tanh of it
//
// W is packed: of 16 of its rows, a panel, 4 bytes of each stand together, as all that multiplies bytes wants them; zeros
// fill it up to WIDE rows and DEEP columns. A row of x becomes digits, with a scale of its own.

enum {
    PANEL = 16,  // outputs whose weights stand together
    WIDE = 64,   // outputs up to a multiple of which W is filled
    DEEP = 64,   // bytes of an input that a tile holds
    TILE = 16,   // rows of a tile
    BLOCK = 32,  // rows whose results stay in the cache
};

static inline int up(int n, int multiple) { return (n + multiple - 1) / multiple * multiple; }
static inline int least(int a, int b) { return a < b ? a : b; }

struct Weight {
    const int8_t *packed;
    const int32_t *sums;   // (out,), what sums of products begin with
    const float *scale;    // (out,)
    const float *bias;     // (out,), or none
    int out, in;
    int squashed;          // by tanh
    float spread;          // of |x|^2, added to the first output
};

// The rows of w (.,in) that are numbered by rows (out,), or the first, packed; and their sums, times -OFFSET.
void nmt_pack(const int8_t *w, const int64_t *rows, int out, int in, int8_t *packed, int32_t *sums) {
    const int deep = up(in, DEEP);
    memset(packed, 0, (size_t)up(out, WIDE) * deep);
    memset(sums, 0, up(out, WIDE) * sizeof *sums);
    for (int o = 0; o < out; o++) {
        const int8_t *row = w + (size_t)(rows ? rows[o] : o) * in;
        int8_t *to = packed + (size_t)(o / PANEL) * PANEL * deep + o % PANEL * 4;
        int i = 0;
        for (; i + 4 <= in; i += 4, to += 4 * PANEL) memcpy(to, row + i, 4);
        memcpy(to, row + i, in - i);
        int32_t sum = 0;
        for (i = 0; i < in; i++) sum += row[i];
        sums[o] = -OFFSET * sum;
    }
}

// A row of x becomes digits, as many as fill vectors; returns what they are to be multiplied by.
static float quantise(const float *x, int in, digit *digits) {
    const float magic = 12582912;  // as in exponential
    vector most = {0};
    for (int i = 0; i < in; i += LANES) most = larger(most, absolute(load_up_to(x + i, in - i)));
    const float largest = largest_of(most), scale = largest > 0 ? 127 / largest : 0;
    for (int i = 0; i < in; i += LANES)
        store_digits(digits + i, (integers)(load_up_to(x + i, in - i) * scale + magic) - (0x4b400000 - OFFSET));
    return largest / 127;
}

// For `rows` rows of digits and `across` times OUTPUTS outputs, to sums (rows,WIDE); both are constants.
INLINE void add_up(const int8_t *packed, int deep, const digit *x, const int rows, const int across, int32_t *to) {
    dots sums[ROWS][FOR_ONE_ROW];
    UNROLLED for (int r = 0; r < rows; r++) UNROLLED for (int a = 0; a < across; a++) sums[r][a] = (dots){0};
    for (int i = 0; i < deep; i += 4) {
        weights w[FOR_ONE_ROW];
        UNROLLED for (int a = 0; a < across; a++) {
            const int output = a * OUTPUTS;
            w[a] = load_weights(packed + (size_t)(output / PANEL) * PANEL * deep + PANEL * i + output % PANEL * 4);
        }
        UNROLLED for (int r = 0; r < rows; r++) {
            const inputs four = load_inputs(x + (size_t)r * deep + i);
            UNROLLED for (int a = 0; a < across; a++) {
                sums[r][a] = add_products(sums[r][a], four, w[a]);
                STAY_IN_A_REGISTER(sums[r][a]);
            }
        }
    }
    UNROLLED for (int r = 0; r < rows; r++)
        UNROLLED for (int a = 0; a < across; a += 2)
            store_two(to + (size_t)r * WIDE + a * OUTPUTS, sums[r][a], sums[r][a + 1]);
}

// A row's sums (count,) of outputs from `column` on become y; `added` is that row's, or none.
INLINE void finish(const struct Weight *w, int column, int count, const int32_t *sums, float scale, const float *added,
                   float *y) {
    for (int i = 0; i < count; i += LANES) {
        const int o = column + i, left = w->out - o;
        if (left <= 0) return;
        integers whole, begin;
        memcpy(&whole, sums + i, sizeof whole);
        memcpy(&begin, w->sums + o, sizeof begin);
        const vector bias = w->bias ? load_up_to(w->bias + o, left) : all(0);
        vector v = __builtin_convertvector(whole + begin, vector);
        v = multiply_add(v, load_up_to(w->scale + o, left) * scale, bias);
        if (added) v += load_up_to(added + o, left);
        store_up_to(y + o, w->squashed ? hyperbolic_tangent(v) : v, left);
    }
}

static inline const float *row_of(const float *added, int row, int out) {
    return added ? added + (size_t)row * out : 0;
}

#if defined(__AMX_INT8__)
#include "tiles.h"
#endif

static void by_vectors(const struct Weight *w, const digit *x, int n, const float *scales, const float *added, float *y) {
    const int deep = up(w->in, DEEP);
    const int outputs = (n > 1 ? ACROSS : FOR_ONE_ROW) * OUTPUTS;
    int32_t sums[ROWS][WIDE];
    for (int column = 0; column < w->out; column += outputs) {
        const int8_t *packed = w->packed + (size_t)(column / PANEL) * PANEL * deep + column % PANEL * 4;
        for (int r = 0; r < n; r += ROWS) {
            const digit *from = x + (size_t)r * deep;
            switch (least(ROWS, n - r)) {  // each with its loops unrolled
                case 1:
                    if (n > 1) add_up(packed, deep, from, 1, ACROSS, sums[0]);
                    else add_up(packed, deep, from, 1, FOR_ONE_ROW, sums[0]);
                    break;
                case 2: add_up(packed, deep, from, 2, ACROSS, sums[0]); break;
                case 3: add_up(packed, deep, from, 3, ACROSS, sums[0]); break;
                case 4: add_up(packed, deep, from, 4, ACROSS, sums[0]); break;
                case 5: add_up(packed, deep, from, 5, ACROSS, sums[0]); break;
                default: add_up(packed, deep, from, ROWS, ACROSS, sums[0]);
            }
            for (int k = 0; k < least(ROWS, n - r); k++)
                finish(w, column, outputs, sums[k], scales[r + k], row_of(added, r + k, w->out),
                       y + (size_t)(r + k) * w->out);
        }
    }
}

// Of up to BLOCK rows; `digits` is room for as many of DEEP columns, and TILE more, whose fill is zero.
static void product(const struct Weight *w, const float *x, int n, digit *digits, const float *added, float *y) {
    const int deep = up(w->in, DEEP);
    float scales[BLOCK];
    for (int r = 0; r < n; r++) scales[r] = quantise(x + (size_t)r * w->in, w->in, digits + (size_t)r * deep);
#if defined(__AMX_INT8__)
    if (n > FEW_FOR_TILES)
        by_tiles(w, digits, n, scales, added, y);
    else
#endif
        by_vectors(w, digits, n, scales, added, y);
    for (int r = 0; w->spread != 0 && r < n; r++) {
        const float *row = x + (size_t)r * w->in;
        struct sums squares = {0};
        for (int i = 0; i < w->in; i += 16) EACH_PART {
            const vector v = load_up_to(row + at, w->in - at);
            squares.part[part] = multiply_add(v, v, squares.part[part]);
        }
        y[(size_t)r * w->out] += w->spread * total_of(squares);
    }
}

static digit *room_for_digits(int n, int in) {
    const size_t size = (size_t)(least(n, BLOCK) + TILE) * up(in, DEEP) * sizeof(digit);
    return memset(aligned_alloc(64, size), 0, size);
}

void nmt_product(const int8_t *packed, const int32_t *sums, const float *scale, const float *bias, int out, int in,
                 float spread, const float *x, int n, const float *added, int squashed, float *y) {
    const struct Weight w = {packed, sums, scale, bias, out, in, squashed, spread};
    digit *digits = room_for_digits(n, in);
    for (int row = 0; row < n; row += BLOCK)
        product(&w, x + (size_t)row * in, least(BLOCK, n - row), digits, row_of(added, row, out), y + (size_t)row * out);
    free(digits);
}
