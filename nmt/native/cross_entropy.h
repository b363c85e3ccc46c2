// Logits become the gradient of their cross-entropy (nmt/model/loss.py).

struct Logits {
    narrow *logits;          // (rows, pieces)
    const int64_t *targets;  // (rows,); where one is negative, its row counts for nothing
    float *totals;           // (rows, 2): the log-partition, and the target's logit
    int64_t pieces;
    float share;             // of the target
};

static void NAME(gradient_of_logits)(const struct Logits *l, int64_t row) {
    const int64_t n = l->pieces, target = l->targets[row];
    narrow *x = l->logits + row * n;
    if (target < 0) {
        memset(x, 0, n * sizeof(narrow));
        l->totals[2 * row] = l->totals[2 * row + 1] = 0;
        return;
    }
    float *e = kept_numbers(n + LANES);
    const float chosen = NAME(load_part)(x + target, 1)[0];
    vector largest = all(chosen), sum = {0};
    int64_t i = 0;
    for (; i + LANES <= n; i += LANES) largest = maximum(largest, NAME(load)(x + i));
    float most = chosen;
    for (int lane = 0; lane < LANES; lane++) most = largest[lane] > most || largest[lane] != largest[lane] ? largest[lane] : most;
    for (int64_t j = i; j < n; j++) {
        const float one = NAME(load_part)(x + j, 1)[0];
        most = one > most || one != one ? one : most;
    }
    for (i = 0; i + LANES <= n; i += LANES) {
        const vector y = exponential(NAME(load)(x + i) - most);
        sum += y;
        store_float(e + i, y);
    }
    if (i < n) {
        const vector y = keep(exponential(NAME(load_part)(x + i, n - i) - most), n - i);
        sum += y;
        store_float(e + i, y);
    }
    const float partition = total(sum), scale = 1 / partition;
    for (i = 0; i + LANES <= n; i += LANES) NAME(store)(x + i, load_float(e + i) * scale);
    if (i < n) NAME(store_part)(x + i, load_float(e + i) * scale, n - i);
    NAME(store_part)(x + target, all(e[target] * scale - l->share), 1);
    l->totals[2 * row] = most + logf(partition);
    l->totals[2 * row + 1] = chosen;
}

static void NAME(some_logits)(const void *l, int64_t first, int64_t last) {
    for (int64_t row = first; row < last; row++) NAME(gradient_of_logits)(l, row);
}

void NAME(nmt_logits_gradient)(const struct Logits *l, int64_t rows, int64_t threads) {
    share(NAME(some_logits), l, rows, threads);
}
