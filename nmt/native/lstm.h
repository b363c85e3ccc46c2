// The LSTM, with or without layer normalisation (nmt/cells/lstm.py)

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
