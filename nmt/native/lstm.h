// The LSTM, with or without layer normalisation (nmt/cells/lstm.py)

static void normalise(const float *x, int h, const float *gain, const float *bias, float *y) {
    struct sums sum = {0}, squares = {0};
    for (int i = 0; i < h; i += 16) EACH_PART sum.part[part] += load_up_to(x + at, h - at);
    const float mean = total_of(sum) / h;
    for (int i = 0; i < h; i += 16) EACH_PART {
        const vector v = keep(load_up_to(x + at, h - at) - mean, h - at);
        squares.part[part] = multiply_add(v, v, squares.part[part]);
    }
    const float scale = 1 / sqrtf(total_of(squares) / h + 1e-5f);
    for (int i = 0; i < h; i += LANES) {
        const vector v = (load_up_to(x + i, h - i) - mean) * scale;
        store_up_to(y + i, multiply_add(v, load_up_to(gain + i, h - i), load_up_to(bias + i, h - i)), h - i);
    }
}

// What follows the products for one row: its gates a (4h,), which may be overwritten, without looked_up (4h,) if there
// is any; its cell c before; gain and shift (5h,) of the normalisation, or none -> its output and its cell.
static void lstm(float *a, const bfloat16 *looked_up, const float *c, int h, const float *gain, const float *shift,
                 float *output, float *cell) {
    if (gain) {
        for (int i = 0; looked_up && i < 4 * h; i += LANES) {
            const int left = 4 * h - i;
            store_up_to(a + i, load_up_to(a + i, left) + load_bfloat16_up_to(looked_up + i, left), left);
        }
        for (int gate = 0; gate < 4; gate++)
            normalise(a + gate * h, h, gain + gate * h, shift + gate * h, a + gate * h);
        looked_up = 0;
    }
    for (int i = 0; i < h; i += LANES) {
        const int left = h - i;
        vector gate[4];  // i, f, g, o
        for (int k = 0; k < 4; k++) {
            gate[k] = load_up_to(a + k * h + i, left);
            if (looked_up) gate[k] += load_bfloat16_up_to(looked_up + k * h + i, left);
        }
        const vector kept = sigmoid(gate[1]) * load_up_to(c + i, left);
        const vector v = multiply_add(sigmoid(gate[0]), hyperbolic_tangent(gate[2]), kept);
        store_up_to(cell + i, v, left);
        if (!gain) store_up_to(output + i, sigmoid(gate[3]) * hyperbolic_tangent(v), left);
    }
    if (!gain) return;
    normalise(cell, h, gain + 4 * h, shift + 4 * h, a);
    for (int i = 0; i < h; i += LANES) {
        const vector open = sigmoid(load_up_to(a + 3 * h + i, h - i));
        store_up_to(output + i, open * hyperbolic_tangent(load_up_to(a + i, h - i)), h - i);
    }
}

// Steps of a layer: x (n,in) and c (n,h) before the first -> the output of each (steps,n,h), and c after the last. The
// gates are x W', of which later steps have the output before for x, and row number ids (steps,n) of table (size,4h), of
// bfloat16.
// Returns whether the table has all of them; else nothing was computed.
int nmt_lstm(const int8_t *packed, const int32_t *sums, const float *scale, const float *bias, int in, const float *x,
             const bfloat16 *table, int64_t size, const int64_t *ids, const float *c, const float *gain,
             const float *shift, int steps, int n, int h, float *outputs, float *cells) {
    for (size_t i = 0; table && i < (size_t)steps * n; i++)
        if (ids[i] < 0 || ids[i] >= size) return 0;
    const struct Weight w = {packed, sums, scale, bias, 4 * h, in, 0, 0};
    digit *digits = room_for_digits(n, in);
    float *gates = aligned_alloc(64, (size_t)up(least(n, BLOCK) * 4 * h, 16) * sizeof *gates);
    for (int row = 0; row < n; row += BLOCK) {
        const int rows = least(BLOCK, n - row);
        const float *before = x + (size_t)row * in, *cell = c + (size_t)row * h;
        float *after = cells + (size_t)row * h;
        for (int t = 0; t < steps; t++) {
            float *output = outputs + ((size_t)t * n + row) * h;
            product(&w, before, rows, digits, 0, gates);
            for (int r = 0; r < rows; r++) {
                const bfloat16 *looked_up = table ? table + (size_t)ids[(size_t)t * n + row + r] * 4 * h : 0;
                lstm(gates + (size_t)r * 4 * h, looked_up, cell + (size_t)r * h, h, gain, shift, output + (size_t)r * h,
                     after + (size_t)r * h);
            }
            before = output, cell = after;
        }
    }
    free(gates);
    free(digits);
    return 1;
}
