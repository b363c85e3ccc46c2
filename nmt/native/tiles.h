// Products of bytes by AMX, whose tiles hold TILE rows of DEEP bytes

enum { FEW_FOR_TILES = 2 };  // rows up to which vectors are faster

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
static void some_columns(
    const struct Weight *w, const digit *x, int n, const float *scales, int column, const float *added, float *y) {
    const int deep = up(w->in, DEEP), panels = WIDE / PANEL;
    int32_t sums[4][TILE][PANEL] __attribute__((aligned(64)));
    for (int row = 0, rows; row < n; row += rows) {
        rows = n - row > TILE ? 2 * TILE : TILE;
        const digit *upper = x + (size_t)row * deep, *lower = upper + (size_t)TILE * deep;
        const int across = rows > TILE ? 2 : 4;
        for (int p = 0; p < panels; p += across) {
            const int8_t *panel = w->packed + (size_t)(column + p * PANEL) * deep;
            const size_t next = (size_t)PANEL * deep;
            _tile_zero(0);
            _tile_zero(1);
            _tile_zero(2);
            _tile_zero(3);
            for (int i = 0; i < deep; i += DEEP, panel += PANEL * DEEP) {
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
            for (int q = 0; q < across; q++)
                for (int r = 0; r < least(rows, n - row); r++)
                    finish(w, column + (p + q) * PANEL, PANEL, sums[r / TILE * 2 + q][r % TILE], scales[row + r],
                           row_of(added, row + r, w->out), y + (size_t)(row + r) * w->out);
        }
    }
}

static void by_tiles(const struct Weight *w, const digit *x, int n, const float *scales, const float *added, float *y) {
    const struct Tiles before = take_tiles();
    for (int column = 0; column < w->out; column += WIDE) some_columns(w, x, n, scales, column, added, y);
    give_back(&before);
}
