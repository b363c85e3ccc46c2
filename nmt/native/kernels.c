// What a step of search computes, for processors with AVX-512 and its products of bytes (VNNI), and AMX where it is.
//
// Matrices lie row by row, without gaps. Nothing is kept between calls, so threads and forks need no care.
// Dims: n rows of one step, k of a sentence side by side, in and out features, h hidden units, s source tokens, a heads,
// d features of a query and m of a value of one head, b sentences.

#include <immintrin.h>
#include <math.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/syscall.h>
#include <unistd.h>

static int has_amx;

// Whether this processor can do what follows, with AMX if it may; to be called first.
int nmt_begin(int may_use_amx) {
    if (!__builtin_cpu_supports("avx512vnni") || !__builtin_cpu_supports("avx512bw")
        || !__builtin_cpu_supports("avx512dq") || !__builtin_cpu_supports("avx512vl")
        || !__builtin_cpu_supports("bmi2"))
        return 0;
    const unsigned tiles = 1 << 24, tiles_of_bytes = 1 << 25;  // of leaf 7
    const long ask = 0x1023, tile_data = 18;                   // Linux lends the tiles to those who ask
    unsigned a = 7, b, c = 0, d;
    __asm__("cpuid" : "+a"(a), "=b"(b), "+c"(c), "=d"(d));
    has_amx = may_use_amx && (d & tiles) && (d & tiles_of_bytes) && !syscall(SYS_arch_prctl, ask, tile_data);
    return 1;
}

#pragma GCC target("arch=x86-64-v4,avx512vnni")

enum {
    LANES = 16,         // floats, or sums of products of bytes, computed at once
    PANELS = 4,         // of LANES outputs, multiplied side by side
    WIDE = 64,          // PANELS * LANES
    DEEP = 64,          // bytes of an input that a tile holds
    TILE = 16,          // rows of a tile
    FEW = 6,            // rows that VNNI multiplies at once
    FEW_FOR_TILES = 2,  // rows up to which VNNI is faster than tiles
    BLOCK = 32,         // rows whose results stay in the cache
};

static inline int up(int n, int multiple) { return (n + multiple - 1) / multiple * multiple; }
static inline int least(int a, int b) { return a < b ? a : b; }

// Of a vector that `count` floats are left for.
static inline __mmask16 lanes(int count) { return count >= LANES ? 0xffff : (1u << count) - 1; }
static inline __m512 load(const float *x, int count) { return _mm512_maskz_loadu_ps(lanes(count), x); }
static inline void store(float *x, __m512 v, int count) { _mm512_mask_storeu_ps(x, lanes(count), v); }
static inline __m512 all(float x) { return _mm512_set1_ps(x); }

// Of bfloat16, the upper halves of floats.
static inline __m512 load_narrow(const uint16_t *x, int count) {
    __m512i wide = _mm512_cvtepu16_epi32(_mm256_maskz_loadu_epi16(lanes(count), x));
    return _mm512_castsi512_ps(_mm512_slli_epi32(wide, 16));
}

// ---- Functions of a vector, right to 1e-5 of the result or better

static inline __m512 reciprocal(__m512 x) {
    __m512 r = _mm512_rcp14_ps(x);
    return _mm512_mul_ps(r, _mm512_fnmadd_ps(x, r, all(2)));
}

// e^x = 2^(n+f), n whole and |f| <= 1/2, by the polynomial that is nearest to 2^f there, off by 8e-8 of it. Of |x| > 80
// it is that of 80: beyond, reciprocals are denormal, which takes a hundred times as long.
static inline __m512 exponential(__m512 x) {
    x = _mm512_mul_ps(_mm512_max_ps(_mm512_min_ps(x, all(80)), all(-80)), all(1.44269504f));
    __m512 n = _mm512_roundscale_ps(x, 0), f = _mm512_sub_ps(x, n);
    __m512 sum = all(1.3276472e-3f);
    sum = _mm512_fmadd_ps(sum, f, all(9.6755415e-3f));
    sum = _mm512_fmadd_ps(sum, f, all(5.5507133e-2f));
    sum = _mm512_fmadd_ps(sum, f, all(0.24022120f));
    sum = _mm512_fmadd_ps(sum, f, all(0.69314697f));
    sum = _mm512_fmadd_ps(sum, f, all(1.0000001f));
    return _mm512_scalef_ps(sum, n);
}

static inline __m512 sigmoid(__m512 x) {
    return reciprocal(_mm512_add_ps(all(1), exponential(_mm512_sub_ps(_mm512_setzero_ps(), x))));
}

static inline __m512 hyperbolic_tangent(__m512 x) {
    return _mm512_fmsub_ps(all(2), sigmoid(_mm512_add_ps(x, x)), all(1));
}

// ---- Products of bytes: y (n,out) = x (n,in) W' + bias + added (n,out), or tanh of it
//
// W is packed: of 16 of its rows, a panel, 4 bytes of each stand together, as both VNNI and tiles want them; zeros fill
// it up to WIDE rows and DEEP columns. A row of x becomes bytes from 1 to 255 of which 128 stands for 0, so a sum of
// products begins with -128 times the sum of W's row.

struct Weight {
    const int8_t *packed;
    const int32_t *sums;   // (out,), what sums of products begin with
    const float *scale;    // (out,)
    const float *bias;     // (out,), or none
    int out, in;
    int squashed;          // by tanh
    float spread;          // of |x|^2, added to the first output
};

// The rows of w (.,in) that are numbered by rows (out,), or the first, packed; and their sums, times -128.
void nmt_pack(const int8_t *w, const int64_t *rows, int out, int in, int8_t *packed, int32_t *sums) {
    int deep = up(in, DEEP);
    memset(packed, 0, (size_t)up(out, WIDE) * deep);
    memset(sums, 0, up(out, WIDE) * sizeof *sums);
    for (int o = 0; o < out; o++) {
        const int8_t *row = w + (size_t)(rows ? rows[o] : o) * in;
        int8_t *to = packed + (size_t)(o / LANES) * LANES * deep + o % LANES * 4;
        for (int i = 0; i < in; i += 4, to += 4 * LANES)
            memcpy(to, row + i, least(4, in - i));
        int32_t sum = 0;
        for (int i = 0; i < in; i++) sum += row[i];
        sums[o] = -128 * sum;
    }
}

// A row of x becomes bytes; returns what they are to be multiplied by.
static float quantise(const float *x, int in, uint8_t *bytes) {
    __m512 most = _mm512_setzero_ps();
    for (int i = 0; i < in; i += LANES) most = _mm512_max_ps(most, _mm512_abs_ps(load(x + i, in - i)));
    float largest = _mm512_reduce_max_ps(most);
    __m512 scale = all(largest > 0 ? 127 / largest : 0);
    for (int i = 0; i < in; i += LANES) {
        __m512i rounded = _mm512_cvtps_epi32(_mm512_mul_ps(load(x + i, in - i), scale));
        rounded = _mm512_add_epi32(rounded, _mm512_set1_epi32(128));
        _mm_mask_storeu_epi8(bytes + i, lanes(in - i), _mm512_cvtepi32_epi8(rounded));
    }
    return largest / 127;
}

// From sums of products to 16 numbers of a row of y. `added` is that row's, or none.
static inline void finish(
    const struct Weight *w, __m512i sums, float scale, int column, const float *added, float *y) {
    int count = w->out - column;
    if (count <= 0) return;
    __m512 v = _mm512_mul_ps(_mm512_cvtepi32_ps(sums), _mm512_mul_ps(load(w->scale + column, count), all(scale)));
    if (w->bias) v = _mm512_add_ps(v, load(w->bias + column, count));
    if (added) v = _mm512_add_ps(v, load(added + column, count));
    store(y + column, w->squashed ? hyperbolic_tangent(v) : v, count);
}

static inline const float *row_of(const float *added, int row, int out) {
    return added ? added + (size_t)row * out : 0;
}

static inline __attribute__((always_inline)) void by_vnni(
    const struct Weight *w, const int rows, const uint8_t *x, const float *scales, int column, const float *added,
    float *y) {
    int deep = up(w->in, DEEP);
    const int8_t *panels = w->packed + (size_t)column * deep;
    __m512i sums[FEW][PANELS];
    for (int r = 0; r < rows; r++)
        for (int p = 0; p < PANELS; p++) sums[r][p] = _mm512_loadu_si512(w->sums + column + p * LANES);
    for (int i = 0; i < deep; i += 4)
        for (int p = 0; p < PANELS; p++) {
            __m512i weights = _mm512_load_si512(panels + (size_t)(p * deep + i) * LANES);
            for (int r = 0; r < rows; r++) {
                int32_t four;
                memcpy(&four, x + (size_t)r * deep + i, 4);
                sums[r][p] = _mm512_dpbusd_epi32(sums[r][p], _mm512_set1_epi32(four), weights);
            }
        }
    for (int r = 0; r < rows; r++)
        for (int p = 0; p < PANELS; p++)
            finish(w, sums[r][p], scales[r], column + p * LANES, row_of(added, r, w->out), y + (size_t)r * w->out);
}

#pragma GCC push_options
#pragma GCC target("amx-tile,amx-int8")

struct Tiles {
    uint8_t palette, start, unused[14];
    uint16_t bytes[16];
    uint8_t rows[16];
};

// Whoever else in the process multiplies by tiles may count on theirs. (Not by the compiler's own functions: GCC's tell
// it neither that all of the struct is read nor that it is written, nor that what tiles are loaded from must be there.)
static struct Tiles take_tiles(void) {
    struct Tiles before, mine = {.palette = 1};
    for (int t = 0; t < 8; t++) mine.bytes[t] = DEEP, mine.rows[t] = TILE;
    __asm__ volatile("sttilecfg %0" : "=m"(before) : : "memory");
    __asm__ volatile("ldtilecfg %0" : : "m"(mine) : "memory");
    return before;
}

static void give_back(const struct Tiles *before) {
    if (before->palette)
        __asm__ volatile("ldtilecfg %0" : : "m"(*before) : "memory");
    else
        _tile_release();
}

// WIDE outputs from `column` on, of rows that are filled up to a multiple of TILE.
static void by_tiles(
    const struct Weight *w, int n, const uint8_t *x, const float *scales, int column, const float *added, float *y) {
    int deep = up(w->in, DEEP);
    int32_t sums[4][TILE][LANES] __attribute__((aligned(64)));
    for (int row = 0, rows; row < n; row += rows) {
        rows = n - row > TILE ? 2 * TILE : TILE;
        const uint8_t *upper = x + (size_t)row * deep, *lower = upper + (size_t)TILE * deep;
        for (int p = 0; p < PANELS; p += rows > TILE ? 2 : 4) {
            const int8_t *panel = w->packed + (size_t)(column + p * LANES) * deep;
            size_t next = (size_t)LANES * deep;
            const int32_t *first = w->sums + column + p * LANES, *second = first + LANES;
            _tile_loadd(0, first, 0);  // each row the same
            _tile_loadd(1, second, 0);
            _tile_loadd(2, rows > TILE ? first : second + LANES, 0);
            _tile_loadd(3, rows > TILE ? second : second + 2 * LANES, 0);
            for (int i = 0; i < deep; i += DEEP, panel += LANES * DEEP) {
                _tile_loadd(4, upper + i, deep);
                _tile_loadd(6, panel, DEEP);
                _tile_loadd(7, panel + next, DEEP);
                _tile_dpbusd(0, 4, 6);
                _tile_dpbusd(1, 4, 7);
                if (rows > TILE) {
                    _tile_loadd(5, lower + i, deep);
                    _tile_dpbusd(2, 5, 6);
                    _tile_dpbusd(3, 5, 7);
                } else {
                    _tile_loadd(5, panel + 2 * next, DEEP);
                    _tile_loadd(6, panel + 3 * next, DEEP);
                    _tile_dpbusd(2, 4, 5);
                    _tile_dpbusd(3, 4, 6);
                }
            }
            _tile_stored(0, sums[0], DEEP);
            _tile_stored(1, sums[1], DEEP);
            _tile_stored(2, sums[2], DEEP);
            _tile_stored(3, sums[3], DEEP);
            for (int r = 0; r < least(rows, n - row); r++) {
                int across = rows > TILE ? 2 : 4;
                for (int q = 0; q < across; q++)
                    finish(w, _mm512_load_si512(sums[r / TILE * 2 + q][r % TILE]), scales[row + r],
                           column + (p + q) * LANES, row_of(added, row + r, w->out), y + (size_t)(row + r) * w->out);
            }
        }
    }
}

#pragma GCC pop_options

// Of up to BLOCK rows; `bytes` is room for as many of DEEP columns, and TILE more, whose fill is zero.
static void product(const struct Weight *w, const float *x, int n, uint8_t *bytes, const float *added, float *y) {
    int deep = up(w->in, DEEP);
    float scales[BLOCK];
    for (int r = 0; r < n; r++) scales[r] = quantise(x + (size_t)r * w->in, w->in, bytes + (size_t)r * deep);
    if (has_amx && n > FEW_FOR_TILES) {
        struct Tiles before = take_tiles();
        for (int column = 0; column < w->out; column += WIDE) by_tiles(w, n, bytes, scales, column, added, y);
        give_back(&before);
    } else {
        for (int column = 0; column < w->out; column += WIDE)
            for (int r = 0; r < n; r += FEW) {
                const uint8_t *from = bytes + (size_t)r * deep;
                const float *own = row_of(added, r, w->out);
                float *to = y + (size_t)r * w->out;
                switch (least(FEW, n - r)) {  // each with its loops unrolled
                    case 1: by_vnni(w, 1, from, scales + r, column, own, to); break;
                    case 2: by_vnni(w, 2, from, scales + r, column, own, to); break;
                    case 3: by_vnni(w, 3, from, scales + r, column, own, to); break;
                    case 4: by_vnni(w, 4, from, scales + r, column, own, to); break;
                    case 5: by_vnni(w, 5, from, scales + r, column, own, to); break;
                    default: by_vnni(w, FEW, from, scales + r, column, own, to);
                }
            }
    }
    for (int r = 0; w->spread != 0 && r < n; r++) {
        const float *row = x + (size_t)r * w->in;
        __m512 squares = _mm512_setzero_ps();
        for (int i = 0; i < w->in; i += LANES) {
            __m512 v = load(row + i, w->in - i);
            squares = _mm512_fmadd_ps(v, v, squares);
        }
        y[(size_t)r * w->out] += w->spread * _mm512_reduce_add_ps(squares);
    }
}

static uint8_t *room_for_bytes(int n, int in) {
    size_t size = (size_t)(least(n, BLOCK) + TILE) * up(in, DEEP);
    return memset(aligned_alloc(DEEP, size), 0, size);
}

void nmt_product(const int8_t *packed, const int32_t *sums, const float *scale, const float *bias, int out, int in,
                 float spread, const float *x, int n, const float *added, int squashed, float *y) {
    struct Weight w = {packed, sums, scale, bias, out, in, squashed, spread};
    uint8_t *bytes = room_for_bytes(n, in);
    for (int row = 0; row < n; row += BLOCK)
        product(&w, x + (size_t)row * in, least(BLOCK, n - row), bytes, row_of(added, row, out), y + (size_t)row * out);
    free(bytes);
}

// ---- The LSTM, with or without layer normalisation (model/cells/lstm.py)

static void normalise(const float *x, int h, const float *gain, const float *bias, float *y) {
    __m512 sum = _mm512_setzero_ps(), squares = sum;
    for (int i = 0; i < h; i += LANES) sum = _mm512_add_ps(sum, load(x + i, h - i));
    __m512 mean = all(_mm512_reduce_add_ps(sum) / h);
    for (int i = 0; i < h; i += LANES) {
        __m512 v = _mm512_maskz_sub_ps(lanes(h - i), load(x + i, h - i), mean);
        squares = _mm512_fmadd_ps(v, v, squares);
    }
    __m512 variance = all(_mm512_reduce_add_ps(squares) / h + 1e-5f);
    __m512 scale = _mm512_div_ps(all(1), _mm512_sqrt_ps(variance));
    for (int i = 0; i < h; i += LANES) {
        __m512 v = _mm512_mul_ps(_mm512_sub_ps(load(x + i, h - i), mean), scale);
        store(y + i, _mm512_fmadd_ps(v, load(gain + i, h - i), load(bias + i, h - i)), h - i);
    }
}

// What follows the products for one row: its gates a (4h,), which may be overwritten, without looked_up (4h,) if there
// is any; its cell c before; gain and shift (5h,) of the normalisation, or none -> its output and its cell.
static void lstm(float *a, const uint16_t *looked_up, const float *c, int h, const float *gain, const float *shift,
                 float *output, float *cell) {
    if (gain) {
        for (int i = 0; looked_up && i < 4 * h; i += LANES)
            store(a + i, _mm512_add_ps(load(a + i, 4 * h - i), load_narrow(looked_up + i, 4 * h - i)), 4 * h - i);
        for (int gate = 0; gate < 4; gate++)
            normalise(a + gate * h, h, gain + gate * h, shift + gate * h, a + gate * h);
        looked_up = 0;
    }
    for (int i = 0; i < h; i += LANES) {
        int left = h - i;
        __m512 gate[4];  // i, f, g, o
        for (int k = 0; k < 4; k++) {
            gate[k] = load(a + k * h + i, left);
            if (looked_up) gate[k] = _mm512_add_ps(gate[k], load_narrow(looked_up + k * h + i, left));
        }
        __m512 v = _mm512_mul_ps(sigmoid(gate[1]), load(c + i, left));
        v = _mm512_fmadd_ps(sigmoid(gate[0]), hyperbolic_tangent(gate[2]), v);
        store(cell + i, v, left);
        if (!gain) store(output + i, _mm512_mul_ps(sigmoid(gate[3]), hyperbolic_tangent(v)), left);
    }
    if (!gain) return;
    normalise(cell, h, gain + 4 * h, shift + 4 * h, a);
    for (int i = 0; i < h; i += LANES) {
        __m512 v = _mm512_mul_ps(sigmoid(load(a + 3 * h + i, h - i)), hyperbolic_tangent(load(a + i, h - i)));
        store(output + i, v, h - i);
    }
}

// Steps of a layer: x (n,in) and c (n,h) before the first -> the output of each (steps,n,h), and c after the last. The
// gates are x W', of which later steps have the output before for x, and row number ids (steps,n) of table (size,4h), of
// bfloat16.
// Returns whether the table has all of them; else nothing was computed.
int nmt_lstm(const int8_t *packed, const int32_t *sums, const float *scale, const float *bias, int in, const float *x,
              const uint16_t *table, int64_t size, const int64_t *ids, const float *c, const float *gain,
              const float *shift, int steps, int n, int h, float *outputs, float *cells) {
    for (size_t i = 0; table && i < (size_t)steps * n; i++)
        if (ids[i] < 0 || ids[i] >= size) return 0;
    struct Weight w = {packed, sums, scale, bias, 4 * h, in, 0, 0};
    uint8_t *bytes = room_for_bytes(n, in);
    float *gates = aligned_alloc(64, (size_t)up(least(n, BLOCK) * 4 * h, LANES) * sizeof *gates);
    for (int row = 0; row < n; row += BLOCK) {
        int rows = least(BLOCK, n - row);
        const float *before = x + (size_t)row * in, *cell = c + (size_t)row * h;
        float *after = cells + (size_t)row * h;
        for (int t = 0; t < steps; t++) {
            float *output = outputs + ((size_t)t * n + row) * h;
            product(&w, before, rows, bytes, 0, gates);
            for (int r = 0; r < rows; r++) {
                const uint16_t *looked_up = table ? table + (size_t)ids[(size_t)t * n + row + r] * 4 * h : 0;
                lstm(gates + (size_t)r * 4 * h, looked_up, cell + (size_t)r * h, h, gain, shift, output + (size_t)r * h,
                     after + (size_t)r * h);
            }
            before = output, cell = after;
        }
    }
    free(gates);
    free(bytes);
    return 1;
}

// ---- Attention (model/attention.py)

// Scores of one query over s keys, `far` floats apart, of which real tells: q . key, or with v the sum of
// v / (1 + q key); returns the largest.
static float scores(const float *q, const float *keys, size_t far, const float *v, const uint8_t *real, int s, int d,
                    float *to) {
    float most = -3e38f;
    for (int t = 0; t < s; t++, keys += far) {
        if (!real[t]) continue;
        __m512 sum = _mm512_setzero_ps();
        for (int i = 0; i < d; i += LANES) {
            __m512 of_query = load(q + i, d - i), of_key = load(keys + i, d - i);
            if (v) {
                __m512 r = reciprocal(_mm512_fmadd_ps(of_query, of_key, all(1)));
                sum = _mm512_fmadd_ps(load(v + i, d - i), r, sum);
            } else {
                sum = _mm512_fmadd_ps(of_query, of_key, sum);
            }
        }
        to[t] = _mm512_reduce_add_ps(sum);
        most = to[t] > most ? to[t] : most;
    }
    return most;
}

// Scores become weights, in place; those of what is not real 0.
static void softmax(float *x, const uint8_t *real, int s, float most) {
    __m512 sum = _mm512_setzero_ps();
    for (int t = 0; t < s; t += LANES) {
        __m128i is_real = _mm_maskz_loadu_epi8(lanes(s - t), real + t);
        __mmask16 kept = _mm_test_epi8_mask(is_real, is_real);
        __m512 e = exponential(_mm512_sub_ps(_mm512_maskz_loadu_ps(kept, x + t), all(most)));
        e = _mm512_maskz_mov_ps(kept, e);
        sum = _mm512_add_ps(sum, e);
        store(x + t, e, s - t);
    }
    __m512 scale = all(1 / _mm512_reduce_add_ps(sum));
    for (int t = 0; t < s; t += LANES) store(x + t, _mm512_mul_ps(load(x + t, s - t), scale), s - t);
}

// The mean of s values, `far` floats apart, by their weights; what has none is not read.
static void mean(const float *weights, const float *values, size_t far, int s, int m, float *to) {
    for (int i = 0; i < m; i += PANELS * LANES) {
        __m512 sum[PANELS];
        for (int p = 0; p < PANELS; p++) sum[p] = _mm512_setzero_ps();
        for (int t = 0; t < s; t++) {
            if (weights[t] == 0) continue;
            const float *value = values + t * far + i;
            for (int p = 0; p < PANELS && i + p * LANES < m; p++)
                sum[p] = _mm512_fmadd_ps(all(weights[t]), load(value + p * LANES, m - i - p * LANES), sum[p]);
        }
        for (int p = 0; p < PANELS && i + p * LANES < m; p++) store(to + i + p * LANES, sum[p], m - i - p * LANES);
    }
}

// q (n,a,d), keys (n/k,s,a,d), values (n/k,s,a,m), real (n/k,s) -> context (n,a,m) and weights (n,a,s). With v (a,d)
// the score is additive: keys are exponentials, and q is what is to be made one, within +-limit.
void nmt_attend(const float *q, const float *keys, const float *values, const uint8_t *real, const float *v, float limit,
                int n, int k, int s, int a, int d, int m, float *context, float *weights) {
    float *query = malloc(sizeof *query * d);
    for (int row = 0; row < n; row++) {
        size_t sentence = row / k;
        for (int head = 0; head < a; head++) {
            size_t at = (size_t)row * a + head;
            const float *own = q + at * d, *key = keys + (sentence * s * a + head) * d;
            float *to = weights + at * s;
            if (v) {
                for (int i = 0; i < d; i += LANES) {
                    __m512 x = _mm512_max_ps(_mm512_min_ps(load(own + i, d - i), all(limit)), all(-limit));
                    store(query + i, exponential(x), d - i);
                }
                own = query;
            }
            float most = scores(own, key, (size_t)a * d, v ? v + head * d : 0, real + sentence * s, s, d, to);
            softmax(to, real + sentence * s, s, most);
            mean(to, values + (sentence * s * a + head) * m, (size_t)a * m, s, m, context + at * m);
        }
    }
    free(query);
}

// ---- Extensions of hypotheses (search/beam.py)

// The log-sum-exp of a row.
static float normaliser(const float *x, int count) {
    __m512 most = all(-INFINITY), sum = _mm512_setzero_ps();
    for (int i = 0; i < count; i += LANES)
        most = _mm512_max_ps(most, _mm512_mask_loadu_ps(most, lanes(count - i), x + i));
    float largest = _mm512_reduce_max_ps(most);
    for (int i = 0; i < count; i += LANES) {
        __m512 e = exponential(_mm512_sub_ps(load(x + i, count - i), all(largest)));
        sum = _mm512_mask_add_ps(sum, lanes(count - i), sum, e);
    }
    return largest + logf(_mm512_reduce_add_ps(sum));
}

// Of b sentences, k rows of logits (b*k,pieces) each, whose hypotheses have log_probs (b*k,): the `wanted` likeliest
// extensions, by what is likeliest and then by what comes first -> their log-probabilities (b,wanted), and their places
// in a sentence's rows joined (b,wanted). Piece 0 counts, but is none of them; where there are too few, -infinity.
void nmt_extend(const float *logits, const float *log_probs, int b, int k, int pieces, int wanted, float *totals,
                int64_t *places) {
    for (int sentence = 0; sentence < b; sentence++, totals += wanted, places += wanted) {
        for (int i = 0; i < wanted; i++) totals[i] = -INFINITY, places[i] = 0;
        for (int row = 0; row < k; row++) {
            const float *x = logits + (size_t)(sentence * k + row) * pieces;
            float before = log_probs[sentence * k + row], sum;
            if (before == -INFINITY) continue;
            sum = normaliser(x, pieces);
            for (int i = 0; i < pieces; i += LANES) {
                __m512 total = _mm512_add_ps(_mm512_sub_ps(load(x + i, pieces - i), all(sum)), all(before));
                __mmask16 some = i ? lanes(pieces - i) : lanes(pieces - i) & ~1;
                some = _mm512_mask_cmp_ps_mask(some, total, all(totals[wanted - 1]), _CMP_GT_OQ);
                for (; some; some &= some - 1) {
                    float own[LANES];
                    _mm512_storeu_ps(own, total);
                    int lane = __builtin_ctz(some), at = wanted - 1;
                    if (own[lane] <= totals[at]) continue;
                    for (; at && own[lane] > totals[at - 1]; at--) totals[at] = totals[at - 1], places[at] = places[at - 1];
                    totals[at] = own[lane], places[at] = (int64_t)row * pieces + i + lane;
                }
            }
        }
    }
}
