// Extensions of hypotheses (search/beam.py)

// The log-sum-exp of a row.
static float normaliser(const float *x, int count) {
    vector most = all(-INFINITY);
    int i = 0;
    for (; i + LANES <= count; i += LANES) most = larger(most, load_float(x + i));
    float largest = largest_of(most);
    for (; i < count; i++) largest = x[i] > largest ? x[i] : largest;
    struct sums sum = {0};
    for (i = 0; i < count; i += 16) EACH_PART
        sum.part[part] += keep(exponential(load_up_to(x + at, count - at) - largest), count - at);
    return largest + logf(total_of(sum));
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
            const float before = log_probs[sentence * k + row];
            if (before == -INFINITY) continue;
            const float sum = normaliser(x, pieces);
            for (int i = 0; i < pieces; i += LANES) {
                const vector total = load_up_to(x + i, pieces - i) - sum + before;
                unsigned some = where_more(total, all(totals[wanted - 1]));
                if (pieces - i < LANES) some &= (1u << (pieces - i)) - 1;
                if (!i) some &= ~1u;
                for (; some; some &= some - 1) {
                    const int lane = __builtin_ctz(some);
                    const float own = total[lane];
                    int at = wanted - 1;
                    if (own <= totals[at]) continue;
                    for (; at && own > totals[at - 1]; at--) totals[at] = totals[at - 1], places[at] = places[at - 1];
                    totals[at] = own, places[at] = (int64_t)row * pieces + i + lane;
                }
            }
        }
    }
}
