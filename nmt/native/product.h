// Products of bytes: y (n,out) = x (n,in) W' + bias + added (n,out), or tanh of it
//
// W is packed: of 16 of its rows, a panel, 4 bytes of each stand together, as both VNNI and tiles want them; zeros fill
// it up to WIDE rows and DEEP columns. A row of x becomes bytes from 1 to 255 of which 128 stands for 0, so a sum of
// products begins with -128 times the sum of W's row.

enum {
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

// What LANES outputs from `column` on have in common.
struct Column {
    __m512 scale, bias;
    int at, count;
};

static inline struct Column column_of(const struct Weight *w, int at) {
    int count = w->out - at;
    if (count <= 0) return (struct Column){.at = at};
    __m512 bias = w->bias ? load(w->bias + at, count) : _mm512_setzero_ps();
    return (struct Column){load(w->scale + at, count), bias, at, count};
}

// From sums of products to a row of y; `added` is that row's, or none.
static inline void finish(struct Column c, int squashed, __m512i sums, float scale, const float *added, float *y) {
    if (c.count <= 0) return;
    __m512 v = _mm512_fmadd_ps(_mm512_cvtepi32_ps(sums), _mm512_mul_ps(c.scale, all(scale)), c.bias);
    if (added) v = _mm512_add_ps(v, load(added + c.at, c.count));
    store(y + c.at, squashed ? hyperbolic_tangent(v) : v, c.count);
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
    for (int p = 0; p < PANELS; p++) {
        struct Column c = column_of(w, column + p * LANES);
        for (int r = 0; r < rows; r++)
            finish(c, w->squashed, sums[r][p], scales[r], row_of(added, r, w->out), y + (size_t)r * w->out);
    }
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
            int across = rows > TILE ? 2 : 4;
            for (int q = 0; q < across; q++) {
                struct Column c = column_of(w, column + (p + q) * LANES);
                for (int r = 0; r < least(rows, n - row); r++)
                    finish(c, w->squashed, _mm512_load_si512(sums[r / TILE * 2 + q][r % TILE]), scales[row + r],
                           row_of(added, row + r, w->out), y + (size_t)(row + r) * w->out);
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
